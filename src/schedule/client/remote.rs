//! Asking a server by its API.
//!
//! The token goes to the address that was given and nowhere else: redirects are not followed, and no proxy is asked. Each change
//! carries a key or changes nothing when it is asked for twice, so a request whose answer is lost on the way is sent again.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::json;
use ureq::http::{Method, Request, Response, StatusCode, Uri, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Error};

use super::{
    Accepted, Backfill, Client, ClientError, Health, Job, JobInFull, LogPart, Page, Partition, Promotion, Result, Run,
    RunInFull, Stopped,
};
use crate::schedule::notify;
use crate::schedule::service::{BackfillRequest, RunRequest};
use crate::schedule::store::{LONGEST_PAGE, RunFilter};
use crate::schedule::web::views::{Changed, Keys, Partitions, SERVER, Times, WantedBackfill, WantedRun, WantedVersion};
use crate::schedule::web::{Problem, Token};

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);
/// Until an answer is there whole.
const ANSWER: Duration = Duration::from_secs(60);
/// Before a request is sent again whose answer was lost: as long as a server takes to be started anew.
const AGAIN: &[Duration] = &[Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];
/// The most bytes of an answer: a page of a thousand runs has some megabytes.
const LONGEST_ANSWER: u64 = 64 << 20;
/// The most bytes of an answer's head.
const LONGEST_HEAD: usize = 32 << 10;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Which server, and how.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Its address, as `gristmill serve` prints it; with a path, where it stands below one.
    pub(crate) url: String,
    /// Its token or its reader's.
    pub(crate) token: Token,
    /// Certificates of authorities that are trusted, in place of those inside the program.
    pub(crate) authorities: Option<PathBuf>,
    /// Whether the token may go to another machine without TLS.
    pub(crate) insecure: bool,
}

/// A server that has answered.
#[derive(Debug)]
pub(crate) struct Remote {
    agent: Agent,
    url: String,
    token: Token,
    again: &'static [Duration],
}

impl Remote {
    /// Looks whether a server is there that knows the token and is of this version.
    ///
    /// Errors: the address cannot be used, or nobody answers there, or another, or one that does not know the token.
    pub(crate) fn connect(settings: Settings) -> Result<Self> {
        let url = address(&settings.url, settings.insecure)?;
        let roots = match settings.authorities.as_deref().map(notify::authorities) {
            None => RootCerts::WebPki,
            Some(read) => RootCerts::from(read.map_err(ClientError::Here)?),
        };
        let agent: Agent = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(ANSWER))
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .max_response_header_size(LONGEST_HEAD)
            .user_agent(concat!("gristmill/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .build()
            .into();
        let mut remote = Self { agent, url, token: settings.token, again: &[] };
        let health: Health = remote.get("/api/health").map_err(|error| match error {
            ClientError::Problem(problem) if problem.status == 404 => {
                remote.stranger("it has no `/api/health`; is it an older gristmill?")
            }
            error => error,
        })?;
        if health.server != SERVER {
            return Err(remote.stranger(format!("it says that it is `{}`", plain(&health.server))));
        }
        if release(&health.version) != release(VERSION) {
            return Err(ClientError::Version { url: remote.url, theirs: plain(&health.version), ours: VERSION });
        }
        remote.again = AGAIN;
        Ok(remote)
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.ask(&Method::GET, path, None, "")
    }

    fn post<T: DeserializeOwned>(&self, path: &str, key: Option<&str>, body: &impl serde::Serialize) -> Result<T> {
        let body = serde_json::to_string(body).unwrap_or_default();
        self.ask(&Method::POST, path, key, &body)
    }

    fn changed(&self, path: &str) -> Result<bool> {
        self.post::<Changed>(path, None, &json!({})).map(|answer| answer.changed)
    }

    fn ask<T: DeserializeOwned>(&self, method: &Method, path: &str, key: Option<&str>, body: &str) -> Result<T> {
        let mut again = self.again.iter();
        loop {
            let mut request = Request::builder()
                .method(method)
                .uri(format!("{}{path}", self.url))
                .header(header::AUTHORIZATION, format!("Bearer {}", self.token.text()));
            if let Some(key) = key {
                request = request.header("Idempotency-Key", key);
            }
            let answer = match *method == Method::GET {
                true => request.body(()).map(|request| self.agent.run(request)),
                false => request
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(body)
                    .map(|request| self.agent.run(request)),
            };
            let answer = answer.map_err(|_| self.refused("the key has characters that cannot be sent"))?;
            let error = match answer.and_then(read) {
                Ok((status, text)) => return self.understood(status, &text),
                Err(error) => error,
            };
            match again.next() {
                Some(pause) if is_passing(&error) => std::thread::sleep(*pause),
                _ => return Err(self.unanswered(&error)),
            }
        }
    }

    /// What an answer means.
    fn understood<T: DeserializeOwned>(&self, status: StatusCode, text: &str) -> Result<T> {
        if status.is_success() {
            return serde_json::from_str(text)
                .map_err(|error| self.stranger(format!("its answer is not as it should be: {error}")));
        }
        if status.is_redirection() {
            return Err(self.stranger(format!("it answers {status}: redirects are not followed")));
        }
        let Ok(problem) = serde_json::from_str::<Problem>(text) else {
            return Err(self.stranger(format!("it answers {status}")));
        };
        let problem = Problem {
            status: status.as_u16(),
            error: plain(&problem.error),
            message: plain(&problem.message),
            help: problem.help.as_deref().map(plain),
            retry_after: problem.retry_after,
        };
        Err(match status {
            StatusCode::UNAUTHORIZED => ClientError::Token { url: self.url.clone(), problem },
            _ => ClientError::Problem(problem),
        })
    }

    fn refused(&self, message: &str) -> ClientError {
        ClientError::Problem(Problem::bad(message))
    }

    fn stranger(&self, why: impl Into<String>) -> ClientError {
        ClientError::Stranger { url: self.url.clone(), why: why.into() }
    }

    /// What it means that there was no answer.
    fn unanswered(&self, error: &Error) -> ClientError {
        let url = self.url.clone();
        let why = match error {
            Error::Timeout(_) => format!("nothing came within {} s", ANSWER.as_secs()),
            Error::HostNotFound => "its name leads to no machine".to_owned(),
            // What TLS refuses comes as data that are not valid.
            Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
                return ClientError::Untrusted { url, why: crate::staging::reason(error) };
            }
            Error::Io(error) => crate::staging::reason(error),
            Error::ConnectionFailed => "it cannot be reached".to_owned(),
            Error::Rustls(error) => return ClientError::Untrusted { url, why: error.to_string() },
            Error::Tls(_) | Error::TlsRequired | Error::Pem(_) => {
                return ClientError::Untrusted { url, why: "it could not be spoken to by TLS".to_owned() };
            }
            Error::LargeResponseHeader(..) | Error::BodyExceedsLimit(_) => {
                return self.stranger("its answer is larger than any of gristmill's");
            }
            Error::Protocol(_) | Error::Decompress(..) | Error::BodyStalled => {
                return self.stranger("its answer is not HTTP");
            }
            error => plain(&error.to_string()),
        };
        ClientError::Unreachable { url, why }
    }
}

