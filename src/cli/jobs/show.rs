//! `gristmill jobs show|next|partitions|health`

use std::io::Write;

use clap::Args;
use jiff::tz::TimeZone;

use super::{Served, failure, history, list, table};
use crate::cli::Failure;
use crate::schedule::service::Service;
use crate::schedule::store::{LONGEST_PAGE, RunFilter};

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
        let service = self.served.open()?;
        let view = service.job(&self.job).map_err(failure)?;
        let filter = RunFilter { job: Some(self.job.clone()), ..RunFilter::default() };
        let last = service.store().runs(&filter, None, 5).map_err(|error| failure(error.into()))?.items;
        let next = service.next(&self.job, 3).map_err(failure)?;
        if self.json {
            let mut all = list::as_json(&view);
            all["next"] = next.iter().map(ToString::to_string).collect();
            all["runs"] = last.iter().map(history::as_json).collect();
            all["definition"] = view.definition.as_ref().map(|definition| definition.source.text()).into();
            writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&all).unwrap_or_default())?;
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}  {}", view.overview.job.name, list::standing(&view))?;
        if let Some(problem) = &view.overview.job.problem {
            writeln!(out, "\nthe file {} has something wrong:\n{}", view.overview.job.file, indented(problem))?;
        }
        if let Some(definition) = &view.definition {
            if let Some(description) = &definition.description {
                writeln!(out, "{description}")?;
            }
            let since = if view.overview.job.problem.is_some() { " (the last good version)" } else { "" };
            writeln!(out, "\n{}{since}\n{}", view.overview.job.file, indented(definition.source.text().trim_end()))?;
        }
        let zone = view.definition.as_ref().map_or(TimeZone::UTC, |definition| definition.zone());
        for moment in next {
            writeln!(out, "due {}", table::moment(moment, &zone))?;
        }
        drop(out);
        if last.is_empty() {
            writeln!(std::io::stdout(), "\nno runs yet")?;
            return Ok(());
        }
        writeln!(std::io::stdout())?;
        history::print(&last, service.now())
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
        let service = self.served.open()?;
        let count = usize::from(self.count.unwrap_or(if self.job.is_some() { 5 } else { 1 }));
        let jobs = match &self.job {
            Some(job) => vec![service.job(job).map_err(failure)?],
            None => service.jobs().map_err(failure)?,
        };
        let mut all = Vec::new();
        for view in &jobs {
            let name = &view.overview.job.name;
            let zone = view.definition.as_ref().map_or(TimeZone::UTC, |definition| definition.zone());
            // A paused job is due, but does not run.
            let remark = if view.next.is_none() { "paused" } else { "" };
            for moment in service.next(name, count).map_err(failure)? {
                all.push((moment, [table::moment(moment, &zone), name.clone(), remark.to_owned()]));
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
        let service = self.served.open()?;
        let view = service.job(&self.job).map_err(failure)?;
        let Some(partitions) = view.definition.as_ref().and_then(|definition| definition.partitions.as_ref()) else {
            writeln!(std::io::stdout(), "{} has no partitions", self.job)?;
            return Ok(());
        };
        let known = known(&service, &self.job)?;
        let all = partitions
            .all(service.now(), service.base())
            .map_err(|error| Failure::from(crate::diagnostic::Diagnostic::definition(error.to_string())))?;
        let rows: Vec<[String; 3]> = all
            .iter()
            .map(|each| (each, known.get(&each.key)))
            .filter(|(_, known)| !self.missing || known.is_none_or(|known| known.succeeded.is_none()))
            .map(|(each, known)| {
                let state = known.map_or("missing", |known| table::state(known.state));
                [each.key.clone(), state.to_owned(), known.map(|known| known.run.to_string()).unwrap_or_default()]
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

/// The partitions that were run, by key.
fn known(
    service: &Service,
    job: &str,
) -> Result<std::collections::BTreeMap<String, crate::schedule::store::Partition>, Failure> {
    let mut known = std::collections::BTreeMap::new();
    let mut after: Option<String> = None;
    loop {
        let page = service.store().partitions(job, after.as_deref(), LONGEST_PAGE);
        let page = page.map_err(|error| failure(error.into()))?;
        after = page.last().map(|last| last.key.clone());
        let is_last = page.len() < LONGEST_PAGE;
        known.extend(page.into_iter().map(|each| (each.key.clone(), each)));
        if is_last || after.is_none() {
            return Ok(known);
        }
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
        let service = self.served.open()?;
        let health = service.health();
        let served = self.served.is_served();
        let words = if served { "a server runs here" } else { "no server runs here" };
        writeln!(std::io::stdout(), "{words}: {} at work, {} waiting", health.working, health.queue)?;
        if served { Ok(()) } else { Err(Failure::Code(1)) }
    }
}
