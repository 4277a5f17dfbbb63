//! Which workers have fallen silent.
//!
//! Ages of heartbeats by the wall clock would kill every worker when the clock steps forward by two hours, and none when it
//! steps back. So the server watches whether heartbeats change, by a clock that does not step. A server that starts knows
//! nothing of the time before, and gives each worker the full patience anew.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::claim::Claim;
use super::run::Run;
use super::value::RunId;

/// Watches the heartbeats of runs.
#[derive(Debug)]
pub struct Silence {
    patience: Duration,
    seen: HashMap<RunId, Alive>,
}

/// When a heartbeat was last seen to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alive {
    /// Which claim's worker it was.
    pub claim: i64,
    /// What the heartbeat said.
    pub heartbeat: Option<Timestamp>,
    /// When it was new, by the clock that does not step.
    pub since: Duration,
}

impl Silence {
    /// Workers count as dead when they are silent for that long; 30 seconds by default.
    pub fn new(patience: Duration) -> Self {
        Self { patience, seen: HashMap::new() }
    }

    /// Looks at the runs at work ([`Store::at_work`](super::Store::at_work)) and gives those that have been silent too long.
    ///
    /// `elapsed` is the time since any fixed moment, such as the server's start, by [`std::time::Instant`].
    pub fn look<'a>(&mut self, at_work: &'a [Run], elapsed: Duration) -> Vec<(&'a Run, Claim)> {
        let mut seen = HashMap::with_capacity(at_work.len());
        let mut silent = Vec::new();
        for run in at_work {
            let alive = Alive { claim: run.claim, heartbeat: run.heartbeat, since: elapsed };
            let before = self.seen.get(&run.id).copied();
            let known =
                before.filter(|before| before.claim == run.claim && before.heartbeat == run.heartbeat).unwrap_or(alive);
            if elapsed.saturating_sub(known.since) >= self.patience {
                silent.push((run, Claim { run: run.id.clone(), number: run.claim }));
            }
            seen.insert(run.id.clone(), known);
        }
        self.seen = seen;
        silent
    }
}

impl Default for Silence {
    fn default() -> Self {
        Self::new(Duration::from_secs(30))
    }
}
