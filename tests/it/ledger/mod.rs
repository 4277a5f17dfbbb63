//! Every row is accounted for: random small pipelines on random small tables, beside a naive evaluation of the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod naive;

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use self::naive::{How, Keep, Label, Row, Step, groups, outer_count, value};
use crate::support::{Workshop, unexplained};

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let key = prop_oneof![1 => Just(None), 4 => (0_i64..5).prop_map(Some)];
    let x = prop_oneof![1 => Just(None), 4 => (-6_i32..6).prop_map(|halves| Some(f64::from(halves) / 2.0))];
    let s =
        prop_oneof![1 => Just(None), 4 => prop::sample::select(vec!["a", " a", "A", "b,\"c\"", "é"]).prop_map(Some)];
    let row = (key, x, s).prop_map(|(key, x, s)| Row { id: 0, key, x, s, added: BTreeMap::new() });
    prop::collection::vec(row, 0..20).prop_map(|mut rows| {
        for (id, row) in (0..).zip(&mut rows) {
            row.id = id;
        }
        rows
    })
}

fn labels() -> impl Strategy<Value = Vec<Label>> {
    let key = prop_oneof![1 => Just(None), 5 => (0_i64..7).prop_map(Some)];
    let label = (key, 0_i64..100).prop_map(|(key, label)| Label { key, label });
    prop::collection::vec(label, 0..8)
}

fn step() -> impl Strategy<Value = Step> {
    let keys: [&'static [&'static str]; 3] = [&["key"], &["key", "s"], &["id", "key", "x", "s"]];
    let keep = prop::sample::select(vec![Keep::First, Keep::Last, Keep::None]);
    let how = prop::sample::select(vec![How::Inner, How::Left, How::Semi, How::Anti, How::Right, How::Full]);
    let filters = prop_oneof![
        (-3_i64..3).prop_map(Step::FilterX),
        (0_i64..5, -3_i64..3).prop_map(|(key, x)| Step::FilterKeyOrX(key, x)),
        Just(Step::FilterText),
        Just(Step::FilterOdd),
    ];
    let samples = prop_oneof![(0_u64..12).prop_map(Step::SampleRows), Just(Step::SampleFraction), Just(Step::Drop)];
    let columns = prop::sample::select(vec![
        Step::Derive,
        Step::Split,
        Step::Clean,
        Step::ImputeConstant,
        Step::ImputeMean,
        Step::Validate,
        Step::Sort(false),
        Step::Sort(true),
    ]);
    prop_oneof![
        3 => filters,
        3 => (prop::sample::select(keys.to_vec()), keep).prop_map(|(on, keep)| Step::Dedupe(on, keep)),
        4 => how.prop_map(Step::Join),
        1 => samples,
        2 => (0_usize..15, 0_usize..4).prop_map(|(rows, offset)| Step::Limit(rows, offset)),
        1 => Just(Step::Union),
        5 => columns,
    ]
}

fn table_csv(rows: &[Row]) -> String {
    let mut csv = String::from("id,key,x,s\n");
    for row in rows {
        let key = row.key.map_or(String::new(), |key| key.to_string());
        let x = row.x.map_or(String::new(), |x| x.to_string());
        let s = row.s.map_or(String::new(), |s| format!("\"{}\"", s.replace('"', "\"\"")));
        writeln!(csv, "{},{key},{x},{s}", row.id).unwrap();
    }
    csv
}

fn labels_csv(labels: &[Label]) -> String {
    let line = |label: &Label| format!("{},{}\n", label.key.map_or(String::new(), |key| key.to_string()), label.label);
    "key,label\n".to_owned() + &labels.iter().map(line).collect::<String>()
}

fn pipeline(steps: &[Step], aggregate: bool) -> String {
    let mut yaml = String::from(
        "name: ledger
stages:
  - id: labels
    read: {path: labels.csv, types: {key: bigint, label: bigint}}
  - id: table
    read: {path: table.csv, types: {id: bigint, key: bigint, x: double, s: string}}
",
    );
    for (at, step) in steps.iter().enumerate() {
        writeln!(yaml, "  - id: s{at}\n    {}", step.yaml(at)).unwrap();
    }
    if aggregate {
        yaml.push_str("  - id: groups\n    aggregate: {by: key, compute: {n: count(*), sum: sum(x)}}\n");
    }
    yaml.push_str("  - id: written\n    write: {path: out.ndjson}\n");
    yaml
}

