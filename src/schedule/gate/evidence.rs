//! What conditions are judged by, and how the numbers are read from the record of a run.
//!
//! Numbers come from `statistics` of a stage, whose layout is the program's own, and not from what is written for people; only
//! the numbers of stages that keep no statistics of their own are those at the top of their part of the report.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Better;
use crate::exhibit::Exhibit;
use crate::run::manifest::{RunRecord, StageRecord, StageStatus};
use crate::schedule::store::Object;

/// What conditions are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The record of the run that ended well.
    pub record: &'a RunRecord,
    /// The record of the last run of the job before it that succeeded and that no gate refused; none when there was none, or when
    /// its record is gone. A refused run is none, or what was refused today would be what tomorrow is compared with.
    pub last_success: Option<&'a RunRecord>,
    /// For each name under `promote` that has a current version the metrics that were kept with it, see
    /// [`metrics`](super::metrics).
    pub champions: &'a BTreeMap<String, Object>,
}

/// Kinds of stages that measure drift.
pub(super) const DRIFT: [&str; 3] = ["compare", "predict", "profile"];
/// The kind of stage that judges models.
pub(super) const EVALUATE: &str = "evaluate";
/// The kind of stage that checks rows.
pub(super) const VALIDATE: &str = "validate";

/// The stage of that id, when it worked or its kept work was used.
///
/// Errors: why it tells nothing.
pub(super) fn worked<'a>(record: &'a RunRecord, id: &str) -> Result<&'a StageRecord, String> {
    let stage = record.stage(id).ok_or_else(|| format!("the run has no stage `{id}`"))?;
    match stage.status {
        StageStatus::Done | StageStatus::Cached => Ok(stage),
        StageStatus::Failed => Err(format!("stage `{id}` failed")),
        StageStatus::Waiting | StageStatus::Skipped => Err(format!("stage `{id}` did not work in this run")),
    }
}

/// The only stage of one of these kinds.
///
/// Errors: none, or several.
pub(super) fn only<'a>(record: &'a RunRecord, kinds: &[&str]) -> Result<&'a StageRecord, String> {
    let mut found = record.stages.iter().filter(|stage| kinds.contains(&stage.kind.as_str()));
    match (found.next(), found.next()) {
        (Some(stage), None) => worked(record, &stage.id),
        (None, _) => Err(format!("the run has no stage of kind {}", words(kinds))),
        (Some(_), Some(_)) => Err(format!("the run has several stages of kind {}; name one", words(kinds))),
    }
}

/// `a`, `b` or `c`.
pub(super) fn words(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Rows that came out of a stage; of one that only writes files, the rows in them.
pub(super) fn rows(stage: &StageRecord) -> Option<u64> {
    stage.ledger.as_ref().map(|ledger| ledger.out).or_else(|| {
        let written: Vec<u64> = stage.outputs.iter().filter_map(|output| output.rows).collect();
        (!written.is_empty()).then(|| written.iter().sum())
    })
}

/// What `validate` found.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Health {
    #[serde(default)]
    pub(super) health: Option<f64>,
    pub(super) grades: Grades,
}

/// Checks by what became of them.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Grades {
    pub(super) checks: u64,
    pub(super) fail: u64,
    pub(super) warn: u64,
    #[serde(default)]
    pub(super) failing: Vec<String>,
    #[serde(default)]
    pub(super) warning: Vec<String>,
}

/// What a `validate` stage found; none where its record does not tell.
pub(super) fn health(stage: &StageRecord) -> Option<Health> {
    Health::deserialize(&stage.statistics).ok()
}

/// A metric of a model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Score {
    /// The target; empty for the numbers of stages other than `evaluate`.
    pub(super) target: String,
    pub(super) name: String,
    pub(super) value: Option<f64>,
    pub(super) better: Option<Better>,
    /// The values of the simple models by their names.
    pub(super) baselines: Vec<(String, f64)>,
}

#[derive(Deserialize)]
struct Evaluated {
    scores: Vec<OfTarget>,
}

#[derive(Deserialize)]
struct OfTarget {
    target: String,
    metrics: Vec<OfMetric>,
}

