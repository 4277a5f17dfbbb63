//! The items of a job file's `notify:` list, as they are written.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize};

use super::event::Event;
use super::secret::Secret;
use crate::definition::{OneOrMany, Ordered, Spanned};
use crate::schedule::period::Period;

/// A way by which messages about a job are sent: `webhook`, `mail` or `command`.
///
/// ```yaml
/// notify:
///   - webhook: {url: "https://hooks.example.org/gristmill", on: [failure, recovery], secret: {env: HOOK_SECRET}}
///   - mail: {server: smtp.example.org, from: gristmill@example.org, to: team@example.org, user: gristmill, password: {file: /etc/gristmill/smtp}}
///   - command: {run: [/usr/local/bin/page-somebody, --urgent], on: failure}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, DeriveDeserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelOptions {
    /// Sends the message as JSON to an address.
    Webhook(Box<WebhookOptions>),
    /// Sends the message as plain text to mailboxes.
    Mail(Box<MailOptions>),
    /// Starts a program with the message on its standard input.
    Command(Box<CommandOptions>),
}

/// Sends each message as the JSON body of a `POST` request, signed where there is a `secret`.
///
/// An answer of 2xx means that it arrived. After 408, 425, 429 and 5xx, and when there is no answer, it is sent again, up to
/// 10 times within 24 hours; `Retry-After` is obeyed up to an hour. Any other answer ends it. Redirects are not followed, and
/// proxies of the environment are not used.
#[derive(Debug, Clone, PartialEq, Serialize, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookOptions {
    /// The channel's name in the history; `webhook`, `webhook_2`, .. when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Spanned<String>>,
    /// The address, beginning with `https://`, or with `http://` where it is on this machine. An address that is a secret
    /// itself is given as `{env: NAME}` or `{file: path}`.
    pub url: Spanned<Given>,
    /// The events that it tells; `failure`, `recovery`, `gate_refused` and `missed` when absent.
    #[serde(default = "usual")]
    pub on: Spanned<OneOrMany<Event>>,
    /// The key of the signature in the header `Gristmill-Signature`; without one messages are not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Spanned<Secret>>,
    /// Further headers. A value that is a secret is given as `{env: NAME}` or `{file: path}`.
    #[serde(default, skip_serializing_if = "none")]
    pub headers: Ordered<Spanned<Given>>,
    /// The longest time for all of it, from looking the name up to the answer; `10s` when absent, at most `5m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Spanned<Period>>,
    /// A file with the certificates (PEM) of the authorities that are trusted here, instead of those inside the program; for
    /// receivers with certificates of an authority of one's own. A relative path begins in the served folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<Spanned<PathBuf>>,
    /// Allows `http://` to other machines: everybody on the way can read and change the message.
    #[serde(default)]
    pub insecure: bool,
}

/// Sends each message as a mail of plain text by SMTP.
///
/// When the server cannot be reached, or refuses for the time being (4xx), it is sent again, up to 10 times within 24 hours. A
/// final refusal (5xx) ends it. Nothing is sent without the encryption that `tls` asks for.
#[derive(Debug, Clone, PartialEq, Serialize, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailOptions {
    /// The channel's name in the history; `mail`, `mail_2`, .. when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Spanned<String>>,
    /// The name of the mail server.
    pub server: Spanned<String>,
    /// Its port; 465 for `implicit`, 587 for `starttls` and 25 for `none` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is encrypted; `implicit` when absent.
    #[serde(default)]
    pub tls: Spanned<Tls>,
    /// The sender, as `gristmill@example.org` or `Gristmill <gristmill@example.org>`.
    pub from: Spanned<String>,
    /// The recipients, 1 to 50.
    pub to: OneOrMany<Spanned<String>>,
    /// The user to log in as; needs `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Spanned<String>>,
    /// The password; needs `user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Spanned<Secret>>,
    /// The events that it tells; `failure`, `recovery`, `gate_refused` and `missed` when absent.
    #[serde(default = "usual")]
    pub on: Spanned<OneOrMany<Event>>,
    /// The longest wait for any answer of the server; `30s` when absent, at most `5m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Spanned<Period>>,
    /// A file with the certificates (PEM) of the authorities that are trusted here, instead of those inside the program; for
    /// receivers with certificates of an authority of one's own. A relative path begins in the served folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<Spanned<PathBuf>>,
    /// Allows `tls: none` to other machines: everybody on the way can read and change the message.
    #[serde(default)]
    pub insecure: bool,
}

