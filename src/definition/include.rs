//! `include`: the stages of another file, written once for many pipelines.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::decode::{decode, enumerate};
use super::file;
use super::node::{Node, Value, shorten};
use super::ordered::Ordered;
use super::scope::{Given, GivenValue, Scope};
use super::session::Session;
use super::spanned::Spanned;
use super::stage::{self, StageDefinition};
use super::text::Text;
use super::yaml;
use crate::diagnostic::{Diagnostic, Place, Source};

/// How deep files may include each other.
pub const MAX_INCLUDE_DEPTH: usize = 8;
/// How many files a pipeline may include, counted as often as they are included.
pub const MAX_INCLUDES: usize = 256;

/// Inserts the stages of another file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Include {
    /// The file, relative to the one that includes it. It has `params` and `stages` only.
    pub(super) path: Spanned<String>,
    /// Values for the parameters of the file.
    #[serde(default)]
    pub(super) params: Ordered<Node>,
    /// A prefix for the ids of its stages: `prefix.id`. References inside of the file follow.
    #[serde(rename = "as")]
    pub(super) prefix: Option<Spanned<String>>,
}

/// The file that is read now, and those that led to it.
#[derive(Clone)]
pub(super) struct Trail {
    /// The directory that its includes are relative to.
    pub(super) folder: PathBuf,
    /// The files from the outside in, as the file system knows them.
    pub(super) files: Vec<PathBuf>,
    /// How many files it is included through; a text without a file has no place in `files`.
    pub(super) depth: usize,
}

impl Trail {
    pub(super) fn new(folder: &Path, file: Option<&Path>) -> Self {
        let files = file.map(identity).into_iter().collect();
        Self { folder: folder.into(), files, depth: 0 }
    }
}

fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.into())
}

/// The stages of a list, includes expanded.
pub(super) fn stages(node: &Node, trail: &Trail, session: &mut Session<'_>) -> Vec<StageDefinition> {
    let Value::Sequence(items) = &node.value else {
        let found = Diagnostic::definition(format!("expected a list of stages, found {}", node.describe()));
        session.report(found.at(&node.place).help("write each stage after a `- `"));
        return Vec::new();
    };
    let mut stages = Vec::new();
    for item in items {
        match item.get("include") {
            Some(value) => stages.extend(include(item, value, trail, session)),
            None => stages.extend(stage::read(item, session)),
        }
    }
    stages
}

fn include(item: &Node, value: &Node, trail: &Trail, session: &mut Session<'_>) -> Vec<StageDefinition> {
    if let Value::Mapping(entries) = &item.value {
        for entry in entries.iter().filter(|entry| entry.key != "include") {
            let found = Diagnostic::definition(format!("`{}` cannot stand beside `include`", shorten(&entry.key)));
            session.report(found.at(&entry.key_place).help("an include has the options `path`, `params` and `as`"));
        }
    }
    let include = match &value.value {
        Value::Text(text) => Include { path: Spanned::from(text), params: Ordered::default(), prefix: None },
        _ => match decode::<Include>(value) {
            Ok(include) => include,
            Err(findings) => {
                session.report_all(findings);
                return Vec::new();
            }
        },
    };
    if let Some(prefix) = include.prefix.as_ref().filter(|prefix| !stage::is_id(prefix)) {
        let found = Diagnostic::definition(format!("`{}` cannot be a prefix", shorten(&prefix.to_string())));
        session
            .report(found.at(&prefix.place).help("a prefix is written like an id: letters, digits, `_`, `.` and `-`"));
    }
    let Some((source, inner)) = open(&include.path, trail, session) else { return Vec::new() };
    session.sources.push(Arc::clone(&source));
    let before = session.findings.len();
    let place = &item.place;
    let mut stages = read(&source, &include, &inner, session);
    let news = session.findings.split_off(before);
    session.findings.extend(news.into_iter().map(|finding| stage::note_inclusion(finding, place)));
    if let Some(prefix) = &include.prefix {
        rename(&mut stages, prefix, session.options.references);
    }
    for stage in &mut stages {
        stage.included.push(place.clone());
    }
    stages
}

/// The text of the included file, and the trail for its own includes.
fn open(path: &Spanned<String>, trail: &Trail, session: &mut Session<'_>) -> Option<(Arc<Source>, Trail)> {
    let place = &path.place;
    let full = trail.folder.join(&path.value);
    let identity = identity(&full);
    let refusal = if trail.files.contains(&identity) {
        Some(Diagnostic::definition(format!("`{path}` includes itself")).help(route(&trail.files, &identity)))
    } else if trail.depth >= MAX_INCLUDE_DEPTH {
        Some(Diagnostic::definition(format!("includes are nested deeper than {MAX_INCLUDE_DEPTH} files")))
    } else if session.sources.len() >= MAX_INCLUDES {
        Some(Diagnostic::definition(format!("the pipeline includes more than {MAX_INCLUDES} files")))
    } else {
        session.options.within.as_deref().and_then(|within| outside(&path.value, &full, within))
    };
    if let Some(refusal) = refusal {
        session.report(refusal.at(place));
        return None;
    }
    match file::read(&full) {
        Ok(source) => {
            let folder = full.parent().unwrap_or(Path::new("")).into();
            let files = trail.files.iter().cloned().chain([identity]).collect();
            Some((file::without_mark(source), Trail { folder, files, depth: trail.depth + 1 }))
        }
        Err(found) => {
            let inner = found.place.clone();
            let found = found.or_at(place);
            session.report(if inner.is_some() { stage::note_inclusion(found, place) } else { found });
            None
        }
    }
}

