//! `correlate`: which columns move together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::{self, Values};
use crate::chart::{ColourScale, Figure, Heatmap, Mark};
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Format, Table};
use crate::expression::{DataType, Expr, Field, Schema};
use crate::relation::{NamedExpr, Relation, Scan, ScanSource};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext, signed};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};
use crate::statistics::correlation::{CorrelationTable, PearsonMatrix, spearman_matrix};

const FILE: &str = "correlations.parquet";
/// Pairs that are shown at most.
const SHOWN: usize = 20;
/// Columns up to which the matrix is drawn.
const DRAWN: usize = 40;

/// Measures how columns of numbers move together, pair by pair over the rows in which both have a value.
///
/// `pearson` measures linear dependence in one pass. `spearman` measures monotone dependence by ranks (ties get their average
/// rank); it needs the columns in memory and is refused with exit code 4 when they do not fit into a quarter of it. Intervals
/// are by Fisher's z, p-values by Student's t; they describe one pair each, so with many pairs expect some small ones by
/// chance.
///
/// The product is a table with a row for each pair.
///
/// ```yaml
/// - correlate: {columns: [dep_delay, arr_delay, distance, air_time], method: spearman}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Correlate {
    /// The columns, at least two; all columns of numbers when absent.
    #[serde(default)]
    columns: Option<OneOrMany<Spanned<String>>>,
    /// What is measured.
    #[serde(default)]
    method: Method,
}

/// What is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Linear dependence.
    #[default]
    Pearson,
    /// Monotone dependence.
    Spearman,
}

impl Stage for Correlate {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let fields = match &self.columns {
            Some(columns) => inputs::numeric_columns(&table.schema, columns.as_slice(), id)?,
            None => table.schema.fields().iter().filter(|field| field.data_type.is_numeric()).cloned().collect(),
        };
        if fields.len() < 2 {
            return Err(vec![Diagnostic::definition("needs at least two columns of numbers")]);
        }
        let key = context.key("table");
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: product_schema() };
        let work = CorrelateWork { key, fields, method: self.method };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(self))
    }
}

fn product_schema() -> Schema {
    let float = |name: &str| Field::new(name, DataType::Float64);
    let fields = vec![
        Field::new("a", DataType::String),
        Field::new("b", DataType::String),
        float("correlation"),
        Field::new("rows", DataType::Int64),
        float("low"),
        float("high"),
        float("p_value"),
    ];
    Schema::new(fields).unwrap_or_default()
}

/// A pair with its measures.
struct Pair {
    a: String,
    b: String,
    coefficient: Option<f64>,
    rows: u64,
    interval: Option<(f64, f64)>,
    p_value: Option<f64>,
}

struct CorrelateWork {
    key: String,
    fields: Vec<Field>,
    method: Method,
}

impl CorrelateWork {
    fn columns(&self, table: &Relation) -> Relation {
        let floats = self.fields.iter().map(|field| NamedExpr {
            name: field.name.clone(),
            expr: Expr::column(&field.name, field.data_type.clone()).cast(DataType::Float64, true),
        });
        Relation::Project { input: table.clone().into(), columns: floats.collect() }
    }

    fn measure(&self, table: &Relation, context: &WorkContext<'_>) -> Result<CorrelationTable, Diagnostic> {
        let relation = self.columns(table);
        let failed = |error: &dyn std::fmt::Display| Diagnostic::error(Class::Stage, error.to_string());
        match self.method {
            Method::Pearson => {
                let mut matrix = PearsonMatrix::new(self.fields.len());
                let mut wrong = None;
                context.stream(&relation, &mut |batch| {
                    let columns: Vec<Vec<f64>> = batch.columns().iter().map(batch::floats).collect();
                    let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                    wrong = matrix.extend(&slices).err();
                    Ok(wrong.is_none())
                })?;
                wrong.map_or(Ok(()), |error| Err(failed(&error)))?;
                Ok(matrix.table())
            }
            Method::Spearman => {
                let rows = context.count(&relation)?;
                let bytes = rows.saturating_mul(self.fields.len() as u64).saturating_mul(16);
                if bytes > context.memory / 4 {
                    let message =
                        format!("ranks of {rows} rows and {} columns need {} MiB", self.fields.len(), bytes >> 20);
                    let help = "put a `sample` stage in front, choose fewer columns, or give more `--memory`";
                    return Err(Diagnostic::error(Class::Limit, message).help(help));
                }
                let mut columns: Vec<Vec<f64>> = vec![Vec::new(); self.fields.len()];
                context.stream(&relation, &mut |batch| {
                    for (column, array) in columns.iter_mut().zip(batch.columns()) {
                        column.extend(batch::floats(array));
                    }
                    Ok(true)
                })?;
                let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                spearman_matrix(&slices).map_err(|error| failed(&error))
            }
        }
    }

