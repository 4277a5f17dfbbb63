//! Groups by a hash table of our own, for aggregates that can be summed up from numbers.
//!
//! Rows get the number of their group from a table with open addressing that fits a processor's cache, because a partition is
//! small; then each aggregate walks once over its column and adds to the group's place. That takes a fraction of the time of
//! lists of rows by group, which is how Polars groups in memory. Sums of floats do not depend on the order in which threads add
//! ([`double_sum`](crate::statistics::double_sum)), so that a run that is repeated gives the same bytes.
//!
//! Time O(rows x aggregates), memory some words a group.

mod values;

use polars::prelude as pl;
use polars::prelude::NewChunkedArray;

use super::super::deduplicate::{KeyTable, Keys};
use super::super::error::carry;
use super::rows::stack;
use values::{merged, partial};

/// One aggregate of numbers in steps.
#[derive(Clone)]
pub(super) struct Reduction {
    /// What is done.
    pub(super) kind: Kind,
    /// The column of what is aggregated, null in the rows that do not count; rows alone are counted without.
    pub(super) argument: Option<String>,
    /// The columns of the partial values.
    pub(super) names: Vec<String>,
    /// The type of a partial value that is one of the values.
    pub(super) data_type: pl::DataType,
}

/// What is done with the values of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Rows, or values that are not null.
    Count,
    /// Values that are true.
    CountTrue,
    /// Sum of integers in 128 bits.
    SumIntegers,
    /// Sum of floats, and what rounding took from it.
    SumFloats,
    /// Sum of floats, their number, and what rounding took from the sum.
    Mean,
    /// The smallest; NaN is the largest.
    Least,
    /// The largest.
    Greatest,
    /// Whether all are true.
    All,
    /// Whether one is true.
    Any,
    /// Number, mean and sum of squared distances from the mean; then what these are made of.
    Moments,
}

/// The names of what rounding took from a sum, and of what moments are made of, after the names that the calls read.
pub(super) const LOST: &str = "lost";
/// The columns behind number, mean and squared distances.
pub(super) const OF_MOMENTS: [&str; 6] = ["sum", LOST, "raw_squares", "lost_squares", "least", "greatest"];

impl Kind {
    /// Whether values of that type can be compared here.
    pub(super) fn is_ordered(data_type: &pl::DataType) -> bool {
        is_integer(data_type) || data_type.is_float() || matches!(data_type, pl::DataType::String)
    }
}

fn is_integer(data_type: &pl::DataType) -> bool {
    use pl::DataType as T;
    matches!(
        data_type,
        T::Int8
            | T::Int16
            | T::Int32
            | T::Int64
            | T::UInt8
            | T::UInt16
            | T::UInt32
            | T::Date
            | T::Time
            | T::Datetime(..)
            | T::Duration(_)
    )
}

/// Partial values of raw rows and of partial values, one row for each group. A frame of partial values may have several rows of a
/// group: frames that were folded apart are written to disk, and dealt out again, together.
pub(super) fn fold(
    keys: &[String],
    reductions: &[Reduction],
    raw: Vec<pl::DataFrame>,
    mut folded: Vec<pl::DataFrame>,
) -> pl::PolarsResult<pl::DataFrame> {
    if let Some(mut rows) = stack(raw).map_err(carry)? {
        rows.rechunk_mut();
        let groups = Groups::of(keys, &rows)?;
        let mut found = groups.keys(&rows)?;
        for reduction in reductions {
            let argument = match &reduction.argument {
                Some(name) => Some(rows.column(name)?.as_materialized_series()),
                None => None,
            };
            found.extend(partial(reduction, argument, &groups)?);
        }
        let found = pl::DataFrame::new(groups.count(), found)?;
        if folded.is_empty() {
            return Ok(found);
        }
        folded.push(found);
    }
    let Some(mut rows) = stack(folded).map_err(carry)? else { return Ok(pl::DataFrame::default()) };
    rows.rechunk_mut();
    let groups = Groups::of(keys, &rows)?;
    let mut found = groups.keys(&rows)?;
    for reduction in reductions {
        found.extend(merged(reduction, &rows, &groups)?);
    }
    pl::DataFrame::new(groups.count(), found)
}

