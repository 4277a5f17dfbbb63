//! Exponentials and what is made of them, for `f32`, written so that the compiler can work on eight numbers at once.
//!
//! The standard library's functions are calls for one number each, which cost more than the products around them in a
//! network with smooth activations. These are polynomials without branches. Their largest error, measured by the tests
//! against `f64`, is below 3 units in the last place for [`exp`] and [`tanh`] and below 3e-7 for [`erf`]. NaN stays NaN.

/// `exp(x)`: `x = n ln 2 + r`, a polynomial for `exp(r)` by Moshier's Cephes library (1989), and `2^n` from its bits.
/// Below -87 it is 0, above 88.72 infinity.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // 1.5 * 2^23: adding it rounds to a whole number that then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let p = p * (r * r) + r + 1.0;
    // Half of 2^n, doubled after the product, so that n = 128 is no overflow.
    let half = f32::from_bits((rounded.to_bits() << 23).wrapping_add(126 << 23));
    let value = p * half * 2.0;
    let value = if x < -87.0 { 0.0 } else { value };
    if x > 88.722_83 { f32::INFINITY } else { value }
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `tanh(x)`: a polynomial in `x²` near 0 (Cephes), else `1 - 2 / (exp(2|x|) + 1)` with the sign of `x`.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let a = x.abs();
    let z = x * x;
    let p = -5.704_988_7e-3;
    let p = p * z + 2.063_909e-2;
    let p = p * z - 5.373_971_5e-2;
    let p = p * z + 1.333_144_2e-1;
    let p = p * z - 3.333_328e-1;
    let near = p * z * x + x;
    let far = (1.0 - 2.0 / (exp(2.0 * a) + 1.0)).copysign(x);
    if a < 0.625 { near } else { far }
}

/// The error function: Abramowitz & Stegun 1964, 7.1.26, whose error is below 1.5e-7 everywhere.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let a = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let p = 1.061_405_4;
    let p = p * t - 1.453_152_1;
    let p = p * t + 1.421_413_8;
    let p = p * t - 0.284_496_72;
    let p = p * t + 0.254_829_6;
    (1.0 - p * t * exp(-a * a)).copysign(x)
}

/// Values and gradients of units smaller than this are 0: 2^-62, so that the product of two that are left is not subnormal.
/// Processors take a hundred times as long for sums of subnormal numbers, of which a unit gives whole matrices when it
/// says nearly 0 for all rows: a training of 256 epochs took four times as long without this.
pub(crate) const TINY: f32 = 1.0 / (1_u64 << 62) as f32;

/// A number, or 0 where it is smaller than `bound`. NaN stays NaN.
#[inline(always)]
pub(crate) fn unless_below(bound: f32, x: f32) -> f32 {
    if x.abs() < bound { 0.0 } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error over a grid, in units of the last place of the true value.
    fn worst(from: f32, to: f32, f: impl Fn(f32) -> f32, truth: impl Fn(f64) -> f64) -> f64 {
        (0..=200_000)
            .map(|i| from + (to - from) * (i as f32 / 200_000.0))
            .map(|x| {
                let expected = truth(f64::from(x));
                let unit = f64::from((expected as f32).abs().next_up() - (expected as f32).abs());
                (f64::from(f(x)) - expected).abs() / unit
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn exponentials_are_right_to_a_few_units_in_the_last_place() {
        assert!(worst(-86.9, 88.7, exp, f64::exp) < 3.0);
        assert!(worst(-1.0, 1.0, exp, f64::exp) < 3.0);
        assert!(worst(-10.0, 10.0, tanh, f64::tanh) < 3.0);
        assert!(worst(-10.0, 10.0, sigmoid, |x| 1.0 / (1.0 + (-x).exp())) < 4.0);
    }

    #[test]
    fn the_error_function_is_that_of_the_tables() {
        // Abramowitz & Stegun 1964, table 7.1.
        for (x, expected) in
            [(0.0, 0.0), (0.1, 0.112_462_9), (0.5, 0.520_499_9), (1.0, 0.842_700_8), (2.0, 0.995_322_3)]
        {
            assert!((erf(x) - expected).abs() < 3e-7, "{x}");
            assert!((erf(-x) + expected).abs() < 3e-7, "-{x}");
        }
    }

    #[test]
    fn what_is_left_has_products_that_are_normal() {
        assert_eq!((unless_below(TINY, 0.9 * TINY), unless_below(TINY, -TINY)), (0.0, -TINY));
        assert!((TINY * TINY).is_normal() && unless_below(TINY, f32::NAN).is_nan());
        assert_eq!(unless_below(TINY, f32::NEG_INFINITY), f32::NEG_INFINITY);
    }

    #[test]
    fn ends_saturate_and_nan_stays() {
        assert_eq!((exp(-200.0), exp(200.0), exp(0.0)), (0.0, f32::INFINITY, 1.0));
        assert_eq!((exp(f32::NEG_INFINITY), exp(f32::INFINITY)), (0.0, f32::INFINITY));
        assert_eq!((sigmoid(-1000.0), sigmoid(1000.0), sigmoid(-0.0)), (0.0, 1.0, 0.5));
        assert_eq!((tanh(-1000.0), tanh(1000.0)), (-1.0, 1.0));
        assert!(
            exp(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan() && tanh(f32::NAN).is_nan() && erf(f32::NAN).is_nan()
        );
    }
}
