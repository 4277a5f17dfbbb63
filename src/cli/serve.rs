//! `gristmill serve`

use std::io::{IsTerminal, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use clap::Args;

use super::{Failure, environment};
use crate::diagnostic::{Class, Diagnostic};
use crate::schedule::queue::Limits;
use crate::schedule::server::{Log, Options, Server};
use crate::schedule::service::{Kind, ServiceError};
use crate::schedule::web;

/// Serve a folder of jobs: run them when they are due, and show them on a web page.
///
/// Jobs are YAML files in the folder `jobs`; a file that changes is read again. What happened is kept in `.gristmill`, so a server
/// that is killed goes on where it was. The page and the API want a token: one is made and printed once, unless
/// `--token-file` names a file with one. docs/serve.md leads from nothing to a nightly job in five minutes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// The folder to serve [default: this one]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// The port of the web page and the API; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 7878)]
    port: u16,
    /// The address to listen at; others than the loopback want TLS, or `--insecure-host`
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Listen at an address that others reach without TLS, because something in front of it speaks TLS
    #[arg(long)]
    insecure_host: bool,
    /// A further name under which the page is reached; may be repeated
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// The address under which people reach the page, for links in messages, such as https://jobs.example.org
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The file with the token that may do all [default: one is made and printed]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The file with a token that may only look
    #[arg(long, value_name = "FILE")]
    reader_token_file: Option<PathBuf>,
    /// The certificate for TLS, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Its key, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// How many runs may be at work at the same time [default: as many as there are cores]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1024))]
    runs: Option<u32>,
    /// The memory that runs may ask for together, such as 16GiB [default: not limited]
    #[arg(long, value_name = "SIZE", value_parser = environment::parse_size)]
    memory: Option<u64>,
    /// The cores that runs may ask for together [default: not limited]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=4096))]
    cores: Option<u32>,
    /// The disk that folders of runs may take, such as 50GiB; the oldest go first [default: not limited]
    #[arg(long, value_name = "SIZE", value_parser = environment::parse_size)]
    disk: Option<u64>,
    /// Seconds that runs may take to end when the server stops
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=3600))]
    grace: u64,
}

const EXAMPLES: &str = "\
Examples:
  gristmill serve                                        jobs of this folder, page at http://127.0.0.1:7878
  gristmill serve --dir /srv/jobs --token-file token     a token that stays the same
  gristmill serve --runs 4 --memory 32GiB                no more than that at the same time
  gristmill serve --host 0.0.0.0 --tls-certificate cert.pem --tls-key key.pem --name jobs.example.org";

/// Lines of the server's log, to the error stream: JSON for programs, words for people.
#[derive(Debug)]
struct ToErrors {
    people: bool,
}

impl Log for ToErrors {
    fn line(&self, line: &str) {
        let words = if self.people { in_words(line) } else { None };
        // A log that cannot be written is no reason to stop the jobs.
        let _ = writeln!(std::io::stderr().lock(), "{}", words.as_deref().unwrap_or(line));
    }
}

/// `{"time":"2026-11-27T21:00:00.1Z","level":"info","event":"run_ended","run":"7"}` as `21:00:00 run ended, run 7`.
fn in_words(line: &str) -> Option<String> {
    let entry: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).ok()?;
    let text = |name: &str| entry.get(name).and_then(serde_json::Value::as_str);
    let time = text("time")?.get(11..19)?;
    let level = match text("level") {
        Some("info") | None => String::new(),
        Some(level) => format!("{level}: "),
    };
    let mut words = format!("{time} {level}{}", text("event")?.replace('_', " "));
    for (name, value) in entry.iter().filter(|(name, _)| !matches!(name.as_str(), "time" | "level" | "event")) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // A control character could move the cursor of a terminal.
        let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        words.push_str(&format!(", {} {value}", name.replace('_', " ")));
    }
    Some(words)
}

