//! `gristmill stages`

use std::io::Write;

use clap::Args;

use super::Failure;
use crate::diagnostic::{Diagnostic, nearest};
use crate::stages::{Kind, documentation, kind, kinds, reference, schema};

/// Print the reference of the kinds of stages.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gristmill stages         all kinds in a line each\n  gristmill stages mine    those of a family\n  gristmill stages impute  one kind with its options"
)]
pub(super) struct Stages {
    /// A kind of stage, or a family: ingest, prepare, mine, learn, render
    kind: Option<String>,
}

impl Stages {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let listed = |kind: &&Kind| self.kind.as_ref().is_none_or(|name| family(kind) == *name);
        for kind in kinds().iter().filter(listed) {
            let text = documentation(kind);
            let first = text.lines().next().unwrap_or_default();
            writeln!(out, "{:12} {:9} {first}", kind.name, family(kind))?;
        }
        let Some(name) = self.kind.filter(|name| kinds().iter().all(|kind| family(kind) != *name)) else {
            return Ok(());
        };
        let Some(kind) = kind(&name) else {
            let finding = Diagnostic::definition(format!("there is no kind of stage `{name}`"));
            return Err(match nearest(&name, kinds().iter().map(|kind| kind.name)) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help("`gristmill stages` lists them"),
            }
            .into());
        };
        writeln!(out, "{} ({})\n\n{}", kind.name, family(kind), documentation(kind))?;
        let options = reference::options(&schema(), kind.name);
        if !options.is_empty() {
            let width = options.iter().map(|option| option.path.len()).max().unwrap_or(0);
            writeln!(out, "\nOptions")?;
            for option in options {
                let default = match option.default.as_str() {
                    "" => String::new(),
                    "required" => " [required]".to_owned(),
                    value => format!(" [default: {value}]"),
                };
                writeln!(out, "  {:width$}  {}{default}", option.path, option.meaning)?;
            }
        }
        Ok(())
    }
}

fn family(kind: &Kind) -> String {
    format!("{:?}", kind.family).to_lowercase()
}
