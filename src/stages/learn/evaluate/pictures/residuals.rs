//! Pictures of predicted numbers: beside the true ones, and what is left between the two.

use super::super::exhibits::capital;
use super::super::judged::Opinion;
use super::POINTS;
use crate::chart::{Axis, Band, Figure, Histogram, Line, Mark, Points, Positions, Reference, Scatter, Series};
use crate::digits;
use crate::exhibit::Exhibit;
use crate::stages::learn::figures;
use crate::statistics::evaluation::{NormalPlot, NormalPoint, Tail};
use crate::statistics::histogram::{self, Bins, Scale};
use crate::tensor::Target;

/// Points of a scatter at most.
const DOTS: usize = 5_000;

/// Evenly spaced rows, so that no order of the rows is favoured.
fn sampled(values: &[f64]) -> Vec<Option<f64>> {
    let step = values.len().div_ceil(DOTS).max(1);
    values.iter().step_by(step).map(|value| Some(*value)).collect()
}

pub(super) fn numbers(target: &Target, truth: &[f64], network: &Opinion) -> Vec<Exhibit> {
    let predicted: Vec<f64> = network.outputs.iter().copied().collect();
    let residuals: Vec<f64> = truth.iter().zip(&predicted).map(|(truth, predicted)| truth - predicted).collect();
    let column = target.column();
    let left_out = truth.len() - sampled(truth).len();
    let scatter = |title: &str, x: &[f64], y: &[f64]| {
        let mut figure = Figure::new(title, Mark::Scatter(Scatter::new(Positions::Number(sampled(x)), sampled(y))));
        if left_out > 0 {
            figure.note = format!("{} evenly spaced rows of {}", sampled(x).len(), x.len());
        }
        figure
    };
    let mut against = scatter("Predicted against true", truth, &predicted);
    against.x = Axis::labelled(format!("true {column}"));
    against.y = Axis::labelled(format!("predicted {column}"));
    let mut spread = scatter("Residuals by prediction", &predicted, &residuals);
    spread.subtitle = "a pattern here is something that the network has not learned".to_owned();
    spread.x = Axis::labelled(format!("predicted {column}"));
    spread.y = Axis::labelled(format!("true minus predicted {column}"));
    spread.references.push(Reference::y(0.0, ""));
    let histogram = histogram::Histogram::of_values(&residuals, Bins::Auto, Scale::Real);
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
    let counts = histogram.counts().iter().map(|&count| Some(count as f64));
    let mut bars =
        Figure::new(capital("residuals"), Mark::Histogram(Histogram::new(histogram.edges().to_vec(), counts)));
    bars.x = Axis::labelled(format!("true minus predicted {column}"));
    bars.y = Axis::labelled("rows");
    let mut exhibits: Vec<Exhibit> = [against, spread, bars].map(figures::exhibit).into();
    let plot = NormalPlot::new(&residuals, POINTS, 0.95).ok().flatten();
    exhibits.extend(plot.map(|plot| figures::exhibit(beside_normal(&plot, column))));
    exhibits
}

/// Residuals beside those of a normal distribution.
fn beside_normal(plot: &NormalPlot, column: &str) -> Figure {
    let of = |value: fn(&NormalPoint) -> f64| plot.points.iter().map(|point| Some(value(point))).collect::<Vec<_>>();
    let x = Positions::Number(of(|point| point.normal));
    let mut line = Line::new(x.clone(), vec![Series::new("if normal", of(|point| point.expected))]);
    line.bands = vec![Band { series: 0, low: of(|point| point.low), high: of(|point| point.high) }];
    line.points = vec![Points { name: "residuals".to_owned(), series: 1, x, y: of(|point| point.found) }];
    let mut figure = Figure::new("Residuals beside a normal distribution", Mark::Line(line));
    figure.subtitle = match plot.tails() {
        (Tail::Far, Tail::Far) => "large errors both ways are more frequent than in a normal distribution",
        (Tail::Far, _) => {
            "large errors downwards (true far below predicted) are more frequent than in a normal distribution"
        }
        (_, Tail::Far) => {
            "large errors upwards (true far above predicted) are more frequent than in a normal distribution"
        }
        (Tail::Near, _) | (_, Tail::Near) => "large errors are less frequent than in a normal distribution",
        (Tail::Normal, Tail::Normal) => "large errors are about as frequent as in a normal distribution",
    }
    .to_owned();
    figure.x = Axis::labelled("quantile of the standard normal distribution");
    figure.y = Axis::labelled(format!("true minus predicted {column}"));
    let shown = plot.points.len();
    let of = if shown < plot.rows {
        format!("{shown} of {} residuals in their order. ", digits::whole(plot.rows as u64))
    } else {
        String::new()
    };
    figure.note = format!(
        "{of}The line goes through the quartiles; where the residuals are normal, each lies in the band with a probability of 95 %."
    );
    (figure.width, figure.height) = (480, Some(420));
    figure
}
