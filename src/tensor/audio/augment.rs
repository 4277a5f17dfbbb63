//! The same sound, a little different: earlier or later, louder or softer, with noise, with parts hidden.
//!
//! What is varied is an encoded sound, `[frames, bands]`, because sounds are encoded once and shown often. Each kind of
//! change has draws of its own, told from the sound's draw alone: to turn one on changes none of the others.

use super::encoder::Band;
use super::options::{AudioKind, AudioOptions, Level, Normalize};
use crate::tensor::draw::{below, either, normals};

/// Where the draws of each kind of change begin.
const SHIFT: u64 = 1;
const GAIN: u64 = 2;
const TIME: u64 = 1 << 20;
const FREQUENCY: u64 = 1 << 21;
const NOISE: u64 = 1 << 32;

/// Varies an encoded sound in place.
///
/// Time: the numbers of the sound.
pub(super) fn vary(options: &AudioOptions, scales: &[Band], row: &mut [f32], draw: u64) {
    let (augment, bands) = (&options.augment, options.bands().max(1));
    let frames = row.len() / bands;
    if frames == 0 {
        return;
    }
    if augment.shift > 0.0 {
        let most = (augment.shift * frames as f64) as f32;
        shift(options, row, bands, (most * either(draw, SHIFT)).round() as i64);
    }
    if augment.gain > 0.0 {
        gain(options, scales, row, augment.gain as f32 * either(draw, GAIN));
    }
    if augment.noise > 0.0 {
        noise(row, augment.noise as f32, draw);
    }
    mask(options, row, bands, draw);
}

/// Moves frames later, or earlier for a number below 0. What is left free is silence in waves, and the first or the last
/// frame elsewhere, because what silence is like depends on the sound.
fn shift(options: &AudioOptions, row: &mut [f32], bands: usize, by: i64) {
    let before = row.to_vec();
    let last = (row.len() / bands).saturating_sub(1);
    for (frame, cells) in row.chunks_exact_mut(bands).enumerate() {
        // Frames are at most 2^24, so the numbers are small.
        let from = frame as i64 - by;
        let inside = (0..=last as i64).contains(&from);
        let from = from.clamp(0, last as i64) as usize;
        if inside || options.kind != AudioKind::Wave {
            cells.copy_from_slice(before.get(from * bands..(from + 1) * bands).unwrap_or_default());
        } else {
            cells.fill(0.0);
        }
    }
}

/// Makes a sound louder by so many decibels: levels are added to, power and samples multiplied, and of cepstral
/// coefficients the first is added to, `sqrt(M)` times as much for `M` bands, which is the cosine transform of a constant.
fn gain(options: &AudioOptions, scales: &[Band], row: &mut [f32], decibels: f32) {
    let factor = |base: f32| 10.0_f32.powf(decibels / base);
    let (factor, added, first) = match (options.kind, options.level) {
        (AudioKind::Wave, _) => (factor(20.0), 0.0, false),
        (AudioKind::Mfcc, _) => (1.0, decibels * (options.mels as f32).sqrt(), true),
        (_, Level::Power) => (factor(10.0), 0.0, false),
        (_, Level::Decibel) => (1.0, decibels, false),
        (_, Level::Log) => (1.0, decibels * std::f32::consts::LN_10 / 10.0, false),
    };
    for frame in row.chunks_exact_mut(options.bands().max(1)) {
        let changed = if first { 1 } else { frame.len() };
        for (band, value) in frame.iter_mut().enumerate().take(changed) {
            let (mean, deviation) = scales.get(band).map_or((0.0, 1.0), |scale| (scale.mean, scale.deviation));
            let louder = ((*value * deviation + mean) * factor + added - mean) / deviation;
            if louder.is_finite() {
                *value = louder;
            }
        }
    }
}

/// Adds normally distributed noise to each number: `share` standard deviations of all numbers of the sound.
fn noise(row: &mut [f32], share: f32, draw: u64) {
    let count = row.len() as f64;
    let mean = row.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let variance = row.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count;
    let size = share * variance.sqrt() as f32;
    for (pair, values) in (NOISE..).zip(row.chunks_mut(2)) {
        let (one, other) = normals(draw, pair);
        values.iter_mut().zip([one, other]).for_each(|(value, normal)| *value += size * normal);
    }
}

/// Hides stretches of time and of bands (Park et al. 2019, *SpecAugment*, section 2): a width from 0 to the longest one and
/// a place, both evenly by chance. What is hidden becomes the mean: 0 where numbers are scaled by a mean, that of the band
/// where they are not.
fn mask(options: &AudioOptions, row: &mut [f32], bands: usize, draw: u64) {
    let augment = &options.augment;
    if augment.time_masks == 0 && augment.frequency_masks == 0 {
        return;
    }
    let frames = row.len() / bands;
    let mean: Vec<f32> = match options.normalize {
        Normalize::None => (0..bands)
            .map(|band| {
                let values = row.iter().skip(band).step_by(bands).map(|value| f64::from(*value));
                (values.sum::<f64>() / frames as f64) as f32
            })
            .collect(),
        Normalize::Clip | Normalize::Bands | Normalize::Learned => vec![0.0; bands],
    };
    let stretch = |kind: u64, length: usize, longest: f64| {
        let most = ((longest * length as f64).round() as usize).min(length);
        let width = below(draw, kind, most + 1);
        let first = below(draw, kind + 1, length - width + 1);
        first..first + width
    };
    for mask in 0..augment.time_masks {
        let hidden = stretch(TIME + 2 * mask as u64, frames, augment.time_mask);
        for frame in row.chunks_exact_mut(bands).skip(hidden.start).take(hidden.len()) {
            frame.copy_from_slice(&mean);
        }
    }
    for mask in 0..augment.frequency_masks {
        let hidden = stretch(FREQUENCY + 2 * mask as u64, bands, augment.frequency_mask);
        for frame in row.chunks_exact_mut(bands) {
            let cells = frame.iter_mut().zip(&mean).skip(hidden.start).take(hidden.len());
            cells.for_each(|(cell, mean)| *cell = *mean);
        }
    }
}