#[derive(Deserialize)]
struct OfMetric {
    name: String,
    value: Option<f64>,
    better: Better,
    #[serde(default)]
    baselines: BTreeMap<String, Option<f64>>,
}

/// The metrics of a stage: those of `evaluate`, of others the numbers at the top of its part of the report.
pub(super) fn scores(stage: &StageRecord) -> Vec<Score> {
    if stage.kind != EVALUATE {
        return shown(stage);
    }
    let Ok(Evaluated { scores }) = Evaluated::deserialize(&stage.statistics) else { return Vec::new() };
    let of_target = scores.into_iter().flat_map(|OfTarget { target, metrics }| {
        metrics.into_iter().map(move |metric| Score {
            target: target.clone(),
            name: metric.name,
            value: metric.value,
            better: Some(metric.better),
            baselines: metric.baselines.into_iter().filter_map(|(model, value)| Some((model, value?))).collect(),
        })
    });
    of_target.collect()
}

fn shown(stage: &StageRecord) -> Vec<Score> {
    let groups = stage.exhibits.iter().filter_map(|exhibit| match exhibit {
        Exhibit::Metrics { metrics, .. } => Some(metrics),
        _ => None,
    });
    let one = |metric: &crate::exhibit::Metric| Score {
        target: String::new(),
        name: metric.name.clone(),
        value: metric.value,
        better: direction(&metric.name),
        baselines: Vec::new(),
    };
    groups.flatten().map(one).collect()
}

/// How far a column has moved.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moved {
    pub(super) column: String,
    /// The population stability index, where there is one.
    pub(super) psi: Option<f64>,
    /// Whether chance gives as large an index with so few rows.
    pub(super) by_chance: bool,
    /// What else became of it: `gone`, `type changed`, `new`; empty where it was compared.
    pub(super) instead: String,
}

/// How far the rows of a stage have moved.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Drifted {
    /// There was nothing to compare with, in words.
    First(String),
    /// The rows are gone, in words.
    Gone(String),
    /// Its columns.
    Columns(Vec<Moved>),
}

/// How far the rows of a stage have moved.
///
/// Errors: why the record does not tell.
pub(super) fn drift(stage: &StageRecord) -> Result<Drifted, String> {
    let untold = || {
        format!(
            "the record of `{}` does not tell how far its columns have moved; run it once with `--no-cache`",
            stage.id
        )
    };
    match stage.kind.as_str() {
        "compare" => of_compare(&stage.statistics).ok_or_else(untold),
        "predict" => of_predict(&stage.statistics).ok_or_else(untold),
        "profile" if stage.statistics.get("comparison").is_none_or(Value::is_null) => {
            Err(format!("`{}` compares its rows with nothing; say `with:` there", stage.id))
        }
        "profile" => of_profile(&stage.statistics).ok_or_else(untold),
        kind => Err(format!("`{}` is of kind `{kind}`, which measures no drift", stage.id)),
    }
}

fn of_compare(statistics: &Value) -> Option<Drifted> {
    let drift = statistics.get("drift")?.as_object()?;
    let rows = drift.get("rows")?.as_u64()?;
    match drift.get("rows_before")?.as_u64() {
        None => return Some(Drifted::First("there is no earlier success".to_owned())),
        Some(0) => return Some(Drifted::First("there were no rows before".to_owned())),
        Some(before) if rows == 0 => return Some(Drifted::Gone(format!("there are no rows, and there were {before}"))),
        Some(_) => {}
    }
    let columns = drift.get("columns")?.as_array()?.iter().map(|column| {
        let verdict = column.get("verdict")?.as_str()?;
        Some(Moved {
            column: column.get("column")?.as_str()?.to_owned(),
            psi: column.get("psi").and_then(Value::as_f64),
            by_chance: column.get("by_chance").and_then(Value::as_bool).unwrap_or(false),
            instead: if matches!(verdict, "gone" | "type changed" | "new") { verdict } else { "" }.to_owned(),
        })
    });
    columns.collect::<Option<_>>().map(Drifted::Columns)
}

