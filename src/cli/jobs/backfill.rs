//! `gristmill jobs backfill`

use std::io::Write;

use clap::{ArgGroup, Args};

use super::{Served, failure, pair, remark, table};
use crate::cli::Failure;
use crate::schedule::client::{self, Client};
use crate::schedule::service::BackfillRequest;
use crate::schedule::store::BackfillState;

/// Run the partitions of a range that are missing, a stated number at a time. It can be stopped and resumed.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true), after_help = EXAMPLES)]
pub(super) struct Backfill {
    /// The job
    #[arg(value_name = "JOB", group = "what")]
    job: Option<String>,
    #[command(flatten)]
    served: Served,
    /// The first partition [default: the first there is]
    #[arg(long, value_name = "KEY", requires = "job")]
    from: Option<String>,
    /// The last partition [default: the last there is]
    #[arg(long, value_name = "KEY", requires = "job")]
    to: Option<String>,
    /// How many runs at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    parallelism: u32,
    /// Run partitions that have ended well, too
    #[arg(long, requires = "job")]
    again: bool,
    /// Give a parameter of the pipeline a value; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair, requires = "job")]
    set: Vec<(String, String)>,
    /// A key of your choice: asked for again with the same key, it is the same backfill
    #[arg(long, value_name = "KEY", requires = "job")]
    key: Option<String>,
    /// Stop the backfill of this number: what is at work goes on, nothing more is started
    #[arg(long, value_name = "NUMBER", group = "what")]
    stop: Option<i64>,
    /// Go on with the backfill of this number
    #[arg(long, value_name = "NUMBER", group = "what")]
    resume: Option<i64>,
    /// List the backfills, the latest first
    #[arg(long, group = "what")]
    list: bool,
}

const EXAMPLES: &str = "\
Examples:
  gristmill jobs backfill daily --from 2026-01-01 --to 2026-03-31 --parallelism 2
  gristmill jobs backfill --list
  gristmill jobs backfill --stop 3
  gristmill jobs backfill --resume 3";

impl Backfill {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let client = self.served.open()?;
        if let Some(number) = self.stop {
            let stopped = client.stop_backfill(number).map_err(failure)?;
            let words = if stopped { "is stopped: what is at work goes on" } else { "was not running" };
            writeln!(std::io::stdout(), "backfill {number} {words}")?;
            return Ok(());
        }
        if let Some(number) = self.resume {
            let resumed = client.resume_backfill(number).map_err(failure)?;
            let words = if resumed { "goes on" } else { "was running already" };
            writeln!(std::io::stdout(), "backfill {number} {words}")?;
            remark(&*client);
            return Ok(());
        }
        let Some(job) = self.job else { return list(&*client) };
        let request = BackfillRequest {
            job,
            key: self.key,
            from: self.from,
            to: self.to,
            parallelism: self.parallelism,
            again: self.again,
            parameters: self.set.into_iter().map(|(name, value)| (name, value.into())).collect(),
        };
        let backfill = client.backfill(request).map_err(failure)?;
        print(&[backfill], client.now())?;
        remark(&*client);
        Ok(())
    }
}

fn list(client: &dyn Client) -> Result<(), Failure> {
    let backfills = client.backfills(50).map_err(failure)?;
    if backfills.is_empty() {
        writeln!(std::io::stdout(), "no backfills yet")?;
        return Ok(());
    }
    print(&backfills, client.now())
}

fn print(backfills: &[client::Backfill], now: jiff::Timestamp) -> Result<(), Failure> {
    let rows: Vec<[String; 8]> = backfills
        .iter()
        .map(|each| {
            let state = match each.state {
                BackfillState::Running => "at work",
                BackfillState::Stopped => "stopped",
                BackfillState::Succeeded => "succeeded",
                BackfillState::Failed => "failed",
            };
            [
                each.number.to_string(),
                each.job.clone(),
                format!("{} to {}", each.from, each.to),
                state.to_owned(),
                each.succeeded.to_string(),
                each.failed.to_string(),
                (each.active + each.pending).to_string(),
                table::ago(each.created.0, now),
            ]
        })
        .collect();
    table::print(["number", "job", "partitions", "state", "well", "badly", "left", "asked for"], &rows)?;
    Ok(())
}
