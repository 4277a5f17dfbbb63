//! Text from data, made fit to stand in a page: cut to a length, without characters that break or reorder the text around it.
//!
//! This does not escape: that is `maud`'s part.

use maud::{Markup, html};

/// One line: line breaks and tabs become spaces. At most `most` characters, with an ellipsis where it was longer.
pub(crate) fn line(text: &str, most: usize) -> String {
    let text = text.trim();
    cut(text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}') { ' ' } else { c }), most)
}

/// Several lines: line breaks and tabs stay.
pub(crate) fn block(text: &str, most: usize) -> String {
    cut(text.chars().filter(|c| *c != '\r'), most)
}

/// A line in which what stands between backticks is set as code, as messages have it.
pub(crate) fn prose(text: &str, most: usize) -> Markup {
    let line = line(text, most);
    let parts: Vec<&str> = line.split('`').collect();
    // A backtick without a partner stays what it is.
    let paired = parts.len() % 2 == 1;
    html! {
        @if paired {
            @for (at, part) in parts.iter().enumerate() { @if at % 2 == 1 { code { (part) } } @else { (part) } }
        } @else {
            (line)
        }
    }
}

fn cut(characters: impl Iterator<Item = char>, most: usize) -> String {
    let mut kept = String::new();
    for (index, character) in characters.filter_map(harmless).enumerate() {
        if index == most {
            kept.push('…');
            break;
        }
        kept.push(character);
    }
    kept
}

/// Marks that reorder text are dropped, characters that a document may not hold become `U+FFFD`.
fn harmless(character: char) -> Option<char> {
    match character {
        '\n' | '\t' => Some(character),
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => None,
        '\u{FFFE}' | '\u{FFFF}' => Some('\u{FFFD}'),
        other if other.is_control() => Some('\u{FFFD}'),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_of_a_stated_length() {
        assert_eq!(line("  a\nb\tc  ", 9), "a b c");
        assert_eq!(line("abcdef", 3), "abc…");
        assert_eq!(line("äöü", 3), "äöü");
    }

    #[test]
    fn a_block_keeps_its_lines() {
        assert_eq!(block("a:\r\n  b\n", 99), "a:\n  b\n");
    }

    #[test]
    fn names_between_backticks_are_code() {
        assert_eq!(prose("add `on: [<a>]` to it", 99).into_string(), "add <code>on: [&lt;a&gt;]</code> to it");
        assert_eq!(prose("a ` b", 99).into_string(), "a ` b");
    }

    #[test]
    fn what_would_break_a_page_is_replaced() {
        assert_eq!(line("a\0b\u{202E}c\u{FFFF}", 9), "a\u{FFFD}bc\u{FFFD}");
    }
}
