//! A pipeline as plain data: parameters filled in, includes expanded, no places, no secrets.

use serde_json::{Map, Number, Value as Json, json};

use super::node::{Node, Value};
use super::pipeline::Pipeline;
use super::secret::Secrets;
use super::stage::StageDefinition;

/// The key under which a number stands that JSON does not have: `{"$float": ".inf"}`.
pub(super) const FLOAT: &str = "$float";

/// The pipeline as data that [`super::to_yaml`] writes as a pipeline file of the same meaning.
///
/// Texts are as a file has them: a secret is `${env:NAME}` (or `***` when it was given on the command line), and `${` is `$${`.
/// A number that JSON does not have is `{"$float": ".inf"}`.
pub fn canonical(pipeline: &Pipeline) -> Json {
    canonical_with(pipeline, &|_| None)
}

/// The same, with other options for the stages for which `options` gives some: those with every default filled in.
///
/// Secrets in them are found by their values.
pub fn canonical_with(pipeline: &Pipeline, options: &dyn Fn(&StageDefinition) -> Option<Json>) -> Json {
    let secrets = &pipeline.secrets;
    let mut top = Map::new();
    top.insert("name".into(), written(&pipeline.name.value, secrets));
    describe(&mut top, pipeline.description.as_deref(), &pipeline.tags, secrets);
    let stages = pipeline.stages.iter().map(|stage| {
        let mut data = Map::new();
        if let Some(id) = &stage.id {
            data.insert("id".into(), written(&id.value, secrets));
        }
        match stage.from.as_deref() {
            Some([only]) => drop(data.insert("from".into(), written(&only.value, secrets))),
            Some(names) => {
                data.insert("from".into(), names.iter().map(|name| written(&name.value, secrets)).collect());
            }
            None => {}
        }
        describe(&mut data, stage.description.as_deref(), &stage.tags, secrets);
        let value = options(stage).map_or_else(|| json(&stage.options), |value| without_secrets(value, secrets));
        data.insert(stage.kind.value.clone(), value);
        Json::Object(data)
    });
    top.insert("stages".into(), stages.collect());
    if let Some(report) = &pipeline.report {
        let mut data = Map::new();
        if let Some(title) = &report.title {
            data.insert("title".into(), written(title, secrets));
        }
        data.insert("path".into(), written(&report.path.value, secrets));
        top.insert("report".into(), Json::Object(data));
    }
    if let Some(test) = &pipeline.test {
        top.insert("test".into(), json(test));
    }
    Json::Object(top)
}

/// A node as data; texts as a file has them.
pub(super) fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Boolean(value) => Json::Bool(*value),
        Value::Integer(value) => Json::Number((*value).into()),
        Value::Float(value) => match Number::from_f64(*value) {
            Some(number) => Json::Number(number),
            None => json!({ FLOAT: node.spelling() }),
        },
        Value::Text(text) => Json::String(text.written()),
        Value::Sequence(items) => items.iter().map(json).collect(),
        Value::Mapping(entries) => {
            Json::Object(entries.iter().map(|e| (super::template::escape(&e.key), json(&e.value))).collect())
        }
    }
}

fn describe(data: &mut Map<String, Json>, description: Option<&str>, tags: &[String], secrets: &Secrets) {
    if let Some(description) = description {
        data.insert("description".into(), written(description, secrets));
    }
    if !tags.is_empty() {
        data.insert("tags".into(), tags.iter().map(|tag| written(tag, secrets)).collect());
    }
}

fn written(text: &str, secrets: &Secrets) -> Json {
    Json::String(secrets.write_back(text))
}

fn without_secrets(value: Json, secrets: &Secrets) -> Json {
    match value {
        Json::String(text) => written(&text, secrets),
        Json::Array(items) => items.into_iter().map(|item| without_secrets(item, secrets)).collect(),
        Json::Object(entries) => {
            let entries = entries.into_iter();
            Json::Object(
                entries.map(|(key, value)| (secrets.write_back(&key), without_secrets(value, secrets))).collect(),
            )
        }
        other => other,
    }
}
