//! Each place of a sequence looks at all others.

use super::super::init::{Initial, Start};
use super::super::matmul::{Matrix, multiply};
use super::super::shape::Shape;
use super::super::simd::{add, vectorized};
use super::activation::softmax;
use super::pass::{split, split_mut};
use super::reading::only;
use super::{Activation, Backward, Describe, Forward, Layer, Parameter};
use serde::{Deserialize, Serialize};

/// Multi-head self-attention: queries, keys and values `Q, K, V = X Wᵀ + b` are cut into heads of `d = features / heads`
/// numbers, and each head gives `softmax(Q Kᵀ / sqrt(d)) V`; the heads side by side go through a last linear layer `Z Oᵀ +
/// o`. With `causal` a place looks at itself and what stands before it only; no place looks at
/// padding.
///
/// Shapes: `X` and the output are `[n, length, features]`, `W` is `[3 features, features]` (queries, keys, values), `b` is
/// `[3 features]`, `O` is `[features, features]`, `o` is `[features]`. Time is `O(n length (length + features)
/// features)`. With `A` the softmax and `D` the gradient by a head's output, the way back is `dV = Aᵀ D`, `dS = A (D Vᵀ -
/// Σ A D Vᵀ)`, `dQ = dS K / sqrt(d)`, `dK = dSᵀ Q / sqrt(d)`.
///
/// Source: Vaswani et al. 2017, *Attention is all you need*. Where the order of places matters, put [`super::Position`]
/// before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attention {
    /// Into how many heads the features are divided.
    pub heads: usize,
    /// Whether a place looks at what stands after it. Default false: it does.
    #[serde(default)]
    pub causal: bool,
}

#[derive(Debug)]
struct Built {
    of: Attention,
    length: usize,
    features: usize,
    shape: Shape,
    parameters: [Parameter; 4],
}

impl Describe for Attention {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let shape = only(inputs, "attention")?;
        let [length, features] = shape.expect_sequence("attention")?;
        if self.heads == 0 || features % self.heads != 0 {
            return Err(format!("{} heads do not divide {features} features evenly", self.heads));
        }
        if length.checked_mul(length).and_then(|n| n.checked_mul(self.heads + 1)).is_none()
            || features.checked_mul(8).and_then(|n| n.checked_mul(length.max(features))).is_none()
        {
            return Err(format!("rows of shape {shape} are too large for attention"));
        }
        let parameters = [
            Parameter::weight("weight", &[3 * features, features], Start::Glorot.weights(features, features)),
            Parameter::bias("bias", &[3 * features], Initial::Zeros),
            Parameter::weight("output_weight", &[features, features], Start::Glorot.weights(features, features)),
            Parameter::bias("output_bias", &[features], Initial::Zeros),
        ];
        Ok(Box::new(Built { of: *self, length, features, shape: shape.clone(), parameters }))
    }
}

impl Built {
    /// The lengths of the parameters.
    fn lengths(&self) -> [usize; 4] {
        let f = self.features;
        [3 * f * f, 3 * f, f * f, f]
    }

    /// What a row keeps: queries, keys and values, the softmax of each head, and the heads side by side.
    fn parts(&self) -> [usize; 3] {
        let (l, f) = (self.length, self.features);
        [l * 3 * f, self.of.heads * l * l, l * f]
    }

    /// A head's queries (0), keys (1) or values (2): `[length, d]`.
    fn head<'a>(&self, projected: &'a [f32], which: usize, head: usize) -> Matrix<'a> {
        let d = self.features / self.of.heads;
        Matrix::strided(&projected[which * self.features + head * d..], self.length, d, 3 * self.features)
    }

    fn scale(&self) -> f32 {
        (1.0 / ((self.features / self.of.heads) as f64).sqrt()) as f32
    }

    /// Softmax of the scaled scores `[length, length]`, of what each place may look at: no padding, and where all that
    /// it could look at is padding, nothing.
    #[inline(always)]
    fn look(&self, scores: &mut [f32], mask: &[f32]) {
        let scale = self.scale();
        for (place, row) in scores.chunks_exact_mut(self.length).enumerate() {
            let seen = if self.of.causal { place + 1 } else { self.length };
            let (row, rest) = row.split_at_mut(seen);
            rest.fill(0.0);
            row.iter_mut().for_each(|v| *v *= scale);
            let padding = mask.iter().take(seen).filter(|token| **token == 0.0).count();
            if padding == seen {
                row.fill(0.0);
                continue;
            }
            if padding > 0 {
                let hidden = row.iter_mut().zip(mask).filter(|(_, token)| **token == 0.0);
                hidden.for_each(|(v, _)| *v = f32::NEG_INFINITY);
            }
            softmax(row);
        }
    }
}

