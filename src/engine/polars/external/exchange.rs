//! An exchange: rows are dealt out to partitions while they stream by, so that each partition can be worked on in memory later.
//!
//! Pipelines of Polars hand in their frames side by side ([`Exchange::absorb`]). Frames are gathered to batches, a batch is
//! dealt out with one counting sort, and what a partition gets is a copy of its own. Rows stay in memory as long as the memory
//! manager allows. When it refuses, partitions are first *folded*, if rows of one group can be summed up (the adaptive
//! pre-aggregation of Kuiper, Boncz and Mühleisen, "Robust External Hash Aggregation in the Solid State Age", ICDE 2024), and
//! what folding does not make small is written to one unlinked file, a block for each partition.
//!
//! Time O(n); memory the reservation plus a batch for each pipeline.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use polars::prelude as pl;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::super::error::engine_error;
use super::super::spill::{SpillFile, Spilling, hash_rows};
use super::rows::{Partition, Rows, frame_bytes, own, stack, taken};
use crate::engine::EngineError;
use crate::memory::Reservation;

/// To which partition a row goes.
#[derive(Debug, Clone)]
pub(super) enum Route {
    /// By the hash of these columns. Rows in which one of them is null go anywhere when `spread_nulls`.
    Hash {
        /// The key columns.
        keys: Vec<String>,
        /// Which hash function; partitions that are dealt out again need another one.
        seed: u64,
        /// Whether rows without a key belong nowhere.
        spread_nulls: bool,
    },
    /// By ranges of this column of `u64` numbers: partition `i` holds those from `first + i * width`.
    Range {
        /// The column.
        column: String,
        /// The smallest number.
        first: u64,
        /// Numbers to a partition; known before the first row comes, but not when the query is made.
        width: Arc<AtomicU64>,
    },
}

/// Sums up the rows of one partition: raw frames and already folded ones become one folded frame, of one schema always.
pub(super) type Fold =
    Arc<dyn Fn(Vec<pl::DataFrame>, Vec<pl::DataFrame>) -> pl::PolarsResult<pl::DataFrame> + Send + Sync>;

/// Rows on their way to partitions.
pub(super) struct Exchange {
    spilling: Spilling,
    what: &'static str,
    route: Route,
    parts: Vec<Mutex<Partition>>,
    /// Batches that no pipeline is filling just now.
    batches: Mutex<Vec<Batch>>,
    batch_bytes: u64,
    reservation: Mutex<Reservation>,
    /// Held by the one thread that makes room.
    relief: Mutex<()>,
    file: Mutex<Option<Arc<SpillFile>>>,
    fold: Option<Fold>,
    /// Whether folding has not been in vain yet.
    folds: AtomicBool,
    /// Whether batches are folded before they are dealt out, because those before had few groups.
    folds_batches: AtomicBool,
}

#[derive(Default)]
struct Batch {
    frames: Vec<pl::DataFrame>,
    rows: usize,
    bytes: u64,
}

/// Rows that are gathered before they are dealt out.
const BATCH_ROWS: usize = 1 << 19;

