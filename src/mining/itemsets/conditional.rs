//! The transactions that hold a prefix, while they are gathered: what is searched next.

use super::known::Known;
use super::narrow::{self, Workspace};
use super::options::Kind;
use super::row::{self, MAX_ITEMS, Row, Skipped, Words};
use super::search::{Found, Search};
use super::transactions::Transactions;
use super::wide;

/// Marks an item that does not go into a projection.
const NONE: u32 = u32::MAX;

/// Rows that are gathered before identical ones are merged for the first time.
const MERGE_AT: usize = 1 << 16;

/// An item of a level whose extensions are to be searched.
pub(super) struct Conditional {
    /// The ranks that the item adds to the prefix: its own, and those of the items that all its transactions hold.
    own: Vec<u32>,
    /// The rank of each item of the projection, ascending.
    names: Vec<u32>,
    /// How often each occurs in the projection.
    counts: Vec<u64>,
    /// For each item of the level its number in the projection. Those that only decide what is closed follow behind the others.
    places: Vec<u32>,
    rows: Rows,
    merge_at: usize,
}

/// Words where they are wide enough, else lists.
enum Rows {
    Plain(Vec<Row<()>>),
    Closed0(Vec<Row<Words<0>>>),
    Closed1(Vec<Row<Words<1>>>),
    Closed4(Vec<Row<Words<4>>>),
    Closed16(Vec<Row<Words<16>>>),
    Closed64(Vec<Row<Words<64>>>),
    Lists(Transactions),
}

/// Where a level stands: what its items are.
#[derive(Clone, Copy)]
pub(super) struct Level<'a> {
    pub(super) search: &'a Search<'a>,
    /// The rank of each item.
    pub(super) names: &'a [u32],
    /// How many items sets are made of; those behind them only decide what is closed.
    pub(super) own: usize,
}

/// The memory of a thread.
#[derive(Default)]
pub(super) struct Workspaces {
    plain: Workspace<()>,
    closed0: Workspace<Words<0>>,
    closed1: Workspace<Words<1>>,
    closed4: Workspace<Words<4>>,
    closed16: Workspace<Words<16>>,
    closed64: Workspace<Words<64>>,
}

/// Finds all sets in `rows`, which hold at most [`MAX_ITEMS`] ranks; not for maximal sets.
pub(super) fn mine_all(search: &Search<'_>, items: usize, rows: &Transactions) -> Found {
    fn mine<S: Skipped>(search: &Search<'_>, names: &[u32], rows: &Transactions) -> Found {
        let words = rows.iter().map(|(row, weight)| {
            let mask = row.iter().fold(0, |mask, item| mask | 1 << item);
            Row { mask, weight, skipped: S::none() }
        });
        let mut found = Found::default();
        let words: Vec<Row<S>> = words.collect();
        narrow::mine(search, names, &mut Vec::new(), &words, &[], &mut Workspace::default(), &mut found);
        found.report(search);
        found
    }
    let names: Vec<u32> = (0..items as u32).collect();
    match search.kind {
        Kind::Closed => mine::<Words<0>>(search, &names, rows),
        Kind::Frequent | Kind::Maximal => mine::<()>(search, &names, rows),
    }
}

