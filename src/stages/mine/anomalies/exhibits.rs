//! What a person sees of anomalies.

use super::Far;
use super::learn::Learned;
use super::options::{Limit, MethodSettings, Settings};
use crate::chart::{Axis, Bar, Figure, Histogram as Bars, Mark, Orientation, Reference, Series};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::expression::Field;
use crate::statistics::anomalies::Reason;
use crate::statistics::histogram::{Bins, Histogram, Scale};
use crate::statistics::quantiles::Quantiles;

/// Columns of which the reasons are drawn at most.
const DRAWN: usize = 20;

/// What there is to show.
pub(super) struct Shown<'a> {
    pub(super) title: String,
    pub(super) settings: &'a Settings,
    pub(super) fields: &'a [Field],
    pub(super) beside: &'a [Field],
    pub(super) learned: &'a Learned,
    pub(super) quantiles: &'a Quantiles,
    pub(super) threshold: f64,
    /// Anomalies of the highest scores, with their reasons.
    pub(super) anomalies: &'a [&'a Far],
    pub(super) reasons: &'a [Vec<Reason>],
    pub(super) texts: &'a [String],
    pub(super) top: usize,
}

impl Shown<'_> {
    pub(super) fn exhibits(&self) -> Vec<Exhibit> {
        let mut exhibits = vec![self.metrics()];
        if self.quantiles.count() == 0 {
            exhibits.push(Exhibit::note(Tone::Warning, "There are no rows to learn from: no row will be an anomaly."));
            return exhibits;
        }
        exhibits.extend(self.histogram());
        exhibits.extend(self.rows());
        exhibits.extend(self.frequent());
        exhibits.push(self.columns());
        exhibits
    }

    fn found(&self) -> u64 {
        self.quantiles.count() - self.quantiles.count_at_most(self.threshold)
    }

    fn score_name(&self) -> &'static str {
        match self.settings.method {
            MethodSettings::Forest(_) => "score, 0 to 1",
            MethodSettings::Factor { .. } => "outlier factor",
            MethodSettings::RobustZ => "deviations from the median",
            MethodSettings::Mahalanobis { .. } => "distance, deviations",
        }
    }

    fn metrics(&self) -> Exhibit {
        let total = self.quantiles.count();
        let found = self.found();
        let about = if self.quantiles.is_exact() { "" } else { "about; " };
        let threshold = match self.settings.limit {
            Limit::Contamination(share) => format!("{} % of the rows learned from are to score higher", share * 100.0),
            Limit::Threshold(_) => "as written, or the usual one".to_owned(),
            Limit::Normal => "one of 1,000 normal rows scores higher".to_owned(),
        };
        let mut metrics = vec![
            Metric::new("anomalies", found as f64, Format::Integer).note(format!("{about}of {}", digits::rows(total))),
            Metric::new("share", (total > 0).then(|| found as f64 / total as f64), Format::Percent),
            Metric::new("threshold", self.threshold, Format::Number).note(threshold),
        ];
        match self.settings.method {
            MethodSettings::Forest(options) => {
                metrics.push(Metric::new("trees", options.trees as f64, Format::Integer));
            }
            MethodSettings::Factor { neighbours, .. } => {
                metrics.push(Metric::new("neighbours", neighbours as f64, Format::Integer));
            }
            MethodSettings::RobustZ | MethodSettings::Mahalanobis { .. } => {}
        }
        let what = match self.settings.method {
            MethodSettings::Forest(_) => "Isolation forest",
            MethodSettings::Factor { .. } => "Local outlier factor",
            MethodSettings::RobustZ => "Robust z-scores",
            MethodSettings::Mahalanobis { robust: false } => "Mahalanobis distance",
            MethodSettings::Mahalanobis { robust: true } => "Robust Mahalanobis distance",
        };
        let title = &self.title;
        Exhibit::Metrics { title: format!("{what}: {} ({})", lower(title), self.learned.from), metrics }
    }

    fn histogram(&self) -> Option<Exhibit> {
        // A few scores that are far out would press all others into one bin: the drawing ends a little beyond the threshold or
        // the 99.5 % quantile.
        let high =
            self.quantiles.quantile(0.995)?.max(if self.threshold < f64::MAX { self.threshold } else { 0.0 }) * 1.25;
        let highest = self.quantiles.max()?;
        let histogram = Histogram::from_quantiles(self.quantiles, Bins::Auto, Scale::Real);
        let edges = histogram.edges();
        let (edges, counts) = if highest <= high * 1.5 || edges.len() < 2 {
            (edges.to_vec(), histogram.counts().iter().map(|&count| Some(count as f64)).collect::<Vec<_>>())
        } else {
            let low = self.quantiles.min()?.min(high);
            let bins = 40_u32;
            let edges: Vec<f64> = (0..=bins).map(|at| low + (high - low) * f64::from(at) / f64::from(bins)).collect();
            let counts = edges
                .iter()
                .zip(edges.iter().skip(1))
                .enumerate()
                .map(|(at, (from, to))| {
                    let before = if at == 0 { 0 } else { self.quantiles.count_at_most(*from) };
                    Some(self.quantiles.count_at_most(*to).saturating_sub(before) as f64)
                })
                .collect();
            (edges, counts)
        };
        let beyond = edges.last().map_or(0, |last| self.quantiles.count() - self.quantiles.count_at_most(*last));
        let title = format!("Scores of {}", digits::rows(self.quantiles.count()));
        let mut figure = Figure::new(title, Mark::Histogram(Bars::new(edges, counts)));
        figure.subtitle = "Rows to the right of the line are anomalies".to_owned();
        figure.x = Axis::labelled(self.score_name());
        figure.y = Axis::labelled("rows");
        if self.threshold < f64::MAX {
            figure.references.push(Reference::x(self.threshold, "threshold"));
        }
        if beyond > 0 {
            figure.note =
                format!("{} further right; the highest score is {}.", digits::rows(beyond), significant(highest));
        }
        Some(Exhibit::Figure(Box::new(figure)))
    }

    fn rows(&self) -> Option<Exhibit> {
        if self.anomalies.is_empty() {
            return Some(Exhibit::note(Tone::Info, "No row that was learned from is an anomaly."));
        }
        let rows = self.anomalies.iter().zip(self.texts).take(self.top).map(|(far, text)| {
            let mut cells = vec![Cell::count(far.number + 1), Cell::number(far.score), Cell::text(text.clone())];
            cells.extend(far.beside.iter().map(|value| Cell::optional(value.clone())));
            cells
        });
        let rows: Vec<Vec<Cell>> = rows.collect();
        let mut columns =
            vec![Column::formatted("row", Format::Integer), Column::new("score"), Column::new("because of")];
        columns.extend(self.beside.iter().map(|field| Column::new(&field.name)));
        let title = format!("The {} most anomalous rows", rows.len());
        let note = Some("The column with the reason has the same words for each anomaly.".to_owned());
        Some(Exhibit::Table(Table {
            title: if rows.len() == 1 { "The anomaly".to_owned() } else { title },
            columns,
            rows,
            note,
        }))
    }

    fn frequent(&self) -> Option<Exhibit> {
        if self.fields.len() < 2 || self.anomalies.is_empty() {
            return None;
        }
        let mut counts = vec![(0_u64, 0_u64); self.fields.len()];
        for reasons in self.reasons {
            for (place, reason) in reasons.iter().enumerate() {
                if let Some((first, any)) = counts.get_mut(reason.column) {
                    *any += 1;
                    *first += u64::from(place == 0);
                }
            }
        }
        let mut named: Vec<(&str, u64, u64)> =
            self.fields.iter().zip(&counts).map(|(field, (first, any))| (field.name.as_str(), *first, *any)).collect();
        named.sort_by(|a, b| b.2.cmp(&a.2).then(b.1.cmp(&a.1)));
        named.retain(|(_, _, any)| *any > 0);
        let left_out = named.len().saturating_sub(DRAWN);
        named.truncate(DRAWN);
        let first = Series::new("first reason", named.iter().map(|(_, first, _)| Some(*first as f64)));
        let further = Series::new("further reason", named.iter().map(|(_, first, any)| Some((any - first) as f64)));
        let mut bars = Bar::new(named.iter().map(|(name, ..)| *name), vec![first, further]);
        bars.stacked = true;
        bars.orientation = Orientation::Horizontal;
        let mut figure = Figure::new("Which columns make rows anomalies", Mark::Bar(bars));
        let looked = self.anomalies.len() as u64;
        let among = if looked < self.found() {
            format!("the {} of highest score", digits::whole(looked))
        } else {
            digits::whole(looked)
        };
        figure.subtitle = format!("anomalies that name the column as a reason, of {among}");
        figure.y = Axis::labelled("anomalies");
        if left_out > 0 {
            figure.note = format!("{left_out} further columns are rarer.");
        }
        Some(Exhibit::Figure(Box::new(figure)))
    }

    fn columns(&self) -> Exhibit {
        let spread = self.learned.spreads.as_ref();
        let odd = self.learned.oddities.iter().any(Option::is_some);
        let rows = self.fields.iter().enumerate().map(|(at, field)| {
            let mut cells =
                vec![Cell::text(field.name.clone()), Cell::number(self.learned.detector.usual.get(at).copied())];
            cells.extend(spread.map(|(_, values)| Cell::number(values.get(at).copied())));
            cells.extend(odd.then(|| Cell::optional(self.learned.oddities.get(at).cloned().flatten())));
            cells
        });
        let mut columns = vec![Column::new("column"), Column::new("median")];
        columns.extend(spread.map(|(name, _)| Column::new(*name)));
        columns.extend(odd.then(|| Column::new("remark")));
        let missing = match self.settings.method {
            MethodSettings::Mahalanobis { .. } => "A row that lacks a value is measured in its other columns.",
            _ => "The median stands for a missing value.",
        };
        let note = Some(missing.to_owned());
        Exhibit::Table(Table { title: "What is usual".to_owned(), columns, rows: rows.collect(), note })
    }
}

/// With a small first letter, to stand inside a sentence.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn significant(value: f64) -> String {
    if (1e-3..1e6).contains(&value.abs()) { digits::fixed(value, 2) } else { format!("{value:.2e}") }
}
