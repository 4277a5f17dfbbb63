//! Runs that a person or a program asks for, under a key of theirs.
//!
//! A submission is acknowledged when the call returns: the run is in the queue and on disk. Who gets no answer asks again with
//! the same key and gets the same run, however often, and as long as the key is kept (see
//! [`Retention`](super::Retention)). A key that comes with another request is refused.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Store;
use super::audit::note;
use super::error::{Result, StoreError};
use super::run::{NewRun, Standing, insert};
use super::value::{Micros, RunId, text};

/// A request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// Chosen by who asks, different for each request: a UUID, say.
    pub key: String,
    /// What is asked for.
    pub run: NewRun,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// The run. After long it may have been swept.
    pub run: RunId,
    /// Whether this call put it into the queue, rather than an earlier one.
    pub fresh: bool,
}

impl Store {
    /// Puts a run into the queue, once for each key.
    ///
    /// Errors: no such job, or none of its definitions was good; its partition is being run; the key was used for another
    /// request.
    pub fn submit(&self, submission: &Submission, now: Timestamp) -> Result<Submitted> {
        let Submission { key, run: new } = submission;
        let digest = digest(new);
        self.write(|session| {
            let before = session.one("SELECT digest, run FROM submissions WHERE key = ?1", [key], |row| {
                Ok((row.get::<_, String>(0)?, row.get(1)?))
            })?;
            match before {
                Some((same, run)) if same == digest => return Ok(Submitted { run, fresh: false }),
                Some(_) => return Err(StoreError::KeyReused { key: key.clone() }),
                None => {}
            }
            let run = insert(session, new, Standing::default(), now)?;
            session.execute(
                "INSERT INTO submissions (key, digest, job, run, created) VALUES (?1, ?2, ?3, ?4, ?5)",
                (key, &digest, &new.job, &run, Micros(now)),
            )?;
            note(session, &new.requested_by, "submit", &new.job, run.as_str(), now)?;
            Ok(Submitted { run, fresh: true })
        })
    }
}

/// What tells one request from another: its words in a fixed order. Kept in full, for it is short and no digest is surer.
fn digest(new: &NewRun) -> String {
    let words = [new.job.as_str(), new.origin.word(), new.partition.as_deref().unwrap_or("\u{0}"), &new.requested_by];
    let mut sorted: Vec<_> = new.parameters.iter().collect();
    sorted.sort_by_key(|(name, _)| name.as_str());
    let parameters = sorted.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    serde_json::json!([words, new.priority, new.cause, text(&parameters)]).to_string()
}
