//! The whole file: what stands at its top, and the stages with their includes expanded.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LoadOptions;
use super::decode::enumerate;
use super::include::{self, Trail};
use super::node::{Entry, Node, Value, shorten};
use super::parameter::Param;
use super::scope::{Given, GivenValue, Scope};
use super::secret::Secrets;
use super::session::Session;
use super::spanned::Spanned;
use super::stage::{StageDefinition, take};
use super::test::{self, Test};
use super::{file, yaml};
use crate::diagnostic::{Diagnostic, Findings, Place, Source, nearest};

/// The keys at the top of a pipeline file.
pub const TOP_KEYS: [&str; 7] = ["name", "description", "tags", "params", "stages", "report", "test"];

/// A pipeline file, parameters filled in and includes expanded.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// What it is called.
    pub name: Spanned<String>,
    /// What it is for, in words.
    pub description: Option<String>,
    /// Names of groups of pipelines.
    pub tags: Vec<String>,
    /// The parameters of the file itself, not those of includes.
    pub params: BTreeMap<String, Param>,
    /// The stages in the order of the file; at least one, with unique ids.
    pub stages: Vec<StageDefinition>,
    /// The report that it writes.
    pub report: Option<Report>,
    /// Its tests.
    pub tests: Vec<Test>,
    /// The tests as they are written.
    pub(super) test: Option<Node>,
    /// The text of the file.
    pub source: Arc<Source>,
    /// The texts of the included files, as often as they were included.
    pub included: Vec<Arc<Source>>,
    /// What must not be shown.
    pub secrets: Secrets,
    /// What is worth a look though it works: parameters that are not used.
    pub warnings: Findings,
}

impl Pipeline {
    /// The ids of the stages, given or generated, in the order of the file.
    pub fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = Vec::with_capacity(self.stages.len());
        for stage in &self.stages {
            let generated = || self.generated_id(&stage.kind.value, &|id| ids.iter().any(|used| used == id));
            let id = stage.id.as_ref().map_or_else(generated, |id| id.value.clone());
            ids.push(id);
        }
        ids
    }

    /// The id of a stage that has none: the name of its kind, with a number where that is used already or written for another stage.
    pub fn generated_id(&self, kind: &str, used: &dyn Fn(&str) -> bool) -> String {
        let is_written =
            |id: &str| self.stages.iter().any(|stage| stage.id.as_ref().is_some_and(|own| own.value == id));
        std::iter::once(kind.to_owned())
            .chain((2..).map(|number| format!("{kind}_{number}")))
            .find(|id| !used(id) && !is_written(id))
            .unwrap_or_else(|| kind.to_owned())
    }
}

/// The report of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Its heading; without it, the name of the pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The HTML file that is written, relative to the working directory.
    pub path: Spanned<String>,
}

/// Reads a pipeline from its text.
pub(super) fn read(
    source: Arc<Source>,
    options: &LoadOptions,
    folder: &Path,
    path: Option<&Path>,
) -> Result<Pipeline, Findings> {
    let source = file::without_mark(source);
    let root = yaml::read(&source)?;
    let mut session = Session::new(options);
    let pipeline = assemble(&root, &source, &Trail::new(folder, path), &mut session);
    let is_sound = session.is_sound();
    match pipeline {
        Some(pipeline) if is_sound => {
            Ok(Pipeline { included: session.sources, secrets: session.secrets, warnings: session.findings, ..pipeline })
        }
        _ => Err(session.findings),
    }
}

