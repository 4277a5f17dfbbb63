//! The power that makes numbers look normal.
//!
//! Yeo & Johnson 2000, *A new family of power transformations to improve normality or symmetry*: for x >= 0 the Box-Cox
//! transformation of x + 1, for x < 0 that of 1 - x with the power 2 - lambda, with the sign turned. The power is the one
//! that makes the data most likely if the result is normal, found by Brent's method (Brent 1973, chapter 5) between the two
//! neighbours of the best of a row of tries.
//!
//! # Complexity
//! O(n) for each of some 60 tries.
//!
//! # Example
//! ```
//! use gristmill::statistics::yeo_johnson::{best_power, transform};
//!
//! let incomes: Vec<f64> = (1..200).map(|i| (f64::from(i) / 30.0).exp()).collect();
//! let power = best_power(&incomes).unwrap();
//! assert!(power < 0.3, "a logarithm makes them even: {power}");
//! assert_eq!(transform(3.0, 1.0), 3.0);
//! ```

/// The powers that are tried are from minus to plus this.
pub const LARGEST_POWER: f64 = 1_280.0;

/// The transformed value.
#[must_use]
pub fn transform(x: f64, power: f64) -> f64 {
    let positive = |x: f64, power: f64| {
        if power.abs() < f64::EPSILON { x.ln_1p() } else { (power * x.ln_1p()).exp_m1() / power }
    };
    if x >= 0.0 { positive(x, power) } else { -positive(-x, 2.0 - power) }
}

/// The value that [`transform`] turns into `y`; NaN where there is none.
#[must_use]
pub fn invert(y: f64, power: f64) -> f64 {
    let positive = |y: f64, power: f64| {
        if power.abs() < f64::EPSILON { y.exp_m1() } else { ((y * power).ln_1p() / power).exp_m1() }
    };
    if y >= 0.0 { positive(y, power) } else { -positive(-y, 2.0 - power) }
}

/// The power of greatest likelihood; none without two different finite values. Values that are not finite are left out.
#[must_use]
pub fn best_power(values: &[f64]) -> Option<f64> {
    let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let first = values.first()?;
    if values.iter().all(|value| value == first) {
        return None;
    }
    let logarithms: f64 = values.iter().map(|x| x.abs().ln_1p().copysign(*x)).sum();
    let cost = |power: f64| {
        let cost = -likelihood(&values, logarithms, power);
        if cost.is_nan() { f64::INFINITY } else { cost }
    };
    // Numbers much smaller than 1 need a power as large as 1 is beside them.
    let far = || (0..8).map(|doubling| 10.0 * f64::from(1 << doubling));
    let near = (-16..=16).map(|half| f64::from(half) / 2.0);
    let mut tries: Vec<f64> = far().map(|power| -power).chain(near).chain(far()).collect();
    tries.sort_by(f64::total_cmp);
    let costs: Vec<f64> = tries.iter().map(|power| cost(*power)).collect();
    let best = (0..tries.len()).min_by(|a, b| costs[*a].total_cmp(&costs[*b]))?;
    let low = tries[best.saturating_sub(1)];
    let high = tries[(best + 1).min(tries.len() - 1)];
    Some(minimum(low, high, cost))
}

/// The logarithm of the likelihood up to a constant; `logarithms` is the sum of sign(x) ln(1 + |x|).
fn likelihood(values: &[f64], logarithms: f64, power: f64) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().map(|x| transform(*x, power)).sum::<f64>() / n;
    let variance = values.iter().map(|x| (transform(*x, power) - mean).powi(2)).sum::<f64>() / n;
    // A variance that vanishes beside the mean is rounding, not a perfect fit.
    if !variance.is_finite() || variance <= (mean * 1e-13).powi(2) {
        return f64::NEG_INFINITY;
    }
    -n / 2.0 * variance.ln() + (power - 1.0) * logarithms
}

