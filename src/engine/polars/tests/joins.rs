use arrow::array::Int64Array;

use super::*;
use crate::relation::{Asof, AsofDirection, Join, JoinKind};

fn left(engine: &PolarsEngine) -> Arc<Relation> {
    table(
        engine,
        vec![
            ("k", DataType::Int64, integers(&[Some(2), None, Some(1), Some(2), Some(4)])),
            ("a", DataType::String, texts(&[Some("p"), Some("q"), Some("r"), Some("s"), Some("t")])),
        ],
    )
}

fn right(engine: &PolarsEngine) -> Arc<Relation> {
    table(
        engine,
        vec![
            ("a", DataType::String, texts(&[Some("x"), Some("y"), Some("z"), Some("w")])),
            ("k", DataType::Int64, integers(&[Some(2), None, Some(3), Some(2)])),
        ],
    )
}

fn joined(kind: JoinKind) -> Vec<String> {
    let engine = engine();
    let keyed = kind != JoinKind::Cross;
    let takes = !matches!(kind, JoinKind::Semi | JoinKind::Anti);
    let relation = Relation::Join(Box::new(Join {
        left: left(&engine),
        right: right(&engine),
        kind,
        on: if keyed { vec![("k".to_owned(), "k".to_owned())] } else { vec![] },
        take: if takes { vec![("a".to_owned(), "b".to_owned())] } else { vec![] },
        asof: None,
    }));
    rows(&engine, &relation)
}

#[test]
fn an_inner_join_keeps_pairs_and_null_matches_nothing() {
    assert_eq!(joined(JoinKind::Inner), ["2 p x", "2 p w", "2 s x", "2 s w"]);
}

#[test]
fn a_left_join_keeps_the_left_rows_in_their_order() {
    assert_eq!(joined(JoinKind::Left), ["2 p x", "2 p w", "- q -", "1 r -", "2 s x", "2 s w", "4 t -"]);
}

#[test]
fn a_right_join_keeps_the_right_rows_and_their_keys() {
    assert_eq!(joined(JoinKind::Right), ["2 p x", "2 s x", "- - y", "3 - z", "2 p w", "2 s w"]);
}

#[test]
fn a_full_join_keeps_all_rows_and_coalesces_keys() {
    assert_eq!(
        joined(JoinKind::Full),
        ["2 p x", "2 p w", "- q -", "1 r -", "2 s x", "2 s w", "4 t -", "- - y", "3 - z"]
    );
}

#[test]
fn a_full_join_keeps_unmatched_rows_of_the_right_in_their_order() {
    let engine = engine();
    let keys: Vec<i64> = (0..20_000).map(|i| i * 7_919 % 20_000).collect();
    let relation = Relation::Join(Box::new(Join {
        left: table(&engine, vec![("k", DataType::Int64, integers(&[Some(5), Some(-1)]))]),
        right: table(&engine, vec![("k", DataType::Int64, Arc::new(Int64Array::from(keys.clone())))]),
        kind: JoinKind::Full,
        on: vec![("k".to_owned(), "k".to_owned())],
        take: vec![],
        asof: None,
    }));
    let expected = [5, -1].into_iter().chain(keys.into_iter().filter(|key| *key != 5));
    assert_eq!(rows(&engine, &relation), expected.map(|key| key.to_string()).collect::<Vec<_>>());
}

#[test]
fn semi_and_anti_joins_part_the_left_rows() {
    assert_eq!(joined(JoinKind::Semi), ["2 p", "2 s"]);
    assert_eq!(joined(JoinKind::Anti), ["- q", "1 r", "4 t"]);
}

#[test]
fn a_cross_join_makes_every_pair() {
    let pairs = joined(JoinKind::Cross);
    assert_eq!(pairs.len(), 20);
    assert_eq!(pairs[..5], ["2 p x", "2 p y", "2 p z", "2 p w", "- q x"]);
}

#[test]
fn a_join_that_takes_nothing_still_repeats_rows() {
    let engine = engine();
    let relation = Relation::Join(Box::new(Join {
        left: left(&engine),
        right: right(&engine),
        kind: JoinKind::Inner,
        on: vec![("k".to_owned(), "k".to_owned())],
        take: vec![],
        asof: None,
    }));
    assert_eq!(rows(&engine, &relation), ["2 p", "2 p", "2 s", "2 s"]);
}

#[test]
fn a_key_can_be_taken_from_the_right_too() {
    let engine = engine();
    let relation = Relation::Join(Box::new(Join {
        left: left(&engine),
        right: right(&engine),
        kind: JoinKind::Left,
        on: vec![("k".to_owned(), "k".to_owned())],
        take: vec![("k".to_owned(), "their_k".to_owned())],
        asof: None,
    }));
    assert_eq!(rows(&engine, &relation), ["2 p 2", "2 p 2", "- q -", "1 r -", "2 s 2", "2 s 2", "4 t -"]);
}

