//! The text of the pipeline with line numbers.

use maud::{Markup, html};

use super::{format, text};

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

/// The text, line by line; the numbers are drawn by the style sheet, so that they are not copied with the text.
pub(super) fn listing(pipeline: &str) -> Markup {
    let lines = pipeline.lines().count();
    html! {
        pre.listing tabindex="0" { code {
            @for (at, line) in pipeline.lines().take(MOST_LINES).enumerate() {
                span.line id=(anchor(at + 1)) { (text::block(line, LONGEST_LINE)) "\n" }
            }
        } }
        @if lines > MOST_LINES {
            p.remark { "The first " (format::count(MOST_LINES)) " of " (format::count(lines)) " lines are shown." }
        }
    }
}
