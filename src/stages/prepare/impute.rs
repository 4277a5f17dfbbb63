//! `impute`: fills missing values.

mod similar;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sort::sort_keys;
use crate::batch;
use crate::definition::{OneOrMany, Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Format};
use crate::expression::{Aggregate, DataType, Expr, ExprKind, Field, Frame, Function, Literal, SortKey, Window};
use crate::relation::{NamedExpr, Relation, Tap};
use crate::stages::fit::groups::{self, Groups};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, fit, inputs};
use similar::{Nearest, NearestPlan, Regression, RegressionPlan};

/// Fills missing values.
///
/// Each column has a method: `mean`, `median`, `mode` (the most frequent value), `forward` (the last value before it),
/// `backward` (the next value after it), or `{constant: value}`. What is filled in is learned from the training rows when the
/// rows are divided by a `split`, else from all rows. `by` learns one value for each group; a group without any value takes
/// that of all rows. `forward` and `backward` go by `order_by`, within the groups of `by`. A NaN counts as a number.
///
/// Two methods tell a missing value from the other values of its row:
///
/// - `nearest`: the mean of the most similar rows, or for texts what most of them say. Rows are compared in the columns
///   `from` and in the others that are filled by `nearest`: numbers in standard deviations, texts as equal or not, over the
///   columns that both rows have. The most similar rows are found among the `donors`, training rows that have the value.
/// - `regression`: each column is regressed on all others (Bayesian ridge regression), again and again until the values
///   settle, as *mice* and scikit-learn's `IterativeImputer` do. Columns are numbers.
///
/// Donors and coefficients are learned once and kept with a model; each row is then filled by itself.
///
/// `indicator` adds a boolean column that tells which values were missing, since that often is information itself.
///
/// ```yaml
/// - impute:
///     columns: {quantity: median, discount: mean, instruct: {constant: none}}
///     by: [ship_mode]
/// - impute:
///     columns: {arr_delay: nearest, air_time: nearest}
///     nearest: {from: [distance, carrier], neighbours: 10}
///     indicator: _missing
/// - impute: {columns: {temp: regression, humid: regression}, regression: {from: [month, dewp]}}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Impute {
    /// The columns, each with its method.
    columns: Ordered<Method>,
    /// Columns that make groups.
    #[serde(default)]
    by: Option<OneOrMany<Spanned<String>>>,
    /// The order of `forward` and `backward`: `column`, `column desc`.
    #[serde(default)]
    order_by: Option<OneOrMany<Spanned<String>>>,
    /// Ending of the name of a further column that tells which values were missing, such as `_missing`.
    #[serde(default)]
    indicator: Option<Spanned<String>>,
    /// How `nearest` finds similar rows.
    #[serde(default)]
    nearest: Option<Spanned<Nearest>>,
    /// How `regression` learns.
    #[serde(default)]
    regression: Option<Spanned<Regression>>,
}

/// How a missing value is filled.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The mean; the column becomes float64.
    Mean,
    /// The median; the column becomes float64.
    Median,
    /// The most frequent value; among equals the smallest.
    Mode,
    /// The last value before it in the order.
    Forward,
    /// The next value after it in the order.
    Backward,
    /// What the most similar rows have; numbers become float64.
    Nearest,
    /// What a regression on other columns says; the column becomes float64.
    Regression,
    /// This value, of the column's type.
    Constant(crate::definition::Node),
}

/// A column with what to do about it.
struct Plan {
    field: Field,
    /// The type after filling.
    data_type: DataType,
    fill: Fill,
}

enum Fill {
    /// An aggregate learned from rows.
    Learned { function: Function, key: String },
    /// The nearest value in an order.
    Neighbour { descending: bool },
    /// A constant.
    Constant(Literal),
    /// The most similar rows; the number of the column among those that are filled so.
    Nearest(usize),
    /// A regression; the number of the column among those that are filled so.
    Regression(usize),
}

/// What is learned from rows in memory.
#[derive(Default)]
struct Similar {
    nearest: Option<NearestPlan>,
    regression: Option<RegressionPlan>,
}

