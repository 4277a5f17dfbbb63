//! How each column of a CSV file is read.

use serde::{Deserialize, Serialize};

use super::value::Expected;
use crate::expression::{DataType, Field, Schema};
use crate::relation::CsvFormat;

/// How a column is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnPlan {
    /// Its name, as the pipeline knows it. The engine takes the columns of the file by position, not by the names there.
    pub name: String,
    /// The type that the engine's reader is told: text where it is converted afterwards.
    pub file_type: DataType,
    /// The type of the column.
    pub data_type: DataType,
    /// How the text becomes `data_type`, where the two types differ.
    pub conversion: Option<Conversion>,
    /// Why it has this type, as a person would say it: `the first 20000 rows are whole numbers`.
    pub reason: String,
}

/// How text becomes a date or datetime.
///
/// The engine's own reader guesses the order of day, month and year anew in every part of a file, and reads datetimes with an
/// offset ten times slower than this; so it is told to read text, and the one format of the column is applied to it. Who
/// applies it takes an empty text for null first (`nullif(x, '')`): a date in quotes may be missing. Any other text that does not
/// fit is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversion {
    /// Format with the directives of chrono: `%Y-%m-%dT%H:%M:%SZ`. `%.f` is an optional fraction, `%#z` is `Z` or an offset.
    pub format: String,
    /// The text names an instant: it holds `Z` or an offset, and the result is shown in UTC or the zone of the type.
    pub instant: bool,
}

impl ColumnPlan {
    /// A column that the engine's reader reads as its type.
    pub(super) fn native(name: &str, data_type: DataType, reason: impl Into<String>) -> Self {
        Self { name: name.to_owned(), file_type: data_type.clone(), data_type, conversion: None, reason: reason.into() }
    }

    /// A column that is read as text and converted.
    pub(super) fn converted(
        name: &str,
        data_type: DataType,
        conversion: Conversion,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            file_type: DataType::String,
            data_type,
            conversion: Some(conversion),
            reason: reason.into(),
        }
    }

    /// What the fields must be. Types that text cannot have were refused when the plan was made.
    pub(super) fn expected(&self, format: &CsvFormat) -> Expected {
        let layout = self.conversion.as_ref().map(|conversion| conversion.format.as_str());
        Expected::of(&self.data_type, layout, format.decimal_comma).unwrap_or(Expected::Text)
    }
}

/// The columns as the engine's reader is told to read them.
///
/// Errors: a name that occurs twice.
pub fn file_schema(plans: &[ColumnPlan]) -> Result<Schema, String> {
    Schema::new(plans.iter().map(|plan| Field::new(&plan.name, plan.file_type.clone())).collect())
}

/// The columns after conversion.
///
/// Errors: a name that occurs twice.
pub fn schema(plans: &[ColumnPlan]) -> Result<Schema, String> {
    Schema::new(plans.iter().map(|plan| Field::new(&plan.name, plan.data_type.clone())).collect())
}
