//! Rows of mean 0 and variance 1.

use super::super::init::Initial;
use super::super::shape::Shape;
use super::super::simd::{dot, sum, vectorized};
use super::reading::only;
use super::{Backward, Describe, Forward, Layer, Parameter};
use serde::{Deserialize, Serialize};

/// `y = γ (x - μ) / sqrt(σ² + ε) + β`, with mean `μ` and variance `σ²` over the last dimension, place by place.
///
/// Shapes: `x` and `y` are `[n, .., features]`, `γ` and `β` are `[features]`. With `x̂` the standardised `x` and `g = γ
/// dy`, the way back is `dx = (g - mean(g) - x̂ mean(g x̂)) / sqrt(σ² + ε)`, `dγ = Σ dy x̂`, `dβ = Σ dy`.
///
/// Source: Ba, Kiros & Hinton 2016, *Layer normalization*.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerNorm {
    /// Keeps the division finite. Default 1e-5.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
}

pub(super) fn epsilon() -> f64 {
    1e-5
}

impl Default for LayerNorm {
    fn default() -> Self {
        Self { epsilon: epsilon() }
    }
}

#[derive(Debug)]
struct Built {
    shape: Shape,
    places: usize,
    width: usize,
    epsilon: f32,
    parameters: [Parameter; 2],
}

/// Factors that start at 1 and shifts that start at 0.
pub(super) fn factors_and_shifts(width: usize) -> [Parameter; 2] {
    [Parameter::bias("factor", &[width], Initial::Ones), Parameter::bias("shift", &[width], Initial::Zeros)]
}

/// The reason why a number cannot keep a division finite.
pub(super) fn check_epsilon(epsilon: f64, of: &str) -> Result<f32, String> {
    let right = epsilon.is_finite() && epsilon as f32 > 0.0;
    if right {
        Ok(epsilon as f32)
    } else {
        Err(format!("the epsilon of {of} must be a number above 0, it is {epsilon}"))
    }
}

impl Describe for LayerNorm {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let shape = only(inputs, "layer_norm")?;
        let [places, width] = shape.expect_places("layer_norm")?;
        let epsilon = check_epsilon(self.epsilon, "layer_norm")?;
        let parameters = factors_and_shifts(width);
        Ok(Box::new(Built { shape: shape.clone(), places, width, epsilon, parameters }))
    }
}

impl Layer for Built {
    fn output(&self) -> &Shape {
        &self.shape
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The mean of each place, and one over its standard deviation.
    fn kept_per_row(&self) -> usize {
        2 * self.places
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { parameters, input, output, kept, .. } = pass;
        let (factors, shifts) = parameters.split_at(self.width);
        vectorized(
            #[inline(always)]
            || {
                let share = 1.0 / self.width as f32;
                for (place, (x, y)) in
                    input.chunks_exact(self.width).zip(output.chunks_exact_mut(self.width)).enumerate()
                {
                    let mean = sum(x) * share;
                    y.iter_mut().zip(x).for_each(|(y, x)| *y = x - mean);
                    let inverse = 1.0 / (dot(y, y) * share + self.epsilon).sqrt();
                    y.iter_mut().zip(factors).zip(shifts).for_each(|((y, f), s)| *y = *y * inverse * f + s);
                    if let Some([m, i]) = kept.get_mut(2 * place..2 * place + 2) {
                        (*m, *i) = (mean, inverse);
                    }
                }
            },
        );
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward { parameters, input, kept, output_gradient, mut input_gradient, parameter_gradient, .. } = pass;
        let factors = &parameters[..self.width];
        let (by_factor, by_shift) = parameter_gradient.split_at_mut(self.width);
        by_factor.fill(0.0);
        by_shift.fill(0.0);
        vectorized(
            #[inline(always)]
            || {
                let share = 1.0 / self.width as f32;
                let places = input.chunks_exact(self.width).zip(output_gradient.chunks_exact_mut(self.width));
                for (place, ((x, dy), kept)) in places.zip(kept.chunks_exact(2)).enumerate() {
                    let (mean, inverse) = (kept[0], kept[1]);
                    let standardised = |x: f32| (x - mean) * inverse;
                    by_shift.iter_mut().zip(&*dy).for_each(|(sum, dy)| *sum += dy);
                    by_factor.iter_mut().zip(&*dy).zip(x).for_each(|((sum, dy), x)| *sum += dy * standardised(*x));
                    let Some(dx) = &mut input_gradient else {
                        continue;
                    };
                    let dx = &mut dx[place * self.width..][..self.width];
                    dy.iter_mut().zip(factors).for_each(|(dy, f)| *dy *= f);
                    dx.iter_mut().zip(x).for_each(|(dx, x)| *dx = standardised(*x));
                    let (mean_g, mean_gx) = (sum(dy) * share, dot(dy, dx) * share);
                    dx.iter_mut().zip(&*dy).for_each(|(dx, g)| *dx = (g - mean_g - *dx * mean_gx) * inverse);
                }
            },
        );
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::oracle::assert_layer;
    use super::super::numeric_gradient;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn outputs_and_gradients_are_those_of_pytorch() {
        assert_layer("layer_norm", 3e-6, |case| {
            Box::new(serde_json::from_value::<LayerNorm>(case["options"].clone()).unwrap())
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn gradients_agree_with_central_differences(places in 1usize..4, width in 2usize..9, rows in 1usize..5, seed in any::<u64>()) {
            let shape = Shape::sequence(places, width);
            let layer = LayerNorm { epsilon: 0.1 }.build(&[&shape]).unwrap();
            numeric_gradient::check(&*layer, &[&shape], rows, seed);
        }
    }

    #[test]
    fn an_epsilon_of_zero_is_refused() {
        let error = LayerNorm { epsilon: 0.0 }.build(&[&Shape::features(2)]).unwrap_err();
        assert_eq!(error, "the epsilon of layer_norm must be a number above 0, it is 0");
    }
}
