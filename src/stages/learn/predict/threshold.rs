//! The option `threshold`: a probability, or the one that was chosen when the model was evaluated.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{NumberOr, Word};

/// From which probability on yes is predicted.
pub type Threshold = NumberOr<KnownThreshold>;

/// A threshold that is known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KnownThreshold {
    /// The one that was chosen when the model was evaluated.
    Chosen,
}

impl Word for KnownThreshold {
    const EXPECTED: &'static str = "a probability, or `chosen`";
}
