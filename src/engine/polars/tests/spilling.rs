//! What does not fit into a tiny memory gives the same rows, in the same order, with the same counts.

use proptest::prelude::*;

use super::*;
use crate::engine::{EngineError, PointCounts};
use crate::memory::{DiskBudget, MemoryManager};
use crate::relation::{Keep, Tap};

/// An engine that may hold next to nothing, with its folder and its disk.
fn tiny(memory: u64) -> (PolarsEngine, tempfile::TempDir, Arc<DiskBudget>) {
    let folder = tempfile::tempdir().unwrap();
    let disk = DiskBudget::new(1 << 30);
    let engine = engine().with_resources(&MemoryManager::new(memory), &disk, folder.path());
    (engine, folder, disk)
}

#[derive(Debug, Clone)]
struct Row {
    number: Option<i64>,
    text: Option<String>,
    real: Option<f64>,
}

fn random_rows() -> impl Strategy<Value = Vec<Row>> {
    let text = prop::option::weighted(0.9, prop_oneof!["[ab]{0,2}", "[a-c]{14}"]);
    let real = prop::option::weighted(0.9, prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), -2.0..2.0]);
    let row = (prop::option::weighted(0.9, -5_i64..5), text, real).prop_map(|(number, text, real)| Row {
        number,
        text,
        real,
    });
    prop::collection::vec(row, 0..300)
}

fn random_table(engine: &PolarsEngine, rows: &[Row]) -> Arc<Relation> {
    let numbers: Vec<Option<i64>> = rows.iter().map(|row| row.number).collect();
    let words: Vec<Option<&str>> = rows.iter().map(|row| row.text.as_deref()).collect();
    let reals: Vec<Option<f64>> = rows.iter().map(|row| row.real).collect();
    let place = i64::try_from(rows.len()).unwrap();
    let input = table(
        engine,
        vec![
            ("n", DataType::Int64, integers(&numbers)),
            ("s", DataType::String, texts(&words)),
            ("x", DataType::Float64, Arc::new(arrow::array::Float64Array::from(reals))),
            ("row", DataType::Int64, super::numbers(0..place)),
        ],
    );
    let tap = Tap {
        stage: "above".to_owned(),
        point: "out".to_owned(),
        counters: vec![named("positive", greater(integer("n"), 0))],
        samples: Vec::new(),
    };
    Arc::new(Relation::Tap { input, tap: Arc::new(tap) })
}

type Counted = Vec<((String, String), PointCounts)>;

fn run(engine: &PolarsEngine, relation: &Relation) -> Result<(Vec<String>, Counted), EngineError> {
    let execution = Execution::default();
    let batches = engine.collect(relation, &execution)?;
    Ok((text(&batches, &relation.schema()), execution.tally.snapshot().into_iter().collect()))
}

