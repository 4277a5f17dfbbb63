//! The options of `trends` that have values of their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Node, Spanned};
use crate::statistics::series::forecasting::Take;
use crate::statistics::series::gaps::Fill;

/// What becomes of the values of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Aggregate {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// How many there are; rows, when no `value` is named.
    Count,
    /// The one with the latest time.
    Last,
}

impl Aggregate {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Sum => "sum",
            Self::Min => "minimum",
            Self::Max => "maximum",
            Self::Count => "count",
            Self::Last => "last value",
        }
    }
}

/// What is put in the place of missing periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Filling {
    /// Nothing.
    None,
    /// The straight line between the neighbours.
    Linear,
    /// The value before.
    Previous,
    /// Zero.
    Zero,
}

impl Filling {
    pub(super) fn rule(self) -> Fill {
        match self {
            Self::None => Fill::None,
            Self::Linear => Fill::Linear,
            Self::Previous => Fill::Previous,
            Self::Zero => Fill::Zero,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::None => "not filled",
            Self::Linear => "filled by the straight line between their neighbours",
            Self::Previous => "filled by the value before",
            Self::Zero => "filled by 0",
        }
    }
}

/// How the season is taken out.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Season {
    /// Seasons whose values are smoothed together, odd, from 3: the smaller, the faster the season may change.
    pub(super) window: Spanned<usize>,
    /// Whether outliers get less weight.
    pub(super) robust: bool,
}

impl Default for Season {
    fn default() -> Self {
        Self { window: Spanned::nowhere(11), robust: true }
    }
}

/// How jumps of the level are found.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ChangePoints {
    /// What a jump must be worth: `bic`, `aic` (2 times the noise: more jumps), `none` (jumps are not looked for), or a number in
    /// units of the cost (squared units of the values for `mean`).
    pub(super) penalty: Option<Node>,
    /// What jumps.
    pub(super) cost: Jump,
    /// The fewest periods between two jumps; a season, and at least 5, when absent.
    pub(super) shortest: Option<Spanned<usize>>,
}

impl Default for ChangePoints {
    fn default() -> Self {
        Self { penalty: None, cost: Jump::Mean, shortest: None }
    }
}

/// What jumps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Jump {
    /// The level.
    #[default]
    Mean,
    /// The level or the spread.
    MeanAndVariance,
}

/// What is foretold.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Forecasting {
    /// How many periods.
    pub(super) horizon: Spanned<usize>,
    /// From how many origins in the past the forecast is tried, at most; they lie a horizon apart.
    #[serde(default = "folds")]
    pub(super) folds: Spanned<usize>,
    /// Which forecast is taken.
    #[serde(default)]
    pub(super) model: Model,
}

fn folds() -> Spanned<usize> {
    Spanned::nowhere(5)
}

/// Which forecast is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Model {
    /// What did better in the backtest.
    #[default]
    Better,
    /// Exponential smoothing.
    HoltWinters,
    /// The last season again.
    Naive,
}

impl Model {
    pub(super) fn take(self) -> Take {
        match self {
            Self::Better => Take::Better,
            Self::HoltWinters => Take::Model,
            Self::Naive => Take::Naive,
        }
    }
}
