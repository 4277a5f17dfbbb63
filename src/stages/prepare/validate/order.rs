//! Expectations of the order of rows: each row is compared with the one before it.

use std::cmp::Ordering;
use std::collections::HashMap;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType as Arrow, Float64Type, Int64Type};

use super::options::Order;
use super::scope::{Draft, Measure, Scope, refuse};
use crate::batch;
use crate::diagnostic::Findings;
use crate::expression::{DataType, Literal};

pub(super) fn increasing(order: &Order, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    plan(order, scope, Ordering::Less, if order.strict { "goes up" } else { "does not go down" })
}

pub(super) fn decreasing(order: &Order, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    plan(order, scope, Ordering::Greater, if order.strict { "goes down" } else { "does not go up" })
}

fn plan(order: &Order, scope: &Scope<'_>, wrong: Ordering, words: &str) -> Result<Vec<Draft>, Findings> {
    let field = scope.column(&order.column)?;
    let data_type = &field.data_type;
    if !(data_type.is_numeric() || data_type.is_temporal() || *data_type == DataType::String) {
        return Err(refuse(
            format!("column `{}` holds {data_type}, which has no order", field.name),
            &order.column.place,
        ));
    }
    let name = format!("{} {words} from row to row", field.name);
    let columns = vec![field.name.clone()];
    Ok(vec![Draft { name, columns, measure: Measure::Order { field, wrong, strict: order.strict } }])
}

/// A value that can be compared with the one before it.
#[derive(Debug, Clone, PartialEq)]
enum Comparable {
    Whole(i64),
    Number(f64),
    Text(String),
}

impl Comparable {
    fn compare(&self, before: &Self) -> Ordering {
        match (self, before) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        }
    }
}

/// What counts as out of order.
pub(super) struct Rule<'a> {
    /// The direction that fails.
    pub(super) wrong: Ordering,
    /// Whether equal neighbours fail too.
    pub(super) strict: bool,
    /// The type of the values.
    pub(super) data_type: &'a DataType,
}

/// What an order check has seen so far: the last value of each group, so its memory grows with the number of groups only.
#[derive(Debug, Default)]
pub(super) struct Watch {
    last: HashMap<String, Comparable>,
    /// Rows that had a value.
    pub(super) of: u64,
    /// Rows out of order.
    pub(super) failing: u64,
    /// The first rows out of order: number, value before, value.
    pub(super) examples: Vec<(u64, String, String)>,
}

/// Examples that are kept.
const EXAMPLES: usize = 5;

impl Watch {
    /// Looks at the next rows, of which the first has the number `first`. `only` tells the rows that count.
    pub(super) fn look(
        &mut self,
        batch: &RecordBatch,
        value: &ArrayRef,
        only: Option<&ArrayRef>,
        groups: &[ArrayRef],
        rule: &Rule<'_>,
        first: u64,
    ) {
        let values = comparable(value);
        let groups: Vec<Vec<Option<String>>> = groups.iter().map(batch::texts).collect();
        let only = only.and_then(|only| only.as_boolean_opt());
        let mut key = String::new();
        for (row, value) in values.into_iter().enumerate().take(batch.num_rows()) {
            let counts = only.is_none_or(|only| arrow::array::Array::is_valid(only, row) && only.value(row));
            let Some(value) = value.filter(|_| counts) else { continue };
            key.clear();
            for group in &groups {
                match group.get(row).and_then(Option::as_ref) {
                    Some(text) => key.push_str(text),
                    None => key.push('\0'),
                }
                key.push('\u{1f}');
            }
            self.of += 1;
            match self.last.get_mut(&key) {
                Some(before) => {
                    let order = value.compare(before);
                    if order == rule.wrong || (rule.strict && order == Ordering::Equal) {
                        self.failing += 1;
                        if self.examples.len() < EXAMPLES {
                            let texts = (shown(before, rule.data_type), shown(&value, rule.data_type));
                            self.examples.push((first + row as u64, texts.0, texts.1));
                        }
                    }
                    *before = value;
                }
                None => {
                    self.last.insert(key.clone(), value);
                }
            }
        }
    }
}

fn shown(value: &Comparable, data_type: &DataType) -> String {
    match value {
        Comparable::Whole(value) => batch::literal_text(&match data_type {
            DataType::Date => Literal::Date(i32::try_from(*value).unwrap_or(i32::MAX)),
            DataType::Datetime(_) => Literal::Datetime(*value),
            DataType::Time => Literal::Time(*value),
            DataType::Duration => Literal::Duration(*value),
            _ => Literal::Integer(*value),
        }),
        Comparable::Number(value) => value.to_string(),
        Comparable::Text(value) => value.clone(),
    }
}

fn comparable(array: &ArrayRef) -> Vec<Option<Comparable>> {
    match array.data_type() {
        Arrow::Utf8View => batch::texts(array).into_iter().map(|text| text.map(Comparable::Text)).collect(),
        kind if kind.is_floating() || matches!(kind, Arrow::Decimal128(..) | Arrow::UInt64) => {
            let Ok(cast) = arrow::compute::cast(array, &Arrow::Float64) else { return Vec::new() };
            cast.as_primitive::<Float64Type>().iter().map(|value| value.map(Comparable::Number)).collect()
        }
        _ => {
            let cast = match array.data_type() {
                Arrow::Date32 => arrow::compute::cast(array, &Arrow::Int32),
                _ => Ok(array.clone()),
            };
            let Ok(cast) = cast.and_then(|array| arrow::compute::cast(&array, &Arrow::Int64)) else {
                return Vec::new();
            };
            cast.as_primitive::<Int64Type>().iter().map(|value| value.map(Comparable::Whole)).collect()
        }
    }
}
