use std::cmp::Reverse;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::options::{ItemsetOptions, Kind};

/// Frequent itemsets, by falling count, then by length, then by their items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Itemsets {
    items: Vec<u32>,
    /// Set `s` ends before `items[ends[s]]` and starts where the set before it ends.
    ends: Vec<usize>,
    counts: Vec<u64>,
    transactions: u64,
    minimum: u64,
    kind: Kind,
    min_length: usize,
}

/// One frequent itemset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Itemset<'a> {
    /// Item numbers, ascending.
    pub items: &'a [u32],
    /// Number of transactions that hold all of them.
    pub count: u64,
}

impl Itemsets {
    /// Puts sets that stand one behind the other in `items`, each ending at its entry of `ends`, in order; keeps as many of the
    /// first as `options` asks for.
    pub(super) fn sorted(
        items: &[u32],
        ends: &[usize],
        counts: &[u64],
        options: &ItemsetOptions,
        transactions: u64,
        minimum: u64,
    ) -> Self {
        let set = |index: usize| {
            let start = if index == 0 { 0 } else { ends[index - 1] };
            &items[start..ends[index]]
        };
        // What decides most often stands beside the place of the set, so that sorting seldom looks at sets.
        let key = |index: usize| {
            let set = set(index);
            let first = |place: usize| u64::from(set.get(place).copied().unwrap_or_default());
            (Reverse(counts[index]), set.len(), first(0) << 32 | first(1), index)
        };
        let mut order: Vec<_> = (0..counts.len()).map(key).collect();
        order.par_sort_unstable_by(|a, b| (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)).then_with(|| set(a.3).cmp(set(b.3))));
        order.truncate(options.top.unwrap_or(usize::MAX));
        let mut sorted = Self {
            items: Vec::with_capacity(order.iter().map(|key| key.1).sum()),
            ends: Vec::with_capacity(order.len()),
            counts: Vec::with_capacity(order.len()),
            transactions,
            minimum,
            kind: options.kind,
            min_length: options.min_length,
        };
        for (_, _, _, index) in order {
            sorted.items.extend_from_slice(set(index));
            sorted.ends.push(sorted.items.len());
            sorted.counts.push(counts[index]);
        }
        sorted
    }

    /// Number of sets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether no set is frequent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Number of transactions that were searched.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        self.transactions
    }

    /// Smallest count that a set needed to be frequent.
    #[must_use]
    pub fn minimum_count(&self) -> u64 {
        self.minimum
    }

    /// Which of the frequent sets they are.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The fewest items that a set has to have to be among them.
    #[must_use]
    pub fn min_length(&self) -> usize {
        self.min_length
    }

    /// The set at a position of the order, if there is one.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Itemset<'_>> {
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        Some(Itemset { items: self.items.get(start..*self.ends.get(index)?)?, count: *self.counts.get(index)? })
    }

    /// The sets in order.
    pub fn iter(&self) -> impl Iterator<Item = Itemset<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// The share of all transactions that hold a set, from 0 to 1.
    #[must_use]
    pub fn support(&self, set: Itemset<'_>) -> f64 {
        set.count as f64 / self.transactions as f64
    }
}
