//! What a run hands on, as it stands in a job file.

use std::path::{Component, Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};

/// What becomes current when all conditions hold: a name, and the file or folder that the run writes, below the served folder.
///
/// It is copied to `models/NAME/versions/RUN`, and `models/NAME/current` is switched to it in one step. A folder becomes the version
/// itself (`models/NAME/current` is then a model that `predict` takes), a file stands in it under its own name
/// (`models/NAME/current/table.parquet`).
///
/// ```yaml
/// promote: {late_flights: out/model, flights: out/flights.parquet}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Promote(pub Ordered<Spanned<String>>);

impl Promote {
    /// Whether nothing is promoted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names in the order of the file, each with the path as it was written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, path)| (name.value.as_str(), path.value.as_str()))
    }
}

/// The longest name.
const LONGEST: usize = 64;
/// The longest path, in bytes.
const LONGEST_PATH: usize = 1_024;

/// Whether something can be promoted under that name: `[a-z0-9][a-z0-9_-]{0,63}`.
pub(super) fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= LONGEST && name.starts_with(is_plain) && name.chars().all(|c| is_plain(c) || c == '_' || c == '-')
}

/// Why a path cannot be promoted, if so: it is not below the served folder, or belongs to the server.
pub(super) fn misplaced(path: &str) -> Option<&'static str> {
    if path.trim().is_empty() || path.len() > LONGEST_PATH || path.contains('\0') {
        return Some("is no path");
    }
    if path.contains("${") {
        return Some("has a parameter in it, which is not filled in here");
    }
    let mut parts = Vec::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(part) => parts.push(part),
            Component::CurDir => {}
            Component::ParentDir => return Some("leads upwards"),
            Component::RootDir | Component::Prefix(_) => return Some("is not relative to the served folder"),
        }
    }
    match parts.first().and_then(|first| first.to_str()) {
        None => Some("is the served folder itself"),
        Some(".gristmill") => Some("belongs to the server"),
        Some("models") => Some("is where promoted versions are kept"),
        Some("jobs") => Some("is where job files are"),
        Some(_) => None,
    }
}

/// What is wrong with names and paths.
pub(super) fn check(promote: &Promote) -> Findings {
    let mut findings = Findings::new();
    for (name, path) in promote.0.iter() {
        if !is_name(&name.value) {
            let message = format!("`{}` cannot be the name of something that is promoted", name.value);
            let help = "up to 64 of a-z, 0-9, `_` and `-`, with a letter or digit first";
            findings.push(Diagnostic::definition(message).at(&name.place).help(help));
        }
        if let Some(why) = misplaced(&path.value) {
            let message = format!("`{}` cannot be promoted: it {why}", path.value);
            let help = "name a file or folder that the pipeline writes, such as `out/model`";
            findings.push(Diagnostic::definition(message).at(&path.place).help(help));
        }
    }
    findings
}
