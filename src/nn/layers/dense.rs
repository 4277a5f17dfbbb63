//! Fully connected units.

use super::super::init::Start;
use super::super::matmul::{Matrix, multiply};
use super::super::shape::Shape;
use super::super::simd::{add, add_scaled, dot, vectorized};
use super::reading::only;
use super::{Activation, Backward, Describe, Forward, Layer, Parameter};
use serde::{Deserialize, Serialize};

/// `Y = f(X Wᵀ + b)`: each unit weighs all inputs, adds its bias and applies the activation `f`.
///
/// Shapes: `X` is `[n, inputs]`, `W` is `[units, inputs]`, `b` is `[units]`, `Y` is `[n, units]`. Rows that are
/// sequences `[length, inputs]` are treated place by place and give `[length, units]`.
///
/// The way back (Rumelhart, Hinton & Williams 1986): with `D = dL/dY * f'`, `dL/dW = Dᵀ X`, `dL/db` is the sum of `D`
/// over the rows and `dL/dX = D W`. Time is `O(n * inputs * units)` each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// How many units; at least 1.
    pub units: usize,
    /// What each unit applies to its sum. Default `relu`.
    #[serde(default)]
    pub activation: Activation,
    /// Whether the units have a bias. Default true.
    #[serde(default = "yes")]
    pub bias: bool,
    /// How the weights start. Default: as [`start_for`] says of the activation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
}

impl Default for Dense {
    fn default() -> Self {
        Self { units: 1, activation: Activation::default(), bias: true, start: None }
    }
}

pub(super) fn yes() -> bool {
    true
}

/// The start of weights before an activation: He's before those that silence a half, LeCun's before `selu`, Glorot's
/// before the others.
pub(crate) fn start_for(activation: Activation) -> Start {
    match activation {
        Activation::Relu
        | Activation::LeakyRelu
        | Activation::Elu
        | Activation::Gelu
        | Activation::Silu
        | Activation::Mish => Start::He,
        Activation::Selu => Start::Lecun,
        Activation::Tanh | Activation::Sigmoid | Activation::Softmax | Activation::Linear => Start::Glorot,
    }
}

#[derive(Debug)]
struct Built {
    /// How many places of a row are treated alike; 1 for a flat row.
    places: usize,
    inputs: usize,
    units: usize,
    bias: bool,
    activation: Activation,
    output: Shape,
    parameters: Vec<Parameter>,
}

/// Up to this many units the products are plain loops: a general product packs its operands into tiles, which costs
/// more than it gains when a side is this short. Output layers are usually that narrow.
const NARROW: usize = 4;

impl Describe for Dense {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let Self { units, activation, bias, start } = *self;
        let input = only(inputs, "a dense layer")?;
        if input.dimensions().len() > 2 {
            return Err(format!(
                "a dense layer reads flat rows or sequences, these are {input}; put `flatten` before it"
            ));
        }
        let [places, width] = input.expect_places("a dense layer")?;
        if units == 0 {
            return Err("a dense layer needs at least 1 unit".to_owned());
        }
        let start = start.unwrap_or(start_for(activation));
        let mut parameters = vec![Parameter {
            rate: start.rate(width),
            ..Parameter::weight("weight", &[units, width], start.weights(width, units))
        }];
        if bias {
            parameters.push(Parameter::bias("bias", &[units], start.biases()));
        }
        let mut output = input.dimensions().to_vec();
        if let Some(last) = output.last_mut() {
            *last = units;
        }
        let output = Shape::of(&output);
        Ok(Box::new(Built { places, inputs: width, units, bias, activation, output, parameters }))
    }
}

