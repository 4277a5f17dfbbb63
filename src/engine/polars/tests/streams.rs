use std::sync::atomic::Ordering;

use super::*;
use crate::diagnostic::Class;
use crate::engine::EngineError;

fn many(engine: &PolarsEngine) -> Arc<Relation> {
    table(engine, vec![("n", DataType::Int64, numbers(0..1_000_000))])
}

#[test]
fn batches_come_in_the_order_of_the_rows() {
    let engine = engine();
    let mut next = 0_i64;
    let mut batches = 0;
    engine
        .stream(&many(&engine), &Execution::default(), &mut |batch| {
            let column = batch.column(0).as_any().downcast_ref::<arrow::array::Int64Array>().unwrap().clone();
            for value in &column {
                assert_eq!(value, Some(next));
                next += 1;
            }
            batches += 1;
            Ok(true)
        })
        .unwrap();
    assert_eq!(next, 1_000_000);
    assert!(batches > 1);
}

#[test]
fn a_sink_can_stop_the_stream() {
    let engine = engine();
    let mut batches = 0;
    engine
        .stream(&many(&engine), &Execution::default(), &mut |_| {
            batches += 1;
            Ok(false)
        })
        .unwrap();
    assert_eq!(batches, 1);
}

#[test]
fn an_error_of_the_sink_comes_back() {
    let engine = engine();
    let failed = EngineError::new(Class::Output, "full");
    let error = engine.stream(&many(&engine), &Execution::default(), &mut |_| Err(failed.clone())).unwrap_err();
    assert_eq!(error, failed);
}

#[test]
fn a_cancelled_stream_ends_as_interrupted() {
    let engine = engine();
    let execution = Execution::default();
    let cancelled = execution.cancelled.clone();
    let error = engine
        .stream(&many(&engine), &execution, &mut |_| {
            cancelled.store(true, Ordering::Relaxed);
            Ok(true)
        })
        .unwrap_err();
    assert_eq!(error.class, Class::Interrupted);
    assert_eq!(engine.count(&many(&engine), &execution).unwrap_err().class, Class::Interrupted);
}

#[test]
fn a_sink_may_ask_the_engine_something_else_meanwhile() {
    let engine = engine();
    let relation = many(&engine);
    let mut counts = Vec::new();
    engine
        .stream(&relation, &Execution::default(), &mut |_| {
            counts.push(engine.count(&relation, &Execution::default())?);
            Ok(counts.len() < 2)
        })
        .unwrap();
    assert_eq!(counts, [1_000_000, 1_000_000]);
}

#[test]
fn a_query_without_any_output_is_stopped_too() {
    let engine = engine();
    let execution = Execution::default();
    let relation = many(&engine);
    let nothing = Relation::Filter { input: relation, predicate: greater(integer("n"), 2_000_000) };
    let sorted = Relation::Sort { input: Arc::new(nothing), keys: vec![ascending(integer("n"))] };
    let cancelled = execution.cancelled.clone();
    let outcome = std::thread::scope(|scope| {
        let run = scope.spawn(|| (0..10_000).map(|_| engine.count(&sorted, &execution)).find(Result::is_err));
        std::thread::sleep(std::time::Duration::from_millis(20));
        cancelled.store(true, Ordering::Relaxed);
        run.join().unwrap()
    });
    assert_eq!(outcome.unwrap().unwrap_err().class, Class::Interrupted);
}
