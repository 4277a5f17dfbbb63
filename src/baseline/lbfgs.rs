//! The minimum of a smooth function of many variables, by its gradient.
//!
//! Limited-memory BFGS (Nocedal 1980; Nocedal & Wright 2006, algorithms 7.4 and 7.5): the last ten steps and changes of the
//! gradient stand for the curvature. Steps are halved until the function falls enough (Armijo), and a pair that shows no positive
//! curvature is not remembered. Memory `O(20 n)` for `n` variables.

use ndarray::{Array1, Zip};
use std::collections::VecDeque;

/// Steps that are remembered.
const MEMORY: usize = 10;
/// How far the function has to fall at least, as a share of what the slope promises.
const ENOUGH: f64 = 1e-4;
/// Halvings of a step at most.
const HALVINGS: usize = 40;
/// After so many steps that change the function by no more than its rounding the search is over: the gradient is as small as
/// rounding lets it be, although that may be more than was asked.
const FLAT: usize = 10;

/// Where the search ended.
#[derive(Debug, Clone)]
pub(super) struct Minimum {
    /// The variables.
    pub(super) at: Array1<f64>,
    /// Whether the gradient became as small as was asked, or no step made the function smaller.
    pub(super) converged: bool,
}

/// Minimizes `function`, which gives value and gradient, from `start` on, until no part of the gradient is above `tolerance`.
pub(super) fn minimize(
    start: Array1<f64>,
    steps: usize,
    tolerance: f64,
    function: impl Fn(&Array1<f64>) -> (f64, Array1<f64>),
) -> Minimum {
    let mut at = start;
    let (mut value, mut gradient) = function(&at);
    let mut pairs: VecDeque<(Array1<f64>, Array1<f64>, f64)> = VecDeque::with_capacity(MEMORY);
    let mut flat = 0;
    for _ in 0..steps {
        if largest(&gradient) <= tolerance || flat >= FLAT {
            return Minimum { at, converged: true };
        }
        let mut direction = direction(&gradient, &pairs);
        let mut slope = gradient.dot(&direction);
        if slope.is_nan() || slope >= 0.0 {
            pairs.clear();
            direction = -&gradient;
            slope = gradient.dot(&direction);
        }
        // Without a curvature the first step has the length 1.
        let mut length = if pairs.is_empty() { (1.0 / direction.dot(&direction).sqrt()).min(1.0) } else { 1.0 };
        let mut found = None;
        for _ in 0..HALVINGS {
            let next = &at + &(&direction * length);
            let (next_value, next_gradient) = function(&next);
            if next_value <= value + ENOUGH * length * slope {
                found = Some((next, next_value, next_gradient));
                break;
            }
            length /= 2.0;
        }
        // No step helps any more: rounding has the last word.
        let Some((next, next_value, next_gradient)) = found else {
            return Minimum { at, converged: true };
        };
        let (moved, changed) = (&next - &at, &next_gradient - &gradient);
        let curvature = moved.dot(&changed);
        if curvature > 1e-12 * moved.dot(&moved).sqrt() * changed.dot(&changed).sqrt() {
            if pairs.len() == MEMORY {
                pairs.pop_front();
            }
            pairs.push_back((moved, changed, curvature));
        }
        flat = if (value - next_value).abs() <= 4.0 * f64::EPSILON * value.abs() { flat + 1 } else { 0 };
        (at, value, gradient) = (next, next_value, next_gradient);
    }
    let converged = largest(&gradient) <= tolerance;
    Minimum { at, converged }
}

fn largest(gradient: &Array1<f64>) -> f64 {
    gradient.fold(0.0, |largest, part| part.abs().max(largest))
}

/// The two loops over the remembered pairs.
fn direction(gradient: &Array1<f64>, pairs: &VecDeque<(Array1<f64>, Array1<f64>, f64)>) -> Array1<f64> {
    let mut direction = -gradient;
    let mut shares = Vec::with_capacity(pairs.len());
    for (moved, changed, curvature) in pairs.iter().rev() {
        let share = moved.dot(&direction) / curvature;
        direction.scaled_add(-share, changed);
        shares.push(share);
    }
    if let Some((_, changed, curvature)) = pairs.back() {
        let scale = curvature / changed.dot(changed);
        direction.mapv_inplace(|part| part * scale);
    }
    for ((moved, changed, curvature), share) in pairs.iter().zip(shares.into_iter().rev()) {
        let other = changed.dot(&direction) / curvature;
        Zip::from(&mut direction).and(moved).for_each(|part, moved| *part += (share - other) * moved);
    }
    direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_valley_of_rosenbrock_ends_at_one_and_one() {
        let rosenbrock = |x: &Array1<f64>| {
            let (a, b) = (x[0], x[1]);
            let value = (1.0 - a).powi(2) + 100.0 * (b - a * a).powi(2);
            let gradient = ndarray::arr1(&[-2.0 * (1.0 - a) - 400.0 * a * (b - a * a), 200.0 * (b - a * a)]);
            (value, gradient)
        };
        let found = minimize(ndarray::arr1(&[-1.2, 1.0]), 100, 1e-9, rosenbrock);
        assert!(found.converged, "{found:?}");
        assert!((found.at[0] - 1.0).abs() < 1e-7 && (found.at[1] - 1.0).abs() < 1e-7);
    }

    #[test]
    fn a_gradient_that_rounding_keeps_large_ends_the_search() {
        let calls = std::cell::Cell::new(0);
        // Far from 0 the steps of the sum are coarser than what is asked of the gradient.
        let far = |x: &Array1<f64>| {
            calls.set(calls.get() + 1);
            let distance = x[0] - 1e6 - 0.1;
            (1e6 + distance * distance, ndarray::arr1(&[2.0 * distance]))
        };
        let found = minimize(ndarray::arr1(&[0.0]), 10_000, 1e-300, far);
        assert!(found.converged && (found.at[0] - 1_000_000.1).abs() < 1e-3, "{found:?}");
        assert!(calls.get() < 500, "{}", calls.get());
    }

    #[test]
    fn a_flat_function_stays_where_it_is() {
        let found = minimize(ndarray::arr1(&[3.0]), 10, 0.0, |x| (1.0, x * 0.0));
        assert_eq!((found.at[0], found.converged), (3.0, true));
    }
}
