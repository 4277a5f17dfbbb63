//! Files of others: the collections csv-spectrum and parquet-testing, and tables that are wider than anybody expects.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Workshop, root};

/// The files of a folder of the tests' data, sorted by name.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("tests/data").join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn csv_spectrum_reads_as_its_json_says() {
    let files = files("csv-spectrum/csvs");
    assert_eq!(files.len(), 12);
    let workshop = Workshop::new();
    let mut stages = String::new();
    for file in &files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        workshop.write(&format!("{name}.csv"), std::fs::read(file).unwrap());
        stages.push_str(&format!("  - read: {{path: {name}.csv, types: all_string}}\n"));
        stages.push_str(&format!("  - write: {{path: {name}.ndjson}}\n"));
    }
    workshop.write("p.yaml", format!("name: spectrum\nstages:\n{stages}"));
    workshop.run();
    for file in &files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let expected =
            std::fs::read_to_string(root().join(format!("tests/data/csv-spectrum/json/{name}.json"))).unwrap();
        let expected = match serde_json::from_str(&expected).unwrap() {
            Value::Array(records) => records,
            record => vec![with_the_number_of_the_file(record)],
        };
        let found = workshop.read_ndjson(&format!("{name}.ndjson"));
        let found: Vec<Value> = found.into_iter().map(empty_for_null).collect();
        assert_eq!(found, expected, "{name}");
    }
}

/// The JSON of `location_coordinates` has another telephone number than its CSV; see the README there.
fn with_the_number_of_the_file(mut record: Value) -> Value {
    record["Contact Phone Number"] = Value::from("2095257564");
    record
}

/// An empty field is null here, and an empty text in csv-spectrum.
fn empty_for_null(mut record: Value) -> Value {
    for value in record.as_object_mut().unwrap().values_mut().filter(|value| value.is_null()) {
        *value = Value::from("");
    }
    record
}

#[test]
fn every_parquet_file_gives_rows_or_one_clear_error() {
    let files = files("parquet");
    assert!(files.len() > 20);
    let mut read = 0;
    for file in &files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let workshop = Workshop::with_pipeline(&format!(
            "name: parquet\nstages:\n  - read: {{path: {name}}}\n  - write: {{path: out/rows.parquet}}\n"
        ));
        workshop.write(name, std::fs::read(file).unwrap());
        let began = Instant::now();
        let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
        assert!(began.elapsed() < Duration::from_secs(5), "{name} took {:?}", began.elapsed());
        let errors = outcome.stderr.matches("× error: ").count();
        match outcome.code {
            Some(0) => read += 1,
            Some(3 | 4) => assert_eq!(errors, 1, "{name}: {}", outcome.stderr),
            code => panic!("{name}: {code:?}\n{}", outcome.stderr),
        }
        assert!(!outcome.stderr.contains("panicked"), "{name}: {}", outcome.stderr);
        let written: Vec<String> =
            workshop.snapshot().into_keys().filter(|file| file.starts_with("out/") && file != "out/").collect();
        let expected: &[&str] = if outcome.code == Some(0) { &["out/rows.parquet"] } else { &[] };
        assert_eq!(written, expected, "{name}");
    }
    assert!(read > 0, "no file could be read");
}

/// A table with as many columns and two rows.
fn wide(columns: usize) -> String {
    let line = |prefix: &str| (0..columns).map(|at| format!("{prefix}{at}")).collect::<Vec<_>>().join(",");
    format!("{}\n{}\n{}\n", line("c"), line("1"), line("2"))
}

#[test]
fn ten_thousand_columns_are_read() {
    let workshop =
        Workshop::with_pipeline("name: wide\nstages:\n  - read: {path: wide.csv}\n  - write: {path: out.parquet}\n");
    workshop.write("wide.csv", wide(10_000));
    let began = Instant::now();
    workshop.run();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(workshop.exists("out.parquet"));
}

