//! Looking: jobs, records, logs.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Service;
use super::error::{Result, ServiceError};
use super::views::{JobView, LogPart};
use crate::diagnostic::nearest;
use crate::run::manifest::RunRecord;
use crate::schedule::store::{JobState, Overview, Run, RunId, StoreError};

/// The most bytes that one part of a log has.
pub const LONGEST_PART: usize = 1 << 20;
/// The most occurrences that are computed for people to look at.
pub const MOST_NEXT: usize = 1000;
/// A record larger than this is not read: one of a thousand stages has some megabytes.
const LARGEST_RECORD: u64 = 256 << 20;

impl Service {
    /// All jobs by name, those whose file is gone too.
    pub fn jobs(&self) -> Result<Vec<JobView>> {
        self.store.overview()?.into_iter().map(|overview| self.view(overview)).collect()
    }

    /// A job by name.
    ///
    /// Errors: there is none; the nearest name is told.
    pub fn job(&self, name: &str) -> Result<JobView> {
        match self.store.overview_of(name) {
            Ok(overview) => self.view(overview),
            Err(StoreError::Missing { .. }) => Err(self.no_job(name)),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn no_job(&self, name: &str) -> ServiceError {
        let jobs = self.store.jobs().unwrap_or_default();
        let near = nearest(name, jobs.iter().map(|job| job.name.as_str())).map(str::to_owned);
        ServiceError::NotFound { what: "job", name: name.to_owned(), nearest: near }
    }

    fn view(&self, overview: Overview) -> Result<JobView> {
        let definition = self.in_force(&overview.job)?;
        let fires = overview.job.state == JobState::Present && overview.job.paused.is_none();
        let trigger = definition.as_ref().filter(|definition| fires && !definition.paused);
        let since = self.now().max(overview.job.looked_through.unwrap_or(Timestamp::MIN));
        let next = trigger.and_then(|definition| definition.schedule.as_ref()?.next_after(since));
        Ok(JobView { overview, definition, next })
    }

    /// The next moments at which the schedule of a job fires, [`MOST_NEXT`] at most; none for a job without a schedule. A pause is
    /// not looked at.
    ///
    /// Errors: there is no such job.
    pub fn next(&self, name: &str, count: usize) -> Result<Vec<Timestamp>> {
        let view = self.job(name)?;
        let since = self.now().max(view.overview.job.looked_through.unwrap_or(Timestamp::MIN));
        let trigger = view.definition.as_ref().and_then(|definition| definition.schedule.as_ref());
        Ok(trigger.map(|trigger| trigger.upcoming(since, count.min(MOST_NEXT))).unwrap_or_default())
    }

    /// The keys of all partitions that a job has now, in their order: those that have ended, files that are there. None for a job
    /// without partitions.
    ///
    /// Errors: there is no such job; its files cannot be looked at.
    pub fn keys(&self, name: &str) -> Result<Vec<String>> {
        let view = self.job(name)?;
        let Some(partitions) = view.definition.as_ref().and_then(|definition| definition.partitions.as_ref()) else {
            return Ok(Vec::new());
        };
        let all = partitions.all(self.now(), &self.base).map_err(|error| ServiceError::refused(error.to_string()))?;
        Ok(all.into_iter().map(|each| each.key).collect())
    }

    /// The record that a run left: stages, ledger, exhibits. `None` where it left none (yet), or one that cannot be read.
    ///
    /// Errors: the system refuses to read it.
    pub fn record(&self, run: &Run) -> Result<Option<RunRecord>> {
        self.record_of(&run.id)
    }

    pub(in crate::schedule) fn record_of(&self, run: &RunId) -> Result<Option<RunRecord>> {
        let path = self.folder(run).join("manifest.json");
        let io =
            |error: std::io::Error| ServiceError::Io { path: path.clone(), detail: crate::staging::reason(&error) };
        let Some(file) = open(&path).map_err(io)? else { return Ok(None) };
        let mut text = Vec::new();
        file.take(LARGEST_RECORD).read_to_end(&mut text).map_err(io)?;
        Ok(serde_json::from_slice(&text).ok())
    }

    /// The report of a run, where it wrote one.
    pub fn report(&self, run: &Run) -> Option<PathBuf> {
        let path = self.folder(&run.id).join("report.html");
        // A link could lead out of the folder.
        path.symlink_metadata().is_ok_and(|found| found.is_file()).then_some(path)
    }

    /// A part of a run's log: whole lines from a byte on, about `most` bytes of them ([`LONGEST_PART`] at most).
    ///
    /// A line that is longer than a part comes in pieces. Errors: the system refuses to read it.
    pub fn log(&self, run: &Run, from_byte: u64, most: usize) -> Result<LogPart> {
        let over = run.state.is_final();
        let path = self.folder(&run.id).join("log.jsonl");
        let io =
            |error: std::io::Error| ServiceError::Io { path: path.clone(), detail: crate::staging::reason(&error) };
        let Some(mut file) = open(&path).map_err(io)? else {
            return Ok(LogPart { lines: Vec::new(), next: 0, ended: over });
        };
        let length = file.metadata().map_err(io)?.len();
        let from = from_byte.min(length);
        file.seek(SeekFrom::Start(from)).map_err(io)?;
        let most = most.clamp(1, LONGEST_PART);
        let mut bytes = Vec::new();
        file.take(most as u64).read_to_end(&mut bytes).map_err(io)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let reaches_end = from + bytes.len() as u64 >= length;
        // What a worker has begun to write is left for the next part, unless nothing more comes or the line is too long.
        if whole > 0 && !(over && reaches_end) {
            bytes.truncate(whole);
        } else if whole == 0 && !over && bytes.len() < most {
            bytes.clear();
        }
        let next = from + bytes.len() as u64;
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().map(str::to_owned).collect();
        Ok(LogPart { lines, next, ended: over && next >= length })
    }
}

/// Opens a file of a run's folder, if it is one: a command of a pipeline may have put a link or a pipe in its place.
pub(in crate::schedule) fn open(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32);
    }
    match options.open(path) {
        Ok(file) if file.metadata()?.is_file() => Ok(Some(file)),
        Ok(_) => Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        // A link (ELOOP): the name of that kind is not stable yet.
        Err(_) if path.symlink_metadata().is_ok_and(|found| !found.is_file()) => Ok(None),
        Err(error) => Err(error),
    }
}
