//! Sound becomes numbers: the samples themselves, a spectrogram, mel bands or cepstral coefficients.
//!
//! ```text
//! WAV --decode, mix down--> samples --resample--> at one rate --frames, Fourier--> power --bands--> mel
//!     --level--> decibels --cosines--> MFCC        --cut or pad--> [frames, bands] --normalize--> numbers
//! ```
//!
//! | where | what |
//! |---|---|
//! | `options` | the options |
//! | `wav` | WAV files within limits |
//! | `resample` | one rate for all |
//! | `spectrum` | frames, windows and their power |
//! | `mel` | bands as the ear hears them, cosines of their levels |
//! | `encoder` | what is learned, and a sound as numbers |
//! | `augment` | the same sound, a little different |

mod augment;
mod encoder;
mod mel;
mod options;
mod resample;
mod spectrum;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;
mod wav;

pub use encoder::{Audio, AudioFit, Band};
pub use options::{AudioAugment, AudioKind, AudioOptions, Layout, Level, MelScale, Normalize};
