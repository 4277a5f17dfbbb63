//! What a message says, as JSON. `docs/notifications.md` describes it for those who read it.
//!
//! Names and words come from the job file; message, partition, reasons and metrics come from data, so each of them is bounded.
//! Parameters are not in it: some of them are secrets.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::bounded::{block, line};
use super::event::Event;
use super::message::{Finished, Gate, Missed, State, late_by};
use crate::digits;
use crate::schedule::period::Period;

/// The version of this layout. Keys may be added to it; one that is taken away or means something else makes a new one.
pub(super) const VERSION: u32 = 1;
/// The most bytes of a payload as JSON. What is longest in it, with four bytes a character: 100 metrics with names and values of 200
/// characters (160 KB), 20 gates with a name and a reason (49 KB), a message (16 KB).
#[cfg(test)]
pub(super) const LONGEST: usize = 256 << 10;
/// The longest name, in characters.
const NAME: usize = 200;
/// The longest reason of a gate.
const REASON: usize = 400;
/// The longest message of a run.
const MESSAGE: usize = 4_000;
/// The longest sentence for people.
const TEXT: usize = 400;
/// The most gates.
const GATES: usize = 20;
/// The most metrics.
const METRICS: usize = 100;

/// The payload of a run that has ended.
pub(super) fn finished(event: Event, run: &Finished<'_>) -> Map<String, Value> {
    let mut payload = head(event, &sentence(event, run), run.job);
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            payload.insert(key.to_owned(), value);
        }
    };
    put("run", Some(line(run.run, NAME).into()));
    put("attempt", Some(run.attempt.into()));
    put("origin", Some(line(run.origin, NAME).into()));
    put("partition", run.partition.map(|partition| line(partition, NAME).into()));
    put("state", Some(run.state.word().into()));
    put("before", run.before.map(|before| before.word().into()));
    put("scheduled", run.scheduled.map(moment));
    put("started", run.started.map(moment));
    put("ended", run.ended.map(moment));
    put("seconds", seconds(run).map(Value::from));
    put("message", run.message.map(|message| block(message, MESSAGE).into()));
    if !run.gates.is_empty() {
        put("gates", Some(run.gates.iter().take(GATES).map(gate).collect()));
    }
    let metrics = metrics(run.metrics);
    if !metrics.is_empty() {
        put("metrics", Some(metrics.into()));
    }
    put("link", run.base_url.map(|base| link(base, &["runs", run.run])));
    payload
}

/// The payload of dropped occurrences.
pub(super) fn missed(missed: &Missed<'_>) -> Map<String, Value> {
    let runs = if missed.count == 1 {
        "a scheduled run".to_owned()
    } else {
        format!("{} scheduled runs", digits::whole(missed.count))
    };
    let text = format!("{} missed {runs}", line(missed.job, NAME));
    let mut payload = head(Event::Missed, &text, missed.job);
    for (key, value) in [
        ("count", missed.count.into()),
        ("first", moment(missed.first)),
        ("last", moment(missed.last)),
        ("message", line(missed.reason, REASON).into()),
    ] {
        payload.insert(key.to_owned(), value);
    }
    if let Some(base) = missed.base_url {
        payload.insert("link".to_owned(), link(base, &["jobs", missed.job]));
    }
    payload
}

fn head(event: Event, text: &str, job: &str) -> Map<String, Value> {
    let mut payload = Map::new();
    payload.insert("version".to_owned(), VERSION.into());
    payload.insert("event".to_owned(), event.word().into());
    payload.insert("text".to_owned(), line(text, TEXT).into());
    payload.insert("job".to_owned(), line(job, NAME).into());
    payload
}

/// What happened, for people, in one sentence without a full stop.
fn sentence(event: Event, run: &Finished<'_>) -> String {
    let job = line(run.job, NAME);
    let mut sentence = match (event, run.state) {
        (Event::Recovery, _) => format!("{job} succeeds again"),
        (Event::GateRefused, _) => {
            let refused: Vec<String> =
                run.gates.iter().filter(|gate| !gate.passed).map(|gate| line(gate.name, NAME)).collect();
            let these = match refused.len() {
                1 => "this does not hold".to_owned(),
                more => format!("{more} conditions do not hold"),
            };
            format!("{job} was not promoted, because {these}: {}", refused.join("; "))
        }
        (Event::Late, _) => match late_by(run).and_then(|late| Period::seconds(late.as_secs().unsigned_abs()).ok()) {
            Some(late) => format!("{job} started {late} late"),
            None => format!("{job} started late"),
        },
        (_, State::Succeeded) => format!("{job} succeeded"),
        (_, State::TimedOut) => format!("{job} took longer than its timeout"),
        (_, State::Lost) => format!("{job} was lost: its worker died or fell silent"),
        (_, State::Cancelled) => format!("{job} was cancelled"),
        (_, State::Failed) => format!("{job} failed"),
    };
    if let Some(partition) = run.partition {
        sentence.push_str(&format!(", partition {}", line(partition, NAME)));
    }
    if run.attempt > 1 {
        sentence.push_str(&format!(", attempt {}", run.attempt));
    }
    sentence
}

fn gate(gate: &Gate<'_>) -> Value {
    let mut object = Map::new();
    object.insert("name".to_owned(), line(gate.name, NAME).into());
    object.insert("passed".to_owned(), gate.passed.into());
    if let Some(reason) = gate.reason {
        object.insert("reason".to_owned(), line(reason, REASON).into());
    }
    object.into()
}

/// Numbers, booleans and short texts; those in an object are named with a dot: `judge.accuracy`. Lists are left out.
fn metrics(found: &Map<String, Value>) -> Map<String, Value> {
    let mut flat = Map::new();
    gather(found, "", &mut flat, 0);
    flat
}

fn gather(found: &Map<String, Value>, prefix: &str, flat: &mut Map<String, Value>, depth: usize) {
    for (name, value) in found {
        if flat.len() >= METRICS {
            return;
        }
        let name = line(&format!("{prefix}{name}"), NAME);
        match value {
            Value::Number(_) | Value::Bool(_) => {
                flat.insert(name, value.clone());
            }
            Value::String(text) => {
                flat.insert(name, line(text, NAME).into());
            }
            Value::Object(inner) if depth < 3 => gather(inner, &format!("{name}."), flat, depth + 1),
            Value::Object(_) | Value::Array(_) | Value::Null => {}
        }
    }
}

/// In UTC, to the second.
fn moment(moment: Timestamp) -> Value {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}

/// From the start of the worker to the end; the clock may have stepped back meanwhile.
fn seconds(run: &Finished<'_>) -> Option<f64> {
    let took = run.ended?.duration_since(run.started?).as_millis().max(0);
    // Far below 2^53 milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "whole milliseconds of at most some years")]
    Some(took as f64 / 1e3)
}

/// A page of the dashboard. What is no letter, digit, `-`, `_` or `.` of a part is percent-encoded.
fn link(base: &str, parts: &[&str]) -> Value {
    let mut link = line(base.trim_end_matches('/'), 1_000);
    for part in parts {
        link.push('/');
        for byte in line(part, NAME).bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
                link.push(char::from(byte));
            } else {
                link.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    link.into()
}
