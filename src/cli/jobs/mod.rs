//! `gristmill jobs`: what the scheduler of a folder has done, does and will do, and asking it for something.
//!
//! The commands open the folder's database, with a server beside them or without: what they change is on disk when they return,
//! and a server that runs hears of it within a second.

mod ask;
mod backfill;
mod check;
mod history;
mod list;
mod logs;
mod models;
mod show;
mod table;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::Failure;
use super::serve::failure;
use crate::diagnostic::Diagnostic;
use crate::schedule::service::{STATE, Service, Who};
use crate::schedule::store::Lock;

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
  gristmill jobs backfill nightly --from 2026-01-01 --to 2026-03-31 --parallelism 2";

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

/// The folder that a command is about.
#[derive(Debug, Args)]
struct Served {
    /// The served folder [default: this one]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

impl Served {
    fn base(&self) -> PathBuf {
        self.dir.clone().unwrap_or_else(|| PathBuf::from("."))
    }

    /// Opens the folder.
    ///
    /// Errors: it has neither jobs nor a history, so it is likely the wrong one.
    fn open(&self) -> Result<Arc<Service>, Failure> {
        let base = self.base();
        let jobs = base.join(crate::schedule::service::JOBS);
        if !jobs.is_dir() && !base.join(STATE).join(crate::schedule::store::DATABASE).exists() {
            let message = format!("`{}` has no jobs: there is no folder `{}`", base.display(), jobs.display());
            return Err(Diagnostic::definition(message)
                .help("name the served folder with `--dir`, or make `jobs` with a YAML file for each job")
                .into());
        }
        Service::open(&base).map_err(failure)
    }

    /// Whether a server serves the folder now.
    fn is_served(&self) -> bool {
        Lock::is_held(&self.base().join(STATE))
    }

    /// Says that what was asked for waits, where no server runs.
    fn remark(&self) {
        if !self.is_served() {
            eprintln!("no server runs here: what was asked for waits until `gristmill serve` starts");
        }
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
