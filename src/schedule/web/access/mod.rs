//! Who may do what: tokens, sessions, and how often one may fail to log in.
//!
//! There are two roles. An administrator's token may do everything; a reader's may look. A program sends its token with each
//! request (`Authorization: Bearer ..`); a browser gives it once (`POST /login`) and gets a cookie for a session. Tokens and
//! names of sessions are kept as digests only, and compared in constant time.

mod attempts;
pub(super) mod login;
mod sessions;
mod token;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};

pub use attempts::Budget;
pub use token::{Token, TokenError};

pub(in crate::schedule) use token::random as chance;

use crate::schedule::service::{Role, Who};
use attempts::Attempts;
use sessions::Sessions;
use token::Digest;

/// How long a session lasts.
pub(super) const SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// How a request showed who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// By a token in its header: a program.
    Token,
    /// By the cookie of a session: a person with a browser. Such requests are checked for forgery.
    Session,
}

/// Who sends a request. Behind the check of access, each request has one among its extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Name and role.
    pub who: Who,
    /// How that was shown.
    pub by: By,
    /// Where the request came from.
    pub address: IpAddr,
    /// When its session ends.
    pub until: Option<Instant>,
}

/// Why a request is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// It shows neither token nor session.
    Nothing,
    /// Its token or session is not known.
    Unknown,
    /// Too many failures; the seconds to wait.
    TooMany(u64),
}

/// What the server knows of tokens and sessions.
#[derive(Debug)]
pub(super) struct Access {
    admin: Digest,
    reader: Option<Digest>,
    sessions: Sessions,
    attempts: Attempts,
    cookie: Cookie,
}

/// The name of the cookie, and whether it goes over TLS only.
#[derive(Debug, Clone)]
struct Cookie {
    name: String,
    secure: bool,
}

impl Access {
    /// The port is part of the cookie's name, for browsers keep one set of cookies for all ports of a host.
    pub(super) fn new(admin: &Token, reader: Option<&Token>, budget: Budget, port: u16, secure: bool) -> Self {
        let prefix = if secure { "__Host-" } else { "" };
        Self {
            admin: admin.digest(),
            reader: reader.map(Token::digest),
            sessions: Sessions::default(),
            attempts: Attempts::new(budget),
            cookie: Cookie { name: format!("{prefix}gristmill-{port}"), secure },
        }
    }

    /// Who sends a request with these headers.
    ///
    /// A right token is always let in: else a stale program on the same machine could lock out all others. What is limited is how
    /// often one may be wrong.
    pub(super) fn caller(&self, headers: &HeaderMap, address: IpAddr, now: Instant) -> Result<Caller, Denied> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let found = value.to_str().ok().and_then(bearer).and_then(|token| self.role(token));
            return match found {
                Some(role) => {
                    let who = Who { name: format!("{} token", word(role)), role };
                    Ok(Caller { who, by: By::Token, address, until: None })
                }
                None => Err(match self.attempts.fail(address, now) {
                    Ok(()) => Denied::Unknown,
                    Err(wait) => Denied::TooMany(wait),
                }),
            };
        }
        let Some(id) = self.cookie.of(headers) else { return Err(Denied::Nothing) };
        // No count of failures: an expired session is no guess, and a guess has 256 bits to find.
        let session = self.sessions.find(id, now).ok_or(Denied::Unknown)?;
        Ok(Caller { who: session.who, by: By::Session, address, until: Some(session.until) })
    }

    /// The role that a token gives. It is compared with each, so that the time tells nothing.
    fn role(&self, token: &str) -> Option<Role> {
        let given = Digest::of(token);
        let admin = given.same(&self.admin);
        let reader = self.reader.as_ref().map(|reader| given.same(reader));
        match (bool::from(admin), reader.is_some_and(bool::from)) {
            (true, _) => Some(Role::Admin),
            (_, true) => Some(Role::Reader),
            _ => None,
        }
    }

    /// Begins a session for a token: its caller, and the cookie to set.
    pub(super) fn log_in(&self, token: &str, address: IpAddr, now: Instant) -> Result<(Caller, String), Denied> {
        self.attempts.allowed(address, now).map_err(Denied::TooMany)?;
        let Some(role) = self.role(token) else {
            return Err(match self.attempts.fail(address, now) {
                Ok(()) => Denied::Unknown,
                Err(wait) => Denied::TooMany(wait),
            });
        };
        self.attempts.forget(address);
        let (id, session) = self.sessions.begin(role, now).map_err(|_| Denied::Unknown)?;
        let caller = Caller { who: session.who, by: By::Session, address, until: Some(session.until) };
        Ok((caller, self.cookie.set(&id, SESSION)))
    }

    /// Whether there were so many failed logins that they are not noted one by one any more.
    pub(super) fn overrun(&self, now: Instant) -> bool {
        self.attempts.overrun(now)
    }

    /// Ends the session of a request; the cookie to set.
    pub(super) fn log_out(&self, headers: &HeaderMap) -> String {
        if let Some(id) = self.cookie.of(headers) {
            self.sessions.end(id);
        }
        self.cookie.set("", Duration::ZERO)
    }
}

impl Cookie {
    /// The session's name in a request's cookies. Two of them are none: one was set by somebody else.
    fn of<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut found = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut ours = found.by_ref().filter(|(name, _)| *name == self.name).map(|(_, value)| value);
        let id = ours.next()?;
        (ours.next().is_none() && id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
    }

    fn set(&self, id: &str, age: Duration) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={id}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}", self.name, age.as_secs())
    }
}

/// The token of an `Authorization` header.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Admin => "admin",
        Role::Reader => "reader",
    }
}
