//! The parameters with the least sum of squared errors, by the method of Levenberg (1944) and Marquardt (1963).

use nalgebra::{DMatrix, DVector};

use super::gradient::Layout;
use super::{Filtered, Form, Parameters, Season, State, Trend, filter};

/// Seasons up to which the season before the first value is searched; longer ones keep their first guess.
const FREE_SEASON: usize = 31;
/// First guesses of alpha, beta, gamma and phi.
const GUESSES: [[f64; 4]; 4] =
    [[0.1, 0.02, 0.05, 0.97], [0.5, 0.1, 0.3, 0.9], [0.95, 0.3, 0.3, 0.95], [0.5, 0.001, 0.001, 0.805]];
/// Steps of a search at most.
const STEPS: usize = 200;

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The form.
    pub form: Form,
    /// What was found.
    pub parameters: Parameters,
    /// What it says about the values.
    pub filtered: Filtered,
}

/// Why a model cannot be fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// There are too few values for the numbers to be found.
    #[error("needs {needed} points, has {points}")]
    Short {
        /// The least number of values.
        needed: usize,
        /// Values of the series.
        points: usize,
    },
    /// A multiplicative season needs positive values.
    #[error("a multiplicative season needs positive values")]
    NotPositive,
    /// The search found no finite errors.
    #[error("no parameters give finite errors")]
    Diverged,
}

/// Fits a model. `near` gives parameters of a fit to nearly the same values; else four first guesses are followed and the
/// best end is taken, since the sum of squares may have several valleys.
///
/// Errors: fewer values than two seasons or four more than there are parameters; values that are not positive in a
/// multiplicative model.
pub fn fit(values: &[f64], form: &Form, near: Option<&Parameters>) -> Result<Fit, FitError> {
    let seasonal = form.season != Season::None;
    let needed = (form.parameters() + 4).max(if seasonal { 2 * form.period } else { 0 });
    if values.len() < needed {
        return Err(FitError::Short { needed, points: values.len() });
    }
    if form.season == Season::Multiplicative && values.iter().any(|value| *value <= 0.0) {
        return Err(FitError::NotPositive);
    }
    let layout = Layout { form: *form, free_start: !seasonal || form.period <= FREE_SEASON };
    let guesses = match near {
        Some(parameters) => vec![parameters.clone()],
        None => GUESSES.iter().map(|smoothing| guess(values, form, smoothing)).collect(),
    };
    let found = guesses.iter().filter_map(|guess| search(values, &layout, guess));
    let best = found.min_by(|a, b| a.0.total_cmp(&b.0)).ok_or(FitError::Diverged)?;
    let (_, parameters) = at_the_bounds(values, &layout, best);
    let filtered = filter(values, form, &parameters);
    Ok(Fit { form: *form, parameters, filtered })
}

/// The normal equations at some unknowns: sum of squares, J'J and J'e; none when the errors are not finite.
fn equations(
    values: &[f64],
    layout: &Layout,
    unknowns: &[f64],
    start: &Parameters,
) -> Option<(f64, DMatrix<f64>, DVector<f64>)> {
    let p = unknowns.len();
    let (mut squares, mut products, mut gradient) = (0.0, vec![0.0; p * p], vec![0.0; p]);
    let finite = layout.run(values, unknowns, start, &mut |error, slopes| {
        squares += error * error;
        for (k, slope) in slopes.iter().enumerate() {
            if let Some(slot) = gradient.get_mut(k) {
                *slot += slope * error;
            }
            // The lower triangle: columns up to k.
            if let Some(row) = products.get_mut(k * p..k * p + k + 1) {
                row.iter_mut().zip(slopes).for_each(|(slot, other)| *slot += slope * other);
            }
        }
    });
    if !finite || !f64::is_finite(squares) || gradient.iter().any(|slope| !slope.is_finite()) {
        return None;
    }
    let products = DMatrix::from_fn(p, p, |i, j| {
        let (low, high) = (i.min(j), i.max(j));
        products.get(high * p + low).copied().unwrap_or(0.0)
    });
    Some((squares, products, DVector::from_vec(gradient)))
}

/// Where a smoothing parameter counts as near its bound: within 5 % of its range.
const NEAR: f64 = 3.0;
/// Where it stands at its bound.
const BOUND: f64 = 20.0;
/// Beyond this it is held.
const HELD: f64 = 15.0;
/// The farthest at which a search begins.
const INSIDE: f64 = 4.0;

/// Near a bound the valley becomes flat, and a search may end before it is there: tries the bound itself, for each parameter
/// that is near one and for all of them.
fn at_the_bounds(values: &[f64], layout: &Layout, best: (f64, Parameters)) -> (f64, Parameters) {
    let unknowns = layout.pack(&best.1);
    let smoothing = layout.unknowns() - layout.start_unknowns();
    let near = |unknown: f64| unknown.abs() > NEAR && unknown.abs() < BOUND - 1.0;
    let places: Vec<usize> =
        (0..smoothing).filter(|k| unknowns.get(*k).is_some_and(|unknown| near(*unknown))).collect();
    let mut trials: Vec<Vec<usize>> = places.iter().map(|place| vec![*place]).collect();
    if places.len() > 1 {
        trials.push(places);
    }
    let mut least = best.clone();
    for places in trials {
        let mut tried = unknowns.clone();
        for place in places {
            if let Some(unknown) = tried.get_mut(place) {
                *unknown = BOUND.copysign(*unknown);
            }
        }
        if let Some(found) = search_from(values, layout, &best.1, tried).filter(|(squares, _)| *squares < least.0) {
            least = found;
        }
    }
    least
}

