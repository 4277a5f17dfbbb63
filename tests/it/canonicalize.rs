//! Spellings become one: what is learned, saved, edited and given back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::{Workshop, stage, unexplained};

const CITIES: &str = "id,city,state\n1,New York,NY\n2,new york,ny\n3,\"York, New\",NY\n4,New York,NY\n5,Bostn,MA\n6,Boston,MA\n7,Boston,ma\n8,,\n9,NYC,NY\n10,Box 12,MA\n11,Box 13,MA\n";

fn workshop(options: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(&format!(
        "name: spellings\nstages:\n  - read: {{path: cities.csv}}\n  - id: spelled\n    canonicalize: {options}\n  - write: {{path: out.csv}}\n"
    ));
    workshop.write("cities.csv", CITIES);
    workshop
}

fn cities(workshop: &Workshop) -> Vec<String> {
    let out = workshop.read("out.csv");
    out.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn spellings_become_the_most_frequent_one_and_nulls_stay() {
    let workshop = workshop("{columns: [city, state], method: [fingerprint, levenshtein]}");
    let manifest = workshop.run();
    let expected =
        ["New York", "New York", "New York", "New York", "Boston", "Boston", "Boston", "", "NYC", "Box 12", "Box 13"];
    assert_eq!(cities(&workshop), expected);
    let spelled = stage(&manifest, "spelled");
    assert_eq!(unexplained(spelled), Some(0));
    let exhibits = spelled["exhibits"].to_string();
    assert!(exhibits.contains("York, New (1), new york (1)"), "{exhibits}");
    let changed = spelled["exhibits"].as_array().unwrap().last().unwrap()["table"]["rows"].to_string();
    assert!(changed.starts_with(r#"[["city",3.0,"#) && changed.contains(r#"["state",2.0,"#), "{changed}");
}

#[test]
fn what_is_saved_can_be_edited_and_given_back() {
    let saving = workshop("{columns: city, method: [fingerprint, levenshtein], save: spellings.csv}");
    saving.run();
    let saved = "column,value,canonical,rows\n\
                 city,Boston,Boston,2\ncity,Bostn,Boston,1\n\
                 city,New York,New York,2\ncity,\"York, New\",New York,1\ncity,new york,New York,1\n";
    assert_eq!(saving.read("spellings.csv"), saved);
    let edited = saved.replace("Bostn,Boston", "Bostn,Bostn") + "city,NYC,New York,1\nstate,NY,no such column here,1\n";
    let editing = workshop("{columns: city, method: [fingerprint, levenshtein], map: spellings.csv}");
    editing.write("spellings.csv", edited);
    editing.run();
    assert_eq!(cities(&editing)[4], "Bostn");
    assert_eq!(cities(&editing)[8], "New York");
    // A changed file is a changed stage.
    editing.write("spellings.csv", saved);
    editing.run();
    assert_eq!(cities(&editing)[4], "Boston");
}

#[test]
fn a_map_alone_changes_what_it_names() {
    let workshop = workshop("{columns: city, method: [], map: {NYC: New York, new york: NY}}");
    workshop.run();
    assert_eq!(cities(&workshop)[..4], ["New York", "NY", "\"York", "New York"]);
    assert_eq!(cities(&workshop)[8], "New York");
}

#[test]
fn only_training_rows_are_learned_from() {
    let workshop = Workshop::with_pipeline(
        "name: spellings
stages:
  - read: {path: rows.csv, types: {day: bigint, city: string}}
  - split: {by: time, on: day, parts: {train: 0.5, test: 0.5}}
  - canonicalize: {columns: city}
  - write: {path: out.csv}
",
    );
    // After the split, the other spelling is the more frequent one.
    workshop.write("rows.csv", "day,city\n1,Rome\n2,Rome\n3,ROME\n4,Oslo\n5,ROME\n6,ROME\n7,OSLO\n8,ROME\n");
    workshop.run();
    let cities: Vec<String> =
        workshop.read("out.csv").lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned()).collect();
    assert_eq!(cities, ["Rome", "Rome", "Rome", "Oslo", "Rome", "Rome", "OSLO", "Rome"]);
}

#[test]
fn a_hundred_thousand_spellings_are_looked_up() {
    let workshop = Workshop::with_pipeline(
        "name: spellings
stages:
  - read: {path: rows.csv}
  - id: spelled
    canonicalize: {columns: name}
  - aggregate: {by: [], compute: {rows: \"count(*)\", names: \"count(distinct name)\"}}
  - write: {path: out.csv}
",
    );
    let rows: String = (0..100_000).map(|number| format!("Name {number}\nNAME  {number}!\nName {number}\n")).collect();
    workshop.write("rows.csv", format!("name\n{rows}"));
    workshop.run();
    assert_eq!(workshop.read("out.csv"), "rows,names\n300000,100000\n");
}

#[test]
fn limits_and_mistakes_are_named() {
    let cases = [
        ("{columns: city, limit: 3}", 4, "more than 3 distinct values"),
        ("{columns: id}", 2, "not texts"),
        ("{columns: town}", 2, "unknown column `town`"),
        ("{columns: city, method: []}", 2, "there is nothing to do"),
        ("{columns: city, method: {levenshtein: {at_most: 0}}}", 2, "`at_most` of `levenshtein` is from 1 to 10"),
        ("{columns: city, map: missing.csv}", 3, "cannot read the map `missing.csv`"),
        ("{columns: city, map: cities.csv}", 3, "needs the columns `value` and `canonical`"),
        ("{columns: city, map: twice.csv}", 3, "line 3: `a` becomes both `b` and `c`"),
        ("{columns: city, map: {a: [b]}}", 2, "becomes a text"),
        ("{columns: city, map: twice.csv, save: twice.csv}", 2, "would overwrite"),
    ];
    for (options, code, message) in cases {
        let workshop = workshop(options);
        workshop.write("twice.csv", "value,canonical\na,b\na,c\n");
        let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
        let said = outcome.stdout + &outcome.stderr;
        assert!(said.contains(message), "{options}: {said}");
        assert!(outcome.code == Some(code) || message == "would overwrite", "{options}: {:?} {said}", outcome.code);
    }
}
