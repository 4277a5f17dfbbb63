//! Deduplication of tables that need not fit into memory: only keys, orders and row numbers are held, or put on disk.
//!
//! The rows go by once. Of each, 28 bytes are kept (its key as a number of 128 bits, its place in the order, its number; more
//! where the order is made of texts or of several columns), scattered over partitions by the hash of the key. When memory is
//! refused, all partitions write what they hold to one temporary file. At the end, the winners of one partition after the
//! other set their bit in a bitmap over the row numbers: the caller reads the rows again and lets those pass that have one.
//!
//! Time O(n), memory n/8 bytes and one partition for each thread, disk 28 bytes a row.

use std::cmp::Ordering;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};

use polars::prelude as pl;
use rayon::prelude::*;

use super::super::error::engine_error;
use super::super::spill::{Segment, SpillFile, Spilling};
use super::Direction;
use super::keys::Uniform;
use super::order::{SpilledOrder, encode_order};
use crate::engine::EngineError;
use crate::memory::Reservation;
use crate::relation::Keep;

/// More partitions than threads, so that one of them is small whatever the table; their numbers fit a byte.
const PARTITIONS: usize = 256;
/// Rows for which a partition asks for memory at least.
const BLOCK_ROWS: usize = 2048;

/// Gathers keys and finds the winners.
pub(in crate::engine::polars) struct Survivors {
    keep: Keep,
    directions: Vec<Direction>,
    seed: u64,
    way: Option<Uniform>,
    rows: u32,
    partitions: Vec<Partition>,
    memory: Reservation,
    file: Option<SpillFile>,
    spilling: Spilling,
}

#[derive(Default)]
struct Partition {
    held: Entries,
    /// Rows for which memory is reserved.
    room: usize,
    /// What lies in the file.
    spilled: Vec<Segment>,
}

/// Keys with their orders and row numbers, column by column.
#[derive(Default)]
struct Entries {
    keys: Vec<u128>,
    rows: Vec<u32>,
    orders: SpilledOrder,
}

impl Survivors {
    pub(in crate::engine::polars) fn new(
        keep: Keep,
        directions: Vec<Direction>,
        memory: Reservation,
        spilling: &Spilling,
    ) -> Self {
        Self {
            keep,
            directions,
            // Chosen by chance, so that no file can be made whose keys all fall into one partition.
            seed: std::hash::RandomState::new().hash_one(0),
            way: None,
            rows: 0,
            partitions: (0..PARTITIONS).map(|_| Partition::default()).collect(),
            memory,
            file: None,
            spilling: spilling.clone(),
        }
    }

    /// Takes the keys and the orders of the next rows.
    pub(in crate::engine::polars) fn add(
        &mut self,
        keys: &[pl::Column],
        orders: &[pl::Column],
        rows: usize,
    ) -> Result<(), EngineError> {
        let way = *self.way.get_or_insert_with(|| Uniform::of(keys, self.seed));
        let failed = |error: pl::PolarsError| engine_error(&error, "");
        let keys = way.keys(keys, rows).map_err(failed)?;
        let orders = encode_order(orders, &self.directions, rows).map_err(failed)?;
        let first = self.rows;
        let rows = u32::try_from(rows).map_err(|_| too_many_rows())?;
        self.rows = first.checked_add(rows).ok_or_else(too_many_rows)?;
        let seed = self.seed;
        let targets: Vec<u8> = keys.par_iter().map(|key| target(*key, seed)).collect();
        let mut counts = [0; PARTITIONS];
        for target in &targets {
            if let Some(count) = counts.get_mut(usize::from(*target)) {
                *count += 1;
            }
        }
        self.make_room(&counts, orders.row_bytes())?;
        // Each thread looks at all rows and takes those of its own partitions, so that the rows of a partition keep their order.
        let each = PARTITIONS.div_ceil(rayon::current_num_threads().max(1));
        self.partitions.par_chunks_mut(each).enumerate().for_each(|(chunk, own)| {
            for (at, ((key, target), row)) in keys.iter().zip(&targets).zip(first..).enumerate() {
                let place = usize::from(*target).checked_sub(chunk * each);
                if let Some(partition) = place.and_then(|place| own.get_mut(place)) {
                    partition.held.keys.push(*key);
                    partition.held.rows.push(row);
                    partition.held.orders.push(&orders, at);
                }
            }
        });
        Ok(())
    }

