//! The mean of a target for each value, learned out of fold.
//!
//! D. Micci-Barreca, A preprocessing scheme for high-cardinality categorical attributes, SIGKDD Explorations 3 (2001);
//! the blend with a fixed number of rows is the m-estimate of that paper and of scikit-learn's `TargetEncoder(smooth=m)`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lookup::{CODE, FOLD, Lookup, VALUE, ascending};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{self, BinaryOperator, DataType, Expr, ExprKind, Field, Function};
use crate::relation::{NamedExpr, Relation};
use crate::stages::{PlanContext, TableProduct, TableShape, inputs, product};

/// The fold of rows from which nothing is learned.
pub(super) const NO_FOLD: i64 = -1;
const INDEX: &str = "__row";

/// The mean of a target for each value.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The target: numbers or booleans.
    column: Spanned<String>,
    /// Into how many folds the training rows are divided by chance.
    #[serde(default = "folds")]
    folds: u16,
    /// How many rows with the mean of all rows are added to each value.
    #[serde(default = "smoothing")]
    smoothing: f64,
    /// Another seed gives other folds.
    #[serde(default)]
    seed: u32,
}

fn folds() -> u16 {
    5
}

fn smoothing() -> f64 {
    20.0
}

impl Target {
    pub(super) fn prior(&self, field: &Field, context: &PlanContext<'_>) -> String {
        context.key(&format!("prior.{}", field.name))
    }

    pub(super) fn lookup(
        &self,
        field: &Field,
        table: &TableShape,
        context: &PlanContext<'_>,
    ) -> Result<Lookup, Findings> {
        let id = context.input_ids.first().map_or("", String::as_str);
        let target = inputs::column(&table.schema, &self.column, id).map_err(|finding| vec![finding])?;
        let refuse = |message: String| Err(vec![Diagnostic::definition(message).at(&self.column.place)]);
        if !target.data_type.is_numeric() && target.data_type != DataType::Boolean {
            let message = format!("the target `{}` holds {}, not numbers or booleans", target.name, target.data_type);
            return refuse(message);
        }
        if target.name == field.name {
            return refuse("a column cannot be encoded by itself".to_owned());
        }
        if self.folds < 2 {
            return refuse("`folds` must be at least 2".to_owned());
        }
        if !(self.smoothing.is_finite() && self.smoothing >= 0.0) {
            return refuse("`smoothing` must be a number from 0".to_owned());
        }
        let folds = Folds {
            column: format!("__fold_{}", field.name),
            count: self.folds,
            salt: format!("encode {} {}", field.name, self.seed),
        };
        let value = Expr::column(&target.name, target.data_type.clone()).cast(DataType::Float64, true);
        let learning = Learning { target: value, smoothing: self.smoothing, prior: self.prior(field, context) };
        Ok(Lookup::target(field, learning, folds, context))
    }
}

/// Which fold a row is in.
pub(super) struct Folds {
    /// The column that tells.
    pub(super) column: String,
    count: u16,
    salt: String,
}

impl Folds {
    /// The fold of a row of [`numbered`] rows; rows that are not learned from are in none.
    pub(super) fn of_row(&self, split: Option<&product::Split>) -> Expr {
        let place = super::uniform(vec![Expr::column(INDEX, DataType::Int64)], &self.salt);
        let count = Expr::float(f64::from(self.count));
        let scaled = Expr::binary(BinaryOperator::Multiply, place, count, DataType::Float64);
        let fold = Expr::call(Function::Floor, vec![scaled], DataType::Float64).cast(DataType::Int64, true);
        match split.and_then(|split| Some((split, split.parts.first()?))) {
            None => fold,
            Some((split, part)) => {
                let column = Expr::column(&split.column, DataType::String);
                let part = Expr::string(part.clone());
                let learned = Expr::binary(BinaryOperator::Equal, column, part, DataType::Boolean);
                let otherwise = Some(Box::new(Expr::integer(NO_FOLD)));
                Expr::new(ExprKind::Case { branches: vec![(learned, fold)], otherwise }, DataType::Int64)
            }
        }
    }
}

/// The rows with their number beside them, by which they are put into folds.
pub(super) fn numbered(rows: &Arc<Relation>) -> Arc<Relation> {
    Arc::new(Relation::RowIndex { input: rows.clone(), name: INDEX.to_owned() })
}

/// How the codes are learned.
pub(super) struct Learning {
    /// The target as float64.
    target: Expr,
    smoothing: f64,
    /// The key of the mean over all training rows.
    prior: String,
}

