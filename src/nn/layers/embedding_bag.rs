//! A text as the mean of the vectors of its tokens.

use super::super::randomness::Draws;
use super::super::shape::Shape;
use super::super::simd::{add_scaled, vectorized};
use super::embedding::{length, table, token};
use super::reading::only;
use super::token_dropout::{Left, TokenDropout, none};
use super::{Backward, Describe, Forward, Layer, Parameter, Table};
use serde::{Deserialize, Serialize};

/// `y = Σ W[token] / k` over the `k` tokens of a row that are not 0, the padding; 0 where there is none.
///
/// Shapes: the input is `[n, length]`, whole numbers from 0 to below `tokens`; `W` is `[tokens, size]`, `y` is `[n,
/// size]`. A token that stands in a row more than once counts as often. The gradient by a row of `W` is the sum of `dy /
/// k` over the places where its token stands; the other rows do not change in that step.
///
/// Vectors start near 0, with a deviation of 0.01: those of rare tokens, which learn little, are then no noise.
///
/// Source: Joulin, Grave, Bojanowski & Mikolov 2016, *Bag of tricks for efficient text classification* (fastText).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingBag {
    /// How many tokens there are, with the padding.
    pub tokens: usize,
    /// The length of a vector.
    pub size: usize,
    /// Whether vectors are averaged or added. Default averaged.
    #[serde(default)]
    pub pooling: Pooling,
    /// The share of the tokens that is dropped while training, in `[0, 1)`: a mean is then one over those that are left,
    /// and a sum is multiplied by `1 / (1 - share)` (Iyyer et al. 2015). Default 0.
    #[serde(default, skip_serializing_if = "none")]
    pub token_dropout: f64,
}

/// The variance of the vectors at the start.
const VARIANCE: f64 = 1e-4;

/// How the vectors of a bag become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

#[derive(Debug)]
struct Built {
    of: EmbeddingBag,
    dropout: TokenDropout,
    length: usize,
    output: Shape,
    parameters: [Parameter; 1],
}

impl Describe for EmbeddingBag {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let length = length(only(inputs, "an embedding_bag")?, "an embedding_bag")?;
        let parameters = [table("an embedding_bag", [self.tokens, self.size], true, VARIANCE)?];
        let dropout = TokenDropout::new(self.token_dropout)?;
        Ok(Box::new(Built { of: *self, dropout, length, output: Shape::features(self.size), parameters }))
    }
}

impl Built {
    /// What each vector of a row is multiplied by.
    #[inline(always)]
    fn factor(&self, tokens: &[f32], left: Left) -> f32 {
        match self.of.pooling {
            Pooling::Sum => left.scale,
            Pooling::Mean => 1.0 / self.rows(tokens, left).count().max(1) as f32,
        }
    }

    /// The rows of the table for the tokens of a text that are no padding and not dropped.
    #[inline(always)]
    fn rows(&self, tokens: &[f32], left: Left) -> impl Iterator<Item = usize> {
        let there = tokens.iter().enumerate().filter(move |(place, token)| **token > 0.0 && left.has(*place));
        there.map(|(_, number)| token(*number, self.of.tokens))
    }
}

impl Layer for Built {
    fn output(&self) -> &Shape {
        &self.output
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn table(&self) -> Option<&dyn Table> {
        Some(self)
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { parameters, input, output, training, .. } = pass;
        let size = self.of.size;
        vectorized(
            #[inline(always)]
            || {
                let texts = input.chunks_exact(self.length).zip(output.chunks_exact_mut(size));
                for (number, (tokens, y)) in texts.enumerate() {
                    y.fill(0.0);
                    let left = self.dropout.of_row(training, number);
                    let factor = self.factor(tokens, left);
                    for row in self.rows(tokens, left) {
                        add_scaled(y, factor, &parameters[row * size..(row + 1) * size]);
                    }
                }
            },
        );
    }

    fn backward(&self, pass: Backward<'_>) {
        // A token is no quantity: there is no direction in which it could move a little.
        if let Some(gradient) = pass.input_gradient {
            gradient.fill(0.0);
        }
    }
}

impl Table for Built {
    fn row(&self) -> usize {
        self.of.size
    }

    fn visit(
        &self,
        input: &[f32],
        output_gradient: &[f32],
        training: Option<Draws>,
        visit: &mut dyn FnMut(usize, f32, &[f32]),
    ) {
        let texts = input.chunks_exact(self.length).zip(output_gradient.chunks_exact(self.of.size));
        for (number, (tokens, dy)) in texts.enumerate() {
            let left = self.dropout.of_row(training, number);
            let factor = self.factor(tokens, left);
            self.rows(tokens, left).for_each(|row| visit(row, factor, dy));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::oracle::assert_layer;

    #[test]
    fn outputs_and_gradients_are_those_of_pytorch() {
        assert_layer("embedding_bag", 1e-6, |case| {
            Box::new(serde_json::from_value::<super::EmbeddingBag>(case["options"].clone()).unwrap())
        });
    }
}
