//! Optimizers: how a gradient changes the parameters.
//!
//! All parameters of a network lie one after the other in one slice, and so do their gradients, so an optimizer is one
//! sweep over numbers. Each parameter changes by itself, so the sweep may be cut into blocks that run on several
//! threads without changing a bit of the result.

mod adam;
mod clip;
mod groups;
mod rmsprop;
mod sgd;

pub(crate) use clip::{Clip, clip_factor, square_sum};
pub use groups::GroupRule;
pub(crate) use groups::{Group, groups};

use super::simd::vectorized;
use adam::Adam;
use rmsprop::Rmsprop;
use serde::{Deserialize, Serialize};
use sgd::Sgd;

/// Numbers in a block that one thread sweeps: four arrays of this length fit into a core's second-level cache.
pub(crate) const BLOCK: usize = 8192;

/// What is remembered of gradients and is smaller than this is forgotten: a mean that only fades would become subnormal, and
/// each step with such numbers takes a hundred times as long.
const FADED: f32 = 64.0 * f32::MIN_POSITIVE;

/// An optimizer as it is described. Weight decay pulls weights to 0, but neither biases nor the factors and shifts of
/// norms, unless a [`GroupRule`] says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// Stochastic gradient descent (Robbins & Monro 1951), with momentum.
    Sgd {
        /// The step size. Default 0.01.
        #[serde(default = "defaults::sgd_learning_rate")]
        learning_rate: f64,
        /// The share of the last change that is kept, in `[0, 1)`. Default 0.
        #[serde(default)]
        momentum: f64,
        /// Whether the momentum looks ahead. Default false; needs a momentum.
        #[serde(default)]
        nesterov: bool,
        /// How strongly weights are pulled to 0. Default 0.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Gradients divided by their usual size (Tieleman & Hinton 2012).
    Rmsprop {
        /// The step size. Default 0.001.
        #[serde(default = "defaults::adam_learning_rate")]
        learning_rate: f64,
        /// How slowly the mean of the squares moves, in `[0, 1)`. Default 0.99.
        #[serde(default = "defaults::alpha")]
        alpha: f64,
        /// Keeps the division finite. Default 1e-8.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
        /// The share of the last change that is kept, in `[0, 1)`. Default 0.
        #[serde(default)]
        momentum: f64,
        /// How strongly weights are pulled to 0. Default 0.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam, with weight decay as a part of the gradient (Kingma & Ba 2015).
    Adam {
        /// The step size. Default 0.001.
        #[serde(default = "defaults::adam_learning_rate")]
        learning_rate: f64,
        /// How slowly the mean of the gradients moves, in `[0, 1)`. Default 0.9.
        #[serde(default = "defaults::beta1")]
        beta1: f64,
        /// How slowly the mean of their squares moves, in `[0, 1)`. Default 0.999.
        #[serde(default = "defaults::beta2")]
        beta2: f64,
        /// Keeps the division finite. Default 1e-8.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
        /// How strongly weights are pulled to 0. Default 0.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    Adamw {
        /// The step size. Default 0.001.
        #[serde(default = "defaults::adam_learning_rate")]
        learning_rate: f64,
        /// How slowly the mean of the gradients moves, in `[0, 1)`. Default 0.9.
        #[serde(default = "defaults::beta1")]
        beta1: f64,
        /// How slowly the mean of their squares moves, in `[0, 1)`. Default 0.999.
        #[serde(default = "defaults::beta2")]
        beta2: f64,
        /// Keeps the division finite. Default 1e-8.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
        /// How strongly weights are pulled to 0. Default 0.01.
        #[serde(default = "defaults::adamw_weight_decay")]
        weight_decay: f64,
    },
}

mod defaults {
    pub(super) fn sgd_learning_rate() -> f64 {
        0.01
    }
    pub(super) fn adam_learning_rate() -> f64 {
        0.001
    }
    pub(super) fn alpha() -> f64 {
        0.99
    }
    pub(super) fn beta1() -> f64 {
        0.9
    }
    pub(super) fn beta2() -> f64 {
        0.999
    }
    pub(super) fn epsilon() -> f64 {
        1e-8
    }
    pub(super) fn adamw_weight_decay() -> f64 {
        0.01
    }
}

impl Default for OptimizerSpec {
    /// AdamW with its defaults.
    fn default() -> Self {
        Self::Adamw {
            learning_rate: defaults::adam_learning_rate(),
            beta1: defaults::beta1(),
            beta2: defaults::beta2(),
            epsilon: defaults::epsilon(),
            weight_decay: defaults::adamw_weight_decay(),
        }
    }
}

impl OptimizerSpec {
    /// The step size.
    pub fn learning_rate(&self) -> f64 {
        match *self {
            Self::Sgd { learning_rate, .. }
            | Self::Rmsprop { learning_rate, .. }
            | Self::Adam { learning_rate, .. }
            | Self::Adamw { learning_rate, .. } => learning_rate,
        }
    }

    /// How strongly weights are pulled to 0.
    pub fn weight_decay(&self) -> f64 {
        match *self {
            Self::Sgd { weight_decay, .. }
            | Self::Rmsprop { weight_decay, .. }
            | Self::Adam { weight_decay, .. }
            | Self::Adamw { weight_decay, .. } => weight_decay,
        }
    }

    /// Checks the options.
    ///
    /// Errors: the option and what would be right.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let positive = |option, value: f64| {
            let right = value.is_finite() && value > 0.0;
            if right { Ok(()) } else { Err((option, format!("must be a number above 0, it is {value}"))) }
        };
        let share = |option, value: f64| {
            let right = (0.0..1.0).contains(&value);
            if right { Ok(()) } else { Err((option, format!("must lie in [0, 1), it is {value}"))) }
        };
        positive("learning_rate", self.learning_rate())?;
        let decay = self.weight_decay();
        if !(decay.is_finite() && decay >= 0.0) {
            return Err(("weight_decay", format!("must be 0 or a number above, it is {decay}")));
        }
        match *self {
            Self::Sgd { momentum, nesterov, .. } => {
                share("momentum", momentum)?;
                if nesterov && momentum == 0.0 {
                    return Err(("nesterov", "needs a momentum above 0".to_owned()));
                }
                Ok(())
            }
            Self::Rmsprop { alpha, epsilon, momentum, .. } => {
                share("alpha", alpha)?;
                positive("epsilon", epsilon)?;
                share("momentum", momentum)
            }
            Self::Adam { beta1, beta2, epsilon, .. } | Self::Adamw { beta1, beta2, epsilon, .. } => {
                share("beta1", beta1)?;
                share("beta2", beta2)?;
                positive("epsilon", epsilon)
            }
        }
    }

    /// How many numbers it remembers for each parameter: whether it has the first of [`Memory`], and the second.
    fn remembers(&self) -> (bool, bool) {
        match *self {
            Self::Sgd { momentum, .. } => (momentum > 0.0, false),
            Self::Rmsprop { momentum, .. } => (true, momentum > 0.0),
            Self::Adam { .. } | Self::Adamw { .. } => (true, true),
        }
    }
}

