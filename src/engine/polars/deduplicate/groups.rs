//! Grouping rows by their keys and finding the winner of each group.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::keys::KeyTable;
use super::order::Order;
use crate::relation::Keep;

/// Rows of a partition, so that its table stays in a processor's cache.
const PARTITION_ROWS: usize = 1 << 15;
/// More partitions than this make scattering slower than what they save.
const MOST_PARTITIONS: usize = 1 << 9;

/// The rows that stay, by partition, in no order.
pub(super) fn winners<K: KeyTable>(keys: &K, keep: Keep, order: &Order) -> Vec<Vec<u32>> {
    // Chosen by chance, so that no file can be made whose keys all collide. The winners do not depend on it.
    let seed = std::hash::RandomState::new().hash_one(0);
    let partitions = (keys.rows() / PARTITION_ROWS).clamp(1, MOST_PARTITIONS).next_power_of_two();
    let blocks = scatter(keys, partitions, seed);
    (0..partitions)
        .into_par_iter()
        .map(|partition| {
            let parts: Vec<&Part<K::Entry>> = blocks.iter().filter_map(|block| block.get(partition)).collect();
            partition_winners(keys, &parts, keep, order, seed)
        })
        .collect()
}

/// Rows of one block that fall into one partition, in the order of the input.
struct Part<E> {
    entries: Vec<E>,
    rows: Vec<u32>,
}

/// For each block of the input, in order, its parts by partition.
fn scatter<K: KeyTable>(keys: &K, partitions: usize, seed: u64) -> Vec<Vec<Part<K::Entry>>> {
    let rows = keys.rows();
    let blocks = rayon::current_num_threads().max(1) * 4;
    let size = rows.div_ceil(blocks).max(PARTITION_ROWS);
    let starts: Vec<usize> = (0..rows).step_by(size).collect();
    starts
        .into_par_iter()
        .map(|start| {
            let end = (start + size).min(rows);
            let expected = (end - start) / partitions + (end - start) / partitions / 8 + 8;
            let mut parts: Vec<Part<K::Entry>> = (0..partitions)
                .map(|_| Part { entries: Vec::with_capacity(expected), rows: Vec::with_capacity(expected) })
                .collect();
            for row in start..end {
                let entry = keys.entry(row, seed);
                // The high bits choose the partition, the low ones the slot in its table.
                let partition = (u128::from(K::hash(entry, seed)) * partitions as u128) >> 64;
                if let (Some(part), Ok(row)) =
                    (parts.get_mut(usize::try_from(partition).unwrap_or(0)), u32::try_from(row))
                {
                    part.entries.push(entry);
                    part.rows.push(row);
                }
            }
            parts
        })
        .collect()
}

/// A group of equal keys.
struct Group<E> {
    entry: E,
    winner: u32,
    alone: bool,
}

const FREE: u32 = u32::MAX;

fn partition_winners<K: KeyTable>(
    keys: &K,
    parts: &[&Part<K::Entry>],
    keep: Keep,
    order: &Order,
    seed: u64,
) -> Vec<u32> {
    let rows: usize = parts.iter().map(|part| part.rows.len()).sum();
    let slots = (rows * 2).next_power_of_two();
    let mut table = vec![FREE; slots];
    let mut groups: Vec<Group<K::Entry>> = Vec::with_capacity(rows);
    for (entry, row) in parts.iter().flat_map(|part| part.entries.iter().copied().zip(part.rows.iter().copied())) {
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
        let mut slot = K::hash(entry, seed) as usize & (slots - 1);
        // At least half of the slots are free, so the search ends.
        while let Some(found) = table.get_mut(slot) {
            if *found == FREE {
                *found = u32::try_from(groups.len()).unwrap_or(FREE);
                groups.push(Group { entry, winner: row, alone: true });
                break;
            }
            if let Some(group) = groups.get_mut(*found as usize)
                && keys.equal((group.entry, group.winner), (entry, row))
            {
                group.alone = false;
                if beats(row, group.winner, keep, order) {
                    group.winner = row;
                }
                break;
            }
            slot = (slot + 1) & (slots - 1);
        }
    }
    groups.iter().filter(|group| keep != Keep::None || group.alone).map(|group| group.winner).collect()
}

/// Whether a later row takes the place of an earlier one.
fn beats(row: u32, winner: u32, keep: Keep, order: &Order) -> bool {
    match keep {
        Keep::First => order.compare(row, winner) == Ordering::Less,
        Keep::Last => order.compare(row, winner) != Ordering::Less,
        Keep::Any | Keep::None => false,
    }
}
