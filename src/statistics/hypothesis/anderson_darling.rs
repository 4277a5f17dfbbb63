//! The Anderson-Darling tests: are the values normally distributed, and do several samples follow the same distribution?

use super::{Sample, Tested, Undefined};
use crate::statistics::distributions::normal;

/// Are the values normally distributed, with a mean and a variance that are told from them? Anderson & Darling 1954; the p-value by D'Agostino &
/// Stephens (1986, table 4.9), for at least 8 values; it has some three digits. O(n log n).
pub fn normality(values: &[f64]) -> Result<Tested, Undefined> {
    if values.len() < 8 {
        return Undefined::because("there are fewer than 8 values");
    }
    let sample = Sample::of(values).require(8.0, "the sample")?;
    let deviation = sample.variance.sqrt();
    if deviation == 0.0 {
        return Undefined::because("all values are equal");
    }
    let mut scores: Vec<f64> = values.iter().map(|value| (value - sample.mean) / deviation).collect();
    scores.sort_unstable_by(f64::total_cmp);
    let n = scores.len() as f64;
    let sum: f64 = scores
        .iter()
        .zip(scores.iter().rev())
        .enumerate()
        .map(|(at, (low, high))| (2.0 * at as f64 + 1.0) * (ln_cdf(*low) + ln_cdf(-high)))
        .sum();
    let statistic = -n - sum / n;
    let corrected = statistic * (1.0 + 0.75 / n + 2.25 / (n * n));
    Tested::new("A²", statistic, &[], p_value(corrected)).checked()
}

/// ln of the lower tail, also where the tail itself is below the range of floats (Abramowitz & Stegun 26.2.12).
fn ln_cdf(x: f64) -> f64 {
    if x > -37.0 {
        return normal::cdf(x).ln();
    }
    -0.5 * x * x - (-x).ln() - 0.5 * (2.0 * std::f64::consts::PI).ln() - 1.0 / (x * x)
}

fn p_value(a: f64) -> f64 {
    let p = if a <= 0.2 {
        1.0 - (-13.436 + 101.14 * a - 223.73 * a * a).exp()
    } else if a <= 0.34 {
        1.0 - (-8.318 + 42.796 * a - 59.938 * a * a).exp()
    } else if a < 0.6 {
        (0.9177 - 4.279 * a - 1.38 * a * a).exp()
    } else if a <= 13.0 {
        (1.2937 - 5.709 * a + 0.0186 * a * a).exp()
    } else {
        0.0
    };
    p.clamp(0.0, 1.0)
}

/// Critical values of the standardized statistic with infinitely many samples' parts b0 + b1 / √m + b2 / m, for these levels (Scholz & Stephens
/// 1987, table 2; extended to 0.5 and 0.1 % in R's kSamples).
const LEVELS: [f64; 7] = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001];
const B0: [f64; 7] = [0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085];
const B1: [f64; 7] = [-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615];
const B2: [f64; 7] = [-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154];

/// Do the samples follow the same distribution? Scholz & Stephens 1987, with ties by middle ranks; the statistic is standardized. The p-value is
/// interpolated in their table, so it is between 0.1 % and 25 %: one at an end means "at most" or "at least". O(n log n).
pub fn k_samples(groups: &[Vec<f64>]) -> Result<Tested, Undefined> {
    if groups.len() < 2 || groups.iter().any(Vec::is_empty) {
        return Undefined::because("it needs at least two groups with values");
    }
    let mut all: Vec<(f64, usize)> =
        groups.iter().enumerate().flat_map(|(at, group)| group.iter().map(move |value| (*value, at))).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (n, k) = (all.len() as f64, groups.len() as f64);
    if n < 5.0 || all.first().map(|one| one.0) == all.last().map(|one| one.0) {
        return Undefined::because("there are fewer than 5 values or all are equal");
    }
    let mut below = vec![0.0_f64; groups.len()];
    let mut here = vec![0.0_f64; groups.len()];
    let mut sums = vec![0.0_f64; groups.len()];
    let mut before = 0.0;
    for run in all.chunk_by(|a, b| a.0 == b.0) {
        let length = run.len() as f64;
        here.iter_mut().for_each(|count| *count = 0.0);
        for (_, group) in run {
            if let Some(count) = here.get_mut(*group) {
                *count += 1.0;
            }
        }
        let middle = before + length / 2.0;
        let weight = length / n / (middle * (n - middle) - n * length / 4.0);
        if weight.is_finite() {
            for (((sum, below), here), group) in sums.iter_mut().zip(&below).zip(&here).zip(groups) {
                let own = below + here / 2.0;
                *sum += weight * (n * own - group.len() as f64 * middle).powi(2);
            }
        }
        below.iter_mut().zip(&here).for_each(|(below, here)| *below += here);
        before += length;
    }
    let statistic: f64 =
        sums.iter().zip(groups).map(|(sum, group)| sum / group.len() as f64).sum::<f64>() * (n - 1.0) / n;
    let standardized = (statistic - (k - 1.0)) / deviation(groups, n, k);
    let m = k - 1.0;
    let critical: Vec<f64> = B0.iter().zip(B1).zip(B2).map(|((b0, b1), b2)| b0 + b1 / m.sqrt() + b2 / m).collect();
    let mut tested = Tested::new("A²", standardized, &[], interpolated(standardized, &critical));
    tested.how = Some("interpolated in a table from 0.1 % to 25 %".to_owned());
    tested.checked()
}

