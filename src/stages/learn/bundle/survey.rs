//! What rows a model was made of: how many in each part, and from when to when.

use arrow::array::RecordBatch;
use serde::{Deserialize, Serialize};

use crate::batch;
use crate::diagnostic::Diagnostic;
use crate::expression::{DataType, Expr, Function};
use crate::relation::{NamedExpr, Relation};
use crate::stages::TableProduct;
use crate::stages::work::WorkContext;

/// Columns of dates of which the period is told.
const COLUMNS: usize = 8;
/// Names that no column has.
const PART: &str = "__part";
const ROWS: &str = "__rows";

/// The rows that a model was made of and judged on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::stages::learn) struct Survey {
    /// The columns of dates.
    pub(super) dates: Vec<String>,
    /// The parts in their order; one without a name when the rows are not divided.
    pub(super) parts: Vec<PartRows>,
}

/// The rows of a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartRows {
    /// Its name; none for rows of no part.
    pub(super) part: Option<String>,
    pub(super) rows: u64,
    /// For each column of dates the earliest and the latest one; none when there is no date.
    pub(super) periods: Vec<Option<(String, String)>>,
}

impl Survey {
    /// Looks at the rows once: one aggregate by part.
    ///
    /// Errors: the rows cannot be computed.
    pub(in crate::stages::learn) fn of(table: &TableProduct, context: &WorkContext<'_>) -> Result<Self, Diagnostic> {
        let schema = table.relation.schema();
        let is_day = |data_type: &DataType| matches!(data_type, DataType::Date | DataType::Datetime(_));
        let dates: Vec<(String, DataType)> = schema
            .fields()
            .iter()
            .filter(|field| is_day(&field.data_type))
            .take(COLUMNS)
            .map(|field| (field.name.clone(), field.data_type.clone()))
            .collect();
        let named = |name: String, expr: Expr| NamedExpr { name, expr };
        let mut aggregates =
            vec![named(ROWS.to_owned(), Expr::aggregate(Function::CountAll, Vec::new(), DataType::Int64))];
        for (at, (name, data_type)) in dates.iter().enumerate() {
            for (end, function) in [("from", Function::Min), ("to", Function::Max)] {
                let value = Expr::column(name, data_type.clone());
                aggregates
                    .push(named(format!("{end} {at}"), Expr::aggregate(function, vec![value], data_type.clone())));
            }
        }
        let split = table.split.as_ref();
        let key = split.map(|split| named(PART.to_owned(), Expr::column(&split.column, DataType::String)));
        let keys = key.into_iter().collect();
        let relation = Relation::Aggregate { input: table.relation.clone(), keys, aggregates };
        let mut parts: Vec<PartRows> = Vec::new();
        for found in context.collect(&relation)? {
            parts.extend((0..found.num_rows()).map(|row| part(&found, row, dates.len())));
        }
        let order = split.map(|split| split.parts.clone()).unwrap_or_default();
        let place = |part: &PartRows| order.iter().position(|name| Some(name) == part.part.as_ref());
        parts.sort_by(|a, b| {
            (place(a).unwrap_or(order.len()), &a.part).cmp(&(place(b).unwrap_or(order.len()), &b.part))
        });
        Ok(Self { dates: dates.into_iter().map(|(name, _)| name).collect(), parts })
    }
}

fn part(found: &RecordBatch, row: usize, dates: usize) -> PartRows {
    let text = |name: &str| batch::column(found, name).and_then(|column| batch::display(column, row));
    let periods = (0..dates).map(|at| Some((text(&format!("from {at}"))?, text(&format!("to {at}"))?)));
    PartRows {
        part: text(PART),
        rows: text(ROWS).and_then(|rows| rows.parse().ok()).unwrap_or(0),
        periods: periods.collect(),
    }
}
