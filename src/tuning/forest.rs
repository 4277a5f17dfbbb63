//! A small random forest of regression trees whose leaves are boxes of a search space.
//!
//! Breiman 2001, *Random forests*: each tree learns from points drawn with replacement, and looks at a random part of the domains at each
//! split. A split of numbers is a threshold between two of them; a split of choices puts those with smaller means on one side (Breiman,
//! Friedman, Olshen & Stone 1984, theorem 4.5), which is the best one for squared errors. Time: O(trees d n log n) for even trees.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::space::{Domain, Space};

/// Trees of a forest.
const TREES: usize = 64;
/// Leaves are not divided further below this depth.
const DEEPEST: usize = 64;

/// Where a leaf reaches in one domain.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Side {
    /// From one share of the range to another.
    Range(f64, f64),
    /// For each choice whether it is in.
    Set(Vec<bool>),
}

impl Side {
    /// The share of the domain that it takes.
    #[expect(clippy::cast_precision_loss, reason = "counts of choices")]
    pub(super) fn width(&self) -> f64 {
        match self {
            Self::Range(low, high) => high - low,
            Self::Set(choices) => choices.iter().filter(|inside| **inside).count() as f64 / choices.len().max(1) as f64,
        }
    }
}

/// A box with the mean of the points in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    pub(super) sides: Vec<Side>,
    pub(super) value: f64,
}

/// A point in shares of the ranges, choices as they are, with its loss.
struct Row {
    place: Vec<f64>,
    loss: f64,
}

/// The leaves of each tree of a forest.
pub(super) fn grow(space: &Space, points: &[(&[f64], f64)], seed: u64) -> Vec<Vec<Leaf>> {
    let domains = space.domains();
    let rows: Vec<Row> = points.iter().map(|(point, loss)| Row { place: place(domains, point), loss: *loss }).collect();
    let whole: Vec<Side> = domains
        .iter()
        .map(|domain| match domain {
            Domain::Choices(count) => Side::Set(vec![true; *count]),
            _ => Side::Range(0.0, 1.0),
        })
        .collect();
    let trees = (0..TREES as u64).map(|tree| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(tree);
        let drawn: Vec<&Row> = (0..rows.len()).filter_map(|_| rows.get(rng.random_range(0..rows.len()))).collect();
        let mut leaves = Vec::new();
        divide(drawn, whole.clone(), DEEPEST, &mut rng, &mut leaves);
        leaves
    });
    trees.collect()
}

fn place(domains: &[Domain], point: &[f64]) -> Vec<f64> {
    let shares = domains.iter().zip(point).map(|(domain, value)| match domain {
        Domain::Choices(_) => *value,
        _ => domain.share(*value),
    });
    shares.collect()
}

/// A way to divide a box.
struct Split {
    error: f64,
    domain: usize,
    left: Side,
    right: Side,
}

