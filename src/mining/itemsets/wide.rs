//! The search while more than 64 items are left: transactions are rows of item numbers.

use rayon::prelude::*;

use super::conditional::{Conditional, Level, Workspaces};
use super::known::{Known, Shared};
use super::options::Kind;
use super::search::{Found, Search};
use super::transactions::Transactions;

/// A projection with fewer rows than this is searched by one thread.
const SPLIT_ROWS: usize = 4096;

/// Finds all sets in `rows`, which hold ranks.
pub(super) fn mine_all(search: &Search<'_>, counts: &[u64], rows: &Transactions) -> Found {
    let names: Vec<u32> = (0..counts.len() as u32).collect();
    if search.kind != Kind::Maximal {
        return mine(search, &names, counts, rows, &[], Known::default());
    }
    let shared = Shared::new(names.len());
    let wide = Wide::new(search, &names, counts, rows);
    in_order((0..names.len()).rev(), Scratch::default, |scratch, item| {
        let (known, seen) = shared.of(item);
        let mut found = Found::default();
        wide.extend(item, &known, &mut Vec::new(), scratch, &mut found);
        found.report(search);
        shared.add(item, seen, found);
    });
    shared.into_found(search)
}

/// Works through tasks side by side so that they begin in their order.
pub(super) fn in_order<T: Send, S, R: Send>(
    tasks: impl Iterator<Item = T> + Send,
    start: impl Fn() -> S + Sync + Send,
    work: impl Fn(&mut S, T) -> R + Sync + Send,
) -> Vec<R> {
    tasks.par_bridge().map_init(start, work).collect()
}

/// Finds the extensions of `prefix` in `rows`.
///
/// `rows` hold the local numbers of items, ascending; `names` and `counts` say which rank a local number is and how often it
/// occurs in `rows`. Numbers behind those of `names` stand for items that only decide what is closed. All items are
/// frequent. Each row stands for a transaction that holds `prefix`; `known` are sets that hold it.
pub(super) fn mine(
    search: &Search<'_>,
    names: &[u32],
    counts: &[u64],
    rows: &Transactions,
    prefix: &[u32],
    mut known: Known,
) -> Found {
    let wide = Wide::new(search, names, counts, rows);
    let start = || (Scratch::default(), prefix.to_vec());
    if rows.len() >= SPLIT_ROWS && search.kind != Kind::Maximal {
        let parts = (0..names.len()).into_par_iter().map_init(start, |(scratch, prefix), item| {
            let mut found = Found::default();
            wide.extend(item, &Known::default(), prefix, scratch, &mut found);
            found.report(search);
            found
        });
        return Found::join(parts.collect());
    }
    let mut found = Found::default();
    let (mut scratch, mut prefix) = start();
    if search.kind == Kind::Maximal {
        for item in (0..names.len()).rev() {
            let before = found.len();
            wide.extend(item, &known, &mut prefix, &mut scratch, &mut found);
            for set in before..found.len() {
                known.add(wide.level.places_of(found.set(set)).into_iter());
            }
        }
    } else {
        for item in 0..names.len() {
            wide.extend(item, &known, &mut prefix, &mut scratch, &mut found);
        }
    }
    found.report(search);
    found
}

struct Wide<'a> {
    level: Level<'a>,
    /// How often each item of `level` occurs.
    counts: &'a [u64],
    /// Items with those that only decide what is closed.
    items: usize,
    rows: &'a Transactions,
    occurrences: Occurrences,
}

/// What one thread uses again for each item.
#[derive(Default)]
struct Scratch {
    counts: Vec<u64>,
    workspaces: Workspaces,
}

impl<'a> Wide<'a> {
    fn new(search: &'a Search<'a>, names: &'a [u32], counts: &'a [u64], rows: &'a Transactions) -> Self {
        let level = Level { search, names, own: names.len() };
        let items = rows.items().iter().max().map_or(0, |item| *item as usize + 1).max(names.len());
        Self { level, counts, items, rows, occurrences: Occurrences::new(items, rows) }
    }

    /// Emits `prefix` with `item` and all sets that extend it by items before it.
    fn extend(&self, item: usize, known: &Known, prefix: &mut Vec<u32>, scratch: &mut Scratch, found: &mut Found) {
        let search = self.level.search;
        if search.ended() || !search.hopeful(self.counts[item], prefix.len() + 1) {
            return;
        }
        let closed = search.kind == Kind::Closed;
        scratch.counts.clear();
        scratch.counts.resize(if closed { self.items } else { item }, 0);
        let together = scratch.counts.as_mut_slice();
        for (row, place) in self.occurrences.of(item) {
            let weight = self.rows.weight(row);
            let items = self.rows.row(row);
            let (below, rest) = items.split_at(place);
            let above = if closed { rest } else { &[] };
            for &other in below.iter().chain(above) {
                together[other as usize] += weight;
            }
        }
        let planned = Conditional::plan(self.level, item, self.counts[item], &scratch.counts, prefix, found);
        let Some(mut conditional) = planned else { return };
        if conditional.gathers() {
            for (row, place) in self.occurrences.of(item) {
                conditional.push(self.rows.row(row), place, self.rows.weight(row));
            }
        }
        conditional.mine(self.level, known, prefix, &mut scratch.workspaces, found);
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
