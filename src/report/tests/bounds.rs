//! Large records stay small and quick.

use std::time::{Duration, Instant};

use serde_json::json;

use super::markup::elements;
use super::sample::{entry, figure, full, run, schema, stage};
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::relation::Lineage;
use crate::report::render;
use crate::run::manifest::RunRecord;
use crate::stages::Family;

const LARGEST: usize = 5_000_000;

/// Renders within a time that only something quadratic would need.
fn rendered(record: &RunRecord) -> String {
    let began = Instant::now();
    let page = render(record, Some(record));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(page.len() <= LARGEST, "{} bytes", page.len());
    elements(&page);
    page
}

fn chain(length: usize, columns: usize) -> RunRecord {
    let names: Vec<String> = (0..columns).map(|n| format!("a_column_with_a_long_name_{n}")).collect();
    let stages = (0..length).map(|at| {
        let before = format!("s{}", at.max(1) - 1);
        let inputs = if at == 0 { vec![] } else { vec![before.as_str()] };
        let mut stage = stage(&format!("s{at}"), "derive", Family::Prepare, &inputs);
        stage.ledger = Some(if at == 0 {
            entry(&[], &[("read", 1_000_000)])
        } else {
            entry(&[(&before, 1_000_000)], &[("in", 1), ("out", -1)])
        });
        stage.schema = Some(schema(names.iter().cloned()));
        stage.options = json!({"columns": names.iter().take(1_000).collect::<Vec<_>>()});
        stage.lineage = names.iter().take(200).map(|name| (name.clone(), Lineage::default())).collect();
        stage
    });
    run(stages.collect())
}

#[test]
fn five_hundred_stages_fit() {
    let page = rendered(&chain(500, 30));
    assert!(page.contains("The graph of 500 stages is not drawn"));
    assert!(page.contains("id=\"stage-s499\""));
}

#[test]
fn ten_thousand_columns_fit() {
    let page = rendered(&chain(12, 10_000));
    assert!(page.contains("The first 200 of 10,000 columns are shown."));
    assert!(page.len() < 1_500_000, "{}", page.len());
}

#[test]
fn more_figures_than_a_reader_looks_at_are_left_out_and_counted() {
    let mut record = full();
    record.stages[2].exhibits = (0..75).map(|_| Exhibit::Figure(Box::new(figure("f", &["a", "b"])))).collect();
    let page = rendered(&record);
    assert_eq!(page.matches("class=\"drawing small\"").count() + page.matches("class=\"drawing\"").count(), 61);
    assert!(page.contains("it leaves out 15 figures."), "the waterfall is not one of them");
}

#[test]
fn what_is_too_large_in_every_way_is_cut_and_named() {
    let long = "<&> ".repeat(700);
    let table = |rows: usize| {
        Exhibit::Table(Table {
            title: long.clone(),
            columns: (0..100).map(|_| Column::formatted(long.clone(), Format::Number)).collect(),
            rows: vec![vec![Cell::Text(long.clone()); 100]; rows],
            note: Some(long.clone()),
        })
    };
    let mut record = chain(40, 50);
    for stage in &mut record.stages {
        stage.description = Some(long.clone());
        stage.exhibits = vec![
            Exhibit::Metrics {
                title: long.clone(),
                metrics: vec![Metric::new(long.clone(), 1.0, Format::Number).note(long.clone()); 500],
            },
            Exhibit::note(Tone::Bad, long.clone()),
        ];
        stage.outputs = vec![crate::run::manifest::Output { path: long.clone().into(), rows: None, bytes: 1 }; 300];
        stage.files = (0..100).map(|n| (format!("{n}{long}"), long.clone())).collect();
    }
    record.stages[1].exhibits.insert(0, table(250));
    record.warnings = vec![long.clone(); 1_000];
    record.text = format!("{long}\n").repeat(200);
    record.params = (0..1_000).map(|n| (format!("{n}{long}"), json!(long))).collect();
    for text in [
        &mut record.title,
        &mut record.file,
        &mut record.machine,
        &mut record.version,
        &mut record.pipeline,
        &mut record.id,
    ] {
        text.clone_from(&long);
    }
    let page = rendered(&record);
    assert!(page.contains("To keep this file small, it leaves out "));
}

#[test]
fn hundred_thousand_tiny_stages_fit() {
    let page =
        rendered(&run((0..100_000).map(|at| stage(&format!("s{at}"), "derive", Family::Prepare, &[])).collect()));
    assert!(page.contains("sections of stages"));
}
