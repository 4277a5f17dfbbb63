//! Gradients by central differences, the slower truth against which each layer's way back is tested.

use super::{Backward, Forward, Layer};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Half the distance of a difference; a power of two, so that adding it costs no digits.
const STEP: f32 = 1.0 / 128.0;

/// A layer with random numbers to try it on.
struct Trial<'a> {
    layer: &'a dyn Layer,
    rows: usize,
    seed: u64,
    input: Vec<f32>,
    parameters: Vec<f32>,
    upstream: Vec<f32>,
}

/// Compares the gradients of `sum(upstream * output)` by input and by parameters with central differences, for `rows`
/// rows of `width` numbers.
pub(super) fn check(layer: &dyn Layer, width: usize, rows: usize, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0f32..1.0)).collect::<Vec<_>>();
    let parameters = layer.parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum();
    let upstream = draw(rows * layer.output().size().unwrap_or(0));
    let trial = Trial { layer, rows, seed, input: draw(rows * width), parameters: draw(parameters), upstream };
    let (by_input, by_parameter) = trial.gradients();
    trial.compare("input", &by_input, |trial| &mut trial.input);
    trial.compare("parameter", &by_parameter, |trial| &mut trial.parameters);
}

impl Trial<'_> {
    /// Output and kept numbers. A random layer starts from the same generator each time and so makes the same choices.
    fn forward(&self) -> (Vec<f32>, Vec<f32>) {
        let mut output = vec![f32::NAN; self.upstream.len()];
        let mut kept = vec![f32::NAN; self.rows * self.layer.kept_per_row()];
        self.layer.forward(Forward {
            rows: self.rows,
            parameters: &self.parameters,
            input: &self.input,
            output: &mut output,
            kept: &mut kept,
            training: Some(&mut ChaCha8Rng::seed_from_u64(self.seed)),
        });
        (output, kept)
    }

    fn value(&self) -> f64 {
        self.forward().0.iter().zip(&self.upstream).map(|(&y, &u)| f64::from(y) * f64::from(u)).sum()
    }

    /// The gradients by input and by parameters, as the layer computes them.
    fn gradients(&self) -> (Vec<f32>, Vec<f32>) {
        let (output, kept) = self.forward();
        let (mut by_input, mut by_parameter) =
            (vec![f32::NAN; self.input.len()], vec![f32::NAN; self.parameters.len()]);
        self.layer.backward(Backward {
            rows: self.rows,
            parameters: &self.parameters,
            input: &self.input,
            output: &output,
            kept: &kept,
            output_gradient: &mut self.upstream.clone(),
            input_gradient: Some(&mut by_input),
            parameter_gradient: &mut by_parameter,
        });
        (by_input, by_parameter)
    }

    fn compare(&self, what: &str, gradient: &[f32], values: impl Fn(&mut Self) -> &mut Vec<f32>) {
        let middle = self.value();
        for (i, &got) in gradient.iter().enumerate() {
            let moved = |by: f32| {
                let mut trial = Self {
                    input: self.input.clone(),
                    parameters: self.parameters.clone(),
                    upstream: self.upstream.clone(),
                    ..*self
                };
                values(&mut trial)[i] += by;
                trial.value()
            };
            let (up, down, step) = (moved(STEP), moved(-STEP), f64::from(STEP));
            let numeric = (up - down) / (2.0 * step);
            // Where a kink of `relu` lies between the two, the slopes on both sides differ, and the gradient is one of
            // them.
            let bend = ((up - middle) - (middle - down)).abs() / step;
            let difference = (f64::from(got) - numeric).abs();
            assert!(
                difference < 2e-3 * (1.0 + numeric.abs()) + bend,
                "{:?} by {what} {i}: {got}, numerically {numeric}",
                self.layer
            );
        }
    }
}
