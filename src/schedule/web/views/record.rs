//! What was done, and who was told of it.

use serde::Serialize;
use utoipa::ToSchema;

use super::Moment;
use crate::schedule::store;

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
