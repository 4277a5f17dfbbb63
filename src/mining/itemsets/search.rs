//! What all tasks of one search share, and what one task has found.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;

use super::options::{ItemsetOptions, Kind};
use super::ranking::Ranking;
use super::result::Itemsets;
use super::top::Top;

/// How many sets a task finds before it tells the others. Fewer would make threads wait for one counter.
const REPORT_EVERY: u64 = 256;

/// Sets that one task puts into the user's numbers.
const SETS_PER_TASK: usize = 16_384;

/// Bytes that a set takes beside its items.
const SET_BYTES: u64 = (size_of::<usize>() + size_of::<u64>()) as u64;

/// Asked before more bytes of results are held; `false` ends the search.
pub(super) type Gate<'a> = dyn Fn(u64) -> bool + Sync + 'a;

/// What all tasks of one search share.
pub(super) struct Search<'a> {
    pub(super) kind: Kind,
    minimum: AtomicU64,
    min_length: usize,
    max_length: usize,
    limit: u64,
    found: AtomicU64,
    top: Option<Top>,
    gate: &'a Gate<'a>,
    refused: AtomicBool,
}

impl<'a> Search<'a> {
    pub(super) fn new(options: &ItemsetOptions, minimum: u64, gate: &'a Gate<'a>) -> Self {
        // The most frequent of the maximal sets are known only once all of them are.
        let top = options.top.filter(|_| options.kind != Kind::Maximal);
        Self {
            kind: options.kind,
            minimum: AtomicU64::new(minimum),
            min_length: options.min_length,
            max_length: options.max_length.unwrap_or(usize::MAX),
            limit: options.max_itemsets,
            found: AtomicU64::new(0),
            top: top.map(|wanted| Top::new(wanted, options.min_length)),
            gate,
            refused: AtomicBool::new(false),
        }
    }

    /// Smallest count of a set that is still of interest; it rises while the most frequent sets are searched.
    #[inline]
    pub(super) fn minimum(&self) -> u64 {
        self.minimum.load(Ordering::Relaxed)
    }

    /// Raises the smallest count that is of interest.
    pub(super) fn raise(&self, minimum: u64) {
        self.minimum.fetch_max(minimum, Ordering::Relaxed);
    }

    /// Whether a set of this count and length, or one that extends it, may be of interest.
    #[inline]
    pub(super) fn hopeful(&self, count: u64, length: usize) -> bool {
        count >= self.minimum() && self.top.as_ref().is_none_or(|top| top.may_enter(count, length))
    }

    /// Whether a set of this length may be extended by one more item. Closed and maximal sets are such among all frequent
    /// sets, so that the search for them goes beyond the longest set that is reported.
    pub(super) fn extends(&self, length: usize) -> bool {
        length < self.max_length || self.kind != Kind::Frequent
    }

    /// Whether sets of this length are part of the result.
    pub(super) fn reports(&self, length: usize) -> bool {
        (self.min_length..=self.max_length).contains(&length)
    }

    /// Whether the search has to end: too many sets, or no memory for them. Once true, it stays true. For too many sets it does
    /// not depend on how the threads ran, once all tasks have reported.
    pub(super) fn ended(&self) -> bool {
        self.exceeded() || self.refused()
    }

    /// Whether more sets were found than the limit allows.
    pub(super) fn exceeded(&self) -> bool {
        self.found.load(Ordering::Relaxed) > self.limit
    }

    /// Whether the gate was closed.
    pub(super) fn refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Asks the gate whether the search may go on and hold so many more bytes.
    pub(super) fn ask(&self, bytes: u64) {
        if !(self.gate)(bytes) {
            self.refused.store(true, Ordering::Relaxed);
        }
    }
}

/// The sets that one task has found, in the order in which it found them, as ranks in no order.
#[derive(Default)]
pub(super) struct Found {
    ranks: Vec<u32>,
    ends: Vec<usize>,
    counts: Vec<u64>,
    unreported: u64,
    unreported_items: usize,
}

