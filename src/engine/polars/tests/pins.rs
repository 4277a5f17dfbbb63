use super::*;

fn even(engine: &PolarsEngine) -> (Relation, Schema) {
    let input =
        table(engine, vec![("n", DataType::Int64, numbers(0..400_000)), ("m", DataType::Int64, numbers(0..400_000))]);
    let relation = Relation::Filter { input, predicate: greater(integer("n"), 99_999) };
    let schema = relation.schema();
    (relation, schema)
}

#[test]
fn a_table_that_fits_is_kept_in_memory() {
    let engine = engine();
    let (relation, schema) = even(&engine);
    let folder = tempfile::tempdir().unwrap();
    let pinned = engine.pin(&relation, &Execution::default(), folder.path()).unwrap();
    assert_eq!((pinned.rows, pinned.bytes, pinned.file), (300_000, 300_000 * 16, None));
    let found = rows(&engine, &Relation::Limit { input: pinned_scan(pinned.id, schema), offset: 0, rows: 1 });
    assert_eq!(found, ["100000 100000"]);
    engine.unpin(pinned.id);
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn a_table_over_the_budget_goes_to_a_file_and_the_file_goes_with_it() {
    let engine = PolarsEngine::new(PolarsOptions { threads: None, memory_budget: Some(3_000_000) });
    let (relation, schema) = even(&engine);
    let folder = tempfile::tempdir().unwrap();
    let spill = folder.path().join("spill");
    let pinned = engine.pin(&relation, &Execution::default(), &spill).unwrap();
    assert_eq!(pinned.rows, 300_000);
    let file = pinned.file.unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().len(), pinned.bytes);
    let found = rows(&engine, &pinned_scan(pinned.id, schema));
    let expected: Vec<String> = (100_000..400_000).map(|n| format!("{n} {n}")).collect();
    assert_eq!(found, expected);
    engine.unpin(pinned.id);
    assert!(!file.exists());
}

#[test]
fn a_pin_that_fails_leaves_nothing() {
    let engine = PolarsEngine::new(PolarsOptions { threads: None, memory_budget: Some(3) });
    let input = table(&engine, vec![("s", DataType::String, texts(&[Some("1"), Some("x")]))]);
    let relation = Relation::Project { input, columns: vec![named("n", string("s").cast(DataType::Int64, true))] };
    let folder = tempfile::tempdir().unwrap();
    assert!(engine.pin(&relation, &Execution::default(), folder.path()).is_err());
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn an_empty_table_keeps_its_columns() {
    let engine = engine();
    let input = table(&engine, vec![("n", DataType::Int64, numbers(0..3))]);
    let relation = Relation::Filter { input, predicate: greater(integer("n"), 9) };
    let folder = tempfile::tempdir().unwrap();
    let pinned = engine.pin(&relation, &Execution::default(), folder.path()).unwrap();
    assert_eq!(pinned.rows, 0);
    assert!(rows(&engine, &pinned_scan(pinned.id, relation.schema())).is_empty());
}
