//! What `predict` shows: what was predicted and how surely, what it held back, and what of the rows the model does not know.

use super::rows::{Examples, Predicted};
use super::tally::{ColumnSummary, Summary, TargetSummary, TargetTally};
use crate::chart::{Axis, Figure, Histogram, Mark, NumberFormat};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table};
use crate::stages::learn::bundle::Bundle;
use crate::tensor::{Held, SHIFTED, Target};

/// Classes and columns that are shown at most.
const SHOWN: usize = 60;

pub(super) fn all(bundle: &Bundle, predicted: &Predicted) -> Vec<Exhibit> {
    let summary = &predicted.summary;
    let mut exhibits = vec![headline(bundle, summary)];
    let targets = predicted.encoder.targets().iter().zip(&summary.targets).zip(&predicted.tally.targets);
    for ((target, found), tally) in targets {
        if matches!(target, Target::Number(_) | Target::Count(_)) {
            exhibits.push(numbers(found, tally));
        } else {
            exhibits.push(classes(found, target, summary.rows));
            exhibits.extend(confidence(found, tally));
        }
    }
    exhibits.extend(unreadable(summary));
    exhibits.extend(columns(predicted));
    exhibits.extend(examples(&predicted.examples));
    exhibits
}

/// What a person should hear of without looking.
pub(super) fn remarks(summary: &Summary) -> Vec<String> {
    let mut remarks = Vec::new();
    let unreadable: u64 = summary.unreadable.iter().map(|(_, rows)| rows).sum();
    if unreadable > 0 {
        let reason = summary.unreadable.first().map_or("", |(reason, _)| reason.as_str());
        remarks.push(format!(
            "{} could not be read by the model and have no prediction: {reason}",
            digits::rows(unreadable)
        ));
    }
    for target in &summary.targets {
        if let (Some(threshold), Some(stage)) = (target.threshold, &target.threshold_chosen_by) {
            remarks.push(chosen(&target.column, threshold, stage));
        }
    }
    for target in summary.targets.iter().filter(|target| target.abstained > 0) {
        let (rows, column) = (digits::rows(target.abstained), &target.column);
        remarks.push(format!("{rows} have no prediction of `{column}`, because the model was not sure enough"));
    }
    let shifted: Vec<&str> =
        summary.columns.iter().filter(|column| column.is_shifted).map(|column| column.column.as_str()).collect();
    if !shifted.is_empty() {
        let more = shifted.len().saturating_sub(5);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = shifted.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        remarks.push(format!("the rows are unlike those of the training in {named}{more}: predictions may be less good than they were judged"));
    }
    remarks
}

