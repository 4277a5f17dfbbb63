//! Rows become transactions: each column gives one item `column=value`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use rustc_hash::FxHashMap;

use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::EngineError;
use crate::expression::{Expr, Field, Function};
use crate::mining::itemsets::Transactions;
use crate::relation::{NamedExpr, Relation};
use crate::stages::fit;
use crate::stages::work::WorkContext;

/// Different items at most; more means that a column of identifiers was named.
const MOST_ITEMS: usize = 1_000_000;

/// The transactions of a table with the names of their items.
#[derive(Default)]
pub(super) struct Basket {
    pub(super) transactions: Transactions,
    /// For each item its column and its value.
    items: Vec<(Arc<str>, String)>,
}

impl Basket {
    pub(super) fn read(
        rows: &Arc<Relation>,
        fields: &[Field],
        bins: usize,
        context: &WorkContext<'_>,
    ) -> Result<Self, Diagnostic> {
        let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
        let relation = crate::relation::keep_columns(rows, &names);
        let mut coders = coders(&relation, fields, bins, context)?;
        let mut basket = Self::default();
        let mut too_many = false;
        context
            .stream(&relation, &mut |batch| {
                let columns: Vec<Vec<Option<u32>>> = coders
                    .iter_mut()
                    .map(|coder| {
                        batch::column(&batch, &coder.name)
                            .map_or_else(Vec::new, |column| coder.code(column, &mut basket.items))
                    })
                    .collect();
                let mut row = Vec::with_capacity(columns.len());
                for at in 0..batch.num_rows() {
                    row.clear();
                    row.extend(columns.iter().filter_map(|column| column.get(at).copied().flatten()));
                    basket.transactions.push(&row);
                }
                // Categorical rows repeat, so merging them keeps a stream of any length small.
                basket.transactions = basket.transactions.merge_identical();
                too_many = basket.items.len() > MOST_ITEMS;
                if too_many {
                    Err(EngineError::new(Class::Limit, "more than a million different items"))
                } else {
                    Ok(true)
                }
            })
            .map_err(|error| match too_many {
                true => error.help("name columns with fewer different values, or group the values with `derive` first"),
                false => error,
            })?;
        Ok(basket)
    }

    /// Number of different items.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// The column that gives an item.
    pub(super) fn column(&self, item: u32) -> Option<&str> {
        self.items.get(item as usize).map(|(column, _)| column.as_ref())
    }

    /// The items as texts, `column=value`.
    pub(super) fn names(&self, items: &[u32]) -> Vec<String> {
        let known = items.iter().filter_map(|item| self.items.get(*item as usize));
        known.map(|(column, value)| format!("{column}={value}")).collect()
    }
}

/// Gives the values of one column their items.
struct Coder {
    name: Arc<str>,
    known: FxHashMap<String, u32>,
    /// Inner edges of the bins of a column of floats, ascending.
    edges: Option<Vec<f64>>,
}

fn coders(
    rows: &Arc<Relation>,
    fields: &[Field],
    bins: usize,
    context: &WorkContext<'_>,
) -> Result<Vec<Coder>, Diagnostic> {
    let floats: Vec<&Field> = fields.iter().filter(|field| field.data_type.is_float()).collect();
    let key = |field: &Field, bin: usize| format!("{} {bin}", field.name);
    #[expect(clippy::cast_precision_loss, reason = "at most 100 bins")]
    let aggregates = floats.iter().flat_map(|field| {
        (1..bins).map(move |bin| {
            let at = Expr::float(bin as f64 / bins as f64);
            let expr = fit::float_aggregate(Function::Quantile, &field.name, &field.data_type, vec![at]);
            NamedExpr { name: key(field, bin), expr }
        })
    });
    let learned = fit::constants(rows, aggregates.collect(), context)?;
    let coder = |field: &Field| {
        let edges = field.data_type.is_float().then(|| {
            let mut edges: Vec<f64> = (1..bins).filter_map(|bin| fit::number(learned.get(&key(field, bin)))).collect();
            edges.dedup();
            edges
        });
        Coder { name: field.name.as_str().into(), known: FxHashMap::default(), edges }
    };
    Ok(fields.iter().map(coder).collect())
}

impl Coder {
    fn code(&mut self, column: &ArrayRef, items: &mut Vec<(Arc<str>, String)>) -> Vec<Option<u32>> {
        if let Some(edges) = self.edges.clone() {
            let values = batch::floats(column);
            return values
                .iter()
                .map(|value| (!value.is_nan()).then(|| self.item(&bin(*value, &edges), items)))
                .collect();
        }
        if let Some(strings) = column.as_string_view_opt() {
            return strings.iter().map(|text| text.map(|text| self.item(text, items))).collect();
        }
        batch::texts(column).iter().map(|text| text.as_deref().map(|text| self.item(text, items))).collect()
    }

    fn item(&mut self, value: &str, items: &mut Vec<(Arc<str>, String)>) -> u32 {
        if let Some(item) = self.known.get(value) {
            return *item;
        }
        // The number of items is limited long before it reaches the limit of its type.
        let item = u32::try_from(items.len()).unwrap_or(u32::MAX);
        items.push((self.name.clone(), value.to_owned()));
        self.known.insert(value.to_owned(), item);
        item
    }
}

/// `<=2.5`, `2.5..7`, `>7`
fn bin(value: f64, edges: &[f64]) -> String {
    let at = edges.partition_point(|edge| *edge < value);
    match (at.checked_sub(1).and_then(|below| edges.get(below)), edges.get(at)) {
        (None, Some(high)) => format!("<={high}"),
        (Some(low), Some(high)) => format!("{low}..{high}"),
        (Some(low), None) => format!(">{low}"),
        (None, None) => "any".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::bin;

    #[test]
    fn a_value_on_an_edge_belongs_to_the_bin_below() {
        let edges = [1.0, 2.5];
        let bins = [0.0, 1.0, 1.1, 2.5, 9.0].map(|value| bin(value, &edges));
        assert_eq!(bins, ["<=1", "<=1", "1..2.5", "1..2.5", ">2.5"]);
        assert_eq!(bin(3.0, &[]), "any");
    }
}
