//! What is found in one series: the methods in their order, and what a series is too short for.

use super::options::Jump;
use super::resample::Series;
use super::settings::{Penalty, Period, Settings};
use crate::statistics::anomalies::robust_z;
use crate::statistics::series::autocorrelation::{autocorrelation, bartlett_limits};
use crate::statistics::series::change_points::{Cost, Noise, pelt};
use crate::statistics::series::forecasting::{Forecast, Task, forecast};
use crate::statistics::series::gaps::{Gap, fill, gaps};
use crate::statistics::series::loess::{self, median};
use crate::statistics::series::mann_kendall::{MannKendall, hamed_rao, mann_kendall, seasonal};
use crate::statistics::series::period::{self, Candidate, Refusal};
use crate::statistics::series::periodogram::{FisherG, Peak, Periodogram};
use crate::statistics::series::stl::Stl;
use crate::statistics::series::strength::strength;
use crate::statistics::series::theil_sen::{Slope, theil_sen};

/// Periods up to which change points are looked for: without any change the time grows with the square.
const MOST_FOR_CHANGES: usize = 100_000;
/// Bits of the largest value that a computed part of the series keeps.
const SETTLED: i32 = 42;
/// Lags that are shown at most.
const MOST_LAGS: usize = 200;
/// Periods that make a point of a trend without a season, at most.
const WIDEST_TREND: usize = 1_001;

/// A level between two jumps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Change {
    /// The position at which the new level begins.
    pub(super) at: usize,
    /// The mean before, since the last jump.
    pub(super) before: f64,
    /// The mean after, until the next.
    pub(super) after: f64,
}

/// Values far from what trend and season let expect.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Outliers {
    /// Their positions, ascending.
    pub(super) at: Vec<usize>,
    /// The median of the remainders.
    pub(super) middle: f64,
    /// Their robust deviation; 0 when most of them are equal, or when outliers were not looked for.
    pub(super) deviation: f64,
}

/// Everything that was found.
#[derive(Debug, Clone, Default)]
pub(super) struct Analysis {
    /// The series with its gaps filled.
    pub(super) filled: Vec<Option<f64>>,
    pub(super) gaps: Vec<Gap>,
    /// The season that was taken, in periods.
    pub(super) period: Option<usize>,
    /// What was looked at for a season.
    pub(super) candidates: Vec<Candidate>,
    pub(super) fisher: Option<FisherG>,
    pub(super) peaks: Vec<Peak>,
    /// Autocorrelations with the half-widths of their limits, from lag 0.
    pub(super) correlations: Vec<(f64, f64)>,
    pub(super) trend: Vec<f64>,
    pub(super) season: Vec<f64>,
    pub(super) remainder: Vec<f64>,
    pub(super) trend_strength: Option<f64>,
    pub(super) season_strength: Option<f64>,
    pub(super) outliers: Outliers,
    /// The plain test, that corrected for autocorrelation, and the seasonal one; or why they are not defined.
    pub(super) plain: Option<Result<MannKendall, String>>,
    pub(super) corrected: Option<Result<MannKendall, String>>,
    pub(super) seasonal: Option<Result<MannKendall, String>>,
    /// Per period.
    pub(super) slope: Option<Slope>,
    pub(super) noise: Option<Noise>,
    /// What a jump had to be worth.
    pub(super) penalty: Option<f64>,
    pub(super) changes: Vec<Change>,
    pub(super) forecast: Option<Forecast>,
    /// What was not done, and why.
    pub(super) remarks: Vec<String>,
}

/// Analyses a series.
pub(super) fn analyse(series: &Series, settings: &Settings) -> Analysis {
    // Squares of values like 1e300 would overflow; a power of two changes no digit.
    let size = series.values.iter().flatten().fold(0.0_f64, |most, value| most.max(value.abs()));
    let unusual = size > 1e100 || (size > 0.0 && size < 1e-100);
    let scale = if unusual { 2.0_f64.powi(exponent(size)) } else { 1.0 };
    let values: Vec<Option<f64>> = series.values.iter().map(|value| value.map(|value| value / scale)).collect();
    let mut analysis = scaled(&values, settings, scale);
    if unusual {
        analysis.rescale(scale);
    }
    analysis
}

