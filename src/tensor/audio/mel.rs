//! Bands as the ear hears them, and the cosines of their levels.

use std::f64::consts::PI;

use super::options::MelScale;

/// The part of a spectrum that a band hears.
#[derive(Debug, PartialEq)]
pub(super) struct Triangle {
    pub(super) first: usize,
    pub(super) weights: Vec<f32>,
}

impl Triangle {
    /// How loud a spectrum is in the band.
    pub(super) fn of(&self, spectrum: &[f32]) -> f32 {
        let heard = spectrum.iter().skip(self.first).zip(&self.weights);
        heard.map(|(power, weight)| power * weight).sum()
    }
}

/// `bands` triangles over a transform of `length` at `rate`. Their corners are equally far apart on the scale, from `low`
/// to `high` hertz; each rises from the centre of the one before and falls to the centre of the next.
pub(super) fn triangles(
    scale: MelScale,
    bands: usize,
    (low, high): (f64, f64),
    rate: f64,
    length: usize,
) -> Vec<Triangle> {
    let corners = corners(scale, bands, (low, high));
    let triangle = |corners: &[f64]| {
        let &[left, middle, right] = corners else { return Triangle { first: 0, weights: Vec::new() } };
        let height = match scale {
            MelScale::Slaney => 2.0 / (right - left),
            MelScale::Htk => 1.0,
        };
        let weight = |bin: usize| {
            let frequency = bin as f64 * rate / length as f64;
            let slopes = ((frequency - left) / (middle - left)).min((right - frequency) / (right - middle));
            slopes.max(0.0) * height
        };
        let bins = length / 2 + 1;
        let first = (0..bins).find(|bin| weight(*bin) > 0.0).unwrap_or(0);
        let weights = (first..bins).map(weight).take_while(|weight| *weight > 0.0).map(|weight| weight as f32);
        Triangle { first, weights: weights.collect() }
    };
    corners.windows(3).map(triangle).collect()
}

/// The corners of the triangles in hertz: `bands + 2`, of which the inner ones are the bands' centres.
pub(super) fn corners(scale: MelScale, bands: usize, (low, high): (f64, f64)) -> Vec<f64> {
    let (from, to) = (mel(scale, low), mel(scale, high));
    (0..bands + 2).map(|corner| hertz(scale, from + (to - from) * corner as f64 / (bands + 1) as f64)).collect()
}

/// Where Slaney's scale becomes logarithmic, and how fast: 27 steps for a factor of 6.4.
const KNEE: f64 = 1000.0;
const LINEAR: f64 = 200.0 / 3.0;

fn mel(scale: MelScale, hertz: f64) -> f64 {
    match scale {
        MelScale::Slaney if hertz < KNEE => hertz / LINEAR,
        MelScale::Slaney => KNEE / LINEAR + (hertz / KNEE).ln() * 27.0 / 6.4_f64.ln(),
        MelScale::Htk => 2595.0 * (1.0 + hertz / 700.0).log10(),
    }
}

fn hertz(scale: MelScale, mel: f64) -> f64 {
    match scale {
        MelScale::Slaney if mel < KNEE / LINEAR => mel * LINEAR,
        MelScale::Slaney => KNEE * ((mel - KNEE / LINEAR) * 6.4_f64.ln() / 27.0).exp(),
        MelScale::Htk => 700.0 * (10.0_f64.powf(mel / 2595.0) - 1.0),
    }
}

/// The cosine transform (DCT-II, orthonormal) of `bands` levels, `coefficients` of them, `[coefficients, bands]`:
/// `C[k, m] = sqrt(2 / M) cos(π k (m + 1/2) / M)`, with `sqrt(1 / M)` for `k = 0`.
///
/// Davis & Mermelstein 1980, *Comparison of parametric representations for monosyllabic word recognition*.
pub(super) fn cosines(coefficients: usize, bands: usize) -> Vec<f32> {
    let m = bands as f64;
    let entry = |k: usize, band: usize| {
        let scale = if k == 0 { (1.0 / m).sqrt() } else { (2.0 / m).sqrt() };
        (scale * (PI * k as f64 * (band as f64 + 0.5) / m).cos()) as f32
    };
    (0..coefficients).flat_map(|k| (0..bands).map(move |band| entry(k, band))).collect()
}
