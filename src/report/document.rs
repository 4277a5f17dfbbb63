//! What every part of a report looks things up in.

use std::collections::{HashMap, HashSet};

use maud::{Markup, html};

use super::comparison::Previous;
use super::text;
use crate::run::manifest::{RunRecord, StageRecord};
use crate::stages::Family;

/// The most characters of a name that are shown.
pub(super) const LONGEST_NAME: usize = 120;

/// A record with its anchors and the run before it.
pub(super) struct Document<'a> {
    /// The run.
    pub(super) record: &'a RunRecord,
    /// The run before it.
    pub(super) previous: Option<Previous<'a>>,
    anchors: Vec<String>,
    by_id: HashMap<&'a str, usize>,
}

impl<'a> Document<'a> {
    /// Looks through the records once. O(stages and metrics).
    pub(super) fn new(record: &'a RunRecord, previous: Option<&'a RunRecord>) -> Self {
        let mut by_id = HashMap::new();
        for (at, stage) in record.stages.iter().enumerate() {
            by_id.entry(stage.id.as_str()).or_insert(at);
        }
        Self { record, previous: previous.map(Previous::new), anchors: anchors(&record.stages), by_id }
    }

    /// The position of the stage of that id.
    pub(super) fn position(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The stage at a position.
    pub(super) fn stage(&self, at: usize) -> Option<&'a StageRecord> {
        self.record.stages.get(at)
    }

    /// The anchor of the stage at a position.
    pub(super) fn anchor(&self, at: usize) -> &str {
        self.anchors.get(at).map_or("stages", String::as_str)
    }

    /// The name of a stage as a link to its section, when there is one.
    pub(super) fn link(&self, id: &str) -> Markup {
        let name = text::line(id, LONGEST_NAME);
        html! {
            @match self.position(id) {
                Some(at) => a.id href={ "#" (self.anchor(at)) } { (name) },
                None => span.id { (name) },
            }
        }
    }
}

/// The word for a family; also the ending of its class in the style sheet.
pub(super) fn family(family: Family) -> &'static str {
    match family {
        Family::Ingest => "ingest",
        Family::Prepare => "prepare",
        Family::Mine => "mine",
        Family::Learn => "learn",
        Family::Render => "render",
    }
}

/// `stage-model` where the id can stand in a link as it is and is unique, else `stage.7`: links to a report then live through changes of the pipeline.
fn anchors(stages: &[StageRecord]) -> Vec<String> {
    let mut seen = HashSet::new();
    let anchor = |(at, stage): (usize, &StageRecord)| {
        let id = stage.id.as_str();
        let plain = !id.is_empty()
            && id.len() <= 60
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if plain && seen.insert(id.to_owned()) { format!("stage-{id}") } else { format!("stage.{}", at + 1) }
    };
    stages.iter().enumerate().map(anchor).collect()
}
