//! The folder of job files, looked at now and then.
//!
//! ```text
//! jobs/*.yaml --listing--> texts that have settled --read--> good or bad, each by itself
//!                                                     |
//!                     cycles of `after` --standing--> what is in force --> News: what differs from the last look
//! ```
//!
//! A look costs one listing and the reading of the files whose size, time or number differs; so it may come every second.

mod cycles;
mod listing;
mod standing;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use self::listing::{Listed, Stamp};
use super::{Definition, read};
use crate::diagnostic::{Diagnostic, Findings};

/// The folder of job files, below the served one.
pub const FOLDER: &str = "jobs";
/// So many job files are read.
pub const MOST: usize = 1_000;

/// What has changed since the last look.
#[derive(Debug, Clone)]
pub enum News {
    /// A file is new, or other than before, or good again: this is in force from now on.
    Good {
        /// The job.
        name: String,
        /// Its file, below the served folder: `jobs/load.yaml`.
        file: String,
        /// The BLAKE3 hash of its text, hexadecimal.
        hash: String,
        /// What it says; its text is `definition.source`.
        definition: Arc<Definition>,
        /// What is worth a look though it works: the definition's own warnings, and jobs after which it runs that are not there.
        warnings: Findings,
    },
    /// A file has something wrong. The last good version stays in force.
    Bad {
        /// The job: the stem of the file.
        name: String,
        /// Its file, below the served folder.
        file: String,
        /// Everything that is wrong.
        findings: Findings,
    },
    /// A file is gone, and its job with it.
    Gone {
        /// The job.
        name: String,
    },
}

/// Whether a file must look the same twice before it is read, since somebody may be writing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// It must, unless it was written more than two seconds ago: for a server that looks again and again.
    Wait,
    /// It need not: for who looks once.
    Now,
}

/// The folder of job files as it was at the last look.
#[derive(Debug)]
pub struct Folder {
    base: PathBuf,
    files: BTreeMap<String, File>,
    in_force: BTreeMap<String, Arc<Definition>>,
    told: BTreeMap<String, Told>,
}

/// A job file.
#[derive(Debug)]
struct File {
    /// Its path below the served folder.
    path: String,
    /// How it looked from outside at the last look, and the hash of its text then.
    seen: Option<(Stamp, String)>,
    /// What it says: what was read last, after it had settled. `None`: it never has.
    says: Option<Says>,
    /// Whether it was not there at the last look.
    missed: bool,
}

/// What a file says.
type Says = Result<(String, Arc<Definition>), Findings>;

/// What was told of a job last.
#[derive(Debug, Clone, PartialEq)]
enum Told {
    Good { file: String, hash: String, warnings: Findings },
    Bad { file: String, findings: Findings },
}

impl Folder {
    /// The job files below `base`. The first look gives all of them.
    pub fn new(base: &Path) -> Self {
        Self { base: base.to_path_buf(), files: BTreeMap::new(), in_force: BTreeMap::new(), told: BTreeMap::new() }
    }

    /// Tells of a definition that is in force already (from the database), so that a bad file leaves it there. Before the first
    /// look.
    pub fn remember(&mut self, definition: Arc<Definition>) {
        self.in_force.insert(definition.name.clone(), definition);
    }

    /// What is in force, by name: of each job that has a file the last good version.
    pub fn in_force(&self) -> &BTreeMap<String, Arc<Definition>> {
        &self.in_force
    }

    /// Looks at the folder, and gives what differs from the last look, by name. A folder that is not there has no jobs.
    ///
    /// Errors: the folder cannot be read, leads out of the served one, or has more than [`MOST`] job files. Nothing has changed then.
    pub fn look(&mut self, settle: Settle) -> Result<Vec<News>, Findings> {
        let listed = listing::list(&self.base).map_err(|found| vec![found])?;
        // An editor may take a file away for a moment to put another in its place.
        self.files.retain(|name, file| {
            let is_there = listed.contains_key(name);
            let stays = is_there || (settle == Settle::Wait && !file.missed);
            file.missed = !is_there;
            stays
        });
        for (name, Listed { path, real }) in listed {
            let before = self.files.remove(&name);
            let file = self.look_at(&name, path, real, before, settle);
            self.files.insert(name, file);
        }
        Ok(standing::settle(&self.files, &mut self.in_force, &mut self.told))
    }

    /// Looks at one file.
    fn look_at(
        &self,
        name: &str,
        path: String,
        real: Result<PathBuf, Diagnostic>,
        before: Option<File>,
        settle: Settle,
    ) -> File {
        let (seen, said) = before.map_or((None, None), |file| (file.seen, file.says));
        let bad =
            |path: String, found: Diagnostic| File { path, seen: None, says: Some(Err(vec![found])), missed: false };
        let real = match real {
            Ok(real) => real,
            Err(found) => return bad(path, found),
        };
        let stamp = match Stamp::of(&real) {
            Ok(stamp) => stamp,
            Err(found) => return bad(path, found),
        };
        let is_old = stamp.is_old(SystemTime::now());
        if is_old && matches!(said, Some(Ok(_))) && seen.as_ref().is_some_and(|(seen, _)| *seen == stamp) {
            return File { path, seen, says: said, missed: false };
        }
        let (source, hash) = match listing::text(&real, &path) {
            Ok(text) => text,
            Err(found) => return bad(path, found),
        };
        let has_settled = is_old || settle == Settle::Now || seen.is_some_and(|(_, earlier)| earlier == hash);
        let says = match said {
            Some(Ok((earlier, definition))) if earlier == hash => Some(Ok((earlier, definition))),
            // A mistake may lie beside the file, in its pipeline, and be mended there: it is read again each time.
            _ if has_settled => Some(read(name, &source, &self.base).map(|read| (hash.clone(), Arc::new(read)))),
            said => said,
        };
        File { path, seen: Some((stamp, hash)), says, missed: false }
    }
}
