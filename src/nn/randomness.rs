//! Where random numbers come from: one seed, and a stream of its own for each use.
//!
//! A draw depends on the seed, the purpose and an index alone, never on what was drawn before or on which thread it is
//! drawn.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are for. Each purpose has streams of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Starting values; the index is made of the parameter's name, so that a layer more or less changes no other.
    Initialize = 0,
    /// The order of the rows; the index is the epoch's.
    Shuffle = 1,
}

/// The generator of a purpose and an index; its lowest 56 bits count.
pub(crate) fn generator(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((purpose as u64) << 56) | (index & ((1 << 56) - 1)));
    rng
}

/// A number for a name: FNV-1a (Fowler, Noll & Vo 1991).
pub(crate) fn name_index(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Random numbers for the rows of a batch while training, told from their place alone: the layer, the step, the row in
/// the batch and the position in the row. How a batch is cut among threads changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draws {
    key: u64,
    first_row: u64,
}

impl Draws {
    /// The draws of a step of the training.
    pub(crate) fn new(seed: u64, step: u64) -> Self {
        Self { key: mix(mix(seed) ^ step), first_row: 0 }
    }

    /// The same draws seen from the row `first_row` of the batch on.
    pub(crate) fn seen_from(self, first_row: usize) -> Self {
        Self { first_row: first_row as u64, ..self }
    }

    /// The draws of one layer.
    pub(crate) fn of_layer(self, layer: usize) -> Self {
        Self { key: mix(self.key ^ (layer as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)), ..self }
    }

    /// The key of a row, for [`draw`].
    #[inline(always)]
    pub(crate) fn row(self, row: usize) -> u32 {
        (mix(self.key.wrapping_add((self.first_row + row as u64).wrapping_mul(0xd1b5_4a32_d192_ed03))) >> 32) as u32
    }
}

/// The 32 random bits at a position of a row with this key: a hash of their sum (Wellons 2018, *Prospecting for hash
/// functions*, `lowbias32`).
#[inline(always)]
pub(crate) fn draw(key: u32, position: u32) -> u32 {
    let mut x = key.wrapping_add(position.wrapping_mul(0x9e37_79b9));
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// The finalizer of SplitMix64 (Steele, Lea & Flood 2014, *Fast splittable pseudorandom number generators*).
#[inline(always)]
fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn seed_purpose_and_index_each_give_other_numbers() {
        let draw = |seed, purpose, index| generator(seed, purpose, index).next_u64();
        let first = draw(1, Purpose::Shuffle, 1);
        assert_eq!(first, draw(1, Purpose::Shuffle, 1));
        for other in [draw(2, Purpose::Shuffle, 1), draw(1, Purpose::Initialize, 1), draw(1, Purpose::Shuffle, 2)] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn draws_depend_on_seed_step_layer_row_and_position_alone() {
        let at = |seed, step, layer, first, row, position| {
            draw(Draws::new(seed, step).seen_from(first).of_layer(layer).row(row), position)
        };
        let here = at(1, 2, 3, 4, 5, 6);
        assert_eq!(here, at(1, 2, 3, 0, 9, 6));
        for other in [
            at(0, 2, 3, 4, 5, 6),
            at(1, 3, 3, 4, 5, 6),
            at(1, 2, 4, 4, 5, 6),
            at(1, 2, 3, 4, 6, 6),
            at(1, 2, 3, 4, 5, 7),
        ] {
            assert_ne!(here, other);
        }
    }

    #[test]
    fn every_bit_of_the_draws_is_set_half_of_the_time() {
        let (rows, width) = (400usize, 250u32);
        let mut counts = [0u32; 32];
        for row in 0..rows {
            let key = Draws::new(7, 11).of_layer(1).row(row);
            for position in 0..width {
                let bits = draw(key, position);
                counts.iter_mut().enumerate().for_each(|(bit, count)| *count += bits >> bit & 1);
            }
        }
        // 100 000 throws of a coin: a deviation of five standard errors is 790.
        assert!(counts.iter().all(|&count| count.abs_diff(50_000) < 800), "{counts:?}");
    }
}
