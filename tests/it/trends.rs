//! `trends`: series of real weather, what is refused, and what bad input becomes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::support::{Workshop, stage, unexplained};

/// A pipeline over `t.csv` with one `trends` stage `t`, which writes its product and a side table.
fn pipeline(read: &str, options: &str, side: &str) -> String {
    format!(
        "name: p\nstages:\n  - id: rows\n    read: {{path: t.csv{read}}}\n  - id: t\n    trends: {options}\n  \
         - write: {{path: out.ndjson}}\n  - id: side\n    from: t.{side}\n    write: {{path: side.ndjson}}\n"
    )
}

/// The rows of the product and of the side table, with the record of the stage.
#[track_caller]
fn trends(csv: &str, read: &str, options: &str, side: &str) -> (Vec<Value>, Vec<Value>, Value) {
    let workshop = Workshop::with_pipeline(&pipeline(read, options, side));
    workshop.write("t.csv", csv);
    let manifest = workshop.run();
    let mut record = stage(&manifest, "t").clone();
    record["remarks"] = manifest["warnings"].clone();
    assert_eq!(unexplained(&record), Some(0), "{record}");
    (workshop.read_ndjson("out.ndjson"), workshop.read_ndjson("side.ndjson"), record)
}

#[track_caller]
fn refused(csv: &str, options: &str) -> String {
    let workshop = Workshop::with_pipeline(&pipeline("", options, "tests"));
    workshop.write("t.csv", csv);
    let outcome = workshop.gristmill(["check", "p.yaml"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    outcome.stderr
}

const VISITS: &str =
    "day,shop,sales\n2024-01-05,A,3\n2024-01-01,A,1\n2024-01-01,A,2\n2024-01-04,A,\n2024-01-02,B,7\n,B,9\n";

#[test]
fn rows_in_any_order_become_one_value_for_each_day_and_gaps_are_listed() {
    let options = "{time: day, value: sales, by: shop, every: day, fill: linear, aggregate: mean}";
    let (rows, gaps, record) = trends(VISITS, "", options, "gaps");
    let shown: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {} {} {} {}", row["shop"], row["time"], row["value"], row["rows"], row["filled"]))
        .collect();
    let wanted = [
        "\"A\" \"2024-01-01\" 1.5 2 false",
        "\"A\" \"2024-01-02\" 1.875 0 true",
        "\"A\" \"2024-01-03\" 2.25 0 true",
        "\"A\" \"2024-01-04\" 2.625 0 true",
        "\"A\" \"2024-01-05\" 3.0 1 false",
        "\"B\" \"2024-01-02\" 7.0 1 false",
    ];
    assert_eq!(shown, wanted);
    assert_eq!(gaps.len(), 1);
    assert_eq!(
        (&gaps[0]["first"], &gaps[0]["last"], &gaps[0]["periods"]),
        (&"2024-01-02".into(), &"2024-01-04".into(), &3.into())
    );
    let text = record.to_string();
    assert!(text.contains("1 row without a time was left out"), "{text}");
    assert!(text.contains("too short for any method: needs 4 points, has 1"), "{text}");
}

#[test]
fn sums_and_counts_of_nothing_are_zero_and_months_are_months() {
    let csv = "at,n\n2023-11-30 23:59:59,1\n2024-02-01 00:00:00,5\n2024-02-29 12:00:00,6\n";
    let (rows, _, _) = trends(csv, "", "{time: at, value: n, every: month, aggregate: sum}", "tests");
    let shown: Vec<(String, f64)> =
        rows.iter().map(|row| (row["time"].as_str().unwrap().to_owned(), row["value"].as_f64().unwrap())).collect();
    let wanted = [("2023-11-01", 1.0), ("2023-12-01", 0.0), ("2024-01-01", 0.0), ("2024-02-01", 11.0)];
    assert_eq!(shown, wanted.map(|(time, value)| (time.to_owned(), value)));
    let (rows, _, _) = trends(csv, "", "{time: at, every: 12 hours}", "tests");
    assert_eq!(rows.iter().map(|row| row["value"].as_f64().unwrap()).sum::<f64>(), 3.0);
    let (rows, _, _) = trends(csv, "", "{time: at, value: n, every: year, aggregate: last}", "tests");
    assert_eq!(rows.iter().map(|row| row["value"].as_f64().unwrap()).collect::<Vec<_>>(), [1.0, 6.0]);
}

#[test]
fn days_are_those_of_the_zone_and_clock_changes_leave_no_gap_between_hours() {
    // Hours around the end of summer time in New York on 2013-11-03, and one shortly before midnight there.
    let csv = "at,x\n2013-11-03T04:30:00Z,1\n2013-11-03T05:30:00Z,2\n2013-11-03T06:30:00Z,3\n2013-11-03T03:30:00Z,4\n";
    let (rows, gaps, _) = trends(csv, "", "{time: at, zone: America/New_York, value: x, every: hour}", "gaps");
    assert_eq!((rows.len(), gaps.len()), (4, 0));
    let options = "{time: at, zone: America/New_York, value: x, every: day, aggregate: count}";
    let (rows, _, _) = trends(csv, "", options, "gaps");
    let shown: Vec<(&str, f64)> =
        rows.iter().map(|row| (row["time"].as_str().unwrap(), row["value"].as_f64().unwrap())).collect();
    assert_eq!(shown, [("2013-11-02", 1.0), ("2013-11-03", 3.0)]);
}

#[test]
fn a_week_of_days_is_found_foretold_and_judged() {
    let mut csv = "day,n\n".to_owned();
    for t in 0..140_i32 {
        let date = jiff::civil::date(2024, 1, 1).checked_add(jiff::Span::new().days(t)).unwrap();
        let shape = [10, 12, 14, 13, 15, 30, 25][(t % 7) as usize];
        csv += &format!("{date},{}\n", f64::from(shape) + 0.2 * f64::from(t) + f64::from(t * 37 % 11) * 0.1);
    }
    let options = "{time: day, value: n, every: day, forecast: {horizon: 14, folds: 3}}";
    let (rows, tests, record) = trends(&csv, "", options, "tests");
    assert_eq!(rows.len(), 154);
    let test = |name: &str| tests.iter().find(|row| row["test"] == name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(test("season")["estimate"], 7.0);
    // The slope is told for a year.
    let slope = test("theil_sen")["estimate"].as_f64().unwrap();
    assert!((slope / 365.2425 - 0.2).abs() < 0.01, "{slope}");
    assert!(test("season_strength")["estimate"].as_f64().unwrap() > 0.95);
    let coming: Vec<&Value> = rows.iter().skip(140).collect();
    for (step, row) in coming.iter().enumerate() {
        let t = 140 + step as i32;
        let shape = [10, 12, 14, 13, 15, 30, 25][(t % 7) as usize];
        let wanted = f64::from(shape) + 0.2 * f64::from(t) + 0.5;
        assert!((row["forecast"].as_f64().unwrap() - wanted).abs() < 1.5, "{row}");
        assert!(row["low"].as_f64() < row["forecast"].as_f64() && row["value"].is_null());
    }
    assert!(
        record.to_string().contains("Exponential smoothing beats the naive forecast by mean absolute error ("),
        "{record}"
    );
}

/// Sixty days of two shops around a level, with a rush on one day of the second.
fn rush() -> String {
    let mut csv = "day,shop,x\n".to_owned();
    for t in 0..60_i32 {
        let date = jiff::civil::date(2024, 1, 1).checked_add(jiff::Span::new().days(t)).unwrap();
        let noise = f64::from(t * 37 % 11) * 0.1;
        let rush = if t == 40 { 50.0 } else { 0.0 };
        csv += &format!("{date},A,{}\n{date},B,{}\n", 10.0 + noise, 20.0 + noise + rush);
    }
    csv
}

/// The table of that title, with the names of its columns.
fn table<'a>(record: &'a Value, title: &str) -> Option<(&'a Value, Vec<&'a str>)> {
    let found = record["exhibits"]
        .as_array()?
        .iter()
        .find_map(|exhibit| exhibit.get("table").filter(|table| table["title"] == title))?;
    Some((found, found["columns"].as_array()?.iter().filter_map(|column| column["name"].as_str()).collect()))
}

#[test]
fn outliers_are_marked_in_the_rows_the_picture_and_a_table() {
    let options = "{time: day, value: x, by: shop, every: day, period: none, outliers: 10}";
    let (rows, _, record) = trends(&rush(), "", options, "tests");
    let marked: Vec<&Value> = rows.iter().filter(|row| row["outlier"] == true).collect();
    assert_eq!(marked.len(), 1);
    assert_eq!((&marked[0]["shop"], &marked[0]["time"]), (&"B".into(), &"2024-02-10".into()));
    let (outliers, columns) = table(&record, "Outliers").unwrap();
    assert_eq!(columns, ["series", "time", "value", "expected", "away", "robust deviations"]);
    let cells = outliers["rows"][0].as_array().unwrap();
    assert_eq!(
        (outliers["rows"].as_array().unwrap().len(), &cells[0], &cells[1]),
        (1, &"B".into(), &"2024-02-10".into())
    );
    let sum = marked[0]["trend"].as_f64().unwrap();
    assert!((cells[3].as_f64().unwrap() - sum).abs() < 1e-9, "{cells:?}");
    let points: Vec<&Value> = record["exhibits"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|exhibit| exhibit["figure"]["mark"]["line"]["points"].get(0))
        .collect();
    assert_eq!(points.len(), 1, "{record}");
    assert_eq!(points[0]["y"], serde_json::json!([marked[0]["value"]]));
    // None of them: said.
    let (_, _, record) = trends(&rush(), "", &options.replace("outliers: 10", "outliers: 1000"), "tests");
    assert!(record.to_string().contains("There is no outlier: no value lies 1,000 robust deviations"), "{record}");
    // Most values lie on the trend: the mean deviation stands in for the median one. All of them: there is nothing to compare with.
    let options = "{time: day, value: x, every: day, period: 7, outliers: 4}";
    for (spike, marked, said) in
        [(9, 1, "Dots: 1 outlier"), (5, 0, "No outliers: trend and season explain all values exactly")]
    {
        let flat: String =
            (1..=28).map(|day| format!("2024-02-{day:02},{}\n", if day == 14 { spike } else { 5 })).collect();
        let (rows, tests, record) = trends(&format!("day,x\n{flat}"), "", options, "tests");
        assert_eq!(rows.iter().filter(|row| row["outlier"] == true).count(), marked, "{record}");
        assert!(record.to_string().contains(said), "{record}");
        // What rounding leaves is neither a season nor a trend.
        if marked == 0 {
            assert!(rows.iter().all(|row| row["season"] == 0.0 && row["remainder"] == 0.0), "{rows:?}");
            let trend = tests.iter().find(|row| row["test"] == "mann_kendall").unwrap();
            assert_eq!(trend["remark"], "not defined: all values are equal");
        }
    }
}

#[test]
fn a_single_series_has_no_column_for_its_name() {
    let options = "{time: day, value: x, every: day, period: none, outliers: 10}";
    let (_, _, record) = trends(&rush(), "", options, "tests");
    let tables: Vec<&Value> =
        record["exhibits"].as_array().unwrap().iter().filter_map(|one| one.get("table")).collect();
    assert!(tables.len() >= 3, "{record}");
    for table in tables {
        assert!(!table["columns"].to_string().contains("\"series\""), "{table}");
        let width = table["columns"].as_array().unwrap().len();
        assert!(table["rows"].as_array().unwrap().iter().all(|row| row.as_array().unwrap().len() == width), "{table}");
    }
}

#[test]
fn what_cannot_be_is_refused_at_its_place() {
    let message = refused(VISITS, "{time: day, value: sales, every: fortnight}");
    assert!(message.contains("`fortnight` is no length of a period") && message.contains("p.yaml:6"), "{message}");
    let message = refused(VISITS, "{time: day, value: sales, every: hour}");
    assert!(message.contains("column `day` holds dates, which do not tell a hour"), "{message}");
    let message = refused(VISITS, "{time: shop, value: sales, every: day}");
    assert!(message.contains("column `shop` holds text, not times"), "{message}");
    let message = refused(VISITS, "{time: day, value: shop, every: day}");
    assert!(message.contains("column `shop` holds string, not numbers"), "{message}");
    let message = refused(VISITS, "{time: day, value: salse, every: day}");
    assert!(message.contains("did you mean `sales`?"), "{message}");
    let message = refused(VISITS, "{time: day, every: day, aggregate: mean}");
    assert!(message.contains("`aggregate: mean` needs a `value`"), "{message}");
    let message =
        refused(VISITS, "{time: day, value: sales, every: day, period: 1, confidence: 95, forecast: {horizon: 0}}");
    for part in ["`period` must be", "`confidence` must lie", "`horizon` must be"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let message = refused(VISITS, "{time: day, zone: Mars/Olympus, value: sales, every: day}");
    assert!(message.contains("unknown time zone `Mars/Olympus`"), "{message}");
    let message = refused(VISITS, "{time: day, zone: Europe/Berlin, value: sales, every: day}");
    assert!(message.contains("which are no instants"), "{message}");
}

#[test]
fn bad_input_is_an_error_or_a_stated_result() {
    let options = "{time: day, value: x, every: day, forecast: {horizon: 30}, outliers: 4}";
    let types = ", types: {day: date, x: double}";
    // No row, one row, no usable row.
    for (csv, rows) in [("day,x\n", 0), ("day,x\n2024-01-01,1\n", 1), ("day,x\n2024-01-01,\n,3\n2024-01-02,NaN\n", 0)] {
        let (found, _, record) = trends(csv, types, options, "tests");
        assert_eq!(found.len(), rows, "{csv}: {record}");
    }
    // Constant and enormous values.
    for value in ["5", "1e300", "-1e300", "0"] {
        let csv: String = (1..=28).map(|day| format!("2024-02-{day:02},{value}\n")).collect();
        let (found, tests, record) = trends(&format!("day,x\n{csv}"), types, options, "tests");
        assert_eq!(found.len(), 28, "{record}");
        assert!(record.to_string().contains("the horizon of 30 is longer than the series of 28 points"), "{record}");
        let trend = tests.iter().find(|row| row["test"] == "mann_kendall").unwrap();
        assert_eq!(trend["remark"], "not defined: all values are equal");
    }
    // A stray time in the far future.
    let workshop = Workshop::with_pipeline(&pipeline(types, options, "tests"));
    workshop.write("t.csv", "day,x\n2024-01-01,1\n2024-01-02,2\n9999-12-31,3\n");
    let outcome = workshop.gristmill(["run", "p.yaml"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("goes from 2024-01-01 to 9999-12-31"), "{}", outcome.stderr);
    // More groups than anybody would look at.
    let workshop = Workshop::with_pipeline(&pipeline("", "{time: day, by: id, every: day}", "tests"));
    let rows: String = (0..20_000).map(|id| format!("2024-01-01,{id}\n")).collect();
    workshop.write("t.csv", format!("day,id\n{rows}"));
    let outcome = workshop.gristmill(["run", "p.yaml"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("there are more than 10,000 groups"), "{}", outcome.stderr);
}
