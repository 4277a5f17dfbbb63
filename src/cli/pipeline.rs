//! What the commands that take a pipeline share: its arguments, loading and planning.

use std::path::PathBuf;

use clap::Args;

use crate::definition::{LoadOptions, Pipeline, load};
use crate::diagnostic::{Diagnostic, Findings, nearest};
use crate::engine::Engine;
use crate::plan::{Plan, PlannedStage, Surroundings, plan};
use crate::stages::kinds;

use super::Failure;

/// The pipeline and its parameters.
#[derive(Debug, Args)]
pub(super) struct PipelineArguments {
    /// The pipeline file
    #[arg(value_name = "PIPELINE")]
    pub(super) file: PathBuf,
    /// Give a parameter a value; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_pair)]
    set: Vec<(String, String)>,
    /// The folder to which relative paths are relative [default: where the command is run]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Whether a server runs it: then it includes files of the served folder only.
    #[arg(skip)]
    pub(super) served: bool,
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write `name=value`".to_owned()),
    }
}

impl PipelineArguments {
    /// The folder to which relative paths are relative.
    pub(super) fn base(&self) -> PathBuf {
        self.dir.clone().unwrap_or_default()
    }

    /// Reads the file.
    pub(super) fn load(&self) -> Result<Pipeline, Failure> {
        load(&self.file, &self.options(self.set.clone())).map_err(Failure::from)
    }

    /// Reads the file with further values of parameters, which win over those of the command line.
    pub(super) fn load_with(&self, values: &[(String, String)]) -> Result<Pipeline, Findings> {
        let mut overrides = self.set.clone();
        overrides.extend(values.iter().cloned());
        load(&self.file, &self.options(overrides))
    }

    fn options(&self, overrides: Vec<(String, String)>) -> LoadOptions {
        let base = self.dir.clone().unwrap_or_else(|| PathBuf::from("."));
        LoadOptions { within: self.served.then_some(base), ..load_options(overrides) }
    }

    /// Reads the file and checks it. Warnings are in the plan.
    ///
    /// Errors: everything that stands in the way of a run.
    pub(super) fn plan(&self, engine: &dyn Engine) -> Result<Plan, Failure> {
        let scratch = tempfile::tempdir().map_err(|error| {
            Diagnostic::error(crate::diagnostic::Class::Output, format!("cannot make a temporary folder: {error}"))
        })?;
        let base = self.base();
        let plan = plan(self.load()?, &Surroundings { engine, base: &base, scratch: scratch.path() });
        if plan.is_runnable() { Ok(plan) } else { Err(Failure::Findings(plan.findings, Some(plan.pipeline.secrets))) }
    }
}

/// The stage of a plan that the command line names.
///
/// Errors: there is none; with the nearest name, or all.
pub(super) fn stage<'a>(plan: &'a Plan, name: &str) -> Result<&'a PlannedStage, Diagnostic> {
    plan.stage(name).ok_or_else(|| {
        let finding = Diagnostic::definition(format!("there is no stage `{name}`"));
        let names: Vec<&str> = plan.stages.iter().map(|stage| stage.id.as_str()).collect();
        match nearest(name, names.iter().copied()) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help(format!("the stages are {}", names.join(", "))),
        }
    })
}

/// How pipeline files are read: the kinds of stages there are, and which of their options name other stages.
pub(super) fn load_options(overrides: Vec<(String, String)>) -> LoadOptions {
    static NAMES: std::sync::LazyLock<Vec<&'static str>> =
        std::sync::LazyLock::new(|| kinds().iter().map(|kind| kind.name).collect());
    LoadOptions {
        overrides,
        environment: Box::new(|name| std::env::var(name).ok()),
        kinds: NAMES.as_slice(),
        references: &[
            ("join", "with"),
            ("union", "with"),
            ("compare", "with"),
            ("link", "with"),
            ("link", "entities"),
            ("profile", "compare"),
            ("predict", "model"),
            ("predict", "calibration"),
            ("tune", "model"),
            ("validate", "checks.references.stage"),
            ("validate", "checks.absent_from.stage"),
            ("validate", "checks.same_rows_as.stage"),
            ("validate", "checks.same_total_as.stage"),
        ],
        within: None,
    }
}
