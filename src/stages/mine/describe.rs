//! `describe`: what is in each column.

mod summary;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::{self, Values};
use crate::chart::{Axis, Figure, Histogram, Mark};
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Format, Table};
use crate::expression::{DataType, Field, Schema};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext, signed};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};
use summary::Summary;

/// Histograms that are drawn at most, unless more columns are named.
const FIGURES: usize = 12;
/// The table that the stage makes.
const FILE: &str = "describe.parquet";

/// Describes each column: rows, nulls, distinct values, moments, quantiles and top values, in one pass over the rows.
///
/// Numbers get mean, sample standard deviation, skewness and excess kurtosis (both adjusted for the size of the sample),
/// minimum, quartiles and maximum; every column gets the most frequent values. Counts of distinct values are exact up to
/// 16,384, then estimated with a standard error of 0.8 %; quantiles are exact up to 131,072 values, then have a rank error of
/// 0.13 %; top values are exact up to 10,000 distinct ones. Estimates are marked with a tilde. NaN is counted apart.
///
/// The product is a table with a row for each column.
///
/// ```yaml
/// - describe: {columns: [dep_delay, distance, carrier]}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Describe {
    /// The columns; all when absent.
    #[serde(default)]
    columns: Option<OneOrMany<Spanned<String>>>,
    /// How many of the most frequent values are shown.
    #[serde(default = "top")]
    top: usize,
    /// Whether histograms of numbers are drawn.
    #[serde(default = "histograms")]
    histograms: bool,
}

fn top() -> usize {
    3
}

fn histograms() -> bool {
    true
}

impl Stage for Describe {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let fields = match &self.columns {
            Some(columns) => inputs::columns(&table.schema, columns.as_slice(), id)?,
            None => table.schema.fields().iter().filter(|field| !field.data_type.is_nested()).cloned().collect(),
        };
        if fields.is_empty() {
            return Err(vec![Diagnostic::definition("there is no column to describe")]);
        }
        if let Some(field) = fields.iter().find(|field| field.data_type.is_nested()) {
            let message = format!("column `{}` holds {}, which cannot be described", field.name, field.data_type);
            return Err(vec![Diagnostic::definition(message).help("take its parts out with `derive` first")]);
        }
        let key = context.key("table");
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: product_schema() };
        let work = DescribeWork { key, fields, top: self.top, histograms: self.histograms };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(self))
    }
}

fn product_schema() -> Schema {
    let float = |name: &str| Field::new(name, DataType::Float64);
    let integer = |name: &str| Field::new(name, DataType::Int64);
    let text = |name: &str| Field::new(name, DataType::String);
    let fields = vec![
        text("column"),
        text("type"),
        integer("rows"),
        integer("nulls"),
        integer("nan"),
        integer("distinct"),
        float("mean"),
        float("sd"),
        float("skewness"),
        float("kurtosis"),
        float("min"),
        float("q25"),
        float("median"),
        float("q75"),
        float("max"),
        text("top"),
        integer("top_count"),
    ];
    Schema::new(fields).unwrap_or_default()
}

struct DescribeWork {
    key: String,
    fields: Vec<Field>,
    top: usize,
    histograms: bool,
}

impl DescribeWork {
    fn summarize(&self, table: &Relation, context: &WorkContext<'_>) -> Result<Vec<Summary>, Diagnostic> {
        let names: Vec<String> = self.fields.iter().map(|field| field.name.clone()).collect();
        let relation = crate::relation::keep_columns(table, &names);
        let mut summaries: Vec<Summary> = self.fields.iter().map(Summary::new).collect();
        context.stream(&relation, &mut |batch| {
            summaries.par_iter_mut().for_each(|summary| {
                if let Some(column) = batch::column(&batch, &summary.field.name) {
                    summary.add(column);
                }
            });
            Ok(true)
        })?;
        summaries.par_iter_mut().for_each(Summary::finish);
        Ok(summaries)
    }

    /// One row for each column, for stages below.
    fn product(&self, summaries: &[Summary]) -> Result<arrow::array::RecordBatch, Diagnostic> {
        let floats = |of: &dyn Fn(&Summary) -> Option<f64>| Values::Floats(summaries.iter().map(of).collect());
        let integers = |of: &dyn Fn(&Summary) -> Option<u64>| {
            Values::Integers(summaries.iter().map(|summary| of(summary).map(signed)).collect())
        };
        let texts = |of: &dyn Fn(&Summary) -> Option<String>| Values::Texts(summaries.iter().map(of).collect());
        let quantile = |at: f64| move |summary: &Summary| summary.quantile(at);
        batch::table(vec![
            ("column", texts(&|s| Some(s.field.name.clone()))),
            ("type", texts(&|s| Some(s.field.data_type.to_string()))),
            ("rows", integers(&|s| Some(s.rows))),
            ("nulls", integers(&|s| Some(s.nulls))),
            ("nan", integers(&|s| s.is_number().then(|| s.moments.nan_count()))),
            ("distinct", integers(&|s| Some(s.distinct.count()))),
            ("mean", floats(&|s| s.moment(|m| m.mean()))),
            ("sd", floats(&|s| s.moment(|m| m.standard_deviation()))),
            ("skewness", floats(&|s| s.moment(|m| m.skewness()))),
            ("kurtosis", floats(&|s| s.moment(|m| m.kurtosis()))),
            ("min", floats(&|s| s.moment(|m| m.min()))),
            ("q25", floats(&quantile(0.25))),
            ("median", floats(&quantile(0.5))),
            ("q75", floats(&quantile(0.75))),
            ("max", floats(&|s| s.moment(|m| m.max()))),
            ("top", texts(&|s| s.frequencies.top(1).first().map(|top| top.key.clone()))),
            ("top_count", integers(&|s| s.frequencies.top(1).first().map(|top| top.count))),
        ])
    }
}

