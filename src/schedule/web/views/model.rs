//! Versions of models and outputs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Moment;
use crate::schedule::store;
use crate::schedule::store::Object;

/// A version of a model or an output, with its verdict.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Promotion {
    /// Its number; pages go by it.
    number: i64,
    /// The model or output.
    name: String,
    /// The version.
    version: String,
    /// The job that made it.
    job: String,
    /// The run that made it.
    run: String,
    /// `current`, `former` or `refused`.
    state: &'static str,
    /// The promotion that this one restores.
    restores: Option<i64>,
    /// Why it was refused.
    reason: Option<String>,
    /// What the verdict rests on.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    metrics: Object,
    /// Who decided.
    decided_by: String,
    /// When.
    decided: Moment,
    /// When it became the current one on disk.
    published: Option<Moment>,
}

impl From<store::Promotion> for Promotion {
    fn from(each: store::Promotion) -> Self {
        Self {
            number: each.number,
            name: each.name,
            version: each.version,
            job: each.job,
            run: each.run.to_string(),
            state: each.state.word(),
            restores: each.restores,
            reason: each.reason,
            metrics: each.metrics,
            decided_by: each.decided_by,
            decided: Moment(each.decided),
            published: each.published.map(Moment),
        }
    }
}

/// Which version to restore.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedVersion {
    /// The number of a promotion of that model.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub(crate) promotion: i64,
}
