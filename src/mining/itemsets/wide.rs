//! The search while more than 64 items are left: transactions are rows of item numbers.

use rayon::prelude::*;

use super::narrow::{self, Workspace};
use super::search::{Found, Search};
use super::transactions::Transactions;

/// A projection with fewer rows than this is searched by one thread.
const SPLIT_ROWS: usize = 4096;

/// Marks an item that does not go into a projection.
const NONE: u32 = u32::MAX;

/// Finds the extensions of `prefix` in `rows`.
///
/// `rows` hold the local numbers of items, ascending; `names` and `counts` say which item of the user a local number is
/// and how often it occurs in `rows`. All items are frequent. Each row stands for a transaction that holds `prefix`.
pub(super) fn mine(search: &Search, names: &[u32], counts: &[u64], rows: &Transactions, prefix: &[u32]) -> Found {
    let level = Level { search, names, counts, rows, occurrences: Occurrences::new(names.len(), rows) };
    let start = || (Scratch::default(), prefix.to_vec());
    if rows.len() >= SPLIT_ROWS {
        let parts = (0..names.len())
            .into_par_iter()
            .map_init(start, |(scratch, prefix), item| {
                let mut found = Found::default();
                level.extend(item, prefix, scratch, &mut found);
                found.report(search);
                found
            })
            .collect();
        return Found::join(parts);
    }
    let mut found = Found::default();
    let (mut scratch, mut prefix) = start();
    for item in 0..names.len() {
        level.extend(item, &mut prefix, &mut scratch, &mut found);
    }
    found.report(search);
    found
}

struct Level<'a> {
    search: &'a Search,
    names: &'a [u32],
    counts: &'a [u64],
    rows: &'a Transactions,
    occurrences: Occurrences,
}

/// What one thread uses again for each item.
#[derive(Default)]
struct Scratch {
    counts: Vec<u64>,
    local: Vec<u32>,
    bits: Vec<u64>,
    workspace: Workspace,
}

impl Level<'_> {
    /// Emits `prefix` with `item` and all sets that extend it by more frequent items.
    fn extend(&self, item: usize, prefix: &mut Vec<u32>, scratch: &mut Scratch, found: &mut Found) {
        if self.search.exceeded() {
            return;
        }
        found.emit(self.search, prefix, self.names[item], self.counts[item]);
        if !self.search.extends(prefix.len() + 1) {
            return;
        }
        scratch.counts.clear();
        scratch.counts.resize(item, 0);
        let together = scratch.counts.as_mut_slice();
        for (row, before) in self.occurrences.of(item) {
            let weight = self.rows.weight(row);
            for &other in &self.rows.row(row)[..before] {
                together[other as usize] += weight;
            }
        }
        let (mut names, mut counts) = (Vec::new(), Vec::new());
        scratch.local.clear();
        for (other, &count) in scratch.counts.iter().enumerate() {
            let frequent = count >= self.search.minimum;
            scratch.local.push(if frequent { names.len() as u32 } else { NONE });
            if frequent {
                names.push(self.names[other]);
                counts.push(count);
            }
        }
        prefix.push(self.names[item]);
        if names.len() < 2 || !self.search.extends(prefix.len() + 1) {
            for (&name, &count) in names.iter().zip(&counts) {
                found.emit(self.search, prefix, name, count);
            }
        } else if names.len() <= narrow::MAX_ITEMS {
            // A word for each item, empty for those that are left out, spares the inner loop its branch.
            let bit = |&local: &u32| if local == NONE { 0 } else { 1_u64 << local };
            scratch.bits.clear();
            scratch.bits.extend(scratch.local.iter().map(bit));
            let bits = scratch.bits.as_slice();
            for (row, before) in self.occurrences.of(item) {
                let items = &self.rows.row(row)[..before];
                let mask = items.iter().fold(0, |mask, &other| mask | bits[other as usize]);
                scratch.workspace.add(mask, self.rows.weight(row));
            }
            narrow::mine(self.search, &names, prefix, &mut scratch.workspace, found);
        } else {
            let mut projected = Transactions::new();
            for (row, before) in self.occurrences.of(item) {
                projected.push_from(self.kept(row, before, &scratch.local), self.rows.weight(row));
            }
            let projected = projected.merge_identical();
            found.append(mine(self.search, &names, &counts, &projected, prefix));
        }
        prefix.pop();
    }

    /// The first items of a row under their numbers in a projection, without those that are not part of it.
    fn kept<'s>(&'s self, row: usize, before: usize, local: &'s [u32]) -> impl Iterator<Item = u32> + 's {
        self.rows.row(row)[..before].iter().map(|&item| local[item as usize]).filter(|&item| item != NONE)
    }
}

/// For each item the rows that hold it and how many items stand before it there.
struct Occurrences {
    starts: Vec<usize>,
    places: Vec<(u32, u32)>,
}

impl Occurrences {
    fn new(items: usize, rows: &Transactions) -> Self {
        let mut starts = vec![0; items + 1];
        for &item in rows.items() {
            starts[item as usize + 1] += 1;
        }
        for item in 0..items {
            starts[item + 1] += starts[item];
        }
        let mut next = starts.clone();
        let mut places = vec![(0, 0); rows.items().len()];
        for row in 0..rows.len() {
            for (before, &item) in rows.row(row).iter().enumerate() {
                // The caller has checked that rows can be numbered with 32 bits, and a row holds each item once.
                places[next[item as usize]] = (row as u32, before as u32);
                next[item as usize] += 1;
            }
        }
        Self { starts, places }
    }

    fn of(&self, item: usize) -> impl Iterator<Item = (usize, usize)> {
        let places = &self.places[self.starts[item]..self.starts[item + 1]];
        places.iter().map(|&(row, before)| (row as usize, before as usize))
    }
}
