//! Workbooks, Arrow, fixed width, partitions, several tables and notations, against what pandas and Python read from the same files
//! (`tests/oracle/formats_pandas.py`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::support::{Outcome, Workshop, root};

fn data() -> PathBuf {
    root().join("tests/data/formats")
}

/// A folder with copies of the files; of a folder, all files below it.
fn workshop(names: &[&str]) -> Workshop {
    let workshop = Workshop::new();
    for name in names {
        copy(&workshop, &data().join(name), name);
    }
    workshop
}

fn copy(workshop: &Workshop, from: &Path, name: &str) {
    if !from.is_dir() {
        workshop.write(name, std::fs::read(from).unwrap());
        return;
    }
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        copy(workshop, &path, &format!("{name}/{}", path.file_name().unwrap().to_str().unwrap()));
    }
}

fn stored(case: &str) -> Vec<Map<String, Value>> {
    let text = std::fs::read_to_string(root().join("tests/data/oracle/formats.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(all[case].clone()).unwrap()
}

fn run(workshop: &Workshop, stages: &str) -> Vec<Value> {
    workshop.write("p.yaml", format!("name: x\nstages:\n{stages}  - write: {{path: out.ndjson}}\n"));
    workshop.run();
    workshop.read_ndjson("out.ndjson")
}

fn fails(workshop: &Workshop, stages: &str, code: i32) -> Outcome {
    workshop.write("p.yaml", format!("name: x\nstages:\n{stages}  - write: {{path: out.ndjson}}\n"));
    if workshop.exists("out.ndjson") {
        std::fs::remove_file(workshop.path().join("out.ndjson")).unwrap();
    }
    let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert_eq!(outcome.code, Some(code), "{}", outcome.stderr);
    assert!(!workshop.exists("out.ndjson"));
    outcome
}

/// Whether two values are the same but for the spelling of numbers and of datetimes.
fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-9 * a.abs().max(1.0)
        }
        (Value::String(a), Value::String(b)) => {
            a == b || a.replace('T', " ").trim_end_matches(".000000") == b.replace('T', " ")
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (a, b) => a == b,
    }
}

#[track_caller]
fn agree(found: &[Value], case: &str) {
    let expected = stored(case);
    assert_eq!(found.len(), expected.len(), "{case}: rows");
    for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
        for (name, value) in expected {
            assert!(same(&found[name], value), "{case}, row {number}, {name}: {} is not {value}", found[name]);
        }
        assert_eq!(found.as_object().unwrap().len(), expected.len(), "{case}: columns");
    }
}

#[test]
fn workbooks_read_as_pandas_reads_them() {
    let workshop = workshop(&["orders.xlsx", "orders.xls", "orders.ods"]);
    agree(&run(&workshop, "  - read: {path: orders.xlsx, table: 1}\n"), "orders.xlsx table 1");
    agree(&run(&workshop, "  - read: {path: orders.xlsx, sheet: Orders, table: People}\n"), "orders.xlsx table 2");
    agree(&run(&workshop, "  - read: {path: orders.xlsx, sheet: Orders, range: \"A12:B14\"}\n"), "orders.xlsx table 2");
    agree(&run(&workshop, "  - read: {path: orders.xlsx, sheet: 3}\n"), "orders.xlsx second");
    agree(&run(&workshop, "  - read: {path: orders.xls}\n"), "orders.xls");
    agree(&run(&workshop, "  - read: {path: orders.ods}\n"), "orders.ods");
}

#[test]
fn a_sheet_with_several_tables_is_refused_with_a_list_of_them() {
    let workshop = workshop(&["orders.xlsx"]);
    let outcome = fails(&workshop, "  - read: {path: orders.xlsx}\n", 3);
    assert!(outcome.stderr.contains("2 tables"), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("`Orders of the north`") && outcome.stderr.contains("`People`"),
        "{}",
        outcome.stderr
    );
    let outcome = fails(&workshop, "  - read: {path: orders.xlsx, sheet: Order}\n", 2);
    assert!(outcome.stderr.contains("did you mean `Orders`?"), "{}", outcome.stderr);
}

