//! Decomposition of a series into trend, season and remainder: STL.
//!
//! Two loops. The inner one smooths, by loess, the values of each place within the season along the years (or days, ..), takes
//! what is slow out of that season, and smooths the rest into the trend. The outer one gives less weight to values with a
//! large remainder, so that outliers bend neither trend nor season.
//!
//! Source: Cleveland, Cleveland, McRae & Terpenning (1990), "STL: a seasonal-trend decomposition procedure based on loess",
//! Journal of Official Statistics 6. Everywhere each value has its own fit (no jumps), lines are fitted. Complexity:
//! O(n window) for each round. The values must be finite.

use super::loess::{Loess, robustness};

/// How a series is decomposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stl {
    /// Values of a season, at least 2.
    pub period: usize,
    /// Seasons whose values at one place are smoothed together: odd, at least 3. Small: the season may change quickly.
    pub season: usize,
    /// Values that make a point of the trend: odd, larger than the period.
    pub trend: usize,
    /// Values of the filter that keeps the season free of trend: odd, larger than the period.
    pub low_pass: usize,
    /// Rounds of the inner loop.
    pub inner: usize,
    /// Rounds that give less weight to outliers; 0 for none.
    pub outer: usize,
}

/// A series as the sum of three.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    /// What moves slowly.
    pub trend: Vec<f64>,
    /// What comes again with every season.
    pub season: Vec<f64>,
    /// What is left.
    pub remainder: Vec<f64>,
    /// The weight of each value in the last fit, 0 to 1; all 1 without outer rounds.
    pub weights: Vec<f64>,
}

/// Why there is no decomposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StlError {
    /// A season needs two values.
    #[error("a season has at least 2 periods")]
    Period,
    /// Two full seasons are needed.
    #[error("too short for a season of {period}: needs {} points, has {points}", 2 * period)]
    Short {
        /// Values of a season.
        period: usize,
        /// Values of the series.
        points: usize,
    },
}

impl Stl {
    /// The windows that the authors recommend, for a window of the season (made odd, at least 3); `robust` means 2 inner and
    /// 15 outer rounds, otherwise 5 and 0.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "periods are far below 2^53 and positive"
    )]
    pub fn new(period: usize, season: usize, robust: bool) -> Self {
        let odd = |n: usize| n + usize::from(n.is_multiple_of(2));
        let season = odd(season.max(3));
        let trend = (1.5 * period as f64 / (1.0 - 1.5 / season as f64)).ceil();
        let (inner, outer) = if robust { (2, 15) } else { (5, 0) };
        Self { period, season, trend: odd(trend as usize), low_pass: odd(period + 1), inner, outer }
    }

    /// Decomposes a series.
    ///
    /// Errors: a season shorter than 2, fewer than two seasons of values.
    pub fn decompose(&self, values: &[f64]) -> Result<Decomposition, StlError> {
        if self.period < 2 {
            return Err(StlError::Period);
        }
        if values.len() < self.period.saturating_mul(2) {
            return Err(StlError::Short { period: self.period, points: values.len() });
        }
        let (mut trend, mut season) = (vec![0.0; values.len()], vec![0.0; values.len()]);
        let mut weights: Option<Vec<f64>> = None;
        for round in 0..=self.outer {
            for _ in 0..self.inner {
                season = self.season_of(values, &trend, weights.as_deref());
                let rest: Vec<f64> = values.iter().zip(&season).map(|(value, season)| value - season).collect();
                trend = Loess::lines(self.trend).smooth(&rest, weights.as_deref());
            }
            if round < self.outer {
                let fit: Vec<f64> = trend.iter().zip(&season).map(|(trend, season)| trend + season).collect();
                weights = Some(robustness(values, &fit));
            }
        }
        let remainder = values.iter().zip(&trend).zip(&season).map(|((value, trend), season)| value - season - trend);
        let weights = weights.unwrap_or_else(|| vec![1.0; values.len()]);
        Ok(Decomposition { remainder: remainder.collect(), trend, season, weights })
    }

    /// The season of what the trend leaves.
    fn season_of(&self, values: &[f64], trend: &[f64], weights: Option<&[f64]>) -> Vec<f64> {
        let n = values.len();
        let detrended: Vec<f64> = values.iter().zip(trend).map(|(value, trend)| value - trend).collect();
        // One season longer at both ends.
        let mut cycles = vec![0.0; n + 2 * self.period];
        for place in 0..self.period {
            let along: Vec<f64> = detrended.iter().skip(place).step_by(self.period).copied().collect();
            let weights: Option<Vec<f64>> =
                weights.map(|weights| weights.iter().skip(place).step_by(self.period).copied().collect());
            let smoothed = self.extended(&along, weights.as_deref());
            for (slot, value) in cycles.iter_mut().skip(place).step_by(self.period).zip(smoothed) {
                *slot = value;
            }
        }
        let slow = moving_average(&moving_average(&moving_average(&cycles, self.period), self.period), 3);
        let slow = Loess::lines(self.low_pass).smooth(&slow, None);
        cycles.iter().skip(self.period).zip(slow).map(|(cycle, slow)| cycle - slow).collect()
    }

    /// The values of one place of the season, smoothed, with one more at both ends.
    #[expect(clippy::cast_precision_loss, reason = "numbers of seasons are far below 2^53")]
    fn extended(&self, along: &[f64], weights: Option<&[f64]>) -> Vec<f64> {
        let loess = Loess::lines(self.season);
        let k = along.len();
        let inner = loess.smooth(along, weights);
        let end = |position: f64, left: usize, right: usize, nearest: Option<&f64>| {
            loess.at(along, weights, position, left, right).or(nearest.copied()).unwrap_or(0.0)
        };
        let mut extended = Vec::with_capacity(k + 2);
        extended.push(end(-1.0, 0, self.season.min(k), inner.first()));
        extended.extend_from_slice(&inner);
        extended.push(end(k as f64, k.saturating_sub(self.season), k, inner.last()));
        extended
    }
}

