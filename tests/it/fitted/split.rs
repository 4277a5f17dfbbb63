use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;

use super::{generator, refusal, run, table};
use crate::support::Workshop;

const TYPES: &str = "{id: bigint, g: string, s: string, t: bigint}";

/// Rows with their number, a group that may be missing, a stratum and a time.
fn text(rows: usize, groups: u64) -> String {
    let mut next = generator(rows as u64);
    let mut text = String::from("id,g,s,t\n");
    for id in 0..rows {
        let group = next(groups + 1);
        let group = if group == groups { String::new() } else { format!("g{group}") };
        text += &format!("{id},{group},{},{}\n", ["a", "b", "c"][next(3) as usize], next(40));
    }
    text
}

fn times<'a>(values: impl Iterator<Item = &'a Value>) -> BTreeMap<String, usize> {
    values.fold(BTreeMap::new(), |mut counts, value| {
        *counts.entry(value.to_string()).or_default() += 1;
        counts
    })
}

#[test]
fn folds_are_even_to_the_row() {
    for (rows, folds) in [(103, 5), (40, 4), (7, 3)] {
        let (found, manifest) =
            run(&text(rows, 9), TYPES, &format!("  - id: ready\n    split: {{folds: {folds}, fold: 2}}\n"));
        let counts = times(found.iter().map(|row| &row["fold"]));
        assert_eq!(counts.len(), folds);
        let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
        assert!(most - least <= 1, "{counts:?}");
        for row in &found {
            assert_eq!(row["part"], if row["fold"] == 2 { "test" } else { "train" });
        }
        assert_eq!(table(&manifest, "ready", "Folds")["rows"].as_array().unwrap().len(), folds);
    }
}

#[test]
fn strata_are_spread_evenly_over_the_folds() {
    let (rows, _) = run(&text(300, 9), TYPES, "  - split: {by: stratified, on: s, folds: 4}\n");
    for stratum in ["a", "b", "c"] {
        let counts = times(rows.iter().filter(|row| row["s"] == stratum).map(|row| &row["fold"]));
        assert!(
            counts.len() == 4 && counts.values().max().unwrap() - counts.values().min().unwrap() <= 1,
            "{counts:?}"
        );
    }
}

#[test]
fn the_folds_do_not_depend_on_the_one_that_is_held_out() {
    let folds = |fold: u32| -> Vec<Value> {
        let stages =
            format!("  - split: {{by: group, on: g, folds: 3, fold: {fold}, inner_folds: 2, inner_fold: 2}}\n");
        run(&text(90, 20), TYPES, &stages).0
    };
    let runs = [folds(1), folds(2), folds(3)];
    for row in 0..90 {
        let tested: Vec<bool> = runs.iter().map(|rows| rows[row]["part"] == "test").collect();
        assert_eq!(tested.iter().filter(|tested| **tested).count(), 1, "each row is tested once");
        assert!(runs.iter().all(|rows| rows[row]["fold"] == runs[0][row]["fold"]));
        assert!(runs.iter().all(|rows| rows[row]["inner_fold"] == runs[0][row]["inner_fold"]));
        for rows in &runs {
            if rows[row]["part"] != "test" {
                assert_eq!(rows[row]["part"] == "valid", rows[row]["inner_fold"] == 2);
            }
        }
    }
}

#[test]
fn folds_in_time_learn_from_the_past_alone() {
    let (rows, _) = run(&text(400, 9), TYPES, "  - split: {by: time, on: t, folds: 4, fold: 3}\n");
    let range = |fold: i64| {
        let times = rows.iter().filter(|row| row["fold"] == fold).map(|row| row["t"].as_i64().unwrap());
        (times.clone().min().unwrap(), times.max().unwrap())
    };
    for fold in 1..4 {
        assert!(range(fold).1 < range(fold + 1).0, "equal times stay together");
    }
    for row in &rows {
        let expected = match row["fold"].as_i64().unwrap() {
            1 | 2 => Value::from("train"),
            3 => Value::from("test"),
            _ => Value::Null,
        };
        assert_eq!(row["part"], expected);
    }
}

#[test]
fn rows_without_a_group_do_not_make_one() {
    let text = "id,g,s,t\n".to_owned() + &(0..200).map(|id| format!("{id},,a,1\n")).collect::<String>();
    let (rows, _) = run(&text, TYPES, "  - split: {by: group, on: g}\n");
    let counts = times(rows.iter().map(|row| &row["part"]));
    assert!(counts["\"train\""] > 110 && counts["\"test\""] > 10, "{counts:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn groups_never_stand_on_two_sides(rows in 1_usize..150, groups in 1_u64..30, seed in 0_u32..100, folds in 2_u32..6) {
        for options in [format!("folds: {folds}, inner_folds: 3"), String::from("parts: {train: 0.5, test: 0.5}")] {
            let stages = format!("  - split: {{by: group, on: [g], seed: {seed}, {options}}}\n");
            let (found, _) = run(&text(rows, groups), TYPES, &stages);
            let mut sides: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for row in found.iter().filter(|row| !row["g"].is_null()) {
                let side = format!("{} {} {}", row["part"], row["fold"], row["inner_fold"]);
                sides.entry(row["g"].to_string()).or_default().insert(side);
            }
            prop_assert!(sides.values().all(|sides| sides.len() == 1), "{:?}", sides);
        }
    }
}

#[test]
fn contradictions_are_refused() {
    let say = |options: &str| refusal(&text(3, 2), TYPES, &format!("  - split: {{{options}}}\n"));
    assert!(say("fold: 2").contains("needs the number of `folds`"));
    assert!(say("folds: 1").contains("from 2 to 100"));
    assert!(say("folds: 3, fold: 4").contains("numbered from 1 to 3"));
    assert!(say("folds: 3, inner_fold: 1").contains("needs the number of `inner_folds`"));
    assert!(say("folds: 3, inner_folds: 2, inner_fold: 3").contains("numbered from 1 to 2"));
    assert!(say("folds: 3, parts: {a: 1, b: 1}").contains("exclude each other"));
    assert!(say("by: time, on: t, folds: 3, fold: 1").contains("nothing to learn from"));
    assert!(say("by: time, on: t, folds: 3, inner_folds: 2").contains("cannot be nested"));
    assert!(say("folds: 3, column: fold").contains("numbers the folds"));
}

#[test]
fn repeated_rows_above_a_split_are_noticed() {
    let pipeline = |split: &str| {
        format!(
            "name: copies
stages:
  - read: {{path: rows.csv, types: {TYPES}}}
  - sample: {{by: s, balance: up}}
  - split: {split}
  - tensors: {{features: [t], target: s}}
  - train: {{epochs: 1}}
"
        )
    };
    for (split, warns) in [("{}", true), ("{by: hash, on: id}", false)] {
        let workshop = Workshop::with_pipeline(&pipeline(split));
        workshop.write("rows.csv", text(30, 3));
        let outcome = workshop.gristmill(["check", "p.yaml"]).success();
        let said = outcome.stderr + &outcome.stdout;
        assert_eq!(said.contains("copies of one row come into several parts"), warns, "{said}");
    }
}
