//! Memory over a sequence, with gates.

use super::super::init::Initial;
use super::super::math::{TINY, sigmoid, tanh, unless_below};
use super::super::matmul::{Matrix, multiply};
use super::super::shape::Shape;
use super::super::simd::vectorized;
use super::dense::yes;
use super::pass::{split, split_mut};
use super::reading::only;
use super::recurrent::Sizes;
use super::{Backward, Describe, Forward, Layer, Parameter};
use serde::{Deserialize, Serialize};

/// For each place of a sequence, from the last place's output `h` and memory `c`, both 0 at the start:
///
/// ```text
/// i, f, o = σ(W x + U h + b)        input, forget and output gate
/// g = tanh(W x + U h + b)           what is offered
/// c = f c + i g                     what is remembered
/// h = o tanh(c)                     what is given
/// ```
///
/// Shapes: `x` is `[n, length, features]`, `W` is `[4 units, features]`, `U` is `[4 units, units]`, `b` is `[4 units]`,
/// with the gates in the order `i, f, g, o`; the output is that of all places, `[n, length, units]`, or without
/// `sequences` the last, `[n, units]`. Padding at the end is not read: the last output is that of the last token, and
/// those after it are 0. The way back is the chain rule through all places (Werbos 1990, *Backpropagation
/// through time*).
///
/// Source: Hochreiter & Schmidhuber 1997, *Long short-term memory*, with the forget gate of Gers, Schmidhuber & Cummins
/// 2000, whose bias starts at 1 so that it remembers at first (Jozefowicz, Zaremba & Sutskever 2015). Weights start
/// uniform in `±1 / sqrt(units)`, as in PyTorch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lstm {
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
    parameters: [Parameter; 3],
}

/// The slots of a row: the gates, which become their gradients, the output, the memory, and the gradients by both.
const GATES: usize = 4;
const OUTPUT: usize = 4;
const MEMORY: usize = 5;
const BY_OUTPUT: usize = 6;
const BY_MEMORY: usize = 7;
const SLOTS: usize = 8;

impl Describe for Lstm {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let sizes = Sizes::new(only(inputs, "an lstm")?, "an lstm", self.units, SLOTS)?;
        let sizes = Sizes { sequences: self.sequences, backward: self.backward, ..sizes };
        let limit = 1.0 / (self.units as f64).sqrt();
        let (uniform, gates) = (Initial::Uniform { limit }, GATES * self.units);
        let bias = Initial::UniformWithOnes { limit, from: self.units, ones: self.units };
        let parameters = [
            Parameter::weight("input_weight", &[gates, sizes.features], uniform),
            Parameter::weight("recurrent_weight", &[gates, self.units], uniform),
            Parameter::bias("bias", &[gates], bias),
        ];
        Ok(Box::new(Built { sizes, output: sizes.output(), parameters }))
    }
}

impl Built {
    /// The lengths of the parameters.
    fn lengths(&self) -> [usize; 3] {
        let gates = GATES * self.sizes.units;
        [gates * self.sizes.features, gates * self.sizes.units, gates]
    }

    /// From the sums of the gates to memory and output, for all rows of a block. A row that is not read keeps both.
    #[inline(always)]
    fn cell(&self, before: Option<&[f32]>, block: &mut [f32], is_read: impl Fn(usize) -> bool) {
        let (u, width) = (self.sizes.units, self.sizes.width());
        for (row, now) in block.chunks_exact_mut(width).enumerate() {
            if !is_read(row) {
                let state = &mut now[OUTPUT * u..BY_OUTPUT * u];
                match before {
                    Some(before) => state.copy_from_slice(&before[row * width + OUTPUT * u..][..2 * u]),
                    None => state.fill(0.0),
                }
                continue;
            }
            let [i, f, g, o, h, c, _] = split_mut(now, [u, u, u, u, u, u, 2 * u]);
            let memory = before.map(|before| &before[row * width + MEMORY * u..][..u]);
            for k in 0..u {
                (i[k], f[k], g[k], o[k]) = (sigmoid(i[k]), sigmoid(f[k]), tanh(g[k]), sigmoid(o[k]));
                c[k] = memory.map_or(0.0, |memory| f[k] * memory[k]) + i[k] * g[k];
                h[k] = o[k] * tanh(c[k]);
            }
        }
    }