impl Client for Remote {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn is_served(&self) -> bool {
        true
    }

    fn health(&self) -> Result<Health> {
        self.get("/api/health")
    }

    fn jobs(&self) -> Result<Vec<Job>> {
        self.get("/api/jobs")
    }

    fn job(&self, name: &str) -> Result<JobInFull> {
        self.get(&path(&["jobs", name]))
    }

    fn next(&self, job: &str, count: usize) -> Result<Vec<Timestamp>> {
        let times: Times = self.get(&format!("{}?count={count}", path(&["jobs", job, "next"])))?;
        Ok(times.next.into_iter().map(|moment| moment.0).collect())
    }

    fn keys(&self, job: &str) -> Result<Vec<String>> {
        super::all_pages(|after| {
            let page: Keys = self.get(&(path(&["jobs", job, "keys"]) + &page_after(after)))?;
            Ok((page.keys, page.next))
        })
    }

    fn partitions(&self, job: &str) -> Result<Vec<Partition>> {
        super::all_pages(|after| {
            let page: Partitions = self.get(&(path(&["jobs", job, "partitions"]) + &page_after(after)))?;
            Ok((page.items, page.next))
        })
    }

    fn pause(&self, job: &str) -> Result<bool> {
        self.changed(&path(&["jobs", job, "pause"]))
    }

    fn resume(&self, job: &str) -> Result<bool> {
        self.changed(&path(&["jobs", job, "resume"]))
    }

    fn submit(&self, request: RunRequest) -> Result<Accepted> {
        let wanted = WantedRun { parameters: request.parameters, partition: request.partition };
        self.post(&path(&["jobs", &request.job, "run"]), Some(&key(request.key)?), &wanted)
    }