impl Learning {
    /// The mean over all training rows.
    pub(super) fn prior(&self) -> NamedExpr {
        let expr = Expr::aggregate(Function::Mean, vec![self.target.clone()], DataType::Float64);
        NamedExpr { name: self.prior.clone(), expr }
    }

    /// The codes: for each value one for each fold, from the rows of the other folds, and one for all other rows.
    ///
    /// With `n` targets of sum `s` among the rows that count, their mean `p` over all values and the smoothing `m`, the code
    /// of a value is `(s + m p) / (n + m)`.
    pub(super) fn codes(&self, table: &TableProduct, field: &Field, folds: &Folds) -> Result<Relation, String> {
        let groups = self.groups(table, field, folds);
        let m = format!("cast({} as double)", self.smoothing);
        let all = "(sum(s) over () / sum(n) over ())";
        let others = format!(
            "coalesce((sum(s) over () - sum(s) over (partition by fold)) / (sum(n) over () - sum(n) over (partition by fold)), {all})"
        );
        let of_fold = format!(
            "coalesce((sum(s) over (partition by value) - s + {m} * {others}) / (sum(n) over (partition by value) - n + {m}), {others})"
        );
        let of_all = format!("coalesce((s + {m} * {all}) / (n + {m}), {all})");
        let in_folds = coded(groups.clone().into(), Expr::column(FOLD, DataType::Int64), &of_fold)?;
        let whole = {
            let column = |name: &str, data_type| Expr::column(name, data_type);
            let sum = |name: &str, data_type: DataType| NamedExpr {
                name: name.to_owned(),
                expr: Expr::aggregate(Function::Sum, vec![column(name, data_type.clone())], data_type),
            };
            let keys = vec![NamedExpr { name: VALUE.to_owned(), expr: column(VALUE, field.data_type.clone()) }];
            let aggregates = vec![sum("n", DataType::Int64), sum("s", DataType::Float64)];
            Relation::Aggregate { input: groups.into(), keys, aggregates }
        };
        let whole = coded(whole.into(), Expr::integer(NO_FOLD), &of_all)?;
        let both = Relation::Union { inputs: vec![in_folds.into(), whole.into()] };
        let value = Expr::column(VALUE, field.data_type.clone());
        let known = Relation::Filter { input: both.into(), predicate: value.clone().is_null().not() };
        // In an order, so that the same rows give the same file to the byte.
        let keys = vec![ascending(value), ascending(Expr::column(FOLD, DataType::Int64))];
        Ok(Relation::Sort { input: known.into(), keys })
    }

    /// For each value and fold of the training rows the number `n` of targets and their sum `s`.
    fn groups(&self, table: &TableProduct, field: &Field, folds: &Folds) -> Relation {
        let schema = table.relation.schema();
        let mut columns = inputs::all_columns(&schema);
        columns.push(NamedExpr { name: folds.column.clone(), expr: folds.of_row(None) });
        let folded = Relation::Project { input: numbered(&table.relation), columns };
        let folded = TableProduct { relation: folded.into(), ..table.clone() };
        let keys = vec![
            NamedExpr { name: VALUE.to_owned(), expr: Expr::column(&field.name, field.data_type.clone()) },
            NamedExpr { name: FOLD.to_owned(), expr: Expr::column(&folds.column, DataType::Int64) },
        ];
        let count = Expr::aggregate(Function::Count, vec![self.target.clone()], DataType::Int64);
        let sum = Expr::aggregate(Function::Sum, vec![self.target.clone()], DataType::Float64);
        let sum = Expr::call(Function::Coalesce, vec![sum, Expr::float(0.0)], DataType::Float64);
        let aggregates =
            vec![NamedExpr { name: "n".to_owned(), expr: count }, NamedExpr { name: "s".to_owned(), expr: sum }];
        Relation::Aggregate { input: folded.training(), keys, aggregates }
    }
}

/// The values with their fold and code; the code is an expression over the columns `value`, `fold`, `n` and `s`.
fn coded(groups: Arc<Relation>, fold: Expr, code: &str) -> Result<Relation, String> {
    let schema = groups.schema();
    let compiled = expression::compile_scalar(code, &schema);
    let compiled = compiled.map_err(|errors| errors.into_iter().map(|error| error.message).collect::<String>())?;
    let value_type = schema.data_type(VALUE).cloned().unwrap_or(DataType::Null);
    let columns = vec![
        NamedExpr { name: VALUE.to_owned(), expr: Expr::column(VALUE, value_type) },
        NamedExpr { name: CODE.to_owned(), expr: compiled.cast(DataType::Float64, true) },
        NamedExpr { name: FOLD.to_owned(), expr: fold },
    ];
    Ok(Relation::Project { input: groups, columns })
}
