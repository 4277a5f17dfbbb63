//! What is learned of the images of the training rows, and an image as numbers.

use serde::{Deserialize, Serialize};

use super::augment::vary;
use super::options::{Aspect, ChannelOrder, ImageOptions};
use super::pixels::Pixels;
use super::resize::{Target, resize};

/// The mean and the standard deviation of a channel, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// The mean of its pixels.
    pub mean: f32,
    /// Their standard deviation; 1 where all are the same.
    pub deviation: f32,
}

/// Learns the mean and the deviation of each channel, in one pass.
#[derive(Debug)]
pub struct ImageFit {
    image: Image,
    buffer: Vec<f32>,
    /// Of each channel: how many, their mean, the sum of squared deviations from it.
    moments: Vec<(f64, f64, f64)>,
}

impl ImageFit {
    /// Nothing learned yet.
    pub fn new(options: &ImageOptions) -> Self {
        let image = Image::new(options);
        Self { buffer: vec![0.0; options.size()], moments: vec![(0.0, 0.0, 0.0); options.channels], image }
    }

    /// Learns from a PNG or JPEG.
    ///
    /// Errors: why it cannot be decoded.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.image.decode(bytes, &mut self.buffer)?;
        self.learn();
        Ok(())
    }

    /// Learns from a list of numbers.
    ///
    /// Errors: why it is no image.
    pub fn add_numbers(&mut self, values: &[f32]) -> Result<(), String> {
        self.image.numbers(values, &mut self.buffer)?;
        self.learn();
        Ok(())
    }

    /// The encoder.
    pub fn finish(mut self) -> Image {
        if self.image.options.learns() {
            let channels = self.moments.iter().map(|(count, mean, squares)| {
                let deviation = if *count > 0.0 { (squares / count).sqrt() as f32 } else { 0.0 };
                Channel { mean: *mean as f32, deviation: if deviation > 1e-6 { deviation } else { 1.0 } }
            });
            self.image.scales = channels.collect();
        }
        self.image
    }

    /// Adds the moments of an image (Chan, Golub & LeVeque 1979, *Updating formulae and a pairwise algorithm*).
    fn learn(&mut self) {
        let channels = self.moments.len();
        for (channel, moments) in self.moments.iter_mut().enumerate() {
            let values = || self.buffer.iter().skip(channel).step_by(channels).map(|value| f64::from(*value));
            let count = values().count() as f64;
            let mean = values().sum::<f64>() / count;
            let squares: f64 = values().map(|value| (value - mean) * (value - mean)).sum();
            let (before, total) = (moments.0, moments.0 + count);
            let step = mean - moments.1;
            *moments =
                (total, moments.1 + step * count / total, moments.2 + squares + step * step * before * count / total);
        }
    }
}

/// A fitted encoder of images.
///
/// It is stored as JSON; read back, it gives the same numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    options: ImageOptions,
    /// For each channel, where it is scaled by what was learned.
    scales: Vec<Channel>,
}

impl Image {
    /// An encoder that has learned nothing: numbers from 0 to 1.
    pub fn new(options: &ImageOptions) -> Self {
        Self { options: options.clone(), scales: Vec::new() }
    }

    /// How it was told to encode.
    pub fn options(&self) -> &ImageOptions {
        &self.options
    }

    /// The learned scale of each channel; none where numbers are from 0 to 1.
    pub fn scales(&self) -> &[Channel] {
        &self.scales
    }

    /// The shape of a row: height, width, channels.
    pub fn shape(&self) -> [usize; 3] {
        self.options.shape()
    }

    /// What was learned, as pairs of a name and a value, for people.
    pub fn describe(&self) -> Vec<(String, String)> {
        let [height, width, channels] = self.shape();
        let kind = match channels {
            1 => "grey",
            3 => "red, green, blue",
            _ => "red, green, blue, opacity",
        };
        let mut pairs = vec![("pixels".to_owned(), format!("{height} x {width}, {kind}"))];
        for (channel, scale) in self.scales.iter().enumerate() {
            let name = match (channels, channel) {
                (1, _) => "brightness",
                (_, 0) => "red",
                (_, 1) => "green",
                (_, 2) => "blue",
                _ => "opacity",
            };
            pairs.push((format!("mean of {name}"), format!("{:.4}", scale.mean)));
            pairs.push((format!("standard deviation of {name}"), format!("{:.4}", scale.deviation)));
        }
        pairs
    }

