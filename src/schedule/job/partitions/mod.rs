//! Partitions: the days, months or files that a job is run for, one run each.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Where one job has more partitions than this, its file is refused.
pub const MOST: usize = 100_000;

/// What a job is run for.
#[derive(Debug, Clone)]
pub enum Partitions {
    /// Each day.
    Days(Span),
    /// Each month.
    Months(Span),
    /// Each file that fits a pattern.
    Files(super::files::Pattern),
}

/// The days or months from one date on.
#[derive(Debug, Clone)]
pub struct Span {
    /// The first day of the first partition.
    pub from: Date,
    /// The first day of the last partition; `None`: they never end.
    pub to: Option<Date>,
    /// Where the clock stands that says when one has ended.
    pub zone: TimeZone,
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
    /// One partition: the day or month whose end is the last before that time.
    One(Partition),
    /// Each of these files, as far as no run of it has ended well.
    EachMissing(Vec<Partition>),
    /// None: the first has not ended yet, or the last has ended long ago.
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
        let _ = (now, base);
        Err(PartitionError(key.to_owned()))
    }

    /// All that have ended by `now`, in the order of their keys; files that are there now. At most [`MOST`].
    ///
    /// Errors: the files cannot be looked at.
    pub fn all(&self, now: Timestamp, base: &Path) -> Result<Vec<Partition>, PartitionError> {
        let _ = (now, base);
        Ok(Vec::new())
    }

    /// Those from one key to another, both included, that have ended by `now`: what a backfill goes through.
    ///
    /// Errors: a key is none, the range is empty or lies outside of what the job has.
    pub fn range(&self, from: &str, to: &str, now: Timestamp, base: &Path) -> Result<Vec<Partition>, PartitionError> {
        let _ = (from, to, now, base);
        Ok(Vec::new())
    }

    /// What a run is for that is due at `scheduled`: the day or month whose end is the last that is not after that time. So a job that is due at
    /// two in the night of 3 May, or at midnight, is run for 2 May; one that is due at any time in May is run for April, where
    /// its partitions are months.
    ///
    /// Errors: the files cannot be looked at.
    pub fn meant(&self, scheduled: Timestamp, base: &Path) -> Result<Meant, PartitionError> {
        let _ = (scheduled, base);
        Ok(Meant::Nothing)
    }

    /// When a day or month has ended; `None` for a file, and beyond the year 9999.
    pub fn ended(&self, partition: &Partition) -> Option<Timestamp> {
        let _ = partition;
        None
    }
}
