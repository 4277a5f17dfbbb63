//! What `predict` shows: what was predicted, and what of the rows the model does not know.

use super::rows::{Predicted, is_number};
use crate::chart::{Axis, Figure, Histogram, Mark};
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table};
use crate::stages::learn::bundle::Bundle;

/// Classes that are shown at most.
const SHOWN: usize = 60;

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
pub(super) fn all(bundle: &Bundle, predicted: &Predicted) -> Vec<Exhibit> {
    let summary = Exhibit::Metrics {
        title: format!("Predicted {} by {}", bundle.target.name, bundle.name),
        metrics: vec![
            Metric::new("rows predicted", predicted.rows as f64, Format::Integer),
            Metric::new("rows trained on", bundle.training.rows as f64, Format::Integer),
        ],
    };
    let distribution = if is_number(predicted) { numbers(bundle, predicted) } else { classes(bundle, predicted) };
    let mut exhibits = vec![summary, distribution];
    exhibits.extend(strange(predicted));
    exhibits
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
fn numbers(bundle: &Bundle, predicted: &Predicted) -> Exhibit {
    let histogram = predicted.histogram();
    let counts = histogram.counts().iter().map(|&count| Some(count as f64));
    let mark = Mark::Histogram(Histogram::new(histogram.edges().to_vec(), counts));
    let mut figure = Figure::new(format!("Predicted {}", bundle.target.name), mark);
    figure.y = Axis::labelled("rows");
    Exhibit::Figure(Box::new(figure))
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
fn classes(bundle: &Bundle, predicted: &Predicted) -> Exhibit {
    let rows = bundle.classes.iter().zip(&predicted.classes).take(SHOWN).map(|(class, count)| {
        let share = *count as f64 / predicted.rows.max(1) as f64;
        vec![Cell::text(class.clone()), Cell::count(*count), Cell::number(share)]
    });
    let columns = vec![
        Column::new("prediction"),
        Column::formatted("rows", Format::Integer),
        Column::formatted("share", Format::Percent),
    ];
    let left_out = bundle.classes.len().saturating_sub(SHOWN);
    let note = (left_out > 0).then(|| format!("{left_out} more classes are not shown."));
    Exhibit::Table(Table { title: "Predictions".to_owned(), columns, rows: rows.collect(), note })
}

/// Features with values that are missing or not in the vocabulary.
fn strange(predicted: &Predicted) -> Option<Exhibit> {
    let features = predicted.encoder.features().iter().zip(predicted.missing.iter().zip(&predicted.unknown));
    let rows: Vec<Vec<Cell>> = features
        .filter(|(_, (missing, unknown))| **missing + **unknown > 0)
        .map(|(feature, (missing, unknown))| {
            vec![Cell::text(feature.name()), Cell::count(*missing), Cell::count(*unknown)]
        })
        .collect();
    let columns = vec![
        Column::new("feature"),
        Column::formatted("missing", Format::Integer),
        Column::formatted("rare or unknown", Format::Integer),
    ];
    (!rows.is_empty()).then(|| Exhibit::table("Values that the model has little to say about", columns, rows))
}
