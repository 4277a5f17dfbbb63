//! The main flow of rows.

use super::sample::{entry, full, run, schema, stage};
use crate::report::flow::main_flow;
use crate::run::ledger::Entry;
use crate::run::manifest::StageRecord;
use crate::stages::Family;

fn table(id: &str, kind: &str, entry: Entry) -> StageRecord {
    let inputs: Vec<String> = entry.inputs.iter().map(|(id, _)| id.clone()).collect();
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let mut stage = stage(id, kind, Family::Prepare, &inputs);
    stage.schema = Some(schema(["x".to_owned()]));
    stage.ledger = Some(entry);
    stage
}

fn steps(record: &crate::run::manifest::RunRecord) -> (i64, Vec<(String, i64)>, i64) {
    let flow = main_flow(record).unwrap();
    let sum: i64 = flow.steps.iter().map(|step| step.rows).sum();
    assert_eq!(flow.start + sum, flow.end, "the flow adds up");
    (
        flow.start,
        flow.steps.iter().map(|step| (format!("{}: {}", step.stage, step.reason), step.rows)).collect(),
        flow.end,
    )
}

#[test]
fn it_begins_with_what_was_read_and_goes_the_longest_way() {
    let found = steps(&full());
    assert_eq!(found, (1_000, vec![("sales: rejected".into(), -4), ("dear: condition false".into(), -196)], 800));
}

#[test]
fn rows_of_a_union_come_in_from_the_side() {
    let record = run(vec![
        table("a", "read", entry(&[], &[("read", 10)])),
        table("b", "read", entry(&[], &[("read", 5)])),
        table("a2", "filter", entry(&[("a", 10)], &[("condition false", -1)])),
        table("all", "union", entry(&[("a2", 9), ("b", 5)], &[])),
    ]);
    assert_eq!(steps(&record), (10, vec![("a2: condition false".into(), -1), ("all: rows of b".into(), 5)], 14));
}

#[test]
fn groups_are_not_rows_any_more() {
    let mut stages = vec![
        table("a", "read", entry(&[], &[("read", 10)])),
        table("b", "filter", entry(&[("a", 10)], &[("condition false", -1)])),
        table("g", "aggregate", entry(&[("b", 9)], &[("merged into groups", -7)])),
        table("s", "sort", entry(&[("g", 2)], &[])),
    ];
    assert_eq!(steps(&run(stages.clone())).2, 9);
    stages[2] = table("g", "describe", entry(&[("b", 9)], &[("summarized", -9), ("one row for each column", 2)]));
    assert_eq!(steps(&run(stages.clone())).2, 9);
    // Unless there is no other way.
    stages.remove(1);
    stages[1] = table("g", "aggregate", entry(&[("a", 10)], &[("merged into groups", -8)]));
    assert_eq!(steps(&run(stages)).2, 2);
}

#[test]
fn what_has_no_reason_is_a_step_too() {
    let mut record = full();
    record.stages[1].ledger.as_mut().unwrap().out = 790;
    record.stages[3].ledger.as_mut().unwrap().inputs[0].1 = 790;
    record.stages[3].ledger.as_mut().unwrap().out = 790;
    let (_, found, end) = steps(&record);
    assert_eq!((found.last().unwrap(), end), (&("dear: no reason recorded".to_owned(), -10), 790));
}

#[test]
fn counts_that_contradict_each_other_are_made_to_meet() {
    let mut record = full();
    record.stages[3].ledger.as_mut().unwrap().inputs[0].1 = 5;
    record.stages[3].ledger.as_mut().unwrap().out = 5;
    let (_, found, end) = steps(&record);
    assert_eq!((found.last().unwrap(), end), (&("out: no reason recorded".to_owned(), -795), 5));
}
