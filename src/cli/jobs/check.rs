//! `gristmill jobs check`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::cli::{Failure, render};
use crate::diagnostic::Diagnostic;
use crate::schedule::job::Folder;
use crate::schedule::job::folder::{News, Settle};

/// Check the job files of a folder: everything that is wrong, with its place. Nothing is started or kept.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The served folder [default: this one]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

impl Check {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let base = self.dir.unwrap_or_else(|| PathBuf::from("."));
        let base = base.canonicalize().map_err(|error| {
            Diagnostic::definition(format!("cannot look at `{}`: {}", base.display(), crate::staging::reason(&error)))
        })?;
        let (mut good, mut bad) = (0, 0);
        for news in Folder::new(&base).look(Settle::Now)? {
            match news {
                News::Good { warnings, .. } => {
                    good += 1;
                    render::print(&warnings, None);
                }
                News::Bad { findings, .. } => {
                    bad += 1;
                    render::print(&findings, None);
                }
                News::Gone { .. } => {}
            }
        }
        match (good, bad) {
            (0, 0) => writeln!(std::io::stdout(), "there are no job files in `{}`", base.join("jobs").display())?,
            (1, 0) => writeln!(std::io::stdout(), "the job file is in order")?,
            (_, 0) => writeln!(std::io::stdout(), "{good} job files are in order")?,
            (0, 1) => writeln!(std::io::stdout(), "the job file has something wrong")?,
            _ => writeln!(std::io::stdout(), "{bad} of {} job files have something wrong", good + bad)?,
        }
        if bad > 0 { Err(Failure::Code(2)) } else { Ok(()) }
    }
}
