//! How good forecasts would have been: from several origins in the past, each time with the values known then.
//!
//! The origins roll: the last one lies one horizon before the end, the others whole horizons before it, so that no value is
//! foretold twice. Sources: Tashman (2000), "Out-of-sample tests of forecasting accuracy"; Hyndman & Koehler (2006), "Another
//! look at measures of forecast accuracy" for the scaled error.

use super::holt_winters::intervals::Foretold;
use super::naive;

/// Errors of forecasts against what came.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Errors {
    /// Values that were foretold.
    pub values: usize,
    /// The mean absolute error, in units of the values.
    pub mae: f64,
    /// The square root of the mean squared error.
    pub rmse: f64,
    /// The mean absolute error as a multiple of that of the naive forecast one step ahead within the known values; none when
    /// that is 0.
    pub mase: Option<f64>,
    /// The mean of `2 |e| / (|value| + |foretold|)`, 0 to 2; where both are 0 it counts as 0.
    pub smape: f64,
    /// The share of values that lay within their intervals.
    pub coverage: f64,
}

/// The positions at which backtests begin, ascending: at most `folds`, each with at least `least` values before it.
pub fn origins(n: usize, horizon: usize, folds: usize, least: usize) -> Vec<usize> {
    let mut origins: Vec<usize> =
        (1..=folds).map_while(|fold| n.checked_sub(fold * horizon)).filter(|origin| *origin >= least.max(1)).collect();
    origins.reverse();
    origins
}

/// Sums of errors over several origins.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    values: usize,
    absolute: f64,
    squares: f64,
    scaled: f64,
    unscaled: bool,
    symmetric: f64,
    inside: usize,
}

impl Tally {
    /// Adds the forecast from one origin: what was foretold from `known`, and what came.
    pub fn add(&mut self, known: &[f64], period: usize, foretold: &[Foretold], came: &[f64]) {
        let scale = naive::scale(known, period);
        self.unscaled |= scale.is_none();
        for (foretold, came) in foretold.iter().zip(came) {
            let error = (came - foretold.value).abs();
            self.values += 1;
            self.absolute += error;
            self.squares += error * error;
            self.scaled += error / scale.unwrap_or(1.0);
            let size = came.abs() + foretold.value.abs();
            self.symmetric += if size > 0.0 { 2.0 * error / size } else { 0.0 };
            self.inside += usize::from((foretold.low..=foretold.high).contains(came));
        }
    }

    /// The means; none without a value.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn errors(&self) -> Option<Errors> {
        let n = self.values as f64;
        (self.values > 0).then(|| Errors {
            values: self.values,
            mae: self.absolute / n,
            rmse: (self.squares / n).sqrt(),
            mase: (!self.unscaled).then_some(self.scaled / n),
            smape: self.symmetric / n,
            coverage: self.inside as f64 / n,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::statistics::oracle::{assert_close, cases};

    #[test]
    fn the_naive_forecast_has_the_errors_that_numpy_finds() {
        for case in cases(include_str!("../../../tests/data/oracle/series.json"), "backtest") {
            let values = case.list("values");
            let whole = |name: &str| case.integer(name) as usize;
            let (period, horizon) = (whole("period"), whole("horizon"));
            let mut tally = Tally::default();
            let origins = origins(values.len(), horizon, whole("folds"), 2 * period);
            assert_eq!(origins, case.list("origins").iter().map(|at| *at as usize).collect::<Vec<_>>());
            for origin in origins {
                let (known, came) = values.split_at(origin);
                tally.add(known, period, &naive::seasonal_naive(known, period, horizon, 0.9).unwrap(), came);
            }
            let found = tally.errors().unwrap();
            assert_close(found.mae, case.number("mae"), 1e-12, "mae");
            assert_close(found.rmse, case.number("rmse"), 1e-12, "rmse");
            assert_close(found.mase.unwrap(), case.number("mase"), 1e-12, "mase");
            assert_close(found.smape, case.number("smape"), 1e-12, "smape");
            assert_close(found.coverage, case.number("coverage"), 1e-12, "coverage");
        }
    }

    #[test]
    fn origins_need_values_before_them() {
        assert_eq!(origins(100, 10, 5, 20), [50, 60, 70, 80, 90]);
        assert_eq!(origins(100, 30, 5, 20), [40, 70]);
        assert!(origins(10, 30, 5, 2).is_empty());
        assert_eq!(Tally::default().errors(), None);
    }
}
