//! A random part of the rows in memory, for what cannot be learned from aggregates.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};

use crate::batch;
use crate::diagnostic::Diagnostic;
use crate::digits;
use crate::expression::{DataType, Field};
use crate::relation::{Relation, keep_columns};
use crate::stages::work::{Progress, WorkContext};
use crate::statistics::row_function::Column;
use crate::statistics::sampling::reservoir::Reservoir;

/// Rows that were drawn, column by column.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// The columns in the order of the fields.
    pub columns: Vec<Values>,
    /// Rows that could have been drawn.
    pub seen: u64,
}

/// A column of drawn rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers; NaN and infinities as they are.
    Numbers(Vec<Option<f64>>),
    /// Texts.
    Texts(Vec<Option<String>>),
}

impl Values {
    /// Borrowed, as learned functions take it.
    pub fn column(&self) -> Column<'_> {
        match self {
            Self::Numbers(values) => Column::Numbers(values.clone()),
            Self::Texts(values) => Column::Texts(values.iter().map(Option::as_deref).collect()),
        }
    }

    /// The numbers; of texts none.
    pub fn numbers(&self) -> &[Option<f64>] {
        match self {
            Self::Numbers(values) => values,
            Self::Texts(_) => &[],
        }
    }
}

impl Drawn {
    /// Number of drawn rows.
    pub fn count(&self) -> usize {
        match self.columns.first() {
            Some(Values::Numbers(values)) => values.len(),
            Some(Values::Texts(values)) => values.len(),
            None => 0,
        }
    }

    /// In words how many rows were learned from: `1,200 rows` or `100,000 of 3,000,000 rows, drawn at random`.
    pub fn describe(&self) -> String {
        let drawn = self.count() as u64;
        if drawn == self.seen {
            digits::rows(drawn)
        } else {
            format!("{} of {}, drawn at random", digits::whole(drawn), digits::rows(self.seen))
        }
    }
}

enum Cell {
    Number(Option<f64>),
    Text(Option<String>),
}

/// For each of `conditions` a random part of at most `wanted` rows: of those that have a value in that field (its number), or
/// of all rows for none. One pass; memory is the drawn rows. Seed and order of the rows decide.
///
/// Errors: the rows cannot be computed.
pub fn draw(
    rows: &Arc<Relation>,
    fields: &[Field],
    conditions: &[Option<usize>],
    wanted: usize,
    seed: u64,
    context: &WorkContext<'_>,
) -> Result<Vec<Drawn>, Diagnostic> {
    let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    let relation = keep_columns(rows, &names);
    let mut reservoirs: Vec<Reservoir<Vec<Cell>>> =
        (0..conditions.len() as u64).map(|at| Reservoir::new(wanted, seed.wrapping_add(at << 32))).collect();
    let mut done = 0;
    context.stream(&relation, &mut |batch| {
        let columns: Vec<Option<Reader>> = fields.iter().map(|field| Reader::new(&batch, field)).collect();
        for row in 0..batch.num_rows() {
            for (reservoir, condition) in reservoirs.iter_mut().zip(conditions) {
                let reader = condition.and_then(|at| columns.get(at)?.as_ref());
                if reader.is_none_or(|reader| reader.has(row)) {
                    reservoir.offer(|| columns.iter().map(|column| cell(column.as_ref(), row)).collect());
                }
            }
        }
        done += batch.num_rows() as u64;
        let message = String::from("reading rows to learn from");
        (context.progress)(Progress { done, total: None, unit: "rows".to_owned(), message });
        Ok(true)
    })?;
    Ok(reservoirs.into_iter().map(|reservoir| drawn(reservoir, fields)).collect())
}

fn drawn(reservoir: Reservoir<Vec<Cell>>, fields: &[Field]) -> Drawn {
    let seen = reservoir.seen();
    let mut columns: Vec<Values> = fields
        .iter()
        .map(|field| match field.data_type {
            DataType::String => Values::Texts(Vec::new()),
            _ => Values::Numbers(Vec::new()),
        })
        .collect();
    for row in reservoir.into_items() {
        for (column, cell) in columns.iter_mut().zip(row) {
            match (column, cell) {
                (Values::Numbers(values), Cell::Number(value)) => values.push(value),
                (Values::Texts(values), Cell::Text(value)) => values.push(value),
                // A column that a batch lacks has no values.
                (Values::Numbers(values), Cell::Text(_)) => values.push(None),
                (Values::Texts(values), Cell::Number(_)) => values.push(None),
            }
        }
    }
    Drawn { columns, seen }
}

/// A column of a batch whose values are read one by one.
enum Reader {
    Numbers(ArrayRef),
    Texts(ArrayRef),
}

impl Reader {
    fn new(batch: &RecordBatch, field: &Field) -> Option<Self> {
        let column = batch::column(batch, &field.name)?;
        if field.data_type == DataType::String {
            return Some(Self::Texts(column.clone()));
        }
        arrow::compute::cast(column, &arrow::datatypes::DataType::Float64).ok().map(Self::Numbers)
    }

    fn has(&self, row: usize) -> bool {
        match self {
            Self::Numbers(array) | Self::Texts(array) => array.is_valid(row),
        }
    }
}

fn cell(column: Option<&Reader>, row: usize) -> Cell {
    match column {
        Some(Reader::Texts(array)) => {
            let texts = array.as_string_view_opt().filter(|texts| texts.is_valid(row));
            Cell::Text(texts.map(|texts| texts.value(row).to_owned()))
        }
        Some(Reader::Numbers(array)) => {
            let numbers = array.as_primitive_opt::<arrow::datatypes::Float64Type>();
            Cell::Number(numbers.filter(|numbers| numbers.is_valid(row)).map(|numbers| numbers.value(row)))
        }
        None => Cell::Number(None),
    }
}
