//! A layer tried on its own: its outputs and gradients for given numbers, and gradients by central differences, the
//! slower truth against which each layer's way back is tested.
#![allow(clippy::unwrap_used)]

use super::super::randomness::Draws;
use super::super::shape::Shape;
use super::{Backward, Forward, GatherBack, Layer};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Half the distances of differences; powers of two, so that adding them costs no digits. The second is for the places
/// where the first spans two kinks whose bends cancel, as in pools that overlap.
const STEPS: [f32; 2] = [1.0 / 128.0, 1.0 / 2048.0];

/// A layer with numbers to try it on.
#[derive(Clone)]
pub(crate) struct Trial<'a> {
    pub(crate) layer: &'a dyn Layer,
    pub(crate) rows: usize,
    /// For each input `[rows, input]`.
    pub(crate) inputs: Vec<Vec<f32>>,
    pub(crate) parameters: Vec<f32>,
    /// `[rows, output]`: the gradient by the output.
    pub(crate) upstream: Vec<f32>,
    /// `[rows, length]`, or empty.
    pub(crate) mask: Vec<f32>,
    pub(crate) training: Option<Draws>,
}

/// What a layer keeps between the two ways.
struct Done {
    output: Vec<f32>,
    kept: Vec<f32>,
    statistics: Vec<f64>,
}

impl Trial<'_> {
    fn pass_forward(&self) -> Done {
        let mut done = Done {
            output: vec![f32::NAN; self.upstream.len()],
            kept: vec![f32::NAN; self.rows * self.layer.kept_per_row()],
            statistics: Vec::new(),
        };
        let mut scratch = vec![f32::NAN; self.layer.scratch()];
        if let Some(layer) = self.layer.synchronized() {
            done.statistics = vec![f64::NAN; layer.size()];
            layer.gather(self.rows, &self.inputs[0], &mut done.statistics);
        }
        for (port, input) in self.inputs.iter().enumerate() {
            self.layer.forward(Forward {
                rows: self.rows,
                port,
                parameters: &self.parameters,
                input,
                output: &mut done.output,
                kept: &mut done.kept,
                scratch: &mut scratch,
                mask: &self.mask,
                statistics: &done.statistics,
                training: self.training,
            });
        }
        done
    }

    /// The outputs.
    pub(crate) fn forward(&self) -> Vec<f32> {
        self.pass_forward().output
    }

    /// The gradients by the inputs and by the parameters, as the layer computes them.
    pub(crate) fn gradients(&self) -> (Vec<Vec<f32>>, Vec<f32>) {
        let Done { output, mut kept, statistics } = self.pass_forward();
        let mut scratch = vec![f32::NAN; self.layer.scratch()];
        let mut back = Vec::new();
        if let Some(layer) = self.layer.synchronized() {
            back = vec![f64::NAN; layer.size()];
            let (input, output_gradient) = (&self.inputs[0], &self.upstream);
            let pass = GatherBack { input, output: &output, kept: &kept, output_gradient, forward: &statistics };
            layer.gather_back(pass, &mut back);
        }
        let table = self.layer.table();
        let mut by_parameter = vec![if table.is_some() { 0.0 } else { f32::NAN }; self.parameters.len()];
        let mut output_gradient = self.upstream.clone();
        let mut by_inputs = Vec::new();
        for (port, input) in self.inputs.iter().enumerate() {
            let mut by_input = vec![f32::NAN; input.len()];
            self.layer.backward(Backward {
                rows: self.rows,
                port,
                parameters: &self.parameters,
                input,
                output: &output,
                kept: &mut kept,
                output_gradient: &mut output_gradient,
                input_gradient: Some(&mut by_input),
                parameter_gradient: if table.is_some() { &mut [] } else { &mut by_parameter },
                scratch: &mut scratch,
                mask: &self.mask,
                statistics: [&statistics, &back],
                training: self.training,
            });
            by_inputs.push(by_input);
        }
        if let Some(table) = table {
            table.visit(&self.inputs[0], &self.upstream, self.training, &mut |row, factor, gradient| {
                let row = &mut by_parameter[row * table.row()..(row + 1) * table.row()];
                row.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += factor * g);
            });
        }
        (by_inputs, by_parameter)
    }

    fn value(&self) -> f64 {
        self.forward().iter().zip(&self.upstream).map(|(&y, &u)| f64::from(y) * f64::from(u)).sum()
    }

    fn compare(&self, what: &str, gradient: &[f32], values: impl Fn(&mut Self) -> &mut Vec<f32>) {
        let middle = self.value();
        for (i, &got) in gradient.iter().enumerate() {
            let moved = |by: f32| {
                let mut trial = self.clone();
                values(&mut trial)[i] += by;
                trial.value()
            };
            let slopes = STEPS.iter().map(|&step| {
                let (up, down, step) = (moved(step), moved(-step), f64::from(step));
                // Where a kink of `relu` lies between the two, the slopes on both sides differ, and the gradient is
                // one of them.
                ((up - down) / (2.0 * step), ((up - middle) - (middle - down)).abs() / step)
            });
            let agrees =
                |(numeric, bend): (f64, f64)| (f64::from(got) - numeric).abs() < 2e-3 * (1.0 + numeric.abs()) + bend;
            assert!(
                slopes.clone().any(agrees),
                "{:?} by {what} {i}: {got}, numerically {:?}",
                self.layer,
                slopes.collect::<Vec<_>>()
            );
        }
    }
}

