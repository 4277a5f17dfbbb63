//! Messages to send: recorded once, with what they tell of; sent at least once.
//!
//! A message is taken for a while (its next try is set to the end of that while), sent, and then noted as sent. A sender that
//! dies in between lets the while end, and the message is taken again: its key is in the payload's envelope, so that a receiver
//! can tell.

use jiff::Timestamp;
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::error::{Result, StoreError};
use super::runs::Page;
use super::session::Session;
use super::value::{Micros, Object, RunId, moment, moment_or_none, object, text};
use super::words::words;
use super::{Store, longest};

words! {
    /// Where a message stands.
    NotificationState {
        /// It is to be sent.
        Waiting = "waiting",
        /// It was.
        Sent = "sent",
        /// It could not be, as often as it was to be tried.
        GivenUp = "given_up",
    }
}

/// A message that is to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewNotification {
    /// What it tells of: `failure`, `recovery`, `success`, `gate_refused`, ..
    pub event: String,
    /// By which of the job's channels; the address and its secret are looked up when it is sent.
    pub channel: String,
    /// What it says.
    pub payload: Object,
}

/// A message as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Its number; pages go by it.
    pub number: i64,
    /// What makes it one: run, event, channel.
    pub key: String,
    /// The job.
    pub job: String,
    /// The run that it tells of.
    pub run: Option<RunId>,
    /// What it tells of.
    pub event: String,
    /// By which channel.
    pub channel: String,
    /// What it says.
    pub payload: Object,
    /// Where it stands.
    pub state: NotificationState,
    /// How often it was taken to be sent.
    pub attempts: u32,
    /// When it may be taken next.
    pub next_try: Option<Timestamp>,
    /// Why it could not be sent last.
    pub problem: Option<String>,
    /// When it was recorded.
    pub created: Timestamp,
    /// When it was sent or given up.
    pub ended: Option<Timestamp>,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It arrived.
    Sent,
    /// It did not; it is tried again at that time.
    Again(String, Timestamp),
    /// It did not, and is not tried again.
    GiveUp(String),
}

impl Notification {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            key: row.get("key")?,
            job: row.get("job")?,
            run: row.get("run")?,
            event: row.get("event")?,
            channel: row.get("channel")?,
            payload: object(row, "payload")?,
            state: row.get("state")?,
            attempts: row.get("attempts")?,
            next_try: moment_or_none(row, "next_try")?,
            problem: row.get("problem")?,
            created: moment(row, "created")?,
            ended: moment_or_none(row, "ended")?,
        })
    }
}

impl Store {
    /// Records a message that tells of no run, under a key of the caller's; whether it is new.
    ///
    /// Errors: no such job.
    pub fn notify(&self, job: &str, key: &str, new: &NewNotification, now: Timestamp) -> Result<bool> {
        self.write(|session| {
            super::jobs::the_job(session, job)?;
            write(session, job, None, &format!("job/{job}/{key}/{}/{}", new.event, new.channel), new, now)
        })
    }

    /// Takes messages whose time has come, the longest waiting first. Until `lease` nobody else takes them.
    ///
    /// A message whose next try lies beyond `horizon` is taken too: the clock has stepped back since it was set.
    pub fn take_notifications(
        &self,
        now: Timestamp,
        lease: Timestamp,
        horizon: Timestamp,
        limit: usize,
    ) -> Result<Vec<Notification>> {
        self.write(|session| {
            let mut taken = session.all(
                "UPDATE notifications SET attempts = attempts + 1, next_try = ?2 WHERE number IN ( \
                   SELECT number FROM notifications WHERE state = 'waiting' AND (next_try <= ?1 OR next_try > ?3) \
                   ORDER BY next_try, number LIMIT ?4) \
                 RETURNING *",
                (Micros(now), Micros(lease), Micros(horizon), longest(limit)),
                Notification::of,
            )?;
            taken.sort_by_key(|each| each.number);
            Ok(taken)
        })
    }

    /// Notes what became of a message that was taken. A message that has ended stays as it is.
    ///
    /// Errors: no such message.
    pub fn delivered(&self, number: i64, delivery: &Delivery, now: Timestamp) -> Result<NotificationState> {
        self.write(|session| {
            let (state, problem, next) = match delivery {
                Delivery::Sent => (NotificationState::Sent, None, None),
                Delivery::Again(problem, next) => (NotificationState::Waiting, Some(problem), Some(Micros(*next))),
                Delivery::GiveUp(problem) => (NotificationState::GivenUp, Some(problem), None),
            };
            let ended = next.is_none().then_some(Micros(now));
            session.execute(
                "UPDATE notifications SET state = ?2, problem = ?3, next_try = ?4, ended = ?5 \
                 WHERE number = ?1 AND state = 'waiting'",
                (number, state, problem, next, ended),
            )?;
            let found = session.one("SELECT state FROM notifications WHERE number = ?1", [number], |row| row.get(0))?;
            found.ok_or_else(|| StoreError::missing("notification", number))
        })
    }

    /// When the next message is to be taken.
    pub fn next_notification(&self) -> Result<Option<Timestamp>> {
        let found = self.read(|session| {
            session.one("SELECT min(next_try) FROM notifications WHERE state = 'waiting'", [], |row| {
                row.get::<_, Option<Micros>>(0)
            })
        })?;
        Ok(found.flatten().map(|found| found.0))
    }

    /// Messages, the latest first, before a place; of one job, where it is named.
    pub fn notifications(&self, job: Option<&str>, before: Option<i64>, limit: usize) -> Result<Page<Notification>> {
        let before = before.unwrap_or(i64::MAX);
        Page::fill(
            limit,
            |notification: &Notification| notification.number,
            |limit| {
                self.read(|session| match job {
                    Some(job) => session.all(
                        "SELECT * FROM notifications WHERE job = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3",
                        (job, before, limit),
                        Notification::of,
                    ),
                    None => session.all(
                        "SELECT * FROM notifications WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
                        (before, limit),
                        Notification::of,
                    ),
                })
            },
        )
    }
}

/// Records a message about a run; one that there is already stays as it is.
pub(super) fn record(
    session: &Session<'_>,
    job: &str,
    run: Option<&RunId>,
    new: &NewNotification,
    now: Timestamp,
) -> Result<()> {
    let about = run.map_or_else(String::new, ToString::to_string);
    write(session, job, run, &format!("run/{about}/{}/{}", new.event, new.channel), new, now).map(drop)
}

fn write(
    session: &Session<'_>,
    job: &str,
    run: Option<&RunId>,
    key: &str,
    new: &NewNotification,
    now: Timestamp,
) -> Result<bool> {
    session.set(
        "INSERT INTO notifications (key, job, run, event, channel, payload, state, next_try, created) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting', ?7, ?7) ON CONFLICT (key) DO NOTHING",
        (key, job, run, &new.event, &new.channel, text(&new.payload), Micros(now)),
    )
}
