//! `sample`: a random part of the rows.

mod thresholds;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Format, Table};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Field, Function, Schema, UnaryOperator};
use crate::relation::{self, JoinKind, NamedExpr, Relation, Scan, ScanSource};
use crate::stages::prepare::split::{is_hashable, unhashable, uniform};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Split, Stage, inputs};
use thresholds::Wanted;

const INDEX: &str = "__row";
const LUCK: &str = "__luck";
const STRATUM: &str = "__stratum";
const LIMIT: &str = "__limit";
const LIMIT_ROW: &str = "__limit_row";
const COPIES: &str = "__copies";
/// Strata that are shown.
const SHOWN: usize = 50;

/// Keeps a random part of the rows: a `fraction` of them, or a number of `rows`.
///
/// The choice depends only on the seed and the position of each row, so the same input gives the same sample on every run and
/// on every engine. The order of the rows stays, and no row is kept twice, but for `balance: up`.
///
/// - `fraction` keeps each row with that probability, in one pass.
/// - `rows` keeps exactly that many (all, when there are fewer). With `weight`, a row is drawn in proportion to the number in that
///   column (Efraimidis and Spirakis 2006); rows without a number above 0 are never drawn.
/// - `by` makes strata of equal values. With `fraction` each stratum keeps that share, rounded, but at least one row. With `rows`
///   the number is shared out: in proportion to the strata's sizes, or with `allocate: equal` evenly, as far as they reach.
/// - `balance` gives all strata of `by` the same number of rows: `down` that of the smallest, `up` that of the largest, for which
///   the rows of smaller ones are repeated, each as often as the others or once more. When the rows are divided by a `split`,
///   only the training part is balanced: the other parts stay as they are, since a model is to be judged on rows as they come.
///
/// ```yaml
/// - sample: {fraction: 0.1, seed: 7}
/// - sample: {rows: 10000, by: [carrier, origin], allocate: equal}
/// - sample: {by: late, balance: down}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The probability with which each row is kept, from 0 to 1.
    #[serde(default)]
    fraction: Option<Spanned<f64>>,
    /// The number of rows to keep.
    #[serde(default)]
    rows: Option<Spanned<u64>>,
    /// A column of numbers: a row is drawn in proportion to it.
    #[serde(default)]
    weight: Option<Spanned<String>>,
    /// Columns that make strata: texts, whole numbers, booleans, dates.
    #[serde(default)]
    by: Option<OneOrMany<Spanned<String>>>,
    /// How `rows` are shared out among the strata.
    #[serde(default)]
    allocate: Option<Spanned<Allocate>>,
    /// Gives all strata the same number of rows.
    #[serde(default)]
    balance: Option<Spanned<Balance>>,
    /// Another seed gives another sample.
    #[serde(default)]
    seed: u32,
}

/// How rows are shared out among strata.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Allocate {
    /// In proportion to their sizes.
    #[default]
    Proportional,
    /// Evenly.
    Equal,
}

/// To which size strata are brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// That of the smallest.
    Down,
    /// That of the largest, by repeating rows.
    Up,
}

impl Stage for Sample {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        inputs::new_name(&table.schema, INDEX, context.place).map_err(|finding| vec![finding])?;
        let by = self.strata(&table.schema, id)?;
        let weight = self.weight(&table.schema, id)?;
        let wanted = self.wanted(by.is_empty())?;
        let salt = format!("sample {}", self.seed);
        let luck = uniform(vec![Expr::column(INDEX, DataType::Int64)], &salt);
        let indexed = Relation::RowIndex { input: table.relation.clone(), name: INDEX.to_owned() };
        let columns = inputs::all_columns(&table.schema);
        if let Wanted::Fraction(fraction) = wanted
            && by.is_empty()
        {
            let predicate = Expr::binary(BinaryOperator::Less, luck, Expr::float(fraction), DataType::Boolean);
            let chosen = Relation::Filter { input: indexed.into(), predicate };
            let relation = Relation::Project { input: chosen.into(), columns };
            return Ok(Planned::relation(table.derive(relation)).work(FractionWork));
        }
        let key = match &weight {
            Some(field) => weighted(luck, field),
            None => luck,
        };
        let drawing = Drawing {
            by,
            key,
            is_weighted: weight.is_some(),
            wanted,
            // Only what a model learns from is balanced.
            split: table.split.clone().filter(|_| wanted.is_balanced()),
            ids: ["limit", "limit_row", "strata", "copies"].map(|what| context.key(what)),
        };
        let relation = Relation::Project { input: drawing.chosen(indexed, &table.schema).into(), columns };
        Ok(Planned::relation(table.derive(relation)).work(drawing).meaning(self))
    }
}

