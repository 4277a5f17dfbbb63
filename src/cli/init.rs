//! `gristmill init`

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};

use super::{Failure, environment, pipeline};
use crate::definition;
use crate::diagnostic::{Diagnostic, Source};
use crate::expression::{DataType, Field, Schema};
use crate::files;
use crate::notation::{self, Verdict};
use crate::plan::{Surroundings, plan};
use crate::stages::Shape;
use crate::stages::prepare::clean::auto;

/// Look at files and write a commented pipeline that reads them.
///
/// The pipeline reads each file, cleans the texts that hold numbers, dates or booleans, describes it, and draws a column of numbers,
/// so that it can be run as it is. What the columns hold is told from the first 20,000 rows, with the reasons. Each table of a
/// workbook gets a stage of its own. The pipeline is printed, or written with `--output`.
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
            for read in tables_of(file) {
                let id = identifier(file, read.get("title").and_then(Value::as_str), &mut ids);
                let looked = look(&read, &engine)?;
                stages_of(file, &id, &read, &looked, &mut text);
            }
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

/// The options of `read` for each table of a file; `title` is the name of the table.
pub(super) fn tables_of(file: &str) -> Vec<Map<String, Value>> {
    let path = Path::new(file);
    let plain = |title: Option<&str>| {
        let mut read = Map::new();
        read.insert("path".to_owned(), json!(file.replace("${", "$${")));
        if let Some(title) = title {
            read.insert("title".to_owned(), json!(title));
        }
        read
    };
    if let Ok(sheets) = files::sheet_tables(path, file)
        && !sheets.is_empty()
    {
        let several = sheets.iter().filter(|(_, tables)| !tables.is_empty()).count() > 1;
        let mut reads = Vec::new();
        for (sheet, tables) in &sheets {
            for (number, table) in (1..).zip(tables) {
                let mut read = plain(Some(table.title.as_deref().unwrap_or(sheet)));
                if several {
                    read.insert("sheet".to_owned(), json!(sheet));
                }
                if tables.len() > 1 {
                    read.insert("table".to_owned(), json!(number));
                }
                reads.push(read);
            }
        }
        return reads;
    }
    let given = files::Given { table: Some("1".to_owned()), ..files::Given::default() };
    match files::sniff(path, &given) {
        Ok(sniffed) if sniffed.tables.len() > 1 => (1..)
            .zip(&sniffed.tables)
            .map(|(number, table)| {
                let mut read = plain(table.title.as_deref());
                read.insert("table".to_owned(), json!(number));
                read
            })
            .collect(),
        _ => vec![plain(None)],
    }
}

/// Texts that stand for a missing value in a column of a table that holds numbers, dates or booleans otherwise, told from its
/// first rows. None where the table cannot be looked at: whoever reads it will say why.
pub(super) fn null_words(read: &Map<String, Value>, engine: &dyn crate::engine::Engine) -> Vec<String> {
    let Ok(looked) = look(read, engine) else { return Vec::new() };
    let holds_more = |verdict: &&Verdict| !matches!(verdict.holds, notation::Holds::Text | notation::Holds::Nothing);
    let words = looked.verdicts.values().filter(holds_more).flat_map(|verdict| &verdict.null_tokens);
    let mut words: Vec<String> = words.map(|(word, _)| word.clone()).filter(|word| !word.is_empty()).collect();
    words.sort();
    words.dedup();
    words
}

/// What was seen of a table.
struct Looked {
    schema: Schema,
    verdicts: BTreeMap<String, Verdict>,
    warnings: Vec<String>,
}

/// Plans a pipeline that reads the table alone: columns are told by the same code as in a run, and so is what they hold.
fn look(read: &Map<String, Value>, engine: &dyn crate::engine::Engine) -> Result<Looked, Failure> {
    let options: Map<String, Value> =
        read.iter().filter(|(key, _)| *key != "title").map(|(key, value)| (key.clone(), value.clone())).collect();
    let definition = json!({ "name": "init", "stages": [{ "id": "file", "read": options }] });
    let source = Source::new("init", definition::to_yaml(&definition));
    let pipeline = definition::parse(source, &pipeline::load_options(Vec::new()), Path::new(""))?;
    let scratch = tempfile::tempdir()?;
    let planned = plan(pipeline, &Surroundings { engine, base: Path::new(""), scratch: scratch.path() });
    match planned.stages.first().map(|stage| stage.shape()) {
        Some(Shape::Table(table)) if planned.is_runnable() => {
            let wanted = |field: &&Field| field.data_type == DataType::String || field.data_type == DataType::Int64;
            let names: Vec<String> =
                table.schema.fields().iter().filter(wanted).map(|field| field.name.clone()).collect();
            let mut warnings: Vec<String> = planned.findings.iter().map(|finding| finding.message.clone()).collect();
            let judged =
                auto::judge_sample(&table.relation, &names, notation::Options::default(), engine, scratch.path());
            let verdicts = judged.unwrap_or_else(|error| {
                warnings.push(error.message);
                BTreeMap::new()
            });
            Ok(Looked { schema: table.schema.clone(), verdicts, warnings })
        }
        // The places are in a text that nobody wrote, so they would only confuse.
        _ => Err(planned
            .findings
            .into_iter()
            .map(|finding| Diagnostic { place: None, label: None, ..finding })
            .collect::<Vec<_>>()
            .into()),
    }
}

