//! Occurrences of values by their hash: exact while the distinct ones fit, Space-Saving afterwards.

/// A counter of values, each with what is known of it. See the [module](super).
///
/// It is [`Frequencies`](crate::statistics::frequencies) for hashes: a table with open addressing that a hit leaves after one
/// look, and a payload that is made once for each distinct value instead of once for each row. Two values with one hash are
/// taken for one; among 2^14 kept and 10^9 seen values the chance of that is 10^-6.
#[derive(Debug, Clone)]
pub struct Tally<P> {
    capacity: usize,
    slots: Vec<Slot<P>>,
    used: usize,
    /// Largest count that a dropped value can have had.
    dropped: u64,
    total: u64,
}

/// A value that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Slot<P> {
    /// The hash of the value; 0 stands for no value.
    pub hash: u64,
    /// How often it occurs, at most.
    pub count: u64,
    /// By how much `count` may be too large; 0 when it is exact.
    pub error: u64,
    /// What is known of it.
    pub payload: P,
}

/// Slots of a table that has seen nothing.
const SMALLEST: usize = 64;

impl<P: Copy + Default> Tally<P> {
    /// A counter that is exact for at most `capacity` distinct values; a capacity below 8 is raised to 8.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(8), slots: vec![Slot::default(); SMALLEST], used: 0, dropped: 0, total: 0 }
    }

    /// Counts `times` occurrences of a value that is known; false when it is not.
    #[inline]
    pub fn hit(&mut self, hash: u64, times: u64) -> bool {
        let hash = hash.max(1);
        let slot = self.find(hash);
        match self.slots.get_mut(slot) {
            Some(slot) if slot.hash == hash => {
                slot.count += times;
                self.total += times;
                true
            }
            _ => false,
        }
    }

    /// Takes in a value that [`hit`](Self::hit) did not know; true when there are too many now, and [`shrink`](Self::shrink)
    /// must follow.
    pub fn insert(&mut self, hash: u64, times: u64, payload: P) -> bool {
        self.total += times;
        self.place(Slot { hash: hash.max(1), count: self.dropped + times, error: self.dropped, payload });
        self.used > self.capacity
    }

    /// Drops the smaller half of the counters and gives them back.
    pub fn shrink(&mut self) -> Vec<Slot<P>> {
        let keep = self.capacity / 2;
        if self.used <= keep {
            return Vec::new();
        }
        // Ties go by hash, so that what stays does not depend on the places in the table. Counts and hashes alone are moved about
        // to find the bound: in a column of all different values this is done for every few thousand of them.
        let rank = |slot: &Slot<P>| (std::cmp::Reverse(slot.count), slot.hash);
        let mut ranks: Vec<_> = self.iter().map(rank).collect();
        let (_, &mut bound, _) = ranks.select_nth_unstable(keep);
        self.dropped = self.dropped.max(bound.0.0);
        let (kept, dropped): (Vec<Slot<P>>, Vec<Slot<P>>) = self.iter().partition(|slot| rank(slot) < bound);
        self.slots.iter_mut().for_each(|slot| slot.hash = 0);
        self.used = 0;
        kept.into_iter().for_each(|slot| self.place(slot));
        dropped
    }

    /// Joins the counts of another counter to these. `adopt` makes the payload of a value that only the other knows.
    /// Gives back what was dropped.
    pub fn merge(&mut self, other: &Self, mut adopt: impl FnMut(&P) -> P) -> Vec<Slot<P>> {
        // A value that one side does not hold may have had as many occurrences there as that side has dropped.
        for slot in self.slots.iter_mut().filter(|slot| slot.hash != 0) {
            let place = other.find(slot.hash);
            if other.slots.get(place).is_none_or(|found| found.hash != slot.hash) {
                slot.count += other.dropped;
                slot.error += other.dropped;
            }
        }
        for more in other.iter() {
            let place = self.find(more.hash);
            match self.slots.get_mut(place) {
                Some(slot) if slot.hash == more.hash => {
                    slot.count += more.count;
                    slot.error += more.error;
                }
                _ => self.place(Slot {
                    hash: more.hash,
                    count: more.count + self.dropped,
                    error: more.error + self.dropped,
                    payload: adopt(&more.payload),
                }),
            }
        }
        self.capacity = self.capacity.min(other.capacity);
        self.dropped += other.dropped;
        self.total += other.total;
        if self.used > self.capacity { self.shrink() } else { Vec::new() }
    }

    /// The slot of that hash, or the empty one where it would stand. There always is an empty one.
    #[inline]
    fn find(&self, hash: u64) -> usize {
        let mask = self.slots.len() - 1;
        // The upper bits choose the place; a multiplication spreads hashes whose bits are not.
        let mut place = (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        while let Some(slot) = self.slots.get(place) {
            if slot.hash == hash || slot.hash == 0 {
                break;
            }
            place = (place + 1) & mask;
        }
        place
    }

    fn place(&mut self, value: Slot<P>) {
        if self.used * 2 >= self.slots.len() {
            let doubled = vec![Slot::default(); self.slots.len() * 2];
            let before = std::mem::replace(&mut self.slots, doubled);
            for slot in before.into_iter().filter(|slot| slot.hash != 0) {
                let place = self.find(slot.hash);
                if let Some(free) = self.slots.get_mut(place) {
                    *free = slot;
                }
            }
        }
        let place = self.find(value.hash);
        if let Some(free) = self.slots.get_mut(place) {
            *free = value;
            self.used += 1;
        }
    }

    /// The values that are kept, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = &Slot<P>> {
        self.slots.iter().filter(|slot| slot.hash != 0)
    }

    /// Changes what is known of the values that are kept.
    pub fn payloads(&mut self) -> impl Iterator<Item = &mut P> {
        self.slots.iter_mut().filter(|slot| slot.hash != 0).map(|slot| &mut slot.payload)
    }

    /// Whether all counts are exact and every value is there.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.dropped == 0
    }

    /// How many values are kept; all distinct ones while exact.
    #[must_use]
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether no value was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// By how much any count is too large at most, and how often a value that is not kept occurs at most.
    #[must_use]
    pub fn largest_error(&self) -> u64 {
        self.dropped
    }

    /// Occurrences of all values.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The most frequent values, by falling count and then by hash.
    #[must_use]
    pub fn top(&self, number: usize) -> Vec<Slot<P>> {
        let mut all: Vec<Slot<P>> = self.iter().copied().collect();
        let order = |a: &Slot<P>, b: &Slot<P>| b.count.cmp(&a.count).then_with(|| a.hash.cmp(&b.hash));
        if number > 0 && number < all.len() {
            all.select_nth_unstable_by(number - 1, order);
            all.truncate(number);
        }
        all.sort_unstable_by(order);
        all
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64], capacity: usize) -> Tally<u64> {
        let mut tally = Tally::new(capacity);
        for &value in values {
            let hash = super::super::mix(value);
            if !tally.hit(hash, 1) && tally.insert(hash, 1, value) {
                tally.shrink();
            }
        }
        tally
    }

    fn truth(values: &[u64]) -> BTreeMap<u64, u64> {
        let mut counts = BTreeMap::new();
        values.iter().for_each(|value| *counts.entry(*value).or_default() += 1);
        counts
    }

    fn holds(tally: &Tally<u64>, truth: &BTreeMap<u64, u64>) -> Result<(), TestCaseError> {
        for slot in tally.iter() {
            let count = truth.get(&slot.payload).copied().unwrap_or(0);
            prop_assert!(slot.count - slot.error <= count && count <= slot.count, "{slot:?} {count}");
        }
        for (value, count) in truth {
            let kept = tally.iter().any(|slot| slot.payload == *value);
            prop_assert!(kept || *count <= tally.largest_error(), "{value} {count}");
        }
        prop_assert_eq!(tally.total(), truth.values().sum::<u64>());
        Ok(())
    }

    proptest! {
        #[test]
        fn counts_keep_their_bounds(values in proptest::collection::vec(0_u64..200, 0..3_000), capacity in 8_usize..300) {
            let tally = of(&values, capacity);
            holds(&tally, &truth(&values))?;
            let distinct = truth(&values).len();
            prop_assert_eq!(tally.is_exact(), distinct <= capacity);
            prop_assert!(!tally.is_exact() || tally.len() == distinct);
        }

        #[test]
        fn merged_counts_keep_them_too(a in proptest::collection::vec(0_u64..200, 0..2_000), b in proptest::collection::vec(100_u64..300, 0..2_000), capacity in 8_usize..300) {
            let mut merged = of(&a, capacity);
            merged.merge(&of(&b, capacity), |payload| *payload);
            holds(&merged, &truth(&[a, b].concat()))?;
        }
    }

    #[test]
    fn the_most_frequent_come_first() {
        let tally = of(&[3, 1, 3, 2, 3, 1], 100);
        let top: Vec<(u64, u64)> = tally.top(2).iter().map(|slot| (slot.payload, slot.count)).collect();
        assert_eq!(top, [(3, 3), (1, 2)]);
    }
}
