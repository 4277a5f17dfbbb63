//! Jobs by name, and the versions of their definitions.
//!
//! A file that is bad now does not take the last good version out of force: what is wrong is kept beside it.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::Row;

use super::Store;
use super::audit::note;
use super::error::{Result, StoreError};
use super::run::{Run, RunState};
use super::session::Session;
use super::value::{Micros, moment, moment_or_none};
use super::words::words;

words! {
    /// Whether the file of a job is there.
    JobState {
        /// It is.
        Present = "present",
        /// It was removed. The history stays.
        Gone = "gone",
    }
}

/// What a file that was read again meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A job that was not known.
    New,
    /// Another definition.
    Changed,
    /// The same definition; perhaps an error is gone.
    Same,
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// The file that defines it.
    pub file: String,
    /// The hash of the last good definition; none when there never was one.
    pub definition: Option<String>,
    /// What is wrong with the file as it is now.
    pub problem: Option<String>,
    /// Whether the file is there.
    pub state: JobState,
    /// Since when it is paused.
    pub paused: Option<Timestamp>,
    /// Up to there its schedule has been turned into occurrences.
    pub looked_through: Option<Timestamp>,
    /// The files that it watches, as they were at its last occurrence; the room of jobs knows how to read that.
    pub watched: Option<String>,
    /// When any of this changed last.
    pub changed: Timestamp,
}

impl Job {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get("name")?,
            file: row.get("file")?,
            definition: row.get("definition")?,
            problem: row.get("problem")?,
            state: row.get("state")?,
            paused: moment_or_none(row, "paused")?,
            looked_through: moment_or_none(row, "looked_through")?,
            watched: row.get("watched")?,
            changed: moment(row, "changed")?,
        })
    }
}

/// A job with what a list of jobs shows of its runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// The job.
    pub job: Job,
    /// Its last run.
    pub last: Option<Run>,
    /// Its last run that ended well.
    pub last_success: Option<Run>,
    /// How many wait.
    pub waiting: u32,
    /// How many are starting or running.
    pub working: u32,
}

/// The last run of each job and its last one that ended well, the earlier one first. Each is found by one step in an index.
const LAST_RUNS: &str = "SELECT * FROM runs WHERE number IN ( \
       SELECT (SELECT max(number) FROM runs WHERE job = jobs.name) FROM jobs UNION ALL \
       SELECT (SELECT max(number) FROM runs WHERE job = jobs.name AND state = 'succeeded') FROM jobs) ORDER BY number";
// The indexes are named because they hold these runs only: by its statistics SQLite may prefer one of all runs.
const WAITING: &str = "SELECT job, count(*) FROM runs INDEXED BY runs_waiting WHERE state = 'queued' GROUP BY job";
const WORKING: &str =
    "SELECT job, count(*) FROM runs INDEXED BY runs_at_work WHERE state IN ('starting', 'running') GROUP BY job";

impl Store {
    /// Keeps a definition that is good, under its hash, and puts it in force.
    ///
    /// `text` is the file's: references to secrets stand in it, not secrets.
    pub fn save_definition(&self, name: &str, file: &str, hash: &str, text: &str, now: Timestamp) -> Result<Change> {
        self.write(|session| {
            session.execute(
                "INSERT INTO definitions (hash, text, seen) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                (hash, text, Micros(now)),
            )?;
            let before = session
                .one("SELECT definition FROM jobs WHERE name = ?1", [name], |row| row.get::<_, Option<String>>(0))?;
            session.execute(
                "INSERT INTO jobs (name, file, definition, state, changed) VALUES (?1, ?2, ?3, 'present', ?4) \
                 ON CONFLICT (name) DO UPDATE SET file = ?2, definition = ?3, problem = NULL, state = 'present', changed = ?4 \
                 WHERE file <> ?2 OR definition IS NOT ?3 OR problem IS NOT NULL OR state <> 'present'",
                (name, file, hash, Micros(now)),
            )?;
            Ok(match before {
                None => Change::New,
                Some(before) if before.as_deref() == Some(hash) => Change::Same,
                Some(_) => Change::Changed,
            })
        })
    }

    /// Keeps what is wrong with a job's file. The last good definition stays in force.
    pub fn save_problem(&self, name: &str, file: &str, problem: &str, now: Timestamp) -> Result<()> {
        self.write(|session| {
            session.execute(
                "INSERT INTO jobs (name, file, problem, state, changed) VALUES (?1, ?2, ?3, 'present', ?4) \
                 ON CONFLICT (name) DO UPDATE SET file = ?2, problem = ?3, state = 'present', changed = ?4 \
                 WHERE file <> ?2 OR problem IS NOT ?3 OR state <> 'present'",
                (name, file, problem, Micros(now)),
            )?;
            Ok(())
        })
    }

    /// Notes which jobs have a file: all others are gone. Gives the names of those that went now.
    pub fn keep_only(&self, present: &[&str], now: Timestamp) -> Result<Vec<String>> {
        let names = serde_json::Value::from(present.to_vec()).to_string();
        self.write(|session| {
            session.all(
                "UPDATE jobs SET state = 'gone', changed = ?2 \
                 WHERE state = 'present' AND name NOT IN (SELECT value FROM json_each(?1)) RETURNING name",
                (&names, Micros(now)),
                |row| row.get(0),
            )
        })
    }