impl Stage for Impute {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let by = groups::keys(&table.schema, self.by.as_ref(), id)?;
        let order_by = sort_keys(self.order_by.as_ref().map_or(&[], |order| order.as_slice()), table, id)?;
        let plans = self.plans(table, &order_by, context, id)?;
        if let Some(group) = by.iter().find(|group| plans.iter().any(|plan| plan.field.name == group.name)) {
            let message = format!("column `{}` makes the groups and cannot be filled at the same time", group.name);
            return Err(vec![Diagnostic::definition(message)]);
        }
        let learned: Vec<&Plan> = plans.iter().filter(|plan| matches!(plan.fill, Fill::Learned { .. })).collect();
        let similar = self.similar(&plans, table, context, id)?;
        let constants = learned
            .iter()
            .filter_map(|plan| Some(NamedExpr { name: plan.field.name.clone(), expr: plan.aggregate()? }))
            .collect();
        let groups = Groups::new(&by, constants, context);
        let made = Made { by: &by, order_by: &order_by, groups: groups.as_ref(), similar: &similar };
        let relation = self.relation(table, &plans, &made, context)?;
        let costly = plans.iter().any(|plan| matches!(plan.fill, Fill::Neighbour { .. } | Fill::Nearest(_)));
        let work = ImputeWork {
            aggregates: learned.iter().filter_map(|plan| plan.learned()).collect(),
            columns: plans.iter().map(|plan| plan.field.name.clone()).collect(),
            groups,
            similar,
            costly,
        };
        Ok(Planned::relation(table.derive(relation)).work(work).meaning(self))
    }
}

impl Impute {
    fn plans(
        &self,
        table: &TableShape,
        order: &[SortKey],
        context: &PlanContext<'_>,
        id: &str,
    ) -> Result<Vec<Plan>, Findings> {
        let mut findings = Findings::new();
        let mut plans: Vec<Plan> = Vec::new();
        for (name, method) in self.columns.iter() {
            let planned = inputs::column(&table.schema, name, id)
                .and_then(|field| Plan::new(field, method, name, !order.is_empty(), &plans, context));
            match planned {
                Ok(plan) => plans.push(plan),
                Err(finding) => findings.push(finding),
            }
        }
        if findings.is_empty() { Ok(plans) } else { Err(findings) }
    }

    /// What is learned from rows in memory, for the columns that are filled so.
    fn similar(
        &self,
        plans: &[Plan],
        table: &TableShape,
        context: &PlanContext<'_>,
        id: &str,
    ) -> Result<Similar, Findings> {
        let targets = |fits: &dyn Fn(&Fill) -> bool| -> Vec<(Field, Spanned<String>)> {
            let pairs = plans.iter().zip(self.columns.iter());
            let chosen = pairs.filter(|(plan, _)| fits(&plan.fill));
            chosen.map(|(plan, (name, _))| (plan.field.clone(), name.clone())).collect()
        };
        let nearest = targets(&|fill| matches!(fill, Fill::Nearest(_)));
        let regression = targets(&|fill| matches!(fill, Fill::Regression(_)));
        let mut findings = Findings::new();
        if let (Some(options), true) = (&self.nearest, nearest.is_empty()) {
            findings.push(Diagnostic::definition("no column is filled by `nearest`").at(&options.place));
        }
        if let (Some(options), true) = (&self.regression, regression.is_empty()) {
            findings.push(Diagnostic::definition("no column is filled by `regression`").at(&options.place));
        }
        if let (Some(by), Some((_, name))) = (&self.by, nearest.iter().chain(&regression).next()) {
            let place = by.as_slice().first().map_or(&name.place, |by| &by.place);
            let message = format!("`by` has no meaning for `{}`, which is told from the values of its row", name.value);
            let help = "name the column of groups under `from`, or fill it in an `impute` stage of its own";
            findings.push(Diagnostic::definition(message).at(place).help(help));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let mut similar = Similar::default();
        if !nearest.is_empty() {
            let options = self.nearest.as_ref().map(|options| options.value.clone()).unwrap_or_default();
            similar.nearest = Some(NearestPlan::new(&options, &nearest, table, context, id)?);
        }
        if !regression.is_empty() {
            let options = self.regression.as_ref().map(|options| options.value.clone()).unwrap_or_default();
            similar.regression = Some(RegressionPlan::new(&options, &regression, table, context, id)?);
        }
        Ok(similar)
    }

    fn relation(
        &self,
        table: &TableShape,
        plans: &[Plan],
        made: &Made<'_>,
        context: &PlanContext<'_>,
    ) -> Result<Relation, Findings> {
        let counters =
            plans.iter().map(|plan| NamedExpr { name: plan.field.name.clone(), expr: plan.value().is_null() });
        let tap = Tap {
            stage: context.id.to_owned(),
            point: "in".to_owned(),
            counters: counters.collect(),
            samples: Vec::new(),
        };
        let mut input: Arc<Relation> = Arc::new(Relation::Tap { input: table.relation.clone(), tap: tap.into() });
        if let Some(groups) = made.groups {
            input = Arc::new(groups.join(input));
        }
        let mut columns = inputs::all_columns(&table.schema);
        for plan in plans {
            let mut choices = vec![plan.value().cast(plan.data_type.clone(), true)];
            match &plan.fill {
                Fill::Learned { key, .. } => {
                    choices.extend(made.groups.map(|groups| groups.constant(&plan.field.name)));
                    choices.push(Expr::fitted(key, plan.data_type.clone()));
                }
                Fill::Neighbour { descending } => {
                    choices.push(plan.neighbour(made.by, made.order_by, *descending));
                }
                Fill::Constant(literal) => choices.push(Expr::literal(literal.clone(), plan.data_type.clone())),
                Fill::Nearest(target) => {
                    choices = made.similar.nearest.iter().filter_map(|nearest| nearest.value(*target)).collect();
                }
                Fill::Regression(target) => {
                    choices = made.similar.regression.iter().filter_map(|chain| chain.value(*target)).collect();
                }
            }
            let filled = match <[Expr; 1]>::try_from(choices) {
                Ok([only]) => only,
                Err(choices) => Expr::call(Function::Coalesce, choices, plan.data_type.clone()),
            };
            inputs::set_column(&mut columns, &plan.field.name, filled);
        }
        if let Some(indicator) = &self.indicator {
            for plan in plans {
                let name = format!("{}{}", plan.field.name, indicator.value);
                inputs::new_name(&table.schema, &name, &indicator.place).map_err(|finding| vec![finding])?;
                inputs::set_column(&mut columns, &name, plan.value().is_null());
            }
        }
        Ok(Relation::Project { input, columns })
    }
}

/// What values are filled from.
struct Made<'a> {
    by: &'a [Field],
    order_by: &'a [SortKey],
    groups: Option<&'a Groups>,
    similar: &'a Similar,
}

