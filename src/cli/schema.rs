//! `gristmill schema`

use std::io::Write;

use clap::Args;

use super::Failure;

/// Print the JSON Schema (2020-12) of pipeline files, or of job files.
///
/// An editor that speaks yaml-language-server completes and checks a file whose first line is
/// `# yaml-language-server: $schema=PATH`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gristmill schema > schema/pipeline.schema.json\n  gristmill schema --jobs > schema/job.schema.json"
)]
pub(super) struct Schema {
    /// The schema of job files.
    #[arg(long)]
    jobs: bool,
}

impl Schema {
    pub(super) fn execute(self) -> Result<(), Failure> {
        writeln!(std::io::stdout(), "{}", if self.jobs { text_of_jobs() } else { text() })?;
        Ok(())
    }
}

/// The JSON Schema of pipeline files as text, ending without a line feed.
pub(super) fn text() -> String {
    serde_json::to_string_pretty(&crate::stages::schema()).unwrap_or_default()
}

/// The JSON Schema of job files as text, ending without a line feed.
fn text_of_jobs() -> String {
    serde_json::to_string_pretty(&crate::schedule::job::schema()).unwrap_or_default()
}
