//! Grad-CAM: where in an image or spectrogram a convolutional network saw what it predicts.
//!
//! Selvaraju et al. 2017, *Grad-CAM: visual explanations from deep networks*. The channels of the last layer that still
//! has places are weighted by the mean derivative of the output by each, and only what speaks for the output is kept:
//! `relu(sum_c mean_hw(dy / dA_c) A_c)`.
//!
//! Time: one derivative, `O(height width channels)`.

use ndarray::Array2;

use super::error::{Error, expect};

/// A map `[height, width]` of one row, from the values `[height, width, channels]` of a layer and the derivatives of an
/// output by them. At least 0; all 0 where nothing speaks for the output.
///
/// Errors: sizes that do not fit, a value that is not finite.
pub fn grad_cam(
    values: &[f32],
    derivatives: &[f32],
    height: usize,
    width: usize,
    channels: usize,
) -> Result<Array2<f32>, Error> {
    let places = height * width;
    expect("the values of the layer", values.len(), places * channels)?;
    expect("the derivatives", derivatives.len(), values.len())?;
    if values.iter().chain(derivatives).any(|value| !value.is_finite()) {
        return Err(Error::NotFinite);
    }
    let mut weights = vec![0.0_f64; channels];
    for place in derivatives.chunks_exact(channels.max(1)) {
        for (weight, derivative) in weights.iter_mut().zip(place) {
            *weight += f64::from(*derivative) / places as f64;
        }
    }
    let map = values.chunks_exact(channels.max(1)).map(|place| {
        let sum: f64 = place.iter().zip(&weights).map(|(value, weight)| f64::from(*value) * weight).sum();
        sum.max(0.0) as f32
    });
    Array2::from_shape_vec((height, width), map.collect()).map_err(|error| Error::Option(error.to_string()))
}

/// A map in another size, linear between the centres of its cells.
pub fn resize(map: &Array2<f32>, height: usize, width: usize) -> Array2<f32> {
    let (from_height, from_width) = map.dim();
    if from_height == 0 || from_width == 0 {
        return Array2::zeros((height, width));
    }
    // The two cells around a place, and how much the second counts.
    let around = |at: usize, to: usize, from: usize| {
        let place = ((at as f32 + 0.5) * from as f32 / to as f32 - 0.5).clamp(0.0, (from - 1) as f32);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the last cell")]
        let low = (place.floor() as usize).min(from - 1);
        (low, (low + 1).min(from - 1), place - low as f32)
    };
    Array2::from_shape_fn((height, width), |(row, column)| {
        let (top, bottom, down) = around(row, height, from_height);
        let (left, right, across) = around(column, width, from_width);
        let upper = map[[top, left]] * (1.0 - across) + map[[top, right]] * across;
        let lower = map[[bottom, left]] * (1.0 - across) + map[[bottom, right]] * across;
        upper * (1.0 - down) + lower * down
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::explanation::oracle::cases;

    #[test]
    fn maps_are_those_of_captum() {
        for case in cases("grad_cam") {
            let floats = |name: &str| case.list(name).iter().map(|v| *v as f32).collect::<Vec<f32>>();
            let size = |name: &str| case.number(name) as usize;
            let (height, width) = (size("height"), size("width"));
            let map = grad_cam(&floats("values"), &floats("derivatives"), height, width, size("channels")).unwrap();
            for (found, expected) in map.iter().zip(case.list("map")) {
                assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} is not {expected}");
            }
            let large = resize(&map, size("to_height"), size("to_width"));
            for (found, expected) in large.iter().zip(case.list("large")) {
                assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} is not {expected}");
            }
        }
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        assert!(grad_cam(&[1.0; 5], &[1.0; 5], 2, 1, 2).is_err());
        assert_eq!(grad_cam(&[f32::NAN; 2], &[1.0; 2], 2, 1, 1), Err(Error::NotFinite));
        assert_eq!(grad_cam(&[1.0; 2], &[-1.0; 2], 2, 1, 1).unwrap().sum(), 0.0);
    }
}
