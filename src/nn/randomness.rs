//! Where random numbers come from: one seed, and a stream of its own for each use.
//!
//! A draw depends on the seed, the purpose and an index alone, never on what was drawn before or on which thread it is
//! drawn.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are for. Each purpose has streams of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Starting values; the index is the layer's.
    Initialize = 0,
    /// The order of the rows; the index is the epoch's.
    Shuffle = 1,
    /// Random layers in training; the index is that of step and shard.
    Train = 2,
}

/// The generator of a purpose and an index below 2^56.
pub(crate) fn generator(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((purpose as u64) << 56) | (index & ((1 << 56) - 1)));
    rng
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
        for other in [draw(2, Purpose::Shuffle, 1), draw(1, Purpose::Train, 1), draw(1, Purpose::Shuffle, 2)] {
            assert_ne!(first, other);
        }
    }
}