/// The minimum of a function with one valley between `low` and `high`: golden sections, and parabolas where they fit
/// (Brent 1973, `localmin`).
fn minimum(low: f64, high: f64, cost: impl Fn(f64) -> f64) -> f64 {
    const GOLDEN: f64 = 0.381_966_011_250_105_1;
    let (mut a, mut b) = (low, high);
    let mut x = a + GOLDEN * (b - a);
    let (mut w, mut v) = (x, x);
    let mut fx = cost(x);
    let (mut fw, mut fv) = (fx, fx);
    let (mut step, mut before) = (0.0_f64, 0.0_f64);
    for _ in 0..100 {
        let middle = 0.5 * (a + b);
        let tolerance = 1e-9 * x.abs() + 1e-10;
        if (x - middle).abs() <= 2.0 * tolerance - 0.5 * (b - a) {
            break;
        }
        let r = (x - w) * (fx - fv);
        let q = (x - v) * (fx - fw);
        let mut p = (x - v) * q - (x - w) * r;
        let mut q = 2.0 * (q - r);
        if q > 0.0 {
            p = -p;
        } else {
            q = -q;
        }
        let parabola = before.abs() > tolerance
            && p.is_finite()
            && p.abs() < (0.5 * q * before).abs()
            && p > q * (a - x)
            && p < q * (b - x);
        if parabola {
            before = step;
            step = p / q;
            let u = x + step;
            if u - a < 2.0 * tolerance || b - u < 2.0 * tolerance {
                step = tolerance.copysign(middle - x);
            }
        } else {
            before = if x < middle { b - x } else { a - x };
            step = GOLDEN * before;
        }
        let u = x + if step.abs() >= tolerance { step } else { tolerance.copysign(step) };
        let fu = cost(u);
        if fu <= fx {
            if u < x {
                b = x
            } else {
                a = x
            }
            (v, fv, w, fw, x, fx) = (w, fw, x, fx, u, fu);
        } else {
            if u < x {
                a = u
            } else {
                b = u
            }
            if fu <= fw || w == x {
                (v, fv, w, fw) = (w, fw, u, fu);
            } else if fu <= fv || v == x || v == w {
                (v, fv) = (u, fu);
            }
        }
    }
    x
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn powers_and_values_are_those_of_scikit_learn() {
        let oracle: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/data/oracle/preparation_sklearn.json")).unwrap();
        for case in oracle["yeo_johnson"].as_array().unwrap() {
            let numbers = |key: &str| -> Vec<f64> {
                case[key].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
            };
            let (values, name) = (numbers("values"), case["name"].as_str().unwrap());
            let (found, expected) = (best_power(&values).unwrap(), case["power"].as_f64().unwrap());
            // SciPy stops where the likelihood no longer changes in its last digits.
            assert!((found - expected).abs() < 2e-6 * (1.0 + expected.abs()), "{name}: {found} {expected}");
            for (value, expected) in values.iter().zip(numbers("transformed")) {
                let found = transform(*value, case["power"].as_f64().unwrap());
                assert!((found - expected).abs() <= 1e-10 * (1.0 + expected.abs()), "{name}: {found} {expected}");
            }
        }
    }

    #[test]
    fn equal_values_have_no_power() {
        assert_eq!(best_power(&[2.0; 9]), None);
        assert_eq!(best_power(&[]), None);
        assert_eq!(best_power(&[f64::NAN, 1.0]), None);
    }

    proptest! {
        #[test]
        fn a_value_comes_back(x in -1e4..1e4_f64, power in -1.5..3.5_f64) {
            let y = transform(x, power);
            let back = invert(y, power);
            // Far out on the flat side the value is lost in the last digits of y.
            let flat = if x >= 0.0 { power } else { 2.0 - power };
            if flat > -0.3 {
                prop_assert!((back - x).abs() < 1e-4 * (1.0 + x.abs()), "{x} -> {y} -> {back}");
            }
        }

        #[test]
        fn any_values_have_a_finite_power(values in prop::collection::vec(prop_oneof![-1e12..1e12, -1.0..1.0_f64], 2..40)) {
            if let Some(power) = best_power(&values) {
                prop_assert!(power.abs() <= LARGEST_POWER);
            }
        }
    }
}
