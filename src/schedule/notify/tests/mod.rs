//! Channels as a job file has them, facts, and deliveries, for all tests.

mod commands;
mod http;
mod mails;
mod messages;
mod options;
mod secrets;
mod smtp;
mod tls;
mod webhooks;

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Channel, ChannelOptions, Delivery, Finished, Lookup, State, check};
use crate::definition::{self, Environment, decode};
use crate::diagnostic::{Findings, Source};

/// The options of a `notify:` list.
fn read(list: &str) -> Result<Vec<ChannelOptions>, Findings> {
    decode(&definition::read(&Source::new("jobs/t.yaml", list))?)
}

/// The channels of a `notify:` list, and what is wrong with it otherwise.
fn checked(list: &str) -> Result<Vec<Channel>, Vec<String>> {
    let found = read(list).and_then(|options| check(&options));
    found.map_err(|findings| findings.iter().map(ToString::to_string).collect())
}

/// The only channel of a list.
fn channel(list: &str) -> Channel {
    let mut channels = checked(list).unwrap();
    assert_eq!(channels.len(), 1);
    channels.remove(0)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const NOW: &str = "2026-11-27T21:45:00Z";
const KEY: &str = "run/20261127-214400-00000042/failure/webhook";

fn payload() -> Map<String, Value> {
    let payload = json!({
        "version": 1, "event": "failure", "text": "nightly failed, attempt 3", "job": "nightly",
        "run": "20261127-214400-00000042", "attempt": 3, "state": "failed", "message": "stage `load` failed:\nno such file",
    });
    payload.as_object().unwrap().clone()
}

fn delivery(payload: &Map<String, Value>) -> Delivery<'_> {
    Delivery { key: KEY, payload, attempt: 2, now: at(NOW) }
}

/// A run that failed for good.
fn failed<'a>(metrics: &'a Map<String, Value>) -> Finished<'a> {
    Finished {
        job: "nightly",
        run: "20261127-214400-00000042",
        attempt: 1,
        origin: "schedule",
        partition: None,
        state: State::Failed,
        before: Some(State::Succeeded),
        retry: None,
        gates: &[],
        scheduled: Some(at("2026-11-27T21:44:00Z")),
        started: Some(at("2026-11-27T21:44:01Z")),
        ended: Some(at("2026-11-27T21:44:13.5Z")),
        message: Some("stage `load` failed"),
        metrics,
        base_url: None,
    }
}

/// An environment of its own, and the folder in which relative files begin.
struct Surroundings {
    folder: tempfile::TempDir,
    environment: Environment,
}

impl Surroundings {
    fn with(variables: &[(&str, &str)]) -> Self {
        let variables: HashMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let folder = tempfile::tempdir().unwrap();
        Self { folder, environment: Box::new(move |name| variables.get(name).cloned()) }
    }

    fn lookup(&self) -> Lookup<'_> {
        Lookup { base: self.folder.path(), environment: &*self.environment }
    }
}