impl Sample {
    fn strata(&self, schema: &Schema, id: &str) -> Result<Vec<Field>, Findings> {
        let names = self.by.as_ref().map_or(&[][..], |by| by.as_slice());
        let by = inputs::columns(schema, names, id)?;
        let wrong = by.iter().zip(names).filter(|(field, _)| !is_hashable(&field.data_type));
        let wrong: Findings = wrong.map(|(field, name)| unhashable(field).at(&name.place)).collect();
        if wrong.is_empty() { Ok(by) } else { Err(wrong) }
    }

    fn weight(&self, schema: &Schema, id: &str) -> Result<Option<Field>, Findings> {
        let Some(name) = &self.weight else { return Ok(None) };
        let refuse = |message: &str| Err(vec![Diagnostic::definition(message).at(&name.place)]);
        if self.rows.is_none() {
            return refuse("`weight` belongs to a number of `rows`");
        }
        if self.by.is_some() {
            return refuse("`weight` and `by` exclude each other");
        }
        Ok(inputs::numeric_columns(schema, std::slice::from_ref(name), id)?.into_iter().next())
    }

    fn wanted(&self, is_whole: bool) -> Result<Wanted, Findings> {
        let mut findings = Findings::new();
        let refuse = |message: &str| Diagnostic::definition(message);
        if let (Some(allocate), true) = (&self.allocate, self.rows.is_none() || is_whole) {
            findings.push(refuse("`allocate` shares out `rows` among the strata of `by`").at(&allocate.place));
        }
        let wanted = match (&self.fraction, &self.rows, &self.balance) {
            (Some(fraction), None, None) => {
                if !(0.0..=1.0).contains(&fraction.value) {
                    findings.push(refuse("`fraction` must lie between 0 and 1").at(&fraction.place));
                }
                Wanted::Fraction(fraction.value)
            }
            (None, Some(rows), None) => {
                let allocate = self.allocate.as_ref().map(|allocate| allocate.value).unwrap_or_default();
                Wanted::Rows(rows.value, allocate)
            }
            (None, None, Some(balance)) => {
                if is_whole {
                    findings.push(refuse("`balance` needs the columns that make strata in `by`").at(&balance.place));
                }
                Wanted::Balance(balance.value)
            }
            (Some(_), Some(rows), _) => {
                findings.push(refuse("`fraction` and `rows` exclude each other").at(&rows.place));
                Wanted::Fraction(1.0)
            }
            (_, _, Some(balance)) => {
                let message = "`balance` says itself how many rows are kept: leave `fraction` and `rows` out";
                findings.push(refuse(message).at(&balance.place));
                Wanted::Fraction(1.0)
            }
            (None, None, None) => {
                findings.push(refuse("say how much: `fraction`, `rows` or `balance`"));
                Wanted::Fraction(1.0)
            }
        };
        if findings.is_empty() { Ok(wanted) } else { Err(findings) }
    }
}

/// `-ln(luck) / weight`: the smaller the likelier, in proportion to the weight; null for weights that are not above 0.
fn weighted(luck: Expr, field: &Field) -> Expr {
    let weight = Expr::column(&field.name, field.data_type.clone()).cast(DataType::Float64, true);
    let logarithm = Expr::call(Function::Ln, vec![luck], DataType::Float64);
    let minus = Expr::new(ExprKind::Unary(UnaryOperator::Negate, Box::new(logarithm)), DataType::Float64);
    let key = Expr::binary(BinaryOperator::Divide, minus, weight.clone(), DataType::Float64);
    let is_nan = Expr::call(Function::IsNan, vec![weight.clone()], DataType::Boolean);
    let positive = Expr::binary(BinaryOperator::Greater, weight, Expr::float(0.0), DataType::Boolean);
    let kind = ExprKind::Case { branches: vec![(positive.and(is_nan.not()), key)], otherwise: None };
    Expr::new(kind, DataType::Float64)
}

