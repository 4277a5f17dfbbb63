//! What the API shows: each thing of the store as JSON, and no more of it than a client needs.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;

use crate::schedule::service::JobView;
use crate::schedule::store;
use crate::schedule::store::{Object, RunState};

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

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Job {
    /// Its name.
    #[schema(example = "flights")]
    name: String,
    /// The file that defines it.
    file: String,
    /// What it is for.
    description: Option<String>,
    /// Its pipeline.
    pipeline: Option<String>,
    /// What is wrong with its file as it is now; the last good version stays in force.
    problem: Option<String>,
    /// Whether its file is there: `present` or `gone`.
    state: &'static str,
    /// Since when it is paused.
    paused: Option<Moment>,
    /// The hash of the definition in force.
    definition: Option<String>,
    /// When it is due next.
    next: Option<Moment>,
    /// Its last run.
    last: Option<Run>,
    /// Its last run that ended well.
    last_success: Option<Run>,
    /// How many of its runs wait.
    waiting: u32,
    /// How many are starting or running.
    working: u32,
    /// When any of this changed last.
    changed: Moment,
}

impl From<JobView> for Job {
    fn from(view: JobView) -> Self {
        let definition = view.definition.as_deref();
        let overview = view.overview;
        let job = overview.job;
        Self {
            description: definition.and_then(|definition| definition.description.clone()),
            pipeline: definition.map(|definition| definition.pipeline.display().to_string()),
            name: job.name,
            file: job.file,
            problem: job.problem,
            state: job.state.word(),
            paused: job.paused.map(Moment),
            definition: job.definition,
            next: view.next.map(Moment),
            last: overview.last.map(Run::from),
            last_success: overview.last_success.map(Run::from),
            waiting: overview.waiting,
            working: overview.working,
            changed: Moment(job.changed),
        }
    }
}

/// A job with the text of its definition.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobInFull {
    /// The job.
    #[serde(flatten)]
    pub(crate) job: Job,
    /// The text of the definition in force, as it was written: with references to secrets, not secrets.
    pub(crate) text: Option<String>,
}

/// A run: one attempt at a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Run {
    /// Its place in the order in which runs were asked for; pages go by it.
    number: i64,
    /// Its name.
    #[schema(example = "20261127-173632-00000042")]
    id: String,
    /// Its job.
    job: String,
    /// What asked for it: `schedule`, `interval`, `file`, `job`, `manual`, `api`, `backfill`.
    origin: &'static str,
    /// Where it stands: `queued`, `starting`, `running`, `succeeded`, `failed`, `cancelled`, `timed_out`, `lost`.
    state: &'static str,
    /// The time of its occurrence.
    scheduled: Option<Moment>,
    /// Its partition.
    partition: Option<String>,
    /// The backfill that it belongs to.
    backfill: Option<i64>,
    /// The run of another job whose success asked for it.
    cause: Option<String>,
    /// From 1.
    attempt: u32,
    /// The first attempt.
    root: String,
    /// The attempt before.
    retry_of: Option<String>,
    /// The hash of the definition that it works by.
    definition: String,
    /// As they were written: references to secrets, not secrets.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    parameters: Object,
    /// Who asked for it.
    requested_by: String,
    /// Why it is to end early: `cancel`, `replaced`, `timeout`.
    stop: Option<&'static str>,
    /// Who wants that.
    stop_by: Option<String>,
    /// When it was asked for.
    queued: Moment,
    /// Not to be started earlier.
    not_before: Option<Moment>,
    /// When its worker began.
    started: Option<Moment>,
    /// When it ended.
    ended: Option<Moment>,
    /// The exit code of its worker.
    exit_code: Option<i32>,
    /// What a person should know of its end.
    message: Option<String>,
    /// Rows, quality, accuracy, and what else is followed over runs.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    metrics: Object,
}

