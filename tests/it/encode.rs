//! `encode`: categories and dates become numbers. Codes of targets are those of scikit-learn's `TargetEncoder`
//! (`tests/oracle/encode_sklearn.py`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Workshop, root, stage, unexplained};

const TABLE: &str = "id,size,color,day,hour,y\n1,S,red,2024-01-01 00:00:00,0,1\n2,L,blue,2024-04-02 06:00:00,6,0\n3,M,red,2024-07-03 12:00:00,12,1\n4,,green,2024-10-06 18:00:00,18,0\n5,XL,,2024-01-01 00:00:00,3,1\n";

#[track_caller]
fn encode(csv: &str, options: &str) -> (Vec<Value>, Value) {
    let text = format!(
        "name: p\nstages:\n  - read: {{path: t.csv}}\n  - id: e\n    encode: {options}\n  - write: {{path: out.ndjson}}\n"
    );
    let workshop = Workshop::with_pipeline(&text);
    workshop.write("t.csv", csv);
    let manifest = workshop.run();
    let mut record = stage(&manifest, "e").clone();
    record["remarks"] = manifest["warnings"].clone();
    assert_eq!(unexplained(&record), Some(0), "{record}");
    (workshop.read_ndjson("out.ndjson"), record)
}

fn column(rows: &[Value], name: &str) -> Vec<Value> {
    rows.iter().map(|row| row[name].clone()).collect()
}

#[test]
fn named_values_become_columns_of_zeros_and_ones() {
    let (rows, record) = encode(TABLE, "{columns: {color: {one_hot: [red, blue]}}}");
    assert_eq!(column(&rows, "color_red"), [1, 0, 1, 0, 0]);
    assert_eq!(column(&rows, "color_blue"), [0, 1, 0, 0, 0]);
    assert!(rows[0].get("color").is_none() && rows[0].get("color_green").is_none());
    assert!(record["remarks"].to_string().contains("1 row with a value of `color` that has no code"), "{record}");
}

#[test]
fn an_order_gives_its_places_and_a_value_outside_has_none() {
    let (rows, _) = encode(TABLE, "{columns: {size: {order: [S, M, L]}}}");
    assert_eq!(column(&rows, "size"), [json!(0), json!(2), json!(1), Value::Null, Value::Null]);
}

#[test]
fn values_get_numbers_in_their_order_and_their_shares() {
    let (rows, _) = encode(TABLE, "{columns: {color: ordinal}, keep: true}");
    assert_eq!(column(&rows, "color_ordinal"), [json!(2), json!(0), json!(2), json!(1), Value::Null]);
    let (rows, _) = encode(TABLE, "{columns: {color: frequency}}");
    assert_eq!(column(&rows, "color"), [json!(0.5), json!(0.25), json!(0.5), json!(0.25), Value::Null]);
}

#[test]
fn buckets_depend_on_the_value_alone() {
    let (rows, _) = encode(TABLE, "{columns: {color: {hash: 8}}}");
    let buckets = column(&rows, "color");
    assert_eq!(buckets[0], buckets[2]);
    assert!(buckets[..4].iter().all(|bucket| (0..8).contains(&bucket.as_i64().unwrap())));
    assert_eq!(buckets[4], Value::Null);
}

#[test]
fn times_lie_on_circles() {
    let (rows, _) = encode(TABLE, "{columns: {day: {cyclic: [hour, weekday, quarter]}, hour: {period: 24}}}");
    let near = |name: &str, wanted: &[f64]| {
        for (row, wanted) in rows.iter().zip(wanted) {
            assert!((row[name].as_f64().unwrap() - wanted).abs() < 1e-12, "{name} of {row} is not {wanted}");
        }
    };
    // 0, 6, 12 and 18 o'clock are the four ends of a cross.
    near("day_hour_sin", &[0.0, 1.0, 0.0, -1.0]);
    near("day_hour_cos", &[1.0, 0.0, -1.0, 0.0]);
    near("hour_sin", &[0.0, 1.0, 0.0, -1.0]);
    near("day_quarter_cos", &[1.0, 0.0, -1.0, 0.0]);
    // 2024-01-01 was a Monday, 2024-10-06 a Sunday: cos(2 pi 6/7).
    near("day_weekday_cos", &[1.0, 0.623_489_801_858_733_6, -0.222_520_933_956_314_34, 0.623_489_801_858_733_6]);
}

