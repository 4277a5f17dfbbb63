//! `translate`: characters that become others or go.

use std::collections::HashMap;

/// What `translate(text, from, to)` does to each character: that at a place of `from` becomes the one at the same place of `to`, or
/// goes where `to` is shorter. Of a character that stands in `from` twice the first place counts.
pub(super) struct Translation {
    /// What becomes of an ASCII character; most texts have no other.
    ascii: [Fate; 128],
    others: HashMap<char, Fate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Goes,
    Becomes(char),
}

impl Translation {
    pub(super) fn new(from: &str, to: &str) -> Self {
        let mut translation = Self { ascii: [Fate::Stays; 128], others: HashMap::new() };
        let mut targets = to.chars();
        for character in from.chars() {
            let fate = targets.next().map_or(Fate::Goes, Fate::Becomes);
            let slot = match translation.ascii.get_mut(character as usize) {
                Some(slot) => slot,
                None => translation.others.entry(character).or_insert(Fate::Stays),
            };
            if *slot == Fate::Stays {
                *slot = fate;
            }
        }
        translation
    }

    /// Appends the translated text.
    ///
    /// Cost: O(length of the text).
    pub(super) fn write(&self, text: &str, out: &mut String) {
        let mut rest = text;
        // What stays is copied in one piece up to the next character that does not.
        while let Some((at, character, fate)) = self.next_changed(rest) {
            out.push_str(rest.get(..at).unwrap_or_default());
            if let Fate::Becomes(other) = fate {
                out.push(other);
            }
            rest = rest.get(at + character.len_utf8()..).unwrap_or_default();
        }
        out.push_str(rest);
    }

    fn next_changed(&self, text: &str) -> Option<(usize, char, Fate)> {
        if self.others.is_empty() || text.is_ascii() {
            // No byte of a longer character is one of ASCII.
            return text.bytes().enumerate().find_map(|(at, byte)| match self.ascii.get(usize::from(byte)) {
                None | Some(Fate::Stays) => None,
                Some(fate) => Some((at, char::from(byte), *fate)),
            });
        }
        text.char_indices().find_map(|(at, character)| match self.fate(character) {
            Fate::Stays => None,
            fate => Some((at, character, fate)),
        })
    }

    fn fate(&self, character: char) -> Fate {
        let known = self.ascii.get(character as usize).or_else(|| self.others.get(&character));
        known.copied().unwrap_or(Fate::Stays)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn translated(text: &str, from: &str, to: &str) -> String {
        let mut out = String::new();
        Translation::new(from, to).write(text, &mut out);
        out
    }

    #[test]
    fn characters_become_others_or_go() {
        // Values of DuckDB 2.0.1.
        assert_eq!(translated("$1,234.50", "$,", ""), "1234.50");
        assert_eq!(translated("12345", "143", "ax"), "a2x5");
        assert_eq!(translated("naïve café", "ïé", "i"), "naive caf");
        assert_eq!(translated("aba", "aa", "xy"), "xbx");
        assert_eq!(translated("", "a", "b"), "");
        assert_eq!(translated("abc", "", "xyz"), "abc");
    }

    proptest! {
        #[test]
        fn each_character_is_looked_up_by_itself(text in "[a-dé€ü]{0,12}", from in "[a-dé€]{0,5}", to in "[w-zäß]{0,5}") {
            let slow: String = text
                .chars()
                .filter_map(|c| match from.chars().position(|wanted| wanted == c) {
                    None => Some(c),
                    Some(place) => to.chars().nth(place),
                })
                .collect();
            prop_assert_eq!(translated(&text, &from, &to), slow);
        }
    }
}
