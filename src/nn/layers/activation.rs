//! What a unit applies to its weighted sum.

use super::super::math::{TINY, erf, exp, sigmoid, tanh, unless_below};
use super::super::shape::Shape;
use super::super::simd::{add, vectorized};
use super::reading::only;
use super::{Backward, Describe, Forward, Layer};
use serde::{Deserialize, Serialize};

/// An activation `y = f(x)`, applied to each number by itself, except for `softmax`, which is applied to the last
/// dimension. The derivative is told from `y` alone, except for `gelu`, `silu` and `mish`, which need `x` once more. Values
/// and gradients that are nearly 0 are 0: see [`TINY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`; derivative 1 where `y > 0`, else 0 (Nair & Hinton 2010). NaN stays NaN.
    #[default]
    Relu,
    /// `x` where it is above 0, else `x / 100`; derivative 1 or 1/100 (Maas, Hannun & Ng 2013).
    LeakyRelu,
    /// `x Φ(x)` with the normal distribution `Φ`; derivative `Φ(x) + x φ(x)` (Hendrycks & Gimpel 2016).
    Gelu,
    /// `x` where it is above 0, else `exp(x) - 1`; derivative 1 or `y + 1` (Clevert, Unterthiner & Hochreiter 2015).
    Elu,
    /// `λ x` where it is above 0, else `λ α (exp(x) - 1)`; derivative `λ` or `y + λ α` (Klambauer et al. 2017).
    Selu,
    /// `x σ(x)`; derivative `σ(x) (1 + x (1 - σ(x)))` (Elfwing, Uchibe & Doya 2017).
    Silu,
    /// `x tanh(ln(1 + exp(x)))` (Misra 2019).
    Mish,
    /// `tanh(x)`; derivative `1 - y²`.
    Tanh,
    /// `1 / (1 + exp(-x))`; derivative `y (1 - y)`.
    Sigmoid,
    /// `exp(x) / Σ exp(x)` over the last dimension; `dx = y (dy - Σ y dy)` (Bridle 1990).
    Softmax,
    /// `x`.
    Linear,
}

const LEAK: f32 = 0.01;
const SELU_SCALE: f32 = 1.050_701;
const SELU_ALPHA: f32 = 1.673_263_2;

impl Activation {
    /// Whether the way back needs the sums `x` besides the outputs `y`.
    pub(crate) fn needs_sums(self) -> bool {
        matches!(self, Self::Gelu | Self::Silu | Self::Mish)
    }

    /// Whether it never falls, so that the largest of some values stays the largest.
    pub(super) fn rises(self) -> bool {
        match self {
            Self::Relu | Self::LeakyRelu | Self::Elu | Self::Selu | Self::Tanh | Self::Sigmoid | Self::Linear => true,
            Self::Gelu | Self::Silu | Self::Mish | Self::Softmax => false,
        }
    }

    /// For an activation that is a straight line above 0 and another below: how steep that is. Above 0 the derivative is 1.
    pub(super) fn slope_below(self) -> Option<f32> {
        match self {
            Self::Relu => Some(0.0),
            Self::LeakyRelu => Some(LEAK),
            Self::Linear => Some(1.0),
            _ => None,
        }
    }

    /// Replaces each value by its activation. `width` is the last dimension.
    pub fn apply(self, values: &mut [f32], width: usize) {
        vectorized(
            #[inline(always)]
            || match self {
                Self::Relu => each(values, relu),
                Self::LeakyRelu => each(values, |x| if x < 0.0 { LEAK * x } else { x }),
                Self::Gelu => each(values, |x| unless_below(TINY, x * normal_below(x))),
                Self::Elu => each(values, |x| {
                    let below = exp(x) - 1.0;
                    if x > 0.0 { x } else { below }
                }),
                Self::Selu => each(values, selu),
                Self::Silu => each(values, |x| unless_below(TINY, x * sigmoid(x))),
                Self::Mish => each(values, |x| unless_below(TINY, x * mish_share(x))),
                Self::Tanh => each(values, tanh),
                Self::Sigmoid => each(values, |x| unless_below(TINY, sigmoid(x))),
                Self::Softmax => values.chunks_exact_mut(width.max(1)).for_each(softmax),
                Self::Linear => {}
            },
        );
    }

