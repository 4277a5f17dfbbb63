//! Which stages of a plan a run should come to.

use std::collections::BTreeSet;

use super::Plan;
use crate::diagnostic::{Diagnostic, nearest};

/// What was asked for on the command line; empty: everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only what this stage needs, and itself.
    pub until: Option<String>,
    /// Only these stages and what they need.
    pub only: Vec<String>,
    /// Only stages with one of these tags and what they need.
    pub tags: Vec<String>,
}

impl Selection {
    /// Positions of the chosen stages with everything that they need.
    ///
    /// Errors: a stage or tag that does not exist, with the nearest that does.
    pub fn resolve(&self, plan: &Plan) -> Result<BTreeSet<usize>, Diagnostic> {
        let ids: Vec<&str> = plan.stages.iter().map(|stage| stage.id.as_str()).collect();
        let tags: BTreeSet<&str> =
            plan.stages.iter().flat_map(|stage| stage.definition.tags.iter().map(String::as_str)).collect();
        let mut chosen = BTreeSet::new();
        for id in self.until.iter().chain(&self.only) {
            let at = ids.iter().position(|known| known == id);
            chosen.insert(at.ok_or_else(|| unknown("stage", id, ids.iter().copied()))?);
        }
        for tag in &self.tags {
            if !tags.contains(tag.as_str()) {
                return Err(unknown("tag", tag, tags.iter().copied()));
            }
            let tagged = plan.stages.iter().enumerate().filter(|(_, stage)| stage.definition.tags.contains(tag));
            chosen.extend(tagged.map(|(at, _)| at));
        }
        if chosen.is_empty() {
            return Ok((0..plan.stages.len()).collect());
        }
        // Inputs stand before their consumers, so one pass from the end finds everything needed.
        for at in (0..plan.stages.len()).rev() {
            if let (true, Some(stage)) = (chosen.contains(&at), plan.stages.get(at)) {
                chosen.extend(stage.inputs.iter().copied());
            }
        }
        Ok(chosen)
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Diagnostic {
    let finding = Diagnostic::definition(format!("there is no {what} `{name}`"));
    match nearest(name, known.clone()) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help(format!("there are: {}", known.collect::<Vec<_>>().join(", "))),
    }
}
