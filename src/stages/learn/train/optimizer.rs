//! Optimizers and early stopping as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::nn;

/// How a gradient changes the parameters: `adamw`, `sgd`, or `{sgd: {learning_rate: 0.05, momentum: 0.9}}`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Optimizer {
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    Adamw(Adamw),
    /// Stochastic gradient descent.
    Sgd(Sgd),
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::Adamw(Adamw::default())
    }
}

/// Options of AdamW.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adamw {
    /// The step size.
    learning_rate: f64,
    /// How slowly the mean of the gradients moves, from 0 to below 1.
    beta1: f64,
    /// How slowly the mean of their squares moves, from 0 to below 1.
    beta2: f64,
    /// Keeps the division finite.
    epsilon: f64,
    /// How strongly parameters are pulled to 0.
    weight_decay: f64,
}

impl Default for Adamw {
    fn default() -> Self {
        Self { learning_rate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }
}

/// Options of stochastic gradient descent.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// The step size.
    learning_rate: f64,
    /// The share of the last change that is kept, from 0 to below 1.
    momentum: f64,
    /// Whether the momentum looks ahead; needs a momentum.
    nesterov: bool,
    /// How strongly parameters are pulled to 0.
    weight_decay: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { learning_rate: 0.01, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }
}

impl Optimizer {
    /// As the training knows it.
    pub(super) fn spec(&self) -> nn::OptimizerSpec {
        match *self {
            Self::Adamw(Adamw { learning_rate, beta1, beta2, epsilon, weight_decay }) => {
                nn::OptimizerSpec::Adamw { learning_rate, beta1, beta2, epsilon, weight_decay }
            }
            Self::Sgd(Sgd { learning_rate, momentum, nesterov, weight_decay }) => {
                nn::OptimizerSpec::Sgd { learning_rate, momentum, nesterov, weight_decay }
            }
        }
    }
}

/// When to stop before all epochs are done, judged by the loss on the validation part (Prechelt 1998).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStopping {
    /// How many epochs in a row may pass without an improvement.
    patience: usize,
    /// By how much the loss must fall below the best so far to count as an improvement.
    min_delta: f64,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { patience: 3, min_delta: 0.0 }
    }
}

impl EarlyStopping {
    /// As the training knows it.
    pub(super) fn spec(&self) -> nn::EarlyStopping {
        nn::EarlyStopping { patience: self.patience, min_delta: self.min_delta, ..nn::EarlyStopping::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_training() {
        assert_eq!(Optimizer::default().spec(), nn::OptimizerSpec::default());
        assert_eq!(EarlyStopping::default().spec(), nn::EarlyStopping::default());
        let sgd: Result<nn::OptimizerSpec, _> = serde_json::from_str(r#"{"sgd": {}}"#);
        assert_eq!(Some(Optimizer::Sgd(Sgd::default()).spec()), sgd.ok());
    }
}
