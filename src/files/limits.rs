//! How much a file may claim. Sizes that a file declares are compared with these before anything is made of them.

use std::path::Path;

use super::error::FileError;
use crate::diagnostic::Class;

/// Columns of a table.
pub(super) const COLUMNS: usize = 100_000;

/// Levels of lists and structs within each other.
pub(super) const DEPTH: usize = 64;

/// Bytes of a line of NDJSON.
pub(super) const JSON_LINE: usize = 64 << 20;

/// Bytes of the footer of a Parquet file.
pub(super) const FOOTER: u64 = 256 << 20;

/// Bytes that any compressed file may hold.
const EXPANDED: u64 = 256 << 20;

/// How many times its own size a compressed file may hold beyond that. Tables shrink to a third or a thirtieth; what shrinks to
/// less than this was made to.
const EXPANSION: u64 = 200;

/// Refuses a table that is too wide.
///
/// Errors: of [`Class::Limit`].
pub fn check_columns(path: &Path, columns: usize) -> Result<(), FileError> {
    if columns <= COLUMNS {
        return Ok(());
    }
    let message = format!("`{}` has {columns} columns; at most {COLUMNS} are read", path.display());
    Err(FileError::new(Class::Limit, message).help("look whether the delimiter and the line ends are right"))
}

/// Bytes that a compressed file of that size may hold.
pub(super) fn expanded(compressed: u64) -> u64 {
    EXPANDED.max(compressed.saturating_mul(EXPANSION))
}

/// Bytes of a page of Parquet that may be held at once when a run may use so much memory.
pub(super) fn page(memory: u64) -> u64 {
    (memory / 8).max(64 << 20)
}
