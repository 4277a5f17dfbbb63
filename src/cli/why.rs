//! `gristmill why`

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use serde_json::Value;

use super::pipeline::{self, PipelineArguments};
use super::{Failure, environment};
use crate::plan::{Plan, PlannedStage};
use crate::run;
use crate::run::cache::Cache;
use crate::run::manifest::{StageRecord, StageStatus};
use crate::run::store::Store;

/// Tell what changed since a stage last worked: its options, its files, or a stage above.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gristmill why pipelines/flights.yaml model --set late_after=30")]
pub(super) struct Why {
    #[command(flatten)]
    pipeline: PipelineArguments,
    /// The stage
    #[arg(value_name = "STAGE")]
    stage: String,
}

impl Why {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let engine = environment::engine(environment::threads(None), environment::memory(None));
        let plan = self.pipeline.plan(&engine)?;
        let secrets = plan.pipeline.secrets.clone();
        let stage = pipeline::stage(&plan, &self.stage)?;
        let store = Store::open(&self.pipeline.base())?;
        let mut text = Vec::new();
        explain(stage, &plan, &store, 0, &mut text);
        writeln!(std::io::stdout(), "{}", secrets.mask(&text.join("\n")))?;
        Ok(())
    }
}

fn explain(stage: &PlannedStage, plan: &Plan, store: &Store, depth: usize, text: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    let id = &stage.id;
    if Cache::new(store.cache()).load(&stage.fingerprint).is_some() {
        text.push(format!("{indent}`{id}` is unchanged: its results are kept and would be used"));
        return;
    }
    let last = run::records(store).filter(|record| record.pipeline == plan.pipeline.name.value).find_map(|record| {
        let found = record.stage(id)?;
        let worked = matches!(found.status, StageStatus::Done | StageStatus::Cached);
        worked.then(|| (record.id.clone(), found.clone()))
    });
    if let Some(path) =
        Cache::new(store.cache()).entry_of(&stage.fingerprint).as_ref().and_then(|kept| kept.changed_output())
    {
        text.push(format!(
            "{indent}`{id}` would work again: its results are kept, but `{}`, which it wrote, is gone or changed",
            path.display()
        ));
        return;
    }
    let Some((run, last)) = last else {
        text.push(format!("{indent}`{id}` never worked in this folder"));
        return;
    };
    if last.fingerprint == stage.fingerprint {
        text.push(format!("{indent}`{id}` would work again: its meaning is that of run {run}, but its results or a file that it wrote are gone"));
        return;
    }
    text.push(format!("{indent}`{id}` would work again; since run {run}:"));
    let before = text.len();
    changes(stage, &last, plan, &indent, text);
    for &at in &stage.inputs {
        if let Some(input) = plan.stages.get(at)
            && Cache::new(store.cache()).load(&input.fingerprint).is_none()
        {
            text.push(format!("{indent}  its input changed:"));
            explain(input, plan, store, depth + 2, text);
        }
    }
    if text.len() == before {
        text.push(format!(
            "{indent}  an expression or a column above means something else, or the program's version changed"
        ));
    }
}

/// What is different from the last time, as lines.
fn changes(stage: &PlannedStage, last: &StageRecord, plan: &Plan, indent: &str, text: &mut Vec<String>) {
    let inputs: Vec<&str> =
        stage.inputs.iter().filter_map(|&at| plan.stages.get(at)).map(|input| input.id.as_str()).collect();
    if inputs != last.inputs.iter().map(String::as_str).collect::<Vec<_>>() {
        text.push(format!("{indent}  reads {} (before: {})", inputs.join(", "), last.inputs.join(", ")));
    }
    let (mut before, mut now) = (BTreeMap::new(), BTreeMap::new());
    flatten("", &last.options, &mut before);
    flatten("", &stage.options, &mut now);
    for (key, value) in &now {
        match before.get(key) {
            Some(old) if old == value => {}
            Some(old) => text.push(format!("{indent}  {key}: {old} -> {value}")),
            None => text.push(format!("{indent}  {key}: {value} (new)")),
        }
    }
    for (key, old) in &before {
        if !now.contains_key(key) {
            text.push(format!("{indent}  {key}: {old} (gone)"));
        }
    }
    for (file, state) in &stage.files {
        match last.files.get(file) {
            Some(old) if old == state => {}
            Some(_) => text.push(format!("{indent}  the file {file} changed")),
            None => text.push(format!("{indent}  the file {file} is new")),
        }
    }
}

fn flatten(prefix: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    let path = |key: &str| if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| flatten(&path(key), value, into)),
        Value::Null => {}
        other => {
            into.insert(if prefix.is_empty() { "value".to_owned() } else { prefix.to_owned() }, other.to_string());
        }
    }
}