impl From<store::Run> for Run {
    fn from(run: store::Run) -> Self {
        Self {
            number: run.number,
            id: run.id.to_string(),
            job: run.job,
            origin: run.origin.word(),
            state: run.state.word(),
            scheduled: run.scheduled.map(Moment),
            partition: run.partition,
            backfill: run.backfill,
            cause: run.cause.map(|cause| cause.to_string()),
            attempt: run.attempt,
            root: run.root.to_string(),
            retry_of: run.retry_of.map(|before| before.to_string()),
            definition: run.definition,
            parameters: run.parameters,
            requested_by: run.requested_by,
            stop: run.stop.map(store::StopReason::word),
            stop_by: run.stop_by,
            queued: Moment(run.queued),
            not_before: run.not_before.map(Moment),
            started: run.started.map(Moment),
            ended: run.ended.map(Moment),
            exit_code: run.exit_code,
            message: run.message,
            metrics: run.metrics,
        }
    }
}

/// A run with its attempts and, while it works, its stages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunInFull {
    /// The run.
    #[serde(flatten)]
    pub(crate) run: Run,
    /// All attempts, the first one first, by name.
    pub(crate) attempts: Vec<String>,
    /// The stages of a run at work.
    pub(crate) live: Option<Value>,
}

/// A time at which a job was to run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Occurrence {
    /// Its time.
    scheduled: Moment,
    /// What became of it: `due`, `started`, `skipped`, `dropped`.
    outcome: &'static str,
    /// Why it was skipped or dropped.
    reason: Option<String>,
    /// Its first run.
    run: Option<String>,
    /// When it was recorded.
    recorded: Moment,
}

impl From<store::Occurrence> for Occurrence {
    fn from(each: store::Occurrence) -> Self {
        Self {
            scheduled: Moment(each.scheduled),
            outcome: each.outcome.word(),
            reason: each.reason,
            run: each.run.map(|run| run.to_string()),
            recorded: Moment(each.recorded),
        }
    }
}

/// A partition of a job that was run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Partition {
    /// Its key.
    key: String,
    /// The state of its last run.
    state: &'static str,
    /// That run.
    run: String,
    /// When a run of it last ended well.
    succeeded: Option<Moment>,
    /// When its state changed.
    changed: Moment,
}

impl From<store::Partition> for Partition {
    fn from(each: store::Partition) -> Self {
        Self {
            key: each.key,
            state: each.state.word(),
            run: each.run.to_string(),
            succeeded: each.succeeded.map(Moment),
            changed: Moment(each.changed),
        }
    }
}

/// A backfill.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Backfill {
    /// Its number; pages go by it.
    number: i64,
    /// The job.
    job: String,
    /// The first partition of the range.
    from: String,
    /// The last one.
    to: String,
    /// How many partitions at a time.
    parallelism: u32,
    /// `running`, `stopped`, `succeeded` or `failed`.
    state: &'static str,
    /// Who asked.
    requested_by: String,
    /// When.
    created: Moment,
    /// When it ended.
    ended: Option<Moment>,
    /// Partitions whose turn has not come.
    pending: u32,
    /// Partitions whose run waits or works.
    active: u32,
    /// Partitions that ended well.
    succeeded: u32,
    /// Partitions that ended otherwise.
    failed: u32,
}

