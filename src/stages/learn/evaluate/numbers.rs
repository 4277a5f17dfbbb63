//! Judging number targets.

use super::figures;
use super::judged::Judged;
use super::verdict::{Score, Verdict};
use crate::chart::{Axis, Figure, Histogram, Mark, Positions, Scatter};
use crate::statistics::evaluation::{Error, MeanBaseline, RegressionMetrics};
use crate::statistics::histogram::{self, Bins, Scale};
use crate::tensor::NumberTarget;

/// Points of the scatter at most.
const POINTS: usize = 5_000;

/// A number target.
pub(super) fn number(target: &NumberTarget, judged: &Judged) -> Result<Verdict, Error> {
    let (truth, predicted) = (&judged.numbers, &judged.outputs);
    let metrics = RegressionMetrics::new(truth, predicted)?;
    let baseline = MeanBaseline::new(&[target.center], truth)?.and_then(|baseline| baseline.metrics);
    let of = |score: fn(&RegressionMetrics) -> Option<f64>| {
        (metrics.as_ref().and_then(score), baseline.as_ref().and_then(score))
    };
    let score = |name, (value, baseline)| Score::number(name, value, baseline);
    let scores = vec![
        score("R2", of(|metrics| metrics.r2)),
        score("mean absolute error", of(|metrics| Some(metrics.mae))),
        score("root mean squared error", of(|metrics| Some(metrics.rmse))),
    ];
    let exhibits =
        vec![figures::exhibit(residuals(truth, predicted)), figures::exhibit(scatter(target, truth, predicted))];
    Ok(Verdict { scores, exhibits })
}

fn residuals(truth: &[f64], predicted: &[f64]) -> Figure {
    let residuals: Vec<f64> = truth.iter().zip(predicted).map(|(truth, predicted)| truth - predicted).collect();
    let histogram = histogram::Histogram::of_values(&residuals, Bins::Auto, Scale::Real);
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
    let counts = histogram.counts().iter().map(|&count| Some(count as f64));
    let mut figure = Figure::new("Residuals", Mark::Histogram(Histogram::new(histogram.edges().to_vec(), counts)));
    figure.x = Axis::labelled("true minus predicted");
    figure.y = Axis::labelled("rows");
    figure
}

/// Evenly spaced rows, so that no order of the rows is favoured.
fn scatter(target: &NumberTarget, truth: &[f64], predicted: &[f64]) -> Figure {
    let step = truth.len().div_ceil(POINTS).max(1);
    let sampled = |values: &[f64]| values.iter().step_by(step).map(|value| Some(*value)).collect::<Vec<_>>();
    let points = Scatter::new(Positions::Number(sampled(truth)), sampled(predicted));
    let mut figure = Figure::new("Predicted against true", Mark::Scatter(points));
    figure.x = Axis::labelled(format!("true {}", target.column));
    figure.y = Axis::labelled(format!("predicted {}", target.column));
    if step > 1 {
        figure.note = format!("One row in {step} is drawn.");
    }
    figure
}