#[test]
fn a_bad_cell_is_told_by_its_sheet_row_and_column() {
    let workshop = workshop(&["orders.xlsx"]);
    let outcome = fails(&workshop, "  - read: {path: orders.xlsx, table: 1, types: {note: bigint}}\n", 3);
    assert!(outcome.stderr.contains("sheet `Orders`, row 4"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("column `note`"), "{}", outcome.stderr);
    let rows = run(
        &workshop,
        "  - read: {path: orders.xlsx, table: 1, types: {amount: bigint}, on_error: reject, rejects: bad.parquet}\n",
    );
    assert_eq!(rows.len(), 2, "12.5 and 0.1 are no bigint, nor is 1e20");
    let rejects = run(&workshop, "  - read: {path: bad.parquet}\n");
    let lines: Vec<&Value> = rejects.iter().map(|reject| &reject["line"]).collect();
    assert_eq!(lines, [4, 6, 7], "rows of the sheet: a text of two lines does not move them");
}

#[test]
fn arrow_files_read_as_pyarrow_reads_them() {
    let workshop = workshop(&["cities_lz4.arrow", "cities_uncompressed.arrow", "cities_zstd.arrow"]);
    for file in ["cities_lz4.arrow", "cities_uncompressed.arrow"] {
        agree(&run(&workshop, &format!("  - read: {{path: {file}}}\n")), "cities");
    }
    let outcome = fails(&workshop, "  - read: {path: cities_zstd.arrow}\n", 3);
    assert!(outcome.stderr.contains("zstd"), "{}", outcome.stderr);
    assert_eq!(run(&workshop, "  - read: {path: cities_lz4.arrow, rows: 250, columns: [id]}\n").len(), 250);
}

#[test]
fn fixed_width_reads_as_pandas_reads_it() {
    let workshop = workshop(&["accounts.dat"]);
    let columns = "{id: {width: 6}, name: {width: 20}, balance: {start: 29, width: 8}, opened: {start: 38, width: 10}}";
    let read = format!("  - read: {{path: accounts.dat, encoding: latin-1, fixed_width: {{columns: {columns}}}");
    agree(&run(&workshop, &format!("{read}}}\n")), "accounts.dat");
    let strict =
        format!("  - read: {{path: accounts.dat, encoding: latin-1, fixed_width: {{columns: {columns}, length: 47}}");
    let outcome = fails(&workshop, &format!("{strict}}}\n"), 3);
    assert!(
        outcome.stderr.contains("accounts.dat, line 3: the line has 9 characters, but 47 are expected"),
        "{}",
        outcome.stderr
    );
    let rows = run(&workshop, &format!("{strict}, on_error: reject, rejects: bad.parquet}}\n"));
    assert_eq!(rows.len(), 3);
    let rejects = run(&workshop, "  - read: {path: bad.parquet}\n");
    assert_eq!(
        (rejects.len(), &rejects[0]["line"], &rejects[0]["raw"]),
        (1, &Value::from(3), &Value::from("000125Bob"))
    );
    let outcome = fails(&workshop, &format!("{read}, types: {{balance: bigint}}}}\n"), 3);
    assert!(outcome.stderr.contains("accounts.dat, line 1") && outcome.stderr.contains("-12.50"), "{}", outcome.stderr);
}

#[test]
fn folders_are_columns_and_leave_files_out() {
    let workshop = workshop(&["sales"]);
    let sorted = "  - sort: {by: item}\n";
    agree(&run(&workshop, &format!("  - read: {{path: sales, hive: true}}\n{sorted}")), "sales");
    let some = run(
        &workshop,
        &format!("  - read: {{path: sales, hive: true, partitions: \"year = 2024 and city is null\"}}\n{sorted}"),
    );
    let expected: Vec<Value> = stored("sales")
        .into_iter()
        .filter(|row| row["year"] == 2024 && row["city"].is_null())
        .map(Value::Object)
        .collect();
    assert_eq!(some.len(), expected.len());
    assert!(some.iter().zip(&expected).all(|(found, expected)| found["item"] == expected["item"]));
    let outcome = fails(&workshop, "  - read: {path: sales, hive: true, partitions: \"yaer = 2024\"}\n", 2);
    assert!(outcome.stderr.contains("did you mean `year`?"), "{}", outcome.stderr);
    let outcome = fails(&workshop, "  - read: {path: sales, hive: true, partitions: \"year = 1999\"}\n", 3);
    assert!(outcome.stderr.contains("no folder meets"), "{}", outcome.stderr);
}

#[test]
fn folders_are_columns_of_text_files_too() {
    let workshop = Workshop::new();
    workshop.write("in/day=2024-01-31/a.csv", "id,x\n1,2\n");
    workshop.write("in/day=2024-02-01/b.csv", b"id,x\n3,\xe9\n");
    let rows = run(
        &workshop,
        "  - read: {path: \"in/**/*.csv\", hive: true, encoding: latin-1, filename: source}\n  - sort: {by: id}\n",
    );
    assert_eq!(rows[1]["day"], "2024-02-01");
    assert_eq!((&rows[1]["x"], &rows[1]["source"]), (&Value::from("é"), &Value::from("in/day=2024-02-01/b.csv")));
}

#[test]
fn tables_in_a_text_file_are_found_and_chosen() {
    let workshop = workshop(&["report.csv"]);
    let outcome = fails(&workshop, "  - read: {path: report.csv}\n", 3);
    assert!(outcome.stderr.contains("2 tables"), "{}", outcome.stderr);
    agree(&run(&workshop, "  - read: {path: report.csv, table: 1}\n"), "report.csv table 1");
    agree(&run(&workshop, "  - read: {path: report.csv, table: Targets}\n"), "report.csv table 2");
    let outcome = fails(&workshop, "  - read: {path: report.csv, table: 2, types: {target: date}}\n", 3);
    assert!(outcome.stderr.contains("report.csv, line 11"), "{}", outcome.stderr);
    workshop.write("titled.csv", "Sales\nof 2024\n\nid,amount\n1,2.5\n2,3.5\n\nSource: us\n");
    let rows = run(&workshop, "  - read: {path: titled.csv}\n");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1]["amount"], 3.5);
    let check = workshop.gristmill(["check", "p.yaml"]).success();
    assert!(
        check.stderr.contains("left out") || check.stdout.contains("left out"),
        "{} {}",
        check.stdout,
        check.stderr
    );
}

