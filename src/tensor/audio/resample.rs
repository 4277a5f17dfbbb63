//! One rate for all sounds.

use rubato::audioadapter_buffers::owned::InterleavedOwned;
use rubato::{Fft, FixedSync, Resampler};

/// Samples that are resampled at once.
const CHUNK: usize = 1024;

/// Brings samples to another rate: spectra of blocks are cut or extended, with a Blackman-Harris filter against aliases
/// (the crate `rubato`). The result has `ceil(n to / from)` samples, in time or
/// half a sample of the input early: the filter may have an even length.
///
/// Errors: the reason in words.
pub(super) fn resample(samples: Vec<f32>, from: u32, to: u32) -> Result<Vec<f32>, String> {
    if from == to || samples.is_empty() {
        return Ok(samples);
    }
    let failed = |error: String| format!("a sound that cannot be resampled: {error}");
    let mut resampler = Fft::<f32>::new(from as usize, to as usize, CHUNK, 1, FixedSync::Input)
        .map_err(|error| failed(error.to_string()))?;
    let length = samples.len();
    let input = InterleavedOwned::new_from(samples, 1, length).map_err(|error| failed(format!("{error:?}")))?;
    let output = resampler.process_all(&input, length, None).map_err(|error| failed(error.to_string()))?;
    Ok(output.take_data())
}
