//! Convolution without laying windows out, for windows of few numbers: the first layer over an image, whose pixels have
//! one or three channels.
//!
//! There a matrix product has a short inner side, and most of its time goes into laying out and packing. Here some
//! neighbouring windows times some filters stand in registers, and each number of a window is read where it lies in the
//! image (Zhang, Franchetti & Low 2018, *High performance zero-memory overhead direct convolutions*). On the first layer
//! of a small network for digits it needs less than half of the time of the product.

use super::super::simd::vectorized;
use super::window::Window;

/// Filters that stand in registers together.
const FILTERS: usize = 16;
/// Windows that stand in registers together on the way forward.
const WINDOWS: usize = 4;
/// Numbers of a window that stand in registers together on the way back.
const PLACES: usize = 3;
/// Windows of more numbers than this are left to the matrix product.
const MOST: usize = 32;

/// The geometry of a convolution over an image with its padding around it.
#[derive(Debug)]
pub(super) struct Direct {
    window: Window,
    filters: usize,
    /// Width and height of an image with its padding.
    width: usize,
    height: usize,
    /// Where the numbers of a window lie, from its first on, in the order of the filters' numbers.
    offsets: Vec<usize>,
}

impl Direct {
    /// `None` where a matrix product is the better way.
    pub(super) fn new(window: Window, filters: usize, groups: usize) -> Option<Self> {
        let size = window.height.kernel * window.width.kernel * window.channels;
        if groups != 1 || size > MOST {
            return None;
        }
        let padded = |axis: super::window::Axis| {
            let reach = (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1;
            reach.max(axis.before + axis.input)
        };
        let (width, height) = (padded(window.width), padded(window.height));
        let mut offsets = Vec::with_capacity(size);
        for y in 0..window.height.kernel {
            for x in 0..window.width.kernel {
                let place = (y * window.height.dilation * width + x * window.width.dilation) * window.channels;
                offsets.extend(place..place + window.channels);
            }
        }
        Some(Self { window, filters, width, height, offsets })
    }

    fn padded_filters(&self) -> usize {
        self.filters.next_multiple_of(FILTERS)
    }

    fn image_size(&self) -> usize {
        self.width * self.height * self.window.channels
    }

    /// How many numbers of working space it needs: an image with its padding, the filters with the filters last, and the
    /// biases or gradients.
    pub(super) fn scratch(&self) -> usize {
        self.image_size() + (self.offsets.len().next_multiple_of(PLACES) + 1) * self.padded_filters()
    }

    /// The image with its padding around it.
    fn pad<'a>(&self, image: &'a [f32], padded: &'a mut [f32]) -> &'a [f32] {
        let Window { height, width, channels } = self.window;
        if self.image_size() == image.len() {
            return image;
        }
        padded.fill(0.0);
        let row = width.input * channels;
        for (y, from) in image.chunks_exact(row).enumerate() {
            let start = ((y + height.before) * self.width + width.before) * channels;
            padded[start..start + row].copy_from_slice(from);
        }
        padded
    }

    /// The sums of all windows of some images. Shapes: `weight` is `[filters, window]`, `bias` is `[filters]` or empty,
    /// `output` is `[images, windows, filters]`.
    pub(super) fn forward(
        &self,
        images: &[f32],
        weight: &[f32],
        bias: &[f32],
        scratch: &mut [f32],
        output: &mut [f32],
    ) {
        let (size, filters) = (self.offsets.len(), self.padded_filters());
        let (padded, rest) = scratch.split_at_mut(self.image_size());
        let (weights, biases) = rest[..(size + 1) * filters].split_at_mut(size * filters);
        weights.fill(0.0);
        biases.fill(0.0);
        biases.iter_mut().zip(bias).for_each(|(to, from)| *to = *from);
        for (f, weight) in weight.chunks_exact(size).enumerate() {
            weight.iter().enumerate().for_each(|(k, w)| weights[k * filters + f] = *w);
        }
        let image = self.window.input_size();
        for (image, output) in
            images.chunks_exact(image).zip(output.chunks_exact_mut(self.window.count() * self.filters))
        {
            let image = self.pad(image, padded);
            vectorized(
                #[inline(always)]
                || self.sum(image, weights, biases, output),
            );
        }
    }

    #[inline(always)]
    fn sum(&self, image: &[f32], weights: &[f32], biases: &[f32], output: &mut [f32]) {
        let (filters, places) = (self.padded_filters(), self.window.width.output);
        let (down, across) = (self.window.height.stride * self.width * self.window.channels, self.across());
        for start in (0..filters).step_by(FILTERS) {
            let used = FILTERS.min(self.filters - start);
            let bias = block(biases, start);
            for y in 0..self.window.height.output {
                for x in (0..places).step_by(WINDOWS) {
                    // Windows beyond the end of the row repeat the last one.
                    let bases: [usize; WINDOWS] = std::array::from_fn(|i| y * down + (x + i).min(places - 1) * across);
                    let mut sums = [bias; WINDOWS];
                    for (k, offset) in self.offsets.iter().enumerate() {
                        let weight = block(weights, k * filters + start);
                        for (sum, base) in sums.iter_mut().zip(bases) {
                            let value = image[base + offset];
                            sum.iter_mut().zip(&weight).for_each(|(sum, w)| *sum += value * w);
                        }
                    }
                    for (i, sum) in sums.iter().enumerate().take(places - x) {
                        let to = (y * places + x + i) * self.filters + start;
                        output[to..to + used].copy_from_slice(&sum[..used]);
                    }
                }
            }
        }
    }

    /// How far apart windows are in a row.
    fn across(&self) -> usize {
        self.window.width.stride * self.window.channels
    }

    /// Begins a sum of gradients in the working space.
    pub(super) fn begin(&self, scratch: &mut [f32]) {
        scratch[self.image_size()..].fill(0.0);
    }

    /// Adds the gradient by the filters of some images to the sum. `output_gradient` is `[images, windows, filters]`.
    pub(super) fn add(&self, images: &[f32], output_gradient: &[f32], scratch: &mut [f32]) {
        let image = self.window.input_size();
        let (padded, sums) = scratch.split_at_mut(self.image_size());
        let rows = output_gradient.chunks_exact(self.window.count() * self.filters);
        for (image, gradient) in images.chunks_exact(image).zip(rows) {
            let image = self.pad(image, padded);
            vectorized(
                #[inline(always)]
                || self.add_image(image, gradient, sums),
            );
        }
    }

    #[inline(always)]
    fn add_image(&self, image: &[f32], gradient: &[f32], sums: &mut [f32]) {
        let (filters, places) = (self.padded_filters(), self.window.width.output);
        let (down, across) = (self.window.height.stride * self.width * self.window.channels, self.across());
        for start in (0..filters).step_by(FILTERS) {
            let used = FILTERS.min(self.filters - start);
            for (group, offsets) in self.offsets.chunks(PLACES).enumerate() {
                // Places beyond the end repeat the last one; their sums are never read.
                let offsets: [usize; PLACES] = std::array::from_fn(|i| offsets[i.min(offsets.len() - 1)]);
                let first = group * PLACES * filters + start;
                let mut own: [[f32; FILTERS]; PLACES] = std::array::from_fn(|i| block(sums, first + i * filters));
                for y in 0..self.window.height.output {
                    for x in 0..places {
                        let from = (y * places + x) * self.filters + start;
                        let mut d = [0.0; FILTERS];
                        if used == FILTERS {
                            d = block(gradient, from);
                        } else {
                            d[..used].copy_from_slice(&gradient[from..from + used]);
                        }
                        let base = y * down + x * across;
                        for (sum, offset) in own.iter_mut().zip(offsets) {
                            let value = image[base + offset];
                            sum.iter_mut().zip(&d).for_each(|(sum, d)| *sum += value * d);
                        }
                    }
                }
                for (i, own) in own.iter().enumerate() {
                    sums[first + i * filters..][..FILTERS].copy_from_slice(own);
                }
            }
        }
    }

    /// Writes the sum of gradients to `weight_gradient`, `[filters, window]`.
    pub(super) fn end(&self, scratch: &[f32], weight_gradient: &mut [f32]) {
        let (size, filters, sums) = (self.offsets.len(), self.padded_filters(), &scratch[self.image_size()..]);
        for (f, gradient) in weight_gradient.chunks_exact_mut(size).enumerate() {
            gradient.iter_mut().enumerate().for_each(|(k, g)| *g = sums[k * filters + f]);
        }
    }
}

/// Some neighbouring numbers as a block for registers.
#[inline(always)]
fn block(values: &[f32], start: usize) -> [f32; FILTERS] {
    let mut block = [0.0; FILTERS];
    block.copy_from_slice(&values[start..start + FILTERS]);
    block
}
