//! Pixels become fewer or more: a weighted mean over columns, then one over rows.

use super::options::{ImageOptions, Resize};
use super::pixels::Pixels;

/// A part of an image, in pixels: from and to.
pub(super) type Range = (f64, f64);

/// The pixels that an output pixel is the weighted mean of.
#[derive(Debug, PartialEq)]
pub(super) struct Weights {
    pub(super) first: usize,
    pub(super) weights: Vec<f32>,
}

/// The weights for `length` output pixels over a range of an axis with `pixels` pixels. They add up to 1.
///
/// With `r = (to - from) / length` the pixel `i` has its centre at `c = from + (i + 1/2) r`. *Bilinear*: the pixel `x`
/// weighs `max(0, 1 - |x + 1/2 - c| / max(r, 1))`, the triangle filter that Pillow and PyTorch (with `antialias`) use.
/// *Area*: it weighs as much as `[x, x + 1]` and `[c - r/2, c + r/2]` have in common.
pub(super) fn weights(pixels: usize, (from, to): Range, length: usize, filter: Resize) -> Vec<Weights> {
    let ratio = (to - from) / length as f64;
    let wide = ratio.max(1.0);
    let half = match filter {
        Resize::Bilinear => wide,
        Resize::Area => ratio / 2.0,
    };
    let last = pixels.saturating_sub(1);
    (0..length)
        .map(|at| {
            let centre = from + (at as f64 + 0.5) * ratio;
            // Within the image: a saturating cast of a number that is not negative.
            let first = ((centre - half).floor().max(0.0) as usize).min(last);
            let end = ((centre + half).ceil().max(0.0) as usize).clamp(first + 1, pixels.max(1));
            let weight = |x: usize| match filter {
                Resize::Bilinear => (1.0 - (x as f64 + 0.5 - centre).abs() / wide).max(0.0),
                Resize::Area => ((x as f64 + 1.0).min(centre + half) - (x as f64).max(centre - half)).max(0.0),
            };
            let total: f64 = (first..end).map(weight).sum();
            let weights =
                if total > 0.0 { (first..end).map(|x| (weight(x) / total) as f32).collect() } else { vec![1.0; 1] };
            Weights { first, weights }
        })
        .collect()
}

/// Where the result lies in a row of `options.width` pixels and `options.height` rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Writes the part `columns`, `rows` of an image to `target` in `out`, `[height, width, channels]`.
///
/// One row of the image at a time is held as floats. Time: the image's pixels and `height * width` times the widths of
/// the filters.
pub(super) fn resize(
    pixels: &Pixels,
    (columns, rows): (Range, Range),
    options: &ImageOptions,
    target: Target,
    out: &mut [f32],
) {
    let channels = options.channels;
    let across = weights(pixels.width, columns, target.width, options.resize);
    let down = weights(pixels.height, rows, target.height, options.resize);
    let mut source = vec![0.0; pixels.width * channels];
    let mut narrow = vec![0.0; target.width * channels];
    let (mut begin, line) = (0, options.width * channels);
    let first = down.first().map_or(0, |weights| weights.first);
    let end = down.last().map_or(0, |weights| weights.first + weights.weights.len());
    for y in first..end {
        pixels.row(y, channels, options.background as f32, &mut source);
        for (pixel, weights) in narrow.chunks_exact_mut(channels).zip(&across) {
            pixel.fill(0.0);
            let covered = source.chunks_exact(channels).skip(weights.first);
            for (value, weight) in covered.zip(&weights.weights) {
                pixel.iter_mut().zip(value).for_each(|(sum, value)| *sum += weight * value);
            }
        }
        // Rows of the result begin and end in order.
        while down.get(begin).is_some_and(|weights| weights.first + weights.weights.len() <= y) {
            begin += 1;
        }
        for (row, weights) in down.iter().enumerate().skip(begin).take_while(|(_, weights)| weights.first <= y) {
            let Some(weight) = weights.weights.get(y - weights.first) else { continue };
            let place = (target.y + row) * line + target.x * channels;
            let Some(line) = out.get_mut(place..place + narrow.len()) else { continue };
            line.iter_mut().zip(&narrow).for_each(|(sum, value)| *sum += weight * value);
        }
    }
}
