//! What the training rows held, column by column, so that whoever applies a model can tell which rows are unlike them.
//!
//! ```text
//! training rows --DomainFit--> Domain --Watch::look--> what is strange about each new row, and counts
//!                                     '-Watch::drift-> how far each column has moved
//! ```
//!
//! Of numbers and moments the smallest and the largest value are kept, and between them ten bins of equal frequency; of categories the
//! most frequent values with their counts; of everything else how often it was missing. Bins come from a quantile sketch, so their counts
//! are exact while the sketch is (`statistics::quantiles`).

mod fit;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
mod watch;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use super::exact;
use crate::batch;
use crate::expression::Literal;

pub use fit::{DomainFit, Watched};
pub use watch::{Drift, SHIFTED, Strange, Watch, What};

/// What training rows held.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Training rows.
    pub rows: u64,
    /// The columns in the order of the features.
    pub columns: Vec<ColumnDomain>,
}

/// What training rows held in a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnDomain {
    /// The column.
    pub column: String,
    /// Training rows without a value.
    pub missing: u64,
    /// The values.
    pub held: Held,
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Numbers or moments.
    Range(Range),
    /// Names of something.
    Values(Values),
    /// Something of which only the presence is kept, such as a text or an image; or no value at all.
    Presence,
}

/// Numbers from the smallest to the largest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// What a number means.
    pub unit: Unit,
    /// The smallest.
    #[serde(with = "exact")]
    pub min: f64,
    /// The largest.
    #[serde(with = "exact")]
    pub max: f64,
    /// The ends of the bins but the last, rising, below the maximum: a bin holds what is above the end before it and at most its own.
    pub edges: Vec<f64>,
    /// Training rows of each bin; one more than `edges`.
    pub counts: Vec<u64>,
}

/// What a number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Itself.
    Number,
    /// Days since 1970.
    Date,
    /// Microseconds since 1970.
    Datetime,
}

/// The most frequent values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// Values with their training rows, by falling frequency.
    pub counts: Vec<(String, u64)>,
    /// Training rows with other values; 0 when there are no others.
    pub rest: u64,
}

impl Range {
    /// A value as people write it.
    pub fn text(&self, value: f64) -> String {
        #[expect(clippy::cast_possible_truncation, reason = "days and microseconds are whole; the cast saturates")]
        match self.unit {
            Unit::Number => value.to_string(),
            Unit::Date => batch::literal_text(&Literal::Date(value as i32)),
            Unit::Datetime => batch::literal_text(&Literal::Datetime(value as i64)),
        }
    }

    /// The bin of a value within the range.
    fn bin(&self, value: f64) -> usize {
        self.edges.partition_point(|edge| *edge < value)
    }
}

/// The values of a column as numbers, NaN for whatever is none or not finite, and what they mean.
fn numbers(array: &ArrayRef) -> (Vec<f64>, Unit) {
    let whole = |to: &DataType, unit| {
        let cast = arrow::compute::cast(array, to).and_then(|cast| arrow::compute::cast(&cast, &DataType::Int64));
        (cast.map_or_else(|_| vec![f64::NAN; array.len()], |cast| batch::floats(&cast)), unit)
    };
    match array.data_type() {
        DataType::Date32 | DataType::Date64 => {
            let days = arrow::compute::cast(array, &DataType::Date32)
                .and_then(|days| arrow::compute::cast(&days, &DataType::Int32));
            (days.map_or_else(|_| vec![f64::NAN; array.len()], |days| batch::floats(&days)), Unit::Date)
        }
        DataType::Timestamp(..) => {
            whole(&DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None), Unit::Datetime)
        }
        _ => {
            let mut values = batch::floats(array);
            values.iter_mut().filter(|value| value.is_infinite()).for_each(|value| *value = f64::NAN);
            (values, Unit::Number)
        }
    }
}
