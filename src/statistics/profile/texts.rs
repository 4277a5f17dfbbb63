//! What a column of texts holds.

use xxhash_rust::xxh3::xxh3_64;

use super::mix;
use super::tally::{Slot, Tally};
use crate::statistics::distinct::DistinctCounter;

/// Bytes of a text that are kept.
const KEPT: usize = 160;
/// Lengths that are counted one by one; longer texts count as this long, the longest is known beside.
const LENGTHS: usize = 1_024;
/// Kinds that a column may tell apart.
const KINDS: usize = 32;

/// What characters a text has, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Classes(u16);

impl Classes {
    /// Small letters.
    pub const LOWER: Self = Self(1);
    /// Capital letters.
    pub const UPPER: Self = Self(1 << 1);
    /// Digits.
    pub const DIGIT: Self = Self(1 << 2);
    /// White space inside.
    pub const SPACE: Self = Self(1 << 3);
    /// Other ASCII characters that can be printed.
    pub const PUNCTUATION: Self = Self(1 << 4);
    /// Characters beyond ASCII.
    pub const BEYOND_ASCII: Self = Self(1 << 5);
    /// Control characters.
    pub const CONTROL: Self = Self(1 << 6);
    /// White space at an end.
    pub const UNTRIMMED: Self = Self(1 << 7);
    /// Nothing, or nothing but white space.
    pub const BLANK: Self = Self(1 << 8);
    /// Signs of an encoding gone wrong: the replacement character, or UTF-8 that was read as Latin-1.
    pub const DAMAGED: Self = Self(1 << 9);
    /// How many there are.
    const COUNT: usize = 10;

    /// Whether one of those is among these.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The classes of a text, and its number of characters.
    fn of(text: &str) -> (Self, usize) {
        let mut bits = 0_u16;
        let mut characters = 0;
        for &byte in text.as_bytes() {
            // Bytes that continue a character are none of their own.
            characters += usize::from(byte & 0xc0 != 0x80);
            bits |= match byte {
                b'a'..=b'z' => Self::LOWER.0,
                b'A'..=b'Z' => Self::UPPER.0,
                b'0'..=b'9' => Self::DIGIT.0,
                b' ' | b'\t' | b'\n' | b'\r' => Self::SPACE.0,
                0..=31 | 127 => Self::CONTROL.0,
                33..=126 => Self::PUNCTUATION.0,
                128.. => Self::BEYOND_ASCII.0,
            };
        }
        let trimmed = text.trim();
        if trimmed.is_empty() {
            bits |= Self::BLANK.0;
        } else if trimmed.len() != text.len() {
            bits |= Self::UNTRIMMED.0;
        }
        if bits & Self::BEYOND_ASCII.0 != 0 && is_damaged(text) {
            bits |= Self::DAMAGED.0;
        }
        (Self(bits), characters)
    }
}

/// `Ã` or `Â` before a character that only the second byte of UTF-8 becomes, `â€`, or the replacement character.
fn is_damaged(text: &str) -> bool {
    let mut before = ' ';
    for character in text.chars() {
        let second = ('\u{80}'..='\u{bf}').contains(&character);
        if character == '\u{fffd}' || matches!(before, 'Ã' | 'Â') && second || before == 'â' && character == '€' {
            return true;
        }
        before = character;
    }
    false
}

/// What is known of a kept text.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TextValue {
    start: u32,
    bytes: u16,
    cut: bool,
    kind: u8,
    classes: Classes,
    words: u16,
    characters: u32,
}

/// A column of texts. See the [module](super).
///
/// Lengths, classes and kinds of all rows are exact, because a text that leaves the table hands on what it counted. Distinct
/// texts and the counts of single ones are exact while there are at most `distinct` different texts, and then estimates.
///
/// Time: one look into a table for each text, one scan of its bytes for each different one.
#[derive(Debug, Clone)]
pub struct Texts {
    tally: Tally<TextValue>,
    arena: Vec<u8>,
    distinct: Option<DistinctCounter>,
    kind: fn(&str) -> u8,
    settled: Settled,
    smallest: Option<String>,
    largest: Option<String>,
    characters: u128,
}

/// Rows by what their text is.
#[derive(Debug, Clone, PartialEq)]
struct Settled {
    lengths: Vec<u64>,
    words: u64,
    single: u64,
    classes: [u64; Classes::COUNT],
    /// Rows of texts that have these and no others of the first six classes.
    combined: Vec<u64>,
    kinds: [u64; KINDS],
    shortest: usize,
    longest: usize,
}

impl Default for Settled {
    fn default() -> Self {
        Self {
            lengths: vec![0; LENGTHS + 1],
            words: 0,
            single: 0,
            classes: [0; Classes::COUNT],
            combined: vec![0; 64],
            kinds: [0; KINDS],
            shortest: usize::MAX,
            longest: 0,
        }
    }
}