#[test]
fn means_of_a_target_are_those_of_scikit_learn() {
    let oracle: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("tests/data/oracle/encode.json")).unwrap()).unwrap();
    let rows = oracle["rows"].as_array().unwrap();
    let mut csv = "x,y,known\n".to_owned();
    for row in rows {
        csv += &format!("{},{},yes\n", row[0].as_str().unwrap(), row[1]);
    }
    // Rows that are not learned from take the codes of all training rows.
    csv += "a,0,no\nb,0,no\nc,0,no\nd,0,no\nunseen,0,no\n";
    let text = "name: p
stages:
  - read: {path: t.csv, types: {x: string, known: string, y: double}}
  - derive: {place: \"case when known = 'yes' then 0 else 1 end\"}
  - split: {by: time, on: place, parts: {train: 0.96, test: 0.04}}
  - id: e
    encode: {columns: {x: {target: {column: y, smoothing: 5, folds: 4}}}, keep: true}
  - write: {path: out.ndjson}
";
    let workshop = Workshop::with_pipeline(text);
    workshop.write("t.csv", csv);
    let record = workshop.run();
    let found = workshop.read_ndjson("out.ndjson");
    let test: Vec<&Value> = found.iter().filter(|row| row["part"] == "test").collect();
    assert_eq!(test.len(), 5, "the split has put the known rows into train");
    for row in test {
        let wanted = match row["x"].as_str().unwrap() {
            "unseen" => oracle["mean"].as_f64().unwrap(),
            value => oracle["codes"][value].as_f64().unwrap(),
        };
        assert!((row["x_target"].as_f64().unwrap() - wanted).abs() < 1e-12, "{row} is not {wanted}");
    }
    assert!(record["warnings"].to_string().contains("1 row with"), "the unseen value is counted");
    // Training rows: the rows of one value and one fold share a code, which is not that of all rows.
    let mut codes: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for row in found.iter().filter(|row| row["part"] == "train") {
        codes.entry(row["x"].as_str().unwrap()).or_default().push(row["x_target"].as_f64().unwrap().to_bits());
    }
    for (value, codes) in &mut codes {
        codes.sort_unstable();
        codes.dedup();
        assert!((2..=4).contains(&codes.len()), "{value} has {} codes in 4 folds", codes.len());
    }
}

#[test]
fn the_target_of_a_row_does_not_speak_in_its_own_code() {
    let table = |first: f64| {
        let others: String = (0..40).map(|row| format!("{},{}\n", ["a", "b"][row % 2], row % 3)).collect();
        format!("x,y\nonly,{first}\n{others}")
    };
    let code = |first: f64| {
        let (rows, _) = encode(&table(first), "{columns: {x: {target: {column: y}}}, keep: true}");
        rows[0]["x_target"].as_f64().unwrap()
    };
    assert_eq!(code(0.0).to_bits(), code(1000.0).to_bits());
}

#[test]
fn what_cannot_be_encoded_is_refused_before_a_row_is_read() {
    for (columns, words) in [
        ("{color: {one_hot: []}}", "its first rows hold `{one_hot: [blue, green, red]}`"),
        ("{colour: ordinal}", "did you mean `color`?"),
        ("{color: {one_hot: [red, red]}}", "named twice"),
        ("{hour: {one_hot: [red]}}", "which column `hour` holds"),
        ("{color: {hash: 1}}", "at least two buckets"),
        ("{color: {cyclic: [hour]}}", "not dates or times"),
        ("{color: {period: 24}}", "not numbers"),
        ("{hour: {period: 0}}", "larger than 0"),
        ("{color: {target: {column: size}}}", "not numbers or booleans"),
        ("{color: {target: {column: y, folds: 1}}}", "at least 2"),
        ("{color: {target: {column: y, smoothing: -1}}}", "a number from 0"),
        ("{hour: {target: {column: hour}}}", "by itself"),
    ] {
        let text = format!("name: p\nstages:\n  - read: {{path: t.csv}}\n  - encode: {{columns: {columns}}}\n");
        let workshop = Workshop::with_pipeline(&text);
        workshop.write("t.csv", TABLE);
        let outcome = workshop.gristmill(["check", "p.yaml"]);
        assert_eq!(outcome.code, Some(2), "{columns}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(words), "{columns} gives\n{}", outcome.stderr);
    }
}
