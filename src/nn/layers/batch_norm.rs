//! Features of mean 0 and variance 1.

use super::super::init::Initial;
use super::super::shape::Shape;
use super::super::simd::vectorized;
use super::layer_norm::{check_epsilon, epsilon, factors_and_shifts};
use super::reading::only;
use super::{Backward, Describe, Forward, GatherBack, Layer, Parameter, Synchronized};
use serde::{Deserialize, Serialize};

/// `y = γ (x - μ) / sqrt(σ² + ε) + β`, for each number of the last dimension by itself: while training with the mean `μ`
/// and variance `σ²` over all rows of the batch (and all places of an image), in prediction with running means of both.
///
/// Shapes: `x` and `y` are `[n, .., features]`, `γ` and `β` are `[features]`. With `x̂` the standardised `x` and `N` the
/// number of rows times places, the way back is `dx = γ / sqrt(σ² + ε) (dy - Σ dy / N - x̂ Σ dy x̂ / N)`, `dγ = Σ dy x̂`,
/// `dβ = Σ dy`. After a step the running mean is moved towards `μ` by the share `momentum`, and the running variance
/// towards `σ² N / (N - 1)`.
///
/// The sums are over the whole batch, whatever its shards: each shard says its count, mean and sum of squared deviations,
/// which are merged in order (Chan, Golub & LeVeque 1983).
///
/// Source: Ioffe & Szegedy 2015, *Batch normalization: accelerating deep network training by reducing internal covariate
/// shift*.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    /// The share by which the running means move at each step, in `(0, 1]`. Default 0.1, as in PyTorch.
    #[serde(default = "momentum")]
    pub momentum: f64,
    /// Keeps the division finite. Default 1e-5.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
}

fn momentum() -> f64 {
    0.1
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { momentum: momentum(), epsilon: epsilon() }
    }
}

/// A batch norm over rows of one shape.
#[derive(Debug)]
pub(super) struct Norm {
    shape: Shape,
    pub(super) width: usize,
    momentum: f64,
    epsilon: f64,
    parameters: Vec<Parameter>,
}

impl Describe for BatchNorm {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        Ok(Box::new(self.place(only(inputs, "batch_norm")?)?))
    }
}

impl BatchNorm {
    /// The norm over rows of a shape.
    pub(super) fn place(&self, shape: &Shape) -> Result<Norm, String> {
        let [_, width] = shape.expect_places("batch_norm")?;
        let epsilon = f64::from(check_epsilon(self.epsilon, "batch_norm")?);
        if !(self.momentum > 0.0 && self.momentum <= 1.0) {
            return Err(format!("the momentum of batch_norm lies in (0, 1], it is {}", self.momentum));
        }
        let mut parameters = factors_and_shifts(width).to_vec();
        parameters.push(Parameter::kept("running_mean", &[width], Initial::Zeros));
        parameters.push(Parameter::kept("running_variance", &[width], Initial::Ones));
        Ok(Norm { shape: shape.clone(), width, momentum: self.momentum, epsilon, parameters })
    }
}

impl Norm {
    /// Mean and one over the standard deviation of the feature `i`.
    #[inline(always)]
    pub(super) fn place_and_scale(
        &self,
        i: usize,
        parameters: &[f32],
        statistics: &[f64],
        training: bool,
    ) -> (f32, f32) {
        let (mean, variance) = if training {
            let count = statistics[0].max(1.0);
            (statistics[1 + i], statistics[1 + self.width + i] / count)
        } else {
            (f64::from(parameters[2 * self.width + i]), f64::from(parameters[3 * self.width + i]))
        };
        (mean as f32, (1.0 / (variance + self.epsilon).sqrt()) as f32)
    }

    /// By what the feature `i` is multiplied, and what is added to it then.
    #[inline(always)]
    pub(super) fn factor_and_shift(
        &self,
        i: usize,
        parameters: &[f32],
        statistics: &[f64],
        training: bool,
    ) -> (f32, f32) {
        let (mean, inverse) = self.place_and_scale(i, parameters, statistics, training);
        let factor = parameters[i] * inverse;
        (factor, parameters[self.width + i] - mean * factor)
    }

    /// Divides the sum over each feature by its standard deviation in the batch.
    pub(super) fn standardise(&self, forward: &[f64], sums: &mut [f64]) {
        let count = forward[0].max(1.0);
        for (sum, squares) in sums.iter_mut().zip(&forward[1 + self.width..]) {
            *sum /= (squares / count + self.epsilon).sqrt();
        }
    }
}

