//! `gristmill check`

use std::io::Write;

use clap::Args;

use super::pipeline::PipelineArguments;
use super::{Failure, environment, render};
use crate::digits;
use crate::run::cache::Cache;
use crate::run::estimate::{Estimate, crowded, estimate};
use crate::run::targets;

/// Bytes below which an estimate is of no interest.
const WORTH_TELLING: u64 = 64 << 20;

/// Check a pipeline against its files, before a row is read.
///
/// Columns, types, expressions, shapes, files and targets are checked; every finding is shown with its line, column and the
/// nearest right name. What the run takes at most of memory and disk is told where it is much; `explain` has it by stage. A stage
/// that needs its rows in memory is warned of where more may come than fit. The exit code is that of the first error.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gristmill check pipelines/flights.yaml --set late_after=30")]
pub(super) struct Check {
    #[command(flatten)]
    pipeline: PipelineArguments,
    /// Say nothing when everything is right
    #[arg(short, long)]
    quiet: bool,
    /// Tell what a run with this memory takes, such as 4GiB [default: half of what there is]
    #[arg(long, value_name = "SIZE", value_parser = environment::parse_bytes)]
    memory: Option<u64>,
}

impl Check {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let memory = environment::memory(self.memory);
        let engine = environment::engine(environment::threads(None), memory);
        let plan = self.pipeline.plan(&engine)?;
        let all = (0..plan.stages.len()).collect();
        let cache = Cache::new(self.pipeline.base().join(".gristmill/cache"));
        let in_the_way = targets::in_the_way(&plan, &all, Some(&cache));
        if !in_the_way.is_empty() {
            return Err(Failure::Findings(in_the_way, Some(plan.pipeline.secrets)));
        }
        let estimates = estimate(&plan, memory);
        let crowded = crowded(&plan, &estimates, memory);
        render::print(&plan.findings, Some(&plan.pipeline.secrets));
        render::print(&crowded, Some(&plan.pipeline.secrets));
        if !self.quiet {
            let warnings = match plan.findings.len() + crowded.len() {
                0 => String::new(),
                1 => ", 1 warning".to_owned(),
                number => format!(", {number} warnings"),
            };
            let name = self.pipeline.file.display();
            let mut out = std::io::stdout().lock();
            writeln!(out, "{name}: {} stages, nothing wrong{warnings}", plan.stages.len())?;
            let most = |of: fn(&Estimate) -> u64| {
                let stages = plan.stages.iter().zip(&estimates).map(|(stage, estimate)| (of(estimate), stage));
                stages.max_by_key(|(bytes, _)| *bytes).filter(|(bytes, _)| *bytes >= WORTH_TELLING)
            };
            if let Some((memory, stage)) = most(|estimate| estimate.memory) {
                writeln!(
                    out,
                    "at most {} of memory for the rows that a stage holds (`{}`)",
                    digits::bytes(memory),
                    stage.id
                )?;
            }
            if let Some((disk, stage)) = most(|estimate| estimate.disk) {
                writeln!(out, "at most {} of temporary files (`{}`)", digits::bytes(disk), stage.id)?;
            }
        }
        Ok(())
    }
}