/// The exponent of a positive number in base two, within what a float can scale by.
fn exponent(size: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    let exponent = size.log2().floor().clamp(-1000.0, 1000.0) as i32;
    exponent
}

fn scaled(values: &[Option<f64>], settings: &Settings, scale: f64) -> Analysis {
    let mut analysis =
        Analysis { filled: fill(values, settings.fill.rule()), gaps: gaps(values), ..Analysis::default() };
    let whole: Option<Vec<f64>> = analysis.filled.iter().copied().collect();
    match whole {
        Some(whole) if whole.len() >= 4 => {
            analysis.find_season(&whole, settings);
            analysis.decompose(&whole, settings);
            let mut rest = whole.clone();
            if !analysis.season.is_empty() {
                rest.iter_mut().zip(&analysis.season).for_each(|(value, season)| *value -= season);
                settle(&mut rest, largest(&whole));
            }
            analysis.test_trend(&rest, &positions(rest.len()), settings);
            if let Some(period) = analysis.period {
                analysis.seasonal = Some(seasonal(&whole, period).map_err(|error| error.to_string()));
            }
            analysis.find_changes(&rest, settings, scale);
            analysis.foretell(&whole, settings);
        }
        Some(whole) => {
            analysis.remarks.push(format!("too short for any method: needs 4 points, has {}", whole.len()));
        }
        None => {
            let missing: usize = analysis.gaps.iter().map(|gap| gap.length).sum();
            let s = if missing == 1 { " is" } else { "s are" };
            analysis.remarks.push(format!(
                "{missing} period{s} missing and not filled, so there is only the trend test: season, outliers, change points \
                 and forecast need equal distances"
            ));
            let (at, present): (Vec<f64>, Vec<f64>) =
                positions(values.len()).into_iter().zip(values).filter_map(|(at, value)| Some((at, (*value)?))).unzip();
            analysis.test_trend(&present, &at, settings);
        }
    }
    analysis
}

/// The size of the largest value.
fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, value| value.abs().max(most))
}

#[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
fn positions(n: usize) -> Vec<f64> {
    (0..n).map(|at| at as f64).collect()
}

impl Analysis {
    fn find_season(&mut self, values: &[f64], settings: &Settings) {
        let n = values.len();
        let periodogram = Periodogram::new(values);
        self.fisher = periodogram.as_ref().map(Periodogram::fisher);
        self.peaks = periodogram.map(|periodogram| periodogram.peaks(5)).unwrap_or_default();
        match settings.period {
            Period::None => {}
            Period::Periods(period) => {
                self.candidates = vec![period::measure(values, period)];
                self.period = (n >= period.saturating_mul(2)).then_some(period);
                if self.period.is_none() {
                    let needed = period.saturating_mul(2);
                    self.remarks.push(format!("too short for a season of {period}: needs {needed} points, has {n}"));
                }
            }
            Period::Auto => {
                let found = period::find(values, &settings.resampling.every.seasons());
                self.period = found.period;
                for short in found.candidates.iter().filter(|one| one.refused == Some(Refusal::Short)) {
                    let (period, needed) = (short.period, short.period * 2);
                    self.remarks.push(format!("too short for a season of {period}: needs {needed} points, has {n}"));
                }
                self.candidates = found.candidates;
            }
        }
        let lags = (self.period.unwrap_or(0) * 2 + 1).clamp(30, MOST_LAGS).min(n.saturating_sub(1));
        match autocorrelation(values, lags) {
            Some(correlations) => {
                let limits = bartlett_limits(&correlations, n, settings.confidence);
                self.correlations = correlations.into_iter().zip(limits).collect();
            }
            None => self.remarks.push("all values are equal: there is nothing to explain".to_owned()),
        }
    }

