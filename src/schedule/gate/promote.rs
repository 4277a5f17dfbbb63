//! What a run hands on, as it stands in a job file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Ordered, Spanned};

/// What becomes current when all conditions hold: a name, and the file or folder that the run writes, below the served folder.
///
/// It is copied to `models/NAME/versions/RUN`, and `models/NAME/current` is switched to it in one step. A folder becomes the version
/// itself (`models/NAME/current` is then a model that `predict` takes), a file stands in it under its own name
/// (`models/NAME/current/table.parquet`).
///
/// ```yaml
/// promote: {late_flights: out/model, flights: out/flights.parquet}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Promote(pub Ordered<Spanned<String>>);

impl Promote {
    /// Whether nothing is promoted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names in the order of the file, each with the path as it was written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, path)| (name.value.as_str(), path.value.as_str()))
    }
}
