//! PNG and JPEG within limits, lists of numbers, and the channels of their pixels.

use std::io::Cursor;

use image::io::{Limits, Reader};
use image::{DynamicImage, ImageFormat};

use super::options::ChannelOrder;
use super::orientation::{Orientation, orientation};

/// What a decoder may take besides the pixels: tables, colour profiles, a row.
const AROUND: u64 = 32 << 20;

/// A decoded image.
#[derive(Debug)]
pub(super) struct Pixels {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Grey, grey and opacity, colour, colour and opacity.
    channels: usize,
    samples: Samples,
}

#[derive(Debug)]
enum Samples {
    Bytes(Vec<u8>),
    Words(Vec<u16>),
    /// From 0 to 1.
    Numbers(Vec<f32>),
}

impl Pixels {
    /// Decodes a PNG or a JPEG.
    ///
    /// Errors: the reason in words. The size is looked at before anything is decoded, so a few bytes that claim a huge
    /// image take no memory.
    pub(super) fn decode(bytes: &[u8], most_pixels: u64) -> Result<Self, String> {
        let format = match image::guess_format(bytes) {
            Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
            _ if bytes.is_empty() => return Err("no bytes".to_owned()),
            _ => return Err("neither PNG nor JPEG".to_owned()),
        };
        let unreadable = |error: image::ImageError| {
            let kind = if format == ImageFormat::Png { "PNG" } else { "JPEG" };
            let text = error.to_string();
            format!("a damaged {kind}: {}", text.lines().next().unwrap_or_default())
        };
        let (width, height) = Reader::with_format(Cursor::new(bytes), format).into_dimensions().map_err(unreadable)?;
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 {
            return Err("an image without pixels".to_owned());
        }
        if pixels > most_pixels {
            return Err(format!("{width} x {height} pixels, more than `most_pixels`"));
        }
        let mut reader = Reader::with_format(Cursor::new(bytes), format);
        let mut limits = Limits::default();
        limits.max_image_width = Some(width);
        limits.max_image_height = Some(height);
        // Eight bytes are four channels of 16 bits.
        limits.max_alloc = Some(pixels.saturating_mul(8).saturating_add(AROUND));
        reader.limits(limits);
        let pixels = Self::of(reader.decode().map_err(unreadable)?)?;
        let held = orientation(bytes);
        Ok(if format == ImageFormat::Jpeg && !held.is_plain() { pixels.turned(held) } else { pixels })
    }

    /// A list of numbers of the shape `[height, width, channels]`, whose `largest` is full brightness.
    ///
    /// Errors: the reason in words.
    pub(super) fn list(
        values: &[f32],
        [height, width, channels]: [usize; 3],
        order: ChannelOrder,
        largest: f32,
    ) -> Result<Self, String> {
        if values.len() != height * width * channels {
            return Err(format!("{} numbers instead of {height} x {width} x {channels}", values.len()));
        }
        let (pixels, place) = (height * width, |at: usize| (at % channels, at / channels));
        let value = |at: usize| match order {
            ChannelOrder::ChannelsLast => values.get(at),
            ChannelOrder::ChannelsFirst => {
                let (channel, pixel) = place(at);
                values.get(channel * pixels + pixel)
            }
        };
        let numbers: Vec<f32> = (0..values.len()).filter_map(|at| Some(value(at)? / largest)).collect();
        if numbers.iter().all(|number| number.is_finite()) {
            Ok(Self { width, height, channels, samples: Samples::Numbers(numbers) })
        } else {
            Err("a pixel that is missing or not a finite number".to_owned())
        }
    }

    /// The picture as it was seen.
    fn turned(self, held: Orientation) -> Self {
        let Self { width, height, channels, samples } = self;
        let samples = match samples {
            Samples::Bytes(bytes) => Samples::Bytes(turned(&bytes, (width, height, channels), held)),
            Samples::Words(words) => Samples::Words(turned(&words, (width, height, channels), held)),
            Samples::Numbers(numbers) => Samples::Numbers(turned(&numbers, (width, height, channels), held)),
        };
        let (width, height) = if held.exchanges { (height, width) } else { (width, height) };
        Self { width, height, channels, samples }
    }

