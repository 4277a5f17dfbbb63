//! Frames, windows and their power.

use std::f64::consts::PI;
use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

/// The power spectra of overlapping frames (short-time Fourier transform).
///
/// `S[t, k] = |Σ_n w[n] x[t hop + n - N/2] exp(-2πi k n / N)|²` for `k` from 0 to `N / 2`, where `x` is 0 outside of the
/// sound, `N` is the length of the transform and `w` a periodic Hann window in the middle of it, `w[n] = 1/2 - 1/2
/// cos(2π n / window)`. Frames are centred: frame `t` tells of the time `t hop`. A sound of `n` samples has `1 + n /
/// hop` frames.
///
/// Time: `O(N log N)` a frame.
pub(super) struct Spectrum {
    fft: Arc<dyn Fft<f32>>,
    window: Vec<f32>,
    hop: usize,
}

impl Spectrum {
    /// A transform of `length`, which is at least `window`.
    pub(super) fn new(length: usize, window: usize, hop: usize) -> Self {
        let left = (length - window.min(length)) / 2;
        let weight = |n: usize| match n.checked_sub(left) {
            Some(at) if at < window => (0.5 - 0.5 * (2.0 * PI * at as f64 / window as f64).cos()) as f32,
            _ => 0.0,
        };
        let fft = FftPlanner::new().plan_fft_forward(length);
        Self { fft, window: (0..length).map(weight).collect(), hop: hop.max(1) }
    }

    /// How many frequencies a frame has.
    pub(super) fn bins(&self) -> usize {
        self.window.len() / 2 + 1
    }

    /// The frames of a sound, `[1 + n / hop, bins]`.
    pub(super) fn power(&self, samples: &[f32]) -> Vec<f32> {
        let length = self.window.len();
        let frames = 1 + samples.len() / self.hop;
        let mut power = Vec::with_capacity(frames * self.bins());
        let mut values = vec![Complex::default(); length];
        let mut scratch = vec![Complex::default(); self.fft.get_inplace_scratch_len()];
        for frame in 0..frames {
            // Where the window begins, told from half a window before the sound.
            let begin = frame * self.hop;
            for (at, (value, weight)) in values.iter_mut().zip(&self.window).enumerate() {
                let sample = (begin + at).checked_sub(length / 2).and_then(|place| samples.get(place));
                *value = Complex::new(sample.map_or(0.0, |sample| sample * weight), 0.0);
            }
            self.fft.process_with_scratch(&mut values, &mut scratch);
            power.extend(values.iter().take(self.bins()).map(Complex::norm_sqr));
        }
        power
    }
}
