//! Findings that a person can act on: what, where, why and what to do.
//!
//! Every layer describes its trouble as [`Diagnostic`]s; only the command line renders them. A [`Place`] knows the text it
//! stands in, so a finding can be shown with its line without reading the file again.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A text in which findings have places: a pipeline file, an included file, or an argument of the command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
}

impl Source {
    /// Keeps `text` under the `name` that people know it by (a path, or `--set late_after`).
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into() })
    }

    /// The name shown to people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A range of bytes in a [`Source`].
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    source: Arc<Source>,
    range: Range<usize>,
}

impl Place {
    /// A place in `source`; a range that does not fit the text is clamped to it and widened to whole characters.
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        let text = source.text();
        let mut start = range.start.min(text.len());
        let mut end = range.end.clamp(start, text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        while !text.is_char_boundary(end) {
            end += 1;
        }
        Self { source: Arc::clone(source), range: start..end }
    }

    /// The text in which the place stands.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The bytes of the place.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The text at the place.
    pub fn text(&self) -> &str {
        self.source.text().get(self.range.clone()).unwrap_or_default()
    }

    /// Line of the first character, counted from 1.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// Column of the first character, counted from 1 in characters.
    pub fn column(&self) -> usize {
        self.before().rsplit('\n').next().unwrap_or_default().chars().count() + 1
    }

    fn before(&self) -> &str {
        self.source.text().get(..self.range.start).unwrap_or_default()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name(), self.line(), self.column())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something to look at; the run goes on.
    Warning,
    /// The run cannot start or go on.
    Error,
}

/// What kind of trouble an error is; it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A stage failed while it ran.
    Stage,
    /// The definition or the command line is wrong.
    Definition,
    /// The data cannot be read, or a `validate` stage refused them.
    Data,
    /// A limit was reached: memory, disk, a declared size, time.
    Limit,
    /// The process that did the work died.
    Worker,
    /// An output or the state could not be written.
    Output,
    /// Somebody asked the run to stop.
    Interrupted,
}

impl Class {
    /// The exit code of the process when this is the gravest trouble.
    pub fn exit_code(self) -> u8 {
        match self {
            Class::Stage => 1,
            Class::Definition => 2,
            Class::Data => 3,
            Class::Limit => 4,
            Class::Worker => 5,
            Class::Output => 6,
            Class::Interrupted => 130,
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// What kind of trouble it is.
    pub class: Class,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where it is wrong.
    pub place: Option<Place>,
    /// A remark at the place, such as the nearest right name.
    pub label: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error of the given class.
    pub fn error(class: Class, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, class, message: message.into(), place: None, label: None, help: None }
    }

    /// An error in the definition or on the command line.
    pub fn definition(message: impl Into<String>) -> Self {
        Self::error(Class::Definition, message)
    }

    /// A warning about the definition.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::definition(message) }
    }

    /// Says where.
    pub fn at(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }

    /// Says where, unless a more precise place is known already.
    pub fn or_at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    /// Adds a remark at the place.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}", self.message)?;
        if let Some(label) = &self.label {
            write!(f, ": {label}")?;
        }
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// Everything that was found, in the order of finding.
pub type Findings = Vec<Diagnostic>;

/// The candidate that `name` most likely stands for, if one is near enough to be worth suggesting.
///
/// Near means a Damerau-Levenshtein distance of at most a third of the longer name, or the same letters in another case.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (wanted.len().max(candidate.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_columns_from_one_in_characters() {
        let source = Source::new("p.yaml", "a: 1\nbé: zwei\n");
        let place = Place::new(&source, 10..14);
        assert_eq!((place.line(), place.column(), place.text()), (2, 5, "zwei"));
        assert_eq!(place.to_string(), "p.yaml:2:5");
    }

    #[test]
    fn a_place_outside_the_text_is_clamped() {
        let source = Source::new("p.yaml", "é");
        assert_eq!(Place::new(&source, 1..99).text(), "é");
        assert_eq!(Place::new(&source, 50..99).text(), "");
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("carier", ["carrier", "origin"]), Some("carrier"));
        assert_eq!(nearest("Origin", ["carrier", "origin"]), Some("origin"));
        assert_eq!(nearest("zzz", ["carrier", "origin"]), None);
    }
}