    fn pairs(&self, table: &CorrelationTable) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (i, a) in self.fields.iter().enumerate() {
            for (j, b) in self.fields.iter().enumerate().skip(i + 1) {
                let found = table.get(i, j);
                pairs.push(Pair {
                    a: a.name.clone(),
                    b: b.name.clone(),
                    coefficient: found.map(|found| found.coefficient),
                    rows: found.map_or(0, |found| found.count),
                    interval: found.and_then(|found| found.interval(0.95)),
                    p_value: found.and_then(|found| found.p_value()),
                });
            }
        }
        let strength = |pair: &Pair| pair.coefficient.map_or(-1.0, f64::abs);
        pairs.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
        pairs
    }

    fn heatmap(&self, table: &CorrelationTable) -> Option<Exhibit> {
        if self.fields.len() > DRAWN {
            return None;
        }
        let names: Vec<String> = self.fields.iter().map(|field| field.name.clone()).collect();
        let cell = |i: usize, j: usize| if i == j { Some(1.0) } else { table.get(i, j).map(|found| found.coefficient) };
        let values = (0..names.len()).map(|i| (0..names.len()).map(|j| cell(i, j)).collect()).collect();
        let heatmap = Heatmap::new(names.clone(), names, values, ColourScale::Diverging { bound: Some(1.0) });
        let method = if self.method == Method::Pearson { "Pearson" } else { "Spearman" };
        Some(Exhibit::Figure(Box::new(Figure::new(format!("{method} correlation"), Mark::Heatmap(heatmap)))))
    }
}

impl Work for CorrelateWork {
    fn passes(&self, _: usize) -> usize {
        if self.method == Method::Pearson { 1 } else { 2 }
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let measured = self.measure(&table.relation, context)?;
        let pairs = self.pairs(&measured);
        let floats = |of: &dyn Fn(&Pair) -> Option<f64>| Values::Floats(pairs.iter().map(of).collect());
        let product = batch::table(vec![
            ("a", Values::Texts(pairs.iter().map(|pair| Some(pair.a.clone())).collect())),
            ("b", Values::Texts(pairs.iter().map(|pair| Some(pair.b.clone())).collect())),
            ("correlation", floats(&|pair| pair.coefficient)),
            ("rows", Values::Integers(pairs.iter().map(|pair| Some(signed(pair.rows))).collect())),
            ("low", floats(&|pair| pair.interval.map(|(low, _)| low))),
            ("high", floats(&|pair| pair.interval.map(|(_, high)| high))),
            ("p_value", floats(&|pair| pair.p_value)),
        ])?;
        batch::write_parquet(&context.artifacts.join(FILE), &product)?;
        let mut outcome = Outcome::default();
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        outcome.exhibits.extend(self.heatmap(&measured));
        outcome.exhibits.push(strongest(&pairs));
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::minus("summarized", counts.first_input()), Change::plus("one row for each pair", counts.out)]
    }
}

fn strongest(pairs: &[Pair]) -> Exhibit {
    let rows = pairs.iter().take(SHOWN).map(|pair| {
        vec![
            Cell::text(pair.a.clone()),
            Cell::text(pair.b.clone()),
            Cell::number(pair.coefficient),
            Cell::number(pair.interval.map(|(low, _)| low)),
            Cell::number(pair.interval.map(|(_, high)| high)),
            Cell::number(pair.p_value),
            Cell::count(pair.rows),
        ]
    });
    let mut columns: Vec<Column> =
        ["column", "column", "correlation", "95 % from", "to", "p-value"].map(Column::new).to_vec();
    columns.push(Column::formatted("rows", Format::Integer));
    let left_out = pairs.len().saturating_sub(SHOWN);
    let note = (left_out > 0).then(|| format!("{left_out} weaker pairs are in the stage's table."));
    Exhibit::Table(Table { title: "Strongest pairs".to_owned(), columns, rows: rows.collect(), note })
}
