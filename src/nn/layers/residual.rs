//! Layers with a way around them.

use super::{Activation, LayerSpec};
use serde::{Deserialize, Serialize};

/// `y = f(g(x) + x)`: the layers `g` learn what is to be changed, and the way around them lets the gradient through.
/// Where the layers change the shape, the way around is a dense layer or a convolution of size 1 without activation,
/// whose stride follows from the shapes.
///
/// A residual block is no layer of its own: it becomes its layers, an [`super::Add`] and an [`super::Activate`].
///
/// Source: He, Zhang, Ren & Sun 2016, *Deep residual learning for image recognition*.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// The layers that the way around passes by; at least one.
    pub layers: Vec<LayerSpec>,
    /// What is applied to the sum. Default `relu`.
    #[serde(default)]
    pub activation: Activation,
}
