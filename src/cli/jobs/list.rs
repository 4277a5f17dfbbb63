//! `gristmill jobs list`

use std::io::Write;

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Served, failure, table};
use crate::cli::Failure;
use crate::schedule::service::JobView;
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
        let service = self.served.open()?;
        let jobs = service.jobs().map_err(failure)?;
        let now = service.now();
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
            .map(|view| {
                let last = view.overview.last.as_ref().map_or_else(String::new, |run| {
                    format!(
                        "{} {}",
                        table::standing(run),
                        table::ago(run.ended.or(run.started).unwrap_or(run.queued), now)
                    )
                });
                let zone = view.definition.as_ref().map_or(TimeZone::UTC, |definition| definition.zone());
                let next = view.next.map(|next| table::moment(next, &zone)).unwrap_or_default();
                [view.overview.job.name.clone(), standing(view), last, next, pipeline(view)]
            })
            .collect();
        table::print(["job", "state", "last run", "next", "pipeline"], &rows)?;
        let bad = jobs.iter().filter(|view| view.overview.job.problem.is_some()).count();
        if bad > 0 {
            let files = if bad == 1 { "1 job file has" } else { &*format!("{bad} job files have") };
            eprintln!("{files} something wrong: `gristmill jobs check` says what");
        }
        Ok(())
    }
}

fn pipeline(view: &JobView) -> String {
    view.definition.as_ref().map(|definition| definition.pipeline.display().to_string()).unwrap_or_default()
}

/// How a job stands, in a few words.
pub(super) fn standing(view: &JobView) -> String {
    let overview = &view.overview;
    let mut words = Vec::new();
    if overview.job.state == JobState::Gone {
        words.push("file is gone".to_owned());
    }
    if overview.job.problem.is_some() {
        words.push("bad file".to_owned());
    }
    if overview.job.paused.is_some() || view.definition.as_ref().is_some_and(|definition| definition.paused) {
        words.push("paused".to_owned());
    }
    if overview.working > 0 {
        words.push(format!("{} at work", overview.working));
    }
    if overview.waiting > 0 {
        words.push(format!("{} waiting", overview.waiting));
    }
    if words.is_empty() { "ready".to_owned() } else { words.join(", ") }
}

pub(super) fn as_json(view: &JobView) -> Value {
    let overview = &view.overview;
    let run = |run: &crate::schedule::store::Run| {
        json!({
            "id": run.id, "state": run.state, "queued": run.queued.to_string(),
            "started": run.started.map(|at| at.to_string()), "ended": run.ended.map(|at| at.to_string()),
        })
    };
    json!({
        "name": overview.job.name,
        "file": overview.job.file,
        "description": view.definition.as_ref().and_then(|definition| definition.description.clone()),
        "pipeline": view.definition.as_ref().map(|definition| definition.pipeline.display().to_string()),
        "problem": overview.job.problem,
        "gone": overview.job.state == JobState::Gone,
        "paused": overview.job.paused.map(|since| since.to_string()),
        "waiting": overview.waiting,
        "working": overview.working,
        "last": overview.last.as_ref().map(run),
        "last_success": overview.last_success.as_ref().map(run),
        "next": view.next.map(|next| next.to_string()),
    })
}
