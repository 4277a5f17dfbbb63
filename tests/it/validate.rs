//! `validate`: every expectation against counts of other programs, and what becomes of rows that fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::support::{Workshop, stage, unexplained};

fn oracle() -> Value {
    let path = crate::support::root().join("tests/data/oracle/validate.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A folder with the tables of the oracle and a pipeline that reads one of them and checks it, below the stages `other` and `twin`.
fn workshop(oracle: &Value, table: &str, checks: &[Value]) -> Workshop {
    let workshop = Workshop::new();
    for name in ["texts", "numbers", "other"] {
        workshop.write(&format!("{name}.csv"), oracle[name].as_str().unwrap());
    }
    let read = |name: &str| match name {
        "texts" => json!({ "path": "texts.csv", "types": "all_string" }),
        _ => json!({ "path": format!("{name}.csv") }),
    };
    let pipeline = json!({
        "name": "p",
        "stages": [
            { "id": "other", "read": read("other") },
            { "id": "twin", "read": read("numbers") },
            { "id": "rows", "read": read(table) },
            { "id": "checked", "validate": { "severity": "warn", "now": "2024-05-01", "checks": checks } },
        ],
    });
    workshop.write("p.yaml", pipeline.to_string());
    workshop
}

/// The rows of the table of checks, in the order of the checks.
fn checks(manifest: &Value, id: &str) -> Vec<Value> {
    let exhibits = stage(manifest, id)["exhibits"].as_array().unwrap();
    let tables = exhibits.iter().filter_map(|exhibit| exhibit.get("table"));
    let table = tables.clone().find(|table| table["title"] == "Checks").expect("there is a table of checks");
    table["rows"].as_array().unwrap().clone()
}

fn titles(manifest: &Value, id: &str) -> Vec<String> {
    let exhibits = stage(manifest, id)["exhibits"].as_array().unwrap();
    exhibits.iter().filter_map(|exhibit| exhibit["table"]["title"].as_str().map(str::to_owned)).collect()
}

#[test]
fn failing_rows_are_those_that_other_programs_count() {
    let oracle = oracle();
    for table in ["numbers", "texts"] {
        let cases: Vec<&Value> =
            oracle["rows"].as_array().unwrap().iter().filter(|case| case["table"] == table).collect();
        let wanted: Vec<Value> = cases.iter().map(|case| case["check"].clone()).collect();
        let found = checks(&workshop(&oracle, table, &wanted).run(), "checked");
        assert_eq!(found.len(), cases.len());
        let wrong: Vec<String> = cases
            .iter()
            .zip(&found)
            .filter(|(case, row)| case["failing"].as_f64() != row[3].as_f64() || case["of"].as_f64() != row[4].as_f64())
            .map(|(case, row)| format!("{case} but {row}"))
            .collect();
        assert!(wrong.is_empty(), "{table}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn failing_groups_are_those_that_duckdb_counts() {
    let oracle = oracle();
    let cases = oracle["groups"].as_array().unwrap();
    let wanted: Vec<Value> = cases.iter().map(|case| case["check"].clone()).collect();
    let found = checks(&workshop(&oracle, "numbers", &wanted).run(), "checked");
    for (case, row) in cases.iter().zip(&found) {
        let groups = format!("{} of {} groups", case["failing"], case["of"]);
        assert_eq!(row[7].as_str(), Some(groups.as_str()), "{case} but {row}");
    }
}

#[test]
fn what_is_told_of_the_table_holds_and_fails_where_duckdb_says_so() {
    let oracle = oracle();
    let cases = oracle["values"].as_array().unwrap();
    let wanted: Vec<Value> = cases.iter().map(|case| case["check"].clone()).collect();
    let found = checks(&workshop(&oracle, "numbers", &wanted).run(), "checked");
    assert_eq!(found.len(), cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .zip(&found)
        .filter(|(case, row)| case["holds"] != (row[2] == "holds"))
        .map(|(case, row)| format!("{case} but {row}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_catalogue_and_the_oracle_know_the_same_expectations() {
    let oracle = oracle();
    let mut judged: Vec<String> = ["rows", "groups", "values"]
        .iter()
        .flat_map(|section| oracle[*section].as_array().unwrap().clone())
        .flat_map(|case| case["check"].as_object().unwrap().keys().cloned().collect::<Vec<_>>())
        .collect();
    judged.sort();
    judged.dedup();
    let schema = gristmill::stages::schema();
    let common = ["where", "by", "warn", "fail", "severity", "dimension", "weight", "description"];
    let definitions = schema["$defs"].as_object().unwrap();
    // A mapping stands beside the form in which a parameter gives it.
    let mut forms = definitions.values().flat_map(|one| one["anyOf"].as_array().into_iter().flatten().chain([one]));
    let check = forms.find(|form| !form["properties"]["steady_schema"].is_null()).unwrap();
    let unjudged: Vec<&String> = check["properties"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| !common.contains(&name.as_str()) && !name.starts_with("steady_") && !judged.contains(*name))
        .collect();
    assert!(unjudged.is_empty(), "no case judges {unjudged:?}");
}

const DIVERTS: &str = "\
name: p
stages:
  - id: rows
    read: {path: a.csv}
  - id: checked
    validate:
      divert: quarantine
      checks:
        - not_null: name
        - unique: id
        - range: {column: price, min: 0}
          description: a price is not negative
        - in: {column: name, values: [ann, bob, cid]}
          severity: warn
  - write: {path: good.ndjson}
  - id: bad
    from: checked.quarantine
    write: {path: bad.ndjson}
";

#[test]
fn diverted_rows_leave_with_their_reasons_and_every_row_is_accounted_for() {
    let workshop = Workshop::with_pipeline(DIVERTS);
    workshop.write("a.csv", "id,name,price\n1,ann,1\n2,,2\n3,bob,-1\n3,dan,3\n4,eve,5\n");
    let manifest = workshop.run();
    let good: Vec<Value> = workshop.read_ndjson("good.ndjson");
    assert_eq!(good.iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 4]);
    let bad = workshop.read_ndjson("bad.ndjson");
    let reasons: Vec<(i64, &str)> =
        bad.iter().map(|row| (row["id"].as_i64().unwrap(), row["failed_checks"].as_str().unwrap())).collect();
    let expected = [(2, "name is not null"), (3, "id is unique; a price is not negative"), (3, "id is unique")];
    assert_eq!(reasons, expected);
    for id in ["rows", "checked", "checked.quarantine", "bad"] {
        assert_eq!(unexplained(stage(&manifest, id)), Some(0), "{id}");
    }
    let ledger = &stage(&manifest, "checked")["ledger"];
    assert_eq!(ledger["changes"], json!([{ "reason": "diverted", "rows": -3 }]));
    assert_eq!(stage(&manifest, "checked.quarantine")["ledger"]["out"], 3);
    // A check that only warns diverts nothing.
    let results: Vec<String> =
        checks(&manifest, "checked").iter().map(|row| row[2].as_str().unwrap().to_owned()).collect();
    assert_eq!(results, ["diverted", "diverted", "diverted", "warns"]);
}

#[test]
fn a_second_run_does_no_work_and_reads_the_side_table_again() {
    let workshop = Workshop::with_pipeline(DIVERTS);
    workshop.write("a.csv", "id,name,price\n1,ann,1\n2,,2\n");
    workshop.run();
    let before = workshop.read("bad.ndjson");
    std::fs::remove_file(workshop.path().join("bad.ndjson")).unwrap();
    let manifest = workshop.run();
    assert_eq!(stage(&manifest, "checked")["status"], "cached");
    assert_eq!(workshop.read("bad.ndjson"), before);
}

fn thresholds(check: &str) -> (Option<i32>, String) {
    let workshop = Workshop::with_pipeline(&format!(
        "name: p\nstages:\n  - read: {{path: a.csv}}\n  - id: checked\n    validate: {{checks: [{{not_null: x, {check}}}]}}\n"
    ));
    // Two of ten rows fail.
    workshop.write("a.csv", "id,x\n1,1\n2,\n3,1\n4,1\n5,1\n6,\n7,1\n8,1\n9,1\n10,1\n");
    let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    let result = checks(&workshop.manifest(), "checked")[0][2].as_str().unwrap().to_owned();
    (outcome.code, result)
}

#[test]
fn thresholds_in_rows_and_shares_decide_between_holding_warning_and_failing() {
    assert_eq!(thresholds("warn: 2"), (Some(0), "tolerated".into()));
    assert_eq!(thresholds("warn: 1"), (Some(0), "warns".into()));
    assert_eq!(thresholds("warn: 1, fail: 2"), (Some(0), "warns".into()));
    assert_eq!(thresholds("warn: 0, fail: 1"), (Some(3), "fails".into()));
    assert_eq!(thresholds("fail: 20%"), (Some(0), "tolerated".into()));
    assert_eq!(thresholds("fail: 0.19"), (Some(3), "fails".into()));
    assert_eq!(thresholds("severity: fail"), (Some(3), "fails".into()));
}

#[test]
fn a_refusal_stops_what_is_below_and_shows_what_fails() {
    let workshop = Workshop::with_pipeline(
        "name: p\nstages:\n  - read: {path: a.csv}\n  - id: checked\n    validate: {checks: [{range: {column: x, max: 1}}]}\n  - write: {path: out.csv}\n",
    );
    workshop.write("a.csv", "x\n1\n2\n3\n");
    let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert_eq!(outcome.code, Some(3));
    assert!(outcome.stderr.contains("2 of 3 rows fail `x is at most 1`"), "{}", outcome.stderr);
    assert!(!workshop.exists("out.csv"));
    let manifest = workshop.manifest();
    assert_eq!(stage(&manifest, "checked")["status"], "failed");
    assert!(titles(&manifest, "checked").contains(&"Rows that fail: x is at most 1".to_owned()));
}

const DRIFTS: &str = "\
name: p
stages:
  - read: {path: a.csv}
  - id: checked
    validate:
      severity: warn
      checks:
        - steady_rows: {at_most: 20%}
        - steady_rows: {drop: 50%}
        - steady_nulls: {column: x, at_most: 0.1}
        - steady_mean: {column: x, at_most: 10%}
        - steady_mean: {column: x, deviations: 5}
        - steady_quantile: {column: x, q: 0.5, at_most: 1%}
        - steady_shares: {column: kind, at_most: 0.2}
        - steady_schema: columns
";

#[test]
fn drift_is_measured_against_the_last_good_run() {
    let workshop = Workshop::with_pipeline(DRIFTS);
    let results = |manifest: &Value| -> Vec<String> {
        checks(manifest, "checked").iter().map(|row| row[2].as_str().unwrap().to_owned()).collect()
    };
    workshop.write("a.csv", "x,kind\n1,a\n2,a\n3,a\n4,b\n5,b\n");
    assert!(results(&workshop.run()).iter().all(|result| result == "nothing to compare with"));
    // The same rows again: nothing has moved, though the stage has to look.
    assert!(results(&workshop.run()).iter().all(|result| result == "holds"));
    // 5 to 3 rows: -40 %. Mean 3 to 4: +33 %, 0.63 deviations. Nulls 0 to 1/3. Median 3 to 4. Shares a 0.6 to 0, b 0.4 to 1.
    workshop.write("a.csv", "x,kind,new\n3,b,1\n,b,1\n5,b,1\n");
    let expected = ["warns", "holds", "warns", "warns", "holds", "warns", "warns", "warns"];
    let manifest = workshop.run();
    assert_eq!(results(&manifest), expected);
    assert_eq!(checks(&manifest, "checked")[7][7], "new is new");
}

#[test]
fn a_failing_run_is_nothing_to_compare_with() {
    let workshop = Workshop::with_pipeline(
        "name: p\nstages:\n  - read: {path: a.csv}\n  - id: checked\n    validate: {checks: [{steady_rows: {at_most: 10%}}]}\n",
    );
    workshop.write("a.csv", "x\n1\n2\n3\n4\n");
    workshop.run();
    workshop.write("a.csv", "x\n1\n");
    assert_eq!(workshop.gristmill(["run", "p.yaml", "--quiet"]).code, Some(3));
    // Still compared with four rows, not with the refused one.
    workshop.write("a.csv", "x\n1\n2\n");
    let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert_eq!(outcome.code, Some(3));
    assert!(outcome.stderr.contains("4 before, 2 now"), "{}", outcome.stderr);
}

#[test]
fn the_health_is_the_mean_of_the_dimensions() {
    let workshop = Workshop::with_pipeline(
        "name: p\nstages:\n  - read: {path: a.csv}\n  - id: checked\n    validate:\n      severity: warn\n      checks: [{not_null: x}, {not_null: y, weight: 3}, {range: {column: x, max: 1}}]\n",
    );
    // Completeness (1 * 1/4 + 3 * 0) / 4 fails, validity 2/4.
    workshop.write("a.csv", "x,y\n1,1\n,1\n2,1\n3,1\n");
    let manifest = workshop.run();
    let statistics = &stage(&manifest, "checked")["statistics"];
    assert_eq!(statistics["dimensions"], json!({ "completeness": 1.0 - 0.25 / 4.0, "validity": 0.5 }));
    assert_eq!(statistics["health"], (1.0 - 0.25 / 4.0 + 0.5) / 2.0);
    // What the conditions of a job read: a null in `x` and two values above 1 warn, nothing fails.
    let grades = &statistics["grades"];
    assert_eq!((&grades["checks"], &grades["warn"], &grades["fail"]), (&json!(3), &json!(2), &json!(0)));
    assert_eq!(grades["warning"].as_array().unwrap().len(), 2);
}

#[test]
fn the_clock_of_the_run_judges_when_none_is_stated() {
    let workshop = Workshop::with_pipeline(
        "name: p\nstages:\n  - read: {path: a.csv}\n  - id: checked\n    validate: {severity: warn, checks: [{not_in_future: d}, {fresh: {column: d, age: 1 day}}]}\n",
    );
    workshop.write("a.csv", "d\n2020-01-01\n9999-01-01\n");
    let manifest = workshop.run();
    let found = checks(&manifest, "checked");
    assert_eq!((found[0][3].as_f64(), &found[1][2]), (Some(1.0), &json!("holds")));
    // The clock has moved, so the stage works again; what is below may rest.
    assert_eq!(stage(&workshop.run(), "checked")["status"], "done");
}

#[test]
fn a_prefix_of_an_include_goes_before_the_stages_that_checks_name() {
    let workshop = Workshop::with_pipeline(
        "name: p\nstages:\n  - include: {path: shared.yaml, as: x}\n  - from: x.checked.bad\n    write: {path: bad.ndjson}\n",
    );
    workshop.write(
        "shared.yaml",
        "stages:\n  - id: known\n    read: {path: b.csv}\n  - id: rows\n    read: {path: a.csv}\n  - id: checked\n    validate: {divert: bad, checks: [{references: {columns: k, stage: known}}]}\n",
    );
    workshop.write("a.csv", "k\n1\n2\n");
    workshop.write("b.csv", "k\n1\n1\n");
    workshop.run();
    assert_eq!(workshop.read_ndjson("bad.ndjson"), [json!({ "k": 2, "failed_checks": "k occurs in x.known" })]);
}

#[test]
fn a_side_table_is_left_out_where_the_pipeline_is_printed_again() {
    let workshop = Workshop::with_pipeline(DIVERTS);
    workshop.write("a.csv", "id,name,price\n1,ann,1\n2,,2\n");
    let shown = workshop.gristmill(["show", "p.yaml"]).success().stdout;
    assert!(!shown.contains("side_table") && shown.contains("checked.quarantine"), "{shown}");
    workshop.write("p.yaml", shown);
    workshop.run();
    assert_eq!(workshop.read_ndjson("bad.ndjson").len(), 1);
}
