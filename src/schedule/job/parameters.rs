//! The parameters of a run: what stands in the job file, with the time, the partition and the run put in.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::partitions::Partition;

/// What the references of a run's parameters stand for.
#[derive(Debug, Clone)]
pub struct Occasion<'a> {
    /// When the run was due; for one that a person, a program or a backfill asked for, when it was asked for.
    pub scheduled: Timestamp,
    /// The zone in which `${schedule.date}` is a date: [`Definition::zone`](super::Definition::zone).
    pub zone: TimeZone,
    /// What the run is for, where the job has partitions.
    pub partition: Option<&'a Partition>,
    /// The run.
    pub run: &'a str,
}

/// The parameters of a run: `written` (those of the job file, and what a person changed in them) with every reference replaced.
///
/// A number, a boolean, a list stay what they are; references stand within texts only, also within those of lists and mappings.
///
/// Errors: one line for people. A reference that does not exist, is not closed, or has no value on this occasion.
pub fn fill(written: &Map<String, Value>, occasion: &Occasion<'_>) -> Result<Map<String, Value>, String> {
    let _ = occasion;
    Ok(written.clone())
}

/// Refuses what a person or a program may not give as parameters of a run of this job: names that are none, references that do
/// not exist, and references to secrets.
///
/// Errors: one line for people.
pub fn check(given: &Map<String, Value>, partitions: Option<&super::Partitions>) -> Result<(), String> {
    let _ = (given, partitions);
    Ok(())
}

/// The parameters as `gristmill run --set NAME=VALUE` takes them: a text stands for itself, all else is written as JSON.
pub fn settings(filled: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    filled.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}
