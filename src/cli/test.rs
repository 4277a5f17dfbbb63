//! `gristmill test`

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde_json::json;

use super::pipeline::PipelineArguments;
use super::{Failure, environment, interrupt};
use crate::diagnostic::{Class, Diagnostic};
use crate::testing::{self, Options};

/// Run the tests that stand in a pipeline file.
///
/// Each test of the section `test` puts small inputs in the place of stages and compares what comes out of others. Tests run in a
/// temporary folder: no file of yours is written, and nothing of `.gristmill` is used. The exit code is 0 when all tests pass and 1
/// when one does not.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Test {
    #[command(flatten)]
    pipeline: PipelineArguments,
    /// Run only the tests of these names
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
    /// Print tests that do not pass only
    #[arg(short, long)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  gristmill test pipelines/quality.yaml
  gristmill test pipelines/quality.yaml --only 'amounts are numbers'
  gristmill test pipelines/quality.yaml --json";

impl Test {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let (threads, memory) = (environment::threads(None), environment::memory(None));
        let engine = environment::engine(threads, memory);
        let pipeline = self.pipeline.load()?;
        let secrets = pipeline.secrets.clone();
        let masked = |findings| Failure::Findings(findings, Some(secrets.clone()));
        let tests = testing::chosen(&pipeline, &self.only).map_err(masked)?;
        if tests.is_empty() {
            let finding = Diagnostic::definition(format!("`{}` has no tests", self.pipeline.file.display()));
            return Err(finding.help("write them under `test`; docs/testing.md says how").into());
        }
        let cancelled = Arc::new(AtomicBool::new(false));
        interrupt::watch(&cancelled)?;
        let base = self.pipeline.base();
        let load = |values: &[(String, String)]| self.pipeline.load_with(values);
        let options =
            Options { load: &load, engine: &engine, base: &base, memory, threads, cancelled: Arc::clone(&cancelled) };
        let mut out = std::io::stdout().lock();
        let mut results = Vec::new();
        for test in &tests {
            let result = testing::run(test, &options);
            if cancelled.load(Ordering::Relaxed) {
                return Err(Failure::Code(Class::Interrupted.exit_code()));
            }
            if !(self.json || self.quiet && result.passed) {
                write!(out, "{}", secrets.mask(&testing::text(&result)))?;
            }
            results.push(result);
        }
        let failed = results.iter().filter(|result| !result.passed).count();
        if self.json {
            let document = json!({ "passed": failed == 0, "tests": results });
            let text = serde_json::to_string_pretty(&document).unwrap_or_default();
            writeln!(out, "{}", secrets.mask(&text))?;
        } else if !self.quiet || failed > 0 {
            let passed = results.len() - failed;
            match failed {
                0 => writeln!(out, "{passed} passed")?,
                _ => writeln!(out, "{passed} passed, {failed} failed")?,
            }
        }
        if failed > 0 { Err(Failure::Code(Class::Stage.exit_code())) } else { Ok(()) }
    }
}
