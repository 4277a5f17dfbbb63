//! Every declaration is complete, and its example is what it says.

use std::collections::HashSet;

use super::super::{DataType, Field, Schema, compile, compile_scalar};
use super::*;

/// The table of [`EXAMPLE_ROWS`].
fn example_schema() -> Schema {
    let columns = [
        ("g", DataType::String),
        ("x", DataType::Int64),
        ("y", DataType::Float64),
        ("s", DataType::String),
        ("b", DataType::Boolean),
    ];
    Schema::new(columns.into_iter().map(|(name, data_type)| Field::new(name, data_type)).collect()).unwrap()
}

#[test]
fn names_are_unique_and_in_lower_case() {
    let mut seen = HashSet::new();
    for function in Function::all() {
        let declaration = function.declaration();
        assert_eq!(declaration.function, *function);
        assert!(!declaration.names.is_empty() && !declaration.signatures.is_empty(), "{function:?}");
        for name in declaration.names {
            assert!(seen.insert(*name), "{name} is declared twice");
            assert_eq!(*name, name.to_lowercase());
            assert_eq!(Function::by_name(&name.to_uppercase()), Some(*function));
        }
    }
    assert_eq!(Function::all().len(), 169);
    assert_eq!(Function::by_name("no_such_function"), None);
}

#[test]
fn texts_are_sentences() {
    for function in Function::all() {
        let declaration = function.declaration();
        for text in [declaration.summary, declaration.nulls] {
            assert!(text.ends_with('.') && text.len() > 5, "{function:?}: {text}");
        }
    }
}

#[test]
fn examples_compile_and_have_a_value_of_their_type() {
    for function in Function::all() {
        let declaration = function.declaration();
        let example = &declaration.example;
        let expr =
            compile(example.sql, &example_schema()).unwrap_or_else(|errors| panic!("{}: {errors:?}", example.sql));
        assert_eq!(
            compile_scalar(example.sql, &example_schema()).is_err(),
            declaration.family == Family::Aggregate,
            "{}",
            example.sql
        );
        let value: serde_json::Value = serde_json::from_str(example.value).unwrap();
        let values = match (&value, declaration.family) {
            (serde_json::Value::Array(values), Family::Window) => values.clone(),
            _ => vec![value],
        };
        for value in values.iter().filter(|value| !value.is_null()) {
            let fits = match &expr.data_type {
                DataType::Boolean => value.is_boolean(),
                DataType::Int64 => value.is_i64(),
                DataType::Float64 => value.is_f64(),
                DataType::List(_) => value.is_array(),
                _ => value.is_string(),
            };
            assert!(fits, "{}: {value} is no {}", example.sql, expr.data_type);
        }
    }
}

#[test]
fn signatures_read_well() {
    let render = |function: Function| {
        let declaration = function.declaration();
        declaration.signatures.iter().map(|signature| signature.render(declaration.name())).collect::<Vec<_>>()
    };
    assert_eq!(render(Function::Round), ["round(x: number, digits: integer = 0) -> the same type"]);
    assert_eq!(render(Function::Coalesce), ["coalesce(value: T, ..) -> T"]);
    assert_eq!(render(Function::PadStart), ["lpad(text: string, length: integer, fill: string = ' ') -> string"]);
    assert_eq!(render(Function::Range).len(), 2);
}

/// The table of functions in the page on expressions is written from the declarations. To renew it, run
/// `UPDATE_DOCS=1 cargo test --release the_page_lists`.
#[test]
fn the_page_lists_every_function_as_declared() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/expressions.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let renewed = format!("{before}{BEGIN}\n{}{END}{after}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &renewed).unwrap();
    }
    assert!(page == renewed || std::env::var_os("UPDATE_DOCS").is_some(), "docs/expressions.md is out of date");
}

const BEGIN: &str = "<!-- functions: begin -->";
const END: &str = "<!-- functions: end -->";

fn table() -> String {
    let mut text = String::new();
    let mut family = None;
    for function in Function::all() {
        let declaration = function.declaration();
        if family != Some(declaration.family) {
            family = Some(declaration.family);
            text.push_str(&format!("\n### {:?}\n\n", declaration.family));
            text.push_str("| function | what it computes | nulls | example |\n|---|---|---|---|\n");
        }
        let signatures: Vec<String> = declaration
            .signatures
            .iter()
            .map(|signature| format!("`{}`", signature.render(declaration.name())))
            .collect();
        let others: Vec<String> = declaration.names.iter().skip(1).map(|name| format!("`{name}`")).collect();
        let also = if others.is_empty() { String::new() } else { format!("<br>also {}", others.join(", ")) };
        let cell = |text: &str| text.replace('|', "\\|");
        text.push_str(&format!(
            "| {}{also} | {} | {} | `{}` is `{}` |\n",
            cell(&signatures.join("<br>")),
            cell(declaration.summary),
            cell(declaration.nulls),
            cell(declaration.example.sql),
            cell(declaration.example.value),
        ));
    }
    text.push('\n');
    text
}
