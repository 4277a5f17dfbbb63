//! `gristmill predict`

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::init::null_words;
use super::worker::{self, Role};
use super::{Failure, environment, interrupt, pipeline, render, summary};
use crate::definition;
use crate::diagnostic::{Diagnostic, Findings, Source};
use crate::digits;
use crate::engine::Engine;
use crate::files;
use crate::plan::{Plan, Surroundings, plan};
use crate::run::manifest::RunRecord;
use crate::stages::Shape;
use crate::stages::learn::model::SavedModel;
use crate::stages::learn::predict::{ColumnSummary, Summary, TargetSummary};

/// The folder for the state of the run, told to the worker.
const STATE: &str = "GRISTMILL_PREDICT_STATE";
/// The stage that predicts.
const PREDICTED: &str = "predicted";
/// Classes and columns that are named in the summary.
const NAMED: usize = 6;

/// Foretell the rows of files with a saved model.
///
/// No pipeline is needed: any file that `read` takes is read, everything that was done to the rows of the training is done to its rows, and
/// each comes out with its prediction, none dropped. Predictions go to `--out`, or as CSV to the standard output; what was found goes to
/// the error output: how many of each class, what was held back, what of the rows training did not have. Columns are read as the types
/// that the model needs. What does not fit the memory lies in the folder for temporary files (`TMPDIR`).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Predict {
    /// The folder of the model, as `train` or `evaluate` saved it
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Files with rows like those that the model was trained on, all with the same columns
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// Write the predictions to this file [default: CSV to the standard output]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The format [default: told from the ending of `--out`, else CSV]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Add the probability of each class
    #[arg(long)]
    probabilities: bool,
    /// Give rows about which the model is less sure than this no prediction, and say why in a column `reason`
    #[arg(long, value_name = "PROBABILITY")]
    abstain_below: Option<f64>,
    /// The probability from which yes is predicted [default: what was chosen when the model was evaluated, else 0.5]
    #[arg(long, value_name = "PROBABILITY")]
    threshold: Option<f64>,
    /// Add a column that says what of a row training did not have
    #[arg(long)]
    warnings: bool,
    /// Keep these columns of the rows [default: all]
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    columns: Vec<String>,
    /// Is added to the names of the columns that are added
    #[arg(long, value_name = "TEXT")]
    suffix: Option<String>,
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
  gristmill predict out/model new.csv --out predictions.csv
  gristmill predict out/model 'new/*.parquet' --out predictions.parquet --probabilities
  gristmill predict out/model new.csv --abstain-below 0.8 --columns id | head
  gristmill model out/model                    what it foretells and needs";

/// Formats that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Tsv,
    Ndjson,
    Parquet,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

