//! Optimizers as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::nn;

/// How a gradient changes the parameters: `adamw`, `sgd`, or `{sgd: {learning_rate: 0.05, momentum: 0.9}}`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Optimizer {
    /// Stochastic gradient descent, with momentum.
    Sgd(Sgd),
    /// Gradients divided by their usual size (Tieleman & Hinton 2012).
    Rmsprop(Rmsprop),
    /// Adam (Kingma & Ba 2015), with weight decay as a part of the gradient.
    Adam(Adam),
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    Adamw(Adamw),
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::Adamw(Adamw::default())
    }
}

/// Options of stochastic gradient descent.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// The step size; 0.01 when absent.
    learning_rate: Option<f64>,
    /// The share of the last change that is kept, from 0 to below 1.
    momentum: f64,
    /// Whether the momentum looks ahead (Nesterov 1983); needs a momentum.
    nesterov: bool,
    /// How strongly weights are pulled to 0.
    weight_decay: f64,
}

/// Options of RMSprop.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rmsprop {
    /// The step size; 0.001 when absent.
    learning_rate: Option<f64>,
    /// How slowly the mean of the squares moves, from 0 to below 1.
    alpha: f64,
    /// Keeps the division finite.
    epsilon: f64,
    /// The share of the last change that is kept, from 0 to below 1.
    momentum: f64,
    /// How strongly weights are pulled to 0.
    weight_decay: f64,
}

impl Default for Rmsprop {
    fn default() -> Self {
        Self { learning_rate: None, alpha: 0.99, epsilon: 1e-8, momentum: 0.0, weight_decay: 0.0 }
    }
}

/// Options of Adam.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// The step size; 0.001 when absent.
    learning_rate: Option<f64>,
    /// How slowly the mean of the gradients moves, from 0 to below 1.
    beta1: f64,
    /// How slowly the mean of their squares moves, from 0 to below 1.
    beta2: f64,
    /// Keeps the division finite.
    epsilon: f64,
    /// How strongly weights are pulled to 0.
    weight_decay: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { learning_rate: None, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

/// Options of AdamW.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adamw {
    /// The step size; 0.001 when absent.
    learning_rate: Option<f64>,
    /// How slowly the mean of the gradients moves, from 0 to below 1.
    beta1: f64,
    /// How slowly the mean of their squares moves, from 0 to below 1.
    beta2: f64,
    /// Keeps the division finite.
    epsilon: f64,
    /// How strongly weights are pulled to 0.
    weight_decay: f64,
}

impl Default for Adamw {
    fn default() -> Self {
        Self { learning_rate: None, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }
}

impl Optimizer {
    /// The step size, where it is written here.
    pub(super) fn learning_rate(&self) -> Option<f64> {
        match self {
            Self::Sgd(of) => of.learning_rate,
            Self::Rmsprop(of) => of.learning_rate,
            Self::Adam(of) => of.learning_rate,
            Self::Adamw(of) => of.learning_rate,
        }
    }

    /// As the training knows it.
    pub(super) fn spec(&self) -> nn::OptimizerSpec {
        match *self {
            Self::Sgd(Sgd { learning_rate, momentum, nesterov, weight_decay }) => nn::OptimizerSpec::Sgd {
                learning_rate: learning_rate.unwrap_or(0.01),
                momentum,
                nesterov,
                weight_decay,
            },
            Self::Rmsprop(Rmsprop { learning_rate, alpha, epsilon, momentum, weight_decay }) => {
                let learning_rate = learning_rate.unwrap_or(0.001);
                nn::OptimizerSpec::Rmsprop { learning_rate, alpha, epsilon, momentum, weight_decay }
            }
            Self::Adam(Adam { learning_rate, beta1, beta2, epsilon, weight_decay }) => {
                let learning_rate = learning_rate.unwrap_or(0.001);
                nn::OptimizerSpec::Adam { learning_rate, beta1, beta2, epsilon, weight_decay }
            }
            Self::Adamw(Adamw { learning_rate, beta1, beta2, epsilon, weight_decay }) => {
                let learning_rate = learning_rate.unwrap_or(0.001);
                nn::OptimizerSpec::Adamw { learning_rate, beta1, beta2, epsilon, weight_decay }
            }
        }
    }
}

/// The same optimizer with another step size.
pub(super) fn with_rate(mut spec: nn::OptimizerSpec, rate: f64) -> nn::OptimizerSpec {
    match &mut spec {
        nn::OptimizerSpec::Sgd { learning_rate, .. }
        | nn::OptimizerSpec::Rmsprop { learning_rate, .. }
        | nn::OptimizerSpec::Adam { learning_rate, .. }
        | nn::OptimizerSpec::Adamw { learning_rate, .. } => *learning_rate = rate,
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_training() {
        assert_eq!(Optimizer::default().spec(), nn::OptimizerSpec::default());
        let written = [
            ("sgd", Optimizer::Sgd(Sgd::default())),
            ("rmsprop", Optimizer::Rmsprop(Rmsprop::default())),
            ("adam", Optimizer::Adam(Adam::default())),
            ("adamw", Optimizer::Adamw(Adamw::default())),
        ];
        for (name, optimizer) in written {
            let spec: Result<nn::OptimizerSpec, _> = serde_json::from_str(&format!(r#"{{"{name}": {{}}}}"#));
            assert_eq!(Some(optimizer.spec()), spec.ok(), "{name}");
        }
    }

    #[test]
    fn the_step_size_can_be_another() {
        let spec = Optimizer::Sgd(Sgd { momentum: 0.9, ..Sgd::default() }).spec();
        let slower = Sgd { learning_rate: Some(0.5), momentum: 0.9, ..Sgd::default() };
        assert_eq!(with_rate(spec, 0.5), Optimizer::Sgd(slower).spec());
    }
}
