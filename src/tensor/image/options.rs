//! How an image becomes numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest side of what a network reads.
const LONGEST_SIDE: usize = 4096;
/// The most numbers that an image becomes.
const MOST_NUMBERS: usize = 1 << 24;

/// How an image becomes numbers.
///
/// A PNG or JPEG is resized to `height` by `width`; a JPEG is turned upright first, as the camera says it was held. A
/// list of numbers, row by row, has that size already, or it says in `given` which one it has and is resized too.
///
/// ```yaml
/// image: {height: 28, width: 28, channels: 1}
/// image: {height: 96, width: 96, aspect: crop, scale: standard, augment: {flip: true, crop: 0.8}}
/// image: {height: 14, width: 14, channels: 1, given: {height: 28, width: 28}, resize: area}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageOptions {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// 1 for grey, 3 for red, green and blue, 4 with opacity. Colour becomes grey as the eye weighs it (ITU-R BT.601).
    #[serde(default = "colours")]
    pub channels: usize,
    /// What happens to an image of other proportions.
    #[serde(default)]
    pub aspect: Aspect,
    /// How pixels become fewer or more.
    #[serde(default)]
    pub resize: Resize,
    /// The size of images that are lists of numbers, where it is not `height` by `width`: they are resized to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
    /// How the numbers are scaled.
    #[serde(default)]
    pub scale: ImageScale,
    /// The number in a list that stands for full brightness.
    #[serde(default = "byte")]
    pub largest: f64,
    /// The order of the numbers in a list.
    #[serde(default)]
    pub order: ChannelOrder,
    /// What lies behind transparent pixels and around an image, from 0 (black) to 1.
    #[serde(default)]
    pub background: f64,
    /// An image with more pixels than this is refused before it is decoded.
    #[serde(default = "most_pixels")]
    pub most_pixels: u64,
    /// How training images are varied. Default not at all.
    #[serde(default)]
    pub augment: Augment,
}

fn colours() -> usize {
    3
}

fn byte() -> f64 {
    255.0
}

fn most_pixels() -> u64 {
    33_554_432
}

/// The size of images that are lists of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// 1 for grey, 2 for grey with opacity, 3 for red, green and blue, 4 with opacity. Default `channels`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
}

/// What happens to an image of other proportions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// It is distorted.
    #[default]
    Stretch,
    /// All of it is kept, with background around it.
    Pad,
    /// Its middle is kept.
    Crop,
}

/// How pixels become fewer or more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// A triangle filter, wider where pixels become fewer.
    #[default]
    Bilinear,
    /// The mean of the area that a pixel covers.
    Area,
}

/// How the numbers are scaled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImageScale {
    /// From 0 to 1.
    #[default]
    Unit,
    /// By the mean and the standard deviation of each channel in the training rows.
    Standard,
}

/// The order of the numbers in a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelOrder {
    /// All channels of a pixel, then the next pixel.
    #[default]
    ChannelsLast,
    /// All pixels of a channel, then the next channel.
    ChannelsFirst,
}

/// How training images are varied: each time an image is shown to the network, by chance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Left and right are swapped in half of the cases.
    pub flip: bool,
    /// Top and bottom are swapped in half of the cases.
    pub flip_vertical: bool,
    /// The largest shift, as a share of each side. Without `rotate` and `crop` by whole pixels, which keeps images sharp, unless it is
    /// less than one.
    pub shift: f64,
    /// The largest rotation to either side, in degrees.
    pub rotate: f64,
    /// The smallest share of each side that is kept and enlarged; 1 keeps all.
    pub crop: f64,
    /// The largest change of brightness to either side, as a share.
    pub brightness: f64,
}

impl Default for Augment {
    fn default() -> Self {
        Self { flip: false, flip_vertical: false, shift: 0.0, rotate: 0.0, crop: 1.0, brightness: 0.0 }
    }
}

impl Augment {
    /// Whether pixels move.
    pub(super) fn moves(&self) -> bool {
        self.flip || self.flip_vertical || self.shift > 0.0 || self.rotate > 0.0 || self.crop < 1.0
    }

    /// Whether anything is varied.
    pub fn varies(&self) -> bool {
        self.moves() || self.brightness > 0.0
    }
}

impl ImageOptions {
    /// The options for images of this size, all else at its default.
    pub fn new(height: usize, width: usize, channels: usize) -> Self {
        Self {
            height,
            width,
            channels,
            aspect: Aspect::default(),
            resize: Resize::default(),
            given: None,
            scale: ImageScale::default(),
            largest: byte(),
            order: ChannelOrder::default(),
            background: 0.0,
            most_pixels: most_pixels(),
            augment: Augment::default(),
        }
    }

    /// The shape of a row: height, width, channels.
    pub fn shape(&self) -> [usize; 3] {
        [self.height, self.width, self.channels]
    }

    /// The shape of an image that is a list of numbers: height, width, channels.
    pub fn list_shape(&self) -> [usize; 3] {
        match self.given {
            Some(given) => [given.height, given.width, given.channels.unwrap_or(self.channels)],
            None => self.shape(),
        }
    }

    /// How many numbers an image has that is a list.
    pub fn list_size(&self) -> usize {
        self.list_shape().into_iter().fold(1, usize::saturating_mul)
    }

    /// How many numbers an image becomes.
    pub fn size(&self) -> usize {
        self.height.saturating_mul(self.width).saturating_mul(self.channels)
    }

    /// Whether something is learned from the training rows.
    pub fn learns(&self) -> bool {
        self.scale == ImageScale::Standard
    }

    /// Whether the options are in range.
    ///
    /// Errors: the option that is wrong, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let wrong = |option, message: &str| Err((option, message.to_owned()));
        let sides = 1..=LONGEST_SIDE;
        let Augment { shift, rotate, crop, brightness, .. } = self.augment;
        let message = match () {
            () if !sides.contains(&self.height) => ("height", "`height` is a number of pixels from 1 to 4096"),
            () if !sides.contains(&self.width) => ("width", "`width` is a number of pixels from 1 to 4096"),
            () if ![1, 3, 4].contains(&self.channels) => ("channels", "`channels` is 1, 3 or 4"),
            () if self.given.is_some_and(|given| !(sides.contains(&given.height) && sides.contains(&given.width))) => {
                ("given", "the sides in `given` are from 1 to 4096 pixels")
            }
            () if !(1..=4).contains(&self.list_shape()[2]) => ("given", "`channels` in `given` is from 1 to 4"),
            () if self.size() > MOST_NUMBERS => ("height", "an image is at most 16,777,216 numbers"),
            () if !(self.largest.is_finite() && self.largest > 0.0) => ("largest", "`largest` is a number above 0"),
            () if !(0.0..=1.0).contains(&self.background) => ("background", "`background` is from 0 to 1"),
            () if self.most_pixels == 0 => ("most_pixels", "`most_pixels` is at least 1"),
            () if !(0.0..=1.0).contains(&shift) => ("augment", "`shift` is a share from 0 to 1"),
            () if !(0.0..=180.0).contains(&rotate) => ("augment", "`rotate` is an angle from 0 to 180 degrees"),
            () if !(0.05..=1.0).contains(&crop) => ("augment", "`crop` is a share from 0.05 to 1"),
            () if !(0.0..=1.0).contains(&brightness) => ("augment", "`brightness` is a share from 0 to 1"),
            () => return Ok(()),
        };
        wrong(message.0, message.1)
    }
}
