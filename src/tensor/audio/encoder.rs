//! What is learned of the sounds of the training rows, and a sound as numbers.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::augment::vary;
use super::mel::{self, Triangle};
use super::options::{AudioKind, AudioOptions, Level, Normalize};
use super::resample::resample;
use super::spectrum::Spectrum;
use super::wav;

/// Power below this is silence: -100 decibels.
const SILENCE: f32 = 1e-10;
/// How far below the loudest a level can be, in decibels.
const RANGE: f32 = 80.0;
/// What is added to power before its logarithm is taken.
const ABOVE_ZERO: f32 = 1e-6;

/// The mean and the standard deviation of a band.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// The mean of its numbers.
    pub mean: f32,
    /// Their standard deviation; 1 where all are the same.
    pub deviation: f32,
}

/// Count, mean and sum of squared deviations (Welford 1962, *Note on a method for calculating corrected sums*).
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f32) {
        let value = f64::from(value);
        self.count += 1.0;
        let step = value - self.mean;
        self.mean += step / self.count;
        self.squares += step * (value - self.mean);
    }

    fn band(&self) -> Band {
        let deviation = if self.count > 0.0 { (self.squares / self.count).sqrt() as f32 } else { 0.0 };
        Band { mean: self.mean as f32, deviation: if deviation > 1e-6 { deviation } else { 1.0 } }
    }
}

/// Learns the mean and the deviation of each band, in one pass.
#[derive(Debug)]
pub struct AudioFit {
    audio: Audio,
    bands: Vec<Moments>,
}

impl AudioFit {
    /// Nothing learned yet.
    pub fn new(options: &AudioOptions) -> Self {
        Self { audio: Audio::new(options), bands: vec![Moments::default(); options.bands()] }
    }

    /// Learns from a WAV.
    ///
    /// Errors: why it cannot be decoded.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
        let frames = self.audio.frames(bytes)?;
        for frame in frames.values.chunks_exact(self.bands.len()) {
            frame.iter().zip(&mut self.bands).for_each(|(value, moments)| moments.add(*value));
        }
        Ok(())
    }

    /// The encoder.
    pub fn finish(mut self) -> Audio {
        if self.audio.options.learns() {
            self.audio.scales = self.bands.iter().map(Moments::band).collect();
        }
        self.audio
    }
}

/// A fitted encoder of sounds.
///
/// It is stored as JSON; read back, it gives the same numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audio {
    options: AudioOptions,
    /// For each band, where it is scaled by what was learned.
    scales: Vec<Band>,
    #[serde(skip)]
    tools: Prepared,
}

/// Windows, bands and cosines, which follow from the options: made when they are first needed.
#[derive(Clone, Default)]
struct Prepared(OnceLock<Arc<Tools>>);

impl PartialEq for Prepared {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Prepared")
    }
}

struct Tools {
    spectrum: Spectrum,
    triangles: Vec<Triangle>,
    cosines: Vec<f32>,
}

/// The frames that a sound has, before they are normalized.
struct Frames {
    /// `[frames, bands]`.
    values: Vec<f32>,
    /// A frame of silence.
    silence: Vec<f32>,
}

impl Audio {
    /// An encoder that has learned nothing.
    pub fn new(options: &AudioOptions) -> Self {
        Self { options: options.clone(), scales: Vec::new(), tools: Prepared::default() }
    }

    /// How it was told to encode.
    pub fn options(&self) -> &AudioOptions {
        &self.options
    }

    /// The learned scale of each band; none where none was learned.
    pub fn scales(&self) -> &[Band] {
        &self.scales
    }

    /// The shape of a row.
    pub fn shape(&self) -> Vec<usize> {
        self.options.shape()
    }

    /// The time of a frame in seconds, told from the first sample that counts.
    pub fn seconds(&self, frame: usize) -> f64 {
        let step = if self.options.kind == AudioKind::Wave { 1 } else { self.options.step() };
        frame as f64 * step as f64 / f64::from(self.options.rate)
    }

    /// The middle of each band in hertz; none for waves and cepstral coefficients.
    pub fn hertz(&self) -> Vec<f64> {
        let options = &self.options;
        match options.kind {
            AudioKind::Spectrogram => {
                let width = f64::from(options.rate) / options.transform() as f64;
                (0..options.bands()).map(|bin| bin as f64 * width).collect()
            }
            AudioKind::Mel => {
                let corners = mel::corners(options.mel_scale, options.mels, (options.low, options.highest()));
                corners.into_iter().skip(1).take(options.mels).collect()
            }
            AudioKind::Wave | AudioKind::Mfcc => Vec::new(),
        }
    }

    /// What sounds become, as pairs of a name and a value, for people.
    pub fn describe(&self) -> Vec<(String, String)> {
        let options = &self.options;
        let (frames, bands) = (options.frames(), options.bands());
        let what = match options.kind {
            AudioKind::Wave => format!("{frames} samples"),
            AudioKind::Spectrogram => format!("{frames} frames of {bands} frequencies"),
            AudioKind::Mel => format!("{frames} frames of {bands} mel bands"),
            AudioKind::Mfcc => format!("{frames} frames of {bands} cepstral coefficients"),
        };
        let mut pairs = vec![
            ("a sound becomes".to_owned(), what),
            ("sound that counts".to_owned(), format!("{} s at {} Hz", options.seconds, options.rate)),
        ];
        if options.kind != AudioKind::Wave {
            let (window, hop, length) = (options.frame(), options.step(), options.transform());
            pairs.push(("frames".to_owned(), format!("{window} samples every {hop}, transform of {length}")));
        }
        pairs
    }

