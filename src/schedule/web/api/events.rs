//! What happens, as it happens: streams of server-sent events.
//!
//! | event | data |
//! |---|---|
//! | `state` | the run, as `GET /api/runs/{id}` shows it: first, where one run is followed, and again when its state changes |
//! | `job` | `{name}`: a job is new, changed, paused or resumed |
//! | `run` | `{run, job, state}`: a run has come into a state |
//! | `worker` | `{run, event}`: an event of its worker |
//! | `log` | `{run, line}`: a line of its log |
//! | `lagged` | `{missed}`: so many news were lost on a slow way; look again at what is shown |
//! | `end` | `{}`: the run has ended, or the stream has lasted as long as it may; in the latter case, ask again |
//!
//! A stream that begins anew (a browser does that by itself, with `Last-Event-ID`) needs nothing from before: its first event is
//! the whole state, and the log is read from a byte on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, watch};
use tokio::time::sleep_until;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use crate::schedule::service::News;
use crate::schedule::store::RunId;
use crate::schedule::web::State;
use crate::schedule::web::access::Caller;
use crate::schedule::web::asked::{Asked, JobName, Named, RunName};
use crate::schedule::web::problem::{Problem, Result};
use crate::schedule::web::views::RunInFull;

/// Events that wait for a client to take them; beyond, news wait in their channel, and at last are lost there.
const WAITING: usize = 16;

/// What is followed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Followed {
    /// Of that run only.
    #[param(value_type = Option<String>, pattern = "^[0-9]{8}-[0-9]{6}-[0-9]{8,19}$")]
    run: Option<RunName>,
    /// Of that job only; events of workers and lines of logs are not among them.
    #[param(value_type = Option<String>, pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")]
    job: Option<JobName>,
}

/// Everything that happens, or what happens to one job or run.
#[utoipa::path(get, path = "/api/events", tag = "events", operation_id = "follow", params(Followed),
    responses((status = 200, description = "Server-sent events: `state`, `job`, `run`, `worker`, `log`, `lagged`, `end`.",
        body = String, content_type = "text/event-stream")))]
pub(crate) async fn all(
    state: State,
    Extension(caller): Extension<Caller>,
    Asked(followed): Asked<Followed>,
) -> Result<Response> {
    stream(state, &caller, followed).await
}

/// What happens to one run, until it has ended.
#[utoipa::path(get, path = "/api/runs/{id}/events", tag = "events", operation_id = "follow_run",
    params(RunName),
    responses((status = 200, description = "Server-sent events: `state`, `run`, `worker`, `log`, `lagged`, `end`.",
        body = String, content_type = "text/event-stream")))]
pub(crate) async fn of_run(
    state: State,
    Extension(caller): Extension<Caller>,
    Named(id): Named<RunName>,
) -> Result<Response> {
    stream(state, &caller, Followed { run: Some(id), job: None }).await
}

async fn stream(state: State, caller: &Caller, followed: Followed) -> Result<Response> {
    let place = Arc::clone(state.streams()).try_acquire_owned();
    let place = place.map_err(|_| Problem::busy("as many streams of events are open as the server bears"))?;
    // Subscribed before the state is read: what happens in between is told twice, not lost.
    let news = state.service().subscribe();
    let run = followed.run.as_ref().map(RunName::id);
    let first = match run.clone() {
        Some(run) => Some(look(&state, run).await?),
        None => None,
    };
    if let Some(job) = followed.job.clone() {
        state.ask(move |service| service.store().job(job.as_str()).map(drop)).await?;
    }
    let limits = state.limits();
    let longest = Instant::now() + limits.stream_time;
    let heartbeat = limits.heartbeat;
    let (send, receive) = mpsc::channel(WAITING);
    let teller = Teller {
        closing: state.closing(),
        until: caller.until.map_or(longest, |until| until.min(longest)),
        job: followed.job.map(|job| job.to_string()),
        state,
        run,
        news,
        send,
        _place: place,
    };
    tokio::spawn(teller.tell(first));
    let keep_alive = KeepAlive::new().interval(heartbeat).text("still here");
    Ok(Sse::new(ReceiverStream::new(receive)).keep_alive(keep_alive).into_response())
}

/// Who tells one client of news.
struct Teller {
    state: State,
    run: Option<RunId>,
    job: Option<String>,
    news: broadcast::Receiver<Arc<News>>,
    send: mpsc::Sender<std::result::Result<Event, Infallible>>,
    closing: watch::Receiver<bool>,
    until: Instant,
    _place: OwnedSemaphorePermit,
}

impl Teller {
    /// Tells until the run has ended, the client is gone, the time is over or the server ends.
    async fn tell(mut self, first: Option<(Value, bool)>) {
        // So that the client sees at once that the stream stands.
        if let Some((run, over)) = first
            && (!self.event("state", &run).await || (over && self.event("end", &json!({})).await))
        {
            return;
        }
        loop {
            let heard = tokio::select! {
                news = self.news.recv() => Some(news),
                () = sleep_until(self.until.into()) => None,
                _ = self.closing.wait_for(|closing| *closing) => return,
                () = self.send.closed() => return,
            };
            let told = match heard {
                Some(Ok(news)) => self.news(&news).await,
                Some(Err(RecvError::Lagged(missed))) => self.event("lagged", &json!({"missed": missed})).await,
                Some(Err(RecvError::Closed)) => false,
                None => {
                    self.event("end", &json!({})).await;
                    false
                }
            };
            if !told {
                return;
            }
        }
    }

    /// Tells of news, where they are among those followed; whether to go on.
    async fn news(&mut self, news: &News) -> bool {
        let follows = |run: &RunId| self.run.as_ref().is_none_or(|own| own == run);
        match news {
            News::Job { name } => match self.run.is_none() && self.job.as_ref().is_none_or(|own| own == name) {
                true => self.event("job", &json!({"name": name})).await,
                false => true,
            },
            News::Run { run, job, state } if follows(run) && self.job.as_ref().is_none_or(|own| own == job) => {
                let over = state.is_final();
                if !self.event("run", &json!({"run": run, "job": job, "state": state})).await {
                    return false;
                }
                match &self.run {
                    None => true,
                    Some(own) => {
                        let Ok((whole, _)) = look(&self.state, own.clone()).await else { return false };
                        self.event("state", &whole).await && !(over && self.event("end", &json!({})).await)
                    }
                }
            }
            News::Worker { run, event } if follows(run) && self.job.is_none() => {
                self.event("worker", &json!({"run": run, "event": event})).await
            }
            News::Log { run, line } if follows(run) && self.job.is_none() => {
                self.event("log", &json!({"run": run, "line": line})).await
            }
            _ => true,
        }
    }

    /// Sends an event; whether the client is still there.
    async fn event(&self, kind: &str, data: &Value) -> bool {
        self.send.send(Ok(Event::default().event(kind).data(data.to_string()))).await.is_ok()
    }
}

/// A run as it is shown, and whether it has ended.
async fn look(state: &State, run: RunId) -> Result<(Value, bool)> {
    state
        .ask(move |service| {
            let found = RunInFull::of(service, &run)?;
            let over = found.run.state.is_final();
            let shown = serde_json::to_value(found).map_err(|error| Problem::internal(error.to_string()))?;
            Ok::<_, Problem>((shown, over))
        })
        .await
}
