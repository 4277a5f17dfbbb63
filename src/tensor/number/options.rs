//! How a column of numbers becomes inputs, as it is written.

use serde::{Deserialize, Serialize};

/// How a column of numbers becomes inputs. What is learned is learned from the training rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NumberScale {
    /// As they are; a missing value becomes the mean.
    None,
    /// By mean and sample standard deviation; a missing value becomes the mean.
    #[default]
    Zscore,
    /// By minimum and range, to 0 .. 1; a missing value becomes the mean.
    Minmax,
    /// By median and interquartile range, which a few extremes do not move; a missing value becomes the median. Where
    /// the quartiles are equal, half of the whole range takes their place.
    Robust(Robust),
    /// The logarithm of 1 + |x| with the sign of x, and then by mean and sample standard deviation: for amounts that go
    /// over several powers of ten.
    Log1p,
    /// The share of the training rows that lie below: evenly from 0 to 1, or as a normal distribution. A missing value
    /// becomes the median.
    Quantile(Quantile),
    /// An input of 0 or 1 for each of some intervals.
    Bin(Bin),
    /// How far the number has come through each of some intervals, from 0 to 1 (Gorishniy, Rubachev & Babenko 2022): a
    /// network can then bend at every border. A missing value becomes the median.
    PiecewiseLinear(PiecewiseLinear),
}

/// Options of `robust`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Robust {
    /// What is done with numbers far from the median.
    pub clip: Clip,
}

/// What is done with numbers far from the median.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clip {
    /// Nothing.
    #[default]
    None,
    /// `x / sqrt(1 + (x / 3)^2)`: near 0 nothing changes, nothing goes beyond -3 and 3 (Holzmüller, Grinsztajn &
    /// Steinwart 2024, RealMLP).
    Smooth,
}

/// Options of `quantile`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quantile {
    /// What the numbers are spread to.
    pub to: Spread,
    /// How many quantiles are kept; between them the line is straight.
    pub quantiles: usize,
}

impl Default for Quantile {
    fn default() -> Self {
        Self { to: Spread::Uniform, quantiles: 1000 }
    }
}

/// What `quantile` spreads numbers to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// Evenly from 0 to 1.
    #[default]
    Uniform,
    /// As a normal distribution, cut off at -5.2 and 5.2.
    Normal,
}

/// Options of `bin`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bin {
    /// How many intervals; fewer when their borders coincide.
    pub bins: usize,
    /// How they are cut.
    pub by: Cut,
}

impl Default for Bin {
    fn default() -> Self {
        Self { bins: 8, by: Cut::Quantile }
    }
}

/// How intervals are cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// With about as many training rows in each.
    #[default]
    Quantile,
    /// Equally wide.
    Width,
}

/// Options of `piecewise_linear`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PiecewiseLinear {
    /// How many intervals, cut at quantiles; fewer when their borders coincide.
    pub bins: usize,
}

impl Default for PiecewiseLinear {
    fn default() -> Self {
        Self { bins: 16 }
    }
}

/// The most intervals and quantiles of a column.
const MOST: usize = 10_000;

impl NumberScale {
    /// The name in the definition.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Zscore => "zscore",
            Self::Minmax => "minmax",
            Self::Robust(_) => "robust",
            Self::Log1p => "log1p",
            Self::Quantile(_) => "quantile",
            Self::Bin(_) => "bin",
            Self::PiecewiseLinear(_) => "piecewise_linear",
        }
    }

    /// Errors: what is wrong with an option, in a sentence.
    pub fn check(&self) -> Result<(), String> {
        let (option, number) = match self {
            Self::Quantile(quantile) => ("quantiles", quantile.quantiles),
            Self::Bin(bin) => ("bins", bin.bins),
            Self::PiecewiseLinear(piecewise) => ("bins", piecewise.bins),
            _ => return Ok(()),
        };
        match number {
            2..=MOST => Ok(()),
            _ => Err(format!("`{option}` is a number from 2 to {MOST}, not {number}")),
        }
    }

    /// Whether quantiles have to be known.
    pub fn needs_quantiles(&self) -> bool {
        match self {
            Self::None | Self::Zscore | Self::Minmax | Self::Log1p => false,
            Self::Bin(bin) => bin.by == Cut::Quantile,
            Self::Robust(_) | Self::Quantile(_) | Self::PiecewiseLinear(_) => true,
        }
    }
}
