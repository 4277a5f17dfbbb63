//! What was done and said: the log of changes, and messages.

use axum::Extension;
use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{limit, number, text};
use crate::schedule::service::Role;
use crate::schedule::web::State;
use crate::schedule::web::access::Caller;
use crate::schedule::web::asked::{Asked, JobName};
use crate::schedule::web::problem::{Problem, Result};
use crate::schedule::web::views::{AuditEntry, Notification, Page};

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Entries {
    /// Of that job, run or model only.
    #[param(min_length = 1, max_length = 1000, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    subject: Option<String>,
    /// Only what comes before that number: `next` of the page before.
    #[param(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    before: Option<i64>,
    /// How many at most; 100, when nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Who did what, the latest first. For the administrator.
#[utoipa::path(get, path = "/api/audit", tag = "records", operation_id = "list_audit", params(Entries),
    responses((status = 200, description = "A page of entries.", body = Page<AuditEntry>)))]
pub(crate) async fn audit(
    state: State,
    Extension(caller): Extension<Caller>,
    Asked(asked): Asked<Entries>,
) -> Result<Json<Page<AuditEntry>>> {
    if caller.who.role != Role::Admin {
        return Err(Problem::forbidden("who did what is shown to the administrator only"));
    }
    let (before, limit) = (number("before", asked.before)?, limit(asked.limit)?);
    if let Some(subject) = &asked.subject {
        text("subject", subject)?;
    }
    let page = state.ask(move |service| service.store().audit_log(asked.subject.as_deref(), before, limit)).await?;
    Ok(Json(page.into()))
}

/// Which messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Messages {
    /// Of that job only.
    #[param(value_type = Option<String>, pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")]
    job: Option<JobName>,
    /// Only what comes before that number: `next` of the page before.
    #[param(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    before: Option<i64>,
    /// How many at most; 100, when nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Messages that were or are to be sent, the latest first.
#[utoipa::path(get, path = "/api/notifications", tag = "records", operation_id = "list_notifications", params(Messages),
    responses((status = 200, description = "A page of messages.", body = Page<Notification>)))]
pub(crate) async fn notifications(state: State, Asked(asked): Asked<Messages>) -> Result<Json<Page<Notification>>> {
    let (before, limit) = (number("before", asked.before)?, limit(asked.limit)?);
    let page = state
        .ask(move |service| service.store().notifications(asked.job.as_ref().map(JobName::as_str), before, limit))
        .await?;
    Ok(Json(page.into()))
}
