//! `standardize`: brings columns of numbers to a common scale.

mod methods;
mod shapes;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Tone};
use crate::expression::{Expr, Field, Literal};
use crate::relation::{NamedExpr, Relation};
use crate::stages::fit::groups::{self, Groups};
use crate::stages::work::{Outcome, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, fit, inputs};
use crate::statistics::row_function::MapTo;
use methods::Keys;

/// Brings columns of numbers to a common scale or shape.
///
/// Four methods move and stretch: `(x - center) / scale`.
///
/// - `zscore`: mean and sample standard deviation.
/// - `minmax`: minimum and range, so that values lie from 0 to 1.
/// - `robust`: median and interquartile range; outliers hardly move it.
/// - `maxabs`: 0 and the largest absolute value, so that signs and zeros stay.
///
/// Three change the shape, for columns with a long tail:
///
/// - `log`: `sign(x) * ln(1 + abs(x))`. Nothing is learned.
/// - `yeo_johnson`: the power that makes the values look most normal (Yeo and Johnson 2000, by maximum likelihood), and then
///   mean 0 and sample standard deviation 1.
/// - `quantile`: the share of learned values below, from 0 to 1, or with `output: normal` the number that a normal variable
///   stays below with that probability. Interpolates between `quantiles` quantiles; beyond what was learned lie 0 and 1.
///
/// What is needed is learned from the training rows when the rows are divided by a `split`, else from all rows. The power is
/// learned from at most 262,144 values, drawn at random when there are more; quantiles of more than 131,072 values are off by
/// at most 0.13 % of the ranks. Everything learned is kept and shown with the way back. A column whose values are all
/// equal becomes 0. Nulls stay.
///
/// `by` learns center and scale for each group; a group that was not learned, has a null in its key or fewer than two values takes those of
/// all rows.
///
/// ```yaml
/// - standardize: {columns: [dep_delay, distance], method: robust}
/// - standardize: {columns: air_time, suffix: _z, by: carrier}
/// - standardize: {columns: [dep_delay], method: quantile, output: normal}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Standardize {
    /// The columns.
    columns: OneOrMany<Spanned<String>>,
    /// How values are changed.
    #[serde(default)]
    method: Method,
    /// Columns that make groups, each with its own center and scale.
    #[serde(default)]
    by: Option<OneOrMany<Spanned<String>>>,
    /// How many quantiles `quantile` learns, from 2 to 10,000; 1,000 when absent. As many as there are values when there are fewer.
    #[serde(default)]
    quantiles: Option<Spanned<u32>>,
    /// What `quantile` gives: `uniform` when absent.
    #[serde(default)]
    output: Option<Spanned<Output>>,
    /// With a suffix the result goes to new columns and the old ones stay.
    #[serde(default)]
    suffix: Option<Spanned<String>>,
}

/// How values are changed.
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
    /// The logarithm of 1 + x, with the sign of x.
    Log,
    /// The most normal power.
    YeoJohnson,
    /// The share of values below.
    Quantile,
}

/// What `quantile` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// Shares from 0 to 1.
    Uniform,
    /// Normal with mean 0 and standard deviation 1.
    Normal,
}

impl Stage for Standardize {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let fields = inputs::numeric_columns(&table.schema, self.columns.as_slice(), id)?;
        let by = groups::keys(&table.schema, self.by.as_ref(), id)?;
        self.check(&fields, &by)?;
        let keys: Vec<Keys> = fields.iter().map(|field| Keys::new(field, context)).collect();
        let groups = Groups::new(&by, fields.iter().flat_map(|field| self.method.group(field)).collect(), context);
        let mut columns = inputs::all_columns(&table.schema);
        for ((field, keys), written) in fields.iter().zip(&keys).zip(self.columns.iter()) {
            let name = match &self.suffix {
                Some(suffix) => {
                    let name = format!("{}{}", field.name, suffix.value);
                    inputs::new_name(&table.schema, &name, &written.place).map_err(|finding| vec![finding])?;
                    name
                }
                None => field.name.clone(),
            };
            inputs::set_column(&mut columns, &name, self.method.value(field, keys, groups.as_ref()));
        }
        let input = match &groups {
            Some(groups) => Arc::new(groups.join(table.relation.clone())),
            None => table.relation.clone(),
        };
        let relation = Relation::Project { input, columns };
        let work = StandardizeWork {
            method: self.method,
            quantiles: self.quantiles.as_ref().map_or(1_000, |quantiles| quantiles.value) as usize,
            to: match self.output.as_ref().map(|output| output.value) {
                Some(Output::Normal) => MapTo::Normal,
                Some(Output::Uniform) | None => MapTo::Uniform,
            },
            fields,
            keys,
            groups,
        };
        Ok(Planned::relation(table.derive(relation)).work(work).meaning(self))
    }
}

