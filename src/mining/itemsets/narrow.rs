//! The search when at most 64 items are left: a transaction is one word, bit `i` says whether it holds item `i`.
//!
//! Recursive elimination: each transaction stands in the bucket of its highest item. The bucket of the highest item is
//! then exactly the projection on that item; once it has been searched, its transactions lose that item and move to the
//! bucket of the next one that they hold.

use rayon::prelude::*;

use super::options::Kind;
use super::row::{self, MAX_ITEMS, Row, Skipped};
use super::search::{Found, Search};

/// A search over fewer rows than this is done by one thread.
const SPLIT_ROWS: usize = 1024;

/// One level of the search.
struct Level<S> {
    /// Rows by their highest item.
    buckets: [Vec<Row<S>>; MAX_ITEMS],
    /// Maximal search: the items of frequent sets that hold the prefix of this level and were found already.
    known: Vec<u64>,
}

impl<S: Skipped> Level<S> {
    fn new() -> Self {
        Self { buckets: std::array::from_fn(|_| Vec::new()), known: Vec::new() }
    }

    /// Puts a row into the bucket of its highest item and takes that item away from it; drops an empty row.
    #[inline]
    fn add(&mut self, mask: u64, row: &Row<S>) {
        if mask != 0 {
            let highest = mask.ilog2();
            self.buckets[highest as usize].push(Row { mask: mask ^ (1 << highest), ..*row });
        }
    }

    /// Moves a row whose item has been searched to its next item.
    #[inline]
    fn move_on(&mut self, item: usize, row: &Row<S>) {
        let mut row = *row;
        row.skipped.skip(item as u32);
        self.add(row.mask, &row);
    }
}

/// The levels of the search, kept by a thread so that their memory is used again.
pub(super) struct Workspace<S> {
    levels: Vec<Level<S>>,
}

impl<S> Default for Workspace<S> {
    fn default() -> Self {
        Self { levels: Vec::new() }
    }
}

impl<S: Skipped> Workspace<S> {
    fn level(&mut self, depth: usize) -> &mut Level<S> {
        while self.levels.len() <= depth {
            self.levels.push(Level::new());
        }
        &mut self.levels[depth]
    }
}

/// One search in words: what its tasks share.
struct Narrow<'a> {
    search: &'a Search<'a>,
    /// The rank of each bit.
    names: &'a [u32],
}

/// What is left to do for an item.
struct Extension {
    /// Items that every row of the bucket holds: they belong to each closed and each maximal set.
    always: u64,
    /// Other items that are frequent together with it.
    frequent: u64,
}

/// Finds the extensions of `prefix` in `rows`, which hold at most [`MAX_ITEMS`] different items, each of them frequent.
/// `known` are for the maximal search the frequent sets that hold `prefix` and were found already.
pub(super) fn mine<S: Skipped>(
    search: &Search<'_>,
    names: &[u32],
    prefix: &mut Vec<u32>,
    rows: &[Row<S>],
    known: &[u64],
    workspace: &mut Workspace<S>,
    found: &mut Found,
) {
    let narrow = Narrow { search, names };
    let level = workspace.level(0);
    level.known.clear();
    level.known.extend_from_slice(known);
    for row in rows {
        level.add(row.mask, row);
    }
    let present = if names.len() >= MAX_ITEMS { u64::MAX } else { (1 << names.len()) - 1 };
    narrow.choose(present, prefix, workspace, found);
}

