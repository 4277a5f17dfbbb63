//! How good the network is on rows that it does not learn from.

use super::super::error::Error;
use super::super::head::Head;
use super::super::loss::Targets;
use super::super::plan::Plan;
use super::batches::{Batch, Batches};
use super::shards::{Shards, Task};
use serde::{Deserialize, Serialize};

/// The loss and a metric that people read, over all rows of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// The loss, as in training: weighted where the rows have weights.
    pub loss: f64,
    /// What `metric` is: `accuracy`, or `mae` (mean absolute error) for a regression.
    pub metric_name: String,
    /// The mean over the rows, each counting the same.
    pub metric: f64,
}

/// Rows that pass together.
pub(super) const ROWS: usize = 1024;

/// Reads the source once.
///
/// Errors: what the source or its batches are refused for, [`Error::Empty`].
pub(super) fn validate(
    shards: &mut Shards,
    plan: &Plan,
    parameters: &[f32],
    head: Head,
    source: &mut dyn Batches,
    batch: &mut Batch,
) -> Result<Validation, Error> {
    const WHAT: &str = "the validation data";
    let failed = |cause| Error::Source { what: WHAT, cause };
    let (mut count, mut weight, mut loss, mut score) = (0usize, 0.0, 0.0, 0.0);
    source.start(None).map_err(failed)?;
    loop {
        batch.clear();
        source.next_batch(ROWS, batch).map_err(failed)?;
        let rows = batch.check(WHAT, plan.input_size, ROWS, head.loss())?;
        if rows == 0 {
            break;
        }
        let task = Task { plan, parameters, loss: head.loss(), batch, rows };
        let (batch_loss, batch_score) = shards.judge(task, |logits, targets| self::score(head, logits, targets));
        (loss, score) = (loss + batch_loss, score + batch_score);
        weight += batch.total_weight(rows);
        count += rows;
    }
    if count == 0 {
        return Err(Error::Empty(WHAT));
    }
    if weight == 0.0 {
        return Err(Error::Targets { what: WHAT, reason: "all weights are 0".to_owned() });
    }
    let metric_name = if matches!(head, Head::Regression { .. }) { "mae" } else { "accuracy" };
    Ok(Validation { loss: loss / weight, metric_name: metric_name.to_owned(), metric: score / count as f64 })
}

/// The sum over the rows: 1 for the right class, or the mean absolute error of a row. The first of equal logits is the
/// predicted class; yes is predicted from a probability of one half on.
fn score(head: Head, logits: &[f32], targets: Targets<'_>) -> f64 {
    let rows = logits.chunks_exact(head.width().max(1));
    match targets {
        Targets::Classes(classes) => {
            rows.zip(classes).filter(|(z, class)| largest(z) == **class as usize).count() as f64
        }
        Targets::Values(values) if head == Head::Binary => {
            logits.iter().zip(values).filter(|(z, t)| (**z >= 0.0) == (**t >= 0.5)).count() as f64
        }
        Targets::Values(values) => {
            let errors = logits.iter().zip(values).map(|(z, t)| f64::from((z - t).abs()));
            errors.sum::<f64>() / head.width().max(1) as f64
        }
    }
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
        let numbers = Head::Regression { outputs: 2 };
        assert_eq!(score(numbers, &[1.0, 2.0, 0.0, 0.0], Targets::Values(&[0.0, 5.0, -1.0, 0.0])), 2.5);
    }
}
