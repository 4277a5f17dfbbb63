use super::*;
use crate::relation::{Sample, Tap};

fn tapped(input: Arc<Relation>, stage: &str, counters: Vec<NamedExpr>, samples: Vec<Sample>) -> Arc<Relation> {
    let tap = Arc::new(Tap { stage: stage.to_owned(), point: "out".to_owned(), counters, samples });
    Arc::new(Relation::Tap { input, tap })
}

fn key(stage: &str) -> (String, String) {
    (stage.to_owned(), "out".to_owned())
}

#[test]
fn taps_count_rows_before_and_after_a_filter() {
    let engine = engine();
    let input = table(&engine, vec![("n", DataType::Int64, numbers(0..250_000))]);
    let before = tapped(input, "read", vec![], vec![]);
    let filtered = Arc::new(Relation::Filter { input: before, predicate: greater(integer("n"), 199_999) });
    let after = tapped(filtered, "filter", vec![], vec![]);
    for _ in 0..2 {
        let execution = Execution::default();
        assert_eq!(engine.count(&after, &execution).unwrap(), 50_000);
        let tally = execution.tally.snapshot();
        assert_eq!((tally[&key("read")].rows, tally[&key("filter")].rows), (250_000, 50_000));
    }
}

#[test]
fn counters_count_where_they_are_true_and_leave_no_column() {
    let engine = engine();
    let input = table(
        &engine,
        vec![
            ("n", DataType::Int64, integers(&[Some(1), None, Some(5), Some(7)])),
            ("s", DataType::String, texts(&[Some("x"), None, None, Some("y")])),
        ],
    );
    let counters = vec![named("large", greater(integer("n"), 4)), named("missing", string("s").is_null())];
    let relation = tapped(input, "clean", counters, vec![]);
    let execution = Execution::default();
    let batches = engine.collect(&relation, &execution).unwrap();
    assert_eq!(text(&batches, &relation.schema()), ["1 x", "- -", "5 -", "7 y"]);
    let counts = &execution.tally.snapshot()[&key("clean")];
    assert_eq!(counts.rows, 4);
    assert_eq!(
        counts.counters.iter().map(|(name, count)| (name.as_str(), *count)).collect::<Vec<_>>(),
        [("large", 2), ("missing", 2)]
    );
}

#[test]
fn samples_keep_the_first_rows_as_text() {
    let engine = engine();
    let input = table(&engine, vec![("n", DataType::Int64, numbers(0..300_000))]);
    let sample = Sample {
        name: "large".to_owned(),
        when: greater(integer("n"), 99_999),
        columns: vec![
            named("n", integer("n")),
            named("null", Expr::literal(crate::expression::Literal::Null, DataType::Int64)),
        ],
        rows: 3,
    };
    let relation = tapped(input, "filter", vec![], vec![sample]);
    let execution = Execution::default();
    assert_eq!(engine.count(&relation, &execution).unwrap(), 300_000);
    let counts = &execution.tally.snapshot()[&key("filter")];
    let row = |n: &str| vec![Some(n.to_owned()), None];
    assert_eq!(counts.samples["large"], [row("100000"), row("100001"), row("100002")]);
}

#[test]
fn a_stopped_stream_leaves_no_counts() {
    let engine = engine();
    let input = table(&engine, vec![("n", DataType::Int64, numbers(0..1_000_000))]);
    let relation = tapped(input, "read", vec![], vec![]);
    let execution = Execution::default();
    engine.stream(&relation, &execution, &mut |_| Ok(false)).unwrap();
    assert!(execution.tally.snapshot().is_empty());
}

#[test]
fn a_shared_part_is_counted_once() {
    let engine = engine();
    let input = table(&engine, vec![("n", DataType::Int64, numbers(0..10))]);
    let shared = tapped(input, "read", vec![], vec![]);
    let relation = Relation::Union { inputs: vec![shared.clone(), shared.clone(), Arc::new(Relation::clone(&shared))] };
    let execution = Execution::default();
    assert_eq!(engine.count(&relation, &execution).unwrap(), 30);
    assert_eq!(execution.tally.snapshot()[&key("read")].rows, 10);
}