    /// Writes a row of pixels, from 0 to 1, in `channels` channels: 1, 3 or 4. Without a channel for opacity, transparent
    /// pixels show the background.
    pub(super) fn row(&self, y: usize, channels: usize, background: f32, row: &mut [f32]) {
        let length = self.width * self.channels;
        let range = y * length..(y + 1) * length;
        match &self.samples {
            Samples::Bytes(bytes) => {
                let values = bytes.get(range).unwrap_or_default().iter().map(|value| f32::from(*value) / 255.0);
                self.convert(values, channels, background, row);
            }
            Samples::Words(words) => {
                let values = words.get(range).unwrap_or_default().iter().map(|value| f32::from(*value) / 65535.0);
                self.convert(values, channels, background, row);
            }
            Samples::Numbers(numbers) => {
                let values = numbers.get(range).unwrap_or_default().iter().copied();
                self.convert(values, channels, background, row);
            }
        }
    }

    fn convert(&self, mut values: impl Iterator<Item = f32>, channels: usize, background: f32, row: &mut [f32]) {
        for pixel in row.chunks_exact_mut(channels) {
            let mut next = || values.next().unwrap_or(0.0);
            let (colour, opacity) = match self.channels {
                1 => ([next(); 3], 1.0),
                2 => ([next(); 3], next()),
                3 => ([next(), next(), next()], 1.0),
                _ => ([next(), next(), next()], next()),
            };
            let seen = |value: f32| value * opacity + background * (1.0 - opacity);
            match pixel {
                [grey] => *grey = seen(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]),
                [red, green, blue] => [*red, *green, *blue] = colour.map(seen),
                [red, green, blue, alpha] => [*red, *green, *blue, *alpha] = [colour[0], colour[1], colour[2], opacity],
                _ => {}
            }
        }
    }

    fn of(image: DynamicImage) -> Result<Self, String> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let (channels, samples) = match image {
            DynamicImage::ImageLuma8(image) => (1, Samples::Bytes(image.into_raw())),
            DynamicImage::ImageLumaA8(image) => (2, Samples::Bytes(image.into_raw())),
            DynamicImage::ImageRgb8(image) => (3, Samples::Bytes(image.into_raw())),
            DynamicImage::ImageRgba8(image) => (4, Samples::Bytes(image.into_raw())),
            DynamicImage::ImageLuma16(image) => (1, Samples::Words(image.into_raw())),
            DynamicImage::ImageLumaA16(image) => (2, Samples::Words(image.into_raw())),
            DynamicImage::ImageRgb16(image) => (3, Samples::Words(image.into_raw())),
            DynamicImage::ImageRgba16(image) => (4, Samples::Words(image.into_raw())),
            _ => return Err("pixels of a kind that neither PNG nor JPEG has".to_owned()),
        };
        Ok(Self { width, height, channels, samples })
    }
}

/// Samples of an image of that width, height and number of channels, turned. Each stored pixel goes to one place.
fn turned<T: Copy>(samples: &[T], (width, height, channels): (usize, usize, usize), held: Orientation) -> Vec<T> {
    let (wide, high) = if held.exchanges { (height, width) } else { (width, height) };
    let mut turned = Vec::with_capacity(samples.len());
    for y in 0..high {
        for x in 0..wide {
            let (row, column) = if held.exchanges { (x, y) } else { (y, x) };
            let row = if held.flips { height - 1 - row } else { row };
            let column = if held.mirrors { width - 1 - column } else { column };
            let first = (row * width + column) * channels;
            turned.extend_from_slice(samples.get(first..first + channels).unwrap_or_default());
        }
    }
    turned
}