impl Layer for Built {
    fn output(&self) -> &Shape {
        &self.shape
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn kept_per_row(&self) -> usize {
        self.parts().iter().sum()
    }

    fn works_in_kept(&self) -> bool {
        true
    }

    fn reads_mask(&self) -> bool {
        true
    }

    /// The gradients by queries, keys and values, by one softmax, and by the heads side by side.
    fn scratch(&self) -> usize {
        let (l, f) = (self.length, self.features);
        l * 3 * f + l * l + l * f
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { parameters, input, output, kept, mask, .. } = pass;
        let (l, f, d) = (self.length, self.features, self.features / self.of.heads);
        let [weight, bias, output_weight, output_bias] = split(parameters, self.lengths());
        let rows = input.chunks_exact(l * f).zip(output.chunks_exact_mut(l * f));
        for (i, ((x, y), kept)) in rows.zip(kept.chunks_exact_mut(self.kept_per_row())).enumerate() {
            let mask = mask.get(i * l..(i + 1) * l).unwrap_or_default();
            let [projected, looks, joined] = split_mut(kept, self.parts());
            projected.chunks_exact_mut(3 * f).for_each(|row| row.copy_from_slice(bias));
            multiply(Matrix::new(x, l, f), Matrix::new(weight, 3 * f, f).transposed(), true, projected, 3 * f);
            for (head, look) in looks.chunks_exact_mut(l * l).enumerate() {
                let [q, k, v] = [0, 1, 2].map(|which| self.head(projected, which, head));
                multiply(q, k.transposed(), false, look, l);
                vectorized(
                    #[inline(always)]
                    || self.look(look, mask),
                );
                multiply(Matrix::new(look, l, l), v, false, &mut joined[head * d..], f);
            }
            y.chunks_exact_mut(f).for_each(|row| row.copy_from_slice(output_bias));
            multiply(Matrix::new(joined, l, f), Matrix::new(output_weight, f, f).transposed(), true, y, f);
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward {
            parameters, input, kept, output_gradient, mut input_gradient, parameter_gradient, scratch, ..
        } = pass;
        let (l, f, d) = (self.length, self.features, self.features / self.of.heads);
        let [weight, _, output_weight, _] = split(parameters, self.lengths());
        parameter_gradient.fill(0.0);
        let [to_weight, to_bias, to_output_weight, to_output_bias] = split_mut(parameter_gradient, self.lengths());
        let [by_projected, by_look, by_joined] = split_mut(scratch, [l * 3 * f, l * l, l * f]);
        let rows = input.chunks_exact(l * f).zip(output_gradient.chunks_exact(l * f));
        for (i, ((x, dy), kept)) in rows.zip(kept.chunks_exact(self.kept_per_row())).enumerate() {
            let [projected, looks, joined] = split(kept, self.parts());
            let dy_matrix = Matrix::new(dy, l, f);
            multiply(dy_matrix.transposed(), Matrix::new(joined, l, f), true, to_output_weight, f);
            dy.chunks_exact(f).for_each(|row| add(to_output_bias, row));
            multiply(dy_matrix, Matrix::new(output_weight, f, f), false, by_joined, f);
            for (head, look) in looks.chunks_exact(l * l).enumerate() {
                let [q, k, v] = [0, 1, 2].map(|which| self.head(projected, which, head));
                let by_head = Matrix::strided(&by_joined[head * d..], l, d, f);
                let start = |which: usize| which * f + head * d;
                let look_matrix = Matrix::new(look, l, l);
                multiply(look_matrix.transposed(), by_head, false, &mut by_projected[start(2)..], 3 * f);
                multiply(by_head, v.transposed(), false, by_look, l);
                Activation::Softmax.multiply_derivative(&[], look, by_look, l);
                by_look.iter_mut().for_each(|g| *g *= self.scale());
                let by_scores = Matrix::new(by_look, l, l);
                multiply(by_scores, k, false, &mut by_projected[start(0)..], 3 * f);
                multiply(by_scores.transposed(), q, false, &mut by_projected[start(1)..], 3 * f);
            }
            let by_sums = Matrix::new(by_projected, l, 3 * f);
            multiply(by_sums.transposed(), Matrix::new(x, l, f), true, to_weight, f);
            by_projected.chunks_exact(3 * f).for_each(|row| add(to_bias, row));
            if let Some(gradient) = &mut input_gradient {
                let gradient = &mut gradient[i * l * f..(i + 1) * l * f];
                multiply(by_sums, Matrix::new(weight, 3 * f, f), false, gradient, f);
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
        // Gradients here are sums of terms some ten times as large: PyTorch's own, in f32, are off by 1.4e-5.
        for section in ["attention", "attention_padded"] {
            assert_layer(section, 3e-5, |case| {
                Box::new(serde_json::from_value::<Attention>(case["options"].clone()).unwrap())
            });
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn gradients_agree_with_central_differences(
            length in 1usize..5, heads in 1usize..3, size in 1usize..4, causal in any::<bool>(), rows in 1usize..4,
            padded in any::<bool>(), seed in any::<u64>(),
        ) {
            let shape = Shape::sequence(length, heads * size);
            let layer = Attention { heads, causal }.build(&[&shape]).unwrap();
            // The first row is nothing but padding, each other has one place less of it, at its start.
            let token = |i: usize| f32::from(length - i % length <= i / length);
            let mask = if padded { (0..rows * length).map(token).collect() } else { Vec::new() };
            numeric_gradient::check_masked(&*layer, &[&shape], rows, seed, mask);
        }
    }

    #[test]
    fn heads_must_divide_the_features() {
        let error = Attention { heads: 3, causal: false }.build(&[&Shape::sequence(2, 4)]).unwrap_err();
        assert_eq!(error, "3 heads do not divide 4 features evenly");
    }
}
