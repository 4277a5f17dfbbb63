//! Images become numbers: `[height, width, channels]`, channels last.
//!
//! ```text
//! PNG or JPEG --decode, turn upright--> pixels --crop or pad, resize--> [height, width, channels] in 0..1 --scale--> numbers
//! list of numbers --of another size-------^                           ^                                --augment--> while training
//!                 '-of this size--------------------------------------'
//! ```
//!
//! | where | what |
//! |---|---|
//! | `options` | the options |
//! | `pixels` | PNG and JPEG within limits, lists of numbers, channels |
//! | `orientation` | how a camera was held |
//! | `resize` | filters and their weights |
//! | `encoder` | means and deviations of the training rows, and an image as numbers |
//! | `augment` | the same image, a little different |

mod augment;
mod encoder;
mod options;
mod orientation;
mod pixels;
mod resize;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;

pub use encoder::{Channel, Image, ImageFit};
pub use options::{Aspect, Augment, ChannelOrder, Given, ImageOptions, ImageScale, Resize};