#[test]
fn init_writes_a_stage_for_each_table() {
    let workshop = workshop(&["orders.xlsx", "report.csv", "notation.csv"]);
    let text = workshop.gristmill(["init", "orders.xlsx", "report.csv", "notation.csv"]).success().stdout;
    for id in ["orders_of_the_north", "people", "second_one", "targets", "notation_clean"] {
        assert!(text.contains(&format!("- id: {id}")), "{id}\n{text}");
    }
    workshop.write("p.yaml", &text);
    workshop.run();
}

#[test]
fn notations_are_told_and_read_as_python_reads_them() {
    let workshop = workshop(&["notation.csv"]);
    agree(&run(&workshop, "  - read: {path: notation.csv}\n  - clean: {auto: true, on_error: fail}\n"), "notation.csv");
    let manifest = workshop.manifest().to_string();
    assert!(manifest.contains("%d/%m/%Y") && manifest.contains("rules to paste"));
    // The same rules, written by `init`, read the same.
    let text = workshop.gristmill(["init", "notation.csv"]).success().stdout;
    let clean: String = text
        .lines()
        .skip_while(|line| !line.starts_with("    clean:"))
        .take_while(|line| !line.starts_with("  #"))
        .fold(String::new(), |text, line| format!("{text}{line}\n"));
    let pasted = clean.replacen("    clean:", "  - clean:", 1);
    agree(&run(&workshop, &format!("  - read: {{path: notation.csv}}\n{pasted}")), "notation.csv");
}

#[test]
fn a_report_changes_nothing() {
    let workshop = workshop(&["notation.csv"]);
    let before = run(&workshop, "  - read: {path: notation.csv}\n");
    let after = run(&workshop, "  - read: {path: notation.csv}\n  - clean: {auto: true, report: true}\n");
    assert_eq!(before, after);
    let manifest = workshop.manifest().to_string();
    assert!(manifest.contains("Told from all rows") && manifest.contains("What would be cleaned"));
}

/// A column of days of which the first rows (all that planning sees) do not tell the order.
fn undecided(last: &str) -> String {
    let mut text = "id,when\n".to_owned();
    for id in 0..20_500 {
        text.push_str(&format!("{id},0{}/0{}/2024\n", id % 9 + 1, id % 7 + 1));
    }
    text + last
}