/// What an optimizer remembers between steps, laid out as the parameters; empty where it remembers nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    /// How many steps it has taken.
    pub steps: u64,
    /// `m` of Adam, `v` of the others.
    pub first: Vec<f32>,
    /// `v` of Adam, the momentum of RMSprop.
    pub second: Vec<f32>,
}

impl Memory {
    /// At the start of a training of `parameters` numbers.
    pub fn new(spec: &OptimizerSpec, parameters: usize) -> Self {
        let (first, second) = spec.remembers();
        let zeros = |wanted| vec![0.0; if wanted { parameters } else { 0 }];
        Self { steps: 0, first: zeros(first), second: zeros(second) }
    }
}

/// One step of an optimizer: a sweep over numbers, in any order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sweep {
    rule: Rule,
    rate: f64,
    decay: f64,
}

#[derive(Debug, Clone, Copy)]
enum Rule {
    Sgd(Sgd),
    Rmsprop(Rmsprop),
    Adam(Adam),
}

impl Sweep {
    /// The step number `step` (from 1) of size `rate`.
    pub(crate) fn new(spec: &OptimizerSpec, step: u64, rate: f64) -> Self {
        let correction = |beta: f64| 1.0 - beta.powf(step as f64);
        let rule = match *spec {
            OptimizerSpec::Sgd { momentum, nesterov, .. } => Rule::Sgd(Sgd { momentum, nesterov }),
            OptimizerSpec::Rmsprop { alpha, epsilon, momentum, .. } => {
                Rule::Rmsprop(Rmsprop { alpha, epsilon, momentum })
            }
            OptimizerSpec::Adam { beta1, beta2, epsilon, .. } => Rule::Adam(Adam {
                beta1,
                beta2,
                epsilon,
                decoupled: false,
                corrections: [beta1, beta2].map(correction),
            }),
            OptimizerSpec::Adamw { beta1, beta2, epsilon, .. } => {
                Rule::Adam(Adam { beta1, beta2, epsilon, decoupled: true, corrections: [beta1, beta2].map(correction) })
            }
        };
        Self { rule, rate, decay: spec.weight_decay() }
    }

