//! A job as it is used: checked, with every default filled in.

use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::check::Checked;
use super::files::Watch;
use super::partitions::Partitions;
use super::written::Written;
use crate::definition::Spanned;
use crate::diagnostic::{Findings, Source};
use crate::schedule::gate::{Promote, Require};
use crate::schedule::notify::Channel;
use crate::schedule::queue::{Limits, Needs};
use crate::schedule::retention::Keep;
use crate::schedule::retry::Retries;
use crate::schedule::{Catchup, Overlap, Period, Schedule, Trigger};

/// What becomes of a run whose worker or server died.
///
/// The dead run is recorded as lost in any case, and its processes are ended. Retries are for runs that failed; a lost one is taken up
/// again only where the job says so here, at most three times in a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AfterCrash {
    /// Nothing more: it stays lost.
    #[default]
    Leave,
    /// A new run takes from the cache what the dead one had finished, and goes on from there.
    Resume,
    /// A new run begins from the start and takes nothing from the cache.
    Again,
}

/// A job file that was read and checked.
#[derive(Debug, Clone)]
pub struct Definition {
    /// The name of the job: the stem of its file.
    pub name: String,
    /// What it is for, in words.
    pub description: Option<String>,
    /// The pipeline, relative to the served folder, with `/` between folders. Ask [`Definition::locate`] before each start.
    pub pipeline: PathBuf,
    /// The values of the pipeline's parameters as they were written, see [`super::parameters::fill`].
    pub parameters: Map<String, Value>,
    /// When it is due by time.
    pub schedule: Option<Trigger>,
    /// The same as it was written, for people.
    pub schedule_as_written: Option<Schedule>,
    /// The files whose change starts it.
    pub files: Option<Watch>,
    /// The jobs after whose success it runs.
    pub after: Vec<Spanned<String>>,
    /// Whether a program may start it by HTTP.
    pub http: bool,
    /// The days, months or files that it is run for.
    pub partitions: Option<Partitions>,
    /// Which missed occurrences still run.
    pub catchup: Catchup,
    /// What happens when it is due while it runs.
    pub overlap: Overlap,
    /// How often a failed run is tried again.
    pub retries: Retries,
    /// How long a run may take, all its tries together.
    pub timeout: Option<Period>,
    /// How long a stage of it may take.
    pub stage_timeout: Option<Period>,
    /// Higher ones start first.
    pub priority: i64,
    /// How many of its runs may be at work at a time.
    pub runs: Option<u32>,
    /// What a run may take of the memory, in bytes, at least 64 MiB.
    pub memory: Option<u64>,
    /// How many cores a run uses.
    pub cores: Option<u32>,
    /// What becomes of a run whose worker or server died.
    pub after_crash: AfterCrash,
    /// What is kept of its history.
    pub keep: Keep,
    /// Conditions on a run that ended well.
    pub require: Vec<Require>,
    /// What becomes current when they hold.
    pub promote: Promote,
    /// Who is told what.
    pub notify: Vec<Channel>,
    /// Whether its file pauses it: nothing starts it by itself then.
    pub paused: bool,
    /// What is worth a look though it works.
    pub warnings: Findings,
    /// The file as data: as it was written, without what was left out.
    pub written: Value,
    /// The text of the file.
    pub source: Arc<Source>,
}

impl Definition {
    /// What its runs may take together.
    pub fn limits(&self) -> Limits {
        Limits { runs: self.runs, memory: None, cores: None }
    }

    /// What one run takes. A run without `memory` or `cores` counts as taking none: only the number of runs limits it.
    pub fn needs(&self) -> Needs {
        Needs { memory: self.memory.unwrap_or(0), cores: self.cores.unwrap_or(0) }
    }
}

/// Puts a definition together from its parts, all of which are right.
pub(super) fn assemble(
    name: &str,
    written: Written,
    checked: Checked,
    warnings: Findings,
    data: Value,
    source: &Arc<Source>,
) -> Definition {
    let parameters = match data.get("parameters") {
        Some(Value::Object(parameters)) => parameters.clone(),
        _ => Map::new(),
    };
    Definition {
        name: name.to_owned(),
        description: written.description,
        pipeline: checked.pipeline,
        parameters,
        schedule: checked.schedule,
        schedule_as_written: written.schedule,
        files: checked.files,
        after: written.after,
        http: written.http,
        partitions: checked.partitions,
        catchup: written.catchup,
        overlap: written.overlap,
        retries: written.retries,
        timeout: written.timeout,
        stage_timeout: written.stage_timeout,
        priority: written.priority.value,
        runs: written.runs.map(|runs| runs.value),
        memory: written.memory.map(|memory| memory.value.0),
        cores: written.cores.map(|cores| cores.value),
        after_crash: written.after_crash,
        keep: written.keep,
        require: written.require,
        promote: written.promote,
        notify: checked.notify,
        paused: written.paused,
        warnings,
        written: data,
        source: Arc::clone(source),
    }
}
