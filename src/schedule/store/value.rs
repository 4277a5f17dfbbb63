//! How moments, identifiers of runs and JSON stand in the database.

use std::fmt;

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Type, ValueRef};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An object of JSON: parameters, metrics.
pub type Object = Map<String, Value>;

/// The name of a run: `20261127-173632-00000042`, the second in UTC at which it was queued and its number.
///
/// Names sort by time, within a second by number; the number is never given twice, so neither is a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    pub(super) fn new(number: i64, now: Timestamp) -> Self {
        Self(format!("{}-{number:08}", now.strftime("%Y%m%d-%H%M%S")))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RunId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl ToSql for RunId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_str().into())
    }
}

impl FromSql for RunId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str().map(Self::from)
    }
}

/// A moment in the database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Micros(pub(super) Timestamp);

impl ToSql for Micros {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_microsecond().into())
    }
}

impl FromSql for Micros {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let micros = value.as_i64()?;
        Timestamp::from_microsecond(micros).map(Self).map_err(|error| FromSqlError::Other(error.into()))
    }
}

/// The moment in a column.
pub(super) fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get::<_, Micros>(column).map(|found| found.0)
}

/// The moment in a column that may be null.
pub(super) fn moment_or_none(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<Micros>>(column)?.map(|found| found.0))
}

/// The object in a column; an empty one where it is null.
pub(super) fn object(row: &Row<'_>, column: &str) -> rusqlite::Result<Object> {
    let Some(text) = row.get::<_, Option<String>>(column)? else { return Ok(Object::new()) };
    serde_json::from_str(&text).map_err(|error| {
        let at = row.as_ref().column_index(column).unwrap_or_default();
        rusqlite::Error::FromSqlConversionFailure(at, Type::Text, error.into())
    })
}

/// An object as text for a column. Numbers that JSON has no word for cannot be in it.
pub(super) fn text(object: &Object) -> String {
    Value::Object(object.clone()).to_string()
}
