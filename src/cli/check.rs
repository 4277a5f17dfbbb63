//! `gristmill check`

use std::io::Write;

use clap::Args;

use super::pipeline::PipelineArguments;
use super::{Failure, environment, render};

/// Check a pipeline against its files, before a row is read.
///
/// Columns, types, expressions, shapes, files and targets are checked; every finding is shown with its line, column and the
/// nearest right name. The exit code is that of the first error.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gristmill check pipelines/flights.yaml --set late_after=30")]
pub(super) struct Check {
    #[command(flatten)]
    pipeline: PipelineArguments,
    /// Say nothing when everything is right
    #[arg(short, long)]
    quiet: bool,
}

impl Check {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let engine = environment::engine(environment::threads(None), environment::memory(None));
        let plan = self.pipeline.plan(&engine)?;
        if !plan.is_runnable() {
            let secrets = plan.pipeline.secrets.clone();
            return Err(Failure::Findings(plan.findings, Some(secrets)));
        }
        render::print(&plan.findings, Some(&plan.pipeline.secrets));
        if !self.quiet {
            let warnings = match plan.findings.len() {
                0 => String::new(),
                1 => ", 1 warning".to_owned(),
                number => format!(", {number} warnings"),
            };
            let name = self.pipeline.file.display();
            writeln!(std::io::stdout(), "{name}: {} stages, nothing wrong{warnings}", plan.stages.len())?;
        }
        Ok(())
    }
}
