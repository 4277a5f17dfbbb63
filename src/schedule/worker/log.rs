//! The log of a run: `log.jsonl` in its folder, one JSON object a line.
//!
//! ```text
//! {"time":"2026-03-01T02:00:03.217Z","stream":"out","event":{"event":"stage_started","stage":"flights","kind":"read"}}
//! {"time":"2026-03-01T02:00:03.420Z","stream":"err","line":"warning: .."}
//! {"time":"2026-03-01T02:30:00.001Z","stream":"server","line":"cancelled by anna"}
//! ```
//!
//! Everything that the worker says is in it but signs of life; how far a stage is, at most once a second for each.
//!
//! It only grows, so whoever follows it may remember how many bytes he has seen. It has a limit: when fifteen sixteenths of that are
//! written, what follows is kept in memory as far as the last sixteenth holds it, and is appended at the end; what was left out
//! between is said. A disk that is full, or a file that cannot be written, costs lines and stops nothing.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::heard::Stream;

/// The name of the log in the folder of a run.
pub const FILE: &str = "log.jsonl";

/// Bytes that a log has at most, when nobody says otherwise.
pub const LONGEST: u64 = 64 << 20;

/// From one line on how far a stage is to the next.
const PROGRESS: Duration = Duration::from_secs(1);

/// What a log has, and what it has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logged {
    /// Lines that stand in the file.
    pub written: u64,
    /// Lines that were left out because the log was full.
    pub left_out: u64,
    /// Lines that could not be written.
    pub lost: u64,
    /// Why they could not.
    pub trouble: Option<String>,
}

/// Adds a line of the server to the log of a run that no worker writes: why it was never started, or what became of it when its
/// server died.
///
/// Errors: the folder or the disk does not allow it.
pub fn append(folder: &Path, line: &str) -> io::Result<()> {
    let (mut file, _) = open(folder)?;
    file.write_all(&record(Stream::Server, &Entry::Line(line)))?;
    file.sync_all()
}

/// What a line of the log says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry<'a> {
    /// An event of the run.
    Event(&'a Value),
    /// Plain text.
    Line(&'a str),
}

/// The log of a run at work. Nothing of it fails; what is lost is counted.
#[derive(Debug)]
pub(super) struct Log(Mutex<State>);

#[derive(Debug)]
struct State {
    file: Option<File>,
    /// Bytes that the file has; nothing beyond is whole.
    length: u64,
    /// Bytes that it may have before the rest is kept in memory, and bytes that may be kept there.
    head: u64,
    tail: u64,
    kept: VecDeque<Vec<u8>>,
    kept_bytes: u64,
    is_full: bool,
    left_out_bytes: u64,
    /// Lines lost since the last that could be written.
    gap: u64,
    /// When it was last written how far a stage is.
    progress: BTreeMap<String, Instant>,
    logged: Logged,
    closed: bool,
}

impl Log {
    /// Opens the log in the folder of a run, or makes it.
    pub(super) fn open(folder: &Path, most: u64) -> Self {
        let (opened, trouble) = match open(folder) {
            Ok(opened) => (Some(opened), None),
            Err(error) => (None, Some(crate::staging::reason(&error))),
        };
        let (file, length) = opened.map_or((None, 0), |(file, length)| (Some(file), length));
        let tail = most / 16;
        Self(Mutex::new(State {
            file,
            length,
            head: most - tail,
            tail,
            kept: VecDeque::new(),
            kept_bytes: 0,
            is_full: false,
            left_out_bytes: 0,
            gap: 0,
            progress: BTreeMap::new(),
            logged: Logged { trouble, ..Logged::default() },
            closed: false,
        }))
    }

    /// Writes a line.
    pub(super) fn write(&self, stream: Stream, entry: &Entry<'_>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.is_told_already(entry) {
            state.take(record(stream, entry));
        }
    }

    /// Appends what was kept in memory, and waits until everything is on the disk. What comes later is dropped.
    pub(super) fn close(&self) -> Logged {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).close()
    }
}

