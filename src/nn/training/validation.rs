//! How a network does on rows that it does not learn from.

use super::super::error::Error;
use super::super::head::Head;
use super::super::loss::Targets;
use super::super::plan::Plan;
use super::batches::{Batch, Batches};
use super::shards::{Shards, Task};
use super::team::Team;
use serde::{Deserialize, Serialize};

/// How many rows are judged together.
pub(super) const ROWS: usize = 1024;

/// How a network does on some rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// The mean loss, weighted as in training: the sum over the outputs, each times its weight.
    pub loss: f64,
    /// What the metric of the first output is: `accuracy` or `mae`.
    pub metric_name: String,
    /// Its mean over the rows: the share of right answers, or the mean absolute error.
    pub metric: f64,
    /// The same for each output, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputValidation>,
}

impl Validation {
    /// Whether a larger metric is a better one.
    pub fn larger_is_better(&self) -> bool {
        self.metric_name == ACCURACY
    }
}

/// How one of several outputs does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputValidation {
    /// The output's name.
    pub name: String,
    /// Its mean loss.
    pub loss: f64,
    /// What its metric is.
    pub metric_name: String,
    /// Its mean over the rows.
    pub metric: f64,
}

/// Judges the rows of a source.
pub(super) fn validate(
    (team, shards): (&Team, &mut Shards),
    plan: &Plan,
    parameters: &mut Vec<f32>,
    source: &mut dyn Batches,
    batch: &mut Batch,
) -> Result<Validation, Error> {
    const WHAT: &str = "the validation data";
    let failed = |cause| Error::Source { what: WHAT, cause };
    source.start(None).map_err(failed)?;
    let outputs = plan.outputs.len();
    let (mut sums, mut scores, mut totals, mut count) = (vec![0.0; outputs], vec![0.0; outputs], vec![0.0; outputs], 0);
    loop {
        batch.clear();
        source.next_batch(ROWS, batch).map_err(failed)?;
        let rows = batch.check(WHAT, plan, ROWS)?;
        if rows == 0 {
            break;
        }
        let task = Task { parameters: &mut *parameters, batch: &mut *batch, rows };
        shards.judge(team, task, &mut sums, &mut scores);
        add_totals(plan, batch, &mut totals);
        count += rows;
    }
    if count == 0 {
        return Err(Error::Empty(WHAT));
    }
    if totals.contains(&0.0) {
        return Err(Error::Targets { what: WHAT, reason: "all weights are 0".to_owned() });
    }
    let judged: Vec<OutputValidation> = plan
        .outputs
        .iter()
        .enumerate()
        .map(|(i, output)| OutputValidation {
            name: output.name.clone(),
            loss: sums[i] / totals[i],
            metric_name: metric_name(output.head).to_owned(),
            metric: scores[i] / count as f64,
        })
        .collect();
    let loss = plan.outputs.iter().zip(&judged).map(|(output, judged)| output.weight * judged.loss).sum();
    let (metric_name, metric) =
        judged.first().map(|first| (first.metric_name.clone(), first.metric)).unwrap_or_default();
    Ok(Validation { loss, metric_name, metric, outputs: if outputs > 1 { judged } else { Vec::new() } })
}

/// Adds, for each output, by what the sum of its losses is divided.
pub(super) fn add_totals(plan: &Plan, batch: &Batch, totals: &mut [f64]) {
    for ((output, target), total) in plan.outputs.iter().zip(&batch.targets).zip(totals) {
        *total += output.loss.total_weight(target.of(&output.loss), batch.weights());
    }
}

const ACCURACY: &str = "accuracy";

fn metric_name(head: Head) -> &'static str {
    match head {
        Head::Binary | Head::Multiclass { .. } | Head::Multilabel { .. } => ACCURACY,
        Head::Regression { .. } | Head::Counts { .. } => "mae",
    }
}

/// The sum over the rows: 1 for the right class, the share of right labels, or the mean absolute error of a row. The
/// first of equal logits is the predicted class; yes is predicted from a probability of one half on.
pub(super) fn score(head: Head, logits: &[f32], targets: Targets<'_>) -> f64 {
    let width = head.width().max(1);
    let values = match targets {
        Targets::Classes(classes) => {
            let rows = logits.chunks_exact(width);
            return rows.zip(classes).filter(|(z, class)| largest(z) == **class as usize).count() as f64;
        }
        Targets::Values(values) => values,
    };
    let pairs = logits.iter().zip(values);
    let sum = match head {
        Head::Binary | Head::Multilabel { .. } => pairs.filter(|(z, t)| (**z >= 0.0) == (**t >= 0.5)).count() as f64,
        Head::Counts { .. } => pairs.map(|(z, t)| (f64::from(*z).exp() - f64::from(*t)).abs()).sum::<f64>(),
        _ => pairs.map(|(z, t)| f64::from((z - t).abs())).sum::<f64>(),
    };
    sum / width as f64
}

fn largest(z: &[f32]) -> usize {
    let start = (0, f32::NEG_INFINITY);
    z.iter().enumerate().fold(start, |best, (i, &v)| if v > best.1 { (i, v) } else { best }).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_counts_of_right_classes_and_absolute_errors() {
        let classes = Head::Multiclass { classes: 3 };
        assert_eq!(score(classes, &[0.0, 2.0, 1.0, 5.0, 5.0, 0.0], Targets::Classes(&[1, 0])), 2.0);
        assert_eq!(score(Head::Binary, &[-0.1, 0.0, 3.0], Targets::Values(&[0.0, 1.0, 0.0])), 2.0);
        let labels = Head::Multilabel { labels: 2 };
        assert_eq!(score(labels, &[-0.1, 0.0, 3.0, 1.0], Targets::Values(&[0.0, 0.0, 1.0, 1.0])), 1.5);
        let numbers = Head::Regression { outputs: 2 };
        assert_eq!(score(numbers, &[1.0, 2.0, 0.0, 0.0], Targets::Values(&[0.0, 5.0, -1.0, 0.0])), 2.5);
        assert_eq!(score(Head::Counts { outputs: 1 }, &[0.0], Targets::Values(&[4.0])), 3.0);
    }
}