    fn decompose(&mut self, values: &[f64], settings: &Settings) {
        let parts = self.period.map(|period| {
            let stl = Stl::new(period, settings.season_window, settings.robust);
            stl.decompose(values)
        });
        match parts {
            Some(Ok(parts)) => {
                (self.trend, self.season, self.remainder) = (parts.trend, parts.season, parts.remainder);
            }
            Some(Err(error)) => {
                self.period = None;
                self.remarks.push(error.to_string());
            }
            None => {}
        }
        if self.trend.is_empty() {
            self.trend = loess::smooth(values, trend_window(values.len()), if settings.robust { 3 } else { 0 });
            self.remainder = values.iter().zip(&self.trend).map(|(value, trend)| value - trend).collect();
        }
        let size = largest(values);
        [&mut self.trend, &mut self.season, &mut self.remainder].into_iter().for_each(|part| settle(part, size));
        self.season_strength = match self.season.is_empty() {
            true => None,
            false => strength(&self.season, &self.remainder),
        };
        self.trend_strength = strength(&self.trend, &self.remainder);
        if let Some(factor) = settings.outliers {
            self.outliers = Outliers::of(&self.remainder, factor);
            if self.outliers.deviation <= 0.0 {
                self.remarks.push("no outliers: trend and season explain all values exactly".to_owned());
            }
        }
    }

    /// `values` at `at`, without their season.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most a hundred lags"
    )]
    fn test_trend(&mut self, values: &[f64], at: &[f64], settings: &Settings) {
        let n = values.len();
        let plain = mann_kendall(values);
        self.plain = Some(plain.map_err(|error| error.to_string()));
        let Some(slope) = theil_sen(at, values, 0.0, settings.confidence) else { return };
        let lags = ((10.0 * (n as f64).log10()).floor() as usize).clamp(1, n.saturating_sub(1).max(1));
        let corrected = hamed_rao(values, slope.slope, lags, 1.0 - settings.confidence);
        // The interval allows for autocorrelation as the test does.
        let variance = corrected.or(plain).map_or(0.0, |test| test.variance);
        self.slope = theil_sen(at, values, variance, settings.confidence);
        self.corrected = Some(corrected.map_err(|error| error.to_string()));
    }

    /// `values` without their season.
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    fn find_changes(&mut self, values: &[f64], settings: &Settings, scale: f64) {
        let n = values.len();
        let shortest = settings.shortest.unwrap_or_else(|| self.period.unwrap_or(1).max(5));
        if settings.penalty == Penalty::Off {
            return;
        }
        if n > MOST_FOR_CHANGES {
            let most = crate::digits::whole(MOST_FOR_CHANGES as u64);
            self.remarks.push(format!("too long for change points: {most} periods at most; choose a longer `every`"));
            return;
        }
        if n < 2 * shortest {
            let needed = 2 * shortest;
            self.remarks.push(format!("too short for change points: needs {needed} points, has {n}"));
            return;
        }
        self.noise = Noise::of(values);
        let Some(noise) = self.noise else { return };
        let log = (n as f64).ln();
        let (cost, unit) = match settings.jump {
            Jump::Mean => (Cost::Mean, noise.variance),
            Jump::MeanAndVariance => (Cost::MeanAndVariance { least: noise.variance * 1e-4 }, 1.0),
        };
        let parameters = if settings.jump == Jump::Mean { 2.0 } else { 3.0 };
        let penalty = match settings.penalty {
            Penalty::Bic => parameters * log * unit * noise.inflation(),
            Penalty::Aic => 2.0 * parameters * unit,
            // A stated penalty is in squared units of the values as they are.
            Penalty::Value(value) if settings.jump == Jump::Mean => value / scale / scale,
            Penalty::Value(value) => value,
            Penalty::Off => return,
        };
        self.penalty = Some(penalty);
        let found = pelt(values, cost, penalty, shortest);
        let mut bounds = vec![0];
        bounds.extend(&found.changes);
        bounds.push(n);
        let level = |from: usize, to: usize| {
            let part = values.get(from..to).unwrap_or_default();
            part.iter().sum::<f64>() / part.len().max(1) as f64
        };
        self.changes = bounds
            .windows(3)
            .filter_map(|three| match three {
                [from, at, to] => Some(Change { at: *at, before: level(*from, *at), after: level(*at, *to) }),
                _ => None,
            })
            .collect();
    }

    fn foretell(&mut self, values: &[f64], settings: &Settings) {
        let Some((horizon, folds, model)) = settings.forecast else { return };
        let task = Task {
            horizon,
            folds,
            period: self.period.unwrap_or(1),
            confidence: settings.confidence,
            seed: settings.seed,
            take: model.take(),
        };
        match forecast(values, &task) {
            Ok(forecast) => {
                if forecast.origins.is_empty() {
                    self.remarks.push(format!(
                        "too short for a backtest with a horizon of {horizon}: the forecast is the naive one, untried"
                    ));
                } else if forecast.origins.len() < folds {
                    let fitting = forecast.origins.len();
                    self.remarks.push(format!("{fitting} of {folds} backtests fit into the series"));
                }
                if let Err(error) = &forecast.model {
                    self.remarks.push(format!("no exponential smoothing: {error}"));
                }
                self.forecast = Some(forecast);
            }
            Err(error) => self.remarks.push(format!("not foretold: {error}")),
        }
    }

    /// Brings everything that has the unit of the values back to it.
    fn rescale(&mut self, scale: f64) {
        let every = |values: &mut Vec<f64>| values.iter_mut().for_each(|value| *value *= scale);
        self.filled.iter_mut().flatten().for_each(|value| *value *= scale);
        [&mut self.trend, &mut self.season, &mut self.remainder].into_iter().for_each(every);
        if let Some(slope) = &mut self.slope {
            [&mut slope.slope, &mut slope.intercept, &mut slope.low, &mut slope.high]
                .into_iter()
                .for_each(|x| *x *= scale);
        }
        if let Some(noise) = &mut self.noise {
            noise.variance *= scale * scale;
        }
        self.outliers.middle *= scale;
        self.outliers.deviation *= scale;
        self.penalty = None;
        self.changes.iter_mut().for_each(|change| {
            change.before *= scale;
            change.after *= scale;
        });
        if let Some(forecast) = &mut self.forecast {
            for next in &mut forecast.coming {
                [&mut next.value, &mut next.low, &mut next.high].into_iter().for_each(|value| *value *= scale);
            }
            for errors in [&mut forecast.errors, &mut forecast.baseline].into_iter().flatten() {
                errors.mae *= scale;
                errors.rmse *= scale;
            }
        }
    }
}

