//! What conditions are judged by.

use std::collections::BTreeMap;

use crate::run::manifest::RunRecord;
use crate::schedule::store::Object;

/// What conditions are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The record of the run that ended well.
    pub record: &'a RunRecord,
    /// The record of the last run of the job before it that succeeded and that no gate refused; none when there was none, or when
    /// its record is gone. A refused run is none, or what was refused today would be what tomorrow is compared with.
    pub last_success: Option<&'a RunRecord>,
    /// For each name under `promote` that has a current version the metrics that were kept with it, see
    /// [`metrics`](super::metrics).
    pub champions: &'a BTreeMap<String, Object>,
}
