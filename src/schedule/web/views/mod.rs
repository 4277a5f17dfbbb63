//! What the API shows: each thing of the store as JSON, and no more of it than a client needs.

mod backfill;
mod job;
mod model;
mod record;
mod run;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

pub(super) use backfill::{Backfill, BackfillInFull, BackfillItem, WantedBackfill};
pub(super) use job::{Job, JobInFull, Occurrence, Partition};
pub(super) use model::{Promotion, WantedVersion};
pub(super) use record::{AuditEntry, Notification};
pub(super) use run::{Accepted, Run, RunInFull, Stopped, WantedRun};

use crate::schedule::store;

/// A moment, as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-27T17:36:32Z")]
pub(crate) struct Moment(pub(crate) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map(Self)
            .map_err(|_| serde::de::Error::custom("this is no moment, as `2026-11-27T17:36:32Z` is one"))
    }
}

/// A list in pages, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// What is on this page.
    items: Vec<T>,
    /// What to give as `before` for the next page; null on the last one.
    next: Option<i64>,
}

impl<T, U: From<T>> From<store::Page<T>> for Page<U> {
    fn from(page: store::Page<T>) -> Self {
        Self { items: page.items.into_iter().map(U::from).collect(), next: page.next }
    }
}

/// Whether something was changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changed {
    /// False when it was so before.
    pub(crate) changed: bool,
}
