//! `gristmill jobs list`

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::{Served, failure, table};
use crate::cli::Failure;
use crate::schedule::client::{Job, Run};
use crate::schedule::store::JobState;

/// List the jobs: how each stands, its last run and its next one.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    served: Served,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let client = self.served.open()?;
        let jobs = client.jobs().map_err(failure)?;
        let now = client.now();
        if self.json {
            let all: Vec<Value> = jobs.iter().map(as_json).collect();
            writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&all).unwrap_or_default())?;
            return Ok(());
        }
        if jobs.is_empty() {
            writeln!(std::io::stdout(), "no jobs yet: put a YAML file into the folder `jobs`")?;
            return Ok(());
        }
        let rows: Vec<[String; 5]> = jobs
            .iter()
            .map(|job| {
                let last = job.last.as_ref().map_or_else(String::new, |run| {
                    format!(
                        "{} {}",
                        table::standing(run),
                        table::ago(run.ended.or(run.started).unwrap_or(run.queued).0, now)
                    )
                });
                let next = job.next.map(|next| table::moment(next.0, &table::zone(job))).unwrap_or_default();
                [job.name.clone(), standing(job), last, next, job.pipeline.clone().unwrap_or_default()]
            })
            .collect();
        table::print(["job", "state", "last run", "next", "pipeline"], &rows)?;
        let bad = jobs.iter().filter(|job| job.problem.is_some()).count();
        if bad > 0 {
            let files = if bad == 1 { "1 job file has" } else { &*format!("{bad} job files have") };
            eprintln!("{files} something wrong: `gristmill jobs check` says what");
        }
        Ok(())
    }
}

/// How a job stands, in a few words.
pub(super) fn standing(job: &Job) -> String {
    let mut words = Vec::new();
    if job.state == JobState::Gone {
        words.push("file is gone".to_owned());
    }
    if job.problem.is_some() {
        words.push("bad file".to_owned());
    }
    if job.paused.is_some() || job.paused_by_file {
        words.push("paused".to_owned());
    }
    if job.working > 0 {
        words.push(format!("{} at work", job.working));
    }
    if job.waiting > 0 {
        words.push(format!("{} waiting", job.waiting));
    }
    if words.is_empty() { "ready".to_owned() } else { words.join(", ") }
}

pub(super) fn as_json(job: &Job) -> Value {
    let run = |run: &Run| {
        json!({
            "id": run.id, "state": run.state, "queued": run.queued, "started": run.started, "ended": run.ended,
        })
    };
    json!({
        "name": job.name,
        "file": job.file,
        "description": job.description,
        "pipeline": job.pipeline,
        "problem": job.problem,
        "gone": job.state == JobState::Gone,
        "paused": job.paused,
        "waiting": job.waiting,
        "working": job.working,
        "last": job.last.as_ref().map(run),
        "last_success": job.last_success.as_ref().map(run),
        "next": job.next,
    })
}
