//! Values told from the other values of the row: by the most similar rows, or by chained regressions.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Format, Tone};
use crate::expression::{DataType, Expr, Field, Literal};
use crate::relation::Relation;
use crate::stages::fit::rows::{self, Drawn, Values};
use crate::stages::work::{Outcome, WorkContext};
use crate::stages::{PlanContext, TableShape, inputs};
use crate::statistics::imputation::neighbours::{NeighbourOptions, Neighbours};
use crate::statistics::imputation::regressions::{Chain, ChainOptions};
use crate::statistics::row_function::RowFunction;

/// How `nearest` finds similar rows.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nearest {
    /// Columns that rows are compared in, beside the others that are filled by `nearest`: numbers, booleans and texts.
    #[serde(default)]
    from: Option<OneOrMany<Spanned<String>>>,
    /// How many of the most similar rows are asked, from 1 to 100.
    #[serde(default = "five")]
    neighbours: Spanned<u32>,
    /// How much each of them counts.
    #[serde(default)]
    weights: Weights,
    /// The most rows of which the most similar ones are taken, from 1 to 100,000; drawn at random when there are more.
    #[serde(default = "five_thousand")]
    donors: Spanned<u32>,
    /// Another seed draws other donors.
    #[serde(default)]
    seed: u32,
}

/// How much a similar row counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Weights {
    /// All the same.
    #[default]
    Uniform,
    /// By the inverse of the distance.
    Distance,
}

/// How `regression` learns.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Regression {
    /// Columns of numbers or booleans that values are told from, beside the others that are filled by `regression`.
    #[serde(default)]
    from: Option<OneOrMany<Spanned<String>>>,
    /// The most rounds, from 1 to 100.
    #[serde(default = "ten")]
    rounds: Spanned<u32>,
    /// The rounds end when no value moves by more than this share of the largest value, both in standard deviations.
    #[serde(default = "thousandth")]
    tolerance: Spanned<f64>,
    /// The most rows to learn from, from 10 to 1,000,000; drawn at random when there are more.
    #[serde(default = "fifty_thousand")]
    rows: Spanned<u32>,
    /// Another seed draws other rows.
    #[serde(default)]
    seed: u32,
}

fn five() -> Spanned<u32> {
    Spanned::nowhere(5)
}

fn five_thousand() -> Spanned<u32> {
    Spanned::nowhere(5_000)
}

fn ten() -> Spanned<u32> {
    Spanned::nowhere(10)
}

fn thousandth() -> Spanned<f64> {
    Spanned::nowhere(0.001)
}

fn fifty_thousand() -> Spanned<u32> {
    Spanned::nowhere(50_000)
}

impl Default for Nearest {
    fn default() -> Self {
        Self { from: None, neighbours: five(), weights: Weights::default(), donors: five_thousand(), seed: 0 }
    }
}

impl Default for Regression {
    fn default() -> Self {
        Self { from: None, rounds: ten(), tolerance: thousandth(), rows: fifty_thousand(), seed: 0 }
    }
}

fn check_range(value: &Spanned<u32>, name: &str, range: std::ops::RangeInclusive<u32>) -> Result<(), Diagnostic> {
    if range.contains(&value.value) {
        return Ok(());
    }
    let message = format!("`{name}` must lie from {} to {}, not {}", range.start(), range.end(), value.value);
    Err(Diagnostic::definition(message).at(&value.place))
}

/// The columns that values are told from.
fn from_columns(
    table: &TableShape,
    from: Option<&OneOrMany<Spanned<String>>>,
    texts: bool,
    id: &str,
) -> Result<Vec<Field>, Findings> {
    let names = from.map_or(&[][..], |from| from.as_slice());
    let fields = inputs::columns(&table.schema, names, id)?;
    let fits = |field: &Field| {
        field.data_type.is_numeric()
            || field.data_type == DataType::Boolean
            || (texts && field.data_type == DataType::String)
    };
    let wrong: Findings = fields
        .iter()
        .zip(names)
        .filter(|(field, _)| !fits(field))
        .map(|(field, name)| {
            let what = if texts { "numbers, booleans or texts" } else { "numbers or booleans" };
            Diagnostic::definition(format!("column `{}` holds {}, not {what}", field.name, field.data_type))
                .at(&name.place)
        })
        .collect();
    if wrong.is_empty() { Ok(fields) } else { Err(wrong) }
}

/// A column as learned functions take it.
fn argument(field: &Field) -> Expr {
    let value = Expr::column(&field.name, field.data_type.clone());
    match field.data_type {
        DataType::String => value,
        DataType::Boolean => value.cast(DataType::Int64, true).cast(DataType::Float64, true),
        _ => value.cast(DataType::Float64, true),
    }
}

/// A field as it is read to be learned from: what [`argument`] gives.
fn plain(field: &Field) -> Field {
    let data_type = if field.data_type == DataType::String { DataType::String } else { DataType::Float64 };
    Field::new(&field.name, data_type)
}