/// Means of `window` values in a row: `n - window + 1` of them. The running sum is corrected for what rounding loses.
#[expect(clippy::cast_precision_loss, reason = "windows are far below 2^53")]
fn moving_average(values: &[f64], window: usize) -> Vec<f64> {
    if window == 0 || values.len() < window {
        return Vec::new();
    }
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    let mut add = |value: f64| {
        let corrected = value - lost;
        let next = sum + corrected;
        lost = (next - sum) - corrected;
        sum = next;
        sum
    };
    let mut means = Vec::with_capacity(values.len() - window + 1);
    for (at, value) in values.iter().enumerate() {
        let mut total = add(*value);
        if let Some(gone) = at.checked_sub(window).and_then(|gone| values.get(gone)) {
            total = add(-gone);
        }
        if at + 1 >= window {
            means.push(total / window as f64);
        }
    }
    means
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::statistics::oracle::cases;

    #[test]
    fn agrees_with_statsmodels() {
        for case in cases(include_str!("../../../tests/data/oracle/series.json"), "stl") {
            let values = case.list("values");
            let whole = |name: &str| case.integer(name) as usize;
            let robust = case.value("robust").as_bool().unwrap();
            let stl = Stl::new(whole("period"), whole("season_window"), robust);
            assert_eq!((stl.trend, stl.low_pass), (whole("trend_window"), whole("low_pass_window")));
            let found = stl.decompose(&values).unwrap();
            let scale = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            let parts = [
                (&found.trend, "trend"),
                (&found.season, "season"),
                (&found.remainder, "remainder"),
                (&found.weights, "weights"),
            ];
            for (found, name) in parts {
                for (at, (found, expected)) in found.iter().zip(case.list(name)).enumerate() {
                    let close = (found - expected).abs() <= 1e-9 * scale.max(1.0);
                    assert!(close, "{} {name}[{at}]: {found} is not {expected}", case.text("name"));
                }
            }
        }
    }

    #[test]
    fn the_parts_add_up_to_the_series() {
        let values: Vec<f64> = (0..97).map(|i| f64::from(i) * 0.1 + f64::from(i % 7) + f64::from(i * i % 11)).collect();
        let parts = Stl::new(7, 11, true).decompose(&values).unwrap();
        for (at, value) in values.iter().enumerate() {
            let sum = parts.trend[at] + parts.season[at] + parts.remainder[at];
            assert!((sum - value).abs() < 1e-12);
        }
    }

    #[test]
    fn a_series_of_less_than_two_seasons_says_what_it_needs() {
        let error = Stl::new(24, 11, false).decompose(&[1.0; 47]).unwrap_err();
        assert_eq!(error.to_string(), "too short for a season of 24: needs 48 points, has 47");
        assert_eq!(Stl::new(1, 11, false).decompose(&[1.0; 47]), Err(StlError::Period));
    }

    #[test]
    fn a_constant_series_is_all_trend() {
        let parts = Stl::new(4, 7, true).decompose(&[5.0; 40]).unwrap();
        assert!(parts.trend.iter().all(|trend| (trend - 5.0).abs() < 1e-12));
        assert!(parts.remainder.iter().chain(&parts.season).all(|rest| rest.abs() < 1e-12));
    }
}
