//! Figures of this family.

use crate::chart::{Axis, ColourScale, Figure, Heatmap, Mark, NumberFormat};
use crate::exhibit::Exhibit;
use crate::statistics::evaluation::ConfusionMatrix;

/// For each true class (a row) the shares of the predicted ones (columns), so that rare classes can be read as well.
pub(super) fn confusion(names: &[String], matrix: &ConfusionMatrix) -> Figure {
    let places = 0..names.len();
    let values = places.clone().map(|truth| places.clone().map(|predicted| matrix.share(truth, predicted)).collect());
    let mut heatmap = Heatmap::new(names.to_vec(), names.to_vec(), values.collect(), ColourScale::Sequential);
    heatmap.format = NumberFormat::Percent;
    let mut figure = Figure::new("Confusion matrix", Mark::Heatmap(heatmap));
    figure.subtitle = "share of each true class".to_owned();
    figure.x = Axis::labelled("predicted");
    figure.y = Axis::labelled("true");
    figure.width = 480;
    figure
}

/// The figure as an exhibit.
pub(super) fn exhibit(figure: Figure) -> Exhibit {
    Exhibit::Figure(Box::new(figure))
}