impl Standardize {
    fn check(&self, fields: &[Field], by: &[Field]) -> Result<(), Findings> {
        let mut findings = Findings::new();
        let quantile = self.method == Method::Quantile;
        match &self.quantiles {
            Some(count) if !quantile => {
                findings.push(Diagnostic::definition("`quantiles` belongs to `method: quantile`").at(&count.place))
            }
            Some(count) if !(2..=10_000).contains(&count.value) => findings.push(
                Diagnostic::definition(format!("`quantiles` must lie from 2 to 10000, not {}", count.value))
                    .at(&count.place),
            ),
            _ => {}
        }
        if let (Some(output), false) = (&self.output, quantile) {
            findings.push(Diagnostic::definition("`output` belongs to `method: quantile`").at(&output.place));
        }
        if let (Some(first), true) = (self.by.as_ref().and_then(|by| by.as_slice().first()), self.method.is_shape()) {
            findings.push(
                Diagnostic::definition("`by` belongs to the methods with a center and a scale")
                    .at(&first.place)
                    .help("they are `zscore`, `minmax`, `robust` and `maxabs`"),
            );
        }
        let clash = self.columns.iter().zip(fields).find(|(_, field)| by.contains(field) && self.suffix.is_none());
        if let Some((name, field)) = clash {
            let message = format!("column `{}` makes the groups and cannot be changed at the same time", field.name);
            findings.push(Diagnostic::definition(message).at(&name.place).help("say `suffix: _z` for a new column"));
        }
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }
}

struct StandardizeWork {
    method: Method,
    quantiles: usize,
    to: MapTo,
    fields: Vec<Field>,
    keys: Vec<Keys>,
    groups: Option<Groups>,
}

impl Work for StandardizeWork {
    fn passes(&self, _: usize) -> usize {
        usize::from(self.method != Method::Log) + usize::from(self.groups.is_some())
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let rows = table.training();
        let title = fit::learned_from(table);
        let mut outcome = Outcome::default();
        match self.method {
            Method::Log => {
                let text = "Back: `sign(y) * (exp(abs(y)) - 1)`. Nothing was learned.";
                outcome.exhibits.push(Exhibit::note(Tone::Info, text));
            }
            Method::YeoJohnson => shapes::learn_powers(&rows, &self.fields, &self.keys, title, context, &mut outcome)?,
            Method::Quantile => {
                let wanted = shapes::Wanted { quantiles: self.quantiles, to: self.to, title };
                shapes::learn_quantiles(&rows, &self.fields, &self.keys, &wanted, context, &mut outcome)?;
            }
            _ => self.learn_scales(&rows, title, context, &mut outcome)?,
        }
        if let Some(groups) = &self.groups {
            let count = groups.learn(&rows, context, &mut outcome)?;
            let text =
                format!("{count} groups have a center and a scale of their own; the table shows those of all rows.");
            outcome.exhibits.push(Exhibit::note(Tone::Info, text));
        }
        Ok(outcome)
    }
}

impl StandardizeWork {
    fn learn_scales(
        &self,
        rows: &Arc<Relation>,
        title: String,
        context: &WorkContext<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Diagnostic> {
        let mut aggregates = Vec::new();
        for (field, keys) in self.fields.iter().zip(&self.keys) {
            let [center, scale] = self.method.aggregates(field);
            let pairs = [(&keys.center, center), (&keys.scale, scale)];
            aggregates
                .extend(pairs.into_iter().filter_map(|(key, expr)| Some(NamedExpr { name: key.clone(), expr: expr? })));
        }
        let learned = fit::constants(rows, aggregates, context)?;
        let mut shown = Vec::new();
        for (field, keys) in self.fields.iter().zip(&self.keys) {
            let found_scale = fit::number(learned.get(&keys.scale));
            // Without a value nothing is known; with equal values there is no scale. Both leave differences from the center.
            let center = fit::number(learned.get(&keys.center)).unwrap_or(0.0);
            let scale = found_scale.filter(|scale| *scale > 0.0).unwrap_or(1.0);
            shown.push(vec![
                Cell::text(field.name.clone()),
                Cell::number(center),
                Cell::number(scale),
                Cell::optional(match found_scale {
                    None => Some("no values to learn from"),
                    Some(scale) if scale <= 0.0 => Some("all values are equal"),
                    Some(_) => None,
                }),
            ]);
            outcome.bindings.literals.insert(keys.center.clone(), Literal::Float(center));
            outcome.bindings.literals.insert(keys.scale.clone(), Literal::Float(scale));
        }
        let columns = ["column", "center", "scale", "remark"].map(Column::new).to_vec();
        outcome.exhibits.push(with_note(Exhibit::table(title, columns, shown), "Back: `y * scale + center`."));
        Ok(())
    }
}

/// A table with a remark below it.
fn with_note(exhibit: Exhibit, note: &str) -> Exhibit {
    match exhibit {
        Exhibit::Table(mut table) => {
            table.note = Some(note.to_owned());
            Exhibit::Table(table)
        }
        other => other,
    }
}

/// `x` in float64.
fn number(field: &Field) -> Expr {
    Expr::column(&field.name, field.data_type.clone()).cast(crate::expression::DataType::Float64, true)
}