    /// Adds the biases to each row of sums and applies the activation: for `relu` in one sweep, since each sweep over sums
    /// costs about as much as it does. Shapes: `sums` is `[n, width]`, `bias` is `[width]`.
    pub(crate) fn apply_to_biased(self, sums: &mut [f32], bias: &[f32]) {
        let width = bias.len().max(1);
        vectorized(
            #[inline(always)]
            || {
                for row in sums.chunks_exact_mut(width) {
                    match self {
                        Self::Relu => row.iter_mut().zip(bias).for_each(|(sum, b)| *sum = relu(*sum + b)),
                        _ => add(row, bias),
                    }
                }
            },
        );
        if self != Self::Relu {
            self.apply(sums, width);
        }
    }

    /// Multiplies each gradient by the derivative at its place. `sums` are the `x` where [`Activation::needs_sums`],
    /// else they may be empty; `outputs` are the `y`. Shapes: all of one length.
    pub fn multiply_derivative(self, sums: &[f32], outputs: &[f32], gradients: &mut [f32], width: usize) {
        vectorized(
            #[inline(always)]
            || match self {
                Self::Relu => by_output(outputs, gradients, |y, g| if y > 0.0 { g } else { 0.0 }),
                Self::LeakyRelu => by_output(outputs, gradients, |y, g| if y > 0.0 { g } else { LEAK * g }),
                Self::Gelu => by_output(sums, gradients, |x, g| g * (normal_below(x) + x * normal_density(x))),
                Self::Elu => by_output(outputs, gradients, |y, g| g * if y > 0.0 { 1.0 } else { y + 1.0 }),
                Self::Selu => by_output(outputs, gradients, |y, g| {
                    g * if y > 0.0 { SELU_SCALE } else { y + SELU_SCALE * SELU_ALPHA }
                }),
                Self::Silu => by_output(sums, gradients, |x, g| {
                    let s = sigmoid(x);
                    g * (s * (1.0 + x * (1.0 - s)))
                }),
                Self::Mish => by_output(sums, gradients, |x, g| {
                    let t = mish_share(x);
                    g * (t + x * sigmoid(x) * (1.0 - t * t))
                }),
                Self::Tanh => by_output(outputs, gradients, |y, g| g * (1.0 - y * y)),
                Self::Sigmoid => by_output(outputs, gradients, |y, g| g * (y * (1.0 - y))),
                Self::Softmax => {
                    let width = width.max(1);
                    for (y, g) in outputs.chunks_exact(width).zip(gradients.chunks_exact_mut(width)) {
                        let mean: f32 = y.iter().zip(&*g).map(|(y, g)| y * g).sum();
                        y.iter().zip(g).for_each(|(y, g)| *g = unless_below(TINY, y * (*g - mean)));
                    }
                }
                Self::Linear => {}
            },
        );
    }
}

#[inline(always)]
fn each(values: &mut [f32], f: impl Fn(f32) -> f32) {
    values.iter_mut().for_each(|v| *v = f(*v));
}

#[inline(always)]
fn by_output(values: &[f32], gradients: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    gradients.iter_mut().zip(values).for_each(|(g, &v)| *g = unless_below(TINY, f(v, *g)));
}

/// Not `max`, which would turn NaN into 0 and hide a diverging network.
#[inline(always)]
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

#[inline(always)]
fn selu(x: f32) -> f32 {
    let below = SELU_SCALE * SELU_ALPHA * (exp(x) - 1.0);
    if x > 0.0 { SELU_SCALE * x } else { below }
}

/// The normal distribution function.
#[inline(always)]
fn normal_below(x: f32) -> f32 {
    0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

#[inline(always)]
fn normal_density(x: f32) -> f32 {
    0.398_942_3 * exp(-0.5 * x * x)
}

/// `tanh(ln(1 + exp(x)))`, as a quotient of polynomials in `exp(x)`; beyond 20 it is 1 to the last digit.
#[inline(always)]
fn mish_share(x: f32) -> f32 {
    let e = exp(if x > 20.0 { 20.0 } else { x });
    let n = e * (e + 2.0);
    n / (n + 2.0)
}

/// Softmax of one row in place. NaN comes through, by way of the sum.
#[inline(always)]
pub(crate) fn softmax(row: &mut [f32]) {
    let maximum = row.iter().copied().fold(f32::NEG_INFINITY, |m, v| if v > m { v } else { m });
    row.iter_mut().for_each(|v| *v = unless_below(TINY, exp(*v - maximum)));
    let factor = 1.0 / row.iter().sum::<f32>();
    row.iter_mut().for_each(|v| *v *= factor);
}

/// An activation as a layer of its own, for rows of any shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activate {
    /// Which.
    pub activation: Activation,
}

