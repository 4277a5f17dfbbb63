//! Texts from data, made safe for a header, a subject, a variable or a line of a log: one line, of a stated length.

/// Characters that move the cursor, break a line or turn the direction of writing.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// One line of at most `most` characters: what cannot be seen is a space, and `…` stands for what is cut off.
pub(super) fn line(text: &str, most: usize) -> String {
    let shown = text.chars().map(|c| if is_unseen(c) { ' ' } else { c });
    cut(shown.take(most.saturating_add(1)).collect(), most)
}

/// The same, but line feeds stay; a line break of any kind is a line feed.
pub(super) fn block(text: &str, most: usize) -> String {
    let mut before = ' ';
    let shown = text.chars().filter_map(|c| {
        let shown = match c {
            '\n' if before == '\r' => None,
            '\n' | '\r' => Some('\n'),
            c if is_unseen(c) => Some(' '),
            c => Some(c),
        };
        before = c;
        shown
    });
    cut(shown.take(most.saturating_add(1)).collect(), most)
}

/// Only what can be seen of ASCII, as headers and identifiers may have it: every other character is `_`.
pub(super) fn visible(text: &str, most: usize) -> String {
    text.chars().take(most).map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect()
}

fn cut(text: String, most: usize) -> String {
    // The last character that fits; what is behind it makes way for the sign that something is.
    let Some((last, _)) = text.char_indices().nth(most.saturating_sub(1)) else { return text };
    match text.char_indices().nth(most) {
        Some(_) => format!("{}…", text.get(..last).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_has_no_breaks_and_a_bounded_length() {
        assert_eq!(line("a\r\nb\tc\u{2028}d\u{202e}e\0f", 99), "a  b c d e f");
        assert_eq!(line("abcdef", 6), "abcdef");
        assert_eq!(line("abcdefg", 6), "abcde…");
        assert_eq!(line("äöüßéèx", 6), "äöüßé…");
        assert_eq!(line("", 6), "");
        assert_eq!(line("ab", 1), "…");
    }

    #[test]
    fn a_block_keeps_its_lines() {
        assert_eq!(block("a\r\nb\rc\n\nd\u{1b}[31m", 99), "a\nb\nc\n\nd [31m");
        assert_eq!(block("ab\ncd", 4), "ab\n…");
    }

    #[test]
    fn an_identifier_is_visible_ascii() {
        assert_eq!(visible("run/20261127-1/failure/web hook\r\n\u{e9}", 99), "run/20261127-1/failure/web_hook___");
        assert_eq!(visible("abc", 2), "ab");
    }

    proptest! {
        #[test]
        fn no_line_can_hold_a_break_or_be_too_long(text in "(.|[\r\n\u{85}\u{2028}\u{2029}\u{b}\u{c}]){0,60}", most in 1usize..50) {
            let line = line(&text, most);
            let breaks = ['\r', '\n', '\u{85}', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}', '\0'];
            prop_assert!(!line.contains(breaks));
            prop_assert!(line.chars().count() <= most);
            prop_assert!(block(&text, most).chars().count() <= most);
            prop_assert!(visible(&text, most).bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        }
    }
}
