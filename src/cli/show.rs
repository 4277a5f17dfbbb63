//! `gristmill show`

use std::io::Write;

use clap::Args;
use serde_json::{Map, Value, json};

use super::pipeline::PipelineArguments;
use super::{Failure, environment};
use crate::definition;
use crate::stages::kind;

/// Print a pipeline with every default filled in.
///
/// Includes are inserted, parameters have their values, and every stage has its id, its inputs and all of its options. Secrets
/// are not shown.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gristmill show pipelines/flights.yaml --set late_after=30")]
pub(super) struct Show {
    #[command(flatten)]
    pipeline: PipelineArguments,
    /// Print JSON in the place of YAML
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let engine = environment::engine(environment::threads(None), environment::memory(None));
        let plan = self.pipeline.plan(&engine)?;
        let secrets = plan.pipeline.secrets.clone();
        let mut whole = definition::canonical(&plan.pipeline);
        let stages: Vec<Value> = plan
            .stages
            .iter()
            // A side table is named by whoever reads it.
            .filter(|stage| kind(stage.kind.name).is_some())
            .map(|stage| {
                let inputs: Vec<&str> =
                    stage.inputs.iter().filter_map(|&at| plan.stages.get(at)).map(|input| input.id.as_str()).collect();
                let named = stage.kind.name;
                let mut fields = Map::new();
                fields.insert("id".to_owned(), json!(stage.id));
                if stage.from > 0 {
                    fields.insert("from".to_owned(), json!(inputs.get(..stage.from)));
                }
                if let Some(description) = &stage.definition.description {
                    fields.insert("description".to_owned(), json!(description));
                }
                if !stage.definition.tags.is_empty() {
                    fields.insert("tags".to_owned(), json!(stage.definition.tags));
                }
                fields.insert(named.to_owned(), without_nulls(stage.options.clone()));
                Value::Object(fields)
            })
            .collect();
        if let Value::Object(fields) = &mut whole {
            fields.insert("stages".to_owned(), Value::Array(stages));
        }
        let text = if self.json {
            serde_json::to_string_pretty(&whole).unwrap_or_default()
        } else {
            definition::to_yaml(&whole)
        };
        writeln!(std::io::stdout(), "{}", secrets.mask(text.trim_end()))?;
        Ok(())
    }
}

/// Options that were not given and have no default are left out.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        // A literal `${` is written `$${`; names of secrets stay what they are.
        Value::String(text) if text.contains("${") && !text.contains("${env:") => {
            Value::String(text.replace("${", "$${"))
        }
        other => other,
    }
}
