//! `gristmill runs`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::summary::seconds;
use crate::digits;
use crate::run;
use crate::run::manifest::{RunStatus, StageStatus};
use crate::run::store::Store;

/// List the runs of this folder, the latest first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gristmill runs --last 5\n  gristmill runs --json | jq -r '.[].id'")]
pub(super) struct Runs {
    /// The folder in which pipelines were run [default: this one]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// How many runs to list
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    last: usize,
    /// Print JSON, with everything that is known of each run
    #[arg(long)]
    json: bool,
}

impl Runs {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let base = self.dir.unwrap_or_default();
        let mut out = std::io::stdout().lock();
        let records: Vec<_> = match base.join(".gristmill").is_dir() {
            true => run::records(&Store::open(&base)?).take(self.last).collect(),
            false => Vec::new(),
        };
        if records.is_empty() && !self.json {
            writeln!(out, "no runs yet")?;
        }
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&records).unwrap_or_default())?;
            return Ok(());
        }
        for record in records {
            let status = match record.status {
                RunStatus::Running => "not ended",
                RunStatus::Done => "done",
                RunStatus::Failed => "failed",
                RunStatus::Interrupted => "interrupted",
            };
            let number = |status| record.stages.iter().filter(|stage| stage.status == status).count();
            writeln!(
                out,
                "{}  {:11} {:20} {:>10}  {} stages, {} unchanged, {} at most",
                record.id,
                status,
                record.pipeline,
                seconds(record.seconds),
                record.stages.len(),
                number(StageStatus::Cached),
                digits::bytes(record.peak_memory),
            )?;
        }
        Ok(())
    }
}
