//! Records of the same person are linked: against a known truth, in any order, with new rows, and with what was saved.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{Workshop, root, stage, unexplained};

/// Columns of the two files of people that are compared.
const ON: &str =
    "[given_name, surname, street_number, address_1, address_2, suburb, postcode, state, date_of_birth, soc_sec_id]";

/// The rows of a file of people whose number leaves one of `rests` when divided by `by`, without the spaces after the commas.
fn people(file: &str, by: usize, rests: std::ops::Range<usize>) -> String {
    let text = std::fs::read_to_string(root().join("sample-data/people").join(file)).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::trim).collect::<Vec<_>>().join(","));
    let header = lines.next().unwrap();
    let number = |line: &String| line.split('-').nth(1).unwrap().parse::<usize>().unwrap();
    let kept = lines.filter(|line| rests.contains(&(number(line) % by)));
    std::iter::once(header).chain(kept).map(|line| line + "\n").collect()
}

/// For each record its entity.
fn entities(workshop: &Workshop, file: &str) -> BTreeMap<String, String> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    workshop.read_ndjson(file).iter().map(|row| (text(row, "rec_id"), text(row, "entity_id"))).collect()
}

/// The records of each entity.
fn groups(entities: &BTreeMap<String, String>) -> BTreeSet<Vec<String>> {
    let mut groups: BTreeMap<&String, Vec<String>> = BTreeMap::new();
    entities.iter().for_each(|(record, entity)| groups.entry(entity).or_default().push(record.clone()));
    groups.into_values().collect()
}

