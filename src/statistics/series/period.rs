//! How long a season is: which of some periods explains the series, if any.
//!
//! For each period: what is slower than it is taken out by a centred moving average over one period; then `share` says how
//! much of the variance of the rest the means of the places within the season explain, adjusted for their number (adjusted
//! R^2). A period counts when it comes at least twice, explains at least a tenth, and when the rest goes with itself one
//! period later beyond Bartlett's limits. Of those that count, the shortest is taken whose share is within 0.05 of the
//! largest: a week of hours contains the day. Candidates are what the calendar suggests, and the strongest peak of the
//! periodogram when Fisher's test finds it significant.

use super::autocorrelation::{autocorrelation, bartlett_limits};
use super::periodogram::Periodogram;

/// The least share of the variance that a season has to explain.
pub const LEAST_SHARE: f64 = 0.1;
/// What a longer season has to explain more than a shorter one.
pub const MARGIN: f64 = 0.05;

/// A period that was looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Values of a season.
    pub period: usize,
    /// What the means of its places explain of the variance that is faster than it, adjusted; none when it was not measured.
    pub share: Option<f64>,
    /// The autocorrelation one period later, and its limit.
    pub correlation: Option<(f64, f64)>,
    /// Why it does not count.
    pub refused: Option<Refusal>,
}

/// Why a period does not count as a season.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It comes less than twice.
    Short,
    /// It explains too little.
    Weak,
    /// Values one period apart do not go together.
    Uncorrelated,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The season that was taken.
    pub period: Option<usize>,
    /// All periods that were looked at, ascending.
    pub candidates: Vec<Candidate>,
}

/// Looks for a season among `suggested` periods and the strongest peak of the periodogram.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "periods lie between 2 and the length of the series"
)]
pub fn find(values: &[f64], suggested: &[usize]) -> Found {
    let mut periods: Vec<usize> = suggested.iter().copied().filter(|period| *period >= 2).collect();
    if let Some(peak) = Periodogram::new(values).map(|periodogram| periodogram.fisher())
        && peak.p_value < 0.01
    {
        let period = peak.period.round() as usize;
        // Peaks beside a suggested period are that period, blurred by the length of the series.
        let near = |known: &usize| known.abs_diff(period) * 20 <= *known;
        if period >= 2 && !periods.iter().any(near) {
            periods.push(period);
        }
    }
    periods.sort_unstable();
    periods.dedup();
    let candidates: Vec<Candidate> = periods.into_iter().map(|period| measure(values, period)).collect();
    let counting = || candidates.iter().filter(|candidate| candidate.refused.is_none());
    let best = counting().filter_map(|candidate| candidate.share).fold(f64::NEG_INFINITY, f64::max);
    let taken = counting().find(|candidate| candidate.share.is_some_and(|share| share >= best - MARGIN));
    Found { period: taken.map(|candidate| candidate.period), candidates }
}

/// Measures one period.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
pub fn measure(values: &[f64], period: usize) -> Candidate {
    let refuse = |refused| Candidate { period, share: None, correlation: None, refused: Some(refused) };
    if period < 2 || values.len() < period.saturating_mul(2) {
        return refuse(Refusal::Short);
    }
    let rest = faster_than(values, period);
    let n = rest.len();
    // Adjusted shares need more values than places.
    if n <= period + 1 {
        return refuse(Refusal::Short);
    }
    let Some(correlations) = autocorrelation(&rest, period) else { return refuse(Refusal::Weak) };
    let limits = bartlett_limits(&correlations, n, 0.95);
    let correlation = correlations.get(period).copied().zip(limits.get(period).copied());
    let mean = rest.iter().sum::<f64>() / n as f64;
    let whole: f64 = rest.iter().map(|value| (value - mean) * (value - mean)).sum();
    let mut within = 0.0;
    for place in 0..period {
        let along = || rest.iter().skip(place).step_by(period);
        let mean = along().sum::<f64>() / along().count().max(1) as f64;
        within += along().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    }
    let share = 1.0 - (within / (n - period) as f64) / (whole / (n - 1) as f64);
    let refused = if share < LEAST_SHARE {
        Some(Refusal::Weak)
    } else if correlation.is_none_or(|(correlation, limit)| correlation <= limit) {
        Some(Refusal::Uncorrelated)
    } else {
        None
    };
    Candidate { period, share: Some(share), correlation, refused }
}

/// The values minus the centred moving average over a period; an even period counts its two ends half.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
fn faster_than(values: &[f64], period: usize) -> Vec<f64> {
    let half = period / 2;
    let centre = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let mut sums = Vec::with_capacity(values.len() + 1);
    let mut sum = 0.0;
    sums.push(sum);
    sums.extend(values.iter().map(|value| {
        sum += value - centre;
        sum
    }));
    let between = |from: usize, to: usize| sums.get(to).zip(sums.get(from)).map_or(f64::NAN, |(to, from)| to - from);
    (half..values.len().saturating_sub(half))
        .filter_map(|at| {
            let ends = (values.get(at - half)? + values.get(at + half)?) / 2.0 - centre;
            let total = match period % 2 {
                1 => between(at - half, at + half + 1),
                _ => between(at - half + 1, at + half) + ends,
            };
            Some(values.get(at)? - centre - total / period as f64)
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::statistics::oracle::cases;

    fn noise(n: u64) -> Vec<f64> {
        let mut state = 42_u64;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
            })
            .collect()
    }

    #[test]
    fn the_moving_average_agrees_with_seasonal_decompose_of_statsmodels() {
        for case in cases(include_str!("../../../tests/data/oracle/series.json"), "moving_average") {
            let found = faster_than(&case.list("values"), case.integer("period") as usize);
            let expected = case.list("rest");
            assert_eq!(found.len(), expected.len());
            assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-10));
        }
    }

    #[test]
    fn a_day_of_hours_is_found_and_not_the_week_that_contains_it() {
        let values: Vec<f64> = noise(2000)
            .iter()
            .enumerate()
            .map(|(t, e)| e + (t as f64 * std::f64::consts::TAU / 24.0).sin() + 0.01 * t as f64)
            .collect();
        assert_eq!(find(&values, &[24, 168]).period, Some(24));
        // Nobody suggested it.
        assert_eq!(find(&values, &[7]).period, Some(24));
    }

    #[test]
    fn noise_and_a_constant_have_no_season() {
        assert_eq!(find(&noise(1000), &[7, 24, 365]).period, None);
        let found = find(&[2.0; 60], &[12, 40]);
        assert_eq!(found.period, None);
        assert_eq!(found.candidates[1].refused, Some(Refusal::Short));
        assert_eq!(find(&[], &[7]).period, None);
    }
}
