//! The table of trials.

use std::path::Path;

use super::TRIALS;
use super::judge::Judge;
use super::metric::{Judged, Metrics, judged};
use super::space::Dimension;
use crate::batch::{self, Values};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Field, Schema};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::learn::needs;
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape};
use crate::tuning::Attempt;

/// The columns, of these paths. Where trials are judged by several targets, each of them has a column too.
fn schema(paths: &[String], judged: &[Judged]) -> Schema {
    let mut fields = vec![
        Field::new("trial", DataType::Int64),
        Field::new("epochs", DataType::Int64),
        Field::new("value", DataType::Float64),
    ];
    fields.extend(of_targets(judged).iter().map(|name| Field::new(name.clone(), DataType::Float64)));
    fields.extend([Field::new("seconds", DataType::Float64), Field::new("failure", DataType::String)]);
    fields.extend(paths.iter().map(|path| Field::new(path.clone(), DataType::String)));
    Schema::new(fields).unwrap_or_default()
}

/// The columns of the targets: none when there is only one, whose metric is the value.
fn of_targets(judged: &[Judged]) -> Vec<String> {
    let several = if judged.len() > 1 { judged } else { &[] };
    several.iter().map(|judged| format!("value_{}", judged.target)).collect()
}

/// Writes the trials as Parquet.
pub(super) fn write(
    path: &Path,
    attempts: &[Attempt],
    dimensions: &[Dimension],
    judge: &Judge,
) -> Result<(), Diagnostic> {
    let integer = |value: u64| i64::try_from(value).ok();
    let trials = attempts.iter().map(|attempt| integer(attempt.configuration as u64 + 1)).collect();
    let epochs = attempts.iter().map(|attempt| attempt.budget.and_then(integer)).collect();
    let values = attempts.iter().map(|attempt| attempt.loss.map(|loss| judge.turned(loss))).collect();
    let seconds = attempts.iter().map(|attempt| Some(attempt.seconds)).collect();
    let failures = attempts.iter().map(|attempt| attempt.failure.clone()).collect();
    let mut columns = vec![
        ("trial", Values::Integers(trials)),
        ("epochs", Values::Integers(epochs)),
        ("value", Values::Floats(values)),
    ];
    let of_targets = of_targets(&judge.judged);
    for (at, name) in of_targets.iter().enumerate() {
        columns.push((name, Values::Floats(attempts.iter().map(|attempt| attempt.values.get(at).copied()).collect())));
    }
    columns.extend([("seconds", Values::Floats(seconds)), ("failure", Values::Texts(failures))]);
    for (at, dimension) in dimensions.iter().enumerate() {
        let texts = attempts.iter().map(|attempt| attempt.point.get(at).map(|value| dimension.text(*value))).collect();
        columns.push((&dimension.path, Values::Texts(texts)));
    }
    batch::write_parquet(path, &batch::table(columns)?)
}

/// The table of trials.
pub(super) struct TrialTable {
    pub(super) paths: Vec<String>,
    pub(super) metric: Option<Spanned<Metrics>>,
}

impl Stage for TrialTable {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let model = needs::model(shapes, 0, context.input_ids)?;
        // What is wrong with the metrics, the search itself says.
        let judged = judged(self.metric.as_ref(), &model.tensors).unwrap_or_default();
        let id = context.input_ids.first().map_or("", String::as_str);
        let source = ScanSource::Artifact(format!("{id}.{TRIALS}"));
        let scan = Relation::Scan(Scan { source, schema: schema(&self.paths, &judged) });
        Ok(Planned::relation(TableShape::new(scan, None)).work(TrialTableWork))
    }
}

struct TrialTableWork;

impl Work for TrialTableWork {
    /// Its rows are none of the stage above.
    fn flowing(&self) -> usize {
        0
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::plus("tried", counts.out)]
    }
}
