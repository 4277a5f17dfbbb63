//! The text of a definition with its keys, texts and comments told apart.

use maud::{Markup, html};

use super::super::super::super::store::Job;
use crate::report::text;

/// The most lines that are shown.
const MOST_LINES: usize = 500;
/// The most characters of one line.
const LONGEST_LINE: usize = 400;

/// The definition that is in force.
pub(super) fn listing(job: &Job, source: &str) -> Markup {
    let lines = source.lines().count();
    html! {
        @if job.problem.is_some() { p.remark { "This is the last good version; the file has changed since." } }
        pre.listing.yaml tabindex="0" aria-label="Definition" { code {
            @for line in source.lines().take(MOST_LINES) { span.line { (coloured(&text::block(line, LONGEST_LINE))) "\n" } }
        } }
        @if lines > MOST_LINES { p.remark { (super::words::count((lines - MOST_LINES) as u64, "more line", "more lines")) " are left out." } }
    }
}

/// A line of YAML: its key, what stands in quotes, and the comment. Good enough to read by; nothing depends on it.
fn coloured(line: &str) -> Markup {
    let (code, comment) = split_comment(line);
    let indent = code.len() - code.trim_start_matches([' ', '-']).len();
    let (before, rest) = code.split_at(indent);
    let key = rest.find(':').filter(|end| {
        let (name, behind) = rest.split_at(*end);
        !name.is_empty()
            && !name.contains(['"', '\'', '{', '[', ' '])
            && (behind.len() == 1 || behind.starts_with(": "))
    });
    html! {
        (before)
        @match key {
            Some(end) => {
                @let (name, value) = rest.split_at(end);
                span.k { (name) } (quoted(value))
            }
            None => (quoted(rest)),
        }
        @if !comment.is_empty() { span.c { (comment) } }
    }
}

/// Texts in quotes.
fn quoted(code: &str) -> Markup {
    let mut parts: Vec<(bool, &str)> = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(['"', '\'']) {
        let (plain, from) = rest.split_at(start);
        let quote = from.chars().next().unwrap_or('"');
        let Some(length) = from.get(1..).and_then(|inner| inner.find(quote)) else { break };
        let (text, behind) = from.split_at(length + 2);
        parts.push((false, plain));
        parts.push((true, text));
        rest = behind;
    }
    parts.push((false, rest));
    html! { @for (is_text, part) in parts { @if is_text { span.s { (part) } } @else { (part) } } }
}

/// Where the comment begins: at a `#` that stands first or behind a space, outside of quotes.
fn split_comment(line: &str) -> (&str, &str) {
    let mut quote = None;
    let mut before = ' ';
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            (None, '#') if before.is_whitespace() => return line.split_at(at),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if letter == open => quote = None,
            _ => {}
        }
        before = letter;
    }
    (line, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_texts_and_comments_are_told_apart() {
        let html = |line| coloured(line).into_string();
        assert_eq!(
            html("schedule: {cron: \"0 2 * * *\"}  # each night"),
            "<span class=\"k\">schedule</span>: {cron: <span class=\"s\">&quot;0 2 * * *&quot;</span>}  <span class=\"c\"># each night</span>"
        );
        assert_eq!(html("  - after: x"), "  - <span class=\"k\">after</span>: x");
        assert_eq!(html("- \"a # b\""), "- <span class=\"s\">&quot;a # b&quot;</span>");
        assert_eq!(html("a'b \"é"), "a'b &quot;é");
    }

    #[test]
    fn nothing_of_a_line_is_markup() {
        assert_eq!(
            coloured("<b>: '<i>'").into_string(),
            "<span class=\"k\">&lt;b&gt;</span>: <span class=\"s\">'&lt;i&gt;'</span>"
        );
    }
}