/// The standard deviation of the statistic (Scholz & Stephens 1987, equation 4).
fn deviation(groups: &[Vec<f64>], n: f64, k: f64) -> f64 {
    let inverse: f64 = groups.iter().map(|group| 1.0 / group.len() as f64).sum();
    let count = n as usize;
    let mut h = 0.0;
    // g = Σ over i < j of 1 / ((n - i) j): the inner sums of 1 / j run along.
    let (mut g, mut tail) = (0.0, 0.0);
    for j in (1..count).rev() {
        h += 1.0 / j as f64;
        // i from n - 2 down to 1: the sum of 1 / j over j from i + 1 to n - 1.
        let i = j - 1;
        tail += 1.0 / j as f64;
        if i >= 1 {
            g += tail / (n - i as f64);
        }
    }
    let a = (4.0 * g - 6.0) * (k - 1.0) + (10.0 - 6.0 * g) * inverse;
    let b = (2.0 * g - 4.0) * k * k + 8.0 * h * k + (2.0 * g - 14.0 * h - 4.0) * inverse - 8.0 * h + 4.0 * g - 6.0;
    let c = (6.0 * h + 2.0 * g - 2.0) * k * k + (4.0 * h - 4.0 * g + 6.0) * k + (2.0 * h - 6.0) * inverse + 4.0 * h;
    let d = (2.0 * h + 6.0) * k * k - 4.0 * h * k;
    let variance = (a * n * n * n + b * n * n + c * n + d) / ((n - 1.0) * (n - 2.0) * (n - 3.0));
    variance.sqrt()
}

/// ln p as a parabola of the statistic, fitted to the table, cut at its ends.
fn interpolated(statistic: f64, critical: &[f64]) -> f64 {
    let (low, high) = (critical.first().copied().unwrap_or(0.0), critical.last().copied().unwrap_or(0.0));
    if statistic < low {
        return 0.25;
    }
    if statistic > high {
        return 0.001;
    }
    // Normal equations of the parabola around the middle of the table.
    let centre = f64::midpoint(low, high);
    let mut moments = [0.0_f64; 5];
    let mut products = [0.0_f64; 3];
    for (x, level) in critical.iter().zip(LEVELS) {
        let x = x - centre;
        let mut power = 1.0;
        for (at, moment) in moments.iter_mut().enumerate() {
            *moment += power;
            if let Some(product) = products.get_mut(at) {
                *product += power * level.ln();
            }
            power *= x;
        }
    }
    let [s0, s1, s2, s3, s4] = moments;
    let [t0, t1, t2] = products;
    let determinant = s0 * (s2 * s4 - s3 * s3) - s1 * (s1 * s4 - s2 * s3) + s2 * (s1 * s3 - s2 * s2);
    let c0 = t0 * (s2 * s4 - s3 * s3) - s1 * (t1 * s4 - t2 * s3) + s2 * (t1 * s3 - t2 * s2);
    let c1 = s0 * (t1 * s4 - t2 * s3) - t0 * (s1 * s4 - s2 * s3) + s2 * (s1 * t2 - s2 * t1);
    let c2 = s0 * (s2 * t2 - s3 * t1) - s1 * (s1 * t2 - s2 * t1) + t0 * (s1 * s3 - s2 * s2);
    let x = statistic - centre;
    ((c0 + c1 * x + c2 * x * x) / determinant).exp()
}
