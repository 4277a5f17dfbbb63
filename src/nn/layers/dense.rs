//! Fully connected units.

use super::super::initialize::Initial;
use super::super::matmul::{matrix, matrix_mut, multiply};
use super::super::shape::Shape;
use super::{Activation, Backward, Forward, Layer, Parameter};

/// `Y = f(X Wᵀ + b)`: each unit weighs all inputs, adds its bias and applies the activation `f`.
///
/// Shapes: `X` is `[n, inputs]`, `W` is `[units, inputs]`, `b` is `[units]`, `Y` is `[n, units]`.
///
/// The way back (Rumelhart, Hinton & Williams 1986): with `D = dL/dY * f'`, `dL/dW = Dᵀ X`, `dL/db` is the sum of `D`
/// over the rows and `dL/dX = D W`. Time is `O(n * inputs * units)` each way.
///
/// Weights start by He et al. 2015 before `relu` and by Glorot & Bengio 2010 before the others; biases start at 0.
#[derive(Debug)]
pub struct Dense {
    inputs: usize,
    units: usize,
    activation: Activation,
    output: Shape,
    parameters: [Parameter; 2],
}

/// Up to this many units the products are plain loops: a general product packs its operands into tiles, which costs
/// more than it gains when a side is this short. Output layers are usually that narrow.
const NARROW: usize = 4;

impl Dense {
    /// A layer of `units` units for rows of the shape `input`.
    ///
    /// Errors: no units, or rows that are not flat.
    pub fn new(input: &Shape, units: usize, activation: Activation) -> Result<Self, String> {
        let Some(inputs) = input.flat() else {
            return Err(format!("a dense layer reads flat rows, these are {input}"));
        };
        if units == 0 || inputs == 0 {
            return Err(format!(
                "a dense layer needs at least 1 unit and 1 input; it has {units} units and {inputs} inputs"
            ));
        }
        let initial = match activation {
            Activation::Relu => Initial::HeNormal { inputs },
            Activation::Tanh | Activation::Sigmoid | Activation::Linear => {
                Initial::GlorotUniform { inputs, outputs: units }
            }
        };
        let weight = Parameter { name: "weight", shape: vec![units, inputs], initial };
        let bias = Parameter { name: "bias", shape: vec![units], initial: Initial::Zeros };
        Ok(Self { inputs, units, activation, output: Shape::features(units), parameters: [weight, bias] })
    }
}

impl Layer for Dense {
    fn output(&self) -> &Shape {
        &self.output
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { rows, parameters, input, output, .. } = pass;
        let (weight, bias) = parameters.split_at(self.units * self.inputs);
        if self.units <= NARROW {
            for (y, x) in output.chunks_exact_mut(self.units).zip(input.chunks_exact(self.inputs)) {
                for ((y, w), b) in y.iter_mut().zip(weight.chunks_exact(self.inputs)).zip(bias) {
                    *y = b + dot(w, x);
                }
            }
        } else {
            for y in output.chunks_exact_mut(self.units) {
                y.copy_from_slice(bias);
            }
            let (x, w) = (matrix(input, rows, self.inputs), matrix(weight, self.units, self.inputs));
            multiply(x, w.reversed_axes(), true, matrix_mut(output, rows, self.units));
        }
        self.activation.apply(output);
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward { rows, parameters, input, output, output_gradient, input_gradient, parameter_gradient, .. } =
            pass;
        self.activation.multiply_derivative(output, output_gradient);
        let weight = parameters.split_at(self.units * self.inputs).0;
        let (weight_gradient, bias_gradient) = parameter_gradient.split_at_mut(self.units * self.inputs);
        bias_gradient.fill(0.0);
        for d in output_gradient.chunks_exact(self.units) {
            bias_gradient.iter_mut().zip(d).for_each(|(sum, d)| *sum += d);
        }
        if self.units <= NARROW {
            weight_gradient.fill(0.0);
            for (d, x) in output_gradient.chunks_exact(self.units).zip(input.chunks_exact(self.inputs)) {
                for (&d, w) in d.iter().zip(weight_gradient.chunks_exact_mut(self.inputs)) {
                    w.iter_mut().zip(x).for_each(|(w, x)| *w += d * x);
                }
            }
            if let Some(input_gradient) = input_gradient {
                input_gradient.fill(0.0);
                for (d, dx) in
                    output_gradient.chunks_exact(self.units).zip(input_gradient.chunks_exact_mut(self.inputs))
                {
                    for (&d, w) in d.iter().zip(weight.chunks_exact(self.inputs)) {
                        dx.iter_mut().zip(w).for_each(|(dx, w)| *dx += d * w);
                    }
                }
            }
            return;
        }
        let d = matrix(output_gradient, rows, self.units);
        let x = matrix(input, rows, self.inputs);
        multiply(d.reversed_axes(), x, false, matrix_mut(weight_gradient, self.units, self.inputs));
        if let Some(input_gradient) = input_gradient {
            multiply(d, matrix(weight, self.units, self.inputs), false, matrix_mut(input_gradient, rows, self.inputs));
        }
    }
}

