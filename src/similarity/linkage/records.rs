//! The values of all records as codes of distinct values.
//!
//! Memory: four bytes for each record and column, the distinct values once, and 25 bytes for each record.

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use super::MISSING;
use super::dictionary::Dictionary;

/// Where records come from; only some pairs of sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// New records of the first table.
    Left = 0,
    /// New records of the second table.
    Right = 1,
    /// Records that have an entity already.
    Known = 2,
}

impl Side {
    /// All sides in order.
    pub const ALL: [Side; 3] = [Side::Left, Side::Right, Side::Known];
}

/// Which sides are compared with which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides {
    /// Whether records of the first table are compared with each other.
    pub within_left: bool,
    /// Whether records of the second table are compared with each other.
    pub within_right: bool,
}

impl Sides {
    /// Whether records of these sides are compared.
    pub fn compares(self, one: Side, other: Side) -> bool {
        match (one, other) {
            (Side::Left, Side::Left) => self.within_left,
            (Side::Right, Side::Right) => self.within_right,
            (Side::Known, Side::Known) => false,
            _ => true,
        }
    }
}

/// Records in the order of their content.
#[derive(Debug)]
pub struct Records {
    /// For each column its distinct values.
    columns: Vec<Dictionary>,
    /// Codes, all columns of a record side by side.
    codes: Vec<u32>,
    sides: Vec<Side>,
    /// A number for the content of each record, by which they are ordered.
    keys: Vec<u128>,
    repeated: Option<u32>,
}

/// Records as they are read.
#[derive(Debug, Default)]
pub struct Reader {
    columns: Vec<Dictionary>,
    /// How many of the columns, the first ones, are the content of a record.
    content: usize,
    /// For each column the codes.
    codes: Vec<Vec<u32>>,
    sides: Vec<Side>,
    keys: Vec<u128>,
}

