//! Sets that are joined, by several threads at once.

use std::sync::atomic::{AtomicU32, Ordering};

/// Disjoint sets of the numbers below n. The root of a set is its smallest number, in whatever order sets are joined
/// (Anderson & Woll 1991, linked by index).
#[derive(Debug)]
pub(super) struct UnionFind {
    parents: Vec<AtomicU32>,
}

impl UnionFind {
    pub(super) fn new(count: usize) -> Self {
        Self { parents: (0..count).map(|at| AtomicU32::new(at as u32)).collect() }
    }

    fn parent(&self, at: u32) -> u32 {
        self.parents.get(at as usize).map_or(at, |parent| parent.load(Ordering::Relaxed))
    }

    /// The smallest number of the set, once nobody joins sets any more.
    pub(super) fn root(&self, mut at: u32) -> u32 {
        loop {
            let parent = self.parent(at);
            if parent == at {
                return at;
            }
            let above = self.parent(parent);
            if let Some(slot) = self.parents.get(at as usize) {
                // Halving the path; who loses the race has lost nothing.
                let _ = slot.compare_exchange(parent, above, Ordering::Relaxed, Ordering::Relaxed);
            }
            at = above;
        }
    }

    /// Joins two sets and says whether they were two.
    pub(super) fn join(&self, a: u32, b: u32) -> bool {
        loop {
            let (a, b) = (self.root(a), self.root(b));
            if a == b {
                return false;
            }
            let (low, high) = (a.min(b), a.max(b));
            let Some(slot) = self.parents.get(high as usize) else { return false };
            if slot.compare_exchange(high, low, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return true;
            }
        }
    }
}
