//! Which version of a model or an output is the current one, and which were.
//!
//! The verdict is written in the transaction that ends the run. Then the link on disk is switched and [`Store::published`] says
//! so; a server that died in between finds it in [`Store::unpublished`] and switches again. A restoration is a promotion of its
//! own, so the history only grows.

use jiff::Timestamp;
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::Store;
use super::audit::note;
use super::error::{Result, StoreError};
use super::run::Run;
use super::runs::Page;
use super::session::Session;
use super::value::{Micros, Object, RunId, moment, moment_or_none, object, text};
use super::words::words;

words! {
    /// Where a version stands.
    PromotionState {
        /// It is the one that is used.
        Current = "current",
        /// It was.
        Former = "former",
        /// A gate kept it from becoming that.
        Refused = "refused",
    }
}

/// What the gates say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It becomes the current one.
    Promote,
    /// It does not, for that reason.
    Refuse(String),
}

/// A verdict on a version that a run made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewPromotion {
    /// The model or output.
    pub name: String,
    /// The version: what `current` will name. It is kept beside that, not in the run's folder, which may be swept.
    pub version: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What the verdict rests on.
    pub metrics: Object,
    /// Who decides.
    pub decided_by: String,
}

/// A version with its verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Promotion {
    /// Its number; pages go by it.
    pub number: i64,
    /// The model or output.
    pub name: String,
    /// The version.
    pub version: String,
    /// The job that made it.
    pub job: String,
    /// The run that made it. After long it may have been swept, but not while the version is the current one.
    pub run: RunId,
    /// Where it stands.
    pub state: PromotionState,
    /// The promotion that this one restores.
    pub restores: Option<i64>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// What the verdict rests on.
    pub metrics: Object,
    /// Who decided.
    pub decided_by: String,
    /// When.
    pub decided: Timestamp,
    /// When it became the current one on disk.
    pub published: Option<Timestamp>,
}

impl Promotion {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            name: row.get("name")?,
            version: row.get("version")?,
            job: row.get("job")?,
            run: row.get("run")?,
            state: row.get("state")?,
            restores: row.get("restores")?,
            reason: row.get("reason")?,
            metrics: object(row, "metrics")?,
            decided_by: row.get("decided_by")?,
            decided: moment(row, "decided")?,
            published: moment_or_none(row, "published")?,
        })
    }
}

impl Store {
    /// The current version of a model or output, if there is one.
    pub fn champion(&self, name: &str) -> Result<Option<Promotion>> {
        self.read(|session| champion(session, name))
    }

    /// The current versions of all models and outputs, by name.
    pub fn champions(&self) -> Result<Vec<Promotion>> {
        self.read(|session| {
            session.all("SELECT * FROM promotions WHERE state = 'current' ORDER BY name", [], Promotion::of)
        })
    }

    /// The names of all models and outputs on which there is a verdict, in their order.
    pub fn promoted_names(&self) -> Result<Vec<String>> {
        self.read(|session| session.all("SELECT DISTINCT name FROM promotions ORDER BY name", [], |row| row.get(0)))
    }

    /// The verdicts on what a run made, in their order.
    pub fn promotions_of_run(&self, run: &RunId) -> Result<Vec<Promotion>> {
        self.read(|session| {
            session.all("SELECT * FROM promotions WHERE run = ?1 ORDER BY number LIMIT 1000", [run], Promotion::of)
        })
    }

    /// A verdict by its number.
    ///
    /// Errors: there is none.
    pub fn the_promotion(&self, number: i64) -> Result<Promotion> {
        let found =
            self.read(|session| session.one("SELECT * FROM promotions WHERE number = ?1", [number], Promotion::of))?;
        found.ok_or_else(|| StoreError::missing("promotion", number))
    }

    /// All verdicts on a model or output, the latest first, before a place.
    pub fn promotions(&self, name: &str, before: Option<i64>, limit: usize) -> Result<Page<Promotion>> {
        Page::fill(
            limit,
            |promotion: &Promotion| promotion.number,
            |limit| {
                self.read(|session| {
                    session.all(
                        "SELECT * FROM promotions WHERE name = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3",
                        (name, before.unwrap_or(i64::MAX), limit),
                        Promotion::of,
                    )
                })
            },
        )
    }