fn of_predict(statistics: &Value) -> Option<Drifted> {
    let columns = statistics.get("columns")?.as_array()?.iter().map(|column| {
        let psi = column.get("stability_index").and_then(Value::as_f64);
        let is_shifted = column.get("is_shifted").and_then(Value::as_bool).unwrap_or(true);
        Some(Moved {
            column: column.get("column")?.as_str()?.to_owned(),
            psi,
            // The stage calls an index above 0.25 shifted when it is beyond chance.
            by_chance: !is_shifted && psi.is_some_and(|psi| psi > 0.25),
            instead: String::new(),
        })
    });
    columns.collect::<Option<_>>().map(Drifted::Columns)
}

fn of_profile(statistics: &Value) -> Option<Drifted> {
    let comparison = statistics.get("comparison")?;
    let there = comparison.get("rows")?.as_u64()?;
    let here = statistics.get("rows").and_then(Value::as_u64);
    match (there, here) {
        (0, _) => return Some(Drifted::First("the other table has no rows".to_owned())),
        (there, Some(0)) => return Some(Drifted::Gone(format!("there are no rows, and {there} in the other table"))),
        _ => {}
    }
    let moved = |column: &Value| {
        Some(Moved {
            column: column.get("name")?.as_str()?.to_owned(),
            psi: column.get("stability_index").and_then(Value::as_f64),
            by_chance: false,
            instead: String::new(),
        })
    };
    let mut columns: Vec<Moved> = comparison.get("columns")?.as_array()?.iter().map(moved).collect::<Option<_>>()?;
    let named = |of: &str, name: fn(&Value) -> Option<&str>| -> Vec<String> {
        let names = comparison.get(of).and_then(Value::as_array).into_iter().flatten();
        names.filter_map(name).map(str::to_owned).collect()
    };
    let retyped = named("retyped", |column| column.get(0)?.as_str());
    for column in columns.iter_mut().filter(|column| retyped.contains(&column.column)) {
        column.instead = "type changed".to_owned();
    }
    let others = [("removed", "gone"), ("added", "new")];
    columns.extend(others.into_iter().flat_map(|(of, instead)| {
        let blank = move |column: String| Moved { column, psi: None, by_chance: false, instead: instead.to_owned() };
        named(of, Value::as_str).into_iter().map(blank)
    }));
    Some(Drifted::Columns(columns))
}

/// Whether two names of metrics mean the same: large and small letters are one, and so are `_`, `-` and a space.
pub(super) fn same(one: &str, other: &str) -> bool {
    plainly(one) == plainly(other)
}

/// The usual short names.
const SHORT: [(&str, &str); 8] = [
    ("auc", "roc auc"),
    ("mae", "mean absolute error"),
    ("mcc", "matthews correlation"),
    ("ece", "expected calibration error"),
    ("brier", "brier score"),
    ("rmse", "root mean squared error"),
    ("r squared", "r2"),
    ("logloss", "log loss"),
];

fn plainly(name: &str) -> String {
    let lower = name.to_lowercase().replace(['_', '-'], " ");
    let plain = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    SHORT.iter().find(|(short, _)| *short == plain).map_or(plain, |(_, long)| (*long).to_owned())
}

/// Words in names of numbers of which less is better.
const LESS: [&str; 10] =
    ["error", "loss", "deviance", "mape", "smape", "brier", "perplexity", "inertia", "rmse", "mae"];
/// Words in names of numbers of which more is better.
const MORE: [&str; 17] = [
    "accuracy",
    "auc",
    "precision",
    "recall",
    "f1",
    "r2",
    "kappa",
    "correlation",
    "variance",
    "silhouette",
    "purity",
    "coverage",
    "health",
    "sensitivity",
    "specificity",
    "similarity",
    "agreement",
];

/// Which way a number of that name is better, where its name tells.
pub(super) fn direction(name: &str) -> Option<Better> {
    let plain = plainly(name);
    let has = |known: &[&str]| plain.split(' ').any(|word| known.contains(&word));
    match (has(&LESS), has(&MORE)) {
        (true, false) => Some(Better::Lower),
        (false, true) => Some(Better::Higher),
        // "top 5 accuracy loss" and the like: nobody knows.
        _ => None,
    }
}
