//! Random silence, which keeps units from relying on each other.

use super::super::randomness::{Draws, draw};
use super::super::shape::Shape;
use super::super::simd::vectorized;
use super::reading::only;
use super::{Backward, Describe, Forward, Layer};
use serde::{Deserialize, Serialize};

/// While training, each value is set to 0 with probability `rate` and the others are multiplied by `1 / (1 - rate)`, so
/// that the expected value is kept; in prediction the values pass unchanged.
///
/// Shapes: input and output are the same, of any number of dimensions. The way back multiplies by the same factors,
/// which are drawn once more from the same place rather than kept.
///
/// Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, *Dropout: a simple way to prevent neural
/// networks from overfitting* (there the scaling is done in prediction; scaling while training is the equivalent that
/// leaves prediction alone).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// The share of values that is silenced, in `[0, 1)`.
    pub rate: f64,
}

#[derive(Debug)]
struct Built {
    shape: Shape,
    size: usize,
    /// A draw of 32 bits below this silences a value.
    threshold: u32,
    scale: f32,
}

impl Describe for Dropout {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let input = only(inputs, "dropout")?;
        let rate = self.rate;
        if !(0.0..1.0).contains(&rate) {
            return Err(format!("the rate of dropout lies in [0, 1), it is {rate}"));
        }
        let size = input.size().filter(|&size| u32::try_from(size).is_ok());
        let size = size.ok_or_else(|| format!("rows of shape {input} are too large"))?;
        // The conversion saturates, so a rate just below 1 stays a threshold.
        let threshold = (rate * f64::from(u32::MAX)).round() as u32;
        Ok(Box::new(Built { shape: input.clone(), size, threshold, scale: (1.0 / (1.0 - rate)) as f32 }))
    }
}

impl Built {
    /// `to = from * factor` with factors 0 or the scale.
    #[inline(always)]
    fn multiply(&self, draws: Draws, from: &[f32], to: &mut [f32]) {
        let size = self.size.max(1);
        for (row, (x, y)) in from.chunks_exact(size).zip(to.chunks_exact_mut(size)).enumerate() {
            let key = draws.row(row);
            for (position, (x, y)) in x.iter().zip(y).enumerate() {
                let factor = if draw(key, position as u32) < self.threshold { 0.0 } else { self.scale };
                *y = x * factor;
            }
        }
    }
}

impl Layer for Built {
    fn output(&self) -> &Shape {
        &self.shape
    }

    fn forward(&self, pass: Forward<'_>) {
        match pass.training {
            Some(draws) => vectorized(
                #[inline(always)]
                || self.multiply(draws, pass.input, pass.output),
            ),
            None => pass.output.copy_from_slice(pass.input),
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let Some(input_gradient) = pass.input_gradient else {
            return;
        };
        match pass.training {
            Some(draws) => vectorized(
                #[inline(always)]
                || self.multiply(draws, pass.output_gradient, input_gradient),
            ),
            None => input_gradient.copy_from_slice(pass.output_gradient),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::numeric_gradient;
    use super::*;
    use proptest::prelude::*;

    fn forward(rate: f64, input: &[f32], training: Option<Draws>) -> Vec<f32> {
        let layer = Dropout { rate }.build(&[&Shape::features(input.len())]).unwrap();
        let mut output = vec![f32::NAN; input.len()];
        let (kept, scratch) = (&mut [], &mut []);
        let (parameters, statistics, output_of) = (&[], &[], &mut output);
        layer.forward(Forward {
            rows: 1,
            port: 0,
            parameters,
            input,
            output: output_of,
            kept,
            scratch,
            mask: &[],
            statistics,
            training,
        });
        output
    }

    #[test]
    fn prediction_leaves_the_values_alone() {
        assert_eq!(forward(0.9, &[1.0, -2.0], None), [1.0, -2.0]);
    }

    #[test]
    fn the_stated_share_is_silenced_and_the_rest_scaled() {
        let output = forward(0.25, &vec![3.0; 100_000], Some(Draws::new(5, 0)));
        let silent = output.iter().filter(|&&v| v == 0.0).count();
        assert!((silent as f64 / 1e5 - 0.25).abs() < 0.01, "{silent}");
        assert!(output.iter().all(|&v| v == 0.0 || v == 4.0));
    }

    #[test]
    fn rate_zero_changes_nothing() {
        assert_eq!(forward(0.0, &[1.0, -2.0], Some(Draws::new(5, 0))), [1.0, -2.0]);
    }

    #[test]
    fn an_infinite_value_that_is_silenced_is_still_found() {
        let output = forward(0.5, &[f32::INFINITY; 64], Some(Draws::new(5, 0)));
        assert!(output.iter().all(|v| !v.is_finite()));
    }

    #[test]
    fn a_rate_outside_its_range_is_refused() {
        for rate in [1.0, -0.1, f64::NAN] {
            let error = Dropout { rate }.build(&[&Shape::features(1)]).unwrap_err();
            assert_eq!(error, format!("the rate of dropout lies in [0, 1), it is {rate}"));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn gradients_agree_with_central_differences(width in 1usize..9, rows in 1usize..5, rate in 0.0..0.95, seed in any::<u64>()) {
            let shape = Shape::features(width);
            let layer = Dropout { rate }.build(&[&shape]).unwrap();
            numeric_gradient::check(&*layer, &[&shape], rows, seed);
        }
    }
}
