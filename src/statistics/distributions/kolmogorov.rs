//! Kolmogorov's distribution: the largest distance between a sample's distribution function and the true one, or between two samples'.

use std::f64::consts::PI;

/// Rows up to which one sample's distribution is exact.
pub const EXACT_ONE_SAMPLE: u64 = 4096;
/// Products of the two sizes up to which two samples' distribution is exact.
pub const EXACT_TWO_SAMPLES: u64 = 10_000_000;

/// The limiting probability that √n D is above `x` (Kolmogorov 1933), by whichever of its two series converges fast.
#[must_use]
pub fn limiting_sf(x: f64) -> f64 {
    if x.is_nan() {
        f64::NAN
    } else if x <= 0.0 {
        1.0
    } else if x < 1.0 {
        let exponent = -PI * PI / (8.0 * x * x);
        let sum: f64 = [1.0_f64, 9.0, 25.0, 49.0].iter().map(|square| (exponent * square).exp()).sum();
        1.0 - (2.0 * PI).sqrt() / x * sum
    } else {
        let term = |k: f64| (-2.0 * k * k * x * x).exp();
        (2.0 * (term(1.0) - term(2.0) + term(3.0) - term(4.0) + term(5.0))).min(1.0)
    }
}

/// The probability that the distance D of a sample of `n` values from the true continuous distribution is at least `d`.
///
/// Exact up to 4,096 values (relative 1e-9 where it is above 1e-10, else by the one-sided distribution, of which it is twice then). For more,
/// twice the one-sided one where x = √n d is at least 1.5 (relative 1e-6), else the limiting distribution at
/// x + 1 / (6 √n) + (x - 1) / (4 n) (Vrbik 2018), off by less than a relative 1e-4.
#[must_use]
pub fn one_sample_sf(d: f64, n: u64) -> f64 {
    let size = n as f64;
    if d.is_nan() || n == 0 {
        f64::NAN
    } else if d <= 0.5 / size {
        1.0
    } else if d >= 1.0 {
        0.0
    } else if d >= 0.5 || size * d * d >= if n > EXACT_ONE_SAMPLE { 2.25 } else { 4.0 } {
        // Both one-sided distances exceed d with a probability that does not matter, or cannot (Simard & L'Ecuyer 2011).
        (2.0 * one_sided_sf(d, n)).min(1.0)
    } else if n <= EXACT_ONE_SAMPLE {
        (1.0 - durbin(d, n)).clamp(0.0, 1.0)
    } else {
        let x = size.sqrt() * d;
        limiting_sf(x + 1.0 / (6.0 * size.sqrt()) + (x - 1.0) / (4.0 * size))
    }
}

