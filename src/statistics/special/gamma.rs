//! The logarithm of the gamma function and the two parts of Loader's accurate binomial probabilities.

use std::f64::consts::PI;

/// Euler's constant γ.
const EULER: f64 = 0.577_215_664_901_532_9;

/// ζ(n) - 1 for n = 2, 3, ..: DLMF 25.6 and table 25.10.
const ZETA_MINUS_ONE: [f64; 28] = [
    0.644_934_066_848_226_4,
    0.202_056_903_159_594_3,
    0.082_323_233_711_138_19,
    0.036_927_755_143_369_93,
    0.017_343_061_984_449_14,
    0.008_349_277_381_922_827,
    0.004_077_356_197_944_34,
    0.002_008_392_826_082_214_3,
    0.000_994_575_127_818_085_3,
    0.000_494_188_604_119_464_5,
    0.000_246_086_553_308_048_3,
    0.000_122_713_347_578_489_15,
    6.124_813_505_870_483e-5,
    3.058_823_630_702_049e-5,
    1.528_225_940_865_187e-5,
    7.637_197_637_899_763e-6,
    3.817_293_264_999_84e-6,
    1.908_212_716_553_939e-6,
    9.539_620_338_727_962e-7,
    4.769_329_867_878_064e-7,
    2.384_505_027_277_33e-7,
    1.192_199_259_653_110_6e-7,
    5.960_818_905_125_948e-8,
    2.980_350_351_465_228e-8,
    1.490_155_482_836_504_3e-8,
    7.450_711_789_835_43e-9,
    3.725_334_024_788_457e-9,
    1.862_659_723_513_049e-9,
];

/// ln Γ(x) for x > 0; NaN for x < 0, infinity at 0.
///
/// Between 0.5 and 2.5 the power series around 1 and 2 (DLMF 5.7.3), which keeps the relative accuracy at the zeros of
/// the function; above 10 Stirling's series (DLMF 5.11.1); elsewhere the recurrence Γ(x + 1) = x Γ(x) leads there.
/// Constant time.
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 {
        f64::NAN
    } else if x < 0.5 {
        ln_gamma(1.0 + x) - x.ln()
    } else if x <= 1.5 {
        series_around_two(x - 1.0) - (x - 1.0).ln_1p()
    } else if x <= 2.5 {
        series_around_two(x - 2.0)
    } else if x < 10.0 {
        let (mut product, mut x) = (1.0, x);
        while x > 2.5 {
            x -= 1.0;
            product *= x;
        }
        product.ln() + series_around_two(x - 2.0)
    } else if x.is_infinite() {
        x
    } else {
        (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + stirling_series(x)
    }
}

/// ln Γ(2 + z) for |z| at most 0.5.
fn series_around_two(z: f64) -> f64 {
    let mut power = -z;
    let mut sum = z * (1.0 - EULER);
    for (n, zeta) in (2_u32..).zip(ZETA_MINUS_ONE) {
        power *= -z;
        sum += power * zeta / f64::from(n);
    }
    sum
}

/// What Stirling's formula lacks: ln Γ(x) - ((x - 1/2) ln x - x + ln(2π) / 2), for x of at least 10.
fn stirling_series(x: f64) -> f64 {
    let y = 1.0 / (x * x);
    (1.0 / 12.0
        - y * (1.0 / 360.0 - y * (1.0 / 1260.0 - y * (1.0 / 1680.0 - y * (1.0 / 1188.0 - y * 691.0 / 360_360.0)))))
        / x
}

/// ln Γ(x + 1) - ((x + 1/2) ln x - x + ln(2π) / 2) for x > 0: the error of Stirling's formula for x!
pub(crate) fn stirling_error(x: f64) -> f64 {
    if x >= 10.0 { stirling_series(x) } else { ln_gamma(x + 1.0) - (x + 0.5) * x.ln() + x - 0.5 * (2.0 * PI).ln() }
}

/// x ln(x / mean) + mean - x without cancellation where x is near the mean (Loader 2000, *Fast and accurate computation of
/// binomial probabilities*), for x of at least 0 and a mean above 0.
///
/// With v = (x - mean) / (x + mean), ln(x / mean) = 2 artanh v, whose series gives (x - mean) v + 2 x (v³/3 + v⁵/5 + ..).
pub(crate) fn deviance(x: f64, mean: f64) -> f64 {
    if x == 0.0 {
        return mean;
    }
    let v = (x - mean) / (x + mean);
    if v.abs() >= 0.1 || v.is_nan() {
        return x * (x / mean).ln() + mean - x;
    }
    let mut power = 2.0 * x * v;
    let mut sum = (x - mean) * v;
    let mut odd = 1.0;
    loop {
        power *= v * v;
        odd += 2.0;
        let next = sum + power / odd;
        if next == sum {
            return sum;
        }
        sum = next;
    }
}