impl Predict {
    pub(super) fn execute(self) -> Result<(), Failure> {
        if self.out.is_none() && self.format == Some(Format::Parquet) && std::io::stdout().is_terminal() {
            let message = "Parquet is nothing for a terminal";
            return Err(Diagnostic::definition(message).help("name a file: `--out predictions.parquet`").into());
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

    /// What the worker does.
    fn work(self) -> Result<(), Failure> {
        let state = std::env::var_os(STATE).map(PathBuf::from).unwrap_or_else(std::env::temp_dir);
        let threads = environment::threads(self.threads.map(usize::from));
        let memory = environment::memory(self.memory);
        let (engine, _watch) = environment::bounded_engine(threads, memory, &state);
        let cancelled = Arc::new(AtomicBool::new(false));
        interrupt::watch(&cancelled)?;
        // A saved linkage is no network; the stage knows what to do with it.
        let model = if self.model.join("bundle.json").exists() { Some(SavedModel::read(&self.model)?) } else { None };
        let target = self.out.clone().unwrap_or_else(|| state.join("predictions"));
        let plan = self.plan(model.as_ref(), &target, &engine, &state)?;
        if !self.quiet {
            render::print(&without_places(&plan.findings), None);
        }
        let record = super::profile::run_plan(&plan, &state, &engine, (memory, threads), &cancelled)?;
        super::profile::fail(&record)?;
        if self.out.is_none() {
            let mut out = std::io::stdout().lock();
            let copied = std::io::copy(&mut File::open(&target)?, &mut out).and_then(|_| out.flush());
            // Whoever reads the first rows only is told what was found in all of them.
            if let Err(error) = copied
                && error.kind() != std::io::ErrorKind::BrokenPipe
            {
                return Err(error.into());
            }
        }
        if !self.quiet {
            self.tell(&record)?;
        }
        Ok(())
    }

    /// The plan of the pipeline that reads, predicts and writes. Where a column has another type than the model needs, it is read as that.
    fn plan(
        &self,
        model: Option<&SavedModel>,
        target: &Path,
        engine: &dyn Engine,
        state: &Path,
    ) -> Result<Plan, Failure> {
        let mut read = self.read(engine);
        let first = self.planned(&read, model, target, engine, state)?;
        if first.is_runnable() {
            return Ok(first);
        }
        let misfits = match (first.stages.first().map(|stage| stage.shape()), model) {
            (Some(Shape::Table(table)), Some(model)) => model.misfits(&table.schema),
            _ => Vec::new(),
        };
        if misfits.is_empty() || !self.files.iter().all(|file| has_types(file)) {
            return Err(without_places(&first.findings).into());
        }
        let types = misfits.into_iter().map(|field| (field.name, json!(field.data_type.to_string())));
        read.insert("types".to_owned(), Value::Object(types.collect()));
        let second = self.planned(&read, model, target, engine, state)?;
        if second.is_runnable() { Ok(second) } else { Err(without_places(&second.findings).into()) }
    }

    /// The options of `read`.
    fn read(&self, engine: &dyn Engine) -> Map<String, Value> {
        let paths: Vec<String> = self.files.iter().map(|file| file.replace("${", "$${")).collect();
        let mut read = Map::new();
        read.insert("path".to_owned(), json!(paths));
        let nulls = if self.null_values.is_empty() && self.files.iter().all(|file| has_types(file)) {
            null_words(&read, engine)
        } else {
            self.null_values.clone()
        };
        if !nulls.is_empty() {
            read.insert("null_values".to_owned(), json!(nulls));
        }
        read
    }

    fn planned(
        &self,
        read: &Map<String, Value>,
        model: Option<&SavedModel>,
        target: &Path,
        engine: &dyn Engine,
        state: &Path,
    ) -> Result<Plan, Failure> {
        let mut predict = Map::new();
        // Without a slash it would be the name of a stage.
        let folder = if self.model.components().count() > 1 || self.model.is_absolute() {
            self.model.clone()
        } else {
            Path::new(".").join(&self.model)
        };
        let text = |path: &Path| path.display().to_string().replace("${", "$${");
        predict.insert("model".to_owned(), json!(text(&folder)));
        if self.probabilities {
            predict.insert("probabilities".to_owned(), json!(true));
        }
        if self.warnings {
            predict.insert("warnings".to_owned(), json!(true));
        }
        for (option, value) in [("threshold", self.threshold), ("abstain_below", self.abstain_below)] {
            if let Some(value) = value {
                predict.insert(option.to_owned(), json!(value));
            }
        }
        if !self.columns.is_empty() {
            predict.insert("columns".to_owned(), json!(self.columns));
        }
        if let Some(suffix) = &self.suffix {
            predict.insert("suffix".to_owned(), json!(suffix));
        }
        let mut stages = vec![json!({"id": "rows", "read": read}), json!({"id": PREDICTED, "predict": predict})];
        let format = self.format_of(target);
        if matches!(format, Some(Format::Csv | Format::Tsv)) {
            stages.extend(model.and_then(|model| self.lists_as_texts(model)));
        }
        let mut write = Map::new();
        write.insert("path".to_owned(), json!(text(target)));
        if let Some(format) = format {
            write.insert("format".to_owned(), json!(format.name()));
        }
        stages.push(json!({"id": "written", "write": write}));
        let source = Source::new("predict", definition::to_yaml(&json!({"name": "predict", "stages": stages})));
        let parsed = definition::parse(source, &pipeline::load_options(Vec::new()), Path::new(""))?;
        let scratch = state.join("plan");
        std::fs::create_dir_all(&scratch)?;
        Ok(plan(parsed, &Surroundings { engine, base: Path::new(""), scratch: &scratch }))
    }

    /// The format: what was said, what the ending of the file says, or CSV for the standard output. None: `write` shall say what is wrong.
    fn format_of(&self, target: &Path) -> Option<Format> {
        if self.format.is_some() || self.out.is_none() {
            return Some(self.format.unwrap_or(Format::Csv));
        }
        match target.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase).as_deref() {
            Some("csv") => Some(Format::Csv),
            Some("tsv") => Some(Format::Tsv),
            _ => None,
        }
    }

    /// A stage that makes texts of lists of labels, which CSV has no form for.
    fn lists_as_texts(&self, model: &SavedModel) -> Option<Value> {
        let suffix = self.suffix.as_deref().unwrap_or_default();
        let several = model.targets.len() > 1;
        let columns: Map<String, Value> = model
            .targets
            .iter()
            .filter(|(_, is_list)| *is_list)
            .map(|(target, _)| {
                let name = if several { format!("prediction_{target}{suffix}") } else { format!("prediction{suffix}") };
                let quoted = name.replace('"', "\"\"");
                (name, json!(format!("array_to_string(\"{quoted}\", '; ')")))
            })
            .collect();
        (!columns.is_empty()).then(|| json!({"id": "flat", "derive": columns}))
    }

    /// What was found, for people, on the error output: the standard output may hold the predictions.
    fn tell(&self, record: &RunRecord) -> std::io::Result<()> {
        let mut out = std::io::stderr().lock();
        let statistics = record.stage(PREDICTED).map(|stage| stage.statistics.clone()).unwrap_or_default();
        let found: Summary = serde_json::from_value(statistics).unwrap_or_default();
        for target in &found.targets {
            writeln!(out, "{}: {} by {}", target.column, told(target), found.model)?;
            if let (Some(threshold), Some(stage)) = (target.threshold, &target.threshold_chosen_by) {
                let from = digits::fixed(threshold, 3);
                writeln!(out, "  · yes is predicted from {from} on, the threshold that {stage} chose")?;
            }
            if target.abstained > 0 {
                writeln!(out, "  · {} held back: the model was not sure enough", digits::rows(target.abstained))?;
            }
        }
        for (reason, rows) in &found.unreadable {
            writeln!(out, "  ✗ {} without a prediction: {reason}", digits::rows(*rows))?;
        }
        if found.strange_rows > 0 {
            writeln!(out, "  ! {} with something that training did not have", digits::rows(found.strange_rows))?;
        }
        let strange = found.columns.iter().filter_map(|column| Some((column, unlike(column)?)));
        for (column, words) in strange.clone().take(NAMED) {
            writeln!(out, "    {}: {words}", column.column)?;
        }
        let more = strange.count().saturating_sub(NAMED);
        if more > 0 {
            writeln!(out, "    and {more} more columns")?;
        }
        if let Some(path) = &self.out {
            let (seconds, memory) = (summary::seconds(record.seconds), digits::bytes(record.peak_memory));
            writeln!(out, "wrote {} in {seconds}, {memory} at most", path.display())?;
        }
        Ok(())
    }
}

/// Whether the format of the file is one whose columns have no types of their own.
fn has_types(file: &str) -> bool {
    let sniffed = files::sniff(Path::new(file), &files::Given::default());
    // A pattern, or a file that `read` will say more about.
    sniffed.map_or(file.contains(['*', '?']), |sniffed| {
        matches!(sniffed.format, files::Format::Csv | files::Format::Workbook)
    })
}

/// The places are in a text that nobody wrote, so they would only confuse.
fn without_places(findings: &Findings) -> Findings {
    findings.iter().map(|finding| Diagnostic { place: None, label: None, ..finding.clone() }).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
fn told(target: &TargetSummary) -> String {
    let mut words = vec![format!("{} foretold", digits::rows(target.predicted))];
    if let Some((min, median, max)) = target.numbers {
        words.push(format!("{} to {}, half of them below {}", short(min), short(max), short(median)));
    }
    let mut classes: Vec<&(String, u64)> = target.classes.iter().filter(|(_, rows)| *rows > 0).collect();
    classes.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    let share = |rows: u64| digits::percent(rows as f64 / target.predicted.max(1) as f64);
    words.extend(classes.iter().take(NAMED).map(|(class, rows)| format!("{class} {}", share(*rows))));
    let more = classes.len().saturating_sub(NAMED);
    if more > 0 {
        words.push(format!("and {more} more classes"));
    }
    if let Some(confidence) = target.mean_confidence {
        words.push(format!("mean confidence {}", digits::percent(confidence)));
    }
    words.join(", ")
}

/// What of a column is unlike the training.
fn unlike(column: &ColumnSummary) -> Option<String> {
    let mut words = Vec::new();
    for (rows, what) in [
        (column.below, "below the smallest value of training"),
        (column.above, "above the largest value of training"),
        (column.unseen, "with a value that was rare or absent in training"),
    ] {
        if rows > 0 {
            words.push(format!("{} {what}", digits::rows(rows)));
        }
    }
    if column.missing > 0 && column.missing_in_training == 0.0 {
        words.push(format!("{} without a value, as no row of training", digits::rows(column.missing)));
    }
    if let (true, Some(index)) = (column.is_shifted, column.stability_index) {
        words.push(format!("it has moved, stability index {}", digits::fixed(index, 2)));
    }
    (!words.is_empty()).then(|| words.join(", "))
}

fn short(value: f64) -> String {
    let text = digits::fixed(value, 4);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
