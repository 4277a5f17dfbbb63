//! The JSON Schema of the language, for editors.

mod adapt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value as Json, json};

use self::adapt::{adapt, allows_nothing};
use super::include::Include;
use super::parameter::{DECLARATION_KEYS, Declaration};
use super::pipeline::Report;

/// The schema of a pipeline file (JSON Schema 2020-12) for these kinds of stages, each with its name, its documentation in Markdown
/// and the schema of its options.
///
/// An editor that speaks yaml-language-server completes and checks with it: a stage is one of as many alternatives as there are
/// kinds, each closed and with its kind required. Where a number, a boolean, a list or a name of a fixed set is expected, a text
/// that is exactly `${name}` is allowed too; enums may be given as a bare name where [`super::decode`] reads them so.
pub fn schema(kinds: &[(&str, &str, Schema)]) -> Json {
    let mut definitions = Map::new();
    let mut alternatives = vec![reference("include_stage")];
    for (name, documentation, options) in kinds {
        let stage = stage(name, documentation, options, &mut definitions);
        alternatives.push(reference(&format!("{name}_stage")));
        definitions.insert(format!("{name}_stage"), stage);
    }
    hoist("report", &of::<Report>(), &mut definitions);
    hoist("include", &of::<Include>(), &mut definitions);
    hoist("test_case", &of::<super::test::Written>(), &mut definitions);
    adapt(&mut definitions);
    hoist("parameter_declaration", &of::<Declaration>(), &mut definitions);
    for (name, definition) in fixed_definitions(alternatives) {
        definitions.insert(name.into(), definition);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gristmill pipeline",
        "description": "Stages that grind raw files into insight.",
        "type": "object",
        "required": ["name", "stages"],
        "additionalProperties": false,
        "properties": {
            "name": { "type": "string", "minLength": 1, "description": "What the pipeline is called." },
            "description": { "type": ["string", "null"], "description": "What the pipeline is for, in words." },
            "tags": reference("tags"),
            "params": reference("params"),
            "stages": {
                "type": "array",
                "minItems": 1,
                "items": reference("stage"),
                "description": "The stages. Each reads the one above it unless it says `from`.",
            },
            "report": reference("report"),
            "test": {
                "type": "array",
                "items": reference("test_case"),
                "description": "Tests with small inputs and what must come of them, run by `gristmill test`.",
            },
        },
        "$defs": definitions,
    })
}

/// What does not depend on the kinds.
fn fixed_definitions(alternatives: Vec<Json>) -> [(&'static str, Json); 9] {
    let has_key: Vec<Json> = DECLARATION_KEYS.iter().map(|key| json!({ "required": [key] })).collect();
    [
        ("stage", json!({ "type": "object", "anyOf": alternatives })),
        (
            "include_stage",
            json!({
                "type": "object",
                "required": ["include"],
                "additionalProperties": false,
                "properties": {
                    "include": {
                        "description": "Inserts the stages of another file.",
                        "anyOf": [{ "type": "string" }, reference("include")],
                    },
                },
            }),
        ),
        (
            "id",
            json!({
                "type": "string",
                "pattern": "^([A-Za-z_]|\\$\\{).*$",
                "description": "The name by which other stages refer to this one.",
            }),
        ),
        (
            "from",
            json!({
                "description": "The stage or stages that this one reads. Without it, the stage above.",
                "anyOf": [{ "type": "string" }, { "type": "array", "minItems": 1, "items": { "type": "string" } }],
            }),
        ),
        ("description", json!({ "type": ["string", "null"], "description": "What the stage is for, in words." })),
        (
            "tags",
            json!({
                "description": "Names of groups, to run a part with `--tag`.",
                "anyOf": [{ "type": "array", "items": { "type": "string" } }, reference("parameter")],
            }),
        ),
        (
            "params",
            json!({
                "type": ["object", "null"],
                "description": "Parameters and their defaults. `${name}` stands for the value; `--set name=value` changes it.",
                "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$" },
                "additionalProperties": {
                    "if": { "type": "object", "anyOf": has_key },
                    "then": reference("parameter_declaration"),
                },
            }),
        ),
        (
            "parameter",
            json!({
                "type": "string",
                "pattern": "^\\$\\{[A-Za-z_][A-Za-z0-9_-]*\\}$",
                "description": "The value of a parameter.",
            }),
        ),
        ("nothing", json!({ "type": "null", "description": "All options have defaults." })),
    ]
}

/// The stage of one kind.
fn stage(name: &str, documentation: &str, options: &Schema, definitions: &mut Map<String, Json>) -> Json {
    hoist(name, options, definitions);
    let summary = documentation.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let mut value = json!({ "description": summary.trim(), "markdownDescription": documentation });
    if let Json::Object(entries) = &mut value {
        if allows_nothing(&reference(name), definitions) {
            entries.insert("anyOf".into(), json!([reference(name), reference("nothing")]));
        } else {
            entries.insert("$ref".into(), json!(format!("#/$defs/{name}")));
        }
    }
    json!({
        "type": "object",
        "required": [name],
        "additionalProperties": false,
        "properties": {
            name: value,
            "id": reference("id"),
            "from": reference("from"),
            "description": reference("description"),
            "tags": reference("tags"),
        },
    })
}

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn of<T: JsonSchema>() -> Schema {
    SchemaGenerator::default().into_root_schema_for::<T>()
}

/// Moves a schema and its definitions under the common definitions. A definition that another schema has already keeps its
/// name when it is the same; otherwise all definitions of this schema get `name` as a prefix.
fn hoist(name: &str, schema: &Schema, definitions: &mut Map<String, Json>) {
    let mut root = schema.as_value().clone();
    let own = match root.as_object_mut() {
        Some(entries) => {
            entries.remove("$schema");
            entries.remove("title");
            entries.remove("$defs")
        }
        None => None,
    };
    let Some(Json::Object(own)) = own else {
        redirect(&mut root, &|target| if target == "#" { format!("#/$defs/{name}") } else { target.into() });
        definitions.insert(name.into(), root);
        return;
    };
    let clashes = own.iter().any(|(key, value)| definitions.get(key).is_some_and(|other| other != value));
    let rename = |key: &str| if clashes { format!("{name}.{key}") } else { key.into() };
    let new_target = |target: &str| match target.strip_prefix("#/$defs/") {
        Some(key) => format!("#/$defs/{}", rename(key)),
        None if target == "#" => format!("#/$defs/{name}"),
        None => target.into(),
    };
    redirect(&mut root, &new_target);
    definitions.insert(name.into(), root);
    for (key, mut value) in own {
        redirect(&mut value, &new_target);
        definitions.insert(rename(&key), value);
    }
}

/// Changes the targets of all references.
fn redirect(schema: &mut Json, new_target: &dyn Fn(&str) -> String) {
    match schema {
        Json::Object(entries) => {
            for (key, value) in entries.iter_mut() {
                match value {
                    Json::String(target) if key == "$ref" => *target = new_target(target),
                    other => redirect(other, new_target),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| redirect(item, new_target)),
        _ => {}
    }
}
