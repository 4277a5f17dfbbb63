//! The number of distinct values: exact while small, estimated afterwards.
//!
//! # What is exact
//! Values are hashed to 64 bits (XXH3). Up to [`EXACT_LIMIT`] distinct hashes are kept, and the count is exact (two
//! different values with one hash would be counted once; among so few the chance is below 10⁻¹¹). Past that, the hashes feed
//! a HyperLogLog of 2¹⁴ registers (Flajolet, Fusy, Gandouet & Meunier 2007), read with Ertl's improved estimator (Ertl 2017,
//! *New cardinality estimation algorithms for HyperLogLog sketches*), which has no bias at any size and needs no table. Its
//! standard error is 1.04 / √2¹⁴ = 0.81 %. The result depends on the set of values alone, not on their order or on how they
//! were split before merging.
//!
//! # Complexity
//! Constant time for a value; at most 16 kB, or 128 kB and the overhead of a hash set while exact.
//!
//! # Example
//! ```
//! use gristmill::statistics::distinct::DistinctCounter;
//!
//! let mut airports = DistinctCounter::new();
//! for code in ["JFK", "LGA", "JFK", "EWR"] {
//!     airports.push(code.as_bytes());
//! }
//! assert_eq!((airports.count(), airports.is_exact()), (3, true));
//! ```

use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

/// Largest number of distinct values that is counted exactly.
pub const EXACT_LIMIT: usize = 16_384;

/// Bits of a hash that choose its register.
const PRECISION: u32 = 14;

/// Bits of a hash that are left for the rank of its first one.
const RANK_BITS: u32 = 64 - PRECISION;

/// A mergeable counter of distinct values. See the [module](self).
#[derive(Debug, Clone)]
pub struct DistinctCounter {
    kept: Kept,
}

#[derive(Debug, Clone)]
enum Kept {
    Hashes(FxHashSet<u64>),
    /// One register for each value of the first [`PRECISION`] bits: the highest rank seen there.
    Registers(Vec<u8>),
}

impl Default for DistinctCounter {
    fn default() -> Self {
        Self::new()
    }
}

impl DistinctCounter {
    /// A counter that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { kept: Kept::Hashes(FxHashSet::default()) }
    }

    /// Adds a value, given as bytes. Equal values must have equal bytes.
    pub fn push(&mut self, value: &[u8]) {
        self.push_hash(xxh3_64(value));
    }

    /// Adds numbers. All NaN count as one value, and so do 0 and -0.
    pub fn extend(&mut self, values: &[f64]) {
        for &value in values {
            let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
            self.push(&value.to_bits().to_le_bytes());
        }
    }

    /// Joins what another counter has seen to this one.
    pub fn merge(&mut self, other: &Self) {
        match (&mut self.kept, &other.kept) {
            (_, Kept::Hashes(hashes)) => hashes.iter().for_each(|&hash| self.push_hash(hash)),
            (Kept::Registers(registers), Kept::Registers(others)) => {
                registers.iter_mut().zip(others).for_each(|(register, other)| *register = (*register).max(*other));
            }
            (Kept::Hashes(hashes), Kept::Registers(others)) => {
                let mut registers = others.clone();
                hashes.iter().for_each(|&hash| record(&mut registers, hash));
                self.kept = Kept::Registers(registers);
            }
        }
    }

    /// Adds a value, given as a hash of which all bits are random. Equal values must have equal hashes, and one counter takes
    /// hashes of one kind only.
    pub fn push_hash(&mut self, hash: u64) {
        match &mut self.kept {
            Kept::Registers(registers) => record(registers, hash),
            Kept::Hashes(hashes) => {
                hashes.insert(hash);
                if hashes.len() > EXACT_LIMIT {
                    let mut registers = vec![0; 1 << PRECISION];
                    hashes.iter().for_each(|&hash| record(&mut registers, hash));
                    self.kept = Kept::Registers(registers);
                }
            }
        }
    }

    /// Whether the count is exact.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        matches!(self.kept, Kept::Hashes(_))
    }

    /// The standard error of the count as a share of it; 0 when exact.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        if self.is_exact() { 0.0 } else { 1.04 / f64::from(1_u32 << PRECISION).sqrt() }
    }

    /// The number of distinct values, rounded where it is an estimate.
    #[must_use]
    pub fn count(&self) -> u64 {
        match &self.kept {
            Kept::Hashes(hashes) => hashes.len() as u64,
            Kept::Registers(registers) => estimate(registers).round() as u64,
        }
    }
}

