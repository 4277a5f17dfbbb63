//! A training that goes on where one with fewer epochs ended.

use std::path::PathBuf;

use super::Train;
use crate::diagnostic::Findings;
use crate::stages::{PlanContext, Planned, Shape, Stage};

/// A `train` stage that goes on from a state, where there is one, and leaves its own there. The state is that of the same training with fewer
/// epochs: then it ends with the same network, bit for bit, as if it had begun from the start. Where the schedule of the learning rate
/// depends on the number of epochs that would not be so: there it begins anew, and leaves nothing.
#[derive(Debug, Clone)]
pub struct Continued {
    /// The stage as it is written.
    pub train: Train,
    /// The file of the state.
    pub state: PathBuf,
}

impl Stage for Continued {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        self.train.planned(shapes, context, Some(&self.state))
    }
}