    /// Writes a WAV to `out`, `[frames, bands]`.
    ///
    /// Errors: why it cannot be decoded, in words; `out` is then undefined.
    pub fn encode(&self, bytes: &[u8], out: &mut [f32]) -> Result<(), String> {
        let Frames { mut values, mut silence } = self.frames(bytes)?;
        let bands = silence.len();
        self.normalize(&mut values, &mut silence);
        let missing = out.len().saturating_sub(values.len()) / bands;
        let before = if self.options.centre { missing / 2 } else { 0 };
        out.chunks_exact_mut(bands).for_each(|frame| frame.copy_from_slice(&silence));
        let places = out.iter_mut().skip(before * bands);
        places.zip(&values).for_each(|(place, value)| *place = *value);
        if out.iter().all(|value| value.is_finite()) { Ok(()) } else { Err("a sound out of range".to_owned()) }
    }

    /// Whether [`Audio::augment`] changes anything.
    pub fn augments(&self) -> bool {
        self.options.augment.varies()
    }

    /// Varies an encoded sound in place, as `augment` says. The draw decides alone: the same draw, the same sound.
    pub fn augment(&self, row: &mut [f32], draw: u64) {
        vary(&self.options, &self.scales, row, draw);
    }

    fn frames(&self, bytes: &[u8]) -> Result<Frames, String> {
        let options = &self.options;
        let sound = wav::decode(bytes)?;
        let mut samples = self.cut(sound.samples, sound.rate);
        samples = resample(samples, sound.rate, options.rate)?;
        samples.truncate(options.samples());
        if options.pre_emphasis > 0.0 {
            emphasize(&mut samples, options.pre_emphasis as f32);
        }
        if options.kind == AudioKind::Wave {
            return Ok(Frames { values: samples, silence: vec![0.0] });
        }
        let tools = self.tools.0.get_or_init(|| Arc::new(Tools::new(options)));
        let power = tools.spectrum.power(&samples);
        let mut values = match options.kind {
            AudioKind::Mel | AudioKind::Mfcc => {
                let spectra = power.chunks_exact(tools.spectrum.bins());
                spectra.flat_map(|spectrum| tools.triangles.iter().map(move |band| band.of(spectrum))).collect()
            }
            AudioKind::Spectrogram | AudioKind::Wave => power,
        };
        let level = if options.kind == AudioKind::Mfcc { Level::Decibel } else { options.level };
        let floor = loudness(level, &mut values);
        if options.kind != AudioKind::Mfcc {
            return Ok(Frames { values, silence: vec![floor; options.bands()] });
        }
        let coefficients = |levels: &[f32]| {
            let rows = tools.cosines.chunks_exact(options.mels);
            rows.map(|row| row.iter().zip(levels).map(|(cosine, level)| cosine * level).sum()).collect::<Vec<f32>>()
        };
        let silence = coefficients(&vec![floor; options.mels]);
        Ok(Frames { values: values.chunks_exact(options.mels).flat_map(coefficients).collect(), silence })
    }

    /// The part of a sound that counts, a little more than is needed: nothing else is resampled.
    fn cut(&self, mut samples: Vec<f32>, rate: u32) -> Vec<f32> {
        let needed = (self.options.seconds * f64::from(rate)).ceil() as usize + 1;
        let more = samples.len().saturating_sub(needed);
        if more > 0 {
            let first = if self.options.centre { more / 2 } else { 0 };
            samples.drain(..first);
            samples.truncate(needed);
        }
        samples
    }

    fn normalize(&self, values: &mut [f32], silence: &mut [f32]) {
        let bands = silence.len();
        let scales = match self.options.normalize {
            Normalize::None => return,
            Normalize::Learned => self.scales.clone(),
            Normalize::Clip => {
                let mut moments = Moments::default();
                values.iter().for_each(|value| moments.add(*value));
                vec![moments.band(); bands]
            }
            Normalize::Bands => {
                let mut moments = vec![Moments::default(); bands];
                for frame in values.chunks_exact(bands) {
                    frame.iter().zip(&mut moments).for_each(|(value, moments)| moments.add(*value));
                }
                moments.iter().map(Moments::band).collect()
            }
        };
        for frame in values.chunks_exact_mut(bands).chain([silence]) {
            frame.iter_mut().zip(&scales).for_each(|(value, band)| *value = (*value - band.mean) / band.deviation);
        }
    }
}

impl Tools {
    fn new(options: &AudioOptions) -> Self {
        let length = options.transform();
        let spectrum = Spectrum::new(length, options.frame(), options.step());
        let range = (options.low, options.highest());
        let triangles = mel::triangles(options.mel_scale, options.mels, range, f64::from(options.rate), length);
        Self { spectrum, triangles, cosines: mel::cosines(options.coefficients, options.mels) }
    }
}

/// `y[n] = x[n] - a x[n - 1]`, in place; before the sound is silence.
fn emphasize(samples: &mut [f32], a: f32) {
    let mut before = 0.0;
    for sample in samples {
        let now = *sample;
        *sample = now - a * before;
        before = now;
    }
}

/// Power becomes a level, in place; returns the level of silence.
fn loudness(level: Level, values: &mut [f32]) -> f32 {
    match level {
        Level::Power => 0.0,
        Level::Log => {
            values.iter_mut().for_each(|value| *value = (*value + ABOVE_ZERO).ln());
            ABOVE_ZERO.ln()
        }
        Level::Decibel => {
            values.iter_mut().for_each(|value| *value = 10.0 * value.max(SILENCE).log10());
            let loudest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let floor = loudest - RANGE;
            values.iter_mut().for_each(|value| *value = value.max(floor));
            floor
        }
    }
}
