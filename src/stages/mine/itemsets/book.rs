//! The items that were met, with their numbers.

use rustc_hash::FxHashMap;

/// Different items at most: their numbers have 32 bits, and no screen shows a tenth of them.
pub(super) const MOST_ITEMS: usize = 50_000_000;

/// An item: a value of a column, or a bin of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// The column's place among those of `items`.
    pub(super) column: usize,
    /// The value as text, or what a bin is called.
    pub(super) text: String,
    /// The numbers of a bin: above the first, at most the second.
    pub(super) bin: Option<(Option<f64>, Option<f64>)>,
}

/// Items by their number.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// The names of columns; none where items are no values of columns.
    columns: Vec<String>,
    items: Vec<Item>,
    known: Vec<FxHashMap<String, u32>>,
    /// Bytes of texts.
    bytes: usize,
    /// Whether it takes no new items.
    closed: bool,
}

impl Book {
    /// A book for items of so many columns; `columns` are their names, where they are part of the items' names.
    pub(super) fn new(columns: Vec<String>) -> Self {
        let known = vec![FxHashMap::default(); columns.len().max(1)];
        Self { columns, known, ..Self::default() }
    }

    /// The number of an item, a new one when it was not met yet.
    pub(super) fn number(
        &mut self,
        column: usize,
        text: &str,
        bin: impl FnOnce() -> Option<(Option<f64>, Option<f64>)>,
    ) -> Option<u32> {
        let known = self.known.get_mut(column)?;
        if let Some(number) = known.get(text) {
            return Some(*number);
        }
        if self.closed || self.items.len() >= MOST_ITEMS {
            return None;
        }
        let number = u32::try_from(self.items.len()).ok()?;
        self.bytes += 2 * text.len() + size_of::<Item>() + size_of::<(String, u32)>() * 2;
        self.items.push(Item { column, text: text.to_owned(), bin: bin() });
        known.insert(text.to_owned(), number);
        Some(number)
    }

    /// Gives items numbers in the order of their columns and texts, which does not depend on the order of rows, and takes no new
    /// ones from now on. Answers with the new number of each old one.
    pub(super) fn close(&mut self) -> Vec<u32> {
        let mut order: Vec<usize> = (0..self.items.len()).collect();
        let key = |place: &usize| self.items.get(*place).map(|item| (item.column, low(item), item.text.as_str()));
        order.sort_by(|a, b| key(a).partial_cmp(&key(b)).unwrap_or(std::cmp::Ordering::Equal));
        let mut numbers = vec![0; order.len()];
        for (number, place) in (0_u32..).zip(&order) {
            if let Some(slot) = numbers.get_mut(*place) {
                *slot = number;
            }
        }
        let mut sorted: Vec<(u32, Item)> = numbers.iter().copied().zip(std::mem::take(&mut self.items)).collect();
        sorted.sort_by_key(|(number, _)| *number);
        self.items = sorted.into_iter().map(|(_, item)| item).collect();
        for number in self.known.iter_mut().flat_map(FxHashMap::values_mut) {
            *number = numbers.get(*number as usize).copied().unwrap_or_default();
        }
        self.closed = true;
        numbers
    }

    /// Number of different items.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The item of a number.
    pub(super) fn item(&self, number: u32) -> Option<&Item> {
        self.items.get(number as usize)
    }

    /// What people call an item.
    pub(super) fn name(&self, number: u32) -> String {
        let Some(item) = self.item(number) else { return String::new() };
        match self.columns.get(item.column) {
            Some(column) => format!("{column}={}", item.text),
            None => item.text.clone(),
        }
    }

    /// What people call some items.
    pub(super) fn names(&self, numbers: &[u32]) -> Vec<String> {
        numbers.iter().map(|number| self.name(*number)).collect()
    }

    /// The items that a name means: one item, or all items of a column. Ascending.
    pub(super) fn meant(&self, name: &str) -> Vec<u32> {
        let numbers = 0..u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        numbers
            .filter(|number| {
                let of_column = |item: &Item| self.columns.get(item.column).is_some_and(|column| column == name);
                self.item(*number).is_some_and(of_column) || self.name(*number) == name
            })
            .collect()
    }
}

/// Bins stand in the order of their numbers.
fn low(item: &Item) -> f64 {
    match item.bin {
        Some((low, _)) => low.unwrap_or(f64::NEG_INFINITY),
        None => f64::NEG_INFINITY,
    }
}
