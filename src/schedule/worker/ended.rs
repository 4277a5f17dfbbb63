//! How a worker's process ended, and what a person should know of it.

use std::collections::VecDeque;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::log::Logged;
use super::timekeeper::Overdue;

/// Lines of the error stream that are kept for the message, and bytes of all of them.
const LINES: usize = 40;
const BYTES: usize = 8 << 10;
/// Bytes of a message.
const LONGEST: usize = 4 << 10;
/// What `gristmill run` says when the process that did its work was ended.
const WORKER_DIED: i32 = 5;

/// How a worker's process ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it was killed while the system killed processes for want of memory: a hint, not a proof.
    pub out_of_memory: bool,
    /// Whether it was told to end: by [`super::Working::stop`], by [`super::Working::kill`], or because it was overdue.
    pub stopped: bool,
    /// What took too long.
    pub overdue: Option<Overdue>,
    /// The first stage that failed.
    pub failed: Option<FailedStage>,
    /// The last lines of its error stream, at most 40 and 8 KiB.
    pub errors: Vec<String>,
    /// How long the process lived.
    pub lived: Duration,
    /// What the log has of it.
    pub logged: Logged,
}

/// A stage that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedStage {
    /// Its id.
    pub stage: String,
    /// Why.
    pub message: String,
    /// `file:line:column` of its definition.
    pub place: Option<String>,
}

impl FailedStage {
    /// The failure that an event tells of.
    pub(super) fn of(event: &Value) -> Option<Self> {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        if text(event, "event")? != "stage_finished" || text(event, "status")? != "failed" {
            return None;
        }
        let error = event.get("error")?;
        Some(Self { stage: text(event, "stage")?, message: text(error, "message")?, place: text(error, "place") })
    }
}

impl Ended {
    /// Whether everything was done and nobody wanted it to end before.
    pub fn is_success(&self) -> bool {
        self.code == Some(0) && !self.stopped
    }

    /// What a person should know, in at most 4 KiB; none of a success.
    pub fn message(&self) -> Option<String> {
        if self.is_success() {
            return None;
        }
        let mut message = match (&self.overdue, &self.failed) {
            (Some(overdue), _) => overdue.to_string(),
            (None, Some(failed)) => {
                let place = failed.place.as_ref().map(|place| format!(" [{place}]")).unwrap_or_default();
                format!("stage `{}`: {}{place}", failed.stage, failed.message)
            }
            (None, None) => self.last_words().unwrap_or_else(|| self.described()),
        };
        if self.out_of_memory && !message.contains("memory") {
            message.push_str(MEMORY);
        }
        Some(shortened(message))
    }

    /// How the process ended, in a few words.
    fn described(&self) -> String {
        match (self.code, self.signal) {
            (Some(0), _) => "it ended in order although it was told to end".to_owned(),
            (Some(130), _) => "interrupted".to_owned(),
            (Some(code), _) => format!("the worker ended with exit code {code} and said nothing"),
            (None, Some(signal)) => format!("the worker was ended by signal {}", name_of(signal)),
            (None, None) => "the worker ended in an unknown way".to_owned(),
        }
    }

    /// The last finding on the error stream; a process that a signal ended had no time for one.
    fn last_words(&self) -> Option<String> {
        self.code.filter(|code| *code != 0)?;
        let begins = |line: &String| line.trim_start_matches([' ', '×']).starts_with("error: ");
        let first = self.errors.iter().rposition(begins).unwrap_or(self.errors.len().saturating_sub(5));
        let lines: Vec<&str> = self.errors.iter().skip(first).map(|line| line.trim_end()).collect();
        let words = lines.join("\n");
        let words = words.trim_start_matches([' ', '×']).trim_end();
        (!words.is_empty()).then(|| words.to_owned())
    }

    /// Whether the process, or the one that did its work, was killed rather than ended by itself.
    pub(super) fn was_killed(code: Option<i32>, signal: Option<i32>) -> bool {
        signal == Some(Signal::KILL.as_raw()) || code == Some(WORKER_DIED)
    }
}

const MEMORY: &str = " (meanwhile the system killed a process for want of memory: allow the job less with `memory`, or run less \
                      beside it)";

fn shortened(text: String) -> String {
    if text.len() <= LONGEST { text } else { format!("{}…", super::lines::beginning(&text, LONGEST)) }
}

