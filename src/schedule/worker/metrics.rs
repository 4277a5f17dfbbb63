//! The numbers of a run that are compared from run to run.

use serde_json::{Map, Value};

use crate::exhibit::Exhibit;
use crate::run::manifest::{RunRecord, StageRecord, StageStatus};

/// Numbers of stages that are kept at most.
const MOST: usize = 200;

/// Kinds of stages whose headline numbers are kept.
const JUDGES: [&str; 4] = ["validate", "evaluate", "train", "tune"];

/// The numbers of a run, flat: a name and a number each.
///
/// | name | is |
/// |---|---|
/// | `seconds` | how long it took |
/// | `peak_memory` | bytes of memory at most |
/// | `rows_in` | rows that stages without inputs gave |
/// | `rows_out` | rows of the last stages: those that no other stage reads |
/// | `stages_done`, `stages_cached`, `stages_failed`, `stages_skipped` | how many stages ended so |
/// | `quality` | the least health of the `validate` stages, from 0 to 1 |
/// | `accuracy`, `roc_auc`, `rmse`, .. | the headline numbers of the last `evaluate` stage |
/// | `STAGE.NAME` | each headline number of a `validate`, `evaluate`, `train` or `tune` stage |
///
/// Names of numbers are in small letters with `_` for everything else; those that are not defined are left out. At most 200 of
/// stages.
pub fn metrics(record: &RunRecord) -> Map<String, Value> {
    let mut found = Map::new();
    let mut put = |name: &str, value: Value| {
        found.entry(name.to_owned()).or_insert(value);
    };
    put("seconds", record.seconds.into());
    put("peak_memory", record.peak_memory.into());
    let out = |stages: &mut dyn Iterator<Item = &StageRecord>| -> Option<u64> {
        stages.filter_map(|stage| Some(stage.ledger.as_ref()?.out)).reduce(u64::saturating_add)
    };
    let is_read = |stage: &StageRecord| record.stages.iter().any(|other| other.inputs.contains(&stage.id));
    let rows = [
        ("rows_in", out(&mut record.stages.iter().filter(|stage| stage.inputs.is_empty()))),
        ("rows_out", out(&mut record.stages.iter().filter(|stage| !is_read(stage)))),
    ];
    for (name, rows) in rows {
        if let Some(rows) = rows {
            put(name, rows.into());
        }
    }
    for (name, status) in [
        ("stages_done", StageStatus::Done),
        ("stages_cached", StageStatus::Cached),
        ("stages_failed", StageStatus::Failed),
        ("stages_skipped", StageStatus::Skipped),
    ] {
        put(name, record.stages.iter().filter(|stage| stage.status == status).count().into());
    }
    let judged: Vec<(&StageRecord, String, f64)> = record.stages.iter().flat_map(headline).take(MOST).collect();
    let qualities = judged.iter().filter(|(stage, name, _)| stage.kind == "validate" && name == "health");
    if let Some(quality) = qualities.map(|(_, _, value)| *value).reduce(f64::min) {
        put("quality", quality.into());
    }
    let last = judged.iter().rev().find(|(stage, _, _)| stage.kind == "evaluate").map(|(stage, _, _)| &stage.id);
    for (stage, name, value) in &judged {
        if last == Some(&stage.id) {
            put(name, (*value).into());
        }
        put(&format!("{}.{name}", stage.id), (*value).into());
    }
    found
}

/// The numbers that a stage shows first. Of several that have the same name, such as those of several targets, the first counts.
fn headline(stage: &StageRecord) -> impl Iterator<Item = (&StageRecord, String, f64)> {
    let exhibits = stage.exhibits.iter().filter(|_| JUDGES.contains(&stage.kind.as_str()));
    let metrics = exhibits.filter_map(|exhibit| match exhibit {
        Exhibit::Metrics { metrics, .. } => Some(metrics),
        _ => None,
    });
    metrics.flatten().filter_map(move |metric| Some((stage, plain(&metric.name), metric.value?)))
}