#[test]
fn only_the_needed_columns_of_a_join_may_be_asked_for() {
    let engine = engine();
    let join = Relation::Join(Box::new(Join {
        left: left(&engine),
        right: right(&engine),
        kind: JoinKind::Left,
        on: vec![("k".to_owned(), "k".to_owned())],
        take: vec![("a".to_owned(), "b".to_owned())],
        asof: None,
    }));
    let relation = Relation::Project { input: Arc::new(join), columns: vec![named("b", string("b"))] };
    assert_eq!(rows(&engine, &relation), ["x", "w", "-", "-", "x", "w", "-"]);
}

#[test]
fn joins_of_many_rows_keep_the_order_of_the_left() {
    let engine = engine();
    let count = 400_000;
    let keys: Vec<Option<i64>> = (0..count).map(|i| Some(i * 7919 % 1000)).collect();
    let left =
        table(&engine, vec![("k", DataType::Int64, integers(&keys)), ("row", DataType::Int64, numbers(0..count))]);
    let right = table(&engine, vec![("k", DataType::Int64, numbers(0..500)), ("v", DataType::Int64, numbers(0..500))]);
    let found = |kind| {
        let relation = Relation::Join(Box::new(Join {
            left: left.clone(),
            right: right.clone(),
            kind,
            on: vec![("k".to_owned(), "k".to_owned())],
            take: vec![],
            asof: None,
        }));
        rows(&engine, &Relation::Project { input: Arc::new(relation), columns: vec![named("row", integer("row"))] })
    };
    let expected = |keep: &dyn Fn(i64) -> bool| {
        (0..count).filter(|i| keep(i * 7919 % 1000)).map(|i| i.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(JoinKind::Left), expected(&|_| true));
    assert_eq!(found(JoinKind::Inner), expected(&|k| k < 500));
    assert_eq!(found(JoinKind::Semi), expected(&|k| k < 500));
    assert_eq!(found(JoinKind::Anti), expected(&|k| k >= 500));
}

fn nearest(direction: AsofDirection, by: bool) -> Vec<String> {
    let engine = engine();
    let left = table(
        &engine,
        vec![
            ("t", DataType::Int64, integers(&[Some(10), Some(3), None, Some(5), Some(0), Some(4)])),
            ("k", DataType::String, texts(&[Some("a"), Some("a"), Some("a"), None, Some("b"), Some("b")])),
        ],
    );
    let right = table(
        &engine,
        vec![
            ("u", DataType::Int64, integers(&[Some(6), Some(1), Some(1), None, Some(4), Some(3)])),
            ("k", DataType::String, texts(&[Some("a"), Some("a"), Some("a"), Some("a"), None, Some("b")])),
            ("v", DataType::Int64, numbers(0..6)),
        ],
    );
    let relation = Relation::Join(Box::new(Join {
        left,
        right,
        kind: JoinKind::Asof,
        on: if by { vec![("k".to_owned(), "k".to_owned())] } else { vec![] },
        take: vec![("v".to_owned(), "v".to_owned())],
        asof: Some(Asof { left: "t".to_owned(), right: "u".to_owned(), direction }),
    }));
    rows(&engine, &relation)
}

#[test]
fn an_asof_join_looks_backward_forward_or_to_the_nearest() {
    // By hand: right values in order are 1 (rows 1, 2), 3 (row 5), 4 (row 4), 6 (row 0).
    assert_eq!(nearest(AsofDirection::Backward, false), ["10 a 0", "3 a 5", "- a -", "5 - 4", "0 b -", "4 b 4"]);
    assert_eq!(nearest(AsofDirection::Forward, false), ["10 a -", "3 a 5", "- a -", "5 - 0", "0 b 1", "4 b 4"]);
    assert_eq!(nearest(AsofDirection::Nearest, false), ["10 a 0", "3 a 5", "- a -", "5 - 0", "0 b 2", "4 b 4"]);
}

#[test]
fn an_asof_join_with_keys_stays_within_them() {
    // By hand: key a has 1 (rows 1, 2) and 6 (row 0), key b has 3 (row 5).
    assert_eq!(nearest(AsofDirection::Backward, true), ["10 a 0", "3 a 2", "- a -", "5 - -", "0 b -", "4 b 5"]);
    assert_eq!(nearest(AsofDirection::Forward, true), ["10 a -", "3 a 0", "- a -", "5 - -", "0 b 5", "4 b -"]);
}
