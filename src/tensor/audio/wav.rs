//! WAV files within limits.

use std::io::Cursor;

use hound::{Sample, SampleFormat, WavReader};

/// Rates that sound is recorded with; another one is a damaged header, and would make the resampler large.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=384_000;

/// One channel of sound.
#[derive(Debug, PartialEq)]
pub(super) struct Sound {
    /// Samples a second.
    pub(super) rate: u32,
    /// From -1 to 1.
    pub(super) samples: Vec<f32>,
}

/// Reads a WAV: 8, 16, 24 or 32 bits, or floats of 32 bits. Channels become their mean.
///
/// Memory is that of the samples that are there, whatever the header claims.
///
/// Errors: the reason in words.
pub(super) fn decode(bytes: &[u8]) -> Result<Sound, String> {
    if bytes.is_empty() {
        return Err("no bytes".to_owned());
    }
    let reader = WavReader::new(Cursor::new(bytes)).map_err(|error| match error {
        hound::Error::Unsupported => "a WAV with a coding that is not supported".to_owned(),
        error => format!("no WAV: {error}"),
    })?;
    let spec = reader.spec();
    if !RATES.contains(&spec.sample_rate) {
        return Err(format!("a WAV with {} samples a second", spec.sample_rate));
    }
    if spec.channels == 0 {
        return Err("a WAV without channels".to_owned());
    }
    if reader.len() == 0 {
        return Err("a sound of length zero".to_owned());
    }
    let channels = usize::from(spec.channels);
    let samples = match (spec.sample_format, spec.bits_per_sample) {
        (SampleFormat::Float, 32) => mixed::<f32>(reader, channels, f64::from),
        (SampleFormat::Int, bits @ 1..=32) => {
            let largest = (1_u64 << (bits - 1)) as f64;
            mixed::<i32>(reader, channels, |sample| f64::from(sample) / largest)
        }
        (_, bits) => Err(format!("a WAV with {bits} bits a sample")),
    }?;
    if samples.is_empty() {
        return Err("a sound of length zero".to_owned());
    }
    Ok(Sound { rate: spec.sample_rate, samples })
}

fn mixed<S: Sample>(
    reader: WavReader<Cursor<&[u8]>>,
    channels: usize,
    value: impl Fn(S) -> f64,
) -> Result<Vec<f32>, String> {
    let (mut samples, mut sum, mut read) = (Vec::new(), 0.0, 0);
    for sample in reader.into_samples::<S>() {
        let sample = value(sample.map_err(|_| "a WAV that ends before its header says".to_owned())?);
        if !sample.is_finite() || sample.abs() > 1e6 {
            return Err("a WAV with a sample that is no number of sound".to_owned());
        }
        sum += sample;
        read += 1;
        if read == channels {
            samples.push((sum / channels as f64) as f32);
            (sum, read) = (0.0, 0);
        }
    }
    Ok(samples)
}
