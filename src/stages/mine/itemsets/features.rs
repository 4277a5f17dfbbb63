//! Which sets or rules hold in a row, as columns: expressions with fitted constants, so that they stream and live in a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::baskets;
use super::book::{Book, Item};
use super::source::Source;
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Field, Function, Literal};
use crate::relation::{Bindings, NamedExpr, Relation};
use crate::stages::{PlanContext, TableShape, inputs};

/// Sets of lists that have more items than this make no features.
const MOST_ITEMS: usize = 8;

/// Which sets or rules hold in a row, as new columns.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Features {
    /// How many of them, from 1 to 200: the first ones of the table with at least two items, or the first different left sides of rules.
    #[serde(default = "top")]
    top: Spanned<usize>,
    /// The new columns are called by it and a number from 1, and `<prefix>count` says how many of them hold.
    #[serde(default = "prefix")]
    prefix: Spanned<String>,
}

fn top() -> Spanned<usize> {
    Spanned::nowhere(20)
}

fn prefix() -> Spanned<String> {
    Spanned::nowhere("set_".to_owned())
}

impl Features {
    /// How many sets or rules are looked at.
    pub(super) fn top(&self) -> usize {
        self.top.value
    }

    /// The name of a feature, by its number from 0.
    pub(super) fn name(&self, feature: usize) -> String {
        format!("{}{}", self.prefix.value, feature + 1)
    }

    /// The rows with the features.
    ///
    /// Errors: names that are taken, baskets of many rows, too many features.
    pub(super) fn plan(
        &self,
        source: &Source,
        table: &TableShape,
        context: &PlanContext<'_>,
    ) -> Result<Relation, Findings> {
        let schema = &table.schema;
        if !(1..=200).contains(&self.top.value) {
            return Err(vec![Diagnostic::definition("`top` must be from 1 to 200").at(&self.top.place)]);
        }
        let place = if self.prefix.place == Spanned::nowhere(()).place { context.place } else { &self.prefix.place };
        match source {
            Source::Long { basket, item } => {
                // A model treats new rows one by one, and what a basket holds is told by several of them.
                let finding = Diagnostic::definition("`features` needs a basket in each row").at(place);
                let keys: Vec<&str> = basket.iter().map(|field| field.name.as_str()).collect();
                let gathered = match &item.data_type {
                    DataType::String => format!("list({})", item.name),
                    _ => format!("list(cast({} as varchar))", item.name),
                };
                return Err(vec![finding.help(format!(
                    "make one row of a basket first, `aggregate: {{by: [{}], compute: {{items: '{gathered}'}}}}`, then say `items: {{list: items}}`",
                    keys.join(", "),
                ))]);
            }
            Source::List(field) if field.data_type != DataType::List(Box::new(DataType::String)) => {
                let message =
                    format!("`features` needs lists of texts, but `{}` holds {}", field.name, field.data_type);
                return Err(vec![Diagnostic::definition(message).at(place)]);
            }
            Source::List(_) | Source::Columns(_) => {}
        }
        let mut columns = inputs::all_columns(schema);
        let mut number = Vec::new();
        for feature in 0..self.top.value {
            let name = self.name(feature);
            inputs::new_name(schema, &name, place).map_err(|finding| vec![finding])?;
            let expr = holds(source, &context.key(&format!("feature.{feature}")));
            let one = vec![(Expr::column(&name, DataType::Boolean), Expr::integer(1))];
            let one = ExprKind::Case { branches: one, otherwise: Some(Box::new(Expr::integer(0))) };
            number.push(Expr::new(one, DataType::Int64));
            columns.push(NamedExpr { name, expr });
        }
        let count = format!("{}count", self.prefix.value);
        inputs::new_name(schema, &count, place).map_err(|finding| vec![finding])?;
        let sum = number.into_iter().reduce(|a, b| Expr::binary(BinaryOperator::Add, a, b, DataType::Int64));
        // The sum reads the columns, so that no condition is computed twice.
        let mut all: Vec<NamedExpr> = columns
            .iter()
            .map(|column| NamedExpr {
                name: column.name.clone(),
                expr: Expr::column(&column.name, column.expr.data_type.clone()),
            })
            .collect();
        all.push(NamedExpr { name: count, expr: sum.unwrap_or(Expr::integer(0)) });
        let input = Relation::Project { input: table.relation.clone(), columns };
        Ok(Relation::Project { input: input.into(), columns: all })
    }

