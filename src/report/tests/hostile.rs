//! Names and texts from data that try to be more than text.

use serde_json::Value;

use super::markup::elements;
use super::sample::{full, run, stage};
use crate::report::render;
use crate::run::manifest::RunRecord;
use crate::stages::Family;

const ATTACK: &str = "</script><img src=x onerror=alert(1)>\"'`<!--";

/// Every text of a record, keys of mappings included, becomes the attack; what has to be of a kind stays.
fn poisoned(record: &RunRecord) -> RunRecord {
    let value = serde_json::to_value(record).unwrap();
    serde_json::from_value(poison(value, &mut 0)).unwrap()
}

fn poison(value: Value, number: &mut usize) -> Value {
    // Words of the format, not of the data.
    const KEPT: [&str; 13] = [
        "status",
        "family",
        "class",
        "tone",
        "format",
        "data_type",
        "mark",
        "scale",
        "show",
        "orientation",
        "colours",
        "kind",
        "started",
    ];
    match value {
        Value::String(_) => {
            *number += 1;
            format!("{ATTACK}{number}").into()
        }
        Value::Array(items) => items.into_iter().map(|item| poison(item, number)).collect(),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| match key.as_str() {
                kept if KEPT.contains(&kept) && kept != "mark" => (key, value),
                "params" | "files" | "lineage" => (key, poison_keys(value, number)),
                _ => (key, poison(value, number)),
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

fn poison_keys(value: Value, number: &mut usize) -> Value {
    let Value::Object(entries) = value else { return value };
    entries
        .into_iter()
        .map(|(_, value)| {
            *number += 1;
            (format!("{ATTACK}{number}"), poison(value, number))
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn text_from_data_stays_text_wherever_it_stands() {
    let record = poisoned(&full());
    let page = render(&record, Some(&record));
    let names = elements(&page);
    assert!(!names.iter().any(|name| name == "img" || name == "script"));
    assert!(!page.contains("<img") && !page.contains("</script"));
    let shown = page.matches("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;").count();
    assert!(shown > 80, "{shown}");
    assert_eq!(page.matches("Content-Security-Policy").count(), 1);
}

#[test]
fn a_stage_with_a_hostile_name_is_drawn_and_linked() {
    let page = render(
        &run(vec![stage(ATTACK, ATTACK, Family::Ingest, &[]), stage("b", "filter", Family::Prepare, &[ATTACK])]),
        None,
    );
    elements(&page);
    assert!(page.contains("href=\"#stage.1\"") && page.contains("id=\"stage.1\""));
}

#[test]
fn control_and_reordering_characters_do_not_reach_the_page() {
    let mut record = full();
    for text in [&mut record.title, &mut record.text, &mut record.file] {
        *text = "a\0b\u{1b}[31m\u{202E}c\u{FFFE}".to_owned();
    }
    record.stages[0].id = "x\u{202E}\0y".to_owned();
    record.description = Some("a\u{2067}b".to_owned());
    let page = render(&record, None);
    elements(&page);
    let refused = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}')
    };
    assert_eq!(page.chars().find(|c| refused(*c)), None);
}

#[test]
fn numbers_at_their_limits_are_written() {
    let mut record = full();
    record.seconds = f64::MAX;
    record.peak_memory = u64::MAX;
    for stage in &mut record.stages {
        stage.seconds = f64::INFINITY;
        stage.began = f64::NAN;
        stage.line = usize::MAX;
        stage.inputs = vec![stage.id.clone(), "unknown".to_owned(), "out".to_owned()];
    }
    let ledger = record.stages[3].ledger.as_mut().unwrap();
    ledger.inputs[0].1 = u64::MAX / 4;
    ledger.changes = vec![crate::stages::work::Change::new("all", -i64::MAX / 4)];
    ledger.out = 0;
    elements(&render(&record, Some(&record)));
}