impl Conditional {
    /// Emits what `prefix` with `item` gives by itself; gives what is to be searched for more, if anything. `counts` says how
    /// often each item of the level occurs in the transactions of `item`; without a closed search only those below `item` are
    /// looked at. `support` is the number of these transactions.
    pub(super) fn plan(
        level: Level<'_>,
        item: usize,
        support: u64,
        counts: &[impl Copy + Into<u64>],
        prefix: &[u32],
        found: &mut Found,
    ) -> Option<Self> {
        let search = level.search;
        if !search.hopeful(support, prefix.len() + 1) {
            return None;
        }
        let (below, above) = counts.split_at(item);
        let closed = search.kind == Kind::Closed;
        if closed && above.iter().skip(1).any(|count| (*count).into() == support) {
            return None;
        }
        let minimum = search.minimum();
        let mut conditional = Self {
            own: vec![level.names[item]],
            names: Vec::new(),
            counts: Vec::new(),
            places: Vec::with_capacity(counts.len()),
            rows: Rows::Plain(Vec::new()),
            merge_at: MERGE_AT,
        };
        for (other, &count) in below.iter().enumerate() {
            let count = count.into();
            let always = count == support && search.kind != Kind::Frequent;
            let frequent = count >= minimum && !always;
            if always {
                conditional.own.push(level.names[other]);
            }
            conditional.places.push(if frequent { conditional.names.len() as u32 } else { NONE });
            if frequent {
                conditional.names.push(level.names[other]);
                conditional.counts.push(count);
            }
        }
        // A set of a maximal search is emitted when it is clear that no larger one was found before.
        if search.kind != Kind::Maximal {
            found.emit(search, prefix, conditional.own.iter().copied(), support);
        }
        let length = prefix.len() + 1;
        let few = conditional.names.len() < 2 || !search.extends(length + 1);
        if search.kind == Kind::Frequent && (few || !search.extends(length)) {
            if search.extends(length) {
                for (&name, &count) in conditional.names.iter().zip(&conditional.counts) {
                    if search.hopeful(count, length + 1) {
                        found.emit(search, prefix, [conditional.own[0], name].into_iter(), count);
                    }
                }
            }
            return None;
        }
        if conditional.names.is_empty() {
            if search.kind == Kind::Maximal {
                conditional.counts.push(support);
                return Some(conditional);
            }
            return None;
        }
        let mut outside = 0;
        if closed {
            conditional.places.push(NONE);
            for &count in above.iter().skip(1) {
                let frequent = count.into() >= minimum;
                conditional.places.push(if frequent { (conditional.names.len() + outside) as u32 } else { NONE });
                outside += usize::from(frequent);
            }
        }
        conditional.rows = Rows::new(conditional.names.len(), closed, outside);
        Some(conditional)
    }

    /// Whether there are transactions to be gathered.
    pub(super) fn gathers(&self) -> bool {
        !self.names.is_empty()
    }

    /// Adds a transaction of the item: `place` is where the item stands in `row`.
    #[inline]
    pub(super) fn push<T: Copy + Into<u32>>(&mut self, row: &[T], place: usize, weight: u64) {
        let (below, rest) = row.split_at(place);
        let above = rest.get(1..).unwrap_or_default();
        let tail = self.names.len() as u32;
        let places = self.places.as_slice();
        let rows = match &mut self.rows {
            Rows::Plain(rows) => push_row(rows, places, tail, below, &[], weight),
            Rows::Closed0(rows) => push_row(rows, places, tail, below, &[], weight),
            Rows::Closed1(rows) => push_row(rows, places, tail, below, above, weight),
            Rows::Closed4(rows) => push_row(rows, places, tail, below, above, weight),
            Rows::Closed16(rows) => push_row(rows, places, tail, below, above, weight),
            Rows::Closed64(rows) => push_row(rows, places, tail, below, above, weight),
            Rows::Lists(rows) => {
                // Without a closed search no item above has a place.
                let items = below.iter().chain(above).map(|item| places.get((*item).into() as usize).copied());
                rows.push_from(items.flatten().filter(|place| *place != NONE), weight);
                rows.len()
            }
        };
        if rows >= self.merge_at {
            self.merge_at = self.rows.merge().saturating_mul(2).max(MERGE_AT);
        }
    }