/// One split at most: a second one is refused.
fn with_one_split(steps: Vec<Step>) -> Vec<Step> {
    let mut seen = false;
    steps.into_iter().filter(|step| !matches!(step, Step::Split) || !std::mem::replace(&mut seen, true)).collect()
}

fn check(table: &[Row], labels: &[Label], steps: &[Step], aggregate: bool) -> Result<(), TestCaseError> {
    let yaml = pipeline(steps, aggregate);
    let workshop = Workshop::with_pipeline(&yaml);
    workshop.write("table.csv", table_csv(table));
    workshop.write("labels.csv", labels_csv(labels));
    let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    prop_assert_eq!(outcome.code, Some(0), "{}\n{}", yaml, outcome.stderr);
    let manifest = workshop.manifest();
    let stages = manifest["stages"].as_array().unwrap();
    let find = |id: &str| stages.iter().find(|stage| stage["id"] == id).unwrap();
    for stage in stages {
        prop_assert_eq!(
            unexplained(stage),
            Some(0),
            "`{}` does not add up: {}\n{}",
            stage["id"],
            stage["ledger"],
            yaml
        );
    }
    let out = |id: &str| find(id)["ledger"]["out"].as_u64().unwrap();
    prop_assert_eq!(out("table"), table.len() as u64);

    let mut known = Some(table.to_vec());
    let mut count = table.len() as u64;
    for (at, step) in steps.iter().enumerate() {
        let is_split = steps[..at].iter().any(|step| matches!(step, Step::Split));
        let outer = match (&known, step) {
            (Some(rows), Step::Join(how @ (How::Right | How::Full))) => Some(outer_count(rows, labels, *how) as u64),
            _ => step.count(count),
        };
        known = known.and_then(|rows| step.apply(rows, at, table, labels, is_split));
        let found = out(&format!("s{at}"));
        let expected = known.as_ref().map(|rows| rows.len() as u64).or(outer);
        prop_assert!(
            expected.is_none_or(|rows| rows == found),
            "s{}: {:?} rows expected, {} found\n{}",
            at,
            expected,
            found,
            yaml
        );
        count = found;
    }
    let written = workshop.read_ndjson("out.ndjson");
    prop_assert_eq!(written.len() as u64, out("written"), "{}", yaml);
    match known {
        Some(rows) if aggregate => {
            let found: BTreeMap<Option<i64>, u64> =
                written.iter().map(|row| (row["key"].as_i64(), row["n"].as_u64().unwrap())).collect();
            prop_assert_eq!(found, groups(&rows), "{}", yaml);
        }
        Some(rows) => {
            for (row, found) in rows.iter().zip(&written) {
                for (column, found) in found.as_object().unwrap().iter().filter(|(name, _)| *name != "part") {
                    prop_assert_eq!(&value(row, column), found, "`{}` of row {}\n{}", column, row.id, yaml);
                }
            }
        }
        None => {}
    }
    Ok(())
}

/// A few runs of the program; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let cases = if asked { ProptestConfig::default().cases } else { 60 };
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_ledger_adds_up_on_random_pipelines(
        table in rows(),
        labels in labels(),
        steps in prop::collection::vec(step(), 1..8),
        aggregate in any::<bool>(),
    ) {
        check(&table, &labels, &with_one_split(steps), aggregate)?;
    }
}

/// The rows many times under each other, with other ids and with keys of their own in three of four copies: too many for a few
/// hundred MiB, with groups of one row and a few very large ones.
fn many(rows: &[Row], at_least: usize) -> Vec<Row> {
    let copies = at_least.div_ceil(rows.len().max(1));
    let numbered = (0..copies).flat_map(|copy| rows.iter().map(move |row| (copy, row)));
    (0..)
        .zip(numbered)
        .map(|(id, (copy, row))| {
            let own = if copy % 4 == 0 { 0 } else { 7 * i64::try_from(copy).unwrap() };
            Row { id, key: row.key.map(|key| key + own), ..row.clone() }
        })
        .collect()
}

