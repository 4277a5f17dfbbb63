//! `outliers`: values far from the others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Format};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Field, Function, Literal};
use crate::relation::{NamedExpr, Relation, Tap};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, fit, inputs};

/// Treats values that lie far from the others.
///
/// `method` says what far is, learned from the training rows when the rows are divided by a `split`, else from all rows:
///
/// - `quantile`: below the quantile `lower` or above the quantile `upper` (0.01 and 0.99).
/// - `iqr`: more than `factor` (1.5) interquartile ranges below the first or above the third quartile (Tukey 1977).
/// - `zscore`: more than `factor` (3) standard deviations from the mean.
///
/// `action` says what becomes of them: `clip` moves them to the nearest allowed value, `null` forgets them, `drop` leaves
/// the row out, `flag` adds a boolean column `x_outlier`. Nulls are never outliers.
///
/// ```yaml
/// - outliers: {columns: amount, method: quantile, lower: 0.01, upper: 0.99, action: clip}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outliers {
    /// The columns.
    columns: OneOrMany<Spanned<String>>,
    /// What far is.
    #[serde(default)]
    method: Method,
    /// The lower quantile of `method: quantile`.
    #[serde(default = "lower")]
    lower: Spanned<f64>,
    /// The upper quantile of `method: quantile`.
    #[serde(default = "upper")]
    upper: Spanned<f64>,
    /// How many ranges or deviations are far: 1.5 for `iqr`, 3 for `zscore` when absent.
    #[serde(default)]
    factor: Option<Spanned<f64>>,
    /// What becomes of them.
    #[serde(default)]
    action: Action,
}

/// What far is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Outside two quantiles.
    #[default]
    Quantile,
    /// Outside the quartiles by a multiple of their distance.
    Iqr,
    /// Away from the mean by a multiple of the standard deviation.
    Zscore,
}

/// What becomes of outliers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// They become the nearest allowed value.
    #[default]
    Clip,
    /// They become null.
    Null,
    /// Their rows are left out.
    Drop,
    /// A boolean column tells them.
    Flag,
}

fn lower() -> Spanned<f64> {
    Spanned::nowhere(0.01)
}

fn upper() -> Spanned<f64> {
    Spanned::nowhere(0.99)
}

impl Stage for Outliers {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let fields = inputs::numeric_columns(&table.schema, self.columns.as_slice(), id)?;
        self.check_bounds()?;
        let counters: Vec<NamedExpr> = fields
            .iter()
            .flat_map(|field| {
                let bounds = Bounds::new(field, context);
                [
                    NamedExpr { name: format!("low {}", field.name), expr: bounds.below() },
                    NamedExpr { name: format!("high {}", field.name), expr: bounds.above() },
                ]
            })
            .collect();
        let tap = Tap { stage: context.id.to_owned(), point: "in".to_owned(), counters, samples: Vec::new() };
        let tapped = Relation::Tap { input: table.relation.clone(), tap: tap.into() };
        let mut columns = inputs::all_columns(&table.schema);
        let mut allowed = Vec::new();
        for (field, written) in fields.iter().zip(self.columns.iter()) {
            let bounds = Bounds::new(field, context);
            match self.action {
                Action::Clip => inputs::set_column(&mut columns, &field.name, bounds.clip()),
                Action::Null => inputs::set_column(&mut columns, &field.name, bounds.null()),
                Action::Drop => allowed.push(bounds.is_outlier().not()),
                Action::Flag => {
                    let name = format!("{}_outlier", field.name);
                    inputs::new_name(&table.schema, &name, &written.place).map_err(|finding| vec![finding])?;
                    inputs::set_column(&mut columns, &name, bounds.is_outlier());
                }
            }
        }
        let relation = match allowed.into_iter().reduce(Expr::and) {
            Some(predicate) => Relation::Filter { input: tapped.into(), predicate },
            None => Relation::Project { input: tapped.into(), columns },
        };
        let keys = fields.iter().map(|field| Bounds::new(field, context).keys).collect();
        let factor = self.factor.as_ref().map(|factor| factor.value);
        let work = OutliersWork {
            method: self.method,
            lower: self.lower.value,
            upper: self.upper.value,
            factor: factor.unwrap_or(if self.method == Method::Zscore { 3.0 } else { 1.5 }),
            fields,
            keys,
        };
        Ok(Planned::relation(table.derive(relation)).work(work).meaning(self))
    }
}

impl Outliers {
    fn check_bounds(&self) -> Result<(), Findings> {
        let refuse = |message: &str, place| Err(vec![Diagnostic::definition(message).at(place)]);
        let unit = 0.0..=1.0;
        if !unit.contains(&self.lower.value)
            || !unit.contains(&self.upper.value)
            || self.lower.value >= self.upper.value
        {
            return refuse("`lower` and `upper` must be quantiles from 0 to 1, the lower one first", &self.upper.place);
        }
        match &self.factor {
            Some(factor) if !(factor.value.is_finite() && factor.value > 0.0) => {
                refuse("`factor` must be larger than 0", &factor.place)
            }
            Some(factor) if self.method == Method::Quantile => {
                refuse("`factor` has no meaning for `method: quantile`", &factor.place)
            }
            _ => Ok(()),
        }
    }
}

