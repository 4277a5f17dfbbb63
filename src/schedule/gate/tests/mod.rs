//! Records as runs leave them, and options as they stand in job files.

mod checking;
mod docs;
mod judging;
mod options;

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Evidence, Held, Judged, Promote, Require};
use crate::definition::{LoadOptions, Node, decode, parse};
use crate::diagnostic::{Findings, Source};
use crate::run::manifest::RunRecord;
use crate::schedule::store::Object;

/// What stands in a job file, as a node with its places.
fn node(text: &str) -> Node {
    let indented: String = text.lines().map(|line| format!("      {line}\n")).collect();
    let source = Source::new("job.yaml", format!("name: t\nstages:\n  - job:\n{indented}"));
    let pipeline = parse(source, &LoadOptions::default(), Path::new("")).unwrap();
    pipeline.stages.into_iter().next().unwrap().options
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Findings> {
    decode(&node(text))
}

#[derive(serde::Deserialize)]
struct Gate {
    #[serde(default)]
    require: Vec<Require>,
    #[serde(default)]
    promote: Promote,
}

fn gate(text: &str) -> Gate {
    read(text).unwrap()
}

/// The only condition of `- {..}`.
fn conditions(text: &str) -> Vec<Require> {
    gate(&format!("require:\n  - {text}")).require
}

/// A stage of a record: `extra` is laid over.
pub(in crate::schedule::gate) fn stage(id: &str, kind: &str, extra: &Value) -> Value {
    let mut stage = json!({
        "id": id, "kind": kind, "family": "prepare", "description": null, "line": 1, "inputs": [], "status": "done", "error": null,
        "fingerprint": "0", "options": {}, "files": {}, "began": 0.0, "seconds": 1.5, "peak_memory": 0, "schema": null, "ledger": null,
        "exhibits": [], "outputs": [], "lineage": {},
    });
    for (key, value) in extra.as_object().unwrap() {
        stage[key] = value.clone();
    }
    stage
}

pub(in crate::schedule::gate) fn record(stages: &[Value]) -> RunRecord {
    serde_json::from_value(json!({
        "format": 1, "id": "20261127-020000-00000042", "pipeline": "p", "description": null, "title": "p", "file": "p.yaml", "text": "",
        "params": {}, "started": "2026-11-27T02:00:00Z", "seconds": 12.5, "status": "done", "peak_memory": 0, "threads": 1,
        "version": "0", "machine": "", "stages": stages, "warnings": [], "exit_code": 0, "folder": "",
    }))
    .unwrap()
}

/// A stage out of which so many rows come.
fn table(id: &str, rows: u64) -> Value {
    stage(id, "clean", &json!({ "ledger": { "inputs": [], "lookups": [], "changes": [], "out": rows } }))
}

/// A `validate` stage.
fn validated(id: &str, fail: u64, warn: u64, health: f64) -> Value {
    let grades = json!({
        "checks": 5, "fail": fail, "warn": warn, "divert": 0,
        "failing": (0..fail).map(|at| format!("fails {at}")).collect::<Vec<_>>(),
        "warning": (0..warn).map(|at| format!("warns {at}")).collect::<Vec<_>>(),
    });
    stage(
        id,
        "validate",
        &json!({ "statistics": { "health": health, "grades": grades, "dimensions": {}, "checks": {} } }),
    )
}

/// A `compare` stage: columns as (name, PSI, verdict, by chance).
fn compared(id: &str, before: Option<u64>, rows: u64, columns: &[(&str, Option<f64>, &str, bool)]) -> Value {
    let columns: Vec<Value> = columns
        .iter()
        .map(|(column, psi, verdict, by_chance)| {
            json!({ "column": column, "psi": psi, "verdict": verdict, "by_chance": by_chance })
        })
        .collect();
    let drift = json!({ "rows_before": before, "rows": rows, "columns": columns });
    stage(id, "compare", &json!({ "statistics": { "rows": rows, "columns": [], "drift": drift } }))
}

/// An `evaluate` stage of one target: metrics as (name, value, higher is better, of the forest).
fn evaluated(id: &str, metrics: &[(&str, Option<f64>, bool, Option<f64>)]) -> Value {
    let metrics: Vec<Value> = metrics
        .iter()
        .map(|(name, value, higher, forest)| {
            let better = if *higher { "higher" } else { "lower" };
            json!({ "name": name, "value": value, "better": better, "baselines": { "constant": null, "forest": forest } })
        })
        .collect();
    let scores = json!([{ "target": "late", "metrics": metrics }]);
    stage(id, "evaluate", &json!({ "statistics": { "rows": 236, "scores": scores } }))
}

/// Judges one condition of a run with these stages.
fn judged(text: &str, stages: &[Value]) -> Vec<Judged> {
    judged_beside(text, stages, None, &BTreeMap::new())
}

fn judged_beside(
    text: &str,
    stages: &[Value],
    last: Option<&[Value]>,
    champions: &BTreeMap<String, Object>,
) -> Vec<Judged> {
    let (record, last) = (record(stages), last.map(record));
    let evidence = Evidence { record: &record, last_success: last.as_ref(), champions };
    super::judge(&conditions(text), &evidence)
}

fn held(judged: &[Judged]) -> Vec<Held> {
    judged.iter().map(|judged| judged.held).collect()
}

/// The one answer: whether it holds, and the sentence.
fn one(judged: Vec<Judged>) -> (Held, String) {
    assert_eq!(judged.len(), 1, "{judged:?}");
    let Judged { held, why, .. } = judged.into_iter().next().unwrap();
    (held, why)
}
