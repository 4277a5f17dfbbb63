//! Filters that slide over an image.

use super::super::init::Start;
use super::super::shape::Shape;
use super::convolution::{Convolution, Options};
use super::dense::yes;
use super::reading::only;
use super::window::{Axis, Window};
use super::{Activation, Describe, Layer, Padding, Pair};
use serde::{Deserialize, Serialize};

/// `y[i, j, f] = a(b[f] + Σ x[i s + p d, j s + q d, c] w[f, p, q, c])` over the places `p, q` and the channels `c` of a
/// window, with stride `s`, dilation `d` and activation `a`. (As in all libraries of networks it is a correlation: the
/// filter is not mirrored.) With groups, each group of filters sees its group of channels only.
///
/// Shapes: `x` is `[n, height, width, channels]`, `w` is `[filters, kernel, kernel, channels / groups]`, `b` is
/// `[filters]`, `y` is `[n, height', width', filters]`. The way back: with `D = dL/dy * a'`, `dw` is the sum of the
/// windows weighted by `D`, `db` the sum of `D`, and `dx` the filters laid over each other weighted by `D`. Time is `O(n
/// height' width' filters kernel² channels / groups)` each way.
///
/// Source: LeCun, Bottou, Bengio & Haffner 1998, *Gradient-based learning applied to document recognition*; groups
/// Krizhevsky, Sutskever & Hinton 2012; dilation Yu & Koltun 2015.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2d {
    /// How many filters; at least 1.
    pub filters: usize,
    /// Height and width of a filter.
    pub kernel: Pair,
    /// By how much the window moves. Default 1.
    #[serde(default = "ones")]
    pub stride: Pair,
    /// What surrounds the image. Default nothing.
    #[serde(default)]
    pub padding: Padding,
    /// How far apart the places of a window are. Default 1.
    #[serde(default = "ones")]
    pub dilation: Pair,
    /// Into how many groups channels and filters are divided. Default 1.
    #[serde(default = "one")]
    pub groups: usize,
    /// What each filter applies to its sum. Default `relu`.
    #[serde(default)]
    pub activation: Activation,
    /// Whether the filters have a bias. Default true.
    #[serde(default = "yes")]
    pub bias: bool,
    /// How the weights start. Default: by the activation, as in a dense layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
}

fn ones() -> Pair {
    [1, 1]
}

fn one() -> usize {
    1
}

impl Conv2d {
    /// Filters of this height and width, with all else at its default.
    pub fn new(filters: usize, kernel: Pair, activation: Activation) -> Self {
        let (stride, dilation, groups) = (ones(), ones(), one());
        Self { filters, kernel, stride, padding: Padding::Valid, dilation, groups, activation, bias: true, start: None }
    }
}

impl Describe for Conv2d {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        Ok(Box::new(self.convolution(only(inputs, "a conv2d layer")?)?))
    }
}

impl Conv2d {
    /// The convolution over rows of a shape.
    pub(super) fn convolution(&self, input: &Shape) -> Result<Convolution, String> {
        let [height, width, channels] = input.expect_image("a conv2d layer")?;
        let Self { kernel, stride, dilation, padding, filters, groups, activation, bias, start } = *self;
        let axis =
            |what: &str, size, i: usize| Axis::new(what, size, [kernel[i], stride[i], dilation[i]], padding.of(i));
        let window = Window { height: axis("the height", height, 0)?, width: axis("the width", width, 1)?, channels };
        let places = vec![window.height.output, window.width.output];
        let options = Options { filters, groups, activation, bias, start, kernel: kernel.to_vec(), places };
        Convolution::new(window, options)
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
        assert_layer("conv2d", 5e-6, |case| {
            Box::new(serde_json::from_value::<Conv2d>(case["options"].clone()).unwrap())
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn gradients_agree_with_central_differences(
            size in [3usize..7, 3..7], kernel in [1usize..4, 1..4], stride in [1usize..3, 1..3], dilation in [1usize..3, 1..3],
            channels in 1usize..3, filters in 1usize..4, groups in 1usize..3, padding in 0usize..3, rows in 1usize..4, seed in any::<u64>(),
        ) {
            let padding = [Padding::Valid, Padding::Same, Padding::Of([kernel[0] / 2, kernel[1] / 2])][padding];
            let layer = Conv2d {
                stride, padding, dilation, groups,
                ..Conv2d::new(filters * groups, kernel, Activation::Silu)
            };
            let shape = Shape::image(size[0], size[1], channels * groups);
            if let Ok(layer) = layer.build(&[&shape]) {
                numeric_gradient::check(&*layer, &[&shape], rows, seed);
            }
        }
    }

    #[test]
    fn filters_that_do_not_fit_are_refused() {
        let image = Shape::image(5, 5, 3);
        let refused = |layer: Conv2d, shape: &Shape| layer.build(&[shape]).unwrap_err();
        let plain = Conv2d::new(4, [3, 3], Activation::Relu);
        let flat = refused(plain, &Shape::features(75));
        assert_eq!(flat, "a conv2d layer reads images [height, width, channels], these rows are [75]");
        let long = refused(Conv2d { kernel: [3, 7], ..plain }, &image);
        assert_eq!(long, "the window of the width reaches over 7 places, there are 5");
        let groups = refused(Conv2d { groups: 2, ..plain }, &image);
        assert_eq!(groups, "2 groups do not divide 3 channels and 4 filters evenly");
        assert_eq!(refused(Conv2d { filters: 0, ..plain }, &image), "a convolution needs at least 1 filter");
    }
}