    /// Reserves memory for so many rows more in each partition; what is held goes to the file when there is none.
    fn make_room(&mut self, counts: &[usize; PARTITIONS], order_bytes: usize) -> Result<(), EngineError> {
        let row_bytes = 20 + order_bytes;
        let lacks = |partition: &Partition, count: usize| (partition.rows() + count).saturating_sub(partition.room);
        let more = |partitions: &[Partition], least: fn(&Partition) -> usize| -> Vec<usize> {
            let lacking = partitions.iter().zip(counts).map(|(partition, count)| (partition, lacks(partition, *count)));
            lacking.map(|(partition, lack)| if lack == 0 { 0 } else { lack.max(least(partition)) }).collect()
        };
        let bytes = |more: &[usize]| (more.iter().sum::<usize>() * row_bytes) as u64;
        let mut wanted = more(&self.partitions, |partition| (partition.room / 2).max(BLOCK_ROWS));
        if self.memory.try_grow(bytes(&wanted)).is_err() {
            self.spill()?;
            // Without room for these rows nothing goes on.
            wanted = more(&self.partitions, |_| 0);
            self.memory.grow(bytes(&wanted));
        }
        for (partition, more) in self.partitions.iter_mut().zip(wanted).filter(|(_, more)| *more > 0) {
            partition.room += more;
            partition.held.reserve(partition.room - partition.rows());
        }
        Ok(())
    }

    /// Writes what all partitions hold.
    fn spill(&mut self) -> Result<(), EngineError> {
        let file: &SpillFile = match &mut self.file {
            Some(file) => file,
            none => none.insert(SpillFile::create(&self.spilling, "a deduplication")?),
        };
        let full = self.partitions.par_iter_mut().filter(|partition| partition.rows() > 0);
        // The memory stays with the partitions: they fill it again at once, and new memory has to be cleared first.
        full.try_for_each_init(Vec::new, |bytes, partition| {
            bytes.clear();
            partition.held.write(bytes);
            partition.spilled.push(file.append(bytes)?);
            partition.held.clear();
            Ok::<(), EngineError>(())
        })
    }

    /// The rows that stay.
    pub(in crate::engine::polars) fn finish(self) -> Result<Arc<Bitmap>, EngineError> {
        let bitmap = Bitmap::new(self.rows);
        let Self { partitions, file, keep, seed, .. } = self;
        let file = file.as_ref();
        partitions.into_par_iter().try_for_each(|partition| {
            let mut entries = Entries::default();
            for segment in &partition.spilled {
                if let Some(file) = file {
                    entries.read(&file.read(segment)?);
                }
            }
            entries.append(partition.held);
            entries.winners(keep, seed, |row| bitmap.set(row));
            Ok::<(), EngineError>(())
        })?;
        Ok(Arc::new(bitmap))
    }
}

/// The partition of a key.
fn target(key: u128, seed: u64) -> u8 {
    let partition = (u128::from(Uniform::spread(key, seed)) * PARTITIONS as u128) >> 64;
    // Less than the number of partitions, because it is a fraction below one of them.
    u8::try_from(partition).unwrap_or(u8::MAX)
}

fn too_many_rows() -> EngineError {
    EngineError::new(crate::diagnostic::Class::Limit, "a table of more than 4,294,967,295 rows cannot be deduplicated")
        .help("filter it first, or split the files")
}

impl Partition {
    fn rows(&self) -> usize {
        self.held.rows.len()
    }
}

const FREE: u32 = u32::MAX;

