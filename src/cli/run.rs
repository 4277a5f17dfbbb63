//! `gristmill run`

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use clap::Args;

use super::pipeline::PipelineArguments;
use super::progress::{self, Display};
use super::worker::{self, Role};
use super::{Failure, environment, interrupt, render, summary};
use crate::definition::Secrets;
use crate::diagnostic::Diagnostic;
use crate::plan::{Plan, Selection};
use crate::report;
use crate::run::events::{Event, Listener};
use crate::run::manifest::RunRecord;
use crate::run::store::{Given, Store};
use crate::run::{self, RunContext, RunOptions};

/// Run a pipeline: unchanged stages do no work.
///
/// The file is checked first; nothing is read when something is wrong. Results of stages are kept in `.gristmill/cache`, and
/// a stage whose meaning, inputs and files are the same as before does no work. The run is recorded in `.gristmill/runs`,
/// with its report.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Run {
    #[command(flatten)]
    pipeline: PipelineArguments,
    /// Stop after this stage: run it and what it needs
    #[arg(long, value_name = "STAGE")]
    until: Option<String>,
    /// Run only these stages and what they need
    #[arg(long, value_name = "STAGE", value_delimiter = ',')]
    only: Vec<String>,
    /// Run only stages with one of these tags, and what they need
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    tag: Vec<String>,
    /// After a failure, still finish what does not depend on it
    #[arg(long)]
    keep_going: bool,
    /// Do all work again
    #[arg(long)]
    no_cache: bool,
    /// Threads [default: all cores]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Memory to use, such as 4GiB [default: half of what there is]
    #[arg(long, value_name = "SIZE", value_parser = environment::parse_bytes)]
    memory: Option<u64>,
    /// Disk to use for temporary files and kept results, such as 100GiB [default: what leaves a tenth of the disk free]
    #[arg(long, value_name = "SIZE", value_parser = environment::parse_size)]
    disk: Option<u64>,
    /// Write the report to this file [default: what the pipeline says]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
    /// Print events as JSON, one a line
    #[arg(long)]
    json: bool,
    /// Record the run in this folder of `.gristmill/runs`, new or empty but for a log; its name is the run's
    #[arg(long, value_name = "FOLDER", hide = true)]
    run_folder: Option<PathBuf>,
    /// Compare with the run in this folder [default with --run-folder: with none]
    #[arg(long, value_name = "FOLDER", hide = true, requires = "run_folder")]
    previous: Option<PathBuf>,
    /// Print errors only
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Print more: each stage as it begins
    #[arg(short, long)]
    verbose: bool,
}

const EXAMPLES: &str = "\
Examples:
  gristmill run pipelines/flights.yaml
  gristmill run pipelines/flights.yaml --set late_after=30 --report out/late.html
  gristmill run pipelines/flights.yaml --until ready --keep-going
  gristmill run pipelines/flights.yaml --json | jq 'select(.event == \"stage_counted\")'";

impl Run {
    pub(super) fn execute(mut self) -> Result<(), Failure> {
        self.pipeline.served = self.run_folder.is_some();
        // A dry run does no work that could go wrong in such a way.
        match if self.dry_run { Role::Worker } else { worker::role()? } {
            Role::Worker => self.work(),
            Role::Supervisor => worker::supervise(&worker::Settings {
                base: self.pipeline.base(),
                json: self.json,
                quiet: self.quiet,
                given: self.given(),
                environment: environment::of_worker(
                    environment::threads(self.threads.map(usize::from)),
                    environment::memory(self.memory),
                    environment::disk(self.disk, &self.pipeline.base()),
                    &self.pipeline.base(),
                ),
            }),
        }
    }

