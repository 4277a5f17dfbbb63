//! From a claimed run to its process, and what hears it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::launcher::{Ear, Hand};
use super::turn::{Loop, Teller, Told};
use super::work::{Sign, Work};
use crate::diagnostic::Diagnostic;
use crate::schedule::job::parameters::{Occasion, fill};
use crate::schedule::job::{AfterCrash, Definition};
use crate::schedule::service::{News, Service};
use crate::schedule::store::{Claim, Run};
use crate::schedule::termination;
use crate::schedule::worker::{Heard, Launch, Timeouts};

impl Loop {
    /// Starts the process of a run.
    ///
    /// Errors: why the run cannot start.
    pub(super) fn launch(&self, work: &Work) -> std::result::Result<Box<dyn Hand>, Diagnostic> {
        let run = &work.run;
        let Some(definition) = &work.definition else {
            return Err(Diagnostic::definition(format!(
                "the definition of job `{}` that the run was asked for with cannot be read by this program",
                run.job
            ))
            .help("save the job's file again, then ask for the run again"));
        };
        let base = self.service.base();
        let folder = self.service.folder(&run.id);
        let pipeline = definition.locate(base)?;
        let partition = match (&definition.partitions, &run.partition) {
            (Some(partitions), Some(key)) => {
                Some(partitions.one(key, self.now, base).map_err(|error| Diagnostic::definition(error.to_string()))?)
            }
            _ => None,
        };
        let occasion = Occasion {
            scheduled: run.scheduled.unwrap_or(run.queued),
            zone: definition.zone(),
            partition: partition.as_ref(),
            run: run.id.as_str(),
        };
        let mut written = definition.parameters.clone();
        written.extend(run.parameters.clone());
        let parameters = fill(&written, &occasion).map_err(Diagnostic::definition)?;
        std::fs::create_dir_all(&folder)
            .map_err(|error| crate::staging::failure("cannot make the folder of the run", &folder, &error))?;
        let mut launch = Launch::new(self.options.program.clone(), pipeline, base.to_path_buf(), folder);
        launch.parameters = parameters;
        launch.memory = definition.memory;
        launch.threads = definition.cores.map(|cores| u16::try_from(cores).unwrap_or(u16::MAX));
        launch.no_cache = run.attempt > 1 && !run.resumes && definition.after_crash == AfterCrash::Again;
        launch.timeouts = Timeouts {
            run: self.time_left(run, definition),
            stage: definition.stage_timeout.map(|period| Duration::from_secs(period.as_seconds())),
        };
        launch.previous = self.previous(run);
        launch.withheld = super::messages::withheld(definition);
        let ear = ear(&self.service, &self.told, &work.claim, &work.sign);
        self.launcher.start(&launch, ear)
    }

    /// The folder of the last run of the job that succeeded and that no gate refused: what this run compares its rows with.
    fn previous(&self, run: &Run) -> Option<PathBuf> {
        let before = self.service.store().last_good(&run.job, run.number).ok()??;
        Some(self.service.folder(&before.id)).filter(|folder| folder.is_dir())
    }

    /// What is left of a run's `timeout`: all tries together count, since the first that no dead server cut off.
    fn time_left(&self, run: &Run, definition: &Definition) -> Option<Duration> {
        let timeout = definition.timeout?;
        let whole = Duration::from_secs(timeout.as_seconds());
        let Some(first) = self.first_start(run).filter(|_| run.attempt > 1) else { return Some(whole) };
        let left = termination::deadline(first, Some(timeout))?.duration_since(self.now);
        // A clock that went back leaves no more than there was.
        Some(Duration::try_from(left).unwrap_or(Duration::from_millis(1)).min(whole))
    }
}

/// What hears a worker: news go to those who follow the run, ends to the loop.
fn ear(service: &Arc<Service>, told: &Teller, claim: &Claim, sign: &Arc<Sign>) -> Ear {
    let (service, told, sign) = (Arc::clone(service), told.clone(), Arc::clone(sign));
    let (run, claim) = (claim.run.clone(), claim.number);
    Box::new(move |heard| {
        if heard.is_sign_of_life() {
            sign.give(service.clock().passed());
        }
        match heard {
            Heard::Event(event) => {
                let now = service.now();
                if event.get("event").and_then(serde_json::Value::as_str) != Some("stage_progress") {
                    let line = json!({"time": now.to_string(), "stream": "out", "event": event}).to_string();
                    service.board().tell(News::Log { run: run.clone(), line });
                }
                service.board().hears(&run, &event, now);
            }
            Heard::Line { stream, text } => {
                let line = json!({"time": service.now().to_string(), "stream": stream, "line": text}).to_string();
                service.board().tell(News::Log { run: run.clone(), line });
            }
            Heard::Alive => {}
            Heard::Overdue(what) => told.tell(Told::Overdue { run: run.clone(), claim, what }),
            Heard::Ended(ended) => {
                // Read here, on the worker's thread: the loop waits for no large file.
                let record = service.record_of(&run).ok().flatten().map(Box::new);
                told.tell(Told::Ended { run: run.clone(), claim, ended, record });
            }
        }
    })
}