impl State {
    /// Whether it says how far a stage is, and that was written a moment ago.
    fn is_told_already(&mut self, entry: &Entry<'_>) -> bool {
        let Entry::Event(event) = entry else { return false };
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        let (Some("stage_progress"), Some(stage)) = (text("event"), text("stage")) else { return false };
        let is_recent = self.progress.get(stage).is_some_and(|told| told.elapsed() < PROGRESS);
        if !is_recent {
            self.progress.insert(stage.to_owned(), Instant::now());
        }
        is_recent
    }

    fn take(&mut self, line: Vec<u8>) {
        if self.closed {
            return;
        }
        if !self.is_full && self.length + line.len() as u64 > self.head {
            self.is_full = true;
            let text = format!(
                "the log is full: what follows comes at the end of the run, as far as {} hold it",
                bytes(self.tail)
            );
            self.put(&record(Stream::Server, &Entry::Line(&text)));
        }
        if !self.is_full {
            match self.put(&line) {
                true => self.logged.written += 1,
                false => {
                    self.logged.lost += 1;
                    self.gap += 1;
                }
            }
            return;
        }
        self.kept_bytes += line.len() as u64;
        self.kept.push_back(line);
        while self.kept_bytes > self.tail {
            let Some(first) = self.kept.pop_front() else { break };
            self.kept_bytes -= first.len() as u64;
            self.left_out_bytes += first.len() as u64;
            self.logged.left_out += 1;
        }
    }

    fn close(&mut self) -> Logged {
        if self.closed {
            return self.logged.clone();
        }
        self.closed = true;
        if self.logged.left_out > 0 {
            let text = format!("{} lines ({}) were left out here", self.logged.left_out, bytes(self.left_out_bytes));
            self.put(&record(Stream::Server, &Entry::Line(&text)));
        }
        for line in std::mem::take(&mut self.kept) {
            match self.put(&line) {
                true => self.logged.written += 1,
                false => self.logged.lost += 1,
            }
        }
        if let Some(file) = &self.file {
            // What cannot be synced may still be there; a run does not fail because of its log.
            let _ = file.sync_all();
        }
        self.logged.clone()
    }

    /// Writes a line whole or not at all, and before it what was lost.
    fn put(&mut self, line: &[u8]) -> bool {
        if self.gap > 0 {
            let why = self.logged.trouble.clone().unwrap_or_default();
            let text = format!("{} lines could not be written here: {why}", self.gap);
            if !self.append(&record(Stream::Server, &Entry::Line(&text))) {
                return false;
            }
            self.gap = 0;
        }
        self.append(line)
    }

    fn append(&mut self, line: &[u8]) -> bool {
        let Some(file) = &mut self.file else { return false };
        match file.write_all(line) {
            Ok(()) => {
                self.length += line.len() as u64;
                true
            }
            Err(error) => {
                // A part of it may be there.
                let _ = file.set_len(self.length);
                self.logged.trouble = Some(crate::staging::reason(&error));
                false
            }
        }
    }
}

/// The file, at its end, and its length. A line that a crash left unfinished is ended.
fn open(folder: &Path) -> io::Result<(File, u64)> {
    fs::create_dir_all(folder)?;
    let mut file = File::options().create(true).read(true).append(true).open(folder.join(FILE))?;
    let mut length = file.metadata()?.len();
    if length > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            length += 1;
        }
    }
    Ok((file, length))
}

fn record(stream: Stream, entry: &Entry<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Record<'a> {
        time: String,
        stream: Stream,
        #[serde(flatten)]
        entry: &'a Entry<'a>,
    }
    let time = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let mut line = serde_json::to_vec(&Record { time, stream, entry }).unwrap_or_default();
    line.push(b'\n');
    line
}

fn bytes(number: u64) -> String {
    match number {
        0..1024 => format!("{number} bytes"),
        1024..1_048_576 => format!("{} KiB", number >> 10),
        _ => format!("{} MiB", number >> 20),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
