//! `gristmill model`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::stages::learn::model;

/// Check a saved model and print its card: what it foretells, how good it is, what it learned from, what it needs.
///
/// Every file of the folder is read and compared with what was saved. The card is Markdown, made anew from the folder; `README.md` in it
/// holds the same, unless somebody wrote to it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gristmill model out/model\n  gristmill model out/model --json | jq .training.rows"
)]
pub(super) struct Model {
    /// The folder of the model
    #[arg(value_name = "MODEL")]
    folder: PathBuf,
    /// Print what is known of the model as JSON
    #[arg(long)]
    json: bool,
}

impl Model {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let mut out = std::io::stdout();
        if self.json {
            let facts = model::facts(&self.folder)?;
            writeln!(out, "{}", serde_json::to_string_pretty(&facts).unwrap_or_default())?;
        } else {
            write!(out, "{}", model::card(&self.folder)?)?;
        }
        Ok(())
    }
}
