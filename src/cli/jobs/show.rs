//! `gristmill jobs show|next|partitions|health`

use std::collections::HashMap;
use std::io::Write;

use clap::Args;

use super::{Served, failure, history, list, table};
use crate::cli::Failure;
use crate::schedule::client::Partition;
use crate::schedule::store::RunFilter;

/// Show a job: how it stands, its definition, its next and its last runs.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The job
    #[arg(value_name = "JOB")]
    job: String,
    #[command(flatten)]
    served: Served,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let client = self.served.open()?;
        let found = client.job(&self.job).map_err(failure)?;
        let (job, text) = (&found.job, found.text.as_deref());
        let filter = RunFilter { job: Some(self.job.clone()), ..RunFilter::default() };
        let last = client.runs(&filter, None, 5).map_err(failure)?.items;
        let next = client.next(&self.job, 3).map_err(failure)?;
        if self.json {
            let mut all = list::as_json(job);
            all["next"] = next.iter().map(ToString::to_string).collect();
            all["runs"] = last.iter().map(history::as_json).collect();
            all["definition"] = text.into();
            writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&all).unwrap_or_default())?;
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}  {}", job.name, list::standing(job))?;
        if let Some(problem) = &job.problem {
            writeln!(out, "\nthe file {} has something wrong:\n{}", job.file, indented(problem))?;
        }
        if let Some(text) = text {
            if let Some(description) = &job.description {
                writeln!(out, "{description}")?;
            }
            let since = if job.problem.is_some() { " (the last good version)" } else { "" };
            writeln!(out, "\n{}{since}\n{}", job.file, indented(text.trim_end()))?;
        }
        for moment in next {
            writeln!(out, "due {}", table::moment(moment, &table::zone(job)))?;
        }
        drop(out);
        if last.is_empty() {
            writeln!(std::io::stdout(), "\nno runs yet")?;
            return Ok(());
        }
        writeln!(std::io::stdout())?;
        history::print(&last, client.now())
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// List the times at which jobs are due next, in the zone of each job.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gristmill jobs next\n  gristmill jobs next nightly --count 10")]
pub(super) struct Next {
    /// The job [default: all that have a schedule]
    #[arg(value_name = "JOB")]
    job: Option<String>,
    #[command(flatten)]
    served: Served,
    /// How many times [default: 1 of each job, 5 of one]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: Option<u16>,
}

impl Next {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let client = self.served.open()?;
        let count = usize::from(self.count.unwrap_or(if self.job.is_some() { 5 } else { 1 }));
        let jobs = match &self.job {
            Some(job) => vec![client.job(job).map_err(failure)?.job],
            None => client.jobs().map_err(failure)?,
        };
        let mut all = Vec::new();
        for job in &jobs {
            let zone = table::zone(job);
            // A paused job is due, but does not run.
            let remark = if job.next.is_none() { "paused" } else { "" };
            for moment in client.next(&job.name, count).map_err(failure)? {
                all.push((moment, [table::moment(moment, &zone), job.name.clone(), remark.to_owned()]));
            }
        }
        all.sort();
        let rows: Vec<[String; 3]> = all.into_iter().map(|(_, row)| row).collect();
        if rows.is_empty() {
            writeln!(std::io::stdout(), "nothing is due: no job has a schedule")?;
            return Ok(());
        }
        table::print(["due", "job", ""], &rows)?;
        Ok(())
    }
}

/// List the partitions of a job and how each stands: those that there are so far, and what became of the last run of each.
#[derive(Debug, Args)]
pub(super) struct Partitions {
    /// The job
    #[arg(value_name = "JOB")]
    job: String,
    #[command(flatten)]
    served: Served,
    /// Only those that have not ended well
    #[arg(long)]
    missing: bool,
}

impl Partitions {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let client = self.served.open()?;
        if !client.job(&self.job).map_err(failure)?.job.partitioned {
            writeln!(std::io::stdout(), "{} has no partitions", self.job)?;
            return Ok(());
        }
        let known = client.partitions(&self.job).map_err(failure)?;
        let known: HashMap<&str, &Partition> = known.iter().map(|each| (each.key.as_str(), each)).collect();
        let keys = client.keys(&self.job).map_err(failure)?;
        let rows: Vec<[String; 3]> = keys
            .iter()
            .map(|key| (key, known.get(key.as_str())))
            .filter(|(_, known)| !self.missing || known.is_none_or(|known| known.succeeded.is_none()))
            .map(|(key, known)| {
                let state = known.map_or("missing", |known| table::state(known.state));
                [key.clone(), state.to_owned(), known.map(|known| known.run.clone()).unwrap_or_default()]
            })
            .collect();
        if rows.is_empty() {
            writeln!(std::io::stdout(), "none")?;
            return Ok(());
        }
        table::print(["partition", "state", "last run"], &rows)?;
        Ok(())
    }
}

/// Say whether a server serves the folder and what waits for it; ends with 1 when none does.
#[derive(Debug, Args)]
pub(super) struct Health {
    #[command(flatten)]
    served: Served,
}

impl Health {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let client = self.served.open()?;
        let health = client.health().map_err(failure)?;
        let words = match (health.alive, health.ready) {
            (_, true) => "a server runs here",
            (true, false) => "a server runs here and starts nothing",
            (false, false) => "no server runs here",
        };
        writeln!(std::io::stdout(), "{words}: {} at work, {} waiting", health.working, health.waiting)?;
        for reason in &health.reasons {
            eprintln!("{reason}");
        }
        if health.ready { Ok(()) } else { Err(Failure::Code(1)) }
    }
}
