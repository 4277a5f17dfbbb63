//! The noncentral t distribution: what t statistics follow when there is an effect.

use super::scale_mixture::mean_over_scale;
use super::{normal, student_t};

/// Beyond that many degrees of freedom the sample's standard deviation is as good as known.
const AS_GOOD_AS_NORMAL: f64 = 1e14;
/// The largest noncentrality that is computed; beyond it the functions give NaN.
pub const MOST_NONCENTRALITY: f64 = 1e5;

/// The probability that T = (Z + δ) / √(χ²/ν) is at most `t`, for ν of at least 1.
///
/// The mean of Φ(t S - δ) over the sample standard deviation S (Johnson, Kotz & Balakrishnan 1995, chapter 31). Absolute error below 1e-12.
#[must_use]
pub fn cdf(t: f64, degrees: f64, delta: f64) -> f64 {
    tail(t, degrees, delta, normal::cdf)
}

/// The probability of more than `t`; see [`cdf`].
#[must_use]
pub fn sf(t: f64, degrees: f64, delta: f64) -> f64 {
    tail(t, degrees, delta, normal::sf)
}

fn tail(t: f64, degrees: f64, delta: f64, of_normal: fn(f64) -> f64) -> f64 {
    if t.is_nan() || degrees.is_nan() || degrees < 1.0 || delta.is_nan() || delta.abs() > MOST_NONCENTRALITY {
        f64::NAN
    } else if t.is_infinite() {
        of_normal(t)
    } else if delta == 0.0 {
        let upper = student_t::sf(t, degrees);
        if of_normal(1.0) > 0.5 { student_t::cdf(t, degrees) } else { upper }
    } else if degrees >= AS_GOOD_AS_NORMAL {
        of_normal(t - delta)
    } else {
        mean_over_scale(degrees, delta.abs() + 1.0, |scale| of_normal(t * scale - delta)).clamp(0.0, 1.0)
    }
}

/// The noncentralities between which a t statistic lies with that confidence: δ with P(T > t) = (1 - confidence) / 2, and its
/// counterpart. None where they cannot be found.
///
/// Halving, 60 evaluations each: an interval of a standardized effect is one of a noncentrality (Steiger & Fouladi 1997).
#[must_use]
pub fn noncentrality_interval(t: f64, degrees: f64, confidence: f64) -> Option<(f64, f64)> {
    let tail = (1.0 - confidence) / 2.0;
    if !(t.is_finite() && degrees >= 1.0 && tail > 0.0 && tail < 0.5 && t.abs() < MOST_NONCENTRALITY / 4.0) {
        return None;
    }
    // T = (Z + δ) / S: δ is within some deviations of t S.
    let reach = 10.0 + 10.0 * t.abs() / (2.0 * degrees).sqrt().max(1.0) + 2.0 * t.abs() / degrees.sqrt();
    let reach = reach.min(MOST_NONCENTRALITY / 2.0);
    let solve = |wanted: f64| {
        let (mut low, mut high) = (t - reach - t.abs(), t + reach + t.abs());
        for _ in 0..80 {
            let middle = f64::midpoint(low, high);
            if sf(t, degrees, middle) < wanted {
                low = middle;
            } else {
                high = middle;
            }
            if high - low <= 1e-13 * middle.abs().max(1.0) {
                break;
            }
        }
        f64::midpoint(low, high)
    };
    Some((solve(tail), solve(1.0 - tail)))
}
