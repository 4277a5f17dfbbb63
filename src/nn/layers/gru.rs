//! Memory over a sequence, with fewer gates.

use super::super::init::Initial;
use super::super::math::{TINY, sigmoid, tanh, unless_below};
use super::super::matmul::{Matrix, multiply};
use super::super::shape::Shape;
use super::super::simd::{add, vectorized};
use super::dense::yes;
use super::pass::{split, split_mut};
use super::reading::only;
use super::recurrent::Sizes;
use super::{Backward, Describe, Forward, Layer, Parameter};
use serde::{Deserialize, Serialize};

/// For each place of a sequence, from the last place's output `h`, 0 at the start:
///
/// ```text
/// r, z = σ(W x + b + U h + d)            reset and update gate
/// n = tanh(W x + b + r (U h + d))        what is offered
/// h = (1 - z) n + z h                    what is given
/// ```
///
/// Shapes: `x` is `[n, length, features]`, `W` is `[3 units, features]`, `U` is `[3 units, units]`, `b` and `d` are `[3
/// units]`, in the order `r, z, n`; the output is that of all places, `[n, length, units]`, or without `sequences` the
/// last, `[n, units]`. Padding at the end is not read: the last output is that of the last token, and those after it are
/// 0. The way back is the chain rule through all places.
///
/// Source: Cho et al. 2014, *Learning phrase representations using RNN encoder-decoder*, with the reset gate after the
/// product, as in cuDNN and PyTorch. All parameters start uniform in `±1 / sqrt(units)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gru {
    /// How many units; at least 1.
    pub units: usize,
    /// Whether the outputs of all places are given, or that of the last one read. Default all.
    #[serde(default = "yes")]
    pub sequences: bool,
    /// Whether the sequence is read from its end. Default false.
    #[serde(default)]
    pub backward: bool,
}

#[derive(Debug)]
struct Built {
    sizes: Sizes,
    output: Shape,
    parameters: [Parameter; 4],
}

/// The slots of a row: the gates, which become their gradients, the product that the reset gate multiplies, which becomes
/// its gradient, the output, and the gradient by it.
const GATES: usize = 3;
const PRODUCT: usize = 3;
const OUTPUT: usize = 4;
const BY_OUTPUT: usize = 5;
const SLOTS: usize = 6;

impl Describe for Gru {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let sizes = Sizes::new(only(inputs, "a gru")?, "a gru", self.units, SLOTS)?;
        let sizes = Sizes { sequences: self.sequences, backward: self.backward, ..sizes };
        let (uniform, gates) = (Initial::Uniform { limit: 1.0 / (self.units as f64).sqrt() }, GATES * self.units);
        let parameters = [
            Parameter::weight("input_weight", &[gates, sizes.features], uniform),
            Parameter::weight("recurrent_weight", &[gates, self.units], uniform),
            Parameter::bias("bias", &[gates], uniform),
            Parameter::bias("recurrent_bias", &[gates], uniform),
        ];
        Ok(Box::new(Built { sizes, output: sizes.output(), parameters }))
    }
}

impl Built {
    /// The lengths of the parameters.
    fn lengths(&self) -> [usize; 4] {
        let gates = GATES * self.sizes.units;
        [gates * self.sizes.features, gates * self.sizes.units, gates, gates]
    }

    /// From the sums of the gates to the output, for all rows of a block. A row that is not read keeps its output.
    #[inline(always)]
    fn cell(&self, bias: &[f32], before: Option<&[f32]>, block: &mut [f32], is_read: impl Fn(usize) -> bool) {
        let (u, width) = (self.sizes.units, self.sizes.width());
        for (row, now) in block.chunks_exact_mut(width).enumerate() {
            if !is_read(row) {
                let state = &mut now[OUTPUT * u..BY_OUTPUT * u];
                match before {
                    Some(before) => state.copy_from_slice(&before[row * width + OUTPUT * u..][..u]),
                    None => state.fill(0.0),
                }
                continue;
            }
            let [r, z, n, product, h, _] = split_mut(now, [u; SLOTS]);
            let state = before.map(|before| &before[row * width + OUTPUT * u..][..u]);
            for k in 0..u {
                r[k] = sigmoid(r[k] + bias[k]);
                z[k] = sigmoid(z[k] + bias[u + k]);
                product[k] += bias[2 * u + k];
                n[k] = tanh(n[k] + r[k] * product[k]);
                h[k] = (1.0 - z[k]) * n[k] + state.map_or(0.0, |state| z[k] * state[k]);
            }
        }
    }

    /// From the gradient by the output to those by the sums of the gates, by the product and, directly, by the output
    /// before.
    #[inline(always)]
    fn cell_back(&self, mut before: Option<&mut [f32]>, block: &mut [f32], is_read: impl Fn(usize) -> bool) {
        let (u, width) = (self.sizes.units, self.sizes.width());
        for (row, now) in block.chunks_exact_mut(width).enumerate() {
            let mut before = before.as_deref_mut().map(|before| &mut before[row * width..(row + 1) * width]);
            if !is_read(row) {
                if let Some(before) = before {
                    before[BY_OUTPUT * u..].copy_from_slice(&now[BY_OUTPUT * u..]);
                }
                now[..OUTPUT * u].fill(0.0);
                continue;
            }
            let [r, z, n, product, _, by_h] = split_mut(now, [u; SLOTS]);
            for k in 0..u {
                let state = before.as_ref().map_or(0.0, |before| before[OUTPUT * u + k]);
                if let Some(before) = &mut before {
                    before[BY_OUTPUT * u + k] = by_h[k] * z[k];
                }
                let by_n = unless_below(TINY, by_h[k] * (1.0 - z[k]) * (1.0 - n[k] * n[k]));
                z[k] = unless_below(TINY, by_h[k] * (state - n[k]) * z[k] * (1.0 - z[k]));
                n[k] = by_n;
                let (reset, by_product) = (r[k], unless_below(TINY, by_n * r[k]));
                r[k] = unless_below(TINY, by_n * product[k] * reset * (1.0 - reset));
                product[k] = by_product;
            }
        }
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
        self.sizes.kept()
    }

