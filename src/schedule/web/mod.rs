//! The web server of `gristmill serve`: the API, numbers for monitoring, and the dashboard.
//!
//! ```text
//! browser, program --TLS or loopback--> listen --> guard: host, size and time, who, may they, forged? --> api | pages
//!                                                                                                          |
//!                                                                            State::ask (threads that may block) --> Service
//! ```
//!
//! - [`serve`] listens on threads of its own; [`Settings`] says where, and what it bears ([`Limits`]).
//! - `access`: tokens, sessions, failed logins. `guard`: what each request passes. `asked`: names, queries and bodies, checked.
//! - `api`: one file for each thing; the document `docs/openapi.json` is made from its handlers. `metrics`: numbers.
//! - `pages`: the dashboard.
//!
//! Handlers decide nothing: what may be done, and what comes of it, is [`Service`](super::service::Service)'s. What is safe by
//! default and why is told in `docs/security.md`.

mod access;
mod api;
mod asked;
mod files;
mod guard;
mod listen;
mod metrics;
mod pages;
mod people;
mod problem;
mod router;
mod settings;
mod state;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
pub(super) mod views;

pub use access::{Budget, By, Caller, Token, TokenError};
pub use listen::{Bound, serve};
pub use problem::Problem;
pub use settings::{Certificate, Limits, ServeError, Settings};
pub use state::State;

pub(super) use access::chance;
