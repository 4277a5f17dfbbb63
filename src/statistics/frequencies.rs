//! The most frequent values of a column: exact counts while the distinct values fit, bounded ones afterwards.
//!
//! # What is exact
//! [`Frequencies`] counts exactly while it has seen at most `capacity` distinct keys. Past that it is a Space-Saving summary
//! (Metwally, Agrawal & El Abbadi 2005, *Efficient computation of frequent and top-k elements in data streams*, ICDT): when
//! it is full, the smaller half of the counters is dropped, and a key that comes (back) later starts from the largest
//! dropped count, which is its possible error. So for each key `count - error <= true count <= count`, and the error is
//! at most the total divided by half the capacity ([`Frequencies::largest_error`] gives the actual bound, which is mostly far
//! smaller). A key that occurs more often than that is never missing. Dropping half at a time instead of one counter a push
//! makes pushes cheap and keeps the bounds, and the summary stays mergeable (Agarwal et al. 2012, *Mergeable summaries*, PODS).
//!
//! # Complexity
//! Constant expected time for a push on average; memory for `capacity` keys.
//!
//! # Example
//! ```
//! use gristmill::statistics::frequencies::Frequencies;
//!
//! let mut carriers: Frequencies<String> = Frequencies::new(1000);
//! for carrier in ["UA", "B6", "UA", "EV", "UA", "B6"] {
//!     carriers.push(carrier);
//! }
//! let top = carriers.top(2);
//! assert_eq!((top[0].key.as_str(), top[0].count, top[0].error), ("UA", 3, 0));
//! assert!(carriers.is_exact());
//! ```

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::hash::Hash;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// A mergeable counter of keys. See the [module](self).
#[derive(Debug, Clone)]
pub struct Frequencies<K> {
    capacity: usize,
    counters: FxHashMap<K, Counter>,
    /// Largest count that a dropped key can have had.
    dropped: u64,
    total: u64,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    /// At least the true count.
    count: u64,
    /// At most this much too large.
    error: u64,
}

/// A key with its count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frequency<K> {
    /// The key.
    pub key: K,
    /// How often it occurs, at most.
    pub count: u64,
    /// By how much `count` may be too large; 0 when it is exact.
    pub error: u64,
}

