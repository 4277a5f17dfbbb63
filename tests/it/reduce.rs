//! `reduce`: few columns in the place of many.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use crate::support::{Workshop, root, stage, unexplained};

/// Three columns that vary along one line, and a fourth for itself; one row lacks a value.
fn table() -> String {
    let mut text = "id,a,b,c,d\n".to_owned();
    for row in 0..120 {
        let along = f64::from(row * 37 % 101);
        let d = if row == 5 { String::new() } else { f64::from(row * 53 % 23).to_string() };
        writeln!(text, "{row},{along},{},{},{d}", 2.0 * along + 1.0, -along).unwrap();
    }
    text
}

fn reduced(options: &str) -> (Workshop, serde_json::Value) {
    let workshop = Workshop::with_pipeline(&format!(
        "name: t\nstages:\n  - read: {{path: t.csv}}\n  - reduce: {{columns: [a, b, c, d], {options}}}\n    id: fewer\n  - write: {{path: out.ndjson}}\n"
    ));
    workshop.write("t.csv", table());
    let manifest = workshop.run();
    assert_eq!(unexplained(stage(&manifest, "fewer")), Some(0));
    (workshop, manifest)
}

#[test]
fn components_stand_beside_the_columns_and_rows_that_lack_a_value_have_none() {
    let (workshop, manifest) = reduced("components: 2");
    let rows = workshop.read_ndjson("out.ndjson");
    assert_eq!(rows.len(), 120);
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row["pc_1"].is_null() || row["pc_2"].is_null(), at == 5);
    }
    // a, b and c are one direction: the first component is a line through them, by hand (a - mean) / sd * sqrt(3).
    let a: Vec<f64> = rows.iter().filter(|row| !row["pc_1"].is_null()).map(|row| row["a"].as_f64().unwrap()).collect();
    let mean = a.iter().sum::<f64>() / 119.0;
    let deviation = (a.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 118.0).sqrt();
    let kept: Vec<f64> = rows.iter().filter_map(|row| row["pc_1"].as_f64()).collect();
    let slope = kept.iter().zip(&a).map(|(score, a)| score * (a - mean) / deviation).sum::<f64>() / 118.0;
    assert!((slope.abs() - 3.0_f64.sqrt()).abs() < 0.02, "{slope}");
    let text = stage(&manifest, "fewer").to_string();
    assert!(text.contains("Scree plot") && text.contains("Without components: 1 row"), "{text}");
}

#[test]
fn a_share_of_the_variance_gives_a_list_as_long_as_it_needs() {
    let (workshop, _) = reduced("components: 0.99, prefix: shape");
    let rows = workshop.read_ndjson("out.ndjson");
    assert_eq!(rows[0]["shape"].as_array().unwrap().len(), 2, "{}", rows[0]);
    assert!(rows[5]["shape"].is_null());
}

#[test]
fn random_projections_say_what_they_guarantee() {
    for weights in ["gaussian", "sparse"] {
        let (workshop, manifest) = reduced(&format!("method: random_projection, components: 3, weights: {weights}"));
        let rows = workshop.read_ndjson("out.ndjson");
        assert!(rows[0]["rp_3"].is_number() && rows[5]["rp_1"].is_null());
        assert!(stage(&manifest, "fewer").to_string().contains("Johnson and Lindenstrauss"));
    }
}

#[test]
fn a_map_has_a_place_for_each_row_that_was_mapped() {
    let (workshop, manifest) = reduced("method: tsne, perplexity: 10, rounds: 300, seed: 1");
    let rows = workshop.read_ndjson("out.ndjson");
    assert_eq!(rows.len(), 120);
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row["id"], at, "rows keep their order");
        assert_eq!(row["tsne_1"].is_null(), at == 5);
    }
    assert!(stage(&manifest, "fewer").to_string().contains("trustworthiness"));
    let (workshop, _) = reduced("method: tsne, perplexity: 5, rounds: 250, sample: 50");
    assert_eq!(workshop.read_ndjson("out.ndjson").iter().filter(|row| row["tsne_2"].is_number()).count(), 50);
}

#[test]
fn components_of_flights_are_applied_to_rows_that_were_not_learned_from() {
    let flights = root().join("sample-data/flights/flights.csv.gz");
    let workshop = Workshop::with_pipeline(&format!(
        "name: t\nstages:\n  - read: {{path: \"{}\", null_values: [NA]}}\n  - limit: {{rows: 5000}}\n  - split: {{parts: {{train: 0.7, test: 0.3}}}}\n  - reduce: {{columns: [dep_delay, arr_delay, air_time, distance], components: 2}}\n    id: fewer\n  - write: {{path: out.ndjson}}\n",
        flights.display()
    ));
    let manifest = workshop.run();
    assert!(stage(&manifest, "fewer").to_string().contains("Learned from part train"));
    let rows = workshop.read_ndjson("out.ndjson");
    let complete =
        |row: &&serde_json::Value| ["dep_delay", "arr_delay", "air_time"].iter().all(|name| !row[*name].is_null());
    assert!(rows.iter().filter(complete).all(|row| row["pc_1"].is_number()));
    assert!(rows.iter().filter(|row| !complete(row)).all(|row| row["pc_1"].is_null()));
}

