//! A stage as it stands in the file: its kind, its options, and what all kinds share.

use serde::de::DeserializeOwned;

use super::decode::{decode, enumerate};
use super::node::{Entry, Node, Value, shorten};
use super::one_or_many::OneOrMany;
use super::session::Session;
use super::spanned::Spanned;
use crate::diagnostic::{Diagnostic, Findings, Place, nearest};

/// The keys that every kind of stage takes beside its own.
pub const COMMON_KEYS: [&str; 4] = ["id", "from", "description", "tags"];

/// A stage as it is written.
#[derive(Debug, Clone)]
pub struct StageDefinition {
    /// The name by which other stages refer to it; unique in the pipeline.
    pub id: Option<Spanned<String>>,
    /// The stages that it reads; `None`: the one above it.
    pub from: Option<Vec<Spanned<String>>>,
    /// What it is for, in words.
    pub description: Option<String>,
    /// Names of groups of stages.
    pub tags: Vec<String>,
    /// What kind of stage it is.
    pub kind: Spanned<String>,
    /// What stands under the kind, for [`StageDefinition::decode`].
    pub options: Node,
    /// The whole stage.
    pub place: Place,
    /// Where the file of the stage was included, from the inside out; empty: it stands in the pipeline file itself.
    pub included: Vec<Place>,
}

impl StageDefinition {
    /// Reads the options; see [`decode`]. Findings name the places where the file of the stage was included.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Findings> {
        decode(&self.options).map_err(|findings| self.note_inclusions(findings))
    }

    /// Adds to findings about this stage where its file was included.
    pub fn note_inclusions(&self, findings: Findings) -> Findings {
        self.included.iter().fold(findings, |findings, place| {
            findings.into_iter().map(|finding| note_inclusion(finding, place)).collect()
        })
    }
}

/// Adds to a finding in an included file where that was included.
pub(super) fn note_inclusion(finding: Diagnostic, include: &Place) -> Diagnostic {
    let is_elsewhere = finding.place.as_ref().is_some_and(|place| place.source().name() != include.source().name());
    if !is_elsewhere {
        return finding;
    }
    let note = format!("included at {include}");
    let help = finding.help.as_ref().map_or(note.clone(), |help| format!("{help}; {note}"));
    finding.help(help)
}

/// Reads one item of `stages`; `None`: something is wrong with it, and reported.
pub(super) fn read(node: &Node, session: &mut Session<'_>) -> Option<StageDefinition> {
    let Value::Mapping(entries) = &node.value else {
        session.report(not_a_stage(node, session.options.kinds));
        return None;
    };
    let mut stage = StageDefinition {
        id: None,
        from: None,
        description: None,
        tags: Vec::new(),
        kind: Spanned::nowhere(String::new()),
        options: Node::new(Value::Null, node.place.clone()),
        place: node.place.clone(),
        included: Vec::new(),
    };
    let mut kinds = Vec::new();
    for entry in entries {
        match entry.key.as_str() {
            "id" => stage.id = id(&entry.value, session),
            "from" => stage.from = from(&entry.value, session),
            "description" => stage.description = take(&entry.value, session),
            "tags" => stage.tags = take(&entry.value, session).unwrap_or_default(),
            _ => kinds.push(entry),
        }
    }
    let kind = the_kind(&kinds, node, session)?;
    stage.kind = Spanned::new(kind.key.clone(), kind.key_place.clone());
    stage.options = kind.value.clone();
    Some(stage)
}

/// Reads a value; what is wrong is reported.
pub(super) fn take<T: DeserializeOwned>(node: &Node, session: &mut Session<'_>) -> Option<T> {
    decode(node).map_err(|findings| session.report_all(findings)).ok()
}

fn id(node: &Node, session: &mut Session<'_>) -> Option<Spanned<String>> {
    let id: Spanned<String> = take(node, session)?;
    if is_id(&id) {
        return Some(id);
    }
    let found = Diagnostic::definition(format!("`{}` cannot be an id", shorten(&id.to_string()))).at(&id.place);
    session.report(found.help("an id has letters, digits, `_`, `.` and `-`, and starts with a letter or `_`"));
    None
}

/// `[A-Za-z_][A-Za-z0-9_.-]*`
pub(super) fn is_id(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

fn from(node: &Node, session: &mut Session<'_>) -> Option<Vec<Spanned<String>>> {
    let OneOrMany(names) = take::<OneOrMany<Spanned<String>>>(node, session)?;
    if names.is_empty() {
        let found = Diagnostic::definition("`from` names no stage").at(&node.place);
        session.report(found.help("leave it out to read the stage above"));
        return None;
    }
    Some(names)
}

/// The one entry that names the kind.
fn the_kind<'a>(candidates: &[&'a Entry], node: &Node, session: &mut Session<'_>) -> Option<&'a Entry> {
    let known = session.options.kinds;
    let is_kind = |entry: &&&Entry| known.is_empty() || known.contains(&entry.key.as_str());
    let kinds: Vec<&Entry> = candidates.iter().filter(is_kind).copied().collect();
    let others = candidates.iter().filter(|entry| !is_kind(entry));
    match kinds.as_slice() {
        [kind] => {
            let extras: Vec<Diagnostic> = others.map(|other| beside(other, kind)).collect();
            let is_sound = extras.is_empty();
            session.report_all(extras);
            return is_sound.then_some(kind);
        }
        [] => {
            let unknown: Vec<Diagnostic> = others.map(|other| unknown_kind(other, known)).collect();
            if unknown.is_empty() {
                let found = Diagnostic::definition("the stage has no kind").at(&node.place);
                session.report(found.help("it needs a key that names its kind, such as `read: {path: data.csv}`"));
            }
            session.report_all(unknown);
        }
        [_, second, ..] => {
            let names: Vec<&str> = kinds.iter().map(|entry| entry.key.as_str()).collect();
            let found = Diagnostic::definition(format!("a stage has one kind, this one has {}", enumerate(&names)));
            session.report(found.at(&second.key_place).help("make each a stage of its own, with a `-` in front"));
        }
    }
    None
}

/// A key that is neither a kind nor common, beside the kind.
fn beside(entry: &Entry, kind: &Entry) -> Diagnostic {
    let found = Diagnostic::definition(format!("unknown key `{}` beside `{}`", shorten(&entry.key), kind.key));
    let found = found.at(&entry.key_place);
    match nearest(&entry.key, COMMON_KEYS) {
        Some(near) => found.label(format!("did you mean `{near}`?")),
        None => found.help(format!("the options of `{}` stand under it", kind.key)),
    }
}

fn unknown_kind(entry: &Entry, known: &[&str]) -> Diagnostic {
    let found = Diagnostic::definition(format!("unknown kind of stage `{}`", shorten(&entry.key)));
    let found = found.at(&entry.key_place);
    match nearest(&entry.key, known.iter().copied().chain(COMMON_KEYS)) {
        Some(near) => found.label(format!("did you mean `{near}`?")),
        None => found.help("`gristmill stages` lists the kinds"),
    }
}

fn not_a_stage(node: &Node, known: &[&str]) -> Diagnostic {
    let found = Diagnostic::definition(format!("expected a stage, found {}", node.describe())).at(&node.place);
    match node.as_text().map(|text| text.value()) {
        Some(kind) if known.contains(&kind) => found.help(format!("write `{kind}: {{}}`")),
        _ => found.help("a stage is a mapping such as `read: {path: data.csv}`"),
    }
}