/// Periods that make a point of a trend without a season: a fifth of the series, odd.
fn trend_window(n: usize) -> usize {
    let window = (n / 5).clamp(7, WIDEST_TREND);
    window + usize::from(window.is_multiple_of(2))
}

impl Outliers {
    /// Positions whose remainder lies `factor` robust deviations or more from the median.
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    fn of(remainder: &[f64], factor: f64) -> Self {
        let middle = median(remainder.to_vec());
        let distances: Vec<f64> = remainder.iter().map(|rest| (rest - middle).abs()).collect();
        let mean = distances.iter().sum::<f64>() / distances.len().max(1) as f64;
        let deviation = robust_z::deviation(Some(median(distances)), Some(mean));
        let far = |rest: &f64| deviation > 0.0 && (rest - middle).abs() >= factor * deviation;
        let at = remainder.iter().enumerate().filter(|(_, rest)| far(rest)).map(|(at, _)| at).collect();
        Self { at, middle, deviation }
    }
}

/// Takes the rounding errors out of what was computed from values as large as `size`: what is equal but for its last bits becomes equal,
/// so that no test takes them for a trend and no deviation for a spread.
fn settle(values: &mut [f64], size: f64) {
    // A power of two keeps whole numbers and their halves as they are.
    let step = 2.0_f64.powi(exponent(size) - SETTLED);
    if size > 0.0 && step.is_normal() {
        // Adding 0 makes a negative zero a zero.
        values.iter_mut().for_each(|value| *value = (*value / step).round() * step + 0.0);
    }
}
