//! The rows of a partition: frames in memory, blocks on disk, and how much they are.

use std::sync::Arc;

use polars::prelude::{self as pl, IntoColumn};

use super::super::error::engine_error;
use super::super::spill::{Segment, SpillFile, decode, encode};
use crate::engine::EngineError;

/// Frames of one schema.
#[derive(Default, Clone)]
pub(super) struct Rows {
    frames: Vec<pl::DataFrame>,
    held: u64,
    blocks: Vec<Block>,
    rows: u64,
    bytes: u64,
}

#[derive(Clone)]
struct Block {
    file: Arc<SpillFile>,
    segment: Segment,
    rows: u64,
    bytes: u64,
}

/// Bytes of a partition that are written together, as far as they come in smaller frames.
const BLOCK_BYTES: u64 = 8 << 20;

/// The rows of one partition.
#[derive(Default, Clone)]
pub(super) struct Partition {
    /// As they came.
    pub(super) raw: Rows,
    /// Folded ones.
    pub(super) folded: Rows,
}

impl Partition {
    /// Bytes of all rows, as they are in memory.
    pub(super) fn bytes(&self) -> u64 {
        self.raw.bytes + self.folded.bytes
    }

    /// Bytes of the rows that are in memory.
    pub(super) fn held(&self) -> u64 {
        self.raw.held + self.folded.held
    }

    /// Rows, folded ones among them.
    pub(super) fn rows(&self) -> u64 {
        self.raw.rows + self.folded.rows
    }
}

impl Rows {
    /// Takes a frame into memory.
    pub(super) fn push(&mut self, frame: pl::DataFrame) {
        let bytes = frame_bytes(&frame);
        self.rows += frame.height() as u64;
        self.bytes += bytes;
        self.held += bytes;
        self.frames.push(frame);
    }

    /// The frames in memory, which are counted no longer.
    pub(super) fn release(&mut self) -> Vec<pl::DataFrame> {
        let frames = std::mem::take(&mut self.frames);
        self.rows -= frames.iter().map(|frame| frame.height() as u64).sum::<u64>();
        self.bytes -= self.held;
        self.held = 0;
        frames
    }

    /// Writes what is in memory to the file that is asked for when there is something to write.
    pub(super) fn spill(
        &mut self,
        file: impl FnOnce() -> Result<Arc<SpillFile>, EngineError>,
    ) -> Result<(), EngineError> {
        if self.frames.is_empty() {
            return Ok(());
        }
        let file = file()?;
        let mut frames = std::mem::take(&mut self.frames).into_iter().peekable();
        while frames.peek().is_some() {
            let (mut block, mut bytes) = (Vec::new(), 0);
            while let Some(frame) = frames.next_if(|_| bytes < BLOCK_BYTES) {
                bytes += frame_bytes(&frame);
                block.push(frame);
            }
            let Some(mut frame) = stack(block)? else { break };
            frame.rechunk_mut();
            let rows = frame.height() as u64;
            let segment = file.append(&encode(&mut frame)?)?;
            self.blocks.push(Block { file: file.clone(), segment, rows, bytes });
        }
        self.held = 0;
        Ok(())
    }

    /// How many frames are in memory.
    pub(super) fn frames_held(&self) -> usize {
        self.frames.len()
    }

