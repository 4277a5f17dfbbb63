//! A mixture of Gaussian distributions, and which of them a row belongs to.

use serde::{Deserialize, Serialize};

/// Half the logarithm of 2 pi.
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_7;

/// A mixture of `k` Gaussian distributions of `width` columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// Columns.
    pub width: usize,
    /// The share of each component; they sum to 1.
    pub weights: Vec<f64>,
    /// The means, `[k, width]`.
    pub means: Vec<f64>,
    /// What brings each component to the standard normal distribution.
    pub whitening: Whitening,
}

/// The inverse roots of the covariances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whitening {
    /// Inverses of the lower Cholesky factors, `[k, width, width]`.
    Triangles(Vec<f64>),
    /// Inverses of standard deviations, `[k, width]`.
    Diagonals(Vec<f64>),
}

impl Mixture {
    /// Number of components.
    #[must_use]
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Whether it can be applied.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let k = self.len();
        let (values, expected) = match &self.whitening {
            Whitening::Triangles(values) => (values, k * self.width * self.width),
            Whitening::Diagonals(values) => (values, k * self.width),
        };
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        self.width > 0
            && values.len() == expected
            && self.means.len() == k * self.width
            && finite(values)
            && finite(&self.means)
            && self.weights.iter().all(|weight| *weight >= 0.0 && weight.is_finite())
    }

    /// The constants of the components' log densities: `ln weight - width / 2 ln(2 pi) + ln det(whitening)`.
    #[must_use]
    pub fn constants(&self) -> Vec<f64> {
        let d = self.width;
        let log_det = |at: usize| -> f64 {
            match &self.whitening {
                Whitening::Triangles(all) => (0..d).map(|i| all[(at * d + i) * d + i].ln()).sum(),
                Whitening::Diagonals(all) => all[at * d..(at + 1) * d].iter().map(|value| value.ln()).sum(),
            }
        };
        let weights = self.weights.iter().enumerate();
        weights.map(|(at, weight)| weight.ln() - d as f64 * HALF_LN_TAU + log_det(at)).collect()
    }

    /// The responsibilities of the components for a row (into `shares`, which has `k` places), and the row's log density.
    /// `constants` are those of [`Mixture::constants`]; `differences` takes the row minus each mean, `[k, width]`.
    pub fn responsibilities(&self, row: &[f64], constants: &[f64], differences: &mut [f64], shares: &mut [f64]) -> f64 {
        let d = self.width;
        let parts = differences.chunks_exact_mut(d).zip(self.means.chunks_exact(d));
        for (at, ((difference, mean), (share, constant))) in parts.zip(shares.iter_mut().zip(constants)).enumerate() {
            for ((difference, value), mean) in difference.iter_mut().zip(row).zip(mean) {
                *difference = value - mean;
            }
            let squared: f64 = match &self.whitening {
                Whitening::Triangles(all) => all[at * d * d..(at + 1) * d * d]
                    .chunks_exact(d)
                    .enumerate()
                    .map(|(i, line)| {
                        let sum: f64 = line[..=i].iter().zip(&difference[..=i]).map(|(a, b)| a * b).sum();
                        sum * sum
                    })
                    .sum(),
                Whitening::Diagonals(all) => {
                    all[at * d..(at + 1) * d].iter().zip(&*difference).map(|(a, b)| (a * b) * (a * b)).sum()
                }
            };
            *share = constant - squared / 2.0;
        }
        let most = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if most == f64::NEG_INFINITY {
            return most;
        }
        shares.iter_mut().for_each(|share| *share = (*share - most).exp());
        let sum: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= sum);
        most + sum.ln()
    }

    /// The component that is most likely to have made a row, with its responsibility; none when the row is too far from all of
    /// them to tell.
    #[must_use]
    pub fn likeliest(&self, row: &[f64], constants: &[f64], room: &mut Room) -> Option<(usize, f64)> {
        room.differences.resize(self.means.len(), 0.0);
        room.shares.resize(self.len(), 0.0);
        let density = self.responsibilities(row, constants, &mut room.differences, &mut room.shares);
        if !density.is_finite() {
            return None;
        }
        let mut best: Option<(usize, f64)> = None;
        for (at, share) in room.shares.iter().enumerate() {
            if best.is_none_or(|(_, most)| *share > most) {
                best = Some((at, *share));
            }
        }
        best
    }
}

/// Room for numbers in between, to be used again for the next row.
#[derive(Debug, Clone, Default)]
pub struct Room {
    differences: Vec<f64>,
    shares: Vec<f64>,
}
