//! `gristmill jobs models|restore`

use std::io::Write;

use clap::Args;

use super::{Served, failure, table};
use crate::cli::Failure;
use crate::schedule::store::PromotionState;

/// List the versions of promoted models and outputs, the latest first.
#[derive(Debug, Args)]
pub(super) struct Models {
    /// The model or output [default: the current version of each]
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    served: Served,
    /// How many versions to list
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    last: usize,
}

impl Models {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let client = self.served.open()?;
        let versions = match &self.name {
            Some(name) => client.model(name, self.last),
            None => client.models(),
        }
        .map_err(failure)?;
        if versions.is_empty() {
            writeln!(std::io::stdout(), "nothing was promoted yet")?;
            return Ok(());
        }
        let now = client.now();
        let rows: Vec<[String; 6]> = versions
            .iter()
            .map(|version| {
                let state = match (version.state, version.published) {
                    (PromotionState::Current, Some(_)) => "current",
                    (PromotionState::Current, None) => "becomes current",
                    (PromotionState::Former, _) => "former",
                    (PromotionState::Refused, _) => "refused",
                };
                [
                    version.number.to_string(),
                    version.name.clone(),
                    version.version.clone(),
                    state.to_owned(),
                    table::ago(version.decided.0, now),
                    version.reason.clone().unwrap_or_default(),
                ]
            })
            .collect();
        table::print(["number", "name", "version", "state", "decided", "reason"], &rows)?;
        Ok(())
    }
}

/// Make an earlier version of a model or output the current one again.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gristmill jobs models delays\n  gristmill jobs restore 17")]
pub(super) struct Restore {
    /// The number that `jobs models NAME` shows
    #[arg(value_name = "NUMBER")]
    number: i64,
    #[command(flatten)]
    served: Served,
}

impl Restore {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let restored = self.served.open()?.restore(self.number).map_err(failure)?;
        writeln!(std::io::stdout(), "{} is {} again", restored.name, restored.version)?;
        Ok(())
    }
}
