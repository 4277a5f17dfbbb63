//! YAML text -> [`Node`]s, within budgets that hostile files cannot exceed.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::align::align;
use super::node::{Entry, Node, Value, shorten};
use super::scalar::{self, Scalar};
use super::syntax;
use super::text::Text;
use crate::diagnostic::{Diagnostic, Findings, Place, Source};

/// The largest file in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// The deepest nesting of lists and mappings, aliases expanded.
pub const MAX_DEPTH: usize = 32;
/// The most values of a file, aliases expanded.
pub const MAX_NODES: usize = 10_000;
/// The most aliases of a file.
pub const MAX_ALIASES: usize = 100;

/// Reads the one document of `source`; an empty one is null.
///
/// Linear in the size of the text. Errors: a syntax error or a budget ends the reading; duplicate keys, tags and numbers that are
/// too large are collected.
pub(super) fn read(source: &Arc<Source>) -> Result<Node, Findings> {
    let whole = Place::new(source, 0..0);
    if source.text().len() > MAX_BYTES {
        let found = Diagnostic::definition("the file is larger than 1 MiB").at(&whole);
        return Err(vec![found.help("data belong in a file that a stage reads")]);
    }
    let mut reader = Reader {
        source,
        bytes: Bytes::of(source.text()),
        frames: Vec::new(),
        anchors: HashMap::new(),
        root: None,
        nodes: 0,
        aliases: 0,
        findings: Vec::new(),
    };
    let mut parser = Parser::new_from_str(source.text());
    while let Some(event) = parser.next_event() {
        let step = match event {
            Ok((event, span)) => reader.event(event, span),
            Err(error) => {
                let at = reader.bytes.at(error.marker().index());
                Err(syntax::explain(&error, source, at))
            }
        };
        if let Err(stop) = step {
            reader.findings.push(stop);
            break;
        }
    }
    match reader.root {
        _ if !reader.findings.is_empty() => Err(reader.findings),
        Some(root) => Ok(root),
        None => Ok(Node::new(Value::Null, whole)),
    }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    bytes: Bytes,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    nodes: usize,
    aliases: usize,
    findings: Findings,
}

