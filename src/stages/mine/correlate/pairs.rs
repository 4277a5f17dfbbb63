//! Pairs of columns, what is measured of each, and what was found.

use super::Method;
use crate::statistics::association::{CorrelationRatio, CramersV, MutualInformation};
use crate::statistics::correlation::{Correlation, DistanceCorrelation, Kendall};

/// What a column can be compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Number,
    Category,
    /// A boolean: a category, or 0 and 1.
    Both,
}

/// What is measured of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Pearson,
    Spearman,
    Kendall,
    Distance,
    CramersV,
    /// The first column is the number and the second the category when the flag is set.
    CorrelationRatio {
        number_first: bool,
    },
    MutualInformation,
}

/// A pair by the positions of its columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct PairPlan {
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) measure: Measure,
}

impl Measure {
    /// What a method measures of columns of these roles; none where they do not fit.
    pub(super) fn of(method: Method, a: Role, b: Role) -> Option<Self> {
        use Role::{Both, Category, Number};
        let numbers = a != Category && b != Category;
        let categories = a != Number && b != Number;
        let ratio = match (a, b) {
            (Number, Category | Both) => Some(Self::CorrelationRatio { number_first: true }),
            (Category | Both, Number) => Some(Self::CorrelationRatio { number_first: false }),
            _ => None,
        };
        match method {
            Method::Pearson => numbers.then_some(Self::Pearson),
            Method::Spearman => numbers.then_some(Self::Spearman),
            Method::Kendall => numbers.then_some(Self::Kendall),
            Method::Distance => numbers.then_some(Self::Distance),
            Method::CramersV => categories.then_some(Self::CramersV),
            Method::CorrelationRatio => ratio,
            Method::MutualInformation => Some(Self::MutualInformation),
            Method::Auto if numbers => Some(Self::Pearson),
            Method::Auto if categories => Some(Self::CramersV),
            Method::Auto => ratio,
        }
    }

    /// Its name in the product.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pearson => "pearson",
            Self::Spearman => "spearman",
            Self::Kendall => "kendall",
            Self::Distance => "distance",
            Self::CramersV => "cramers_v",
            Self::CorrelationRatio { .. } => "correlation_ratio",
            Self::MutualInformation => "mutual_information",
        }
    }

    /// Its name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pearson => "Pearson's r",
            Self::Spearman => "Spearman's rho",
            Self::Kendall => "Kendall's tau-b",
            Self::Distance => "distance correlation",
            Self::CramersV => "Cram\u{e9}r's V",
            Self::CorrelationRatio { .. } => "correlation ratio",
            Self::MutualInformation => "mutual information",
        }
    }

    /// How it is to be read.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Pearson => "Pearson's r is from -1 to 1 and sees linear dependence only: a curve may have r = 0.",
            Self::Spearman => {
                "Spearman's rho is Pearson's r of the ranks: 1 when one column always rises with the other, however curved."
            }
            Self::Kendall => {
                "Kendall's tau-b is the share of pairs of rows in the same order less the share in opposite orders, ties accounted for; it is smaller than rho of the same rows."
            }
            Self::Distance => {
                "Distance correlation is 0 only of independent columns and sees dependence of any form; it has no sign."
            }
            Self::CramersV => {
                "Cram\u{e9}r's V is 0 of independent categories and 1 when each tells the other; it has no sign. The bias by many categories is taken off."
            }
            Self::CorrelationRatio { .. } => {
                "The correlation ratio squared is the share of the number's variance that lies between the categories; it has no sign. The bias by many categories is taken off."
            }
            Self::MutualInformation => {
                "Mutual information is how many nats one column tells of the other: 0 when nothing, at most the smaller entropy of the two."
            }
        }
    }
}

/// A pair with its measures.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) a: String,
    pub(super) b: String,
    pub(super) measure: Measure,
    pub(super) coefficient: Option<f64>,
    pub(super) uncorrected: Option<f64>,
    pub(super) rows: u64,
    pub(super) interval: Option<(f64, f64)>,
    pub(super) p_value: Option<f64>,
    pub(super) adjusted: Option<f64>,
    pub(super) remark: Option<String>,
}

/// Expected counts below this make the chi-squared test rough (Cochran 1954).
const ROUGH: f64 = 5.0;
/// Rows below which Student's t is rough for ranks.
const FEW: u64 = 10;

fn rough(least_expected: f64) -> Option<String> {
    (least_expected < ROUGH).then(|| "some expected counts are below 5: interval and p-value are rough".to_owned())
}

impl Pair {
    /// A pair of which nothing could be told.
    pub(super) fn undefined(a: &str, b: &str, measure: Measure, rows: u64, why: impl Into<String>) -> Self {
        Self {
            a: a.to_owned(),
            b: b.to_owned(),
            measure,
            coefficient: None,
            uncorrected: None,
            rows,
            interval: None,
            p_value: None,
            adjusted: None,
            remark: Some(why.into()),
        }
    }

    pub(super) fn strength(&self) -> f64 {
        self.coefficient.map_or(-1.0, f64::abs)
    }

    fn told(self, coefficient: f64, rows: u64, interval: Option<(f64, f64)>, p_value: Option<f64>) -> Self {
        Self { coefficient: Some(coefficient), rows, interval, p_value, remark: None, ..self }
    }

    pub(super) fn with_correlation(self, found: &Correlation, level: f64) -> Self {
        let interval = match self.measure {
            Measure::Spearman => found.rank_interval(level),
            _ => found.interval(level),
        };
        let rough = match found.count {
            ..3 => Some("two rows always lie on a line: there is no p-value".to_owned()),
            3..FEW if self.measure == Measure::Spearman => {
                Some("fewer than 10 rows: interval and p-value are rough".to_owned())
            }
            _ => None,
        };
        let pair = self.told(found.coefficient, found.count, interval, found.p_value());
        Self { remark: rough, ..pair }
    }

    pub(super) fn with_kendall(self, found: &Kendall, level: f64) -> Self {
        self.told(found.tau, found.count, found.interval(level), found.p_value())
    }

    pub(super) fn with_distance(self, found: &DistanceCorrelation, level: f64) -> Self {
        let pair = self.told(found.corrected(), found.count, found.interval(level), found.p_value());
        Self { uncorrected: Some(found.sample), ..pair }
    }

    pub(super) fn with_cramers_v(self, found: &CramersV, level: f64) -> Self {
        let rough = rough(found.least_expected);
        let pair = self.told(found.v, found.count, found.interval(level), found.p_value());
        Self { uncorrected: Some(found.uncorrected), remark: rough, ..pair }
    }

    pub(super) fn with_ratio(self, found: &CorrelationRatio, level: f64) -> Self {
        let pair = self.told(found.corrected(), found.count, found.interval(level), found.p_value());
        Self { uncorrected: Some(found.eta()), ..pair }
    }

    pub(super) fn with_information(self, found: &MutualInformation, level: f64) -> Self {
        let rough = rough(found.least_expected);
        let pair = self.told(found.corrected(), found.count, found.interval(level), found.p_value());
        Self { uncorrected: Some(found.information), remark: rough, ..pair }
    }
}