/// A fold is worth its while when it leaves at most this share of the bytes.
const FOLD_SHARE: f64 = 0.6;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Exchange {
    /// An exchange into `count` partitions; `what` names it when memory or disk do not suffice.
    pub(super) fn new(spilling: &Spilling, what: &'static str, count: usize, route: Route, fold: Option<Fold>) -> Self {
        let share = spilling.memory.limit() / 64;
        Self {
            spilling: spilling.clone(),
            what,
            route,
            parts: (0..count.max(1)).map(|_| Mutex::default()).collect(),
            batches: Mutex::default(),
            batch_bytes: share.clamp(1 << 16, 64 << 20),
            reservation: Mutex::new(spilling.memory.reserve(what)),
            relief: Mutex::new(()),
            file: Mutex::new(None),
            folds: AtomicBool::new(fold.is_some()),
            folds_batches: AtomicBool::new(fold.is_some()),
            fold,
        }
    }

    /// Takes rows; called by several threads at once.
    pub(super) fn absorb(&self, frame: pl::DataFrame) -> Result<(), EngineError> {
        if frame.height() == 0 {
            return Ok(());
        }
        let mut batch = lock(&self.batches).pop().unwrap_or_default();
        batch.rows += frame.height();
        batch.bytes += frame_bytes(&frame);
        batch.frames.push(frame);
        if batch.rows < BATCH_ROWS && batch.bytes < self.batch_bytes {
            lock(&self.batches).push(batch);
            return Ok(());
        }
        self.take(batch)
    }

    /// Takes a full batch. The first one tells whether its rows are folded at once: few groups make few rows of many.
    fn take(&self, batch: Batch) -> Result<(), EngineError> {
        const ROWS_OF_GROUP: usize = 4;
        if let Some(fold) = self.fold.as_ref().filter(|_| self.folds_batches.load(Ordering::Relaxed)) {
            let folded = fold(batch.frames, Vec::new()).map_err(|e| engine_error(&e, ""))?;
            self.folds_batches.store(folded.height() * ROWS_OF_GROUP <= batch.rows, Ordering::Relaxed);
            return self.deal_out(folded, |part| &mut part.folded);
        }
        match stack(batch.frames)? {
            Some(frame) => self.deal_out(frame, |part| &mut part.raw),
            None => Ok(()),
        }
    }

    fn deal_out(&self, mut frame: pl::DataFrame, rows: fn(&mut Partition) -> &mut Rows) -> Result<(), EngineError> {
        frame.rechunk_mut();
        let count = self.parts.len();
        if count == 1 {
            let frame = own(frame);
            self.grow(frame_bytes(&frame))?;
            lock_part(&self.parts, 0, |part| rows(part).push(frame));
            return Ok(());
        }
        let targets = self.targets(&frame)?;
        let mut ends = vec![0_usize; count + 1];
        for &target in &targets {
            if let Some(end) = ends.get_mut(target as usize + 1) {
                *end += 1;
            }
        }
        for i in 1..ends.len() {
            let before = ends.get(i - 1).copied().unwrap_or(0);
            if let Some(end) = ends.get_mut(i) {
                *end += before;
            }
        }
        let mut places = ends.clone();
        let mut order: Vec<pl::IdxSize> = vec![0; targets.len()];
        for (row, &target) in (0..).zip(&targets) {
            if let Some(place) = places.get_mut(target as usize) {
                if let Some(slot) = order.get_mut(*place) {
                    *slot = row;
                }
                *place += 1;
            }
        }
        drop(targets);
        let mut dealt = Vec::with_capacity(count);
        let mut bytes = 0;
        for partition in 0..count {
            let (Some(&from), Some(&to)) = (ends.get(partition), ends.get(partition + 1)) else { continue };
            if from == to {
                continue;
            }
            let chosen = order.get(from..to).unwrap_or_default().to_vec();
            let part = taken(&frame, &pl::IdxCa::from_vec("".into(), chosen)).map_err(|e| engine_error(&e, ""))?;
            bytes += frame_bytes(&part);
            dealt.push((partition, part));
        }
        drop(frame);
        self.grow(bytes)?;
        for (partition, frame) in dealt {
            lock_part(&self.parts, partition, |part| rows(part).push(frame));
        }
        Ok(())
    }

    fn targets(&self, frame: &pl::DataFrame) -> Result<Vec<u32>, EngineError> {
        let count = self.parts.len() as u64;
        match &self.route {
            Route::Hash { keys, seed, spread_nulls } => {
                let names: Vec<&str> = keys.iter().map(String::as_str).collect();
                let hashes = hash_rows(frame, &names, *seed)?;
                let mut targets: Vec<u32> = hashes.iter().map(|&hash| high_part(hash, count)).collect();
                if *spread_nulls {
                    for name in names {
                        let column = frame.column(name).map_err(|e| engine_error(&e, ""))?;
                        if column.null_count() == 0 {
                            continue;
                        }
                        let nulls = column.is_null();
                        let rows = (0_u64..).zip(targets.iter_mut().zip(nulls.iter()));
                        for (row, (target, null)) in rows {
                            if null == Some(true) {
                                #[expect(
                                    clippy::cast_possible_truncation,
                                    reason = "less than the number of partitions"
                                )]
                                let any = (row % count) as u32;
                                *target = any;
                            }
                        }
                    }
                }
                Ok(targets)
            }
            Route::Range { column, first, width } => {
                let numbers = frame.column(column).and_then(|column| column.u64().cloned());
                let numbers = numbers.map_err(|e| engine_error(&e, ""))?;
                let width = width.load(Ordering::Relaxed).max(1);
                let place = |number: u64| {
                    #[expect(clippy::cast_possible_truncation, reason = "less than the number of partitions")]
                    let place = (number.saturating_sub(*first) / width).min(count - 1) as u32;
                    place
                };
                Ok(numbers.iter().map(|number| place(number.unwrap_or(u64::MAX))).collect())
            }
        }
    }

    /// Reserves memory, making room when it is refused.
    fn grow(&self, bytes: u64) -> Result<(), EngineError> {
        if lock(&self.reservation).try_grow(bytes).is_ok() {
            return Ok(());
        }
        let _one = lock(&self.relief);
        if lock(&self.reservation).try_grow(bytes).is_ok() {
            return Ok(());
        }
        self.make_room()?;
        // The rows are here and cannot be avoided: without anything else held, they are let in.
        lock(&self.reservation).grow(bytes);
        self.spilling.memory.check().map_err(EngineError::from)
    }

    /// Folds or writes out what is in memory, on all threads: those that wait for room do nothing else.
    fn make_room(&self) -> Result<(), EngineError> {
        if self.folds.load(Ordering::Relaxed) && self.fold_all()? {
            return Ok(());
        }
        self.parts.par_iter().try_for_each(|part| {
            let mut part = lock(part);
            let freed = part.raw.held() + part.folded.held();
            let Partition { raw, folded } = &mut *part;
            raw.spill(|| self.file())?;
            folded.spill(|| self.file())?;
            lock(&self.reservation).shrink(freed);
            Ok(())
        })
    }

    /// The file of what is written out, made when it is first wanted.
    fn file(&self) -> Result<Arc<SpillFile>, EngineError> {
        let mut file = lock(&self.file);
        if let Some(file) = &*file {
            return Ok(file.clone());
        }
        Ok(file.insert(Arc::new(SpillFile::create(&self.spilling, self.what)?)).clone())
    }

    /// Folds the partitions in memory; whether that was worth it. The first few tell for all.
    fn fold_all(&self) -> Result<bool, EngineError> {
        const TRIALS: usize = 4;
        let (first, rest) = self.parts.split_at(TRIALS.min(self.parts.len()));
        let fold = |parts: &[Mutex<Partition>]| {
            parts.par_iter().map(|part| self.fold_part(part)).try_reduce(|| (0, 0), |a, b| Ok((a.0 + b.0, a.1 + b.1)))
        };
        let (mut before, mut after) = fold(first)?;
        if !is_poor(before, after) {
            let more = fold(rest)?;
            before += more.0;
            after += more.1;
        }
        let worth = !is_poor(before, after);
        self.folds.store(worth, Ordering::Relaxed);
        Ok(worth)
    }

    /// Folds a partition; its bytes before and after.
    fn fold_part(&self, part: &Mutex<Partition>) -> Result<(u64, u64), EngineError> {
        let Some(fold) = &self.fold else { return Ok((0, 0)) };
        let mut part = lock(part);
        let before = part.raw.held() + part.folded.held();
        if part.raw.held() == 0 && part.folded.frames_held() < 2 {
            return Ok((before, before));
        }
        let raw = part.raw.release();
        let folded = part.folded.release();
        let frame = fold(raw, folded).map_err(|e| engine_error(&e, ""))?;
        part.folded.push(own(frame));
        let after = part.folded.held();
        let mut reservation = lock(&self.reservation);
        if after <= before {
            reservation.shrink(before - after)
        } else {
            reservation.grow(after - before)
        }
        Ok((before, after))
    }

    /// The partitions, after the last row has come.
    pub(super) fn finish(&self) -> Result<Dealt, EngineError> {
        loop {
            let Some(batch) = lock(&self.batches).pop() else { break };
            self.take(batch)?;
        }
        let parts = self.parts.iter().map(|part| std::mem::take(&mut *lock(part))).collect();
        let held = std::mem::replace(&mut *lock(&self.reservation), self.spilling.memory.reserve(self.what));
        Ok(Dealt { parts, held })
    }
}

fn is_poor(before: u64, after: u64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = after as f64 / before.max(1) as f64;
    share > FOLD_SHARE
}

fn lock_part(parts: &[Mutex<Partition>], index: usize, change: impl FnOnce(&mut Partition)) {
    if let Some(part) = parts.get(index) {
        change(&mut lock(part));
    }
}

/// The partition of a hash, by its high bits: `hash / 2^64 * count`.
fn high_part(hash: u64, count: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "less than the number of partitions")]
    let part = ((u128::from(hash) * u128::from(count)) >> 64) as u32;
    part
}

/// Partitions with the memory that they hold.
pub(super) struct Dealt {
    /// One for each number of the route.
    pub(super) parts: Vec<Partition>,
    /// The bytes of the rows in memory.
    pub(super) held: Reservation,
}

impl Rows {
    /// The rows dealt out anew.
    pub(super) fn deal_again(
        self,
        spilling: &Spilling,
        what: &'static str,
        count: usize,
        route: Route,
    ) -> Result<Dealt, EngineError> {
        let exchange = Exchange::new(spilling, what, count, route, None);
        for frame in self.into_frames() {
            exchange.absorb(frame?)?;
        }
        exchange.finish()
    }
}
