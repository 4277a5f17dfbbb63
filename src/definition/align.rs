//! Which bytes of a scalar's value stand for which bytes of the file.

use std::ops::Range;

use saphyr_parser::ScalarStyle;

use super::text::Segment;

/// The map of the scalar that stands at `range` of `source` (quotes included, a block's header not).
///
/// `indent` is the column of a block scalar's first character. Whatever cannot be followed with certainty gives an empty map:
/// then only the whole is known.
pub(super) fn align(source: &str, range: Range<usize>, style: ScalarStyle, indent: usize, value: &str) -> Vec<Segment> {
    let written = source.get(range.clone()).unwrap_or_default();
    let map = Map { value, at: 0, segments: Vec::new() };
    let map = match style {
        ScalarStyle::Plain => flow(map, written, range.start, style),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            let inner = written.get(1..written.len().saturating_sub(1)).unwrap_or_default();
            flow(map, inner, range.start + 1, style)
        }
        ScalarStyle::Literal | ScalarStyle::Folded => block(map, written, range.start, indent),
    };
    map.filter(|map| map.at == value.len()).map(|map| map.segments).unwrap_or_default()
}

/// The part of the value that is mapped so far.
struct Map<'a> {
    value: &'a str,
    at: usize,
    segments: Vec<Segment>,
}

impl Map<'_> {
    fn rest(&self) -> &str {
        self.value.get(self.at..).unwrap_or_default()
    }

    /// Maps the next bytes of the value to themselves at `source`.
    fn exact(&mut self, text: &str, source: usize) -> Option<()> {
        self.rest().starts_with(text).then_some(())?;
        if let Some(last) = self.segments.last_mut()
            && last.exact
            && last.source.end == source
        {
            last.source.end += text.len();
            last.value.end += text.len();
        } else if !text.is_empty() {
            let value = self.at..self.at + text.len();
            self.segments.push(Segment { value, source: source..source + text.len(), exact: true });
        }
        self.at += text.len();
        Some(())
    }

    /// Maps the next `bytes` of the value to `source` as a whole.
    fn coarse(&mut self, bytes: usize, source: Range<usize>) {
        if bytes > 0 {
            self.segments.push(Segment { value: self.at..self.at + bytes, source, exact: false });
            self.at += bytes;
        }
    }
}

/// Plain and quoted scalars.
fn flow<'a>(mut map: Map<'a>, written: &str, start: usize, style: ScalarStyle) -> Option<Map<'a>> {
    let mut at = 0;
    while let Some(rest) = written.get(at..).filter(|rest| !rest.is_empty()) {
        if style == ScalarStyle::DoubleQuoted && rest.starts_with('\\') {
            let length = escape_length(rest);
            let is_line_continuation = rest.get(1..).is_some_and(|after| after.starts_with(['\n', '\r']));
            let bytes = if is_line_continuation { 0 } else { map.rest().chars().next()?.len_utf8() };
            map.coarse(bytes, start + at..start + at + length);
            at += length;
        } else if style == ScalarStyle::SingleQuoted && rest.starts_with("''") {
            map.coarse(1, start + at..start + at + 2);
            at += 2;
        } else if let Some((length, breaks)) = line_fold(rest) {
            let bytes = if breaks == 1 { 1 } else { breaks - 1 };
            let folded = map.rest().get(..bytes)?;
            (folded == " " || folded.bytes().all(|byte| byte == b'\n')).then_some(())?;
            map.coarse(bytes, start + at..start + at + length);
            at += length;
        } else {
            let character = rest.chars().next()?;
            let mut buffer = [0; 4];
            map.exact(character.encode_utf8(&mut buffer), start + at)?;
            at += character.len_utf8();
        }
    }
    Some(map)
}

/// Bytes of the escape sequence at the start of `rest`; an escaped line break takes the next line's indentation along.
fn escape_length(rest: &str) -> usize {
    let mut characters = rest.chars().skip(1);
    match characters.next() {
        Some('x') => 4,
        Some('u') => 6,
        Some('U') => 10,
        Some('\n' | '\r') => rest.len() - rest.get(1..).unwrap_or_default().trim_start().len(),
        Some(other) => 1 + other.len_utf8(),
        None => 1,
    }
}

/// The length of the white space at the start of `rest` when it holds line breaks, and how many.
fn line_fold(rest: &str) -> Option<(usize, usize)> {
    let length = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    let breaks = rest.get(..length)?.matches('\n').count();
    (breaks > 0).then_some((length, breaks))
}

/// Literal and folded scalars; `written` starts at the first character of the first line.
fn block<'a>(mut map: Map<'a>, written: &str, start: usize, indent: usize) -> Option<Map<'a>> {
    let mut at = 0;
    let mut breaks: Option<Range<usize>> = None;
    let mut count = 0;
    for (number, line) in written.split_inclusive('\n').enumerate() {
        let ending = line.len() - line.trim_end_matches(['\n', '\r']).len();
        let body = line.get(..line.len() - ending)?;
        let margin = if number == 0 { 0 } else { body.bytes().take(indent).take_while(|byte| *byte == b' ').count() };
        let content = body.get(margin..)?;
        if !content.is_empty() {
            if let Some(source) = breaks.take() {
                fold(&mut map, count, source);
            }
            map.exact(content, start + at + margin)?;
            count = 0;
        }
        let from = breaks.take().map_or(start + at + body.len(), |range| range.start);
        breaks = (ending > 0).then(|| from..start + at + line.len());
        count += usize::from(ending > 0);
        at += line.len();
    }
    if let Some(source) = breaks {
        fold(&mut map, count, source);
    }
    Some(map)
}

/// Maps what `count` line breaks became: as many line feeds, one fewer, or a space.
fn fold(map: &mut Map<'_>, count: usize, source: Range<usize>) {
    let feeds = map.rest().bytes().take(count).take_while(|byte| *byte == b'\n').count();
    let bytes = if feeds == 0 && map.rest().starts_with(' ') { 1 } else { feeds };
    map.coarse(bytes, source);
}
