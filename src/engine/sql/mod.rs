//! Expressions and relations as SQL text, by dialect.
//!
//! A dialect prints the meaning that the language has, not the nearest name: where an engine differs, the text says so at
//! length. DuckDB's dialect is what `explain --sql` shows and what the oracle of the tests runs.

mod duckdb;
mod relation;

use crate::engine::EngineError;
use crate::expression::Expr;
use crate::relation::{Relation, Scan};

/// Whose SQL is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// DuckDB 1.4 and later; `set TimeZone = 'UTC'` is assumed nowhere.
    #[default]
    DuckDb,
}

impl Dialect {
    fn writer(self) -> Box<dyn Writer> {
        match self {
            Dialect::DuckDb => Box::new(duckdb::DuckDb::default()),
        }
    }
}

/// The expression as SQL text.
///
/// Errors: constants that a stage has not learned yet, and what the dialect cannot express; each is named.
pub fn print_expression(expr: &Expr, dialect: Dialect) -> Result<String, EngineError> {
    dialect.writer().expression(expr, None)
}

/// As [`print_expression`], for a table whose rows are numbered by the column `order`: what follows the order of the rows
/// (ties of windows, `first`, `list`, ..) follows this column.
///
/// Errors: as [`print_expression`].
pub fn print_expression_in_order(expr: &Expr, order: &str, dialect: Dialect) -> Result<String, EngineError> {
    dialect.writer().expression(expr, Some(order))
}

/// The relation as one statement: a chain of common table expressions, named after the stages whose rows they are.
///
/// Errors: as [`print_expression`].
pub fn print_relation(relation: &Relation, dialect: Dialect) -> Result<String, EngineError> {
    relation::print(relation, dialect.writer().as_ref())
}

/// What a dialect knows.
trait Writer {
    /// An expression. `order` names a column that numbers the rows, for what follows their order.
    fn expression(&self, expr: &Expr, order: Option<&str>) -> Result<String, EngineError>;

    /// A name, quoted.
    fn identifier(&self, name: &str) -> String;

    /// The rows of a scan, as what stands behind `from`.
    fn scan(&self, scan: &Scan) -> Result<String, EngineError>;

    /// The number of each row from 0, in the order in which they are read.
    fn row_index(&self) -> &'static str;
}
