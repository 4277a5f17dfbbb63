//! `reshape`: values in other rows and columns, and what the ledger says of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::support::{Workshop, stage, unexplained};

const SALES: &str = "store,quarter,sales\nA,Q1,1.5\nB,Q2,2\nA,Q1,3\nA,Q3,4\nB,Q9,5\nB,,6\n";

/// Runs one `reshape` over a CSV file and gives the rows with the stage's record.
#[track_caller]
fn reshape(csv: &str, options: &str) -> (Vec<Value>, Value) {
    let text = format!(
        "name: p\nstages:\n  - read: {{path: t.csv}}\n  - id: r\n    reshape: {options}\n  - write: {{path: out.ndjson}}\n"
    );
    let workshop = Workshop::with_pipeline(&text);
    workshop.write("t.csv", csv);
    let manifest = workshop.run();
    let mut record = stage(&manifest, "r").clone();
    record["remarks"] = manifest["warnings"].clone();
    assert_eq!(unexplained(&record), Some(0), "{record}");
    (workshop.read_ndjson("out.ndjson"), record)
}

#[track_caller]
fn refused(csv: &str, options: &str) -> String {
    let text = format!("name: p\nstages:\n  - read: {{path: t.csv}}\n  - reshape: {options}\n");
    let workshop = Workshop::with_pipeline(&text);
    workshop.write("t.csv", csv);
    let outcome = workshop.gristmill(["check", "p.yaml"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    outcome.stderr
}

#[test]
fn values_become_columns_and_those_without_a_column_are_counted() {
    let options = "{pivot: {index: store, on: quarter, columns: [Q1, Q2, Q3], compute: \"sum(sales)\", fill: 0}}";
    let (rows, record) = reshape(SALES, options);
    let wanted = [
        json!({"store": "A", "Q1": 4.5, "Q2": 0.0, "Q3": 4.0}),
        json!({"store": "B", "Q1": 0.0, "Q2": 2.0, "Q3": 0.0}),
    ];
    assert_eq!(rows, wanted);
    let remarks = record["remarks"].to_string();
    assert!(remarks.contains("2 rows with a `quarter` that is none of the columns"), "{record}");
}

#[test]
fn a_pivot_computes_any_aggregate_over_the_rows_of_a_value() {
    let options = "{pivot: {index: store, on: quarter, columns: [Q1, Q9], compute: \"count(*) filter (where sales > 1.5)\", prefix: n_}}";
    let (rows, _) = reshape(SALES, options);
    assert_eq!(rows, [json!({"store": "A", "n_Q1": 1, "n_Q9": 0}), json!({"store": "B", "n_Q1": 0, "n_Q9": 1})]);
}

#[test]
fn columns_become_rows_in_their_order() {
    let csv = "id,a,b\n1,10,\n2,,2.5\n";
    let (rows, _) = reshape(csv, "{unpivot: {columns: [a, b], name: what, value: n}}");
    let wanted = [
        json!({"id": 1, "what": "a", "n": 10.0}),
        json!({"id": 1, "what": "b", "n": null}),
        json!({"id": 2, "what": "a", "n": null}),
        json!({"id": 2, "what": "b", "n": 2.5}),
    ];
    assert_eq!(rows, wanted);
    let (rows, record) = reshape(csv, "{unpivot: {columns: [a, b], keep_nulls: false}}");
    assert_eq!(rows, [json!({"id": 1, "name": "a", "value": 10.0}), json!({"id": 2, "name": "b", "value": 2.5})]);
    assert!(record["ledger"]["changes"].to_string().contains("null"), "{record}");
}

#[test]
fn a_pivot_takes_an_unpivot_back() {
    let csv = "id,a,b,c\n1,10,20,30\n2,11,21,31\n3,12,22,32\n";
    let text = "name: p
stages:
  - read: {path: t.csv}
  - reshape: {unpivot: {columns: [a, b, c]}}
  - reshape: {pivot: {index: id, on: name, columns: [a, b, c], compute: \"first(value)\"}}
  - write: {path: out.csv}
";
    let workshop = Workshop::with_pipeline(text);
    workshop.write("t.csv", csv);
    workshop.run();
    assert_eq!(workshop.read("out.csv"), csv);
}

#[test]
fn elements_become_rows_and_rows_without_any_stay_or_are_counted() {
    let csv = "id,tags\n1,a;b\n2,\n3,c\n";
    let (rows, _) = reshape(csv, "{explode: {columns: tags, separator: \";\", position: n}}");
    let wanted = [
        json!({"id": 1, "tags": "a", "n": 1}),
        json!({"id": 1, "tags": "b", "n": 2}),
        json!({"id": 2, "tags": null, "n": null}),
        json!({"id": 3, "tags": "c", "n": 1}),
    ];
    assert_eq!(rows, wanted);
    let (rows, record) = reshape(csv, "{explode: {columns: tags, separator: \";\", keep_empty: false}}");
    assert_eq!(rows.len(), 3);
    let changes = record["ledger"]["changes"].to_string();
    assert!(changes.contains("without elements") && changes.contains("further elements"), "{changes}");
}

#[test]
fn a_text_is_cut_at_a_separator() {
    let csv = "name\n\"Curie, Marie\"\nPlato\n\"a, b, c\"\n\"\"\"x, y\"\"\"\n";
    let (rows, _) = reshape(csv, "{split: {column: name, separator: \", \", into: [last, first]}}");
    assert_eq!(rows[0], json!({"last": "Curie", "first": "Marie"}));
    assert_eq!(rows[1], json!({"last": "Plato", "first": null}));
    assert_eq!(rows[2], json!({"last": "a", "first": "b, c"}));
    let (rows, record) =
        reshape(csv, "{split: {column: name, separator: \", \", into: [last, first], rest: drop, keep: true}}");
    assert_eq!(rows[2], json!({"name": "a, b, c", "last": "a", "first": "b"}));
    assert!(record["remarks"].to_string().contains("1 texts"), "{record}");
}

#[test]
fn a_text_is_cut_by_the_groups_of_a_pattern() {
    let csv = "code\nA-1\nBB-22\nnone\n";
    let (rows, record) =
        reshape(csv, "{split: {column: code, pattern: \"^([A-Z]+)-([0-9]+)$\", into: [series, number]}}");
    assert_eq!(rows[1], json!({"series": "BB", "number": "22"}));
    assert_eq!(rows[2], json!({"series": null, "number": null}));
    assert!(record["remarks"].to_string().contains("do not match"), "{record}");
}

#[test]
fn what_cannot_be_reshaped_is_refused_before_a_row_is_read() {
    for (options, words) in [
        (
            "{pivot: {index: store, on: quarter, columns: [], compute: \"sum(sales)\"}}",
            "`columns` names no value of `quarter`",
        ),
        ("{pivot: {index: store, on: quater, columns: [Q1], compute: \"sum(sales)\"}}", "did you mean `quarter`?"),
        ("{pivot: {index: store, on: quarter, columns: [1], compute: \"sum(sales)\"}}", "which column `quarter` holds"),
        ("{pivot: {index: store, on: quarter, columns: [store], compute: \"sum(sales)\"}}", "two columns `store`"),
        ("{pivot: {index: store, on: quarter, columns: [Q1], compute: sales}}", "sales"),
        ("{unpivot: {columns: [store, sales]}}", "which has one type"),
        ("{unpivot: {columns: [sales], name: store}}", "column `store` exists already"),
        ("{explode: {columns: store}}", "`separator` says where it is cut"),
        ("{explode: {columns: sales}}", "not lists"),
        ("{split: {column: store, into: [a]}}", "say where it is cut"),
        ("{split: {column: store, separator: x, pattern: y, into: [a]}}", "either `separator` or `pattern`"),
        ("{split: {column: store, pattern: \"(a\", into: [a]}}", "no regular expression"),
        ("{split: {column: store, pattern: \"(a)\", into: [a, b]}}", "the pattern has 1 groups"),
        ("{split: {column: store, separator: x, into: [sales, b]}}", "two columns `sales`"),
    ] {
        let errors = refused(SALES, options);
        assert!(errors.contains(words), "{options} gives\n{errors}");
    }
}
