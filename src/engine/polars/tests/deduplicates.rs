use super::*;
use crate::relation::Keep;

#[test]
fn the_latest_row_of_each_key_stays_in_the_order_of_the_input() {
    let engine = engine();
    let input = table(
        &engine,
        vec![
            ("k", DataType::String, texts(&[Some("a"), Some("b"), Some("a"), None, None])),
            ("t", DataType::Int64, integers(&[Some(5), Some(1), Some(4), Some(2), None])),
            ("row", DataType::Int64, numbers(0..5)),
        ],
    );
    let relation = Relation::Deduplicate {
        input,
        keys: vec!["k".to_owned()],
        keep: Keep::First,
        order_by: vec![SortKey { expr: integer("t"), descending: true, nulls_first: false }],
    };
    assert_eq!(rows(&engine, &relation), ["a 5 0", "b 1 1", "- 2 3"]);
    let narrow = Relation::Project { input: Arc::new(relation), columns: vec![named("row", integer("row"))] };
    assert_eq!(rows(&engine, &narrow), ["0", "1", "3"]);
}

#[test]
fn many_rows_over_many_partitions_agree_with_arithmetic() {
    let engine = engine();
    let count = 300_000;
    let keys = (0..count).map(|i| Some(i * 7919 % 100_003)).collect::<Vec<_>>();
    let input =
        table(&engine, vec![("k", DataType::Int64, integers(&keys)), ("row", DataType::Int64, numbers(0..count))]);
    let relation =
        |keep| Relation::Deduplicate { input: input.clone(), keys: vec!["k".to_owned()], keep, order_by: vec![] };
    // 100,003 is prime, so the keys come back every 100,003 rows, and those of the rows 99,994.. of the third round are missing.
    let first: Vec<String> = (0..100_003).map(|i: i64| format!("{} {i}", i * 7919 % 100_003)).collect();
    assert_eq!(rows(&engine, &relation(Keep::First)), first);
    let last: Vec<String> = (count - 100_003..count).map(|i: i64| format!("{} {i}", i * 7919 % 100_003)).collect();
    assert_eq!(rows(&engine, &relation(Keep::Last)), last);
    assert!(rows(&engine, &relation(Keep::None)).is_empty());
}
