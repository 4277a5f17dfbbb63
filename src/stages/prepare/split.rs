//! `split`: divides the rows for learning.

mod crossing;
mod folds;

pub use crossing::Crossing;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Format};
use crate::expression::{Aggregate, BinaryOperator, DataType, Expr, ExprKind, Field, Function, SortKey, Window};
use crate::relation::{NamedExpr, Relation, Tap};
use crate::stages::work::{StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs, product};

const INDEX: &str = "__row";
/// The hash function gives 60 bits.
const HASH_RANGE: f64 = (1_u64 << 60) as f64;

/// Divides the rows for learning: adds a text column that names the part of each row.
///
/// The first part is what later stages learn from: below a `split`, `impute`, `standardize`, `tensors` and other stages
/// that learn see its rows alone. The parts' shares are brought to a sum of 1.
///
/// - `by: random` gives each row a part by chance (seed and position decide).
/// - `by: hash` decides by the values of the columns in `on`: equal values go to the same part, in every run and every file.
///   Use it when rows belong together (all flights of one aircraft), or when new rows should not move old ones.
/// - `by: group` does the same for keys that name groups, such as the entity of `link` or the cluster of near duplicates. A
///   row whose keys are all null belongs to no group and gets its part by chance.
/// - `by: stratified` keeps the shares within each combination of the columns in `on`.
/// - `by: time` puts the earliest rows of the column in `on` first: learn from the past, judge on the future. Rows of the
///   same time stay together; rows without a time go to the first part.
///
/// `folds` divides for cross-validation instead of by shares: a further column `fold` numbers the folds from 1, as evenly as `by`
/// allows (with `random` and `stratified` to the row), and one `fold` at a time is the part `test`, all others are `train`. Run
/// the pipeline once for each: `params: {fold: 1}`, `split: {folds: 5, fold: "${fold}"}`, `gristmill run --set fold=2`. The folds
/// do not depend on which one is held out.
///
/// - `inner_folds` divides the rows once more, for nested cross-validation: the column `inner_fold` numbers them, and of the
///   rows outside of the held-out fold those of `inner_fold` are the part `valid`.
/// - With `by: time` the folds follow each other in time. What is learned from are the folds before the held-out one; rows
///   after it belong to no part.
///
/// ```yaml
/// - id: ready
///   split: {by: hash, on: [carrier, flight, time_hour], parts: {train: 0.7, valid: 0.15, test: 0.15}}
/// ```
///
/// ```yaml
/// - id: ready
///   split: {by: group, on: tailnum, folds: 5, fold: 2, inner_folds: 4}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// How rows are divided.
    #[serde(default = "random")]
    by: Method,
    /// The columns that decide.
    #[serde(default)]
    on: Option<OneOrMany<Spanned<String>>>,
    /// The parts with their shares, the one to learn from first; train 0.7, valid 0.15, test 0.15 when absent.
    #[serde(default)]
    parts: Option<Spanned<Ordered<f64>>>,
    /// Divides into so many folds for cross-validation, from 2 to 100.
    #[serde(default)]
    folds: Option<Spanned<u32>>,
    /// The fold that is held out; the first when absent, with `by: time` the last.
    #[serde(default)]
    fold: Option<Spanned<u32>>,
    /// Divides into so many inner folds for nested cross-validation, from 2 to 100.
    #[serde(default)]
    inner_folds: Option<Spanned<u32>>,
    /// The inner fold that is the part `valid`; the first when absent.
    #[serde(default)]
    inner_fold: Option<Spanned<u32>>,
    /// Name of the new column.
    #[serde(default = "column")]
    column: String,
    /// Another seed gives another division.
    #[serde(default)]
    seed: u32,
}

/// How rows are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By chance.
    Random,
    /// By the values of columns.
    Hash,
    /// By the values of columns that name groups.
    Group,
    /// By chance, with the same shares in each stratum.
    Stratified,
    /// By time.
    Time,
}

fn random() -> Method {
    Method::Random
}

fn column() -> String {
    "part".to_owned()
}

fn parts() -> Ordered<f64> {
    let parts = [("train", 0.7), ("valid", 0.15), ("test", 0.15)];
    Ordered(parts.map(|(name, share)| (Spanned::nowhere(name.to_owned()), share)).to_vec())
}

/// The salt of random numbers by which inner folds are made, so that they do not follow the outer ones.
const INNER: &str = "inner ";