/// Starts a program for each message, without a shell.
///
/// The message as JSON is its standard input; `GRISTMILL_EVENT`, `GRISTMILL_JOB`, `GRISTMILL_RUN`, `GRISTMILL_STATE`,
/// `GRISTMILL_TEXT` and some more are in its environment. Of the server's own environment it gets `PATH`, `HOME`, `USER`,
/// `LOGNAME`, `LANG`, `LC_ALL`, `TZ` and `TMPDIR`, and what `environment` names. It starts in the served folder; what it
/// prints is thrown away. Exit code 0 means that the message was sent, 75 (`EX_TEMPFAIL`) that it is to be tried again later,
/// as it is after `timeout`; any other code ends it. Processes that it leaves running are killed.
#[derive(Debug, Clone, PartialEq, Serialize, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandOptions {
    /// The channel's name in the history; `command`, `command_2`, .. when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Spanned<String>>,
    /// The program and its arguments. A program with `/` in it is a path, a relative one begins in the served folder; others
    /// are searched in `PATH`.
    pub run: Spanned<Vec<Spanned<String>>>,
    /// The events that it tells; `failure`, `recovery`, `gate_refused` and `missed` when absent.
    #[serde(default = "usual")]
    pub on: Spanned<OneOrMany<Event>>,
    /// Variables of the server's environment that the program gets too, such as a token that it needs.
    #[serde(default, skip_serializing_if = "none")]
    pub environment: OneOrMany<Spanned<String>>,
    /// After that time it is killed with all processes that it started; `30s` when absent, at most `5m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Spanned<Period>>,
}

/// How the connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, DeriveDeserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// It is encrypted from the first byte (RFC 8314).
    #[default]
    Implicit,
    /// It begins in the clear and is encrypted before anything of the mail is said; a server that does not offer it is refused.
    Starttls,
    /// It is not. Only to this machine, or with `insecure: true`; never with a password to another machine.
    None,
}

fn none<T>(list: &[T]) -> bool {
    list.is_empty()
}

fn usual() -> Spanned<OneOrMany<Event>> {
    Spanned::nowhere(OneOrMany(Event::USUAL.to_vec()))
}

/// A text, or where a secret one is found.
///
/// Its `Debug` does not show the text: an address or a header may be a secret although it was written down.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Given {
    /// The text itself.
    Text(String),
    /// Where it is found.
    Reference(Secret),
}

impl Given {
    /// The place where it is found, if it is a secret.
    pub(super) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Text(_) => None,
            Self::Reference(secret) => Some(secret),
        }
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("a text"),
            Self::Reference(secret) => write!(f, "{secret}"),
        }
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GivenVisitor)
    }
}

struct GivenVisitor;

impl<'de> Visitor<'de> for GivenVisitor {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, `{env: NAME}` or `{file: path}`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Given, E> {
        Ok(Given::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Given, E> {
        Err(quotes())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Given, E> {
        Err(quotes())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Given, E> {
        Err(quotes())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Given, E> {
        Err(quotes())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Given, A::Error> {
        Secret::from_map(map).map(Given::Reference)
    }
}

/// The message does not repeat what stands there, it may be a secret.
fn quotes<E: Error>() -> E {
    E::custom("expected a text, `{env: NAME}` or `{file: path}`; a number or a boolean is put in quotes")
}

impl JsonSchema for Given {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TextOrSecret".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, generator.subschema_for::<Secret>()] })
    }
}
