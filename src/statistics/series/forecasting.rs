//! A forecast with its proof: exponential smoothing against the naive forecast, both judged on the past.
//!
//! The form of the model is chosen on the values before the first origin of the backtest, its parameters anew at each
//! origin. The model foretells the future when its mean absolute error is at least 1 % smaller than that of the naive forecast;
//! else the naive forecast does, and that is the finding.

use super::backtest::{Errors, Tally, origins};
use super::holt_winters::choose::{Candidate, choose};
use super::holt_winters::fit::{Fit, FitError, fit};
use super::holt_winters::intervals::{Foretold, foretell};
use super::holt_winters::{Form, Parameters};
use super::naive::seasonal_naive;

/// Values to which models are fitted at most: the last ones.
pub const FITTED: usize = 2_000;

/// How large the model's mean absolute error may be, as a multiple of that of the naive forecast, to be called better.
pub const BETTER: f64 = 0.99;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Task {
    /// Values to foretell.
    pub horizon: usize,
    /// Origins of the backtest at most.
    pub folds: usize,
    /// Values of a season; 1 without one.
    pub period: usize,
    /// The share of values that intervals should hold.
    pub confidence: f64,
    /// For intervals that are simulated.
    pub seed: u64,
    /// Which forecast is taken.
    pub take: Take,
}

/// Which forecast is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// What did better in the backtest.
    Better,
    /// Exponential smoothing.
    Model,
    /// The naive forecast.
    Naive,
}

/// A forecast.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The coming values.
    pub coming: Vec<Foretold>,
    /// Whether they come from the model, not from the naive forecast.
    pub by_model: bool,
    /// The model fitted to all values (the last [`FITTED`]), or why there is none.
    pub model: Result<Fit, FitError>,
    /// The forms that were compared.
    pub candidates: Vec<Candidate>,
    /// Values from which the form was chosen.
    pub chosen_on: usize,
    /// The origins of the backtest.
    pub origins: Vec<usize>,
    /// The errors of the model in the backtest.
    pub errors: Option<Errors>,
    /// The errors of the naive forecast.
    pub baseline: Option<Errors>,
}

/// Why nothing is foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForecastError {
    /// The horizon is longer than what is known.
    #[error("the horizon of {horizon} is longer than the series of {points} points")]
    Horizon {
        /// Values to foretell.
        horizon: usize,
        /// Values of the series.
        points: usize,
    },
    /// There is not even a season to repeat.
    #[error("needs more than {period} points, has {points}")]
    Short {
        /// Values of a season.
        period: usize,
        /// Values of the series.
        points: usize,
    },
}

