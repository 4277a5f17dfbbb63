//! Folds of rows that are divided by time: what is learned lies before what is judged, in the blocks that scikit-learn makes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use gristmill::batch;
use gristmill::definition::{LoadOptions, parse};
use gristmill::diagnostic::Source;
use gristmill::engine::polars::{PolarsEngine, PolarsOptions};
use gristmill::engine::{Engine, Execution, arrow_schema};
use gristmill::expression::{DataType, Field, Schema};
use gristmill::relation::{Relation, Scan, ScanSource};
use gristmill::stages::prepare::split::{Crossing, Split};
use gristmill::stages::variant::Nowhere;
use gristmill::stages::{PlanContext, Shape, Stage, TableShape};
use serde_json::Value;

/// The rows of each part of a fold, by their order in time.
fn parts(engine: &PolarsEngine, seen: usize, folds: u32, fold: u32, validated: bool) -> [Vec<i64>; 3] {
    let parts = if validated { "{train: 0.5, valid: 0.3, test: 0.2}" } else { "{train: 0.8, test: 0.2}" };
    let text = format!("name: p\nstages:\n  - split: {{by: time, on: t, parts: {parts}}}\n");
    let pipeline = parse(Source::new("p.yaml", text), &LoadOptions::default(), Path::new("")).unwrap();
    let split: Split = pipeline.stages[0].decode().unwrap();
    // A quarter as many rows again make the test part. They come in no order of time.
    let rows = seen as i64 * 5 / 4;
    let times: Vec<i64> = (0..rows).map(|row| row * 77 % rows).collect();
    assert!(rows % 7 != 0 && rows % 11 != 0, "77 must lead to every row");
    let schema = Schema::new(vec![Field::new("t", DataType::Int64)]).unwrap();
    let batch = RecordBatch::try_new(arrow_schema(&schema), vec![Arc::new(Int64Array::from(times))]).unwrap();
    let pinned = engine.table_from_batches(&schema, &[batch]).unwrap();
    let scan = Relation::Scan(Scan { source: ScanSource::Pinned(pinned.id), schema });
    let ids = ["rows".to_owned()];
    let context = PlanContext {
        id: "parts",
        place: &pipeline.stages[0].place,
        engine,
        base: Path::new(""),
        scratch: Path::new(""),
        input_ids: &ids,
        variants: &Nowhere,
    };
    let crossing = Crossing { split, folds, fold, seed: 0 };
    let planned = crossing.plan(&[Shape::Table(TableShape::new(scan, None))], &context).unwrap();
    let Shape::Table(table) = planned.product else { panic!("no table") };
    let mut found: [Vec<i64>; 3] = Default::default();
    for batch in engine.collect(&table.relation, &Execution::default()).unwrap() {
        let times = batch::floats(batch::column(&batch, "t").unwrap());
        for (part, time) in batch::texts(batch::column(&batch, "part").unwrap()).into_iter().zip(times) {
            let at = ["train", "valid", "test"].iter().position(|name| Some(*name) == part.as_deref());
            found[at.expect("a part of the split")].push(time as i64);
        }
    }
    found.iter_mut().for_each(|part| part.sort_unstable());
    found
}

#[test]
fn folds_in_time_are_those_of_scikit_learn() {
    let text = include_str!("../../data/oracle/time_folds.json");
    let cases: Value = serde_json::from_str(text).unwrap();
    let engine = PolarsEngine::new(PolarsOptions::default());
    for case in cases["cases"].as_array().unwrap() {
        let (rows, folds) = (case["rows"].as_u64().unwrap() as usize, case["folds"].as_u64().unwrap() as u32);
        for (fold, expected) in (1..).zip(case["found"].as_array().unwrap()) {
            let found = parts(&engine, rows, folds, fold, case["validated"].as_bool().unwrap());
            for (name, part) in ["train", "valid", "test"].into_iter().zip(found) {
                let expected: Vec<i64> =
                    expected[name].as_array().unwrap().iter().map(|row| row.as_i64().unwrap()).collect();
                assert_eq!(part, expected, "{name} of fold {fold} of {folds} over {rows} rows");
            }
        }
    }
}
