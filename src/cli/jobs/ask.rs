//! `gristmill jobs run|pause|resume|cancel`

use std::io::Write;
use std::time::Duration;

use clap::Args;

use super::{Served, failure, logs, pair, table, who};
use crate::cli::Failure;
use crate::diagnostic::Class;
use crate::schedule::service::RunRequest;
use crate::schedule::store::{Object, Origin, RunId, RunState, Stopped};

/// How often a run that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Ask for a run. When the command returns, the run is on disk; it is begun when its turn comes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gristmill jobs run nightly\n  gristmill jobs run daily --partition 2026-11-01\n  gristmill jobs run nightly --set region=north --wait"
)]
pub(super) struct Run {
    /// The job
    #[arg(value_name = "JOB")]
    job: String,
    #[command(flatten)]
    served: Served,
    /// Give a parameter of the pipeline a value; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// The partition, for a job that has some
    #[arg(long, value_name = "KEY")]
    partition: Option<String>,
    /// A key of your choice: asked for again with the same key, it is the same run
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Print the log until the run has ended, and end as it does
    #[arg(long)]
    wait: bool,
}

impl Run {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let service = self.served.open()?;
        let parameters: Object = self.set.into_iter().map(|(name, value)| (name, value.into())).collect();
        let origin = Origin::Manual;
        let request = RunRequest { job: self.job, key: self.key, parameters, partition: self.partition, origin };
        let submitted = service.run(request, &who()).map_err(failure)?;
        writeln!(std::io::stdout(), "{}", submitted.run)?;
        self.served.remark();
        if !self.wait {
            return Ok(());
        }
        let mut run = submitted.run;
        loop {
            let ended = logs::follow(&service, &run, LOOK, logs::Style::Words)?;
            // A failed attempt may be followed by another one.
            let attempts = service.store().attempts(&ended.id).map_err(|error| failure(error.into()))?;
            match attempts.into_iter().find(|next| next.retry_of.as_ref() == Some(&ended.id)) {
                Some(next) => {
                    eprintln!("{}: {}; attempt {} is run {}", ended.id, table::standing(&ended), next.attempt, next.id);
                    run = next.id;
                }
                None => return ending(&ended),
            }
        }
    }
}

/// The exit code of a run is that of the command that waited for it.
fn ending(run: &crate::schedule::store::Run) -> Result<(), Failure> {
    if run.state == RunState::Succeeded {
        eprintln!("{} succeeded in {}", run.id, table::duration(run, run.ended.unwrap_or(run.queued)));
        return Ok(());
    }
    let message = run.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    eprintln!("{} {}{message}", run.id, table::state(run.state));
    let code = match run.state {
        RunState::Cancelled => Class::Interrupted.exit_code(),
        RunState::TimedOut => Class::Limit.exit_code(),
        RunState::Lost => Class::Worker.exit_code(),
        _ => run.exit_code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0).unwrap_or(1),
    };
    Err(Failure::Code(code))
}

/// Start nothing of a job by itself until it is resumed. Runs at work go on, and `jobs run` still runs it.
#[derive(Debug, Args)]
pub(super) struct Pause {
    /// The job
    #[arg(value_name = "JOB")]
    job: String,
    #[command(flatten)]
    served: Served,
}

impl Pause {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let changed = self.served.open()?.pause(&self.job, &who()).map_err(failure)?;
        writeln!(std::io::stdout(), "{} is {}paused", self.job, if changed { "" } else { "already " })?;
        Ok(())
    }
}

/// End a pause. What was due meanwhile does not run.
#[derive(Debug, Args)]
pub(super) struct Resume {
    /// The job
    #[arg(value_name = "JOB")]
    job: String,
    #[command(flatten)]
    served: Served,
}

impl Resume {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let changed = self.served.open()?.resume(&self.job, &who()).map_err(failure)?;
        let words = if changed { "goes on" } else { "was not paused" };
        writeln!(std::io::stdout(), "{} {words}", self.job)?;
        self.served.remark();
        Ok(())
    }
}

/// Ask a run to end. One that waits ends at once; one at work is asked to end, and killed after 10 s.
#[derive(Debug, Args)]
pub(super) struct Cancel {
    /// The run
    #[arg(value_name = "RUN")]
    run: String,
    #[command(flatten)]
    served: Served,
}

impl Cancel {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let stopped = self.served.open()?.cancel(&RunId::from(self.run.as_str()), &who()).map_err(failure)?;
        let words = match stopped {
            Stopped::Ended => "is cancelled".to_owned(),
            Stopped::Asked => "is asked to end".to_owned(),
            Stopped::AskedBefore(_) => "was asked to end before".to_owned(),
            Stopped::EndedBefore(state) => format!("had ended before: {}", table::state(state)),
        };
        writeln!(std::io::stdout(), "{} {words}", self.run)?;
        if matches!(stopped, Stopped::Asked | Stopped::AskedBefore(_)) {
            self.served.remark();
        }
        Ok(())
    }
}
