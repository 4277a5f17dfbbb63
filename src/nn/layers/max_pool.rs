//! The largest value of each window.

use super::super::shape::Shape;
use super::super::simd::vectorized;
use super::average_pool::PoolOptions;
use super::reading::only;
use super::window::{Padding, Pair, Window};
use super::{Backward, Describe, Forward, Layer};
use serde::{Deserialize, Serialize};

/// `y[i, j, c] = max x[i s + p, j s + q, c]` over the places `p, q` of a window, for each channel by itself. Padding is
/// never the largest. The gradient goes to the place of the largest value, the first where there are several.
///
/// Shapes: images `[n, height, width, channels]` become `[n, height', width', channels]`, sequences `[n, length,
/// features]` become `[n, length', features]`; for sequences the second number of each pair counts.
///
/// Source: Ranzato, Huang, Boureau & LeCun 2007; Scherer, Müller & Behnke 2010, *Evaluation of pooling operations in
/// convolutional architectures for object recognition*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPool {
    /// Height and width of a window. Default 2 by 2.
    #[serde(default = "two")]
    pub window: Pair,
    /// By how much the window moves. Default: the size of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Pair>,
    /// What surrounds the input. Default nothing.
    #[serde(default)]
    pub padding: Padding,
}

pub(super) fn two() -> Pair {
    [2, 2]
}

impl Default for MaxPool {
    fn default() -> Self {
        Self { window: two(), stride: None, padding: Padding::Valid }
    }
}

/// The windows over the rows of one shape.
#[derive(Debug)]
pub(super) struct Pooled {
    window: Window,
    output: Shape,
}

impl Describe for MaxPool {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        Ok(Box::new(self.place(only(inputs, "max_pool")?)?))
    }
}

impl MaxPool {
    /// The windows over rows of a shape.
    pub(super) fn place(&self, input: &Shape) -> Result<Pooled, String> {
        let options = PoolOptions { window: self.window, stride: self.stride, padding: self.padding };
        let (window, output) = options.place(input, "max_pool")?;
        // The number of a place in its window is kept as f32.
        if window.height.kernel.saturating_mul(window.width.kernel) > 1 << 24 {
            return Err("the window of max_pool is too large".to_owned());
        }
        Ok(Pooled { window, output })
    }
}

impl Pooled {
    /// `visit(number of the place in the window, start in the image, start in the output)` for each place of each window
    /// that lies in the image, window by window.
    #[inline(always)]
    pub(super) fn places(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let Window { height, width, channels } = self.window;
        for oy in 0..height.output {
            for ox in 0..width.output {
                let output = (oy * width.output + ox) * channels;
                for ky in 0..height.kernel {
                    let Some(iy) = height.place(oy, ky) else {
                        continue;
                    };
                    for kx in 0..width.kernel {
                        if let Some(ix) = width.place(ox, kx) {
                            visit(ky * width.kernel + kx, (iy * width.input + ix) * channels, output);
                        }
                    }
                }
            }
        }
    }

    pub(super) fn output_size(&self) -> usize {
        self.window.count() * self.window.channels
    }

    /// The largest values of the windows of some images. `kept` is as long as `output`, or empty.
    pub(super) fn pool(&self, input: &[f32], output: &mut [f32], kept: &mut [f32]) {
        let (image, size, channels) = (self.window.input_size(), self.output_size(), self.window.channels);
        let rows = input.len() / image;
        output.fill(f32::NEG_INFINITY);
        kept.fill(0.0);
        vectorized(
            #[inline(always)]
            || {
                for row in 0..rows {
                    let (x, y) = (&input[row * image..(row + 1) * image], &mut output[row * size..(row + 1) * size]);
                    match kept.get_mut(row * size..(row + 1) * size) {
                        Some(kept) => self.places(|place, from, to| {
                            let (x, y) = (&x[from..from + channels], &mut y[to..to + channels]);
                            for ((x, y), kept) in x.iter().zip(y).zip(&mut kept[to..to + channels]) {
                                // NaN is larger than all, so that it is found at the end of the network.
                                let larger = *x > *y || x.is_nan();
                                *kept = if larger { place as f32 } else { *kept };
                                *y = if larger { *x } else { *y };
                            }
                        }),
                        None => self.places(|_, from, to| {
                            let (x, y) = (&x[from..from + channels], &mut y[to..to + channels]);
                            x.iter().zip(y).for_each(|(x, y)| *y = if *x > *y || x.is_nan() { *x } else { *y });
                        }),
                    }
                }
            },
        );
    }

