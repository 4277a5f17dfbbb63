//! Figures of this family, and the errors of making them.

use crate::chart::{Axis, ColourScale, Figure, Heatmap, Line, Mark, NumberFormat, Positions, Series};
use crate::exhibit::Exhibit;

/// Width of figures that are best square.
const SQUARE: (u32, u32) = (480, 420);

/// Axes from 0 to 1 in percent.
fn share(label: &str) -> Axis {
    Axis { format: NumberFormat::Percent, min: Some(0.0), max: Some(1.0), ..Axis::labelled(label) }
}

/// A curve of shares over shares, with a second one to compare it with.
pub(super) fn shares(
    title: String,
    labels: [&str; 2],
    points: &[(f64, f64)],
    names: [&str; 2],
    compare: impl Fn(f64) -> f64,
) -> Figure {
    let x = Positions::Number(points.iter().map(|(x, _)| Some(*x)).collect());
    let curve = Series::new(names[0], points.iter().map(|(_, y)| Some(*y)));
    let other = Series::new(names[1], points.iter().map(|(x, _)| Some(compare(*x))));
    let mut figure = Figure::new(title, Mark::Line(Line::new(x, vec![curve, other])));
    figure.x = share(labels[0]);
    figure.y = share(labels[1]);
    (figure.width, figure.height) = (SQUARE.0, Some(SQUARE.1));
    figure
}

/// Counts of true classes (rows) by predicted classes (columns).
#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
pub(super) fn confusion(names: &[String], count: impl Fn(usize, usize) -> u64) -> Figure {
    let places = 0..names.len();
    let values =
        places.clone().map(|truth| places.clone().map(|predicted| Some(count(truth, predicted) as f64)).collect());
    let heatmap = Heatmap::new(names.to_vec(), names.to_vec(), values.collect(), ColourScale::Sequential);
    let mut figure = Figure::new("Confusion matrix", Mark::Heatmap(heatmap));
    figure.x = Axis::labelled("predicted");
    figure.y = Axis::labelled("true");
    figure.width = SQUARE.0;
    figure
}

/// The figure as an exhibit.
pub(super) fn exhibit(figure: Figure) -> Exhibit {
    Exhibit::Figure(Box::new(figure))
}