impl Settled {
    fn push(&mut self, value: &TextValue, times: u64) {
        let characters = value.characters as usize;
        if let Some(count) = self.lengths.get_mut(characters.min(LENGTHS)) {
            *count += times;
        }
        self.words += u64::from(value.words) * times;
        self.single += u64::from(value.words == 1) * times;
        for (bit, count) in self.classes.iter_mut().enumerate() {
            *count += u64::from(value.classes.0 >> bit & 1) * times;
        }
        if let Some(count) = self.combined.get_mut(usize::from(value.classes.0 & 63)) {
            *count += times;
        }
        if let Some(count) = self.kinds.get_mut(usize::from(value.kind)) {
            *count += times;
        }
        self.shortest = self.shortest.min(characters);
        self.longest = self.longest.max(characters);
    }

    fn add(&mut self, other: &Self) {
        let sum = |ours: &mut [u64], theirs: &[u64]| ours.iter_mut().zip(theirs).for_each(|(a, b)| *a += b);
        sum(&mut self.lengths, &other.lengths);
        sum(&mut self.classes, &other.classes);
        sum(&mut self.combined, &other.combined);
        sum(&mut self.kinds, &other.kinds);
        self.words += other.words;
        self.single += other.single;
        self.shortest = self.shortest.min(other.shortest);
        self.longest = self.longest.max(other.longest);
    }
}

/// A hash of a text: two multiplications up to 16 bytes, XXH3 beyond.
#[inline]
#[must_use]
pub fn text_hash(bytes: &[u8]) -> u64 {
    let word = |bytes: &[u8]| {
        let mut word = [0_u8; 8];
        word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        u64::from_le_bytes(word)
    };
    match bytes.len() {
        length @ 0..=8 => mix(word(bytes) ^ (length as u64).wrapping_mul(0xa076_1d64_78bd_642f)),
        _ => xxh3_64(bytes),
    }
}

impl Texts {
    /// Counts texts one by one while there are at most `distinct` different ones. `kind` tells what a text is, as a number
    /// below 32; it is asked once for each different text.
    #[must_use]
    pub fn new(distinct: usize, kind: fn(&str) -> u8) -> Self {
        Self {
            tally: Tally::new(distinct),
            arena: Vec::new(),
            distinct: None,
            kind,
            settled: Settled::default(),
            smallest: None,
            largest: None,
            characters: 0,
        }
    }

    /// Adds a text with its [`text_hash`].
    #[inline]
    pub fn push(&mut self, text: &str, hash: u64) {
        if !self.tally.hit(hash, 1) {
            self.insert(text, hash);
        }
    }

    fn insert(&mut self, text: &str, hash: u64) {
        let (classes, characters) = Classes::of(text);
        let words = text.split_ascii_whitespace().take(usize::from(u16::MAX)).count();
        let kept = keep(text);
        let value = TextValue {
            start: u32::try_from(self.arena.len()).unwrap_or(u32::MAX),
            bytes: u16::try_from(kept.len()).unwrap_or(u16::MAX),
            cut: kept.len() < text.len(),
            kind: (self.kind)(text),
            classes,
            words: u16::try_from(words).unwrap_or(u16::MAX),
            characters: u32::try_from(characters).unwrap_or(u32::MAX),
        };
        self.arena.extend_from_slice(kept.as_bytes());
        if self.smallest.as_deref().is_none_or(|smallest| kept < smallest) {
            self.smallest = Some(kept.to_owned());
        }
        if self.largest.as_deref().is_none_or(|largest| kept > largest) {
            self.largest = Some(kept.to_owned());
        }
        if let Some(distinct) = &mut self.distinct {
            distinct.push_hash(hash);
        }
        if self.tally.insert(hash, 1, value) {
            self.count_distinct();
            let dropped = self.tally.shrink();
            self.settle(&dropped);
            self.compact();
        }
    }

    fn count_distinct(&mut self) {
        let tally = &self.tally;
        self.distinct.get_or_insert_with(|| {
            let mut distinct = DistinctCounter::new();
            tally.iter().for_each(|slot| distinct.push_hash(slot.hash));
            distinct
        });
    }

    /// Takes over what texts that leave the table have counted since they came.
    fn settle(&mut self, dropped: &[Slot<TextValue>]) {
        for slot in dropped {
            self.characters += u128::from(slot.payload.characters) * u128::from(slot.count - slot.error);
            self.settled.push(&slot.payload, slot.count - slot.error);
        }
    }

    /// Leaves out what no kept text needs.
    fn compact(&mut self) {
        let before = std::mem::take(&mut self.arena);
        for value in self.tally.payloads() {
            let bytes = slice(&before, value);
            value.start = u32::try_from(self.arena.len()).unwrap_or(u32::MAX);
            self.arena.extend_from_slice(bytes);
        }
    }

