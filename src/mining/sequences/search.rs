use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::options::{SequenceError, SequenceOptions};
use super::patterns::Patterns;

/// How many patterns a task finds before it tells the others. Fewer would make threads wait for one counter.
const REPORT_EVERY: u64 = 256;

/// What all tasks of one search share.
pub(super) struct Search<'a> {
    options: &'a SequenceOptions,
    minimum: AtomicU64,
    max_length: usize,
    found: AtomicU64,
    too_long: AtomicBool,
    /// The supports of the best patterns so far, when only the support of the last of them is wanted.
    race: Option<Mutex<BinaryHeap<Reverse<u64>>>>,
    places: usize,
}

impl<'a> Search<'a> {
    /// A search for all patterns with that support.
    pub(super) fn new(options: &'a SequenceOptions, minimum: u64) -> Self {
        Self {
            options,
            minimum: AtomicU64::new(minimum),
            max_length: options.max_length.unwrap_or(SequenceOptions::LONGEST),
            found: AtomicU64::new(0),
            too_long: AtomicBool::new(false),
            race: None,
            places: 0,
        }
    }

    /// A search that keeps no patterns, but raises its minimum to the support of the best pattern but `places - 1`.
    pub(super) fn racing(options: &'a SequenceOptions, minimum: u64, places: usize) -> Self {
        Self { race: Some(Mutex::new(BinaryHeap::new())), places, ..Self::new(options, minimum) }
    }

    /// Smallest support of a pattern that is looked for.
    pub(super) fn minimum(&self) -> u64 {
        self.minimum.load(Ordering::Relaxed)
    }

    /// After a race: the support of the last of the best patterns, or what the search began with when there were not enough.
    pub(super) fn reached(&self, minimum: u64) -> u64 {
        let best = self.race.as_ref().map(|race| race.lock().unwrap_or_else(PoisonError::into_inner));
        let last = best.filter(|best| best.len() == self.places).and_then(|best| best.peek().map(|last| last.0));
        last.unwrap_or(minimum)
    }

    /// Whether a pattern of this length may grow by one more event.
    pub(super) fn extends(&self, length: usize) -> bool {
        // Without a limit of the user's, one event more than allowed is looked for, so that nothing is left out in silence.
        length < self.max_length
            || (self.options.max_length.is_none() && self.race.is_none() && length == self.max_length)
    }

    /// Whether the search cannot end well. Once true, it stays true.
    pub(super) fn is_over(&self) -> bool {
        self.found.load(Ordering::Relaxed) > self.options.max_patterns || self.too_long.load(Ordering::Relaxed)
    }

    /// Whether the search ended well. After all tasks have reported, it does not depend on how the threads ran.
    pub(super) fn outcome(&self, sequences: u64) -> Result<(), SequenceError> {
        if self.found.load(Ordering::Relaxed) > self.options.max_patterns {
            let limit = self.options.max_patterns;
            return Err(SequenceError::TooMany { limit, minimum: self.minimum(), sequences });
        }
        if self.too_long.load(Ordering::Relaxed) { Err(SequenceError::TooLong) } else { Ok(()) }
    }

    fn enter(&self, race: &Mutex<BinaryHeap<Reverse<u64>>>, count: u64) {
        let mut best = race.lock().unwrap_or_else(PoisonError::into_inner);
        best.push(Reverse(count));
        if best.len() > self.places {
            best.pop();
        }
        // Only what is better than the last of them can still move it.
        if let (true, Some(Reverse(last))) = (best.len() == self.places, best.peek()) {
            self.minimum.fetch_max(last + 1, Ordering::Relaxed);
        }
    }
}

/// The patterns that one task has found.
#[derive(Default)]
pub(super) struct Found {
    patterns: Patterns,
    unreported: u64,
}

impl Found {
    /// Adds a pattern.
    pub(super) fn emit(&mut self, search: &Search<'_>, code: &[u32], count: u64) {
        if code.len() > search.max_length {
            search.too_long.store(true, Ordering::Relaxed);
            return;
        }
        if let Some(race) = &search.race {
            if code.len() >= search.options.min_length && count >= search.minimum() {
                search.enter(race, count);
            }
            return;
        }
        self.unreported += 1;
        if self.unreported == REPORT_EVERY {
            self.report(search);
        }
        self.patterns.push(code, count);
    }

    /// Adds what was found since the last report to the common number. Every task ends with it.
    pub(super) fn report(&mut self, search: &Search<'_>) {
        search.found.fetch_add(self.unreported, Ordering::Relaxed);
        self.unreported = 0;
    }

    /// What tasks find below several children of a pattern, in the order of the children.
    pub(super) fn below<C: Send>(search: &Search<'_>, children: Vec<C>, grow: impl Fn(C, &mut Self) + Sync) -> Self {
        let task = |child: C| {
            let mut found = Self::default();
            grow(child, &mut found);
            found.report(search);
            found
        };
        let parts: Vec<Self> = children.into_par_iter().with_max_len(1).map(task).collect();
        let mut all = Self::default();
        parts.into_iter().for_each(|part| all.append(part));
        all
    }

    /// Adds the patterns of another task behind those of this one.
    pub(super) fn append(&mut self, other: Self) {
        self.patterns.append(other.patterns);
        self.unreported += other.unreported;
    }

    /// The patterns under the caller's numbers.
    pub(super) fn into_patterns(mut self, names: &[u32]) -> Patterns {
        self.patterns.rename(names);
        self.patterns
    }
}