/// Refuses a file that is outside of a folder; one that is not there is told by who reads it. Nothing of the file is looked at.
fn outside(written: &str, file: &Path, within: &Path) -> Option<Diagnostic> {
    let real = match fs::canonicalize(file) {
        // What is not there has a folder that may be.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            fs::canonicalize(folder.unwrap_or(Path::new(".")))
        }
        real => real,
    };
    let is_inside = fs::canonicalize(within).is_ok_and(|within| real.is_ok_and(|real| real.starts_with(within)));
    let found = || {
        let found = Diagnostic::definition(format!(
            "`{}` cannot be included: it is outside of the served folder",
            shorten(written)
        ));
        found.help(format!("a job runs what is in `{}`, wherever links lead: put the file there", within.display()))
    };
    (!is_inside).then(found)
}

/// How the files led to each other.
fn route(files: &[PathBuf], last: &PathBuf) -> String {
    let names =
        files.iter().chain([last]).filter_map(|file| file.file_name()).map(|name| name.to_string_lossy().into_owned());
    format!("the files include each other: {}", names.collect::<Vec<_>>().join(" -> "))
}

fn read(source: &Arc<Source>, include: &Include, trail: &Trail, session: &mut Session<'_>) -> Vec<StageDefinition> {
    let root = match yaml::read(source) {
        Ok(root) => root,
        Err(findings) => {
            session.report_all(findings);
            return Vec::new();
        }
    };
    let Value::Mapping(entries) = &root.value else {
        let found = Diagnostic::definition(format!("expected `params` and `stages`, found {}", root.describe()));
        session.report(found.at(&root.place));
        return Vec::new();
    };
    for entry in entries.iter().filter(|entry| !matches!(entry.key.as_str(), "params" | "stages")) {
        let found = Diagnostic::definition(format!("unknown key `{}` in an included file", shorten(&entry.key)));
        session.report(found.at(&entry.key_place).help(format!("it has {} only", enumerate(&["params", "stages"]))));
    }
    let given = include.params.iter().map(|(name, value)| Given {
        name: name.value.clone(),
        name_place: name.place.clone(),
        value: GivenValue::Node(value.clone()),
    });
    let mut scope = Scope::of(root.get("params"), given.collect(), session);
    let Some(written) = root.get("stages") else {
        session.report(Diagnostic::definition("`stages` is missing").at(&root.place));
        return Vec::new();
    };
    let filled = scope.fill(written, session);
    if session.is_exhausted() {
        return Vec::new();
    }
    scope.warn_of_unused(session);
    stages(&filled, trail, session)
}

/// Puts the prefix before the ids, and before every reference to one of them.
fn rename(stages: &mut [StageDefinition], prefix: &str, references: &[(&str, &str)]) {
    let ids: BTreeSet<String> =
        stages.iter().filter_map(|stage| stage.id.as_ref()).map(|id| id.value.clone()).collect();
    let follows = |name: &str| refers(name, &ids).then(|| format!("{prefix}.{name}"));
    for stage in stages {
        if let Some(id) = &mut stage.id {
            id.value = format!("{prefix}.{}", id.value);
        }
        for name in stage.from.iter_mut().flatten() {
            if let Some(renamed) = follows(name) {
                name.value = renamed;
            }
        }
        for (kind, option) in references {
            if stage.kind.value == *kind {
                let keys: Vec<&str> = option.split('.').filter(|key| !key.is_empty()).collect();
                rename_at(&mut stage.options, &keys, &follows);
            }
        }
    }
}

/// Whether `name` is one of the ids, or a part of one (`id.part`).
fn refers(name: &str, ids: &BTreeSet<String>) -> bool {
    name.char_indices().filter(|(_, c)| *c == '.').any(|(at, _)| name.get(..at).is_some_and(|id| ids.contains(id)))
        || ids.contains(name)
}

/// Renames what stands under a path of keys, in every item of lists on the way; the empty path is the node itself.
fn rename_at(node: &mut Node, keys: &[&str], follows: &impl Fn(&str) -> Option<String>) {
    match (keys.split_first(), &mut node.value) {
        (None, _) => rename_node(node, follows),
        (Some((key, rest)), Value::Mapping(entries)) => {
            entries.iter_mut().filter(|entry| entry.key == **key).for_each(|entry| {
                rename_at(&mut entry.value, rest, follows);
            });
        }
        (Some(_), Value::Sequence(items)) => items.iter_mut().for_each(|item| rename_at(item, keys, follows)),
        (Some(_), _) => {}
    }
}

fn rename_node(node: &mut Node, follows: &impl Fn(&str) -> Option<String>) {
    let place: &Place = &node.place;
    match &mut node.value {
        Value::Text(text) => {
            if let Some(renamed) = follows(text.value()) {
                node.value = Value::Text(Text::new(renamed, place.clone()));
            }
        }
        Value::Sequence(items) => items.iter_mut().for_each(|item| rename_node(item, follows)),
        _ => {}
    }
}
