//! `gristmill stages`

use std::io::Write;

use clap::Args;
use serde_json::Value;

use super::Failure;
use crate::diagnostic::{Diagnostic, nearest};
use crate::stages::{Kind, documentation, kind, kinds, root_schema};

/// Print the reference of the kinds of stages.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gristmill stages         all kinds in a line each\n  gristmill stages impute  one kind with its options"
)]
pub(super) struct Stages {
    /// A kind of stage
    kind: Option<String>,
}

impl Stages {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let Some(name) = self.kind else {
            for kind in kinds() {
                let text = documentation(kind);
                let first = text.lines().next().unwrap_or_default();
                writeln!(out, "{:12} {:9} {first}", kind.name, family(kind))?;
            }
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
        let schema = root_schema(kind);
        let options = options(schema.as_value());
        if !options.is_empty() {
            writeln!(out, "\nOptions")?;
            for (name, text) in options {
                writeln!(out, "  {name:16} {text}")?;
            }
        }
        Ok(())
    }
}

fn family(kind: &Kind) -> String {
    format!("{:?}", kind.family).to_lowercase()
}

/// The options with their documentation and default.
fn options(schema: &Value) -> Vec<(String, String)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|required| required == name));
    properties
        .into_iter()
        .flatten()
        .map(|(name, property)| {
            let text = property.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
            let default = match property.get("default") {
                Some(value) if !value.is_null() => format!(" [default: {value}]"),
                _ if is_required(name) => " [required]".to_owned(),
                _ => String::new(),
            };
            (name.clone(), format!("{text}{default}"))
        })
        .collect()
}
