//! A folder with invented jobs and runs, filled through the store as a server fills it.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::schedule::service::Service;
use crate::schedule::store::{
    Begun, Consequences, Decision, Ending, NewNotification, NewPromotion, NewRun, Object, Origin, Planned, Recorded,
    RunId, RunState, Store, Verdict, Worker,
};

/// A served folder that goes when it is dropped.
pub(super) struct Sample {
    folder: TempDir,
    pub(super) service: Arc<Service>,
}

/// A run that has ended.
pub(super) struct Past<'a> {
    pub(super) job: &'a str,
    pub(super) at: Timestamp,
    pub(super) partition: Option<String>,
    pub(super) took: f64,
    pub(super) state: RunState,
    pub(super) exit: i32,
    pub(super) message: Option<&'a str>,
    pub(super) metrics: Value,
    pub(super) promotions: Vec<NewPromotion>,
    pub(super) messages: Vec<NewNotification>,
}

impl<'a> Past<'a> {
    pub(super) fn new(job: &'a str, at: Timestamp, took: f64) -> Self {
        Self {
            job,
            at,
            partition: None,
            took,
            state: RunState::Succeeded,
            exit: 0,
            message: None,
            metrics: json!({}),
            promotions: Vec::new(),
            messages: Vec::new(),
        }
    }

    pub(super) fn failed(self, exit: i32, message: &'a str) -> Self {
        Self { state: RunState::Failed, exit, message: Some(message), ..self }
    }
}

pub(super) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

impl Sample {
    /// A folder without any job. In memory, where the machine has such: syncing costs nothing there.
    pub(super) fn empty() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        std::fs::create_dir_all(folder.path().join("jobs")).unwrap();
        std::fs::create_dir_all(folder.path().join("pipelines")).unwrap();
        let service = Service::open(folder.path()).unwrap();
        Self { folder, service }
    }

    pub(super) fn base(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn store(&self) -> &Store {
        self.service.store()
    }

    /// A job whose file is good.
    pub(super) fn job(&self, name: &str, text: &str) {
        std::fs::write(self.base().join("pipelines/flights.yaml"), "stages:\n  - read: {path: a.csv}\n").unwrap();
        std::fs::write(self.base().join(format!("jobs/{name}.yaml")), text).unwrap();
        let hash = blake3::hash(format!("{name}{text}").as_bytes()).to_hex().to_string();
        let since = self.service.now() - SignedDuration::from_hours(24 * 400);
        self.store().save_definition(name, &format!("jobs/{name}.yaml"), &hash, text, since).unwrap();
    }

    /// A run that waits.
    pub(super) fn queued(&self, new: NewRun, at: Timestamp) -> RunId {
        let job = new.job.clone();
        let planned = Planned { scheduled: at, decision: Decision::Start(new) };
        match self.store().record(&job, &[planned], Some(at), at).unwrap().pop() {
            Some(Recorded::New(_, Some(run))) => run,
            other => panic!("{other:?}"),
        }
    }

    /// A run at work.
    pub(super) fn working(&self, new: NewRun, at: Timestamp) -> (RunId, crate::schedule::store::Claim) {
        let run = self.queued(new, at);
        let claimed = self.store().claim_next(at, |each| each.run == run).unwrap().unwrap();
        let worker = Worker { pid: 4711, started: at.as_second() };
        assert_eq!(self.store().begin(&claimed.claim, worker, &format!("runs/{run}"), at).unwrap(), Begun::Go);
        (run, claimed.claim)
    }

    /// A run that has ended.
    pub(super) fn past(&self, past: Past<'_>) -> RunId {
        let origin = if past.partition.is_some() { Origin::Backfill } else { Origin::Schedule };
        let new = NewRun { partition: past.partition.clone(), ..NewRun::of(past.job, origin, "server") };
        let (run, claim) = self.working(new, past.at);
        let ending = Ending {
            state: past.state,
            exit_code: Some(past.exit),
            message: past.message.map(str::to_owned),
            cut_off: None,
            metrics: object(past.metrics),
        };
        let end = past.at + SignedDuration::from_millis((past.took * 1000.0) as i64);
        let follows =
            Consequences { promotions: past.promotions, notifications: past.messages, ..Consequences::default() };
        self.store().finish(&claim, &ending, end, |_| follows).unwrap();
        run
    }

    /// What a run leaves in its folder: its record, with the stages as they are given.
    pub(super) fn record(&self, run: &RunId, stages: Value, warnings: &[&str]) {
        let folder = self.service.folder(run);
        std::fs::create_dir_all(&folder).unwrap();
        let record = json!({
            "format": 1, "id": run, "pipeline": "flights", "description": null, "title": "Late flights", "file": "pipelines/flights.yaml",
            "text": "", "params": {}, "started": "2026-11-27T02:00:00Z", "seconds": 4.3, "status": "done", "peak_memory": 1 << 29,
            "threads": 2, "version": "0.1.0", "machine": "linux", "stages": stages, "warnings": warnings, "exit_code": 0, "folder": folder,
        });
        std::fs::write(folder.join("manifest.json"), record.to_string()).unwrap();
    }

    /// Adds lines to the log of a run.
    pub(super) fn log(&self, run: &RunId, lines: &[Value]) {
        let folder = self.service.folder(run);
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("log.jsonl");
        let mut text = std::fs::read_to_string(&path).unwrap_or_default();
        for line in lines {
            text.push_str(&line.to_string());
            text.push('\n');
        }
        std::fs::write(path, text).unwrap();
    }

    /// A report for the frame.
    pub(super) fn report(&self, run: &RunId, html: &str) {
        std::fs::write(self.service.folder(run).join("report.html"), html).unwrap();
    }
}

/// A stage of a record.
pub(super) fn stage(id: &str, kind: &str, family: &str, inputs: &[&str], rows: (u64, u64), change: &str) -> Value {
    let (read, out) = rows;
    let given: Vec<_> = inputs.iter().take(1).map(|input| json!([input, read])).collect();
    let changes =
        if change.is_empty() { json!([]) } else { json!([{"reason": change, "rows": out as i64 - read as i64}]) };
    json!({
        "id": id, "kind": kind, "family": family, "description": null, "line": 1, "inputs": inputs, "status": "done", "error": null,
        "fingerprint": "", "options": {}, "files": {}, "began": 0.1, "seconds": 0.25, "peak_memory": 1 << 28, "schema": null,
        "ledger": {"inputs": given, "lookups": [], "changes": changes, "out": out}, "exhibits": [], "outputs": [], "lineage": {},
    })
}

/// A version that gates let pass.
pub(super) fn promoted(name: &str, version: &str, metrics: Value) -> NewPromotion {
    NewPromotion {
        name: name.to_owned(),
        version: version.to_owned(),
        verdict: Verdict::Promote,
        metrics: object(metrics),
        decided_by: "gate".to_owned(),
    }
}

/// A version that they did not.
pub(super) fn refused(name: &str, version: &str, reason: &str, metrics: Value) -> NewPromotion {
    NewPromotion { verdict: Verdict::Refuse(reason.to_owned()), ..promoted(name, version, metrics) }
}