impl Stage for Split {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let folds = folds::read(self)?;
        let shares = match &folds {
            Some(folds) => folds.shares(),
            None => self.shares()?,
        };
        let refuse = |finding| Err(vec![finding]);
        if let Some(split) = &table.split {
            let message = format!("the rows are divided already by `{}`", split.stage);
            return refuse(Diagnostic::definition(message));
        }
        let mut new = vec![self.column.as_str(), INDEX];
        for name in folds.iter().flat_map(folds::Folds::columns) {
            new.push(name);
        }
        for name in new {
            inputs::new_name(&table.schema, name, context.place).map_err(|finding| vec![finding])?;
        }
        if let Some(name) = folds.iter().flat_map(folds::Folds::columns).find(|name| *name == self.column) {
            let message = format!("column `{name}` numbers the folds: choose another name for the parts");
            return refuse(Diagnostic::definition(message));
        }
        let on = inputs::columns(&table.schema, self.on.as_ref().map_or(&[], |names| names.as_slice()), id)?;
        let needs = match self.by {
            Method::Random => 0..=0,
            Method::Time => 1..=1,
            Method::Hash | Method::Group | Method::Stratified => 1..=usize::MAX,
        };
        if !needs.contains(&on.len()) {
            let message = match self.by {
                Method::Random => "`by: random` looks at no columns; `by: hash` or `by: stratified` do",
                Method::Time => "`by: time` needs one column in `on`",
                _ => "`on` must name the columns that decide",
            };
            return refuse(Diagnostic::definition(message));
        }
        let indexed = Relation::RowIndex { input: table.relation.clone(), name: INDEX.to_owned() };
        let mut columns = inputs::all_columns(&table.schema);
        let divided = match &folds {
            None => {
                columns.push(NamedExpr { name: self.column.clone(), expr: part_at(self.position(&on)?, &shares) });
                Relation::Project { input: indexed.into(), columns }
            }
            Some(folds) => folds.relation(self, &on, indexed, columns)?,
        };
        let counters = match &folds {
            Some(folds) => folds.counters(),
            None => Vec::new(),
        };
        let tap = self.tap(context.id, &shares, counters);
        let counted = Relation::Tap { input: divided.into(), tap: tap.into() };
        let split = product::Split {
            stage: context.id.to_owned(),
            column: self.column.clone(),
            parts: shares.iter().map(|(name, _)| name.clone()).collect(),
        };
        let costly = matches!(self.by, Method::Stratified | Method::Time);
        let planned = Planned::relation(TableShape::new(counted, Some(split)));
        Ok(planned.work(SplitWork { shares, folds, costly }))
    }
}

impl Split {
    fn shares(&self) -> Result<Vec<(String, f64)>, Findings> {
        let usual = parts();
        let parts = self.parts.as_ref().map_or(&usual, |parts| &parts.value);
        let shares: Vec<(String, f64)> = parts.iter().map(|(name, share)| (name.value.clone(), *share)).collect();
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        if shares.len() < 2 {
            return Err(vec![Diagnostic::definition("`parts` needs at least two parts")]);
        }
        if let Some((name, _)) = parts.iter().find(|(_, share)| !(share.is_finite() && *share > 0.0)) {
            let message = format!("the share of part `{}` must be larger than 0", name.value);
            return Err(vec![Diagnostic::definition(message).at(&name.place)]);
        }
        Ok(shares.into_iter().map(|(name, share)| (name, share / sum)).collect())
    }

    /// A number from 0 to below 1 for each row: rows are put into parts by it.
    fn position(&self, on: &[Field]) -> Result<Expr, Findings> {
        let index = || Expr::column(INDEX, DataType::Int64);
        let salt = format!("split {}", self.seed);
        let luck = || uniform(vec![index()], &salt);
        Ok(match self.by {
            Method::Random => luck(),
            Method::Hash | Method::Group => self.by_values(on, &salt)?,
            Method::Stratified => {
                let strata: Vec<Expr> =
                    on.iter().map(|field| Expr::column(&field.name, field.data_type.clone())).collect();
                rank_share(strata, luck(), Function::RowNumber)
            }
            Method::Time => by_time(on)?,
        })
    }

    /// A number from 0 to below 1 that equal values share.
    fn by_values(&self, on: &[Field], salt: &str) -> Result<Expr, Findings> {
        if let Some(field) = on.iter().find(|field| !is_hashable(&field.data_type)) {
            return Err(vec![unhashable(field)]);
        }
        let values: Vec<Expr> = on.iter().map(|field| Expr::column(&field.name, field.data_type.clone())).collect();
        let own = uniform(values.clone(), salt);
        if self.by != Method::Group {
            return Ok(own);
        }
        // A row without a group must not make one with all the others.
        let Some(alone) = values.into_iter().map(Expr::is_null).reduce(Expr::and) else { return Ok(own) };
        let luck = uniform(vec![Expr::column(INDEX, DataType::Int64)], salt);
        let kind = ExprKind::Case { branches: vec![(alone, luck)], otherwise: Some(Box::new(own)) };
        Ok(Expr::new(kind, DataType::Float64))
    }

    fn tap(&self, id: &str, shares: &[(String, f64)], folds: Vec<NamedExpr>) -> Tap {
        let is = |name: &String| {
            let column = Expr::column(&self.column, DataType::String);
            Expr::binary(BinaryOperator::Equal, column, Expr::string(name.clone()), DataType::Boolean)
        };
        let counters = shares.iter().map(|(name, _)| NamedExpr { name: name.clone(), expr: is(name) });
        let counters = counters.chain(folds).collect();
        Tap { stage: id.to_owned(), point: "parts".to_owned(), counters, samples: Vec::new() }
    }
}

