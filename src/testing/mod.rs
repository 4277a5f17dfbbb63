//! Tests of a pipeline: small inputs in the place of stages, and rows that must come out of others.
//!
//! A test is a run of its own in a temporary folder: nothing of `.gristmill` is read or written there, and stages that would write
//! files for the user only hand their rows on.

pub mod compare;
mod outcome;
mod rows;
mod stages;
mod text;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::Serialize;

use crate::batch;
use crate::definition::{Entry, Node, Pipeline, Spanned, StageDefinition, Test, Text, Value};
use crate::diagnostic::{Diagnostic, Findings, Place, Severity, nearest};
use crate::engine::Engine;
use crate::plan::{self, Plan, Rehearsal, Replacement, Selection, Surroundings};
use crate::run::events::{Event, Listener};
use crate::run::manifest::StageStatus;
use crate::run::store::Store;
use crate::run::{self, RunContext, RunOptions};
use crate::stages::{Shape, TableShape};
use outcome::{compared, failures, unexpected_failure, unheard};
use rows::Written;
pub use text::text;

/// Rows that a stage may give where they are compared one by one.
const MOST_ROWS: usize = 10_000;
/// Pairs of rows that are looked at when the order counts.
const MOST_PAIRS: usize = 4_000_000;
/// The prefix of stages that keep the rows which are to be compared.
const KEPT: &str = "__expected_";

/// Reads a pipeline with further values of parameters.
pub type Load<'a> = dyn Fn(&[(String, String)]) -> Result<Pipeline, Findings> + 'a;

/// What tests are run with.
pub struct Options<'a> {
    /// Reads the pipeline with these values of parameters.
    pub load: &'a Load<'a>,
    /// The engine.
    pub engine: &'a dyn Engine,
    /// The folder to which relative paths are relative.
    pub base: &'a Path,
    /// Bytes of memory that a run may use.
    pub memory: u64,
    /// Threads.
    pub threads: usize,
    /// Set when the tests are to stop.
    pub cancelled: Arc<AtomicBool>,
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// `file:line:column` of the test.
    pub place: String,
    /// Whether everything was as expected.
    pub passed: bool,
    /// Seconds that it took.
    pub seconds: f64,
    /// What was not.
    pub problems: Vec<Problem>,
}

/// Something that is not as expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Problem {
    /// What, in a sentence.
    pub message: String,
    /// `file:line:column` of what was expected, where known.
    pub place: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Rows that differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowDifference>,
}

/// Rows that differ from those expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowDifference {
    /// The compared columns.
    pub columns: Vec<String>,
    /// Expected rows that were not found, each with its line in the file.
    pub missing: Vec<(usize, Vec<Option<String>>)>,
    /// Found rows that were not expected, each with its number.
    pub extra: Vec<(usize, Vec<Option<String>>)>,
    /// Rows of which some cells differ.
    pub changed: Vec<ChangedRow>,
}

/// A row of which some cells differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedRow {
    /// The line of the expected row.
    pub line: usize,
    /// The expected row.
    pub row: Vec<Option<String>>,
    /// Column, expected and found.
    pub cells: Vec<(String, Option<String>, Option<String>)>,
}

impl Problem {
    fn new(message: impl Into<String>, place: &Place) -> Self {
        Self { message: message.into(), place: Some(place.to_string()), help: None, rows: None }
    }

    fn from_finding(finding: &Diagnostic) -> Self {
        let message = match &finding.label {
            Some(label) => format!("{}: {label}", finding.message),
            None => finding.message.clone(),
        };
        let place = finding.place.as_ref().map(ToString::to_string);
        Self { message, place, help: finding.help.clone(), rows: None }
    }
}

