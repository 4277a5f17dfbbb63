//! Two samples of numbers: how far apart their distributions are.

use super::Empirical;
use crate::statistics::distributions::kolmogorov;

/// The test of Kolmogorov and Smirnov for two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KolmogorovSmirnov {
    /// The largest difference between the shares at or below any value, 0 to 1.
    pub statistic: f64,
    /// The probability of one as large when both come from the same continuous distribution, by the limiting distribution
    /// (Smirnov 1948). With ties, or fewer than about 50 values a side, it is too large rather than too small.
    pub p_value: f64,
}

/// Compares two samples by their distribution functions. None when one of them is empty. O(n + m).
pub fn kolmogorov_smirnov(before: &Empirical, now: &Empirical) -> Option<KolmogorovSmirnov> {
    let mut statistic = 0.0_f64;
    steps(before, now, |_, _, p, q| statistic = statistic.max((p - q).abs()))?;
    let (n, m) = (before.count() as f64, now.count() as f64);
    let effective = n / (n + m) * m;
    Some(KolmogorovSmirnov { statistic, p_value: kolmogorov::limiting_sf(effective.sqrt() * statistic) })
}

/// The first Wasserstein distance (earth mover's distance), in the unit of the values: the area between both distribution
/// functions. None when one of them is empty, or when the distance is too large for a number. O(n + m).
pub fn wasserstein(before: &Empirical, now: &Empirical) -> Option<f64> {
    let mut distance = 0.0;
    steps(before, now, |from, to, p, q| distance += (to - from) * (p - q).abs())?;
    Some(distance).filter(|distance| distance.is_finite())
}

/// Walks over the values of both: `visit(value, next value, share before at or below value, share now)`. At the last value the
/// next one is the same.
fn steps(before: &Empirical, now: &Empirical, mut visit: impl FnMut(f64, f64, f64, f64)) -> Option<()> {
    let (n, m) = (before.count(), now.count());
    if n == 0 || m == 0 {
        return None;
    }
    let (mut left, mut right) = (before.iter().peekable(), now.iter().peekable());
    let (mut below_left, mut below_right) = (0, 0);
    let next = |left: Option<&(f64, u64)>, right: Option<&(f64, u64)>| match (left, right) {
        (Some(a), Some(b)) => Some(a.0.min(b.0)),
        (Some(one), None) | (None, Some(one)) => Some(one.0),
        (None, None) => None,
    };
    while let Some(value) = next(left.peek(), right.peek()) {
        while let Some((_, weight)) = left.next_if(|(found, _)| *found <= value) {
            below_left += weight;
        }
        while let Some((_, weight)) = right.next_if(|(found, _)| *found <= value) {
            below_right += weight;
        }
        let to = next(left.peek(), right.peek()).unwrap_or(value);
        visit(value, to, below_left as f64 / n as f64, below_right as f64 / m as f64);
    }
    Some(())
}