/// Lets a hash raise its register to the place of its first one bit.
fn record(registers: &mut [u8], hash: u64) {
    let index = (hash >> RANK_BITS) as usize;
    // The bit below the rank bits bounds the rank at RANK_BITS + 1.
    let rank = ((hash << PRECISION) | (1 << (PRECISION - 1))).leading_zeros() + 1;
    if let Some(register) = registers.get_mut(index) {
        *register = (*register).max(rank as u8);
    }
}

/// Ertl's improved raw estimator (algorithm 6 of the paper) from how many registers hold each rank.
fn estimate(registers: &[u8]) -> f64 {
    let m = registers.len() as f64;
    let mut with_rank = [0_u32; RANK_BITS as usize + 2];
    for &register in registers {
        with_rank[usize::from(register).min(RANK_BITS as usize + 1)] += 1;
    }
    let share = |rank: u32| f64::from(with_rank[rank as usize]) / m;
    let mut z = m * tau(1.0 - share(RANK_BITS + 1));
    for rank in (1..=RANK_BITS).rev() {
        z = 0.5 * (z + m * share(rank));
    }
    z += m * sigma(share(0));
    m * m / (2.0 * std::f64::consts::LN_2 * z)
}

/// x + Σ x^(2^k) 2^(k-1) for k from 1: corrects for registers that are still empty.
fn sigma(x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut weight, mut sum) = (x, 1.0, x);
    loop {
        power *= power;
        let next = sum + power * weight;
        if next == sum {
            return sum;
        }
        sum = next;
        weight += weight;
    }
}

/// (1 - x - Σ (1 - x^(2^-k))² 2^-k for k from 1) / 3: corrects for registers that are full.
fn tau(x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (x, 1.0, 1.0 - x);
    loop {
        root = root.sqrt();
        weight *= 0.5;
        let next = sum - (1.0 - root) * (1.0 - root) * weight;
        if next == sum {
            return sum / 3.0;
        }
        sum = next;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(numbers: std::ops::Range<u64>) -> DistinctCounter {
        let mut counter = DistinctCounter::new();
        numbers.for_each(|number| counter.push(&number.to_le_bytes()));
        counter
    }

    #[test]
    fn is_exact_up_to_its_limit() {
        let mut counter = of(0..EXACT_LIMIT as u64);
        counter.merge(&of(0..100));
        assert_eq!((counter.count(), counter.is_exact(), counter.standard_error()), (EXACT_LIMIT as u64, true, 0.0));
        counter.push(b"one more");
        assert!(!counter.is_exact());
    }

    #[test]
    fn estimates_stay_within_their_standard_error_on_average() {
        // The root mean square of many relative errors must be near 0.81 %, at sizes from the limit on.
        for size in [17_000_u64, 40_000, 70_000, 200_000] {
            let square = |run: u64| {
                let start = run << 40;
                (of(start..start + size).count() as f64 / size as f64 - 1.0).powi(2)
            };
            let error = ((0..24).map(square).sum::<f64>() / 24.0).sqrt();
            assert!(error < 0.0081 * 1.5, "{size}: {error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn merging_sees_the_union(a in 0_u64..30_000, b in 0_u64..30_000, shift in 0_u64..30_000) {
            let mut merged = of(0..a);
            merged.merge(&of(shift..shift + b));
            let mut whole = of(0..a);
            (shift..shift + b).for_each(|number| whole.push(&number.to_le_bytes()));
            prop_assert_eq!(merged.count(), whole.count());
            prop_assert_eq!(merged.is_exact(), whole.is_exact());
        }
    }

    #[test]
    fn numbers_are_distinct_by_value() {
        let mut counter = DistinctCounter::new();
        counter.extend(&[0.0, -0.0, f64::NAN, -f64::NAN, 1.5, f64::INFINITY, 1.5]);
        assert_eq!(counter.count(), 4);
    }
}
