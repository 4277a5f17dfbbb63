//! `gristmill jobs run|pause|resume|cancel`

use std::io::Write;
use std::time::Duration;

use clap::Args;

use super::{Served, failure, logs, pair, remark, table};
use crate::cli::Failure;
use crate::diagnostic::Class;
use crate::schedule::client::{self, Outcome};
use crate::schedule::service::RunRequest;
use crate::schedule::store::{Object, Origin, RunState};

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
        let client = self.served.open()?;
        let parameters: Object = self.set.into_iter().map(|(name, value)| (name, value.into())).collect();
        let origin = Origin::Manual;
        let request = RunRequest { job: self.job, key: self.key, parameters, partition: self.partition, origin };
        let submitted = client.submit(request).map_err(failure)?;
        writeln!(std::io::stdout(), "{}", submitted.run)?;
        remark(&*client);
        if !self.wait {
            return Ok(());
        }
        let mut run = submitted.run;
        loop {
            let ended = logs::follow(&*client, &run, LOOK, logs::Style::Words)?;
            // A failed attempt may be followed by another one.
            let next = ended.attempts.iter().skip_while(|id| **id != ended.run.id).nth(1);
            let ended = &ended.run;
            let Some(next) = next else { return ending(ended) };
            eprintln!("{}: {}; attempt {} is run {next}", ended.id, table::standing(ended), ended.attempt + 1);
            run = next.clone();
        }
    }
}

/// The exit code of a run is that of the command that waited for it.
fn ending(run: &client::Run) -> Result<(), Failure> {
    if run.state == RunState::Succeeded {
        eprintln!("{} succeeded in {}", run.id, table::duration(run, run.ended.unwrap_or(run.queued).0));
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
        let changed = self.served.open()?.pause(&self.job).map_err(failure)?;
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
        let client = self.served.open()?;
        let changed = client.resume(&self.job).map_err(failure)?;
        let words = if changed { "goes on" } else { "was not paused" };
        writeln!(std::io::stdout(), "{} {words}", self.job)?;
        remark(&*client);
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
        let client = self.served.open()?;
        let stopped = client.cancel(&self.run).map_err(failure)?;
        let words = match stopped.outcome {
            Outcome::Ended => "is cancelled".to_owned(),
            Outcome::Asked => "is asked to end".to_owned(),
            Outcome::AskedBefore => "was asked to end before".to_owned(),
            Outcome::EndedBefore => format!("had ended before: {}", stopped.state().map_or("?", table::state)),
        };
        writeln!(std::io::stdout(), "{} {words}", self.run)?;
        if matches!(stopped.outcome, Outcome::Asked | Outcome::AskedBefore) {
            remark(&*client);
        }
        Ok(())
    }
}