    fn runs(&self, filter: &RunFilter, before: Option<i64>, limit: usize) -> Result<Page<Run>> {
        let mut query = format!("/api/runs?limit={}", limit.clamp(1, LONGEST_PAGE));
        let mut also = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                query.push_str(&format!("&{name}={}", encoded(&value)));
            }
        };
        also("before", before.map(|number| number.to_string()));
        also("job", filter.job.clone());
        also("state", filter.state.map(|state| state.word().to_owned()));
        also("partition", filter.partition.clone());
        also("backfill", filter.backfill.map(|number| number.to_string()));
        self.get(&query)
    }

    fn run(&self, id: &str) -> Result<RunInFull> {
        self.get(&path(&["runs", id]))
    }

    fn log(&self, id: &str, from: u64, most: usize) -> Result<LogPart> {
        self.get(&format!("{}?from={from}&most={most}", path(&["runs", id, "log"])))
    }

    fn cancel(&self, id: &str) -> Result<Stopped> {
        self.post(&path(&["runs", id, "cancel"]), None, &json!({}))
    }

    fn backfill(&self, request: BackfillRequest) -> Result<Backfill> {
        let wanted = WantedBackfill {
            from: request.from,
            to: request.to,
            parallelism: request.parallelism,
            again: request.again,
            parameters: request.parameters,
        };
        self.post(&path(&["jobs", &request.job, "backfill"]), Some(&key(request.key)?), &wanted)
    }

    fn backfills(&self, limit: usize) -> Result<Vec<Backfill>> {
        let page: Page<Backfill> = self.get(&format!("/api/backfills?limit={}", limit.clamp(1, LONGEST_PAGE)))?;
        Ok(page.items)
    }

    fn stop_backfill(&self, number: i64) -> Result<bool> {
        self.changed(&format!("/api/backfills/{number}/stop"))
    }

    fn resume_backfill(&self, number: i64) -> Result<bool> {
        self.changed(&format!("/api/backfills/{number}/resume"))
    }

    fn models(&self) -> Result<Vec<Promotion>> {
        self.get("/api/models")
    }

    fn model(&self, name: &str, limit: usize) -> Result<Vec<Promotion>> {
        let page: Result<Page<Promotion>> =
            self.get(&format!("{}?limit={}", path(&["models", name]), limit.clamp(1, LONGEST_PAGE)));
        match page {
            Err(ClientError::Problem(problem)) if problem.status == 404 => Ok(Vec::new()),
            page => page.map(|page| page.items),
        }
    }

    fn restore(&self, number: i64) -> Result<Promotion> {
        let found: Promotion = self.get(&format!("/api/promotions/{number}"))?;
        self.post(&path(&["models", &found.name, "restore"]), None, &WantedVersion { promotion: number })
    }
}

/// Checks an address; gives it without a slash at its end.
fn address(text: &str, insecure: bool) -> Result<String> {
    let wrong = |reason| ClientError::Address { url: shown(text), reason };
    let plain = text.len() <= 2000 && text.bytes().all(|byte| byte.is_ascii_graphic());
    let uri: Uri = text.parse().ok().filter(|_| plain).ok_or_else(|| wrong("it is no URL"))?;
    let is_clear = match uri.scheme_str() {
        Some("https") => false,
        Some("http") => true,
        _ => return Err(wrong("it does not begin with `https://` or `http://`")),
    };
    let authority = uri.authority().ok_or_else(|| wrong("it names no machine"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("there is a user or a password in it, and a token is wanted"));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(wrong("it ends with its path, without `?` and `#`"));
    }
    let url = text.trim_end_matches('/').to_owned();
    match is_clear && !insecure && !notify::is_this_machine(authority.host()) {
        true => Err(ClientError::Clear { url }),
        false => Ok(url),
    }
}

/// An address that may be shown, whatever was given in its place.
fn shown(text: &str) -> String {
    plain(text.rsplit_once('@').map_or(text, |(_, behind)| behind))
}

/// A path of the API; each part is one, whatever is in it.
fn path(parts: &[&str]) -> String {
    parts.iter().fold("/api".to_owned(), |path, part| path + "/" + &encoded(part))
}

/// The query of a page of the longest kind.
fn page_after(after: Option<&str>) -> String {
    let after = after.map(|after| format!("&after={}", encoded(after))).unwrap_or_default();
    format!("?limit={LONGEST_PAGE}{after}")
}

/// A text as a part of a path or query (RFC 3986, section 2).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            // Writing into a text does not fail.
            byte => _ = write!(out, "%{byte:02X}"),
        }
    }
    out
}

/// The key of a request, or one of chance: sent twice, the request is the same.
fn key(given: Option<String>) -> Result<String> {
    let made = || crate::schedule::web::chance().map_err(|error| ClientError::Here(error.to_string()));
    given.map_or_else(made, Ok)
}

/// The answer's state and text.
fn read(answer: Response<Body>) -> std::result::Result<(StatusCode, String), Error> {
    let status = answer.status();
    let text = answer.into_body().into_with_config().limit(LONGEST_ANSWER).read_to_string()?;
    Ok((status, text))
}

/// Whether it may go better a moment later.
fn is_passing(error: &Error) -> bool {
    match error {
        Error::Io(error) => error.kind() != ErrorKind::InvalidData,
        error => matches!(error, Error::ConnectionFailed | Error::HostNotFound),
    }
}

/// The numbers of a version within which programs and servers understand each other: `0.1` of `0.1.7`.
fn release(version: &str) -> Option<(&str, &str)> {
    let mut parts = version.split('.');
    parts.next().zip(parts.next())
}

/// Words of another machine without what could move the cursor of a terminal.
fn plain(text: &str) -> String {
    let shown = text.chars().take(2000);
    shown.map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}
