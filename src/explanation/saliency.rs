//! Saliency: how strongly a prediction hangs on each number of an image or spectrogram.
//!
//! The derivative of an output by each number (Simonyan, Vedaldi & Zisserman 2014, *Deep inside convolutional
//! networks*), times the number itself where it should say how much the number contributed (Shrikumar et al. 2016). One
//! derivative is noisy; SmoothGrad (Smilkov et al. 2017) takes the mean over copies of the row with Gaussian noise.
//!
//! Time: one derivative for each row and copy.

use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::error::Error;
use super::model::Differentiable;
use super::rows::Rows;

/// How derivatives are smoothed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmoothOptions {
    /// Noisy copies of each row.
    pub copies: usize,
    /// The standard deviation of the noise, as a share of the range of the row's numbers.
    pub noise: f32,
    /// Decides the noise.
    pub seed: u64,
}

impl Default for SmoothOptions {
    fn default() -> Self {
        Self { copies: 32, noise: 0.15, seed: 0 }
    }
}

/// The derivatives `[n, size]` of an output by the numbers of an input.
///
/// Errors: there is no such input or output, a derivative is not finite, and those of the model.
pub fn gradients(model: &dyn Differentiable, rows: &Rows, block: usize, output: usize) -> Result<Array2<f32>, Error> {
    let mut found = model.gradients(&rows.views(), output)?;
    if block >= found.len() {
        return Err(Error::Option(format!("the model has no input {block}")));
    }
    let found = found.swap_remove(block);
    if found.iter().any(|value| !value.is_finite()) { Err(Error::NotFinite) } else { Ok(found) }
}

/// The derivatives times the numbers themselves. Errors: as [`gradients`].
pub fn gradients_times_input(
    model: &dyn Differentiable,
    rows: &Rows,
    block: usize,
    output: usize,
) -> Result<Array2<f32>, Error> {
    let mut found = gradients(model, rows, block, output)?;
    if let Some(input) = rows.blocks().get(block) {
        found *= input;
    }
    Ok(found)
}

/// The mean derivatives over noisy copies of each row. The noise is in this input alone.
///
/// Errors: no copy, and as [`gradients`].
pub fn smooth_gradients(
    model: &dyn Differentiable,
    rows: &Rows,
    block: usize,
    output: usize,
    options: &SmoothOptions,
) -> Result<Array2<f32>, Error> {
    let Some(input) = rows.blocks().get(block) else {
        return Err(Error::Option(format!("the model has no input {block}")));
    };
    if options.copies == 0 || !(options.noise >= 0.0 && options.noise.is_finite()) {
        return Err(Error::Option("smoothing needs copies and a noise of at least 0".to_owned()));
    }
    let mut mean = Array2::zeros(input.dim());
    for row in 0..rows.len() {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(row as u64);
        let mut copies = rows.take(&vec![row; options.copies]);
        let range = input
            .row(row)
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
        let scale = options.noise * (range.1 - range.0).max(0.0);
        if let Some(numbers) = copies.blocks_mut().get_mut(block) {
            numbers.mapv_inplace(|value| value + scale * normal(&mut rng));
        }
        let found = gradients(model, &copies, block, output)?;
        for copy in found.rows() {
            mean.row_mut(row).scaled_add(1.0 / options.copies as f32, &copy);
        }
    }
    Ok(mean)
}

/// A number of the standard normal distribution (Box & Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let (u, v): (f32, f32) = (1.0 - rng.random::<f32>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::explanation::oracle::{Function, cases};

    #[test]
    fn derivatives_are_those_of_pytorch() {
        for case in cases("saliency") {
            let (model, rows) = (Function::of(&case), case.rows("x"));
            let plain = gradients(&model, &rows, 0, 0).unwrap();
            let times = gradients_times_input(&model, &rows, 0, 0).unwrap();
            for (found, expected) in plain.iter().zip(case.list("gradients")) {
                assert!((f64::from(*found) - expected).abs() < 1e-5);
            }
            for (found, expected) in times.iter().zip(case.list("gradients_times_input")) {
                assert!((f64::from(*found) - expected).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn smoothing_takes_the_mean_of_the_noise() {
        for case in cases("saliency") {
            let (model, rows) = (Function::of(&case), case.rows("x"));
            let options = SmoothOptions { copies: 20_000, noise: 0.15, seed: 1 };
            let smooth = smooth_gradients(&model, &rows, 0, 0, &options).unwrap();
            // Captum drew as many copies of its own: four standard errors of both.
            for (found, expected) in smooth.iter().zip(case.list("smooth")) {
                assert!((f64::from(*found) - expected).abs() < 0.04, "{found} is not {expected}");
            }
            let still = SmoothOptions { copies: 2, noise: 0.0, seed: 1 };
            let plain = gradients(&model, &rows, 0, 0).unwrap();
            let still = smooth_gradients(&model, &rows, 0, 0, &still).unwrap();
            assert!(still.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-6));
        }
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let model = Function::Linear { w: vec![1.0, 0.0], c: 0.0 };
        let rows = Rows::new(vec![Array2::zeros((1, 2))]).unwrap();
        assert!(gradients(&model, &rows, 1, 0).is_err());
        assert!(
            smooth_gradients(&model, &rows, 0, 0, &SmoothOptions { copies: 0, ..SmoothOptions::default() }).is_err()
        );
    }
}