#[derive(Debug)]
struct Built {
    activation: Activation,
    shape: Shape,
    width: usize,
}

impl Describe for Activate {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let shape = only(inputs, "an activation")?;
        let [_, width] = shape.expect_places("an activation")?;
        Ok(Box::new(Built { activation: self.activation, shape: shape.clone(), width }))
    }
}

impl Layer for Built {
    fn output(&self) -> &Shape {
        &self.shape
    }

    fn forward(&self, pass: Forward<'_>) {
        // In one sweep over rows that may be larger than the caches, where a copy would be a second.
        if self.activation == Activation::Relu {
            vectorized(
                #[inline(always)]
                || pass.output.iter_mut().zip(pass.input).for_each(|(y, x)| *y = relu(*x)),
            );
            return;
        }
        pass.output.copy_from_slice(pass.input);
        self.activation.apply(pass.output, self.width);
    }

    fn backward(&self, pass: Backward<'_>) {
        let Some(input_gradient) = pass.input_gradient else {
            return;
        };
        if self.activation == Activation::Relu {
            let gradients = pass.output_gradient.iter().zip(pass.output);
            vectorized(
                #[inline(always)]
                || {
                    input_gradient
                        .iter_mut()
                        .zip(gradients)
                        .for_each(|(dx, (dy, y))| *dx = if *y > 0.0 { *dy } else { 0.0 })
                },
            );
            return;
        }
        input_gradient.copy_from_slice(pass.output_gradient);
        self.activation.multiply_derivative(pass.input, pass.output, input_gradient, self.width);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::oracle::{assert_close, layers_of, numbers};
    use super::super::numeric_gradient;
    use super::*;
    use proptest::prelude::*;

    const ALL: [Activation; 11] = [
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Gelu,
        Activation::Elu,
        Activation::Selu,
        Activation::Silu,
        Activation::Mish,
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Softmax,
        Activation::Linear,
    ];

    #[test]
    fn values_and_derivatives_are_those_of_pytorch() {
        for case in layers_of("activation").into_iter().chain(layers_of("activation_elu")) {
            let activation: Activation = serde_json::from_value(case["activation"].clone()).unwrap();
            let (x, mut g) = (numbers(&case["x"]), numbers(&case["upstream"]));
            let mut y = x.clone();
            activation.apply(&mut y, 5);
            assert_close(&y, &numbers(&case["y"]), 5e-7);
            activation.multiply_derivative(&x, &y, &mut g, 5);
            assert_close(&g, &numbers(&case["dx"]), 2e-6);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn gradients_agree_with_central_differences(rows in 1usize..4, width in 1usize..9, which in 0usize..11, seed in any::<u64>()) {
            let shape = Shape::sequence(2, width);
            let layer = Activate { activation: ALL[which] }.build(&[&shape]).unwrap();
            numeric_gradient::check(&*layer, &[&shape], rows, seed);
        }
    }

    #[test]
    fn extreme_numbers_saturate() {
        let mut values = [-1000.0, -0.0, 1000.0, f32::INFINITY, f32::NEG_INFINITY];
        Activation::Sigmoid.apply(&mut values, 5);
        assert_eq!(values, [0.0, 0.5, 1.0, 1.0, 0.0]);
        for activation in [Activation::Gelu, Activation::Silu, Activation::Mish] {
            let mut values = [-80.0, 0.0, 1e30];
            activation.apply(&mut values, 3);
            assert!(values[0].abs() < 1e-6 && values[1] == 0.0 && values[2] == 1e30, "{activation:?} {values:?}");
        }
    }

    #[test]
    fn nan_is_never_hidden() {
        for activation in ALL {
            let mut values = [1.0, f32::NAN];
            activation.apply(&mut values, 2);
            assert!(values[1].is_nan(), "{activation:?}");
        }
    }

    #[test]
    fn names_are_those_of_the_field() {
        let names = r#"["relu","leaky_relu","gelu","elu","selu","silu","mish","tanh","sigmoid","softmax","linear"]"#;
        assert_eq!(serde_json::from_str::<Vec<Activation>>(names).unwrap(), ALL);
        assert!(serde_json::from_str::<Activation>(r#""rleu""#).is_err());
    }
}
