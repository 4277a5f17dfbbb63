//! Statements within one transaction or one look, and the moments at which faults may be ordered.

use rusqlite::{Connection, Params, Row};

use super::error::{Result, StoreError};
use super::faults::Faults;

/// A connection in use. Statements are prepared once a connection.
pub(super) struct Session<'a> {
    connection: &'a Connection,
    faults: &'a Faults,
}

impl<'a> Session<'a> {
    pub(super) fn new(connection: &'a Connection, faults: &'a Faults) -> Self {
        Self { connection, faults }
    }

    /// Runs a statement; how many rows it changed.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        self.faults.step(sql)?;
        Ok(self.connection.prepare_cached(sql)?.execute(params)?)
    }

    /// Runs a statement of compare-and-set: whether it changed its one row.
    ///
    /// Errors: it changed several, which is a bug.
    pub(super) fn set(&self, sql: &str, params: impl Params) -> Result<bool> {
        match self.execute(sql, params)? {
            0 => Ok(false),
            1 => Ok(true),
            more => Err(StoreError::Internal { detail: format!("{more} rows changed at once by: {sql}") }),
        }
    }

    /// The first row of a query, if there is one.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        self.faults.step(sql)?;
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        Ok(rows.next()?.map(read).transpose()?)
    }

    /// The one number that a query gives.
    pub(super) fn number(&self, sql: &str, params: impl Params) -> Result<i64> {
        let found = self.one(sql, params, |row| row.get(0))?;
        found.ok_or_else(|| StoreError::Internal { detail: format!("no row from: {sql}") })
    }

    /// All rows of a query.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        self.faults.step(sql)?;
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }

    /// The number of the row inserted last.
    pub(super) fn inserted(&self) -> i64 {
        self.connection.last_insert_rowid()
    }
}