/// A list or mapping whose end was not seen yet.
struct Frame {
    start: Range<usize>,
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        first: HashMap<String, Place>,
        merged: Vec<Node>,
        key: Option<(String, Place, bool)>,
    },
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        let range = self.bytes.at(span.start.index())..self.bytes.at(span.end.index());
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                let found = Diagnostic::definition("a second document starts here").at(&self.place(range));
                Err(found.help("a pipeline is one document; remove the `---`"))
            }
            Event::Scalar(value, style, anchor, tag) => {
                let range = self.without_anchor(range);
                self.refuse_tag(tag.as_deref(), &range);
                if let Some(Frame { content: Content::Mapping { key, .. }, .. }) = self.frames.last()
                    && key.is_none()
                {
                    return self.key(&value, style, range);
                }
                let node = self.scalar(&value, style, range, span.start.col());
                self.count(1, &node.place)?;
                self.anchored(anchor, &node);
                self.add(node)
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(anchor, tag.as_deref(), range, Content::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                let empty =
                    Content::Mapping { entries: Vec::new(), first: HashMap::new(), merged: Vec::new(), key: None };
                self.open(anchor, tag.as_deref(), range, empty)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(range),
            Event::Alias(anchor) => self.alias(anchor, range),
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, range: Range<usize>, column: usize) -> Node {
        let place = self.place(range.clone());
        let meaning = if style == ScalarStyle::Plain { scalar::resolve(value) } else { Scalar::Text };
        let value = match meaning {
            Scalar::Null => Value::Null,
            Scalar::Boolean(value) => Value::Boolean(value),
            Scalar::Integer(value) => Value::Integer(value),
            Scalar::Float(value) => Value::Float(value),
            Scalar::Text => {
                let segments = align(self.source.text(), range, style, column, value);
                Value::Text(Text::mapped(value.into(), place.clone(), segments))
            }
            Scalar::TooLarge => {
                let found = Diagnostic::definition(format!("the number `{}` is too large", shorten(value)));
                self.findings.push(
                    found.at(&place).help("whole numbers have at most 64 bits; put it in quotes to make it a text"),
                );
                Value::Integer(0)
            }
        };
        Node::new(value, place)
    }

    fn key(&mut self, value: &str, style: ScalarStyle, range: Range<usize>) -> Result<(), Diagnostic> {
        let place = self.place(range);
        if style == ScalarStyle::Plain && scalar::resolve(value) == Scalar::Null {
            let found = Diagnostic::definition("a key is missing").at(&place);
            return Err(found.help("a mapping is written `key: value`"));
        }
        let Some(Frame { content: Content::Mapping { first, key, .. }, .. }) = self.frames.last_mut() else {
            return Ok(());
        };
        match first.get(value) {
            Some(earlier) => {
                let found = Diagnostic::definition(format!("the key `{}` is given twice", shorten(value))).at(&place);
                self.findings.push(found.help(format!("it was first given at {earlier}")));
            }
            None => {
                first.insert(value.into(), place.clone());
            }
        }
        let is_merge = style == ScalarStyle::Plain && value == "<<";
        *key = Some((value.into(), place, is_merge));
        Ok(())
    }

    fn open(
        &mut self,
        anchor: usize,
        tag: Option<&Tag>,
        range: Range<usize>,
        content: Content,
    ) -> Result<(), Diagnostic> {
        let start = self.without_anchor(range);
        let place = self.place(start.clone());
        self.refuse_tag(tag, &start);
        if let Some(Frame { content: Content::Mapping { key: None, .. }, .. }) = self.frames.last() {
            let found = Diagnostic::definition("a key must be a text").at(&place);
            return Err(found.help("lists and mappings cannot be keys"));
        }
        if self.frames.len() >= MAX_DEPTH {
            return Err(too_deep(&place));
        }
        self.count(1, &place)?;
        self.frames.push(Frame { start, anchor, content });
        Ok(())
    }

    fn close(&mut self, end: Range<usize>) -> Result<(), Diagnostic> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let (value, last) = match frame.content {
            Content::Sequence(items) => {
                let last = items.last().map(|item| item.place.range().end);
                (Value::Sequence(items), last)
            }
            Content::Mapping { entries, mut first, merged, .. } => {
                let last = entries.last().map(|entry| entry.value.place.range().end);
                (Value::Mapping(merge(entries, &mut first, merged)), last)
            }
        };
        // The end of a block is where the next line starts, the end of `]` or `}` is exact.
        let end = if end.is_empty() { last.unwrap_or(frame.start.end) } else { end.end };
        let node = Node::new(value, self.place(frame.start.start..end.max(frame.start.end)));
        self.anchored(frame.anchor, &node);
        self.add(node)
    }

    fn alias(&mut self, anchor: usize, range: Range<usize>) -> Result<(), Diagnostic> {
        let place = self.place(range);
        self.aliases += 1;
        if self.aliases > MAX_ALIASES {
            let found = Diagnostic::definition(format!("the file has more than {MAX_ALIASES} aliases")).at(&place);
            return Err(found.help("use a parameter or an include"));
        }
        if let Some(Frame { content: Content::Mapping { key: None, .. }, .. }) = self.frames.last() {
            return Err(Diagnostic::definition("an alias cannot be a key").at(&place));
        }
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(Diagnostic::definition(format!("the alias `{}` stands for itself", place.text())).at(&place));
        };
        if self.frames.len() + node.depth() > MAX_DEPTH {
            return Err(too_deep(&place));
        }
        let mut node = node.clone();
        self.count(node.size(), &place)?;
        node.place = place;
        self.add(node)
    }

    /// Puts a finished value where it belongs.
    fn add(&mut self, node: Node) -> Result<(), Diagnostic> {
        match self.frames.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(node),
            Some(Content::Sequence(items)) => items.push(node),
            Some(Content::Mapping { entries, merged, key, .. }) => match key.take() {
                Some((_, _, true)) => merged.extend(mergeable(node)?),
                Some((key, key_place, false)) => entries.push(Entry { key, key_place, value: node }),
                None => {}
            },
        }
        Ok(())
    }

    fn anchored(&mut self, anchor: usize, node: &Node) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    fn count(&mut self, nodes: usize, place: &Place) -> Result<(), Diagnostic> {
        self.nodes += nodes;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        let found = Diagnostic::definition("the file has more than 10,000 values").at(place);
        Err(found.help("aliases count as often as they are used"))
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, range: &Range<usize>) {
        if let Some(tag) = tag {
            let core = if tag.is_yaml_core_schema() { "!!" } else { tag.handle.as_str() };
            let found = Diagnostic::definition(format!("the tag `{core}{}` is not allowed", shorten(&tag.suffix)));
            self.findings.push(
                found.at(&self.place(range.clone())).help("a value's spelling gives its type; quotes make it a text"),
            );
        }
    }

    /// The parser counts an anchor as part of its value; a place does not.
    fn without_anchor(&self, range: Range<usize>) -> Range<usize> {
        let written = self.source.text().get(range.clone()).unwrap_or_default();
        if !written.starts_with('&') {
            return range;
        }
        let anchor = written.find(char::is_whitespace).unwrap_or(written.len());
        let rest = written.get(anchor..).unwrap_or_default().trim_start();
        range.end - rest.len()..range.end
    }

    fn place(&self, range: Range<usize>) -> Place {
        let written = self.source.text().get(range.clone()).unwrap_or_default();
        let end = range.start + written.trim_end().len();
        Place::new(self.source, range.start..end)
    }
}

