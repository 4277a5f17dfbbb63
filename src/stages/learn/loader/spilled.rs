//! Rows in a file, for what memory does not hold.
//!
//! The file is cut into blocks of neighbouring rows. An epoch takes the blocks in a random order, as many at a time as a
//! buffer holds, and the rows of the buffer in a random order: CorgiPile (Xu et al. 2022, *In-database machine learning
//! with CorgiPile: stochastic gradient descent without full data shuffle*, SIGMOD), which learns as well as a full
//! shuffle and reads the disk in long strides. A thread of its own reads the next buffer while one is learned. Buffers that
//! are done go back to it: the pages of a new one would have to be found and cleared. It reads a block whenever as many rows
//! have been learned, so that it never takes a processor for long from a thread that learns, on which the others wait.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvError, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread::JoinHandle;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::augment::{Augment, Epoch};
use super::layout::Layout;
use crate::diagnostic::Diagnostic;
use crate::memory::{DiskBudget, DiskShare};
use crate::nn::training::{Batch, Batches, SourceError};
use crate::staging::failure;

/// Bytes of a block: enough that a disk reads it at nearly its full rate.
const BLOCK: u64 = 1 << 20;
/// Blocks that a buffer holds at least, where rows are small enough: of fewer the rows would still be neighbours.
const BLOCKS: u64 = 16;
/// Buffers at a time: one that is learned, one that waits, one that is read.
pub(super) const BUFFERS: u64 = 3;
/// Bytes that are taken of the disk at a time.
const STEP: u64 = 8 << 20;

/// A file of rows that is being written.
pub(super) struct Writer {
    file: BufWriter<File>,
    share: DiskShare,
    folder: std::path::PathBuf,
    bytes: Vec<u8>,
    written: u64,
}

impl Writer {
    /// A file without a name in a folder; it is gone when it is closed.
    ///
    /// Errors: of class `Output`.
    pub(super) fn new(folder: &Path) -> Result<Self, Diagnostic> {
        let file = tempfile::tempfile_in(folder).map_err(|error| failure("cannot make a file in", folder, &error))?;
        let share = DiskBudget::process().take("what is learned", 0)?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 20, file),
            share,
            folder: folder.to_owned(),
            bytes: Vec::new(),
            written: 0,
        })
    }

    /// Adds numbers.
    ///
    /// Errors: the disk, or what temporary files may take of it, is full.
    pub(super) fn write(&mut self, numbers: &[f32]) -> Result<(), Diagnostic> {
        self.written += numbers.len() as u64 * 4;
        if self.written > self.share.size() {
            self.share.grow((self.written - self.share.size()).max(STEP))?;
        }
        self.bytes.clear();
        self.bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        self.file.write_all(&self.bytes).map_err(|error| failure("cannot write to", &self.folder, &error))
    }

    /// The finished file.
    ///
    /// Errors: of class `Output`.
    pub(super) fn finish(self, layout: &Layout, rows: usize) -> Result<Spill, Diagnostic> {
        let folder = self.folder;
        let file = self.file.into_inner().map_err(|error| failure("cannot write to", &folder, error.error()))?;
        Ok(Spill { file, _share: self.share, bytes: self.written, layout: layout.clone(), rows })
    }
}

/// A file of rows.
#[derive(Debug)]
pub(super) struct Spill {
    file: File,
    _share: DiskShare,
    bytes: u64,
    layout: Layout,
    rows: usize,
}

/// How the file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// Rows of a block.
    block: usize,
    /// Blocks of a buffer.
    blocks: usize,
}

impl Cut {
    /// Buffers of that many bytes, but of at least two rows.
    pub(super) fn new(layout: &Layout, buffer: u64) -> Self {
        let rows = (buffer / layout.row_bytes()).max(2);
        let block = (BLOCK / layout.row_bytes()).min(rows / BLOCKS).max(1);
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Self { block: size(block), blocks: size((rows / block).max(1)) }
    }

    /// Rows of a buffer.
    pub(super) fn rows(self) -> usize {
        self.block.saturating_mul(self.blocks)
    }
}

