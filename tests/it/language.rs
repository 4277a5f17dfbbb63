//! The language as editors and the documentation know it.
#![allow(clippy::unwrap_used)]

use gristmill::stages;

fn project(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares a stored page with what the program says now; with `UPDATE_EXPECTED` set it is written anew.
fn assert_current(path: &str, current: &str) {
    let path = project(path);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, current).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap();
    assert!(stored == current, "{} is out of date: run the tests once with UPDATE_EXPECTED=1", path.display());
}

#[test]
fn the_stored_json_schema_is_current() {
    let schema = serde_json::to_string_pretty(&stages::schema()).unwrap();
    assert_current("schema/pipeline.schema.json", &format!("{schema}\n"));
}

#[test]
fn the_reference_of_stages_is_current() {
    let kinds = stages::kinds()
        .iter()
        .map(|kind| (kind.name, format!("{:?}", kind.family).to_lowercase(), stages::documentation(kind)));
    assert_current("docs/stages.md", &stages::reference::page(&stages::schema(), kinds));
}

/// A YAML file as JSON, for the validator; the pipelines hold nothing that JSON lacks.
fn as_json(path: &std::path::Path) -> serde_json::Value {
    second_reader::load(&std::fs::read_to_string(path).unwrap())
}

#[test]
fn all_pipelines_agree_with_the_json_schema() {
    let validator = jsonschema::validator_for(&stages::schema()).unwrap();
    let mut checked = 0;
    for entry in std::fs::read_dir(project("pipelines")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let errors: Vec<String> = validator
                .iter_errors(&as_json(&path))
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
            checked += 1;
        }
    }
    assert!(checked >= 4, "only {checked} pipelines were found");
}

#[test]
fn the_json_schema_finds_misspelt_keys_and_wrong_types() {
    let validator = jsonschema::validator_for(&stages::schema()).unwrap();
    let stage =
        |stage: serde_json::Value| serde_json::json!({"name": "p", "stages": [{"read": {"path": "a.csv"}}, stage]});
    assert!(validator.is_valid(&stage(serde_json::json!({"dedupe": {"on": ["a"], "keep": "last"}}))));
    assert!(!validator.is_valid(&stage(serde_json::json!({"dedupe": {"on": ["a"], "keepp": "last"}}))));
    assert!(!validator.is_valid(&stage(serde_json::json!({"dedupe": {"on": ["a"], "keep": "latest"}}))));
    assert!(!validator.is_valid(&stage(serde_json::json!({"limit": {"rows": "many"}}))));
    assert!(!validator.is_valid(&stage(serde_json::json!({"dedupes": {}}))));
    assert!(!validator.is_valid(&serde_json::json!({"name": "p", "stagess": []})));
}

/// YAML events as JSON values, without the program's own reader: a second reading of the same files.
mod second_reader {
    use saphyr_parser::{Event, Parser, ScalarStyle};
    use serde_json::{Map, Number, Value};

    pub(super) fn load(text: &str) -> Value {
        let mut stack: Vec<(Vec<Value>, bool)> = Vec::new();
        let mut root = Value::Null;
        for event in Parser::new_from_str(text) {
            let (event, _) = event.unwrap();
            let done = match event {
                Event::Scalar(text, style, ..) => Some(scalar(&text, style)),
                Event::SequenceStart(..) => {
                    stack.push((Vec::new(), false));
                    None
                }
                Event::MappingStart(..) => {
                    stack.push((Vec::new(), true));
                    None
                }
                Event::SequenceEnd | Event::MappingEnd => stack.pop().map(|(items, is_map)| collect(items, is_map)),
                _ => None,
            };
            if let Some(value) = done {
                match stack.last_mut() {
                    Some((items, _)) => items.push(value),
                    None => root = value,
                }
            }
        }
        root
    }

    fn collect(items: Vec<Value>, is_map: bool) -> Value {
        if !is_map {
            return Value::Array(items);
        }
        let mut map = Map::new();
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            map.insert(key, value);
        }
        Value::Object(map)
    }

    fn scalar(text: &str, style: ScalarStyle) -> Value {
        if style != ScalarStyle::Plain {
            return Value::String(text.to_owned());
        }
        match text {
            "" | "~" | "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(number), _) => Value::Number(number.into()),
                (_, Ok(number)) if text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
                    Number::from_f64(number).map_or(Value::Null, Value::Number)
                }
                _ => Value::String(text.to_owned()),
            },
        }
    }
}
