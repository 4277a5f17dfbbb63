//! Who did what. Entries are written in the transaction of what they tell of, so one is not there without the other.

use jiff::Timestamp;
use rusqlite::Row;

use super::Store;
use super::error::Result;
use super::runs::Page;
use super::session::Session;
use super::value::{Micros, moment};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the order; pages go by it.
    pub number: i64,
    /// When.
    pub moment: Timestamp,
    /// Who: the name of a user, a token or a part of the server.
    pub who: String,
    /// What was done, as a verb: `cancel`, `pause`, `login`, ..
    pub action: String,
    /// To what: a job, a run, a model.
    pub subject: String,
    /// More, in plain words; may be empty.
    pub detail: String,
}

impl AuditEntry {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            moment: moment(row, "moment")?,
            who: row.get("who")?,
            action: row.get("action")?,
            subject: row.get("subject")?,
            detail: row.get("detail")?,
        })
    }
}

/// Adds an entry.
pub(super) fn note(
    session: &Session<'_>,
    who: &str,
    action: &str,
    subject: &str,
    detail: &str,
    now: Timestamp,
) -> Result<()> {
    session.execute(
        "INSERT INTO audit (moment, who, action, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
        (Micros(now), who, action, subject, detail),
    )?;
    Ok(())
}

impl Store {
    /// Adds an entry about something that the store does not do itself: a login, a change of a file.
    pub fn audit(&self, who: &str, action: &str, subject: &str, detail: &str, now: Timestamp) -> Result<()> {
        self.write(|session| note(session, who, action, subject, detail, now))
    }

    /// Entries, the latest first, before a place; of one subject, where it is named.
    pub fn audit_log(&self, subject: Option<&str>, before: Option<i64>, limit: usize) -> Result<Page<AuditEntry>> {
        let before = before.unwrap_or(i64::MAX);
        Page::fill(
            limit,
            |entry: &AuditEntry| entry.number,
            |limit| {
                self.read(|session| match subject {
                    Some(subject) => session.all(
                        "SELECT * FROM audit WHERE subject = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3",
                        (subject, before, limit),
                        AuditEntry::of,
                    ),
                    None => session.all(
                        "SELECT * FROM audit WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
                        (before, limit),
                        AuditEntry::of,
                    ),
                })
            },
        )
    }
}
