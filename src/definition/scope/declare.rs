//! Reads the `params` of a file, and what is given for them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Scope, unknown};
use crate::definition::decode::decode;
use crate::definition::node::{Entry, Node, Value, shorten};
use crate::definition::parameter::{self, DECLARATION_KEYS, Declaration, Param, ParamType};
use crate::definition::session::Session;
use crate::definition::template::{self, Piece};
use crate::definition::text::Text;
use crate::diagnostic::{Diagnostic, Place, Source};

/// A value that is given to a file from outside.
pub(in crate::definition) struct Given {
    pub(in crate::definition) name: String,
    pub(in crate::definition) name_place: Place,
    pub(in crate::definition) value: GivenValue,
}

pub(in crate::definition) enum GivenValue {
    /// On the command line.
    Written(String),
    /// By the file that includes it.
    Node(Node),
}

impl Scope {
    /// Reads the `params` of a file from top to bottom; `given` values go before defaults.
    pub(in crate::definition) fn of(declared: Option<&Node>, given: Vec<Given>, session: &mut Session<'_>) -> Self {
        let entries = match declared.map(|node| (&node.value, node)) {
            None | Some((Value::Null, _)) => &[],
            Some((Value::Mapping(entries), _)) => entries.as_slice(),
            Some((_, node)) => {
                let found =
                    Diagnostic::definition(format!("expected a mapping of parameters, found {}", node.describe()));
                session.report(found.at(&node.place).help("write `params: {name: default}`"));
                &[]
            }
        };
        let later = entries.iter().map(|entry| entry.key.clone()).collect();
        let mut scope = Self { params: BTreeMap::new(), used: BTreeSet::new(), later, broken: BTreeSet::new() };
        refuse_unknown(&given, entries, session);
        for entry in entries {
            scope.later.remove(&entry.key);
            let value = given.iter().rev().find(|given| given.name == entry.key).map(|given| &given.value);
            match scope.declare(entry, value, session) {
                Some(param) => scope.params.insert(entry.key.clone(), param).map_or((), drop),
                None => drop(scope.broken.insert(entry.key.clone())),
            }
        }
        scope
    }

    fn declare(&mut self, entry: &Entry, given: Option<&GivenValue>, session: &mut Session<'_>) -> Option<Param> {
        let name = entry.key.as_str();
        if !template::is_name(name) {
            let found = Diagnostic::definition(format!("`{}` cannot name a parameter", shorten(name)));
            let found = found.at(&entry.key_place);
            session.report(found.help("a name has letters, digits, `_` and `-`, and starts with a letter or `_`"));
            return None;
        }
        let declaration = declaration(&entry.value, session)?;
        let default = declaration.default.as_ref();
        self.use_references(default);
        let secret = default.is_some_and(|default| self.is_secret(default));
        let kind = declaration.kind.unwrap_or_else(|| default.map_or(ParamType::Any, |default| self.kind_of(default)));
        let value = match (given, default) {
            (Some(GivenValue::Written(written)), _) => self.read_written(name, kind, secret, written, session),
            (Some(GivenValue::Node(node)), _) => Some(if secret { hide(node, session) } else { node.clone() }),
            (None, Some(default)) => Some(self.fill(default, session)),
            (None, None) => {
                let found = Diagnostic::definition(format!("the parameter `{name}` has no value")).at(&entry.key_place);
                session.report(found.help(format!("it has no default; give it with `--set {name}=...`")));
                None
            }
        };
        let value = value?;
        let is_null_default = given.is_none() && matches!(value.value, Value::Null);
        let checked = if is_null_default { Ok(()) } else { parameter::check(name, kind, &declaration.choices, &value) };
        if let Err(found) = checked {
            let is_number = matches!(kind, ParamType::Integer) && matches!(value.value, Value::Float(_));
            let found = if is_number && declaration.kind.is_none() {
                found.help("its default is a whole number; declare `type: number` for others")
            } else {
                found
            };
            session.report(found);
        }
        Some(Param {
            default: given.is_none().then(|| value.clone()),
            value,
            kind,
            choices: declaration.choices,
            description: declaration.description,
            secret,
            place: entry.key_place.clone(),
        })
    }

