//! The data of a drawing: aggregated by the engine where the mark shows groups, sampled where it shows rows.

mod spreads;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType as ArrowType, TimeUnit, TimestampMicrosecondType};

use super::{Chart, Mark, Order};
use crate::batch;
use crate::chart::{
    Band, Bar, ColourScale, Estimates, Heatmap, Histogram, Interval, Line, Mark as Drawn, Positions, Scatter, Series,
};
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::{DataType, Expr, SortKey};
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::WorkContext;
use crate::statistics::histogram::{Bins, Histogram as Counted, Scale};
use crate::statistics::quantiles::QuantileSketch;

/// Points of a scatter at most.
const MOST_POINTS: usize = 20_000;
/// Marks of a drawing at most, before the largest are chosen; more groups than that are refused.
const MOST_GROUPS: usize = 200_000;
/// Rows and columns of a heatmap at most.
const MOST_CELLS: usize = 60;
/// Values up to which the quantiles that choose the bins are exact.
const EXACT: usize = 131_072;

/// What is drawn, as checked expressions.
pub(super) struct Drawing {
    pub(super) mark: Mark,
    pub(super) x: Expr,
    pub(super) y: Option<Expr>,
    pub(super) value: Option<Expr>,
    pub(super) colour: Option<Expr>,
    /// The lower and the upper end of what surrounds the values; or nothing.
    pub(super) ends: Vec<Expr>,
}

/// A mark with its data and a remark on what was left out.
pub(super) struct Data {
    pub(super) mark: Drawn,
    pub(super) note: String,
}

impl Drawing {
    pub(super) fn is_time(&self) -> bool {
        matches!(self.x.data_type, DataType::Date | DataType::Datetime(_))
    }

    /// Reads what the mark needs.
    pub(super) fn read(
        &self,
        rows: &Arc<Relation>,
        options: &Chart,
        context: &WorkContext<'_>,
    ) -> Result<Data, Diagnostic> {
        match self.mark {
            Mark::Histogram => self.histogram(rows, options, context),
            Mark::Scatter => self.scatter(rows, options, context),
            Mark::Bar => self.bar(&self.grouped(rows, context)?, options),
            Mark::Line => self.line(&self.grouped(rows, context)?, options),
            Mark::Box => self.spreads(rows, options, context),
            Mark::Interval => self.intervals(&self.grouped(rows, context)?, options),
            Mark::Heatmap => self.heatmap(&self.grouped(rows, context)?, options),
        }
    }

    fn named(&self) -> (Vec<NamedExpr>, NamedExpr) {
        let name = |name: &str, expr: &Expr| NamedExpr { name: name.to_owned(), expr: expr.clone() };
        let mut keys = vec![name("x", &self.x)];
        if let (Mark::Heatmap, Some(y)) = (self.mark, &self.y) {
            keys.push(name("y", y));
        }
        keys.extend(self.colour.iter().map(|colour| name("colour", colour)));
        let measured = self.value.as_ref().or(self.y.as_ref()).unwrap_or(&self.x);
        (keys, name("value", &measured.clone().cast(DataType::Float64, false)))
    }

    /// One row for each combination of the keys where the measured value is an aggregate, else the rows themselves, by `x`.
    fn grouped(&self, rows: &Arc<Relation>, context: &WorkContext<'_>) -> Result<RecordBatch, Diagnostic> {
        let (keys, measured) = self.named();
        let ends = ["low", "high"]
            .into_iter()
            .zip(&self.ends)
            .map(|(name, end)| NamedExpr { name: name.to_owned(), expr: end.clone().cast(DataType::Float64, false) });
        let measured: Vec<NamedExpr> = std::iter::once(measured).chain(ends).collect();
        let order: Vec<SortKey> = keys
            .iter()
            .map(|key| SortKey {
                expr: Expr::column(&key.name, key.expr.data_type.clone()),
                descending: false,
                nulls_first: false,
            })
            .collect();
        let relation = if measured.iter().any(|measured| measured.expr.has_aggregate()) {
            // Keys are computed first, so that any expression may be one.
            Relation::Aggregate { input: rows.clone(), keys, aggregates: measured }
        } else {
            Relation::Project { input: rows.clone(), columns: keys.into_iter().chain(measured).collect() }
        };
        let sorted = Relation::Sort { input: relation.into(), keys: order };
        let mut batches = Vec::new();
        let mut number = 0;
        context.stream(&sorted, &mut |batch| {
            number += batch.num_rows();
            batches.push(batch);
            Ok(number <= MOST_GROUPS)
        })?;
        if number > MOST_GROUPS {
            let message = format!("more than {MOST_GROUPS} marks would be drawn");
            return Err(Diagnostic::error(Class::Limit, message)
                .help("use an aggregate in `y`, a coarser `x`, or `limit` the rows first"));
        }
        concatenate(&batches)
    }