/// What is said of a value that would be nested too deep at this place.
pub(super) fn too_deep(place: &Place) -> Diagnostic {
    Diagnostic::definition(format!("lists and mappings are nested deeper than {MAX_DEPTH} levels")).at(place)
}

/// The mappings that a merge key takes in.
fn mergeable(node: Node) -> Result<Vec<Node>, Diagnostic> {
    let found = Diagnostic::definition(format!("`<<` takes in mappings, not {}", node.describe())).at(&node.place);
    match node.value {
        Value::Mapping(_) => Ok(vec![node]),
        Value::Sequence(items) if items.iter().all(|item| matches!(item.value, Value::Mapping(_))) => Ok(items),
        _ => Err(found),
    }
}

/// The entries with those of the merged mappings that are not given already; the first to name a key wins.
fn merge(mut entries: Vec<Entry>, first: &mut HashMap<String, Place>, merged: Vec<Node>) -> Vec<Entry> {
    for node in merged {
        let Value::Mapping(others) = node.value else { continue };
        for other in others {
            if !first.contains_key(&other.key) {
                first.insert(other.key.clone(), other.key_place.clone());
                entries.push(other);
            }
        }
    }
    entries
}

/// Where the characters of a text start in bytes; the parser counts characters.
struct Bytes {
    /// Empty for a text of one byte each.
    starts: Vec<u32>,
}

impl Bytes {
    fn of(text: &str) -> Self {
        let is_plain = text.is_ascii();
        let starts = text.char_indices().filter(|_| !is_plain).filter_map(|(at, _)| u32::try_from(at).ok());
        let end = u32::try_from(text.len()).into_iter().filter(|_| !is_plain);
        Self { starts: starts.chain(end).collect() }
    }

    fn at(&self, character: usize) -> usize {
        match self.starts.get(character).or(self.starts.last()) {
            Some(byte) => *byte as usize,
            None => character,
        }
    }
}
