//! Everything that happens in a run, as typed events. The progress bar, plain lines, `--json` and the events file are listeners.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::manifest::{Output, RunRecord, StageError, StageStatus};
use super::record::mask_value;
use crate::definition::Secrets;
use crate::diagnostic::Diagnostic;
use crate::stages::work::{Change, Progress};

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run began.
    RunStarted {
        /// Its name.
        run: String,
        /// The pipeline's name.
        pipeline: String,
        /// The ids of the stages to come, in order.
        stages: Vec<String>,
    },
    /// A stage began its work.
    StageStarted {
        /// Its id.
        stage: String,
        /// Its kind.
        kind: String,
    },
    /// A stage is part of the way.
    StageProgress {
        /// Its id.
        stage: String,
        /// How far it is.
        #[serde(flatten)]
        progress: Progress,
    },
    /// A stage ended.
    StageFinished {
        /// Its id.
        stage: String,
        /// Its kind.
        kind: String,
        /// How it ended.
        status: StageStatus,
        /// Seconds of its own work.
        seconds: f64,
        /// Why it failed.
        error: Option<StageError>,
    },
    /// The rows of a stage are accounted for.
    StageCounted {
        /// Its id.
        stage: String,
        /// Rows in.
        inputs: Vec<(String, u64)>,
        /// Reasons.
        changes: Vec<Change>,
        /// Rows out.
        out: u64,
    },
    /// A file was written for the user.
    OutputWritten {
        /// The stage that wrote it.
        stage: String,
        /// The file.
        #[serde(flatten)]
        output: Output,
    },
    /// Something to look at.
    Warning {
        /// The stage, if it is one's.
        stage: Option<String>,
        /// Plain text.
        message: String,
    },
    /// The run works, and nothing else happened. Told to programs that listen, at times; no journal has it.
    Alive,
    /// The run ended.
    RunFinished {
        /// Its name.
        run: String,
        /// The exit code.
        exit_code: u8,
        /// Seconds in all.
        seconds: f64,
        /// Stages that worked, were cached, failed and were skipped.
        done: usize,
        /// Stages for which nothing had changed.
        cached: usize,
        /// Stages that failed.
        failed: usize,
        /// Stages that were not started.
        skipped: usize,
        /// The report, if one was written.
        report: Option<String>,
    },
}

impl Event {
    /// The end of a run as its record has it.
    pub fn run_finished(record: &RunRecord, exit_code: u8, report: Option<&Path>) -> Self {
        let number = |status| record.stages.iter().filter(|stage| stage.status == status).count();
        Self::RunFinished {
            run: record.id.clone(),
            exit_code,
            seconds: record.seconds,
            done: number(StageStatus::Done),
            cached: number(StageStatus::Cached),
            failed: number(StageStatus::Failed),
            skipped: number(StageStatus::Skipped),
            report: report.map(|path| path.display().to_string()),
        }
    }

    /// The event as one line of JSON, secrets masked.
    pub fn to_json(&self, secrets: &Secrets) -> String {
        mask_value(serde_json::to_value(self).unwrap_or_default(), secrets).to_string()
    }
}

/// Hears of events, from any thread.
pub trait Listener: Send + Sync {
    /// Something happened.
    fn hear(&self, event: &Event);
}

/// Several listeners as one.
#[derive(Default)]
pub struct Listeners(Vec<Box<dyn Listener>>);

impl Listeners {
    /// Adds a listener.
    pub fn add(&mut self, listener: impl Listener + 'static) {
        self.0.push(Box::new(listener));
    }
}

impl Listener for Listeners {
    fn hear(&self, event: &Event) {
        for listener in &self.0 {
            listener.hear(event);
        }
    }
}

/// Writes every event to `events.jsonl` in the run's folder, as it happens, and passes it on.
pub(super) struct Journal<'a> {
    file: Mutex<File>,
    secrets: &'a Secrets,
    next: &'a dyn Listener,
}

impl<'a> Journal<'a> {
    /// Begins the journal of a run.
    ///
    /// Errors: the file cannot be made.
    pub(super) fn begin(folder: &Path, secrets: &'a Secrets, next: &'a dyn Listener) -> Result<Self, Diagnostic> {
        let path = folder.join("events.jsonl");
        let file = File::create(&path).map_err(|error| crate::staging::failure("cannot write", &path, &error))?;
        Ok(Self { file: Mutex::new(file), secrets, next })
    }
}

impl Listener for Journal<'_> {
    fn hear(&self, event: &Event) {
        // Progress is for the moment; in a journal it would only be long.
        if !matches!(event, Event::StageProgress { .. }) {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            // A full disk shows where results are written; the journal alone is no reason to stop the run.
            let _ = writeln!(file, "{}", event.to_json(self.secrets));
        }
        self.next.hear(event);
    }
}
