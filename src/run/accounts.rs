//! Counts of all stages of a run, taken from the executions in which their rows went by.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::engine::{Execution, PointCounts};
use crate::relation::{Relation, Tap};

/// Which tap: (stage, point).
type Point = (String, String);

/// The counts so far. Every tap is counted by the first complete execution that passes it.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    points: Mutex<BTreeMap<Point, PointCounts>>,
}

impl Accounts {
    /// Takes the counts of a complete execution; taps below a limit saw only a part of their rows and are left out.
    pub(super) fn adopt(&self, relation: &Relation, execution: &Execution) {
        let mut partial = Vec::new();
        taps_below_limits(relation, false, &mut partial);
        let mut points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        for (point, counts) in execution.tally.snapshot() {
            if !partial.contains(&point) {
                points.entry(point).or_insert(counts);
            }
        }
    }

    /// Sets counts that are known from elsewhere (the cache, a pinned table).
    pub(super) fn set(&self, stage: &str, point: &str, counts: PointCounts) {
        let mut points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        points.insert((stage.to_owned(), point.to_owned()), counts);
    }

    /// Whether the tap counted already.
    pub(super) fn has(&self, tap: &Tap) -> bool {
        self.rows(&tap.stage, &tap.point).is_some()
    }

    /// Rows that passed a tap.
    pub(super) fn rows(&self, stage: &str, point: &str) -> Option<u64> {
        let points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        points.get(&(stage.to_owned(), point.to_owned())).map(|counts| counts.rows)
    }

    /// All taps of a stage by their point.
    pub(super) fn points(&self, stage: &str) -> BTreeMap<String, PointCounts> {
        let points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        let of_stage = points.iter().filter(|((of, _), _)| of == stage);
        of_stage.map(|((_, point), counts)| (point.clone(), counts.clone())).collect()
    }

    /// The relation without the taps that counted already.
    pub(super) fn untapped(&self, relation: &Relation) -> Relation {
        relation.without_taps_of(&|tap| self.has(tap))
    }
}

fn taps_below_limits(relation: &Relation, below: bool, found: &mut Vec<Point>) {
    if let (true, Relation::Tap { tap, .. }) = (below, relation) {
        found.push((tap.stage.clone(), tap.point.clone()));
    }
    let below = below || matches!(relation, Relation::Limit { .. });
    for input in relation.inputs() {
        taps_below_limits(input, below, found);
    }
}
