//! What the API shows: each thing of the store as JSON, and no more of it than a client needs. The server writes it, and the
//! commands that speak to a server read it.

mod backfill;
mod health;
mod job;
mod log;
mod model;
mod record;
mod run;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

pub(crate) use backfill::{Backfill, BackfillInFull, BackfillItem, WantedBackfill};
pub(crate) use health::{Health, SERVER};
pub(crate) use job::{Job, JobInFull, Keys, Occurrence, Occurrences, Partition, Partitions, Times};
pub(crate) use log::LogPart;
pub(crate) use model::{Promotion, WantedVersion};
pub(crate) use record::{AuditEntry, Notification};
pub(crate) use run::{Accepted, Outcome, Run, RunInFull, Stopped, WantedRun};

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
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Page<T> {
    /// What is on this page.
    pub(crate) items: Vec<T>,
    /// What to give as `before` for the next page; null on the last one.
    pub(crate) next: Option<i64>,
}

impl<T, U: From<T>> From<store::Page<T>> for Page<U> {
    fn from(page: store::Page<T>) -> Self {
        Self { items: page.items.into_iter().map(U::from).collect(), next: page.next }
    }
}

/// Whether something was changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Changed {
    /// False when it was so before.
    pub(crate) changed: bool,
}