    /// Searches what was gathered. `known` are for a maximal search the frequent sets of the level that were found already.
    pub(super) fn mine(
        self,
        level: Level<'_>,
        known: &Known,
        prefix: &mut Vec<u32>,
        workspaces: &mut Workspaces,
        found: &mut Found,
    ) {
        let search = level.search;
        let mut below = Known::default();
        if search.kind == Kind::Maximal {
            let own = level.places_of(&self.own);
            let Some(projected) = known.project(&own, &self.places, self.names.len()) else { return };
            below = projected;
            if self.names.is_empty() {
                let support = self.counts.first().copied().unwrap_or_default();
                found.emit(search, prefix, self.own.iter().copied(), support);
                return;
            }
        }
        let length = prefix.len();
        prefix.extend_from_slice(&self.own);
        let (names, words) = (self.names.as_slice(), below.words());
        match &self.rows {
            Rows::Plain(rows) => narrow::mine(search, names, prefix, rows, words, &mut workspaces.plain, found),
            Rows::Closed0(rows) => narrow::mine(search, names, prefix, rows, &[], &mut workspaces.closed0, found),
            Rows::Closed1(rows) => narrow::mine(search, names, prefix, rows, &[], &mut workspaces.closed1, found),
            Rows::Closed4(rows) => narrow::mine(search, names, prefix, rows, &[], &mut workspaces.closed4, found),
            Rows::Closed16(rows) => narrow::mine(search, names, prefix, rows, &[], &mut workspaces.closed16, found),
            Rows::Closed64(rows) => narrow::mine(search, names, prefix, rows, &[], &mut workspaces.closed64, found),
            Rows::Lists(rows) => {
                let rows = rows.merge_identical();
                found.append(wide::mine(search, names, &self.counts, &rows, prefix, below));
            }
        }
        prefix.truncate(length);
    }
}

impl Level<'_> {
    /// The numbers of ranks within the level.
    pub(super) fn places_of(&self, ranks: &[u32]) -> Vec<u32> {
        let names = self.names.get(..self.own).unwrap_or_default();
        ranks.iter().filter_map(|rank| names.binary_search(rank).ok()).map(|place| place as u32).collect()
    }
}

impl Rows {
    fn new(items: usize, closed: bool, outside: usize) -> Self {
        match outside.div_ceil(MAX_ITEMS) {
            _ if items > MAX_ITEMS => Self::Lists(Transactions::new()),
            _ if !closed => Self::Plain(Vec::new()),
            0 => Self::Closed0(Vec::new()),
            1 => Self::Closed1(Vec::new()),
            2..=4 => Self::Closed4(Vec::new()),
            5..=16 => Self::Closed16(Vec::new()),
            17..=64 => Self::Closed64(Vec::new()),
            _ => Self::Lists(Transactions::new()),
        }
    }

    fn merge(&mut self) -> usize {
        fn merged<S: Skipped>(rows: &mut Vec<Row<S>>) -> usize {
            row::merge_identical(rows);
            rows.len()
        }
        match self {
            Self::Plain(rows) => merged(rows),
            Self::Closed0(rows) => merged(rows),
            Self::Closed1(rows) => merged(rows),
            Self::Closed4(rows) => merged(rows),
            Self::Closed16(rows) => merged(rows),
            Self::Closed64(rows) => merged(rows),
            Self::Lists(rows) => {
                *rows = rows.merge_identical();
                rows.len()
            }
        }
    }
}

/// Adds a transaction as a word; gives the number of rows. Those without an item to be searched are left out.
#[inline]
fn push_row<S: FromPlaces, T: Copy + Into<u32>>(
    rows: &mut Vec<Row<S>>,
    places: &[u32],
    tail: u32,
    below: &[T],
    above: &[T],
    weight: u64,
) -> usize {
    // The numbers of the projection are below 64, or `NONE`.
    let bit = |place: u32| if place == NONE { 0 } else { 1_u64 << (place & 63) };
    let mask = below.iter().fold(0, |mask, item| mask | bit(places[(*item).into() as usize]));
    if mask != 0 {
        let outside = above.iter().map(|item| places[(*item).into() as usize]).filter(|place| *place != NONE);
        rows.push(Row { mask, weight, skipped: S::from_places(outside.map(|place| place - tail)) });
    }
    rows.len()
}

/// Skipped items made of their numbers behind the items to be searched.
trait FromPlaces: Skipped {
    fn from_places(places: impl Iterator<Item = u32>) -> Self;
}

impl FromPlaces for () {
    #[inline]
    fn from_places(_: impl Iterator<Item = u32>) -> Self {}
}

impl<const W: usize> FromPlaces for Words<W> {
    #[inline]
    fn from_places(places: impl Iterator<Item = u32>) -> Self {
        let mut words = Self::none();
        for place in places {
            if let Some(word) = words.outside.get_mut(place as usize / 64) {
                *word |= 1 << (place % 64);
            }
        }
        words
    }
}