/// The features are treated in groups of this many, so that their means and factors fit into registers.
const GROUP: usize = 32;

impl Layer for Norm {
    fn output(&self) -> &Shape {
        &self.shape
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn synchronized(&self) -> Option<&dyn Synchronized> {
        Some(self)
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { parameters, input, output, statistics, training, .. } = pass;
        vectorized(
            #[inline(always)]
            || {
                for start in (0..self.width).step_by(GROUP) {
                    let size = GROUP.min(self.width - start);
                    let (mut factor, mut shift) = ([0.0; GROUP], [0.0; GROUP]);
                    for i in 0..size {
                        (factor[i], shift[i]) =
                            self.factor_and_shift(start + i, parameters, statistics, training.is_some());
                    }
                    for (x, y) in input.chunks_exact(self.width).zip(output.chunks_exact_mut(self.width)) {
                        let (x, y) = (&x[start..start + size], &mut y[start..start + size]);
                        y.iter_mut().zip(x).zip(&factor).zip(&shift).for_each(|(((y, x), f), s)| *y = x * f + s);
                    }
                }
            },
        );
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward {
            parameters,
            input,
            output_gradient,
            input_gradient,
            parameter_gradient,
            statistics,
            training,
            ..
        } = pass;
        let [forward, back] = statistics;
        let training = training.is_some();
        parameter_gradient.fill(0.0);
        let (by_factor, rest) = parameter_gradient.split_at_mut(self.width);
        let by_shift = &mut rest[..self.width];
        vectorized(
            #[inline(always)]
            || {
                let mut input_gradient = input_gradient;
                for start in (0..self.width).step_by(GROUP) {
                    let size = GROUP.min(self.width - start);
                    let (mut mean, mut inverse) = ([0.0f32; GROUP], [0.0f32; GROUP]);
                    let (mut scale, mut of_shift, mut of_factor) = ([0.0f32; GROUP], [0.0f32; GROUP], [0.0f32; GROUP]);
                    for i in 0..size {
                        (mean[i], inverse[i]) = self.place_and_scale(start + i, parameters, forward, training);
                        scale[i] = parameters[start + i] * inverse[i];
                        if training {
                            let count = forward[0].max(1.0);
                            of_shift[i] = (back[start + i] / count) as f32;
                            of_factor[i] = (back[self.width + start + i] / count) as f32;
                        }
                    }
                    let (by_factor, by_shift) =
                        (&mut by_factor[start..start + size], &mut by_shift[start..start + size]);
                    let places = input.chunks_exact(self.width).zip(output_gradient.chunks_exact(self.width));
                    for (place, (x, dy)) in places.enumerate() {
                        let (x, dy) = (&x[start..start + size], &dy[start..start + size]);
                        for i in 0..size {
                            let standardised = (x[i] - mean[i]) * inverse[i];
                            by_factor[i] += dy[i] * standardised;
                            by_shift[i] += dy[i];
                        }
                        let Some(dx) = &mut input_gradient else {
                            continue;
                        };
                        let dx = &mut dx[place * self.width + start..][..size];
                        for i in 0..size {
                            let standardised = (x[i] - mean[i]) * inverse[i];
                            dx[i] = scale[i] * (dy[i] - of_shift[i] - standardised * of_factor[i]);
                        }
                    }
                }
            },
        );
    }
}

impl Synchronized for Norm {
    /// The count, then the means, then the sums of squared deviations.
    fn size(&self) -> usize {
        1 + 2 * self.width
    }

    fn gather(&self, _: usize, input: &[f32], statistics: &mut [f64]) {
        statistics.fill(0.0);
        let count = (input.len() / self.width) as f64;
        let (first, rest) = statistics.split_at_mut(1);
        first[0] = count;
        let (means, squares) = rest.split_at_mut(self.width);
        vectorized(
            #[inline(always)]
            || {
                for x in input.chunks_exact(self.width) {
                    means.iter_mut().zip(x).for_each(|(sum, x)| *sum += f64::from(*x));
                }
                means.iter_mut().for_each(|sum| *sum /= count.max(1.0));
                for x in input.chunks_exact(self.width) {
                    for ((sum, x), mean) in squares.iter_mut().zip(x).zip(&*means) {
                        let d = f64::from(*x) - mean;
                        *sum += d * d;
                    }
                }
            },
        );
    }

