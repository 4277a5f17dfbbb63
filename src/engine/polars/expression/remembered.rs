//! What short texts gave: columns of days, codes and words repeat a few values many times, and reading one again is dearer than
//! looking it up.

use std::sync::{Mutex, PoisonError};

/// What a function has remembered, kept from one batch of rows to the next: a memory for each thread that works at once.
pub(super) struct Memories<T>(Mutex<Vec<Remembered<T>>>);

impl<T: Copy + Default> Memories<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Works with a memory that nobody else has at that time.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut Remembered<T>) -> R) -> R {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut remembered = free.unwrap_or_else(Remembered::new);
        let result = work(&mut remembered);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(remembered);
        result
    }
}

/// Answers under texts of at most [`LONGEST`] bytes, one in each slot: a newer text takes the place of an older one.
///
/// Cost: a hash and one comparison a text. After [`TRIED`] texts of which few were known it no longer looks.
pub(super) struct Remembered<T> {
    slots: Vec<(u128, T)>,
    tried: u32,
    known: u32,
}

/// The longest text whose bytes and length fit 128 bits.
const LONGEST: usize = 15;
/// Two to this power are the slots: 128 to 256 KiB, which the processor's second cache holds.
const BITS: u32 = 13;
/// So many texts show whether looking up is worth it.
const TRIED: u32 = 1 << 15;

impl<T: Copy + Default> Remembered<T> {
    fn new() -> Self {
        // No key is 0, because each holds its length plus one.
        Self { slots: vec![(0, T::default()); 1 << BITS], tried: 0, known: 0 }
    }

    /// What `compute` gives for the text; it has to give the same for equal texts.
    pub(super) fn get(&mut self, text: &str, compute: impl FnOnce(&str) -> T) -> T {
        let worth_it = self.tried < TRIED || self.known > TRIED / 4;
        let Some(key) = key(text).filter(|_| worth_it) else { return compute(text) };
        let Some(slot) = self.slots.get_mut(slot(key)) else { return compute(text) };
        let known = slot.0 == key;
        if self.tried < TRIED {
            self.tried += 1;
            self.known += u32::from(known);
        }
        if !known {
            *slot = (key, compute(text));
        }
        slot.1
    }
}

/// The bytes and the length in one number; none for a longer text.
fn key(text: &str) -> Option<u128> {
    let mut bytes = [0; LONGEST + 1];
    bytes.get_mut(..text.len()).filter(|head| head.len() <= LONGEST)?.copy_from_slice(text.as_bytes());
    if let Some(last) = bytes.last_mut() {
        *last = u8::try_from(text.len()).ok()? + 1;
    }
    Some(u128::from_le_bytes(bytes))
}

#[expect(clippy::cast_possible_truncation, reason = "both halves of the key are wanted, then so many bits")]
fn slot(key: u128) -> usize {
    // Multiplicative hashing (Knuth): the high bits depend on all bits of both halves.
    let folded = (key as u64) ^ ((key >> 64) as u64).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever was asked before: texts that share slots, that differ by a zero byte only, that are too long.
        #[test]
        fn a_text_gives_what_computing_it_gives(texts in proptest::collection::vec("[ab\0é]{0,17}", 0..6000)) {
            let mut remembered = Remembered::new();
            for text in &texts {
                let length = |text: &str| text.len() as u64 * 1000 + u64::from(text.bytes().fold(7_u8, |sum, b| sum.wrapping_mul(31) ^ b));
                prop_assert_eq!(remembered.get(text, length), length(text));
            }
        }
    }

    #[test]
    fn a_repeated_text_is_computed_once() {
        let (mut remembered, mut computed) = (Remembered::new(), 0);
        for _ in 0..10_000 {
            for day in ["1998-02-23", "23/02/1998", "Feb 23 1998"] {
                remembered.get(day, |_| computed += 1);
            }
        }
        assert_eq!(computed, 3);
    }

    #[test]
    fn texts_that_never_repeat_are_no_longer_looked_up() {
        let mut remembered = Remembered::new();
        for number in 0..TRIED {
            remembered.get(&number.to_string(), |_| number);
        }
        assert!(remembered.tried == TRIED && remembered.known < TRIED / 4);
        let (mut computed, text) = (0, "again");
        for _ in 0..5 {
            remembered.get(text, |_| {
                computed += 1;
                computed
            });
        }
        assert_eq!(computed, 5);
    }
}
