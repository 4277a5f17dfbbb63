//! A text is cut into units: words by a plain rule, or characters.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::specification::{TextOptions, TextUnit};

/// Of a longer word, the first characters count.
const LONGEST_WORD: usize = 64;

/// The units of one text after the other; memory is used again.
#[derive(Debug, Default, Clone)]
pub(super) struct Units {
    text: String,
    places: Vec<Range<usize>>,
    joined: String,
}

impl Units {
    /// Cuts a text.
    pub(super) fn read(&mut self, text: &str, spec: &TextOptions) {
        self.text.clear();
        self.places.clear();
        if text.is_ascii() {
            self.text.push_str(text);
            if spec.lowercase {
                self.text.make_ascii_lowercase();
            }
        } else {
            self.text.extend(text.nfc());
            if spec.lowercase {
                // Of the whole text: a sigma at the end of a word has a form of its own.
                self.text = self.text.to_lowercase();
            }
        }
        match spec.unit {
            TextUnit::Words => self.cut_words(spec.punctuation),
            TextUnit::Characters => self.cut_characters(),
        }
    }

    /// How many units there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The text of `n` units from `first` on: words with a space between them, characters without.
    pub(super) fn ngram(&mut self, first: usize, n: usize, unit: TextUnit) -> &str {
        let places = self.places.get(first..first + n).unwrap_or_default();
        if let [only] = places {
            return self.text.get(only.clone()).unwrap_or_default();
        }
        self.joined.clear();
        for (at, place) in places.iter().enumerate() {
            if at > 0 && unit == TextUnit::Words {
                self.joined.push(' ');
            }
            self.joined.push_str(self.text.get(place.clone()).unwrap_or_default());
        }
        &self.joined
    }

    fn cut_words(&mut self, punctuation: bool) {
        let mut word: Option<Range<usize>> = None;
        let mut characters = 0;
        let mut apostrophe = None;
        for (at, character) in self.text.char_indices() {
            let end = at + character.len_utf8();
            if is_ideograph(character) {
                self.places.extend(word.take());
                self.places.push(at..end);
                apostrophe = None;
            } else if is_of_word(character) {
                let range = word.get_or_insert_with(|| {
                    characters = 0;
                    at..at
                });
                // An apostrophe before it was inside of the word after all.
                characters += 1 + usize::from(apostrophe.take().is_some());
                if characters <= LONGEST_WORD {
                    range.end = end;
                }
            } else if word.is_some() && apostrophe.is_none() && matches!(character, '\'' | '\u{2019}') {
                apostrophe = Some(at..end);
            } else {
                self.places.extend(word.take());
                if punctuation {
                    self.places.extend(apostrophe.take());
                    if !character.is_whitespace() && !character.is_control() {
                        self.places.push(at..end);
                    }
                }
                apostrophe = None;
            }
        }
        self.places.extend(word);
        if punctuation {
            self.places.extend(apostrophe);
        }
    }

    fn cut_characters(&mut self) {
        let mut spaced = true;
        for (at, character) in self.text.char_indices() {
            let is_space = character.is_whitespace();
            if !(is_space && spaced) {
                self.places.push(at..at + character.len_utf8());
            }
            spaced = is_space;
        }
        let last = self.places.last().and_then(|place| self.text.get(place.clone()));
        if last.is_some_and(|last| last.chars().all(char::is_whitespace)) {
            self.places.pop();
        }
        // Every kind of white space is the same unit.
        if self.places.iter().any(|place| self.text.get(place.clone()).is_some_and(is_odd_space)) {
            let spaced = |place: &Range<usize>| match self.text.get(place.clone()) {
                Some(space) if is_odd_space(space) => ' ',
                other => other.and_then(|text| text.chars().next()).unwrap_or(' '),
            };
            let text: String = self.places.iter().map(spaced).collect();
            self.places = text.char_indices().map(|(at, c)| at..at + c.len_utf8()).collect();
            self.text = text;
        }
    }
}

fn is_odd_space(text: &str) -> bool {
    text != " " && text.chars().all(char::is_whitespace)
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || (!character.is_ascii() && is_combining_mark(character))
}

/// Ideographs of Chinese and Japanese (the blocks of Unicode's Unified Ideographs and their extensions).
fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}
