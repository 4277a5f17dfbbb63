use super::*;
use crate::diagnostic::Class;
use crate::expression::Function;

fn example(engine: &PolarsEngine) -> Arc<Relation> {
    table(
        engine,
        vec![
            ("k", DataType::String, texts(&[Some("a"), None, Some("b"), Some("a"), None])),
            ("n", DataType::Int64, integers(&[Some(3), Some(1), None, Some(2), Some(1)])),
        ],
    )
}

#[test]
fn a_projection_computes_its_columns_in_their_order() {
    let engine = engine();
    let sum = Expr::binary(crate::expression::BinaryOperator::Add, integer("n"), Expr::integer(1), DataType::Int64);
    let relation =
        Relation::Project { input: example(&engine), columns: vec![named("m", sum), named("k", string("k"))] };
    assert_eq!(rows(&engine, &relation), ["4 a", "2 -", "- b", "3 a", "2 -"]);
}

#[test]
fn a_projection_of_constants_keeps_the_number_of_rows() {
    let engine = engine();
    let relation = Relation::Project { input: example(&engine), columns: vec![named("one", Expr::integer(1))] };
    assert_eq!(rows(&engine, &relation), ["1"; 5]);
}

#[test]
fn a_filter_drops_false_and_null() {
    let engine = engine();
    let relation = Relation::Filter { input: example(&engine), predicate: greater(integer("n"), 1) };
    assert_eq!(rows(&engine, &relation), ["a 3", "a 2"]);
}

#[test]
fn a_column_that_only_a_filter_reads_need_not_come_out() {
    let engine = engine();
    let filtered = Relation::Filter { input: example(&engine), predicate: greater(integer("n"), 1) };
    let relation = Relation::Project { input: Arc::new(filtered), columns: vec![named("k", string("k"))] };
    assert_eq!(rows(&engine, &relation), ["a", "a"]);
}

#[test]
fn nulls_are_one_key_of_an_aggregate() {
    let engine = engine();
    let relation = Relation::Aggregate {
        input: example(&engine),
        keys: vec![named("k", string("k"))],
        aggregates: vec![named("sum", Expr::aggregate(Function::Sum, vec![integer("n")], DataType::Int64))],
    };
    assert_eq!(sorted(rows(&engine, &relation)), ["- 2", "a 5", "b -"].map(str::to_owned));
}

#[test]
fn an_aggregate_without_keys_has_one_row_even_without_input() {
    let engine = engine();
    let nothing = Relation::Filter { input: example(&engine), predicate: greater(integer("n"), 100) };
    let relation = Relation::Aggregate {
        input: Arc::new(nothing),
        keys: vec![],
        aggregates: vec![named("n", Expr::aggregate(Function::Count, vec![integer("n")], DataType::Int64))],
    };
    assert_eq!(rows(&engine, &relation), ["0"]);
}

#[test]
fn a_sort_is_stable_and_places_nulls_as_asked() {
    let engine = engine();
    let input = table(
        &engine,
        vec![
            ("row", DataType::Int64, numbers(0..5)),
            ("n", DataType::Int64, integers(&[Some(2), None, Some(1), Some(2), None])),
        ],
    );
    let order = |descending, nulls_first| {
        let keys = vec![SortKey { expr: integer("n"), descending, nulls_first }];
        let sorted = Relation::Sort { input: input.clone(), keys };
        rows(&engine, &Relation::Project { input: Arc::new(sorted), columns: vec![named("row", integer("row"))] })
    };
    assert_eq!(order(false, false), ["2", "0", "3", "1", "4"]);
    assert_eq!(order(false, true), ["1", "4", "2", "0", "3"]);
    assert_eq!(order(true, false), ["0", "3", "2", "1", "4"]);
    assert_eq!(order(true, true), ["1", "4", "0", "3", "2"]);
}

#[test]
fn a_limit_of_a_sort_keeps_ties_in_the_order_of_the_input() {
    let engine = engine();
    let input = table(
        &engine,
        vec![("row", DataType::Int64, numbers(0..1000)), ("n", DataType::Int64, integers(&vec![Some(7); 1000]))],
    );
    let sorted = Relation::Sort { input, keys: vec![ascending(integer("n"))] };
    let relation = Relation::Limit { input: Arc::new(sorted), offset: 1, rows: 3 };
    assert_eq!(rows(&engine, &relation), ["1 7", "2 7", "3 7"]);
}

#[test]
fn a_limit_leaves_out_the_offset_and_ends_with_the_rows() {
    let engine = engine();
    let limit = |offset, wanted| {
        let relation = Relation::Limit { input: example(&engine), offset, rows: wanted };
        rows(&engine, &relation).len()
    };
    assert_eq!((limit(0, 2), limit(4, 10), limit(9, 1), limit(0, u64::MAX), limit(0, 0)), (2, 1, 0, 5, 0));
}

#[test]
fn the_row_index_counts_from_zero_in_front() {
    let engine = engine();
    let relation = Relation::RowIndex { input: example(&engine), name: "i".to_owned() };
    assert_eq!(rows(&engine, &relation), ["0 a 3", "1 - 1", "2 b -", "3 a 2", "4 - 1"]);
}

#[test]
fn a_union_puts_its_inputs_under_each_other() {
    let engine = engine();
    let swapped = Relation::Project {
        input: example(&engine),
        columns: vec![named("k", string("k")), named("n", Expr::integer(9))],
    };
    let union = Arc::new(Relation::Union { inputs: vec![example(&engine), Arc::new(swapped)] });
    let relation = Relation::Project { input: union, columns: vec![named("n", integer("n"))] };
    assert_eq!(rows(&engine, &relation), ["3", "1", "-", "2", "1", "9", "9", "9", "9", "9"]);
}

#[test]
fn a_shared_part_gives_its_rows_to_everybody() {
    let engine = engine();
    let shared = Arc::new(Relation::Filter { input: example(&engine), predicate: greater(integer("n"), 1) });
    let relation = Relation::Union { inputs: vec![shared.clone(), shared] };
    assert_eq!(rows(&engine, &relation), ["a 3", "a 2", "a 3", "a 2"]);
}

#[test]
fn counting_rows_reads_all_of_them() {
    let engine = engine();
    assert_eq!(engine.count(&example(&engine), &Execution::default()).unwrap(), 5);
    let none = Relation::Filter { input: example(&engine), predicate: greater(integer("n"), 100) };
    assert_eq!(engine.count(&none, &Execution::default()).unwrap(), 0);
}

#[test]
fn the_plan_can_be_shown() {
    let engine = engine();
    let relation = Relation::Filter { input: example(&engine), predicate: greater(integer("n"), 1) };
    assert!(engine.explain(&relation).unwrap().contains("FILTER"));
}

#[test]
fn what_is_not_resolved_is_an_error() {
    let engine = engine();
    for source in [ScanSource::Artifact("a.b".to_owned()), ScanSource::Input, ScanSource::Pinned(999)] {
        let relation = Relation::Scan(Scan { source, schema: schema(&[("n", DataType::Int64)]) });
        assert_eq!(engine.collect(&relation, &Execution::default()).unwrap_err().class, Class::Stage);
    }
}

#[test]
fn a_value_that_cannot_be_converted_is_an_error_about_the_data() {
    let engine = engine();
    let relation = Relation::Project {
        input: example(&engine),
        columns: vec![named("k", string("k").cast(DataType::Int64, true))],
    };
    let error = engine.collect(&relation, &Execution::default()).unwrap_err();
    assert_eq!(error.class, Class::Data);
    assert!(error.message.contains("'a'"), "{}", error.message);
}
