//! Golden records against DuckDB, and near duplicates against brute force.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{Workshop, root, stage, unexplained};

fn data(name: &str) -> String {
    std::fs::read_to_string(root().join("tests/data/survivorship").join(name)).unwrap()
}

const TYPES: &str = "types: {id: bigint, key: string, name: string, born: date, source: string, amount: double, grade: string, seen: timestamp}";

#[test]
fn golden_records_are_those_that_duckdb_makes() {
    for (keep, golden) in [("keep: first", "golden_first.csv"), ("keep: last, order_by: seen", "golden_last.csv")] {
        let workshop = Workshop::with_pipeline(&format!(
            "name: golden
stages:
  - read: {{path: people.csv, {TYPES}}}
  - id: people
    dedupe:
      on: key
      {}
      survivorship:
        name: longest
        born: {{most_recent: seen}}
        source: {{priority: {{column: source, order: [shop, crm]}}}}
        amount: most_complete
        grade: majority
        seen: max
        merged: {{compute: \"count(*)\"}}
  - derive: {{seen: \"strftime(seen, '%Y-%m-%d %H:%M:%S')\"}}
  - write: {{path: golden.csv}}
",
            keep.replace(", ", "\n      ")
        ));
        workshop.write("people.csv", data("people.csv"));
        let manifest = workshop.run();
        assert_eq!(workshop.read("golden.csv"), data(golden), "{keep}");
        let people = stage(&manifest, "people");
        assert_eq!(unexplained(people), Some(0));
        assert_eq!(people["ledger"]["changes"][0]["reason"], "merged into golden records");
        let titles: Vec<&str> = people["exhibits"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|exhibit| exhibit["table"]["title"].as_str())
            .collect();
        assert_eq!(titles, ["What the rules had to decide", "Groups before and after"]);
    }
}

#[test]
fn others_give_every_column_a_rule_that_fits_it() {
    let workshop = Workshop::with_pipeline(
        "name: others
stages:
  - read: {path: people.csv}
  - dedupe: {on: k, others: longest, survivorship: {b: shortest, n: min}}
  - write: {path: out.csv}
",
    );
    workshop.write("people.csv", "k,n,a,b,c\n1,,x,long,\n1,7,xyz,,5\n2,4,,bb,1\n1,3,xy,zz,6\n");
    workshop.run();
    assert_eq!(workshop.read("out.csv"), "k,n,a,b,c\n1,3,xyz,zz,5\n2,4,,bb,1\n");
}

/// Texts made by small edits of a few, without any library: (id, text).
fn texts(count: usize) -> Vec<String> {
    let vocabulary: Vec<String> = (0..400).map(|word| format!("w{word}")).collect();
    let mut state = 7_u64;
    let mut luck = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut texts: Vec<Vec<usize>> = Vec::new();
    for _ in 0..count {
        let mut text = if texts.is_empty() || luck(3) == 0 {
            (0..10 + luck(30)).map(|_| luck(400)).collect()
        } else {
            texts[luck(texts.len())].clone()
        };
        for _ in 0..luck(3) {
            let (at, word) = (luck(text.len()), luck(400));
            text[at] = word;
        }
        texts.push(text);
    }
    texts
        .iter()
        .map(|words| words.iter().map(|word| vocabulary[*word].as_str()).collect::<Vec<_>>().join(" "))
        .collect()
}

/// Similar texts connected, in quadratic time: for each text the first one of its cluster.
fn by_brute_force(texts: &[String], threshold: f64) -> Vec<usize> {
    let sets: Vec<BTreeSet<Vec<&str>>> = texts
        .iter()
        .map(|text| text.split(' ').collect::<Vec<_>>().windows(3).map(<[&str]>::to_vec).collect())
        .collect();
    let mut first: Vec<usize> = (0..texts.len()).collect();
    for other in 0..texts.len() {
        for one in 0..other {
            let shared = sets[one].intersection(&sets[other]).count();
            let all = sets[one].len() + sets[other].len() - shared;
            if shared as f64 / all as f64 >= threshold && first[one] != first[other] {
                let (from, to) = (first[one].max(first[other]), first[one].min(first[other]));
                first.iter_mut().filter(|cluster| **cluster == from).for_each(|cluster| *cluster = to);
            }
        }
    }
    first
}

fn csv(texts: &[String]) -> String {
    texts.iter().enumerate().fold("id,text\n".to_owned(), |csv, (id, text)| csv + &format!("{id},\"{text}\"\n"))
}

#[test]
fn clusters_are_those_of_brute_force() {
    let all = texts(700);
    let expected = by_brute_force(&all, 0.6);
    let workshop = Workshop::with_pipeline(
        "name: near
stages:
  - id: rows
    read: {path: texts.csv}
  - id: marked
    dedupe: {near: {text: text, threshold: 0.6, recall: 0.999999, mark: cluster}}
  - write: {path: marked.csv}
  - from: rows
    id: merged
    dedupe: {near: {text: text, threshold: 0.6, recall: 0.999999}}
  - write: {path: merged.csv}
",
    );
    workshop.write("texts.csv", csv(&all));
    let manifest = workshop.run();
    // The numbers of clusters are arbitrary: what counts is who shares one.
    let mut first_of: BTreeMap<String, usize> = BTreeMap::new();
    let marked: Vec<usize> = workshop
        .read("marked.csv")
        .lines()
        .skip(1)
        .enumerate()
        .map(|(row, line)| *first_of.entry(line.rsplit(',').next().unwrap().to_owned()).or_insert(row))
        .collect();
    assert_eq!(marked, expected);
    let kept: Vec<usize> = workshop
        .read("merged.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap().parse().unwrap())
        .collect();
    let firsts: Vec<usize> =
        expected.iter().copied().enumerate().filter(|(row, first)| row == first).map(|(row, _)| row).collect();
    assert!(firsts.len() < 500, "the texts have near duplicates");
    assert_eq!(kept, firsts);
    for id in ["marked", "merged"] {
        assert_eq!(unexplained(stage(&manifest, id)), Some(0), "{id}");
    }
    let reasons: Vec<&Value> = stage(&manifest, "merged")["ledger"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| &change["reason"])
        .collect();
    assert_eq!(reasons, ["same text as another row", "near duplicates"]);
}

#[test]
fn rows_without_words_are_nobodys_duplicates_and_the_latest_row_stays() {
    let workshop = Workshop::with_pipeline(
        "name: near
stages:
  - read: {path: texts.csv, types: {n: bigint, a: string, b: string}}
  - id: merged
    dedupe: {near: {text: [a, b], threshold: 0.9, shingle: {characters: 3}}, keep: last, order_by: n}
  - sort: {by: n}
  - write: {path: merged.csv}
",
    );
    workshop.write(
        "texts.csv",
        "n,a,b\n1,--,\n2,,\n3,The quick brown fox,jumps\n9,the QUICK brown fox!,jumps\n4,jumps,The quick brown fox\n5,--,\n",
    );
    let manifest = workshop.run();
    // Row 4 has the same words in other columns, which is something else.
    assert_eq!(
        workshop.read("merged.csv"),
        "n,a,b\n1,--,\n2,,\n4,jumps,The quick brown fox\n5,--,\n9,the QUICK brown fox!,jumps\n"
    );
    assert_eq!(unexplained(stage(&manifest, "merged")), Some(0));
}

#[test]
fn clusters_of_near_duplicates_become_golden_records() {
    let workshop = Workshop::with_pipeline(
        "name: near
stages:
  - read: {path: texts.csv, types: {n: bigint, phone: string}}
  - id: merged
    dedupe: {near: {text: text, threshold: 0.5}, survivorship: {text: longest, n: max}, others: first_non_null}
  - write: {path: merged.csv}
",
    );
    workshop.write(
        "texts.csv",
        "n,phone,text\n1,,one two three four five six\n2,7,one two three four five six seven\n3,8,something else entirely\n4,9,One two three four five SIX\n",
    );
    let manifest = workshop.run();
    assert_eq!(
        workshop.read("merged.csv"),
        "n,phone,text\n4,7,one two three four five six seven\n3,8,something else entirely\n"
    );
    assert_eq!(unexplained(stage(&manifest, "merged")), Some(0));
}

#[test]
fn a_model_replays_rows_that_were_merged_before_it_learned() {
    let workshop = Workshop::with_pipeline(
        "name: replay
stages:
  - read: {path: rows.csv, types: {k: bigint, size: double, city: string, big: boolean}}
  - dedupe: {on: k, survivorship: {size: max, city: majority}}
  - dedupe: {near: {text: city, mark: cluster}}
  - canonicalize: {columns: city}
  - tensors: {features: {number: size, category: city}, target: big}
  - id: model
    train: {network: [{dense: 4}], epochs: 2, seed: 1, save: model}
",
    );
    let rows: String = (0..120)
        .map(|row| {
            let city = ["Rome", "ROME", "Oslo", "Rome", "oslo", "Oslo"][row % 6];
            format!("{},{},{city},{}\n", row % 90, row % 7, row % 7 > 3)
        })
        .collect();
    workshop.write("rows.csv", format!("k,size,city,big\n{rows}"));
    workshop.run();
    workshop.write(
        "p.yaml",
        "name: predict\nstages:\n  - read: {path: new.csv, types: {size: double, city: string}}\n  - predict: {model: ./model}\n  - write: {path: predicted.csv}\n",
    );
    workshop.write("new.csv", "size,city\n2,Rome\n2,rome\n2,ROME\n2,Paris\n");
    workshop.run();
    let predicted = workshop.read("predicted.csv");
    let outputs: Vec<&str> = predicted.lines().skip(1).map(|line| line.splitn(3, ',').nth(2).unwrap()).collect();
    assert_eq!(outputs.len(), 4);
    // `rome` was never seen and stays an unknown city; `ROME` is Rome.
    assert_eq!(outputs[0], outputs[2]);
    assert_eq!(outputs[1], outputs[3]);
    assert_ne!(outputs[0], outputs[1]);
}

#[test]
fn options_that_contradict_each_other_are_refused_by_name() {
    let cases = [
        ("{on: id, near: {text: text}}", "name one of them"),
        ("{near: {text: texts}}", "unknown column `texts`"),
        ("{near: {text: text, threshold: 0}}", "`threshold` is above 0 and at most 1"),
        ("{near: {text: text, threshold: 0.01}}", "no 256 slots find pairs"),
        ("{near: {text: text, weights: {id: 2}}}", "`id` is not among the columns of `text`"),
        ("{near: {text: text, mark: id}}", "column `id` exists already"),
        ("{near: {text: text, mark: cluster}, order_by: id}", "with `mark` all rows stay"),
        ("{on: id, survivorship: {id: max}}", "column `id` is a key"),
        ("{on: id, survivorship: {txt: max}}", "unknown column `txt`"),
        ("{on: text, survivorship: {id: longest}}", "which has no length"),
        ("{on: id, keep: none, survivorship: {text: max}}", "a golden record is made of all rows"),
        ("{survivorship: {text: max}}", "there is nothing to merge"),
        ("{on: id, survivorship: {text: {priority: {column: text, order: []}}}}", "`order` is empty"),
    ];
    for (options, message) in cases {
        let workshop = Workshop::with_pipeline(&format!(
            "name: refused\nstages:\n  - read: {{path: texts.csv}}\n  - dedupe: {options}\n"
        ));
        workshop.write("texts.csv", "id,text\n1,one\n");
        let outcome = workshop.gristmill(["check", "p.yaml"]);
        assert_eq!(outcome.code, Some(2), "{options}: {}", outcome.stderr);
        let said = outcome.stdout + &outcome.stderr;
        assert!(said.contains(message), "{options}: {said}");
    }
}