    fn bar(&self, batch: &RecordBatch, options: &Chart) -> Result<Data, Diagnostic> {
        let (labels, values, colours) = (texts(batch, "x"), floats(batch, "value"), texts(batch, "colour"));
        let mut categories = distinct(&labels);
        let total = |label: &String| -> f64 {
            let of = labels.iter().zip(&values).filter(|(found, value)| *found == label && value.is_finite());
            of.map(|(_, value)| value.abs()).sum()
        };
        let by_value = match options.sort {
            Order::Value => true,
            Order::Name => false,
            Order::Auto => self.x.data_type == DataType::String,
        };
        if by_value {
            let sums: BTreeMap<&String, f64> = categories.iter().map(|label| (label, total(label))).collect();
            let mut sorted = categories.clone();
            sorted.sort_by(|a, b| sums.get(b).unwrap_or(&0.0).total_cmp(sums.get(a).unwrap_or(&0.0)));
            categories = sorted;
        }
        let mut note = String::new();
        if categories.len() > options.top.value {
            note = format!("{} of {} bars are shown.", options.top.value, categories.len());
            categories.truncate(options.top.value);
        }
        let (series, more) = series(&categories, &labels, &values, &colours, options);
        note.push_str(&more);
        let mut bar = Bar::new(categories, series);
        bar.stacked = options.stacked;
        Ok(Data { mark: Drawn::Bar(bar), note })
    }

    fn line(&self, batch: &RecordBatch, options: &Chart) -> Result<Data, Diagnostic> {
        let (labels, values, colours) = (texts(batch, "x"), floats(batch, "value"), texts(batch, "colour"));
        let categories = distinct(&labels);
        let first = |label: &String| labels.iter().position(|found| found == label);
        let column = batch::column(batch, "x").cloned();
        let positions = match (&column, self.is_time(), self.x.data_type.is_numeric()) {
            (Some(column), true, _) => {
                let micros = micros(column);
                Positions::Time(
                    categories
                        .iter()
                        .map(|label| first(label).and_then(|at| micros.get(at).copied().flatten()))
                        .collect(),
                )
            }
            (Some(column), _, true) => {
                let numbers = batch::floats(column);
                Positions::Number(
                    categories.iter().map(|label| first(label).and_then(|at| numbers.get(at).copied())).collect(),
                )
            }
            _ => Positions::Category(categories.clone()),
        };
        let (lines, note) = series(&categories, &labels, &values, &colours, options);
        let mut line = Line::new(positions, lines);
        if !self.ends.is_empty() {
            let end = |name: &str| series(&categories, &labels, &floats(batch, name), &colours, options).0;
            let ends = end("low").into_iter().zip(end("high")).enumerate();
            line.bands =
                ends.map(|(at, (low, high))| Band { series: at, low: low.values, high: high.values }).collect();
        }
        Ok(Data { mark: Drawn::Line(line), note })
    }

    fn intervals(&self, batch: &RecordBatch, options: &Chart) -> Result<Data, Diagnostic> {
        let (labels, values, colours) = (texts(batch, "x"), floats(batch, "value"), texts(batch, "colour"));
        let mut categories = distinct(&labels);
        let mut note = String::new();
        if categories.len() > options.top.value {
            note = format!("{} of {} categories are shown.", options.top.value, categories.len());
            categories.truncate(options.top.value);
        }
        let of = |values: &[f64]| series(&categories, &labels, values, &colours, options);
        let (estimates, more) = of(&values);
        let (low, high) = (of(&floats(batch, "low")).0, of(&floats(batch, "high")).0);
        let ends = low.into_iter().zip(high);
        let series = estimates
            .into_iter()
            .zip(ends)
            .map(|(values, (low, high))| Estimates { values, low: low.values, high: high.values })
            .collect();
        Ok(Data { mark: Drawn::Interval(Interval { categories, series }), note: note + &more })
    }

