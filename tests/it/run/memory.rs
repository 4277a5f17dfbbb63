//! Runs with little memory give what runs with much memory give.

use std::fmt::Write;

use crate::support::{Workshop, stage, unexplained};

const ORDERED: &str = "\
name: ordered
stages:
  - id: events
    read: {path: events.csv}
  - id: latest
    dedupe: {on: [customer, item], keep: last, order_by: at}
  - id: sorted
    sort: {by: [amount, customer]}
  - write: {path: out/sorted.csv}
  - id: counts
    from: latest
    aggregate: {by: kind, compute: {n: count(*), total: sum(amount)}}
  - id: by_kind
    sort: {by: kind}
  - write: {path: out/kinds.csv}
";

/// Rows in no order with twins and ties, the same at every call: a linear congruential generator (Lehmer 1951).
fn events(rows: u64) -> String {
    let mut text = String::from("customer,item,at,amount,kind\n");
    let mut state = 42_u64;
    for row in 0..rows {
        state = state * 48_271 % 2_147_483_647;
        let (customer, item, at) = (state % 90_001, state / 7 % 5, state / 1000 % 3000);
        let amount = state / 11 % 1000;
        writeln!(text, "{customer},{item},{at},{amount},a kind of event number {}", row % 17).unwrap();
    }
    text
}

#[test]
fn little_memory_changes_no_row_and_no_count() {
    let workshop = Workshop::with_pipeline(ORDERED);
    workshop.write("events.csv", events(700_000));
    let outputs = || (workshop.read("out/sorted.csv"), workshop.read("out/kinds.csv"));
    workshop.gristmill(["run", "p.yaml", "--quiet", "--no-cache", "--memory", "8GiB"]).success();
    let (plenty, expected) = (workshop.manifest(), outputs());
    workshop.gristmill(["run", "p.yaml", "--quiet", "--no-cache", "--memory", "256MiB"]).success();
    let (little, found) = (workshop.manifest(), outputs());
    assert!(found == expected, "the outputs differ");
    for id in ["events", "latest", "sorted", "counts", "by_kind"] {
        assert_eq!(stage(&little, id)["ledger"]["out"], stage(&plenty, id)["ledger"]["out"], "{id}");
        assert_eq!(unexplained(stage(&little, id)), Some(0), "{id}");
    }
    let spill = workshop.path().join(".gristmill/spill");
    assert!(std::fs::read_dir(spill).map_or(0, Iterator::count) == 0, "temporary files were left");
}

/// A table of as many rows as t-SNE does not take.
fn points(rows: u64) -> String {
    let mut text = String::from("x,y\n");
    for row in 0..rows {
        writeln!(text, "{},{}", row * 37 % 101, row * 53 % 97).unwrap();
    }
    text
}

#[test]
fn a_check_warns_where_more_rows_may_come_than_an_algorithm_can_hold() {
    let workshop = Workshop::new();
    workshop.write("points.csv", points(120_000));
    let checked = |stage: &str, memory: &str| {
        workshop.write(
            "p.yaml",
            format!(
                "name: t\nstages:\n  - read: {{path: points.csv}}\n  - {stage}\n  - write: {{path: out.parquet}}\n"
            ),
        );
        let outcome = workshop.gristmill(["check", "p.yaml", "--memory", memory]).success();
        outcome.stdout + &outcome.stderr
    };
    let told = checked("reduce: {method: tsne}", "8GiB");
    assert!(told.contains("warning: tsne takes at most 100,000 rows, and up to 1"), "{told}");
    assert!(told.contains("p.yaml:4:") && told.contains("1 warning"), "{told}");
    let told = checked("cluster: {method: hdbscan}", "64MiB");
    assert!(
        told.contains("hdbscan holds its rows in memory: up to ") && told.contains("with 64.0 MiB has 32.0 MiB"),
        "{told}"
    );
    assert!(told.contains("`sample: 50000`"), "{told}");
    // Nothing is said where rows are drawn, where they stream by, and where all fit.
    for (stage, memory) in [
        ("reduce: {method: tsne, sample: 1000}", "8GiB"),
        ("cluster: {method: mini_batch, k: 3}", "64MiB"),
        ("cluster: {method: hdbscan}", "8GiB"),
        ("correlate: {method: pearson}", "64MiB"),
    ] {
        let told = checked(stage, memory);
        assert!(!told.contains("warning"), "{stage}: {told}");
    }
}