/// Follows a guess to the bottom of its valley.
fn search(values: &[f64], layout: &Layout, guess: &Parameters) -> Option<(f64, Parameters)> {
    let mut unknowns = layout.pack(guess);
    // Away from the bounds, where errors hardly move and no search would come back.
    let smoothing = layout.unknowns() - layout.start_unknowns();
    unknowns.iter_mut().take(smoothing).for_each(|unknown| *unknown = unknown.clamp(-INSIDE, INSIDE));
    search_from(values, layout, guess, unknowns)
}

fn search_from(
    values: &[f64],
    layout: &Layout,
    guess: &Parameters,
    mut unknowns: Vec<f64>,
) -> Option<(f64, Parameters)> {
    let (mut squares, mut products, mut gradient) = equations(values, layout, &unknowns, guess)?;
    let smoothing = layout.unknowns() - layout.start_unknowns();
    let mut damping = 1e-3;
    let mut flat = 0;
    for _ in 0..STEPS {
        let mut damped = products.clone();
        let mut slope = gradient.clone();
        for k in 0..unknowns.len() {
            let held = k < smoothing && unknowns.get(k).is_some_and(|unknown| unknown.abs() >= HELD);
            if held {
                damped.row_mut(k).fill(0.0);
                damped.column_mut(k).fill(0.0);
                slope.get_mut(k).into_iter().for_each(|slope| *slope = 0.0);
            }
            if let Some(slot) = damped.get_mut((k, k)) {
                // Level and season can be exchanged, so the matrix itself is singular.
                *slot = if held { 1.0 } else { *slot + damping * slot.abs().max(1e-12 * squares.max(1e-300)) };
            }
        }
        let Some(factors) = damped.cholesky() else {
            damping *= 10.0;
            if damping > 1e12 {
                break;
            }
            continue;
        };
        let step = factors.solve(&slope);
        // A smoothing parameter crosses no more than a few units in a step.
        let longest = step.iter().take(smoothing).fold(0.0_f64, |most, step| most.max(step.abs()));
        let shorter = if longest > 3.0 { 3.0 / longest } else { 1.0 };
        let mut tried: Vec<f64> =
            unknowns.iter().zip(step.iter()).map(|(unknown, step)| unknown - shorter * step).collect();
        tried.iter_mut().take(smoothing).for_each(|unknown| *unknown = unknown.clamp(-BOUND, BOUND));
        match equations(values, layout, &tried, guess).filter(|(found, _, _)| *found < squares) {
            Some((found, next_products, next_gradient)) => {
                let gain = (squares - found) / squares;
                (squares, products, gradient, unknowns) = (found, next_products, next_gradient, tried);
                damping = (damping * 0.2).max(1e-12);
                flat = if gain < 1e-10 { flat + 1 } else { 0 };
            }
            None => {
                damping *= 5.0;
                flat += usize::from(damping > 1e8);
            }
        }
        if flat >= 3 || squares <= f64::MIN_POSITIVE {
            break;
        }
    }
    Some((squares, layout.unpack(&unknowns, guess)))
}

/// A first guess from the means of the first seasons (Hyndman et al. 2008, section 2.6).
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
fn guess(values: &[f64], form: &Form, &[alpha, beta, gamma, phi]: &[f64; 4]) -> Parameters {
    let has_slope = form.trend != Trend::None;
    let period = if form.season == Season::None { 1 } else { form.period.max(1) };
    let cycles = if period == 1 { 10 } else { 5 };
    let means: Vec<f64> =
        values.chunks_exact(period).take(cycles).map(|cycle| cycle.iter().sum::<f64>() / period as f64).collect();
    let (first, last) = (means.first().copied().unwrap_or(0.0), means.last().copied().unwrap_or(0.0));
    let steps = (means.len().saturating_sub(1) * period).max(1) as f64;
    let gain = (last - first) / steps;
    let slope = if has_slope { gain } else { 0.0 };
    let multiplicative = form.season == Season::Multiplicative;
    let season = match form.season {
        Season::None => Vec::new(),
        _ => (0..period)
            .map(|place| {
                let parts = means.iter().enumerate().filter_map(|(cycle, mean)| {
                    let value = values.get(cycle * period + place)?;
                    Some(if multiplicative { value / mean } else { value - mean })
                });
                let parts: Vec<f64> = parts.collect();
                parts.iter().sum::<f64>() / parts.len().max(1) as f64
            })
            .collect(),
    };
    let level = first - slope * (period as f64 + 1.0) / 2.0;
    let level = if multiplicative { level.max(first / 2.0) } else { level };
    let phi = if form.trend == Trend::Damped { phi } else { 1.0 };
    Parameters {
        alpha,
        beta: if has_slope { beta } else { 0.0 },
        gamma: if season.is_empty() { 0.0 } else { gamma },
        phi,
        start: State { level, slope, season },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_is_followed_exactly() {
        let line: Vec<f64> = (0..30).map(|t| 2.0 + 0.5 * f64::from(t)).collect();
        let form = Form { trend: Trend::Additive, season: Season::None, period: 1 };
        let found = fit(&line, &form, None).unwrap();
        assert!(found.filtered.squares < 1e-16, "{}", found.filtered.squares);
        let coming = super::super::forecast(&found.filtered.end, &form, 1.0, 2);
        assert!((coming[1] - 17.5).abs() < 1e-6);
    }

    #[test]
    fn what_cannot_be_fitted_says_why() {
        let form = Form { trend: Trend::None, season: Season::Multiplicative, period: 4 };
        assert_eq!(fit(&[1.0; 9], &form, None).unwrap_err().to_string(), "needs 10 points, has 9");
        assert_eq!(fit(&[0.0; 40], &form, None).unwrap_err(), FitError::NotPositive);
        let constant = fit(&[3.0; 40], &form, None).unwrap();
        assert!(constant.filtered.squares < 1e-18);
    }
}
