//! Changes of rows that make them look new in each epoch: an image turned, shifted or mirrored.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::nn::training::Batch;

/// What changes rows. It is a function of its arguments, so that a row of an epoch is the same whatever thread reads it.
pub(super) trait Augment: Sync {
    /// Whether rows of an input are changed at all.
    fn augments(&self, input: usize) -> bool;
    /// Changes one row of an input, as the draw decides.
    fn augment(&self, input: usize, row: &mut [f32], draw: u64);
}

/// An epoch, as random numbers know it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epoch(u64);

impl Epoch {
    /// The epoch whose order this generator decides: it is one of the seed and of the epoch alone.
    pub(super) fn of(shuffle: &ChaCha8Rng) -> Self {
        Self(shuffle.clone().next_u64())
    }

    /// Changes the rows of a batch, which are those of the numbers.
    pub(super) fn apply(
        self,
        augment: &dyn Augment,
        widths: &[usize],
        numbers: impl Iterator<Item = u64>,
        batch: &mut Batch,
    ) {
        if !(0..widths.len()).any(|input| augment.augments(input)) {
            return;
        }
        let numbers: Vec<u64> = numbers.collect();
        for (input, (width, rows)) in widths.iter().zip(&mut batch.inputs).enumerate() {
            if augment.augments(input) {
                rows.par_chunks_mut((*width).max(1)).zip(&numbers).for_each(|(row, number)| {
                    augment.augment(input, row, mix(mix(self.0 ^ number).wrapping_add(input as u64)));
                });
            }
        }
    }
}

/// The finalizer of SplitMix64 (Steele, Lea & Flood 2014, *Fast splittable pseudorandom number generators*).
fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
