//! Tokens as learned vectors.

use super::super::init::Initial;
use super::super::randomness::Draws;
use super::super::shape::Shape;
use super::dense::yes;
use super::reading::only;
use super::token_dropout::{TokenDropout, none};
use super::{Backward, Describe, Forward, Layer, Parameter, Table};
use serde::{Deserialize, Serialize};

/// `y = W[token]`: each token is looked up in a table of vectors, which are learned.
///
/// Shapes: the input is `[n, length]`, whole numbers from 0 to below `tokens`; `W` is `[tokens, size]`, `y` is `[n,
/// length, size]`. The gradient by a row of `W` is the sum of the gradients where its token stands; the other rows have
/// none and do not change in that step, not even by weight decay or by the momentum of an optimizer.
///
/// Source: Bengio, Ducharme, Vincent & Jauvin 2003, *A neural probabilistic language model*; for categories of tables
/// Guo & Berkhahn 2016, *Entity embeddings of categorical variables*. Vectors start normal with variance `1 / size`, so
/// that each has a length of about 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// How many tokens there are.
    pub tokens: usize,
    /// The length of a vector.
    pub size: usize,
    /// Whether token 0 is padding: its vector is 0 and stays so. Default true.
    #[serde(default = "yes")]
    pub padding: bool,
    /// The share of the tokens that is dropped while training, in `[0, 1)`: their vectors are 0, the others multiplied by
    /// `1 / (1 - share)` (Gal & Ghahramani 2016). Default 0.
    #[serde(default, skip_serializing_if = "none")]
    pub token_dropout: f64,
}

#[derive(Debug)]
struct Built {
    of: Embedding,
    dropout: TokenDropout,
    length: usize,
    output: Shape,
    parameters: [Parameter; 1],
}

/// The table of vectors, which start normal with this variance.
pub(super) fn table(
    reader: &str,
    [tokens, size]: [usize; 2],
    padding: bool,
    variance: f64,
) -> Result<Parameter, String> {
    let least = if padding { 2 } else { 1 };
    if tokens < least || size == 0 {
        return Err(format!(
            "{reader} needs at least {least} tokens and vectors of at least 1 number; it has {tokens} tokens and {size} numbers"
        ));
    }
    // Tokens travel as f32, which holds every whole number up to here.
    if tokens > 1 << 24 {
        return Err(format!("{reader} has at most {} tokens, it has {tokens}", 1 << 24));
    }
    let initial = if padding { Initial::NormalAfterRow { variance, row: size } } else { Initial::Normal { variance } };
    Ok(Parameter::weight("weight", &[tokens, size], initial))
}

/// The length of the rows of tokens.
pub(super) fn length(input: &Shape, reader: &str) -> Result<usize, String> {
    match *input.dimensions() {
        [length] if length > 0 => Ok(length),
        _ => Err(format!("{reader} reads rows of tokens [length], these are {input}")),
    }
}

/// The row of the table for a token. Batches are checked before, so none lies beyond its end.
#[inline(always)]
pub(super) fn token(number: f32, tokens: usize) -> usize {
    (number as usize).min(tokens - 1)
}

impl Describe for Embedding {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let length = length(only(inputs, "an embedding")?, "an embedding")?;
        let parameters = [table("an embedding", [self.tokens, self.size], self.padding, 1.0 / self.size as f64)?];
        let (dropout, output) = (TokenDropout::new(self.token_dropout)?, Shape::sequence(length, self.size));
        Ok(Box::new(Built { of: *self, dropout, length, output, parameters }))
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
        let size = self.of.size;
        let texts = pass.input.chunks_exact(self.length).zip(pass.output.chunks_exact_mut(self.length * size));
        for (number, (tokens, vectors)) in texts.enumerate() {
            let left = self.dropout.of_row(pass.training, number);
            for (place, (y, &x)) in vectors.chunks_exact_mut(size).zip(tokens).enumerate() {
                let row = token(x, self.of.tokens);
                if left.has(place) {
                    y.copy_from_slice(&pass.parameters[row * size..(row + 1) * size]);
                } else {
                    y.fill(0.0);
                }
            }
            if left.scale != 1.0 {
                vectors.iter_mut().for_each(|v| *v *= left.scale);
            }
        }
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
        let size = self.of.size;
        let texts = input.chunks_exact(self.length).zip(output_gradient.chunks_exact(self.length * size));
        for (number, (tokens, gradients)) in texts.enumerate() {
            let left = self.dropout.of_row(training, number);
            for (place, (dy, &x)) in gradients.chunks_exact(size).zip(tokens).enumerate() {
                let row = token(x, self.of.tokens);
                if left.has(place) && (row > 0 || !self.of.padding) {
                    visit(row, left.scale, dy);
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::oracle::assert_layer;
    use super::*;

    #[test]
    fn outputs_and_gradients_are_those_of_pytorch() {
        assert_layer("embedding", 1e-6, |case| {
            Box::new(serde_json::from_value::<Embedding>(case["options"].clone()).unwrap())
        });
    }

    #[test]
    fn what_cannot_be_looked_up_is_refused() {
        let build = |tokens, shape| {
            Embedding { tokens, size: 2, padding: true, token_dropout: 0.0 }.build(&[&shape]).unwrap_err()
        };
        let few =
            "an embedding needs at least 2 tokens and vectors of at least 1 number; it has 1 tokens and 2 numbers";
        assert_eq!(build(1, Shape::features(3)), few);
        assert_eq!(build(9, Shape::sequence(3, 1)), "an embedding reads rows of tokens [length], these are [3, 1]");
    }
}
