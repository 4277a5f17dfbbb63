//! Dependence: what the model says along the values of a column, with the lines of single rows and how values are spread.

use std::collections::BTreeMap;

use crate::chart::{Axis, Figure, Histogram, Interval, Line, Mark, NumberFormat, Positions, Reference, Scale, Series};
use crate::diagnostic::Diagnostic;
use crate::exhibit::Exhibit;
use crate::explanation::{Dependence, dependence, quantile_rows};
use crate::statistics::histogram::{self, Bins};
use crate::tensor::Target;

use super::columns::{Column, Kind};
use super::model::Explained;
use super::options::Ice;
use super::rows::{Taken, Value, spread};
use super::words;

/// Rows whose lines are computed, and lines that are drawn.
const ROWS: usize = 300;
const LINES: usize = 40;
/// Fewer where each is to be followed from its start.
const CENTRED: usize = 20;
/// Values of a column of numbers at most.
const POINTS: usize = 20;
/// The share of the rows beyond the first and beyond the last value.
const TAIL: f64 = 0.02;
/// Values of a column of categories: the most frequent ones.
const CATEGORIES: usize = 12;
/// Classes that have a line of their own.
const CLASSES: usize = 4;
/// The width of a figure of which two stand side by side.
const WIDTH: u32 = 400;
/// From this share on lines differ so much that it is said.
const DIFFERENT: f64 = 0.3;

/// What the model says along one column.
pub(super) struct Along {
    kind: Kind,
    /// For each value a row of the sample that has it.
    places: Vec<usize>,
    /// For each value how many rows have it, or 1 for quantiles.
    weights: Vec<f64>,
    /// Of each output that is shown.
    outputs: Vec<(usize, Dependence)>,
    rows: usize,
}