    /// Gives the gradients by the largest values to their places.
    pub(super) fn spread(&self, kept: &[f32], output_gradient: &[f32], gradient: &mut [f32]) {
        let (image, size, channels) = (self.window.input_size(), self.output_size(), self.window.channels);
        let rows = gradient.len() / image;
        // Where windows neither overlap nor leave anything out, each place is written once.
        let apart = |axis: super::window::Axis| axis.stride == axis.kernel && axis.output * axis.stride == axis.input;
        let once = apart(self.window.height) && apart(self.window.width);
        if !once {
            gradient.fill(0.0);
        }
        vectorized(
            #[inline(always)]
            || {
                for row in 0..rows {
                    let dx = &mut gradient[row * image..(row + 1) * image];
                    let (dy, kept) =
                        (&output_gradient[row * size..(row + 1) * size], &kept[row * size..(row + 1) * size]);
                    self.places(|place, to, from| {
                        let dx = &mut dx[to..to + channels];
                        let (dy, kept) = (&dy[from..from + channels], &kept[from..from + channels]);
                        let given = dy.iter().zip(kept).map(|(dy, kept)| if *kept == place as f32 { *dy } else { 0.0 });
                        if once {
                            dx.iter_mut().zip(given).for_each(|(dx, dy)| *dx = dy);
                        } else {
                            dx.iter_mut().zip(given).for_each(|(dx, dy)| *dx += dy);
                        }
                    });
                }
            },
        );
    }
}

impl Layer for Pooled {
    fn output(&self) -> &Shape {
        &self.output
    }

    /// The place of the largest value in its window.
    fn kept_per_row(&self) -> usize {
        self.output_size()
    }

    fn forward(&self, pass: Forward<'_>) {
        self.pool(pass.input, pass.output, pass.kept);
    }

    fn backward(&self, pass: Backward<'_>) {
        if let Some(gradient) = pass.input_gradient {
            self.spread(pass.kept, pass.output_gradient, gradient);
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
        assert_layer("max_pool", 1e-6, |case| {
            Box::new(serde_json::from_value::<MaxPool>(case["options"].clone()).unwrap())
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn gradients_agree_with_central_differences(
            size in [2usize..7, 2..7], window in [1usize..4, 1..4], stride in [1usize..3, 1..3], same in any::<bool>(),
            channels in 1usize..4, rows in 1usize..4, seed in any::<u64>(),
        ) {
            let padding = if same { Padding::Same } else { Padding::Valid };
            let shape = Shape::image(size[0], size[1], channels);
            if let Ok(layer) = (MaxPool { window, stride: Some(stride), padding }).build(&[&shape]) {
                numeric_gradient::check(&*layer, &[&shape], rows, seed);
            }
        }
    }

    #[test]
    fn nan_is_never_hidden() {
        let shape = Shape::sequence(2, 1);
        let layer = MaxPool::default().build(&[&shape]).unwrap();
        for input in [[f32::NAN, 1.0], [1.0, f32::NAN]] {
            let mut y = [0.0];
            let (input, output, kept, scratch) = (&input, &mut y, &mut [], &mut []);
            let (parameters, statistics, training) = (&[], &[], None);
            layer.forward(Forward {
                rows: 1,
                port: 0,
                parameters,
                input,
                output,
                kept,
                scratch,
                mask: &[],
                statistics,
                training,
            });
            assert!(y[0].is_nan());
        }
    }
}
