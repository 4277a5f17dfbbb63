//! Which fold a training row is in.

use crate::tensor::draw::{below, mix};

/// Deals rows out into folds: of each run of as many rows as there are folds, each fold gets one, in an order that the
/// seed and the run decide. So folds are as large as can be, and a row's fold follows from its number alone.
#[derive(Debug, Clone)]
pub(super) struct Folds {
    seed: u64,
    count: u16,
    /// The run that was asked for last, and its order.
    run: Option<u64>,
    order: Vec<u16>,
}

impl Folds {
    pub(super) fn new(seed: u64, count: u16) -> Self {
        Self { seed, count: count.max(1), run: None, order: Vec::new() }
    }

    /// The fold of the row of a number, which counts from 0. Time: that of a shuffle once for each run.
    pub(super) fn of(&mut self, row: u64) -> u16 {
        let (run, place) = (row / u64::from(self.count), row % u64::from(self.count));
        if self.run != Some(run) {
            self.order.clear();
            self.order.extend(0..self.count);
            let draw = mix(self.seed ^ mix(run));
            // Fisher & Yates, in the form of Durstenfeld 1964.
            for end in (1..self.order.len()).rev() {
                self.order.swap(end, below(draw, end as u64, end + 1));
            }
            self.run = Some(run);
        }
        usize::try_from(place).ok().and_then(|place| self.order.get(place)).copied().unwrap_or(0)
    }
}
