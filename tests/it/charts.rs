//! Charts of rows: what is computed for a mark, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::support::{Workshop, stage};

fn workshop(chart: &str, rows: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(&format!(
        "name: charts\nstages:\n  - read: {{path: rows.csv}}\n  - id: drawn\n    chart: {chart}\n"
    ));
    workshop.write("rows.csv", rows);
    workshop
}

/// The mark of the figure that the stage shows.
fn mark(workshop: &Workshop) -> Value {
    stage(&workshop.run(), "drawn")["exhibits"][0]["figure"]["mark"].clone()
}

#[test]
fn a_box_reaches_from_quartile_to_quartile_and_names_what_lies_beyond() {
    let values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 100];
    let rows: String = values.iter().map(|value| format!("a,{value}\n")).collect();
    let workshop = workshop("{mark: box, x: kind, y: value}", &format!("kind,value\n{rows}b,1000\nc,\n"));
    let drawn = &mark(&workshop)["box_plot"];
    // The category with the highest median comes first; one without values has no box.
    assert_eq!(drawn["categories"], json!(["b", "a"]));
    // numpy.quantile([1..9, 100], [.25, .5, .75]); the whiskers end at 9 because 7.75 + 1.5 * 4.5 is less than 100.
    let expected =
        json!({"low": 1.0, "q25": 3.25, "median": 5.5, "q75": 7.75, "high": 9.0, "mean": 14.5, "beyond": [100.0]});
    assert_eq!(drawn["spreads"][1], expected);
}

#[test]
fn intervals_stand_beside_their_estimates() {
    let rows = "kind,value,from,to\na,1,0,3\nb,2,,\n";
    let workshop = workshop("{mark: interval, x: kind, y: value, low: from, high: to}", rows);
    let drawn = &mark(&workshop)["interval"];
    assert_eq!(drawn["categories"], json!(["a", "b"]));
    let series = &drawn["series"][0];
    assert_eq!((&series["values"], &series["low"]), (&json!([1.0, 2.0]), &json!([0.0, null])));
    assert_eq!(series["high"], json!([3.0, null]));
}

#[test]
fn a_line_has_a_band_of_aggregates() {
    let rows = "day,value\n1,1\n1,5\n2,4\n";
    let workshop = workshop("{mark: line, x: day, y: avg(value), low: min(value), high: max(value)}", rows);
    let drawn = &mark(&workshop)["line"];
    assert_eq!(drawn["bands"], json!([{"series": 0, "low": [1.0, 4.0], "high": [5.0, 4.0]}]));
}

#[test]
fn what_does_not_fit_together_is_refused_at_its_place() {
    for (chart, message) in [
        ("{mark: interval, x: kind, y: value}", "an interval needs `low` and `high`"),
        ("{mark: line, x: kind, y: value, low: value}", "`low` needs `high`"),
        ("{mark: line, x: kind, y: value, high: value}", "`high` needs `low`"),
        ("{mark: bar, x: kind, y: value, low: value, high: value}", "`low` and `high` belong to lines and intervals"),
        ("{mark: line, x: kind, y: avg(value), low: value, high: value}", "all aggregates, or none of them is"),
        ("{mark: line, x: kind, y: value, low: kind, high: value}", "this is string, not a number"),
        ("{mark: box, x: kind, y: avg(value)}", "a number of each row, not an aggregate"),
        ("{mark: box, x: kind}", "this mark needs `y`"),
    ] {
        let outcome = workshop(chart, "kind,value\na,1\n").gristmill(["check", "p.yaml"]);
        assert_eq!(outcome.code, Some(2), "{chart}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(message), "{chart}: {}", outcome.stderr);
    }
}

#[test]
fn too_many_boxes_are_a_limit_that_is_named() {
    let rows: String = (0..2_100).map(|row| format!("k{row},1\n")).collect();
    let outcome =
        workshop("{mark: box, x: kind, y: value}", &format!("kind,value\n{rows}")).gristmill(["run", "p.yaml"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("more than 2000 boxes would be drawn"), "{}", outcome.stderr);
}