    /// What the worker does: the run itself.
    fn work(self) -> Result<(), Failure> {
        let alive = (self.json && !self.dry_run).then(tell_of_life);
        let threads = environment::threads(self.threads.map(usize::from));
        let memory = environment::memory(self.memory);
        let (engine, _watch) = environment::bounded_engine(threads, memory, &self.pipeline.base());
        let plan = self.pipeline.plan(&engine)?;
        let secrets = plan.pipeline.secrets.clone();
        let masked = |finding: Diagnostic| Failure::Findings(vec![finding], Some(secrets.clone()));
        if !self.quiet {
            render::print(&plan.findings, Some(&secrets));
        }
        let base = self.pipeline.base();
        let options = RunOptions {
            selection: Selection { until: self.until.clone(), only: self.only.clone(), tags: self.tag.clone() },
            keep_going: self.keep_going,
            use_cache: !self.no_cache,
            memory,
            disk: environment::disk(self.disk, &base),
            kept: environment::kept(self.disk, &base),
            threads,
            base: base.clone(),
            file: self.pipeline.file.display().to_string(),
        };
        let store = match self.given() {
            Some(given) => Store::open(&base).and_then(|store| store.given(given)),
            None => Store::open(&base),
        };
        let store = store.map_err(masked)?;
        if self.dry_run {
            return summary::print_dry_run(&plan, &options, &store).map_err(|failure| match failure {
                Failure::Findings(findings, _) => Failure::Findings(findings, Some(secrets.clone())),
                other => other,
            });
        }
        let cancelled = Arc::new(AtomicBool::new(false));
        interrupt::watch(&cancelled)?;
        let listeners = progress::listeners(self.display(), plan.pipeline.secrets.clone());
        let context = RunContext { engine: &engine, store: &store, listener: &listeners, cancelled };
        let run::Ended { record, folder } = run::run(&plan, &options, &context).map_err(masked)?;
        // A report that cannot be written must not hide what was done.
        let report = self.write_report(&plan, &record, &base, &store);
        folder.end();
        drop(alive);
        let written = report.as_ref().ok().and_then(Option::as_ref);
        listeners.hear(&Event::run_finished(&record, record.exit_code, written.map(PathBuf::as_path)));
        if !self.json {
            summary::print(&record, written.map(PathBuf::as_path), self.quiet, &plan)?;
        }
        report.map_err(masked)?;
        match record.exit_code {
            0 => Ok(()),
            code => Err(Failure::Code(code)),
        }
    }

    /// What a server that starts this run has decided about it.
    fn given(&self) -> Option<Given> {
        self.run_folder.clone().map(|folder| Given { folder, previous: self.previous.clone() })
    }

    fn display(&self) -> Display {
        match (self.json, self.quiet, self.verbose) {
            (true, ..) => Display::Json,
            (_, true, _) => Display::Quiet,
            (_, _, verbose) => Display::People { verbose },
        }
    }

    /// Writes the report into the run's folder, and where the pipeline or the command line wants it.
    fn write_report(
        &self,
        plan: &Plan,
        record: &RunRecord,
        base: &std::path::Path,
        store: &Store,
    ) -> Result<Option<PathBuf>, Diagnostic> {
        let previous = run::previous(store, record);
        // The record holds no secret any more, so neither does the page.
        let html = report::render(record, previous.as_ref());
        let write = |path: &std::path::Path| {
            crate::staging::write_atomically(path, html.as_bytes())
                .map_err(|error| crate::staging::failure("cannot write the report", path, &error))
        };
        write(&record.folder.join("report.html"))?;
        let wanted = match (&self.report, &plan.pipeline.report) {
            (Some(path), _) => Some(path.clone()),
            (None, Some(report)) => Some(base.join(&report.path.value)),
            (None, None) => None,
        };
        if let Some(path) = &wanted {
            write(path)?;
        }
        Ok(wanted.or_else(|| Some(record.folder.join("report.html"))))
    }
}

/// How often a program that listens is told that the run works.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// Prints a sign of life every ten seconds, until what is given back is dropped. Without a thread for it the run goes on silently.
fn tell_of_life() -> mpsc::Sender<()> {
    let (end, ended) = mpsc::channel();
    let tell = move || {
        let line = format!("{}\n", Event::Alive.to_json(&Secrets::default()));
        while ended.recv_timeout(SIGN_OF_LIFE) == Err(mpsc::RecvTimeoutError::Timeout) {
            // A reader that went away is no reason to stop the run.
            let _ = std::io::stdout().write_all(line.as_bytes());
        }
    };
    let _ = std::thread::Builder::new().name("alive".to_owned()).spawn(tell);
    end
}
