//! `gristmill jobs`: what the scheduler of a folder has done, does and will do, and asking it for something.
//!
//! The commands open the folder's database, with a server beside them or without: what they change is on disk when they return,
//! and a server that runs hears of it within a second. With `--server` they ask a server by its API, from any machine; they print
//! the same and end with the same codes.

mod ask;
mod backfill;
mod check;
mod history;
mod list;
mod logs;
mod models;
mod show;
mod table;

use std::env;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Failure;
use crate::diagnostic::{Class, Diagnostic};
use crate::schedule::client::{Cause, Client, ClientError, Local, Remote, Settings};
use crate::schedule::service::{STATE, Service, Who};
use crate::schedule::web::Token;

/// Look at the jobs of a served folder, run them, pause them, fill what is missing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct Jobs {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  gristmill jobs list --dir /srv/jobs
  gristmill jobs run nightly --set day=2026-11-01 --wait
  gristmill jobs history nightly --last 10
  gristmill jobs logs 20261127-020000-00000042 --follow
  gristmill jobs backfill nightly --from 2026-01-01 --to 2026-03-31 --parallelism 2
  gristmill jobs list --server https://jobs.example.org:7878 --token-file token

Environment: GRISTMILL_SERVER is the address where neither `--server` nor `--dir` is given; GRISTMILL_TOKEN is the token without
`--token-file`.";

#[derive(Debug, Subcommand)]
enum Command {
    /// List the jobs: how each stands, its last run and its next one
    List(list::List),
    /// Show a job: its definition, its next and its last runs
    Show(show::Show),
    /// Check the job files of a folder
    Check(check::Check),
    /// Ask for a run
    Run(ask::Run),
    /// Start nothing of a job by itself until it is resumed
    Pause(ask::Pause),
    /// End a pause
    Resume(ask::Resume),
    /// Ask a run to end
    Cancel(ask::Cancel),
    /// Run the partitions of a range that are missing
    Backfill(backfill::Backfill),
    /// List runs, the latest first
    History(history::History),
    /// Print the log of a run
    Logs(logs::Logs),
    /// List the times at which jobs are due next
    Next(show::Next),
    /// List the partitions of a job and how each stands
    Partitions(show::Partitions),
    /// List the versions of promoted models and outputs
    Models(models::Models),
    /// Make an earlier version of a model or output the current one again
    Restore(models::Restore),
    /// Say how the server is; ends with 1 when none takes work
    Health(show::Health),
}

impl Jobs {
    pub(super) fn execute(self) -> Result<(), Failure> {
        match self.command {
            Command::List(command) => command.execute(),
            Command::Show(command) => command.execute(),
            Command::Check(command) => command.execute(),
            Command::Run(command) => command.execute(),
            Command::Pause(command) => command.execute(),
            Command::Resume(command) => command.execute(),
            Command::Cancel(command) => command.execute(),
            Command::Backfill(command) => command.execute(),
            Command::History(command) => command.execute(),
            Command::Logs(command) => command.execute(),
            Command::Next(command) => command.execute(),
            Command::Partitions(command) => command.execute(),
            Command::Models(command) => command.execute(),
            Command::Restore(command) => command.execute(),
            Command::Health(command) => command.execute(),
        }
    }
}

/// What a command is about: a folder, or a server.
#[derive(Debug, Args)]
struct Served {
    /// The served folder [default: this one]
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["server", "token_file", "ca", "insecure_host"])]
    dir: Option<PathBuf>,
    /// Ask the server at this address in place of a folder [env: GRISTMILL_SERVER]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The file with the server's token, which only its owner may read [default: the token in GRISTMILL_TOKEN]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Trust the authorities in this file (certificates as PEM), in place of the public ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Send the token to another machine without TLS, because something else encrypts the way
    #[arg(long)]
    insecure_host: bool,
}

impl Served {
    /// Opens the folder, or finds the server.
    fn open(&self) -> Result<Box<dyn Client>, Failure> {
        match self.address() {
            Some(url) => Ok(Box::new(self.connect(url)?)),
            None => Ok(Box::new(self.local()?)),
        }
    }

    /// The server that is asked, if one is: a folder that is named goes before the environment.
    fn address(&self) -> Option<String> {
        let usual = || env::var("GRISTMILL_SERVER").ok().filter(|url| self.dir.is_none() && !url.is_empty());
        self.server.clone().or_else(usual)
    }

    /// Errors: it has neither jobs nor a history, so it is likely the wrong one.
    fn local(&self) -> Result<Local, Failure> {
        let base = self.dir.clone().unwrap_or_else(|| PathBuf::from("."));
        let jobs = base.join(crate::schedule::service::JOBS);
        if !jobs.is_dir() && !base.join(STATE).join(crate::schedule::store::DATABASE).exists() {
            let message = format!("`{}` has no jobs: there is no folder `{}`", base.display(), jobs.display());
            return Err(Diagnostic::definition(message)
                .help(
                    "name the served folder with `--dir` or a server with `--server`, or make `jobs` with a YAML file for each job",
                )
                .into());
        }
        let service = Service::open(&base).map_err(|error| failure(error.into()))?;
        Ok(Local::new(service, who()))
    }

    fn connect(&self, url: String) -> Result<Remote, Failure> {
        let token = self.token()?;
        let settings = Settings { url, token, authorities: self.ca.clone(), insecure: self.insecure_host };
        Remote::connect(settings).map_err(failure)
    }

    /// The token: never from the command line, which others can see.
    fn token(&self) -> Result<Token, Failure> {
        if let Some(path) = &self.token_file {
            return Token::read(path).map_err(|error| Diagnostic::definition(error.to_string()).into());
        }
        match env::var("GRISTMILL_TOKEN") {
            Ok(text) if !text.is_empty() => Token::of(&text)
                .map_err(|reason| Diagnostic::definition(format!("GRISTMILL_TOKEN holds no token: {reason}")).into()),
            Ok(_) | Err(env::VarError::NotPresent) => Err(Diagnostic::definition("a server wants a token")
                .help("give its token, or its reader's, with `--token-file FILE` or in GRISTMILL_TOKEN")
                .into()),
            Err(env::VarError::NotUnicode(_)) => Err(Diagnostic::definition(
                "GRISTMILL_TOKEN holds no token: it has characters other than visible ASCII",
            )
            .into()),
        }
    }
}

/// Says that what was asked for waits, where no server runs.
fn remark(client: &dyn Client) {
    if !client.is_served() {
        eprintln!("no server runs here: what was asked for waits until `gristmill serve` starts");
    }
}

/// An error of asking as the command line tells it.
fn failure(error: ClientError) -> Failure {
    let class = match error.cause() {
        Cause::Asked => Class::Definition,
        Cause::State => Class::Output,
    };
    let finding = Diagnostic::error(class, error.to_string());
    match error.help() {
        Some(help) => finding.help(help).into(),
        None => finding.into(),
    }
}

/// Who asks: the user of the system, by name.
fn who() -> Who {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|name| !name.is_empty());
    let name = user.unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()));
    Who::admin(format!("{} at the command line", name.chars().filter(|c| !c.is_control()).take(64).collect::<String>()))
}

/// A value of `--set`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write `name=value`".to_owned()),
    }
}
