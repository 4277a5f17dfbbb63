//! `gristmill jobs history`

use std::io::Write;

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Served, failure, table};
use crate::cli::Failure;
use crate::schedule::client::Run;
use crate::schedule::store::{LONGEST_PAGE, RunFilter, RunState};

/// List runs, the latest first.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gristmill jobs history --last 50\n  gristmill jobs history nightly --state failed --json"
)]
pub(super) struct History {
    /// The job [default: all]
    #[arg(value_name = "JOB")]
    job: Option<String>,
    #[command(flatten)]
    served: Served,
    /// How many runs to list
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    last: usize,
    /// Only runs in this state: queued, starting, running, succeeded, failed, cancelled, timed_out or lost
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<RunState>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn state(text: &str) -> Result<RunState, String> {
    serde_json::from_value(Value::from(text))
        .map_err(|_| "write queued, starting, running, succeeded, failed, cancelled, timed_out or lost".to_owned())
}

impl History {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let client = self.served.open()?;
        if let Some(job) = &self.job {
            // A name that is misspelt is told with the nearest one, not with an empty list.
            client.job(job).map_err(failure)?;
        }
        let filter = RunFilter { job: self.job.clone(), state: self.state, ..RunFilter::default() };
        let (mut runs, mut before) = (Vec::new(), None);
        while runs.len() < self.last {
            let most = (self.last - runs.len()).min(LONGEST_PAGE);
            let page = client.runs(&filter, before, most).map_err(failure)?;
            runs.extend(page.items);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        if self.json {
            let all: Vec<Value> = runs.iter().map(as_json).collect();
            writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&all).unwrap_or_default())?;
            return Ok(());
        }
        if runs.is_empty() {
            writeln!(std::io::stdout(), "no runs")?;
            return Ok(());
        }
        print(&runs, client.now())
    }
}

/// Runs as a table.
pub(super) fn print(runs: &[Run], now: jiff::Timestamp) -> Result<(), Failure> {
    let rows: Vec<[String; 7]> = runs
        .iter()
        .map(|run| {
            [
                run.id.clone(),
                run.job.clone(),
                table::standing(run).to_owned(),
                run.partition
                    .clone()
                    .unwrap_or_else(|| run.scheduled.map(|at| table::moment(at.0, &TimeZone::UTC)).unwrap_or_default()),
                if run.attempt > 1 { run.attempt.to_string() } else { String::new() },
                table::duration(run, now),
                run.message.clone().unwrap_or_default().lines().next().unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    table::print(["run", "job", "state", "for", "attempt", "took", "message"], &rows)?;
    Ok(())
}

pub(super) fn as_json(run: &Run) -> Value {
    json!({
        "id": run.id, "job": run.job, "state": run.state, "origin": run.origin,
        "scheduled": run.scheduled, "partition": run.partition, "backfill": run.backfill,
        "attempt": run.attempt, "retry_of": run.retry_of, "requested_by": run.requested_by,
        "queued": run.queued, "started": run.started, "ended": run.ended,
        "exit_code": run.exit_code, "message": run.message, "metrics": run.metrics,
    })
}