impl From<store::Backfill> for Backfill {
    fn from(each: store::Backfill) -> Self {
        Self {
            number: each.number,
            job: each.job,
            from: each.first,
            to: each.last,
            parallelism: each.parallelism,
            state: each.state.word(),
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
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BackfillInFull {
    /// The backfill.
    #[serde(flatten)]
    pub(crate) backfill: Backfill,
    /// Its partitions in order, after the place asked for.
    pub(crate) items: Vec<BackfillItem>,
}

/// A partition of a backfill.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BackfillItem {
    /// Its place in the order, from 0.
    position: i64,
    /// Its key.
    partition: String,
    /// `pending`, or the state of its last run.
    state: &'static str,
    /// That run.
    run: Option<String>,
}

impl From<store::BackfillItem> for BackfillItem {
    fn from(each: store::BackfillItem) -> Self {
        Self {
            position: each.position,
            partition: each.partition,
            state: each.state.word(),
            run: each.run.map(|run| run.to_string()),
        }
    }
}

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

/// Who did what.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Its number; pages go by it.
    number: i64,
    /// When.
    moment: Moment,
    /// Who: a token, a session or a part of the server.
    #[schema(example = "admin token")]
    who: String,
    /// What was done.
    #[schema(example = "cancel")]
    action: String,
    /// To what: a job, a run, a model.
    subject: String,
    /// More, in plain words.
    detail: String,
}

impl From<store::AuditEntry> for AuditEntry {
    fn from(each: store::AuditEntry) -> Self {
        Self {
            number: each.number,
            moment: Moment(each.moment),
            who: each.who,
            action: each.action,
            subject: each.subject,
            detail: each.detail,
        }
    }
}

/// A message to somebody about a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notification {
    /// Its number; pages go by it.
    number: i64,
    /// The job.
    job: String,
    /// The run that it tells of.
    run: Option<String>,
    /// What it tells of: `failure`, `recovery`, `success`, `gate_refused`.
    event: String,
    /// By which of the job's channels.
    channel: String,
    /// `waiting`, `sent` or `given_up`.
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// When it is tried next.
    next_try: Option<Moment>,
    /// Why it could not be sent last.
    problem: Option<String>,
    /// When it was recorded.
    created: Moment,
    /// When it was sent or given up.
    ended: Option<Moment>,
}

impl From<store::Notification> for Notification {
    fn from(each: store::Notification) -> Self {
        Self {
            number: each.number,
            job: each.job,
            run: each.run.map(|run| run.to_string()),
            event: each.event,
            channel: each.channel,
            state: each.state.word(),
            attempts: each.attempts,
            next_try: each.next_try.map(Moment),
            problem: each.problem,
            created: Moment(each.created),
            ended: each.ended.map(Moment),
        }
    }
}

/// What became of the wish to stop a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stopped {
    /// `ended`: it waited, and has ended. `asked`: it works, and is asked to end. `asked_before`, `ended_before`: nothing changed.
    outcome: &'static str,
    /// For `asked_before`, why it was asked then; for `ended_before`, its state.
    was: Option<&'static str>,
}

impl From<store::Stopped> for Stopped {
    fn from(stopped: store::Stopped) -> Self {
        let (outcome, was) = match stopped {
            store::Stopped::Ended => ("ended", None),
            store::Stopped::Asked => ("asked", None),
            store::Stopped::AskedBefore(reason) => ("asked_before", Some(reason.word())),
            store::Stopped::EndedBefore(state) => ("ended_before", Some(RunState::word(state))),
        };
        Self { outcome, was }
    }
}

/// What is wanted of a new run.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WantedRun {
    /// Parameters in place of those in the job's file.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub(crate) parameters: Object,
    /// The partition, where the job has some.
    #[schema(min_length = 1, max_length = 1000)]
    pub(crate) partition: Option<String>,
}

/// A run that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// The run's name.
    pub(crate) run: String,
    /// Whether it is new; false when an earlier request with the same key asked for it.
    pub(crate) fresh: bool,
}

/// What is wanted of a new backfill.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedBackfill {
    /// The first partition; without it from the first there is.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 1000, example = "2026-01-01")]
    pub(crate) from: Option<String>,
    /// The last one; without it up to the last there is.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 1000, example = "2026-01-31")]
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

/// Whether something was changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changed {
    /// False when it was so before.
    pub(crate) changed: bool,
}

/// Which version to restore.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedVersion {
    /// The number of a promotion of that model.
    #[schema(minimum = 1)]
    pub(crate) promotion: i64,
}
