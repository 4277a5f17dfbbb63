//! How a run ended.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::termination::{Cause, Termination};

/// How a run, or one try of it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Exit 0.
    Succeeded,
    /// Exit 1: a stage failed.
    StageFailed,
    /// Exit 2: the definition is wrong.
    DefinitionWrong,
    /// Exit 3: the data were refused.
    DataRefused,
    /// Exit 4: more was needed than a limit allows.
    LimitReached,
    /// Exit 5, a signal or an unknown exit code: the worker died.
    WorkerDied,
    /// Exit 6: an output could not be written.
    OutputNotWritten,
    /// Exit 130: somebody interrupted it.
    Interrupted,
    /// Somebody cancelled it.
    Cancelled,
    /// A later run of the job took its place.
    Replaced,
    /// It took longer than its `timeout`.
    TimedOut,
    /// The server stopped while it ran.
    ServerStopped,
}

impl Ending {
    /// What the exit of a worker means; `code` is `None` where a signal ended it.
    ///
    /// What somebody has asked for stands: a worker that still succeeds after it was cancelled or ran out of time has not
    /// succeeded.
    pub fn of(code: Option<i32>, termination: Option<&Termination>) -> Self {
        if let Some(termination) = termination {
            return match termination.cause {
                Cause::Cancelled => Self::Cancelled,
                Cause::Replaced => Self::Replaced,
                Cause::TimedOut => Self::TimedOut,
                Cause::ServerStops => Self::ServerStopped,
            };
        }
        match code {
            Some(0) => Self::Succeeded,
            Some(1) => Self::StageFailed,
            Some(2) => Self::DefinitionWrong,
            Some(3) => Self::DataRefused,
            Some(4) => Self::LimitReached,
            Some(6) => Self::OutputNotWritten,
            Some(130) => Self::Interrupted,
            _ => Self::WorkerDied,
        }
    }

    /// Whether another try may end better.
    ///
    /// A wrong definition and refused data stay what they are, and what was cancelled, interrupted, replaced or out of time
    /// is not wanted any more. A run that the stopping server ended is taken up again at its next start, not tried again.
    pub fn may_be_retried(self) -> bool {
        matches!(self, Self::StageFailed | Self::LimitReached | Self::WorkerDied | Self::OutputNotWritten)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "succeeded",
            Self::StageFailed => "a stage failed",
            Self::DefinitionWrong => "the definition is wrong",
            Self::DataRefused => "the data were refused",
            Self::LimitReached => "a limit was reached",
            Self::WorkerDied => "the worker died",
            Self::OutputNotWritten => "an output could not be written",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
            Self::Replaced => "replaced by a later run",
            Self::TimedOut => "timed out",
            Self::ServerStopped => "the server stopped",
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_mean_what_the_command_line_says() {
        for (code, ending, retried) in [
            (Some(0), Ending::Succeeded, false),
            (Some(1), Ending::StageFailed, true),
            (Some(2), Ending::DefinitionWrong, false),
            (Some(3), Ending::DataRefused, false),
            (Some(4), Ending::LimitReached, true),
            (Some(5), Ending::WorkerDied, true),
            (Some(6), Ending::OutputNotWritten, true),
            (Some(130), Ending::Interrupted, false),
            (Some(101), Ending::WorkerDied, true),
            (Some(-1), Ending::WorkerDied, true),
            (None, Ending::WorkerDied, true),
        ] {
            assert_eq!(Ending::of(code, None), ending, "{code:?}");
            assert_eq!(ending.may_be_retried(), retried, "{ending}");
        }
    }

    #[test]
    fn a_late_success_does_not_override_what_was_asked_for() {
        for (cause, ending) in [
            (Cause::Cancelled, Ending::Cancelled),
            (Cause::Replaced, Ending::Replaced),
            (Cause::TimedOut, Ending::TimedOut),
            (Cause::ServerStops, Ending::ServerStopped),
        ] {
            let termination = Termination::begin(None, cause, jiff::Timestamp::UNIX_EPOCH);
            for code in [Some(0), Some(1), Some(130), None] {
                assert_eq!(Ending::of(code, Some(&termination)), ending);
            }
            assert!(!ending.may_be_retried());
        }
    }
}
