//! An empirical distribution that can be kept for later.

use serde::{Deserialize, Serialize};

use crate::statistics::quantiles::Quantiles;

/// Values in ascending order, each with how many it stands for. Holds no NaN and no infinity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Empirical {
    values: Vec<f64>,
    weights: Vec<u64>,
    /// How far a rank may be off, as a share of all values; 0 when exact.
    rank_error: f64,
}

impl Empirical {
    /// The distribution of values; those that are not finite are left out. O(n log n).
    pub fn of_values(values: &[f64]) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Self::of_sorted(sorted.into_iter().map(|value| (value, 1)), 0.0)
    }

    /// What quantiles were read from, without infinities.
    pub fn of_quantiles(quantiles: &Quantiles) -> Self {
        let finite = quantiles.weighted().filter(|(value, _)| value.is_finite());
        Self::of_sorted(finite, quantiles.rank_error())
    }

    fn of_sorted(sorted: impl Iterator<Item = (f64, u64)>, rank_error: f64) -> Self {
        let mut found = Self { rank_error, ..Self::default() };
        for (value, weight) in sorted {
            match (found.values.last(), found.weights.last_mut()) {
                (Some(last), Some(count)) if *last == value => *count += weight,
                _ => {
                    found.values.push(value);
                    found.weights.push(weight);
                }
            }
        }
        found
    }

    /// At most about `points` values that stand for all of them: each run of neighbours becomes its last value. The rank error
    /// grows by at most 1 / `points`.
    #[must_use]
    pub fn thinned(&self, points: usize) -> Self {
        let points = points.max(1);
        if self.values.len() <= points {
            return self.clone();
        }
        let share = self.count().div_ceil(points as u64).max(1);
        let mut thinned = Self { rank_error: self.rank_error + 1.0 / points as f64, ..Self::default() };
        let mut waiting = 0;
        let last = self.values.len() - 1;
        for (at, (value, weight)) in self.iter().enumerate() {
            waiting += weight;
            if waiting >= share || at == last || at == 0 {
                thinned.values.push(value);
                thinned.weights.push(waiting);
                waiting = 0;
            }
        }
        thinned
    }

    /// How many values it stands for.
    pub fn count(&self) -> u64 {
        self.weights.iter().sum()
    }

    /// Whether it stands for none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How far a rank may be off, as a share of all values.
    pub fn rank_error(&self) -> f64 {
        self.rank_error
    }

    /// Values with how many each stands for, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (f64, u64)> {
        self.values.iter().copied().zip(self.weights.iter().copied())
    }

    /// The mean; none of no values.
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        let sum: f64 = self.iter().map(|(value, weight)| value / count as f64 * weight as f64).sum();
        (count > 0).then_some(sum)
    }

    /// At most `bins - 1` different inner edges that divide the values into bins of about equal counts: bin `i` holds the values
    /// above edge `i - 1` up to edge `i`.
    pub fn edges(&self, bins: usize) -> Vec<f64> {
        let count = self.count();
        let mut edges: Vec<f64> = Vec::new();
        let (mut up_to, mut next) = (0, 1);
        for (value, weight) in self.iter() {
            up_to += weight;
            // The share at or below the value has reached next / bins.
            if next < bins && up_to * bins as u64 >= next as u64 * count {
                edges.push(value);
                while next < bins && up_to * bins as u64 >= next as u64 * count {
                    next += 1;
                }
            }
        }
        // Nothing lies above the largest value, so it is no inner edge.
        if edges.last() == self.values.last() {
            edges.pop();
        }
        edges
    }

    /// How many values lie in each bin of these inner edges.
    pub fn binned(&self, edges: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; edges.len() + 1];
        for (value, weight) in self.iter() {
            let at = edges.partition_point(|edge| *edge < value);
            if let Some(count) = counts.get_mut(at) {
                *count += weight;
            }
        }
        counts
    }
}
