//! Schedules: how the learning rate changes while training goes on.
//!
//! A schedule gives the factor of the learning rate for a step, told from the number of the step alone, except for
//! [`Plateau`], which listens to the validation loss.

mod cosine;
mod coslog4;
mod one_cycle;
mod plateau;
mod step;

pub use plateau::{Plateau, PlateauState};

use serde::{Deserialize, Serialize};

/// A schedule as it is described.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ScheduleKind {
    /// Always the learning rate.
    #[default]
    Constant,
    /// Multiplied by `factor` after each `every` epochs.
    Step {
        /// Above 0.
        every: f64,
        /// Above 0. Default 0.1.
        #[serde(default = "defaults::tenth")]
        factor: f64,
    },
    /// Half a cosine, from the learning rate down to `end` times it (Loshchilov & Hutter 2017, without restarts).
    Cosine {
        /// In `[0, 1]`. Default 0.
        #[serde(default)]
        end: f64,
    },
    /// Up to the learning rate and down again, by cosines (Smith & Topin 2018).
    OneCycle {
        /// The share of the steps on the way up, in `(0, 1)`. Default 0.3.
        #[serde(default = "defaults::up")]
        up: f64,
        /// By what the learning rate is divided at the start, above 0. Default 25.
        #[serde(default = "defaults::start")]
        start_divisor: f64,
        /// By what the rate of the start is divided at the end, above 0. Default 10 000.
        #[serde(default = "defaults::end")]
        end_divisor: f64,
    },
    /// Multiplied by a factor whenever the validation loss no longer falls.
    Plateau(Plateau),
    /// Four waves of growing length from 0 to the learning rate and back (Holzmüller et al. 2024, RealMLP).
    Coslog4,
}

mod defaults {
    pub(super) fn tenth() -> f64 {
        0.1
    }
    pub(super) fn up() -> f64 {
        0.3
    }
    pub(super) fn start() -> f64 {
        25.0
    }
    pub(super) fn end() -> f64 {
        1e4
    }
}

/// A schedule with a warm-up before it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleSpec {
    /// How the rate changes.
    pub kind: ScheduleKind,
    /// For so many epochs the rate grows evenly from near 0 to what the schedule says (Goyal et al. 2017). Default 0.
    pub warm_up: f64,
}

/// Where a step stands in its training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// The number of the step, from 0.
    pub step: u64,
    /// How many steps the training has at most.
    pub steps: u64,
    /// How many epochs are done, with the share of the current one.
    pub epoch: f64,
    /// How many steps the current epoch has.
    pub steps_per_epoch: u64,
}

impl ScheduleSpec {
    /// Errors: the option and what would be right.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let positive = |option, value: f64| {
            let right = value.is_finite() && value > 0.0;
            if right { Ok(()) } else { Err((option, format!("must be a number above 0, it is {value}"))) }
        };
        let share = |option, value: f64, right: bool| {
            if right { Ok(()) } else { Err((option, format!("must lie between 0 and 1, it is {value}"))) }
        };
        if !(self.warm_up.is_finite() && self.warm_up >= 0.0) {
            return Err(("warm_up", format!("must be 0 or a number above, it is {}", self.warm_up)));
        }
        match self.kind {
            ScheduleKind::Constant | ScheduleKind::Coslog4 => Ok(()),
            ScheduleKind::Step { every, factor } => {
                positive("every", every)?;
                positive("factor", factor)
            }
            ScheduleKind::Cosine { end } => share("end", end, (0.0..=1.0).contains(&end)),
            ScheduleKind::OneCycle { up, start_divisor, end_divisor } => {
                share("up", up, up > 0.0 && up < 1.0)?;
                positive("start_divisor", start_divisor)?;
                positive("end_divisor", end_divisor)
            }
            ScheduleKind::Plateau(plateau) => plateau.check(),
        }
    }

    /// Whether the rate of a step depends on how many epochs the training has.
    pub fn knows_its_end(&self) -> bool {
        match self.kind {
            ScheduleKind::Constant | ScheduleKind::Step { .. } | ScheduleKind::Plateau(_) => false,
            ScheduleKind::Cosine { .. } | ScheduleKind::OneCycle { .. } | ScheduleKind::Coslog4 => true,
        }
    }

    /// By what the learning rate is multiplied in a step. `plateau` is the factor of a [`Plateau`] so far.
    pub fn factor(&self, moment: Moment, plateau: f64) -> f64 {
        let factor = match self.kind {
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Step { every, factor } => step::factor(moment, every, factor),
            ScheduleKind::Cosine { end } => cosine::factor(moment, end),
            ScheduleKind::OneCycle { up, start_divisor, end_divisor } => {
                one_cycle::factor(moment, up, start_divisor, end_divisor)
            }
            ScheduleKind::Plateau(_) => plateau,
            ScheduleKind::Coslog4 => coslog4::factor(moment),
        };
        let warmth = (moment.epoch + 1.0 / moment.steps_per_epoch.max(1) as f64) / self.warm_up;
        if self.warm_up > 0.0 && warmth < 1.0 { factor * warmth } else { factor }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::oracle::training_of;
    use super::*;

    #[test]
    fn rates_are_those_of_pytorch_and_of_the_paper() {
        for case in training_of("schedules") {
            let spec: ScheduleSpec = serde_json::from_value(case["options"].clone()).unwrap();
            spec.check().unwrap();
            let number = |name: &str| case[name].as_u64().unwrap();
            let (steps, steps_per_epoch) = (number("steps"), number("steps_per_epoch"));
            for (step, expected) in case["factors"].as_array().unwrap().iter().enumerate() {
                let epoch = step as f64 / steps_per_epoch as f64;
                let factor = spec.factor(Moment { step: step as u64, steps, epoch, steps_per_epoch }, 1.0);
                let expected = expected.as_f64().unwrap();
                assert!((factor - expected).abs() < 1e-7, "{} step {step}: {factor}, {expected}", case["options"]);
            }
        }
    }

    #[test]
    fn a_training_of_one_step_has_a_rate() {
        let moment = Moment { step: 0, steps: 1, epoch: 0.0, steps_per_epoch: 1 };
        for kind in [
            ScheduleKind::Cosine { end: 0.0 },
            ScheduleKind::OneCycle { up: 0.3, start_divisor: 25.0, end_divisor: 1e4 },
            ScheduleKind::Step { every: 1.0, factor: 0.1 },
            ScheduleKind::Coslog4,
        ] {
            let factor = ScheduleSpec { kind, warm_up: 0.0 }.factor(moment, 1.0);
            assert!((0.0..=1.0).contains(&factor), "{kind:?} {factor}");
        }
    }

    #[test]
    fn options_out_of_range_are_refused() {
        let refused = |kind| ScheduleSpec { kind, warm_up: 0.0 }.check().unwrap_err().0;
        assert_eq!(refused(ScheduleKind::Step { every: 0.0, factor: 0.1 }), "every");
        assert_eq!(refused(ScheduleKind::Cosine { end: 2.0 }), "end");
        assert_eq!(refused(ScheduleKind::OneCycle { up: 1.0, start_divisor: 25.0, end_divisor: 1e4 }), "up");
        assert_eq!(ScheduleSpec { warm_up: -1.0, ..ScheduleSpec::default() }.check().unwrap_err().0, "warm_up");
    }
}
