//! The end of a network: what its outputs mean.

use super::layers::{Activation, LayerSpec, sigmoid};
use super::loss::{Loss, softmax};
use serde::{Deserialize, Serialize};

/// What the network is asked. Each head is a dense layer without activation that gives *logits*, a loss that reads
/// them, and a function that turns them into predictions.
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
    /// Numbers, as they come.
    Regression {
        /// How many numbers for a row; at least 1.
        outputs: usize,
    },
}

impl Head {
    /// The loss that trains this head.
    pub fn loss(self) -> Loss {
        match self {
            Self::Binary => Loss::BinaryCrossEntropy { width: 1 },
            Self::Multiclass { classes } => Loss::CrossEntropy { classes },
            Self::Regression { outputs } => Loss::SquaredError { width: outputs },
        }
    }

    /// How many numbers a row of predictions has.
    pub fn width(self) -> usize {
        self.loss().width()
    }

    /// The layer that gives the logits.
    ///
    /// Errors: a number of classes or outputs that asks nothing.
    pub(crate) fn layer(self) -> Result<LayerSpec, String> {
        match self {
            Self::Multiclass { classes: classes @ ..2 } => {
                Err(format!("a multiclass head needs at least 2 classes, it has {classes}"))
            }
            Self::Regression { outputs: 0 } => Err("a regression head needs at least 1 output, it has 0".to_owned()),
            _ => Ok(LayerSpec::Dense { units: self.width(), activation: Activation::Linear }),
        }
    }

    /// Turns logits `[n, width]` into predictions in place.
    pub(crate) fn finish(self, logits: &mut [f32]) {
        match self {
            Self::Binary => logits.iter_mut().for_each(|z| *z = sigmoid(*z)),
            Self::Multiclass { classes } => logits.chunks_exact_mut(classes.max(1)).for_each(|row| {
                softmax(row);
            }),
            Self::Regression { .. } => {}
        }
    }
}