#[test]
fn the_whole_column_decides_the_order_of_day_and_month() {
    let workshop = Workshop::new();
    workshop.write("days.csv", undecided("20500,25/12/2023\n"));
    let clean = "  - read: {path: days.csv}\n  - clean: {auto: true}\n";
    let rows = run(&workshop, clean);
    assert_eq!((&rows[0]["when"], &rows[20_500]["when"]), (&Value::from("2024-01-01"), &Value::from("2023-12-25")));
    assert_eq!(rows[1]["when"], "2024-02-02");
    assert_eq!(rows[7]["when"], "2024-01-08", "08/01 is the eighth of January");
    workshop.write("days.csv", undecided("20500,12/25/2023\n"));
    let rows = run(&workshop, clean);
    assert_eq!((&rows[7]["when"], &rows[20_500]["when"]), (&Value::from("2024-08-01"), &Value::from("2023-12-25")));
    workshop.write("days.csv", undecided("20500,12/25/2023\n20501,25/12/2023\n"));
    std::fs::remove_file(workshop.path().join("out.ndjson")).unwrap();
    let outcome = fails(&workshop, clean, 3);
    assert!(outcome.stderr.contains("25/12/2023") && outcome.stderr.contains("12/25/2023"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("day_first"), "{}", outcome.stderr);
    let rows = run(&workshop, "  - read: {path: days.csv}\n  - clean: {auto: true, day_first: true}\n");
    assert_eq!((&rows[20_500]["when"], &rows[20_501]["when"]), (&Value::Null, &Value::from("2023-12-25")));
}

#[test]
fn an_order_that_nothing_tells_is_named_an_assumption() {
    let workshop = Workshop::new();
    workshop.write("days.csv", undecided(""));
    let rows = run(&workshop, "  - read: {path: days.csv}\n  - clean: {auto: true}\n");
    assert_eq!(rows[7]["when"], "2024-01-08");
    assert!(workshop.manifest().to_string().contains("it is assumed that the day comes first"));
}

#[test]
fn rows_with_unreadable_values_are_set_aside_and_accounted_for() {
    let workshop = Workshop::new();
    let mut text = "id,amount\n".to_owned();
    (0..60).for_each(|id| text.push_str(&format!("{id},\"1,{id:03}.5\"\n")));
    text.push_str("60,soon\n61,NA\n");
    workshop.write("x.csv", text);
    let rows =
        run(&workshop, "  - read: {path: x.csv}\n  - clean: {auto: true, on_error: reject, rejects: bad.parquet}\n");
    assert_eq!(rows.len(), 61);
    assert_eq!((&rows[7]["amount"], &rows[60]["amount"]), (&Value::from(1007.5), &Value::Null));
    let rejects = run(&workshop, "  - read: {path: bad.parquet}\n");
    assert_eq!(rejects, [serde_json::json!({"id": 60, "amount": "soon"})]);
    std::fs::remove_file(workshop.path().join("out.ndjson")).unwrap();
    let outcome = fails(&workshop, "  - read: {path: x.csv}\n  - clean: {auto: true, on_error: fail}\n", 3);
    assert!(outcome.stderr.contains("amount = `soon`"), "{}", outcome.stderr);
}

#[test]
fn clean_tells_the_columns_of_workbooks_and_other_encodings_when_it_is_planned() {
    let workshop = workshop(&["accounts.dat"]);
    workshop.write("x.csv", b"name;total\nZo\xeb;1.234,50\nAnn;2,00\n");
    let rows = run(&workshop, "  - read: {path: x.csv, encoding: latin-1}\n  - clean: {auto: true}\n");
    assert_eq!((&rows[0]["name"], &rows[0]["total"]), (&Value::from("Zoë"), &Value::from(1234.5)));
    let columns = "{id: {width: 6}, name: {width: 20}, balance: {start: 29, width: 8}}";
    let read = format!(
        "  - read: {{path: accounts.dat, encoding: latin-1, types: {{balance: string}}, fixed_width: {{columns: {columns}}}}}\n"
    );
    let check = "  - clean: {auto: true}\n";
    assert!(fails(&workshop, &format!("{read}{check}"), 3).stderr.contains("behind the last column"));
    let read = read.replace("width: 8", "width: 19");
    let rows = run(&workshop, &format!("{read}{check}"));
    assert_eq!(rows.len(), 4);
}
