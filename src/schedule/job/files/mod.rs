//! Files whose change starts a job.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::schedule::Period;

/// So many files one pattern may name.
pub const MOST_FILES: usize = 10_000;

/// A checked pattern of paths below the served folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// What to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Which files.
    pub path: Pattern,
    /// So long they must not have changed.
    pub settled: Period,
}

/// The files of a pattern at one moment, by their paths below the served folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot(pub BTreeMap<String, Stamp>);

/// How one looks from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: i128,
    /// Its number in the file system: another file under the same name is a change.
    pub inode: u64,
}

/// Looks at the files of a pattern.
///
/// Errors: one line for people. A folder cannot be read, or there are more than [`MOST_FILES`].
pub fn snapshot(base: &Path, pattern: &Pattern) -> Result<Snapshot, String> {
    let _ = (base, pattern);
    Ok(Snapshot::default())
}

impl Snapshot {
    /// A hash of it: two are the same when nothing has changed.
    pub fn fingerprint(&self) -> String {
        String::new()
    }
}

/// Watches the files of one job.
#[derive(Debug, Clone)]
pub struct Poller {
    settled: Duration,
    known: Option<BTreeMap<String, Stamp>>,
}

/// Files have changed, and have settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// When that is: the moment of the look that found them settled. The time of the occurrence.
    pub at: Timestamp,
    /// Those that are new or other than at the last occurrence, in the order of their paths.
    pub files: Vec<String>,
    /// The hash of all files of the pattern.
    pub fingerprint: String,
}

impl Poller {
    /// A watch that knows what was there at the last occurrence, from [`Poller::known`]; without that, the first look tells it.
    pub fn new(watch: &Watch, known: Option<&str>) -> Self {
        let _ = known;
        Self { settled: Duration::from_secs(watch.settled.as_seconds()), known: None }
    }

    /// One look. `elapsed` is the time since any fixed moment by a clock that does not step, such as [`std::time::Instant`]; `now` is
    /// the time of day. Something is given once for each change.
    pub fn look(&mut self, snapshot: Snapshot, now: Timestamp, elapsed: Duration) -> Option<Changed> {
        let _ = (snapshot, now, elapsed, self.settled);
        None
    }

    /// What was there at the last occurrence, to be kept over a restart and given to [`Poller::new`]. One line of JSON.
    pub fn known(&self) -> Option<String> {
        self.known.as_ref().map(|_| String::new())
    }
}
