use std::cmp::Reverse;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::transactions::Transactions;

/// Rows that one task renumbers.
const ROWS_PER_TASK: usize = 8192;

/// The frequent items, numbered by falling frequency.
pub(super) struct Ranking {
    /// Item number of each rank.
    pub(super) names: Vec<u32>,
    /// Count of each rank.
    pub(super) counts: Vec<u64>,
    ranks: Ranks,
}

/// Rank of each item number.
enum Ranks {
    /// For numbers that are about as many as there are items: indexed by number; `NONE` for infrequent items.
    Dense(Vec<u32>),
    /// For numbers that are spread thinly.
    Sparse(FxHashMap<u32, u32>),
}

const NONE: u32 = u32::MAX;

impl Ranking {
    /// Counts all items and ranks those that occur at least `minimum` times. Ties go to the smaller number.
    pub(super) fn new(transactions: &Transactions, minimum: u64) -> Self {
        let items = transactions.items();
        let end = items.iter().max().map_or(0, |&max| max as usize + 1);
        let dense = end <= 4 * items.len() + 1024;
        let mut ranked: Vec<(u32, u64)> = if dense {
            let mut counts = vec![0_u64; end];
            for (row, weight) in transactions.iter() {
                for &item in row {
                    counts[item as usize] += weight;
                }
            }
            (0_u32..).zip(counts).filter(|&(_, count)| count >= minimum).collect()
        } else {
            let mut counts: FxHashMap<u32, u64> = FxHashMap::default();
            for (row, weight) in transactions.iter() {
                for &item in row {
                    *counts.entry(item).or_default() += weight;
                }
            }
            counts.into_iter().filter(|&(_, count)| count >= minimum).collect()
        };
        ranked.sort_unstable_by_key(|&(item, count)| (Reverse(count), item));
        let (names, counts): (Vec<u32>, Vec<u64>) = ranked.into_iter().unzip();
        let ranks = if dense {
            let mut ranks = vec![NONE; end];
            for (rank, &item) in (0_u32..).zip(&names) {
                ranks[item as usize] = rank;
            }
            Ranks::Dense(ranks)
        } else {
            Ranks::Sparse(names.iter().copied().zip(0_u32..).collect())
        };
        Self { names, counts, ranks }
    }

    /// The transactions as ranks of frequent items, without the empty ones. Identical ones are merged where that makes them
    /// clearly fewer.
    pub(super) fn apply(&self, transactions: &Transactions) -> Transactions {
        let tasks = transactions.len().div_ceil(ROWS_PER_TASK);
        let part = |task: usize| {
            let mut part = Transactions::new();
            for row in task * ROWS_PER_TASK..((task + 1) * ROWS_PER_TASK).min(transactions.len()) {
                let mut ranks = transactions.row(row).iter().filter_map(|&item| self.rank(item)).peekable();
                if ranks.peek().is_some() {
                    part.push_from(ranks, transactions.weight(row));
                }
            }
            part
        };
        // The first rows tell whether merging pays.
        let first = part(0);
        let merged = first.merge_identical();
        let merges = merged.len() * 4 <= first.len() * 3;
        let mut parts: Vec<Transactions> = (1..tasks)
            .into_par_iter()
            .map(|task| if merges { part(task).merge_identical() } else { part(task) })
            .collect();
        if parts.is_empty() {
            return merged;
        }
        let mut all = if merges { merged } else { first };
        all.reserve(parts.iter().map(Transactions::len).sum(), parts.iter().map(|part| part.items().len()).sum());
        parts.drain(..).for_each(|part| all.merge(&part));
        if merges { all.merge_identical() } else { all }
    }

    fn rank(&self, item: u32) -> Option<u32> {
        match &self.ranks {
            Ranks::Dense(ranks) => ranks.get(item as usize).copied().filter(|&rank| rank != NONE),
            Ranks::Sparse(ranks) => ranks.get(&item).copied(),
        }
    }
}