#[test]
fn what_makes_no_sense_is_refused_where_it_stands() {
    for (options, message) in [
        ("components: 5", "`components: 5` are more than the 4 columns"),
        ("components: 1.5", "or a share of the variance above 0 and below 1, not 1.5"),
        ("components: 0", "`components` is a number from 1 to 256"),
        ("method: tsne, components: 3", "`components` is 2, not 3"),
        ("method: tsne, perplexity: 1", "`perplexity` must lie from 2 to 200, not 1"),
        ("perplexity: 30", "belongs to `method: tsne`"),
        ("weights: sparse", "belongs to `method: random_projection`"),
        ("method: random_projection, components: 0.9", "`components` is a number from 1 to 256"),
    ] {
        let workshop = Workshop::with_pipeline(&format!(
            "name: t\nstages:\n  - read: {{path: t.csv}}\n  - reduce: {{columns: [a, b, c, d], {options}}}\n"
        ));
        workshop.write("t.csv", table());
        let outcome = workshop.gristmill(["check", "p.yaml"]);
        assert_eq!(outcome.code, Some(2), "{options}");
        assert!(
            flat(&outcome.stderr).contains(message) && flat(&outcome.stderr).contains("p.yaml:4"),
            "{options}: {}",
            outcome.stderr
        );
    }
}

#[test]
fn tables_without_components_say_why() {
    for (rows, options, message) in [
        ("1,2\n", "components: 1", "at least two rows"),
        ("3,4\n3,4\n3,4\n", "components: 1", "no column varies"),
        ("1,1e300\n2,-1e300\n3,0\n", "components: 1", "column `y` are too large for a variance"),
        ("1,2\n2,3\n4,4\n5,6\n", "method: tsne", "needs at least 91 rows, and there are 4"),
    ] {
        let workshop = Workshop::with_pipeline(&format!(
            "name: t\nstages:\n  - read: {{path: t.csv, types: {{x: double, y: double}}}}\n  - reduce: {{{options}}}\n"
        ));
        workshop.write("t.csv", format!("x,y\n{rows}"));
        let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
        assert_eq!(outcome.code, Some(1), "{rows}: {}", outcome.stderr);
        assert!(flat(&outcome.stderr).contains(message), "{rows}: {}", outcome.stderr);
    }
}

/// A message without the line breaks and bars of its frame.
#[test]
fn more_rows_than_a_map_takes_end_the_run_with_advice() {
    let workshop = Workshop::with_pipeline(
        "name: t\nstages:\n  - read: {path: t.csv}\n  - reduce: {method: tsne}\n  - write: {path: out.ndjson}\n",
    );
    let rows: String = (0..100_001_u32).map(|row| format!("{},{}\n", row % 97, row % 89)).collect();
    workshop.write("t.csv", format!("a,b\n{rows}"));
    let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.stderr);
    let said = flat(&outcome.stderr);
    assert!(said.contains("tsne takes 100,000 rows at most, and there are more"), "{said}");
    assert!(said.contains("say `sample: 10000`"), "{said}");
}

#[test]
fn the_picture_of_components_shows_the_columns_as_arrows() {
    let (_, manifest) = reduced("components: 2");
    let exhibits = stage(&manifest, "fewer")["exhibits"].as_array().unwrap().clone();
    let arrows = exhibits.iter().find_map(|one| one["figure"]["mark"]["scatter"]["arrows"].as_array()).unwrap();
    let arrow = |name: &str| {
        let arrow = arrows.iter().find(|arrow| arrow["name"] == name).unwrap_or_else(|| panic!("{arrows:?}"));
        (arrow["x"].as_f64().unwrap(), arrow["y"].as_f64().unwrap())
    };
    assert_eq!(arrows.len(), 4);
    // a, b and c lie on one line, so each goes with the first component fully: 3 deviations, which are the root of its variance 3.
    let (a, c, d) = (arrow("a"), arrow("c"), arrow("d"));
    assert!((a.0.abs() - 3.0 * 3.0_f64.sqrt()).abs() < 0.05 && (a.0 + c.0).abs() < 1e-9, "{a:?} {c:?}");
    assert!(d.1.abs() > 2.9 && d.0.abs() < 0.6, "{d:?}");
}

fn flat(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}