impl Layer for Built {
    fn output(&self) -> &Shape {
        &self.output
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn kept_per_row(&self) -> usize {
        if self.activation.needs_sums() { self.places * self.units } else { 0 }
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { rows, parameters, input, output, kept, .. } = pass;
        let (weight, bias) = parameters.split_at(self.units * self.inputs);
        if self.units <= NARROW {
            vectorized(
                #[inline(always)]
                || self.forward_narrow(weight, bias, input, output),
            );
        } else {
            let n = rows * self.places;
            let x = Matrix::new(input, n, self.inputs);
            let w = Matrix::new(weight, self.units, self.inputs);
            multiply(x, w.transposed(), false, output, self.units);
            if self.bias && kept.is_empty() {
                self.activation.apply_to_biased(output, bias);
                return;
            }
            vectorized(
                #[inline(always)]
                || output.chunks_exact_mut(self.units).filter(|_| self.bias).for_each(|y| add(y, bias)),
            );
        }
        if !kept.is_empty() {
            kept.copy_from_slice(output);
        }
        self.activation.apply(output, self.units);
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward {
            rows, parameters, input, output, kept, output_gradient, input_gradient, parameter_gradient, ..
        } = pass;
        self.activation.multiply_derivative(kept, output, output_gradient, self.units);
        let weight = parameters.split_at(self.units * self.inputs).0;
        let (weight_gradient, bias_gradient) = parameter_gradient.split_at_mut(self.units * self.inputs);
        if self.bias {
            bias_gradient.fill(0.0);
            vectorized(
                #[inline(always)]
                || output_gradient.chunks_exact(self.units).for_each(|d| add(bias_gradient, d)),
            );
        }
        if self.units <= NARROW {
            vectorized(
                #[inline(always)]
                || self.backward_narrow(weight, input, output_gradient, weight_gradient, input_gradient),
            );
            return;
        }
        let n = rows * self.places;
        let d = Matrix::new(output_gradient, n, self.units);
        multiply(d.transposed(), Matrix::new(input, n, self.inputs), false, weight_gradient, self.inputs);
        if let Some(input_gradient) = input_gradient {
            multiply(d, Matrix::new(weight, self.units, self.inputs), false, input_gradient, self.inputs);
        }
    }
}

impl Built {
    #[inline(always)]
    fn forward_narrow(&self, weight: &[f32], bias: &[f32], input: &[f32], output: &mut [f32]) {
        for (y, x) in output.chunks_exact_mut(self.units).zip(input.chunks_exact(self.inputs)) {
            for (unit, (y, w)) in y.iter_mut().zip(weight.chunks_exact(self.inputs)).enumerate() {
                *y = bias.get(unit).copied().unwrap_or(0.0) + dot(w, x);
            }
        }
    }

    #[inline(always)]
    fn backward_narrow(
        &self,
        weight: &[f32],
        input: &[f32],
        output_gradient: &[f32],
        weight_gradient: &mut [f32],
        input_gradient: Option<&mut [f32]>,
    ) {
        weight_gradient.fill(0.0);
        for (d, x) in output_gradient.chunks_exact(self.units).zip(input.chunks_exact(self.inputs)) {
            for (&d, w) in d.iter().zip(weight_gradient.chunks_exact_mut(self.inputs)) {
                add_scaled(w, d, x);
            }
        }
        let Some(input_gradient) = input_gradient else {
            return;
        };
        input_gradient.fill(0.0);
        for (d, dx) in output_gradient.chunks_exact(self.units).zip(input_gradient.chunks_exact_mut(self.inputs)) {
            for (&d, w) in d.iter().zip(weight.chunks_exact(self.inputs)) {
                add_scaled(dx, d, w);
            }
        }
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
        assert_layer("dense", 2e-6, |case| Box::new(serde_json::from_value::<Dense>(case["options"].clone()).unwrap()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn gradients_agree_with_central_differences(
            inputs in 1usize..7, units in 1usize..9, places in 1usize..3, rows in 1usize..5, seed in any::<u64>(),
            bias in any::<bool>(),
            activation in prop_oneof![
                Just(Activation::Tanh), Just(Activation::Mish), Just(Activation::Linear), Just(Activation::Softmax)
            ],
        ) {
            let shape = if places == 1 { Shape::features(inputs) } else { Shape::sequence(places, inputs) };
            let layer = Dense { units, activation, bias, start: None }.build(&[&shape]).unwrap();
            numeric_gradient::check(&*layer, &[&shape], rows, seed);
        }
    }

    #[test]
    fn no_units_and_images_are_refused() {
        let build = |units, shape: Shape| Dense { units, ..Dense::default() }.build(&[&shape]).unwrap_err();
        assert_eq!(build(0, Shape::features(3)), "a dense layer needs at least 1 unit");
        let image = build(4, Shape::image(28, 28, 1));
        assert_eq!(image, "a dense layer reads flat rows or sequences, these are [28, 28, 1]; put `flatten` before it");
        assert_eq!(build(4, Shape::of(&[])), "a dense layer cannot read rows of shape []");
    }
}