/// Looks along a column; none where it has not two values to compare.
///
/// Errors: those of the model.
pub(super) fn look(
    model: &Explained<'_>,
    target: &Target,
    taken: &Taken,
    column: usize,
    columns: &[Column],
) -> Result<Option<Along>, Diagnostic> {
    let (Some(of), Some(values)) = (columns.get(column), taken.values.get(column)) else { return Ok(None) };
    let (places, weights) = match of.kind {
        Kind::Number | Kind::Time => {
            let numbers: Vec<f64> = values.iter().map(|value| value.number).collect();
            let places = quantile_rows(&numbers, POINTS, TAIL);
            let weights = vec![1.0; places.len()];
            (places, weights)
        }
        Kind::Category => frequent(values).into_iter().unzip(),
        Kind::Whole => return Ok(None),
    };
    if places.len() < 2 {
        return Ok(None);
    }
    let rows = taken.rows.take(&spread(taken.len(), ROWS));
    let grid = taken.rows.take(&places);
    let outputs = shown(target)
        .into_iter()
        .map(|output| Ok((output, dependence(model, &rows, &of.group, &grid, output)?)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(super::work::failed)?;
    Ok(Some(Along { kind: of.kind, places, weights, outputs, rows: rows.len() }))
}

/// For each of the most frequent texts a row that has it, and how many do.
fn frequent(values: &[Value]) -> Vec<(usize, f64)> {
    let mut counts: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for (row, value) in values.iter().enumerate() {
        if let Some(text) = &value.text {
            counts.entry(text).or_insert((row, 0.0)).1 += 1.0;
        }
    }
    let mut found: Vec<(usize, f64)> = counts.into_values().collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    found.truncate(CATEGORIES);
    found
}

/// The outputs that are shown: the most frequent classes or labels.
pub(super) fn shown(target: &Target) -> Vec<usize> {
    let counts = match target {
        Target::Category(classes) => &classes.counts,
        Target::MultiLabel(labels) => &labels.counts,
        _ => return vec![0],
    };
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|class| std::cmp::Reverse(counts.get(*class).copied()));
    order.truncate(CLASSES);
    order.sort_unstable();
    order
}

impl Along {
    /// How far the column moves the mean prediction: the largest of the outputs.
    pub(super) fn effect(&self) -> f64 {
        self.outputs.iter().map(|(_, found)| found.effect(&self.weights)).fold(0.0, f64::max)
    }

    /// The dependence, and beside it how the values of the column are spread.
    pub(super) fn exhibits(
        &self,
        target: &Target,
        taken: &Taken,
        column: usize,
        (name, ice): (&str, Ice),
    ) -> Vec<Exhibit> {
        let none = Vec::new();
        let values = taken.values.get(column).unwrap_or(&none);
        let mut figure = match self.kind {
            Kind::Category | Kind::Whole => self.categories(target, values, name),
            Kind::Number | Kind::Time => self.line(target, values, name, ice),
        };
        figure.width = WIDTH;
        let is_centred = self.is_centred(ice);
        figure.y = match target {
            Target::Number(_) | Target::Count(_) => Axis::labelled(format!("predicted {}", target.column())),
            Target::Binary(classes) => probability(format!(
                "probability of {} = {}",
                classes.column,
                classes.names.get(1).map_or("", String::as_str)
            )),
            Target::Category(_) | Target::MultiLabel(_) => probability(format!("probability of {}", target.column())),
        };
        if is_centred {
            figure.y.label = format!("change of the {}", figure.y.label);
            figure.references = vec![Reference::y(0.0, "")];
        }
        let differs = self.outputs.iter().map(|(_, found)| found.heterogeneity(&self.weights)).fold(0.0, f64::max);
        let mut notes = vec![format!("Mean prediction of {} rows with the column set to each value.", self.rows)];
        if self.outputs.len() == 1 && differs >= DIFFERENT {
            notes.push(format!(
                "{:.0} % of what it does differs between rows: it works together with other columns.",
                100.0 * differs
            ));
            if !is_centred && self.kind != Kind::Category {
                notes.push("`ice: centred` draws the lines from one start.".to_owned());
            }
        }
        figure.note = notes.join(" ");
        let spread = match self.kind {
            Kind::Number | Kind::Time => self.histogram(values, name),
            Kind::Category | Kind::Whole => None,
        };
        std::iter::once(figure).chain(spread).map(|figure| Exhibit::Figure(Box::new(figure))).collect()
    }

    /// Whether lines start at 0: there is one output, of which single rows are drawn, and values have an order.
    fn is_centred(&self, ice: Ice) -> bool {
        ice == Ice::Centred && self.outputs.len() == 1 && matches!(self.kind, Kind::Number | Kind::Time)
    }

    fn line(&self, target: &Target, values: &[Value], name: &str, ice: Ice) -> Figure {
        let numbers = self.places.iter().map(|place| values.get(*place).map(|value| value.number));
        #[expect(clippy::cast_possible_truncation, reason = "they were whole microseconds")]
        let positions = match self.kind {
            Kind::Time => Positions::Time(numbers.map(|at| at.map(|at| at as i64)).collect()),
            _ => Positions::Number(numbers.collect()),
        };
        let series = self.outputs.iter().map(|(output, found)| {
            let name = if self.outputs.len() == 1 { "mean".to_owned() } else { class(target, *output) };
            let mean = found.mean();
            let start = if self.is_centred(ice) { mean.first().copied().unwrap_or(0.0) } else { 0.0 };
            Series::new(name, mean.into_iter().map(|value| Some(value - start)))
        });
        let mut line = Line::new(positions, series.collect());
        let most = if self.is_centred(ice) { CENTRED } else { LINES };
        if let [(_, found)] = self.outputs.as_slice() {
            let centred = self.is_centred(ice).then(|| found.centred());
            let lines = centred.as_ref().unwrap_or(&found.lines);
            let rows = spread(lines.nrows(), most);
            line.background =
                rows.iter().map(|row| lines.row(*row).iter().map(|value| Some(*value)).collect()).collect();
        }
        let mut figure = Figure::new(format!("Along {name}"), Mark::Line(line));
        if let [_] = self.outputs.as_slice() {
            figure.subtitle = format!("Mean, and pale {} single rows", most.min(self.rows));
            if self.is_centred(ice) {
                figure.subtitle += ", each from where it stands at the first value: lines apart are rows that the column moves otherwise";
            }
        }
        figure.x = self.axis(name);
        figure
    }

    fn axis(&self, name: &str) -> Axis {
        let scale = if self.kind == Kind::Time { Scale::Time } else { Scale::Linear };
        Axis { scale, ..Axis::labelled(name) }
    }

    fn categories(&self, target: &Target, values: &[Value], name: &str) -> Figure {
        let texts: Vec<String> = self
            .places
            .iter()
            .map(|place| values.get(*place).and_then(|value| value.text.clone()).unwrap_or_default())
            .zip(&self.weights)
            .map(|(text, rows)| format!("{} ({rows:.0})", words::short(&text, 40)))
            .collect();
        let mut series = Vec::new();
        for (output, found) in &self.outputs {
            let ends = |share: f64| {
                found.lines.columns().into_iter().map(move |column| {
                    let mut sorted = column.to_vec();
                    sorted.sort_unstable_by(f64::total_cmp);
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
                    let rank = (share * (sorted.len().max(1) - 1) as f64).round() as usize;
                    sorted.get(rank).copied()
                })
            };
            let only = self.outputs.len() == 1;
            let name = if only { String::new() } else { class(target, *output) };
            let mut estimates =
                Interval::new(texts.iter().cloned().zip(found.mean()).zip(ends(0.1).zip(ends(0.9))).map(
                    |((text, mean), (low, high))| (text, Some(mean), low.filter(|_| only), high.filter(|_| only)),
                ));
            estimates.series.iter_mut().for_each(|series| series.values.name.clone_from(&name));
            series.append(&mut estimates.series);
        }
        let mut figure = Figure::new(format!("Along {name}"), Mark::Interval(Interval { categories: texts, series }));
        figure.subtitle = format!("The {} most frequent values with their rows in the sample", self.places.len());
        if self.outputs.len() == 1 {
            figure.subtitle += "; mean, and where eight of ten rows lie";
        }
        figure
    }

    fn histogram(&self, values: &[Value], name: &str) -> Option<Figure> {
        let numbers: Vec<f64> = values.iter().map(|value| value.number).filter(|value| value.is_finite()).collect();
        let ends = self.places.first().zip(self.places.last());
        let (low, high) =
            ends.and_then(|(first, last)| Some((values.get(*first)?.number, values.get(*last)?.number)))?;
        let within: Vec<f64> = numbers.iter().copied().filter(|value| (low..=high).contains(value)).collect();
        let found = histogram::Histogram::of_values(&within, Bins::Auto, histogram::Scale::Real);
        #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
        let counts = found.counts().iter().map(|count| Some(*count as f64));
        let mut figure =
            Figure::new(format!("Values of {name}"), Mark::Histogram(Histogram::new(found.edges().to_vec(), counts)));
        figure.subtitle = format!("{} rows of the sample, without the ends", crate::digits::whole(within.len() as u64));
        figure.x = self.axis(name);
        figure.y = Axis::labelled("rows");
        figure.width = WIDTH;
        Some(figure)
    }
}

fn class(target: &Target, output: usize) -> String {
    target.names().get(output).cloned().unwrap_or_default()
}

fn probability(label: String) -> Axis {
    Axis { format: NumberFormat::Percent, ..Axis::labelled(label) }
}
