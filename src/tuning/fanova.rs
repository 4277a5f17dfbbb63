//! How much each option mattered: functional analysis of variance.
//!
//! Hutter, Hoos & Leyton-Brown 2014, *An efficient approach for assessing hyperparameter importance*. A random forest learns the loss from
//! the points that were tried. Each tree is constant on boxes, so its mean over all other options is known exactly as a function of one
//! option, and with it the share of the variance over the whole space that this option explains alone. The shares of all options and of
//! their interactions add up to 1. Time: O(trees d n log n).

use super::forest::{self, Leaf, Side};
use super::sampler::Observation;
use super::space::Space;

/// Points from which a forest can learn at all.
const LEAST: usize = 8;

/// The part of an option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Importance {
    /// The share of the variance of the loss over the space that the option explains alone, 0 to 1: the mean over the trees.
    pub share: f64,
    /// The standard deviation of the share over the trees.
    pub deviation: f64,
}

/// The importance of each domain; none with fewer than eight losses, or when all are the same.
pub fn importance(space: &Space, history: &[Observation], seed: u64) -> Option<Vec<Importance>> {
    let points: Vec<(&[f64], f64)> = history
        .iter()
        .filter_map(|seen| Some((seen.point.as_slice(), seen.loss.filter(|loss| loss.is_finite())?)))
        .collect();
    if points.len() < LEAST {
        return None;
    }
    // Losses far from zero would lose their differences in the squares below.
    let most = points.iter().map(|(_, loss)| loss.abs()).fold(0.0, f64::max);
    let scaled: Vec<(&[f64], f64)> =
        points.iter().map(|(point, loss)| (*point, if most > 0.0 { loss / most } else { *loss })).collect();
    let shares: Vec<Vec<f64>> =
        forest::grow(space, &scaled, seed).iter().filter_map(|tree| explained(tree, space.domains().len())).collect();
    if shares.is_empty() {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of trees")]
    let trees = shares.len() as f64;
    let of = |domain: usize| {
        let values = || shares.iter().filter_map(|tree| tree.get(domain).copied());
        let share = values().sum::<f64>() / trees;
        let deviation = (values().map(|value| (value - share).powi(2)).sum::<f64>() / trees).sqrt();
        Importance { share, deviation }
    };
    Some((0..space.domains().len()).map(of).collect())
}

/// For each domain the share of the variance of a tree that it explains alone; none for a tree that is the same everywhere.
fn explained(tree: &[Leaf], domains: usize) -> Option<Vec<f64>> {
    let volume = |leaf: &Leaf| leaf.sides.iter().map(Side::width).product::<f64>();
    let mean: f64 = tree.iter().map(|leaf| volume(leaf) * leaf.value).sum();
    let total: f64 = tree.iter().map(|leaf| volume(leaf) * (leaf.value - mean).powi(2)).sum();
    // What is left of a constant is rounding.
    let scale = tree.iter().map(|leaf| leaf.value.powi(2)).fold(0.0, f64::max);
    if total.is_nan() || total <= 1e-24 * scale {
        return None;
    }
    Some((0..domains).map(|domain| (main_effect(tree, domain, mean) / total).clamp(0.0, 1.0)).collect())
}

/// The variance of the mean over all other domains, as a function of one.
fn main_effect(tree: &[Leaf], domain: usize, mean: f64) -> f64 {
    // For each leaf what it adds to the function where it reaches.
    let parts = tree.iter().filter_map(|leaf| {
        let others: f64 =
            leaf.sides.iter().enumerate().filter(|(at, _)| *at != domain).map(|(_, side)| side.width()).product();
        Some((leaf.sides.get(domain)?, (leaf.value - mean) * others))
    });
    let mut changes: Vec<(f64, f64)> = Vec::new();
    let mut choices: Vec<f64> = Vec::new();
    for (side, part) in parts {
        match side {
            Side::Range(low, high) => changes.extend([(*low, part), (*high, -part)]),
            Side::Set(inside) => {
                choices.resize(inside.len(), 0.0);
                choices.iter_mut().zip(inside).filter(|(_, inside)| **inside).for_each(|(sum, _)| *sum += part);
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of choices")]
    let share = 1.0 / choices.len().max(1) as f64;
    let of_choices: f64 = choices.iter().map(|value| value * value * share).sum();
    changes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut from, mut value, mut of_range) = (0.0, 0.0, 0.0);
    for (at, change) in changes {
        of_range += value * value * (at - from);
        (from, value) = (at, value + change);
    }
    of_choices + of_range
}