/// The inner product, in eight running sums so that it can use vector registers without changing the order of its sums
/// between machines.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_eights, a_rest) = a.as_chunks::<8>();
    let (b_eights, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0f32; 8];
    for (a, b) in a_eights.iter().zip(b_eights) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::oracle::{assert_close, numbers, pytorch};
    use super::super::numeric_gradient;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn outputs_and_gradients_are_those_of_pytorch() {
        for case in pytorch()["dense"].as_array().unwrap() {
            let activation: Activation = serde_json::from_value(case["activation"].clone()).unwrap();
            let (x, weight, bias) = (numbers(&case["x"]), numbers(&case["weight"]), numbers(&case["bias"]));
            let units = bias.len();
            let layer = Dense::new(&Shape::features(3), units, activation).unwrap();
            let parameters = [weight, bias].concat();
            let mut y = vec![f32::NAN; 5 * units];
            let (rows, kept) = (5, &mut []);
            layer.forward(Forward { rows, parameters: &parameters, input: &x, output: &mut y, kept, training: None });
            assert_close(&y, &numbers(&case["y"]), 1e-6);
            let (mut dx, mut dp) = (vec![f32::NAN; 15], vec![f32::NAN; parameters.len()]);
            layer.backward(Backward {
                rows,
                parameters: &parameters,
                input: &x,
                output: &y,
                kept: &[],
                output_gradient: &mut numbers(&case["upstream"]),
                input_gradient: Some(&mut dx),
                parameter_gradient: &mut dp,
            });
            assert_close(&dx, &numbers(&case["dx"]), 1e-6);
            assert_close(&dp, &[numbers(&case["dweight"]), numbers(&case["dbias"])].concat(), 1e-6);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn gradients_agree_with_central_differences(
            inputs in 1usize..7, units in 1usize..9, rows in 1usize..5, seed in any::<u64>(),
            activation in prop_oneof![
                Just(Activation::Relu), Just(Activation::Tanh), Just(Activation::Sigmoid), Just(Activation::Linear)
            ],
        ) {
            let layer = Dense::new(&Shape::features(inputs), units, activation).unwrap();
            numeric_gradient::check(&layer, inputs, rows, seed);
        }
    }

    #[test]
    fn no_units_and_rows_that_are_not_flat_are_refused() {
        let error = Dense::new(&Shape::features(3), 0, Activation::Relu).unwrap_err();
        assert_eq!(error, "a dense layer needs at least 1 unit and 1 input; it has 0 units and 3 inputs");
        let image: Shape = serde_json::from_str("[28, 28, 1]").unwrap();
        let error = Dense::new(&image, 4, Activation::Relu).unwrap_err();
        assert_eq!(error, "a dense layer reads flat rows, these are [28, 28, 1]");
    }
}