impl Reader {
    /// A reader of so many columns, of which the first `content` are compared; the others only travel with the records.
    pub fn new(columns: usize, content: usize) -> Self {
        Self {
            content,
            columns: vec![Dictionary::default(); columns],
            codes: vec![Vec::new(); columns],
            sides: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// For each column its distinct values and the codes so far, to which a batch of rows is added.
    pub fn columns(&mut self) -> impl Iterator<Item = (&mut Dictionary, &mut Vec<u32>)> {
        self.columns.iter_mut().zip(self.codes.iter_mut())
    }

    /// Ends a batch of rows of one side. `keys` has a number for what names each record beyond its columns (its id), if there is one.
    pub fn end_batch(&mut self, side: Side, rows: usize, keys: Option<&[u128]>) {
        let first = self.sides.len();
        self.sides.resize(first + rows, side);
        for row in 0..rows {
            let named = keys.and_then(|keys| keys.get(row)).copied();
            let key = named.unwrap_or_else(|| self.content(first + row));
            self.keys.push(key);
        }
    }

    /// A number for the values of a record.
    fn content(&self, row: usize) -> u128 {
        let mut text = Vec::with_capacity(64);
        for (values, codes) in self.columns.iter().zip(&self.codes).take(self.content) {
            let code = codes.get(row).copied().unwrap_or(MISSING);
            if code != MISSING {
                text.extend_from_slice(values.get(code).as_bytes());
            }
            text.extend_from_slice(&[0xff, u8::from(code == MISSING)]);
        }
        xxh3_128(&text)
    }

    /// How many records were read.
    pub fn len(&self) -> usize {
        self.sides.len()
    }

    /// Whether none was read.
    pub fn is_empty(&self) -> bool {
        self.sides.is_empty()
    }

    /// Bytes of memory.
    pub fn size(&self) -> usize {
        self.columns.iter().map(Dictionary::size).sum::<usize>() + self.len() * (4 * self.columns.len() + 17)
    }

    /// The records in the order of their content, and for each row that was read its place in that order.
    ///
    /// Records with equal keys are told apart by counting, so that each has a key of its own.
    pub fn finish(self) -> (Records, Vec<u32>) {
        let Self { columns, codes, sides, mut keys, .. } = self;
        let of = |row: u32| row as usize;
        let key = |row: u32| keys.get(of(row)).copied().unwrap_or_default();
        let side = |row: u32| sides.get(of(row)).copied().unwrap_or(Side::Left);
        // The side and the upper bits of the key beside the row: nearly never has a comparison to look further.
        let rank = |(key, side): (&u128, &Side)| ((*side as u64) << 62) | (*key >> 66) as u64;
        let ranks = keys.iter().zip(&sides).map(rank);
        let mut order: Vec<(u64, u32)> = ranks.zip(0..MISSING).collect();
        order.par_sort_unstable_by(|(one, left), (other, right)| {
            one.cmp(other).then_with(|| key(*left).cmp(&key(*right))).then(left.cmp(right))
        });
        let order: Vec<u32> = order.into_iter().map(|(_, row)| row).collect();
        let mut places = vec![0_u32; order.len()];
        for (place, row) in (0..).zip(&order) {
            if let Some(slot) = places.get_mut(of(*row)) {
                *slot = place;
            }
        }
        let width = columns.len();
        let mut side_by_side = vec![MISSING; order.len() * width];
        side_by_side.par_chunks_exact_mut(width.max(1)).zip(&order).with_min_len(1 << 12).for_each(|(record, row)| {
            for (slot, column) in record.iter_mut().zip(&codes) {
                *slot = column.get(of(*row)).copied().unwrap_or(MISSING);
            }
        });
        let sides = order.iter().map(|row| side(*row)).collect::<Vec<_>>();
        keys = order.iter().map(|row| key(*row)).collect();
        let mut before = None;
        let mut repeated = 0_u64;
        let mut first_repeated = None;
        for ((key, side), record) in keys.iter_mut().zip(&sides).zip(0_u32..) {
            let original = (*side, *key);
            repeated = if before == Some(original) { repeated + 1 } else { 0 };
            before = Some(original);
            if repeated > 0 {
                first_repeated = first_repeated.or(Some(record));
                let mut bytes = key.to_le_bytes().to_vec();
                bytes.extend_from_slice(&repeated.to_le_bytes());
                *key = xxh3_128(&bytes);
            }
        }
        (Records { columns, codes: side_by_side, sides, keys, repeated: first_repeated }, places)
    }
}

impl Records {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.sides.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sides.is_empty()
    }

    /// The distinct values of a column.
    pub fn values(&self, column: usize) -> Option<&Dictionary> {
        self.columns.get(column)
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The codes of a record; empty for a record that there is not.
    pub fn codes(&self, record: u32) -> &[u32] {
        let width = self.columns.len();
        let begin = record as usize * width;
        self.codes.get(begin..begin + width).unwrap_or_default()
    }

    /// The value of a record in a column; none when it is missing.
    pub fn value(&self, record: u32, column: usize) -> Option<&str> {
        let code = self.codes(record).get(column).copied().filter(|code| *code != MISSING)?;
        self.columns.get(column).map(|values| values.get(code))
    }

    /// Where a record comes from.
    pub fn side(&self, record: u32) -> Side {
        self.sides.get(record as usize).copied().unwrap_or(Side::Left)
    }

    /// The first record of the second side and the first known one: records of a side stand beside each other.
    pub fn borders(&self) -> (u32, u32) {
        let before = |side: Side| self.sides.partition_point(|found| *found < side);
        let number = |at: usize| u32::try_from(at).unwrap_or(MISSING);
        (number(before(Side::Right)), number(before(Side::Known)))
    }

    /// Where each record comes from.
    pub fn sides(&self) -> &[Side] {
        &self.sides
    }

    /// A number for the content of a record, its own.
    pub fn key(&self, record: u32) -> u128 {
        self.keys.get(record as usize).copied().unwrap_or_default()
    }

    /// A record that has the key of another record of its side.
    pub fn repeated(&self) -> Option<u32> {
        self.repeated
    }

    /// How many pairs may be compared in all.
    pub fn pairs(&self, sides: Sides) -> u128 {
        let counts = Side::ALL.map(|side| self.sides.iter().filter(|found| **found == side).count() as u128);
        let mut pairs = 0;
        for (at, one) in Side::ALL.into_iter().enumerate() {
            for other in Side::ALL.into_iter().skip(at) {
                let (ours, theirs) = (count(&counts, one), count(&counts, other));
                if sides.compares(one, other) {
                    pairs += if one == other { ours * ours.saturating_sub(1) / 2 } else { ours * theirs };
                }
            }
        }
        pairs
    }

    /// Bytes of memory.
    pub fn size(&self) -> usize {
        self.columns.iter().map(Dictionary::size).sum::<usize>() + 4 * self.codes.len() + 17 * self.sides.len()
    }
}

fn count(counts: &[u128; 3], side: Side) -> u128 {
    counts.get(side as usize).copied().unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(rows: &[(&str, Option<&str>)]) -> (Records, Vec<u32>) {
        let mut reader = Reader::new(2, 2);
        for (at, (values, codes)) in reader.columns().enumerate() {
            for (one, other) in rows {
                let text = if at == 0 { Some(*one) } else { *other };
                codes.push(text.map_or(MISSING, |text| values.code(text)));
            }
        }
        reader.end_batch(Side::Left, rows.len(), None);
        reader.finish()
    }

    #[test]
    fn records_stand_in_an_order_that_depends_on_their_content_alone() {
        let (one, _) = read(&[("a", None), ("b", Some("x")), ("a", Some("")), ("a", None)]);
        let (other, places) = read(&[("a", Some("")), ("a", None), ("a", None), ("b", Some("x"))]);
        let values = |records: &Records| {
            (0..4)
                .map(|at| {
                    (records.value(at, 0).map(str::to_owned), records.value(at, 1).map(str::to_owned), records.key(at))
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(values(&one), values(&other));
        assert_eq!(other.value(places[3], 0), Some("b"));
        let mut keys: Vec<u128> = (0..4).map(|at| one.key(at)).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 4, "equal records have keys of their own");
    }

    #[test]
    fn pairs_are_counted_by_side() {
        let (records, _) = read(&[("a", None), ("b", None), ("c", None)]);
        assert_eq!(records.pairs(Sides { within_left: true, within_right: true }), 3);
        assert_eq!(records.pairs(Sides { within_left: false, within_right: true }), 0);
    }
}