impl Narrow<'_> {
    /// Searches the first level of `workspace` by one thread or by several, as its size is.
    fn choose<S: Skipped>(&self, present: u64, prefix: &mut Vec<u32>, workspace: &mut Workspace<S>, found: &mut Found) {
        let level = workspace.level(0);
        let rows: usize = level.buckets.iter().map(Vec::len).sum();
        // Maximal sets are searched one after the other: what was found spares most of what comes.
        if rows >= SPLIT_ROWS && self.search.kind != Kind::Maximal {
            let level = std::mem::replace(level, Level::new());
            found.append(self.split(present, prefix, level));
        } else {
            self.eliminate(present, prefix, workspace, 0, found);
        }
    }

    /// Eliminates all items first, then searches their projections in parallel.
    fn split<S: Skipped>(&self, present: u64, prefix: &[u32], mut level: Level<S>) -> Found {
        let mut tasks = Vec::with_capacity(MAX_ITEMS);
        let mut left = present;
        while left != 0 {
            let item = left.ilog2() as usize;
            left ^= 1 << item;
            let mut bucket = std::mem::take(&mut level.buckets[item]);
            row::merge_identical(&mut bucket);
            for row in &bucket {
                level.move_on(item, row);
            }
            tasks.push((item, bucket));
        }
        // The most frequent items first: they raise the bar of a search for the top soonest.
        let parts = tasks.into_par_iter().rev().map_init(Workspace::default, |workspace, (item, bucket)| {
            let mut found = Found::default();
            let mut prefix = prefix.to_vec();
            if let Some(extension) = self.extend(item, &bucket, &prefix, workspace, 0, &mut found) {
                self.enter(item, &bucket, &extension, &mut prefix, workspace.level(0));
                self.choose(extension.frequent, &mut prefix, workspace, &mut found);
            }
            found.report(self.search);
            found
        });
        Found::join(parts.collect())
    }

    /// Eliminates one item of `present` after the other and searches its projection in the next level.
    fn eliminate<S: Skipped>(
        &self,
        present: u64,
        prefix: &mut Vec<u32>,
        workspace: &mut Workspace<S>,
        depth: usize,
        found: &mut Found,
    ) {
        let mut left = present;
        while left != 0 && !self.search.ended() {
            let item = left.ilog2() as usize;
            left ^= 1 << item;
            let mut bucket = std::mem::take(&mut workspace.level(depth).buckets[item]);
            row::merge_identical(&mut bucket);
            if let Some(extension) = self.extend(item, &bucket, prefix, workspace, depth, found) {
                let length = prefix.len();
                self.enter(item, &bucket, &extension, prefix, workspace.level(depth + 1));
                self.eliminate(extension.frequent, prefix, workspace, depth + 1, found);
                prefix.truncate(length);
            }
            let level = workspace.level(depth);
            if left != 0 {
                for row in &bucket {
                    level.move_on(item, row);
                }
            }
            bucket.clear();
            level.buckets[item] = bucket;
        }
    }

    /// Lengthens the prefix and puts the frequent items of the rows into empty buckets.
    fn enter<S: Skipped>(
        &self,
        item: usize,
        rows: &[Row<S>],
        extension: &Extension,
        prefix: &mut Vec<u32>,
        level: &mut Level<S>,
    ) {
        prefix.push(self.names[item]);
        prefix.extend(self.ranks(extension.always));
        for row in rows {
            level.add(row.mask & extension.frequent, row);
        }
    }

    /// Emits what `prefix` with `item`, whose projection is `bucket`, gives by itself. Gives what has to be searched; nothing
    /// when sets may not grow further, or when they would be found elsewhere.
    fn extend<S: Skipped>(
        &self,
        item: usize,
        bucket: &[Row<S>],
        prefix: &[u32],
        workspace: &mut Workspace<S>,
        depth: usize,
        found: &mut Found,
    ) -> Option<Extension> {
        let support = bucket.iter().map(|row| row.weight).sum();
        if !self.search.hopeful(support, prefix.len() + 1) {
            return None;
        }
        let mut always = 0;
        if self.search.kind != Kind::Frequent {
            always = bucket.iter().fold(u64::MAX, |always, row| always & row.mask);
            // An item that was eliminated stands in every row: with it the same sets have been found before.
            if S::SKIPS && !row::none_in_all(bucket) {
                return None;
            }
        }
        if self.search.kind != Kind::Maximal {
            found.emit(self.search, prefix, self.ranks(1 << item | always), support);
        }
        if !self.search.extends(prefix.len() + 1) {
            return None;
        }
        let mut counts = [0_u64; MAX_ITEMS];
        for row in bucket {
            let mut mask = row.mask;
            while mask != 0 {
                counts[mask.trailing_zeros() as usize] += row.weight;
                mask &= mask - 1;
            }
        }
        let minimum = self.search.minimum();
        let frequent = counts.iter().enumerate().filter(|&(_, &count)| count >= minimum);
        let frequent = frequent.fold(0, |mask, (other, _)| mask | 1 << other) & !always;
        if self.search.kind == Kind::Maximal {
            return self.extend_maximal(item, bucket, always, frequent, support, prefix, workspace, depth, found);
        }
        (frequent != 0).then_some(Extension { always, frequent })
    }

    #[expect(clippy::too_many_arguments, reason = "a part of `extend`")]
    fn extend_maximal<S: Skipped>(
        &self,
        item: usize,
        bucket: &[Row<S>],
        always: u64,
        frequent: u64,
        support: u64,
        prefix: &[u32],
        workspace: &mut Workspace<S>,
        depth: usize,
        found: &mut Found,
    ) -> Option<Extension> {
        let own = 1 << item | always;
        let all = own | frequent;
        if workspace.level(depth).known.iter().any(|known| known & all == all) {
            return None;
        }
        // The rows that hold everything: when they are enough, nothing else below is maximal.
        let together: u64 = bucket.iter().filter(|row| row.mask & frequent == frequent).map(|row| row.weight).sum();
        if together >= self.search.minimum() {
            debug_assert!(frequent != 0 || together == support);
            found.emit(self.search, prefix, self.ranks(all), together);
            // Levels above know the bits of their prefixes, too: they do no harm.
            let above = workspace.levels.iter_mut().take(depth + 1);
            above.for_each(|level| level.known.push(all | row::bits_of(self.names, prefix)));
            return None;
        }
        let (above, below) = workspace.pair(depth);
        below.known.clear();
        below.known.extend(above.known.iter().filter(|known| *known & own == own).map(|known| known & frequent));
        Some(Extension { always, frequent })
    }

    fn ranks(&self, mask: u64) -> impl Iterator<Item = u32> + '_ {
        row::bits(mask).map(|bit| self.names[bit as usize])
    }
}

impl<S: Skipped> Workspace<S> {
    /// A level and the one below it.
    fn pair(&mut self, depth: usize) -> (&Level<S>, &mut Level<S>) {
        self.level(depth + 1);
        let (above, below) = self.levels.split_at_mut(depth + 1);
        (&above[depth], &mut below[0])
    }
}
