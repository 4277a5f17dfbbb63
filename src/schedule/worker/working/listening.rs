//! What a worker says, from its outputs to those who hear.

use std::io::{BufReader, Read};
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::Shared;
use crate::definition::Secrets;
use crate::schedule::worker::ended::FailedStage;
use crate::schedule::worker::heard::{Heard, Stream};
use crate::schedule::worker::lines::Line;
use crate::schedule::worker::log::Entry;

impl Shared {
    /// Reads an output to its end.
    pub(super) fn read(&self, stream: Stream, output: impl Read) {
        let mut output = BufReader::new(output);
        let mut line = Line::default();
        while line.read(&mut output).unwrap_or(false) {
            self.lines.fetch_add(1, Ordering::SeqCst);
            match event(&line).filter(|_| stream == Stream::Out) {
                Some(event) if event.get("event").and_then(Value::as_str) == Some("alive") => self.tell(Heard::Alive),
                Some(event) => self.hear_event(masked(event, &self.secrets)),
                None => {
                    let text = line.text(&self.secrets);
                    if stream == Stream::Err {
                        self.lock().errors.push(&text);
                    }
                    self.log.write(stream, &Entry::Line(&text));
                    self.tell(Heard::Line { stream, text });
                }
            }
        }
    }

    fn hear_event(&self, event: Value) {
        let mut state = self.lock();
        if state.time.hear(&event, self.began.elapsed()) {
            self.changed.notify_all();
        }
        if state.failed.is_none() {
            state.failed = FailedStage::of(&event);
        }
        drop(state);
        self.log.write(Stream::Out, &Entry::Event(&event));
        self.tell(Heard::Event(event));
    }
}

/// The event on a line: an object with its name under `event`.
fn event(line: &Line) -> Option<Value> {
    if !line.is_whole() || !line.bytes().starts_with(b"{") {
        return None;
    }
    let event: Value = serde_json::from_slice(line.bytes()).ok()?;
    event.get("event").is_some_and(Value::is_string).then_some(event)
}

fn masked(value: Value, secrets: &Secrets) -> Value {
    if secrets.is_empty() {
        return value;
    }
    match value {
        Value::String(text) => Value::String(secrets.mask(&text)),
        Value::Array(items) => items.into_iter().map(|item| masked(item, secrets)).collect(),
        Value::Object(entries) => Value::Object(
            entries.into_iter().map(|(key, value)| (secrets.mask(&key), masked(value, secrets))).collect(),
        ),
        other => other,
    }
}