/// The pipeline but for what the session holds; `None`: something is wrong, and reported.
fn assemble(root: &Node, source: &Arc<Source>, trail: &Trail, session: &mut Session<'_>) -> Option<Pipeline> {
    let entries = match &root.value {
        Value::Mapping(entries) => entries,
        Value::Null => {
            let found = Diagnostic::definition("the file is empty").at(&Place::new(source, 0..0));
            session.report(found.help("a pipeline has a `name` and `stages`"));
            return None;
        }
        _ => {
            let found = Diagnostic::definition(format!("expected a pipeline, found {}", root.describe()));
            session.report(found.at(&root.place).help("a pipeline is a mapping with a `name` and `stages`"));
            return None;
        }
    };
    check_keys(entries, session);
    let given = session.options.overrides.iter().map(|(name, value)| {
        let shown = Source::new(format!("--set {name}"), name.as_str());
        let name_place = Place::new(&shown, 0..name.len());
        Given { name: name.clone(), name_place, value: GivenValue::Written(value.clone()) }
    });
    let mut scope = Scope::of(root.get("params"), given.collect(), session);
    let mut filled: HashMap<&str, Node> = HashMap::new();
    for entry in entries.iter().filter(|entry| TOP_KEYS.contains(&entry.key.as_str()) && entry.key != "params") {
        filled.insert(&entry.key, scope.fill(&entry.value, session));
    }
    if session.is_exhausted() {
        return None;
    }
    let name = name(root, filled.get("name"), session);
    let description = filled.get("description").and_then(|node| take(node, session));
    let tags = filled.get("tags").and_then(|node| take(node, session)).unwrap_or_default();
    let report = filled.get("report").and_then(|node| take(node, session));
    let stages = match filled.get("stages") {
        Some(node) => include::stages(node, trail, session),
        None => {
            let found = Diagnostic::definition("`stages` is missing").at(&root.place);
            if !is_misspelt("stages", entries) {
                session.report(found.help("write each stage after a `- ` under `stages:`"));
            }
            Vec::new()
        }
    };
    if let Some(node) =
        filled.get("stages").filter(|node| matches!(&node.value, Value::Sequence(items) if items.is_empty()))
    {
        session.report(Diagnostic::definition("the pipeline has no stages").at(&node.place));
    }
    refuse_twins(&stages, session);
    let tests = filled.get("test").map(|node| test::read(node, session)).unwrap_or_default();
    scope.warn_of_unused(session);
    Some(Pipeline {
        name: name?,
        description,
        tags,
        params: scope.params,
        stages,
        report,
        tests,
        test: filled.remove("test"),
        source: Arc::clone(source),
        included: Vec::new(),
        secrets: Secrets::default(),
        warnings: Vec::new(),
    })
}

/// Whether an unknown key, which has its own finding, most likely stands for this one.
fn is_misspelt(key: &str, entries: &[Entry]) -> bool {
    let unknown = entries.iter().map(|entry| entry.key.as_str()).filter(|key| !TOP_KEYS.contains(key));
    unknown.into_iter().any(|written| nearest(written, TOP_KEYS) == Some(key))
}

fn check_keys(entries: &[Entry], session: &mut Session<'_>) {
    for entry in entries.iter().filter(|entry| !TOP_KEYS.contains(&entry.key.as_str())) {
        let key = entry.key.as_str();
        let found = Diagnostic::definition(format!("unknown key `{}`", shorten(key))).at(&entry.key_place);
        session.report(match nearest(key, TOP_KEYS) {
            _ if key == "include" => found.help("an include is an item of the list of `stages`"),
            Some(near) => found.label(format!("did you mean `{near}`?")),
            None if session.options.kinds.contains(&key) => found.help("a stage is an item of the list of `stages`"),
            None => found.help(format!("a pipeline has {}", enumerate(&TOP_KEYS))),
        });
    }
}

fn name(root: &Node, node: Option<&Node>, session: &mut Session<'_>) -> Option<Spanned<String>> {
    let Some(node) = node else {
        let misspelt = matches!(&root.value, Value::Mapping(entries) if is_misspelt("name", entries));
        if !misspelt {
            let found = Diagnostic::definition("`name` is missing").at(&root.place);
            session.report(found.help("give the pipeline a name: `name: flights`"));
        }
        return None;
    };
    let name: Spanned<String> = take(node, session)?;
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        let found = Diagnostic::definition("a name is one line of text").at(&name.place);
        session.report(found);
        return None;
    }
    Some(name)
}

/// Refuses ids that are given twice.
fn refuse_twins(stages: &[StageDefinition], session: &mut Session<'_>) {
    let mut first: HashMap<&str, &Place> = HashMap::new();
    for stage in stages {
        let Some(id) = &stage.id else { continue };
        if let Some(earlier) = first.get(id.as_str()) {
            let found = Diagnostic::definition(format!("the id `{id}` is given twice")).at(&id.place);
            let advice = if stage.included.is_empty() { "" } else { "; give the include a prefix with `as`" };
            let found = found.help(format!("it was first given at {earlier}{advice}"));
            session.report_all(stage.note_inclusions(vec![found]));
        } else {
            first.insert(id.as_str(), &id.place);
        }
    }
}
