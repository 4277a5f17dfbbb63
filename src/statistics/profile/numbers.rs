//! What a column of numbers holds.

use super::mix;
use super::tally::{Slot, Tally};
use crate::statistics::distinct::DistinctCounter;
use crate::statistics::moments::Moments;
use crate::statistics::quantiles::{QuantileSketch, Quantiles};

/// Values that share one mean in [`Moments`]: handing them on in whole blocks makes the last digits independent of how the
/// rows were cut into batches.
const BLOCK: usize = 1_024;

/// A column of numbers. See the [module](super).
///
/// Exact while there are at most `distinct` different values; past that moments stay exact up to rounding, distinct values and
/// quantiles become estimates with stated errors ([`DistinctCounter`], [`QuantileSketch`]), and counts of single values have
/// bounds. NaN is counted apart; infinities are values.
///
/// Time: one look into a table for each value, some 20 ns more for each of a column with many different ones.
#[derive(Debug, Clone)]
pub struct Numbers {
    tally: Tally<f64>,
    /// What takes over when the tally no longer holds all values.
    sketches: Option<Box<Sketches>>,
    quantile_limit: usize,
    nan: u64,
    order: Order,
}

/// What is known of values that are too many to be counted one by one.
#[derive(Debug, Clone)]
struct Sketches {
    distinct: DistinctCounter,
    moments: Moments,
    quantiles: QuantileSketch,
    signs: Signs,
    /// Values that do not make a block yet.
    waiting: Vec<f64>,
}

/// Kinds of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Signs {
    zeros: u64,
    negative: u64,
    infinite: u64,
    whole: u64,
}

impl Signs {
    fn push(&mut self, value: f64, times: u64) {
        self.zeros += u64::from(value == 0.0) * times;
        self.negative += u64::from(value < 0.0) * times;
        self.infinite += u64::from(value.is_infinite()) * times;
        self.whole += u64::from(value.trunc() == value && value.is_finite()) * times;
    }

    fn add(&mut self, other: Self) {
        self.zeros += other.zeros;
        self.negative += other.negative;
        self.infinite += other.infinite;
        self.whole += other.whole;
    }
}

/// Whether values rise or fall from row to row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Order {
    ends: Option<(f64, f64)>,
    rises: bool,
    falls: bool,
    equal: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { ends: None, rises: true, falls: true, equal: false }
    }
}

impl Order {
    fn extend(&mut self, values: &[f64]) {
        let (Some(&first), Some(&last)) = (values.first(), values.last()) else { return };
        let seam = self.ends.map_or(first, |(_, last)| last);
        if self.ends.is_some() {
            self.step(seam, first);
        }
        if self.rises || self.falls {
            let (mut up, mut down, mut level) = (false, false, false);
            for pair in values.windows(2) {
                if let [before, after] = pair {
                    up |= after > before;
                    down |= after < before;
                    level |= after == before;
                }
            }
            self.rises &= !down;
            self.falls &= !up;
            self.equal |= level;
        }
        self.ends = Some((self.ends.map_or(first, |(first, _)| first), last));
    }

    fn step(&mut self, before: f64, after: f64) {
        self.rises &= after >= before;
        self.falls &= after <= before;
        self.equal |= after == before;
    }

    fn merge(&mut self, later: &Self) {
        let (Some((first, before)), Some((after, last))) = (self.ends, later.ends) else {
            if self.ends.is_none() {
                *self = *later;
            }
            return;
        };
        self.rises &= later.rises;
        self.falls &= later.falls;
        self.equal |= later.equal;
        self.step(before, after);
        self.ends = Some((first, last));
    }

    /// Never smaller than the value before; false of fewer than two values that differ.
    #[must_use]
    pub fn is_rising(&self) -> bool {
        self.rises && self.ends.is_some_and(|(first, last)| last > first)
    }

    /// Never larger than the value before.
    #[must_use]
    pub fn is_falling(&self) -> bool {
        self.falls && self.ends.is_some_and(|(first, last)| last < first)
    }

    /// Each value differs from the one before in the same direction, so that no value comes twice.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        !self.equal && (self.is_rising() || self.is_falling())
    }
}

impl Numbers {
    /// Counts values one by one while there are at most `distinct` different ones; quantiles of more are exact up to
    /// `quantiles` values.
    #[must_use]
    pub fn new(distinct: usize, quantiles: usize) -> Self {
        Self { tally: Tally::new(distinct), sketches: None, quantile_limit: quantiles, nan: 0, order: Order::default() }
    }

