//! The tree-structured Parzen estimator.
//!
//! Bergstra, Bardenet, Bengio & Kégl 2011, *Algorithms for hyper-parameter optimization*; Bergstra, Yamins & Cox 2013, *Making a science
//! of model search*; over all domains at once: Falkner, Klein & Hutter 2018, *BOHB*.
//!
//! The best points, a tenth of all, make a density `l`, the others a density `g`. Of some points drawn from `l` the one at which `l / g` is
//! largest is the most promising: its expected improvement over the worst of the best points is largest (Bergstra et al. 2011,
//! equation 5).

use rand::Rng;

use super::parzen::Parzen;
use super::sampler::Observation;
use super::space::Space;

/// How the estimator works.
#[derive(Debug, Clone, PartialEq)]
pub struct Tpe {
    /// Points that are drawn by chance before it begins.
    pub startup: usize,
    /// Points that are drawn from the density of the good ones, of which the most promising is taken.
    pub candidates: usize,
    /// Whether all options are looked at together; otherwise each on its own, as if the others did not matter.
    pub joint: bool,
}

impl Default for Tpe {
    fn default() -> Self {
        Self { startup: 10, candidates: 24, joint: true }
    }
}

/// The most points that count as good.
const MOST_GOOD: usize = 25;

impl Tpe {
    /// The most promising of some points. Points without a loss are bad ones. Time: O(candidates d n).
    pub fn propose(&self, space: &Space, history: &[Observation], rng: &mut impl Rng) -> Vec<f64> {
        let (good, bad) = divide(history);
        if self.joint {
            return best(space, &good, &bad, self.candidates, rng);
        }
        let one = |at: usize, points: &[&[f64]]| -> Vec<Vec<f64>> {
            points.iter().map(|point| point.get(at).copied().into_iter().collect()).collect()
        };
        let mut point = Vec::with_capacity(space.domains().len());
        for (at, domain) in space.domains().iter().enumerate() {
            let Ok(alone) = Space::new(vec![*domain]) else { continue };
            let (good, bad) = (one(at, &good), one(at, &bad));
            point.extend(best(&alone, &slices(&good), &slices(&bad), self.candidates, rng));
        }
        point
    }
}

fn slices(points: &[Vec<f64>]) -> Vec<&[f64]> {
    points.iter().map(Vec::as_slice).collect()
}

fn best(space: &Space, good: &[&[f64]], bad: &[&[f64]], candidates: usize, rng: &mut impl Rng) -> Vec<f64> {
    let (l, g) = (Parzen::new(space, good), Parzen::new(space, bad));
    let mut best = (f64::NEG_INFINITY, l.draw(rng));
    for _ in 0..candidates.max(1) {
        let point = l.draw(rng);
        let promise = l.log_density(&point) - g.log_density(&point);
        if promise > best.0 {
            best = (promise, point);
        }
    }
    best.1
}

/// The best tenth of the points, and the others; both in the order in which they were tried.
pub(super) fn divide(history: &[Observation]) -> (Vec<&[f64]>, Vec<&[f64]>) {
    let loss = |at: usize| history.get(at).and_then(|seen| seen.loss).filter(|loss| !loss.is_nan());
    let mut order: Vec<usize> = (0..history.len()).filter(|at| loss(*at).is_some()).collect();
    order.sort_by(|a, b| loss(*a).unwrap_or(f64::INFINITY).total_cmp(&loss(*b).unwrap_or(f64::INFINITY)));
    let good = order.len().div_ceil(10).min(MOST_GOOD);
    let mut is_good = vec![false; history.len()];
    for at in order.into_iter().take(good) {
        if let Some(flag) = is_good.get_mut(at) {
            *flag = true;
        }
    }
    let of = |wanted: bool| {
        let chosen = history.iter().zip(&is_good).filter(move |(_, good)| **good == wanted);
        chosen.map(|(seen, _)| seen.point.as_slice()).collect()
    };
    (of(true), of(false))
}