    /// From the gradients by output and memory to those by the sums of the gates, by the memory before and, of a row that
    /// is not read, by the output before.
    #[inline(always)]
    fn cell_back(&self, mut before: Option<&mut [f32]>, block: &mut [f32], is_read: impl Fn(usize) -> bool) {
        let (u, width) = (self.sizes.units, self.sizes.width());
        for (row, now) in block.chunks_exact_mut(width).enumerate() {
            let mut before = before.as_deref_mut().map(|before| &mut before[row * width..(row + 1) * width]);
            if !is_read(row) {
                if let Some(before) = before {
                    before[BY_OUTPUT * u..].copy_from_slice(&now[BY_OUTPUT * u..]);
                }
                now[..GATES * u].fill(0.0);
                continue;
            }
            if let Some(before) = &mut before {
                before[BY_OUTPUT * u..BY_MEMORY * u].fill(0.0);
            }
            let [i, f, g, o, _, c, by_h, by_c] = split_mut(now, [u; SLOTS]);
            for k in 0..u {
                let t = tanh(c[k]);
                let by_memory = unless_below(TINY, by_c[k] + by_h[k] * o[k] * (1.0 - t * t));
                let memory = before.as_ref().map_or(0.0, |before| before[MEMORY * u + k]);
                if let Some(before) = &mut before {
                    before[BY_MEMORY * u + k] = by_memory * f[k];
                }
                o[k] = unless_below(TINY, by_h[k] * t * o[k] * (1.0 - o[k]));
                f[k] = unless_below(TINY, by_memory * memory * f[k] * (1.0 - f[k]));
                let (input, offered) = (i[k], g[k]);
                i[k] = unless_below(TINY, by_memory * offered * input * (1.0 - input));
                g[k] = unless_below(TINY, by_memory * input * (1.0 - offered * offered));
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
        let [by_input, by_state, bias] = split(parameters, self.lengths());
        for step in 0..sizes.length {
            let (before, block) = sizes.blocks(kept, rows, step);
            sizes.project(sizes.input(input, rows, step), by_input, bias, block);
            if let Some(before) = &before {
                let state = sizes.slots(before, rows, OUTPUT, 1);
                let weight = Matrix::new(by_state, GATES * u, u).transposed();
                multiply(state, weight, true, block, sizes.width());
            }
            vectorized(
                #[inline(always)]
                || self.cell(before.as_deref(), block, |row| sizes.is_read(mask, row, step)),
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
        let [by_input, by_state, _] = split(parameters, self.lengths());
        parameter_gradient.fill(0.0);
        let [to_input, to_state, to_bias] = split_mut(parameter_gradient, self.lengths());
        for (i, row) in kept.chunks_exact_mut(sizes.width()).enumerate() {
            // The gradients of the last block come from the output alone, those of the others from the block after.
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
            let by_gates = sizes.slots(block, rows, 0, GATES);
            if let Some(before) = before {
                multiply(by_gates.transposed(), sizes.slots(before, rows, OUTPUT, 1), true, to_state, u);
                let weight = Matrix::new(by_state, GATES * u, u);
                multiply(by_gates, weight, true, &mut before[BY_OUTPUT * u..], sizes.width());
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
        for section in ["lstm", "lstm_padded"] {
            assert_layer(section, 5e-6, |case| {
                Box::new(serde_json::from_value::<Lstm>(case["options"].clone()).unwrap())
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
            let layer = Lstm { units, sequences, backward }.build(&[&shape]).unwrap();
            // The first row is nothing but padding, each other has one place less of it.
            let token = |i: usize| f32::from(i % length < i / length);
            let mask = if padded { (0..rows * length).map(token).collect() } else { Vec::new() };
            numeric_gradient::check_masked(&*layer, &[&shape], rows, seed, mask);
        }
    }
}
