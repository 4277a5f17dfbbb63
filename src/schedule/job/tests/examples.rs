//! The examples of the reference are job files, and the JSON Schema takes them.

use std::fs;
use std::path::Path;

use jsonschema::Validator;
use serde_json::Value as Json;

use crate::definition;
use crate::diagnostic::Source;
use crate::schedule::job::{parameters, recall, schema};

/// The page that documents job files.
const PAGE: &str = include_str!("../../../../docs/jobs.md");

/// The examples in YAML of a text in Markdown.
fn examples(page: &str) -> Vec<String> {
    let mut examples = Vec::new();
    let mut open: Option<String> = None;
    for line in page.lines() {
        match (&mut open, line.trim_end()) {
            (None, "```yaml") => open = Some(String::new()),
            (Some(_), "```") => examples.extend(open.take()),
            (Some(text), line) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, _) => {}
        }
    }
    examples
}

fn validator() -> Validator {
    let schema = schema();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

fn data(text: &str) -> Json {
    parameters::json(
        &definition::read(&Source::new("jobs/job.yaml", text)).unwrap_or_else(|found| panic!("{text}: {found:#?}")),
    )
}

#[test]
fn the_examples_of_the_page_are_job_files_and_fit_the_schema() {
    let validator = validator();
    let examples = examples(PAGE);
    assert!(examples.len() >= 10, "{}", examples.len());
    for text in &examples {
        let job = recall("job", &Source::new("jobs/job.yaml", text.as_str()))
            .unwrap_or_else(|found| panic!("{text}: {found:#?}"));
        assert_eq!(job.warnings, [], "{text}");
        let errors: Vec<String> = validator.iter_errors(&data(text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{text}: {errors:?}");
    }
}

#[test]
fn the_page_names_each_key_and_no_other() {
    let schema = schema();
    let keys: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let table = PAGE.split("## All keys").nth(1).unwrap().split("\n\n").nth(1).unwrap();
    let named: Vec<&str> = table.lines().skip(2).map(|line| line.split('`').nth(1).unwrap()).collect();
    assert_eq!(named, keys);
}

#[test]
fn the_page_and_the_messages_name_the_same_references() {
    for name in [
        "schedule.time",
        "schedule.date",
        "partition.key",
        "partition.start",
        "partition.end",
        "partition.path",
        "run.id",
    ] {
        assert!(PAGE.contains(&format!("| `${{{name}}}` |")), "{name}");
    }
}

#[test]
fn the_examples_of_the_options_fit_the_schema_too() {
    // Those in the comments of the options stand in the schema's descriptions.
    fn descriptions<'a>(schema: &'a Json, found: &mut Vec<&'a str>) {
        match schema {
            Json::Object(entries) => {
                found.extend(entries.get("description").and_then(Json::as_str));
                entries.values().for_each(|value| descriptions(value, found));
            }
            Json::Array(items) => items.iter().for_each(|item| descriptions(item, found)),
            _ => {}
        }
    }
    let (validator, schema) = (validator(), schema());
    let mut found = Vec::new();
    descriptions(&schema, &mut found);
    let mut count = 0;
    for text in found.into_iter().flat_map(examples) {
        let key = text.split(':').next().unwrap_or_default().to_owned();
        if schema["properties"].get(&key).is_none() {
            continue;
        }
        let text = if key == "pipeline" { text } else { format!("pipeline: p.yaml\n{text}") };
        let errors: Vec<String> = validator.iter_errors(&data(&text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{text}: {errors:?}");
        // Conditions are shown without what they are for, see `promote`.
        assert!(key == "require" || recall("job", &Source::new("jobs/job.yaml", text.as_str())).is_ok(), "{text}");
        count += 1;
    }
    assert!(count >= 8, "{count}");
}

#[test]
fn every_option_has_a_description_for_editors() {
    let schema = schema();
    assert_eq!((&schema["title"], &schema["additionalProperties"]), (&Json::from("gristmill job"), &Json::from(false)));
    assert_eq!(schema["required"], serde_json::json!(["pipeline"]));
    for (key, option) in schema["properties"].as_object().unwrap() {
        assert!(option["description"].as_str().is_some_and(|text| text.len() > 10), "{key}: {option}");
    }
}

#[test]
fn the_schema_takes_what_the_reader_takes_and_refuses_what_it_refuses() {
    let validator = validator();
    for text in [
        "pipeline: p.yaml\nmemory: 1000000000\n",
        "pipeline: p.yaml\nmemory: 1.5 GB\n",
        "pipeline: p.yaml\nschedule:\nfiles:\npartitions:\ntimeout:\nmemory:\nruns:\ncores:\ndescription:\n",
        "pipeline: p.yaml\nparameters: {a: 1, b: [x], c: {d: true}, e: null}\n",
        "pipeline: p.yaml\nafter: []\nrequire: []\nnotify: []\npromote: {}\nkeep: {}\n",
        "pipeline: p.yaml\nretries: 100\npriority: -1000\n",
    ] {
        let errors: Vec<String> = validator.iter_errors(&data(text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{text}: {errors:?}");
        assert!(recall("job", &Source::new("jobs/job.yaml", text)).is_ok(), "{text}");
    }
    for text in [
        "description: no pipeline\n",
        "pipeline: [p.yaml]\n",
        "pipeline: p.yaml\npipelines: q.yaml\n",
        "pipeline: p.yaml\nmemory: lots\n",
        "pipeline: p.yaml\nmemory: -1\n",
        "pipeline: p.yaml\ncatchup: some\n",
        "pipeline: p.yaml\noverlap: true\n",
        "pipeline: p.yaml\nretries: 101\n",
        "pipeline: p.yaml\nruns: -1\n",
        "pipeline: p.yaml\npaused: yes\n",
        "pipeline: p.yaml\npartitions: {weeks: {from: 2026-01-01}}\n",
        "pipeline: p.yaml\npartitions: {days: {}}\n",
        "pipeline: p.yaml\nschedule: {crno: x}\n",
        "pipeline: p.yaml\nkeep: {years: 1}\n",
        "pipeline: p.yaml\nfiles: incoming\n",
        "pipeline: p.yaml\nafter: load\n",
        "pipeline: p.yaml\nafter_crash: restart\n",
    ] {
        assert!(!validator.is_valid(&data(text)), "{text}");
        assert!(recall("job", &Source::new("jobs/job.yaml", text)).is_err(), "{text}");
    }
}

#[test]
fn the_schema_that_is_kept_is_the_present_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/job.schema.json");
    let printed = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("GRISTMILL_WRITE_SCHEMA").is_some() {
        fs::write(&path, &printed).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == printed, "write it again: gristmill schema --jobs > schema/job.schema.json");
}