fn divide(rows: Vec<&Row>, sides: Vec<Side>, depth: usize, rng: &mut ChaCha8Rng, leaves: &mut Vec<Leaf>) {
    let split = if depth == 0 { None } else { best_split(&rows, &sides, rng) };
    let Some(split) = split else {
        let value = mean(rows.iter().map(|row| row.loss));
        leaves.push(Leaf { sides, value });
        return;
    };
    let (left, right): (Vec<&Row>, Vec<&Row>) = rows.into_iter().partition(|row| is_in(&split.left, row, split.domain));
    for (rows, side) in [(left, split.left), (right, split.right)] {
        let mut sides = sides.clone();
        if let Some(slot) = sides.get_mut(split.domain) {
            *slot = side;
        }
        divide(rows, sides, depth - 1, rng, leaves);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the place of a choice")]
fn is_in(side: &Side, row: &Row, domain: usize) -> bool {
    let Some(&at) = row.place.get(domain) else { return false };
    match side {
        Side::Range(_, high) => at < *high,
        Side::Set(choices) => choices.get(at as usize).copied().unwrap_or(false),
    }
}

/// The best split among two thirds of the domains; among all when none of those divides the rows.
fn best_split(rows: &[&Row], sides: &[Side], rng: &mut ChaCha8Rng) -> Option<Split> {
    let mut order: Vec<usize> = (0..sides.len()).collect();
    shuffle(&mut order, rng);
    let looked_at = (sides.len() * 2).div_ceil(3).max(1);
    let mut best: Option<Split> = None;
    for (number, domain) in order.into_iter().enumerate() {
        if number >= looked_at && best.is_some() {
            break;
        }
        let split = sides.get(domain).and_then(|side| match side {
            Side::Range(low, high) => threshold(rows, domain, (*low, *high)),
            Side::Set(choices) => subset(rows, domain, choices),
        });
        if let Some(split) = split.filter(|split| best.as_ref().is_none_or(|best| split.error < best.error)) {
            best = Some(split);
        }
    }
    best
}

fn threshold(rows: &[&Row], domain: usize, (low, high): (f64, f64)) -> Option<Split> {
    let mut pairs: Vec<(f64, f64)> = rows.iter().filter_map(|row| Some((*row.place.get(domain)?, row.loss))).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (error, at) = best_cut(&pairs.iter().map(|pair| (pair.1, 1.0)).collect::<Vec<_>>(), |before| {
        let (left, right) = (pairs.get(before.checked_sub(1)?)?.0, pairs.get(before)?.0);
        // Neighbours may be so close that there is no number in between.
        Some(left + (right - left) / 2.0).filter(|middle| left < *middle && *middle <= right)
    })?;
    Some(Split { error, domain, left: Side::Range(low, at), right: Side::Range(at, high) })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the place of a choice")]
fn subset(rows: &[&Row], domain: usize, inside: &[bool]) -> Option<Split> {
    let mut sums = vec![(0.0, 0.0); inside.len()];
    for row in rows {
        if let Some(sum) = row.place.get(domain).and_then(|at| sums.get_mut(*at as usize)) {
            sum.0 += row.loss;
            sum.1 += 1.0;
        }
    }
    let mut seen: Vec<(usize, f64, f64)> =
        sums.iter().enumerate().filter(|(_, sum)| sum.1 > 0.0).map(|(at, sum)| (at, sum.0 / sum.1, sum.1)).collect();
    seen.sort_by(|a, b| a.1.total_cmp(&b.1));
    let groups: Vec<(f64, f64)> = seen.iter().map(|(_, mean, count)| (*mean, *count)).collect();
    let (error, cut) = best_cut(&groups, |before| (before > 0 && before < seen.len()).then_some(before))?;
    let mut left = vec![false; inside.len()];
    for (at, ..) in seen.iter().take(cut) {
        if let Some(flag) = left.get_mut(*at) {
            *flag = true;
        }
    }
    // Choices of the box that no row has stay on the other side.
    let right = inside.iter().zip(&left).map(|(inside, left)| *inside && !left).collect();
    Some(Split { error, domain, left: Side::Set(left), right: Side::Set(right) })
}

/// The cut of groups (mean, count) in two that leaves the least squared errors between their means, and what `cut` makes of it.
fn best_cut<T>(groups: &[(f64, f64)], cut: impl Fn(usize) -> Option<T>) -> Option<(f64, T)> {
    let total: f64 = groups.iter().map(|(mean, count)| mean * count).sum();
    let rows: f64 = groups.iter().map(|(_, count)| count).sum();
    let grand = total / rows;
    let whole: f64 = groups.iter().map(|(mean, count)| (mean - grand).powi(2) * count).sum();
    if whole <= 0.0 || whole.is_nan() {
        return None;
    }
    let mut best: Option<(f64, T)> = None;
    let (mut sum, mut count) = (0.0, 0.0);
    for (at, (mean, size)) in groups.iter().enumerate() {
        sum += (mean - grand) * size;
        count += size;
        // What is explained by two means: the sums of both sides about the grand mean are equal but for the sign.
        let left = whole - sum * sum / count - sum * sum / (rows - count);
        if best.as_ref().is_none_or(|(error, _)| left < *error)
            && rows > count
            && let Some(cut) = cut(at + 1)
        {
            best = Some((left, cut));
        }
    }
    best
}

fn shuffle(order: &mut [usize], rng: &mut impl Rng) {
    for at in (1..order.len()).rev() {
        order.swap(at, rng.random_range(0..=at));
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of trials")]
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}