fn name_of(signal: i32) -> String {
    let known = [
        (Signal::KILL, "SIGKILL"),
        (Signal::TERM, "SIGTERM"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::BUS, "SIGBUS"),
        (Signal::INT, "SIGINT"),
        (Signal::HUP, "SIGHUP"),
    ];
    match known.iter().find(|(known, _)| known.as_raw() == signal) {
        Some((_, name)) => format!("{signal} ({name})"),
        None => signal.to_string(),
    }
}

/// The last lines of an error stream.
#[derive(Debug, Default)]
pub(super) struct LastLines {
    lines: VecDeque<String>,
    bytes: usize,
}

impl LastLines {
    pub(super) fn push(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let line = super::lines::beginning(line, BYTES).to_owned();
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > LINES || self.bytes > BYTES {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len());
        }
    }

    pub(super) fn take(&mut self) -> Vec<String> {
        self.bytes = 0;
        std::mem::take(&mut self.lines).into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ended(code: Option<i32>, signal: Option<i32>) -> Ended {
        Ended {
            code,
            signal,
            out_of_memory: false,
            stopped: false,
            overdue: None,
            failed: None,
            errors: Vec::new(),
            lived: Duration::ZERO,
            logged: Logged::default(),
        }
    }

    #[test]
    fn a_success_needs_no_words() {
        assert_eq!(ended(Some(0), None).message(), None);
        let late = Ended { stopped: true, ..ended(Some(0), None) };
        assert!(!late.is_success());
        assert_eq!(late.message().as_deref(), Some("it ended in order although it was told to end"));
    }

    #[test]
    fn the_failed_stage_is_told_before_what_was_printed() {
        let event = json!({
            "event": "stage_finished", "stage": "planes", "kind": "read", "status": "failed", "seconds": 0.1,
            "error": { "class": "data", "message": "no such file", "place": "a.yaml:3:5", "help": null },
        });
        let failed = FailedStage::of(&event);
        assert_eq!(
            FailedStage::of(&json!({ "event": "stage_finished", "stage": "a", "status": "done", "error": null })),
            None
        );
        let failed = Ended { failed, errors: vec!["error: other".to_owned()], ..ended(Some(3), None) };
        assert_eq!(failed.message().as_deref(), Some("stage `planes`: no such file [a.yaml:3:5]"));
    }

    #[test]
    fn the_last_finding_on_the_error_stream_is_told_whole() {
        let errors =
            ["warning: one", "  × error: there is no column `x`", "   ╭─[a.yaml:3:5]", "  help: did you mean `y`? "];
        let failed = Ended { errors: errors.map(str::to_owned).into(), ..ended(Some(2), None) };
        let told = "error: there is no column `x`\n   ╭─[a.yaml:3:5]\n  help: did you mean `y`?";
        assert_eq!(failed.message().as_deref(), Some(told));
        let other = Ended { errors: (0..9).map(|number| number.to_string()).collect(), ..ended(Some(101), None) };
        assert_eq!(other.message().as_deref(), Some("4\n5\n6\n7\n8"));
    }

    #[test]
    fn a_signal_is_named_and_want_of_memory_is_hinted_at() {
        assert_eq!(ended(None, Some(9)).message().as_deref(), Some("the worker was ended by signal 9 (SIGKILL)"));
        assert_eq!(ended(None, Some(64)).message().as_deref(), Some("the worker was ended by signal 64"));
        let hinted = Ended { out_of_memory: true, ..ended(None, Some(9)) };
        assert!(hinted.message().unwrap().contains("for want of memory"));
        assert!(Ended::was_killed(None, Some(9)) && Ended::was_killed(Some(5), None));
        assert!(!Ended::was_killed(Some(1), None) && !Ended::was_killed(None, Some(15)));
    }

    #[test]
    fn a_message_is_never_longer_than_four_kibibytes() {
        let mut lines = LastLines::default();
        for number in 0..1000 {
            lines.push(&format!("{number} {}", "é".repeat(300)));
        }
        lines.push("  ");
        lines.push(&"x".repeat(1 << 20));
        lines.push("the end");
        let errors = lines.take();
        assert!(errors.len() <= LINES && errors.iter().map(String::len).sum::<usize>() <= BYTES, "{}", errors.len());
        assert_eq!(errors.last().map(String::as_str), Some("the end"));
        let long = Ended { errors: vec!["é".repeat(BYTES)], ..ended(Some(1), None) };
        assert!(long.message().unwrap().len() <= LONGEST + 3);
    }
}
