//! Linear and logistic regression with an L2 penalty.
//!
//! Minimized is `Σ loss(y_i, x_i W + b) + λ/2 |W|²`; the intercepts `b` are not penalized. With `λ = 1 / C` this is what
//! scikit-learn's `LogisticRegression` minimizes, with squared errors and `λ = alpha` what its `Ridge` does. The search runs in
//! centred and scaled features, which is another way to write down the same minimum, so that columns of very different size
//! need no more steps.
//!
//! Complexity: a step costs two passes over the stored numbers, times the number of outputs.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use super::lbfgs::minimize;
use super::{Error, Matrix};

/// How wrong an output is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss<'a> {
    /// Half of the squared error of numbers.
    Squared(&'a [f64]),
    /// The log loss of two classes, 0 and 1.
    Logistic(&'a [u32]),
    /// The log loss of several classes.
    Softmax {
        /// The classes.
        truth: &'a [u32],
        /// How many there are.
        classes: usize,
    },
}

impl Loss<'_> {
    fn rows(&self) -> usize {
        match self {
            Self::Squared(truth) => truth.len(),
            Self::Logistic(truth) | Self::Softmax { truth, .. } => truth.len(),
        }
    }

    fn outputs(&self) -> usize {
        if let Self::Softmax { classes, .. } = self { *classes } else { 1 }
    }

    /// Outputs become their derivatives; gives the sum of the losses.
    fn derive(&self, outputs: &mut Array2<f64>) -> f64 {
        match self {
            Self::Squared(truth) => {
                let mut sum = 0.0;
                for (output, truth) in outputs.iter_mut().zip(*truth) {
                    *output -= truth;
                    sum += *output * *output / 2.0;
                }
                sum
            }
            Self::Logistic(truth) => {
                let mut sum = 0.0;
                for (output, truth) in outputs.iter_mut().zip(*truth) {
                    let yes = f64::from(*truth);
                    // ln(1 + e^z) - y z, without overflow.
                    sum += output.max(0.0) + (-output.abs()).exp().ln_1p() - yes * *output;
                    *output = sigmoid(*output) - yes;
                }
                sum
            }
            Self::Softmax { truth, .. } => {
                let mut sum = 0.0;
                for (mut row, truth) in outputs.rows_mut().into_iter().zip(*truth) {
                    let of_truth = row.get(*truth as usize).copied().unwrap_or(0.0);
                    sum += softmax(row.view_mut()) - of_truth;
                    if let Some(value) = row.get_mut(*truth as usize) {
                        *value -= 1.0;
                    }
                }
                sum
            }
        }
    }
}

fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 { 1.0 / (1.0 + (-z).exp()) } else { z.exp() / (1.0 + z.exp()) }
}

/// Outputs become probabilities; gives the logarithm of the sum of their exponentials.
fn softmax(mut row: ndarray::ArrayViewMut1<'_, f64>) -> f64 {
    let largest = row.fold(f64::NEG_INFINITY, |largest, value| largest.max(*value));
    row.mapv_inplace(|value| (value - largest).exp());
    let sum = row.sum();
    row.mapv_inplace(|value| value / sum);
    largest + sum.ln()
}

/// How far the search goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearOptions {
    /// The penalty `λ`.
    pub penalty: f64,
    /// Steps at most.
    pub steps: usize,
    /// The largest part of the gradient, for each row, at which the search ends.
    pub tolerance: f64,
}

impl Default for LinearOptions {
    fn default() -> Self {
        Self { penalty: 1.0, steps: 200, tolerance: 1e-6 }
    }
}

/// Weights and intercepts.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearModel {
    /// `[p, outputs]`.
    pub weights: Array2<f64>,
    /// `[outputs]`.
    pub intercepts: Array1<f64>,
    /// Whether the search came to an end before its steps did.
    pub converged: bool,
    kind: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    Number,
    Yes,
    Classes,
}

