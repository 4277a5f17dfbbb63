//! Partitions: the days, months or files that a job is run for, one run each.
//!
//! A day or month is a span of the calendar; a clock in the zone of the partitions says when it has ended: at the first moment that
//! shows the next one, whatever hours are skipped or repeated there. Only what has ended is run.

mod span;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;

pub use span::{Span, Unit};

use super::files::{Pattern, holds, snapshot};

/// What a job is run for.
#[derive(Debug, Clone)]
pub enum Partitions {
    /// Each day or month.
    Spans(Span),
    /// Each file that fits a pattern.
    Files(Pattern),
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// `2026-01-31`, `2026-01`, or the path of the file below the served folder. Keys of days and months sort by time.
    pub key: String,
    /// The first day, where it is a day or month.
    pub start: Option<Date>,
    /// The day behind the last, where it is a day or month.
    pub end: Option<Date>,
}

/// What a run that is due by time is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// One partition: the day or month that ended last.
    One(Partition),
    /// Each of these files, as far as no run of it has ended well.
    EachMissing(Vec<Partition>),
    /// None: the first has not ended yet, or the last ended before the one that is meant.
    Nothing,
}

/// Why a partition is refused, in one line for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PartitionError(pub String);

impl Partitions {
    /// The partition of a key, if it is one of the job's and has ended by `now`; a file must be there.
    ///
    /// Errors: what is wrong with the key, and which there are.
    pub fn one(&self, key: &str, now: Timestamp, base: &Path) -> Result<Partition, PartitionError> {
        match self {
            Self::Spans(span) => {
                let start = span.unit.read(key)?;
                span.ended_by(start, now)?;
                Ok(span.partition(start))
            }
            Self::Files(pattern) => {
                let is_one = holds(base, pattern, key).map_err(PartitionError)?;
                let partition = is_one.then(|| Partition { key: key.to_owned(), start: None, end: None });
                partition.ok_or_else(|| PartitionError(format!("no file `{key}` fits `{}`", pattern.as_str())))
            }
        }
    }

    /// All that have ended by `now`, in the order of their keys; files that are there now.
    ///
    /// Errors: the files cannot be looked at.
    pub fn all(&self, now: Timestamp, base: &Path) -> Result<Vec<Partition>, PartitionError> {
        match self {
            Self::Spans(span) => {
                Ok(span.starts(span.from, span.last_ended(now)).map(|start| span.partition(start)).collect())
            }
            Self::Files(pattern) => files(pattern, base),
        }
    }

    /// Those from one key to another, both included: what a backfill goes through. Files are in the order of their paths, and the keys
    /// need not be files that are there.
    ///
    /// Errors: a key is none, is outside of what the job has or has not ended by `now`, or nothing lies between the two.
    pub fn range(&self, from: &str, to: &str, now: Timestamp, base: &Path) -> Result<Vec<Partition>, PartitionError> {
        let found: Vec<Partition> = match self {
            Self::Spans(span) => {
                let (first, last) = (span.unit.read(from)?, span.unit.read(to)?);
                if first <= last {
                    span.ended_by(first, now)?;
                    span.ended_by(last, now)?;
                }
                span.starts(first, Some(last)).map(|start| span.partition(start)).collect()
            }
            Self::Files(pattern) => {
                files(pattern, base)?.into_iter().filter(|file| (from..=to).contains(&file.key.as_str())).collect()
            }
        };
        if from > to {
            return Err(PartitionError(format!("the range from `{from}` to `{to}` goes backwards; exchange the two")));
        }
        if found.is_empty() {
            return Err(PartitionError(format!("nothing lies between `{from}` and `{to}`")));
        }
        Ok(found)
    }

    /// What a run is for that is due at `scheduled`: the day or month whose end is the last that is not after that time.
    ///
    /// So a job that is due at two in the night of 3 May, or at midnight, is run for 2 May; where its partitions are months, one
    /// that is due at any time in May is run for April.
    ///
    /// Errors: the files cannot be looked at.
    pub fn meant(&self, scheduled: Timestamp, base: &Path) -> Result<Meant, PartitionError> {
        Ok(match self {
            Self::Spans(span) => match span.last_ended_of_all(scheduled).filter(|start| span.holds(*start)) {
                Some(start) => Meant::One(span.partition(start)),
                None => Meant::Nothing,
            },
            Self::Files(pattern) => Meant::EachMissing(files(pattern, base)?),
        })
    }

    /// The word for one of them: `day`, `month` or `file`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Spans(span) => span.unit.word(),
            Self::Files(_) => "file",
        }
    }
}

fn files(pattern: &Pattern, base: &Path) -> Result<Vec<Partition>, PartitionError> {
    let found = snapshot(base, pattern).map_err(PartitionError)?;
    Ok(found.0.into_keys().map(|key| Partition { key, start: None, end: None }).collect())
}
