//! Convolution over images, which `conv2d` and `conv1d` share.
//!
//! The product is a matrix product: each window is laid out as a row of a matrix of `[windows, window]` (*im2col*,
//! Chellapilla, Puri & Simard 2006), a few images at a time, so that the rows are still in the cache when they are
//! multiplied. On the way back the same rows give the gradient by the filters, and the rows of the gradient are added
//! up where the windows overlap. Small windows go another way, see `direct`.

use super::super::init::Start;
use super::super::matmul::{Matrix, multiply};
use super::super::shape::Shape;
use super::super::simd::{add, vectorized};
use super::dense::start_for;
use super::direct::Direct;
use super::window::Window;
use super::{Activation, Backward, Forward, Layer, Parameter};

/// What `conv1d` and `conv2d` ask for.
pub(super) struct Options {
    pub(super) filters: usize,
    pub(super) groups: usize,
    pub(super) activation: Activation,
    pub(super) bias: bool,
    pub(super) start: Option<Start>,
    /// The dimensions of the filters, before the channels: `[kernel]` or `[kernel, kernel]`.
    pub(super) kernel: Vec<usize>,
    /// The dimensions of the output, before the channels.
    pub(super) places: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Convolution {
    window: Window,
    filters: usize,
    groups: usize,
    bias: bool,
    activation: Activation,
    output: Shape,
    parameters: Vec<Parameter>,
    /// How many images are laid out together.
    together: usize,
    /// Set where the windows are not laid out.
    direct: Option<Direct>,
}

/// How many numbers are laid out together at most, unless one image has more: 256 KiB, half of a second-level cache.
const LAID_OUT: usize = 1 << 16;

impl Convolution {
    /// Errors: the reason in words, where options do not fit together.
    pub(super) fn new(window: Window, options: Options) -> Result<Self, String> {
        let Options { filters, groups, activation, bias, start, kernel, places } = options;
        if filters == 0 {
            return Err("a convolution needs at least 1 filter".to_owned());
        }
        if groups == 0 || !window.channels.is_multiple_of(groups) || !filters.is_multiple_of(groups) {
            let channels = window.channels;
            return Err(format!("{groups} groups do not divide {channels} channels and {filters} filters evenly"));
        }
        let channels = window.channels / groups;
        let size = window.height.kernel.checked_mul(window.width.kernel).and_then(|k| k.checked_mul(channels));
        let size = size.ok_or_else(|| "the window is too large".to_owned())?;
        let start = start.unwrap_or(start_for(activation));
        let mut shape = vec![filters];
        shape.extend(kernel);
        shape.push(channels);
        let weights = start.weights(size, size / channels * (filters / groups));
        let mut parameters = vec![Parameter { rate: start.rate(size), ..Parameter::weight("weight", &shape, weights) }];
        if bias {
            parameters.push(Parameter::bias("bias", &[filters], start.biases()));
        }
        let mut output = places;
        output.push(filters);
        let together = (LAID_OUT / window.count().saturating_mul(size).max(1)).max(1);
        let direct = Direct::new(window, filters, groups);
        let output = Shape::of(&output);
        Ok(Self { window, filters, groups, bias, activation, output, parameters, together, direct })
    }

    /// How many numbers a window has in one group.
    fn window_size(&self) -> usize {
        self.window.height.kernel * self.window.width.kernel * self.channels()
    }

    /// The channels of a group.
    fn channels(&self) -> usize {
        self.window.channels / self.groups
    }

    fn output_size(&self) -> usize {
        self.window.count() * self.filters
    }

