//! Every row is accounted for: random small pipelines on random small tables, beside a naive evaluation of the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};

use crate::support::{Workshop, unexplained};

/// A row of the table that flows, with the columns that stages added.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    id: i64,
    key: Option<i64>,
    x: Option<f64>,
    s: Option<&'static str>,
    added: BTreeMap<String, Value>,
}

/// A row of the table that joins look up.
#[derive(Debug, Clone)]
struct Label {
    key: Option<i64>,
    label: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    First,
    Last,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Inner,
    Left,
    Semi,
    Anti,
    Right,
    Full,
}

/// A stage of a random pipeline.
#[derive(Debug, Clone)]
enum Step {
    FilterX(i64),
    FilterKeyOrX(i64, i64),
    FilterText,
    FilterOdd,
    Dedupe(&'static [&'static str], Keep),
    Join(How),
    Derive,
    SampleRows(u64),
    SampleFraction,
    Limit(usize, usize),
    Union,
    Sort(bool),
    Split,
    Clean,
    ImputeConstant,
    ImputeMean,
    Drop,
    Validate,
}

/// What is known of the rows after some stages: all of them in order, or nothing.
type Known = Option<Vec<Row>>;

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

impl Step {
    /// The stage in YAML. `at` makes new names unique.
    fn yaml(&self, at: usize) -> String {
        match self {
            Self::FilterX(limit) => format!("filter: \"x > {limit}\""),
            Self::FilterKeyOrX(key, limit) => format!("filter: \"key = {key} or x < {limit}\""),
            Self::FilterText => "filter: \"s is not null\"".into(),
            Self::FilterOdd => "filter: \"id % 2 = 1\"".into(),
            Self::Dedupe(on, keep) => {
                let keep = format!("{keep:?}").to_lowercase();
                format!("dedupe: {{on: [{}], keep: {keep}}}", on.join(", "))
            }
            Self::Join(how @ (How::Semi | How::Anti)) => {
                format!("join: {{with: labels, on: key, how: {}}}", format!("{how:?}").to_lowercase())
            }
            Self::Join(how) => {
                let how = format!("{how:?}").to_lowercase();
                format!("join: {{with: labels, on: key, how: {how}, take: {{label: label_{at}}}}}")
            }
            Self::Derive => format!("derive: {{d_{at}: \"x * 2\"}}"),
            Self::SampleRows(rows) => format!("sample: {{rows: {rows}, seed: {at}}}"),
            Self::SampleFraction => format!("sample: {{fraction: 0.5, seed: {at}}}"),
            Self::Limit(rows, offset) => format!("limit: {{rows: {rows}, offset: {offset}}}"),
            Self::Union => "union: {with: [table], missing: \"null\"}".into(),
            Self::Sort(false) => "sort: {by: [key, id desc]}".into(),
            Self::Sort(true) => "sort: {by: x desc}".into(),
            Self::Split => "split: {by: hash, on: key}".into(),
            Self::Clean => "clean: {columns: {s: {trim: true, case: lower}}}".into(),
            Self::ImputeConstant => "impute: {columns: {x: {constant: 0}}}".into(),
            Self::ImputeMean => "impute: {columns: {x: mean}}".into(),
            Self::Drop => "outliers: {columns: x, method: iqr, action: drop}".into(),
            Self::Validate => {
                "validate: {severity: warn, checks: [{range: {column: x, min: 0}}, {unique: key}]}".into()
            }
        }
    }

    /// The rows after the stage.
    fn apply(&self, rows: Vec<Row>, at: usize, table: &[Row], labels: &[Label], is_split: bool) -> Known {
        let mut rows = rows;
        match self {
            Self::FilterX(limit) => rows.retain(|row| row.x.is_some_and(|x| x > to_float(*limit))),
            Self::FilterKeyOrX(key, limit) => {
                rows.retain(|row| row.key == Some(*key) || row.x.is_some_and(|x| x < to_float(*limit)));
            }
            Self::FilterText => rows.retain(|row| row.s.is_some()),
            Self::FilterOdd => rows.retain(|row| row.id % 2 == 1),
            Self::Dedupe(on, keep) => rows = deduplicated(rows, on, *keep),
            Self::Join(how) => return joined(&rows, labels, *how, at),
            Self::Derive => {
                for row in &mut rows {
                    row.added.insert(format!("d_{at}"), row.x.map_or(Value::Null, |x| json!(x * 2.0)));
                }
            }
            Self::SampleRows(_) | Self::SampleFraction | Self::Drop => return None,
            Self::Limit(count, offset) => rows = rows.into_iter().skip(*offset).take(*count).collect(),
            Self::Union => rows.extend(table.iter().cloned()),
            Self::Sort(false) => rows.sort_by_key(|row| (row.key.is_none(), row.key, -row.id)),
            Self::Sort(true) => rows.sort_by(|a, b| match (a.x, b.x) {
                (Some(a), Some(b)) => b.total_cmp(&a),
                (a, b) => a.is_none().cmp(&b.is_none()),
            }),
            Self::Split | Self::Validate => {}
            Self::Clean => {
                for row in &mut rows {
                    row.s = row.s.map(|s| if matches!(s, " a" | "A") { "a" } else { s });
                }
            }
            Self::ImputeConstant => rows.iter_mut().for_each(|row| row.x = row.x.or(Some(0.0))),
            // What is learned below a split depends on its parts.
            Self::ImputeMean if is_split => return None,
            Self::ImputeMean => {
                let known: Vec<f64> = rows.iter().filter_map(|row| row.x).collect();
                let mean =
                    (!known.is_empty()).then(|| known.iter().sum::<f64>() / to_float(known.len().try_into().unwrap()));
                rows.iter_mut().for_each(|row| row.x = row.x.or(mean));
            }
        }
        Some(rows)
    }

