//! Linear regression that finds by itself how much to shrink its coefficients.
//!
//! Bayesian ridge regression: a normal prior on the coefficients, whose precision and that of the noise are those that make
//! the data most likely (MacKay 1992; Tipping 2001), with the priors and the stopping rule of scikit-learn.

use super::symmetric::eigen;

/// Precision of the priors of both precisions.
const PRIOR: f64 = 1e-6;
/// Steps at most.
const STEPS: usize = 300;
/// The sum of changes of the coefficients that ends the search.
const SETTLED: f64 = 1e-3;

/// What a regression is computed from: sums over rows of features x and target y, with their means taken off.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// Number of rows.
    pub(super) count: usize,
    /// Mean of each feature.
    pub(super) means: Vec<f64>,
    /// Mean of the target.
    pub(super) mean: f64,
    /// `[w, w]`: sums of products of two features.
    pub(super) xx: Vec<f64>,
    /// `[w]`: sums of products of a feature and the target.
    pub(super) xy: Vec<f64>,
    /// The sum of squares of the target.
    pub(super) yy: f64,
}

/// `y = intercept + sum(coefficients * x)`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Regression {
    pub(super) intercept: f64,
    pub(super) coefficients: Vec<f64>,
}

/// The regression of these sums. O(w^3) for w features, and O(w^2) a step.
pub(super) fn regress(sums: &Sums) -> Regression {
    let width = sums.means.len();
    let (values, vectors) = eigen(&sums.xx, width);
    // What is below 0 is rounding.
    let values: Vec<f64> = values.into_iter().map(|value| value.max(0.0)).collect();
    let rotated: Vec<f64> = (0..width).map(|k| (0..width).map(|i| vectors[i * width + k] * sums.xy[i]).sum()).collect();
    let variance = sums.yy / sums.count.max(1) as f64;
    let (mut noise, mut prior) = (1.0 / (variance + f64::EPSILON), 1.0);
    let mut before: Option<Vec<f64>> = None;
    for _ in 0..STEPS {
        let (coefficients, error) = solve(sums, &values, &vectors, &rotated, prior / noise);
        let known: f64 = values.iter().map(|value| noise * value / (prior + noise * value)).sum();
        let length: f64 = coefficients.iter().map(|c| c * c).sum();
        prior = (known + 2.0 * PRIOR) / (length + 2.0 * PRIOR);
        noise = (sums.count as f64 - known + 2.0 * PRIOR) / (error + 2.0 * PRIOR);
        if let Some(before) = &before
            && before.iter().zip(&coefficients).map(|(a, b)| (a - b).abs()).sum::<f64>() < SETTLED
        {
            break;
        }
        before = Some(coefficients);
    }
    let (coefficients, _) = solve(sums, &values, &vectors, &rotated, prior / noise);
    let intercept = sums.mean - coefficients.iter().zip(&sums.means).map(|(c, mean)| c * mean).sum::<f64>();
    Regression { intercept, coefficients }
}

/// The coefficients for a ratio of prior to noise, and the sum of squared errors that they leave.
fn solve(sums: &Sums, values: &[f64], vectors: &[f64], rotated: &[f64], ratio: f64) -> (Vec<f64>, f64) {
    let width = values.len();
    let shrunk: Vec<f64> = rotated
        .iter()
        .zip(values)
        .map(|(r, value)| if value + ratio > 0.0 { r / (value + ratio) } else { 0.0 })
        .collect();
    let coefficients: Vec<f64> =
        (0..width).map(|i| (0..width).map(|k| vectors[i * width + k] * shrunk[k]).sum()).collect();
    // |y - Xc|^2 in the axes of the eigenvectors.
    let explained: f64 = shrunk.iter().zip(rotated).zip(values).map(|((s, r), value)| s * (2.0 * r - value * s)).sum();
    (coefficients, (sums.yy - explained).max(0.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn coefficients_are_those_of_scikit_learn() {
        let oracle: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/data/oracle/preparation_sklearn.json")).unwrap();
        for case in oracle["bayesian_ridge"].as_array().unwrap() {
            let numbers =
                |value: &serde_json::Value| value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
            let rows: Vec<Vec<f64>> = case["x"].as_array().unwrap().iter().map(numbers).collect();
            let y: Vec<f64> = numbers(&case["y"]);
            let (n, width) = (rows.len() as f64, rows[0].len());
            let means: Vec<f64> = (0..width).map(|i| rows.iter().map(|row| row[i]).sum::<f64>() / n).collect();
            let mean = y.iter().sum::<f64>() / n;
            let centered = |row: usize, i: usize| rows[row][i] - means[i];
            let sum = |f: &dyn Fn(usize) -> f64| (0..rows.len()).map(f).sum::<f64>();
            let sums = Sums {
                count: rows.len(),
                mean,
                xx: (0..width * width).map(|k| sum(&|r| centered(r, k / width) * centered(r, k % width))).collect(),
                xy: (0..width).map(|i| sum(&|r| centered(r, i) * (y[r] - mean))).collect(),
                yy: sum(&|r| (y[r] - mean).powi(2)),
                means: means.clone(),
            };
            let found = regress(&sums);
            let expected: Vec<f64> = numbers(&case["coefficients"]);
            for (found, expected) in found.coefficients.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-8, "{}: {found} {expected}", case["name"]);
            }
            assert!((found.intercept - case["intercept"].as_f64().unwrap()).abs() < 1e-8, "{}", case["name"]);
        }
    }
}
