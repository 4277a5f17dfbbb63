//! A text and how each part of it maps back to the file.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::Place;

/// A text of a pipeline file after its parameters were put in.
///
/// Quotes, block styles and parameters shift the characters of a text against the file; [`Text::within`] undoes the shift,
/// so that a column inside an SQL expression is shown where it was written. Two texts are equal when their values are.
#[derive(Clone)]
pub struct Text {
    value: String,
    place: Place,
    segments: Arc<[Segment]>,
    /// How a text with a secret may be shown and written again; `None`: it holds no secret.
    shown: Option<String>,
}

/// A part of the value and the part of the source that it stands for, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segment {
    pub(super) value: Range<usize>,
    pub(super) source: Range<usize>,
    /// Byte for byte; otherwise the parts only belong together as wholes.
    pub(super) exact: bool,
}

impl Text {
    /// A text at a place, without a finer map.
    pub fn new(value: impl Into<String>, place: Place) -> Self {
        Self { value: value.into(), place, segments: Arc::new([]), shown: None }
    }

    pub(super) fn mapped(value: String, place: Place, segments: Vec<Segment>) -> Self {
        Self { value, place, segments: segments.into(), shown: None }
    }

    /// Makes it a secret that is shown as `shown`.
    pub(super) fn secret(mut self, shown: String) -> Self {
        self.shown = Some(shown);
        self
    }

    /// The same value, standing as a whole at another place.
    pub(super) fn moved(&self, place: &Place) -> Self {
        Self { value: self.value.clone(), place: place.clone(), segments: Arc::new([]), shown: self.shown.clone() }
    }

    /// The text itself.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether some of it came from the environment, so that it must not be shown.
    pub fn is_secret(&self) -> bool {
        self.shown.is_some()
    }

    /// What may be shown: `${env:NAME}` or `***` in the place of a secret.
    pub fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.value)
    }

    /// The text as it may be written in a pipeline file: secrets as in [`Text::shown`], and `${` as `$${`.
    pub fn written(&self) -> String {
        self.shown.clone().unwrap_or_else(|| super::template::escape(&self.value))
    }

    /// Where the whole text stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Where a part of the text stands, given as bytes of [`Text::value`].
    ///
    /// A part of what a parameter put in stands at the parameter; a part of an escaped text that cannot be told apart stands at
    /// the whole text.
    pub fn within(&self, range: Range<usize>) -> Place {
        let end = range.end.max(range.start);
        let Some(first) = self.segment(range.start) else { return self.place.clone() };
        let Some(last) = (if end > range.start { self.segment(end - 1) } else { Some(first) }) else {
            return self.place.clone();
        };
        let from = if first.exact { first.offset(range.start) } else { first.source.start };
        let to = if last.exact { last.offset(end) } else { last.source.end };
        Place::new(self.place.source(), from..to.max(from))
    }

    /// The segment that holds the byte `at`, or the last one when `at` is the end of the text.
    fn segment(&self, at: usize) -> Option<&Segment> {
        let index = self.segments.partition_point(|segment| segment.value.end <= at);
        self.segments.get(index).or_else(|| self.segments.last())
    }

    /// The segments of a part of the text, as if the part started at `start`; one coarse segment when there is no map.
    pub(super) fn cut(&self, part: Range<usize>, start: usize) -> Vec<Segment> {
        if part.is_empty() {
            return Vec::new();
        }
        if self.segments.is_empty() {
            let value = start..start + part.len();
            return vec![Segment { value, source: self.place.range(), exact: false }];
        }
        let overlapping = self.segments.iter().filter(|s| s.value.start < part.end && s.value.end > part.start);
        overlapping
            .map(|segment| {
                let from = segment.value.start.max(part.start);
                let to = segment.value.end.min(part.end);
                let source =
                    if segment.exact { segment.offset(from)..segment.offset(to) } else { segment.source.clone() };
                Segment { value: from - part.start + start..to - part.start + start, source, exact: segment.exact }
            })
            .collect()
    }
}

impl Segment {
    fn offset(&self, at: usize) -> usize {
        self.source.start.saturating_add(at.saturating_sub(self.value.start)).min(self.source.end)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}