    /// How many rows there are after the stage, where that is known without the rows.
    fn count(&self, before: u64) -> Option<u64> {
        match self {
            Self::Limit(rows, offset) => Some(before.saturating_sub(*offset as u64).min(*rows as u64)),
            Self::SampleRows(rows) => Some(before.min(*rows)),
            Self::Derive
            | Self::Sort(_)
            | Self::Split
            | Self::Clean
            | Self::ImputeConstant
            | Self::ImputeMean
            | Self::Validate => Some(before),
            _ => None,
        }
    }
}

fn to_float(number: i64) -> f64 {
    f64::from(i32::try_from(number).unwrap())
}

fn deduplicated(rows: Vec<Row>, on: &[&str], keep: Keep) -> Vec<Row> {
    let key = |row: &Row| -> String { on.iter().map(|column| format!("{:?};", value(row, column))).collect() };
    let keys: Vec<String> = rows.iter().map(key).collect();
    let stays = |at: usize| match keep {
        Keep::First => !keys[..at].contains(&keys[at]),
        Keep::Last => !keys[at + 1..].contains(&keys[at]),
        Keep::None => keys.iter().filter(|key| **key == keys[at]).count() == 1,
    };
    rows.into_iter().enumerate().filter(|(at, _)| stays(*at)).map(|(_, row)| row).collect()
}

fn joined(rows: &[Row], labels: &[Label], how: How, at: usize) -> Known {
    if matches!(how, How::Right | How::Full) {
        // The rows of the other table have no values for most columns of this one.
        return None;
    }
    let mut result = Vec::new();
    for row in rows {
        let matches: Vec<&Label> = labels.iter().filter(|label| label.key.is_some() && label.key == row.key).collect();
        let with = |label: Value| {
            let mut row = row.clone();
            row.added.insert(format!("label_{at}"), label);
            row
        };
        match how {
            How::Semi if !matches.is_empty() => result.push(row.clone()),
            How::Anti if matches.is_empty() => result.push(row.clone()),
            How::Left if matches.is_empty() => result.push(with(Value::Null)),
            How::Inner | How::Left => result.extend(matches.iter().map(|found| with(json!(found.label)))),
            How::Semi | How::Anti | How::Right | How::Full => {}
        }
    }
    Some(result)
}

/// How many rows a right or full join gives.
fn outer_count(rows: &[Row], labels: &[Label], how: How) -> usize {
    let matches = |row: &Row| labels.iter().filter(|label| label.key.is_some() && label.key == row.key).count();
    let pairs: usize = rows.iter().map(matches).sum();
    let alone = rows.iter().filter(|row| matches(row) == 0).count();
    let keys: BTreeSet<i64> = rows.iter().filter_map(|row| row.key).collect();
    let unmet = labels.iter().filter(|label| label.key.is_none_or(|key| !keys.contains(&key))).count();
    pairs + unmet + if how == How::Full { alone } else { 0 }
}

fn value(row: &Row, column: &str) -> Value {
    match column {
        "id" => json!(row.id),
        "key" => json!(row.key),
        "x" => json!(row.x),
        "s" => json!(row.s),
        added => row.added.get(added).cloned().unwrap_or(Value::Null),
    }
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

fn groups(rows: &[Row]) -> BTreeMap<Option<i64>, u64> {
    let mut groups = BTreeMap::new();
    for row in rows {
        *groups.entry(row.key).or_insert(0) += 1;
    }
    groups
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
