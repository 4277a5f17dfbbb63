//! The Kolmogorov-Smirnov tests: does a sample follow a given distribution, and do two samples follow the same?

use super::{Tested, Undefined};
use crate::statistics::distributions::kolmogorov::{EXACT_TWO_SAMPLES, limiting_sf, one_sample_sf, two_sample_sf};

/// Does the sample follow the continuous distribution with that distribution function, whose parameters were known before? O(n log n).
///
/// The p-value is exact up to 4,096 values, see [`one_sample_sf`]. Were the parameters told from the same values, it would be too large.
pub fn one_sample(values: &[f64], cdf: impl Fn(f64) -> f64) -> Result<Tested, Undefined> {
    if values.is_empty() {
        return Undefined::because("there are no values");
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let distance = sorted.iter().enumerate().fold(0.0_f64, |largest, (at, value)| {
        let (below, p) = (at as f64 / n, cdf(*value));
        largest.max(p - below).max((at as f64 + 1.0) / n - p)
    });
    let mut tested = Tested::new("D", distance, &[], one_sample_sf(distance, sorted.len() as u64));
    tested.how = Some(if sorted.len() <= 4096 { "exact" } else { "asymptotic" }.to_owned());
    tested.checked()
}

/// Do two samples follow the same distribution? Two-sided. O(n log n), and O(m n) for the exact p-value, which is taken up to
/// m n = 10,000,000; else the limiting distribution. With equal values the p-value is too large (conservative).
pub fn two_samples(a: &[f64], b: &[f64]) -> Result<Tested, Undefined> {
    if a.is_empty() || b.is_empty() {
        return Undefined::because("a group has no values");
    }
    let sort = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    };
    let (a, b) = (sort(a), sort(b));
    let (m, n) = (a.len() as u64, b.len() as u64);
    let (mut i, mut j, mut steps) = (0_usize, 0_usize, 0_u128);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let at = x.min(*y);
        i += a.iter().skip(i).take_while(|value| **value <= at).count();
        j += b.iter().skip(j).take_while(|value| **value <= at).count();
        steps = steps.max((i as u128 * u128::from(n)).abs_diff(j as u128 * u128::from(m)));
    }
    let product = u128::from(m) * u128::from(n);
    let distance = steps as f64 / product as f64;
    let exact = product <= u128::from(EXACT_TWO_SAMPLES);
    let p = if exact {
        two_sample_sf(u64::try_from(steps).unwrap_or(u64::MAX), m, n)
    } else {
        limiting_sf((product as f64 / (m + n) as f64).sqrt() * distance)
    };
    let mut tested = Tested::new("D", distance, &[], p);
    tested.how = Some(if exact { "exact" } else { "asymptotic" }.to_owned());
    tested.checked()
}
