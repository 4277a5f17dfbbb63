//! How a sound becomes numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most numbers that a sound becomes.
const MOST_NUMBERS: usize = 1 << 24;

/// How a sound becomes numbers.
///
/// A WAV file (8, 16, 24 or 32 bits, or floats) is mixed down to one channel and brought to `rate`. Every `hop`
/// milliseconds a frame of `window` milliseconds is cut out, centred there, weighed by a Hann window, and its spectrum
/// taken. All sounds get the frames of `seconds`: longer ones are cut, shorter ones are padded with silence.
///
/// ```yaml
/// audio: {rate: 16000, seconds: 1}
/// audio: {rate: 8000, seconds: 0.8, kind: mfcc, coefficients: 20, normalize: learned}
/// audio: {rate: 8000, seconds: 0.8, augment: {shift: 0.1, noise: 0.1, time_masks: 1, frequency_masks: 1}}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AudioOptions {
    /// Samples a second; sounds of another rate are resampled.
    pub rate: u32,
    /// How long a sound counts, in seconds.
    pub seconds: f64,
    /// Whether longer sounds keep their middle instead of their beginning, and shorter ones are padded on both sides.
    pub centre: bool,
    /// What the numbers are.
    pub kind: AudioKind,
    /// The length of a frame in milliseconds.
    pub window: f64,
    /// From the middle of a frame to the middle of the next, in milliseconds.
    pub hop: f64,
    /// How many bands a frame has, for `mel` and `mfcc`.
    pub mels: usize,
    /// How the ear's scale of pitch is written.
    pub mel_scale: MelScale,
    /// The lowest frequency of the bands, in hertz.
    pub low: f64,
    /// The highest frequency of the bands, in hertz. Default half of `rate`.
    pub high: Option<f64>,
    /// How many cepstral coefficients are kept, for `mfcc`.
    pub coefficients: usize,
    /// How power becomes a level, for `spectrogram` and `mel`.
    pub level: Level,
    /// How much of the sample before is taken from each sample, which makes high pitches louder; 0.97 is usual for
    /// speech. Default 0: nothing.
    pub pre_emphasis: f64,
    /// How the numbers are scaled.
    pub normalize: Normalize,
    /// The shape of a row.
    pub layout: Layout,
    /// How training sounds are varied. Default not at all.
    pub augment: AudioAugment,
}

impl Default for AudioOptions {
    fn default() -> Self {
        Self {
            rate: 16_000,
            seconds: 1.0,
            centre: false,
            kind: AudioKind::default(),
            window: 25.0,
            hop: 10.0,
            mels: 40,
            mel_scale: MelScale::default(),
            low: 0.0,
            high: None,
            coefficients: 20,
            level: Level::default(),
            pre_emphasis: 0.0,
            normalize: Normalize::default(),
            layout: Layout::default(),
            augment: AudioAugment::default(),
        }
    }
}

/// How training sounds are varied: each time a sound is shown to the network, by chance. Sounds are encoded once, so it is
/// their frames that are varied (of `kind: wave` their samples).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AudioAugment {
    /// The largest shift in time to either side, as a share of the length.
    pub shift: f64,
    /// The largest change of loudness to either side, in decibels; only where `normalize` leaves loudness in, which is
    /// under `learned` and `none`.
    pub gain: f64,
    /// The size of noise that is added to each number, in standard deviations of the numbers of the sound.
    pub noise: f64,
    /// How many stretches of time are hidden (Park et al. 2019, SpecAugment).
    pub time_masks: usize,
    /// The longest of them, as a share of the length.
    pub time_mask: f64,
    /// How many stretches of bands are hidden.
    pub frequency_masks: usize,
    /// The widest of them, as a share of the bands.
    pub frequency_mask: f64,
}

impl Default for AudioAugment {
    fn default() -> Self {
        Self {
            shift: 0.0,
            gain: 0.0,
            noise: 0.0,
            time_masks: 0,
            time_mask: 0.1,
            frequency_masks: 0,
            frequency_mask: 0.2,
        }
    }
}

impl AudioAugment {
    /// Whether anything is varied.
    pub fn varies(&self) -> bool {
        self.shift > 0.0 || self.gain > 0.0 || self.noise > 0.0 || self.time_masks > 0 || self.frequency_masks > 0
    }

    /// What is wrong with it, beside such numbers.
    fn wrong(&self, options: &AudioOptions) -> Option<&'static str> {
        let Self { shift, gain, noise, time_masks, time_mask, frequency_masks, frequency_mask } = *self;
        let share = 0.0..=1.0;
        let keeps_loudness = matches!(options.normalize, Normalize::Learned | Normalize::None);
        match () {
            () if !share.contains(&shift) => Some("`shift` is a share from 0 to 1"),
            () if !(0.0..=60.0).contains(&gain) => Some("`gain` is from 0 to 60 decibels"),
            () if gain > 0.0 && !keeps_loudness => {
                Some("`gain` changes nothing where `normalize` takes out how loud a sound is: say `normalize: learned`")
            }
            () if !(0.0..=10.0).contains(&noise) => Some("`noise` is from 0 to 10 standard deviations"),
            () if time_masks > 100 || frequency_masks > 100 => Some("there are at most 100 masks of a kind"),
            () if !share.contains(&time_mask) => Some("`time_mask` is a share from 0 to 1"),
            () if !share.contains(&frequency_mask) => Some("`frequency_mask` is a share from 0 to 1"),
            () if frequency_masks > 0 && options.kind == AudioKind::Wave => {
                Some("`frequency_masks` hide bands, and a wave has none")
            }
            () => None,
        }
    }
}