impl LinearModel {
    /// Learns.
    ///
    /// Errors: no rows, targets of another number, a class beyond `classes`, a target that is not finite.
    pub fn fit(features: &Matrix, loss: Loss<'_>, options: &LinearOptions) -> Result<Self, Error> {
        let rows = features.rows();
        if rows == 0 {
            return Err(Error::Empty);
        }
        if loss.rows() != rows {
            return Err(Error::Rows { rows, targets: loss.rows() });
        }
        let (kind, classes) = match loss {
            Loss::Squared(truth) if truth.iter().any(|truth| !truth.is_finite()) => return Err(Error::NotFinite),
            Loss::Squared(_) => (Output::Number, u32::MAX as usize),
            Loss::Logistic(_) => (Output::Yes, 2),
            Loss::Softmax { classes, .. } => (Output::Classes, classes),
        };
        if let Loss::Logistic(truth) | Loss::Softmax { truth, .. } = loss
            && let Some(class) = truth.iter().find(|class| **class as usize >= classes)
        {
            return Err(Error::Class { class: *class, classes });
        }
        // Numbers are learned in units of their own spread: the minimum is the same.
        let (centre, spread) = match loss {
            Loss::Squared(truth) => units(truth),
            _ => (0.0, 1.0),
        };
        let scaled: Vec<f64>;
        let loss = match loss {
            Loss::Squared(truth) => {
                scaled = truth.iter().map(|truth| (truth - centre) / spread).collect();
                Loss::Squared(&scaled)
            }
            other => other,
        };
        let (columns, outputs) = (features.columns(), loss.outputs());
        let (means, variances) = features.moments();
        let count = rows as f64;
        let scales = variances.mapv(|variance| 1.0 / (variance / 4.0 + options.penalty / count + 1e-12).sqrt());
        // From variables to weights: w = v · scale, and the intercept is that of centred features.
        let unpack = |variables: &Array1<f64>| {
            let weights = variables.slice(s![..columns * outputs]).to_owned().into_shape_with_order((columns, outputs));
            let mut weights = weights.unwrap_or_else(|_| Array2::zeros((columns, outputs)));
            for (mut row, scale) in weights.rows_mut().into_iter().zip(&scales) {
                row.mapv_inplace(|weight| weight * scale);
            }
            let intercepts = variables.slice(s![columns * outputs..]).to_owned() - means.dot(&weights);
            (weights, intercepts)
        };
        let function = |variables: &Array1<f64>| {
            let (weights, intercepts) = unpack(variables);
            let mut results = features.times(weights.view()) + &intercepts;
            let sum = loss.derive(&mut results) + options.penalty / 2.0 * weights.iter().map(|w| w * w).sum::<f64>();
            let of_intercepts = results.sum_axis(Axis(0));
            let mut of_weights = features.transposed_times(results.view());
            for ((mut row, mean), (scale, weights)) in
                of_weights.rows_mut().into_iter().zip(&means).zip(scales.iter().zip(weights.rows()))
            {
                for ((slope, intercept), weight) in row.iter_mut().zip(&of_intercepts).zip(weights) {
                    *slope = (*slope - mean * intercept + options.penalty * weight) * scale;
                }
            }
            let gradient = of_weights.iter().chain(&of_intercepts).map(|slope| slope / count).collect();
            (sum / count, gradient)
        };
        let start = Array1::zeros((columns + 1) * outputs);
        let found = minimize(start, options.steps, options.tolerance, function);
        let (weights, intercepts) = unpack(&found.at);
        Ok(Self {
            weights: weights * spread,
            intercepts: intercepts * spread + centre,
            converged: found.converged,
            kind,
        })
    }

    /// Numbers `[n, 1]`, or probabilities of the classes `[n, classes]` with rows that sum to 1 (two of a binary target).
    ///
    /// Errors: another number of columns.
    pub fn predict(&self, features: &Matrix) -> Result<Array2<f64>, Error> {
        if features.columns() != self.weights.nrows() {
            return Err(Error::Shape);
        }
        let mut outputs = features.times(self.weights.view()) + &self.intercepts;
        match self.kind {
            Output::Number => Ok(outputs),
            Output::Yes => Ok(two_classes(outputs.mapv(sigmoid).view())),
            Output::Classes => {
                for row in outputs.rows_mut() {
                    softmax(row);
                }
                Ok(outputs)
            }
        }
    }
}

/// The probabilities of no and of yes, from those of yes.
fn two_classes(yes: ArrayView2<'_, f64>) -> Array2<f64> {
    Array2::from_shape_fn((yes.nrows(), 2), |(row, class)| {
        let yes = yes.get((row, 0)).copied().unwrap_or(0.0);
        if class == 1 { yes } else { 1.0 - yes }
    })
}

/// Mean and standard deviation; 1 where there is none.
fn units(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let centre: f64 = values.iter().map(|value| value / count).sum();
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max((value - centre).abs()));
    let spread =
        largest * (values.iter().map(|value| ((value - centre) / largest).powi(2)).sum::<f64>() / count).sqrt();
    (centre, if spread.is_finite() && spread > 0.0 { spread } else { 1.0 })
}
