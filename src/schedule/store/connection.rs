//! Opening the database, and connections to read by.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::{Result, StoreError};
use super::migrations;

/// How long a statement waits for another process before it says [`StoreError::Busy`].
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Statements kept prepared by a connection.
const STATEMENTS: usize = 256;

/// Connections to read by that are kept when nobody uses them.
const IDLE: usize = 8;

/// Opens the database to write, and makes it where there is none.
pub(super) fn writer(path: &Path) -> Result<Connection> {
    look(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // Before anything is written: what is not for us stays as it is.
    migrations::version(&connection, migrations::latest())?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        let detail = format!("its file system has no shared memory for a write-ahead log (mode `{mode}`)");
        return Err(StoreError::Io { path: PathBuf::new(), detail });
    }
    // An acknowledged submission has to survive the loss of power: each commit is synced.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // The log is cut back after a long reader let it grow.
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Says in the system's words why the file cannot be used, where SQLite says only that it cannot be opened, and refuses what is
/// no database before SQLite does anything with it.
fn look(path: &Path) -> Result<()> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { path: path.to_path_buf(), detail: error.to_string() }
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full { path: path.to_path_buf() },
        _ => StoreError::Io { path: path.to_path_buf(), detail: error.to_string() },
    };
    let mut file: File =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path).map_err(failed)?;
    let mut start = [0_u8; 16];
    let length = file.metadata().map_err(failed)?.len();
    let read = file.read(&mut start).map_err(failed)?;
    if length > 0 && (read < start.len() || &start != b"SQLite format 3\0") {
        let detail = "it does not begin as a database of SQLite does".to_owned();
        return Err(StoreError::Corrupt { path: path.to_path_buf(), detail });
    }
    Ok(())
}

/// Connections that only read. Each sees the last committed state and never waits for the writer.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf(), idle: Mutex::new(Vec::new()) }
    }

    /// Uses a connection for one look.
    pub(super) fn with<T>(&self, look: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match kept {
            Some(connection) => connection,
            None => self.open()?,
        };
        let answer = look(&connection);
        let asked_in_vain = matches!(answer, Err(StoreError::Missing { .. } | StoreError::Conflict { .. }));
        if answer.is_err() && !asked_in_vain {
            // One that failed is not kept: it may hold a state that is no longer on disk.
            return answer;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(connection);
        }
        answer
    }

    fn open(&self) -> Result<Connection> {
        // Not opened to read only, but told to: checks of integrity leave the CHECKs out where a connection cannot write.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cache_size", -16_384)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }
}