/// The type of a column that is filled so.
pub(super) fn filled_type(field: &Field) -> DataType {
    plain(field).data_type
}

/// Columns that are filled by the most similar rows.
pub(super) struct NearestPlan {
    options: NeighbourOptions,
    donors: usize,
    seed: u64,
    /// Targets first, then what else rows are compared in.
    fields: Vec<Field>,
    keys: Vec<String>,
}

impl NearestPlan {
    /// Columns `targets`, each with the place that names it.
    pub(super) fn new(
        written: &Nearest,
        targets: &[(Field, Spanned<String>)],
        table: &TableShape,
        context: &PlanContext<'_>,
        id: &str,
    ) -> Result<Self, Findings> {
        let from = from_columns(table, written.from.as_ref(), true, id)?;
        let mut findings = Findings::new();
        findings.extend(check_range(&written.neighbours, "neighbours", 1..=100).err());
        findings.extend(check_range(&written.donors, "donors", 1..=100_000).err());
        let (fields, keys) = fields_and_keys("nearest", targets, &from, context);
        if let ([(only, name)], 1) = (targets, fields.len()) {
            let message = format!("there is nothing to compare rows in when `{}` is filled", only.name);
            let help = "name columns with `nearest: {from: [..]}`";
            findings.push(Diagnostic::definition(message).at(&name.place).help(help));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let options = NeighbourOptions {
            neighbours: written.neighbours.value as usize,
            by_distance: written.weights == Weights::Distance,
        };
        Ok(Self { options, donors: written.donors.value as usize, seed: u64::from(written.seed), fields, keys })
    }

    /// The filled value of target number `target`.
    pub(super) fn value(&self, target: usize) -> Option<Expr> {
        let own = self.fields.get(target)?;
        let others = self.fields.iter().filter(|field| field.name != own.name);
        let arguments = std::iter::once(own).chain(others).map(argument).collect();
        Some(Expr::learned(self.keys.get(target)?, arguments, filled_type(own)))
    }

    pub(super) fn learn(
        &self,
        rows: &Arc<Relation>,
        context: &WorkContext<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Diagnostic> {
        let fields: Vec<Field> = self.fields.iter().map(plain).collect();
        let conditions: Vec<Option<usize>> = (0..self.keys.len()).map(Some).collect();
        let drawn = rows::draw(&readable(rows, &self.fields), &fields, &conditions, self.donors, self.seed, context)?;
        let mut shown = Vec::new();
        for ((target, key), mut drawn) in self.keys.iter().enumerate().zip(drawn) {
            drawn.keep_finite(target);
            let Some(given) = drawn.columns.get(target) else { continue };
            let others = drawn.columns.iter().enumerate().filter(|(at, _)| *at != target);
            let others: Vec<_> = others.map(|(_, values)| values.column()).collect();
            let learned = Neighbours::learn(&others, &given.column(), self.options);
            let donors = if learned.donors() == 0 { "none: nothing is filled".to_owned() } else { drawn.describe() };
            let name = |at: usize| self.fields.get(at).map_or("", |field| field.name.as_str());
            let compared: Vec<&str> = (0..self.fields.len()).filter(|at| *at != target).map(name).collect();
            shown.push(vec![Cell::text(name(target)), Cell::text(compared.join(", ")), Cell::text(donors)]);
            let text = RowFunction::Neighbours(learned).to_text();
            outcome.bindings.literals.insert(key.clone(), Literal::String(text));
        }
        let columns = ["column", "rows are compared in", "donors"].map(Column::new).to_vec();
        let title = format!("From the {} most similar rows", self.options.neighbours);
        outcome.exhibits.push(Exhibit::table(title, columns, shown));
        Ok(())
    }
}

/// Columns that are filled by chained regressions.
pub(super) struct RegressionPlan {
    options: ChainOptions,
    rows: usize,
    seed: u64,
    /// Targets first, then what else values are told from.
    fields: Vec<Field>,
    keys: Vec<String>,
}

impl RegressionPlan {
    /// Columns `targets`, each with the place that names it.
    pub(super) fn new(
        written: &Regression,
        targets: &[(Field, Spanned<String>)],
        table: &TableShape,
        context: &PlanContext<'_>,
        id: &str,
    ) -> Result<Self, Findings> {
        let from = from_columns(table, written.from.as_ref(), false, id)?;
        let mut findings = Findings::new();
        findings.extend(check_range(&written.rounds, "rounds", 1..=100).err());
        findings.extend(check_range(&written.rows, "rows", 10..=1_000_000).err());
        if !(written.tolerance.value.is_finite() && written.tolerance.value >= 0.0) {
            let message = "`tolerance` must be a number from 0";
            findings.push(Diagnostic::definition(message).at(&written.tolerance.place));
        }
        let (fields, keys) = fields_and_keys("regression", targets, &from, context);
        if let ([(only, name)], 1) = (targets, fields.len()) {
            let message = format!("there is nothing to tell `{}` from", only.name);
            let help = "name columns with `regression: {from: [..]}`";
            findings.push(Diagnostic::definition(message).at(&name.place).help(help));
        }
        if fields.len() > MOST_COLUMNS {
            let message = format!("regressions over {} columns; {MOST_COLUMNS} are the most", fields.len());
            findings.push(Diagnostic::definition(message).help("name fewer columns, or fill some by their median"));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let options = ChainOptions { rounds: written.rounds.value as usize, tolerance: written.tolerance.value };
        Ok(Self { options, rows: written.rows.value as usize, seed: u64::from(written.seed), fields, keys })
    }

    /// The filled value of target number `target`.
    pub(super) fn value(&self, target: usize) -> Option<Expr> {
        let arguments = self.fields.iter().map(argument).collect();
        Some(Expr::learned(self.keys.get(target)?, arguments, DataType::Float64))
    }

    pub(super) fn learn(
        &self,
        rows: &Arc<Relation>,
        context: &WorkContext<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Diagnostic> {
        let fields: Vec<Field> = self.fields.iter().map(plain).collect();
        let drawn = rows::draw(&readable(rows, &self.fields), &fields, &[None], self.rows, self.seed, context)?;
        let drawn = drawn.into_iter().next().unwrap_or_default();
        let columns: Vec<Vec<Option<f64>>> = drawn.columns.iter().map(|values| values.numbers().to_vec()).collect();
        let targets: Vec<usize> = (0..self.keys.len()).collect();
        let chain = Chain::learn(&columns, &targets, &self.options);
        let name = |at: usize| self.fields.get(at).map_or("", |field| field.name.as_str());
        let shown = targets.iter().map(|target| {
            let coefficients = chain.coefficients(*target);
            let cells = (0..self.fields.len()).map(|at| {
                if at == *target {
                    return Cell::Empty;
                }
                Cell::number(coefficients.and_then(|coefficients| coefficients.get(at)).copied())
            });
            std::iter::once(Cell::text(name(*target))).chain(cells).collect()
        });
        let headings = std::iter::once(Column::new("column"))
            .chain((0..self.fields.len()).map(|at| Column::formatted(name(at), Format::Number)))
            .collect();
        let Exhibit::Table(mut table) =
            Exhibit::table("Learned coefficients of the last round, in standard deviations", headings, shown.collect())
        else {
            return Ok(());
        };
        table.note = Some(format!("From {}.", drawn.describe()));
        outcome.exhibits.push(Exhibit::Table(table));
        outcome.exhibits.push(if chain.has_settled() {
            Exhibit::note(Tone::Info, format!("The values settled after {} rounds.", chain.rounds()))
        } else {
            let text = format!(
                "After {} rounds the values still moved by more than the tolerance: more `rounds` may change them.",
                chain.rounds()
            );
            Exhibit::note(Tone::Warning, text)
        });
        for (target, key) in self.keys.iter().enumerate() {
            let text = RowFunction::Chain { chain: chain.clone(), target }.to_text();
            outcome.bindings.literals.insert(key.clone(), Literal::String(text));
        }
        Ok(())
    }
}

/// Columns that regressions look at: each column of each round is a sum over all of them, and they travel as text.
const MOST_COLUMNS: usize = 100;

fn fields_and_keys(
    what: &str,
    targets: &[(Field, Spanned<String>)],
    from: &[Field],
    context: &PlanContext<'_>,
) -> (Vec<Field>, Vec<String>) {
    let mut fields: Vec<Field> = targets.iter().map(|(field, _)| field.clone()).collect();
    for field in from {
        if !fields.contains(field) {
            fields.push(field.clone());
        }
    }
    let keys = targets.iter().map(|(field, _)| context.key(&format!("{what}.{}", field.name))).collect();
    (fields, keys)
}

/// The rows with their columns as they are learned from.
fn readable(rows: &Arc<Relation>, fields: &[Field]) -> Arc<Relation> {
    let columns = fields
        .iter()
        .map(|field| crate::relation::NamedExpr { name: field.name.clone(), expr: argument(field) })
        .collect();
    Arc::new(Relation::Project { input: rows.clone(), columns })
}

impl Drawn {
    /// Leaves rows out whose number in that column is not finite: they have nothing to give.
    fn keep_finite(&mut self, column: usize) {
        let Some(Values::Numbers(values)) = self.columns.get(column) else { return };
        let kept: Vec<bool> = values.iter().map(|value| value.is_some_and(f64::is_finite)).collect();
        if kept.iter().all(|kept| *kept) {
            return;
        }
        for values in &mut self.columns {
            let mut place = kept.iter();
            let mut keep = || place.next().copied().unwrap_or(false);
            match values {
                Values::Numbers(values) => values.retain(|_| keep()),
                Values::Texts(values) => values.retain(|_| keep()),
            }
        }
    }
}