impl<K: Hash + Ord + Clone> Frequencies<K> {
    /// A counter that is exact for at most `capacity` distinct keys; a capacity below 2 is raised to 2.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(2), counters: FxHashMap::default(), dropped: 0, total: 0 }
    }

    /// Adds one occurrence of a key. A key that is known already is not copied.
    pub fn push<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        self.push_times(key, 1);
    }

    /// Adds all keys of a slice.
    pub fn extend(&mut self, keys: &[K]) {
        keys.iter().for_each(|key| self.push(key));
    }

    /// Adds several occurrences of a key.
    pub fn push_times<Q>(&mut self, key: &Q, times: u64)
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        if times == 0 {
            return;
        }
        self.total += times;
        if let Some(counter) = self.counters.get_mut(key) {
            counter.count += times;
            return;
        }
        self.counters.insert(key.to_owned(), Counter { count: self.dropped + times, error: self.dropped });
        self.shrink();
    }

    /// Joins the counts of another counter to these. The smaller capacity of the two holds from then on.
    pub fn merge(&mut self, other: &Self) {
        // A key that one side does not hold may have had as many occurrences there as that side has dropped.
        for (key, counter) in &mut self.counters {
            if !other.counters.contains_key(key) {
                counter.count += other.dropped;
                counter.error += other.dropped;
            }
        }
        for (key, more) in &other.counters {
            let absent = Counter { count: self.dropped, error: self.dropped };
            let counter = self.counters.entry(key.clone()).or_insert(absent);
            counter.count += more.count;
            counter.error += more.error;
        }
        self.capacity = self.capacity.min(other.capacity);
        self.dropped += other.dropped;
        self.total += other.total;
        self.shrink();
    }

    /// Drops the smaller half of the counters when there are too many.
    fn shrink(&mut self) {
        if self.counters.len() <= self.capacity {
            return;
        }
        let keep = self.capacity / 2;
        let mut all: Vec<(K, Counter)> = self.counters.drain().collect();
        // Ties go by key, so that the summary does not depend on the order of the hash table.
        let (_, (_, largest), _) =
            all.select_nth_unstable_by(keep, |a, b| b.1.count.cmp(&a.1.count).then_with(|| a.0.cmp(&b.0)));
        self.dropped = self.dropped.max(largest.count);
        all.truncate(keep);
        self.counters.extend(all);
    }

    /// Number of occurrences of all keys.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether all counts are exact.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.dropped == 0
    }

    /// The number of distinct keys while exact, `None` afterwards: see [`distinct`](super::distinct) for an estimate.
    #[must_use]
    pub fn distinct(&self) -> Option<u64> {
        self.is_exact().then_some(self.counters.len() as u64)
    }

    /// By how much any count is too large at most, and how often a key that is missing occurs at most; 0 when exact.
    #[must_use]
    pub fn largest_error(&self) -> u64 {
        self.dropped
    }

    /// The most frequent keys, by falling count and then by key. Sorts the counters.
    #[must_use]
    pub fn top(&self, number: usize) -> Vec<Frequency<K>> {
        let mut all: Vec<_> = self.counters.iter().collect();
        all.sort_unstable_by_key(|&(key, counter)| (Reverse(counter.count), key));
        let top = all.into_iter().take(number);
        top.map(|(key, counter)| Frequency { key: key.clone(), count: counter.count, error: counter.error }).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn of(keys: &[u32], capacity: usize) -> Frequencies<u32> {
        let mut frequencies = Frequencies::new(capacity);
        frequencies.extend(keys);
        frequencies
    }

    fn truth(keys: &[u32]) -> BTreeMap<u32, u64> {
        let mut counts = BTreeMap::new();
        keys.iter().for_each(|key| *counts.entry(*key).or_default() += 1);
        counts
    }

    fn check_bounds(found: &Frequencies<u32>, keys: &[u32], capacity: usize) -> Result<(), TestCaseError> {
        let truth = truth(keys);
        prop_assert_eq!(found.total(), keys.len() as u64);
        prop_assert_eq!(found.is_exact(), truth.len() <= capacity);
        prop_assert!(found.largest_error() <= found.total() / (capacity as u64 / 2 + 1));
        let mut top: BTreeMap<u32, Frequency<u32>> = found.top(usize::MAX).into_iter().map(|f| (f.key, f)).collect();
        for (key, count) in &truth {
            match top.remove(key) {
                Some(found) => prop_assert!(found.count - found.error <= *count && *count <= found.count),
                None => prop_assert!(*count <= found.largest_error()),
            }
        }
        prop_assert!(top.is_empty());
        Ok(())
    }

    proptest! {
        #[test]
        fn counts_are_within_their_errors(
            keys in prop::collection::vec((0_u32..60, 0_u32..60).prop_map(|(a, b)| a * b / 30), 0..400),
            capacity in 2_usize..80,
            parts in 1_usize..6,
        ) {
            check_bounds(&of(&keys, capacity), &keys, capacity)?;
            let mut merged = Frequencies::new(capacity);
            for part in keys.chunks(keys.len() / parts + 1) {
                merged.merge(&of(part, capacity));
            }
            check_bounds(&merged, &keys, capacity)?;
        }
    }

    #[test]
    fn ties_are_ordered_by_key() {
        let top = of(&[3, 1, 2, 2], 10).top(3);
        assert_eq!(top.iter().map(|f| (f.key, f.count)).collect::<Vec<_>>(), [(2, 2), (1, 1), (3, 1)]);
    }

    #[test]
    fn a_heavy_key_survives_a_flood_of_rare_ones() {
        let mut frequencies: Frequencies<String> = Frequencies::new(100);
        for rare in 0..10_000 {
            frequencies.push(format!("rare {rare}").as_str());
            if rare % 20 == 0 {
                frequencies.push("heavy");
            }
        }
        let top = &frequencies.top(1)[0];
        assert_eq!(top.key, "heavy");
        assert!(top.count - top.error <= 500 && top.count >= 500);
        assert!(!frequencies.is_exact() && frequencies.distinct().is_none());
    }
}
