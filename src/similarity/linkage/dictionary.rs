//! Distinct texts of a column under codes.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use super::MISSING;

/// Distinct texts under codes that count from 0 in the order of their first appearance.
#[derive(Debug, Clone)]
pub struct Dictionary {
    bytes: String,
    /// Where each text ends; it begins where the one before ends.
    ends: Vec<usize>,
    /// How often each text was seen.
    counts: Vec<u32>,
    /// Codes by hash, open addressing with linear probing: half of the hash, which says where a code is looked for first, and the
    /// code; [`FREE`] is a free slot.
    slots: Vec<(u32, u32)>,
}

/// A slot without a code.
const FREE: (u32, u32) = (0, MISSING);

/// Texts whose places in memory are looked at together.
const TOGETHER: usize = 32;

impl Default for Dictionary {
    fn default() -> Self {
        Self { bytes: String::new(), ends: Vec::new(), counts: Vec::new(), slots: vec![FREE; 2 * TOGETHER] }
    }
}

impl Dictionary {
    /// The code of a text, which is counted; a new one when it was not seen before.
    pub fn code(&mut self, text: &str) -> u32 {
        self.reserve();
        self.code_by(half_hash(text), text)
    }

    /// As [`code`](Self::code) for one text after the other; [`MISSING`] where there is none.
    ///
    /// A large dictionary does not fit a processor's cache, and waiting for memory is most of what a text costs. So the places of
    /// some texts are asked for at once, and waited for once.
    pub fn extend<'t>(&mut self, mut texts: impl Iterator<Item = Option<Cow<'t, str>>>, codes: &mut Vec<u32>) {
        let mut together: Vec<(u32, Option<Cow<'t, str>>)> = Vec::with_capacity(TOGETHER);
        loop {
            together.clear();
            let next = texts.by_ref().take(TOGETHER);
            together.extend(next.map(|text| (text.as_deref().map_or(0, half_hash), text)));
            if together.is_empty() {
                return;
            }
            self.reserve();
            self.touch(&together);
            codes.extend(together.iter().map(|(hash, text)| match text {
                Some(text) => self.code_by(*hash, text),
                None => MISSING,
            }));
        }
    }

    /// A code for a text that is not looked for among the others: for texts of which each stands once.
    pub fn append(&mut self, text: &str) -> u32 {
        // A dictionary of 2^32 - 1 texts would not fit into memory before its codes end.
        let code = u32::try_from(self.ends.len()).unwrap_or(MISSING - 1);
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
        self.counts.push(1);
        code
    }

    /// Reads the first slots of the texts and what stands there, each read apart from the others.
    fn touch(&self, texts: &[(u32, Option<Cow<'_, str>>)]) {
        let mask = self.slots.len() - 1;
        let mut begins = [0_usize; TOGETHER];
        for ((hash, _), begin) in texts.iter().zip(&mut begins) {
            let (found_hash, found) = self.slots.get(*hash as usize & mask).copied().unwrap_or(FREE);
            let code = if found_hash == *hash && found != MISSING { found } else { 0 };
            *begin = self.ends.get((code as usize).saturating_sub(1)).copied().unwrap_or(0);
        }
        let bytes = self.bytes.as_bytes();
        let seen = begins.iter().fold(0, |seen, begin| seen ^ bytes.get(*begin).copied().unwrap_or(0));
        std::hint::black_box(seen);
    }

    fn code_by(&mut self, hash: u32, text: &str) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let (found_hash, found) = self.slots.get(at).copied().unwrap_or(FREE);
            if found == MISSING {
                break;
            }
            if found_hash == hash && self.get(found) == text {
                if let Some(count) = self.counts.get_mut(found as usize) {
                    *count = count.saturating_add(1);
                }
                return found;
            }
            at = (at + 1) & mask;
        }
        let code = self.append(text);
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = (hash, code);
        }
        code
    }

    /// Makes the table large enough for the next texts to be half of it at most.
    fn reserve(&mut self) {
        if (self.ends.len() + TOGETHER) * 2 <= self.slots.len() {
            return;
        }
        let mask = self.slots.len() * 2 - 1;
        let mut slots = vec![FREE; mask + 1];
        for entry in self.slots.iter().filter(|entry| entry.1 != MISSING) {
            let mut at = entry.0 as usize & mask;
            while slots.get(at).is_some_and(|found| found.1 != MISSING) {
                at = (at + 1) & mask;
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = *entry;
            }
        }
        self.slots = slots;
    }

    /// The code of a text that was seen.
    pub fn find(&self, text: &str) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let hash = half_hash(text);
        let mut at = hash as usize & mask;
        loop {
            let (found_hash, found) = self.slots.get(at).copied().filter(|found| found.1 != MISSING)?;
            if found_hash == hash && self.get(found) == text {
                return Some(found);
            }
            at = (at + 1) & mask;
        }
    }

    /// The text of a code; empty for a code that there is not.
    pub fn get(&self, code: u32) -> &str {
        let at = code as usize;
        let begin = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(at).and_then(|end| self.bytes.get(begin..*end)).unwrap_or_default()
    }

    /// How often a text was seen.
    pub fn count(&self, code: u32) -> u32 {
        self.counts.get(code as usize).copied().unwrap_or(0)
    }

    /// How many distinct texts there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The texts by their codes.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|code| self.get(u32::try_from(code).unwrap_or(MISSING)))
    }

    /// All texts that were seen, repeated ones as often as they were.
    pub fn seen(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// Bytes of memory.
    pub fn size(&self) -> usize {
        self.bytes.capacity() + 8 * self.ends.capacity() + 4 * self.counts.capacity() + 8 * self.slots.capacity()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "half of the hash is wanted")]
fn half_hash(text: &str) -> u32 {
    xxh3_64(text.as_bytes()) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_dictionary_gives_back_what_it_was_given(texts in prop::collection::vec("[a-c]{0,3}", 0..200)) {
            let mut dictionary = Dictionary::default();
            let codes: Vec<u32> = texts.iter().map(|text| dictionary.code(text)).collect();
            for (text, code) in texts.iter().zip(&codes) {
                prop_assert_eq!(dictionary.get(*code), text.as_str());
                prop_assert_eq!(dictionary.find(text), Some(*code));
                let seen = texts.iter().filter(|other| *other == text).count();
                prop_assert_eq!(dictionary.count(*code) as usize, seen);
            }
            prop_assert_eq!(dictionary.seen() as usize, texts.len());
            prop_assert_eq!(dictionary.find("z"), None);
        }

        #[test]
        fn texts_get_the_same_codes_together_as_alone(texts in prop::collection::vec(prop::option::of("[a-e]{0,4}"), 0..700)) {
            let (mut alone, mut together, mut codes) = (Dictionary::default(), Dictionary::default(), Vec::new());
            let wanted = texts.iter().map(|text| text.as_ref().map_or(MISSING, |text| alone.code(text)));
            let wanted: Vec<u32> = wanted.collect();
            together.extend(texts.iter().map(|text| text.as_deref().map(Cow::Borrowed)), &mut codes);
            prop_assert_eq!(codes, wanted);
            prop_assert!(together.iter().eq(alone.iter()));
            prop_assert_eq!(together.seen(), alone.seen());
        }
    }
}
