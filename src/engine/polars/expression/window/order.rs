//! The rows of a window in order: by partition, then by key, then by place.

use std::ops::Range;

use polars::prelude::row_encode::{_get_rows_encoded_ca, _get_rows_encoded_ca_unordered};
use polars::prelude::{Column, IdxSize, IntoSeries, PlSmallStr, PolarsResult};

/// The rows in order of partition, key and place.
pub(super) struct Rows {
    /// The numbers of the rows in order.
    order: Vec<usize>,
    /// The number of the partition of each row.
    partition: Vec<IdxSize>,
    /// Runs of `order` that are partitions.
    runs: Vec<Range<usize>>,
    /// For each place in `order`, whether its key is that of the place before, in one partition.
    same_key: Vec<bool>,
    /// Whether there are keys, so that the order within a partition may differ from that of the rows.
    pub(super) sorted: bool,
}

impl Rows {
    /// Sorts `height` rows: O(n) by partition, O(n log n) by key within partitions.
    pub(super) fn new(
        height: usize,
        partition_by: &[Column],
        keys: &[Column],
        descending: &[bool],
        nulls_last: &[bool],
    ) -> PolarsResult<Rows> {
        let (partitions, partition) = partition_numbers(height, partition_by)?;
        let (mut order, runs) = gathered(&partition, partitions);
        let mut same_key: Vec<bool> = Vec::with_capacity(height);
        if keys.is_empty() {
            // Without keys all rows of a partition are peers.
            runs.iter().for_each(|run| same_key.extend((0..run.len()).map(|place| place > 0)));
            return Ok(Rows { order, partition, runs, same_key, sorted: false });
        }
        let encoded = _get_rows_encoded_ca(PlSmallStr::EMPTY, keys, descending, nulls_last, false)?;
        let keys: Vec<&[u8]> = encoded.iter().map(Option::unwrap_or_default).collect();
        let mut keyed: Vec<(&[u8], usize)> = Vec::new();
        for run in &runs {
            let Some(rows) = order.get_mut(run.clone()) else { continue };
            keyed.clear();
            keyed.extend(rows.iter().map(|row| (keys.get(*row).copied().unwrap_or_default(), *row)));
            // Rows with equal keys compare by their number, which is their place in the input.
            keyed.sort_unstable();
            let mut before: Option<&[u8]> = None;
            for (slot, (key, row)) in rows.iter_mut().zip(&keyed) {
                *slot = *row;
                same_key.push(before == Some(*key));
                before = Some(*key);
            }
        }
        Ok(Rows { order, partition, runs, same_key, sorted: true })
    }

    /// Number of partitions.
    pub(super) fn partitions(&self) -> usize {
        self.runs.len()
    }

    /// Each partition: its rows in order and, for each of them, whether its key is that of the row before.
    pub(super) fn each(&self) -> impl Iterator<Item = (&[usize], &[bool])> {
        self.runs.iter().map(|run| {
            let rows = self.order.get(run.clone()).unwrap_or_default();
            (rows, self.same_key.get(run.clone()).unwrap_or_default())
        })
    }

    /// The numbers of the rows in order, as Polars takes them.
    pub(super) fn index(&self) -> Vec<IdxSize> {
        self.order.iter().filter_map(|row| IdxSize::try_from(*row).ok()).collect()
    }

    /// The number of the partition of each row.
    pub(super) fn partition_of_rows(&self) -> Vec<IdxSize> {
        self.partition.clone()
    }

    /// The number of the partition of each place in the order.
    pub(super) fn partition_of_places(&self) -> Vec<IdxSize> {
        self.order.iter().filter_map(|row| self.partition.get(*row).copied()).collect()
    }

    /// Values that were found in order, back at the places of the rows.
    pub(super) fn back<T: Clone>(&self, found: Vec<T>) -> impl Iterator<Item = T> {
        let mut values: Vec<Option<T>> = vec![None; found.len()];
        for (row, value) in self.order.iter().zip(found) {
            if let Some(slot) = values.get_mut(*row) {
                *slot = Some(value);
            }
        }
        values.into_iter().flatten()
    }

    /// Walks each partition in order with a state of its own.
    pub(super) fn fold<S: Clone, T>(
        &self,
        start: S,
        mut step: impl FnMut(&mut S, usize) -> PolarsResult<T>,
    ) -> PolarsResult<Vec<T>> {
        let mut found = Vec::with_capacity(self.order.len());
        for (rows, _) in self.each() {
            let mut state = start.clone();
            for row in rows {
                found.push(step(&mut state, *row)?);
            }
        }
        Ok(found)
    }
}

/// How many partitions there are, and the number of the partition of each row.
fn partition_numbers(height: usize, partition_by: &[Column]) -> PolarsResult<(usize, Vec<IdxSize>)> {
    let (count, numbers) = match partition_by {
        [] => (1, vec![0; height]),
        [column] if !column.dtype().is_nested() => column.as_materialized_series().rechunk().unique_id()?,
        columns => _get_rows_encoded_ca_unordered(PlSmallStr::EMPTY, columns)?.into_series().unique_id()?,
    };
    Ok((usize::try_from(count).unwrap_or(usize::MAX).min(height.max(1)), numbers))
}

/// The rows gathered by partition, each in the order of the input, and the run of each partition.
fn gathered(partition: &[IdxSize], partitions: usize) -> (Vec<usize>, Vec<Range<usize>>) {
    let number = |partition: IdxSize| usize::try_from(partition).unwrap_or(usize::MAX);
    let mut sizes = vec![0_usize; partitions];
    for at in partition {
        if let Some(size) = sizes.get_mut(number(*at)) {
            *size += 1;
        }
    }
    let mut next = Vec::with_capacity(partitions);
    let mut runs = Vec::with_capacity(partitions);
    let mut begin = 0;
    for size in sizes {
        next.push(begin);
        runs.push(begin..begin + size);
        begin += size;
    }
    let mut order = vec![0; partition.len()];
    for (row, at) in partition.iter().enumerate() {
        if let Some(place) = next.get_mut(number(*at)) {
            if let Some(slot) = order.get_mut(*place) {
                *slot = row;
            }
            *place += 1;
        }
    }
    (order, runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_gathered_by_partition_in_the_order_of_the_input() {
        let (order, runs) = gathered(&[1, 0, 1, 2, 0], 3);
        assert_eq!(order, [1, 4, 0, 2, 3]);
        assert_eq!(runs, [0..2, 2..4, 4..5]);
    }
}