impl Entries {
    fn reserve(&mut self, rows: usize) {
        self.keys.reserve_exact(rows);
        self.rows.reserve_exact(rows);
        self.orders.reserve(rows);
    }

    /// Takes the rows out and keeps the memory.
    fn clear(&mut self) {
        self.keys.clear();
        self.rows.clear();
        self.orders.clear();
    }

    fn append(&mut self, mut other: Self) {
        if self.rows.is_empty() {
            *self = other;
            return;
        }
        self.keys.append(&mut other.keys);
        self.rows.append(&mut other.rows);
        self.orders.append(&mut other.orders);
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend((self.rows.len() as u64).to_le_bytes());
        bytes.reserve(self.rows.len() * 20);
        self.keys.iter().for_each(|key| bytes.extend_from_slice(&key.to_le_bytes()));
        self.rows.iter().for_each(|row| bytes.extend_from_slice(&row.to_le_bytes()));
        self.orders.write(bytes);
    }

    fn read(&mut self, bytes: &[u8]) {
        let Some((rows, bytes)) = bytes.split_first_chunk() else { return };
        let rows = usize::try_from(u64::from_le_bytes(*rows)).unwrap_or(0);
        let (keys, bytes) = bytes.split_at(rows * 16);
        self.keys.extend(keys.as_chunks().0.iter().map(|bytes| u128::from_le_bytes(*bytes)));
        let (numbers, bytes) = bytes.split_at(rows * 4);
        self.rows.extend(numbers.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)));
        self.orders.read(bytes, rows);
    }

    /// Names the row that stays of each group of equal keys. Entries stand in the order of the rows.
    fn winners(&self, keep: Keep, seed: u64, mut found: impl FnMut(u32)) {
        let slots = (self.rows.len() * 2).next_power_of_two();
        // Places of the entries that win so far.
        let mut table = vec![FREE; slots];
        let mut twins = if keep == Keep::None { vec![false; self.rows.len()] } else { Vec::new() };
        for (at, key) in self.keys.iter().enumerate() {
            let at = u32::try_from(at).unwrap_or(FREE);
            #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
            let mut slot = Uniform::spread(*key, seed) as usize & (slots - 1);
            // At least half of the slots are free, so the search ends.
            while let Some(winner) = table.get_mut(slot) {
                if *winner == FREE {
                    *winner = at;
                    break;
                }
                if self.keys.get(*winner as usize) == Some(key) {
                    match keep {
                        Keep::First if self.orders.compare(at, *winner) == Ordering::Less => *winner = at,
                        Keep::Last if self.orders.compare(at, *winner) != Ordering::Less => *winner = at,
                        Keep::None => {
                            if let Some(twin) = twins.get_mut(*winner as usize) {
                                *twin = true;
                            }
                        }
                        _ => {}
                    }
                    break;
                }
                slot = (slot + 1) & (slots - 1);
            }
        }
        for winner in table.into_iter().filter(|winner| *winner != FREE) {
            let winner = winner as usize;
            if let Some(row) = self.rows.get(winner).filter(|_| twins.get(winner) != Some(&true)) {
                found(*row);
            }
        }
    }
}

/// A bit for each row of a table.
pub(in crate::engine::polars) struct Bitmap {
    words: Vec<AtomicU64>,
}

impl Bitmap {
    fn new(rows: u32) -> Self {
        Self { words: (0..(rows as usize).div_ceil(64)).map(|_| AtomicU64::new(0)).collect() }
    }

    fn set(&self, row: u32) {
        if let Some(word) = self.words.get(row as usize / 64) {
            word.fetch_or(1 << (row % 64), Atomic::Relaxed);
        }
    }

    /// Whether the row has its bit set.
    pub(in crate::engine::polars) fn get(&self, row: u32) -> bool {
        self.words.get(row as usize / 64).is_some_and(|word| (word.load(Atomic::Relaxed) >> (row % 64)) & 1 == 1)
    }
}