impl Plan {
    fn new(
        field: &Field,
        method: &Method,
        name: &Spanned<String>,
        ordered: bool,
        before: &[Plan],
        context: &PlanContext<'_>,
    ) -> Result<Self, Diagnostic> {
        let refuse = |message: String| Err(Diagnostic::definition(message).at(&name.place));
        let learned = |function, data_type: DataType| {
            let key = context.key(&format!("fill.{}", field.name));
            Ok(Self { field: field.clone(), data_type, fill: Fill::Learned { function, key } })
        };
        match method {
            Method::Mean | Method::Median if !field.data_type.is_numeric() => refuse(format!(
                "column `{}` holds {}, which has no mean or median; `mode` fits",
                field.name, field.data_type
            )),
            Method::Mean => learned(Function::Mean, DataType::Float64),
            Method::Median => learned(Function::Median, DataType::Float64),
            Method::Mode if field.data_type.is_nested() || field.data_type == DataType::Binary => {
                refuse(format!("column `{}` holds {}, which has no mode", field.name, field.data_type))
            }
            Method::Mode => learned(Function::Mode, field.data_type.clone()),
            Method::Forward | Method::Backward if !ordered => {
                refuse(format!("`{}` is filled by its neighbour: say the order with `order_by`", field.name))
            }
            Method::Forward | Method::Backward => Ok(Self {
                field: field.clone(),
                data_type: field.data_type.clone(),
                fill: Fill::Neighbour { descending: *method == Method::Backward },
            }),
            Method::Nearest if !(field.data_type.is_numeric() || field.data_type == DataType::String) => {
                refuse(format!("column `{}` holds {}, which similar rows do not fill", field.name, field.data_type))
            }
            Method::Nearest => {
                let number = before.iter().filter(|plan| matches!(plan.fill, Fill::Nearest(_))).count();
                let data_type = similar::filled_type(field);
                Ok(Self { field: field.clone(), data_type, fill: Fill::Nearest(number) })
            }
            Method::Regression if !field.data_type.is_numeric() => refuse(format!(
                "column `{}` holds {}, which is no number; `nearest` and `mode` fit",
                field.name, field.data_type
            )),
            Method::Regression => {
                let number = before.iter().filter(|plan| matches!(plan.fill, Fill::Regression(_))).count();
                Ok(Self { field: field.clone(), data_type: DataType::Float64, fill: Fill::Regression(number) })
            }
            Method::Constant(node) => match inputs::constant(node, &field.data_type) {
                Some(literal) => {
                    Ok(Self { field: field.clone(), data_type: field.data_type.clone(), fill: Fill::Constant(literal) })
                }
                None => Err(Diagnostic::definition(format!(
                    "the constant is no {}, which column `{}` holds",
                    field.data_type, field.name
                ))
                .at(&node.place)),
            },
        }
    }