/// From when on yes is said, and who decided that.
fn chosen(column: &str, threshold: f64, stage: &str) -> String {
    if threshold > 1.0 {
        return format!("yes is never predicted of `{column}`: that was best on the rows on which `{stage}` chose");
    }
    format!(
        "yes of `{column}` is predicted from {} on, the threshold that `{stage}` chose",
        digits::fixed(threshold, 3)
    )
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
fn headline(bundle: &Bundle, summary: &Summary) -> Exhibit {
    let share = |rows: u64| (summary.rows > 0).then(|| rows as f64 / summary.rows as f64);
    let unreadable: u64 = summary.unreadable.iter().map(|(_, rows)| rows).sum();
    let mut metrics = vec![Metric::new("rows", summary.rows as f64, Format::Integer)];
    for target in &summary.targets {
        let name =
            |what: &str| if summary.targets.len() > 1 { format!("{what}, {}", target.column) } else { what.to_owned() };
        metrics.push(Metric::new(name("predicted"), share(target.predicted), Format::Percent));
        if target.abstained > 0 {
            metrics
                .push(Metric::new(name("held back"), share(target.abstained), Format::Percent).note("not sure enough"));
        }
        if let Some(threshold) = target.threshold {
            let by =
                target.threshold_chosen_by.as_ref().map(|stage| format!(", chosen by {stage}")).unwrap_or_default();
            let metric = Metric::new(name("threshold"), threshold, Format::Number);
            metrics.push(metric.note(format!("the probability from which it is yes{by}")));
        }
        if let Some(temperature) = target.temperature {
            let metric = Metric::new(name("temperature"), temperature, Format::Number);
            metrics.push(metric.note("calibrated: logits are divided by it"));
        }
        if let Some(confidence) = target.mean_confidence {
            metrics.push(
                Metric::new(name("mean confidence"), confidence, Format::Percent)
                    .note("probability of what was decided"),
            );
        }
    }
    if unreadable > 0 {
        metrics.push(Metric::new("not readable", share(unreadable), Format::Percent));
    }
    metrics.push(
        Metric::new("unlike training", share(summary.strange_rows), Format::Percent)
            .note("rows with a value that training did not have"),
    );
    metrics.push(Metric::new("rows trained on", bundle.training.rows as f64, Format::Integer));
    let columns: Vec<&str> = summary.targets.iter().map(|target| target.column.as_str()).collect();
    Exhibit::Metrics { title: format!("Predicted {} by {}", columns.join(", "), bundle.name), metrics }
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
fn numbers(found: &TargetSummary, tally: &TargetTally) -> Exhibit {
    let histogram = tally.histogram();
    let counts = histogram.counts().iter().map(|&count| Some(count as f64));
    let mark = Mark::Histogram(Histogram::new(histogram.edges().to_vec(), counts));
    let mut figure = Figure::new(format!("Predicted {}, n = {}", found.column, digits::whole(found.predicted)), mark);
    figure.x = Axis::labelled(&found.column);
    figure.y = Axis::labelled("rows");
    Exhibit::Figure(Box::new(figure))
}

/// Classes beside their shares in training, where a shift shows.
#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
fn classes(found: &TargetSummary, target: &Target, rows: u64) -> Exhibit {
    let in_training = |place: usize| match target {
        Target::Binary(classes) | Target::Category(classes) => Some(classes.share(place)),
        Target::MultiLabel(labels) => Some(labels.share(place)),
        Target::Number(_) | Target::Count(_) => None,
    };
    let share = |count: u64| count as f64 / rows.max(1) as f64;
    let shown = found.classes.iter().enumerate().take(SHOWN).map(|(place, (class, count))| {
        vec![
            Cell::text(class.clone()),
            Cell::count(*count),
            Cell::number(share(*count)),
            Cell::number(in_training(place)),
        ]
    });
    let mut shown: Vec<Vec<Cell>> = shown.collect();
    if found.abstained > 0 {
        shown.push(vec![
            Cell::text("held back"),
            Cell::count(found.abstained),
            Cell::number(share(found.abstained)),
            Cell::Empty,
        ]);
    }
    let columns = vec![
        Column::new("prediction"),
        Column::formatted("rows", Format::Integer),
        Column::formatted("share", Format::Percent),
        Column::formatted("share in training", Format::Percent),
    ];
    let left_out = found.classes.len().saturating_sub(SHOWN);
    let note = (left_out > 0).then(|| format!("{left_out} more classes are not shown."));
    Exhibit::Table(Table { title: format!("Predictions of {}", found.column), columns, rows: shown, note })
}

/// How sure the model was.
#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
fn confidence(found: &TargetSummary, tally: &TargetTally) -> Option<Exhibit> {
    let all: u64 = tally.bins.iter().sum();
    let first = tally.bins.iter().position(|count| *count > 0)?;
    let bins = tally.bins.len() as f64;
    let edges = (first..=tally.bins.len()).map(|edge| edge as f64 / bins).collect();
    let counts = tally.bins.iter().skip(first).map(|count| Some(*count as f64));
    let mark = Mark::Histogram(Histogram::new(edges, counts));
    let title = format!("Confidence in the prediction of {}, n = {}", found.column, digits::whole(all));
    let mut figure = Figure::new(title, mark);
    figure.x = Axis { format: NumberFormat::Percent, ..Axis::labelled("probability of what was decided") };
    figure.y = Axis::labelled("rows");
    Some(Exhibit::Figure(Box::new(figure)))
}

fn unreadable(summary: &Summary) -> Option<Exhibit> {
    let rows = summary.unreadable.iter().map(|(reason, rows)| vec![Cell::text(reason.clone()), Cell::count(*rows)]);
    let columns = vec![Column::new("reason"), Column::formatted("rows", Format::Integer)];
    (!summary.unreadable.is_empty())
        .then(|| Exhibit::table("Rows that the model cannot read, without a prediction", columns, rows.collect()))
}

/// Columns that hold something that training did not, or have moved.
fn columns(predicted: &Predicted) -> Option<Exhibit> {
    let summary = &predicted.summary;
    let domains = &predicted.encoder.domain().columns;
    let mut rows: Vec<(&ColumnSummary, Vec<Cell>)> = summary
        .columns
        .iter()
        .zip(domains)
        .map(|(column, domain)| {
            let training = match &domain.held {
                Held::Range(range) => format!("{} to {}", range.text(range.min), range.text(range.max)),
                Held::Values(values) if values.rest > 0 => {
                    format!("more than {} values", digits::whole(values.counts.len() as u64))
                }
                Held::Values(values) => format!("{} values", digits::whole(values.counts.len() as u64)),
                Held::Presence => "-".to_owned(),
            };
            let cells = vec![
                Cell::text(column.column.clone()),
                Cell::text(training),
                Cell::count(column.below),
                Cell::count(column.above),
                Cell::count(column.unseen),
                Cell::count(column.missing),
                Cell::number(column.missing_in_training),
                Cell::number(column.stability_index),
                Cell::text(if column.is_shifted { "moved" } else { "" }),
            ];
            (column, cells)
        })
        .collect();
    // What is worst stands first; what is alike keeps its order.
    rows.sort_by(|(a, _), (b, _)| b.stability_index.unwrap_or(0.0).total_cmp(&a.stability_index.unwrap_or(0.0)));
    let columns = vec![
        Column::new("column"),
        Column::new("in training"),
        Column::formatted("below", Format::Integer),
        Column::formatted("above", Format::Integer),
        Column::formatted("unseen or rare", Format::Integer),
        Column::formatted("missing", Format::Integer),
        Column::formatted("missing in training", Format::Percent),
        Column::new("stability index"),
        Column::new(""),
    ];
    let left_out = rows.len().saturating_sub(SHOWN);
    let more = if left_out > 0 { format!(" {left_out} more columns are not shown.") } else { String::new() };
    let note = format!(
        "The stability index tells how far a column has moved: above {SHIFTED} it counts as moved, if a chi-squared test says that this is no chance (p < 0.01).{more}"
    );
    let rows: Vec<Vec<Cell>> = rows.into_iter().take(SHOWN).map(|(_, cells)| cells).collect();
    (!rows.is_empty() && summary.rows > 0).then(|| {
        Exhibit::Table(Table {
            title: "The rows beside those of the training".to_owned(),
            columns,
            rows,
            note: Some(note),
        })
    })
}

fn examples(examples: &Examples) -> Option<Exhibit> {
    let cells = |row: &[Option<String>]| row.iter().map(|text| Cell::optional(text.clone())).collect::<Vec<_>>();
    let mut columns: Vec<Column> = examples.columns.iter().map(Column::new).collect();
    columns.push(Column::new("remark"));
    let strange = examples.strange.iter().map(|(row, remark)| {
        let mut cells = cells(row);
        cells.push(Cell::text(remark.clone()));
        cells
    });
    let first = examples.first.iter().map(|row| {
        let mut cells = cells(row);
        cells.push(Cell::Empty);
        cells
    });
    let rows: Vec<Vec<Cell>> = first.chain(strange).collect();
    (!rows.is_empty())
        .then(|| Exhibit::table("The first rows, and the first that something is to be said about", columns, rows))
}
