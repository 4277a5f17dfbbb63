//! Convolutions and pools: channels first for ONNX, and last again.

use super::super::layers::Activation;
use super::super::layers::{Conv1d, Conv2d, Padding, Pair};
use super::At;
use super::layers::activation;
use super::writer::{integer, integers};

/// Dimensions with the channels, which are last, before the places, and the other way round.
fn permutations(places: usize) -> [Vec<usize>; 2] {
    let first = [0, places + 1].into_iter().chain(1..=places).collect();
    let last = std::iter::once(0).chain(2..places + 2).chain([1]).collect();
    [first, last]
}

/// Sizes of a window along each of its axes.
struct Window {
    kernel: Vec<usize>,
    stride: Vec<usize>,
    dilation: Vec<usize>,
    /// What surrounds the input, before and after.
    padding: Vec<(usize, usize)>,
}

impl Window {
    /// Over the places of what a layer reads; of pairs the second counts for a sequence.
    fn new(at: &At<'_>, padding: Padding, sizes: Vec<[usize; 3]>) -> Self {
        let first = 2 - sizes.len();
        let around = |(i, size): (usize, &[usize; 3])| padding.around(first + i, at.dimensions()[i], *size);
        let padding = sizes.iter().enumerate().map(around).collect();
        let [kernel, stride, dilation] = [0, 1, 2].map(|which| sizes.iter().map(|size| size[which]).collect());
        Self { kernel, stride, dilation, padding }
    }

    fn attributes(&self) -> Vec<super::messages::Attribute> {
        let (before, after): (Vec<usize>, Vec<usize>) = self.padding.iter().copied().unzip();
        let mut attributes = vec![
            integers("kernel_shape", &self.kernel),
            integers("strides", &self.stride),
            integers("pads", &[before, after].concat()),
        ];
        // Pools have dilations in later opsets only.
        if self.dilation.iter().any(|d| *d != 1) {
            attributes.push(integers("dilations", &self.dilation));
        }
        attributes
    }
}

pub(super) fn conv1d(at: &mut At<'_>, layer: &Conv1d) -> String {
    let Conv1d { filters, kernel, stride, padding, dilation, groups, activation, .. } = *layer;
    let window = Window::new(at, padding, vec![[kernel, stride, dilation]]);
    convolution(at, &window, (filters, groups, activation))
}

pub(super) fn conv2d(at: &mut At<'_>, layer: &Conv2d) -> String {
    let Conv2d { filters, kernel, stride, padding, dilation, groups, activation, .. } = *layer;
    let sizes = [0, 1].map(|i| [kernel[i], stride[i], dilation[i]]);
    let window = Window::new(at, padding, sizes.to_vec());
    convolution(at, &window, (filters, groups, activation))
}

fn convolution(at: &mut At<'_>, window: &Window, (filters, groups, function): (usize, usize, Activation)) -> String {
    let (channels, size) = (at.width() / groups, window.kernel.iter().product::<usize>());
    // From [filters, .., channels] to [filters, channels, ..].
    let values = at.parameter("weight");
    let index = |i: usize| {
        let (filter, channel, place) = (i / (channels * size), i / size % channels, i % size);
        (filter * size + place) * channels + channel
    };
    let turned: Vec<f32> = (0..values.len()).map(|i| values[index(i)]).collect();
    let shape: Vec<usize> = [filters, channels].into_iter().chain(window.kernel.iter().copied()).collect();
    let weight = at.floats("weight", &shape, &turned);
    let bias = (!at.parameter("bias").is_empty()).then(|| at.store("bias", &[filters]));
    let [first, last] = permutations(window.kernel.len());
    let x = at.node("Transpose", &[at.input()], vec![integers("perm", &first)]);
    let inputs: Vec<&str> = [&*x, &weight].into_iter().chain(bias.as_deref()).collect();
    let mut attributes = window.attributes();
    attributes.push(integer("group", super::writer::whole(groups)));
    let y = at.node("Conv", &inputs, attributes);
    let y = at.node("Transpose", &[&y], vec![integers("perm", &last)]);
    activation(at, function, &y)
}

/// The largest value or the mean of each window; padding counts for neither.
pub(super) fn pool(
    at: &mut At<'_>,
    operator: &str,
    (window, stride, padding): (Pair, Option<Pair>, Padding),
) -> String {
    let stride = stride.unwrap_or(window);
    let axes = if at.dimensions().len() == 2 { 1..2 } else { 0..2 };
    let window = Window::new(at, padding, axes.map(|i| [window[i], stride[i], 1]).collect());
    let [first, last] = permutations(window.kernel.len());
    let x = at.node("Transpose", &[at.input()], vec![integers("perm", &first)]);
    let y = at.node(operator, &[&x], window.attributes());
    at.node("Transpose", &[&y], vec![integers("perm", &last)])
}