/// What the program said, on one line.
fn said(outcome: &crate::support::Outcome) -> String {
    let all = format!("{} {}", outcome.stdout, outcome.stderr);
    all.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

fn metric(stage: &Value, title: &str, name: &str) -> f64 {
    let exhibits = stage["exhibits"].as_array().unwrap();
    let metrics = exhibits.iter().find(|one| one["metrics"]["title"] == title).unwrap_or_else(|| panic!("no {title}"));
    let metrics = metrics["metrics"]["metrics"].as_array().unwrap();
    metrics.iter().find(|one| one["name"] == name).unwrap()["value"].as_f64().unwrap()
}

fn two_files(options: &str) -> String {
    format!(
        "name: people
stages:
  - read: {{path: a.csv, types: all_string}}
  - id: a
    derive: {{person: \"split_part(rec_id, '-', 2)\"}}
  - read: {{path: b.csv, types: all_string}}
  - id: b
    derive: {{person: \"split_part(rec_id, '-', 2)\"}}
  - from: a
    id: people
    link: {{with: b, id: rec_id, on: {ON}, truth: person, {options}}}
  - write: {{path: out/people.ndjson}}
"
    )
}

#[test]
fn people_of_two_files_are_found_with_usual_comparisons() {
    let workshop = Workshop::with_pipeline(&two_files("one_to_one: true, pairs: out/pairs.parquet"));
    workshop.write("a.csv", people("febrl4a.csv", 5, 0..2));
    workshop.write("b.csv", people("febrl4b.csv", 5, 0..2));
    let manifest = workshop.run();
    let people = stage(&manifest, "people");
    // Splink reaches 0.9997 on all of it.
    assert!(metric(people, "Entities against the truth", "F1") >= 0.9997, "{people}");
    assert_eq!(unexplained(people), Some(0));
    assert!(workshop.exists("out/pairs.parquet"));
    let rows = workshop.read_ndjson("out/people.ndjson");
    assert_eq!((rows[0]["source"].as_str(), rows.last().unwrap()["source"].as_str()), (Some("a"), Some("b")));
    let sizes: BTreeSet<usize> = groups(&entities(&workshop, "out/people.ndjson")).iter().map(Vec::len).collect();
    assert_eq!(sizes.last(), Some(&2), "one row of a file has one partner");
}

const WITHIN: &str = "name: people
stages:
  - read: {path: people.csv, types: all_string}
  - id: people
    link: {on: [given_name, surname, date_of_birth, suburb, postcode, soc_sec_id], OPTIONS}
  - write: {path: out/people.ndjson}
";

fn both(rests: std::ops::Range<usize>) -> Vec<String> {
    let (a, b) = (people("febrl4a.csv", 20, rests.clone()), people("febrl4b.csv", 20, rests));
    a.lines().chain(b.lines().skip(1)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn entities_do_not_depend_on_the_order_of_rows() {
    for options in ["id: rec_id", "threshold: 0.9"] {
        let workshop = Workshop::with_pipeline(&WITHIN.replace("OPTIONS", options));
        let mut lines = both(0..2);
        workshop.write("people.csv", lines.concat());
        workshop.run();
        let first = entities(&workshop, "out/people.ndjson");
        lines[1..].reverse();
        let third = lines.len() / 3;
        lines[1..].rotate_left(third);
        workshop.write("people.csv", lines.concat());
        workshop.run();
        assert_eq!(entities(&workshop, "out/people.ndjson"), first);
        assert!(groups(&first).iter().filter(|group| group.len() == 2).count() > 200);
    }
}

#[test]
fn new_rows_join_known_entities_whose_ids_stay() {
    let first = WITHIN.replace("OPTIONS", "id: rec_id").replace("out/people.ndjson", "out/known.parquet");
    let workshop = Workshop::with_pipeline(&first);
    workshop.write("people.csv", people("febrl4a.csv", 20, 0..2));
    workshop.run();
    let next = WITHIN
        .replace("OPTIONS", "id: rec_id, entities: out/known.parquet, mergers: out/mergers.parquet, save: out/linkage");
    workshop.write("p.yaml", &*next);
    // One row comes again in another state; it takes the place of the known one.
    let again = people("febrl4a.csv", 20, 0..2).lines().nth(1).unwrap().to_owned() + "\n";
    let known_before = {
        let copy = "name: known\nstages:\n  - read: {path: out/known.parquet}\n  - write: {path: out/known.ndjson}\n";
        workshop.write("copy.yaml", copy);
        workshop.gristmill(["run", "copy.yaml", "--quiet"]).success();
        entities(&workshop, "out/known.ndjson")
    };
    workshop.write("people.csv", people("febrl4b.csv", 20, 0..2) + &again);
    let manifest = workshop.run();
    assert_eq!(unexplained(stage(&manifest, "people")), Some(0));
    let after = entities(&workshop, "out/people.ndjson");
    assert_eq!(workshop.read_ndjson("out/people.ndjson").len(), after.len(), "each record stands once");
    assert_eq!(after.len(), 2 * known_before.len());
    for (record, entity) in &known_before {
        assert_eq!(&after[record], entity);
    }
    let joined =
        known_before.iter().filter(|(record, entity)| after.get(&record.replace("org", "dup-0")) == Some(entity));
    assert!(joined.count() * 100 > known_before.len() * 97);
    assert!(workshop.exists("out/mergers.parquet"));

    // What was saved gives known people their entities, and others new ones; known rows are no part of it.
    let predict = "name: new
stages:
  - read: {path: new.csv, types: all_string}
  - predict: {model: out/linkage}
  - write: {path: out/new.ndjson}
";
    workshop.write("p.yaml", predict);
    workshop.write("new.csv", people("febrl4b.csv", 20, 0..3));
    let manifest = workshop.run();
    assert_eq!(unexplained(stage(&manifest, "predict")), Some(0));
    let new = entities(&workshop, "out/new.ndjson");
    let known: BTreeSet<&String> = after.values().collect();
    let (again, others): (Vec<_>, Vec<_>) = new.iter().partition(|(record, _)| after.contains_key(*record));
    assert_eq!((again.len(), others.len()), (known_before.len(), known_before.len() / 2));
    let found = again.iter().filter(|(record, entity)| after.get(*record) == Some(entity)).count();
    assert!(found * 100 > again.len() * 97, "{found} of {}", again.len());
    assert!(others.iter().filter(|(_, entity)| known.contains(entity)).count() * 100 < others.len());
}

#[test]
fn known_entities_that_turn_out_to_be_one_are_merged() {
    let header = "rec_id,given_name,surname,date_of_birth,suburb,postcode,soc_sec_id,entity_id\n";
    let lines = people("febrl4a.csv", 20, 0..2);
    let mut known = String::from(header);
    let of: Vec<Vec<&str>> = lines.lines().skip(1).map(|line| line.split(',').collect()).collect();
    for (at, one) in of.iter().enumerate() {
        known += &format!("{},{},{},{},{},{},{},e{at}\n", one[0], one[1], one[2], one[9], one[6], one[7], one[10]);
    }
    // The first person is known twice, under two names.
    let one = &of[0];
    let twice = |id: &str, entity: &str| {
        format!("{id},{},{},{},{},{},{},{entity}\n", one[1], one[2], one[9], one[6], one[7], one[10])
    };
    known += &twice("rec-x", "other");
    known += &twice("rec-y", "other");
    let pipeline = "name: people
stages:
  - id: known
    read: {path: known.csv, types: all_string}
  - id: new
    read: {path: new.csv, types: all_string}
  - id: people
    link: {on: [given_name, surname, date_of_birth, suburb, postcode, soc_sec_id], id: rec_id, entities: known, block: [soc_sec_id, [surname, given_name]], mergers: out/mergers.parquet}
  - write: {path: out/people.ndjson}
";
    let workshop = Workshop::with_pipeline(pipeline);
    workshop.write("known.csv", known);
    let new = people("febrl4b.csv", 20, 0..2);
    workshop.write("new.csv", format!("{new}{}\n", lines.lines().nth(1).unwrap().replace("rec-", "new-")));
    workshop.run();
    let after = entities(&workshop, "out/people.ndjson");
    assert_eq!(after["rec-x"], "other");
    assert_eq!(after[of[0][0]], "other", "the entity with more rows gives its name");
    let copy = "name: mergers\nstages:\n  - read: {path: out/mergers.parquet}\n  - write: {path: out/mergers.ndjson}\n";
    workshop.write("copy.yaml", copy);
    workshop.gristmill(["run", "copy.yaml", "--quiet"]).success();
    let mergers = workshop.read_ndjson("out/mergers.ndjson");
    assert!(
        mergers.iter().any(|one| one["entity_id"] == "e0" && one["merged_into"] == "other" && one["rows"] == 1),
        "{mergers:?}"
    );
}

#[test]
fn too_many_pairs_end_the_run_with_the_rule_and_its_largest_key() {
    let workshop = Workshop::with_pipeline(&WITHIN.replace("OPTIONS", "block: [soc_sec_id, state], max_pairs: 1000"));
    workshop.write("people.csv", both(0..2).concat());
    let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.stderr);
    for words in ["`state` alone gives", "at most 1000", "raise `max_pairs`"] {
        assert!(said(&outcome).contains(words), "{words} in {}", outcome.stderr);
    }
}

#[test]
fn what_is_wrong_with_a_linkage_is_said_before_a_row_is_read() {
    let cases = [
        ("id: rec", "unknown column `rec`"),
        ("threshold: 1.5", "`threshold` is a probability between 0 and 1"),
        ("one_to_one: true", "belongs to linking two tables"),
        ("block: [suburbs]", "suburbs"),
        ("block: []", "a blocking rule names at least one column"),
        ("compare: {state: {levels: [exact, exact]}}", "has the level `equal` twice"),
        ("compare: {state: {levels: [{jaro_winkler: 1.5}]}}", "nothing or everything reaches"),
        ("compare: {surname: name}", "column `surname` is named twice"),
        ("term_frequency: state", "column `state` is not compared"),
        ("model: out/none", "is no saved linkage"),
        ("pairs: out/pairs.csv", "ends with `.parquet`"),
        ("mergers: out/mergers.parquet", "without `entities`"),
        ("column: surname", "column `surname` exists already"),
        ("entities: people.csv/known.parquet, id: rec_id, save: people.csv", "is a file, but a linkage is a folder"),
    ];
    for (options, words) in cases {
        let workshop = Workshop::with_pipeline(&WITHIN.replace("OPTIONS", options));
        workshop.write("people.csv", both(0..1).concat());
        let outcome = workshop.gristmill(["check", "p.yaml"]);
        let said = said(&outcome);
        assert_ne!(outcome.code, Some(0), "{options}: {said}");
        assert!(said.contains(words), "{options}: {said}");
    }
}

#[test]
fn ids_that_stand_twice_are_refused_with_the_id() {
    let workshop = Workshop::with_pipeline(&WITHIN.replace("OPTIONS", "id: rec_id"));
    let mut lines = both(0..1);
    let first = lines[1].clone();
    lines.push(first);
    workshop.write("people.csv", lines.concat());
    let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(said(&outcome).contains("does not name each row"), "{}", outcome.stderr);
}

#[test]
fn tables_with_nothing_to_link_stay_as_they_are() {
    for rows in ["", "1,a\n", "1,\n2,\n", "1,a\n2,b\n", "1,a\n2,a\n"] {
        let text = "name: t\nstages:\n  - read: {path: t.csv, types: {id: string, name: string}}\n  - link: {on: name}\n  - write: {path: t.ndjson}\n";
        let workshop = Workshop::with_pipeline(text);
        workshop.write("t.csv", format!("id,name\n{rows}"));
        let manifest = workshop.run();
        assert_eq!(unexplained(stage(&manifest, "link")), Some(0));
        assert_eq!(workshop.read_ndjson("t.ndjson").len(), rows.lines().count());
    }
}
