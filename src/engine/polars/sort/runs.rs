//! Sorted runs on disk, and the stretches of the whole order that are made of them.

use std::cmp::Ordering;
use std::sync::Arc;
use std::thread::JoinHandle;

use polars::chunked_array::ops::row_encode::_get_rows_encoded_arr;
use polars::prelude as pl;
use polars_arrow::array::BinaryArray;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use super::super::error::{engine_error, guard};
use super::super::spill::{Segment, SpillFile, Spilling, decode, encode};
use super::packed;
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::memory::Reservation;

const WHAT: &str = "a sort";

/// Bytes of a block of a run: small, because a stretch reads two blocks of each run in vain at worst.
const BLOCK_BYTES: u64 = 256 << 10;
/// A run takes this part of the memory.
const RUN_PART: u64 = 8;
/// A stretch takes this part of the memory.
const STRETCH_PART: u64 = 32;

/// Rows of a stretch of a table in memory.
const HELD_ROWS: usize = 100_000;

/// By which columns rows are sorted, and how.
pub(super) struct Sorting {
    pub(super) keys: Vec<pl::PlSmallStr>,
    pub(super) descending: Vec<bool>,
    pub(super) nulls_last: Vec<bool>,
    /// Key columns at the end that do not belong to the rows.
    pub(super) computed: usize,
}

impl Sorting {
    fn sort(&self, mut frame: pl::DataFrame) -> Result<pl::DataFrame, EngineError> {
        // Gathering rows out of many chunks is slow.
        frame.rechunk_mut();
        let options = pl::SortMultipleOptions::default()
            .with_order_descending_multi(self.descending.clone())
            .with_nulls_last_multi(self.nulls_last.clone())
            .with_maintain_order(true);
        if let Some(order) = packed::order(&self.encode(&frame)?) {
            return guard("", || frame.take(&pl::IdxCa::from_vec("".into(), order)));
        }
        guard("", || frame.sort(self.keys.clone(), options))
    }

    /// The keys as bytes that compare as the rows do.
    fn encode(&self, frame: &pl::DataFrame) -> Result<BinaryArray<i64>, EngineError> {
        guard("", || {
            let columns =
                self.keys.iter().map(|key| frame.column(key).cloned()).collect::<pl::PolarsResult<Vec<_>>>()?;
            _get_rows_encoded_arr(&columns, &self.descending, &self.nulls_last, false)
        })
    }

    fn without_computed(&self, mut frame: pl::DataFrame) -> pl::DataFrame {
        for key in self.keys.iter().filter(|key| key.starts_with("__sort_")).take(self.computed) {
            // A column that is not there needs not be taken away.
            drop(frame.drop_in_place(key));
        }
        frame
    }
}

/// A sorted part of the table.
pub(super) struct Run {
    blocks: Vec<Block>,
}

