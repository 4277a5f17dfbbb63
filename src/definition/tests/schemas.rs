//! The JSON Schema accepts what the reader accepts.

use jsonschema::Validator;
use schemars::{SchemaGenerator, schema_for};
use serde_json::{Value as Json, json};

use super::options::{Optimizer, Options};
use super::*;

fn the_schema() -> Json {
    let train = schemars::json_schema!({
        "type": "object",
        "additionalProperties": false,
        "properties": { "optimizer": SchemaGenerator::default().into_root_schema_for::<Optimizer>() },
    });
    schema(&[
        ("read", "Reads files.\n\nMore about `read`.", schema_for!(Options)),
        ("filter", "Keeps rows.", schemars::json_schema!({ "type": "string" })),
        ("train", "Trains.", train),
        ("union", "Puts rows together.", schema_for!(Options)),
    ])
}

fn validator() -> Validator {
    let schema = the_schema();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// The text as data, without parameters put in.
fn raw(text: &str) -> Json {
    fn data(node: &Node) -> Json {
        match &node.value {
            Value::Text(text) => json!(text.value()),
            Value::Sequence(items) => items.iter().map(data).collect(),
            Value::Mapping(entries) => entries.iter().map(|entry| (entry.key.clone(), data(&entry.value))).collect(),
            _ => canonical::json(node),
        }
    }
    data(&node(text))
}

#[test]
fn what_is_right_is_accepted() {
    let validator = validator();
    for text in [
        "name: p\nstages: [{filter: x}]\n",
        "name: p\ndescription: d\ntags: [a]\nparams: {a: 1, b: {default: 2, type: integer, choices: [2]}, c: [x], d: {e: f}, g: }\nstages: \
         [{filter: x, id: a, from: b, description: c, tags: [t]}]\nreport: {path: x, title: y}\n",
        "name: p\nstages: [{read: {path: x, rows: 5, on: a}}, {read: {path: x, on: [a, b], size: [1, 2]}}]\n",
        "name: p\nstages: [{read: {path: x, rows: '${n}', header: '${h}', names: '${l}', optimizer: '${o}', ratio: '${r}'}}]\n",
        "name: p\nstages: [{read: {path: x, optimizer: adamw}}, {read: {path: x, optimizer: {adamw: {learning_rate: 1}}}}]\n",
        "name: p\nstages: [{read: {path: x, optimizer: sgd}}, {read: {path: x, optimizer: inline}}]\n",
        "name: p\nstages: [{read: {path: x, optimizer: {dropout: 0.5}}}, {read: {path: x, optimizer: {dropout: '${d}'}}}]\n",
        "name: p\nstages: [{read: {path: x, any: [1, {a: b}], take: {a: b}}}, {train: }, {train: {}}]\n",
        "name: p\nstages: [{include: a.yaml}, {include: {path: a.yaml, params: {x: 1, y: [2]}, as: b}}]\n",
    ] {
        let errors: Vec<String> = validator.iter_errors(&raw(text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{text}: {errors:?}");
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let validator = validator();
    for text in [
        "stages: [{filter: x}]\n",
        "name: p\nstages: []\n",
        "name: p\nstage: [{filter: x}]\n",
        "name: p\nstages: [{filtr: x}]\n",
        "name: p\nstages: [{id: x}]\n",
        "name: p\nstages: [{filter: x, read: {path: x}}]\n",
        "name: p\nstages: [{read: {}}]\n",
        "name: p\nstages: [{read: }]\n",
        "name: p\nstages: [{read: {path: x, rows: 'abc'}}]\n",
        "name: p\nstages: [{read: {path: x, rows: -1}}]\n",
        "name: p\nstages: [{read: {path: x, pth: 1}}]\n",
        "name: p\nstages: [{read: {path: x, optimizer: adam}}]\n",
        "name: p\nstages: [{read: {path: x, optimizer: momentum}}]\n",
        "name: p\nstages: [{read: {path: x, optimizer: dropout}}]\n",
        "name: p\nparams: {a: {default: 2, typ: integer}}\nstages: [{filter: x}]\n",
        "name: p\nparams: {'a b': 2}\nstages: [{filter: x}]\n",
        "name: p\nstages: [{filter: x}]\nreport: {title: y}\n",
        "name: p\nstages: [{include: {params: {}}}]\n",
    ] {
        assert!(!validator.is_valid(&raw(text)), "{text}");
    }
}

#[test]
fn an_editor_gets_documentation() {
    let schema = the_schema();
    let read = &schema["$defs"]["read_stage"]["properties"]["read"];
    assert_eq!(read["description"], "Reads files.");
    assert_eq!(read["markdownDescription"], "Reads files.\n\nMore about `read`.");
    assert_eq!(schema["$defs"]["AdamW"]["anyOf"][0]["properties"]["learning_rate"]["description"], "Step size.");
    assert_eq!(schema["$defs"]["stage"]["anyOf"].as_array().unwrap().len(), 5);
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(schema: &Json, root: &Json) {
        match schema {
            Json::Object(entries) => {
                for (key, value) in entries {
                    if key == "$ref" {
                        let target = value.as_str().unwrap().strip_prefix('#').unwrap();
                        assert!(root.pointer(target).is_some(), "{target}");
                    }
                    check(value, root);
                }
            }
            Json::Array(items) => items.iter().for_each(|item| check(item, root)),
            _ => {}
        }
    }
    let schema = the_schema();
    check(&schema, &schema);
}

#[test]
fn definitions_that_clash_are_kept_apart() {
    mod other {
        #[derive(schemars::JsonSchema)]
        #[allow(dead_code, reason = "only its schema is wanted")]
        pub(super) struct AdamW {
            other: String,
        }
        #[derive(schemars::JsonSchema)]
        #[allow(dead_code, reason = "only its schema is wanted")]
        pub(super) struct Twin {
            adam: AdamW,
            next: Option<Box<Twin>>,
        }
    }
    let schema = schema(&[("read", "", schema_for!(Options)), ("twin", "", schema_for!(other::Twin))]);
    assert!(
        schema["$defs"]["AdamW"]["properties"]["decay"].is_object() || schema["$defs"]["AdamW"]["anyOf"].is_array()
    );
    assert!(schema["$defs"]["twin.AdamW"].is_object(), "{schema:#}");
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    assert!(validator.is_valid(&raw("name: p\nstages: [{twin: {adam: {other: x}, next: {adam: {other: y}}}}]\n")));
    assert!(!validator.is_valid(&raw("name: p\nstages: [{twin: {adam: {other: x}, next: {adam: {}}}}]\n")));
}
