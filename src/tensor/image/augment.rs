//! The same image, a little different: moved, turned, enlarged, brighter.
//!
//! All movements are one affine map, so that an image is interpolated once. Each kind of change has a draw of its own,
//! told from the image's draw alone: to turn one on changes none of the others.

use super::encoder::Channel;
use super::options::ImageOptions;
use crate::tensor::draw;

/// Varies an encoded image in place.
pub(super) fn vary(options: &ImageOptions, scales: &[Channel], row: &mut [f32], draw: u64) {
    let augment = &options.augment;
    // From -1 to 1.
    let either = |kind: u64| draw::either(draw, kind);
    if augment.moves() {
        let (height, width) = (options.height as f32, options.width as f32);
        let kept = 1.0 - (1.0 - augment.crop as f32) * (either(1) + 1.0) / 2.0;
        let (sine, cosine) = (augment.rotate as f32 * either(2)).to_radians().sin_cos();
        let sign = |swapped: bool| if swapped { -1.0 } else { 1.0 };
        let across = sign(augment.flip && either(3) < 0.0);
        let down = sign(augment.flip_vertical && either(4) < 0.0);
        // Nothing else moves: whole pixels then, for between pixels an image is blurred, and those that are foretold are not.
        let alone = augment.rotate == 0.0 && augment.crop == 1.0;
        let shifted = |side: f32, kind: u64| {
            let most = side * augment.shift as f32;
            match most.floor() {
                whole if alone && whole >= 1.0 => (either(kind) * (whole + 0.5)).round().clamp(-whole, whole),
                _ => most * either(kind),
            }
        };
        // A crop ends at the middles of the outer pixels, so it never looks beyond them.
        let x = shifted(width, 5) + (width - 1.0) * (1.0 - kept) / 2.0 * either(6);
        let y = shifted(height, 7) + (height - 1.0) * (1.0 - kept) / 2.0 * either(8);
        let map = Map {
            // From a place in the result, told from its centre, to the place in the image: rotated, then swapped.
            rows: [[across * kept * cosine, -across * kept * sine, x], [down * kept * sine, down * kept * cosine, y]],
        };
        map.apply(options, scales, row);
    }
    if augment.brightness > 0.0 {
        let factor = 1.0 + augment.brightness as f32 * either(9);
        // Opacity is no brightness.
        let colours = options.channels.min(3);
        for pixel in row.chunks_exact_mut(options.channels) {
            for (channel, value) in pixel.iter_mut().take(colours).enumerate() {
                let (mean, deviation) = scales.get(channel).map_or((0.0, 1.0), |scale| (scale.mean, scale.deviation));
                *value = ((*value * deviation + mean) * factor - mean) / deviation;
            }
        }
    }
}

/// An affine map of the plane.
struct Map {
    rows: [[f32; 3]; 2],
}

impl Map {
    /// Each pixel of the result is interpolated bilinearly at its place in the image; beyond it is background.
    fn apply(&self, options: &ImageOptions, scales: &[Channel], row: &mut [f32]) {
        let (height, width, channels) = (options.height, options.width, options.channels);
        let image = row.to_vec();
        let background: Vec<f32> = (0..channels)
            .map(|channel| {
                let value = if channel == 3 { 0.0 } else { options.background as f32 };
                scales.get(channel).map_or(value, |scale| (value - scale.mean) / scale.deviation)
            })
            .collect();
        let at = |x: i64, y: i64| {
            let inside = (0..width as i64).contains(&x) && (0..height as i64).contains(&y);
            // Inside, both are at least 0.
            let place = if inside { (y as usize * width + x as usize) * channels } else { image.len() };
            image.get(place..place + channels).unwrap_or(&background)
        };
        let (middle_x, middle_y) = ((width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0);
        let [across, down] = self.rows;
        for (place, pixel) in row.chunks_exact_mut(channels).enumerate() {
            let (u, v) = ((place % width) as f32 - middle_x, (place / width) as f32 - middle_y);
            let x = across[0] * u + across[1] * v + across[2] + middle_x;
            let y = down[0] * u + down[1] * v + down[2] + middle_y;
            let (left, top) = (x.floor(), y.floor());
            let (right_share, bottom_share) = (x - left, y - top);
            // Sides are at most 4096 pixels, so places are small numbers.
            let (left, top) = (left as i64, top as i64);
            let corners = [at(left, top), at(left + 1, top), at(left, top + 1), at(left + 1, top + 1)];
            let shares = [
                (1.0 - right_share) * (1.0 - bottom_share),
                right_share * (1.0 - bottom_share),
                (1.0 - right_share) * bottom_share,
                right_share * bottom_share,
            ];
            pixel.fill(0.0);
            for (corner, share) in corners.into_iter().zip(shares) {
                pixel.iter_mut().zip(corner).for_each(|(sum, value)| *sum += share * value);
            }
        }
    }
}
