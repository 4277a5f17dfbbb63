//! The search when at most 64 items are left: a transaction is one word, bit `i` says whether it holds item `i`.
//!
//! Recursive elimination: each transaction stands in the bucket of its highest item. The bucket of the highest item is
//! then exactly the projection on that item; once it has been searched, its transactions lose that item and move to the
//! bucket of the next one that they hold.

use rayon::prelude::*;

use super::search::{Found, Search};
use super::transactions::Transactions;

/// Most items that a word holds.
pub(super) const MAX_ITEMS: usize = 64;

/// Buckets with fewer rows than this are not worth sorting.
const MERGE_ROWS: usize = 8;

/// A search over fewer rows than this is done by one thread.
const SPLIT_ROWS: usize = 1024;

/// Transactions that hold the same items, and their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    mask: u64,
    weight: u64,
}

/// The buckets of one level of the search.
struct Buckets([Vec<Row>; MAX_ITEMS]);

impl Buckets {
    fn new() -> Self {
        Self(std::array::from_fn(|_| Vec::new()))
    }

    /// Puts a row into the bucket of its highest item and takes that item away from it; drops an empty row.
    fn add(&mut self, mask: u64, weight: u64) {
        if mask != 0 {
            let highest = mask.ilog2();
            self.0[highest as usize].push(Row { mask: mask ^ (1 << highest), weight });
        }
    }
}

/// The buckets of all levels, kept by a thread so that their memory is used again.
#[derive(Default)]
pub(super) struct Workspace {
    levels: Vec<Buckets>,
}

impl Workspace {
    /// Adds transactions to the first level, for [`mine`].
    pub(super) fn add(&mut self, mask: u64, weight: u64) {
        self.level(0).add(mask, weight);
    }

    fn level(&mut self, depth: usize) -> &mut Buckets {
        while self.levels.len() <= depth {
            self.levels.push(Buckets::new());
        }
        &mut self.levels[depth]
    }
}

/// One search in words: what its tasks share.
struct Narrow<'a> {
    search: &'a Search,
    /// The user's item of each bit.
    names: &'a [u32],
}

/// Finds all sets in `rows`, which hold at most [`MAX_ITEMS`] different items, all of them frequent.
pub(super) fn mine_transactions(search: &Search, names: &[u32], rows: &Transactions) -> Found {
    let mut buckets = Buckets::new();
    for (row, weight) in rows.iter() {
        buckets.add(row.iter().fold(0, |mask, &item| mask | 1 << item), weight);
    }
    Narrow { search, names }.split(first_bits(names.len()), &[], buckets)
}

/// Finds the extensions of `prefix` in the first level of `workspace`. Every item is frequent there.
pub(super) fn mine(
    search: &Search,
    names: &[u32],
    prefix: &mut Vec<u32>,
    workspace: &mut Workspace,
    found: &mut Found,
) {
    Narrow { search, names }.choose(first_bits(names.len()), prefix, workspace, found);
}

fn first_bits(number: usize) -> u64 {
    if number >= MAX_ITEMS { u64::MAX } else { (1 << number) - 1 }
}

impl Narrow<'_> {
    /// Searches the first level of `workspace` by one thread or by several, as its size is.
    fn choose(&self, present: u64, prefix: &mut Vec<u32>, workspace: &mut Workspace, found: &mut Found) {
        let rows: usize = workspace.level(0).0.iter().map(Vec::len).sum();
        if rows >= SPLIT_ROWS {
            let buckets = std::mem::replace(workspace.level(0), Buckets::new());
            found.append(self.split(present, prefix, buckets));
        } else {
            self.eliminate(present, prefix, workspace, 0, found);
        }
    }

    /// Eliminates all items first, then searches their projections in parallel.
    fn split(&self, present: u64, prefix: &[u32], mut buckets: Buckets) -> Found {
        let mut tasks = Vec::with_capacity(MAX_ITEMS);
        let mut left = present;
        while left != 0 {
            let item = left.ilog2() as usize;
            left ^= 1 << item;
            let mut bucket = std::mem::take(&mut buckets.0[item]);
            merge_identical(&mut bucket);
            for row in &bucket {
                buckets.add(row.mask, row.weight);
            }
            tasks.push((item, bucket));
        }
        let parts = tasks
            .into_par_iter()
            .map_init(Workspace::default, |workspace, (item, bucket)| {
                let mut found = Found::default();
                let mut prefix = prefix.to_vec();
                let frequent = self.extend(item, &bucket, &prefix, &mut found);
                if frequent != 0 {
                    project(&bucket, frequent, workspace.level(0));
                    prefix.push(self.names[item]);
                    self.choose(frequent, &mut prefix, workspace, &mut found);
                }
                found.report(self.search);
                found
            })
            .collect();
        Found::join(parts)
    }

    /// Eliminates one item of `present` after the other and searches its projection in the next level.
    fn eliminate(
        &self,
        present: u64,
        prefix: &mut Vec<u32>,
        workspace: &mut Workspace,
        depth: usize,
        found: &mut Found,
    ) {
        let mut left = present;
        while left != 0 && !self.search.exceeded() {
            let item = left.ilog2() as usize;
            left ^= 1 << item;
            let mut bucket = std::mem::take(&mut workspace.level(depth).0[item]);
            merge_identical(&mut bucket);
            let frequent = self.extend(item, &bucket, prefix, found);
            if frequent != 0 {
                project(&bucket, frequent, workspace.level(depth + 1));
                prefix.push(self.names[item]);
                self.eliminate(frequent, prefix, workspace, depth + 1, found);
                prefix.pop();
            }
            let level = workspace.level(depth);
            if left != 0 {
                for row in &bucket {
                    level.add(row.mask, row.weight);
                }
            }
            bucket.clear();
            level.0[item] = bucket;
        }
    }

    /// Emits `prefix` with `item`, whose projection is `bucket`. Gives the items of the projection that are frequent and
    /// still have to be searched; none when sets may not grow further.
    fn extend(&self, item: usize, bucket: &[Row], prefix: &[u32], found: &mut Found) -> u64 {
        let support = bucket.iter().map(|row| row.weight).sum();
        found.emit(self.search, prefix, self.names[item], support);
        if !self.search.extends(prefix.len() + 1) {
            return 0;
        }
        let mut counts = [0_u64; MAX_ITEMS];
        for row in bucket {
            let mut mask = row.mask;
            while mask != 0 {
                counts[mask.trailing_zeros() as usize] += row.weight;
                mask &= mask - 1;
            }
        }
        let frequent = counts.iter().enumerate().filter(|&(_, &count)| count >= self.search.minimum);
        frequent.fold(0, |mask, (other, _)| mask | 1 << other)
    }
}

/// Puts the frequent items of the rows into empty buckets.
fn project(rows: &[Row], frequent: u64, buckets: &mut Buckets) {
    for row in rows {
        buckets.add(row.mask & frequent, row.weight);
    }
}

/// Makes one row of those with the same items.
fn merge_identical(rows: &mut Vec<Row>) {
    if rows.len() < MERGE_ROWS {
        return;
    }
    rows.sort_unstable_by_key(|row| row.mask);
    rows.dedup_by(|next, kept| {
        let same = next.mask == kept.mask;
        if same {
            kept.weight += next.weight;
        }
        same
    });
}