/// `ROC AUC` is `roc_auc`.
fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            letter if letter.is_alphanumeric() => plain.extend(letter.to_lowercase()),
            _ if plain.is_empty() || plain.ends_with('_') => {}
            _ => plain.push('_'),
        }
    }
    plain.truncate(plain.trim_end_matches('_').len());
    plain
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stage(id: &str, kind: &str, family: &str, inputs: &[&str], out: Option<u64>, metrics: &Value) -> Value {
        let ledger = out.map(|out| json!({ "inputs": [], "lookups": [], "changes": [], "out": out }));
        json!({
            "id": id, "kind": kind, "family": family, "line": 1, "inputs": inputs, "status": "done",
            "fingerprint": "", "options": {}, "files": {}, "began": 0.0, "seconds": 0.5, "peak_memory": 1,
            "ledger": ledger, "exhibits": metrics, "outputs": [], "lineage": {},
        })
    }

    fn shown(metrics: &[(&str, Option<f64>)]) -> Value {
        let metrics: Vec<Value> =
            metrics.iter().map(|(name, value)| json!({ "name": name, "value": value, "format": "number" })).collect();
        json!([{ "metrics": { "title": "t", "metrics": metrics } }])
    }

    fn record(stages: Vec<Value>) -> RunRecord {
        serde_json::from_value(json!({
            "format": 1, "id": "1", "pipeline": "p", "title": "p", "file": "p.yaml", "text": "", "params": {},
            "started": "2026-03-01T00:00:00Z", "seconds": 1.5, "status": "done", "peak_memory": 1024, "threads": 2, "version": "0",
            "machine": "", "stages": stages, "warnings": [], "exit_code": 0, "folder": "f",
        }))
        .unwrap()
    }

    #[test]
    fn rows_come_from_the_first_and_the_last_stages() {
        let stages = vec![
            stage("flights", "read", "prepare", &[], Some(100), &json!([])),
            stage("planes", "read", "prepare", &[], Some(20), &json!([])),
            stage("joined", "join", "prepare", &["flights", "planes"], Some(90), &json!([])),
            stage("late", "filter", "prepare", &["joined"], Some(30), &json!([])),
            stage("other", "filter", "prepare", &["joined"], Some(7), &json!([])),
        ];
        let found = metrics(&record(stages));
        let expected = json!({
            "seconds": 1.5, "peak_memory": 1024, "rows_in": 120, "rows_out": 37,
            "stages_done": 5, "stages_cached": 0, "stages_failed": 0, "stages_skipped": 0,
        });
        assert_eq!(Value::Object(found), expected);
        let none = metrics(&record(vec![stage("a", "read", "prepare", &[], None, &json!([]))]));
        assert!(!none.contains_key("rows_in"), "{none:?}");
    }

    #[test]
    fn quality_is_the_least_and_accuracy_that_of_the_last_evaluation() {
        let stages = vec![
            stage(
                "fit",
                "validate",
                "prepare",
                &[],
                None,
                &shown(&[("health", Some(0.9)), ("checks that hold", Some(4.0))]),
            ),
            stage("whole", "validate", "prepare", &[], None, &shown(&[("health", Some(0.75))])),
            stage("first", "evaluate", "learn", &[], None, &shown(&[("accuracy", Some(0.6)), ("F1", Some(0.5))])),
            stage(
                "last",
                "evaluate",
                "learn",
                &[],
                None,
                &shown(&[("accuracy", Some(0.8)), ("ROC AUC", None), ("log loss", Some(0.3))]),
            ),
            stage("seen", "describe", "mine", &[], None, &shown(&[("rows", Some(3.0))])),
        ];
        let found = metrics(&record(stages));
        let is = |name: &str| found.get(name).and_then(Value::as_f64);
        assert_eq!((is("quality"), is("fit.health"), is("whole.health")), (Some(0.75), Some(0.9), Some(0.75)));
        assert_eq!((is("accuracy"), is("first.accuracy"), is("last.accuracy")), (Some(0.8), Some(0.6), Some(0.8)));
        assert_eq!((is("log_loss"), is("f1"), is("first.f1"), is("roc_auc")), (Some(0.3), None, Some(0.5), None));
        assert_eq!((is("fit.checks_that_hold"), is("seen.rows")), (Some(4.0), None));
    }

    #[test]
    fn a_metric_does_not_take_the_name_of_a_number_of_the_run() {
        let stages = vec![stage(
            "last",
            "evaluate",
            "learn",
            &[],
            None,
            &shown(&[("seconds", Some(9.0)), ("  R² (test) ", Some(0.1))]),
        )];
        let found = metrics(&record(stages));
        assert_eq!(found.get("seconds"), Some(&json!(1.5)));
        assert_eq!(found.get("last.seconds"), Some(&json!(9.0)));
        assert_eq!(found.get("r²_test"), Some(&json!(0.1)));
    }
}