impl Run {
    /// Sorts the rows, of so many bytes, and writes them block by block.
    fn write(sorting: &Sorting, rows: pl::DataFrame, bytes: u64, file: &SpillFile) -> Result<Self, EngineError> {
        let sorted = sorting.sort(rows)?;
        let height = sorted.height();
        let row = (bytes / height.max(1) as u64).max(1);
        let rows = usize::try_from(BLOCK_BYTES / row).unwrap_or(1).clamp(64, 1 << 16);
        let starts: Vec<usize> = (0..height).step_by(rows).collect();
        let firsts = pl::IdxCa::from_vec(
            "".into(),
            starts.iter().map(|start| pl::IdxSize::try_from(*start).unwrap_or(0)).collect(),
        );
        let firsts = guard("", || sorted.take(&firsts))?;
        let firsts = sorting.encode(&firsts)?;
        let firsts: Vec<Box<[u8]>> = firsts.values_iter().map(Into::into).collect();
        let blocks = starts
            .into_par_iter()
            .zip(firsts)
            .map(|(start, first)| {
                let mut block = sorted.slice(i64::try_from(start).unwrap_or(i64::MAX), rows);
                block.rechunk_mut();
                let bytes = row * block.height() as u64;
                let segment = file.append(&encode(&mut block)?)?;
                Ok(Block { first, segment, bytes })
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        Ok(Self { blocks })
    }
}

struct Block {
    /// The key of its first row.
    first: Box<[u8]>,
    segment: Segment,
    bytes: u64,
}

/// Gathers rows into runs. While one is sorted and written by a thread of its own, the next one is gathered.
pub(super) struct Runs {
    sorting: Arc<Sorting>,
    spilling: Spilling,
    memory: Reservation,
    waiting: Vec<pl::DataFrame>,
    bytes: u64,
    file: Option<Arc<SpillFile>>,
    runs: Vec<Run>,
    writing: Option<JoinHandle<Result<Run, EngineError>>>,
}

impl Runs {
    pub(super) fn new(sorting: Sorting, spilling: &Spilling) -> Self {
        Self {
            sorting: Arc::new(sorting),
            spilling: spilling.clone(),
            memory: spilling.memory.reserve(WHAT),
            waiting: Vec::new(),
            bytes: 0,
            file: None,
            runs: Vec::new(),
            writing: None,
        }
    }

    /// Takes the next rows.
    pub(super) fn add(&mut self, frame: pl::DataFrame) -> Result<(), EngineError> {
        if frame.height() == 0 {
            return Ok(());
        }
        let bytes = frame.estimated_size() as u64;
        let full = self.bytes + bytes > self.spilling.memory.limit() / RUN_PART;
        // A copy is made while the run is sorted.
        if full || self.memory.try_grow(2 * bytes).is_err() {
            if !self.waiting.is_empty() {
                self.write_run()?;
            }
            // The rows are here and cannot be avoided.
            self.memory.grow(2 * bytes);
        }
        self.bytes += bytes;
        self.waiting.push(frame);
        Ok(())
    }

    /// The rows that wait, one frame under the other.
    fn gathered(&mut self) -> Result<Option<pl::DataFrame>, EngineError> {
        let mut frames = std::mem::take(&mut self.waiting).into_iter();
        let Some(mut all) = frames.next() else { return Ok(None) };
        for frame in frames {
            all.vstack_mut_owned(frame).map_err(|error| engine_error(&error, ""))?;
        }
        Ok(Some(all))
    }

    fn write_run(&mut self) -> Result<(), EngineError> {
        self.end_run()?;
        let bytes = std::mem::take(&mut self.bytes);
        let Some(rows) = self.gathered()? else { return Ok(()) };
        let file = match &self.file {
            Some(file) => file.clone(),
            None => self.file.insert(Arc::new(SpillFile::create(&self.spilling, WHAT)?)).clone(),
        };
        let memory = std::mem::replace(&mut self.memory, self.spilling.memory.reserve(WHAT));
        let sorting = self.sorting.clone();
        let work = move || {
            let run = Run::write(&sorting, rows, bytes, &file);
            drop(memory);
            run
        };
        let thread = std::thread::Builder::new().name("sort".to_owned()).spawn(work);
        let thread = thread
            .map_err(|error| EngineError::new(Class::Limit, format!("cannot start a thread for a sort: {error}")))?;
        self.writing = Some(thread);
        Ok(())
    }

    /// Waits for the run that is being written.
    fn end_run(&mut self) -> Result<(), EngineError> {
        if let Some(writing) = self.writing.take() {
            let failed = || EngineError::new(Class::Stage, "the thread of a sort failed");
            self.runs.push(writing.join().map_err(|_| failed())??);
        }
        Ok(())
    }

    /// The whole order, after the last row.
    pub(super) fn finish(mut self) -> Result<Stretches, EngineError> {
        if self.file.is_none() {
            let frame = match self.gathered()? {
                Some(rows) => self.sorting.without_computed(self.sorting.sort(rows)?),
                None => pl::DataFrame::default(),
            };
            self.memory.shrink(self.memory.size() / 2);
            return Ok(Stretches::Held { frame, _memory: self.memory });
        }
        self.write_run()?;
        self.end_run()?;
        let Self { sorting, spilling, file, runs, .. } = self;
        let cuts = cuts(&runs, spilling.memory.limit() / STRETCH_PART);
        Ok(Stretches::Spilled { sorting, spilling, file, runs, cuts })
    }
}

/// A place in the whole order: before the first row of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    key: Box<[u8]>,
    run: usize,
    block: usize,
}

/// Cuts between stretches of about that many bytes.
fn cuts(runs: &[Run], stretch: u64) -> Vec<Cut> {
    let mut blocks: Vec<(&[u8], usize, usize, u64)> = Vec::new();
    for (run, blocks_of_run) in runs.iter().enumerate() {
        blocks.extend(blocks_of_run.blocks.iter().enumerate().map(|(at, block)| (&*block.first, run, at, block.bytes)));
    }
    blocks.sort_unstable();
    let mut cuts = Vec::new();
    let mut bytes = 0;
    for (key, run, block, size) in blocks {
        if bytes >= stretch {
            cuts.push(Cut { key: key.into(), run, block });
            bytes = 0;
        }
        bytes += size;
    }
    cuts
}

/// A place in a run: in that block, before the first row that the condition does not hold for.
struct Place<'c> {
    block: usize,
    /// The key that rows before the place are below, or at most; none: before the first row of the block.
    bound: Option<(&'c [u8], bool)>,
}

impl Cut {
    /// Where the cut goes through a run.
    fn place(&self, at: usize, run: &Run) -> Place<'_> {
        // Of rows with equal keys, those of earlier runs come first.
        let with_ties = match at.cmp(&self.run) {
            Ordering::Equal => return Place { block: self.block, bound: None },
            Ordering::Less => true,
            Ordering::Greater => false,
        };
        let is_before = |key: &[u8]| if with_ties { key <= &*self.key } else { key < &*self.key };
        match run.blocks.partition_point(|block| is_before(&block.first)).checked_sub(1) {
            None => Place { block: 0, bound: None },
            Some(block) => Place { block, bound: Some((&*self.key, with_ties)) },
        }
    }
}