    /// The numbers of the runs of a row of a window: `visit(start in the laid-out rows, start in the image, length)`.
    /// What lies in the padding is not visited.
    #[inline(always)]
    fn runs(&self, group: usize, mut visit: impl FnMut(usize, usize, usize)) {
        let Window { height, width, channels } = self.window;
        let (own, size) = (self.channels(), self.window_size());
        let whole = self.groups == 1 && width.dilation == 1;
        for oy in 0..height.output {
            for ky in 0..height.kernel {
                let Some(iy) = height.place(oy, ky) else {
                    continue;
                };
                let image_row = iy * width.input * channels;
                for ox in 0..width.output {
                    let row = (oy * width.output + ox) * size + ky * width.kernel * own;
                    let first = (ox * width.stride).checked_sub(width.before);
                    match first {
                        // The places of a row of the window stand side by side in the image.
                        Some(ix) if whole && ix + width.kernel <= width.input => {
                            visit(row, image_row + ix * channels, width.kernel * own);
                        }
                        _ => {
                            for kx in 0..width.kernel {
                                if let Some(ix) = width.place(ox, kx) {
                                    visit(row + kx * own, image_row + ix * channels + group * own, own);
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Whether some window reaches into the padding, whose zeros must be written.
    fn has_padding(&self) -> bool {
        let Window { height, width, .. } = self.window;
        [height, width].iter().any(|axis| {
            axis.before > 0 || (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation >= axis.input
        })
    }

    /// Lays the windows of images out as rows.
    fn lay_out(&self, group: usize, images: &[f32], rows: &mut [f32]) {
        let (image, laid) = (self.window.input_size(), self.window.count() * self.window_size());
        if self.has_padding() {
            rows.fill(0.0);
        }
        vectorized(
            #[inline(always)]
            || {
                for (image, rows) in images.chunks_exact(image).zip(rows.chunks_exact_mut(laid)) {
                    self.runs(group, |to, from, length| {
                        copy(&image[from..from + length], &mut rows[to..to + length]);
                    });
                }
            },
        );
    }

    /// Adds laid-out rows of gradients to the gradients of the images.
    fn add_up(&self, group: usize, rows: &[f32], images: &mut [f32]) {
        let (image, laid) = (self.window.input_size(), self.window.count() * self.window_size());
        vectorized(
            #[inline(always)]
            || {
                for (image, rows) in images.chunks_exact_mut(image).zip(rows.chunks_exact(laid)) {
                    self.runs(group, |from, to, length| add(&mut image[to..to + length], &rows[from..from + length]));
                }
            },
        );
    }
}

/// A copy of few numbers, for which a call would take longer than the copy.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    if from.len() <= 16 {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    } else {
        to.copy_from_slice(from);
    }
}

impl Layer for Convolution {
    fn output(&self) -> &Shape {
        &self.output
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn kept_per_row(&self) -> usize {
        if self.activation.needs_sums() { self.output_size() } else { 0 }
    }

    fn scratch(&self) -> usize {
        let laid_out = self.together.saturating_mul(self.window.count()).saturating_mul(self.window_size());
        laid_out.max(self.direct.as_ref().map_or(0, Direct::scratch))
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { parameters, input, output, kept, scratch, .. } = pass;
        let (images, results) = (self.together * self.window.input_size(), self.together * self.output_size());
        for (i, (images, y)) in input.chunks(images).zip(output.chunks_mut(results)).enumerate() {
            self.sums(parameters, images, scratch, y);
            if let Some(kept) = kept.get_mut(i * results..i * results + y.len()) {
                kept.copy_from_slice(y);
            }
            self.activation.apply(y, self.filters);
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward {
            parameters,
            input,
            output,
            kept,
            output_gradient,
            mut input_gradient,
            parameter_gradient,
            scratch,
            ..
        } = pass;
        let (images, results) = (self.together * self.window.input_size(), self.together * self.output_size());
        let mut back = Back::begin(self, parameters, parameter_gradient, scratch, input_gradient.is_some());
        for (i, (x, d)) in input.chunks(images).zip(output_gradient.chunks_mut(results)).enumerate() {
            let place = i * results..i * results + d.len();
            let sums = kept.get(place.clone()).unwrap_or_default();
            self.activation.multiply_derivative(sums, &output[place], d, self.filters);
            back.add(x, d, input_gradient.as_deref_mut().map(|g| &mut g[i * images..i * images + x.len()]));
        }
        back.end();
    }
}

impl Convolution {
    /// How many numbers an image has.
    pub(super) fn input_size(&self) -> usize {
        self.window.input_size()
    }

    /// How many images are treated together, and how many numbers their sums have.
    pub(super) fn together(&self) -> (usize, usize) {
        let together = if self.direct.is_some() { 1 } else { self.together };
        (together, together * self.output_size())
    }

    /// The sums of all windows of some images, before the activation.
    pub(super) fn sums(&self, parameters: &[f32], images: &[f32], scratch: &mut [f32], y: &mut [f32]) {
        let (size, per_group, windows) = (self.window_size(), self.filters / self.groups, y.len() / self.filters);
        let (weight, bias) = parameters.split_at(self.filters * size);
        if let Some(direct) = &self.direct {
            direct.forward(images, weight, bias, scratch, y);
            return;
        }
        if self.bias {
            y.chunks_exact_mut(self.filters).for_each(|y| y.copy_from_slice(bias));
        }
        for group in 0..self.groups {
            let rows = &mut scratch[..windows * size];
            self.lay_out(group, images, rows);
            let weight = &weight[group * per_group * size..(group + 1) * per_group * size];
            let weight = Matrix::new(weight, per_group, size).transposed();
            let rows = Matrix::new(rows, windows, size);
            multiply(rows, weight, self.bias, &mut y[group * per_group..], self.filters);
        }
    }
}

/// The way back over the images of a shard, some at a time.
pub(super) struct Back<'a> {
    of: &'a Convolution,
    /// Set where the windows are not laid out.
    direct: Option<&'a Direct>,
    weight: &'a [f32],
    by_weight: &'a mut [f32],
    by_bias: &'a mut [f32],
    scratch: &'a mut [f32],
    /// Whether `by_weight` holds something already.
    begun: bool,
}

impl<'a> Back<'a> {
    /// `wanted` says whether gradients by the images will be asked for.
    pub(super) fn begin(
        of: &'a Convolution,
        parameters: &'a [f32],
        parameter_gradient: &'a mut [f32],
        scratch: &'a mut [f32],
        wanted: bool,
    ) -> Self {
        let size = of.filters * of.window_size();
        let (by_weight, by_bias) = parameter_gradient.split_at_mut(size);
        by_bias.fill(0.0);
        // The direct way gives no gradient by the images; where one is wanted both come from the product.
        let direct = of.direct.as_ref().filter(|_| !wanted);
        if let Some(direct) = direct {
            direct.begin(scratch);
        }
        Self { of, direct, weight: &parameters[..size], by_weight, by_bias, scratch, begun: false }
    }

    /// Some images with the gradient by their sums. Writes the gradient by the images where it is wanted.
    pub(super) fn add(&mut self, images: &[f32], d: &[f32], mut by_images: Option<&mut [f32]>) {
        let Self { of, scratch, by_bias, .. } = self;
        if of.bias {
            vectorized(
                #[inline(always)]
                || d.chunks_exact(of.filters).for_each(|d| add(by_bias, d)),
            );
        }
        if let Some(direct) = self.direct {
            direct.add(images, d, scratch);
            return;
        }
        if let Some(by_images) = &mut by_images {
            by_images.fill(0.0);
        }
        let (size, per_group, windows) = (of.window_size(), of.filters / of.groups, d.len() / of.filters);
        for group in 0..of.groups {
            let part = group * per_group * size..(group + 1) * per_group * size;
            let rows = &mut scratch[..windows * size];
            of.lay_out(group, images, rows);
            let d = Matrix::strided(&d[group * per_group..], windows, per_group, of.filters);
            let by_weight = &mut self.by_weight[part.clone()];
            multiply(d.transposed(), Matrix::new(rows, windows, size), self.begun, by_weight, size);
            if let Some(by_images) = &mut by_images {
                multiply(d, Matrix::new(&self.weight[part], per_group, size), false, rows, size);
                of.add_up(group, rows, by_images);
            }
        }
        self.begun = true;
    }

    /// All images have been added.
    pub(super) fn end(self) {
        if let Some(direct) = self.direct {
            direct.end(self.scratch, self.by_weight);
        }
    }
}
