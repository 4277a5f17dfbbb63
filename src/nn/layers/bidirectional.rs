//! A sequence read from both ends.

use super::LayerSpec;
use serde::{Deserialize, Serialize};

/// An LSTM or a GRU that reads forward and another that reads backward, their outputs side by side: `[n, length, 2
/// units]`, or `[n, 2 units]`.
///
/// It is no layer of its own: it becomes the two layers and a [`super::Concatenate`].
///
/// Source: Schuster & Paliwal 1997, *Bidirectional recurrent neural networks*.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bidirectional {
    /// The layer that is doubled.
    pub layer: Box<LayerSpec>,
}

impl Bidirectional {
    /// The layer that reads forward and the one that reads backward.
    ///
    /// Errors: a layer that does not read sequences place by place, or one that already reads backward.
    pub(crate) fn directions(&self) -> Result<[LayerSpec; 2], String> {
        let layer = &*self.layer;
        let (reads_backward, other) = match layer {
            LayerSpec::Lstm(lstm) => (lstm.backward, LayerSpec::Lstm(super::Lstm { backward: true, ..*lstm })),
            LayerSpec::Gru(gru) => (gru.backward, LayerSpec::Gru(super::Gru { backward: true, ..*gru })),
            other => {
                return Err(format!("bidirectional doubles an lstm or a gru, not {}", other.kind()));
            }
        };
        if reads_backward {
            return Err("bidirectional doubles a layer that reads forward, this one reads backward".to_owned());
        }
        Ok([layer.clone(), other])
    }
}
