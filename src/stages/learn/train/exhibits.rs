//! What `train` shows: how it went, the curve of the losses, the layers.

use super::rows::Rows;
use crate::chart::{Axis, Figure, Line, Mark, Positions, Series};
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::nn::Trained;
use crate::nn::training::Ended;
use crate::tensor::{Encoder, Target};

/// What there is to show.
pub(super) struct Shown<'a> {
    pub(super) trained: &'a Trained,
    pub(super) encoder: &'a Encoder,
    pub(super) rows: &'a Rows,
    pub(super) validation: Option<(&'a Rows, &'a str)>,
    pub(super) seconds: f64,
    /// Why the model cannot be applied to new rows.
    pub(super) refused: Option<&'a str>,
}

pub(super) fn all(shown: &Shown<'_>) -> Vec<Exhibit> {
    let mut exhibits = vec![metrics(shown), curve(shown), layers(shown.trained)];
    exhibits.extend(left_out(shown));
    exhibits.extend(shown.refused.map(|reason| {
        Exhibit::note(Tone::Warning, format!("The model cannot be applied to new rows by `predict`: {reason}."))
    }));
    exhibits
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
fn metrics(shown: &Shown<'_>) -> Exhibit {
    let trained = shown.trained;
    let kept = trained.history.iter().find(|epoch| epoch.epoch == trained.kept_epoch);
    let learned: f64 = trained.history.iter().map(|epoch| epoch.rows_per_second).sum();
    let mut metrics = vec![
        Metric::new("epochs", trained.history.len() as f64, Format::Integer),
        Metric::new("kept epoch", trained.kept_epoch as f64, Format::Integer),
        Metric::new("training loss", kept.map(|epoch| epoch.loss), Format::Number),
    ];
    if let Some(validation) = kept.and_then(|epoch| epoch.validation.as_ref()) {
        metrics.push(Metric::new("validation loss", validation.loss, Format::Number));
        metrics.push(match shown.encoder.target() {
            // The network knows the standardized number only.
            Target::Number(number) => Metric::new("validation error", validation.metric * number.scale, Format::Number)
                .note("mean absolute error"),
            _ => Metric::new("validation accuracy", validation.metric, Format::Percent),
        });
    }
    metrics.extend([
        Metric::new("parameters", trained.network.parameter_count() as f64, Format::Integer),
        Metric::new("training rows", shown.rows.len() as f64, Format::Integer),
        Metric::new("rows a second", learned / trained.history.len().max(1) as f64, Format::Integer),
        Metric::new("time", shown.seconds, Format::Seconds),
    ]);
    let early = trained.ended == Ended::EarlyStopped;
    let title = if early { "Training, stopped early" } else { "Training" };
    Exhibit::Metrics { title: title.to_owned(), metrics }
}

#[expect(clippy::cast_precision_loss, reason = "a few epochs")]
fn curve(shown: &Shown<'_>) -> Exhibit {
    let history = &shown.trained.history;
    let epochs = Positions::Number(history.iter().map(|epoch| Some(epoch.epoch as f64)).collect());
    let mut series = vec![Series::new("training", history.iter().map(|epoch| Some(epoch.loss)))];
    if let Some((_, part)) = shown.validation {
        let losses = history.iter().map(|epoch| epoch.validation.as_ref().map(|validation| validation.loss));
        series.push(Series::new(part, losses));
    }
    let mut figure = Figure::new("Loss by epoch", Mark::Line(Line::new(epochs, series)));
    figure.x = Axis::labelled("epoch");
    figure.y = Axis::labelled("loss");
    figure.note = format!("The weights of epoch {} are kept.", shown.trained.kept_epoch);
    Exhibit::Figure(Box::new(figure))
}

fn layers(trained: &Trained) -> Exhibit {
    let summary = trained.network.summary();
    let rows = summary.layers.iter().map(|layer| {
        vec![
            Cell::text(layer.layer.clone()),
            Cell::text(layer.output.to_string()),
            Cell::count(layer.parameters as u64),
        ]
    });
    let columns = vec![Column::new("layer"), Column::new("output"), Column::formatted("parameters", Format::Integer)];
    let note = Some(format!(
        "Each row has {} inputs.",
        trained.network.spec().inputs.iter().filter_map(|input| input.shape.size()).sum::<usize>()
    ));
    Exhibit::Table(Table { title: "Network".to_owned(), columns, rows: rows.collect(), note })
}

/// A note about rows that were not learned.
fn left_out(shown: &Shown<'_>) -> Option<Exhibit> {
    let target = shown.encoder.target().column();
    let (without, _) = shown.rows.left_out;
    let mut remarks = Vec::new();
    if without > 0 {
        remarks.push(format!("training rows without `{target}`, left out: {without}."));
    }
    if let Some((rows, part)) = shown.validation {
        let (without, unknown) = rows.left_out;
        if without > 0 {
            remarks.push(format!("rows of part {part} without `{target}`, left out: {without}."));
        }
        if unknown > 0 {
            remarks.push(format!("rows of part {part} of a class that no training row has, left out: {unknown}."));
        }
    }
    (!remarks.is_empty()).then(|| Exhibit::note(Tone::Info, remarks.join(" ")))
}