    fn works_in_kept(&self) -> bool {
        true
    }

    fn reads_mask(&self) -> bool {
        true
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { rows, parameters, input, output, kept, mask, .. } = pass;
        let (sizes, u) = (self.sizes, self.sizes.units);
        let [by_input, by_state, bias, state_bias] = split(parameters, self.lengths());
        let (gates, offered) = by_state.split_at(2 * u * u);
        for step in 0..sizes.length {
            let (before, block) = sizes.blocks(kept, rows, step);
            sizes.project(sizes.input(input, rows, step), by_input, bias, block);
            match &before {
                Some(before) => {
                    let state = sizes.slots(before, rows, OUTPUT, 1);
                    multiply(state, Matrix::new(gates, 2 * u, u).transposed(), true, block, sizes.width());
                    let product = &mut block[PRODUCT * u..];
                    multiply(state, Matrix::new(offered, u, u).transposed(), false, product, sizes.width());
                }
                None => block.chunks_exact_mut(sizes.width()).for_each(|row| row[PRODUCT * u..OUTPUT * u].fill(0.0)),
            }
            vectorized(
                #[inline(always)]
                || self.cell(state_bias, before.as_deref(), block, |row| sizes.is_read(mask, row, step)),
            );
        }
        sizes.give(kept, mask, rows, OUTPUT, output);
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward {
            rows,
            parameters,
            input,
            kept,
            output_gradient,
            mut input_gradient,
            parameter_gradient,
            mask,
            ..
        } = pass;
        let (sizes, u) = (self.sizes, self.sizes.units);
        let [by_input, by_state, _, _] = split(parameters, self.lengths());
        let (gates, offered) = by_state.split_at(2 * u * u);
        parameter_gradient.fill(0.0);
        let [to_input, to_state, to_bias, to_state_bias] = split_mut(parameter_gradient, self.lengths());
        for (i, row) in kept.chunks_exact_mut(sizes.width()).enumerate() {
            // The gradient of the last block comes from the output alone, those of the others from the block after.
            if i / rows + 1 == sizes.length {
                row[BY_OUTPUT * u..].fill(0.0);
            }
        }
        for step in (0..sizes.length).rev() {
            let (mut before, block) = sizes.blocks(kept, rows, step);
            sizes.take(output_gradient, mask, step, BY_OUTPUT, block);
            vectorized(
                #[inline(always)]
                || self.cell_back(before.as_deref_mut(), block, |row| sizes.is_read(mask, row, step)),
            );
            for row in block.chunks_exact(sizes.width()) {
                add(&mut to_state_bias[..2 * u], &row[..2 * u]);
                add(&mut to_state_bias[2 * u..], &row[PRODUCT * u..OUTPUT * u]);
            }
            if let Some(before) = before {
                let (by_gates, by_product) = (sizes.slots(block, rows, 0, 2), sizes.slots(block, rows, PRODUCT, 1));
                let (to_gates, to_offered) = to_state.split_at_mut(2 * u * u);
                let state = sizes.slots(before, rows, OUTPUT, 1);
                multiply(by_gates.transposed(), state, true, to_gates, u);
                multiply(by_product.transposed(), state, true, to_offered, u);
                let by_state = &mut before[BY_OUTPUT * u..];
                multiply(by_gates, Matrix::new(gates, 2 * u, u), true, by_state, sizes.width());
                multiply(by_product, Matrix::new(offered, u, u), true, by_state, sizes.width());
            }
            let gradients = [&mut *to_input, &mut *to_bias];
            let input = sizes.input(input, rows, step);
            sizes.project_back(input, by_input, block, (rows, step, GATES), gradients, input_gradient.as_deref_mut());
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
        for section in ["gru", "gru_padded"] {
            assert_layer(section, 5e-6, |case| {
                Box::new(serde_json::from_value::<Gru>(case["options"].clone()).unwrap())
            });
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn gradients_agree_with_central_differences(
            length in 1usize..5, features in 1usize..4, units in 1usize..4, sequences in any::<bool>(),
            backward in any::<bool>(), rows in 1usize..4, padded in any::<bool>(), seed in any::<u64>(),
        ) {
            let shape = Shape::sequence(length, features);
            let layer = Gru { units, sequences, backward }.build(&[&shape]).unwrap();
            // The first row is nothing but padding, each other has one place less of it.
            let token = |i: usize| f32::from(i % length < i / length);
            let mask = if padded { (0..rows * length).map(token).collect() } else { Vec::new() };
            numeric_gradient::check_masked(&*layer, &[&shape], rows, seed, mask);
        }
    }
}