/// What the numbers are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AudioKind {
    /// The samples, from -1 to 1.
    Wave,
    /// The power of each frequency in each frame.
    Spectrogram,
    /// The power of bands that are equally wide to the ear.
    #[default]
    Mel,
    /// The cosine transform of the levels of such bands (in decibels): the shape of the spectrum without its detail.
    Mfcc,
}

/// How the ear's scale of pitch is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MelScale {
    /// Even up to 1000 Hz and logarithmic above; each band has the area 1 (Slaney 1998, *Auditory Toolbox*).
    #[default]
    Slaney,
    /// `2595 log10(1 + f / 700)`; each band has the height 1 (Young et al., *The HTK Book*).
    Htk,
}

/// How power becomes a level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Decibels, `10 log10(power)`; what is more than 80 below the loudest of the sound is raised to that.
    #[default]
    Decibel,
    /// The natural logarithm of `power + 1e-6`.
    Log,
    /// Power as it is.
    Power,
}

/// How the numbers are scaled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Normalize {
    /// By the mean and the standard deviation of all numbers of the sound, which takes out how loud it is.
    #[default]
    Clip,
    /// By the mean and the standard deviation of each band of the sound, which takes out the microphone and the room too.
    Bands,
    /// By the mean and the standard deviation of each band in the training rows.
    Learned,
    /// As they are.
    None,
}

/// The shape of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// `[frames, bands, 1]`, for two-dimensional convolutions; `[samples, 1]` for waves.
    #[default]
    Image,
    /// `[frames, bands]`, for one-dimensional convolutions and recurrent layers; `[samples, 1]` for waves.
    Sequence,
}

impl AudioOptions {
    /// Samples of a frame.
    pub(super) fn frame(&self) -> usize {
        ((self.window / 1000.0 * f64::from(self.rate)).round() as usize).max(2)
    }

    /// The length of the Fourier transform: the next power of two.
    pub(super) fn transform(&self) -> usize {
        self.frame().next_power_of_two()
    }

    /// Samples from one frame to the next.
    pub(super) fn step(&self) -> usize {
        ((self.hop / 1000.0 * f64::from(self.rate)).round() as usize).max(1)
    }

    /// Samples that count.
    pub(super) fn samples(&self) -> usize {
        ((self.seconds * f64::from(self.rate)).round() as usize).max(1)
    }

    /// The highest frequency of the bands.
    pub(super) fn highest(&self) -> f64 {
        self.high.unwrap_or(f64::from(self.rate) / 2.0)
    }

    /// How many frames a sound has; for waves, samples.
    pub fn frames(&self) -> usize {
        match self.kind {
            AudioKind::Wave => self.samples(),
            _ => 1 + self.samples() / self.step(),
        }
    }

    /// How many numbers a frame has.
    pub fn bands(&self) -> usize {
        match self.kind {
            AudioKind::Wave => 1,
            AudioKind::Spectrogram => self.transform() / 2 + 1,
            AudioKind::Mel => self.mels,
            AudioKind::Mfcc => self.coefficients,
        }
    }

    /// The shape of a row.
    pub fn shape(&self) -> Vec<usize> {
        match (self.layout, self.kind) {
            (Layout::Image, AudioKind::Spectrogram | AudioKind::Mel | AudioKind::Mfcc) => {
                vec![self.frames(), self.bands(), 1]
            }
            _ => vec![self.frames(), self.bands()],
        }
    }

    /// How many numbers a sound becomes.
    pub fn size(&self) -> usize {
        self.frames().saturating_mul(self.bands())
    }

    /// Whether something is learned from the training rows.
    pub fn learns(&self) -> bool {
        self.normalize == Normalize::Learned
    }

    /// Whether the options are in range.
    ///
    /// Errors: the option that is wrong, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let half = f64::from(self.rate) / 2.0;
        let wrong = match () {
            () if !(1_000..=384_000).contains(&self.rate) => {
                ("rate", "`rate` is from 1,000 to 384,000 samples a second")
            }
            () if !(0.001..=600.0).contains(&self.seconds) => ("seconds", "`seconds` is from 0.001 to 600"),
            () if !(1.0..=1000.0).contains(&self.window) => ("window", "`window` is from 1 to 1000 milliseconds"),
            () if !(0.1..=1000.0).contains(&self.hop) => ("hop", "`hop` is from 0.1 to 1000 milliseconds"),
            () if !(1..=512).contains(&self.mels) => ("mels", "`mels` is a number of bands from 1 to 512"),
            () if !(0.0..half).contains(&self.low) => ("low", "`low` is from 0 to below half of `rate`"),
            () if !(self.highest() > self.low && self.highest() <= half) => {
                ("high", "`high` is above `low` and at most half of `rate`")
            }
            () if self.kind == AudioKind::Mfcc && !(1..=self.mels).contains(&self.coefficients) => {
                ("coefficients", "`coefficients` is a number from 1 to `mels`")
            }
            () if !(0.0..1.0).contains(&self.pre_emphasis) => ("pre_emphasis", "`pre_emphasis` is from 0 to below 1"),
            () if self.augment.wrong(self).is_some() => ("augment", self.augment.wrong(self).unwrap_or_default()),
            () if self.size() > MOST_NUMBERS => ("seconds", "a sound becomes at most 16,777,216 numbers"),
            () => return Ok(()),
        };
        Err((wrong.0, wrong.1.to_owned()))
    }
}