    fn heatmap(&self, batch: &RecordBatch, options: &Chart) -> Result<Data, Diagnostic> {
        let (across, down, values) = (texts(batch, "x"), texts(batch, "y"), floats(batch, "value"));
        let (mut columns, mut rows) = (distinct(&across), distinct(&down));
        rows.sort();
        let mut note = String::new();
        for (names, what) in [(&mut columns, "columns"), (&mut rows, "rows")] {
            if names.len() > MOST_CELLS {
                note.push_str(&format!("{MOST_CELLS} of {} {what} are shown. ", names.len()));
                names.truncate(MOST_CELLS);
            }
        }
        let cells: BTreeMap<(&String, &String), f64> =
            down.iter().zip(&across).zip(&values).map(|((row, column), value)| ((row, column), *value)).collect();
        let grid = rows
            .iter()
            .map(|row| {
                columns.iter().map(|column| cells.get(&(row, column)).copied().filter(|v| v.is_finite())).collect()
            })
            .collect();
        let mut heatmap = Heatmap::new(rows, columns, grid, ColourScale::Sequential);
        heatmap.format = options.number_format();
        Ok(Data { mark: Drawn::Heatmap(heatmap), note: note.trim_end().to_owned() })
    }

    fn scatter(&self, rows: &Arc<Relation>, options: &Chart, context: &WorkContext<'_>) -> Result<Data, Diagnostic> {
        let (mut columns, measured) = self.named();
        columns.push(measured);
        let relation = Relation::Project { input: rows.clone(), columns };
        let mut points = Points::default();
        context.stream(&relation, &mut |batch| {
            points.add(&batch, self.is_time());
            Ok(true)
        })?;
        let mut note = String::new();
        if points.step > 1 {
            note = format!("Every {}th of {} rows is drawn.", points.step, points.seen);
        }
        let x = match self.is_time() {
            true => Positions::Time(points.times),
            false => Positions::Number(points.x),
        };
        let mut scatter = Scatter::new(x, points.y);
        if self.colour.is_some() {
            let mut groups = distinct(&points.colours);
            groups.sort();
            if groups.len() > options.top.value {
                note.push_str(&format!(" {} of {} colours are told apart.", options.top.value, groups.len()));
                groups.truncate(options.top.value);
            }
            let number =
                |colour: &String| groups.iter().position(|group| group == colour).and_then(|at| u32::try_from(at).ok());
            scatter.group = points.colours.iter().map(number).collect();
            scatter.groups = groups;
        }
        Ok(Data { mark: Drawn::Scatter(scatter), note })
    }

    fn histogram(&self, rows: &Arc<Relation>, options: &Chart, context: &WorkContext<'_>) -> Result<Data, Diagnostic> {
        let (mut columns, _) = self.named();
        if let Some(x) = columns.first_mut() {
            x.expr = x.expr.clone().cast(DataType::Float64, false);
        }
        let relation = Relation::Project { input: rows.clone(), columns };
        let scale = if self.x.data_type.is_integer() { Scale::Integer } else { Scale::Real };
        let bins = options.bins.as_ref().map_or(Bins::Auto, |bins| Bins::Count(bins.value));
        let mut sketches: BTreeMap<String, QuantileSketch> = BTreeMap::new();
        let mut all = QuantileSketch::new(EXACT);
        context.stream(&relation, &mut |batch| {
            let (values, colours) = (floats(&batch, "x"), texts(&batch, "colour"));
            all.extend(&values);
            if self.colour.is_some() {
                for (value, colour) in values.iter().zip(colours) {
                    if sketches.len() < MOST_CELLS || sketches.contains_key(&colour) {
                        sketches.entry(colour).or_insert_with(|| QuantileSketch::new(EXACT / 16)).push(*value);
                    }
                }
            }
            Ok(true)
        })?;
        let counted = Counted::from_quantiles(&all.quantiles(), bins, scale);
        let edges = counted.edges().to_vec();
        let mut histogram = Histogram::new(edges.clone(), counted.counts().iter().map(|count| Some(as_float(*count))));
        if self.colour.is_some() {
            histogram.series = sketches
                .iter()
                .take(options.top.value)
                .map(|(colour, sketch)| {
                    let quantiles = sketch.quantiles();
                    let below = |edge: f64| quantiles.count_below(edge);
                    let last = edges.len().saturating_sub(2);
                    let counts = edges.windows(2).enumerate().map(|(at, pair)| {
                        let (low, high) = (pair.first().copied()?, pair.last().copied()?);
                        let upto = if at == last { quantiles.count_at_most(high) } else { below(high) };
                        Some(as_float(upto.saturating_sub(below(low))))
                    });
                    Series::new(colour.clone(), counts)
                })
                .collect();
            histogram.stacked = options.stacked;
        }
        Ok(Data { mark: Drawn::Histogram(histogram), note: String::new() })
    }
}

