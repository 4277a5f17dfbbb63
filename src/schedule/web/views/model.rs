//! Versions of models and outputs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Moment;
use crate::schedule::store;
use crate::schedule::store::{Object, PromotionState};

/// A version of a model or an output, with its verdict.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Promotion {
    /// Its number; pages go by it.
    pub(crate) number: i64,
    /// The model or output.
    pub(crate) name: String,
    /// The version.
    pub(crate) version: String,
    /// The job that made it.
    pub(crate) job: String,
    /// The run that made it.
    pub(crate) run: String,
    /// `current`, `former` or `refused`.
    #[schema(value_type = String)]
    pub(crate) state: PromotionState,
    /// The promotion that this one restores.
    pub(crate) restores: Option<i64>,
    /// Why it was refused.
    pub(crate) reason: Option<String>,
    /// What the verdict rests on.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub(crate) metrics: Object,
    /// Who decided.
    pub(crate) decided_by: String,
    /// When.
    pub(crate) decided: Moment,
    /// When it became the current one on disk.
    pub(crate) published: Option<Moment>,
}

impl From<store::Promotion> for Promotion {
    fn from(each: store::Promotion) -> Self {
        Self {
            number: each.number,
            name: each.name,
            version: each.version,
            job: each.job,
            run: each.run.to_string(),
            state: each.state,
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
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedVersion {
    /// The number of a promotion of that model.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub(crate) promotion: i64,
}
