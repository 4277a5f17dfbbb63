//! Frequent sets that a maximal search has found already: what is part of one of them need not be searched.

use std::sync::{PoisonError, RwLock};

use super::search::{Found, Search};

/// Sets over the items of a level, as bits; each holds the prefix of the level.
#[derive(Default)]
pub(super) struct Known {
    /// Words of a set.
    width: usize,
    bits: Vec<u64>,
}

impl Known {
    /// No sets over so many items.
    pub(super) fn new(items: usize) -> Self {
        Self { width: items.div_ceil(64).max(1), bits: Vec::new() }
    }

    /// Adds a set.
    pub(super) fn add(&mut self, items: impl Iterator<Item = u32>) {
        let start = self.bits.len();
        self.bits.resize(start + self.width, 0);
        for item in items {
            if let Some(word) = self.bits.get_mut(start + item as usize / 64) {
                *word |= 1 << (item % 64);
            }
        }
    }

    /// The sets that hold all items of `own`, over the items that have a number below `items` in `places`, each once. None when
    /// one of them holds all of these: then everything below `own` is known.
    pub(super) fn project(&self, own: &[u32], places: &[u32], items: usize) -> Option<Self> {
        let mut projected = Self::new(items);
        let mut moved = vec![u32::MAX; items];
        for (place, number) in (0_u32..).zip(places) {
            if let Some(moved) = moved.get_mut(*number as usize) {
                *moved = place;
            }
        }
        let mut sets = Vec::new();
        for set in self.bits.chunks_exact(self.width.max(1)) {
            let holds = |item: u32| set.get(item as usize / 64).is_some_and(|word| word >> (item % 64) & 1 == 1);
            if !own.iter().all(|item| holds(*item)) {
                continue;
            }
            let mut bits = vec![0_u64; projected.width];
            let mut all = true;
            for (number, place) in moved.iter().enumerate() {
                let held = holds(*place);
                all &= held;
                bits[number / 64] |= u64::from(held) << (number % 64);
            }
            if all {
                return None;
            }
            sets.push(bits);
        }
        sets.sort_unstable();
        sets.dedup();
        projected.bits = sets.concat();
        Some(projected)
    }

    /// The sets as words, when there are at most 64 items.
    pub(super) fn words(&self) -> &[u64] {
        if self.width <= 1 { &self.bits } else { &[] }
    }
}

/// What all tasks of the first level have found so far.
pub(super) struct Shared {
    state: RwLock<State>,
}

struct State {
    found: Found,
    /// For each rank the sets that hold it, ascending.
    holders: Vec<Vec<u32>>,
    batches: Vec<Batch>,
}

/// The sets that one item of the first level has given.
struct Batch {
    item: u32,
    /// How many sets there were when the search for it began: it did not know of later ones.
    seen: usize,
    sets: std::ops::Range<usize>,
}

impl Shared {
    /// Nothing over so many ranks.
    pub(super) fn new(ranks: usize) -> Self {
        let state = State { found: Found::default(), holders: vec![Vec::new(); ranks], batches: Vec::new() };
        Self { state: RwLock::new(state) }
    }

    /// The sets that hold an item, over all ranks, and how many sets there are in all.
    pub(super) fn of(&self, item: usize) -> (Known, usize) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut known = Known::new(state.holders.len());
        for set in &state.holders[item] {
            known.add(state.found.set(*set as usize).iter().copied());
        }
        (known, state.found.len())
    }

    /// Adds what a task has found for an item.
    pub(super) fn add(&self, item: usize, seen: usize, found: Found) {
        if found.len() == 0 {
            return;
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let start = state.found.len();
        for index in 0..found.len() {
            let number = u32::try_from(start + index).unwrap_or(u32::MAX);
            for rank in found.set(index) {
                state.holders[*rank as usize].push(number);
            }
        }
        state.batches.push(Batch { item: item as u32, seen, sets: start..start + found.len() });
        state.found.append(found);
    }

    /// The maximal sets: what a task could not know of, because another one found it at the same time, is looked at now. Which
    /// sets are left does not depend on how the threads ran.
    pub(super) fn into_found(self, search: &Search<'_>) -> Found {
        let State { mut found, holders, batches } = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let signature = |set: &[u32]| set.iter().fold(0_u64, |bits, rank| bits | 1 << (rank % 64));
        let mut dropped = vec![false; found.len()];
        for batch in &batches {
            let holders = &holders[batch.item as usize];
            let later = &holders[holders.partition_point(|set| (*set as usize) < batch.seen)..];
            // A set with further items of higher rank only can hold one of this batch.
            let larger: Vec<(u64, Vec<u32>)> = later
                .iter()
                .map(|set| found.set(*set as usize))
                .filter(|set| set.iter().any(|rank| *rank > batch.item))
                .map(|set| {
                    let mut sorted = set.to_vec();
                    sorted.sort_unstable();
                    (signature(set), sorted)
                })
                .collect();
            if larger.is_empty() {
                continue;
            }
            for index in batch.sets.clone() {
                let set = found.set(index);
                let own = signature(set);
                dropped[index] = larger.iter().any(|(bits, larger)| {
                    bits & own == own && set.iter().all(|rank| larger.binary_search(rank).is_ok())
                });
            }
        }
        let mut dropped = dropped.into_iter();
        found.retain(|set| dropped.next() != Some(true) && search.reports(set.len()));
        found
    }
}