    /// Makes an earlier version the current one again. Gives the new promotion, or the present one when it has that version
    /// already.
    ///
    /// Errors: no such promotion; it was refused by a gate.
    pub fn restore(&self, number: i64, who: &str, now: Timestamp) -> Result<Promotion> {
        self.write(|session| {
            let earlier = session
                .one("SELECT * FROM promotions WHERE number = ?1", [number], Promotion::of)?
                .ok_or_else(|| StoreError::missing("promotion", number))?;
            if earlier.state == PromotionState::Refused {
                let reason = format!("version `{}` of `{}` was refused by a gate", earlier.version, earlier.name);
                return Err(StoreError::conflict(reason));
            }
            if let Some(current) = champion(session, &earlier.name)?
                && current.version == earlier.version
            {
                return Ok(current);
            }
            let restored = Promotion {
                restores: Some(number),
                state: PromotionState::Current,
                decided_by: who.to_owned(),
                ..earlier
            };
            replace_champion(session, &restored, now)?;
            note(session, who, "restore", &restored.name, &restored.version, now)?;
            champion(session, &restored.name)?.ok_or_else(|| StoreError::missing("promotion", &restored.name))
        })
    }

    /// Current versions whose link on disk may not have been switched yet.
    pub fn unpublished(&self) -> Result<Vec<Promotion>> {
        self.read(|session| {
            session.all(
                "SELECT * FROM promotions WHERE state = 'current' AND published IS NULL ORDER BY number",
                [],
                Promotion::of,
            )
        })
    }

    /// Notes that the link on disk was switched. False when another version became the current one meanwhile, whose link has to
    /// be switched now.
    pub fn published(&self, number: i64, now: Timestamp) -> Result<bool> {
        self.write(|session| {
            session.set(
                "UPDATE promotions SET published = coalesce(published, ?2) WHERE number = ?1 AND state = 'current'",
                (number, Micros(now)),
            )
        })
    }
}

fn champion(session: &Session<'_>, name: &str) -> Result<Option<Promotion>> {
    session.one("SELECT * FROM promotions WHERE name = ?1 AND state = 'current'", [name], Promotion::of)
}

/// Writes the verdict on a version that a run made.
pub(super) fn promote(session: &Session<'_>, run: &Run, new: &NewPromotion, now: Timestamp) -> Result<()> {
    let (state, reason) = match &new.verdict {
        Verdict::Promote => (PromotionState::Current, None),
        Verdict::Refuse(reason) => (PromotionState::Refused, Some(reason.clone())),
    };
    let promotion = Promotion {
        number: 0,
        name: new.name.clone(),
        version: new.version.clone(),
        job: run.job.clone(),
        run: run.id.clone(),
        state,
        restores: None,
        reason,
        metrics: new.metrics.clone(),
        decided_by: new.decided_by.clone(),
        decided: now,
        published: None,
    };
    match state {
        PromotionState::Refused => insert(session, &promotion, now),
        _ => replace_champion(session, &promotion, now),
    }
}

fn replace_champion(session: &Session<'_>, promotion: &Promotion, now: Timestamp) -> Result<()> {
    session.set("UPDATE promotions SET state = 'former' WHERE name = ?1 AND state = 'current'", [&promotion.name])?;
    insert(session, promotion, now)
}

fn insert(session: &Session<'_>, promotion: &Promotion, now: Timestamp) -> Result<()> {
    session.execute(
        "INSERT INTO promotions (name, version, job, run, state, restores, reason, metrics, decided_by, decided) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            &promotion.name,
            &promotion.version,
            &promotion.job,
            &promotion.run,
            promotion.state,
            promotion.restores,
            &promotion.reason,
            text(&promotion.metrics),
            &promotion.decided_by,
            Micros(now),
        ),
    )?;
    Ok(())
}
