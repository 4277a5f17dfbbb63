//! Options of `tune` as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tuning::{Sampler, Tpe};

/// How the next trial is chosen.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Where good trials are dense and bad ones are not.
    Tpe(TpeOptions),
    /// By chance.
    Random,
    /// All combinations.
    Grid,
    /// Few epochs for all, more for the best, rung by rung.
    Halving(Rungs),
    /// The same without waiting for a rung to be full.
    Asha(Rungs),
}

impl Default for Strategy {
    fn default() -> Self {
        Self::Tpe(TpeOptions::default())
    }
}

/// Options of the tree-structured Parzen estimator.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TpeOptions {
    /// Trials by chance before it begins.
    #[serde(default = "startup")]
    startup: usize,
    /// Points of which the most promising is tried.
    #[serde(default = "candidates")]
    candidates: usize,
    /// Whether all options are looked at together; otherwise each on its own.
    #[serde(default = "joint")]
    joint: bool,
}

impl Default for TpeOptions {
    fn default() -> Self {
        Self { startup: startup(), candidates: candidates(), joint: joint() }
    }
}

fn startup() -> usize {
    10
}

fn candidates() -> usize {
    24
}

fn joint() -> bool {
    true
}

/// Options of successive halving.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rungs {
    /// The fewest epochs that a configuration is judged after; the lowest rung has at least as many.
    #[serde(default = "least")]
    pub(super) least: u64,
    /// How many times more epochs the next rung has, and which part of the configurations comes to it.
    #[serde(default = "factor")]
    pub(super) factor: u64,
    /// How configurations are chosen.
    #[serde(default)]
    pub(super) sampler: RungSampler,
}

fn least() -> u64 {
    1
}

fn factor() -> u64 {
    3
}

/// How configurations are chosen where budgets grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RungSampler {
    /// By chance.
    #[default]
    Random,
    /// By a tree-structured Parzen estimator over the highest rung that enough have come to (BOHB, Falkner et al. 2018).
    Tpe,
}

impl Strategy {
    /// What proposes configurations.
    pub(super) fn sampler(&self) -> Sampler {
        match self {
            Self::Tpe(TpeOptions { startup, candidates, joint }) => {
                // A large number of candidates would only cost time.
                Sampler::Tpe(Tpe {
                    startup: (*startup).max(1),
                    candidates: (*candidates).clamp(1, 10_000),
                    joint: *joint,
                })
            }
            Self::Grid => Sampler::Grid,
            Self::Halving(Rungs { sampler: RungSampler::Tpe, .. })
            | Self::Asha(Rungs { sampler: RungSampler::Tpe, .. }) => Sampler::Tpe(Tpe::default()),
            Self::Random | Self::Halving(_) | Self::Asha(_) => Sampler::Random,
        }
    }

    /// What it is called.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Tpe(_) => "tpe",
            Self::Random => "random",
            Self::Grid => "grid",
            Self::Halving(_) => "halving",
            Self::Asha(_) => "asha",
        }
    }
}
