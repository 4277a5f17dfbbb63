//! What a person sees: every message with its place, and what hostile files cannot do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod hostile;
mod includes;
mod messages;
mod options;
mod parameters;
mod places;
mod round_trip;
mod schemas;
mod shapes;
mod structure;

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::diagnostic::Source;

const KINDS: &[&str] = &["read", "join", "union", "filter", "derive", "dedupe", "train", "describe"];

/// The options of the tests; the environment knows `TOKEN`, `HOME` and an empty `EMPTY`.
fn load_options(overrides: &[(&str, &str)]) -> LoadOptions {
    LoadOptions {
        overrides: overrides.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        environment: Box::new(|name| match name {
            "TOKEN" => Some("hunter2".into()),
            "HOME" => Some("/home/me".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }),
        kinds: KINDS,
        references: &[("join", "with"), ("union", "")],
        within: None,
    }
}

fn parse_text(text: &str) -> Result<Pipeline, Findings> {
    parse_with(text, &[])
}

fn parse_with(text: &str, overrides: &[(&str, &str)]) -> Result<Pipeline, Findings> {
    parse(Source::new("p.yaml", text), &load_options(overrides), Path::new(""))
}

/// The pipeline of a text that is right, without warnings.
fn sound(text: &str) -> Pipeline {
    let pipeline = parse_text(text).unwrap_or_else(|findings| panic!("{findings:#?}"));
    assert_eq!(pipeline.warnings, [], "{text}");
    pipeline
}

/// What is found in a text that is wrong: `file:line:column: message: label (help)`.
fn found(text: &str) -> Vec<String> {
    found_with(text, &[])
}

fn found_with(text: &str, overrides: &[(&str, &str)]) -> Vec<String> {
    match parse_with(text, overrides) {
        Ok(pipeline) => panic!("nothing found in {text}: {pipeline:#?}"),
        Err(findings) => findings.iter().map(ToString::to_string).collect(),
    }
}

/// A pipeline around these stages; they start on line 3.
fn stages(text: &str) -> String {
    format!("name: p\nstages:\n{text}\n")
}

/// A value of YAML.
fn node(text: &str) -> Node {
    yaml::read(&Source::new("p.yaml", text)).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

fn source(text: &str) -> Arc<Source> {
    Source::new("p.yaml", text)
}