/// The allowed range of a column, learned.
struct Bounds<'a> {
    field: &'a Field,
    /// Keys of the lowest and the highest allowed value.
    keys: [String; 2],
}

impl<'a> Bounds<'a> {
    fn new(field: &'a Field, context: &PlanContext<'_>) -> Self {
        let key = |which: &str| context.key(&format!("{which}.{}", field.name));
        Self { field, keys: [key("low"), key("high")] }
    }

    fn value(&self) -> Expr {
        Expr::column(&self.field.name, self.field.data_type.clone()).cast(DataType::Float64, true)
    }

    fn bound(&self, which: usize) -> Expr {
        Expr::fitted(self.keys.get(which).cloned().unwrap_or_default(), DataType::Float64)
    }

    /// True or false, never null: a null is no outlier.
    fn known(&self, comparison: Expr) -> Expr {
        Expr::and(self.value().is_null().not(), comparison)
    }

    fn below(&self) -> Expr {
        self.known(Expr::binary(BinaryOperator::Less, self.value(), self.bound(0), DataType::Boolean))
    }

    fn above(&self) -> Expr {
        self.known(Expr::binary(BinaryOperator::Greater, self.value(), self.bound(1), DataType::Boolean))
    }

    fn is_outlier(&self) -> Expr {
        Expr::binary(BinaryOperator::Or, self.below(), self.above(), DataType::Boolean)
    }

    fn clip(&self) -> Expr {
        self.replace(self.bound(0), self.bound(1))
    }

    fn null(&self) -> Expr {
        let null = || Expr::literal(Literal::Null, DataType::Float64);
        self.replace(null(), null())
    }

    fn replace(&self, low: Expr, high: Expr) -> Expr {
        let branches = vec![(self.below(), low), (self.above(), high)];
        Expr::new(ExprKind::Case { branches, otherwise: Some(Box::new(self.value())) }, DataType::Float64)
    }
}

struct OutliersWork {
    method: Method,
    lower: f64,
    upper: f64,
    factor: f64,
    fields: Vec<Field>,
    keys: Vec<[String; 2]>,
}

impl OutliersWork {
    /// The two aggregates from which the bounds follow.
    fn aggregates(&self, field: &Field) -> [Expr; 2] {
        let of = |function, arguments| fit::float_aggregate(function, &field.name, &field.data_type, arguments);
        let quantile = |at| of(Function::Quantile, vec![Expr::float(at)]);
        match self.method {
            Method::Quantile => [quantile(self.lower), quantile(self.upper)],
            Method::Iqr => [quantile(0.25), quantile(0.75)],
            Method::Zscore => [of(Function::Mean, vec![]), of(Function::StddevSamp, vec![])],
        }
    }

    /// The lowest and the highest allowed value; everything is allowed when nothing could be learned.
    fn bounds(&self, first: Option<f64>, second: Option<f64>) -> [f64; 2] {
        match (self.method, first, second) {
            (Method::Quantile, Some(low), Some(high)) => [low, high],
            (Method::Iqr, Some(low), Some(high)) => {
                let reach = self.factor * (high - low);
                [low - reach, high + reach]
            }
            (Method::Zscore, Some(mean), Some(deviation)) => {
                [mean - self.factor * deviation, mean + self.factor * deviation]
            }
            _ => [f64::NEG_INFINITY, f64::INFINITY],
        }
    }
}

impl Work for OutliersWork {
    fn passes(&self, _: usize) -> usize {
        1
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let aggregates = self.fields.iter().zip(&self.keys).flat_map(|(field, keys)| {
            let pairs = keys.iter().zip(self.aggregates(field));
            pairs.map(|(key, expr)| NamedExpr { name: key.clone(), expr }).collect::<Vec<_>>()
        });
        let learned = fit::constants(&table.training(), aggregates.collect(), context)?;
        let mut outcome = Outcome::default();
        for [low, high] in &self.keys {
            let [lowest, highest] = self.bounds(fit::number(learned.get(low)), fit::number(learned.get(high)));
            outcome.bindings.literals.insert(low.clone(), Literal::Float(lowest));
            outcome.bindings.literals.insert(high.clone(), Literal::Float(highest));
        }
        let rows = self.fields.iter().zip(&self.keys).map(|(field, [low, high])| {
            let bound = |key| Cell::number(fit::number(outcome.bindings.literals.get(key)));
            vec![Cell::text(field.name.clone()), bound(low), bound(high)]
        });
        let columns = ["column", "lowest allowed", "highest allowed"].map(Column::new).to_vec();
        outcome.exhibits.push(Exhibit::table("Allowed values", columns, rows.collect()));
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::new("outliers", counts.difference())]
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let rows = self.fields.iter().map(|field| {
            let count = |which: &str| Cell::count(counts.counter("in", &format!("{which} {}", field.name)));
            vec![Cell::text(field.name.clone()), count("low"), count("high")]
        });
        let columns = vec![
            Column::new("column"),
            Column::formatted("too low", Format::Integer),
            Column::formatted("too high", Format::Integer),
        ];
        vec![Exhibit::table("Outliers", columns, rows.collect())]
    }
}
