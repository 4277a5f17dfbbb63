//! The rows with the smallest keys: a random sample without replacement when the keys are random numbers.
//!
//! Only the largest key that still belongs to them is learned, with the number of its row to tell equal keys apart; a second
//! look at the rows takes those at or below it. Memory is two entries for each wanted row, or for uniform keys the square root
//! of the number of rows, however long the stream is. With
//! keys `-ln(u) / w` of uniform numbers u a row is taken in proportion to its weight w (Efraimidis & Spirakis 2006).

/// A key with the number of its row.
pub type Entry = (f64, i64);

/// Finds the threshold of the `wanted` smallest entries. O(n) in all.
#[derive(Debug, Clone)]
pub struct Smallest {
    wanted: usize,
    kept: Vec<Entry>,
    /// Entries above it do not belong to the smallest.
    bound: Option<Entry>,
    /// Keys below it certainly belong to the smallest; they are counted.
    low: f64,
    /// Keys above it certainly do not.
    high: f64,
    below: usize,
    seen: u64,
}

/// The threshold lies outside of the range in which it was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed;

impl Smallest {
    /// Of no entries yet, with any keys.
    #[must_use]
    pub fn new(wanted: usize) -> Self {
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        Self { wanted, kept: Vec::new(), bound: None, low, high, below: 0, seen: 0 }
    }

    /// Of `count` entries to come whose keys are uniform from 0 to 1. Their number of small keys is known up to a few
    /// standard deviations, so that only the keys around the threshold are kept: O(sqrt(count)) instead of O(wanted).
    #[must_use]
    pub fn uniform(wanted: usize, count: u64, deviations: f64) -> Self {
        let share = wanted as f64 / count.max(1) as f64;
        let reach =
            deviations * (share * (1.0 - share).max(0.0) / count.max(1) as f64).sqrt() + 10.0 / count.max(1) as f64;
        Self { low: share - reach, high: share + reach, ..Self::new(wanted) }
    }

    /// Adds an entry; NaN keys do not count.
    pub fn push(&mut self, entry: Entry) {
        self.seen += 1;
        if entry.0 < self.low {
            self.below += 1;
            return;
        }
        let wanted = self.wanted.saturating_sub(self.below);
        let is_far = entry.0.is_nan() || entry.0 > self.high;
        if wanted == 0 || is_far || self.bound.is_some_and(|bound| !is_less(entry, bound)) {
            return;
        }
        self.kept.push(entry);
        if self.kept.len() >= self.wanted.saturating_mul(2).max(64) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.kept.len() > self.wanted && self.wanted > 0 {
            let (_, bound, _) = self.kept.select_nth_unstable_by(self.wanted - 1, order);
            self.bound = Some(*bound);
            self.kept.truncate(self.wanted);
        }
    }

    /// How many entries were added.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The largest entry of the smallest; none when nothing is wanted or there is nothing.
    ///
    /// Errors: keys were not as uniform as was said.
    pub fn threshold(mut self) -> Result<Option<Entry>, Missed> {
        let is_whole = self.low == f64::NEG_INFINITY;
        let wanted = self.wanted.saturating_sub(self.below).min(if is_whole { self.kept.len() } else { usize::MAX });
        if self.wanted == 0 || (is_whole && wanted == 0) {
            return Ok(None);
        }
        if wanted == 0 || wanted > self.kept.len() {
            return Err(Missed);
        }
        let (_, threshold, _) = self.kept.select_nth_unstable_by(wanted - 1, order);
        Ok(Some(*threshold))
    }
}

fn order(a: &Entry, b: &Entry) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

fn is_less(a: Entry, b: Entry) -> bool {
    order(&a, &b).is_lt()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};

    use super::*;

    proptest! {
        #[test]
        fn exactly_the_wanted_number_stands_at_or_below_the_threshold(
            keys in prop::collection::vec(0_u8..20, 0..300),
            wanted in 0_usize..320,
        ) {
            let entries: Vec<Entry> = keys.iter().zip(0..).map(|(key, row)| (f64::from(*key), row)).collect();
            let mut smallest = Smallest::new(wanted);
            entries.iter().for_each(|entry| smallest.push(*entry));
            prop_assert_eq!(smallest.seen(), entries.len() as u64);
            let threshold = smallest.threshold().unwrap();
            let taken = entries.iter().filter(|entry| threshold.is_some_and(|t| !order(entry, &t).is_gt())).count();
            prop_assert_eq!(taken, wanted.min(entries.len()));
        }

        #[test]
        fn uniform_keys_give_the_same_threshold_in_less_memory(seed in 0_u64..200, share in 0.0..1.0_f64) {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let entries: Vec<Entry> = (0..20_000).map(|row| (rng.random(), row)).collect();
            let wanted = (share * 20_000.0) as usize;
            let (mut all, mut around) = (Smallest::new(wanted), Smallest::uniform(wanted, 20_000, 8.0));
            for entry in &entries {
                all.push(*entry);
                around.push(*entry);
            }
            prop_assert!(around.kept.len() < 1_400, "{}", around.kept.len());
            prop_assert_eq!(around.threshold(), all.threshold());
        }
    }

    #[test]
    fn keys_that_are_not_uniform_are_noticed() {
        let mut around = Smallest::uniform(500, 1_000, 4.0);
        (0..1_000).for_each(|row| around.push((0.9, row)));
        assert_eq!(around.threshold(), Err(Missed));
    }
}