/// A pipeline gives the same rows and counts with little memory as with much.
fn check_with_little_memory(table: &[Row], labels: &[Label], steps: &[Step]) -> Result<(), TestCaseError> {
    let yaml = pipeline(steps, false);
    let workshop = Workshop::with_pipeline(&yaml);
    workshop.write("table.csv", table_csv(table));
    workshop.write("labels.csv", labels_csv(labels));
    let run = |memory: &str| {
        let outcome = workshop.gristmill(["run", "p.yaml", "--quiet", "--no-cache", "--memory", memory]);
        prop_assert_eq!(outcome.code, Some(0), "{}\n{}", yaml, outcome.stderr);
        Ok((workshop.manifest(), workshop.read("out.ndjson")))
    };
    let (plenty, expected) = run("8GiB")?;
    let (little, found) = run("256MiB")?;
    prop_assert!(found == expected, "other rows with little memory\n{}", yaml);
    let pairs = plenty["stages"].as_array().unwrap().iter().zip(little["stages"].as_array().unwrap());
    for (plenty, little) in pairs {
        prop_assert_eq!(&plenty["ledger"], &little["ledger"], "`{}`\n{}", plenty["id"], yaml);
        prop_assert_eq!(unexplained(little), Some(0), "`{}`\n{}", little["id"], yaml);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: config().cases / 15, max_shrink_iters: 0, ..config() })]

    #[test]
    fn random_pipelines_mean_the_same_with_little_memory(
        table in rows(),
        mut labels in labels(),
        steps in prop::collection::vec(step(), 1..5),
    ) {
        // One label to a key: the rows of large groups would multiply with each join.
        let mut seen = std::collections::BTreeSet::new();
        labels.retain(|label| seen.insert(label.key));
        check_with_little_memory(&many(&table, 800_000), &labels, &with_one_split(steps))?;
    }
}

#[test]
fn the_ledger_adds_up_where_no_row_arrives() {
    let none: [Row; 0] = [];
    for step in [
        Step::Clean,
        Step::Validate,
        Step::Drop,
        Step::ImputeMean,
        Step::Dedupe(&["key"], Keep::First),
        Step::Sort(true),
    ] {
        for first in [Step::SampleRows(0), Step::SampleRows(3), Step::Limit(0, 0), Step::FilterOdd, Step::Union] {
            let steps = [first, step.clone()];
            check(&none, &[], &steps, true).unwrap_or_else(|error| panic!("{steps:?}: {error}"));
        }
    }
}

/// A filtered chunk keeps its bits of validity though no null is left, another chunk never had any.
#[test]
fn keys_are_compared_alike_in_all_chunks() {
    let row = |id, key, x, s| Row { id, key, x, s, added: BTreeMap::new() };
    let (zero, a, spaced) = (Some(0.0), Some("a"), Some(" a"));
    let table = [
        row(0, Some(0), None, a),
        row(1, Some(0), None, a),
        row(2, None, zero, None),
        row(3, Some(0), zero, None),
        row(4, None, zero, None),
        row(5, Some(2), None, a),
        row(6, None, Some(-0.5), None),
        row(7, Some(0), None, a),
        row(8, None, None, a),
        row(9, Some(0), None, None),
        row(10, None, None, spaced),
        row(11, None, zero, None),
        row(12, Some(0), zero, spaced),
        row(13, Some(1), None, None),
        row(14, None, None, None),
        row(15, None, zero, None),
        row(16, None, None, None),
        row(17, None, zero, None),
    ];
    let steps = [
        Step::Sort(true),
        Step::Dedupe(&["key", "s"], Keep::Last),
        Step::FilterOdd,
        Step::Dedupe(&["key"], Keep::First),
    ];
    check(&table, &[], &steps, false).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn stages_that_mean_the_same_are_counted_apart() {
    let text = "name: p
stages:
  - id: a
    read: {path: t.csv}
  - id: few_a
    filter: \"x > 1\"
  - id: b
    read: {path: t.csv}
  - id: few_b
    filter: \"x > 1\"
  - from: few_a
    union: {with: few_b}
  - write: {path: out.csv}
";
    let workshop = Workshop::with_pipeline(text);
    workshop.write("t.csv", "x,s\n1,a\n2,b\n");
    let manifest = workshop.run();
    for record in manifest["stages"].as_array().unwrap() {
        assert!(matches!(unexplained(record), None | Some(0)), "{record}");
    }
    assert_eq!(workshop.read("out.csv"), "x,s\n2,b\n2,b\n");
}
