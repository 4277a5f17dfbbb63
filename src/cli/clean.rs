//! `gristmill clean`

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::diagnostic::Diagnostic;
use crate::digits;
use crate::disk;
use crate::run::store::Store;
use crate::schedule::service::STATE;
use crate::schedule::store::Lock;
use crate::staging::failure;

/// Remove kept results and old runs.
///
/// Without options, kept results are removed, so that every stage works again next time. Files that pipelines wrote stay.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gristmill clean          remove kept results\n  gristmill clean --runs   remove records and reports of runs too"
)]
pub(super) struct Clean {
    /// The folder in which pipelines were run [default: this one]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Remove records and reports of runs too
    #[arg(long)]
    runs: bool,
}

impl Clean {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let base = self.dir.unwrap_or_default();
        if !base.join(".gristmill").exists() {
            writeln!(std::io::stdout(), "there is nothing to remove")?;
            return Ok(());
        }
        if Lock::is_held(&base.join(STATE)) {
            return Err(Diagnostic::definition(format!("a server serves `{}`", base.display()))
                .help("stop `gristmill serve` first: its history names the folders that would be removed")
                .into());
        }
        let store = Store::open_exclusive(&base)?;
        // What dead runs left beside outputs is known from their folders alone.
        crate::run::recover::sweep_dead_runs(&store);
        let mut folders = vec![store.cache()];
        folders.extend(Some(store.tuning()).filter(|folder| folder.exists()));
        folders.extend(self.runs.then(|| store.runs()));
        let mut removed = 0;
        for folder in folders {
            removed += disk::taken(&folder);
            fs::remove_dir_all(&folder)
                .and_then(|()| fs::create_dir_all(&folder))
                .map_err(|error| failure("cannot clean", &folder, &error))?;
        }
        writeln!(std::io::stdout(), "removed {}", digits::bytes(removed))?;
        Ok(())
    }
}
