//! Transactions over at most 64 items as words, for [`narrow`](super::narrow).

/// Most items that a word holds.
pub(super) const MAX_ITEMS: usize = 64;

/// Rows fewer than this are not worth sorting.
const MERGE_ROWS: usize = 8;

/// Transactions that hold the same items, and their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row<S> {
    /// The items that are still to be searched.
    pub(super) mask: u64,
    /// How many transactions they are.
    pub(super) weight: u64,
    /// The items that were searched already and stand in all of these transactions.
    pub(super) skipped: S,
}

/// Items that all transactions of a row hold and that the search has left behind. A set is closed only if none of them is in
/// all of its transactions (the prefix-preserving closure of Uno, Kiyomi & Arimura 2004; the intersections are those of LCM
/// ver. 2).
pub(super) trait Skipped: Copy + Send + Sync + 'static {
    /// Whether anything is kept.
    const SKIPS: bool;
    /// No items.
    fn none() -> Self;
    /// Adds an item of the word.
    fn skip(&mut self, bit: u32);
    /// Keeps what both have.
    fn intersect(&mut self, other: &Self);
    /// Whether no item is left.
    fn is_empty(&self) -> bool;
}

/// Nothing is kept: all frequent sets are wanted, or known sets tell what is not maximal.
impl Skipped for () {
    const SKIPS: bool = false;
    fn none() -> Self {}
    #[inline]
    fn skip(&mut self, _: u32) {}
    #[inline]
    fn intersect(&mut self, (): &Self) {}
    fn is_empty(&self) -> bool {
        true
    }
}

/// Items as bits: those of the word, and up to `64 * W` others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Words<const W: usize> {
    pub(super) inside: u64,
    pub(super) outside: [u64; W],
}

impl<const W: usize> Skipped for Words<W> {
    const SKIPS: bool = true;

    fn none() -> Self {
        Self { inside: 0, outside: [0; W] }
    }

    #[inline]
    fn skip(&mut self, bit: u32) {
        self.inside |= 1 << bit;
    }

    #[inline]
    fn intersect(&mut self, other: &Self) {
        self.inside &= other.inside;
        self.outside.iter_mut().zip(&other.outside).for_each(|(own, other)| *own &= other);
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.inside == 0 && self.outside.iter().all(|word| *word == 0)
    }
}

/// Whether no skipped item stands in all rows.
pub(super) fn none_in_all<S: Skipped>(rows: &[Row<S>]) -> bool {
    let Some((first, others)) = rows.split_first() else { return true };
    let mut skipped = first.skipped;
    for row in others {
        if skipped.is_empty() {
            return true;
        }
        skipped.intersect(&row.skipped);
    }
    skipped.is_empty()
}

/// Makes one row of those with the same items to be searched.
pub(super) fn merge_identical<S: Skipped>(rows: &mut Vec<Row<S>>) {
    if rows.len() < MERGE_ROWS {
        return;
    }
    rows.sort_unstable_by_key(|row| row.mask);
    rows.dedup_by(|next, kept| {
        let same = next.mask == kept.mask;
        if same {
            kept.weight += next.weight;
            kept.skipped.intersect(&next.skipped);
        }
        same
    });
}

/// The bits that are set, from the lowest.
pub(super) fn bits(mut mask: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        (mask != 0).then(|| {
            let bit = mask.trailing_zeros();
            mask &= mask - 1;
            bit
        })
    })
}

/// The bits of ranks, as far as they have one; `names` are the ranks of the bits, ascending.
pub(super) fn bits_of(names: &[u32], ranks: &[u32]) -> u64 {
    ranks.iter().filter_map(|rank| names.binary_search(rank).ok()).fold(0, |mask, bit| mask | 1 << bit)
}