/// An even part of the rows: every `step`th, where the step doubles each time the points are too many.
struct Points {
    step: usize,
    seen: usize,
    x: Vec<Option<f64>>,
    times: Vec<Option<i64>>,
    y: Vec<Option<f64>>,
    colours: Vec<String>,
}

impl Default for Points {
    fn default() -> Self {
        Self { step: 1, seen: 0, x: Vec::new(), times: Vec::new(), y: Vec::new(), colours: Vec::new() }
    }
}

impl Points {
    fn add(&mut self, batch: &RecordBatch, is_time: bool) {
        let (x, y, colours) = (floats(batch, "x"), floats(batch, "value"), texts(batch, "colour"));
        let times = batch::column(batch, "x").filter(|_| is_time).map(micros).unwrap_or_default();
        for at in 0..batch.num_rows() {
            if self.seen.is_multiple_of(self.step) {
                self.x.push(x.get(at).copied().filter(|value| value.is_finite()));
                self.times.push(times.get(at).copied().flatten());
                self.y.push(y.get(at).copied().filter(|value| value.is_finite()));
                self.colours.push(colours.get(at).cloned().unwrap_or_default());
            }
            self.seen += 1;
            if self.y.len() > MOST_POINTS {
                self.step *= 2;
                halve(&mut self.x);
                halve(&mut self.times);
                halve(&mut self.y);
                halve(&mut self.colours);
            }
        }
    }
}

fn halve<T>(values: &mut Vec<T>) {
    let mut even = false;
    values.retain(|_| {
        even = !even;
        even
    });
}

/// For each colour the values by category; colours beyond the limit are left out with a remark.
fn series(
    categories: &[String],
    labels: &[String],
    values: &[f64],
    colours: &[String],
    options: &Chart,
) -> (Vec<Series>, String) {
    let mut names = distinct(colours);
    let mut note = String::new();
    if names.len() > options.top.value {
        note = format!(" {} of {} colours are shown.", options.top.value, names.len());
        names.truncate(options.top.value);
    }
    let cells: BTreeMap<(&str, &str), f64> = colours
        .iter()
        .zip(labels)
        .zip(values)
        .map(|((colour, label), value)| ((colour.as_str(), label.as_str()), *value))
        .collect();
    let value = |name: &str, label: &str| cells.get(&(name, label)).copied().filter(|value| value.is_finite());
    let series = names.iter().map(|name| {
        let shown = if options.colour.is_some() { name.as_str() } else { "" };
        Series::new(shown, categories.iter().map(|label| value(name, label)))
    });
    (series.collect(), note)
}

fn concatenate(batches: &[RecordBatch]) -> Result<RecordBatch, Diagnostic> {
    let Some(first) = batches.first() else {
        return Ok(RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty())));
    };
    arrow::compute::concat_batches(&first.schema(), batches)
        .map_err(|error| Diagnostic::error(Class::Stage, error.to_string()))
}

/// A column as texts; null is shown as such, and a column that is not there as empty texts.
fn texts(batch: &RecordBatch, name: &str) -> Vec<String> {
    match batch::column(batch, name) {
        Some(column) => {
            batch::texts(column).into_iter().map(|text| text.unwrap_or_else(|| "null".to_owned())).collect()
        }
        None => vec![String::new(); batch.num_rows()],
    }
}

fn floats(batch: &RecordBatch, name: &str) -> Vec<f64> {
    batch::column(batch, name).map_or_else(|| vec![f64::NAN; batch.num_rows()], batch::floats)
}

fn micros(column: &ArrayRef) -> Vec<Option<i64>> {
    let wanted = ArrowType::Timestamp(TimeUnit::Microsecond, None);
    match arrow::compute::cast(column, &wanted) {
        Ok(cast) => cast.as_primitive::<TimestampMicrosecondType>().iter().collect(),
        Err(_) => vec![None; column.len()],
    }
}

fn distinct(texts: &[String]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    texts.iter().filter(|text| seen.insert(text.as_str())).cloned().collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
fn as_float(count: u64) -> f64 {
    count as f64
}
