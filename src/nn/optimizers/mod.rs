//! Optimizers: how a gradient changes the parameters.
//!
//! All parameters of a network lie one after the other in one slice, and so do their gradients, so an optimizer is one
//! sweep over numbers. Each parameter changes by itself, so the sweep may be cut into blocks that run on several
//! threads without changing a bit of the result. Weight decay shrinks every parameter, as in PyTorch.

mod adamw;
mod clip;
mod sgd;

pub use adamw::AdamW;
pub(crate) use clip::clip_norm;
pub use sgd::Sgd;

use serde::{Deserialize, Serialize};

/// Numbers in a block that one thread sweeps: four arrays of this length fit into a core's second-level cache.
pub(crate) const BLOCK: usize = 8192;

/// An optimizer as it is described.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// Stochastic gradient descent; see [`Sgd`].
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
        /// How strongly parameters are pulled to 0. Default 0.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay; see [`AdamW`].
    Adamw {
        /// The step size. Default 0.001.
        #[serde(default = "defaults::adamw_learning_rate")]
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
        /// How strongly parameters are pulled to 0. Default 0.01.
        #[serde(default = "defaults::adamw_weight_decay")]
        weight_decay: f64,
    },
}

mod defaults {
    pub(super) fn sgd_learning_rate() -> f64 {
        0.01
    }
    pub(super) fn adamw_learning_rate() -> f64 {
        0.001
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
    /// [`AdamW`] with its defaults.
    fn default() -> Self {
        Self::Adamw {
            learning_rate: defaults::adamw_learning_rate(),
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
            Self::Sgd { learning_rate, .. } | Self::Adamw { learning_rate, .. } => learning_rate,
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
        let not_negative = |option, value: f64| {
            let right = value.is_finite() && value >= 0.0;
            if right { Ok(()) } else { Err((option, format!("must be 0 or a number above, it is {value}"))) }
        };
        positive("learning_rate", self.learning_rate())?;
        match *self {
            Self::Sgd { momentum, nesterov, weight_decay, .. } => {
                share("momentum", momentum)?;
                not_negative("weight_decay", weight_decay)?;
                if nesterov && momentum == 0.0 {
                    return Err(("nesterov", "needs a momentum above 0".to_owned()));
                }
            }
            Self::Adamw { beta1, beta2, epsilon, weight_decay, .. } => {
                share("beta1", beta1)?;
                share("beta2", beta2)?;
                positive("epsilon", epsilon)?;
                not_negative("weight_decay", weight_decay)?;
            }
        }
        Ok(())
    }

    /// The optimizer, at its start, for `parameters` numbers.
    pub fn build(&self, parameters: usize) -> Box<dyn Optimizer> {
        match *self {
            Self::Sgd { momentum, nesterov, weight_decay, .. } => {
                Box::new(Sgd::new(momentum, nesterov, weight_decay, parameters))
            }
            Self::Adamw { beta1, beta2, epsilon, weight_decay, .. } => {
                Box::new(AdamW::new(beta1, beta2, epsilon, weight_decay, parameters))
            }
        }
    }
}

/// An optimizer with what it remembers between steps.
pub trait Optimizer: Send {
    /// Changes the parameters by one step of size `learning_rate` along the gradients. Both have the length the
    /// optimizer was built for.
    fn step(&mut self, learning_rate: f64, parameters: &mut [f32], gradients: &[f32]);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::oracle::{assert_close, numbers, pytorch};
    use super::*;
    use serde_json::{Value, json};

    fn spec(kind: &str, options: &Value) -> OptimizerSpec {
        serde_json::from_value(json!({ kind: options })).unwrap()
    }

    #[test]
    fn each_step_is_that_of_pytorch() {
        for case in pytorch()["optimizers"].as_array().unwrap() {
            let spec = spec(case["kind"].as_str().unwrap(), &case["options"]);
            spec.check().unwrap();
            let mut parameters = numbers(&case["start"]);
            let mut optimizer = spec.build(parameters.len());
            let steps = case["gradients"].as_array().unwrap().iter().zip(case["after"].as_array().unwrap());
            for (gradient, after) in steps {
                optimizer.step(spec.learning_rate(), &mut parameters, &numbers(gradient));
                assert_close(&parameters, &numbers(after), 1e-6);
            }
        }
    }

    #[test]
    fn a_long_sweep_in_blocks_is_the_same_as_short_ones() {
        let long = 2 * BLOCK + 5;
        for spec in [spec("sgd", &json!({"momentum": 0.9})), OptimizerSpec::default()] {
            let (mut all, mut single) = (spec.build(long), spec.build(1));
            let (mut parameters, mut one) = (vec![0.5; long], [0.5]);
            for gradient in [0.25, -0.5, 1.0] {
                all.step(0.1, &mut parameters, &vec![gradient; long]);
                single.step(0.1, &mut one, &[gradient]);
            }
            assert!(parameters.iter().all(|p| *p == one[0]));
        }
    }

    #[test]
    fn options_out_of_range_are_refused_by_name() {
        for (kind, options, message) in [
            ("sgd", json!({"learning_rate": 0.0}), ("learning_rate", "must be a number above 0, it is 0")),
            ("sgd", json!({"momentum": 1.0}), ("momentum", "must lie in [0, 1), it is 1")),
            ("sgd", json!({"nesterov": true}), ("nesterov", "needs a momentum above 0")),
            ("sgd", json!({"weight_decay": -1.0}), ("weight_decay", "must be 0 or a number above, it is -1")),
            ("adamw", json!({"beta1": -0.1}), ("beta1", "must lie in [0, 1), it is -0.1")),
            ("adamw", json!({"beta2": 1.0}), ("beta2", "must lie in [0, 1), it is 1")),
            ("adamw", json!({"epsilon": 0.0}), ("epsilon", "must be a number above 0, it is 0")),
            ("adamw", json!({"weight_decay": -0.5}), ("weight_decay", "must be 0 or a number above, it is -0.5")),
        ] {
            assert_eq!(spec(kind, &options).check(), Err((message.0, message.1.to_owned())));
        }
        assert!(serde_json::from_value::<OptimizerSpec>(json!({"adamw": {"lr": 1.0}})).is_err());
    }
}
