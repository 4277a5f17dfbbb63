//! Many tests at once: p-values adjusted so that chance alone does not look like a finding.
//!
//! An adjusted p-value is compared with the level as a single one would be. `bonferroni` (Bonferroni 1936), `holm` (Holm 1979) and `hochberg`
//! (Hochberg 1988; independent or positively dependent tests) bound the probability of any false finding; `benjamini_hochberg`
//! (Benjamini and Hochberg 1995) and `benjamini_yekutieli` (2001; any dependence) bound the expected share of false findings among all.
//!
//! # Example
//! ```
//! use gristmill::statistics::multiplicity::{Correction, adjust};
//!
//! let adjusted = adjust(&[0.01, 0.04, 0.03], Correction::Holm);
//! assert_eq!(adjusted, [0.03, 0.06, 0.06]);
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How p-values of a family are adjusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// Not at all: each test speaks for itself.
    None,
    /// Bonferroni: times the number of tests; bounds the probability of any false finding.
    Bonferroni,
    /// Holm: as Bonferroni, never weaker, under any dependence.
    Holm,
    /// Hochberg: as Holm, stronger, for independent or positively dependent tests.
    Hochberg,
    /// Benjamini and Hochberg: bounds the expected share of false findings among all findings.
    #[default]
    BenjaminiHochberg,
    /// Benjamini and Yekutieli: the same under any dependence of the tests.
    BenjaminiYekutieli,
}

impl Correction {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "no correction",
            Self::Bonferroni => "Bonferroni",
            Self::Holm => "Holm",
            Self::Hochberg => "Hochberg",
            Self::BenjaminiHochberg => "Benjamini-Hochberg",
            Self::BenjaminiYekutieli => "Benjamini-Yekutieli",
        }
    }
}

/// The adjusted p-values in the order of the given ones. NaN stands for a test that was not defined: it stays NaN and is no
/// part of the family. O(n log n).
pub fn adjust(p_values: &[f64], correction: Correction) -> Vec<f64> {
    adjust_among(p_values, 0, correction)
}

/// [`adjust`] for a part of a family of `tests` tests: those that are not given count as if their p-values were 1. That never makes
/// an adjusted value smaller than it would be with all of them, so that a part may be chosen by any rule, also by the data.
pub fn adjust_among(p_values: &[f64], tests: usize, correction: Correction) -> Vec<f64> {
    let tests = p_values.iter().filter(|p| !p.is_nan()).count().max(tests);
    let mut order: Vec<usize> =
        (0..p_values.len()).filter(|at| p_values.get(*at).is_some_and(|p| !p.is_nan())).collect();
    let value = |at: usize| p_values.get(at).copied().unwrap_or(f64::NAN);
    order.sort_by(|a, b| value(*a).total_cmp(&value(*b)));
    let mut adjusted = vec![f64::NAN; p_values.len()];
    let mut set = |at: usize, p: f64| {
        if let Some(place) = adjusted.get_mut(at) {
            *place = p.min(1.0);
        }
    };
    let count = tests as f64;
    // Steps up walk from the largest p-value down and keep the smallest seen; steps down the other way round.
    let step_up = |factor: &dyn Fn(f64) -> f64, set: &mut dyn FnMut(usize, f64)| {
        let mut smallest = f64::INFINITY;
        for (rank, at) in order.iter().enumerate().rev() {
            smallest = smallest.min(value(*at) * factor((rank + 1) as f64));
            set(*at, smallest);
        }
    };
    match correction {
        Correction::None => order.iter().for_each(|at| set(*at, value(*at))),
        Correction::Bonferroni => order.iter().for_each(|at| set(*at, value(*at) * count)),
        Correction::Holm => {
            let mut largest = 0.0_f64;
            for (rank, at) in order.iter().enumerate() {
                largest = largest.max(value(*at) * (count - rank as f64));
                set(*at, largest);
            }
        }
        Correction::Hochberg => step_up(&|rank| count - rank + 1.0, &mut set),
        Correction::BenjaminiHochberg => step_up(&|rank| count / rank, &mut set),
        Correction::BenjaminiYekutieli => {
            let harmonic = harmonic(tests);
            step_up(&|rank| harmonic * count / rank, &mut set);
        }
    }
    adjusted
}

/// The sum of 1/i for i up to `n`: added up, and beyond a million by its expansion, which is then right to the last digit.
fn harmonic(n: usize) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    if n <= 1_000_000 {
        return (1..=n).rev().map(|i| 1.0 / i as f64).sum();
    }
    let n = n as f64;
    n.ln() + EULER + 0.5 / n - 1.0 / (12.0 * n * n)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::statistics::oracle::{assert_close, cases};

    #[test]
    fn tests_that_are_not_given_count_as_passed_with_one() {
        let p = [0.001, 0.02, 0.004];
        let all: Vec<f64> = p.iter().copied().chain([1.0; 17]).collect();
        for correction in [
            Correction::None,
            Correction::Bonferroni,
            Correction::Holm,
            Correction::Hochberg,
            Correction::BenjaminiHochberg,
            Correction::BenjaminiYekutieli,
        ] {
            assert_eq!(adjust_among(&p, 20, correction), adjust(&all, correction)[..3], "{correction:?}");
        }
        let sum: f64 = (1..=3_000_000).rev().map(|i| 1.0 / f64::from(i)).sum();
        assert_close(harmonic(3_000_000), sum, 1e-14, "harmonic number");
    }

    #[test]
    fn agrees_with_statsmodels() {
        for case in cases(include_str!("../../tests/data/oracle/multiplicity_statsmodels.json"), "adjusted") {
            let correction: Correction = serde_json::from_value(case.text("correction").into()).unwrap();
            let found = adjust(&case.list("p"), correction);
            for (found, expected) in found.iter().zip(case.list("adjusted")) {
                assert_close(*found, expected, 1e-12, correction.name());
            }
        }
    }

    #[test]
    fn a_test_that_is_not_defined_is_no_part_of_the_family() {
        let adjusted = adjust(&[0.02, f64::NAN, 0.03], Correction::Bonferroni);
        assert_eq!((adjusted[0], adjusted[1].is_nan(), adjusted[2]), (0.04, true, 0.06));
        assert!(adjust(&[], Correction::Holm).is_empty());
    }
}
