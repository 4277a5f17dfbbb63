//! From the text of a job file to a checked [`Definition`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Definition;
use crate::diagnostic::{Diagnostic, Findings, Source};

/// Whether a text can name a job: `[a-z0-9][a-z0-9_-]{0,63}`.
pub fn is_name(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let other = |byte: u8| first(byte) || byte == b'_' || byte == b'-';
    text.len() <= 64 && text.bytes().next().is_some_and(first) && text.bytes().all(other)
}

/// Reads and checks a job file. `base` is the served folder: the pipeline must be there, inside of it.
///
/// Errors: everything that is wrong, each at its place, in the order of the file.
pub fn read(name: &str, source: &Arc<Source>, base: &Path) -> Result<Definition, Findings> {
    let _ = (name, source, base);
    Err(vec![Diagnostic::definition("not yet")])
}

/// Reads a definition that was good when it was kept: as [`read`], but whether the pipeline is there is not asked
/// ([`Definition::locate`] asks before each start). The disk is not touched.
///
/// Errors: as [`read`]; a later program may refuse what an earlier one took.
pub fn recall(name: &str, source: &Arc<Source>) -> Result<Definition, Findings> {
    let _ = (name, source);
    Err(vec![Diagnostic::definition("not yet")])
}

/// The JSON Schema of job files.
pub fn schema() -> serde_json::Value {
    serde_json::Value::Null
}

impl Definition {
    /// The pipeline's file with all links resolved, if it is (still) a file inside the served folder.
    ///
    /// Errors: it is not, and why.
    pub fn locate(&self, base: &Path) -> Result<PathBuf, Diagnostic> {
        let _ = base;
        Err(Diagnostic::definition("not yet"))
    }

    /// The zone of the job's dates: that of its schedule, else that of its partitions, else UTC.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::UTC
    }
}