    /// Pauses a job; whether it was not before.
    ///
    /// Errors: no such job.
    pub fn pause(&self, name: &str, who: &str, now: Timestamp) -> Result<bool> {
        self.write(|session| {
            let changed = session.set(
                "UPDATE jobs SET paused = ?2, changed = ?2 WHERE name = ?1 AND paused IS NULL",
                (name, Micros(now)),
            )?;
            noted(session, changed, name, who, "pause", now)
        })
    }

    /// Ends the pause of a job; whether there was one. Its schedule counts from now on: what was due meanwhile is not made up for.
    ///
    /// Errors: no such job.
    pub fn resume(&self, name: &str, who: &str, now: Timestamp) -> Result<bool> {
        self.write(|session| {
            let changed = session.set(
                "UPDATE jobs SET paused = NULL, changed = ?2, looked_through = max(coalesce(looked_through, ?2), ?2) \
                 WHERE name = ?1 AND paused IS NOT NULL",
                (name, Micros(now)),
            )?;
            noted(session, changed, name, who, "resume", now)
        })
    }

    /// A job by name.
    ///
    /// Errors: there is none.
    pub fn job(&self, name: &str) -> Result<Job> {
        self.read(|session| the_job(session, name))
    }

    /// All jobs by name.
    pub fn jobs(&self) -> Result<Vec<Job>> {
        self.read(|session| session.all("SELECT * FROM jobs ORDER BY name", [], Job::of))
    }

    /// All jobs by name, with their last runs. Four statements, however many jobs there are.
    pub fn overview(&self) -> Result<Vec<Overview>> {
        self.read(|session| {
            let jobs = session.all("SELECT * FROM jobs ORDER BY name", [], Job::of)?;
            let runs = session.all(LAST_RUNS, [], Run::of)?;
            let waiting = counted(session, WAITING)?;
            let working = counted(session, WORKING)?;
            let mut last: HashMap<String, (Option<Run>, Option<Run>)> = HashMap::with_capacity(jobs.len());
            for run in runs {
                let (last, last_success) = last.entry(run.job.clone()).or_default();
                // The later one comes later, and of those that ended well there is one only.
                if run.state == RunState::Succeeded {
                    *last_success = Some(run.clone());
                }
                *last = Some(run);
            }
            let overviews = jobs.into_iter().map(|job| {
                let (last, last_success) = last.remove(&job.name).unwrap_or_default();
                let count = |counts: &HashMap<String, u32>| counts.get(&job.name).copied().unwrap_or_default();
                Overview { last, last_success, waiting: count(&waiting), working: count(&working), job }
            });
            Ok(overviews.collect())
        })
    }

    /// One job, with its last runs.
    ///
    /// Errors: there is none.
    pub fn overview_of(&self, name: &str) -> Result<Overview> {
        self.read(|session| overview_of(session, the_job(session, name)?))
    }

    /// The text of a definition. It is kept as long as it is in force or a run names it.
    ///
    /// Errors: there is none.
    pub fn definition(&self, hash: &str) -> Result<String> {
        let found =
            self.read(|session| session.one("SELECT text FROM definitions WHERE hash = ?1", [hash], |row| row.get(0)))?;
        found.ok_or_else(|| StoreError::missing("definition", hash))
    }
}

pub(super) fn the_job(session: &Session<'_>, name: &str) -> Result<Job> {
    let found = session.one("SELECT * FROM jobs WHERE name = ?1", [name], Job::of)?;
    found.ok_or_else(|| StoreError::missing("job", name))
}

/// How many runs each job has in some states; a job without any is not there.
fn counted(session: &Session<'_>, sql: &str) -> Result<HashMap<String, u32>> {
    Ok(session.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().collect())
}

fn overview_of(session: &Session<'_>, job: Job) -> Result<Overview> {
    let last = session.one("SELECT * FROM runs WHERE job = ?1 ORDER BY number DESC LIMIT 1", [&job.name], Run::of)?;
    let last_success = session.one(
        "SELECT * FROM runs WHERE job = ?1 AND state = ?2 ORDER BY number DESC LIMIT 1",
        (&job.name, RunState::Succeeded),
        Run::of,
    )?;
    let counts = session.one(
        "SELECT (SELECT count(*) FROM runs WHERE job = ?1 AND state = 'queued'), \
           (SELECT count(*) FROM runs WHERE job = ?1 AND state IN ('starting', 'running'))",
        [&job.name],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let (waiting, working) = counts.unwrap_or_default();
    Ok(Overview { job, last, last_success, waiting, working })
}

/// Writes a change into the audit log; where nothing changed, makes sure that the job is there at all.
fn noted(session: &Session<'_>, changed: bool, name: &str, who: &str, action: &str, now: Timestamp) -> Result<bool> {
    match changed {
        true => note(session, who, action, name, "", now)?,
        false => _ = the_job(session, name)?,
    }
    Ok(changed)
}
