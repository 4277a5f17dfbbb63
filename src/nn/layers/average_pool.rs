//! The mean of each window.

use super::super::shape::Shape;
use super::super::simd::{add_scaled, vectorized};
use super::conv1d::{along, flat_axis};
use super::max_pool::two;
use super::reading::only;
use super::window::{Axis, Padding, Pair, Window};
use super::{Backward, Describe, Forward, Layer};
use serde::{Deserialize, Serialize};

/// `y[i, j, c]` is the mean of `x[i s + p, j s + q, c]` over the places `p, q` of a window that lie in the input, for
/// each channel by itself; padding does not count. Each of those places gets its share of the gradient.
///
/// Shapes: as for [`super::MaxPool`].
///
/// Source: LeCun, Bottou, Bengio & Haffner 1998 (subsampling).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragePool {
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

impl Default for AveragePool {
    fn default() -> Self {
        Self { window: two(), stride: None, padding: Padding::Valid }
    }
}

/// What both kinds of pooling have.
pub(super) struct PoolOptions {
    pub(super) window: Pair,
    pub(super) stride: Option<Pair>,
    pub(super) padding: Padding,
}

impl PoolOptions {
    /// The windows over an image or a sequence, and the shape of what comes out.
    pub(super) fn place(&self, input: &Shape, reader: &str) -> Result<(Window, Shape), String> {
        let stride = self.stride.unwrap_or(self.window);
        if let [length, features] = *input.dimensions() {
            if features == 0 {
                return Err(format!("{reader} cannot read rows of shape {input}"));
            }
            let width = Axis::new("the length", length, [self.window[1], stride[1], 1], along(self.padding))?;
            let window = Window { height: flat_axis(), width, channels: features };
            return Ok((window, Shape::sequence(width.output, features)));
        }
        let [height, width, channels] = input
            .expect_image(reader)
            .map_err(|_| format!("{reader} reads images or sequences, these rows are {input}"))?;
        let axis = |what, size, i: usize| Axis::new(what, size, [self.window[i], stride[i], 1], self.padding.of(i));
        let window = Window { height: axis("the height", height, 0)?, width: axis("the width", width, 1)?, channels };
        Ok((window, Shape::image(window.height.output, window.width.output, channels)))
    }
}

#[derive(Debug)]
struct Built {
    window: Window,
    output: Shape,
}

impl Describe for AveragePool {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let options = PoolOptions { window: self.window, stride: self.stride, padding: self.padding };
        let (window, output) = options.place(only(inputs, "average_pool")?, "average_pool")?;
        Ok(Box::new(Built { window, output }))
    }
}

impl Built {
    /// `visit(share of the place, start in the image, start in the output)` for each place of each window.
    #[inline(always)]
    fn places(&self, mut visit: impl FnMut(f32, usize, usize)) {
        let Window { height, width, channels } = self.window;
        let inside = |axis: &Axis, window| (0..axis.kernel).filter(|&k| axis.place(window, k).is_some()).count();
        for oy in 0..height.output {
            let tall = inside(&height, oy);
            for ox in 0..width.output {
                let share = 1.0 / (tall * inside(&width, ox)).max(1) as f32;
                let output = (oy * width.output + ox) * channels;
                for iy in (0..height.kernel).filter_map(|k| height.place(oy, k)) {
                    for ix in (0..width.kernel).filter_map(|k| width.place(ox, k)) {
                        visit(share, (iy * width.input + ix) * channels, output);
                    }
                }
            }
        }
    }
}

impl Layer for Built {
    fn output(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { input, output, .. } = pass;
        let channels = self.window.channels;
        output.fill(0.0);
        let rows = input.chunks_exact(self.window.input_size());
        vectorized(
            #[inline(always)]
            || {
                for (x, y) in rows.zip(output.chunks_exact_mut(self.window.count() * channels)) {
                    self.places(|share, from, to| {
                        add_scaled(&mut y[to..to + channels], share, &x[from..from + channels])
                    });
                }
            },
        );
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward { output_gradient, input_gradient, .. } = pass;
        let Some(gradient) = input_gradient else {
            return;
        };
        let channels = self.window.channels;
        gradient.fill(0.0);
        let rows = gradient.chunks_exact_mut(self.window.input_size());
        vectorized(
            #[inline(always)]
            || {
                for (dx, dy) in rows.zip(output_gradient.chunks_exact(self.window.count() * channels)) {
                    self.places(|share, to, from| {
                        add_scaled(&mut dx[to..to + channels], share, &dy[from..from + channels])
                    });
                }
            },
        );
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
        assert_layer("average_pool", 2e-6, |case| {
            Box::new(serde_json::from_value::<AveragePool>(case["options"].clone()).unwrap())
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
            if let Ok(layer) = (AveragePool { window, stride: Some(stride), padding }).build(&[&shape]) {
                numeric_gradient::check(&*layer, &[&shape], rows, seed);
            }
        }
    }

    #[test]
    fn flat_rows_are_refused() {
        let error = AveragePool::default().build(&[&Shape::features(4)]).unwrap_err();
        assert_eq!(error, "average_pool reads images or sequences, these rows are [4]");
    }
}