    /// Gives the features their constants. `sets` are those that make features; features beyond them hold in no row.
    pub(super) fn bind(&self, source: &Source, stage: &str, sets: &[&[u32]], book: &Book, bindings: &mut Bindings) {
        for feature in 0..self.top.value {
            let key = format!("{stage}.feature.{feature}");
            let set: Option<Vec<&Item>> =
                sets.get(feature).map(|set| set.iter().filter_map(|item| book.item(*item)).collect());
            let mut bind = |what: String, value: Option<Literal>| {
                bindings.literals.insert(format!("{key}.{what}"), value.unwrap_or(Literal::Null));
            };
            bind("there".to_owned(), Some(Literal::Boolean(set.is_some())));
            let set = set.unwrap_or_default();
            match source {
                Source::Columns(fields) => {
                    for (column, field) in fields.iter().enumerate() {
                        let item = set.iter().find(|item| item.column == column);
                        let text =
                            item.filter(|item| item.bin.is_none()).map(|item| Literal::String(item.text.clone()));
                        bind(format!("{column}.is"), text);
                        if field.data_type.is_numeric() {
                            let bin = item.and_then(|item| item.bin);
                            // A bin without bounds holds every number.
                            let any = bin.is_some().then_some(f64::NEG_INFINITY);
                            let low = bin.and_then(|bin| bin.0).or(any);
                            bind(format!("{column}.above"), low.map(Literal::Float));
                            bind(format!("{column}.most"), bin.and_then(|bin| bin.1).map(Literal::Float));
                        }
                    }
                }
                Source::List(_) => {
                    for slot in 0..MOST_ITEMS {
                        bind(format!("{slot}"), set.get(slot).map(|item| Literal::String(item.text.clone())));
                    }
                }
                Source::Long { .. } => {}
            }
        }
    }

    /// Whether a set can be a feature.
    pub(super) fn takes(source: &Source, set: &[u32]) -> bool {
        matches!(source, Source::Columns(_)) || set.len() <= MOST_ITEMS
    }
}

/// True for rows that hold the set of the key, else false.
fn holds(source: &Source, key: &str) -> Expr {
    let mut all = Expr::fitted(format!("{key}.there"), DataType::Boolean);
    match source {
        Source::Columns(fields) => {
            for (column, field) in fields.iter().enumerate() {
                all = all.and(unless_absent(format!("{key}.{column}.is"), DataType::String, |is| {
                    let text = inputs::shown(field).unwrap_or(Expr::literal(Literal::Null, DataType::String));
                    Expr::binary(BinaryOperator::Equal, text, is, DataType::Boolean)
                }));
                if field.data_type.is_numeric() {
                    let compare = |operator, bound| Expr::binary(operator, number(field), bound, DataType::Boolean);
                    let above = |bound| compare(BinaryOperator::GreaterOrEqual, bound);
                    let strictly = |bound: Expr| {
                        // The lowest bin has no bound, but a null is in no bin.
                        let open = Expr::binary(
                            BinaryOperator::Equal,
                            bound.clone(),
                            Expr::float(f64::NEG_INFINITY),
                            DataType::Boolean,
                        );
                        let from = open.and(above(bound.clone()));
                        let beyond = compare(BinaryOperator::Greater, bound);
                        Expr::binary(BinaryOperator::Or, from, beyond, DataType::Boolean)
                    };
                    all = all.and(unless_absent(format!("{key}.{column}.above"), DataType::Float64, strictly));
                    let most = |bound| compare(BinaryOperator::LessOrEqual, bound);
                    all = all.and(unless_absent(format!("{key}.{column}.most"), DataType::Float64, most));
                }
            }
        }
        Source::List(field) => {
            for slot in 0..MOST_ITEMS {
                all = all.and(unless_absent(format!("{key}.{slot}"), DataType::String, |item| {
                    let list = Expr::column(&field.name, field.data_type.clone());
                    Expr::call(Function::ListContains, vec![list, item], DataType::Boolean)
                }));
            }
        }
        Source::Long { .. } => {}
    }
    // A null condition counts as false.
    let branches = vec![(all, Expr::boolean(true))];
    Expr::new(ExprKind::Case { branches, otherwise: Some(Box::new(Expr::boolean(false))) }, DataType::Boolean)
}

/// The number, or null where it is not a number: NaN is in no bin.
fn number(field: &Field) -> Expr {
    crate::stages::fit::finite(baskets::number(field))
}

/// The condition, or true when the set asks for nothing here.
fn unless_absent(key: String, data_type: DataType, condition: impl FnOnce(Expr) -> Expr) -> Expr {
    let value = Expr::fitted(key, data_type);
    Expr::binary(BinaryOperator::Or, value.clone().is_null(), condition(value), DataType::Boolean)
}
