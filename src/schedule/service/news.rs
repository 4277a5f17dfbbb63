//! What happens, as it happens: for the pages that follow it. Nothing of it is kept; who falls behind misses some.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;

use crate::schedule::store::{RunId, RunState};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum News {
    /// A job is new, changed, paused, resumed or gone.
    Job {
        /// The job.
        name: String,
    },
    /// A run has come into a state.
    Run {
        /// The run.
        run: RunId,
        /// Its job.
        job: String,
        /// The state.
        state: RunState,
    },
    /// A worker tells of what it does: an event of `gristmill run --json`.
    Worker {
        /// Its run.
        run: RunId,
        /// The event.
        event: Value,
    },
    /// A line was added to a run's log.
    Log {
        /// The run.
        run: RunId,
        /// The line, as it stands in the log: an object of JSON.
        line: String,
    },
}

/// What a run at work does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Live {
    /// The run.
    pub run: RunId,
    /// Its job.
    pub job: String,
    /// When its worker was last heard.
    #[serde(with = "crate::schedule::occurrence::moment")]
    pub heard: Timestamp,
    /// Its stages, in their order; none before the worker has said which there are.
    pub stages: Vec<LiveStage>,
}

/// A stage of a run at work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiveStage {
    /// Its id.
    pub id: String,
    /// Its kind; empty until it begins.
    pub kind: String,
    /// How it stands.
    pub state: StageState,
    /// How far it is, from 0 to 1, where that is known.
    pub progress: Option<f64>,
    /// How long it worked, in seconds, once it has ended.
    pub seconds: Option<f64>,
    /// Rows out, once they are counted.
    pub rows: Option<u64>,
    /// What it does or why it failed, in a few words; may be empty.
    pub message: String,
}

/// How a stage of a run at work stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Its turn has not come.
    Waiting,
    /// It works.
    Working,
    /// It has ended well.
    Done,
    /// Nothing changed since it last worked.
    Cached,
    /// It failed.
    Failed,
    /// It was not started.
    Skipped,
}

/// Told news are kept for those who are a little slow: this many.
const KEPT: usize = 4096;

/// Where news are told, and what runs at work do.
#[derive(Debug)]
pub(in crate::schedule) struct Board {
    tell: broadcast::Sender<Arc<News>>,
    live: Mutex<HashMap<RunId, Live>>,
}

impl Board {
    pub(super) fn new() -> Self {
        Self { tell: broadcast::Sender::new(KEPT), live: Mutex::new(HashMap::new()) }
    }

    pub(in crate::schedule) fn tell(&self, news: News) {
        // Nobody may be listening.
        let _ = self.tell.send(Arc::new(news));
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<News>> {
        self.tell.subscribe()
    }

    pub(super) fn live(&self, run: &RunId) -> Option<Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).get(run).cloned()
    }

    /// A worker was started.
    pub(in crate::schedule) fn begins(&self, run: &RunId, job: &str, now: Timestamp) {
        let live = Live { run: run.clone(), job: job.to_owned(), heard: now, stages: Vec::new() };
        self.live.lock().unwrap_or_else(PoisonError::into_inner).insert(run.clone(), live);
    }

    /// A worker has told of something.
    pub(in crate::schedule) fn hears(&self, run: &RunId, event: &Value, now: Timestamp) {
        if let Some(live) = self.live.lock().unwrap_or_else(PoisonError::into_inner).get_mut(run) {
            live.heard = now;
            apply(&mut live.stages, event);
        }
        self.tell(News::Worker { run: run.clone(), event: event.clone() });
    }

    /// A run has ended.
    pub(in crate::schedule) fn ends(&self, run: &RunId) {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(run);
    }
}

