//! Checked channels: what they mean, and everything that can be told to be wrong with them before a message is sent.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;

use super::authorities;
use super::event::Event;
use super::options::{Given, Tls};
use super::secret::{Lookup, Secret, SecretError};

/// A checked way by which messages of a job are sent. None holds a secret, only where it is found.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    pub(super) name: String,
    pub(super) events: Vec<Event>,
    pub(super) transport: Transport,
}

/// How a channel sends.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Transport {
    Webhook(Webhook),
    Mail(Mail),
    Command(Command),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Webhook {
    pub(super) url: Given,
    pub(super) secret: Option<Secret>,
    pub(super) headers: Vec<(String, Given)>,
    pub(super) timeout: Duration,
    pub(super) insecure: bool,
    pub(super) authorities: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mail {
    pub(super) server: String,
    pub(super) port: u16,
    pub(super) tls: Tls,
    pub(super) from: Mailbox,
    pub(super) to: Vec<Mailbox>,
    pub(super) login: Option<(String, Secret)>,
    pub(super) authorities: Option<PathBuf>,
    pub(super) timeout: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Command {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<String>,
    pub(super) timeout: Duration,
}

impl Channel {
    /// Its name, unique in its job: what stands in [`super::Message::channel`] and in the history.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The events that it tells.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// `webhook`, `mail` or `command`.
    pub fn kind(&self) -> &'static str {
        match self.transport {
            Transport::Webhook(_) => "webhook",
            Transport::Mail(_) => "mail",
            Transport::Command(_) => "command",
        }
    }

    /// The longest that one try may take, give or take a second; a mail may take it for each answer of the server.
    pub fn timeout(&self) -> Duration {
        match &self.transport {
            Transport::Webhook(webhook) => webhook.timeout,
            Transport::Mail(mail) => mail.timeout,
            Transport::Command(command) => command.timeout,
        }
    }

    /// The places where it finds its secrets.
    fn secrets(&self) -> Vec<&Secret> {
        match &self.transport {
            Transport::Webhook(webhook) => {
                let headers = webhook.headers.iter().filter_map(|(_, value)| value.secret());
                webhook.secret.iter().chain(webhook.url.secret()).chain(headers).collect()
            }
            Transport::Mail(mail) => mail.login.iter().map(|(_, password)| password).collect(),
            Transport::Command(_) => Vec::new(),
        }
    }

    /// The variables of the server in which it finds its secrets: no worker gets them.
    pub fn variables(&self) -> Vec<&str> {
        self.secrets().into_iter().filter_map(Secret::variable).collect()
    }

    /// What is wrong here and now with the secrets and certificates that it finds in its surroundings, to be shown before the
    /// first message is lost; empty when all is well.
    pub fn troubles(&self, lookup: &Lookup<'_>) -> Vec<String> {
        let mut found: Vec<String> = self
            .secrets()
            .into_iter()
            .filter_map(|secret| secret.check(lookup).err())
            .map(|error| error.to_string())
            .collect();
        match &self.transport {
            Transport::Webhook(Webhook { authorities: Some(path), .. })
            | Transport::Mail(Mail { authorities: Some(path), .. }) => {
                found.extend(authorities::read(&lookup.base.join(path)).err());
            }
            Transport::Webhook(_) | Transport::Mail(_) => {}
            Transport::Command(command) => {
                let unset = command.environment.iter().filter(|name| (lookup.environment)(name).is_none());
                found.extend(unset.map(|name| SecretError::NotSet(name.clone()).to_string()));
            }
        }
        found
    }
}

/// The channel of a name.
pub fn find<'a>(channels: &'a [Channel], name: &str) -> Option<&'a Channel> {
    channels.iter().find(|channel| channel.name == name)
}
