//! A job file as it is written. The comments of the options are the reference: they become the JSON Schema that editors show.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::AfterCrash;
use super::size::Size;
use crate::definition::{Node, Ordered, Spanned};
use crate::schedule::gate::{Promote, Require};
use crate::schedule::notify::ChannelOptions;
use crate::schedule::retention::Keep;
use crate::schedule::retry::Retries;
use crate::schedule::{Catchup, Overlap, Period, Schedule};

/// A job: a pipeline that runs by itself, when a time has come, when files have changed, after another job or when it is called.
///
/// A job file stands in the folder `jobs` of the folder that is served; its name without `.yaml` is the name of the job: lower-case letters,
/// digits, `_` and `-`, at most 64. A file that changes is read again; one with a mistake is shown with it, and the last good version
/// stays in force.
///
/// ```yaml
/// pipeline: pipelines/flights.yaml
/// schedule: {cron: "0 2 * * *", zone: Europe/Berlin}
/// ```
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "gristmill job")]
#[expect(
    dead_code,
    reason = "some are read from the file once more, each on its own, so that all that is wrong with them is told"
)]
pub(super) struct Written {
    /// What the job is for, in words.
    pub(super) description: Option<String>,
    /// The pipeline file, relative to the served folder and inside of it, wherever links lead.
    pub(super) pipeline: Spanned<String>,
    /// Values for the pipeline's parameters.
    ///
    /// In texts, `${schedule.time}` stands for the moment at which the run was due (`2026-11-28T01:00:00Z`, in UTC), `${schedule.date}`
    /// for its date in the zone of the schedule, `${run.id}` for the run. For a job with partitions, `${partition.key}` stands for the
    /// partition, `${partition.start}` and `${partition.end}` for the first day of a day or month and the day behind its last,
    /// `${partition.path}` for the path of a file. A run that somebody asks for was due when it was asked for. `$${` is `${` itself.
    ///
    /// Parameters are kept with each run and shown. Secrets do not belong here: a pipeline takes them from the environment with
    /// `${env:NAME}`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub(super) parameters: Ordered<Node>,
    /// When it runs by time.
    pub(super) schedule: Option<Schedule>,
    /// Files whose change starts it.
    pub(super) files: Option<WrittenFiles>,
    /// Jobs after whose success it runs, each time one of them succeeds.
    #[serde(default)]
    pub(super) after: Vec<Spanned<String>>,
    /// Whether a program with the token may start it by HTTP; `true` when absent.
    #[serde(default = "yes")]
    pub(super) http: bool,
    /// What it is run for: each day, month or file, one run each.
    pub(super) partitions: Option<WrittenPartitions>,
    /// Which missed occurrences of the schedule still run: `none`, `latest` or `all`; `latest` when absent.
    #[serde(default)]
    pub(super) catchup: Catchup,
    /// What happens when it is due while an earlier run has not ended: `skip`, `queue`, `replace` or `allow`; `skip` when absent.
    #[serde(default)]
    pub(super) overlap: Overlap,
    /// How often a failed run is tried again; 0 when absent.
    #[serde(default)]
    pub(super) retries: Retries,
    /// How long a run may take, all its tries together. Without it there is no limit.
    pub(super) timeout: Option<Period>,
    /// How long one stage may take. Without it there is no limit.
    pub(super) stage_timeout: Option<Period>,
    /// Runs of a higher priority start first, from -1000 to 1000; 0 when absent.
    #[serde(default)]
    pub(super) priority: Spanned<i64>,
    /// How many runs of the job may be at work at the same time. Without it, as many as `overlap` and backfills let.
    pub(super) runs: Option<Spanned<u32>>,
    /// How much memory a run may take, such as `4GiB`, at least 64 MiB. The server starts no more runs than the memory it may give
    /// is enough for. Without it, a run takes what `gristmill run` takes, and is not counted.
    pub(super) memory: Option<Spanned<Size>>,
    /// How many cores a run uses. The server starts no more runs than it has cores for. Without it, a run uses all, and is
    /// not counted.
    pub(super) cores: Option<Spanned<u32>>,
    /// What becomes of a run whose worker or server died: `leave`, `resume` or `again`; `leave` when absent.
    #[serde(default)]
    pub(super) after_crash: AfterCrash,
    /// How much of the history is kept.
    #[serde(default)]
    pub(super) keep: Keep,
    /// Conditions on a run that ended well. When one does not hold, nothing is promoted.
    #[serde(default)]
    pub(super) require: Vec<Require>,
    /// What becomes current when all conditions hold.
    #[serde(default)]
    pub(super) promote: Promote,
    /// Who is told of what.
    #[serde(default)]
    pub(super) notify: Vec<ChannelOptions>,
    /// `true` pauses the job: it starts by hand only. `false` when absent. `gristmill jobs pause` does the same without a change of the file.
    #[serde(default)]
    pub(super) paused: bool,
}

fn yes() -> bool {
    true
}

/// Files whose change starts a job.
///
/// The job is due when some file of the pattern is new or other than when it was due last (its size, its time or its number in
/// the file system), and none has changed for the stated time, so that half-written files start nothing. Files that only went away
/// start nothing. What is there when the server sees the job for the first time counts as known. At most 10,000 files.
///
/// ```yaml
/// files: {path: "incoming/*.csv", settled: 30s}
/// ```
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenFiles {
    /// A file, a folder with everything below it, or a pattern, relative to the served folder: `*` and `?` stand for characters of a
    /// name, `[abc]` for one of them, `**` for any folders. Names that begin with a full stop are hidden from these.
    pub(super) path: Spanned<String>,
    /// So long no file of the pattern must have changed; 30 seconds when absent.
    pub(super) settled: Option<Period>,
}

/// What a job is run for, one run each.
///
/// A day or month is run when it has ended. A run that is due by time is for the one that ended last: at any time of 3 May for 2 May, or, with
/// months, for April. Of files, each is run that has not been run well. `gristmill jobs backfill` runs those of a range that are
/// missing.
///
/// ```yaml
/// partitions: {days: {from: 2026-01-01}}
/// ```
/// ```yaml
/// partitions: {files: "incoming/*.csv"}
/// ```
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum WrittenPartitions {
    /// Each day.
    Days(WrittenSpan),
    /// Each month.
    Months(WrittenSpan),
    /// Each file of a pattern, as in `files`.
    Files(Spanned<String>),
}

/// The days or months of a job.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSpan {
    /// The first: `2026-01-31`, or `2026-01` for months.
    pub(super) from: Spanned<String>,
    /// The last; without it, they go on.
    pub(super) to: Option<Spanned<String>>,
    /// The time zone in which they end, by its name in the IANA database; without it, that of the schedule, or UTC.
    pub(super) zone: Option<Spanned<String>>,
}
