//! Definitions that were read from the database, kept as long as they are in force.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::Service;
use super::error::Result;
use crate::diagnostic::{Findings, Source};
use crate::schedule::job::{self, Definition, News, folder};
use crate::schedule::store::Job;

/// Definitions by the hash of their text, each with the job that it is of.
#[derive(Debug)]
pub(in crate::schedule) struct Definitions {
    base: PathBuf,
    kept: Mutex<HashMap<(String, String), Arc<Definition>>>,
}

/// So many are kept before those that nobody asked for lately are forgotten: as many as there can be jobs, and some.
const KEPT: usize = 2 * folder::MOST;

impl Definitions {
    pub(super) fn new(base: &Path) -> Self {
        Self { base: base.to_path_buf(), kept: Mutex::new(HashMap::new()) }
    }

    /// Keeps one that was read from its file.
    pub(in crate::schedule) fn keep(&self, hash: &str, definition: Arc<Definition>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert((definition.name.clone(), hash.to_owned()), definition);
    }

    fn kept(&self, job: &str, hash: &str) -> Option<Arc<Definition>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&(job.to_owned(), hash.to_owned())).cloned()
    }

    /// Reads a text that was good when it was kept.
    fn read(&self, job: &str, hash: &str, text: &str) -> std::result::Result<Arc<Definition>, Findings> {
        let name = self.base.join(folder::FOLDER).join(format!("{job}.yaml"));
        let source = Source::new(name.to_string_lossy(), text);
        let definition = Arc::new(job::recall(job, &source)?);
        self.keep(hash, Arc::clone(&definition));
        Ok(definition)
    }
}

/// Which job files there are that were never good: those of good ones are in force.
#[derive(Debug, Default)]
pub(in crate::schedule) struct Present {
    bad: BTreeSet<String>,
}

impl Present {
    /// Follows what the folder tells.
    pub(in crate::schedule) fn hears(&mut self, news: &News) {
        match news {
            News::Bad { name, .. } => _ = self.bad.insert(name.clone()),
            News::Good { name, .. } | News::Gone { name } => _ = self.bad.remove(name),
        }
    }
}

impl Service {
    /// The definition of a job under a hash, as it is kept in the database.
    ///
    /// `None` where this program cannot read what an earlier one took. Errors: the database.
    pub(in crate::schedule) fn definition(&self, job: &str, hash: &str) -> Result<Option<Arc<Definition>>> {
        if let Some(kept) = self.definitions.kept(job, hash) {
            return Ok(Some(kept));
        }
        let text = self.store.definition(hash)?;
        Ok(self.definitions.read(job, hash, &text).ok())
    }

    /// As [`Service::definition`], of a text that is at hand.
    pub(in crate::schedule) fn definition_of(&self, job: &str, hash: &str, text: &str) -> Option<Arc<Definition>> {
        self.definitions.kept(job, hash).or_else(|| self.definitions.read(job, hash, text).ok())
    }

    /// The definition of a job that is in force.
    pub(in crate::schedule) fn in_force(&self, job: &Job) -> Result<Option<Arc<Definition>>> {
        job.definition.as_deref().map_or(Ok(None), |hash| self.definition(&job.name, hash))
    }

    /// Reads the job files once and keeps what they say in the database.
    pub(super) fn read_jobs(&self) -> Result<()> {
        let mut folder = job::Folder::new(&self.base);
        for job in self.store.jobs()? {
            if let Some(definition) = self.in_force(&job)? {
                folder.remember(definition);
            }
        }
        let news = match folder.look(job::folder::Settle::Now) {
            Ok(news) => news,
            Err(findings) => {
                self.troubles.note("jobs", words(&findings));
                return Ok(());
            }
        };
        let mut present = Present::default();
        for news in &news {
            present.hears(news);
            self.take_in(news)?;
        }
        self.keep_only(&folder, &present)
    }

    /// Notes in the database which jobs have a file.
    pub(in crate::schedule) fn keep_only(&self, folder: &job::Folder, present: &Present) -> Result<()> {
        let names: BTreeSet<&str> = folder.in_force().keys().chain(&present.bad).map(String::as_str).collect();
        for name in self.store.keep_only(&names.into_iter().collect::<Vec<_>>(), self.now())? {
            self.board.tell(super::News::Job { name });
        }
        Ok(())
    }

    /// Keeps what was found of one job file in the database, and tells of it.
    ///
    /// The schedule of a changed definition counts from now on: what came before was due by the one before it.
    pub(in crate::schedule) fn take_in(&self, news: &News) -> Result<()> {
        let now = self.now();
        let name = match news {
            News::Good { name, file, hash, definition, .. } => {
                self.definitions.keep(hash, Arc::clone(definition));
                self.store.save_definition(name, file, hash, definition.source.text(), now)?;
                name
            }
            News::Bad { name, file, findings } => {
                self.store.save_problem(name, file, &words(findings), now)?;
                name
            }
            News::Gone { name } => name,
        };
        self.board.tell(super::News::Job { name: name.clone() });
        Ok(())
    }
}

/// Findings as text, a line each.
pub(in crate::schedule) fn words(findings: &Findings) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
