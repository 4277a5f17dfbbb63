//! Runs whose process died: their record is finished from what their journal tells, and what they left is removed.

use std::collections::BTreeMap;
use std::path::Path;

use super::manifest::{RunRecord, RunStatus, StageError, StageRecord, StageStatus};
use super::record;
use super::store::{DeadRun, Store};
use crate::diagnostic::{Class, Diagnostic};

/// Sweeps every run of the folder whose process is dead, and finishes its record. Runs that live are left alone.
pub fn sweep_dead_runs(store: &Store) {
    for folder in store.run_folders() {
        if let Some(dead) = DeadRun::take(&folder).filter(|dead| !dead.has_supervisor()) {
            let why = Diagnostic::error(Class::Worker, "the process that did the work was killed")
                .help("run again: stages that were finished are kept");
            finish(dead, &why);
        }
    }
    sweep_spills(store);
}

/// Sweeps the run in which the process `worker` died, and finishes its record with the reason. None when it had begun no run,
/// or had ended it.
pub fn recover(store: &Store, worker: u32, why: &Diagnostic) -> Option<RunRecord> {
    let mut folders = store.run_folders().into_iter().rev();
    let dead = folders.find_map(|folder| DeadRun::take(&folder).filter(|dead| dead.was_of(worker)))?;
    finish(dead, why)
}

/// Removes what the engine of a process that has ended wrote for want of memory, in the state folder of `base`.
pub fn sweep_spill(base: &Path, process: u32) {
    let folder = Store::spill_in(base);
    // What stays is swept another time.
    let _ = std::fs::remove_dir_all(folder.join(process.to_string()));
    let _ = std::fs::remove_dir(folder);
}

/// What the engines of dead processes left: `spill/<process>/`.
fn sweep_spills(store: &Store) {
    for entry in std::fs::read_dir(store.spill()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new("/proc").join(process.to_string()).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Finishes the record, if it is not, and removes what the run left.
fn finish(dead: DeadRun, why: &Diagnostic) -> Option<RunRecord> {
    let record = record::load(&dead.path).map(|mut record| {
        if record.status == RunStatus::Running {
            let journal = std::fs::read_to_string(dead.path.join("events.jsonl")).unwrap_or_default();
            close(&mut record, &journal, why);
            // The folder may be full or gone; what is known is told all the same.
            let _ = record::save(&record);
        }
        record
    });
    dead.sweep();
    record
}

/// What the journal tells of a stage.
#[derive(Default)]
struct Told {
    status: Option<StageStatus>,
    seconds: f64,
    error: Option<StageError>,
}

/// Fills in how each stage ended, or was about to.
fn close(record: &mut RunRecord, journal: &str, why: &Diagnostic) {
    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    // The last line may be cut off.
    for event in journal.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
        let Some(stage) = event.get("stage").and_then(serde_json::Value::as_str) else { continue };
        let told = told.entry(stage.to_owned()).or_default();
        match event.get("event").and_then(serde_json::Value::as_str) {
            Some("stage_started") => told.status = Some(StageStatus::Waiting),
            Some("stage_finished") => {
                let field = |name: &str| event.get(name).cloned().unwrap_or_default();
                told.status = serde_json::from_value(field("status")).ok();
                told.seconds = field("seconds").as_f64().unwrap_or(0.0);
                told.error = serde_json::from_value(field("error")).ok();
            }
            _ => {}
        }
    }
    let interrupted = why.class == Class::Interrupted;
    let mut at_work = 0;
    for stage in &mut record.stages {
        let Told { status, seconds, error } = told.remove(&stage.id).unwrap_or_default();
        (stage.seconds, stage.error) = (seconds, error);
        stage.status = match status {
            Some(StageStatus::Waiting) if !interrupted => {
                at_work += 1;
                stage.error = Some(StageError::from(why));
                StageStatus::Failed
            }
            None | Some(StageStatus::Waiting) => StageStatus::Skipped,
            Some(ended) => ended,
        };
    }
    if at_work == 0 && !interrupted {
        record.warnings.push(why.to_string());
    }
    record.status = if interrupted { RunStatus::Interrupted } else { RunStatus::Failed };
    record.exit_code = why.class.exit_code();
}

/// The stages of a record that failed for this reason.
pub fn failed_at(record: &RunRecord, class: Class) -> Vec<&StageRecord> {
    let failed = |stage: &&StageRecord| stage.error.as_ref().is_some_and(|error| error.class == class);
    record.stages.iter().filter(failed).collect()
}
