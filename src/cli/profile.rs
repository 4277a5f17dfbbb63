//! `gristmill profile`

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use serde_json::{Map, Value, json};

use super::init::{identifier, null_words, tables_of};
use super::worker::{self, Role};
use super::{Failure, environment, interrupt, pipeline, render, summary};
use crate::definition;
use crate::diagnostic::{Class, Diagnostic, Findings, Source};
use crate::digits;
use crate::engine::Engine;
use crate::files;
use crate::plan::{Plan, Selection, Surroundings, plan};
use crate::report;
use crate::run::events::{Event, Listener};
use crate::run::manifest::{RunRecord, StageStatus};
use crate::run::store::Store;
use crate::run::{self, RunContext, RunOptions};
use crate::stages::ingest::read::set_aside;
use crate::stages::mine::profile::alerts::{Alert, Severity};
use crate::stages::mine::profile::document::{Document, FORMAT, TableProfile};

/// The folder for the state of the run, told to the worker.
const STATE: &str = "GRISTMILL_PROFILE_STATE";
/// Alerts that are printed for a table, unless all are asked for.
const PRINTED: usize = 12;
/// Rows of a file that are set aside because they cannot be read, before the file is given up.
const MOST_SET_ASIDE: u64 = 100_000;

/// Profile files: what each column holds and means, and what to look at.
///
/// No pipeline is needed: any file that `read` takes is read once; rows that are damaged are set aside and counted. The page, one HTML file without scripts or network, says what
/// was found, why it matters and which stage mends it, as YAML to paste; the gravest findings are printed. `--compare` puts a
/// second file beside the first: columns that came or went, and how far the others have moved.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Profile {
    /// Files to profile
    #[arg(value_name = "FILE", required_unless_present = "schema")]
    files: Vec<String>,
    /// Compare the file with this one
    #[arg(long, value_name = "FILE")]
    compare: Option<String>,
    /// Write the page to this file [default: profile.html for several files, else the name of the file with `.profile.html`, in this folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the profile as JSON and write no page; docs/profile.md describes it
    #[arg(long, conflicts_with = "output")]
    json: bool,
    /// Print the JSON Schema of what `--json` prints
    #[arg(long, conflicts_with_all = ["files", "compare", "output", "json"])]
    schema: bool,
    /// How many of the most frequent values of a column are kept
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    /// Texts that mean null [default: those that stand among numbers, dates or booleans in the first rows, such as NA]
    #[arg(long, value_name = "TEXT", value_delimiter = ',')]
    null_values: Vec<String>,
    /// Threads [default: all cores]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Memory to use, such as 4GiB [default: half of what there is]
    #[arg(long, value_name = "SIZE", value_parser = environment::parse_bytes)]
    memory: Option<u64>,
    /// Print errors only
    #[arg(short, long)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  gristmill profile sales.csv
  gristmill profile data/*.parquet --output out/profile.html
  gristmill profile may.csv --compare april.csv
  gristmill profile sales.csv --json | jq '.tables[].alerts[] | .message'";

/// A table that is read.
struct Read {
    /// The stage that gives its profile, or its rows.
    id: String,
    /// The file, and the name of the table where the file holds several.
    name: String,
    /// Texts that are read as null.
    nulls: Vec<String>,
    /// The stages that read the file, and the one it is compared with, with the names of the files.
    sources: Vec<(String, String)>,
}

/// A run that succeeded.
struct Profiled {
    record: RunRecord,
    /// The profiles that it made.
    tables: Vec<Read>,
    /// Warnings of the plan.
    findings: Findings,
}

/// A listener that hears nothing.
struct Silent;

impl Listener for Silent {
    fn hear(&self, _: &Event) {}
}

impl Profile {
    pub(super) fn execute(self) -> Result<(), Failure> {
        if self.schema {
            writeln!(std::io::stdout(), "{}", schema())?;
            return Ok(());
        }
        if self.compare.is_some() && self.files.len() != 1 {
            return Err(Diagnostic::definition("`--compare` compares one file with another")
                .help("name one file before it")
                .into());
        }
        match worker::role()? {
            Role::Worker => self.work(),
            Role::Supervisor => {
                let scratch = tempfile::tempdir()?;
                let threads = environment::threads(self.threads.map(usize::from));
                let base = scratch.path().to_path_buf();
                let mut variables = environment::of_worker(
                    threads,
                    environment::memory(self.memory),
                    environment::disk(None, &base),
                    &base,
                );
                variables.push((STATE, base.display().to_string()));
                // The worker's own output is the profile; a death before it is told without a run.
                worker::supervise(&worker::Settings {
                    base,
                    given: None,
                    json: false,
                    quiet: self.quiet,
                    environment: variables,
                })
            }
        }
    }

    /// What the worker does: the profiles of all files in one run.
    fn work(self) -> Result<(), Failure> {
        let state = std::env::var_os(STATE).map(PathBuf::from).unwrap_or_else(std::env::temp_dir);
        let threads = environment::threads(self.threads.map(usize::from));
        let memory = environment::memory(self.memory);
        let (engine, _watch) = environment::bounded_engine(threads, memory, &state);
        let cancelled = Arc::new(AtomicBool::new(false));
        interrupt::watch(&cancelled)?;
        let attempt = |set_aside| self.attempt(set_aside, &engine, &state, (memory, threads), &cancelled);
        // Looking for rows to set aside makes reading dearer by half, so it begins when there is one.
        let Profiled { record, tables, findings } = match attempt(false) {
            Err(Failure::Findings(errors, _)) if self.is_damaged(&errors) => attempt(true)?,
            ended => ended?,
        };
        if !self.quiet {
            render::print(&findings, None);
        }
        let document = Document { format: FORMAT, tables: profiles(&record, &tables, self.compare.as_deref()) };
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&document).unwrap_or_default())?;
            return Ok(());
        }
        let path = self.output.clone().unwrap_or_else(|| self.page_name());
        let title = match document.tables.as_slice() {
            [one] => one.name.clone(),
            many => format!("{} tables", many.len()),
        };
        let html = report::profile(&document, &title);
        crate::staging::write_atomically(&path, html.as_bytes())
            .map_err(|error| crate::staging::failure("cannot write the page", &path, &error))?;
        if !self.quiet {
            for table in &document.tables {
                print_table(&mut out, table)?;
            }
            writeln!(
                out,
                "profile {} in {}, {} at most",
                path.display(),
                summary::seconds(record.seconds),
                digits::bytes(record.peak_memory)
            )?;
        }
        Ok(())
    }

    /// Plans and runs; `set_aside` says whether rows that cannot be read are set aside.
    fn attempt(
        &self,
        set_aside: bool,
        engine: &dyn Engine,
        state: &Path,
        (memory, threads): (u64, usize),
        cancelled: &Arc<AtomicBool>,
    ) -> Result<Profiled, Failure> {
        let (pipeline_text, tables) = self.pipeline(set_aside, engine)?;
        let source = Source::new("profile", pipeline_text);
        let parsed = definition::parse(source, &pipeline::load_options(Vec::new()), Path::new(""))?;
        let scratch = state.join("plan");
        std::fs::create_dir_all(&scratch)?;
        let plan = plan(parsed, &Surroundings { engine, base: Path::new(""), scratch: &scratch });
        // The places are in a text that nobody wrote, so they would only confuse.
        let findings: Findings =
            plan.findings.iter().map(|finding| Diagnostic { place: None, label: None, ..finding.clone() }).collect();
        if !plan.is_runnable() {
            return Err(findings.into());
        }
        let record = run_plan(&plan, state, engine, (memory, threads), cancelled)?;
        fail(&record)?;
        Ok(Profiled { record, tables, findings })
    }

    /// Whether the errors are of data, and among the files are such whose bad records can be set aside.
    fn is_damaged(&self, errors: &Findings) -> bool {
        errors.iter().any(|error| error.class == Class::Data)
            && self.files.iter().chain(&self.compare).any(|file| may_be_damaged(file))
    }

    /// The pipeline that reads and profiles each table, with the ids and names of the profiles.
    fn pipeline(&self, set_aside: bool, engine: &dyn Engine) -> Result<(String, Vec<Read>), Failure> {
        let mut ids = HashSet::new();
        let mut stages = Vec::new();
        let mut tables = Vec::new();
        let mut read = |file: &str, stages: &mut Vec<Value>| -> Vec<Read> {
            let found = tables_of(file).into_iter().map(|mut read: Map<String, Value>| {
                let title = read.shift_remove("title").and_then(|title| title.as_str().map(str::to_owned));
                let id = identifier(file, title.as_deref(), &mut ids);
                let nulls =
                    if self.null_values.is_empty() { null_words(&read, engine) } else { self.null_values.clone() };
                if !nulls.is_empty() {
                    read.insert("null_values".to_owned(), json!(nulls));
                }
                if set_aside && may_be_damaged(file) {
                    read.insert("on_error".to_owned(), json!("reject"));
                    read.insert("reject_limit".to_owned(), json!(MOST_SET_ASIDE));
                }
                stages.push(json!({ "id": id, "read": read }));
                let name = title.map_or_else(|| file.to_owned(), |title| format!("{file}: {title}"));
                Read { id: id.clone(), name: name.clone(), nulls, sources: vec![(id, name)] }
            });
            found.collect()
        };
        let other = self.compare.as_ref().map(|file| read(file, &mut stages));
        if other.as_ref().is_some_and(|tables| tables.len() != 1) {
            let message = format!("`{}` holds more than one table", self.compare.as_deref().unwrap_or_default());
            return Err(Diagnostic::error(Class::Data, message)
                .help("write its tables to files of their own first")
                .into());
        }
        for file in &self.files {
            for mut table in read(file, &mut stages) {
                table.sources.extend(other.iter().flatten().flat_map(|other| other.sources.clone()));
                let profile = format!("{}_profile_{}", table.id, tables.len());
                let mut options = Map::new();
                options.insert("top".to_owned(), json!(self.top));
                options.insert("figures".to_owned(), json!(false));
                if let Some(other) = other.as_ref().and_then(|tables| tables.first()) {
                    options.insert("compare".to_owned(), json!(other.id));
                }
                stages.push(json!({ "id": profile, "from": table.id, "profile": options }));
                tables.push(Read { id: profile, ..table });
            }
        }
        Ok((definition::to_yaml(&json!({ "name": "profile", "stages": stages })), tables))
    }

    fn page_name(&self) -> PathBuf {
        match self.files.as_slice() {
            [file] => {
                let name =
                    Path::new(file).file_name().map_or_else(|| "profile".into(), std::ffi::OsStr::to_string_lossy);
                PathBuf::from(format!("{name}.profile.html").replace(['*', '?'], "_"))
            }
            _ => PathBuf::from("profile.html"),
        }
    }
}

/// The JSON Schema of the document.
fn schema() -> String {
    let schema = schemars::generate::SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>();
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

pub(super) fn run_plan(
    plan: &Plan,
    state: &Path,
    engine: &dyn Engine,
    (memory, threads): (u64, usize),
    cancelled: &Arc<AtomicBool>,
) -> Result<RunRecord, Failure> {
    let store = Store::open(state)?;
    let options = RunOptions {
        selection: Selection { until: None, only: Vec::new(), tags: Vec::new() },
        keep_going: false,
        use_cache: false,
        memory,
        disk: environment::disk(None, state),
        kept: environment::kept(None, state),
        threads,
        base: PathBuf::new(),
        file: "profile".to_owned(),
    };
    let context = RunContext { engine, store: &store, listener: &Silent, cancelled: Arc::clone(cancelled) };
    let run::Ended { record, folder } = run::run(plan, &options, &context)?;
    folder.end();
    Ok(record)
}

/// The first error of a stage, as the command's own.
pub(super) fn fail(record: &RunRecord) -> Result<(), Failure> {
    if record.exit_code == 0 {
        return Ok(());
    }
    let failed = record.stages.iter().filter(|stage| stage.status == StageStatus::Failed);
    let errors: Findings = failed
        .filter_map(|stage| stage.error.as_ref())
        .filter(|error| error.class != Class::Interrupted)
        .map(|error| Diagnostic { help: error.help.clone(), ..Diagnostic::error(error.class, error.message.clone()) })
        .collect();
    if errors.is_empty() { Err(Failure::Code(record.exit_code)) } else { Err(errors.into()) }
}

/// Whether the format of the file is one whose bad records `read` can set aside.
fn may_be_damaged(file: &str) -> bool {
    let sniffed = files::sniff(Path::new(file), &files::Given::default());
    sniffed.is_ok_and(|sniffed| matches!(sniffed.format, files::Format::Csv | files::Format::Workbook))
}

/// The profiles that the run left, under the names of their files.
fn profiles(record: &RunRecord, tables: &[Read], compared: Option<&str>) -> Vec<TableProfile> {
    let found = tables.iter().filter_map(|table| {
        let mut profile: TableProfile = serde_json::from_value(record.stage(&table.id)?.statistics.clone()).ok()?;
        profile.name.clone_from(&table.name);
        profile.read_as_null.clone_from(&table.nulls);
        for (source, file) in table.sources.iter().rev() {
            let source = record.stage(source)?;
            let changes = source.ledger.as_ref().map_or(&[][..], |entry| &entry.changes);
            let (rows, first) = set_aside(changes, &source.exhibits);
            if rows > 0 {
                profile.alerts.insert(0, Alert::set_aside(rows, file, first.as_deref()));
            }
        }
        if let Some((comparison, file)) = profile.comparison.as_mut().zip(compared) {
            file.clone_into(&mut comparison.other);
        }
        Some(profile)
    });
    found.collect()
}

/// A table in a few lines.
fn print_table(out: &mut impl Write, table: &TableProfile) -> std::io::Result<()> {
    writeln!(out, "{}: {}, {} columns", table.name, digits::rows(table.rows), table.columns.len())?;
    if !table.read_as_null.is_empty() {
        writeln!(out, "  · read as null: {}", table.read_as_null.join(", "))?;
    }
    let grave = table.alerts.iter().filter(|alert| alert.severity < Severity::Info);
    for alert in grave.clone().take(PRINTED) {
        let mark = if alert.severity == Severity::Bad { "✗" } else { "!" };
        let columns = if alert.columns.is_empty() { String::new() } else { format!("{}: ", alert.columns.join(", ")) };
        writeln!(out, "  {mark} {columns}{}", alert.message)?;
    }
    let more = grave.count().saturating_sub(PRINTED);
    if more > 0 {
        writeln!(out, "  and {more} more to look at")?;
    }
    let info = table.alerts.iter().filter(|alert| alert.severity == Severity::Info).count();
    if info > 0 {
        writeln!(out, "  · {info} good to know")?;
    }
    Ok(())
}
