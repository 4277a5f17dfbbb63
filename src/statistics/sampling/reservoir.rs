//! A random part of a stream whose length is not known.
//!
//! Li 1994, *Reservoir-sampling algorithms of time complexity O(n(1 + log(N/n)))*, algorithm L: instead of a draw for each
//! item it draws how many items to pass over. The seed and the order of the items decide alone.
//!
//! # Example
//! ```
//! use gristmill::statistics::sampling::reservoir::Reservoir;
//!
//! let mut reservoir = Reservoir::new(3, 7);
//! for item in 0..1000 {
//!     reservoir.offer(|| item);
//! }
//! assert_eq!((reservoir.items().len(), reservoir.seen()), (3, 1000));
//! ```

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// At most so many items, each of those offered with the same probability. See the [module](self).
#[derive(Debug, Clone)]
pub struct Reservoir<T> {
    wanted: usize,
    items: Vec<T>,
    seen: u64,
    /// The number of the next item that is taken.
    next: u64,
    weight: f64,
    rng: ChaCha8Rng,
}

impl<T> Reservoir<T> {
    /// An empty one for `wanted` items.
    #[must_use]
    pub fn new(wanted: usize, seed: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { wanted, items: Vec::new(), seen: 0, next: 0, weight: 1.0, rng }
    }

    /// Offers an item, which is made only when it is taken.
    pub fn offer(&mut self, item: impl FnOnce() -> T) {
        let number = self.seen;
        self.seen += 1;
        if self.items.len() < self.wanted {
            self.items.push(item());
            if self.items.len() == self.wanted {
                self.skip(number);
            }
        } else if self.wanted > 0 && number == self.next {
            let place = self.rng.random_range(0..self.wanted);
            if let Some(old) = self.items.get_mut(place) {
                *old = item();
            }
            self.skip(number);
        }
    }

    fn skip(&mut self, number: u64) {
        self.weight *= self.draw().powf(1.0 / self.wanted as f64);
        let over = (self.draw().ln() / (-self.weight).ln_1p()).floor();
        // Of a weight that has become too small nothing is taken any more.
        self.next = if over.is_finite() { number.saturating_add(over as u64).saturating_add(1) } else { u64::MAX };
    }

    /// A number above 0 and below 1.
    fn draw(&mut self) -> f64 {
        loop {
            let number: f64 = self.rng.random();
            if number > 0.0 {
                return number;
            }
        }
    }

    /// What was taken, in no stated order.
    #[must_use]
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// What was taken, in no stated order.
    #[must_use]
    pub fn into_items(self) -> Vec<T> {
        self.items
    }

    /// How many items were offered.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_taken_as_often_as_the_others() {
        let mut taken = [0_u32; 50];
        for seed in 0..4_000 {
            let mut reservoir = Reservoir::new(10, seed);
            (0..50_usize).for_each(|item| reservoir.offer(|| item));
            reservoir.items().iter().for_each(|item| taken[*item] += 1);
        }
        // Binomial with mean 800 and deviation 25.3: five deviations.
        assert!(taken.iter().all(|count| (674..926).contains(count)), "{taken:?}");
    }

    #[test]
    fn a_short_stream_is_taken_whole() {
        let mut reservoir = Reservoir::new(10, 1);
        (0..4).for_each(|item| reservoir.offer(|| item));
        assert_eq!(reservoir.items(), [0, 1, 2, 3]);
        let mut nothing = Reservoir::new(0, 1);
        (0..4).for_each(|item| nothing.offer(|| item));
        assert!(nothing.items().is_empty());
    }
}
