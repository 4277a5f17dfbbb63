//! What is wrong with an expression, and where in its text.

use std::ops::Range;

use super::Span;
use crate::diagnostic::{Diagnostic, Place};

/// One finding in an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where it is wrong: bytes of the SQL text. Empty for trees that were not written as text.
    pub span: Range<usize>,
    /// A remark at the place, such as the nearest right name.
    pub label: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
}

impl ExpressionError {
    /// An error at that place.
    pub fn new(message: impl Into<String>, span: impl Into<Span>) -> Self {
        Self { message: message.into(), span: span.into().range(), label: None, help: None }
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

    /// The finding in the file that holds the expression: `place` is where the expression `sql` stands in it.
    ///
    /// The exact place is known when the file holds the text as it was read; where YAML's quoting changed it, the whole
    /// expression is pointed at and the part is named in the label.
    pub fn into_diagnostic(self, place: &Place, sql: &str) -> Diagnostic {
        let exact = place.text().find(sql).map(|offset| {
            let start = place.range().start + offset;
            Place::new(place.source(), start + self.span.start..start + self.span.end)
        });
        let named = match &exact {
            Some(_) => None,
            None => sql.get(self.span.clone()).filter(|part| !part.is_empty()).map(|part| format!("at `{part}`")),
        };
        let label = match (named, self.label) {
            (Some(named), Some(label)) => Some(format!("{named}: {label}")),
            (named, label) => label.or(named),
        };
        Diagnostic {
            label,
            help: self.help,
            ..Diagnostic::definition(self.message).at(exact.as_ref().unwrap_or(place))
        }
    }
}

impl Span {
    /// The bytes of the span.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The smallest span that holds both; an empty span is held by every other.
    pub fn union(self, other: Span) -> Span {
        match (self.start == self.end, other.start == other.end) {
            (true, _) => other,
            (_, true) => self,
            _ => Span { start: self.start.min(other.start), end: self.end.max(other.end) },
        }
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: byte(range.start), end: byte(range.end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    #[test]
    fn a_finding_points_into_the_file_that_holds_the_expression() {
        let source = Source::new("p.yaml", "- filter: \"carier = 'AA'\"\n");
        let error = ExpressionError::new("unknown column `carier`", 0..6).label("did you mean `carrier`?");
        let diagnostic = error.into_diagnostic(&Place::new(&source, 10..25), "carier = 'AA'");
        assert_eq!(diagnostic.place.as_ref().map(Place::text), Some("carier"));
        assert_eq!(diagnostic.label.as_deref(), Some("did you mean `carrier`?"));
    }

    #[test]
    fn where_quoting_changed_the_text_the_part_is_named() {
        let source = Source::new("p.yaml", "- filter: 'carier = ''AA'''\n");
        let error = ExpressionError::new("unknown column `carier`", 0..6);
        let diagnostic = error.into_diagnostic(&Place::new(&source, 10..27), "carier = 'AA'");
        assert_eq!(diagnostic.place.as_ref().map(Place::text), Some("'carier = ''AA'''"));
        assert_eq!(diagnostic.label.as_deref(), Some("at `carier`"));
    }
}