    /// Joins later texts to these.
    pub fn merge(&mut self, later: &Self) {
        if self.distinct.is_some() || later.distinct.is_some() || self.tally.len() + later.tally.len() > 0 {
            self.count_distinct();
        }
        if let Some(distinct) = &mut self.distinct {
            match &later.distinct {
                Some(more) => distinct.merge(more),
                None => later.tally.iter().for_each(|slot| distinct.push_hash(slot.hash)),
            }
        }
        self.settled.add(&later.settled);
        self.characters += later.characters;
        let arena = &mut self.arena;
        let adopt = |value: &TextValue| {
            let start = u32::try_from(arena.len()).unwrap_or(u32::MAX);
            arena.extend_from_slice(slice(&later.arena, value));
            TextValue { start, ..*value }
        };
        let dropped = self.tally.merge(&later.tally, adopt);
        self.settle(&dropped);
        if self.tally.is_exact() {
            self.distinct = None;
        }
        self.compact();
        let theirs = later
            .range()
            .filter(|(smallest, largest)| self.range().is_none_or(|ours| *smallest < ours.0 || *largest > ours.1));
        if let Some((smallest, largest)) = theirs {
            let ours = self.range().unwrap_or((smallest, largest));
            let range = (ours.0.min(smallest).to_owned(), ours.1.max(largest).to_owned());
            (self.smallest, self.largest) = (Some(range.0), Some(range.1));
        }
    }

    fn totals(&self) -> Settled {
        let mut totals = self.settled.clone();
        self.tally.iter().for_each(|slot| totals.push(&slot.payload, slot.count - slot.error));
        totals
    }

    /// Texts.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.tally.total()
    }

    /// Whether counts of single texts are exact and every different text is kept.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.tally.is_exact()
    }

    /// Different texts, and the standard error of that number as a share of it; 0 when exact.
    #[must_use]
    pub fn distinct(&self) -> (u64, f64) {
        match &self.distinct {
            None => (self.tally.len() as u64, 0.0),
            Some(distinct) => (distinct.count(), distinct.standard_error()),
        }
    }

    /// The kept texts (long ones cut to 160 bytes), each with its slot; the most frequent first, `number` at most.
    #[must_use]
    pub fn top(&self, number: usize) -> Vec<(&str, Slot<TextValue>)> {
        let top = self.tally.top(number).into_iter();
        let mut top: Vec<(&str, Slot<TextValue>)> = top.map(|slot| (self.text(&slot.payload), slot)).collect();
        top.sort_by(|a, b| b.1.count.cmp(&a.1.count).then_with(|| a.0.cmp(b.0)));
        top
    }

    /// The kept part of a text.
    #[must_use]
    pub fn text(&self, value: &TextValue) -> &str {
        std::str::from_utf8(slice(&self.arena, value)).unwrap_or_default()
    }

    /// By how much a count may be too large at most.
    #[must_use]
    pub fn largest_error(&self) -> u64 {
        self.tally.largest_error()
    }

    /// Rows whose text has a class.
    #[must_use]
    pub fn with(&self, class: Classes) -> u64 {
        let totals = self.totals();
        totals.classes.get(class.0.trailing_zeros() as usize).copied().unwrap_or(0)
    }

    /// Rows whose text has nothing but these of the first six classes.
    #[must_use]
    pub fn only(&self, classes: &[Classes]) -> u64 {
        let allowed = classes.iter().fold(0, |bits, class| bits | class.0);
        let totals = self.totals();
        let alone = totals.combined.iter().enumerate().filter(|(bits, _)| *bits != 0 && *bits as u16 & !allowed == 0);
        alone.map(|(_, count)| count).sum()
    }

    /// Rows by the kind of their text.
    #[must_use]
    pub fn kinds(&self) -> [u64; KINDS] {
        self.totals().kinds
    }

    /// Words of all texts, and texts that are one word.
    #[must_use]
    pub fn words(&self) -> (u64, u64) {
        let totals = self.totals();
        (totals.words, totals.single)
    }

    /// Characters of the shortest and the longest text.
    #[must_use]
    pub fn length_range(&self) -> Option<(usize, usize)> {
        let totals = self.totals();
        (self.count() > 0).then_some((totals.shortest, totals.longest))
    }

    /// Characters of all texts.
    #[must_use]
    pub fn characters(&self) -> u128 {
        let kept = self.tally.iter();
        self.characters
            + kept.map(|slot| u128::from(slot.payload.characters) * u128::from(slot.count - slot.error)).sum::<u128>()
    }

    /// Rows by the number of characters of their text: `lengths[n]`, the last of all longer ones too.
    #[must_use]
    pub fn lengths(&self) -> Vec<u64> {
        self.totals().lengths
    }

    /// The smallest and the largest text by their bytes, cut as kept texts are.
    #[must_use]
    pub fn range(&self) -> Option<(&str, &str)> {
        Some((self.smallest.as_deref()?, self.largest.as_deref()?))
    }
}

impl TextValue {
    /// What characters the text has.
    #[must_use]
    pub fn classes(&self) -> Classes {
        self.classes
    }

    /// What the text is, as the column's `kind` says.
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.kind
    }

    /// Whether it is longer than what is kept of it.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }
}

fn slice<'a>(arena: &'a [u8], value: &TextValue) -> &'a [u8] {
    let start = value.start as usize;
    arena.get(start..start + usize::from(value.bytes)).unwrap_or_default()
}

/// The beginning of a text, at most [`KEPT`] bytes of whole characters.
fn keep(text: &str) -> &str {
    let mut end = text.len().min(KEPT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
