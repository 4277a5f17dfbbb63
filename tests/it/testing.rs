//! `gristmill test`: tests that stand in a pipeline file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::support::{Outcome, Workshop, root};

const PIPELINE: &str = "\
name: p
params: {limit: 15}
stages:
  - id: flights
    read: {path: flights.csv}
  - id: planes
    read: {path: planes.csv, types: {year: bigint}}
  - id: joined
    from: flights
    join: {with: planes, on: tail, how: left, take: {year: built}}
  - id: marked
    derive: {late: \"delay > ${limit}\"}
  - id: kept
    filter: \"delay is not null\"
  - write: {path: out/kept.csv}
";

const FLIGHTS: &str = "day,tail,delay\n2013-01-01,N1,10\n2013-01-02,N2,20.5\n";

fn workshop(tests: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(&format!("{PIPELINE}test:\n{tests}"));
    workshop.write("flights.csv", FLIGHTS);
    workshop.write("planes.csv", "tail,year\nN1,2001\n");
    workshop
}

fn test(tests: &str) -> Outcome {
    let workshop = workshop(tests);
    let before = workshop.everything();
    let outcome = workshop.gristmill(["test", "p.yaml"]);
    assert_eq!(workshop.everything(), before, "a test leaves nothing behind");
    outcome
}

const GIVEN: &str = "    given:
      flights:
        - {day: 2013-05-01, tail: N7, delay: 30}
        - {tail: N8}
      planes: |
        tail,year
        N7,1999
";

#[test]
fn given_rows_stand_in_the_place_of_stages_and_left_out_columns_are_null() {
    let outcome = test(&format!(
        "  - name: a\n{GIVEN}    expect:
      marked:
        - {{tail: N8, delay: null, built: null, late: null}}
        - {{tail: N7, delay: 30, built: 1999, late: true}}
      kept: {{count: 1, rows: [{{day: 2013-05-01}}]}}
"
    ));
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "✓ a\n1 passed\n"), "{outcome:?}");
}

#[test]
fn a_wrong_row_is_shown_cell_by_cell_with_its_line() {
    let outcome = test(&format!(
        "  - name: a\n{GIVEN}    expect:
      marked:
        - {{tail: N7, built: 1999, late: false}}
        - {{tail: N9, built: 1, late: true}}
"
    ));
    assert_eq!(outcome.code, Some(1));
    for said in [
        "`marked` gives other rows",
        "~ line 27: tail: N7, built: 1999",
        "late  false     true",
        "- line 28",
        "+ row 2",
    ] {
        assert!(outcome.stdout.contains(said), "{said} is missing in\n{}", outcome.stdout);
    }
    assert!(outcome.stdout.ends_with("0 passed, 1 failed\n"));
}

#[test]
fn lists_order_tolerance_and_all_columns_are_looked_at_when_asked_for() {
    let rows = "header: [tail, delay], rows: [[N7, 30.4], [N8, null]]";
    let expect =
        |options: &str| test(&format!("  - name: a\n{GIVEN}    expect:\n      marked: {{{rows}, {options}}}\n")).code;
    assert_eq!(expect("tolerance: 0.1"), Some(0));
    assert_eq!(expect("tolerance: 0.001"), Some(1));
    assert_eq!(expect("tolerance: 0.1, ordered: true"), Some(0));
    assert_eq!(expect("tolerance: 0.1, columns: all"), Some(1));
    let reversed = "{header: [tail], rows: [[N8], [N7]], ordered: true}";
    assert_eq!(test(&format!("  - name: a\n{GIVEN}    expect:\n      marked: {reversed}\n")).code, Some(1));
}

