//! The end of a network: what its outputs mean.

use super::layers::{Activation, Dense, LayerSpec};
use super::math::{exp, sigmoid};
use super::simd::vectorized;
use serde::{Deserialize, Serialize};

/// What the network is asked. The layer before a head has no activation: it gives *logits*, which a loss reads, and
/// which the head turns into predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Head {
    /// Yes or no: one logit; the sigmoid makes it the probability of yes.
    Binary,
    /// One class of several: a logit for each; the softmax makes them probabilities that sum to 1.
    Multiclass {
        /// How many classes; at least 2.
        classes: usize,
    },
    /// Any of several labels: a logit for each; the sigmoid makes each a probability by itself.
    Multilabel {
        /// How many labels; at least 1.
        labels: usize,
    },
    /// Numbers, as they come.
    Regression {
        /// How many numbers for a row; at least 1.
        outputs: usize,
    },
    /// Counts: the logarithm of the expected number.
    Counts {
        /// How many counts for a row; at least 1.
        outputs: usize,
    },
}

impl Head {
    /// How many numbers a row of predictions has, and how many logits it is made of.
    pub fn width(self) -> usize {
        match self {
            Self::Binary => 1,
            Self::Multiclass { classes: width }
            | Self::Multilabel { labels: width }
            | Self::Regression { outputs: width }
            | Self::Counts { outputs: width } => width,
        }
    }

    /// Errors: a number of classes or outputs that asks nothing.
    pub(crate) fn check(self) -> Result<(), String> {
        match self {
            Self::Multiclass { classes: classes @ ..2 } => {
                Err(format!("a multiclass head needs at least 2 classes, it has {classes}"))
            }
            Self::Multilabel { labels: 0 } => Err("a multilabel head needs at least 1 label, it has 0".to_owned()),
            Self::Regression { outputs: 0 } => Err("a regression head needs at least 1 output, it has 0".to_owned()),
            Self::Counts { outputs: 0 } => Err("a head of counts needs at least 1 output, it has 0".to_owned()),
            _ => Ok(()),
        }
    }

    /// The layer that gives the logits.
    pub(crate) fn layer(self) -> LayerSpec {
        LayerSpec::Dense(Dense { units: self.width(), activation: Activation::Linear, ..Dense::default() })
    }

    /// How the prediction `column` of a row changes with each of its logits.
    pub(crate) fn derivative(self, logits: &[f32], column: usize, gradient: &mut [f32]) {
        gradient.copy_from_slice(logits);
        self.finish(gradient);
        let p = gradient[column];
        match self {
            // dp_c / dz_j = p_c (δ_cj - p_j)
            Self::Multiclass { .. } => {
                gradient.iter_mut().for_each(|q| *q *= -p);
                gradient[column] += p;
            }
            _ => {
                gradient.fill(0.0);
                gradient[column] = match self {
                    Self::Binary | Self::Multilabel { .. } => p * (1.0 - p),
                    Self::Counts { .. } => p,
                    _ => 1.0,
                };
            }
        }
    }

    /// Turns logits `[n, width]` into predictions in place.
    pub fn finish(self, logits: &mut [f32]) {
        match self {
            Self::Binary | Self::Multilabel { .. } => {
                vectorized(
                    #[inline(always)]
                    || logits.iter_mut().for_each(|z| *z = sigmoid(*z)),
                );
            }
            Self::Multiclass { classes } => Activation::Softmax.apply(logits, classes),
            Self::Counts { .. } => vectorized(
                #[inline(always)]
                || logits.iter_mut().for_each(|z| *z = exp(*z)),
            ),
            Self::Regression { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_become_predictions() {
        let finish = |head: Head, mut z: Vec<f32>| {
            head.finish(&mut z);
            z
        };
        assert_eq!(finish(Head::Binary, vec![0.0]), [0.5]);
        assert_eq!(finish(Head::Multilabel { labels: 2 }, vec![0.0, 100.0]), [0.5, 1.0]);
        assert_eq!(finish(Head::Multiclass { classes: 2 }, vec![3.0, 3.0]), [0.5, 0.5]);
        assert_eq!(finish(Head::Regression { outputs: 1 }, vec![-3.0]), [-3.0]);
        assert_eq!(finish(Head::Counts { outputs: 1 }, vec![0.0]), [1.0]);
    }
}
