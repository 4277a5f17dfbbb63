use rustc_hash::FxHashMap;

use super::options::ItemsetError;

/// Transactions over item numbers, as compressed sparse rows with weights.
///
/// The items of a row stand in ascending order, each once. A weight says how often the row occurs, so equal rows can be
/// kept as one: see [`Transactions::merge_identical`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transactions {
    /// Row `r` is `items[offsets[r]..offsets[r + 1]]`. Holds one entry more than there are rows.
    offsets: Vec<usize>,
    items: Vec<u32>,
    weights: Vec<u64>,
    total: u64,
}

impl Default for Transactions {
    fn default() -> Self {
        Self::new()
    }
}

impl Transactions {
    /// No transactions.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0, 0)
    }

    /// No transactions, with room for `rows` of them and `items` items in all.
    #[must_use]
    pub fn with_capacity(rows: usize, items: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows.saturating_add(1));
        offsets.push(0);
        Self { offsets, items: Vec::with_capacity(items), weights: Vec::with_capacity(rows), total: 0 }
    }

    /// Takes compressed sparse rows: row `r` is `items[offsets[r]..offsets[r + 1]]`.
    ///
    /// # Errors
    /// [`ItemsetError::Offsets`] unless the offsets start with 0, never fall, and end with the number of items.
    pub fn from_parts(offsets: &[usize], items: &[u32]) -> Result<Self, ItemsetError> {
        let last = offsets.len().saturating_sub(1);
        if offsets.first() != Some(&0) {
            return Err(ItemsetError::Offsets { position: 0, reason: "the first offset must be 0" });
        }
        if offsets.last() != Some(&items.len()) {
            return Err(ItemsetError::Offsets {
                position: last,
                reason: "the last offset must be the number of items",
            });
        }
        let mut transactions = Self::with_capacity(last, items.len());
        for (row, ends) in offsets.windows(2).enumerate() {
            let slice = items.get(ends[0]..ends[1]);
            let slice = slice.ok_or(ItemsetError::Offsets { position: row + 1, reason: "an offset must not fall" })?;
            transactions.push(slice);
        }
        Ok(transactions)
    }

    /// Adds one transaction. An item that occurs several times in it counts once; an empty transaction counts too.
    pub fn push(&mut self, items: &[u32]) {
        self.push_weighted(items, 1);
    }

    /// Adds a transaction that occurs `weight` times.
    pub fn push_weighted(&mut self, items: &[u32], weight: u64) {
        let start = self.items.len();
        self.items.extend_from_slice(items);
        self.close_row(start, weight);
    }

    /// Adds the items that an iterator gives as one transaction with a weight.
    pub(super) fn push_from(&mut self, items: impl Iterator<Item = u32>, weight: u64) {
        let start = self.items.len();
        self.items.extend(items);
        self.close_row(start, weight);
    }

    fn close_row(&mut self, start: usize, weight: u64) {
        let row = &mut self.items[start..];
        if row.windows(2).any(|pair| pair[0] >= pair[1]) {
            row.sort_unstable();
            let mut kept = start;
            for read in start..self.items.len() {
                if kept == start || self.items[kept - 1] != self.items[read] {
                    self.items[kept] = self.items[read];
                    kept += 1;
                }
            }
            self.items.truncate(kept);
        }
        self.offsets.push(self.items.len());
        self.weights.push(weight);
        self.total += weight;
    }

    /// Makes room for so many more rows and items in all.
    pub(super) fn reserve(&mut self, rows: usize, items: usize) {
        self.offsets.reserve_exact(rows);
        self.weights.reserve_exact(rows);
        self.items.reserve_exact(items);
    }

    /// Adds all transactions of another collection behind those of this one.
    pub fn merge(&mut self, other: &Self) {
        let base = self.items.len();
        self.items.extend_from_slice(&other.items);
        self.offsets.extend(other.offsets.iter().skip(1).map(|offset| base + offset));
        self.weights.extend_from_slice(&other.weights);
        self.total += other.total;
    }

    /// The same transactions with equal rows merged into one, in the order of their first occurrence.
    ///
    /// Expected time is linear in the number of items. Call it after each batch of a stream with few different rows, as
    /// categorical columns have, and memory stays small.
    #[must_use]
    pub fn merge_identical(&self) -> Self {
        let mut merged = Self::new();
        let mut seen: FxHashMap<&[u32], usize> = FxHashMap::default();
        for (row, weight) in self.iter() {
            let next = merged.len();
            let index = *seen.entry(row).or_insert(next);
            if index == next {
                merged.push_weighted(row, weight);
            } else {
                merged.weights[index] += weight;
                merged.total += weight;
            }
        }
        merged
    }

    /// The same transactions with other numbers for their items: `numbers` holds the new one of each.
    ///
    /// # Errors
    /// The item that has none.
    pub fn renumbered(&self, numbers: &[u32]) -> Result<Self, u32> {
        let mut renumbered = Self::with_capacity(self.len(), self.items.len());
        let mut row_items = Vec::new();
        for (row, weight) in self.iter() {
            row_items.clear();
            for item in row {
                row_items.push(*numbers.get(*item as usize).ok_or(*item)?);
            }
            renumbered.push_weighted(&row_items, weight);
        }
        Ok(renumbered)
    }

    /// Bytes that the transactions take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.items.capacity() * size_of::<u32>()
            + self.offsets.capacity() * size_of::<usize>()
            + self.weights.capacity() * size_of::<u64>()
    }

    /// Number of rows. Merged rows count once; see [`Transactions::total`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Number of transactions: the sum of all weights.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The rows with their weights; the items of each ascend.
    pub fn iter(&self) -> impl Iterator<Item = (&[u32], u64)> {
        (0..self.len()).map(|row| (self.row(row), self.weights[row]))
    }

    /// The items of a row, which must exist.
    pub(super) fn row(&self, row: usize) -> &[u32] {
        &self.items[self.offsets[row]..self.offsets[row + 1]]
    }

    /// The weight of a row, which must exist.
    pub(super) fn weight(&self, row: usize) -> u64 {
        self.weights[row]
    }

    /// The items of all rows, one after the other.
    pub(super) fn items(&self) -> &[u32] {
        &self.items
    }
}