impl Spill {
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The rows as a source of batches.
    ///
    /// Errors: the file cannot be opened once more.
    pub(super) fn source<'a>(&'a self, cut: Cut, augment: Option<&'a dyn Augment>) -> io::Result<Spilled<'a>> {
        let file = self.file.try_clone()?;
        Ok(Spilled {
            spill: self,
            cut,
            augment,
            epoch: None,
            file: Some(file),
            reader: None,
            buffer: Buffer::default(),
            next: 0,
            given: 0,
        })
    }
}

/// Some rows in the order in which they are to be learned.
#[derive(Debug, Default)]
struct Buffer {
    numbers: Vec<f32>,
    /// Places among `numbers`, in rows.
    order: Vec<u32>,
    /// For each block of the buffer the number of its first row.
    first: Vec<u64>,
}

/// A thread that reads.
struct Reader {
    buffers: Receiver<io::Result<Buffer>>,
    /// Where buffers that are done go.
    done: Sender<Buffer>,
    /// Lets it read a block each.
    turns: Sender<()>,
    thread: JoinHandle<File>,
}

/// Rows of a file as a source of batches.
pub(super) struct Spilled<'a> {
    spill: &'a Spill,
    cut: Cut,
    augment: Option<&'a dyn Augment>,
    epoch: Option<Epoch>,
    /// The file, while no thread has it.
    file: Option<File>,
    reader: Option<Reader>,
    buffer: Buffer,
    next: usize,
    /// Rows that were given since the thread was last let read a block.
    given: usize,
}

impl Reader {
    fn allow(&self) {
        // After its last buffer the thread reads no more.
        let _ = self.turns.send(());
    }
}

impl Spilled<'_> {
    /// Ends the thread and takes the file back.
    fn stop(&mut self) -> Result<File, SourceError> {
        if let Some(Reader { buffers, done, turns, thread }) = self.reader.take() {
            drop((buffers, done, turns));
            self.file = thread.join().ok();
        }
        self.file.take().ok_or_else(|| "the thread that reads rows has failed".into())
    }
}

impl Drop for Spilled<'_> {
    fn drop(&mut self) {
        // The thread must not outlive what it reads for.
        let _ = self.stop();
    }
}

impl Batches for Spilled<'_> {
    fn widths(&self) -> Vec<usize> {
        self.spill.layout.inputs.clone()
    }

    fn rows(&self) -> usize {
        self.spill.rows
    }

    fn start(&mut self, shuffle: Option<ChaCha8Rng>) -> Result<(), SourceError> {
        let file = self.stop()?;
        self.epoch = shuffle.as_ref().map(Epoch::of);
        (self.buffer, self.next) = (Buffer::default(), 0);
        let ((sender, buffers), (done, spare), (turns, turn)) = (sync_channel(1), channel(), channel());
        self.given = 0;
        let reading =
            Reading { file, cut: self.cut, rows: self.spill.rows, stride: self.spill.layout.stride(), spare, turn };
        let thread =
            std::thread::Builder::new().name("rows".to_owned()).spawn(move || reading.run(shuffle, &sender))?;
        self.reader = Some(Reader { buffers, done, turns, thread });
        Ok(())
    }

    fn next_batch(&mut self, rows: usize, batch: &mut Batch) -> Result<(), SourceError> {
        let mut wanted = rows;
        let stride = self.spill.layout.stride();
        let mut numbers = Vec::new();
        while wanted > 0 {
            if self.next >= self.buffer.order.len() {
                let Some(reader) = &self.reader else { break };
                // Who waits lets it read a whole buffer at once.
                match reader.buffers.try_recv().or_else(|empty| match empty {
                    TryRecvError::Disconnected => Err(RecvError),
                    TryRecvError::Empty => {
                        (0..self.cut.blocks).for_each(|_| reader.allow());
                        reader.buffers.recv()
                    }
                }) {
                    Ok(buffer) => {
                        let done = std::mem::replace(&mut self.buffer, buffer?);
                        self.next = 0;
                        // After its last buffer the thread takes no more.
                        let _ = reader.done.send(done);
                    }
                    // The sender is gone: that was the last buffer.
                    Err(_) => break,
                }
            }
            let end = self.buffer.order.len().min(self.next.saturating_add(wanted));
            for &place in self.buffer.order.get(self.next..end).unwrap_or_default() {
                let place = place as usize;
                let row = self.buffer.numbers.get(place * stride..(place + 1) * stride);
                self.spill.layout.give(row.unwrap_or_default(), batch);
                if self.augment.is_some() {
                    let first = self.buffer.first.get(place / self.cut.block).copied().unwrap_or(0);
                    numbers.push(first + (place % self.cut.block) as u64);
                }
            }
            wanted -= end - self.next;
            self.given += end - self.next;
            while self.given >= self.cut.block {
                self.given -= self.cut.block;
                self.reader.iter().for_each(Reader::allow);
            }
            self.next = end;
        }
        if let (Some(augment), Some(epoch)) = (self.augment, self.epoch) {
            epoch.apply(augment, &self.spill.layout.inputs, numbers.into_iter(), batch);
        }
        Ok(())
    }
}

