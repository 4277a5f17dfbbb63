//! One try to send one message.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::bounded::{line, visible};
use super::channel::{Channel, Transport};
use super::secret::{Lookup, SecretError};
use super::{command, mail, webhook};

/// A message that is to be sent now.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// What makes the message one, over all tries: a receiver that gets a key twice got one message twice.
    pub key: &'a str,
    /// What it says, as [`super::messages`] made it.
    pub payload: &'a Map<String, Value>,
    /// How often it was tried, with this time: 1 at first.
    pub attempt: u32,
    /// The time of day; it is part of the signature.
    pub now: Timestamp,
}

impl Delivery<'_> {
    /// The key as headers can have it.
    pub(super) fn header_key(&self) -> String {
        visible(self.key, 400)
    }

    /// A text of the payload in one line; empty where there is none. What was stored is not taken to be bounded.
    pub(super) fn text(&self, key: &str, most: usize) -> String {
        match self.payload.get(key) {
            Some(Value::String(text)) => line(text, most),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(flag)) => flag.to_string(),
            _ => String::new(),
        }
    }

    /// The payload as JSON.
    pub(super) fn body(&self) -> String {
        Value::Object(self.payload.clone()).to_string()
    }
}

/// What became of a try. The reasons are for people: they name no secret and repeat nothing that the other side said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It arrived.
    Sent,
    /// It did not; another try may end better.
    Again {
        /// Why.
        reason: String,
        /// How long the receiver asks to wait, at most an hour.
        after: Option<SignedDuration>,
    },
    /// It did not, and another try would end the same.
    GiveUp(String),
}

impl Outcome {
    pub(super) fn again(reason: impl Into<String>) -> Self {
        Self::Again { reason: reason.into(), after: None }
    }
}

impl From<SecretError> for Outcome {
    /// What is missing may be put there before the last try.
    fn from(error: SecretError) -> Self {
        Self::again(error.to_string())
    }
}

/// Sends a message by a channel and waits for what becomes of it, at most about as long as [`Channel::timeout`] says.
///
/// Secrets are read here and forgotten at the end. Calls do not know of each other: make them on several threads, so that a
/// slow receiver holds up one of them only.
pub fn send(channel: &Channel, delivery: &Delivery<'_>, lookup: &Lookup<'_>) -> Outcome {
    match &channel.transport {
        Transport::Webhook(webhook) => webhook::send(webhook, delivery, lookup),
        Transport::Mail(mail) => mail::send(mail, delivery, lookup),
        Transport::Command(command) => command::send(command, delivery, lookup),
    }
}
