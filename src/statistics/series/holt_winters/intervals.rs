//! How far the future may lie from what is foretold.
//!
//! Additive season or none: the errors ahead add up with known weights, and the interval is normal (Hyndman et al. 2008,
//! chapter 6). Multiplicative season: errors in proportion to what is foretold, simulated with a seed.
//! In both the parameters are taken for known, so that the intervals are a little too narrow for short series.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fit::Fit;
use super::{Season, forecast};
use crate::statistics::special::normal_quantile;

/// Paths that are simulated, fewer for a long horizon.
const PATHS: usize = 5_000;
/// Values that are simulated at most.
const SIMULATED: usize = 5_000_000;

/// A value that is foretold, and between what it may lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Foretold {
    /// The value.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The standard deviation of each of the next `horizon` values, as a multiple of that of one error, in a model with an
/// additive season or none.
pub fn spread(fit: &Fit, horizon: usize) -> Vec<f64> {
    let parameters = &fit.parameters;
    let period = if fit.form.season == Season::None { 0 } else { fit.form.period };
    let (mut level, mut slope) = (parameters.alpha, parameters.alpha * parameters.beta);
    let mut sum = 1.0_f64;
    let mut spread = Vec::with_capacity(horizon);
    for step in 1..=horizon {
        spread.push(sum.sqrt());
        // What an error `step` steps ago adds to the value now.
        slope *= parameters.phi;
        level += slope;
        let weight = level + if period > 0 && step % period == 0 { parameters.gamma } else { 0.0 };
        sum += weight * weight;
    }
    spread
}

/// Foretells the next `horizon` values with intervals. None when there are no more values than parameters.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
pub fn foretell(fit: &Fit, values: &[f64], horizon: usize, confidence: f64, seed: u64) -> Option<Vec<Foretold>> {
    let free = values.len().checked_sub(fit.form.parameters()).filter(|free| *free > 0)?;
    let points = forecast(&fit.filtered.end, &fit.form, fit.parameters.phi, horizon);
    if fit.form.season == Season::Multiplicative {
        let relative = values.iter().zip(&fit.filtered.fitted).map(|(value, fitted)| (value - fitted) / fitted);
        let deviation = (relative.map(|error| error * error).sum::<f64>() / free as f64).sqrt();
        return Some(simulate(fit, &points, deviation, confidence, seed));
    }
    let z = normal_quantile(0.5 + confidence / 2.0);
    let deviation = (fit.filtered.squares / free as f64).sqrt();
    let spread = spread(fit, horizon);
    let around = |(value, spread): (&f64, &f64)| {
        let reach = z * deviation * spread;
        Foretold { value: *value, low: value - reach, high: value + reach }
    };
    Some(points.iter().zip(&spread).map(around).collect())
}

fn simulate(fit: &Fit, points: &[f64], deviation: f64, confidence: f64, seed: u64) -> Vec<Foretold> {
    let horizon = points.len();
    let paths = (SIMULATED / horizon.max(1)).clamp(200, PATHS);
    let turns = fit.filtered.end.season.len().max(1);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut reached: Vec<Vec<f64>> = vec![Vec::with_capacity(paths); horizon];
    for _ in 0..paths {
        let mut state = fit.filtered.end.clone();
        for (step, reached) in reached.iter_mut().enumerate() {
            let foretold = state.foretold(&fit.form, fit.parameters.phi, step % turns);
            // Uniform on the open interval (0, 1).
            let uniform: f64 = random.random::<f64>().clamp(1e-12, 1.0 - 1e-12);
            let error = foretold * deviation * normal_quantile(uniform);
            reached.push(foretold + error);
            state.step(&fit.form, &fit.parameters, step % turns, error);
        }
    }
    let quantile = |sorted: &[f64], p: f64| {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in a list of a few thousand"
        )]
        let place = (p * (sorted.len() as f64 - 1.0)).round() as usize;
        sorted.get(place).copied().unwrap_or(f64::NAN)
    };
    let tail = (1.0 - confidence) / 2.0;
    points
        .iter()
        .zip(&mut reached)
        .map(|(value, reached)| {
            reached.sort_unstable_by(f64::total_cmp);
            Foretold { value: *value, low: quantile(reached, tail), high: quantile(reached, 1.0 - tail) }
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::fit::fit;
    use super::super::{Form, Parameters, State, Trend, filter};
    use super::*;
    use crate::statistics::oracle::{assert_close, cases};

    #[test]
    fn the_spread_agrees_with_the_ets_model_of_statsmodels() {
        for case in cases(include_str!("../../../../tests/data/oracle/series.json"), "ets_spread") {
            let trend = if case.number("phi") < 1.0 { Trend::Damped } else { Trend::Additive };
            let form = Form { trend, season: Season::Additive, period: case.integer("period") as usize };
            let season = vec![0.0; form.period];
            let parameters = Parameters {
                alpha: case.number("alpha"),
                beta: case.number("beta"),
                gamma: case.number("gamma"),
                phi: case.number("phi"),
                start: State { level: 0.0, slope: 0.0, season },
            };
            let filtered = filter(&[0.0; 20], &form, &parameters);
            let expected = case.list("spread");
            let found = spread(&Fit { form, parameters, filtered }, expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert_close(*found, expected, 1e-9, "spread");
            }
        }
    }

    #[test]
    fn simulated_intervals_are_the_same_for_the_same_seed_and_hold_the_value() {
        let values: Vec<f64> =
            (0..48).map(|t| (30.0 + f64::from(t)) * [0.8, 1.0, 1.2][(t % 3) as usize] + f64::from(t * t % 5)).collect();
        let form = Form { trend: Trend::Additive, season: Season::Multiplicative, period: 3 };
        let found = fit(&values, &form, None).unwrap();
        let coming = foretell(&found, &values, 9, 0.9, 7).unwrap();
        assert_eq!(coming, foretell(&found, &values, 9, 0.9, 7).unwrap());
        assert!(coming.iter().all(|next| next.low < next.value && next.value < next.high));
        assert!(coming[8].high - coming[8].low > coming[0].high - coming[0].low);
    }
}
