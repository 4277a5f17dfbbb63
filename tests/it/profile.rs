//! `gristmill profile` and the stage `profile`: what they find in files that were made to hold it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Workshop, root};

/// 400 rows with something wrong in most columns, and the last row twice.
fn ugly() -> String {
    let mut text = String::from(
        "id,code,town,region,amount,double,reading,flag,price,day,seen,mail,note,empty,same,\
         gap_a,gap_b,name,tail,often,lat\n",
    );
    for row in 0..400_u32 {
        let town = ["Berlin", "Bern", "Brest", "Bonn"][row as usize % 4];
        let region = match (town, row) {
            (_, 77) => "wrong",
            ("Berlin" | "Bonn", _) => "DE",
            ("Bern", _) => "CH",
            _ => "FR",
        };
        let spelling = if row % 50 == 3 { format!("{} ", town.to_uppercase()) } else { town.to_owned() };
        let reading = if row % 40 == 0 { -999.0 } else { f64::from(row % 37) + 0.5 };
        let price = format!("{},{:02} €", row % 90 + 1, row % 100);
        let day = if row % 3 == 0 {
            format!("{:02}.{:02}.2024", row % 27 + 1, row % 11 + 1)
        } else {
            format!("2024-{:02}-{:02}", row % 11 + 1, row % 27 + 1)
        };
        let seen = if row % 45 == 1 {
            "1970-01-01".to_owned()
        } else {
            format!("2023-{:02}-{:02}", row / 40 + 1, row % 24 + 1)
        };
        let gap = if row % 9 == 0 { String::new() } else { row.to_string() };
        let tail =
            if row % 100 == 99 { 50_000.0 * f64::from(row) } else { f64::from(row % 13) + 0.001 * f64::from(row) };
        let note = format!("row {row} was written by hand {}", ["today", "or not", "n/a"][row as usize % 3]);
        let name = if row % 30 == 4 { "N/A".to_owned() } else { format!("Mu\u{c3}\u{bc}ller {}", row % 150) };
        let often = if row % 20 == 0 { "no" } else { "yes, often" };
        let _ = writeln!(
            text,
            "{row},AB-{row:04},{spelling},{region},{row}.25,{}.5,{reading},{},\"{price}\",{day},{seen},u{row}@example.org,{note},,\
             same,{gap},{gap},{name},{tail},\"{often}\",{}",
            row * 2 + 1,
            if row == 5 { "1" } else { "0" },
            f64::from(row % 90) / 2.0,
        );
    }
    let last = text.lines().last().unwrap().to_owned();
    text.push_str(&last);
    text.push('\n');
    text
}

fn profile(workshop: &Workshop, arguments: &[&str]) -> Value {
    let words = ["profile"].iter().chain(arguments).chain(&["--json"]);
    let outcome = workshop.gristmill(words).success();
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {}", outcome.stdout))
}

fn column<'a>(document: &'a Value, name: &str) -> &'a Value {
    let columns = document["tables"][0]["columns"].as_array().unwrap();
    columns.iter().find(|column| column["name"] == name).unwrap_or_else(|| panic!("no column {name}"))
}

