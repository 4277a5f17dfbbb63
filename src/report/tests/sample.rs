//! Records to make reports of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::chart::{Bar, Figure, Mark, Series};
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Passage, Table, Tone, Word};
use crate::expression::{DataType, Field, Schema};
use crate::relation::Lineage;
use crate::run::ledger::Entry;
use crate::run::manifest::{Output, RunRecord, RunStatus, StageRecord, StageStatus};
use crate::stages::Family;
use crate::stages::work::Change;

/// A stage without anything to show.
pub(super) fn stage(id: &str, kind: &str, family: Family, inputs: &[&str]) -> StageRecord {
    StageRecord {
        id: id.to_owned(),
        kind: kind.to_owned(),
        family,
        description: None,
        line: 3,
        inputs: inputs.iter().map(|id| (*id).to_owned()).collect(),
        status: StageStatus::Done,
        error: None,
        fingerprint: "0123456789abcdef0123456789abcdef".to_owned(),
        options: json!({}),
        files: BTreeMap::new(),
        began: 0.0,
        seconds: 0.25,
        peak_memory: 100 << 20,
        spilled: 0,
        estimate: None,
        schema: None,
        ledger: None,
        exhibits: Vec::new(),
        outputs: Vec::new(),
        statistics: serde_json::Value::Null,
        lineage: BTreeMap::new(),
    }
}

/// An entry of the ledger; `out` is what the inputs and changes give.
pub(super) fn entry(inputs: &[(&str, u64)], changes: &[(&str, i64)]) -> Entry {
    let rows: i64 = inputs.iter().map(|(_, rows)| i64::try_from(*rows).unwrap()).sum();
    let changed: i64 = changes.iter().map(|(_, rows)| rows).sum();
    Entry {
        inputs: inputs.iter().map(|(id, rows)| ((*id).to_owned(), *rows)).collect(),
        lookups: Vec::new(),
        changes: changes.iter().map(|(reason, rows)| Change::new(*reason, *rows)).collect(),
        out: u64::try_from(rows + changed).unwrap(),
    }
}

/// Columns of text.
pub(super) fn schema(names: impl IntoIterator<Item = String>) -> Schema {
    Schema::new(names.into_iter().map(|name| Field::new(name, DataType::String)).collect()).unwrap()
}

/// A bar for each of a few names.
pub(super) fn figure(title: &str, names: &[&str]) -> Figure {
    let values = names.iter().map(|name| Some(f64::from(u32::try_from(name.len()).unwrap())));
    Figure::new(title, Mark::Bar(Bar::new(names.iter().copied(), vec![Series::new("length", values)])))
}

/// A run of these stages.
pub(super) fn run(stages: Vec<StageRecord>) -> RunRecord {
    RunRecord {
        format: 1,
        id: "20261104T080312-abcd".to_owned(),
        pipeline: "sales".to_owned(),
        description: Some("What sells where?".to_owned()),
        title: "Sales".to_owned(),
        file: "pipelines/sales.yaml".to_owned(),
        text: "name: sales\nstages:\n  - read: {path: sales.csv}\n".to_owned(),
        params: BTreeMap::from([("year".to_owned(), json!(2026))]),
        started: "2026-11-04T08:03:12Z".to_owned(),
        seconds: 12.5,
        status: RunStatus::Done,
        peak_memory: 512 << 20,
        threads: 2,
        version: "0.1.0".to_owned(),
        machine: "linux x86_64, 2 cores".to_owned(),
        stages,
        warnings: Vec::new(),
        exit_code: 0,
        folder: "/home/somebody/.gristmill/runs/20261104T080312-abcd".into(),
    }
}

/// A run with something of everything.
pub(super) fn full() -> RunRecord {
    let mut read = stage("sales", "read", Family::Ingest, &[]);
    read.ledger = Some(entry(&[], &[("read", 1_000), ("rejected", -4)]));
    read.schema = Some(schema(["item".to_owned(), "price".to_owned()]));
    read.files = BTreeMap::from([("sales.csv".to_owned(), "12 bytes".to_owned())]);
    read.options = json!({"path": "sales.csv", "null_values": ["NA"]});
    let mut filter = stage("dear", "filter", Family::Prepare, &["sales"]);
    filter.ledger = Some(entry(&[("sales", 996)], &[("condition false", -196)]));
    filter.schema = Some(schema(["item".to_owned(), "price".to_owned(), "vat".to_owned()]));
    filter.description = Some("Only what costs something.".to_owned());
    let origin = ("sales.csv".to_owned(), "price".to_owned());
    filter.lineage = BTreeMap::from([(
        "vat".to_owned(),
        Lineage { origins: BTreeSet::from([origin]), stages: vec!["sales".to_owned(), "dear".to_owned()] },
    )]);
    let mut judge = stage("judge", "evaluate", Family::Learn, &["dear"]);
    judge.exhibits = vec![
        Exhibit::Metrics {
            title: "Test rows".to_owned(),
            metrics: vec![
                Metric::new("Accuracy", 0.875, Format::Percent).note("baseline 61.0%"),
                Metric::new("F1", 0.8123, Format::Number),
                Metric::new("AUC", None, Format::Number),
            ],
        },
        Exhibit::Table(Table {
            title: "By class".to_owned(),
            columns: vec![Column::new("class"), Column::formatted("rows", Format::Integer)],
            rows: vec![vec![Cell::text("cheap"), Cell::count(1_234)], vec![Cell::text("dear"), Cell::Empty]],
            note: Some("Two classes.".to_owned()),
        }),
        Exhibit::Figure(Box::new(figure("Lengths of names", &["a", "bb"]))),
        Exhibit::Passage(Passage {
            title: "Row 7".to_owned(),
            words: vec![
                Word { text: "a dear".to_owned(), weight: 0.8, value: 1.25 },
                Word { text: "<b>bargain</b>".to_owned(), weight: -0.4, value: -0.5 },
                Word { text: "indeed".to_owned(), weight: 0.0, value: 0.0 },
            ],
            of: "dear".to_owned(),
            note: Some("Three words.".to_owned()),
        }),
        Exhibit::note(Tone::Warning, "Few rows of class `dear`."),
    ];
    let mut write = stage("out", "write", Family::Render, &["dear"]);
    write.ledger = Some(entry(&[("dear", 800)], &[]));
    write.outputs = vec![Output { path: "out/sales.parquet".into(), rows: Some(800), bytes: 15_360 }];
    run(vec![read, filter, judge, write])
}