#[test]
fn a_hundred_thousand_columns_are_read_or_refused_soon() {
    let workshop = Workshop::with_pipeline(
        "name: wide\nstages:\n  - read: {path: wide.csv}\n  - select: {keep: [c7, c99999]}\n  - write: {path: out.ndjson}\n",
    );
    workshop.write("wide.csv", wide(100_000));
    let began = Instant::now();
    let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    match outcome.code {
        Some(0) => {
            assert_eq!(workshop.read("out.ndjson"), "{\"c7\":17,\"c99999\":199999}\n{\"c7\":27,\"c99999\":299999}\n")
        }
        Some(3 | 4) => assert_eq!(outcome.stderr.matches("× error: ").count(), 1, "{}", outcome.stderr),
        code => panic!("{code:?}\n{}", outcome.stderr),
    }
}

#[test]
fn a_value_of_ten_megabytes_is_read() {
    let workshop = Workshop::with_pipeline(
        "name: long\nstages:\n  - read: {path: a.csv}\n  - derive: {size: length(text)}\n  - select: {drop: text}\n  - write: {path: out.ndjson}\n",
    );
    workshop.write("a.csv", format!("id,text\n1,\"{}\"\n", "x".repeat(10_000_000)));
    workshop.run();
    assert_eq!(workshop.read("out.ndjson"), "{\"id\":1,\"size\":10000000}\n");
}

#[test]
fn a_definition_beyond_the_budgets_is_refused_at_once() {
    let stages = "  - read: {path: a.csv}\n".repeat(5_000);
    let large = format!("name: large\ndescription: {}\nstages: []\n", "x".repeat(1 << 20));
    let cases = [(format!("name: many\nstages:\n{stages}"), "10,000"), (large, "1 MiB")];
    for (text, phrase) in cases {
        let workshop = Workshop::with_pipeline(&text);
        let began = Instant::now();
        let outcome = workshop.gristmill(["check", "p.yaml"]);
        assert_eq!(outcome.code, Some(2));
        assert!(outcome.stderr.contains(phrase), "{}", outcome.stderr.chars().take(500).collect::<String>());
        assert!(outcome.stderr.len() < 5_000, "the message has {} characters", outcome.stderr.len());
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
}

#[test]
fn fractions_of_seconds_and_zones_are_read_as_they_are_written() {
    let workshop = Workshop::with_pipeline(
        "name: t\nstages:\n  - read: {path: t.csv, types: {own: datetime}, formats: {own: \"%d.%m.%Y %H:%M:%S%.f\"}}\n  - write: {path: out.ndjson}\n",
    );
    workshop.write(
        "t.csv",
        "some,three,nine,zulu,offset,own\n\
         2024-03-31 01:30:00,2024-03-31T01:30:00.125,2024-03-31T01:30:00.123456789,2024-03-31T01:30:00Z,2024-03-31T01:30:00+02:00,31.3.2024 1:30:00\n\
         2024-07-01 12:00:00.5,2024-07-01T12:00:00.250,2024-07-01T12:00:00.000000001,2024-07-01T12:00:00.25Z,2024-07-01T12:00:00Z,1.7.2024 12:00:00.75\n",
    );
    workshop.run();
    let rows = workshop.read_ndjson("out.ndjson");
    let texts = |row: usize| rows[row].as_object().unwrap().values().map(|v| v.as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(
        texts(0),
        [
            "2024-03-31 01:30:00",
            "2024-03-31 01:30:00.125",
            "2024-03-31 01:30:00.123456",
            "2024-03-31T01:30:00+00:00",
            "2024-03-30T23:30:00+00:00",
            "2024-03-31 01:30:00"
        ]
    );
    assert_eq!(
        texts(1),
        [
            "2024-07-01 12:00:00.500",
            "2024-07-01 12:00:00.250",
            "2024-07-01 12:00:00",
            "2024-07-01T12:00:00.250+00:00",
            "2024-07-01T12:00:00+00:00",
            "2024-07-01 12:00:00.750"
        ]
    );
    workshop.write(
        "p.yaml",
        "name: t\nstages:\n  - read: {path: t.csv, types: {own: datetime}, formats: {own: \"%d.%m.%Q\"}}\n  - write: {path: out.ndjson}\n",
    );
    let refused = workshop.gristmill(["check", "p.yaml"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("the layout has `%Q`, which is not known"), "{}", refused.stderr);
    assert!(refused.stderr.contains("p.yaml:3:64"), "{}", refused.stderr);
}
