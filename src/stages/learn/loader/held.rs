//! Rows in memory.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::augment::{Augment, Epoch};
use super::layout::Layout;
use crate::nn::training::{Batch, Batches, SourceError};

/// Bytes of rows that are asked for at a time. Whole blocks are never copied when more rows come.
const BLOCK: u64 = 4 << 20;

/// Encoded rows in blocks of equally many rows.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    blocks: Vec<Vec<f32>>,
    block_rows: usize,
    stride: usize,
    rows: usize,
}

impl Blocks {
    pub(super) fn new(layout: &Layout) -> Self {
        let block_rows = usize::try_from(BLOCK / layout.row_bytes()).unwrap_or(1).max(1);
        Self { blocks: Vec::new(), block_rows, stride: layout.stride(), rows: 0 }
    }

    /// Bytes by which the blocks grow when another row comes: 0 as long as the last block has room.
    pub(super) fn growth(&self) -> u64 {
        let full = self.blocks.last().is_none_or(|block| block.len() >= self.block_rows * self.stride);
        // A few rows take what they need, not a whole block.
        if full { (self.block_rows.min(self.rows.max(64)) * self.stride) as u64 * 4 } else { 0 }
    }

    /// Adds a row of as many numbers as the layout has.
    pub(super) fn push(&mut self, row: &[f32]) {
        let length = self.block_rows * self.stride;
        match self.blocks.last_mut().filter(|block| block.len() < length) {
            Some(block) => block.extend_from_slice(row),
            None => {
                let mut block = Vec::with_capacity(length.min(self.rows.max(64) * self.stride));
                block.extend_from_slice(row);
                self.blocks.push(block);
            }
        }
        self.rows += 1;
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    fn row(&self, number: usize) -> &[f32] {
        let block = self.blocks.get(number / self.block_rows).map_or(&[][..], Vec::as_slice);
        let start = number % self.block_rows * self.stride;
        block.get(start..start + self.stride).unwrap_or_default()
    }

    /// All numbers, block by block.
    pub(super) fn parts(&self) -> impl Iterator<Item = &[f32]> {
        self.blocks.iter().map(Vec::as_slice)
    }
}

/// Rows in memory as a source of batches; the order of an epoch is any.
pub(super) struct Held<'a> {
    blocks: &'a Blocks,
    layout: &'a Layout,
    augment: Option<&'a dyn Augment>,
    epoch: Option<Epoch>,
    order: Vec<u32>,
    next: usize,
}

impl<'a> Held<'a> {
    pub(super) fn new(blocks: &'a Blocks, layout: &'a Layout, augment: Option<&'a dyn Augment>) -> Self {
        Self { blocks, layout, augment, epoch: None, order: Vec::new(), next: 0 }
    }
}

impl Batches for Held<'_> {
    fn widths(&self) -> Vec<usize> {
        self.layout.inputs.clone()
    }

    fn rows(&self) -> usize {
        self.blocks.rows()
    }

    fn start(&mut self, shuffle: Option<ChaCha8Rng>) -> Result<(), SourceError> {
        // From the rows' own order each time: an epoch's order depends on its generator alone.
        self.next = 0;
        self.order.clear();
        self.order.extend(0..u32::try_from(self.blocks.rows())?);
        self.epoch = shuffle.as_ref().map(Epoch::of);
        if let Some(mut rng) = shuffle {
            self.order.shuffle(&mut rng);
        }
        Ok(())
    }

    fn next_batch(&mut self, rows: usize, batch: &mut Batch) -> Result<(), SourceError> {
        let end = self.order.len().min(self.next.saturating_add(rows));
        let numbers = self.order.get(self.next..end).unwrap_or_default();
        for &number in numbers {
            self.layout.give(self.blocks.row(number as usize), batch);
        }
        if let (Some(augment), Some(epoch)) = (self.augment, self.epoch) {
            epoch.apply(augment, &self.layout.inputs, numbers.iter().map(|&number| u64::from(number)), batch);
        }
        self.next = end;
        Ok(())
    }
}
