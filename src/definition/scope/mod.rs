//! Puts the values of parameters and environment variables where `${name}` stands.

mod declare;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub(super) use self::declare::{Given, GivenValue};
use super::decode::enumerate;
use super::node::{Entry, Node, Value, shorten};
use super::parameter::Param;
use super::session::Session;
use super::template::{self, Fault, Piece};
use super::text::{Segment, Text};
use super::yaml::{self, MAX_DEPTH};
use crate::diagnostic::{Diagnostic, Place, nearest};

/// The parameters that one file can see: its own.
pub(super) struct Scope {
    pub(super) params: BTreeMap<String, Param>,
    used: BTreeSet<String>,
    /// Names that are declared further down.
    later: BTreeSet<String>,
    /// Names whose declarations are wrong, which is reported already.
    broken: BTreeSet<String>,
}

impl Scope {
    /// Warns of parameters that nothing refers to.
    pub(super) fn warn_of_unused(&self, session: &mut Session<'_>) {
        for (name, param) in &self.params {
            if !self.used.contains(name) {
                let found = Diagnostic::warning(format!("the parameter `{name}` is not used")).at(&param.place);
                session.report(found.help(format!("write `${{{name}}}` where its value belongs, or remove it")));
            }
        }
    }

    /// The node with every reference replaced; it stands at the top of a file.
    pub(super) fn fill(&mut self, node: &Node, session: &mut Session<'_>) -> Node {
        self.fill_at(node, 1, session)
    }

    /// `depth`: how many lists and mappings are around it.
    fn fill_at(&mut self, node: &Node, depth: usize, session: &mut Session<'_>) -> Node {
        if !session.spend_nodes(1, &node.place) {
            return Node::new(Value::Null, node.place.clone());
        }
        let value = match &node.value {
            Value::Text(text) => return self.fill_text(text, &node.place, depth, session),
            Value::Sequence(items) => {
                Value::Sequence(items.iter().map(|item| self.fill_at(item, depth + 1, session)).collect())
            }
            Value::Mapping(entries) => Value::Mapping(self.fill_entries(entries, depth + 1, session)),
            other => other.clone(),
        };
        Node::new(value, node.place.clone())
    }

    fn fill_entries(&mut self, entries: &[Entry], depth: usize, session: &mut Session<'_>) -> Vec<Entry> {
        let mut filled = Vec::with_capacity(entries.len());
        let is_plain = entries.iter().all(|entry| template::is_plain(&entry.key));
        let mut keys = BTreeSet::new();
        for entry in entries {
            let key = if template::is_plain(&entry.key) { entry.key.clone() } else { self.fill_key(entry, session) };
            if !is_plain && !keys.insert(key.clone()) {
                let found = Diagnostic::definition(format!("the key `{}` is given twice", shorten(&key)));
                session.report(found.at(&entry.key_place).help("a parameter gave it the name of another key"));
            }
            let value = self.fill_at(&entry.value, depth, session);
            filled.push(Entry { key, key_place: entry.key_place.clone(), value });
        }
        filled
    }

    fn fill_key(&mut self, entry: &Entry, session: &mut Session<'_>) -> String {
        let place = &entry.key_place;
        let key = self.fill_text(&Text::new(entry.key.as_str(), place.clone()), place, 0, session);
        if key.as_text().is_some_and(Text::is_secret) {
            session.report(Diagnostic::definition("a key cannot be a secret").at(place));
        }
        key.spelling().unwrap_or_else(|| {
            session.report(Diagnostic::definition(format!("a key must be a text, found {}", key.describe())).at(place));
            String::new()
        })
    }

    fn fill_text(&mut self, text: &Text, place: &Place, depth: usize, session: &mut Session<'_>) -> Node {
        let unchanged = || Node::new(Value::Text(text.clone()), place.clone());
        if template::is_plain(text.value()) {
            return unchanged();
        }
        let pieces = match template::pieces(text.value()) {
            Ok(pieces) => pieces,
            Err(fault) => {
                session.report(explain(&fault, text));
                return unchanged();
            }
        };
        if let [Piece::Parameter(name, range)] = pieces.as_slice() {
            let value = self.find(name, || text.within(range.clone()), session).map(|param| param.value.clone());
            let Some(value) = value else { return unchanged() };
            if depth + value.depth() > MAX_DEPTH {
                session.report(yaml::too_deep(place));
                return unchanged();
            }
            if !session.spend_nodes(value.size(), place) {
                return unchanged();
            }
            let value = match value.value {
                Value::Text(text) => Value::Text(text.moved(place)),
                other => other,
            };
            return Node::new(value, place.clone());
        }
        let mut filling = Filling::default();
        for piece in pieces {
            self.fill_piece(piece, text, &mut filling, session);
            if !session.spend_bytes(filling.value.len(), place) {
                return unchanged();
            }
        }
        Node::new(Value::Text(filling.into_text(place)), place.clone())
    }

