//! `gristmill functions`

use std::io::Write;

use clap::Args;

use super::Failure;
use crate::diagnostic::{Diagnostic, nearest};
use crate::expression::Function;

/// Print the reference of the functions of expressions.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gristmill functions             all functions in a line each\n  gristmill functions date_trunc  one function with its signatures and an example"
)]
pub(super) struct Functions {
    /// A function
    name: Option<String>,
}

impl Functions {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let Some(name) = self.name else {
            for function in Function::all() {
                let declaration = function.declaration();
                let family = format!("{:?}", declaration.family).to_lowercase();
                writeln!(out, "{:22} {family:12} {}", function.name(), declaration.summary)?;
            }
            return Ok(());
        };
        let Some(function) = Function::by_name(&name) else {
            let names = Function::all().iter().flat_map(|function| function.declaration().names.iter().copied());
            let finding = Diagnostic::definition(format!("there is no function `{name}`"));
            return Err(match nearest(&name, names) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help("`gristmill functions` lists them"),
            }
            .into());
        };
        let declaration = function.declaration();
        for signature in declaration.signatures {
            writeln!(out, "{}", signature.render(function.name()))?;
        }
        writeln!(out, "\n{}\nNulls: {}", declaration.summary, declaration.nulls)?;
        let others: Vec<&str> = declaration.names.iter().copied().skip(1).collect();
        if !others.is_empty() {
            writeln!(out, "Also: {}", others.join(", "))?;
        }
        writeln!(out, "Example: {} is {}", declaration.example.sql, declaration.example.value)?;
        Ok(())
    }
}
