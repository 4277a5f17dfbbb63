//! The main flow of rows: the longest way from a file to a table, with every change on it.

use std::collections::HashMap;

use crate::run::ledger::Entry;
use crate::run::manifest::{RunRecord, StageRecord};
use crate::stages::work::signed;

/// The kind of stage after which a row is a group of rows.
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

/// The main flow; none when no stage has a ledger. Tables of groups or statistics, and what follows them, belong to it only when there is no other way.
pub(super) fn main_flow(record: &RunRecord) -> Option<Flow<'_>> {
    let rows_as_rows = longest(record, keeps_rows);
    let stages = if rows_as_rows.len() >= 2 { rows_as_rows } else { longest(record, |_, _| true) };
    let on_the_way = || {
        stages.iter().filter_map(|&at| record.stages.get(at)).filter_map(|stage| Some((stage, stage.ledger.as_ref()?)))
    };
    let start = on_the_way().next().map(|(_, first)| entered(first))?;
    let mut level = start;
    let mut steps = Vec::new();
    let mut before: Option<&str> = None;
    for (stage, entry) in on_the_way() {
        let mut step = |reason: &str, rows: i64| {
            if rows != 0 {
                level = level.saturating_add(rows);
                steps.push(FlowStep { stage: &stage.id, reason: reason.to_owned(), rows });
            }
        };
        if let Some(before) = before {
            from_the_side(entry, before).for_each(|(from, rows)| step(&format!("rows of {from}"), signed(*rows)));
        }
        // What the first stage read from a file is where the flow starts.
        let started = before.is_none() && entry.inputs.is_empty();
        let changes = entry.changes.iter().filter(|change| !(started && change.rows > 0));
        changes.for_each(|change| step(&change.reason, change.rows));
        let missing = signed(entry.out).saturating_sub(level);
        if missing != 0 {
            level = signed(entry.out);
            steps.push(FlowStep { stage: &stage.id, reason: "no reason recorded".to_owned(), rows: missing });
        }
        before = Some(&stage.id);
    }
    Some(Flow { stages, start, steps, end: level })
}

/// The inputs of a stage but the one on the way.
fn from_the_side<'a>(entry: &'a Entry, before: &str) -> impl Iterator<Item = &'a (String, u64)> {
    let on_the_way = entry.inputs.iter().position(|(from, _)| from == before);
    entry.inputs.iter().enumerate().filter(move |(at, _)| Some(*at) != on_the_way).map(|(_, input)| input)
}

/// Whether the rows that come out are rows that came in: not so where they were grouped, or all went and others came, as in a table of statistics.
fn keeps_rows(stage: &StageRecord, entry: &Entry) -> bool {
    let inputs: i64 = entry.inputs.iter().map(|(_, rows)| signed(*rows)).fold(0, i64::saturating_add);
    let replaced = entry.out > 0 && inputs > 0 && entry.changes.iter().any(|change| change.rows <= -inputs);
    stage.kind != GROUPS && !replaced
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
fn longest(record: &RunRecord, admitted: impl Fn(&StageRecord, &Entry) -> bool) -> Vec<usize> {
    let mut lengths: Vec<Option<(usize, Option<usize>)>> = Vec::with_capacity(record.stages.len());
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    let mut best: Option<(usize, usize)> = None;
    for (at, stage) in record.stages.iter().enumerate() {
        let found = stage.ledger.as_ref().filter(|entry| admitted(stage, entry)).and_then(|entry| {
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
