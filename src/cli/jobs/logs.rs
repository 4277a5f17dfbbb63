//! `gristmill jobs logs`

use std::io::Write;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::{Served, failure};
use crate::cli::Failure;
use crate::schedule::client::{Client, RunInFull};

/// So much of a log is read at a time, in bytes.
const PART: usize = 1 << 18;
/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// Print the log of a run: what it wrote and what happened in it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gristmill jobs logs 20261127-020000-00000042\n  gristmill jobs logs 20261127-020000-00000042 --json | jq 'select(.stream == \"err\")'"
)]
pub(super) struct Logs {
    /// The run
    #[arg(value_name = "RUN")]
    run: String,
    #[command(flatten)]
    served: Served,
    /// Go on until the run has ended
    #[arg(short, long)]
    follow: bool,
    /// Print the lines as they are kept, as JSON
    #[arg(long)]
    json: bool,
}

/// How lines are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As they are kept.
    Json,
    /// For people.
    Words,
}

impl Logs {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let client = self.served.open()?;
        let style = if self.json { Style::Json } else { Style::Words };
        if self.follow {
            return follow(&*client, &self.run, LOOK, style).map(drop);
        }
        let mut from = 0;
        while let Some(next) = part(&*client, &self.run, from, style)?.filter(|next| *next > from) {
            from = next;
        }
        Ok(())
    }
}

/// Prints the log of a run until it has ended; gives the run as it ended.
pub(super) fn follow(client: &dyn Client, id: &str, look: Duration, style: Style) -> Result<RunInFull, Failure> {
    let mut from = 0;
    loop {
        match part(client, id, from, style)? {
            // The log of a run that has ended is all there.
            None => return client.run(id).map_err(failure),
            Some(next) if next > from => from = next,
            Some(_) => std::thread::sleep(look),
        }
    }
}

/// Prints a part; gives where the next one begins, or none where there will be none.
fn part(client: &dyn Client, id: &str, from: u64, style: Style) -> Result<Option<u64>, Failure> {
    let part = client.log(id, from, PART).map_err(failure)?;
    let mut out = std::io::stdout().lock();
    for line in &part.lines {
        // One that is no JSON came as a text.
        let line = line.as_str().map_or_else(|| line.to_string(), str::to_owned);
        match style {
            Style::Json => writeln!(out, "{line}")?,
            Style::Words => {
                if let Some(words) = in_words(&line) {
                    writeln!(out, "{words}")?;
                }
            }
        }
    }
    out.flush()?;
    Ok((!part.ended).then_some(part.next))
}

/// A line of a log for people; none for what only programs want.
fn in_words(line: &str) -> Option<String> {
    let Ok(entry) = serde_json::from_str::<Value>(line) else { return Some(plain(line)) };
    let time = entry["time"].as_str().and_then(|time| time.get(11..19)).unwrap_or("        ");
    if let Some(text) = entry["line"].as_str() {
        // Messages of several lines stay below each other.
        let lines: Vec<String> = text.lines().map(plain).collect();
        return Some(format!("{time}  {}", lines.join("\n          ")));
    }
    event(&entry["event"]).map(|words| format!("{time}  {}", plain(&words)))
}

/// What an event of `run --json` tells.
fn event(event: &Value) -> Option<String> {
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    Some(match event["event"].as_str()? {
        "run_started" => format!("run of `{}` begins", text("pipeline")),
        "stage_started" => format!("{} {} ..", text("stage"), text("kind")),
        "stage_finished" => {
            let seconds = event["seconds"].as_f64().unwrap_or_default();
            let error = event["error"]["message"].as_str().map(|message| format!(": {message}")).unwrap_or_default();
            format!("{} {} {} in {seconds:.2} s{error}", text("stage"), text("kind"), text("status"))
        }
        "stage_counted" => {
            let rows = event["out"].as_u64()?;
            let unit = if rows == 1 { "row" } else { "rows" };
            format!("{} {} {unit}", text("stage"), crate::digits::whole(rows))
        }
        "output_written" => format!("wrote {}", text("path")),
        "warning" => format!("warning: {}", text("message")),
        "run_finished" => {
            let seconds = event["seconds"].as_f64().unwrap_or_default();
            format!("run ends with {} after {seconds:.2} s", event["exit_code"].as_u64().unwrap_or_default())
        }
        // Progress, signs of life.
        _ => return None,
    })
}

/// Without what could move the cursor of a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::in_words;

    #[test]
    fn lines_are_told_in_words_and_signs_of_life_are_not() {
        for (line, words) in [
            (r#"{"time":"2026-11-27T21:00:05Z","stream":"err","line":"warning: odd"}"#, Some("21:00:05  warning: odd")),
            (
                r#"{"time":"2026-11-27T21:00:05Z","stream":"out","event":{"event":"stage_counted","stage":"rows","out":336776}}"#,
                Some("21:00:05  rows 336,776 rows"),
            ),
            (
                r#"{"time":"2026-11-27T21:00:05Z","stream":"out","event":{"event":"stage_finished","stage":"a","kind":"read","status":"failed","seconds":0.5,"error":{"message":"no file"}}}"#,
                Some("21:00:05  a read failed in 0.50 s: no file"),
            ),
            (r#"{"time":"2026-11-27T21:00:05Z","stream":"out","event":{"event":"alive"}}"#, None),
            (
                r#"{"time":"2026-11-27T21:00:05Z","stream":"server","line":"failed:\nno file"}"#,
                Some("21:00:05  failed:\n          no file"),
            ),
            ("\u{1b}[2J no JSON", Some("\u{fffd}[2J no JSON")),
        ] {
            assert_eq!(in_words(line).as_deref(), words);
        }
    }
}
