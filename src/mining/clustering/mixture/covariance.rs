//! The forms of covariance, and how they come from weighted sums.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::super::ClusteringError;
use super::MixtureOptions;
use crate::statistics::clusters::mixture::{Mixture, Whitening};

/// The form of the covariances of a mixture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covariance {
    /// Each component has its own matrix: ellipsoids of any direction.
    #[default]
    Full,
    /// Each component has its own variances: ellipsoids along the axes.
    Diag,
    /// Each component has one variance: balls.
    Spherical,
    /// All components share one matrix.
    Tied,
}

impl Covariance {
    /// Free parameters of `k` covariances.
    #[must_use]
    pub fn parameters(self, k: usize, width: usize) -> usize {
        match self {
            Self::Full => k * width * (width + 1) / 2,
            Self::Diag => k * width,
            Self::Spherical => k,
            Self::Tied => width * (width + 1) / 2,
        }
    }

    fn is_matrix(self) -> bool {
        matches!(self, Self::Full | Self::Tied)
    }
}

/// Weighted sums of points, each around the mean that its component had before.
pub(super) struct Moments {
    width: usize,
    covariance: Covariance,
    weights: Vec<f64>,
    /// `[k, width]`.
    sums: Vec<f64>,
    /// `[k, width, width]`, of which the lower triangle is used, or `[k, width]`.
    squares: Vec<f64>,
}

impl Moments {
    pub(super) fn new(k: usize, width: usize, covariance: Covariance) -> Self {
        let each = if covariance.is_matrix() { width * width } else { width };
        Self { width, covariance, weights: vec![0.0; k], sums: vec![0.0; k * width], squares: vec![0.0; k * each] }
    }

    /// Adds a point of the component `at`, as its difference from the mean before.
    pub(super) fn add(&mut self, at: usize, weight: f64, difference: &[f64]) {
        let d = self.width;
        // A weight that is 0 after rounding adds nothing.
        if weight <= 0.0 {
            return;
        }
        self.weights[at] += weight;
        self.sums[at * d..(at + 1) * d].iter_mut().zip(difference).for_each(|(sum, value)| *sum += weight * value);
        if self.covariance.is_matrix() {
            let squares = &mut self.squares[at * d * d..(at + 1) * d * d];
            for ((i, line), value) in squares.chunks_exact_mut(d).enumerate().zip(difference) {
                let scaled = weight * value;
                line[..=i].iter_mut().zip(&difference[..=i]).for_each(|(sum, other)| *sum += scaled * other);
            }
        } else {
            let squares = &mut self.squares[at * d..(at + 1) * d];
            squares.iter_mut().zip(difference).for_each(|(sum, value)| *sum += weight * value * value);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let add = |to: &mut Vec<f64>, from: &[f64]| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        add(&mut self.weights, &other.weights);
        add(&mut self.sums, &other.sums);
        add(&mut self.squares, &other.squares);
    }

    /// The mixture of greatest likelihood given the responsibilities.
    ///
    /// Errors: a covariance that is not positive definite.
    pub(super) fn mixture(&self, before: &[f64], options: &MixtureOptions) -> Result<Mixture, ClusteringError> {
        let (d, k) = (self.width, self.weights.len());
        // So that a component without points is no division by zero; as scikit-learn has it.
        let counts: Vec<f64> = self.weights.iter().map(|weight| weight + 10.0 * f64::EPSILON).collect();
        let total: f64 = counts.iter().sum();
        let shifts: Vec<f64> = (0..k * d).map(|at| self.sums[at] / counts[at / d]).collect();
        let means = before.iter().zip(&shifts).map(|(mean, shift)| mean + shift).collect();
        let each = self.squares.len() / k.max(1);
        // Around the new means: the mean square minus the square of the shift.
        let central = |at: usize, i: usize, j: usize| {
            let shift = shifts[at * d + i] * shifts[at * d + j];
            let place = if each == d { at * d + i } else { (at * d + i) * d + j };
            self.squares[place] - counts[at] * shift
        };
        let whitening = match options.covariance {
            Covariance::Full | Covariance::Tied => {
                let matrix = |at: usize, i: usize, j: usize| {
                    let (i, j) = (i.max(j), i.min(j));
                    let value = match options.covariance {
                        Covariance::Tied => (0..k).map(|at| central(at, i, j)).sum::<f64>() / total,
                        _ => central(at, i, j) / counts[at],
                    };
                    if i == j { value + options.regularization } else { value }
                };
                let mut all = Vec::with_capacity(k * d * d);
                for at in 0..k {
                    if at > 0 && options.covariance == Covariance::Tied {
                        all.extend_from_within(..d * d);
                    } else {
                        let matrix = DMatrix::from_fn(d, d, |i, j| matrix(at, i, j));
                        all.extend(inverse_factor(matrix).ok_or(ClusteringError::Collapsed { component: at + 1 })?);
                    }
                }
                Whitening::Triangles(all)
            }
            Covariance::Diag | Covariance::Spherical => {
                let mut all = Vec::with_capacity(k * d);
                for (at, count) in counts.iter().enumerate() {
                    let mut variances: Vec<f64> =
                        (0..d).map(|i| central(at, i, i) / count + options.regularization).collect();
                    if options.covariance == Covariance::Spherical {
                        let mean = variances.iter().sum::<f64>() / d as f64;
                        variances.fill(mean);
                    }
                    if variances.iter().any(|variance| !(*variance > 0.0 && variance.is_finite())) {
                        return Err(ClusteringError::Collapsed { component: at + 1 });
                    }
                    all.extend(variances.iter().map(|variance| 1.0 / variance.sqrt()));
                }
                Whitening::Diagonals(all)
            }
        };
        let weights = counts.iter().map(|count| count / total).collect();
        Ok(Mixture { width: d, weights, means, whitening })
    }
}

/// The inverse of the lower Cholesky factor, row-major; none when the matrix is not positive definite.
fn inverse_factor(matrix: DMatrix<f64>) -> Option<Vec<f64>> {
    let d = matrix.nrows();
    let factor = matrix.cholesky()?.unpack();
    let inverse = factor.solve_lower_triangular(&DMatrix::identity(d, d))?;
    let values: Vec<f64> = (0..d * d).map(|at| inverse[(at / d, at % d)]).collect();
    values.iter().all(|value| value.is_finite()).then_some(values)
}
