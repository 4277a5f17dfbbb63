//! The bound of a search for the most frequent sets: it rises as sets are found.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::search::Search;

/// Lengths above this are told apart by the final order alone.
const LONGEST: u64 = 0xFFFF;

/// The best sets so far by count, and of equal counts by length: a set that comes behind the last of them need not be looked
/// at, nor does any that extends it, because it is neither more frequent nor shorter.
///
/// Sets that are level with the last one are kept, and the final order decides; so the result does not depend on the order
/// in which threads find sets.
pub(super) struct Top {
    wanted: usize,
    min_length: usize,
    best: Mutex<BinaryHeap<Reverse<u64>>>,
    /// The key of the last of the best, 0 until there are enough.
    bar: AtomicU64,
}

impl Top {
    pub(super) fn new(wanted: usize, min_length: usize) -> Self {
        Self { wanted, min_length, best: Mutex::default(), bar: AtomicU64::new(0) }
    }

    /// Larger is better: the count, then the shortness.
    fn key(&self, count: u64, length: usize) -> u64 {
        // Counts stay below 2^48: there is no memory for as many transactions.
        count << 16 | (LONGEST - (length.max(self.min_length) as u64).min(LONGEST))
    }

    /// Whether the set, or one that extends it, may be one of the best.
    #[inline]
    pub(super) fn may_enter(&self, count: u64, length: usize) -> bool {
        self.key(count, length) >= self.bar.load(Ordering::Relaxed)
    }

    /// Takes a set into account; gives whether it may be one of the best.
    pub(super) fn offer(&self, search: &Search<'_>, count: u64, length: usize) -> bool {
        let key = self.key(count, length);
        if key < self.bar.load(Ordering::Relaxed) || self.wanted == 0 {
            return false;
        }
        let mut best = self.best.lock().unwrap_or_else(PoisonError::into_inner);
        best.push(Reverse(key));
        if best.len() > self.wanted {
            best.pop();
        }
        if let (true, Some(Reverse(last))) = (best.len() == self.wanted, best.peek()) {
            self.bar.store(*last, Ordering::Relaxed);
            search.raise(last >> 16);
        }
        true
    }
}