fn kinds(document: &Value) -> BTreeSet<(String, String)> {
    let alerts = document["tables"][0]["alerts"].as_array().unwrap();
    let columns = |alert: &Value| {
        alert["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join("+")
    };
    alerts.iter().map(|alert| (alert["kind"].as_str().unwrap().to_owned(), columns(alert))).collect()
}

#[test]
fn damaged_rows_are_set_aside_counted_and_told() {
    let workshop = Workshop::new();
    let good: String = (0..60).map(|row| format!("{row},{}\n", row * 2)).collect();
    workshop.write("good.csv", format!("a,b\n{good}"));
    workshop.write("bad.csv", format!("a,b\n{good}61\n62,1,2\n"));
    let found = profile(&workshop, &["bad.csv"]);
    let table = &found["tables"][0];
    assert_eq!((&table["rows"], &table["alerts"][0]["kind"]), (&60.into(), &"set_aside".into()));
    let message = table["alerts"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("2 rows of `bad.csv` set aside, the first at bad.csv:62: "), "{message}");
    // The other side of a comparison too; and nothing of a file that is whole.
    let found = profile(&workshop, &["good.csv", "--compare", "bad.csv"]);
    assert_eq!(found["tables"][0]["alerts"][0]["kind"], "set_aside");
    let found = profile(&workshop, &["good.csv"]);
    assert!(!found.to_string().contains("set_aside"));
}

#[test]
fn what_is_wrong_is_found_where_it_is() {
    let workshop = Workshop::new();
    workshop.write("ugly.csv", ugly());
    let document = profile(&workshop, &["ugly.csv"]);
    assert_eq!(document["tables"][0]["rows"], 401);
    assert_eq!(document["tables"][0]["duplicates"]["rows"], 1);
    let found = kinds(&document);
    let expected = [
        ("duplicate_rows", ""),
        ("empty", "empty"),
        ("constant", "same"),
        ("nearly_constant", "flag"),
        ("sentinel", "reading"),
        ("sentinel", "seen"),
        ("stored_as_text", "price"),
        ("mixed_formats", "day"),
        ("spellings", "town"),
        ("white_space", "town"),
        ("null_words", "name"),
        ("damaged", "name"),
        ("null_together", "gap_a+gap_b"),
        ("correlation", "amount+double"),
        ("broken_dependency", "town+region"),
        ("skew", "tail"),
        ("outliers", "tail"),
        ("imbalance", "often"),
        ("personal", "mail"),
        ("nearly_key", "code"),
        ("nulls", "gap_a"),
    ];
    for (kind, columns) in expected {
        let is = |(other, about): &(String, String)| other == kind && (about == columns || kind == "correlation");
        assert!(found.iter().any(is), "{kind} of {columns} is missing among {found:#?}");
    }
}

/// 600 rows with what [`ugly`] has not: keys, dependencies, zeros, days without rows, numbers of which some are none.
fn structured() -> String {
    let mut text = String::from("id,reading,day,rain,price,city,country,person,part\n");
    for row in 0..600_u32 {
        let reading = match row {
            10 => "NaN".to_owned(),
            20 => "inf".to_owned(),
            _ => format!("{}.5", row % 37),
        };
        let day = row % 60 + u32::from(row % 60 % 7 == 3);
        let day =
            if day < 31 { format!("2024-01-{:02}", day + 1) } else { format!("2024-02-{:02}", (day - 31) % 29 + 1) };
        let rain = if row % 3 == 0 { f64::from(row) / 4.0 + 0.25 } else { 0.0 };
        let price = if row % 150 == 7 { "soon".to_owned() } else { format!("{},{}0 €", row % 80, row % 10) };
        let city = ["Aachen", "Basel", "Calais", "Dresden", "Genf", "Dijon"][row as usize % 6];
        let country = ["DE", "CH", "FR"][row as usize % 3];
        let part = if row % 20 == 0 { format!("AB{}X", row % 200) } else { format!("AB-{}", row % 200) };
        let _ = writeln!(
            text,
            "{row},{reading},{day},{rain},\"{price}\",{city},{country},Person {},{part}",
            char::from(b'A' + u8::try_from(row % 26).unwrap()).to_string() + &(row % 150).to_string(),
        );
    }
    text
}

/// The kinds that the schema of the document names.
fn all_kinds(workshop: &Workshop) -> BTreeSet<String> {
    let schema: Value = serde_json::from_str(&workshop.gristmill(["profile", "--schema"]).success().stdout).unwrap();
    let kinds = schema["$defs"]["AlertKind"]["oneOf"].as_array().unwrap();
    kinds.iter().map(|kind| kind["const"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_kind_of_alert_is_found_somewhere_and_each_stage_to_paste_passes_the_check() {
    let workshop = Workshop::new();
    let mut found = BTreeSet::new();
    for (file, text) in [("ugly.csv", ugly()), ("structured.csv", structured()), ("header.csv", "a,b\n".to_owned())] {
        workshop.write(file, text);
        let document = profile(&workshop, &[file]);
        let mut stages = BTreeSet::new();
        for alert in document["tables"][0]["alerts"].as_array().unwrap() {
            let text = |key: &str| alert[key].as_str().unwrap_or_default().to_owned();
            assert!(!text("message").is_empty() && !text("why").is_empty(), "{alert}");
            found.insert(text("kind"));
            assert!(alert["mend"].is_string(), "nothing mends {alert}");
            stages.insert(text("mend"));
        }
        for stage in stages {
            workshop.write("p.yaml", format!("name: p\nstages:\n- read: {{path: {file}}}\n{stage}\n"));
            let outcome = workshop.gristmill(["check", "p.yaml"]);
            assert_eq!(outcome.code, Some(0), "{stage}\n{}\n{}", outcome.stdout, outcome.stderr);
        }
    }
    // What mends a damaged file is an option of the stage that reads it.
    workshop.write("bad.csv", format!("a,b\n{}3\n", "1,2\n".repeat(60)));
    found.extend(kinds(&profile(&workshop, &["bad.csv"])).into_iter().map(|(kind, _)| kind));
    assert_eq!(found, all_kinds(&workshop));
    assert_eq!(found.len(), 29);
}

#[test]
fn a_table_in_order_has_no_alerts() {
    let workshop = Workshop::new();
    let mut text = String::from("day,amount,region\n");
    // Each of 10 days, 10 amounts and 6 regions meets each other one once.
    for row in 0..600_u32 {
        let amount =
            if row == 0 || row == 11 { String::new() } else { (f64::from(row / 10 % 10) * 1.5 + 0.5).to_string() };
        let region = ["north", "south", "east", "west", "centre", "coast"][row as usize / 100];
        let _ = writeln!(text, "2024-01-{:02},{amount},{region}", row % 10 + 1);
    }
    workshop.write("order.csv", text);
    let document = profile(&workshop, &["order.csv"]);
    assert_eq!(document["tables"][0]["rows"], 600);
    assert_eq!(document["tables"][0]["alerts"], serde_json::json!([]));
}

#[test]
fn times_in_a_zone_are_told_on_its_clocks() {
    let workshop = Workshop::with_pipeline(
        "name: p\nstages:\n- read: {path: a.csv}\n- id: zoned\n  derive: {berlin: \"at at time zone 'Europe/Berlin'\"}\n\
         - {id: described, from: zoned, describe: {}}\n- {from: described, write: {path: described.ndjson}}\n\
         - {id: profiled, from: zoned, profile: {columns: berlin}}\n- {id: tested, from: zoned, test: {value: x, by: berlin}}\n",
    );
    // Half an hour before and after the clocks go forward, and a summer's day.
    workshop.write(
        "a.csv",
        format!("at,x\n{}", "2024-03-31 01:30:00,1\n2024-03-31 03:30:00,2\n2024-07-01 12:00:00,4\n".repeat(3)),
    );
    let record = workshop.run();
    let rows = workshop.read_ndjson("described.ndjson");
    let berlin = rows.iter().find(|row| row["column"] == "berlin").unwrap();
    assert_eq!((&berlin["distinct"], &berlin["top"]), (&3.into(), &"2024-03-31T01:30:00+01:00".into()));
    let report = serde_json::to_string(&record["stages"][2]["exhibits"]).unwrap();
    assert!(report.contains("2024-03-31T01:30:00+01:00 \u{2026} 2024-07-01T12:00:00+02:00"), "{report}");
    let profiled = record["stages"].as_array().unwrap().iter().find(|stage| stage["id"] == "profiled").unwrap();
    let times = &profiled["statistics"]["columns"][0]["times"];
    assert_eq!(
        (&times["first"], &times["last"]),
        (&"2024-03-31 01:30:00+01:00".into(), &"2024-07-01 12:00:00+02:00".into())
    );
    let warnings = record["warnings"].to_string();
    assert!(!warnings.contains("fewer than two groups"), "{warnings}");
}

#[test]
fn columns_have_meanings() {
    let workshop = Workshop::new();
    workshop.write("ugly.csv", ugly());
    let document = profile(&workshop, &["ugly.csv"]);
    let meanings = [
        ("code", "code"),
        ("region", "category"),
        ("price", "numbers_as_text"),
        ("day", "dates_as_text"),
        ("seen", "date"),
        ("mail", "email"),
        ("note", "free_text"),
        ("empty", "empty"),
        ("same", "constant"),
        ("lat", "latitude"),
        ("tail", "number"),
    ];
    for (name, meaning) in meanings {
        assert_eq!(column(&document, name)["meaning"], meaning, "{name}: {}", column(&document, name)["because"]);
    }
}

#[test]
fn numbers_of_the_flights_are_those_of_pandas() {
    // Expected values: pandas 2.3 on the same file (tests/oracle/profile_pandas.py).
    let expected: Value = serde_json::from_str(include_str!("../data/oracle/profile_pandas.json")).unwrap();
    let file = root().join("sample-data/flights/flights.csv.gz");
    let workshop = Workshop::with_pipeline(&format!(
        "name: p\nstages:\n- read: {{path: {}, null_values: [NA]}}\n- profile: {{}}\n",
        file.display()
    ));
    let record = workshop.run();
    let table = &record["stages"][1]["statistics"];
    let document = serde_json::json!({ "tables": [table] });
    assert_eq!(table["rows"], expected["rows"]);
    assert_eq!(table["duplicates"]["rows"], expected["duplicates"]);
    assert_eq!(table["nulls"]["complete_rows"], expected["complete_rows"]);
    let near = |found: &Value, expected: &Value, relative: f64, what: &str| {
        let (found, expected) = (found.as_f64().unwrap_or(f64::NAN), expected.as_f64().unwrap());
        assert!((found - expected).abs() <= relative * expected.abs().max(1e-9), "{what}: {found} is not {expected}");
    };
    for (name, numbers) in expected["columns"].as_object().unwrap() {
        let found = column(&document, name);
        assert_eq!(found["nulls"], numbers["nulls"], "{name}");
        assert_eq!(found["distinct"]["count"], numbers["distinct"], "{name}");
        for (key, relative) in
            [("mean", 1e-9), ("sd", 1e-9), ("skewness", 1e-9), ("kurtosis", 1e-8), ("min", 0.0), ("max", 0.0)]
        {
            if !numbers[key].is_null() {
                near(&found["numbers"][key], &numbers[key], relative, &format!("{name}.{key}"));
            }
        }
        for (at, quantile) in numbers["quantiles"].as_array().into_iter().flatten().enumerate() {
            near(&found["numbers"]["quantiles"][at], quantile, 1e-9, &format!("{name}.quantiles[{at}]"));
        }
        if let Some(top) = numbers["top"].as_array() {
            assert_eq!((&found["top"][0]["value"], &found["top"][0]["count"]), (&top[0], &top[1]), "{name}");
        }
    }
    for pair in expected["correlations"].as_array().unwrap() {
        let found = table["correlations"].as_array().unwrap().iter().find(|found| {
            let names = [&found["left"], &found["right"]];
            names.contains(&&pair[0]) && names.contains(&&pair[1])
        });
        near(&found.unwrap()["coefficient"], &pair[2], 1e-9, "correlation");
    }
}

#[test]
fn words_for_nothing_among_numbers_are_read_as_null_and_told() {
    let workshop = Workshop::new();
    let rows: String =
        (0..40).map(|row| if row % 4 == 0 { "NA,x\n".to_owned() } else { format!("{row},y\n") }).collect();
    workshop.write("a.csv", format!("number,text\n{rows}"));
    let document = profile(&workshop, &["a.csv"]);
    assert_eq!(document["tables"][0]["read_as_null"][0], "NA");
    let number = column(&document, "number");
    assert_eq!((&number["type"], &number["nulls"]), (&"int64".into(), &10.into()));
    let told = workshop.gristmill(["profile", "a.csv"]).success();
    assert!(told.stdout.contains("read as null: NA"), "{}", told.stdout);
    // Who says what means null is believed.
    let other = profile(&workshop, &["a.csv", "--null-values", "x"]);
    assert_eq!((&column(&other, "text")["nulls"], &column(&other, "number")["type"]), (&10.into(), &"string".into()));
}

#[test]
fn the_same_whatever_the_number_of_threads() {
    let workshop = Workshop::new();
    let file = root().join("sample-data/flights/weather.csv.gz");
    let file = file.to_str().unwrap();
    let one = profile(&workshop, &[file, "--threads", "1"]);
    assert_eq!(one, profile(&workshop, &[file, "--threads", "4"]));
}

#[test]
fn the_page_of_a_thousand_columns_stays_under_two_megabytes() {
    let workshop = Workshop::new();
    let mut text = (0..1_000).map(|column| format!("column_{column}")).collect::<Vec<_>>().join(",");
    text.push('\n');
    for row in 0..300_u32 {
        let cells = (0..1_000_u32).map(|column| match column % 4 {
            0 => (row * 7 % 50 + column).to_string(),
            1 => format!("word {}", (row + column) % 40),
            2 => format!("{}.{}", row * column % 1_000, row % 10),
            _ => {
                if row % 3 == 0 {
                    String::new()
                } else {
                    format!("2024-01-{:02}", row % 28 + 1)
                }
            }
        });
        text.push_str(&cells.collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    workshop.write("wide.csv", text);
    let outcome = workshop.gristmill(["profile", "wide.csv", "--output", "out/wide.html"]).success();
    assert!(outcome.stdout.contains("wide.csv: 300 rows, 1000 columns"), "{}", outcome.stdout);
    let page = workshop.read("out/wide.html");
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.contains("column_999") && page.contains("</html>"));
    assert!(!page.contains("<script") && !page.contains("src=\"http") && !page.contains("href=\"http"));
}

#[test]
fn two_files_stand_side_by_side() {
    let workshop = Workshop::new();
    let rows = |shift: u32, kind: &str| {
        let mut text = format!("value,kind,{kind}\n");
        for row in 0..500 {
            let _ = writeln!(text, "{},{},{row}", row % 97 + shift, if row % 2 == 0 { "a" } else { kind });
        }
        text
    };
    workshop.write("april.csv", rows(0, "b"));
    workshop.write("may.csv", rows(60, "c"));
    let document = profile(&workshop, &["may.csv", "--compare", "april.csv"]);
    let comparison = &document["tables"][0]["comparison"];
    assert_eq!((&comparison["added"][0], &comparison["removed"][0]), (&Value::from("c"), &Value::from("b")));
    assert_eq!(comparison["other"], "april.csv");
    let column =
        |name: &str| comparison["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap();
    // 60 of 97 equally frequent values lie below the least value of the other: 500 rows are 5 rounds of 97 and 15 more.
    let below = (5.0 * 60.0 + 15.0) / 500.0;
    assert!((column("value")["ks_distance"].as_f64().unwrap() - below).abs() < 1e-12, "{}", column("value"));
    assert!(column("value")["stability_index"].as_f64().unwrap() > 0.25);
    assert_eq!(
        (&column("kind")["new_values"][0], &column("kind")["lost_values"][0]),
        (&Value::from("c"), &Value::from("b"))
    );
    let page = workshop.gristmill(["profile", "may.csv", "--compare", "april.csv"]).success();
    assert!(page.stdout.contains("may.csv.profile.html") && workshop.read("may.csv.profile.html").contains("shifted"));
}

#[test]
fn the_stage_gives_a_row_for_each_column() {
    let workshop = Workshop::with_pipeline(
        "name: p\nstages:\n- read: {path: ugly.csv}\n- profile: {top: 3}\n- write: {path: out.ndjson}\n",
    );
    workshop.write("ugly.csv", ugly());
    let record = workshop.run();
    let rows = workshop.read_ndjson("out.ndjson");
    assert_eq!(rows.len(), 21);
    let amount = rows.iter().find(|row| row["column"] == "amount").unwrap();
    // 0.25, 1.25, .., 399.25 and 399.25 again.
    let mean = ((0..400).map(f64::from).sum::<f64>() + 399.0) / 401.0 + 0.25;
    assert!((amount["mean"].as_f64().unwrap() - mean).abs() < 1e-9);
    assert_eq!((&amount["rows"], &amount["distinct"], &amount["max"]), (&401.into(), &400.into(), &399.25.into()));
    let warnings = record["warnings"].to_string();
    assert!(warnings.contains("repeat an earlier row"), "{warnings}");
}

#[test]
fn odd_tables_have_a_profile() {
    let workshop = Workshop::new();
    workshop.write("header.csv", "a,b\n");
    workshop.write("one.csv", "a,b\n1,x\n");
    workshop.write("nulls.csv", "a,b\n,x\n,y\n");
    workshop.write("huge.csv", "x\n1e300\n-1e300\n1e300\n1e308\nNaN\ninf\n");
    for file in ["header.csv", "one.csv", "nulls.csv", "huge.csv"] {
        let document = profile(&workshop, &[file]);
        assert_eq!(document["tables"].as_array().unwrap().len(), 1, "{file}");
        workshop.gristmill(["profile", file]).success();
    }
    assert!(kinds(&profile(&workshop, &["header.csv"])).contains(&("no_rows".to_owned(), String::new())));
    assert!(kinds(&profile(&workshop, &["nulls.csv"])).contains(&("empty".to_owned(), "a".to_owned())));
    assert!(kinds(&profile(&workshop, &["huge.csv"])).contains(&("not_finite".to_owned(), "x".to_owned())));
}

#[test]
fn mistakes_have_one_clear_error() {
    let workshop = Workshop::new();
    workshop.write("a.csv", "a\n1\n");
    let missing = workshop.gristmill(["profile", "none.csv"]);
    assert_eq!(missing.code, Some(3), "{}", missing.stderr);
    assert!(missing.stderr.contains("none.csv"), "{}", missing.stderr);
    let two = workshop.gristmill(["profile", "a.csv", "a.csv", "--compare", "a.csv"]);
    assert_eq!(two.code, Some(2));
    assert!(two.stderr.contains("compares one file with another"), "{}", two.stderr);
    let none = workshop.gristmill(["profile"]);
    assert_eq!(none.code, Some(2));
    assert!(!workshop.exists(".gristmill"));
    workshop.write("p.yaml", "name: p\nstages:\n- read: {path: a.csv}\n- profile: {columns: b}\n");
    let unknown = workshop.gristmill(["check", "p.yaml"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("unknown column `b`") && unknown.stderr.contains("p.yaml:4"), "{}", unknown.stderr);
}

#[test]
fn the_document_keeps_to_its_schema() {
    let workshop = Workshop::new();
    workshop.write("ugly.csv", ugly());
    let printed = workshop.gristmill(["profile", "--schema"]).success().stdout;
    let stored = std::fs::read_to_string(root().join("schema/profile.schema.json")).unwrap();
    assert_eq!(printed, stored, "write it again: gristmill profile --schema > schema/profile.schema.json");
    let validator = jsonschema::validator_for(&serde_json::from_str(&printed).unwrap()).unwrap();
    for document in [profile(&workshop, &["ugly.csv"]), profile(&workshop, &["ugly.csv", "--compare", "ugly.csv"])] {
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}