impl Serve {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let (stop, stopped) = mpsc::channel();
        // SIGTERM too. A second signal changes nothing: runs are being ended, which takes as long as `--grace` says at most.
        ctrlc::set_handler(move || _ = stop.send(()))
            .map_err(|error| Diagnostic::error(Class::Worker, format!("cannot watch for signals: {error}")))?;
        // Read first: with a wrong option nothing is begun.
        let (settings, made) = self.settings()?;
        let base = self.dir.clone().unwrap_or_else(|| PathBuf::from("."));
        let log = ToErrors { people: std::io::stderr().is_terminal() };
        let server = Server::start(&base, self.options()?, Arc::new(log)).map_err(failure)?;
        let warnings = settings.warnings();
        let bound = match web::serve(Arc::clone(server.service()), &settings) {
            Ok(bound) => bound,
            Err(error) => {
                let stopped = server.stop();
                stopped.map_err(failure)?;
                return Err(Diagnostic::error(Class::Definition, error.to_string()).into());
            }
        };
        for warning in warnings {
            eprintln!("warning: {warning}");
        }
        greet(&bound.url(), made.as_ref())?;
        // Ends at the first signal; the sender lives as long as the process.
        let _ = stopped.recv();
        eprintln!("stopping: runs at work are asked to end, and are taken up again at the next start");
        bound.stop();
        server.stop().map_err(failure)
    }

    fn settings(&self) -> Result<(web::Settings, Option<web::Token>), Failure> {
        let wrong = |error: web::TokenError| Diagnostic::definition(error.to_string());
        let (admin, made) = match &self.token_file {
            Some(path) => (web::Token::read(path).map_err(wrong)?, None),
            None => {
                let token = web::Token::generate().map_err(wrong)?;
                (token.clone(), Some(token))
            }
        };
        let mut settings = web::Settings::new(self.port, admin);
        settings.reader = self.reader_token_file.as_deref().map(web::Token::read).transpose().map_err(wrong)?;
        settings.host = self.host;
        settings.open = self.insecure_host;
        settings.names.clone_from(&self.names);
        settings.tls = self
            .tls_certificate
            .clone()
            .zip(self.tls_key.clone())
            .map(|(certificate, key)| web::Certificate { certificate, key });
        Ok((settings, made))
    }

    fn options(&self) -> Result<Options, Failure> {
        let program = std::env::current_exe().map_err(|error| {
            Diagnostic::error(
                Class::Worker,
                format!("cannot find this program, which workers are started from: {error}"),
            )
        })?;
        let mut options = Options::new(program);
        let runs = self.runs.or(options.limits.runs);
        options.limits = Limits { runs, memory: self.memory, cores: self.cores };
        options.disk = self.disk;
        options.url.clone_from(&self.url);
        options.grace = Duration::from_secs(self.grace);
        Ok(options)
    }
}

/// Says where the page is, and the token if it was made now: it is nowhere else.
fn greet(url: &str, made: Option<&web::Token>) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "serving at {url}")?;
    if let Some(token) = made {
        writeln!(out, "token {}", token.text())?;
        writeln!(out, "(it is shown this once; `--token-file FILE` keeps one)")?;
    }
    out.flush()?;
    Ok(())
}

/// An error of the scheduler as the command line tells it.
pub(super) fn failure(error: ServiceError) -> Failure {
    let class = match error.kind() {
        Kind::NotFound | Kind::Refused | Kind::Forbidden | Kind::Conflict | Kind::Served => Class::Definition,
        Kind::Unavailable | Kind::Broken => Class::Output,
    };
    let finding = Diagnostic::error(class, error.to_string());
    match error.help() {
        Some(help) => finding.help(help).into(),
        None => finding.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn a_line_of_the_log_reads_as_a_sentence() {
        let line = r#"{"time":"2026-11-27T21:00:00.1Z","level":"info","event":"run_ended","run":"7","state":"failed"}"#;
        assert_eq!(in_words(line).as_deref(), Some("21:00:00 run ended, run 7, state failed"));
        let line = r#"{"time":"2026-11-27T21:00:00Z","level":"warning","event":"job_file_bad","name":"a\u001b[2J","findings":2}"#;
        assert_eq!(in_words(line).as_deref(), Some("21:00:00 warning: job file bad, name a [2J, findings 2"));
        assert_eq!(in_words("no JSON"), None);
    }
}
