//! One number for each channel of a whole image or sequence.

use super::super::shape::Shape;
use super::super::simd::{add_scaled, vectorized};
use super::reading::only;
use super::{Backward, Describe, Forward, Layer};
use serde::{Deserialize, Serialize};

/// The mean over all places that are no padding, for each channel by itself, 0 where there is none; each of them gets its
/// share of the gradient.
///
/// Shapes: `[n, height, width, channels]` or `[n, length, channels]` becomes `[n, channels]`.
///
/// Source: Lin, Chen & Yan 2013, *Network in network*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAveragePool {}

/// The largest value over all places that are no padding, for each channel by itself, 0 where there is none; its place
/// gets the gradient, the first where there are several.
///
/// Shapes: `[n, height, width, channels]` or `[n, length, channels]` becomes `[n, channels]`.
///
/// Source: Collobert et al. 2011, *Natural language processing (almost) from scratch* (max over time).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalMaxPool {}

/// The number of places and of channels of an image or a sequence.
fn places(inputs: &[&Shape], reader: &str) -> Result<[usize; 2], String> {
    let input = only(inputs, reader)?;
    if input.dimensions().len() < 2 {
        return Err(format!("{reader} reads images or sequences, these rows are {input}"));
    }
    input.expect_places(reader)
}

/// Whether a place of a row is none of padding.
#[inline(always)]
fn counts(mask: &[f32], place: usize) -> bool {
    mask.get(place).is_none_or(|token| *token != 0.0)
}

/// What one place adds to the mean of a row.
fn share(mask: &[f32], places: usize) -> f32 {
    1.0 / (0..places).filter(|&place| counts(mask, place)).count().max(1) as f32
}

#[derive(Debug)]
struct Mean {
    places: usize,
    channels: usize,
    output: Shape,
}

impl Describe for GlobalAveragePool {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let [places, channels] = places(inputs, "global_average_pool")?;
        Ok(Box::new(Mean { places, channels, output: Shape::features(channels) }))
    }
}

impl Mean {
    fn mask<'a>(&self, mask: &'a [f32], row: usize) -> &'a [f32] {
        mask.get(row * self.places..(row + 1) * self.places).unwrap_or_default()
    }
}

impl Layer for Mean {
    fn output(&self) -> &Shape {
        &self.output
    }

    fn reads_mask(&self) -> bool {
        true
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { input, output, mask, .. } = pass;
        output.fill(0.0);
        vectorized(
            #[inline(always)]
            || {
                let rows = input.chunks_exact(self.places * self.channels).zip(output.chunks_exact_mut(self.channels));
                for (row, (x, y)) in rows.enumerate() {
                    let mask = self.mask(mask, row);
                    let share = share(mask, self.places);
                    let places = x.chunks_exact(self.channels).enumerate();
                    places.filter(|(place, _)| counts(mask, *place)).for_each(|(_, x)| add_scaled(y, share, x));
                }
            },
        );
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward { output_gradient, input_gradient, mask, .. } = pass;
        let Some(gradient) = input_gradient else {
            return;
        };
        let rows = gradient.chunks_exact_mut(self.places * self.channels);
        for (row, (dx, dy)) in rows.zip(output_gradient.chunks_exact(self.channels)).enumerate() {
            let mask = self.mask(mask, row);
            let share = share(mask, self.places);
            for (place, dx) in dx.chunks_exact_mut(self.channels).enumerate() {
                let share = if counts(mask, place) { share } else { 0.0 };
                dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx = dy * share);
            }
        }
    }
}

#[derive(Debug)]
struct Largest {
    places: usize,
    channels: usize,
    output: Shape,
}

impl Describe for GlobalMaxPool {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let [places, channels] = places(inputs, "global_max_pool")?;
        if places > 1 << 24 {
            return Err(format!("global_max_pool reads at most {} places, there are {places}", 1 << 24));
        }
        Ok(Box::new(Largest { places, channels, output: Shape::features(channels) }))
    }
}

impl Layer for Largest {
    fn output(&self) -> &Shape {
        &self.output
    }

    fn reads_mask(&self) -> bool {
        true
    }

    /// The place of the largest value, or beyond the last where all is padding.
    fn kept_per_row(&self) -> usize {
        self.channels
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { input, output, kept, mask, .. } = pass;
        output.fill(f32::NEG_INFINITY);
        kept.fill(self.places as f32);
        let rows = input.chunks_exact(self.places * self.channels).zip(output.chunks_exact_mut(self.channels));
        for (row, (x, y)) in rows.enumerate() {
            let mut none = [];
            let kept = kept.get_mut(row * self.channels..(row + 1) * self.channels).unwrap_or(&mut none);
            let mask = mask.get(row * self.places..(row + 1) * self.places).unwrap_or_default();
            if (0..self.places).all(|place| !counts(mask, place)) {
                y.fill(0.0);
                continue;
            }
            for (place, x) in x.chunks_exact(self.channels).enumerate().filter(|(place, _)| counts(mask, *place)) {
                for (channel, (x, y)) in x.iter().zip(&mut *y).enumerate() {
                    // NaN is larger than all, so that it is found at the end of the network.
                    if *x > *y || x.is_nan() {
                        *y = *x;
                        if let Some(kept) = kept.get_mut(channel) {
                            *kept = place as f32;
                        }
                    }
                }
            }
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward { kept, output_gradient, input_gradient, .. } = pass;
        let Some(gradient) = input_gradient else {
            return;
        };
        gradient.fill(0.0);
        let rows = gradient.chunks_exact_mut(self.places * self.channels);
        let given = output_gradient.chunks_exact(self.channels).zip(kept.chunks_exact(self.channels));
        for (dx, (dy, kept)) in rows.zip(given) {
            for (channel, (dy, kept)) in dy.iter().zip(kept).enumerate() {
                if let Some(dx) = dx.get_mut(*kept as usize * self.channels + channel) {
                    *dx = *dy;
                }
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
        for padded in ["", "_padded"] {
            assert_layer(&format!("global_average_pool{padded}"), 1e-6, |_| Box::new(GlobalAveragePool {}));
            assert_layer(&format!("global_max_pool{padded}"), 1e-6, |_| Box::new(GlobalMaxPool {}));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn gradients_agree_with_central_differences(
            height in 1usize..4, width in 1usize..4, channels in 1usize..5, rows in 1usize..4, seed in any::<u64>(),
        ) {
            let shape = Shape::image(height, width, channels);
            let places = height * width;
            let token = |i: usize| f32::from(i % places < i / places);
            for mask in [Vec::new(), (0..rows * places).map(token).collect()] {
                let mean = GlobalAveragePool {}.build(&[&shape]).unwrap();
                numeric_gradient::check_masked(&*mean, &[&shape], rows, seed, mask.clone());
                let largest = GlobalMaxPool {}.build(&[&shape]).unwrap();
                numeric_gradient::check_masked(&*largest, &[&shape], rows, seed, mask);
            }
        }
    }
}
