//! How the variance of a series is spread over periods: the periodogram, with Fisher's test of its highest peak.
//!
//! `I(j) = |sum y(t) exp(-2 pi i j t / n)|^2 / n` at the frequencies `j / n`, after a straight line was taken out. Fisher's
//! `g` is the share of the largest ordinate; its p-value holds for white noise (independent normal values): a slow wander
//! also makes one frequency stand out. Sources: Schuster (1898); Fisher (1929), "Tests of significance in harmonic
//! analysis". O(n log n).

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

use super::autocorrelation::centred;

/// The power at a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// Length of the period in values, `n / j`.
    pub period: f64,
    /// Its share of the power at all frequencies.
    pub share: f64,
}

/// A periodogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Periodogram {
    /// Values of the series.
    pub n: usize,
    /// The power at the frequencies 1/n, 2/n, .., below 1/2.
    pub power: Vec<f64>,
}

/// Fisher's test that the series is white noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FisherG {
    /// The share of the largest ordinate.
    pub g: f64,
    /// The period at which it stands.
    pub period: f64,
    /// The probability of a share as large in white noise.
    pub p_value: f64,
}

impl Periodogram {
    /// The periodogram; none when the series is a straight line or has fewer than 5 values. The values must be finite.
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    pub fn new(values: &[f64]) -> Option<Self> {
        let n = values.len();
        centred(values)?;
        let rest = without_line(values);
        let size = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        if n < 5 || rest.iter().all(|value| value.abs() <= 1e-13 * size) {
            return None;
        }
        let mut buffer: Vec<Complex<f64>> = rest.into_iter().map(|value| Complex::new(value, 0.0)).collect();
        FftPlanner::new().plan_fft_forward(n).process(&mut buffer);
        let power = buffer.iter().skip(1).take((n - 1) / 2).map(|value| value.norm_sqr() / n as f64).collect();
        Some(Self { n, power })
    }

    /// The highest local maxima, strongest first, at most `most`.
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    pub fn peaks(&self, most: usize) -> Vec<Peak> {
        let total: f64 = self.power.iter().sum();
        let at = |index: Option<usize>| index.and_then(|index| self.power.get(index)).copied().unwrap_or(0.0);
        let mut peaks: Vec<Peak> = self
            .power
            .iter()
            .enumerate()
            .filter(|(index, power)| **power > at(index.checked_sub(1)) && **power >= at(Some(index + 1)))
            .map(|(index, power)| Peak { period: self.n as f64 / (index + 1) as f64, share: power / total })
            .collect();
        peaks.sort_by(|a, b| b.share.total_cmp(&a.share));
        peaks.truncate(most);
        peaks
    }

    /// Fisher's test of the highest ordinate.
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    pub fn fisher(&self) -> FisherG {
        let total: f64 = self.power.iter().sum();
        let highest = self.power.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let (index, power) = highest.map_or((0, f64::NAN), |(index, power)| (index, *power));
        let g = power / total;
        FisherG { g, period: self.n as f64 / (index + 1) as f64, p_value: fisher_p(g, self.power.len()) }
    }
}

/// `P(g >= x)` for `q` ordinates of white noise: `sum (-1)^(j-1) C(q, j) (1 - j x)^(q-1)` while `j x < 1`.
///
/// The terms alternate. When the first is above 10 they would cancel; then `1 - exp(-first)` stands in, which is above 0.9999
/// and within 1e-3 of the sum.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
fn fisher_p(x: f64, q: usize) -> f64 {
    if q < 1 || !x.is_finite() {
        return f64::NAN;
    }
    let q = q as f64;
    let first = (q.ln() + (q - 1.0) * (-x).ln_1p()).exp();
    if first > 10.0 {
        return -(-first).exp_m1();
    }
    let (mut sum, mut log_choose, mut sign) = (0.0, 0.0_f64, 1.0);
    let mut j = 1.0;
    while j <= q && j * x < 1.0 {
        log_choose += ((q - j + 1.0) / j).ln();
        let term = (log_choose + (q - 1.0) * (-j * x).ln_1p()).exp();
        sum += sign * term;
        if term < 1e-18 * sum.abs() {
            break;
        }
        sign = -sign;
        j += 1.0;
    }
    sum.clamp(0.0, 1.0)
}

/// The values minus the straight line of least squares through them.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
pub(super) fn without_line(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    let (middle, mean) = ((n - 1.0) / 2.0, values.iter().sum::<f64>() / n);
    let offsets = || (0..values.len()).map(|index| index as f64 - middle);
    let spread: f64 = offsets().map(|offset| offset * offset).sum();
    let product: f64 = offsets().zip(values).map(|(offset, value)| offset * (value - mean)).sum();
    let slope = if spread > 0.0 { product / spread } else { 0.0 };
    offsets().zip(values).map(|(offset, value)| (value - mean) - slope * offset).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::statistics::oracle::{assert_close, cases};

    #[test]
    fn agrees_with_scipy() {
        for case in cases(include_str!("../../../tests/data/oracle/series.json"), "periodogram") {
            let found = Periodogram::new(&case.list("values")).unwrap();
            let expected = case.list("power");
            assert_eq!(found.power.len(), expected.len());
            let most = expected.iter().fold(0.0_f64, |most, value| most.max(*value));
            for (found, expected) in found.power.iter().zip(&expected) {
                assert!((found - expected).abs() <= 1e-11 * most, "{found} is not {expected}");
            }
            let test = found.fisher();
            assert_close(test.g, case.number("g"), 1e-10, "g");
            assert_close(test.p_value, case.number("p_value"), 1e-8, "p of g");
        }
    }

    #[test]
    fn the_test_agrees_with_exact_fractions() {
        for case in cases(include_str!("../../../tests/data/oracle/series.json"), "fisher") {
            let p = case.number("p_value");
            let found = fisher_p(case.number("g"), case.integer("ordinates") as usize);
            let tolerance = if p > 0.999 { 1e-3 } else { 1e-9 };
            assert_close(found, p, tolerance, &format!("g {} of {}", case.number("g"), case.integer("ordinates")));
        }
    }

    #[test]
    fn a_sine_stands_at_its_period() {
        let values: Vec<f64> = (0..120).map(|t| (f64::from(t) * std::f64::consts::TAU / 12.0).sin()).collect();
        let peak = Periodogram::new(&values).unwrap().peaks(1)[0];
        assert!((peak.period - 12.0).abs() < 1e-9 && peak.share > 0.95);
        assert_eq!(Periodogram::new(&[2.0; 40]), None);
        let line: Vec<f64> = (0..30).map(|t| 0.1 * f64::from(t)).collect();
        assert_eq!(Periodogram::new(&line), None);
    }
}