    /// The hash of a number: equal for equal numbers, so for 0 and -0, and for all NaN.
    #[inline]
    #[must_use]
    pub fn hash(value: f64) -> u64 {
        mix(if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() })
    }

    /// Adds values with their hashes, which tell them apart where floats no longer can (integers beyond 2^53): [`mix`] of an
    /// integer, [`Numbers::hash`] of a float.
    pub fn extend(&mut self, values: &[f64], hashes: &[u64]) {
        self.order.extend(values);
        for (&value, &hash) in values.iter().zip(hashes) {
            if value.is_nan() {
                self.nan += 1;
                continue;
            }
            let known = self.tally.hit(hash, 1);
            if let Some(sketches) = &mut self.sketches {
                if !known {
                    sketches.distinct.push_hash(hash);
                }
                sketches.push(value);
            }
            if !known && self.tally.insert(hash, 1, value) {
                self.begin_sketches();
                self.tally.shrink();
            }
        }
    }

    /// Hands on what was counted so far, once it is clear that not all values can be kept.
    fn begin_sketches(&mut self) {
        if self.sketches.is_some() {
            return;
        }
        let mut sketches = Box::new(Sketches {
            distinct: DistinctCounter::new(),
            moments: Moments::new(),
            quantiles: QuantileSketch::new(self.quantile_limit),
            signs: Signs::default(),
            waiting: Vec::with_capacity(BLOCK),
        });
        for slot in self.sorted() {
            sketches.distinct.push_hash(slot.hash);
            sketches.moments.push_times(slot.payload, slot.count);
            sketches.quantiles.push_times(slot.payload, slot.count);
            sketches.signs.push(slot.payload, slot.count);
        }
        self.sketches = Some(sketches);
    }

    /// The kept values in order, so that nothing depends on the places of a table.
    fn sorted(&self) -> Vec<Slot<f64>> {
        let mut slots: Vec<Slot<f64>> = self.tally.iter().copied().collect();
        slots.sort_unstable_by(|a, b| a.payload.total_cmp(&b.payload).then(a.hash.cmp(&b.hash)));
        slots
    }

    /// Joins later values to these.
    pub fn merge(&mut self, later: &Self) {
        self.order.merge(&later.order);
        self.nan += later.nan;
        if self.sketches.is_some() || later.sketches.is_some() {
            self.begin_sketches();
            let mut other = later.clone();
            other.begin_sketches();
            if let (Some(ours), Some(theirs)) = (&mut self.sketches, &other.sketches) {
                ours.merge(theirs);
            }
            self.tally.merge(&later.tally, |value| *value);
            return;
        }
        let mut tally = self.tally.clone();
        if tally.merge(&later.tally, |value| *value).is_empty() {
            self.tally = tally;
            return;
        }
        // Together they are too many.
        self.begin_sketches();
        self.merge_counts(later);
        self.tally = tally;
    }

    fn merge_counts(&mut self, later: &Self) {
        let Some(sketches) = &mut self.sketches else { return };
        for slot in later.sorted() {
            sketches.distinct.push_hash(slot.hash);
            sketches.moments.push_times(slot.payload, slot.count);
            sketches.quantiles.push_times(slot.payload, slot.count);
            sketches.signs.push(slot.payload, slot.count);
        }
    }

    /// Values, NaN left out.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.tally.total()
    }

    /// NaN.
    #[must_use]
    pub fn nan(&self) -> u64 {
        self.nan
    }

    /// How often each value occurs.
    #[must_use]
    pub fn tally(&self) -> &Tally<f64> {
        &self.tally
    }

    /// Whether values rise or fall from row to row.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// Distinct values, and the standard error of that number as a share of it; 0 when exact.
    #[must_use]
    pub fn distinct(&self) -> (u64, f64) {
        match &self.sketches {
            None => (self.tally.len() as u64, 0.0),
            Some(sketches) => (sketches.distinct.count(), sketches.distinct.standard_error()),
        }
    }

    /// Count, mean, deviation and so on.
    #[must_use]
    pub fn moments(&self) -> Moments {
        match &self.sketches {
            None => {
                let mut moments = Moments::new();
                self.sorted().iter().for_each(|slot| moments.push_times(slot.payload, slot.count));
                moments
            }
            Some(sketches) => sketches.settled().moments,
        }
    }

    /// Quantiles.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        match &self.sketches {
            None => Quantiles::of_counts(self.tally.iter().map(|slot| (slot.payload, slot.count))),
            Some(sketches) => sketches.settled().quantiles.quantiles(),
        }
    }

    fn signs(&self) -> Signs {
        match &self.sketches {
            None => {
                let mut signs = Signs::default();
                self.tally.iter().for_each(|slot| signs.push(slot.payload, slot.count));
                signs
            }
            Some(sketches) => sketches.settled().signs,
        }
    }

    /// Values that are 0.
    #[must_use]
    pub fn zeros(&self) -> u64 {
        self.signs().zeros
    }

    /// Values below 0.
    #[must_use]
    pub fn negative(&self) -> u64 {
        self.signs().negative
    }

    /// Infinities of both signs.
    #[must_use]
    pub fn infinite(&self) -> u64 {
        self.signs().infinite
    }

    /// Whole numbers.
    #[must_use]
    pub fn whole(&self) -> u64 {
        self.signs().whole
    }
}

impl Sketches {
    #[inline]
    fn push(&mut self, value: f64) {
        self.waiting.push(value);
        if self.waiting.len() == BLOCK {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.moments.extend(&self.waiting);
        self.quantiles.extend(&self.waiting);
        let mut signs = Signs::default();
        self.waiting.iter().for_each(|&value| signs.push(value, 1));
        self.signs.add(signs);
        self.waiting.clear();
    }

    /// The same with the last block, which is not whole.
    fn settled(&self) -> Self {
        let mut settled = self.clone();
        settled.settle();
        settled
    }

    fn merge(&mut self, later: &Self) {
        self.distinct.merge(&later.distinct);
        self.moments.merge(&later.moments);
        self.quantiles.merge(&later.quantiles);
        self.signs.add(later.signs);
        later.waiting.iter().for_each(|&value| self.push(value));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
