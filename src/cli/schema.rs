//! `gristmill schema`

use std::io::Write;

use clap::Args;

use super::Failure;

/// Print the JSON Schema (2020-12) of pipeline files.
///
/// An editor that speaks yaml-language-server completes and checks a file whose first line is
/// `# yaml-language-server: $schema=PATH`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gristmill schema > schema/pipeline.schema.json")]
pub(super) struct Schema {}

impl Schema {
    pub(super) fn execute(self) -> Result<(), Failure> {
        writeln!(std::io::stdout(), "{}", text())?;
        Ok(())
    }
}

/// The JSON Schema of pipeline files as text, ending without a line feed.
pub(super) fn text() -> String {
    serde_json::to_string_pretty(&crate::stages::schema()).unwrap_or_default()
}
