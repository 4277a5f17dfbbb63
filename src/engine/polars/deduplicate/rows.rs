//! Rows that wait until it is known which of them stay: in memory while it lasts, else on disk.

use std::sync::Arc;

use polars::prelude as pl;

use super::super::error::engine_error;
use super::super::spill::{Segment, SpillFile, Spilling, decode, encode};
use super::{Bitmap, Survivors};
use crate::engine::EngineError;
use crate::memory::Reservation;

/// Bytes of rows that are kept together.
const BLOCK_BYTES: u64 = 4 << 20;

/// Rows in their order.
pub(in crate::engine::polars) struct Waiting {
    spilling: Spilling,
    memory: Reservation,
    blocks: Vec<Block>,
    file: Option<SpillFile>,
    gathered: Vec<pl::DataFrame>,
    bytes: u64,
    rows: u32,
}

struct Block {
    /// The number of its first row.
    first: u32,
    rows: Place,
}

enum Place {
    Held(pl::DataFrame),
    Spilled(Segment),
}

impl Waiting {
    pub(in crate::engine::polars) fn new(spilling: &Spilling) -> Self {
        Self {
            spilling: spilling.clone(),
            memory: spilling.memory.reserve("the rows of a deduplication"),
            blocks: Vec::new(),
            file: None,
            gathered: Vec::new(),
            bytes: 0,
            rows: 0,
        }
    }

    /// Takes the next rows.
    pub(in crate::engine::polars) fn add(&mut self, frame: pl::DataFrame) -> Result<(), EngineError> {
        self.bytes += frame.estimated_size() as u64;
        self.gathered.push(frame);
        if self.bytes < BLOCK_BYTES { Ok(()) } else { self.close_block() }
    }

    fn close_block(&mut self) -> Result<(), EngineError> {
        let bytes = std::mem::take(&mut self.bytes);
        let mut frames = std::mem::take(&mut self.gathered).into_iter();
        let Some(mut block) = frames.next() else { return Ok(()) };
        for frame in frames {
            block.vstack_mut_owned(frame).map_err(|error| engine_error(&error, ""))?;
        }
        let first = self.rows;
        // `Survivors` has refused tables with more rows.
        self.rows += u32::try_from(block.height()).unwrap_or(0);
        if self.file.is_none() && self.memory.try_grow(bytes).is_ok() {
            self.blocks.push(Block { first, rows: Place::Held(block) });
            return Ok(());
        }
        self.blocks.push(Block { first, rows: Place::Held(block) });
        if self.file.is_none() {
            self.file = Some(SpillFile::create(&self.spilling, "a deduplication")?);
        }
        let Some(file) = &self.file else { return Ok(()) };
        for block in self.blocks.iter_mut().rev() {
            let Place::Held(rows) = &mut block.rows else { break };
            rows.rechunk_mut();
            block.rows = Place::Spilled(file.append(&encode(rows)?)?);
        }
        self.memory.free();
        Ok(())
    }

    /// The rows, now that it is known which stay.
    pub(in crate::engine::polars) fn finish(mut self, survivors: Survivors) -> Result<Kept, EngineError> {
        self.close_block()?;
        let Self { memory, blocks, file, .. } = self;
        Ok(Kept { blocks, file, bitmap: survivors.finish()?, _memory: memory })
    }
}

/// The rows that stay, block by block.
pub(in crate::engine::polars) struct Kept {
    blocks: Vec<Block>,
    file: Option<SpillFile>,
    bitmap: Arc<Bitmap>,
    _memory: Reservation,
}

impl Kept {
    /// How many blocks there are.
    pub(in crate::engine::polars) fn count(&self) -> usize {
        self.blocks.len()
    }

    /// The rows that stay of a block.
    pub(in crate::engine::polars) fn make(&self, number: usize) -> Result<pl::DataFrame, EngineError> {
        let rows = match self.blocks.get(number).map(|block| (&block.rows, block.first)) {
            Some((Place::Held(rows), first)) => Some((rows.clone(), first)),
            Some((Place::Spilled(segment), first)) => match &self.file {
                Some(file) => Some((decode(&file.read(segment)?)?, first)),
                None => None,
            },
            None => None,
        };
        let Some((rows, first)) = rows else { return Ok(pl::DataFrame::default()) };
        let count = u32::try_from(rows.height()).unwrap_or(0);
        let mut mask = polars_arrow::bitmap::MutableBitmap::with_capacity(rows.height());
        (first..first + count).for_each(|row| mask.push(self.bitmap.get(row)));
        let mask = pl::BooleanChunked::from_bitmap("stays".into(), mask.freeze());
        rows.filter_seq(&mask).map_err(|error| engine_error(&error, ""))
    }
}
