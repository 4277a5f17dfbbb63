//! Lists of a fixed length (`tests/oracle/fixed_lists.py`): read, nested, held, written and taken as lists as pyarrow reads them; and
//! lengths that would end a reader or take its memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::support::{Workshop, root, stage, unexplained};

fn workshop(stages: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(&format!("name: lists\nstages:\n{stages}"));
    for entry in std::fs::read_dir(root().join("tests/data/fixed_lists")).unwrap() {
        let path = entry.unwrap().path();
        workshop.write(path.file_name().unwrap().to_str().unwrap(), std::fs::read(&path).unwrap());
    }
    workshop
}

/// The column of each row.
fn values(rows: &[Value], name: &str) -> Vec<Value> {
    rows.iter().map(|row| row[name].clone()).collect()
}

#[test]
fn lists_of_a_fixed_length_are_read_and_written_as_they_are() {
    let workshop = workshop(
        "  - id: rows\n    read: {path: lists.parquet}\n  - write: {path: out.ndjson}\n  - write: {path: again.parquet}\n\
         \x20 - id: arrow\n    read: {path: lists.arrow}\n  - write: {path: arrow.ndjson}\n\
         \x20 - id: nulls\n    read: {path: nulls.parquet}\n  - write: {path: nulls_out.ndjson}\n\
         \x20 - id: none\n    read: {path: none.parquet}\n  - write: {path: none.ndjson}\n",
    );
    let run = workshop.run();
    assert_eq!(workshop.read_ndjson("out.ndjson"), workshop.read_ndjson("lists.ndjson"));
    assert_eq!(workshop.read_ndjson("arrow.ndjson"), workshop.read_ndjson("lists.ndjson"));
    assert_eq!(workshop.read_ndjson("nulls_out.ndjson"), workshop.read_ndjson("nulls.ndjson"));
    assert_eq!(workshop.read("none.ndjson"), "");
    assert_eq!(unexplained(stage(&run, "rows")), Some(0));
    workshop.write(
        "p.yaml",
        "name: again\nstages:\n  - read: {path: again.parquet}\n  - filter: id > 3\n  - write: {path: out.ndjson}\n",
    );
    workshop.run();
    assert_eq!(workshop.read_ndjson("out.ndjson"), workshop.read_ndjson("lists.ndjson")[3..]);
}

#[test]
fn they_are_taken_as_lists_by_functions_and_kept_by_everything_that_moves_rows() {
    let workshop = workshop(
        "  - id: rows\n    read: {path: lists.parquet}\n\
         \x20 - derive: {odd: id % 2 = 1, second: 'picture[2]', length: length(picture), total: list_sum(picture), longer: 'picture || [10]'}\n\
         \x20 - dedupe: {on: id}\n\
         \x20 - join: {with: rows, on: id, take: {picture: same}}\n\
         \x20 - id: sorted\n    sort: {by: id desc}\n\
         \x20 - write: {path: out.ndjson}\n\
         \x20 - id: each\n    from: sorted\n    reshape: {explode: {columns: picture}}\n  - write: {path: each.ndjson}\n\
         \x20 - id: groups\n    from: sorted\n    aggregate: {by: odd, compute: {n: count(picture), one: first(picture)}}\n\
         \x20 - sort: {by: odd}\n  - write: {path: groups.ndjson}\n",
    );
    workshop.run();
    let mut rows = workshop.read_ndjson("out.ndjson");
    rows.reverse();
    let stored = workshop.read_ndjson("lists.ndjson");
    for name in ["picture", "score", "many", "held", "matrix"] {
        assert_eq!(values(&rows, name), values(&stored, name));
    }
    assert_eq!(values(&rows, "same"), values(&stored, "picture"));
    assert_eq!(Value::from(values(&rows, "second")), json!([2, null, null, 255, 9, null, null]));
    assert_eq!(Value::from(values(&rows, "length")), json!([3, null, 3, 3, 3, null, 3]));
    assert_eq!(Value::from(values(&rows, "longer"))[0], json!([1, 2, 3, 10]));
    assert_eq!(values(&rows, "total")[..4], [json!(6), json!(null), json!(10), json!(262)]);
    let each = workshop.read_ndjson("each.ndjson");
    assert_eq!(Value::from(values(&each, "picture")[..3].to_vec()), json!([null, null, null]));
    assert_eq!(each.len(), 17);
    let groups = workshop.read_ndjson("groups.ndjson");
    assert_eq!(
        Value::from(groups),
        json!([{"odd": false, "n": 1, "one": null}, {"odd": true, "n": 4, "one": [null, null, null]}])
    );
}

#[test]
fn what_cannot_use_them_refuses_them_by_name() {
    let cases = [
        ("filter: picture = picture", "array(uint8, 3)"),
        ("sort: {by: picture}", "column `picture` holds array(uint8, 3)"),
        ("dedupe: {on: picture}", "array(uint8, 3)"),
        ("derive: {x: picture + 1}", "array(uint8, 3)"),
        ("derive: {x: cast(picture as varchar)}", "array(uint8, 3)"),
        ("write: {path: out.csv}", "column `picture` holds array(uint8, 3), which CSV has no form for"),
    ];
    for (stage, says) in cases {
        let workshop = workshop(&format!("  - read: {{path: nulls.parquet}}\n  - {stage}\n"));
        let outcome = workshop.gristmill(["check", "p.yaml"]);
        assert_eq!(outcome.code, Some(2), "{stage}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(says), "{stage}: {}", outcome.stderr);
    }
}

#[test]
fn lengths_that_no_reader_survives_are_refused_by_name() {
    let cases = [
        ("lengths", 3, "column `picture` has type array(uint8, 0)"),
        ("endless", 3, "column `picture` has type array(uint8, 2147483647)"),
        ("wide", 4, "column `picture` of type array(int64, 2000000) takes 37.3 GiB in row group 1"),
    ];
    for (name, code, says) in cases {
        let workshop = workshop(&format!("  - read: {{path: {name}.parquet}}\n  - write: {{path: out.ndjson}}\n"));
        let outcome = workshop.gristmill(["run", "p.yaml", "--quiet", "--memory", "2GiB"]);
        assert_eq!(outcome.code, Some(code), "{name}: {}", outcome.stderr);
        let told = outcome.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(says), "{name}: {}", outcome.stderr);
        assert!(!workshop.exists("out.ndjson"));
    }
}