/// Foretells.
///
/// Errors: a horizon longer than the series, a series not longer than a season.
pub fn forecast(values: &[f64], task: &Task) -> Result<Forecast, ForecastError> {
    let (points, period) = (values.len(), task.period.max(1));
    if task.horizon > points {
        return Err(ForecastError::Horizon { horizon: task.horizon, points });
    }
    let naive = |known: &[f64]| seasonal_naive(known, period, task.horizon, task.confidence);
    let baseline = naive(values).ok_or(ForecastError::Short { period, points })?;
    let recent = |end: usize| values.get(end.saturating_sub(FITTED)..end).unwrap_or_default();
    let origins = origins(points, task.horizon, task.folds, 2 * period + 8);
    let chosen_on = origins.first().copied().unwrap_or(points);
    let (chosen, candidates) = match choose(recent(chosen_on), period) {
        Ok((chosen, candidates)) => (Ok(chosen), candidates),
        Err(error) => (Err(error), Vec::new()),
    };
    let (mut errors, mut naive_errors) = (Tally::default(), Tally::default());
    let mut last: Result<(Form, Parameters), FitError> = chosen.map(|fit| (fit.form, fit.parameters));
    for origin in &origins {
        let (known, came) = values.split_at(*origin);
        if let Some(foretold) = naive(known) {
            naive_errors.add(known, period, &foretold, came);
        }
        last = last.and_then(|(form, near)| {
            let known = recent(*origin);
            let fitted = again(known, &form, &near)?;
            let foretold = foretell(&fitted, known, task.horizon, task.confidence, task.seed);
            errors.add(known, period, &foretold.unwrap_or_default(), came);
            Ok((form, fitted.parameters))
        });
    }
    let model = last.and_then(|(form, near)| again(recent(points), &form, &near));
    let (errors, naive_errors) = (errors.errors().filter(|_| model.is_ok()), naive_errors.errors());
    let better = match (&errors, &naive_errors) {
        (Some(errors), Some(baseline)) => errors.mae < BETTER * baseline.mae,
        // Without a backtest nothing speaks for the model.
        _ => false,
    };
    let by_model = match task.take {
        Take::Better => better,
        Take::Model => true,
        Take::Naive => false,
    };
    let foretold = model
        .as_ref()
        .ok()
        .filter(|_| by_model)
        .and_then(|fitted| foretell(fitted, recent(points), task.horizon, task.confidence, task.seed));
    Ok(Forecast {
        by_model: foretold.is_some(),
        coming: foretold.unwrap_or(baseline),
        model,
        candidates,
        chosen_on,
        origins,
        errors,
        baseline: naive_errors,
    })
}

/// Fits a form to more values than before, beginning at what was found before. The state before the first value is that of
/// other values when old ones have fallen out of the window, so then the search begins anew.
fn again(values: &[f64], form: &Form, near: &Parameters) -> Result<Fit, FitError> {
    let near = (values.len() < FITTED).then_some(near);
    fit(values, form, near)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn task(horizon: usize, period: usize) -> Task {
        Task { horizon, folds: 3, period, confidence: 0.9, seed: 0, take: Take::Better }
    }

    #[test]
    fn a_season_on_a_slope_is_foretold_better_than_by_repeating_it() {
        let value =
            |t: u32| 5.0 + 0.3 * f64::from(t) + [3.0, -1.0, 0.0, -2.0][(t % 4) as usize] + f64::from(t * 13 % 7) * 0.05;
        let values: Vec<f64> = (0..80).map(value).collect();
        let found = forecast(&values, &task(4, 4)).unwrap();
        assert!(found.by_model && found.origins == [68, 72, 76]);
        assert!(found.errors.unwrap().mae < 0.5 * found.baseline.unwrap().mae);
        for (step, next) in found.coming.iter().enumerate() {
            assert!((next.value - value(80 + step as u32)).abs() < 0.4, "{next:?}");
        }
    }

    #[test]
    fn a_random_walk_is_left_to_the_naive_forecast_or_nearly_so() {
        let mut state = 3_u64;
        let mut level = 0.0;
        let values: Vec<f64> = (0..200)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                level += (state >> 40) as f64 / (1_u64 << 24) as f64 - 0.5;
                level
            })
            .collect();
        let found = forecast(&values, &task(10, 1)).unwrap();
        let (model, naive) = (found.errors.unwrap().mae, found.baseline.unwrap().mae);
        assert_eq!(found.by_model, model < BETTER * naive);
        assert_eq!(found.coming.len(), 10);
    }

    #[test]
    fn what_cannot_be_foretold_says_why() {
        assert_eq!(
            forecast(&[1.0; 5], &task(6, 1)).unwrap_err().to_string(),
            "the horizon of 6 is longer than the series of 5 points"
        );
        assert_eq!(forecast(&[1.0; 5], &task(2, 7)).unwrap_err().to_string(), "needs more than 7 points, has 5");
        let constant = forecast(&[2.0; 40], &task(5, 1)).unwrap();
        assert!(constant.coming.iter().all(|next| next.value == 2.0));
        assert!(constant.baseline.unwrap().mase.is_none());
    }
}