/// A text for a comment: on one line.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn stages_of(file: &str, id: &str, read: &Map<String, Value>, looked: &Looked, text: &mut String) {
    let schema = &looked.schema;
    let _ = writeln!(text, "  # {}: {} columns", comment(file), schema.len());
    for warning in &looked.warnings {
        let _ = writeln!(text, "  # Note: {}", comment(warning));
    }
    for field in schema.fields().iter().take(60) {
        let _ = writeln!(text, "  #   {}: {}", comment(&field.name), field.data_type);
    }
    if schema.len() > 60 {
        let _ = writeln!(text, "  #   and {} more", schema.len() - 60);
    }
    let options: Map<String, Value> =
        read.iter().filter(|(key, _)| *key != "title").map(|(key, value)| (key.clone(), value.clone())).collect();
    let _ = writeln!(text, "  - id: {id}\n    read: {}", definition::to_yaml_line(&options.into()));
    clean_stage(id, looked, text);
    let schema = &cleaned(looked);
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

/// The stage that cleans what is no text, with the reasons.
fn clean_stage(id: &str, looked: &Looked, text: &mut String) {
    let is_text = |name: &str| looked.schema.data_type(name) == Some(&DataType::String);
    let remarks = |name: &str, verdict: &Verdict, text: &mut String| {
        for remark in auto::remarks(verdict) {
            let _ = writeln!(text, "  #   {}: {}", comment(name), comment(&remark));
        }
    };
    let mut rules = String::new();
    text.push_str("  # What the columns of text hold, told from the first rows:\n");
    for field in looked.schema.fields() {
        let Some(verdict) = looked.verdicts.get(&field.name) else { continue };
        if !is_text(&field.name) {
            remarks(&field.name, verdict, text);
            continue;
        }
        let name = comment(&field.name);
        let misfits: Vec<String> = verdict
            .misfits
            .iter()
            .take(3)
            .map(|(value, count)| format!("`{}` × {count}", files::shown(value)))
            .collect();
        let mut words = format!("{} ({})", auto::words_for(verdict), verdict.because);
        if verdict.misfit > 0 {
            let _ = write!(words, "; {} values do not fit: {}", verdict.misfit, misfits.join(", "));
        }
        let _ = writeln!(text, "  #   {name}: {}", comment(&words));
        remarks(&field.name, verdict, text);
        if let Some(line) = auto::line(&field.name, verdict) {
            let _ = writeln!(rules, "        {line}");
        }
    }
    text.push_str(
        "  # `clean: {auto: true}` tells the same when it runs; `gristmill stages clean` lists what can be done.\n",
    );
    if !rules.is_empty() {
        let _ = write!(text, "  - id: {id}_clean\n    clean:\n      columns:\n{rules}");
    }
}

/// The columns once they are cleaned.
fn cleaned(looked: &Looked) -> Schema {
    let fields = looked.schema.fields().iter().map(|field| match looked.verdicts.get(&field.name) {
        Some(verdict) if field.data_type == DataType::String => Field::new(&field.name, auto::data_type(verdict)),
        _ => field.clone(),
    });
    Schema::new(fields.collect()).unwrap_or_default()
}

/// A text as a double-quoted YAML scalar; `${` stays literal.
fn scalar(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// A name for the stage that reads a file: letters, digits and underscores of the file's name, or of the table's.
pub(super) fn identifier(file: &str, title: Option<&str>, taken: &mut HashSet<String>) -> String {
    let name = Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or("file");
    let stem = title.unwrap_or_else(|| name.split('.').next().unwrap_or("file"));
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
