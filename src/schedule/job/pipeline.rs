//! What a job file says of its pipeline: its parameters and its stages.
//!
//! A pipeline with a mistake is no mistake of the job file, and may be mended while the job waits: that is a warning.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::parameters::{self, Occasion};
use super::partitions::{Partition, Partitions};
use crate::definition::{self, LoadOptions, Node, Pipeline, Spanned, Value, decode};
use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::schedule::gate::{self, Promote, Require};

/// How the definition names what is given for a parameter.
const GIVEN: &str = "--set ";

/// Holds parameters and conditions against the pipeline, as far as that can be read: `file` is `None` where it is not to be looked at or is not
/// there.
pub(super) fn findings(
    root: &Node,
    written: Option<&Spanned<String>>,
    file: Option<&Path>,
    base: Option<&Path>,
    partitions: Option<&Partitions>,
) -> Findings {
    let loaded = file.map(|file| load(root, file, base, partitions));
    let (require, promote) = (part::<Vec<Require>>(root, "require"), part::<Promote>(root, "promote"));
    let conditions = |stages: &[(&str, &str)]| gate::check(&require, &promote, stages);
    match (loaded, written) {
        (Some(Ok(pipeline)), _) => {
            let ids = pipeline.ids();
            let kinds = pipeline.stages.iter().map(|stage| stage.kind.value.as_str());
            let stages: Vec<(&str, &str)> = ids.iter().map(String::as_str).zip(kinds).collect();
            conditions(&stages)
        }
        (Some(Err(findings)), Some(written)) => {
            let mut findings = translate(findings, root, written);
            findings.extend(conditions(&[]));
            findings
        }
        _ => conditions(&[]),
    }
}

/// Loads the pipeline as a run would, but for the environment: whether a variable is set is known when the run starts. What it includes
/// has to be inside the served folder `base`.
fn load(root: &Node, file: &Path, base: Option<&Path>, partitions: Option<&Partitions>) -> Result<Pipeline, Findings> {
    let given = match root.get("parameters").map(parameters::json) {
        Some(Json::Object(given)) => parameters::fill(&given, &example(partitions).occasion()).unwrap_or_default(),
        _ => serde_json::Map::new(),
    };
    let options = LoadOptions {
        overrides: parameters::settings(&given),
        environment: Box::new(|_| Some("0".to_owned())),
        kinds: &[],
        references: &[],
        within: base.map(Path::to_path_buf),
    };
    definition::load(file, &options)
}

fn part<T: serde::de::DeserializeOwned + Default>(root: &Node, key: &str) -> T {
    root.get(key).and_then(|node| decode(node).ok()).unwrap_or_default()
}

/// What the pipeline says of the parameters that it is given, at their places; the first of all else as a warning.
fn translate(findings: Findings, root: &Node, written: &Spanned<String>) -> Findings {
    let mut translated = Findings::new();
    let mut other = None;
    for found in findings.into_iter().filter(|found| found.severity == Severity::Error) {
        let name = found.place.as_ref().and_then(|place| place.source().name().strip_prefix(GIVEN));
        match name.and_then(|name| place_of(root, name, &found)) {
            Some(place) => translated.push(Diagnostic { place: Some(place), ..found }),
            None => other = other.or(Some(found)),
        }
    }
    if let Some(found) = other {
        let where_ = found.place.as_ref().map(|place| format!(" in line {}", place.line())).unwrap_or_default();
        let warning = Diagnostic::warning(format!("the pipeline has a mistake{where_}: {}", found.message));
        translated.push(warning.at(&written.place).help("`gristmill check` shows all of it"));
    }
    translated
}

/// Where a parameter is given: its name, if there is none of that name, else its value.
fn place_of(root: &Node, name: &str, found: &Diagnostic) -> Option<crate::diagnostic::Place> {
    let Value::Mapping(entries) = &root.get("parameters")?.value else { return None };
    let entry = entries.iter().find(|entry| entry.key == name)?;
    let is_unknown = found.message.starts_with("unknown parameter");
    Some(if is_unknown { entry.key_place.clone() } else { entry.value.place.clone() })
}

/// A run as it could be, to see whether its parameters fit.
struct Example {
    partition: Option<Partition>,
}

fn example(partitions: Option<&Partitions>) -> Example {
    let partition = match partitions {
        None => None,
        Some(Partitions::Spans(span)) => Some(span.partition(span.from)),
        Some(Partitions::Files(_)) => Some(Partition { key: "incoming/a.csv".to_owned(), start: None, end: None }),
    };
    Example { partition }
}

impl Example {
    fn occasion(&self) -> Occasion<'_> {
        Occasion {
            scheduled: Timestamp::UNIX_EPOCH,
            zone: TimeZone::UTC,
            partition: self.partition.as_ref(),
            run: "19700101-000000-00000001",
        }
    }
}