/// The rows of a frame by group.
struct Groups {
    /// The group of each row.
    of_rows: Vec<u32>,
    /// The first row of each group.
    firsts: Vec<pl::IdxSize>,
    keys: Vec<String>,
}

impl Groups {
    fn of(keys: &[String], rows: &pl::DataFrame) -> pl::PolarsResult<Self> {
        let columns = keys.iter().map(|key| rows.column(key).cloned()).collect::<pl::PolarsResult<Vec<_>>>()?;
        let (of_rows, firsts) = match Keys::new(&columns, rows.height())? {
            Keys::Words(words) => number(&words),
            Keys::Wide(words) => number(&words),
            Keys::Rows(encoded) => number(&encoded),
        };
        Ok(Self { of_rows, firsts, keys: keys.to_vec() })
    }

    fn count(&self) -> usize {
        self.firsts.len()
    }

    /// The keys of the groups.
    fn keys(&self, rows: &pl::DataFrame) -> pl::PolarsResult<Vec<pl::Column>> {
        let firsts = pl::IdxCa::from_slice("".into(), &self.firsts);
        self.keys.iter().map(|key| rows.column(key)?.take(&firsts)).collect()
    }
}

/// The number of each row's group, and the first row of each group.
fn number<K: KeyTable>(keys: &K) -> (Vec<u32>, Vec<pl::IdxSize>) {
    use std::hash::BuildHasher;
    const FREE: u32 = u32::MAX;
    // Chosen by chance, so that no file can be made whose keys all collide. The groups do not depend on it.
    let seed = std::hash::RandomState::new().hash_one(0);
    let rows = keys.rows();
    let mut table = vec![FREE; 1 << 12];
    let mut entries: Vec<K::Entry> = Vec::new();
    let mut firsts: Vec<pl::IdxSize> = Vec::new();
    let mut of_rows = Vec::with_capacity(rows);
    #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used; rows of a partition are few")]
    for row in 0..rows {
        if entries.len() * 2 >= table.len() {
            table = vec![FREE; table.len() * 4];
            let mask = table.len() - 1;
            for (group, entry) in entries.iter().enumerate() {
                let mut slot = K::hash(*entry, seed) as usize & mask;
                while table.get(slot).is_some_and(|found| *found != FREE) {
                    slot = (slot + 1) & mask;
                }
                if let Some(free) = table.get_mut(slot) {
                    *free = group as u32;
                }
            }
        }
        let mask = table.len() - 1;
        let entry = keys.entry(row, seed);
        let mut slot = K::hash(entry, seed) as usize & mask;
        // At least half of the slots are free, so the search ends.
        let group = loop {
            let Some(found) = table.get_mut(slot) else { break 0 };
            if *found == FREE {
                *found = entries.len() as u32;
                entries.push(entry);
                firsts.push(row as pl::IdxSize);
                break *found;
            }
            let group = *found as usize;
            if let (Some(known), Some(first)) = (entries.get(group), firsts.get(group))
                && keys.equal((*known, *first), (entry, row as u32))
            {
                break *found;
            }
            slot = (slot + 1) & mask;
        };
        of_rows.push(group);
    }
    (of_rows, firsts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use polars::df;

    use super::*;

    #[test]
    fn partial_values_of_a_group_that_lie_in_one_frame_are_merged() {
        let reduction = Reduction {
            kind: Kind::Count,
            argument: None,
            names: vec!["rows".to_owned()],
            data_type: pl::DataType::Int64,
        };
        let folded = df!("k" => ["a", "b", "a"], "rows" => [2_i64, 3, 4]).unwrap();
        let found = fold(&["k".to_owned()], &[reduction], Vec::new(), vec![folded]).unwrap();
        assert!(found.equals(&df!("k" => ["a", "b"], "rows" => [6_i64, 3]).unwrap()), "{found}");
    }
}
