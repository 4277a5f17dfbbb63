//! Sketches of sets whose slots agree with the probability of their Jaccard similarity.
//!
//! Fast similarity sketching (Dahlgaard, Knudsen & Thorup 2017): in each round every element falls into one slot, and a slot
//! keeps the smallest hash of the first round that reached it; from round t on, round t + i fills slot i for sure. Slots are
//! filled by the set itself, so that small sets lose nothing against t independent permutations (Broder 1997), while the
//! expected time is O(n + t log t) instead of O(n t). The estimate is unbiased, its variance at most J (1 - J) / t.

use super::shingles::fold;

/// Makes sketches of one length.
#[derive(Debug, Clone)]
pub struct Sketcher {
    slots: usize,
    /// One for each round.
    seeds: Vec<u64>,
    best: Vec<u64>,
}

const EMPTY: u64 = u64::MAX;

impl Sketcher {
    /// Sketches with so many slots, the same for the same seed.
    pub fn new(slots: usize, seed: u64) -> Self {
        let slots = slots.max(1);
        // SplitMix64 (Steele, Lea & Flood 2014).
        let mut state = seed;
        let seeds = (0..2 * slots).map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        });
        Self { slots, seeds: seeds.collect(), best: vec![EMPTY; slots] }
    }

    /// Number of slots.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The sketch of a set of hashes into `out`, which gets one number for each slot. An empty set has none.
    pub fn sketch(&mut self, set: &[u64], out: &mut Vec<u32>) -> bool {
        out.clear();
        if set.is_empty() {
            return false;
        }
        self.best.fill(EMPTY);
        let slots = self.slots as u64;
        let mut open = self.slots;
        for (round, &seed) in self.seeds.iter().enumerate() {
            if open == 0 {
                break;
            }
            let marked = mark(round);
            if round < self.slots {
                for &element in set {
                    let hash = fold(element ^ seed, 0xa076_1d64_78bd_642f);
                    let slot = (((hash >> 32) * slots) >> 32) as usize;
                    let hash = (hash & HASH) | marked;
                    if let Some(best) = self.best.get_mut(slot)
                        && hash < *best
                    {
                        open -= usize::from(*best == EMPTY);
                        *best = hash;
                    }
                }
            } else if let Some(best) = self.best.get_mut(round - self.slots)
                && *best == EMPTY
            {
                let smallest = set.iter().map(|element| fold(element ^ seed, 0xa076_1d64_78bd_642f) & HASH).min();
                *best = smallest.unwrap_or(0) | marked;
                open -= 1;
            }
        }
        out.extend(self.best.iter().map(|best| (best.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32));
        true
    }
}

/// The bits of a hash that are compared within a slot; those above hold the round.
const HASH: u64 = (1 << 48) - 1;

/// The round in the upper 16 bits: an earlier round is smaller than every later one.
fn mark(round: usize) -> u64 {
    (round as u64 & 0x7fff) << 48
}

/// The share of slots that agree: an estimate of the Jaccard similarity.
#[expect(clippy::cast_precision_loss, reason = "numbers of slots")]
pub fn estimate(one: &[u32], other: &[u32]) -> f64 {
    let agree = one.iter().zip(other).filter(|(a, b)| a == b).count();
    agree as f64 / one.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Two sets that share `shared` of their hashes and have `own` of their own each.
    fn pair(shared: u64, own: u64, salt: u64) -> (Vec<u64>, Vec<u64>) {
        let hash = |number: u64| xxhash_rust::xxh3::xxh3_64_with_seed(&number.to_le_bytes(), salt);
        let common = (0..shared).map(hash);
        let one = common.clone().chain((0..own).map(|i| hash(1_000_000 + i))).collect();
        let other = common.chain((0..own).map(|i| hash(2_000_000 + i))).collect();
        (one, other)
    }

    fn estimated(sketcher: &mut Sketcher, one: &[u64], other: &[u64]) -> f64 {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        assert!(sketcher.sketch(one, &mut a) && sketcher.sketch(other, &mut b));
        assert_eq!(a.len(), sketcher.slots());
        estimate(&a, &b)
    }

    #[test]
    fn the_mean_error_over_many_pairs_is_what_theory_allows() {
        // Sets from much smaller to much larger than the sketch: the estimate is unbiased and at most as spread as binomial.
        for (shared, own) in [(4, 1), (6, 3), (18, 3), (40, 40), (90, 10), (800, 100), (3000, 3000)] {
            let truth = shared as f64 / (shared + 2 * own) as f64;
            let (slots, pairs) = (96, 400);
            let mut sketcher = Sketcher::new(slots, 7);
            let errors: Vec<f64> = (0..pairs)
                .map(|salt| {
                    let (one, other) = pair(shared, own, salt);
                    estimated(&mut sketcher, &one, &other) - truth
                })
                .collect();
            let mean = errors.iter().sum::<f64>() / pairs as f64;
            let variance = errors.iter().map(|error| error * error).sum::<f64>() / pairs as f64;
            let binomial = truth * (1.0 - truth) / slots as f64;
            // Four standard errors of the mean; the variance of a variance over 400 pairs is about 7 %.
            assert!(mean.abs() < 4.0 * (binomial / pairs as f64).sqrt(), "bias {mean} at {shared} + {own}");
            assert!(variance < 1.35 * binomial, "variance {variance} against {binomial} at {shared} + {own}");
        }
    }

    #[test]
    fn equal_sets_have_equal_sketches_and_empty_ones_none() {
        let (one, _) = pair(5, 5, 1);
        let mut sketcher = Sketcher::new(64, 0);
        assert!((estimated(&mut sketcher, &one, &one) - 1.0).abs() < f64::EPSILON);
        assert!(!sketcher.sketch(&[], &mut Vec::new()));
        let mut out = Vec::new();
        assert!(sketcher.sketch(&[3], &mut out));
        assert_eq!(out.len(), 64);
    }

    proptest! {
        #[test]
        fn an_estimate_stays_within_the_bound_of_hoeffding(shared in 0_u64..200, own in 1_u64..200, salt in 0_u64..1000) {
            let truth = shared as f64 / (shared + 2 * own) as f64;
            let (one, other) = pair(shared, own, salt);
            let slots = 256;
            // Hoeffding: an error of more than 0.2 has a probability below 2 exp(-2 256 0.04) = 3e-9.
            prop_assert!((estimated(&mut Sketcher::new(slots, 3), &one, &other) - truth).abs() < 0.2);
        }
    }
}
