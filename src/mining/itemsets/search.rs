use std::sync::atomic::{AtomicU64, Ordering};

use super::options::ItemsetOptions;
use super::result::Itemsets;

/// How many sets a task finds before it tells the others. Fewer would make threads wait for one counter.
const REPORT_EVERY: u64 = 256;

/// What all tasks of one search share.
pub(super) struct Search {
    /// Smallest count of a frequent set.
    pub(super) minimum: u64,
    min_length: usize,
    max_length: usize,
    limit: u64,
    found: AtomicU64,
}

impl Search {
    pub(super) fn new(options: &ItemsetOptions, minimum: u64) -> Self {
        Self {
            minimum,
            min_length: options.min_length,
            max_length: options.max_length.unwrap_or(usize::MAX),
            limit: options.max_itemsets,
            found: AtomicU64::new(0),
        }
    }

    /// Whether a set of this length may be extended by one more item.
    pub(super) fn extends(&self, length: usize) -> bool {
        length < self.max_length
    }

    /// Whether more sets were found than the limit allows. Once true, it stays true. After all tasks have reported, it
    /// does not depend on how the threads ran.
    pub(super) fn exceeded(&self) -> bool {
        self.found.load(Ordering::Relaxed) > self.limit
    }
}

/// The sets that one task has found, in the order in which it found them.
#[derive(Default)]
pub(super) struct Found {
    items: Vec<u32>,
    ends: Vec<usize>,
    counts: Vec<u64>,
    unreported: u64,
}

impl Found {
    /// Adds the set of `prefix` and `item`.
    pub(super) fn emit(&mut self, search: &Search, prefix: &[u32], item: u32, count: u64) {
        self.unreported += 1;
        if self.unreported == REPORT_EVERY {
            self.report(search);
        }
        if prefix.len() + 1 >= search.min_length {
            let start = self.items.len();
            self.items.extend_from_slice(prefix);
            self.items.push(item);
            self.items[start..].sort_unstable();
            self.ends.push(self.items.len());
            self.counts.push(count);
        }
    }

    /// Adds what was found since the last report to the common number. Every task ends with it.
    pub(super) fn report(&mut self, search: &Search) {
        search.found.fetch_add(self.unreported, Ordering::Relaxed);
        self.unreported = 0;
    }

    /// Joins the sets of several tasks.
    pub(super) fn join(parts: Vec<Self>) -> Self {
        let mut all = Self::default();
        all.items.reserve_exact(parts.iter().map(|part| part.items.len()).sum());
        all.counts.reserve_exact(parts.iter().map(|part| part.counts.len()).sum());
        all.ends.reserve_exact(all.counts.capacity());
        for part in parts {
            all.append(part);
        }
        all
    }

    /// Adds the sets of another task behind those of this one.
    pub(super) fn append(&mut self, other: Self) {
        let base = self.items.len();
        self.items.extend_from_slice(&other.items);
        self.ends.extend(other.ends.iter().map(|end| base + end));
        self.counts.extend_from_slice(&other.counts);
        self.unreported += other.unreported;
    }

    pub(super) fn into_itemsets(self, transactions: u64, minimum: u64) -> Itemsets {
        Itemsets::sorted(&self.items, &self.ends, &self.counts, transactions, minimum)
    }
}
