//! Power: how surely a test finds an effect of a given size, and how many rows that takes.

use super::Alternative;
use crate::statistics::distributions::{chi_squared, f, noncentral_f, noncentral_t, normal, student_t};

/// A test whose power is asked for, with the size of the effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Design {
    /// One sample or pairs: Cohen's d. `n` counts values or pairs.
    OneSample {
        /// Cohen's d.
        d: f64,
    },
    /// Two independent samples: Cohen's d; the second has `ratio` times the rows of the first. `n` counts the first.
    TwoSamples {
        /// Cohen's d.
        d: f64,
        /// Rows of the second over rows of the first.
        ratio: f64,
    },
    /// Analysis of variance of `groups` groups: Cohen's f. `n` counts all rows.
    Anova {
        /// Cohen's f: √(η² / (1 - η²)).
        f: f64,
        /// Number of groups.
        groups: f64,
    },
    /// Two shares: Cohen's h. `n` counts the first.
    Proportions {
        /// Cohen's h.
        h: f64,
        /// Rows of the second over rows of the first.
        ratio: f64,
    },
    /// Chi-square: Cohen's w. `n` counts all rows.
    ChiSquare {
        /// Cohen's w.
        w: f64,
        /// Degrees of freedom.
        degrees: f64,
    },
}

/// The probability that the test with `n` rows (see [`Design`]) has a p-value below `alpha`. None outside of what can be computed.
#[must_use]
pub fn power(design: Design, n: f64, alpha: f64, alternative: Alternative) -> Option<f64> {
    let found = match design {
        Design::OneSample { d } => of_t(d * n.sqrt(), n - 1.0, alpha, alternative),
        Design::TwoSamples { d, ratio } => {
            let m = n * ratio;
            of_t(d * (n * m / (n + m)).sqrt(), n + m - 2.0, alpha, alternative)
        }
        Design::Anova { f: size, groups } => {
            let (above, below) = (groups - 1.0, n - groups);
            if below <= 0.0 {
                return None;
            }
            noncentral_f::f_sf(f::upper_quantile(alpha, above, below), above, below, size * size * n)
        }
        Design::Proportions { h, ratio } => {
            let shift = h * (n * ratio / (1.0 + ratio)).sqrt();
            of_z(shift, alpha, alternative)
        }
        Design::ChiSquare { w, degrees } => {
            noncentral_f::chi_squared_sf(chi_squared::upper_quantile(alpha, degrees), degrees, w * w * n)
        }
    };
    Some(found).filter(|power| power.is_finite())
}

fn of_t(delta: f64, degrees: f64, alpha: f64, alternative: Alternative) -> f64 {
    match alternative {
        Alternative::TwoSided => {
            let critical = student_t::upper_quantile(alpha / 2.0, degrees);
            noncentral_t::sf(critical, degrees, delta) + noncentral_t::cdf(-critical, degrees, delta)
        }
        Alternative::Greater => noncentral_t::sf(student_t::upper_quantile(alpha, degrees), degrees, delta),
        Alternative::Less => noncentral_t::cdf(-student_t::upper_quantile(alpha, degrees), degrees, delta),
    }
}

fn of_z(shift: f64, alpha: f64, alternative: Alternative) -> f64 {
    match alternative {
        Alternative::TwoSided => {
            let critical = normal::upper_quantile(alpha / 2.0);
            normal::sf(critical - shift) + normal::cdf(-critical - shift)
        }
        Alternative::Greater => normal::sf(normal::upper_quantile(alpha) - shift),
        Alternative::Less => normal::cdf(-normal::upper_quantile(alpha) - shift),
    }
}

/// The least whole `n` (see [`Design`]) with which the power is at least `wanted`; none when a billion is not enough.
#[must_use]
pub fn needed(design: Design, wanted: f64, alpha: f64, alternative: Alternative) -> Option<u64> {
    let enough = |n: u64| power(design, n as f64, alpha, alternative).is_some_and(|power| power >= wanted);
    let mut high = 2_u64;
    while !enough(high) {
        high *= 2;
        if high > 1_000_000_000 {
            return None;
        }
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if enough(middle) { high = middle } else { low = middle }
    }
    Some(high)
}