#[test]
fn parameters_of_a_test_win_over_those_of_the_file() {
    let outcome = test(&format!(
        "  - name: strict\n    params: {{limit: 40}}\n{GIVEN}    expect: {{marked: [{{tail: N7, late: false}}, {{tail: N8}}]}}\n"
    ));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

#[test]
fn stages_without_given_rows_read_their_files() {
    let outcome = test(
        "  - name: a\n    expect: {marked: [{tail: N1, built: 2001, late: false}, {tail: N2, built: null, late: true}]}\n",
    );
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

#[test]
fn files_need_not_be_there_when_types_are_declared() {
    let tests = "  - name: a
    given:
      flights: {rows: [{day: 2013-05-01, tail: N7, delay: 30}], types: {day: date}}
      planes: {csv: \"tail,year\\nN7,1999\\n\"}
    expect: {marked: [{day: 2013-05-01, built: 1999, late: true}]}
";
    let workshop = Workshop::with_pipeline(&format!("{PIPELINE}test:\n{tests}"));
    let outcome = workshop.gristmill(["test", "p.yaml"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    // `planes` declares its types in the pipeline.
    workshop.write("p.yaml", format!("{PIPELINE}test:\n{}", tests.replace("N7,1999", "N7,new")));
    let outcome = workshop.gristmill(["test", "p.yaml"]);
    assert!(outcome.stdout.contains("the text `new` is no int64, in column `year` of `planes`"), "{}", outcome.stdout);
}

#[test]
fn a_value_that_does_not_fit_its_column_is_shown_where_it_stands() {
    let outcome =
        test("  - name: a\n    given:\n      flights:\n        - {tail: N7, delay: soon}\n    expect: {marked: []}\n");
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stdout.contains("the text `soon` is no float64, in column `delay` of `flights`  (p.yaml:20:29)"),
        "{}",
        outcome.stdout
    );
    let outcome = test("  - name: a\n    given:\n      flights:\n        - {tial: N7}\n    expect: {marked: []}\n");
    assert!(
        outcome.stdout.contains("unknown column `tial`") && outcome.stdout.contains("did you mean `tail`?"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_test_that_names_no_stage_is_wrong_before_anything_runs() {
    let outcome = test("  - name: a\n    expect: {markd: []}\n");
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("there is no stage `markd`") && outcome.stderr.contains("did you mean `marked`?"));
    let outcome = test("  - name: a\n    given: {flights: []}\n");
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("expects nothing"), "{}", outcome.stderr);
}

const CHECKED: &str = "\
name: p
stages:
  - id: rows
    read: {path: a.csv}
  - id: checked
    validate:
      checks:
        - not_null: id
          fail: 50%
        - range: {column: price, min: 0}
          severity: warn
";

#[test]
fn failures_and_warnings_can_be_expected() {
    let run = |tests: &str| {
        let workshop = Workshop::with_pipeline(&format!("{CHECKED}test:\n{tests}"));
        workshop.write("a.csv", "id,price\n1,2\n");
        workshop.gristmill(["test", "p.yaml"])
    };
    let given = "    given: {rows: [{price: -1}, {price: 2}]}\n";
    let fine = run(&format!(
        "  - name: a\n{given}    fails: {{stage: checked, says: 2 of 2 rows, exit: 3}}\n    warns: [\"price is at least 0\"]\n"
    ));
    // A stage that fails gives no warnings.
    assert_eq!(fine.code, Some(1), "{fine:?}");
    let fails = run(&format!("  - name: a\n{given}    fails: {{stage: checked, says: 2 of 2 rows, exit: 3}}\n"));
    assert_eq!(fails.code, Some(0), "{fails:?}");
    let other = run(&format!("  - name: a\n{given}    fails: {{stage: checked, says: nonsense, exit: 1}}\n"));
    assert!(
        other.stdout.contains("does not say `nonsense`") && other.stdout.contains("exit code 3, not 1"),
        "{other:?}"
    );
    let none = run("  - name: a\n    given: {rows: [{id: 1, price: 2}]}\n    fails: {stage: checked}\n");
    assert!(none.stdout.contains("`checked` should have failed, but nothing failed"), "{none:?}");
    let warned = run(
        "  - name: a\n    given: {rows: [{id: 1, price: -2}]}\n    warns: price is at least 0\n    expect: {checked: {count: 1}}\n",
    );
    assert_eq!(warned.code, Some(0), "{warned:?}");
}

#[test]
fn only_names_tests_and_json_tells_the_same() {
    let tests = "  - name: one\n    expect: {marked: {count: 2}}\n  - name: two\n    expect: {marked: {count: 3}}\n";
    let workshop = workshop(tests);
    let one = workshop.gristmill(["test", "p.yaml", "--only", "one"]);
    assert_eq!((one.code, one.stdout.as_str()), (Some(0), "✓ one\n1 passed\n"));
    let all = workshop.gristmill(["test", "p.yaml", "--json"]);
    assert_eq!(all.code, Some(1));
    let document: Value = serde_json::from_str(&all.stdout).unwrap();
    assert_eq!(document["passed"], false);
    assert_eq!(document["tests"][0]["passed"], true);
    assert_eq!(document["tests"][1]["problems"][0]["message"], "`marked` gives 2 rows, not 3");
    let unknown = workshop.gristmill(["test", "p.yaml", "--only", "tow"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("did you mean `two`?"), "{}", unknown.stderr);
}

#[test]
fn a_side_table_can_be_expected() {
    let tests = "  - name: a\n    given: {rows: [{id: 1}, {price: 1}]}\n    expect:\n      checked: [{id: 1}]\n      checked.bad: [{id: null, failed_checks: id is not null}]\n";
    let text = CHECKED.replace(
        "      checks:\n        - not_null: id\n          fail: 50%\n",
        "      divert: bad\n      checks:\n        - not_null: id\n",
    );
    let workshop = Workshop::with_pipeline(&format!("{text}test:\n{tests}"));
    workshop.write("a.csv", "id,price\n1,2\n");
    let outcome = workshop.gristmill(["test", "p.yaml"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

#[test]
fn the_example_of_the_documentation_passes() {
    let page = std::fs::read_to_string(root().join("docs/testing.md")).unwrap();
    let example = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let workshop = Workshop::with_pipeline(example);
    workshop.write("data/orders.csv", "order_id,amount,currency,ordered_at\n1,10,EUR,2024-01-01\n");
    workshop.write("data/rates.csv", "currency,rate\nEUR,1.0\n");
    let outcome = workshop.gristmill(["test", "p.yaml"]);
    assert_eq!(outcome.code, Some(0), "{}\n{}", outcome.stdout, outcome.stderr);
}

#[test]
fn the_tests_of_the_pipelines_pass() {
    let mut tested = 0;
    for entry in std::fs::read_dir(root().join("pipelines")).unwrap() {
        let path = entry.unwrap().path();
        let has_tests =
            path.is_file() && std::fs::read_to_string(&path).is_ok_and(|text| text.lines().any(|line| line == "test:"));
        if has_tests {
            let workshop = Workshop::new();
            let mut command =
                workshop.command(["test".as_ref(), path.as_os_str(), "--dir".as_ref(), root().as_os_str()]);
            let outcome: Outcome = command.output().unwrap().into();
            assert_eq!(outcome.code, Some(0), "{}\n{}", outcome.stdout, outcome.stderr);
            tested += 1;
        }
    }
    assert!(tested > 0, "no pipeline has tests");
}
