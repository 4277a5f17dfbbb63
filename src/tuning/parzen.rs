//! A density from points: the adaptive Parzen estimator of the tree-structured Parzen estimator.
//!
//! Bergstra, Bardenet, Bengio & Kégl 2011, *Algorithms for hyper-parameter optimization*, section 4; the widths and weights are those of
//! hyperopt and Optuna: Watanabe 2023, *Tree-structured Parzen estimator: understanding its algorithm components*, sections 3.2 and 3.3.
//!
//! The density is a mixture of one kernel for each point and a wide one for the prior. A kernel is a product over the domains: a normal
//! distribution cut off at the ends of the range, its mass over half a step to each side where values come in steps, or a table of
//! probabilities for choices. A numeric kernel is as wide as the larger of the distances to its neighbours, but at least a hundredth of
//! the range and, with n points, a (n + 2)-th. From 25 points on the older ones weigh less.

use rand::{Rng, RngExt};

use super::space::{Domain, Space};
use crate::statistics::special::{normal_cdf, normal_quantile};

/// The number of latest points that weigh fully.
const LATEST: usize = 25;

/// A mixture of products of kernels.
#[derive(Debug, Clone)]
pub(super) struct Parzen<'a> {
    space: &'a Space,
    /// `[kernels]`, sum 1; the last is the prior's.
    weights: Vec<f64>,
    /// For each domain.
    kernels: Vec<Kernels>,
}

#[derive(Debug, Clone)]
enum Kernels {
    /// `[kernels][choices]`: probabilities.
    Choices(Vec<Vec<f64>>),
    /// `[kernels]`: centre, width and the mass within the range, in inner values.
    Normal(Vec<(f64, f64, f64)>),
}

impl<'a> Parzen<'a> {
    /// The density of these points, the oldest first. Time: O(d n log n).
    pub(super) fn new(space: &'a Space, points: &[&[f64]]) -> Self {
        let mut weights = weights(points.len());
        weights.push(1.0);
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        let kernels = space.domains().iter().enumerate().map(|(at, domain)| {
            let values: Vec<f64> = points.iter().filter_map(|point| point.get(at).copied()).collect();
            match domain {
                Domain::Choices(count) => Kernels::Choices(choices(*count, &values)),
                _ => Kernels::Normal(normals(domain, &values)),
            }
        });
        let kernels = kernels.collect();
        Self { space, weights, kernels }
    }

    /// The logarithm of the density at a point; of steps, of the probability. Time: O(d n).
    pub(super) fn log_density(&self, point: &[f64]) -> f64 {
        let mut logs: Vec<f64> = self.weights.iter().map(|weight| weight.ln()).collect();
        for ((domain, kernels), value) in self.space.domains().iter().zip(&self.kernels).zip(point) {
            for (at, log) in logs.iter_mut().enumerate() {
                *log += kernels.log_density(at, domain, *value);
            }
        }
        log_sum(&logs)
    }

    /// A point by chance.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> Vec<f64> {
        let at = pick(&self.weights, rng.random());
        let domains = self.space.domains().iter().zip(&self.kernels);
        domains.map(|(domain, kernels)| kernels.draw(at, domain, rng)).collect()
    }
}

impl Kernels {
    fn log_density(&self, at: usize, domain: &Domain, value: f64) -> f64 {
        match self {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the place of a choice")]
            Self::Choices(tables) => {
                tables.get(at).and_then(|table| table.get(value as usize)).map_or(f64::NEG_INFINITY, |share| share.ln())
            }
            Self::Normal(kernels) => {
                let Some(&(centre, width, mass)) = kernels.get(at) else { return f64::NEG_INFINITY };
                match *domain {
                    Domain::Steps { step, .. } => {
                        let (low, high) = domain.inner_range();
                        let end = |value: f64| if value > 0.0 { domain.inner(value) } else { low };
                        let (from, to) = (end(value - step / 2.0).max(low), end(value + step / 2.0).min(high));
                        (normal_mass((from - centre) / width, (to - centre) / width) / mass).ln()
                    }
                    _ => {
                        let distance = (domain.inner(value) - centre) / width;
                        -0.5 * distance * distance - (width * mass).ln() - 0.5 * std::f64::consts::TAU.ln()
                    }
                }
            }
        }
    }

