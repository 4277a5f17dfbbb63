//! Tests of hypotheses: is what the rows show more than chance would?
//!
//! Each test gives a [`Tested`]: the statistic, its degrees of freedom, the p-value, an estimate in the units of the data and an effect size,
//! both with intervals. Where a test has no answer (all values equal, too few rows, numbers too large) it says why: [`Undefined`].
//! What can be told from counts, means and variances takes a [`Sample`], so that it streams; tests by ranks take the values.
//!
//! # Example
//! ```
//! use gristmill::statistics::hypothesis::{Alternative, Sample, t};
//!
//! let (a, b) = (Sample::of(&[5.1, 4.9, 6.0, 5.5]), Sample::of(&[6.2, 6.8, 7.1, 6.0, 6.6]));
//! let tested = t::welch(a, b, 0.0, Alternative::TwoSided, 0.95).unwrap();
//! assert!(tested.p_value < 0.02 && tested.estimate.unwrap().value < 0.0);
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moments::Moments;

pub mod anderson_darling;
pub mod anova;
pub mod chi_square;
pub mod fisher;
pub mod kolmogorov_smirnov;
pub mod kruskal_wallis;
pub mod levene;
pub mod mann_whitney;
pub mod post_hoc;
pub mod power;
pub mod proportions;
mod ranks;
pub mod shapiro_wilk;
pub mod t;
pub mod wilcoxon;

#[cfg(test)]
mod tests;

/// What is held against the hypothesis that there is no difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Alternative {
    /// There is a difference, whichever way.
    #[default]
    TwoSided,
    /// The first is less than the second, or than what it is compared with.
    Less,
    /// The first is greater.
    Greater,
}

impl Alternative {
    /// The p-value, told from the probabilities of at most and at least what was found.
    fn p_value(self, lower: f64, upper: f64) -> f64 {
        match self {
            Self::TwoSided => (2.0 * lower.min(upper)).min(1.0),
            Self::Less => lower,
            Self::Greater => upper,
        }
    }

    /// The interval around `value` for a distribution that is symmetric with that standard error; `quantile` gives the value that is
    /// exceeded with a probability. One side is open when the question has one side.
    fn interval(self, value: f64, error: f64, confidence: f64, quantile: impl Fn(f64) -> f64) -> (f64, f64) {
        let tail = 1.0 - confidence;
        match self {
            Self::TwoSided => {
                let reach = quantile(tail / 2.0) * error;
                (value - reach, value + reach)
            }
            Self::Less => (f64::NEG_INFINITY, value + quantile(tail) * error),
            Self::Greater => (value - quantile(tail) * error, f64::INFINITY),
        }
    }
}

/// Why a test has no answer, as the end of a sentence: "all values are equal".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not defined because {0}")]
pub struct Undefined(pub String);

impl Undefined {
    fn because<T>(reason: impl Into<String>) -> Result<T, Self> {
        Err(Self(reason.into()))
    }
}

/// A number under its name in the field, with an interval where one is known. An end may be infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// What it is: "difference of means".
    pub name: &'static str,
    /// The value.
    pub value: f64,
    /// The interval at the confidence that was asked for.
    pub interval: Option<(f64, f64)>,
}

impl Measured {
    fn new(name: &'static str, value: f64, interval: Option<(f64, f64)>) -> Self {
        let known = interval.filter(|(low, high)| !low.is_nan() && !high.is_nan());
        Self { name, value, interval: known }
    }
}

/// What a test found.
#[derive(Debug, Clone, PartialEq)]
pub struct Tested {
    /// The letter of the statistic: `t`.
    pub letter: &'static str,
    /// The statistic.
    pub statistic: f64,
    /// Its degrees of freedom, none to two.
    pub degrees: Vec<f64>,
    /// The probability of a statistic at least as extreme if there is no difference.
    pub p_value: f64,
    /// How large the difference is, in the units of the data.
    pub estimate: Option<Measured>,
    /// How large it is without units.
    pub effect: Option<Measured>,
    /// Other measures of the same, which readers of the field expect beside it.
    pub also: Vec<Measured>,
    /// How the p-value was found, where there is a choice: "exact", "normal approximation, corrected for ties".
    pub how: Option<String>,
}

impl Tested {
    fn new(letter: &'static str, statistic: f64, degrees: &[f64], p_value: f64) -> Self {
        let degrees = degrees.to_vec();
        Self { letter, statistic, degrees, p_value, estimate: None, effect: None, also: Vec::new(), how: None }
    }

    /// Refuses numbers that have overflowed.
    fn checked(self) -> Result<Self, Undefined> {
        if self.statistic.is_nan() || self.p_value.is_nan() {
            Undefined::because("the numbers are too large or too small to be squared")
        } else {
            Ok(self)
        }
    }
}

/// How many values there are, their mean and their sample variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Number of values.
    pub n: f64,
    /// Their mean; NaN when there is none.
    pub mean: f64,
    /// Their variance with n - 1 below; NaN for less than two values.
    pub variance: f64,
}

impl Sample {
    /// The sample of these values; NaN is left out.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let mut moments = Moments::new();
        moments.extend(values);
        Self::from(&moments)
    }

    fn require(self, least: f64, who: &str) -> Result<Self, Undefined> {
        if self.n < least {
            return Undefined::because(format!("{who} has {} of the {least} values that it needs at least", self.n));
        }
        if !self.mean.is_finite() || (self.n > 1.0 && !self.variance.is_finite()) {
            return Undefined::because(format!("the values of {who} are infinite or too large to be squared"));
        }
        Ok(self)
    }

    fn sum_of_squares(self) -> f64 {
        self.variance * (self.n - 1.0)
    }
}

impl From<&Moments> for Sample {
    fn from(moments: &Moments) -> Self {
        Self {
            n: moments.count() as f64,
            mean: moments.mean().unwrap_or(f64::NAN),
            variance: moments.variance().unwrap_or(f64::NAN),
        }
    }
}
