//! Joins whose sides memory does not hold, against the same in memory and against their definition in quadratic time.

use super::*;
use crate::relation::{Asof, AsofDirection};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn joins_are_the_same_in_any_memory_and_in_the_same_order(
        left in some_rows(400, 60), right in some_rows(400, 60), which in 0_usize..5, kind in 0_usize..7, budget in 20_u64..90,
    ) {
        let kind = [
            JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::Semi, JoinKind::Anti, JoinKind::Asof,
        ][kind];
        let found = |engine: &PolarsEngine| -> Result<Vec<String>, EngineError> {
            let relation = joined(&left.relation(engine), &right.relation(engine), kind, keys(which));
            let batches = engine.collect(&relation, &Execution::default())?;
            Ok(text(&batches, &relation.schema()).into_iter().map(|row| row.replace("-0.0", "0.0")).collect())
        };
        match found(&small(budget << 10)) {
            Ok(found_small) => prop_assert_eq!(found_small, found(&engine()).unwrap()),
            Err(error) => prop_assert!(kind == JoinKind::Asof && error.class == Class::Limit, "{error:?}"),
        }
    }

    #[test]
    fn joins_agree_with_their_definition(
        left in prop::collection::vec(prop::option::of(0_i64..12), 0..80),
        right in prop::collection::vec(prop::option::of(0_i64..12), 0..80),
        kind in 0_usize..6,
    ) {
        let kind =
            [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::Semi, JoinKind::Anti][kind];
        // So little that every partition has to be cut into pieces.
        let engine = small(1 << 9);
        let side = |keys: &[Option<i64>]| {
            let count = i64::try_from(keys.len()).unwrap();
            table(&engine, vec![("k", DataType::Int64, integers(keys)), ("row", DataType::Int64, numbers(0..count))])
        };
        let takes = !matches!(kind, JoinKind::Semi | JoinKind::Anti);
        let relation = Relation::Join(Box::new(Join {
            left: side(&left),
            right: side(&right),
            kind,
            on: vec![("k".to_owned(), "k".to_owned())],
            take: if takes { vec![("row".to_owned(), "other".to_owned())] } else { vec![] },
            asof: None,
        }));
        prop_assert_eq!(rows(&engine, &relation), by_definition(&left, &right, kind));
    }
}

pub(super) fn joined(left: &Arc<Relation>, right: &Arc<Relation>, kind: JoinKind, on: &[&str]) -> Relation {
    let takes = !matches!(kind, JoinKind::Semi | JoinKind::Anti);
    let taken = ["v", "s", "row"].map(|name| (name.to_owned(), format!("their_{name}")));
    Relation::Join(Box::new(Join {
        left: left.clone(),
        right: right.clone(),
        kind,
        on: on.iter().map(|&key| (key.to_owned(), key.to_owned())).collect(),
        take: if takes { taken.to_vec() } else { vec![] },
        asof: (kind == JoinKind::Asof).then(|| Asof {
            left: "v".to_owned(),
            right: "v".to_owned(),
            direction: AsofDirection::Backward,
        }),
    }))
}

/// What the documentation of the kinds says, in quadratic time.
fn by_definition(left: &[Option<i64>], right: &[Option<i64>], kind: JoinKind) -> Vec<String> {
    let shown = |value: Option<i64>| value.map_or("-".to_owned(), |value| value.to_string());
    let matches = |a: &Option<i64>, b: &Option<i64>| a.is_some() && a == b;
    let mut rows = Vec::new();
    if kind == JoinKind::Right {
        for (j, b) in right.iter().enumerate() {
            let before = rows.len();
            let pairs = left.iter().enumerate().filter(|(_, a)| matches(a, b));
            rows.extend(pairs.map(|(i, _)| format!("{} {i} {j}", shown(*b))));
            if rows.len() == before {
                rows.push(format!("{} - {j}", shown(*b)));
            }
        }
        return rows;
    }
    for (i, a) in left.iter().enumerate() {
        let partners: Vec<usize> = (0..right.len()).filter(|&j| matches(a, &right[j])).collect();
        match kind {
            JoinKind::Semi if !partners.is_empty() => rows.push(format!("{} {i}", shown(*a))),
            JoinKind::Anti if partners.is_empty() => rows.push(format!("{} {i}", shown(*a))),
            JoinKind::Semi | JoinKind::Anti => {}
            JoinKind::Left | JoinKind::Full if partners.is_empty() => rows.push(format!("{} {i} -", shown(*a))),
            _ => rows.extend(partners.iter().map(|j| format!("{} {i} {j}", shown(*a)))),
        }
    }
    if kind == JoinKind::Full {
        let alone = right.iter().enumerate().filter(|(_, b)| !left.iter().any(|a| matches(a, b)));
        rows.extend(alone.map(|(j, b)| format!("{} - {j}", shown(*b))));
    }
    rows
}
