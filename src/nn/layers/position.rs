//! Where in a sequence something stands.

use super::super::init::Initial;
use super::super::shape::Shape;
use super::super::simd::{add, vectorized};
use super::reading::only;
use super::{Backward, Describe, Forward, Layer, Parameter};
use serde::{Deserialize, Serialize};

/// `y = x + P`, with a vector for each place of a sequence, so that layers which treat all places alike can tell them
/// apart. The vectors are learned, or with `waves` they are fixed: `sin(t / 10000^(2 i / features))` at the even numbers
/// `2 i`, the cosine at the odd ones.
///
/// Shapes: `x` and `y` are `[n, length, features]`, `P` is `[length, features]`. The way back: `dP = Σ dy`, `dx = dy`.
///
/// Source: waves Vaswani et al. 2017, *Attention is all you need*; learned Gehring et al. 2017, *Convolutional sequence
/// to sequence learning*. Learned vectors start normal with deviation 0.02, as in BERT (Devlin et al. 2018).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Whether the vectors are fixed waves. Default false: they are learned.
    #[serde(default)]
    pub waves: bool,
}

#[derive(Debug)]
struct Built {
    shape: Shape,
    size: usize,
    /// The waves; empty where the vectors are learned.
    waves: Vec<f32>,
    parameters: Vec<Parameter>,
}

impl Describe for Position {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let shape = only(inputs, "position")?;
        let [length, features] = shape.expect_sequence("position")?;
        let size = shape.size().ok_or_else(|| format!("rows of shape {shape} are too large"))?;
        let (mut waves, mut parameters) = (Vec::new(), Vec::new());
        if self.waves {
            if size > super::super::plan::MAX_ROW {
                return Err(format!("rows of shape {shape} are too large"));
            }
            waves.extend((0..size).map(|i| wave(i / features, i % features, features)));
        } else {
            let initial = Initial::Normal { variance: 4e-4 };
            parameters.push(Parameter::bias("vectors", &[length, features], initial));
        }
        Ok(Box::new(Built { shape: shape.clone(), size, waves, parameters }))
    }
}

/// The number of the wave at a place.
pub(crate) fn wave(place: usize, feature: usize, features: usize) -> f32 {
    let angle = place as f64 / 10_000f64.powf((feature / 2 * 2) as f64 / features as f64);
    (if feature.is_multiple_of(2) { angle.sin() } else { angle.cos() }) as f32
}

impl Layer for Built {
    fn output(&self) -> &Shape {
        &self.shape
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn forward(&self, pass: Forward<'_>) {
        let vectors = if self.waves.is_empty() { pass.parameters } else { &self.waves };
        pass.output.copy_from_slice(pass.input);
        vectorized(
            #[inline(always)]
            || pass.output.chunks_exact_mut(self.size).for_each(|row| add(row, vectors)),
        );
    }

    fn backward(&self, pass: Backward<'_>) {
        if self.waves.is_empty() {
            pass.parameter_gradient.fill(0.0);
            vectorized(
                #[inline(always)]
                || pass.output_gradient.chunks_exact(self.size).for_each(|row| add(pass.parameter_gradient, row)),
            );
        }
        if let Some(gradient) = pass.input_gradient {
            gradient.copy_from_slice(pass.output_gradient);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::numeric_gradient;
    use super::*;

    #[test]
    fn gradients_agree_with_central_differences() {
        let shape = Shape::sequence(3, 4);
        for waves in [false, true] {
            numeric_gradient::check(&*Position { waves }.build(&[&shape]).unwrap(), &[&shape], 2, 3);
        }
    }

    #[test]
    fn waves_are_those_of_the_paper() {
        // The first place, and the second with its slowest pair, by hand.
        assert_eq!([wave(0, 0, 4), wave(0, 1, 4)], [0.0, 1.0]);
        assert!((wave(1, 0, 4) - 0.841_471).abs() < 1e-6 && (wave(1, 3, 4) - 0.999_95).abs() < 1e-6);
    }
}