struct FractionWork;

impl Work for FractionWork {
    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::new("not in the sample", counts.difference())]
    }
}

/// Rows with the smallest keys of their stratum are drawn; how small is learned.
struct Drawing {
    by: Vec<Field>,
    key: Expr,
    is_weighted: bool,
    wanted: Wanted,
    /// The division whose training part alone is drawn from.
    split: Option<Split>,
    /// Keys of the limit, of the row at the limit, of the table of strata and of the table of copies.
    ids: [String; 4],
}

impl Drawing {
    /// What tells the strata apart: a hash of the values, in which a null is a value of its own.
    fn stratum(&self) -> Expr {
        let values = self.by.iter().map(|field| Expr::column(&field.name, field.data_type.clone()));
        uniform_hash(values.collect())
    }

    /// The rows with their key, and with their stratum when there are several.
    fn keyed(&self, indexed: Relation, schema: &Schema) -> Relation {
        let mut columns = inputs::all_columns(schema);
        columns.push(NamedExpr { name: INDEX.to_owned(), expr: Expr::column(INDEX, DataType::Int64) });
        columns.push(NamedExpr { name: LUCK.to_owned(), expr: self.key.clone() });
        if !self.by.is_empty() {
            columns.push(NamedExpr { name: STRATUM.to_owned(), expr: self.stratum() });
        }
        Relation::Project { input: indexed.into(), columns }
    }

    /// The drawn rows, with further columns.
    fn chosen(&self, indexed: Relation, schema: &Schema) -> Relation {
        let keyed = self.keyed(indexed, schema);
        let [limit, limit_row, strata, copies] = &self.ids;
        if self.by.is_empty() {
            let limits = [Expr::fitted(limit, DataType::Float64), Expr::fitted(limit_row, DataType::Int64)];
            return Relation::Filter { input: keyed.into(), predicate: within(limits) };
        }
        let found = Relation::Join(Box::new(relation::Join {
            left: keyed.into(),
            right: Relation::Scan(Scan {
                source: ScanSource::Artifact(strata.clone()),
                schema: thresholds::strata_schema(),
            })
            .into(),
            kind: JoinKind::Left,
            on: vec![(STRATUM.to_owned(), thresholds::STRATUM.to_owned())],
            take: vec![
                (thresholds::LIMIT.to_owned(), LIMIT.to_owned()),
                (thresholds::LIMIT_ROW.to_owned(), LIMIT_ROW.to_owned()),
                (thresholds::COPIES.to_owned(), COPIES.to_owned()),
            ],
            asof: None,
        }));
        let drawn = within([Expr::column(LIMIT, DataType::Float64), Expr::column(LIMIT_ROW, DataType::Int64)]);
        let untouched = self.split.as_ref().map(|split| is_training(split).not());
        if self.wanted != Wanted::Balance(Balance::Up) {
            let predicate = match untouched {
                Some(untouched) => Expr::binary(BinaryOperator::Or, untouched, drawn, DataType::Boolean),
                None => drawn,
            };
            return Relation::Filter { input: found.into(), predicate };
        }
        // Drawn rows stand there once more than the others of their stratum.
        let base = Expr::column(COPIES, DataType::Int64);
        let more = Expr::binary(BinaryOperator::Add, base.clone(), Expr::integer(1), DataType::Int64);
        let mut branches = vec![(drawn, more)];
        if let Some(untouched) = untouched {
            branches.insert(0, (untouched, Expr::integer(1)));
        }
        let count = Expr::new(ExprKind::Case { branches, otherwise: Some(Box::new(base)) }, DataType::Int64);
        let mut columns = inputs::all_columns(schema);
        columns.push(NamedExpr { name: COPIES.to_owned(), expr: count });
        let counted = Relation::Project { input: found.into(), columns };
        Relation::Join(Box::new(relation::Join {
            left: counted.into(),
            right: Relation::Scan(Scan {
                source: ScanSource::Artifact(copies.clone()),
                schema: thresholds::copies_schema(),
            })
            .into(),
            kind: JoinKind::Inner,
            on: vec![(COPIES.to_owned(), thresholds::COPIES.to_owned())],
            take: Vec::new(),
            asof: None,
        }))
    }
}

