//! Random silence, which keeps units from relying on each other.

use super::super::shape::Shape;
use super::{Backward, Forward, Layer, Parameter};
use rand::Rng;

/// While training, each value is set to 0 with probability `rate` and the others are multiplied by `1 / (1 - rate)`, so
/// that the expected value is kept; in prediction the values pass unchanged.
///
/// Shapes: input and output are the same, of any number of dimensions. The way back multiplies by the same factors.
///
/// Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, *Dropout: a simple way to prevent neural
/// networks from overfitting* (there the scaling is done in prediction; scaling while training is the equivalent that
/// leaves prediction alone).
#[derive(Debug)]
pub struct Dropout {
    shape: Shape,
    size: usize,
    /// A draw of 32 bits below this silences a value.
    threshold: u32,
    scale: f32,
}

impl Dropout {
    /// Dropout for rows of the shape `input`.
    ///
    /// Errors: a rate outside `[0, 1)`, or a shape whose size overflows.
    pub fn new(input: &Shape, rate: f64) -> Result<Self, String> {
        if !(0.0..1.0).contains(&rate) {
            return Err(format!("the rate of dropout lies in [0, 1), it is {rate}"));
        }
        let size = input.size().ok_or_else(|| format!("rows of shape {input} are too large"))?;
        // The conversion saturates, so a rate just below 1 stays a threshold.
        let threshold = (rate * f64::from(u32::MAX)).round() as u32;
        Ok(Self { shape: input.clone(), size, threshold, scale: (1.0 / (1.0 - rate)) as f32 })
    }
}

impl Layer for Dropout {
    fn output(&self) -> &Shape {
        &self.shape
    }

    fn parameters(&self) -> &[Parameter] {
        &[]
    }

    fn kept_per_row(&self) -> usize {
        self.size
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { input, output, kept, training, .. } = pass;
        let Some(rng) = training else {
            output.copy_from_slice(input);
            return;
        };
        for ((y, x), factor) in output.iter_mut().zip(input).zip(kept) {
            *factor = if rng.next_u32() < self.threshold { 0.0 } else { self.scale };
            *y = x * *factor;
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let Some(input_gradient) = pass.input_gradient else { return };
        for ((dx, dy), factor) in input_gradient.iter_mut().zip(pass.output_gradient).zip(pass.kept) {
            *dx = *dy * factor;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::numeric_gradient;
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn forward(rate: f64, input: &[f32], rng: Option<&mut ChaCha8Rng>) -> Vec<f32> {
        let layer = Dropout::new(&Shape::features(input.len()), rate).unwrap();
        let (mut output, mut kept) = (vec![f32::NAN; input.len()], vec![f32::NAN; input.len()]);
        let (parameters, kept) = (&[], &mut kept);
        layer.forward(Forward { rows: 1, parameters, input, output: &mut output, kept, training: rng });
        output
    }

    #[test]
    fn prediction_leaves_the_values_alone() {
        assert_eq!(forward(0.9, &[1.0, -2.0], None), [1.0, -2.0]);
    }

    #[test]
    fn the_stated_share_is_silenced_and_the_rest_scaled() {
        let output = forward(0.25, &vec![3.0; 100_000], Some(&mut ChaCha8Rng::seed_from_u64(5)));
        let silent = output.iter().filter(|&&v| v == 0.0).count();
        assert!((silent as f64 / 1e5 - 0.25).abs() < 0.01, "{silent}");
        assert!(output.iter().all(|&v| v == 0.0 || v == 4.0));
    }

    #[test]
    fn rate_zero_changes_nothing() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        assert_eq!(forward(0.0, &[1.0, -2.0], Some(&mut rng)), [1.0, -2.0]);
    }

    #[test]
    fn an_infinite_value_that_is_silenced_is_still_found() {
        let output = forward(0.5, &[f32::INFINITY; 64], Some(&mut ChaCha8Rng::seed_from_u64(5)));
        assert!(output.iter().all(|v| !v.is_finite()));
    }

    #[test]
    fn a_rate_outside_its_range_is_refused() {
        for rate in [1.0, -0.1, f64::NAN] {
            let error = Dropout::new(&Shape::features(1), rate).unwrap_err();
            assert_eq!(error, format!("the rate of dropout lies in [0, 1), it is {rate}"));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn gradients_agree_with_central_differences(width in 1usize..9, rows in 1usize..5, rate in 0.0..0.95, seed in any::<u64>()) {
            let layer = Dropout::new(&Shape::features(width), rate).unwrap();
            numeric_gradient::check(&layer, width, rows, seed);
        }
    }
}