    fn merge(&self, statistics: &mut [f64], next: &[f64]) {
        let (a, b) = (statistics[0], next[0]);
        let total = a + b;
        if b == 0.0 {
            return;
        }
        statistics[0] = total;
        for i in 1..=self.width {
            let d = next[i] - statistics[i];
            statistics[i] += d * (b / total);
            statistics[self.width + i] += next[self.width + i] + d * d * (a * b / total);
        }
    }

    fn gather_back(&self, pass: GatherBack<'_>, statistics: &mut [f64]) {
        let GatherBack { input, output_gradient, forward, .. } = pass;
        statistics.fill(0.0);
        let (by_shift, by_factor) = statistics.split_at_mut(self.width);
        vectorized(
            #[inline(always)]
            || {
                for (x, dy) in input.chunks_exact(self.width).zip(output_gradient.chunks_exact(self.width)) {
                    for i in 0..self.width {
                        by_shift[i] += f64::from(dy[i]);
                        by_factor[i] += f64::from(dy[i]) * (f64::from(x[i]) - forward[1 + i]);
                    }
                }
            },
        );
        self.standardise(forward, by_factor);
    }

    fn absorb(&self, statistics: &[f64], parameters: &mut [f32]) {
        let count = statistics[0];
        let (means, variances) = parameters[2 * self.width..].split_at_mut(self.width);
        for i in 0..self.width {
            let towards = |running: &mut f32, value: f64| {
                *running = (f64::from(*running) * (1.0 - self.momentum) + value * self.momentum) as f32;
            };
            towards(&mut means[i], statistics[1 + i]);
            // One number has no variance to learn from.
            if count > 1.0 {
                towards(&mut variances[i], statistics[1 + self.width + i] / (count - 1.0));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::oracle::{assert_close, assert_layer, layers_of, numbers};
    use super::super::numeric_gradient;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn outputs_and_gradients_are_those_of_pytorch() {
        assert_layer("batch_norm", 5e-6, |case| {
            Box::new(serde_json::from_value::<BatchNorm>(case["options"].clone()).unwrap())
        });
    }

    #[test]
    fn running_means_are_those_of_pytorch() {
        for case in layers_of("batch_norm").iter().filter(|case| case["training"] == true) {
            let x = numbers(&case["inputs"]);
            let mut parameters: Vec<f32> = case["parameters"].as_array().unwrap().iter().flat_map(numbers).collect();
            let width = parameters.len() / 4;
            let layer = BatchNorm::default().build(&[&Shape::features(width)]).unwrap();
            let layer = layer.synchronized().unwrap();
            let mut statistics = vec![0.0; layer.size()];
            layer.gather(x.len() / width, &x, &mut statistics);
            layer.absorb(&statistics, &mut parameters);
            assert_close(&parameters[2 * width..], &numbers(&case["running"]), 1e-6);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn gradients_agree_with_central_differences(places in 1usize..4, width in 1usize..40, rows in 2usize..5, seed in any::<u64>()) {
            let shape = Shape::sequence(places, width);
            let layer = BatchNorm { epsilon: 0.1, ..BatchNorm::default() }.build(&[&shape]).unwrap();
            numeric_gradient::check(&*layer, &[&shape], rows, seed);
        }

        #[test]
        fn merged_shards_say_what_the_batch_says(cut in 0usize..20, seed in 0u32..1000) {
            let x: Vec<f32> = (0..60).map(|i| ((i * 37 + seed * 11) % 101) as f32 / 10.0 + 100.0).collect();
            let layer = BatchNorm::default().build(&[&Shape::features(3)]).unwrap();
            let layer = layer.synchronized().unwrap();
            let gather = |x: &[f32]| {
                let mut statistics = vec![0.0; layer.size()];
                layer.gather(x.len() / 3, x, &mut statistics);
                statistics
            };
            let mut merged = gather(&x[..3 * cut]);
            layer.merge(&mut merged, &gather(&x[3 * cut..]));
            for (m, w) in merged.iter().zip(gather(&x)) {
                prop_assert!((m - w).abs() <= 1e-9 * w.abs().max(1.0), "{m} {w}");
            }
        }
    }

    #[test]
    fn options_out_of_range_are_refused() {
        let error = BatchNorm { momentum: 0.0, ..BatchNorm::default() }.build(&[&Shape::features(2)]).unwrap_err();
        assert_eq!(error, "the momentum of batch_norm lies in (0, 1], it is 0");
    }
}