/// `hash(values)`, the same for equal values.
fn uniform_hash(values: Vec<Expr>) -> Expr {
    Expr::call(Function::Hash, crate::stages::prepare::split::hashable(values), DataType::Int64)
}

/// Whether the key lies below the limit, or on it in a row up to the row at the limit.
fn within([limit, limit_row]: [Expr; 2]) -> Expr {
    let luck = || Expr::column(LUCK, DataType::Float64);
    let below = Expr::binary(BinaryOperator::Less, luck(), limit.clone(), DataType::Boolean);
    let at = Expr::binary(BinaryOperator::Equal, luck(), limit, DataType::Boolean);
    let index = Expr::column(INDEX, DataType::Int64);
    let first = Expr::binary(BinaryOperator::LessOrEqual, index, limit_row, DataType::Boolean);
    Expr::binary(BinaryOperator::Or, below, at.and(first), DataType::Boolean)
}

fn is_training(split: &Split) -> Expr {
    let part = split.parts.first().map_or("", String::as_str);
    let column = Expr::column(&split.column, DataType::String);
    Expr::binary(BinaryOperator::IsNotDistinctFrom, column, Expr::string(part), DataType::Boolean)
}

impl Work for Drawing {
    fn passes(&self, _: usize) -> usize {
        1 + usize::from(!self.by.is_empty() || self.wanted.is_large())
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let schema = table.relation.schema();
        let indexed = Relation::RowIndex { input: table.relation.clone(), name: INDEX.to_owned() };
        let mut rows = self.keyed(indexed, &schema);
        if let Some(split) = &self.split {
            rows = Relation::Filter { input: rows.into(), predicate: is_training(split) };
        }
        let rows = Arc::new(rows);
        let mut outcome = Outcome::default();
        let [limit, limit_row, strata, copies] = &self.ids;
        if self.by.is_empty() {
            let found = thresholds::of_all(&rows, self.wanted, self.is_weighted, context)?;
            let (key, row) = found.unwrap_or((f64::NEG_INFINITY, -1));
            outcome.bindings.literals.insert(limit.clone(), crate::expression::Literal::Float(key));
            outcome.bindings.literals.insert(limit_row.clone(), crate::expression::Literal::Integer(row));
            return Ok(outcome);
        }
        let found = thresholds::of_strata(&rows, &self.by, self.wanted, context)?;
        found.write(context)?;
        outcome.bindings.artifacts.insert(strata.clone(), thresholds::STRATA_FILE.into());
        if self.wanted == Wanted::Balance(Balance::Up) {
            outcome.bindings.artifacts.insert(copies.clone(), thresholds::COPIES_FILE.into());
        }
        let shown = found.strata.iter().take(SHOWN).map(|stratum| {
            let names = stratum.names.iter().map(|name| Cell::optional(name.clone()));
            names.chain([Cell::count(stratum.size), Cell::count(stratum.wanted)]).collect()
        });
        let columns = self
            .by
            .iter()
            .map(|field| Column::new(&field.name))
            .chain([Column::formatted("rows", Format::Integer), Column::formatted("in the sample", Format::Integer)]);
        let left_out = found.strata.len().saturating_sub(SHOWN);
        let mut note = (left_out > 0).then(|| format!("{left_out} smaller strata are not shown."));
        if let Some(split) = &self.split {
            let part = split.parts.first().map_or("", String::as_str);
            note = Some(format!("Rows of part {part}; the others stay as they are. {}", note.unwrap_or_default()));
        }
        let (columns, rows) = (columns.collect(), shown.collect());
        outcome.exhibits.push(Exhibit::Table(Table { title: "Strata".to_owned(), columns, rows, note }));
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        let reason = if self.wanted == Wanted::Balance(Balance::Up) { "repeated" } else { "not in the sample" };
        vec![Change::new(reason, counts.difference())]
    }
}
