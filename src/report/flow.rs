//! The main flow of rows: the longest way from a file to a table, with every change on it.

use std::collections::HashMap;

use crate::run::ledger::Entry;
use crate::run::manifest::{RunRecord, StageRecord};
use crate::stages::work::signed;

/// The kind of stage after which a row is no longer one of the rows that came in.
const GROUPS: &str = "aggregate";

/// The rows on their main way.
#[derive(Debug, PartialEq)]
pub(super) struct Flow<'a> {
    /// Positions of its stages in the record, nearest to the file first; at least one.
    pub(super) stages: Vec<usize>,
    /// Rows at first.
    pub(super) start: i64,
    /// Every change, in order: it begins with `start` and adds up to `end`.
    pub(super) steps: Vec<FlowStep<'a>>,
    /// Rows at last.
    pub(super) end: i64,
}

/// A change on the way.
#[derive(Debug, PartialEq)]
pub(super) struct FlowStep<'a> {
    /// The stage.
    pub(super) stage: &'a str,
    /// Why.
    pub(super) reason: String,
    /// Rows more (positive) or less (negative).
    pub(super) rows: i64,
}

/// The main flow; none when no stage has a ledger. Stages behind an `aggregate` belong to it only when there is no other way.
pub(super) fn main_flow(record: &RunRecord) -> Option<Flow<'_>> {
    let rows_as_rows = longest(record, |stage| stage.kind != GROUPS);
    let stages = if rows_as_rows.len() >= 2 { rows_as_rows } else { longest(record, |_| true) };
    let on_the_way: Vec<(&StageRecord, &Entry)> = stages
        .iter()
        .filter_map(|&at| record.stages.get(at))
        .filter_map(|stage| Some((stage, stage.ledger.as_ref()?)))
        .collect();
    let (first, _) = on_the_way.first()?;
    let start = match &first.ledger {
        Some(entry) => entered(entry),
        None => 0,
    };
    let mut level = start;
    let mut steps = Vec::new();
    let mut before: Option<&str> = None;
    for (stage, entry) in &on_the_way {
        let mut step = |reason: String, rows: i64| {
            if rows != 0 {
                level = level.saturating_add(rows);
                steps.push(FlowStep { stage: &stage.id, reason, rows });
            }
        };
        let mut changes = entry.changes.as_slice();
        let mut unexplained = entry.unexplained().saturating_neg();
        if let Some(before) = before {
            let mut came = false;
            for (from, rows) in &entry.inputs {
                if from == before && !came {
                    came = true;
                } else {
                    step(format!("rows of {from}"), signed(*rows));
                }
            }
        } else if entry.inputs.is_empty() && start == gains(entry) {
            // What a stage read from a file is where the flow starts; what it did not keep comes after that.
            changes = &[];
            entry.changes.iter().filter(|change| change.rows < 0).for_each(|change| step(change.reason.clone(), change.rows));
        }
        changes.iter().for_each(|change| step(change.reason.clone(), change.rows));
        if entry.inputs.is_empty() && entry.changes.is_empty() {
            unexplained = 0;
        }
        step("no reason recorded".to_owned(), unexplained);
        before = Some(&stage.id);
    }
    // The counts of two neighbours may differ in a record that was cut short: the last count is what the reader sees in the table.
    let end = on_the_way.last().map_or(level, |(_, entry)| signed(entry.out));
    if let (Some((stage, _)), true) = (on_the_way.last(), level != end) {
        steps.push(FlowStep { stage: &stage.id, reason: "counted differently".to_owned(), rows: end.saturating_sub(level) });
    }
    Some(Flow { stages, start, steps, end })
}

/// Rows that a stage began with.
fn entered(entry: &Entry) -> i64 {
    let inputs: i64 = entry.inputs.iter().map(|(_, rows)| signed(*rows)).fold(0, i64::saturating_add);
    match (entry.inputs.is_empty(), gains(entry)) {
        (false, _) => inputs,
        (true, 0) => signed(entry.out),
        (true, gains) => gains,
    }
}

/// Rows that a stage brought in.
pub(super) fn gains(entry: &Entry) -> i64 {
    entry.changes.iter().map(|change| change.rows.max(0)).fold(0, i64::saturating_add)
}

/// Positions of the stages on the longest way along rows that flow. Equal lengths: the last one. O(stages + inputs).
fn longest(record: &RunRecord, admitted: impl Fn(&StageRecord) -> bool) -> Vec<usize> {
    let mut lengths: Vec<Option<(usize, Option<usize>)>> = Vec::with_capacity(record.stages.len());
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    let mut best: Option<(usize, usize)> = None;
    for (at, stage) in record.stages.iter().enumerate() {
        let found = stage.ledger.as_ref().filter(|_| admitted(stage)).and_then(|entry| {
            let ways = entry.inputs.iter().filter_map(|(id, _)| by_id.get(id.as_str()).copied());
            let way = ways.filter_map(|from| Some((lengths.get(from)?.as_ref()?.0, from)));
            let longest = way.reduce(|one, other| if other.0 > one.0 { other } else { one });
            match longest {
                Some((length, from)) => Some((length + 1, Some(from))),
                // A way begins where rows come in, not behind a stage that is not admitted.
                None => entry.inputs.is_empty().then_some((1, None)),
            }
        });
        if let Some((length, _)) = found
            && best.is_none_or(|(most, _)| length >= most)
        {
            best = Some((length, at));
        }
        lengths.push(found);
        by_id.entry(stage.id.as_str()).or_insert(at);
    }
    let mut way = Vec::new();
    let mut next = best.map(|(_, at)| at);
    while let Some(at) = next {
        way.push(at);
        next = lengths.get(at).copied().flatten().and_then(|(_, from)| from);
    }
    way.reverse();
    way
}