/// The rows in order, as stretches that are made one by one.
pub(super) enum Stretches {
    /// All of them in memory.
    Held { frame: pl::DataFrame, _memory: Reservation },
    /// On disk.
    Spilled { sorting: Arc<Sorting>, spilling: Spilling, file: Option<Arc<SpillFile>>, runs: Vec<Run>, cuts: Vec<Cut> },
}

impl Stretches {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Held { frame, .. } => frame.height().div_ceil(HELD_ROWS),
            Self::Spilled { cuts, .. } => cuts.len() + 1,
        }
    }

    /// The rows of a stretch.
    pub(super) fn make(&self, stretch: usize) -> Result<pl::DataFrame, EngineError> {
        match self {
            Self::Held { frame, .. } => {
                Ok(frame.slice(i64::try_from(stretch * HELD_ROWS).unwrap_or(i64::MAX), HELD_ROWS))
            }
            Self::Spilled { sorting, spilling, file, runs, cuts } => {
                let mut memory = spilling.memory.reserve("a part of a sort");
                memory.grow(2 * (spilling.memory.limit() / STRETCH_PART));
                let from = stretch.checked_sub(1).and_then(|before| cuts.get(before));
                let to = cuts.get(stretch);
                let mut all: Option<pl::DataFrame> = None;
                for (at, run) in runs.iter().enumerate() {
                    let Some(file) = file else { continue };
                    let from = from.map_or(Place { block: 0, bound: None }, |cut| cut.place(at, run));
                    let to = to.map_or(Place { block: run.blocks.len(), bound: None }, |cut| cut.place(at, run));
                    for block in from.block..run.blocks.len().min(to.block + usize::from(to.bound.is_some())) {
                        let Some(found) = run.blocks.get(block) else { continue };
                        let mut rows = decode(&file.read(&found.segment)?)?;
                        let end = if block == to.block { to.offset(sorting, &rows)? } else { rows.height() };
                        let start = if block == from.block { from.offset(sorting, &rows)? } else { 0 };
                        if start >= end {
                            continue;
                        }
                        if start > 0 || end < rows.height() {
                            rows = rows.slice(i64::try_from(start).unwrap_or(i64::MAX), end - start);
                        }
                        match &mut all {
                            None => all = Some(rows),
                            Some(all) => {
                                all.vstack_mut_owned(rows).map_err(|error| engine_error(&error, ""))?;
                            }
                        }
                    }
                }
                let Some(all) = all else { return Ok(pl::DataFrame::default()) };
                Ok(sorting.without_computed(sorting.sort(all)?))
            }
        }
    }
}

impl Place<'_> {
    /// Rows of the block before the place.
    fn offset(&self, sorting: &Sorting, rows: &pl::DataFrame) -> Result<usize, EngineError> {
        let Some((bound, with_ties)) = self.bound else { return Ok(0) };
        let keys = sorting.encode(rows)?;
        let (mut before, mut end) = (0, keys.len());
        while before < end {
            let middle = before.midpoint(end);
            let key = keys.value(middle);
            if key < bound || (with_ties && key == bound) { before = middle + 1 } else { end = middle }
        }
        Ok(before)
    }
}