/// The tests of a pipeline that carry one of these names; all of them when there are none.
///
/// Errors: an unknown name, or tests that name stages that there are not.
pub fn chosen(pipeline: &Pipeline, only: &[String]) -> Result<Vec<Test>, Findings> {
    let names: Vec<&str> = pipeline.tests.iter().map(|test| test.name.as_str()).collect();
    let mut findings = Findings::new();
    for name in only {
        if !names.contains(&name.as_str()) {
            let finding = Diagnostic::definition(format!("there is no test `{name}`"));
            findings.push(match nearest(name, names.iter().copied()) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help(format!("the tests are: {}", names.join(", "))),
            });
        }
    }
    let ids = plan::ids(pipeline);
    for test in &pipeline.tests {
        let named = test.given.iter().map(|(id, _)| (id, false)).chain(test.expect.iter().map(|(id, _)| (id, true)));
        let failing = test.fails.iter().filter_map(|failure| failure.stage.as_ref()).map(|id| (id, false));
        for (id, may_be_side) in named.chain(failing) {
            let side =
                may_be_side && id.value.rsplit_once('.').is_some_and(|(owner, _)| ids.iter().any(|id| id == owner));
            if !side && !ids.contains(&id.value) {
                findings.push(unknown_stage(id, &ids));
            }
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let wanted = |test: &&Test| only.is_empty() || only.contains(&test.name.value);
    Ok(pipeline.tests.iter().filter(wanted).cloned().collect())
}

fn unknown_stage(id: &Spanned<String>, ids: &[String]) -> Diagnostic {
    let finding = Diagnostic::definition(format!("there is no stage `{}`", id.value)).at(&id.place);
    match nearest(&id.value, ids.iter().map(String::as_str)) {
        Some(near) => finding.label(format!("did you mean `{near}`?")),
        None => finding.help(format!("the stages are {}", ids.join(", "))),
    }
}

/// Runs one test.
pub fn run(test: &Test, options: &Options<'_>) -> TestResult {
    let began = Instant::now();
    let problems = problems(test, options).unwrap_or_else(|found| found);
    TestResult {
        name: test.name.value.clone(),
        place: test.name.place.to_string(),
        passed: problems.is_empty(),
        seconds: began.elapsed().as_secs_f64(),
        problems,
    }
}

fn from_findings(findings: Findings) -> Vec<Problem> {
    findings.iter().filter(|finding| finding.severity == Severity::Error).map(Problem::from_finding).collect()
}

/// Everything that is not as expected; as an error when it kept the test from being run.
fn problems(test: &Test, options: &Options<'_>) -> Result<Vec<Problem>, Vec<Problem>> {
    let one = |finding: Diagnostic| vec![Problem::from_finding(&finding)];
    let values: Vec<(String, String)> =
        test.params.iter().map(|(name, value)| (name.value.clone(), value.clone())).collect();
    let mut pipeline = (options.load)(&values).map_err(from_findings)?;
    // Its own values of parameters may stand in the test as well.
    let Some(test) = pipeline.tests.iter().find(|other| other.name.value == test.name.value).cloned() else {
        return Err(vec![Problem::new("the test is not in the file any more", &test.name.place)]);
    };
    let folder = tempfile::tempdir().map_err(|error| {
        let message = format!("cannot make a temporary folder: {error}");
        one(Diagnostic::error(crate::diagnostic::Class::Output, message))
    })?;
    let surroundings = Surroundings { engine: options.engine, base: options.base, scratch: folder.path() };
    without_outputs(&mut pipeline.stages);
    let known = known_shapes(&pipeline, &test, &surroundings);
    let given = given_tables(&pipeline, &test, &known, folder.path()).map_err(from_findings)?;
    let (plan, wanted) = rehearsed(pipeline, &test, &given, folder.path(), &surroundings);
    if !plan.is_runnable() {
        let found = from_findings(plan.findings.clone());
        return match &test.fails {
            Some(failure) => Ok(unexpected_failure(failure, &plan.findings)),
            None => Err(found),
        };
    }
    let written = plan.stages.iter().find(|stage| !stage.planned.targets.is_empty() && !stage.id.starts_with(KEPT));
    if let Some(stage) = written {
        let message = format!("`{}` would write files for the user", stage.id);
        let place = &stage.definition.place;
        return Err(one(Diagnostic::definition(message)
            .at(place)
            .help("give its rows in the test, or test what stands above it")));
    }
    let store = Store::open(folder.path()).map_err(one)?;
    let run_options = RunOptions {
        selection: Selection::default(),
        keep_going: true,
        use_cache: false,
        memory: options.memory,
        disk: crate::memory::DiskBudget::process().limit(),
        kept: u64::MAX,
        threads: options.threads,
        base: options.base.to_path_buf(),
        file: plan.pipeline.source.name().to_owned(),
    };
    let context = RunContext {
        engine: options.engine,
        store: &store,
        listener: &Silence,
        cancelled: Arc::clone(&options.cancelled),
    };
    let run::Ended { record, folder: run_folder } = run::run(&plan, &run_options, &context).map_err(one)?;
    run_folder.end();
    let mut problems = failures(&test, &record);
    for ((id, expected), kept) in test.expect.iter().zip(&wanted) {
        let done = record.stage(kept).is_some_and(|stage| stage.status == StageStatus::Done);
        if done {
            problems.extend(compared(id, expected, kept, &plan, folder.path(), options));
        }
    }
    problems.extend(unheard(&test, &record));
    Ok(problems)
}

/// Hears nothing.
struct Silence;

impl Listener for Silence {
    fn hear(&self, _: &Event) {}
}

/// Options of stages that name files which are written for the user.
const OUTPUTS: [(&str, &str); 3] = [("read", "rejects"), ("chart", "save"), ("train", "save")];

/// Takes out what would be written for the user.
fn without_outputs(stages: &mut [StageDefinition]) {
    for stage in stages {
        let written = OUTPUTS.iter().filter(|(kind, _)| *kind == stage.kind.value);
        for (_, option) in written {
            if let Value::Mapping(entries) = &mut stage.options.value {
                entries.retain(|entry| entry.key != *option);
            }
        }
    }
}

/// The tables in whose place rows are given, as far as their files are there.
fn known_shapes(pipeline: &Pipeline, test: &Test, surroundings: &Surroundings<'_>) -> BTreeMap<String, TableShape> {
    let wanted: Vec<String> = test.given.iter().map(|(id, _)| id.value.clone()).collect();
    if wanted.is_empty() {
        return BTreeMap::new();
    }
    let rehearsal = Rehearsal { replace: &|_, _| None, wanted: wanted.clone() };
    let plan = plan::rehearse(pipeline.clone(), surroundings, Some(&rehearsal));
    let shapes = wanted.into_iter().filter_map(|id| match plan.stage(&id)?.shape() {
        Shape::Table(table) => Some((id, table.clone())),
        _ => None,
    });
    shapes.collect()
}

/// Writes given rows to files, and says what stands in the place of their stages.
fn given_tables(
    pipeline: &Pipeline,
    test: &Test,
    known: &BTreeMap<String, TableShape>,
    folder: &Path,
) -> Result<BTreeMap<String, TableShape>, Findings> {
    let mut findings = Findings::new();
    let mut tables = BTreeMap::new();
    for (number, (id, given)) in test.given.iter().enumerate() {
        let shape = known.get(&id.value);
        let schema = shape.map(|shape| &shape.schema);
        let table = Written::read(&given.rows, schema).and_then(|written| {
            let mut types = given.types.clone();
            if schema.is_none() {
                let own = |(name, _): &(Spanned<String>, Spanned<String>)| {
                    !given.types.iter().any(|(column, _)| column.value == name.value)
                };
                types.extend(read_types(pipeline, &id.value).into_iter().filter(own));
            }
            let schema = written.schema(&id.value, &types, schema)?;
            if schema.is_empty() {
                let finding = Diagnostic::definition("no column is known").at(&given.rows.place);
                return Err(vec![finding.help("declare the columns with `types: {name: string}`")]);
            }
            let batch = written.table(&schema, &id.value)?;
            let path = folder.join(format!("given-{number}.parquet"));
            batch::write_parquet(&path, &batch).map_err(|finding| vec![finding])?;
            Ok(stages::table(path, schema, shape.and_then(|shape| shape.split.clone())))
        });
        match table {
            Ok(table) => drop(tables.insert(id.value.clone(), table)),
            Err(mut wrong) => findings.append(&mut wrong),
        }
    }
    if findings.is_empty() { Ok(tables) } else { Err(findings) }
}

/// The types that a `read` declares, for the time when its files are not there.
fn read_types(pipeline: &Pipeline, id: &str) -> Vec<(Spanned<String>, Spanned<String>)> {
    let at = plan::ids(pipeline).iter().position(|other| other == id);
    let definition = at.and_then(|at| pipeline.stages.get(at)).filter(|stage| stage.kind.value == "read");
    let types = definition.and_then(|stage| stage.options.get("types")).map(|types| &types.value);
    let Some(Value::Mapping(entries)) = types else { return Vec::new() };
    entries
        .iter()
        .filter_map(|entry| {
            let name = Spanned::new(entry.key.clone(), entry.key_place.clone());
            Some((name, Spanned::from(entry.value.as_text()?)))
        })
        .collect()
}

/// The plan of the test, and the stages that keep what is to be compared.
fn rehearsed(
    mut pipeline: Pipeline,
    test: &Test,
    given: &BTreeMap<String, TableShape>,
    folder: &Path,
    surroundings: &Surroundings<'_>,
) -> (Plan, Vec<String>) {
    let mut kept = Vec::new();
    for (number, (id, _)) in test.expect.iter().enumerate() {
        let name = format!("{KEPT}{number}");
        pipeline.stages.push(keeping(&name, id, &folder.join(format!("{name}.parquet"))));
        kept.push(name);
    }
    let mut wanted = kept.clone();
    wanted.extend(test.fails.iter().filter_map(|failure| failure.stage.as_ref()).map(|stage| stage.value.clone()));
    let replace = |id: &str, definition: &StageDefinition| -> Option<Replacement> {
        if let Some(table) = given.get(id) {
            return Some(Replacement { stage: Box::new(stages::Given(table.clone())), reads: false });
        }
        let writes = definition.kind.value == "write" && !id.starts_with(KEPT);
        writes.then(|| Replacement { stage: Box::new(stages::HandOn), reads: true })
    };
    let plan = plan::rehearse(pipeline, surroundings, Some(&Rehearsal { replace: &replace, wanted }));
    (plan, kept)
}

/// A stage that writes the rows of another one.
fn keeping(name: &str, id: &Spanned<String>, path: &Path) -> StageDefinition {
    let place = &id.place;
    let text = Text::new(path.display().to_string(), place.clone());
    let entry =
        Entry { key: "path".to_owned(), key_place: place.clone(), value: Node::new(Value::Text(text), place.clone()) };
    StageDefinition {
        id: Some(Spanned::new(name.to_owned(), place.clone())),
        from: Some(vec![id.clone()]),
        description: None,
        tags: Vec::new(),
        kind: Spanned::new("write".to_owned(), place.clone()),
        options: Node::new(Value::Mapping(vec![entry]), place.clone()),
        place: place.clone(),
        included: Vec::new(),
    }
}
