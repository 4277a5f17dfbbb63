//! What pages say of a definition. A job whose file never was good has none: then these are the defaults.

use jiff::tz::TimeZone;

use super::super::super::job::{Definition, Partitions};

/// What a job's definition says, in words.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) description: String,
    /// Where its clock stands.
    pub(super) zone: TimeZone,
    /// What starts it, a phrase each; backticks are code.
    pub(super) starts: Vec<String>,
    /// What it is run for.
    pub(super) partitions: Option<Kind>,
    /// The parameters as they were written, by name.
    pub(super) parameters: Vec<(String, String)>,
}

/// What a job is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Days,
    Months,
    Files,
}

impl Facts {
    /// The facts of a definition.
    pub(super) fn of(definition: Option<&Definition>) -> Self {
        let Some(definition) = definition else { return Self::none() };
        let written = &definition.parameters;
        Self {
            description: definition.description.clone().unwrap_or_default(),
            zone: definition.zone(),
            starts: starts(definition),
            partitions: definition.partitions.as_ref().map(|partitions| match (partitions, partitions.kind()) {
                (Partitions::Files(_), _) => Kind::Files,
                (Partitions::Spans(_), "month") => Kind::Months,
                (Partitions::Spans(_), _) => Kind::Days,
            }),
            parameters: written.iter().map(|(name, value)| (name.clone(), shown(value))).collect(),
        }
    }

    /// Those of a job without a good definition.
    pub(super) fn none() -> Self {
        Self {
            description: String::new(),
            zone: TimeZone::UTC,
            starts: Vec::new(),
            partitions: None,
            parameters: Vec::new(),
        }
    }

    /// What a job without a next time waits for.
    pub(super) fn waits_for(&self) -> String {
        let others: Vec<&str> = self.starts.iter().filter_map(|start| start.split(' ').next()).collect();
        match others.as_slice() {
            [] => "when asked for".to_owned(),
            _ if others.contains(&"after") => "after another job".to_owned(),
            _ if others.contains(&"when") => "when files change".to_owned(),
            _ => "never again by its schedule".to_owned(),
        }
    }
}

fn starts(definition: &Definition) -> Vec<String> {
    let mut starts = Vec::new();
    if let Some(schedule) = &definition.schedule_as_written {
        let zone = schedule.zone.as_deref().unwrap_or("UTC");
        match (&schedule.cron, schedule.every) {
            (Some(cron), _) => starts.push(format!("at `{cron}` in {zone}")),
            (None, Some(every)) => starts.push(format!("every `{every}`")),
            (None, None) => {}
        }
    }
    if let Some(watch) = &definition.files {
        starts.push(format!("when `{}` changes", watch.path.as_str()));
    }
    if !definition.after.is_empty() {
        let jobs: Vec<String> = definition.after.iter().map(|job| format!("`{}`", job.value)).collect();
        starts.push(format!("after a success of {}", jobs.join(", ")));
    }
    starts
}

/// A value as it is written into a field of a form.
pub(super) fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
