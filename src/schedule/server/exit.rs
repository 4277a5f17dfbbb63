//! How a run's worker ended, as the server judges it.

use jiff::Timestamp;

use crate::diagnostic::{Class, Diagnostic};
use crate::run::manifest::RunRecord;
use crate::schedule::ending::Ending;
use crate::schedule::gate::Judged;
use crate::schedule::store::{self, CutOff, Object, RunState};
use crate::schedule::termination::{Cause, Termination};
use crate::schedule::worker::{self, Ended};

/// What stands in the history of a run whose server died or stopped.
fn words(cut_off: CutOff) -> &'static str {
    match cut_off {
        CutOff::ServerDied => "the server died while the run was at work",
        CutOff::ServerStopped => "the server stopped while the run was at work",
    }
}

/// How a worker ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exit {
    pub(super) ending: Ending,
    pub(super) code: Option<i32>,
    pub(super) message: Option<String>,
    /// What happened to the server, where that is why the run ended.
    pub(super) cut_off: Option<CutOff>,
    pub(super) metrics: Object,
    /// What became of each condition on what the run made.
    pub(super) conditions: Vec<Judged>,
    /// Why gates refused it.
    pub(super) refused: Option<String>,
}

impl Exit {
    pub(super) fn of(ended: &Ended, cause: Option<Cause>, record: Option<&RunRecord>) -> Self {
        let termination = cause.map(|cause| Termination { cause, since: Timestamp::UNIX_EPOCH });
        let ending = match cause {
            // What was finished before the stopping server came to it need not be done again.
            Some(Cause::ServerStops) if ended.code == Some(0) => Ending::Succeeded,
            _ => Ending::of(ended.code, termination.as_ref()),
        };
        let cut_off = (ending == Ending::ServerStopped).then_some(CutOff::ServerStopped);
        let message = match (ending, cut_off) {
            (Ending::Succeeded, _) => None,
            (_, Some(cut_off)) => Some(words(cut_off).to_owned()),
            _ => ended.message(),
        };
        let metrics = record.map(worker::metrics).unwrap_or_default();
        Self { ending, code: ended.code, message, cut_off, metrics, conditions: Vec::new(), refused: None }
    }

    fn without_worker(ending: Ending, message: String) -> Self {
        let (metrics, conditions) = (Object::new(), Vec::new());
        Self { ending, code: None, message: Some(message), cut_off: None, metrics, conditions, refused: None }
    }

    /// A run that could not be started.
    pub(super) fn never_started(finding: &Diagnostic) -> Self {
        let ending = match finding.class {
            Class::Worker | Class::Stage => Ending::WorkerDied,
            Class::Output => Ending::OutputNotWritten,
            Class::Limit => Ending::LimitReached,
            Class::Data => Ending::DataRefused,
            Class::Definition | Class::Interrupted => Ending::DefinitionWrong,
        };
        Self::without_worker(ending, finding.to_string())
    }

    /// A worker that gave no sign of life.
    pub(super) fn silent() -> Self {
        let message = "the worker gave no sign of life for 30 s and was killed".to_owned();
        Self::without_worker(Ending::WorkerDied, message)
    }

    /// A worker of a server that died.
    pub(super) fn server_died() -> Self {
        let cut_off = CutOff::ServerDied;
        let exit = Self::without_worker(Ending::ServerStopped, words(cut_off).to_owned());
        Self { cut_off: Some(cut_off), ..exit }
    }

    /// As the history keeps it.
    pub(super) fn recorded(&self) -> store::Ending {
        store::Ending {
            state: self.state(),
            exit_code: self.code,
            message: self.message.clone().or_else(|| self.refused.clone()),
            cut_off: self.cut_off,
            metrics: self.metrics.clone(),
        }
    }

    /// The state in which the run ends, unless somebody asked for another.
    fn state(&self) -> RunState {
        match self.ending {
            Ending::Succeeded => RunState::Succeeded,
            Ending::TimedOut => RunState::TimedOut,
            Ending::WorkerDied | Ending::ServerStopped => RunState::Lost,
            // Who was cancelled has a stop in the database, which decides.
            Ending::Cancelled | Ending::Replaced => RunState::Failed,
            Ending::StageFailed
            | Ending::DefinitionWrong
            | Ending::DataRefused
            | Ending::LimitReached
            | Ending::OutputNotWritten
            | Ending::Interrupted => RunState::Failed,
        }
    }
}
