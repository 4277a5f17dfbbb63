//! What the server says of itself: one object of JSON a line, to wherever the command line lets it go.
//!
//! ```json
//! {"time":"2026-11-27T21:00:00Z","level":"info","event":"run_ended","run":"20261127-210000-00000042","state":"succeeded"}
//! ```
//!
//! Lines hold names and states, never parameters, addresses of messages or what a worker wrote, so no secrets. They are short.

use std::fmt::Display;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Where lines go. The command line writes them to standard error.
pub trait Log: Send + Sync {
    /// Takes one line, without its end.
    fn line(&self, line: &str);
}

/// A log that nobody reads.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Log for Silent {
    fn line(&self, _: &str) {}
}

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Info,
    Warning,
    Error,
}

/// No text in a line is longer, in characters.
const LONGEST: usize = 2000;

/// Writes lines.
#[derive(Clone)]
pub(super) struct Journal {
    to: Arc<dyn Log>,
}

/// A line that is being put together.
#[must_use]
pub(super) struct Entry<'a> {
    to: &'a dyn Log,
    words: Map<String, Value>,
}

impl Journal {
    pub(super) fn new(to: Arc<dyn Log>) -> Self {
        Self { to }
    }

    pub(super) fn info(&self, now: Timestamp, event: &str) -> Entry<'_> {
        self.entry(now, Level::Info, event)
    }

    pub(super) fn warning(&self, now: Timestamp, event: &str) -> Entry<'_> {
        self.entry(now, Level::Warning, event)
    }

    pub(super) fn error(&self, now: Timestamp, event: &str) -> Entry<'_> {
        self.entry(now, Level::Error, event)
    }

    fn entry(&self, now: Timestamp, level: Level, event: &str) -> Entry<'_> {
        let level = match level {
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let mut words = Map::new();
        words.insert("time".to_owned(), now.to_string().into());
        words.insert("level".to_owned(), level.into());
        words.insert("event".to_owned(), event.into());
        Entry { to: &*self.to, words }
    }
}

impl Entry<'_> {
    pub(super) fn with(mut self, name: &str, value: impl Display) -> Self {
        let mut text = value.to_string();
        if let Some((end, _)) = text.char_indices().nth(LONGEST) {
            text.truncate(end);
            text.push_str("..");
        }
        self.words.insert(name.to_owned(), text.into());
        self
    }

    pub(super) fn count(mut self, name: &str, value: u64) -> Self {
        self.words.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn write(self) {
        self.to.line(&Value::Object(self.words).to_string());
    }
}