    fn read_written(
        &self,
        name: &str,
        kind: ParamType,
        secret: bool,
        written: &str,
        session: &mut Session<'_>,
    ) -> Option<Node> {
        let source = Source::new(format!("--set {name}"), written);
        match kind.read(&source) {
            Ok(node) if secret => {
                let hidden = Source::new(source.name(), "***");
                let place = Place::new(&hidden, 0..3);
                Some(hide(&Node::new(node.value, place), session))
            }
            Ok(node) => Some(node),
            Err(findings) => {
                session.report_all(findings);
                None
            }
        }
    }

    /// Counts what a default refers to as used, whether the default is taken or not.
    fn use_references(&mut self, default: Option<&Node>) {
        let mut names = Vec::new();
        if let Some(default) = default {
            each_piece(default, &mut |piece| {
                if let Piece::Parameter(name, _) = piece {
                    names.push(name);
                }
            });
        }
        self.used.extend(names);
    }

    fn is_secret(&self, raw: &Node) -> bool {
        let mut secret = false;
        each_piece(raw, &mut |piece| match piece {
            Piece::Environment(..) => secret = true,
            Piece::Parameter(name, _) => secret |= self.params.get(&name).is_some_and(|param| param.secret),
            _ => {}
        });
        secret
    }

    /// The type of a default before it is filled.
    fn kind_of(&self, raw: &Node) -> ParamType {
        let pieces = raw.as_text().and_then(|text| template::pieces(text.value()).ok());
        match pieces.as_deref() {
            Some([Piece::Parameter(name, _)]) => self.params.get(name).map_or(ParamType::Any, |param| param.kind),
            _ => ParamType::of(raw),
        }
    }
}

/// What a parameter's entry declares; `None`: it is wrong, and reported.
fn declaration(node: &Node, session: &mut Session<'_>) -> Option<Declaration> {
    match &node.value {
        Value::Mapping(entries) if entries.iter().any(|entry| DECLARATION_KEYS.contains(&entry.key.as_str())) => {
            match decode::<Declaration>(node) {
                Ok(declaration) => Some(Declaration { default: node.get("default").cloned(), ..declaration }),
                Err(findings) => {
                    session.report_all(findings);
                    None
                }
            }
        }
        _ => Some(Declaration { default: Some(node.clone()), kind: None, choices: Vec::new(), description: None }),
    }
}

fn refuse_unknown(given: &[Given], entries: &[Entry], session: &mut Session<'_>) {
    let names: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    for given in given.iter().filter(|given| !names.contains(&given.name.as_str())) {
        session.report(unknown(&given.name, &names).at(&given.name_place));
    }
}

/// Makes what is given for a secret parameter a secret.
fn hide(node: &Node, session: &mut Session<'_>) -> Node {
    let value = match &node.value {
        Value::Text(text) if text.is_secret() => Value::Text(text.clone()),
        Value::Text(text) => {
            session.secrets.add(text.value(), None);
            Value::Text(Text::new(text.value(), node.place.clone()).secret("***".into()))
        }
        Value::Sequence(items) => Value::Sequence(items.iter().map(|item| hide(item, session)).collect()),
        Value::Mapping(entries) => {
            let hidden = entries.iter().map(|entry| Entry { value: hide(&entry.value, session), ..entry.clone() });
            Value::Mapping(hidden.collect())
        }
        other => other.clone(),
    };
    Node::new(value, node.place.clone())
}

fn each_piece(node: &Node, visit: &mut impl FnMut(Piece)) {
    match &node.value {
        Value::Text(text) => template::pieces(text.value()).unwrap_or_default().into_iter().for_each(visit),
        Value::Sequence(items) => items.iter().for_each(|item| each_piece(item, visit)),
        Value::Mapping(entries) => entries.iter().for_each(|entry| each_piece(&entry.value, visit)),
        _ => {}
    }
}