/// Compares the gradients of `sum(upstream * output)` by the inputs and by the learned parameters with central
/// differences, for `rows` random rows of these shapes. The layer computes in `f32`; a difference of two such values
/// over 1/64 is right to about 1e-3, which is the tolerance.
pub(crate) fn check(layer: &dyn Layer, shapes: &[&Shape], rows: usize, seed: u64) {
    check_masked(layer, shapes, rows, seed, Vec::new());
}

/// [`check`] with places that are padding. `mask` is `[rows, length]`.
pub(crate) fn check_masked(layer: &dyn Layer, shapes: &[&Shape], rows: usize, seed: u64, mask: Vec<f32>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0f32..1.0)).collect::<Vec<_>>();
    let sizes = || layer.parameters().iter().map(|p| p.size().unwrap());
    let upstream = draw(rows * layer.output().size().unwrap());
    let inputs = shapes.iter().map(|shape| draw(rows * shape.size().unwrap())).collect();
    let training = Some(Draws::new(seed, 3).of_layer(1));
    let trial = Trial { layer, rows, inputs, parameters: draw(sizes().sum()), upstream, mask, training };
    let (by_inputs, by_parameter) = trial.gradients();
    for (port, gradient) in by_inputs.iter().enumerate() {
        trial.compare("input", gradient, |trial| &mut trial.inputs[port]);
    }
    let learned: usize = layer.parameters().iter().zip(sizes()).filter(|(p, _)| p.learned).map(|(_, size)| size).sum();
    trial.compare("parameter", &by_parameter[..learned], |trial| &mut trial.parameters);
}

/// [`check`] of a layer that looks tokens from 1 up to `tokens` up in a table, for random `rows` of `length` tokens.
pub(crate) fn check_table(layer: &dyn Layer, tokens: usize, (rows, length): (usize, usize), seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let inputs = vec![(0..rows * length).map(|_| rng.random_range(1..tokens) as f32).collect()];
    let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0f32..1.0)).collect::<Vec<_>>();
    let parameters = draw(layer.parameters().iter().map(|p| p.size().unwrap()).sum());
    let upstream = draw(rows * layer.output().size().unwrap());
    let training = Some(Draws::new(seed, 3).of_layer(1));
    let trial = Trial { layer, rows, inputs, parameters, upstream, mask: Vec::new(), training };
    trial.compare("parameter", &trial.gradients().1, |trial| &mut trial.parameters);
}
