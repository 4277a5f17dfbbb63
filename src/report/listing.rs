//! The text of the pipeline with line numbers.

use maud::{Markup, html};

use super::table::cut;
use super::{format, text};
use crate::run::manifest::RunRecord;

/// The most lines.
const MOST_LINES: usize = 2_000;
/// The most characters of a line.
const LONGEST_LINE: usize = 400;

/// The anchor of a line.
pub(super) fn anchor(line: usize) -> String {
    format!("line-{line}")
}

/// How many lines are shown.
pub(super) fn shown(pipeline: &str) -> usize {
    pipeline.lines().take(MOST_LINES).count()
}

/// The text, closed at first; nothing when there is none. Its numbers are drawn by the style sheet, so that they are not copied with the text.
pub(super) fn listing(record: &RunRecord) -> Option<Markup> {
    let lines = record.text.lines().count();
    (lines > 0).then(|| {
        html! {
            details.open-in-print {
                summary { (text::line(&record.file, 200)) ", " (format::count(lines)) " lines" }
                pre.listing tabindex="0" { code {
                    @for (at, line) in record.text.lines().take(MOST_LINES).enumerate() {
                        span.line id=(anchor(at + 1)) { (text::block(line, LONGEST_LINE)) "\n" }
                    }
                } }
                (cut(MOST_LINES, lines, "lines"))
            }
        }
    })
}
