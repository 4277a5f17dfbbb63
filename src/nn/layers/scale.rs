//! A factor for each feature.

use super::super::init::Initial;
use super::super::shape::Shape;
use super::super::simd::vectorized;
use super::reading::only;
use super::{Backward, Describe, Forward, Layer, Parameter};
use serde::{Deserialize, Serialize};

/// `y = s x`, with a learned factor for each number of the last dimension that starts at 1: the network learns how much
/// of each feature it lets in.
///
/// Shapes: `x` and `y` are `[n, .., features]`, `s` is `[features]`. The way back: `ds = Σ x dy`, `dx = s dy`.
///
/// Source: Holzmüller, Grinsztajn & Steinwart 2024, *Better by default: strong pre-tuned MLPs and boosted trees on
/// tabular data* (RealMLP), where it stands before the first layer and learns six times as fast as the weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// By what the learning rate of the factors is multiplied. Default 6.
    #[serde(default = "six")]
    pub rate: f32,
}

fn six() -> f32 {
    6.0
}

impl Default for Scale {
    fn default() -> Self {
        Self { rate: six() }
    }
}

#[derive(Debug)]
struct Built {
    shape: Shape,
    width: usize,
    parameters: [Parameter; 1],
}

impl Describe for Scale {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let shape = only(inputs, "scale")?;
        let [_, width] = shape.expect_places("scale")?;
        if !(self.rate.is_finite() && self.rate > 0.0) {
            return Err(format!("the rate of scale must be a number above 0, it is {}", self.rate));
        }
        let factors = Parameter { rate: self.rate, ..Parameter::bias("factor", &[width], Initial::Ones) };
        Ok(Box::new(Built { shape: shape.clone(), width, parameters: [factors] }))
    }
}

impl Layer for Built {
    fn output(&self) -> &Shape {
        &self.shape
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { parameters, input, output, .. } = pass;
        vectorized(
            #[inline(always)]
            || multiply(input, parameters, output, self.width),
        );
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward { parameters, input, output_gradient, input_gradient, parameter_gradient, .. } = pass;
        vectorized(
            #[inline(always)]
            || {
                parameter_gradient.fill(0.0);
                for (x, g) in input.chunks_exact(self.width).zip(output_gradient.chunks_exact(self.width)) {
                    parameter_gradient.iter_mut().zip(x).zip(g).for_each(|((sum, x), g)| *sum += x * g);
                }
                if let Some(input_gradient) = input_gradient {
                    multiply(output_gradient, parameters, input_gradient, self.width);
                }
            },
        );
    }
}

#[inline(always)]
fn multiply(from: &[f32], factors: &[f32], to: &mut [f32], width: usize) {
    for (x, y) in from.chunks_exact(width).zip(to.chunks_exact_mut(width)) {
        y.iter_mut().zip(x).zip(factors).for_each(|((y, x), s)| *y = x * s);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::numeric_gradient;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn gradients_agree_with_central_differences(places in 1usize..4, width in 1usize..7, rows in 1usize..5, seed in any::<u64>()) {
            let shape = Shape::sequence(places, width);
            let layer = Scale::default().build(&[&shape]).unwrap();
            numeric_gradient::check(&*layer, &[&shape], rows, seed);
        }
    }
}