    /// Writes a PNG or JPEG to `out`, `[height, width, channels]`.
    ///
    /// Errors: why it cannot be decoded, in words; `out` is then undefined.
    pub fn decode(&self, bytes: &[u8], out: &mut [f32]) -> Result<(), String> {
        self.resized(&Pixels::decode(bytes, self.options.most_pixels)?, out);
        Ok(())
    }

    /// Writes pixels to `out`.
    fn resized(&self, pixels: &Pixels, out: &mut [f32]) {
        let options = &self.options;
        let (width, height) = (pixels.width as f64, pixels.height as f64);
        let whole = Target { x: 0, y: 0, width: options.width, height: options.height };
        let all = ((0.0, width), (0.0, height));
        // How large a pixel of the result is in pixels of the image, in either direction.
        let (across, down) = (width / options.width as f64, height / options.height as f64);
        let (part, target) = match options.aspect {
            Aspect::Stretch => (all, whole),
            Aspect::Crop => {
                let size = across.min(down);
                let middle = |length: f64, kept: f64| ((length - kept) / 2.0, (length + kept) / 2.0);
                let (columns, rows) = (options.width as f64 * size, options.height as f64 * size);
                ((middle(width, columns), middle(height, rows)), whole)
            }
            Aspect::Pad => {
                let size = across.max(down);
                let side = |length: f64, most: usize| ((length / size).round() as usize).clamp(1, most);
                let (wide, high) = (side(width, options.width), side(height, options.height));
                let (x, y) = ((options.width - wide) / 2, (options.height - high) / 2);
                (all, Target { x, y, width: wide, height: high })
            }
        };
        out.fill(0.0);
        resize(pixels, part, options, target, out);
        if options.aspect == Aspect::Pad {
            self.surround(target, out);
        }
        self.scale(out);
    }

    /// Writes a list of numbers, row by row of the image, to `out`.
    ///
    /// Errors: why it is no image of this size, in words; `out` is then undefined.
    pub fn numbers(&self, values: &[f32], out: &mut [f32]) -> Result<(), String> {
        let options = &self.options;
        if options.list_shape() != self.shape() {
            let pixels = Pixels::list(values, options.list_shape(), options.order, options.largest as f32)?;
            self.resized(&pixels, out);
            return if out.iter().all(|value| value.is_finite()) {
                Ok(())
            } else {
                Err("a pixel out of range".to_owned())
            };
        }
        let size = options.size();
        if values.len() != size {
            let [height, width, channels] = self.shape();
            return Err(format!("{} numbers instead of {height} x {width} x {channels}", values.len()));
        }
        if !values.iter().all(|value| value.is_finite()) {
            return Err("a pixel that is missing or not a finite number".to_owned());
        }
        let (pixels, channels) = (self.options.height * self.options.width, self.options.channels);
        let largest = self.options.largest as f32;
        match self.options.order {
            ChannelOrder::ChannelsLast => out.iter_mut().zip(values).for_each(|(out, value)| *out = value / largest),
            ChannelOrder::ChannelsFirst => {
                for (channel, plane) in values.chunks_exact(pixels).enumerate() {
                    let places = out.iter_mut().skip(channel).step_by(channels);
                    places.zip(plane).for_each(|(out, value)| *out = value / largest);
                }
            }
        }
        self.scale(out);
        if out.iter().all(|value| value.is_finite()) { Ok(()) } else { Err("a pixel out of range".to_owned()) }
    }

    /// Whether [`Image::augment`] changes anything.
    pub fn augments(&self) -> bool {
        self.options.augment.varies()
    }

    /// Varies an encoded image in place, as `augment` says. The draw decides alone: the same draw, the same image.
    pub fn augment(&self, row: &mut [f32], draw: u64) {
        vary(&self.options, &self.scales, row, draw);
    }

    fn surround(&self, target: Target, out: &mut [f32]) {
        let options = &self.options;
        for (y, line) in out.chunks_exact_mut(options.width * options.channels).enumerate() {
            let inside = (target.y..target.y + target.height).contains(&y);
            for (x, pixel) in line.chunks_exact_mut(options.channels).enumerate() {
                if !inside || !(target.x..target.x + target.width).contains(&x) {
                    pixel.fill(options.background as f32);
                    if let [_, _, _, opacity] = pixel {
                        *opacity = 0.0;
                    }
                }
            }
        }
    }

    fn scale(&self, out: &mut [f32]) {
        if self.scales.len() == self.options.channels {
            for pixel in out.chunks_exact_mut(self.options.channels) {
                for (value, scale) in pixel.iter_mut().zip(&self.scales) {
                    *value = (*value - scale.mean) / scale.deviation;
                }
            }
        }
    }
}