impl Found {
    /// Adds the set of `prefix` and `more`.
    pub(super) fn emit(&mut self, search: &Search<'_>, prefix: &[u32], more: impl Iterator<Item = u32>, count: u64) {
        let start = self.ranks.len();
        self.ranks.extend_from_slice(prefix);
        self.ranks.extend(more);
        let length = self.ranks.len() - start;
        // Maximal sets of all lengths are kept until all are known: each tells that its parts are not maximal.
        let reported = search.kind == Kind::Maximal || search.reports(length);
        let kept = reported && search.top.as_ref().is_none_or(|top| top.offer(search, count, length));
        if kept {
            self.ends.push(self.ranks.len());
            self.counts.push(count);
            self.unreported_items += length;
        } else {
            self.ranks.truncate(start);
        }
        // What is too short for the report counts as well: it takes its time.
        self.unreported += u64::from(kept || (length < search.min_length && search.top.is_none()));
        if self.unreported >= REPORT_EVERY {
            self.report(search);
        }
    }

    /// Adds what was found since the last report to the common number. Every task ends with it.
    pub(super) fn report(&mut self, search: &Search<'_>) {
        search.found.fetch_add(self.unreported, Ordering::Relaxed);
        search.ask(self.unreported * SET_BYTES + (self.unreported_items * size_of::<u32>()) as u64);
        (self.unreported, self.unreported_items) = (0, 0);
    }

    /// Number of sets.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    /// The ranks of a set, which must exist.
    pub(super) fn set(&self, index: usize) -> &[u32] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.ranks[start..self.ends[index]]
    }

    /// Leaves out the sets for which this is not true.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&[u32]) -> bool) {
        let mut kept = Self::default();
        for index in 0..self.len() {
            if keep(self.set(index)) {
                kept.ranks.extend_from_slice(self.set(index));
                kept.ends.push(kept.ranks.len());
                kept.counts.push(self.counts[index]);
            }
        }
        *self = kept;
    }

    /// Joins the sets of several tasks.
    pub(super) fn join(parts: Vec<Self>) -> Self {
        let mut all = Self::default();
        all.ranks.reserve_exact(parts.iter().map(|part| part.ranks.len()).sum());
        all.counts.reserve_exact(parts.iter().map(|part| part.counts.len()).sum());
        all.ends.reserve_exact(all.counts.capacity());
        for part in parts {
            all.append(part);
        }
        all
    }

    /// Adds the sets of another task behind those of this one.
    pub(super) fn append(&mut self, other: Self) {
        let base = self.ranks.len();
        self.ranks.extend_from_slice(&other.ranks);
        self.ends.extend(other.ends.iter().map(|end| base + end));
        self.counts.extend_from_slice(&other.counts);
        self.unreported += other.unreported;
        self.unreported_items += other.unreported_items;
    }

    /// The sets with the user's items, in the order of the result.
    pub(super) fn into_itemsets(
        self,
        ranking: &Ranking,
        options: &ItemsetOptions,
        transactions: u64,
        minimum: u64,
    ) -> Itemsets {
        let (mut items, ends) = (self.ranks, self.ends);
        let mut rest = items.as_mut_slice();
        let mut done = 0;
        let mut tasks = Vec::with_capacity(ends.len().div_ceil(SETS_PER_TASK));
        for ends in ends.chunks(SETS_PER_TASK) {
            let end = ends.last().copied().unwrap_or(done);
            let (part, behind) = rest.split_at_mut(end - done);
            tasks.push((part, ends, done));
            (rest, done) = (behind, end);
        }
        tasks.into_par_iter().for_each(|(part, ends, base)| {
            let mut start = 0;
            for end in ends {
                let set = &mut part[start..end - base];
                set.iter_mut().for_each(|rank| *rank = ranking.names[*rank as usize]);
                set.sort_unstable();
                start = end - base;
            }
        });
        Itemsets::sorted(&items, &ends, &self.counts, options, transactions, minimum)
    }
}
