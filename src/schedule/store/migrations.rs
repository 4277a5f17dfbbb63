//! Versions of the layout, and the way from each to the next.
//!
//! The version stands in `user_version`, whose database it is in `application_id`. A step and its number are one transaction,
//! so a database has one version or the next, never something between, and two processes that open it at once do each step once.

use rusqlite::{Connection, TransactionBehavior};

use super::error::{Result, StoreError};
use super::faults::Faults;

/// `grml`, so that other programs' databases are told apart.
pub(super) const APPLICATION: i64 = 0x6772_6d6c;

/// The way from version n to n + 1, for each n from 0. A step that was released is never changed.
pub(super) const STEPS: &[&str] =
    &[include_str!("schema/1.sql"), include_str!("schema/2.sql"), include_str!("schema/3.sql")];

/// The version that [`STEPS`] lead to.
pub(super) fn latest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Brings a database to the latest version.
///
/// Errors: it is newer, another program's, or damaged; or a step fails, and then the database keeps the version before it.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str], faults: &Faults) -> Result<()> {
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    loop {
        // The version is looked at first without writing: most of the time there is nothing to do.
        let found = version(connection, known)?;
        if found == known {
            return Ok(());
        }
        faults.step("begin of a migration")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have done it while this one waited.
        if version(&transaction, known)? == found {
            let step = usize::try_from(found).ok().and_then(|at| steps.get(at)).copied().unwrap_or_default();
            faults.step("migration")?;
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", found + 1)?;
            faults.step("commit of a migration")?;
            transaction.commit()?;
        }
    }
}

/// The version of a database that may be used here; 0 for an empty one. Nothing is written.
///
/// Errors: it is newer than `known`, another program's, or damaged.
pub(super) fn version(connection: &Connection, known: i64) -> Result<i64> {
    // One state for all three, or another process's first step would show by half.
    let _look = connection.is_autocommit().then(|| connection.unchecked_transaction()).transpose()?;
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, found) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match found {
        0 if tables == 0 => Ok(0),
        _ if application != APPLICATION => Err(StoreError::Foreign { path: Default::default() }),
        _ if found > known => Err(StoreError::Newer { path: Default::default(), found, known }),
        found if found >= 1 => Ok(found),
        _ => Err(StoreError::Corrupt { path: Default::default(), detail: format!("its version is {found}") }),
    }
}
