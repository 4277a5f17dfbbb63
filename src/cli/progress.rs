//! Progress: bars on a terminal, plain lines otherwise, JSON for programs.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::definition::Secrets;
use crate::memory;
use crate::run::events::{Event, Listener, Listeners};
use crate::run::manifest::StageStatus;
use crate::stages::work::Progress;

/// For whom progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Display {
    /// People: bars on a terminal, lines otherwise.
    People {
        /// Whether the beginning of each stage is told.
        verbose: bool,
    },
    /// Programs: events as JSON on standard output.
    Json,
    /// Nobody.
    Quiet,
}

/// The listeners of a run.
pub(super) fn listeners(display: Display, secrets: Secrets) -> Listeners {
    let mut listeners = Listeners::default();
    match display {
        Display::Json => listeners.add(Json { secrets }),
        Display::People { verbose: false } if std::io::stderr().is_terminal() => listeners.add(Bars::new(secrets)),
        Display::People { verbose } => listeners.add(Lines { verbose, secrets }),
        Display::Quiet => {}
    }
    listeners
}

/// One JSON object a line.
struct Json {
    secrets: Secrets,
}

impl Listener for Json {
    fn hear(&self, event: &Event) {
        // A reader that went away is no reason to stop the run.
        let _ = std::io::stdout().write_all(format!("{}\n", event.to_json(&self.secrets)).as_bytes());
    }
}

/// Plain lines on the error stream.
struct Lines {
    verbose: bool,
    secrets: Secrets,
}

impl Listener for Lines {
    fn hear(&self, event: &Event) {
        let line = match event {
            Event::StageStarted { stage, kind } if self.verbose => format!("{stage}: {kind} begins"),
            // Work that takes its time is told as it ends; the ledger of all stages comes at the end of the run.
            Event::StageFinished { stage, kind, status: StageStatus::Done, seconds, .. }
                if self.verbose || *seconds >= 1.0 =>
            {
                format!("{stage}: {kind} done in {seconds:.2} s, {} MiB resident", memory::resident() >> 20)
            }
            Event::StageProgress { stage, progress } if self.verbose => format!("{stage}: {}", describe(progress)),
            Event::Warning { stage, message } => match stage {
                Some(stage) => format!("warning: {stage}: {message}"),
                None => format!("warning: {message}"),
            },
            _ => return,
        };
        eprintln!("{}", self.secrets.mask(&line));
    }
}

/// `12 of 40 epochs, loss 0.31`
fn describe(progress: &Progress) -> String {
    let Progress { done, total, unit, message } = progress;
    let number = match total {
        Some(total) => format!("{done} of {total} {unit}"),
        None => format!("{done} {unit}"),
    };
    if message.is_empty() { number } else { format!("{number}, {message}") }
}

/// A bar for each stage that works.
struct Bars {
    secrets: Secrets,
    all: MultiProgress,
    bars: Mutex<HashMap<String, ProgressBar>>,
}

impl Bars {
    fn new(secrets: Secrets) -> Self {
        Self { secrets, all: MultiProgress::new(), bars: Mutex::default() }
    }

    fn with(&self, change: impl FnOnce(&mut HashMap<String, ProgressBar>)) {
        change(&mut self.bars.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn begin(&self, stage: &str, kind: &str) {
        let bar = self.all.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:.bold} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(format!("{stage} ({kind})"));
        bar.enable_steady_tick(Duration::from_millis(120));
        self.with(|bars| {
            bars.insert(stage.to_owned(), bar);
        });
    }

    fn step(&self, stage: &str, progress: &Progress) {
        self.with(|bars| {
            let Some(bar) = bars.get(stage) else { return };
            if let (Some(total), Ok(style)) = (
                progress.total.filter(|total| *total > 1),
                ProgressStyle::with_template("{spinner} {prefix:.bold} {bar:24} {pos}/{len} {per_sec} ETA {eta} {msg}"),
            ) {
                bar.set_style(style);
                bar.set_length(total);
            }
            bar.set_position(progress.done);
            bar.set_message(format!("{} · {} MiB", progress.message, memory::resident() >> 20));
        });
    }
}

impl Listener for Bars {
    fn hear(&self, event: &Event) {
        match event {
            Event::StageStarted { stage, kind } => self.begin(stage, kind),
            Event::StageProgress { stage, progress } => self.step(stage, progress),
            Event::StageFinished { stage, .. } => self.with(|bars| {
                if let Some(bar) = bars.remove(stage) {
                    bar.finish_and_clear();
                }
            }),
            Event::Warning { message, .. } => {
                // A terminal that cannot be written to is no reason to stop the run.
                let _ = self.all.println(self.secrets.mask(&format!("warning: {message}")));
            }
            _ => {}
        }
    }
}