    /// Bytes of all rows, as they are in memory.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Rows.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// All frames, one after the other from disk, then those in memory.
    pub(super) fn frames(&self) -> impl Iterator<Item = Result<pl::DataFrame, EngineError>> + '_ {
        let spilled = self.blocks.iter().map(|block| decode(&block.file.read(&block.segment)?));
        spilled.chain(self.frames.iter().cloned().map(Ok))
    }

    /// All frames, let go one after the other.
    pub(super) fn into_frames(self) -> impl Iterator<Item = Result<pl::DataFrame, EngineError>> {
        let spilled = self.blocks.into_iter().map(|block| decode(&block.file.read(&block.segment)?));
        spilled.chain(self.frames.into_iter().map(Ok))
    }

    /// The rows in pieces of about so many bytes, at least one.
    pub(super) fn pieces(self, most: u64) -> Vec<Self> {
        let mut pieces = vec![Self::default()];
        for block in self.blocks {
            let piece = next_piece(&mut pieces, block.bytes, most);
            piece.rows += block.rows;
            piece.bytes += block.bytes;
            piece.blocks.push(block);
        }
        for frame in self.frames {
            let piece = next_piece(&mut pieces, frame_bytes(&frame), most);
            piece.push(frame);
        }
        pieces
    }

    /// Bytes of the rows that are in memory.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// All frames at once.
    pub(super) fn all(&self) -> Result<Vec<pl::DataFrame>, EngineError> {
        self.frames().collect()
    }
}

/// The last piece, or a new one when it would become too large.
fn next_piece(pieces: &mut Vec<Rows>, bytes: u64, most: u64) -> &mut Rows {
    if pieces.last().is_none_or(|last| last.bytes > 0 && last.bytes + bytes > most) {
        pieces.push(Rows::default());
    }
    let last = pieces.len() - 1;
    &mut pieces[last]
}

/// The frames under each other.
pub(super) fn stack(frames: Vec<pl::DataFrame>) -> Result<Option<pl::DataFrame>, EngineError> {
    let mut frames = frames.into_iter();
    let Some(mut all) = frames.next() else { return Ok(None) };
    for frame in frames {
        all.vstack_mut_owned(frame).map_err(|error| engine_error(&error, ""))?;
    }
    Ok(Some(all))
}

/// The rows as a frame with memory of its own. Done column by column: Polars' own way goes through its pool for each frame,
/// which costs more than taking some thousand values.
pub(super) fn taken(frame: &pl::DataFrame, rows: &pl::IdxCa) -> pl::PolarsResult<pl::DataFrame> {
    let columns = frame
        .columns()
        .iter()
        .map(|column| Ok(own_column(column.take(rows)?)))
        .collect::<pl::PolarsResult<Vec<_>>>()?;
    pl::DataFrame::new(rows.len(), columns)
}

/// The frame with texts in memory of its own, so that it does not keep alive where they come from.
pub(super) fn own(frame: pl::DataFrame) -> pl::DataFrame {
    let height = frame.height();
    let columns = frame.columns().iter().cloned().map(own_column).collect();
    pl::DataFrame::new(height, columns).unwrap_or(frame)
}

fn own_column(column: pl::Column) -> pl::Column {
    let name = column.name().clone();
    match column.dtype() {
        pl::DataType::String => match column.str() {
            Ok(texts) => {
                pl::StringChunked::from_chunk_iter(name, texts.downcast_iter().map(|array| array.clone().gc()))
                    .into_column()
            }
            Err(_) => column,
        },
        pl::DataType::Binary => match column.binary() {
            Ok(bytes) => {
                pl::BinaryChunked::from_chunk_iter(name, bytes.downcast_iter().map(|array| array.clone().gc()))
                    .into_column()
            }
            Err(_) => column,
        },
        _ => column,
    }
}

/// Bytes of the values: views of texts count what they show, not the buffers that they share with others.
pub(super) fn frame_bytes(frame: &pl::DataFrame) -> u64 {
    frame.columns().iter().map(column_bytes).sum()
}

fn column_bytes(column: &pl::Column) -> u64 {
    const VIEW: usize = 16;
    let rows = column.len();
    let texts = match column.dtype() {
        pl::DataType::String => {
            column.str().ok().map(|texts| texts.downcast_iter().map(|array| array.total_bytes_len()).sum::<usize>())
        }
        pl::DataType::Binary => {
            column.binary().ok().map(|bytes| bytes.downcast_iter().map(|array| array.total_bytes_len()).sum())
        }
        _ => None,
    };
    match texts {
        Some(bytes) => (bytes + VIEW * rows) as u64,
        None => column.as_materialized_series().estimated_size() as u64,
    }
}
