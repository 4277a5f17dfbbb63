//! Backfills.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Moment;
use crate::schedule::store;
use crate::schedule::store::{BackfillState, ItemState, Object};

/// A backfill.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Backfill {
    /// Its number; pages go by it.
    pub(crate) number: i64,
    /// The job.
    pub(crate) job: String,
    /// The first partition of the range.
    pub(crate) from: String,
    /// The last one.
    pub(crate) to: String,
    /// How many partitions at a time.
    pub(crate) parallelism: u32,
    /// `running`, `stopped`, `succeeded` or `failed`.
    #[schema(value_type = String)]
    pub(crate) state: BackfillState,
    /// Who asked.
    pub(crate) requested_by: String,
    /// When.
    pub(crate) created: Moment,
    /// When it ended.
    pub(crate) ended: Option<Moment>,
    /// Partitions whose turn has not come.
    pub(crate) pending: u32,
    /// Partitions whose run waits or works.
    pub(crate) active: u32,
    /// Partitions that ended well.
    pub(crate) succeeded: u32,
    /// Partitions that ended otherwise.
    pub(crate) failed: u32,
}

impl From<store::Backfill> for Backfill {
    fn from(each: store::Backfill) -> Self {
        Self {
            number: each.number,
            job: each.job,
            from: each.first,
            to: each.last,
            parallelism: each.parallelism,
            state: each.state,
            requested_by: each.requested_by,
            created: Moment(each.created),
            ended: each.ended.map(Moment),
            pending: each.pending,
            active: each.active,
            succeeded: each.succeeded,
            failed: each.failed,
        }
    }
}

/// A backfill with its partitions.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct BackfillInFull {
    /// The backfill.
    #[serde(flatten)]
    pub(crate) backfill: Backfill,
    /// Its partitions in order, after the place asked for.
    pub(crate) items: Vec<BackfillItem>,
}

/// A partition of a backfill.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct BackfillItem {
    /// Its place in the order, from 0.
    pub(crate) position: i64,
    /// Its key.
    pub(crate) partition: String,
    /// `pending`, or the state of its last run.
    #[schema(value_type = String)]
    pub(crate) state: ItemState,
    /// That run.
    pub(crate) run: Option<String>,
}

impl From<store::BackfillItem> for BackfillItem {
    fn from(each: store::BackfillItem) -> Self {
        Self {
            position: each.position,
            partition: each.partition,
            state: each.state,
            run: each.run.map(|run| run.to_string()),
        }
    }
}

/// What is wanted of a new backfill.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedBackfill {
    /// The first partition; without it from the first there is.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 1000, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$", example = "2026-01-01")]
    pub(crate) from: Option<String>,
    /// The last one; without it up to the last there is.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 1000, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$", example = "2026-01-31")]
    pub(crate) to: Option<String>,
    /// How many at a time.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1000)]
    pub(crate) parallelism: u32,
    /// Whether partitions that have ended well are run too.
    #[serde(default)]
    pub(crate) again: bool,
    /// Parameters in place of those in the job's file.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub(crate) parameters: Object,
}

fn one() -> u32 {
    1
}