    fn draw(&self, at: usize, domain: &Domain, rng: &mut impl Rng) -> f64 {
        let chance: f64 = rng.random();
        match self {
            #[expect(clippy::cast_precision_loss, reason = "the place of a choice")]
            Self::Choices(tables) => tables.get(at).map_or(0.0, |table| pick(table, chance) as f64),
            Self::Normal(kernels) => {
                let (low, high) = domain.inner_range();
                let (centre, width, mass) = kernels.get(at).copied().unwrap_or((low, high - low, 1.0));
                let below = normal_cdf((low - centre) / width);
                let drawn = centre + width * normal_quantile((below + chance * mass).clamp(1e-300, 1.0 - 1e-16));
                domain.outer(drawn.clamp(low, high))
            }
        }
    }
}

/// One for each of the latest points; the older ones fall evenly to 1/n.
#[expect(clippy::cast_precision_loss, reason = "counts of trials")]
fn weights(count: usize) -> Vec<f64> {
    let older = count.saturating_sub(LATEST);
    let first = 1.0 / count.max(1) as f64;
    let ramp = (0..older).map(|at| first + (1.0 - first) * at as f64 / older.saturating_sub(1).max(1) as f64);
    ramp.chain(std::iter::repeat_n(1.0, count - older)).collect()
}

/// Each point's choice gets 1, all choices get a share of the prior, and the prior's kernel is even.
#[expect(clippy::cast_precision_loss, reason = "counts of trials and choices")]
fn choices(count: usize, values: &[f64]) -> Vec<Vec<f64>> {
    let prior = 1.0 / (values.len() + 1) as f64;
    let total = 1.0 + prior * count as f64;
    let tables = values.iter().map(|value| {
        let share = |choice: usize| if choice as f64 == *value { 1.0 + prior } else { prior };
        (0..count).map(|choice| share(choice) / total).collect()
    });
    tables.chain([vec![1.0 / count as f64; count]]).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of trials")]
fn normals(domain: &Domain, values: &[f64]) -> Vec<(f64, f64, f64)> {
    let (low, high) = domain.inner_range();
    let range = high - low;
    let centres: Vec<f64> = values.iter().map(|value| domain.inner(*value)).collect();
    let mut order: Vec<usize> = (0..centres.len()).collect();
    order.sort_by(|a, b| centres.get(*a).partial_cmp(&centres.get(*b)).unwrap_or(std::cmp::Ordering::Equal));
    let sorted: Vec<f64> = order.iter().filter_map(|at| centres.get(*at).copied()).collect();
    let least = range / (sorted.len() as f64 + 2.0).min(100.0);
    let mut widths = vec![range; sorted.len()];
    for (place, (&at, &centre)) in order.iter().zip(&sorted).enumerate() {
        let below = place.checked_sub(1).and_then(|below| sorted.get(below)).map(|below| centre - below);
        let above = sorted.get(place + 1).map(|above| above - centre);
        let width = match (below, above) {
            (Some(below), Some(above)) => below.max(above),
            // The ends of the range are no neighbours, but of a point that has no other.
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => (centre - low).max(high - centre),
        };
        if let Some(slot) = widths.get_mut(at) {
            *slot = width.clamp(least, range);
        }
    }
    let kernels = centres.into_iter().zip(widths).chain([(low + range / 2.0, range)]);
    kernels
        .map(|(centre, width)| (centre, width, normal_mass((low - centre) / width, (high - centre) / width)))
        .collect()
}

/// The mass of the standard normal distribution between two points, without cancellation in the upper tail.
fn normal_mass(from: f64, to: f64) -> f64 {
    if from > 0.0 { normal_cdf(-from) - normal_cdf(-to) } else { normal_cdf(to) - normal_cdf(from) }
}

/// The place at which the sum of the shares passes `chance`.
fn pick(shares: &[f64], chance: f64) -> usize {
    let mut sum = 0.0;
    let found = shares.iter().position(|share| {
        sum += share;
        chance < sum
    });
    found.unwrap_or_else(|| shares.len().saturating_sub(1))
}

fn log_sum(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln()
}
