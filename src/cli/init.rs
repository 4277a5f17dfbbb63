//! `gristmill init`

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{Failure, environment, pipeline};
use crate::definition;
use crate::diagnostic::{Diagnostic, Source};
use crate::expression::{DataType, Schema};
use crate::plan::{Surroundings, plan};
use crate::stages::Shape;

/// Look at files and write a commented pipeline that reads them.
///
/// The pipeline reads each file, describes it, and draws a column of numbers, so that it can be run as it is. It is printed,
/// or written with `--output`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gristmill init data/*.csv > pipeline.yaml\n  gristmill init sales.parquet --output sales.yaml"
)]
pub(super) struct Init {
    /// Files to read
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// The pipeline file to write; it must not exist yet
    #[arg(short, long, value_name = "PIPELINE")]
    output: Option<PathBuf>,
}

impl Init {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let engine = environment::engine(environment::threads(None), environment::memory(None));
        let mut ids = HashSet::new();
        let mut text = String::new();
        let name = self.output.as_deref().or(Some(Path::new("pipeline"))).and_then(Path::file_stem);
        let name = name.and_then(|name| name.to_str()).unwrap_or("pipeline");
        // Writing to a text cannot fail.
        let _ = writeln!(text, "name: {}", scalar(name));
        text.push_str("description: What is in these files?\n\nstages:\n");
        for file in &self.files {
            let id = identifier(file, &mut ids);
            let schema = schema_of(file, &engine)?;
            stages_of(file, &id, &schema, &mut text);
        }
        let _ = writeln!(text, "\nreport: {{title: {}, path: {}}}", scalar(name), scalar(&format!("out/{name}.html")));
        match &self.output {
            None => write!(std::io::stdout(), "{text}")?,
            Some(path) if path.exists() => {
                let message = format!("`{}` is there already", path.display());
                return Err(Diagnostic::error(crate::diagnostic::Class::Output, message)
                    .help("choose another name")
                    .into());
            }
            Some(path) => {
                crate::staging::write_atomically(path, text.as_bytes())
                    .map_err(|error| crate::staging::failure("cannot write", path, &error))?;
                writeln!(std::io::stdout(), "wrote {}; now: gristmill run {}", path.display(), path.display())?;
            }
        }
        Ok(())
    }
}

/// Plans a pipeline that reads the file alone: the columns are told by the same code as in a run.
fn schema_of(file: &str, engine: &dyn crate::engine::Engine) -> Result<Schema, Failure> {
    let definition =
        json!({ "name": "init", "stages": [{ "id": "file", "read": { "path": file.replace("${", "$${") } }] });
    let source = Source::new(file, definition::to_yaml(&definition));
    let pipeline = definition::parse(source, &pipeline::load_options(Vec::new()), Path::new(""))?;
    let scratch = tempfile::tempdir()?;
    let planned = plan(pipeline, &Surroundings { engine, base: Path::new(""), scratch: scratch.path() });
    match planned.stages.first().map(|stage| stage.shape()) {
        Some(Shape::Table(table)) if planned.is_runnable() => Ok(table.schema.clone()),
        // The places are in a text that nobody wrote, so they would only confuse.
        _ => Err(planned
            .findings
            .into_iter()
            .map(|finding| Diagnostic { place: None, label: None, ..finding })
            .collect::<Vec<_>>()
            .into()),
    }
}

fn stages_of(file: &str, id: &str, schema: &Schema, text: &mut String) {
    let _ = writeln!(text, "  # {file}: {} columns", schema.len());
    for field in schema.fields().iter().take(60) {
        let name: String = field.name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(text, "  #   {name}: {}", field.data_type);
    }
    if schema.len() > 60 {
        let _ = writeln!(text, "  #   and {} more", schema.len() - 60);
    }
    let _ = writeln!(text, "  - id: {id}\n    read: {{path: {}}}", scalar(&file.replace("${", "$${")));
    text.push_str("  # Clean the texts: `gristmill stages clean` lists what can be done.\n");
    if schema.fields().iter().any(|field| field.data_type == DataType::String) {
        let _ = writeln!(
            text,
            "  - id: {id}_clean\n    clean: {{all: {{trim: true, null_tokens: [\"\", NA, N/A, \"null\", \"-\"]}}}}"
        );
    }
    text.push_str("  # Exact duplicates of whole rows become one; name the keys with `on`.\n");
    let flat = schema.fields().iter().all(|field| !field.data_type.is_nested());
    if flat {
        let _ = writeln!(text, "  - id: {id}_rows\n    dedupe: {{}}");
    }
    let _ = writeln!(text, "  - id: {id}_described\n    describe: {{}}");
    let number = schema
        .fields()
        .iter()
        .find(|field| field.data_type.is_float())
        .or_else(|| schema.fields().iter().find(|field| field.data_type.is_integer()));
    if let Some(field) = number {
        let from = if flat { format!("{id}_rows") } else { id.to_owned() };
        let column = format!("\"{}\"", field.name.replace('"', "\"\""));
        let title = format!("Distribution of {}", field.name);
        let _ = writeln!(
            text,
            "  - from: {from}\n    chart: {{mark: histogram, x: {}, title: {}}}",
            scalar(&column),
            scalar(&title)
        );
    }
}

/// A text as a double-quoted YAML scalar; `${` stays literal.
fn scalar(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// A name for the stage that reads a file: letters, digits and underscores of the file's name.
fn identifier(file: &str, taken: &mut HashSet<String>) -> String {
    let name = Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or("file");
    let stem = name.split('.').next().unwrap_or("file");
    let mut id: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if !id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        id.insert(0, '_');
    }
    let unique = std::iter::once(id.clone()).chain((2..).map(|number| format!("{id}_{number}")));
    let found = unique.into_iter().find(|id| !taken.contains(id)).unwrap_or(id);
    taken.insert(found.clone());
    found
}