impl Work for DescribeWork {
    fn passes(&self, _: usize) -> usize {
        1
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let summaries = self.summarize(&table.relation, context)?;
        let product = self.product(&summaries)?;
        batch::write_parquet(&context.artifacts.join(FILE), &product)?;
        let mut outcome = Outcome::default();
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        outcome.exhibits = exhibits(&summaries, self.top);
        if self.histograms {
            outcome
                .exhibits
                .extend(histograms_of(&summaries).map_err(|error| {
                    Diagnostic::error(Class::Stage, format!("a histogram cannot be made: {error}"))
                })?);
        }
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::minus("summarized", counts.first_input()), Change::plus("one row for each column", counts.out)]
    }
}

fn exhibits(summaries: &[Summary], top: usize) -> Vec<Exhibit> {
    let mut exhibits = Vec::new();
    let numbers: Vec<&Summary> = summaries.iter().filter(|summary| summary.is_number()).collect();
    if !numbers.is_empty() {
        let rows = numbers.iter().map(|s| {
            let quantile = |at| Cell::number(s.quantile(at));
            vec![
                Cell::text(s.field.name.clone()),
                Cell::count(s.rows - s.nulls),
                Cell::number(s.null_share()),
                s.distinct_cell(),
                Cell::number(s.moment(|m| m.mean())),
                Cell::number(s.moment(|m| m.standard_deviation())),
                Cell::number(s.moment(|m| m.min())),
                quantile(0.25),
                quantile(0.5),
                quantile(0.75),
                Cell::number(s.moment(|m| m.max())),
                Cell::number(s.moment(|m| m.skewness())),
                Cell::number(s.moment(|m| m.kurtosis())),
            ]
        });
        let mut columns = vec![
            Column::new("column"),
            Column::formatted("values", Format::Integer),
            Column::formatted("null", Format::Percent),
            Column::formatted("distinct", Format::Integer),
        ];
        columns.extend(["mean", "sd", "min", "25 %", "median", "75 %", "max", "skewness", "kurtosis"].map(Column::new));
        let estimated = numbers.iter().any(|s| !s.quantiles.is_exact());
        let note = estimated.then(|| {
            "Quantiles of columns with more than 131,072 values are estimates with a rank error of 0.13 %.".to_owned()
        });
        exhibits.push(Exhibit::Table(Table { title: "Numbers".to_owned(), columns, rows: rows.collect(), note }));
    }
    let others: Vec<&Summary> = summaries.iter().filter(|summary| !summary.is_number()).collect();
    if !others.is_empty() {
        let rows = others.iter().map(|s| {
            vec![
                Cell::text(s.field.name.clone()),
                Cell::text(s.field.data_type.to_string()),
                Cell::count(s.rows - s.nulls),
                Cell::number(s.null_share()),
                s.distinct_cell(),
                Cell::text(s.top_text(top)),
                Cell::optional(s.range_text()),
            ]
        });
        let columns = vec![
            Column::new("column"),
            Column::new("type"),
            Column::formatted("values", Format::Integer),
            Column::formatted("null", Format::Percent),
            Column::formatted("distinct", Format::Integer),
            Column::new("most frequent"),
            Column::new("range"),
        ];
        exhibits.push(Exhibit::table("Texts, times and booleans", columns, rows.collect()));
    }
    exhibits
}

fn histograms_of(summaries: &[Summary]) -> Result<Vec<Exhibit>, crate::statistics::histogram::HistogramError> {
    let numbers = summaries.iter().filter(|summary| summary.is_number() && summary.moments.count() > 0).take(FIGURES);
    numbers
        .map(|summary| {
            let histogram = summary.histogram();
            #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
            let counts = histogram.counts().iter().map(|&count| Some(count as f64));
            let mark = Mark::Histogram(Histogram::new(histogram.edges().to_vec(), counts));
            let mut figure = Figure::new(&summary.field.name, mark);
            figure.y = Axis::labelled("rows");
            figure.height = Some(220);
            figure.width = 480;
            Ok(Exhibit::Figure(Box::new(figure)))
        })
        .collect()
}