/// Brings stages to where an event says they are.
fn apply(stages: &mut Vec<LiveStage>, event: &Value) {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind_of = |name: &str| text(name).to_owned();
    if text("event") == "run_started" {
        let ids = event.get("stages").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        *stages = ids.map(waiting).collect();
        return;
    }
    let id = text("stage");
    if id.is_empty() {
        return;
    }
    if !stages.iter().any(|stage| stage.id == id) {
        stages.push(waiting(id));
    }
    let Some(stage) = stages.iter_mut().find(|stage| stage.id == id) else { return };
    match text("event") {
        "stage_started" => {
            stage.kind = kind_of("kind");
            stage.state = StageState::Working;
        }
        "stage_progress" => {
            let number = |name: &str| event.get(name).and_then(Value::as_f64);
            stage.progress = match (number("done"), number("total")) {
                (Some(done), Some(total)) if total > 0.0 => Some((done / total).clamp(0.0, 1.0)),
                _ => None,
            };
            stage.message = text("message").to_owned();
        }
        "stage_finished" => {
            stage.kind = kind_of("kind");
            stage.seconds = event.get("seconds").and_then(Value::as_f64);
            stage.progress = None;
            let error = event.get("error").and_then(|error| error.get("message")).and_then(Value::as_str);
            stage.message = error.unwrap_or_default().to_owned();
            stage.state = match text("status") {
                "done" => StageState::Done,
                "cached" => StageState::Cached,
                "failed" => StageState::Failed,
                "skipped" => StageState::Skipped,
                _ => StageState::Waiting,
            };
        }
        "stage_counted" => stage.rows = event.get("out").and_then(Value::as_u64),
        _ => {}
    }
}

fn waiting(id: &str) -> LiveStage {
    LiveStage {
        id: id.to_owned(),
        kind: String::new(),
        state: StageState::Waiting,
        progress: None,
        seconds: None,
        rows: None,
        message: String::new(),
    }
}

/// The trouble that the database cannot be read or written.
pub(in crate::schedule) const STORE: &str = "database";

/// What is not as it should be, each under a name: said in health until it is over.
#[derive(Debug, Default)]
pub(in crate::schedule) struct Troubles {
    present: Mutex<BTreeMap<&'static str, String>>,
    untold: Mutex<Vec<Change>>,
}

/// A trouble that began, in words, or is over.
pub(in crate::schedule) type Change = (&'static str, Option<String>);

impl Troubles {
    /// Notes a trouble, in words. Whether it is new under its name.
    pub(in crate::schedule) fn note(&self, name: &'static str, what: String) -> bool {
        self.present().insert(name, what).is_none()
    }

    /// It is over. Whether it was there.
    pub(in crate::schedule) fn over(&self, name: &'static str) -> bool {
        self.present().remove(name).is_some()
    }

    /// Notes a trouble, or that it is over, for who has no log: the server's loop writes into its own what is new of it.
    pub(in crate::schedule) fn report(&self, name: &'static str, what: Option<String>) {
        let before = match &what {
            Some(what) => self.present().insert(name, what.clone()),
            None => self.present().remove(name),
        };
        if before != what {
            self.untold.lock().unwrap_or_else(PoisonError::into_inner).push((name, what));
        }
    }

    /// What was reported since the last time.
    pub(in crate::schedule) fn untold(&self) -> Vec<Change> {
        std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether one of them keeps the server from working at all.
    pub(in crate::schedule) fn hold(&self) -> bool {
        self.present().contains_key(STORE)
    }

    pub(super) fn all(&self) -> Vec<String> {
        self.present().values().cloned().collect()
    }

    fn present(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stages_follow_what_the_worker_tells() {
        let board = Board::new();
        let mut news = board.subscribe();
        let run = RunId::from("r");
        board.begins(&run, "daily", Timestamp::UNIX_EPOCH);
        for event in [
            json!({"event": "run_started", "run": "x", "pipeline": "p", "stages": ["read", "train", "report"]}),
            json!({"event": "stage_started", "stage": "read", "kind": "read"}),
            json!({"event": "stage_finished", "stage": "read", "kind": "read", "status": "cached", "seconds": 0.5}),
            json!({"event": "stage_counted", "stage": "read", "inputs": [], "changes": [], "out": 12}),
            json!({"event": "stage_started", "stage": "train", "kind": "train"}),
            json!({"event": "stage_progress", "stage": "train", "done": 3, "total": 4, "unit": "epochs", "message": "loss 0.1"}),
            json!({"event": "warning", "stage": null, "message": "x"}),
        ] {
            board.hears(&run, &event, Timestamp::UNIX_EPOCH);
        }
        let live = board.live(&run).unwrap();
        let states: Vec<StageState> = live.stages.iter().map(|stage| stage.state).collect();
        assert_eq!(states, [StageState::Cached, StageState::Working, StageState::Waiting]);
        assert_eq!((live.stages[0].rows, live.stages[0].seconds), (Some(12), Some(0.5)));
        assert_eq!((live.stages[1].progress, live.stages[1].message.as_str()), (Some(0.75), "loss 0.1"));
        assert!(matches!(&*news.try_recv().unwrap(), News::Worker { event, .. } if event["event"] == "run_started"));
        board.ends(&run);
        assert_eq!(board.live(&run), None);
    }
}