/// What the thread does.
struct Reading {
    file: File,
    cut: Cut,
    rows: usize,
    stride: usize,
    /// Buffers that are done.
    spare: Receiver<Buffer>,
    /// One for each block that it may read.
    turn: Receiver<()>,
}

impl Reading {
    /// Sends all rows buffer by buffer, until there are no more or nobody listens, and gives the file back.
    fn run(mut self, mut shuffle: Option<ChaCha8Rng>, sender: &SyncSender<io::Result<Buffer>>) -> File {
        let mut blocks: Vec<usize> = (0..self.rows.div_ceil(self.cut.block)).collect();
        if let Some(rng) = &mut shuffle {
            blocks.shuffle(rng);
        }
        for blocks in blocks.chunks(self.cut.blocks) {
            let buffer = self.buffer(blocks, shuffle.as_mut());
            let failed = buffer.is_err();
            if sender.send(buffer).is_err() || failed {
                break;
            }
        }
        self.file
    }

    fn buffer(&mut self, blocks: &[usize], shuffle: Option<&mut ChaCha8Rng>) -> io::Result<Buffer> {
        let mut blocks = blocks.to_vec();
        // The last block may be shorter, and places are told from whole blocks: so it comes last. In the order of the
        // file the rest is read in long strides, and the rows are shuffled anyway.
        blocks.sort_unstable();
        let mut buffer = self.spare.try_recv().unwrap_or_default();
        let rows_of = |block: usize| (self.rows - block * self.cut.block).min(self.cut.block);
        let numbers = blocks.iter().map(|&block| rows_of(block)).sum::<usize>() * self.stride;
        // The numbers are read to where they stay. Those of a buffer that was used before are overwritten, not cleared.
        buffer.numbers.reserve_exact(numbers.saturating_sub(buffer.numbers.len()));
        buffer.numbers.resize(numbers, 0.0);
        buffer.first.clear();
        let mut free = buffer.numbers.as_mut_slice();
        for block in blocks {
            self.turn.recv().map_err(io::Error::other)?;
            let first = block * self.cut.block;
            let own = free.split_off_mut(..rows_of(block) * self.stride).unwrap_or_default();
            self.file.seek(SeekFrom::Start(first as u64 * self.stride as u64 * 4))?;
            self.file.read_exact(bytemuck::cast_slice_mut(own))?;
            // The file is little-endian; on most processors this does nothing.
            own.iter_mut().for_each(|number| *number = f32::from_bits(u32::from_le(number.to_bits())));
            buffer.first.push(first as u64);
        }
        let rows = u32::try_from(buffer.numbers.len() / self.stride).map_err(io::Error::other)?;
        buffer.order.clear();
        buffer.order.extend(0..rows);
        if let Some(rng) = shuffle {
            buffer.order.shuffle(rng);
        }
        Ok(buffer)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