    /// Changes parameters of one group along their gradients. All have the length of `parameters`, but for memories that
    /// the optimizer does not have, which are empty.
    pub(crate) fn apply(self, group: &Group, p: &mut [f32], g: &[f32], first: &mut [f32], second: &mut [f32]) {
        if !group.learned {
            return;
        }
        let rate = self.rate * group.rate;
        let decay = if group.decays { self.decay } else { 0.0 };
        vectorized(
            #[inline(always)]
            || match self.rule {
                Rule::Sgd(rule) => rule.sweep(rate, decay, p, g, first),
                Rule::Rmsprop(rule) => rule.sweep(rate, decay, p, g, first, second),
                Rule::Adam(rule) => rule.sweep(rate, decay, p, g, first, second),
            },
        );
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::oracle::{assert_close, numbers, training_of};
    use super::*;
    use serde_json::json;

    fn spec(kind: &str, options: serde_json::Value) -> OptimizerSpec {
        serde_json::from_value(json!({ kind: options })).unwrap()
    }

    #[test]
    fn each_step_is_that_of_pytorch() {
        for case in training_of("optimizers") {
            let spec = spec(case["kind"].as_str().unwrap(), case["options"].clone());
            spec.check().unwrap();
            let mut p = numbers(&case["start"]);
            let mut memory = Memory::new(&spec, p.len());
            let group = Group { range: 0..p.len(), rate: 1.0, decays: true, learned: true };
            let steps = case["gradients"].as_array().unwrap().iter().zip(case["after"].as_array().unwrap());
            for (step, (gradient, after)) in steps.enumerate() {
                let sweep = Sweep::new(&spec, step as u64 + 1, spec.learning_rate());
                sweep.apply(&group, &mut p, &numbers(gradient), &mut memory.first, &mut memory.second);
                assert_close(&p, &numbers(after), 1e-6);
            }
        }
    }

    #[test]
    fn groups_have_their_own_rate_and_decay() {
        let spec = spec("sgd", json!({"learning_rate": 0.5, "weight_decay": 0.5}));
        let step = |rate, decays, learned| {
            let mut p = [2.0];
            let group = Group { range: 0..1, rate, decays, learned };
            Sweep::new(&spec, 1, 0.5).apply(&group, &mut p, &[1.0], &mut [], &mut []);
            p[0]
        };
        assert_eq!((step(1.0, true, true), step(2.0, false, true), step(1.0, true, false)), (1.0, 1.0, 2.0));
    }

    #[test]
    fn options_out_of_range_are_refused() {
        let refused = |kind, options| spec(kind, options).check().unwrap_err();
        assert_eq!(refused("sgd", json!({"learning_rate": 0.0})).0, "learning_rate");
        assert_eq!(refused("sgd", json!({"nesterov": true})), ("nesterov", "needs a momentum above 0".to_owned()));
        assert_eq!(refused("rmsprop", json!({"alpha": 1.0})).1, "must lie in [0, 1), it is 1");
        assert_eq!(refused("adam", json!({"epsilon": 0.0})).0, "epsilon");
        assert_eq!(refused("adamw", json!({"weight_decay": -1.0})).0, "weight_decay");
    }
}
