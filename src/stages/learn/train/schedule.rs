//! Schedules of the learning rate as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::nn::{self, ScheduleKind, ScheduleSpec};

/// How the learning rate changes: `cosine`, or `{step: {every: 10, factor: 0.5}}`. Each may begin with a warm-up of some
/// epochs, in which the rate grows evenly from near 0.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// Always the learning rate.
    #[default]
    Constant,
    /// Multiplied by `factor` after each `every` epochs.
    Step(Step),
    /// Half a cosine, from the learning rate down to `end` times it (Loshchilov & Hutter 2017).
    Cosine(Cosine),
    /// Up to the learning rate and down again (Smith & Topin 2018).
    OneCycle(OneCycle),
    /// The learning rate after a warm-up (Goyal et al. 2017).
    WarmUp(WarmUp),
    /// Multiplied by `factor` when the validation loss no longer falls.
    Plateau(Plateau),
    /// Four waves of growing length from 0 to the learning rate and back (Holzmüller et al. 2024, RealMLP).
    Coslog4,
}

/// Options of steps.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// After how many epochs; above 0.
    every: f64,
    /// By what the rate is multiplied; above 0.
    #[serde(default = "tenth")]
    factor: f64,
    /// Epochs of warm-up.
    #[serde(default)]
    warm_up: f64,
}

fn tenth() -> f64 {
    0.1
}

/// Options of the cosine.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cosine {
    /// What is left of the rate at the end, from 0 to 1.
    end: f64,
    /// Epochs of warm-up.
    warm_up: f64,
}

/// Options of the one cycle.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OneCycle {
    /// The share of the steps on the way up, between 0 and 1.
    up: f64,
    /// By what the learning rate is divided at the start; above 0.
    start_divisor: f64,
    /// By what the rate of the start is divided at the end; above 0.
    end_divisor: f64,
}

impl Default for OneCycle {
    fn default() -> Self {
        Self { up: 0.3, start_divisor: 25.0, end_divisor: 1e4 }
    }
}

/// Options of a warm-up alone.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WarmUp {
    /// How many epochs it takes; 0 or above.
    epochs: f64,
}

impl Default for WarmUp {
    fn default() -> Self {
        Self { epochs: 1.0 }
    }
}

/// Options of a plateau.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Plateau {
    /// By what the rate is multiplied, between 0 and 1.
    factor: f64,
    /// How many epochs without an improvement are let pass.
    patience: usize,
    /// The share of the best loss by which a loss must be below it to be an improvement, from 0 to below 1.
    threshold: f64,
    /// The factor never falls below this, from 0 to 1.
    minimum: f64,
    /// Epochs of warm-up.
    warm_up: f64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { factor: 0.1, patience: 10, threshold: 1e-4, minimum: 0.0, warm_up: 0.0 }
    }
}

impl Schedule {
    /// As the training knows it.
    pub(super) fn spec(&self) -> ScheduleSpec {
        let (kind, warm_up) = match *self {
            Self::Constant => (ScheduleKind::Constant, 0.0),
            Self::Step(Step { every, factor, warm_up }) => (ScheduleKind::Step { every, factor }, warm_up),
            Self::Cosine(Cosine { end, warm_up }) => (ScheduleKind::Cosine { end }, warm_up),
            Self::OneCycle(OneCycle { up, start_divisor, end_divisor }) => {
                (ScheduleKind::OneCycle { up, start_divisor, end_divisor }, 0.0)
            }
            Self::WarmUp(WarmUp { epochs }) => (ScheduleKind::Constant, epochs),
            Self::Plateau(Plateau { factor, patience, threshold, minimum, warm_up }) => {
                (ScheduleKind::Plateau(nn::Plateau { factor, patience, threshold, minimum }), warm_up)
            }
            Self::Coslog4 => (ScheduleKind::Coslog4, 0.0),
        };
        ScheduleSpec { kind, warm_up }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_training() {
        let kind = |json: &str| serde_json::from_str::<ScheduleKind>(json).ok();
        assert_eq!(Some(Schedule::Cosine(Cosine::default()).spec().kind), kind(r#"{"cosine": {}}"#));
        assert_eq!(Some(Schedule::OneCycle(OneCycle::default()).spec().kind), kind(r#"{"one_cycle": {}}"#));
        assert_eq!(Some(Schedule::Plateau(Plateau::default()).spec().kind), kind(r#"{"plateau": {}}"#));
        assert_eq!(Schedule::default().spec(), ScheduleSpec::default());
        assert_eq!(Schedule::WarmUp(WarmUp { epochs: 2.0 }).spec().warm_up, 2.0);
    }
}
