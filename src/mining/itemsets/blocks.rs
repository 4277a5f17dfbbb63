//! The first level of the search: blocks of items are counted and projected in two passes over the transactions.
//!
//! Reading the transactions from front to back for a block of items is much faster than looking up those of each item: a
//! block has as many counters as fit into the cache of a processor, and its rows are written one behind the other.

use super::conditional::{Conditional, Level, Workspaces};
use super::known::{Known, Shared};
use super::options::Kind;
use super::search::{Found, Search};
use super::transactions::Transactions;
use super::wide::in_order;

/// Items at most: with more, pairs of items are too many to be counted at once.
const MAX_ITEMS: usize = 4096;

/// Counters of a block, in bytes.
const COUNTERS: usize = 128 << 10;

/// Blocks at least, so that there is work for all threads.
const MIN_BLOCKS: usize = 16;

/// Rows that the items of a block may have together, as far as it has more than one item.
const BLOCK_ROWS: u64 = 4 << 20;

/// Transactions as ranks below 4096, with weights whose sum fits into 32 bits.
struct Rows {
    ends: Vec<usize>,
    items: Vec<u16>,
    weights: Vec<u32>,
}

/// Whether the transactions can be searched in blocks.
pub(super) fn suits(items: usize, rows: &Transactions) -> bool {
    items <= MAX_ITEMS && u32::try_from(rows.total()).is_ok()
}

/// Finds all sets in `rows`, which hold ranks.
pub(super) fn mine(search: &Search<'_>, counts: &[u64], rows: &Transactions) -> Found {
    let rows = Rows::new(rows);
    let names: Vec<u32> = (0..counts.len() as u32).collect();
    let level = Level { search, names: &names, own: names.len() };
    let mut blocks = blocks(counts, search.kind == Kind::Closed);
    let shared = (search.kind == Kind::Maximal).then(|| Shared::new(names.len()));
    if shared.is_some() {
        blocks.reverse();
    }
    let parts = in_order(blocks.into_iter(), Workspaces::default, |workspaces, block| {
        let mut found = Found::default();
        rows.mine_block(level, block, counts, shared.as_ref(), workspaces, &mut found);
        found.report(search);
        found
    });
    match shared {
        Some(shared) => shared.into_found(search),
        None => Found::join(parts),
    }
}

/// Blocks of items one behind the other, the most frequent first.
fn blocks(counts: &[u64], closed: bool) -> Vec<std::ops::Range<usize>> {
    let items = counts.len();
    let counters = |item: usize| if closed { items } else { item } * size_of::<u32>();
    let all: usize = (0..items).map(counters).sum();
    let most = COUNTERS.min(all / MIN_BLOCKS).max(1);
    let mut blocks = Vec::new();
    let (mut start, mut bytes, mut rows) = (0, 0, 0);
    for (item, count) in counts.iter().enumerate() {
        if item > start && (bytes + counters(item) > most || rows + count > BLOCK_ROWS) {
            blocks.push(start..item);
            (start, bytes, rows) = (item, 0, 0);
        }
        bytes += counters(item);
        rows += count;
    }
    if start < items {
        blocks.push(start..items);
    }
    blocks
}

impl Rows {
    fn new(rows: &Transactions) -> Self {
        let mut ends = Vec::with_capacity(rows.len());
        let mut weights = Vec::with_capacity(rows.len());
        // Both fit: see `suits`.
        let items: Vec<u16> = rows.items().iter().map(|item| *item as u16).collect();
        let mut end = 0;
        for (row, weight) in rows.iter() {
            end += row.len();
            ends.push(end);
            weights.push(weight as u32);
        }
        Self { ends, items, weights }
    }

    fn iter(&self) -> impl Iterator<Item = (&[u16], u32)> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| &self.items[*start..*end]).zip(self.weights.iter().copied())
    }

    fn mine_block(
        &self,
        level: Level<'_>,
        block: std::ops::Range<usize>,
        counts: &[u64],
        shared: Option<&Shared>,
        workspaces: &mut Workspaces,
        found: &mut Found,
    ) {
        let search = level.search;
        search.ask(0);
        let hopeful = block.clone().any(|item| search.hopeful(counts[item], 1));
        if search.ended() || !hopeful {
            return;
        }
        let closed = search.kind == Kind::Closed;
        let width = if closed { counts.len() } else { block.end };
        let mut together = vec![0_u32; block.len() * width];
        for (row, weight) in self.iter() {
            let first = row.partition_point(|item| usize::from(*item) < block.start);
            for (place, item) in row.iter().enumerate().skip(first) {
                let item = usize::from(*item);
                if item >= block.end {
                    break;
                }
                let counters = &mut together[(item - block.start) * width..][..width];
                let others = if closed { row } else { &row[..place] };
                for other in others {
                    counters[usize::from(*other)] += weight;
                }
            }
        }
        let mut planned: Vec<Option<Conditional>> = block
            .clone()
            .map(|item| {
                let counters = &together[(item - block.start) * width..][..width];
                let counters = if closed { counters } else { &counters[..item] };
                Conditional::plan(level, item, counts[item], counters, &[], found)
            })
            .collect();
        drop(together);
        for (row, weight) in self.iter() {
            let first = row.partition_point(|item| usize::from(*item) < block.start);
            for (place, item) in row.iter().enumerate().skip(first) {
                let Some(conditional) = planned.get_mut(usize::from(*item) - block.start) else { break };
                if let Some(conditional) = conditional.as_mut().filter(|conditional| conditional.gathers()) {
                    conditional.push(row, place, u64::from(weight));
                }
            }
        }
        let mut prefix = Vec::new();
        let order: Vec<usize> = if shared.is_some() { block.clone().rev().collect() } else { block.clone().collect() };
        for item in order {
            let Some(conditional) = planned[item - block.start].take() else { continue };
            if search.ended() {
                return;
            }
            match shared {
                None => conditional.mine(level, &Known::default(), &mut prefix, workspaces, found),
                Some(shared) => {
                    let (known, seen) = shared.of(item);
                    let mut of_item = Found::default();
                    conditional.mine(level, &known, &mut prefix, workspaces, &mut of_item);
                    of_item.report(search);
                    shared.add(item, seen, of_item);
                }
            }
        }
    }
}
