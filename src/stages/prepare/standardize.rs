//! `standardize`: brings columns of numbers to a common scale.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit};
use crate::expression::{BinaryOperator, DataType, Expr, Field, Function, Literal};
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::{Outcome, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, fit, inputs};

/// Brings columns of numbers to a common scale: `(x - center) / scale`.
///
/// - `zscore`: mean and sample standard deviation.
/// - `minmax`: minimum and range, so that values lie from 0 to 1.
/// - `robust`: median and interquartile range; outliers hardly move it.
/// - `maxabs`: 0 and the largest absolute value, so that signs and zeros stay.
///
/// Centers and scales are learned from the training rows when the rows are divided by a `split`, else from all rows. They are
/// kept and shown, so that a value can be taken back: `x = z * scale + center`. A column whose values are all equal becomes 0.
/// Nulls stay.
///
/// ```yaml
/// - standardize: {columns: [dep_delay, distance], method: robust}
/// - standardize: {columns: air_time, suffix: _z}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Standardize {
    /// The columns.
    columns: OneOrMany<Spanned<String>>,
    /// How center and scale are learned.
    #[serde(default)]
    method: Method,
    /// With a suffix the result goes to new columns and the old ones stay.
    #[serde(default)]
    suffix: Option<Spanned<String>>,
}

/// How center and scale are learned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Mean and sample standard deviation.
    #[default]
    Zscore,
    /// Minimum and range.
    Minmax,
    /// Median and interquartile range.
    Robust,
    /// Zero and the largest absolute value.
    Maxabs,
}

impl Stage for Standardize {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let fields = inputs::numeric_columns(&table.schema, self.columns.as_slice(), id)?;
        let mut columns = inputs::all_columns(&table.schema);
        for (field, written) in fields.iter().zip(self.columns.iter()) {
            let name = match &self.suffix {
                Some(suffix) => {
                    let name = format!("{}{}", field.name, suffix.value);
                    inputs::new_name(&table.schema, &name, &written.place).map_err(|finding| vec![finding])?;
                    name
                }
                None => field.name.clone(),
            };
            inputs::set_column(&mut columns, &name, scaled(field, context));
        }
        let relation = Relation::Project { input: table.relation.clone(), columns };
        let keys = fields.iter().map(|field| [center(field, context), scale(field, context)]).collect();
        let work = StandardizeWork { method: self.method, fields, keys };
        Ok(Planned::relation(table.derive(relation)).work(work).meaning(self))
    }
}

fn center(field: &Field, context: &PlanContext<'_>) -> String {
    context.key(&format!("center.{}", field.name))
}

fn scale(field: &Field, context: &PlanContext<'_>) -> String {
    context.key(&format!("scale.{}", field.name))
}

/// `(x - center) / scale`; the scale is never 0.
fn scaled(field: &Field, context: &PlanContext<'_>) -> Expr {
    let value = Expr::column(&field.name, field.data_type.clone()).cast(DataType::Float64, true);
    let learned = |key| Expr::fitted(key, DataType::Float64);
    let centered = fit::arithmetic(BinaryOperator::Subtract, value, learned(center(field, context)));
    fit::arithmetic(BinaryOperator::Divide, centered, learned(scale(field, context)))
}

struct StandardizeWork {
    method: Method,
    fields: Vec<Field>,
    /// For each field the keys of its center and its scale.
    keys: Vec<[String; 2]>,
}

impl StandardizeWork {
    /// The aggregates of one column from which center and scale follow.
    fn aggregates(&self, field: &Field) -> [Expr; 2] {
        let of = |function, arguments| fit::float_aggregate(function, &field.name, &field.data_type, arguments);
        let quantile = |at| of(Function::Quantile, vec![Expr::float(at)]);
        let (min, max) = (of(Function::Min, vec![]), of(Function::Max, vec![]));
        match self.method {
            Method::Zscore => [of(Function::Mean, vec![]), of(Function::StddevSamp, vec![])],
            Method::Minmax => [min.clone(), fit::arithmetic(BinaryOperator::Subtract, max, min)],
            Method::Robust => [
                of(Function::Median, vec![]),
                fit::arithmetic(BinaryOperator::Subtract, quantile(0.75), quantile(0.25)),
            ],
            Method::Maxabs => {
                let largest = Expr::call(Function::Abs, vec![max], DataType::Float64);
                let lowest = Expr::call(Function::Abs, vec![min], DataType::Float64);
                let greatest = Expr::call(Function::Greatest, vec![largest, lowest], DataType::Float64);
                [of(Function::CountAll, vec![]), greatest]
            }
        }
    }
}

impl Work for StandardizeWork {
    fn passes(&self, _: usize) -> usize {
        1
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let mut aggregates = Vec::new();
        for (field, [center, scale]) in self.fields.iter().zip(&self.keys) {
            let [center_of, scale_of] = self.aggregates(field);
            if self.method != Method::Maxabs {
                aggregates.push(NamedExpr { name: center.clone(), expr: center_of });
            }
            aggregates.push(NamedExpr { name: scale.clone(), expr: scale_of });
        }
        let learned = fit::constants(&table.training(), aggregates, context)?;
        let mut outcome = Outcome::default();
        let mut rows = Vec::new();
        for (field, [center, scale]) in self.fields.iter().zip(&self.keys) {
            let found_scale = fit::number(learned.get(scale));
            // Without a value nothing is known; with equal values there is no scale. Both leave differences from the center.
            let center_value = fit::number(learned.get(center)).unwrap_or(0.0);
            let scale_value = found_scale.filter(|scale| *scale > 0.0).unwrap_or(1.0);
            rows.push(vec![
                Cell::text(field.name.clone()),
                Cell::number(center_value),
                Cell::number(scale_value),
                Cell::optional(match found_scale {
                    None => Some("no values to learn from"),
                    Some(scale) if scale <= 0.0 => Some("all values are equal"),
                    Some(_) => None,
                }),
            ]);
            outcome.bindings.literals.insert(center.clone(), Literal::Float(center_value));
            outcome.bindings.literals.insert(scale.clone(), Literal::Float(scale_value));
        }
        let title = match &table.split {
            Some(split) => format!("Learned from part {}", split.parts.first().map_or("", String::as_str)),
            None => "Learned from all rows".to_owned(),
        };
        let columns = ["column", "center", "scale", "remark"].map(Column::new).to_vec();
        outcome.exhibits.push(Exhibit::table(title, columns, rows));
        Ok(outcome)
    }
}
