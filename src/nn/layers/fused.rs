//! Layers that follow each other and are computed as one step.

use super::super::shape::Shape;
use super::{Activation, Layer, LayerSpec, conv_pool, norm_pool};

/// The most layers that one step stands for.
pub(crate) const FUSED: usize = 3;

/// The step that stands for some layers, each of which reads what the one before gives, the first of them rows of the shape
/// `input`; `None` where there is none. All parameters are those of the first.
pub(crate) fn fused(layers: &[&LayerSpec], input: &Shape) -> Option<Box<dyn Layer>> {
    match layers {
        [LayerSpec::BatchNorm(norm), LayerSpec::Activate(then)] => norm_pool::fused(norm, then.activation, None, input),
        [LayerSpec::BatchNorm(norm), LayerSpec::Activate(then), LayerSpec::MaxPool(pool)] => {
            norm_pool::fused(norm, then.activation, Some(pool), input)
        }
        [LayerSpec::BatchNorm(norm), LayerSpec::MaxPool(pool)] => {
            norm_pool::fused(norm, Activation::Linear, Some(pool), input)
        }
        [first, LayerSpec::MaxPool(pool)] => conv_pool::fused(first, pool, input),
        _ => None,
    }
}