/// Where each row stands in time, from 0 to below 1.
fn by_time(on: &[Field]) -> Result<Expr, Findings> {
    match on.first() {
        Some(field) if field.data_type.is_temporal() || field.data_type.is_numeric() => {
            let time = Expr::column(&field.name, field.data_type.clone());
            let share = rank_share(Vec::new(), time.clone(), Function::Rank);
            let branches = vec![(time.is_null(), Expr::float(0.0))];
            Ok(Expr::new(ExprKind::Case { branches, otherwise: Some(Box::new(share)) }, DataType::Float64))
        }
        Some(field) => {
            let message = format!("column `{}` holds {}, not a time", field.name, field.data_type);
            Err(vec![Diagnostic::definition(message)])
        }
        None => Err(vec![Diagnostic::definition("`by: time` needs one column in `on`")]),
    }
}

/// Whether values have one text in every engine.
pub(super) fn is_hashable(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(data_type, DataType::String | DataType::Boolean | DataType::Date | DataType::Datetime(_))
}

/// The finding for a column whose values have not.
pub(super) fn unhashable(field: &Field) -> Diagnostic {
    let message = format!("column `{}` holds {}, whose text differs between engines", field.name, field.data_type);
    Diagnostic::definition(message).help("derive a column of text or whole numbers from it")
}

/// Values as they are hashed: instants as whole seconds, which have one text in every engine.
pub(super) fn hashable(values: Vec<Expr>) -> Vec<Expr> {
    let plain = |value: Expr| match value.data_type {
        DataType::Datetime(_) => {
            Expr::call(Function::Epoch, vec![value], DataType::Float64).cast(DataType::Int64, false)
        }
        _ => value,
    };
    values.into_iter().map(plain).collect()
}

/// A number from 0 to below 1 that depends on the values and the salt alone: `hash(salt, values..) / 2^60`.
pub(super) fn uniform(values: Vec<Expr>, salt: &str) -> Expr {
    let mut arguments = vec![Expr::string(salt)];
    arguments.extend(hashable(values));
    let hash = Expr::call(Function::Hash, arguments, DataType::Int64).cast(DataType::Float64, true);
    Expr::binary(BinaryOperator::Divide, hash, Expr::float(HASH_RANGE), DataType::Float64)
}

/// `(rank - 1) / count` of each row within its partition, ordered by `order`.
fn rank_share(partition_by: Vec<Expr>, order: Expr, rank: Function) -> Expr {
    let before = place(&partition_by, order, rank);
    let all = windowed(&partition_by, Function::CountAll, Vec::new());
    let float = |expr: Expr| expr.cast(DataType::Float64, true);
    Expr::binary(BinaryOperator::Divide, float(before), float(all), DataType::Float64)
}

/// `rank - 1` of each row within its partition, ordered by `order`.
fn place(partition_by: &[Expr], order: Expr, rank: Function) -> Expr {
    let key = SortKey { expr: order, descending: false, nulls_first: true };
    let rank = windowed(partition_by, rank, vec![key]);
    Expr::binary(BinaryOperator::Subtract, rank, Expr::integer(1), DataType::Int64)
}

fn windowed(partition_by: &[Expr], function: Function, order_by: Vec<SortKey>) -> Expr {
    let over = Window { partition_by: partition_by.to_vec(), order_by, frame: Default::default() };
    let aggregate = Aggregate {
        function,
        arguments: Vec::new(),
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        over: Some(over),
    };
    Expr::new(ExprKind::Aggregate(Box::new(aggregate)), DataType::Int64)
}

/// The part in whose range the position lies.
fn part_at(position: Expr, shares: &[(String, f64)]) -> Expr {
    let mut end = 0.0;
    let mut branches: Vec<(Expr, Expr)> = Vec::new();
    for (name, share) in shares {
        end += share;
        let below = Expr::binary(BinaryOperator::Less, position.clone(), Expr::float(end), DataType::Boolean);
        branches.push((below, Expr::string(name.clone())));
    }
    // The last part takes what rounding leaves.
    let otherwise = branches.pop().map(|(_, part)| Box::new(part));
    Expr::new(ExprKind::Case { branches, otherwise }, DataType::String)
}

struct SplitWork {
    shares: Vec<(String, f64)>,
    folds: Option<folds::Folds>,
    costly: bool,
}

impl Work for SplitWork {
    fn is_costly(&self) -> bool {
        self.costly
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        #[expect(clippy::cast_precision_loss, reason = "a share that is shown with one decimal")]
        let share = |rows: u64| rows as f64 / counts.out.max(1) as f64;
        let rows = self.shares.iter().map(|(name, wanted)| {
            let rows = counts.counter("parts", name);
            vec![Cell::text(name.clone()), Cell::count(rows), Cell::number(share(rows)), Cell::number(*wanted)]
        });
        if let Some(folds) = &self.folds {
            return vec![folds.exhibit(counts)];
        }
        vec![Exhibit::table(
            "Parts",
            vec![
                Column::new("part"),
                Column::formatted("rows", Format::Integer),
                Column::formatted("share", Format::Percent),
                Column::formatted("asked for", Format::Percent),
            ],
            rows.collect(),
        )]
    }
}