/// Smirnov's one-sided distribution: d Σ C(n, j) (d + j/n)^(j-1) (1 - d - j/n)^(n-j) over j up to n (1 - d) (Birnbaum & Tingey 1951).
///
/// O(n), in logarithms; beyond a million values the limit exp(-2 (n d + 1/6)² .. ) takes its place (relative error below 1e-4).
#[must_use]
pub fn one_sided_sf(d: f64, n: u64) -> f64 {
    let size = n as f64;
    if d <= 0.0 {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    if n > 1_000_000 {
        return (-(6.0 * size * d + 1.0).powi(2) / (18.0 * size)).exp();
    }
    let last = (size * (1.0 - d)).floor();
    let mut sum = 0.0;
    let mut j = 0.0;
    while j <= last {
        let (up, down) = (d + j / size, 1.0 - d - j / size);
        // C(n, j) upʲ downⁿ⁻ʲ is a binomial probability but for up + down = 1, which holds: so it is one.
        let term = super::binomial::ln_probability(j, size, up, down.max(0.0)).exp();
        sum += term / up;
        j += 1.0;
    }
    (sum * d).min(1.0)
}

/// The probability that D is below `d`: Durbin's matrix (Marsaglia, Tsang & Wang 2003), its n-th power. O((n d)³ log n).
fn durbin(d: f64, n: u64) -> f64 {
    let size = n as f64;
    let k = (size * d).floor() + 1.0;
    let h = k - size * d;
    let m = (2.0 * k - 1.0) as usize;
    let mut matrix = Power::start(m, h);
    let mut result: Option<Power> = None;
    let mut left = n;
    while left > 0 {
        if left & 1 == 1 {
            result = Some(match result {
                None => matrix.clone(),
                Some(result) => result.times(&matrix),
            });
        }
        left >>= 1;
        if left > 0 {
            matrix = matrix.times(&matrix);
        }
    }
    let Some(result) = result else { return f64::NAN };
    let middle = (k - 1.0) as usize;
    let found = result.values.get(middle * m + middle).copied().unwrap_or(f64::NAN);
    // n! / nⁿ by Stirling's formula: √(2 π n) e⁻ⁿ and its correction.
    let factor = 0.5 * (2.0 * PI * size).ln() - size + crate::statistics::special::stirling_error(size);
    (found.ln() + factor + f64::from(result.exponent) * std::f64::consts::LN_10).exp()
}

/// A matrix times a power of ten, so that its powers stay in range.
#[derive(Clone)]
struct Power {
    size: usize,
    values: Vec<f64>,
    exponent: i32,
}

impl Power {
    fn start(m: usize, h: f64) -> Self {
        let mut values = vec![0.0; m * m];
        let corner = |power: usize| h.powi(i32::try_from(power).unwrap_or(i32::MAX));
        for (i, row) in values.chunks_exact_mut(m).enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                if i + 1 < j {
                    continue;
                }
                let mut found = 1.0;
                if j == 0 {
                    found -= corner(i + 1);
                }
                if i + 1 == m {
                    found -= corner(m - j);
                    if j == 0 && 2.0 * h > 1.0 {
                        found += (2.0 * h - 1.0).powi(i32::try_from(m).unwrap_or(i32::MAX));
                    }
                }
                for divisor in 2..=(i + 1).saturating_sub(j) {
                    found /= divisor as f64;
                }
                *value = found;
            }
        }
        Self { size: m, values, exponent: 0 }
    }

    fn times(&self, other: &Self) -> Self {
        let m = self.size;
        let mut values = vec![0.0; m * m];
        for (row, target) in self.values.chunks_exact(m).zip(values.chunks_exact_mut(m)) {
            for (factor, line) in row.iter().zip(other.values.chunks_exact(m)) {
                if *factor != 0.0 {
                    for (value, add) in target.iter_mut().zip(line) {
                        *value += factor * add;
                    }
                }
            }
        }
        let mut product = Self { size: m, values, exponent: self.exponent + other.exponent };
        let centre = product.values.get((m / 2) * m + m / 2).copied().unwrap_or(0.0);
        if centre > 1e140 {
            product.values.iter_mut().for_each(|value| *value *= 1e-140);
            product.exponent += 140;
        }
        product
    }
}

/// The probability that two samples of `m` and `n` values of the same continuous distribution are at least as far apart as
/// `steps` / (m n), where `steps` is the distance |i n - j m| of the furthest point.
///
/// Exact by counting lattice paths (Hodges 1957), each step weighed by its probability so that nothing overflows: O(m n). The
/// probability is summed over the paths that leave the band for the first time, so that small ones keep their digits.
#[must_use]
pub fn two_sample_sf(steps: u64, m: u64, n: u64) -> f64 {
    if m == 0 || n == 0 {
        return f64::NAN;
    }
    if steps == 0 {
        return 1.0;
    }
    let (rows, columns) = (m as usize, n as usize);
    let outside = |i: usize, j: usize| {
        let (a, b) = (i as u64 * n, j as u64 * m);
        a.abs_diff(b) >= steps
    };
    // inside[j]: the probability of coming to (i, j) without having left the band.
    let mut inside = vec![0.0_f64; columns + 1];
    let mut left = 0.0;
    for i in 0..=rows {
        let mut before = 0.0;
        for (j, here) in inside.iter_mut().enumerate() {
            let arriving = if i == 0 && j == 0 {
                1.0
            } else {
                let total = (rows + columns - i - j + 1) as f64;
                let from_above = if i > 0 { *here * (rows - i + 1) as f64 / total } else { 0.0 };
                let from_left = if j > 0 { before * (columns - j + 1) as f64 / total } else { 0.0 };
                from_above + from_left
            };
            if arriving > 0.0 && outside(i, j) {
                left += arriving;
                *here = 0.0;
            } else {
                *here = arriving;
            }
            before = *here;
        }
    }
    left.min(1.0)
}
