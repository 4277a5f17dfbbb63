//! Messages to people and programs: webhooks, mail, commands.
//!
//! ```text
//! ChannelOptions --check--> Channel          (a job file's `notify:`)
//! Finished, Missed + channels --messages, missed--> Message: event, channel, payload     (pure; recorded with the run's end)
//! Message + Channel + secrets --send--> Outcome --backoff::next--> when to try again, or the end
//! ```
//!
//! - Only references to secrets are kept ([`Secret`]). A value is read when a message is sent, and dropped after it. Errors say
//!   where a secret should be, never what it is, and repeat nothing that the other side said, which might have it from us.
//! - A message is sent at least once: its key is with it, so that a receiver can tell the second from the first.
//! - [`send`] blocks for as long as the channel's `timeout` allows. A slow endpoint must not hold up others: the caller sends on
//!   threads of its own, several at a time, and takes a message under a lease that is longer than [`Channel::timeout`].

mod address;
mod authorities;
pub mod backoff;
mod bounded;
mod channel;
mod check;
mod command;
mod delivery;
mod event;
mod mail;
mod message;
mod options;
mod payload;
mod secret;
mod signature;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
mod webhook;

pub(super) use address::is_this_machine;
pub(super) use authorities::read as authorities;
pub use channel::{Channel, find};
pub use check::check;
pub use delivery::{Delivery, Outcome, send};
pub use event::Event;
pub use message::{Finished, Gate, Message, Missed, State, messages, missed};
pub use options::{ChannelOptions, CommandOptions, Given, MailOptions, Tls, WebhookOptions};
pub use secret::{Lookup, Secret, SecretError};
