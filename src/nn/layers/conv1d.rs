//! Filters that slide along a sequence.

use super::super::init::Start;
use super::super::shape::Shape;
use super::convolution::{Convolution, Options};
use super::dense::yes;
use super::reading::only;
use super::window::{Axis, Padding, PaddingOf, Window};
use super::{Activation, Describe, Layer};
use serde::{Deserialize, Serialize};

/// `y[i, f] = a(b[f] + Σ x[i s + p d, c] w[f, p, c])` over the places `p` and the features `c` of a window, with stride
/// `s`, dilation `d` and activation `a`: a [`super::Conv2d`] of height 1.
///
/// Shapes: `x` is `[n, length, features]`, `w` is `[filters, kernel, features / groups]`, `b` is `[filters]`, `y` is
/// `[n, length', filters]`.
///
/// Source: Waibel, Hanazawa, Hinton, Shikano & Lang 1989, *Phoneme recognition using time-delay neural networks*; on
/// words Kim 2014, *Convolutional neural networks for sentence classification*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv1d {
    /// How many filters; at least 1.
    pub filters: usize,
    /// The length of a filter.
    pub kernel: usize,
    /// By how much the window moves. Default 1.
    #[serde(default = "one")]
    pub stride: usize,
    /// What surrounds the sequence; of a pair of sizes the second counts. Default nothing.
    #[serde(default)]
    pub padding: Padding,
    /// How far apart the places of a window are. Default 1.
    #[serde(default = "one")]
    pub dilation: usize,
    /// Into how many groups features and filters are divided. Default 1.
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

fn one() -> usize {
    1
}

impl Conv1d {
    /// Filters of this length, with all else at its default.
    pub fn new(filters: usize, kernel: usize, activation: Activation) -> Self {
        let padding = Padding::Valid;
        Self { filters, kernel, stride: 1, padding, dilation: 1, groups: 1, activation, bias: true, start: None }
    }
}

/// A sequence is an image of height 1.
pub(super) fn flat_axis() -> Axis {
    Axis { input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, before: 0 }
}

/// Padding along the length.
pub(super) fn along(padding: Padding) -> PaddingOf {
    padding.of(1)
}

impl Describe for Conv1d {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        Ok(Box::new(self.convolution(only(inputs, "a conv1d layer")?)?))
    }
}

impl Conv1d {
    /// The convolution over rows of a shape.
    pub(super) fn convolution(&self, input: &Shape) -> Result<Convolution, String> {
        let [length, channels] = input.expect_sequence("a conv1d layer")?;
        let Self { filters, kernel, stride, padding, dilation, groups, activation, bias, start } = *self;
        let width = Axis::new("the length", length, [kernel, stride, dilation], along(padding))?;
        let window = Window { height: flat_axis(), width, channels };
        let options =
            Options { filters, groups, activation, bias, start, kernel: vec![kernel], places: vec![width.output] };
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
        assert_layer("conv1d", 5e-6, |case| {
            Box::new(serde_json::from_value::<Conv1d>(case["options"].clone()).unwrap())
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn gradients_agree_with_central_differences(
            length in 3usize..9, kernel in 1usize..4, stride in 1usize..3, dilation in 1usize..3, features in 1usize..4,
            filters in 1usize..4, same in any::<bool>(), rows in 1usize..4, seed in any::<u64>(),
        ) {
            let padding = if same { Padding::Same } else { Padding::Valid };
            let layer = Conv1d { stride, padding, dilation, ..Conv1d::new(filters, kernel, Activation::Tanh) };
            let shape = Shape::sequence(length, features);
            if let Ok(layer) = layer.build(&[&shape]) {
                numeric_gradient::check(&*layer, &[&shape], rows, seed);
            }
        }
    }
}