    fn value(&self) -> Expr {
        Expr::column(&self.field.name, self.field.data_type.clone())
    }

    fn learned(&self) -> Option<NamedExpr> {
        let Fill::Learned { key, .. } = &self.fill else { return None };
        Some(NamedExpr { name: key.clone(), expr: self.aggregate()? })
    }

    fn aggregate(&self) -> Option<Expr> {
        let Fill::Learned { function, .. } = &self.fill else { return None };
        Some(match function {
            Function::Mode => Expr::aggregate(*function, vec![self.value()], self.data_type.clone()),
            _ => fit::float_aggregate(*function, &self.field.name, &self.field.data_type, Vec::new()),
        })
    }

    /// The last value that is not null up to this row, in the order or against it.
    fn neighbour(&self, by: &[Field], order_by: &[SortKey], against: bool) -> Expr {
        let order_by = order_by.iter().map(|key| SortKey {
            expr: key.expr.clone(),
            descending: key.descending != against,
            nulls_first: key.nulls_first != against,
        });
        let partition_by = by.iter().map(|field| Expr::column(&field.name, field.data_type.clone())).collect();
        let aggregate = Aggregate {
            function: Function::Last,
            arguments: vec![self.value()],
            distinct: false,
            filter: Some(self.value().is_null().not()),
            order_by: Vec::new(),
            over: Some(Window { partition_by, order_by: order_by.collect(), frame: Frame::ToCurrentRow }),
        };
        Expr::new(ExprKind::Aggregate(Box::new(aggregate)), self.data_type.clone())
    }
}

struct ImputeWork {
    aggregates: Vec<NamedExpr>,
    columns: Vec<String>,
    groups: Option<Groups>,
    similar: Similar,
    costly: bool,
}

impl Work for ImputeWork {
    fn passes(&self, _: usize) -> usize {
        let Similar { nearest, regression } = &self.similar;
        let learned = [!self.aggregates.is_empty(), self.groups.is_some(), nearest.is_some(), regression.is_some()];
        learned.into_iter().filter(|learned| *learned).count()
    }

    fn is_costly(&self) -> bool {
        self.costly
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let mut outcome = Outcome::default();
        let rows = table.training();
        let learned = fit::constants(&rows, self.aggregates.clone(), context)?;
        let mut shown = Vec::new();
        for aggregate in &self.aggregates {
            let literal = learned.get(&aggregate.name).cloned().unwrap_or(Literal::Null);
            let column = aggregate.name.rsplit_once("fill.").map_or(aggregate.name.as_str(), |(_, name)| name);
            shown.push(vec![Cell::text(column), show_literal(&literal)]);
            outcome.bindings.literals.insert(aggregate.name.clone(), literal);
        }
        if let Some(groups) = &self.groups {
            groups.learn(&rows, context, &mut outcome)?;
        }
        if let Some(nearest) = &self.similar.nearest {
            nearest.learn(&rows, context, &mut outcome)?;
        }
        if let Some(regression) = &self.similar.regression {
            regression.learn(&rows, context, &mut outcome)?;
        }
        if !shown.is_empty() {
            let title = if self.groups.is_some() { "Learned fills (where a group has none)" } else { "Learned fills" };
            outcome.exhibits.push(Exhibit::table(title, vec![Column::new("column"), Column::new("fill")], shown));
        }
        Ok(outcome)
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        #[expect(clippy::cast_precision_loss, reason = "a share that is shown with one decimal")]
        let rows = self.columns.iter().map(|column| {
            let filled = counts.counter("in", column);
            let share = filled as f64 / counts.first_input().max(1) as f64;
            vec![Cell::text(column.clone()), Cell::count(filled), Cell::number(share)]
        });
        let columns = vec![
            Column::new("column"),
            Column::formatted("were missing", Format::Integer),
            Column::formatted("of all rows", Format::Percent),
        ];
        vec![Exhibit::table("Filled values", columns, rows.collect())]
    }
}

fn show_literal(literal: &Literal) -> Cell {
    match literal {
        Literal::Null => Cell::text("nothing to learn from"),
        Literal::String(text) => Cell::text(text.clone()),
        Literal::Boolean(value) => Cell::text(value.to_string()),
        other => match fit::number(Some(other)) {
            Some(number) => Cell::number(number),
            None => Cell::text(batch::literal_text(other)),
        },
    }
}