fn sort_key(column: usize, descending: bool, nulls_first: bool) -> SortKey {
    let expr = match column {
        0 => integer("n"),
        1 => string("s"),
        2 => Expr::column("x", DataType::Float64),
        // Computed, with many ties.
        _ => Expr::binary(crate::expression::BinaryOperator::Multiply, integer("n"), integer("n"), DataType::Int64),
    };
    SortKey { expr, descending, nulls_first }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_deduplication_in_little_memory_keeps_the_same_rows(
        rows in random_rows(),
        keys in prop::sample::subsequence(vec!["n", "s", "x"], 1..=3),
        order in prop::collection::vec((0_usize..4, any::<bool>(), any::<bool>()), 0..3),
        keep in prop::sample::select(vec![Keep::First, Keep::Last, Keep::Any, Keep::None]),
        memory in prop::sample::select(vec![1_u64, 20_000]),
    ) {
        let order_by: Vec<SortKey> = order.iter().map(|(column, down, first)| sort_key(*column, *down, *first)).collect();
        let relation = |input| Relation::Deduplicate {
            input,
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            keep,
            order_by: order_by.clone(),
        };
        let (small, folder, disk) = tiny(memory);
        let large = engine();
        let expected = run(&large, &relation(random_table(&large, &rows))).unwrap();
        prop_assert_eq!(run(&small, &relation(random_table(&small, &rows))).unwrap(), expected);
        prop_assert_eq!(disk.used(), 0);
        prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_sort_in_little_memory_gives_the_same_order(
        rows in random_rows(),
        order in prop::collection::vec((0_usize..4, any::<bool>(), any::<bool>()), 1..4),
        memory in prop::sample::select(vec![1_u64, 20_000, 100_000]),
    ) {
        let keys: Vec<SortKey> = order.iter().map(|(column, down, first)| sort_key(*column, *down, *first)).collect();
        let relation = |input| Relation::Sort { input, keys: keys.clone() };
        let (small, folder, disk) = tiny(memory);
        let large = engine();
        let expected = run(&large, &relation(random_table(&large, &rows))).unwrap();
        prop_assert_eq!(run(&small, &relation(random_table(&small, &rows))).unwrap(), expected);
        prop_assert_eq!(disk.used(), 0);
        prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

fn scrambled(engine: &PolarsEngine, count: i64) -> Arc<Relation> {
    let keys: Vec<Option<i64>> = (0..count).map(|i| Some(i * 7919 % 100_003)).collect();
    table(engine, vec![("k", DataType::Int64, integers(&keys)), ("row", DataType::Int64, numbers(0..count))])
}

#[test]
fn a_sort_of_many_blocks_and_runs_agrees_with_arithmetic() {
    let (engine, ..) = tiny(1 << 20);
    let relation = Relation::Sort { input: scrambled(&engine, 300_009), keys: vec![ascending(integer("k"))] };
    // 100,003 is prime: every key comes three times, at the rows i, i + 100,003 and i + 200,006 where i = k / 7919 mod 100,003.
    let found = rows(&engine, &relation);
    let mut first = vec![0; 100_003];
    (0..100_003_i64).for_each(|i| first[usize::try_from(i * 7919 % 100_003).unwrap()] = i);
    let expected: Vec<String> = (0..100_003)
        .flat_map(|k| (0..3).map(move |round| (k, round)))
        .map(|(k, round)| format!("{k} {}", first[k] + round * 100_003))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_sort_feeds_what_stands_above_it() {
    let (engine, ..) = tiny(1 << 20);
    let sorted = Relation::Sort { input: scrambled(&engine, 300_009), keys: vec![ascending(integer("k"))] };
    let numbered = Relation::RowIndex { input: Arc::new(sorted.clone()), name: "place".to_owned() };
    let last = Relation::Filter { input: Arc::new(numbered), predicate: greater(integer("place"), 300_006) };
    let narrow = Relation::Project { input: Arc::new(last), columns: vec![named("k", integer("k"))] };
    assert_eq!(rows(&engine, &narrow), ["100002", "100002"]);
    let first = Relation::Limit { input: Arc::new(sorted), offset: 1, rows: 3 };
    assert_eq!(rows(&engine, &first), ["0 100003", "0 200006", "1 47318"]);
}

#[test]
fn a_disk_that_may_not_take_more_ends_a_sort_with_a_limit() {
    let (engine, folder, _) = tiny(1 << 20);
    let engine = engine.with_resources(&MemoryManager::new(1 << 20), &DiskBudget::new(100_000), folder.path());
    let relation = Relation::Sort { input: scrambled(&engine, 300_009), keys: vec![ascending(integer("k"))] };
    let error = engine.collect(&relation, &Execution::default()).unwrap_err();
    assert_eq!(error.class, crate::diagnostic::Class::Limit);
    assert!(error.message.contains("a sort has to go to disk"), "{}", error.message);
}

#[test]
fn explaining_a_relation_computes_nothing() {
    let (engine, _folder, disk) = tiny(1 << 20);
    let relation = Relation::Sort { input: scrambled(&engine, 300_009), keys: vec![ascending(integer("k"))] };
    assert!(engine.explain(&relation).unwrap().contains("SORT"));
    assert_eq!(disk.peak(), 0);
}
