//! When files have changed and have settled.

use std::time::Duration;

use jiff::Timestamp;

use super::Watch;
use super::snapshot::Snapshot;

/// Watches the files of one job.
///
/// An occurrence is given when some file is new or other than at the last occurrence, and no file of the pattern has changed for the stated
/// time. Files that only went away start nothing. What is there at the very first look counts as known.
#[derive(Debug, Clone)]
pub struct Poller {
    settled: Duration,
    /// The files at the last occurrence.
    known: Option<Snapshot>,
    /// The files at the last look, and since when they are so.
    seen: Option<(Snapshot, Duration)>,
}

/// Files have changed, and have settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// When that is: the moment of the look that found them settled. It is the time of the occurrence.
    pub at: Timestamp,
    /// Those that are new or other than at the last occurrence, in the order of their paths.
    pub files: Vec<String>,
    /// The hash of all files of the pattern.
    pub fingerprint: String,
}

impl Poller {
    /// A watch that knows what was there at the last occurrence, from [`Poller::known`]. Without that (or where it cannot be read), the
    /// first look tells it.
    pub fn new(watch: &Watch, known: Option<&str>) -> Self {
        let known = known.and_then(|text| serde_json::from_str(text).ok());
        Self { settled: Duration::from_secs(watch.settled.as_seconds()), known, seen: None }
    }

    /// One look. `elapsed` is the time since any fixed moment by a clock that does not step, such as [`std::time::Instant`]; `now` is
    /// the time of day. Each change is given once.
    ///
    /// O(number of files).
    pub fn look(&mut self, snapshot: Snapshot, now: Timestamp, elapsed: Duration) -> Option<Changed> {
        let since = match &self.seen {
            Some((seen, since)) if *seen == snapshot => *since,
            _ => elapsed,
        };
        let Some(known) = &self.known else {
            self.known = Some(snapshot.clone());
            self.seen = Some((snapshot, since));
            return None;
        };
        if elapsed.saturating_sub(since) < self.settled || *known == snapshot {
            self.seen = Some((snapshot, since));
            return None;
        }
        let is_other = |path: &String| known.0.get(path) != snapshot.0.get(path);
        let files: Vec<String> = snapshot.0.keys().filter(|path| is_other(path)).cloned().collect();
        let changed = (!files.is_empty()).then(|| Changed { at: now, files, fingerprint: snapshot.fingerprint() });
        self.known = Some(snapshot.clone());
        self.seen = Some((snapshot, since));
        changed
    }

    /// What was there at the last occurrence, to be kept over a restart and given to [`Poller::new`]: one line of JSON, about 70 bytes a
    /// file. `None` before the first look.
    ///
    /// Keep it after the occurrence is recorded: a server that dies in between gives the occurrence again.
    pub fn known(&self) -> Option<String> {
        self.known.as_ref().and_then(|known| serde_json::to_string(known).ok())
    }
}