    fn fill_piece(&mut self, piece: Piece, text: &Text, filling: &mut Filling, session: &mut Session<'_>) {
        let slice = |range: Range<usize>| text.value().get(range).unwrap_or_default();
        match piece {
            Piece::Literal(range) => {
                filling.segments.extend(text.cut(range.clone(), filling.value.len()));
                filling.value.push_str(slice(range.clone()));
                filling.shown.push_str(slice(range));
            }
            Piece::Escape(range) => filling.put("${", "$${", false, text.within(range)),
            Piece::Parameter(name, range) => {
                let place = text.within(range);
                let Some(param) = self.find(&name, || place.clone(), session) else { return };
                match (param.value.spelling(), param.value.as_text()) {
                    (Some(spelling), Some(text)) => filling.put(&spelling, &text.written(), text.is_secret(), place),
                    (Some(spelling), None) => filling.put(&spelling, &spelling, false, place),
                    (None, _) => {
                        let what = param.value.describe();
                        let found = Diagnostic::definition(format!("the parameter `{name}` is {what}")).at(&place);
                        session.report(found.label("it cannot stand inside of a text"));
                    }
                }
            }
            Piece::Environment(name, range) => {
                let place = text.within(range);
                match (session.options.environment)(&name) {
                    Some(value) => {
                        session.secrets.add(&value, Some(&name));
                        filling.put(&value, &format!("${{env:{name}}}"), true, place);
                    }
                    None => {
                        let found = Diagnostic::definition(format!("the environment variable `{name}` is not set"));
                        session.report(found.at(&place));
                    }
                }
            }
        }
    }

    fn find(&mut self, name: &str, place: impl Fn() -> Place, session: &mut Session<'_>) -> Option<&Param> {
        if self.params.contains_key(name) {
            self.used.insert(name.into());
            return self.params.get(name);
        }
        if self.broken.contains(name) {
            return None;
        }
        let found = if self.later.contains(name) {
            let found = Diagnostic::definition(format!("the parameter `{name}` is declared further down"));
            found.help("a parameter can refer to those above it")
        } else {
            let names: Vec<&str> = self.params.keys().map(String::as_str).collect();
            let found = unknown(name, &names);
            let is_like_variable = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            if is_like_variable && found.label.is_none() {
                found.help(format!("an environment variable is written `${{env:{name}}}`"))
            } else {
                found
            }
        };
        session.report(found.at(&place()));
        None
    }
}

/// A text while it is put together.
#[derive(Default)]
struct Filling {
    value: String,
    shown: String,
    segments: Vec<Segment>,
    secret: bool,
}

impl Filling {
    fn put(&mut self, value: &str, shown: &str, secret: bool, place: Place) {
        let start = self.value.len();
        self.value.push_str(value);
        if !value.is_empty() {
            self.segments.push(Segment { value: start..self.value.len(), source: place.range(), exact: false });
        }
        // A `$` in front would turn `${` into an escape.
        let is_safe = !(secret && self.shown.ends_with('$') && shown.starts_with('$'));
        self.shown.push_str(if is_safe { shown } else { "***" });
        self.secret |= secret;
    }

    fn into_text(self, place: &Place) -> Text {
        let text = Text::mapped(self.value, place.clone(), self.segments);
        if self.secret { text.secret(self.shown) } else { text }
    }
}

fn unknown(name: &str, names: &[&str]) -> Diagnostic {
    let found = Diagnostic::definition(format!("unknown parameter `{}`", shorten(name)));
    let found = match nearest(name, names.iter().copied()) {
        Some(near) => found.label(format!("did you mean `{near}`?")),
        None => found,
    };
    match names {
        [] => found.help("no parameters are declared; declare them under `params`"),
        _ if names.len() <= 16 => found.help(format!("the parameters are {}", enumerate(names))),
        _ => found,
    }
}

fn explain(fault: &Fault, text: &Text) -> Diagnostic {
    let escape = "write `$${` for `${` itself";
    match fault {
        Fault::Open(range) => Diagnostic::definition("`${` is not closed")
            .at(&text.within(range.clone()))
            .label("`}` is missing")
            .help(escape),
        Fault::Name(range) => {
            let written = text.value().get(range.clone()).unwrap_or_default();
            let found = Diagnostic::definition(format!("`{}` names no parameter", shorten(written)));
            found.at(&text.within(range.clone())).help(format!("write `${{name}}` or `${{env:NAME}}`; {escape}"))
        }
    }
}
