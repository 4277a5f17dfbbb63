//! What columns become, through the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::support::{Outcome, Workshop, stage};

const TRIPS: &str = "id,km,carrier,at,note,tags,late,stops,station\n\
    1,100,AA,2024-01-01 06:00:00,good flight,a;b,true,0,x\n\
    2,200,UA,2024-01-01 12:00:00,bad flight,,false,2,x\n\
    3,,AA,2024-01-02 18:00:00,,b,true,1,x\n\
    4,400,DL,2024-01-03 06:30:00,good food,a,false,0,x\n\
    5,900,AA,,good flight,b,false,1,y\n\
    6,150,UA,2024-02-01 00:00:00,a bad one,a,true,3,y\n";

fn workshop(options: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(&format!(
        "name: trips\nstages:\n  - id: trips\n    read: {{path: trips.csv}}\n  - id: made\n    tensors: {options}\n"
    ));
    workshop.write("trips.csv", TRIPS);
    workshop
}

/// The rows of the exhibit of that title, as text.
fn table(manifest: &Value, title: &str) -> Vec<String> {
    let exhibits = stage(manifest, "made")["exhibits"].as_array().unwrap().clone();
    let found = exhibits.iter().find(|exhibit| exhibit["table"]["title"] == title);
    let rows = found.unwrap_or_else(|| panic!("{exhibits:?}"))["table"]["rows"].as_array().unwrap().clone();
    rows.iter().map(Value::to_string).collect()
}

fn refused(options: &str) -> Outcome {
    let outcome = workshop(options).gristmill(["check", "p.yaml"]);
    assert_ne!(outcome.code, Some(0), "{options}: {}", outcome.stdout);
    outcome
}

#[test]
fn every_kind_of_column_says_what_it_became() {
    let workshop = workshop(
        "{features: {number: {km: {robust: {clip: smooth}}}, category: {carrier: {embedding: {dimension: 3}}}, date: at, \
         text: {note: {length: 4, min_count: 1}}}, target: {late: binary, stops: count, tags: {multi_label: {separator: \";\"}}}}",
    );
    let manifest = workshop.run();
    let inputs = table(&manifest, "Inputs of the network");
    // The distance with its mark, three cycles of two, the moment and its mark.
    assert_eq!(inputs[0], r#"["table","numbers side by side","10",null]"#);
    assert!(inputs[1].starts_with(r#"["carrier","a category","1","#), "{inputs:?}");
    assert!(inputs[2].starts_with(r#"["note","a text","4","#), "{inputs:?}");
    let features = table(&manifest, "Features");
    assert!(features[1].contains("category, a vector of 3"), "{features:?}");
    assert!(features[2].contains("date: day, week, year, moment"), "{features:?}");
    // The second row has no tags: with a missing target it is left out.
    assert_eq!(table(&manifest, "Rows by part"), [r#"["all rows",6.0,0.0,0.0,1.0]"#]);
    assert_eq!(table(&manifest, "Target tags"), [r#"["a",3.0,0.6]"#, r#"["b",3.0,0.6]"#]);
}

#[test]
fn windows_are_counted_before_they_are_cut() {
    let workshop = workshop(
        "{features: {sequence: {columns: [stops], by: station, order: at, window: 2, horizon: 1}}, target: km, target_kind: number}",
    );
    let manifest = workshop.run();
    assert_eq!(table(&manifest, "Inputs of the network"), [r#"["sequence","rows of a window","2 x 1",null]"#]);
    // Station x has four rows with a time: windows end at the second and third. Station y has one.
    assert_eq!(table(&manifest, "Rows by part"), [r#"["all rows",6.0,1.0,2.0,1.0,2.0]"#]);
}

#[test]
fn what_cannot_be_is_refused_with_its_place_and_advice() {
    for (options, said) in [
        ("{features: {category: {carrier: target}}, target: late}", "put `encode:"),
        ("{features: {date: {at: {cycles: [weak]}}}, target: late}", "did you mean `week`?"),
        ("{features: {date: km}, target: late}", "no dates or times"),
        ("{features: {number: {km: {bin: {bins: 1}}}}, target: late}", "`bins` is a number from 2 to 10000, not 1"),
        ("{features: {number: {kn: zscore}}, target: late}", "did you mean `km`?"),
        ("{features: [km], target: {tags: multi_label}}", "what stands between the labels of `tags`?"),
        ("{features: [km], target: [late, late]}", "column `late` is named twice"),
        ("{features: {image: {note: {height: 2, width: 2}}}, target: late}", "relative to which folder?"),
        ("{features: {audio: note}, folder: nowhere, target: late}", "there is no folder `nowhere`"),
        (
            "{features: {sequence: {columns: [km], order: at, window: 0}}, target: km, target_kind: number}",
            "`window` is a number of rows from 1 to 65536",
        ),
        (
            "{features: {sequence: {columns: [km], order: at, window: 2, horizon: 0}}, target: km, target_kind: number}",
            "`km` is the target of the last row of the window",
        ),
    ] {
        let outcome = refused(options);
        assert!(outcome.stderr.contains(said), "{options}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("p.yaml:"), "{options}: {}", outcome.stderr);
    }
}

#[test]
fn a_path_does_not_leave_its_folder_and_what_does_not_decode_is_named_or_counted() {
    let pipeline = |on_error: &str| {
        format!(
            "name: pictures\nstages:\n  - id: list\n    read: {{path: list.csv}}\n  - id: made\n    tensors: \
             {{features: {{image: {{file: {{height: 2, width: 2, channels: 1}}}}}}, folder: pictures, on_error: {on_error}, target: kind}}\n"
        )
    };
    let run = |on_error: &str, rows: &str| {
        let workshop = Workshop::with_pipeline(&pipeline(on_error));
        workshop.write("secret.png", "no picture");
        workshop.write("pictures/broken.png", "no picture");
        workshop.write("list.csv", format!("file,kind\n{rows}"));
        let outcome = workshop.gristmill(["run", "p.yaml"]);
        (workshop, outcome)
    };
    let (_, outcome) = run("error", "../secret.png,a\nbroken.png,b\n");
    assert_ne!(outcome.code, Some(0));
    assert!(outcome.stderr.contains("`../secret.png` is no path inside of the folder"), "{}", outcome.stderr);
    let (_, outcome) = run("error", "broken.png,a\nbroken.png,b\n");
    assert!(outcome.stderr.contains("training row 1 cannot be read: file: "), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("on_error: skip"), "{}", outcome.stderr);
    let (workshop, outcome) = run("skip", "broken.png,a\ngone.png,b\n");
    outcome.success();
    let warnings = workshop.manifest()["warnings"].to_string();
    assert!(warnings.contains("`file` cannot be decoded in 2 of 2 rows of training"), "{warnings}");
}

#[test]
fn targets_with_nothing_to_learn_are_refused_in_words() {
    for (options, said) in [
        ("{features: [km], target: id, target_kind: binary}", "has more than two values"),
        ("{features: [id], target: carrier, target_kind: count}", "cannot be foretold as a count"),
    ] {
        let outcome = workshop(options).gristmill(["run", "p.yaml"]);
        assert_ne!(outcome.code, Some(0));
        assert!(outcome.stderr.contains(said), "{options}: {}", outcome.stderr);
    }
}
