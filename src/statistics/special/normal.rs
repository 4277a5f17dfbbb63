//! The complementary error function, the normal distribution and its quantiles.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The complementary error function 1 - erf(x), with relative accuracy in its upper tail.
///
/// Below 2 the series of erf with positive terms (DLMF 7.6.2), above it the continued fraction (DLMF 7.9.1). Constant time.
#[must_use]
pub fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        2.0 - erfc(-x)
    } else if x < 2.0 {
        let (mut term, mut sum, mut odd) = (x, x, 1.0);
        while term > sum * 1e-17 {
            odd += 2.0;
            term *= 2.0 * x * x / odd;
            sum += term;
        }
        1.0 - 2.0 / PI.sqrt() * (-x * x).exp() * sum
    } else {
        let mut fraction = x;
        for step in (1..=70).rev() {
            fraction = x + f64::from(step) / 2.0 / fraction;
        }
        (-x * x).exp() / (PI.sqrt() * fraction)
    }
}

/// The probability that a standard normal variable is at most `x`, with relative accuracy in the lower tail.
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x * FRAC_1_SQRT_2)
}

/// The number that a standard normal variable stays below with probability `p`; NaN unless `p` is from 0 to 1.
///
/// A rational start (Abramowitz & Stegun 26.2.23, error below 4.5e-4) and two steps of Halley's method. Constant time.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    if p.is_nan() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    if p == 0.0 || p == 0.5 {
        return if p == 0.0 { f64::NEG_INFINITY } else { 0.0 };
    }
    let t = (-2.0 * p.ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut x = above / below - t;
    for _ in 0..2 {
        let density = (-0.5 * x * x).exp() / (2.0 * PI).sqrt();
        let step = (normal_cdf(x) - p) / density;
        x -= step / (1.0 + 0.5 * x * step);
    }
    x
}
