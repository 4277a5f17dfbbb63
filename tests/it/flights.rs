//! The main job on the real files, compared with numbers that DuckDB and scikit-learn computed from the same files
//! (`tests/oracle/flights_duckdb.py`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;

/// A folder in which the job ran, with the record of its run.
struct Job {
    folder: tempfile::TempDir,
    manifest: Value,
}

static JOB: LazyLock<Job> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root().join("sample-data"), folder.path().join("sample-data")).unwrap();
    let manifest = run(folder.path());
    Job { folder, manifest }
});

static ORACLE: LazyLock<Value> = LazyLock::new(|| {
    let text = std::fs::read_to_string(root().join("tests/data/oracle/flights.json")).unwrap();
    serde_json::from_str(&text).unwrap()
});

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn gristmill(folder: &Path, pipeline: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gristmill"));
    command.arg("run").arg(pipeline).arg("--dir").arg(folder).arg("--quiet");
    command.output().unwrap()
}

/// Runs the job and gives the record of that run.
fn run(folder: &Path) -> Value {
    let output = gristmill(folder, &root().join("pipelines/flights.yaml"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let mut runs: Vec<PathBuf> =
        std::fs::read_dir(folder.join(".gristmill/runs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    runs.sort();
    // Another test runs another pipeline in the folder.
    let mut records = runs.iter().rev().filter_map(|run| {
        let text = std::fs::read_to_string(run.join("manifest.json")).ok()?;
        serde_json::from_str::<Value>(&text).ok().filter(|record| record["pipeline"] == "flights")
    });
    records.next().unwrap()
}

fn stages() -> &'static [Value] {
    JOB.manifest["stages"].as_array().unwrap()
}

fn stage(id: &str) -> &'static Value {
    stages().iter().find(|stage| stage["id"] == id).unwrap_or_else(|| panic!("there is no stage `{id}`"))
}

/// The table of a stage with that title.
fn table(stage: &'static Value, title: &str) -> &'static Value {
    let exhibits = stage["exhibits"].as_array().unwrap();
    let found = exhibits.iter().filter_map(|exhibit| exhibit.get("table")).find(|table| table["title"] == title);
    found.unwrap_or_else(|| panic!("`{}` shows no table `{title}`", stage["id"]))
}

/// The row of a table that begins with that text.
fn row(table: &'static Value, name: &str) -> &'static [Value] {
    let rows = table["rows"].as_array().unwrap();
    let found = rows.iter().find(|row| row[0] == name);
    found.unwrap_or_else(|| panic!("no row `{name}` in {}", table["title"])).as_array().unwrap()
}

/// The place of a column in a table.
fn column(table: &Value, name: &str) -> usize {
    let columns = table["columns"].as_array().unwrap();
    columns.iter().position(|column| column["name"] == name).unwrap_or_else(|| panic!("no column `{name}`"))
}

/// A number of the headline metrics of a stage, with what it is compared with.
fn metric(stage: &'static Value, name: &str) -> (f64, &'static str) {
    let exhibits = stage["exhibits"].as_array().unwrap();
    let metrics = exhibits.iter().filter_map(|exhibit| exhibit.get("metrics")?["metrics"].as_array()).flatten();
    let found = metrics.into_iter().find(|metric| metric["name"] == name);
    let found = found.unwrap_or_else(|| panic!("`{}` shows no metric `{name}`", stage["id"]));
    (number(&found["value"]), found["note"].as_str().unwrap_or_default())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Equal but for the order in which floating-point numbers were added.
fn close(found: f64, expected: f64, what: &str) {
    let scale = found.abs().max(expected.abs()).max(1e-9);
    assert!((found - expected).abs() <= 1e-8 * scale, "{what}: {found} instead of {expected}");
}

/// The mapping's keys and values.
fn entries(value: &'static Value) -> impl Iterator<Item = (&'static str, &'static Value)> {
    value.as_object().unwrap().iter().map(|(key, value)| (key.as_str(), value))
}

#[test]
fn every_row_is_accounted_for_at_every_stage() {
    for stage in stages() {
        let ledger = &stage["ledger"];
        let sum = |list: &str, of: fn(&Value) -> i64| -> i64 {
            ledger[list].as_array().map_or(0, |list| list.iter().map(of).sum())
        };
        if ledger.is_null() {
            continue;
        }
        let inputs = sum("inputs", |input| input[1].as_i64().unwrap());
        let changes = sum("changes", |change| change["rows"].as_i64().unwrap());
        assert_eq!(inputs + changes, ledger["out"].as_i64().unwrap(), "{}: {ledger}", stage["id"]);
    }
}

#[test]
fn the_numbers_of_rows_are_those_of_duckdb() {
    for (id, rows) in entries(&ORACLE["ledger"]["out"]) {
        assert_eq!(stage(id)["ledger"]["out"], *rows, "{id}");
    }
    let changes = stage("arrived")["ledger"]["changes"].as_array().unwrap();
    let gone: i64 = changes.iter().map(|change| change["rows"].as_i64().unwrap()).sum();
    assert_eq!(-gone, ORACLE["ledger"]["without_arrival"].as_i64().unwrap());
    for (part, rows) in entries(&ORACLE["parts"]) {
        assert_eq!(number(&row(table(stage("ready"), "Parts"), part)[1]), number(rows), "part {part}");
    }
}

#[test]
fn rows_without_a_match_are_counted_by_each_join() {
    for (other, rows) in entries(&ORACLE["ledger"]["unmatched"]) {
        let join = stages().iter().find(|stage| stage["kind"] == "join" && stage["inputs"][1] == other);
        let join = join.unwrap_or_else(|| panic!("nothing joins `{other}`"));
        close(metric(join, "without a match").0, number(rows), other);
    }
}

#[test]
fn checks_that_do_not_hold_name_as_many_rows_as_there_are() {
    let shown: Vec<String> = ["expected", "believable"].iter().map(|id| stage(id)["exhibits"].to_string()).collect();
    for (check, rows) in entries(&ORACLE["ledger"]["warned"]) {
        let exhibits = shown.iter().find(|text| text.contains(check));
        let exhibits = exhibits.unwrap_or_else(|| panic!("no check `{check}` is shown"));
        assert!(exhibits.contains(&rows.to_string()), "{check}: {rows} rows in {exhibits}");
    }
}

#[test]
fn columns_are_described_as_duckdb_describes_them() {
    let (numbers, texts) =
        (table(stage("described"), "Numbers"), table(stage("described"), "Texts, times and booleans"));
    for (name, expected) in entries(&ORACLE["described"]) {
        if let Some(top) = expected.get("top") {
            let found = row(texts, name);
            assert_eq!(number(&found[column(texts, "values")]), number(&expected["n"]), "{name}");
            assert_eq!(number(&found[column(texts, "distinct")]), number(&expected["n_distinct"]), "{name}");
            let shown = found[column(texts, "most frequent")].as_str().unwrap();
            let values: Vec<String> = top
                .as_array()
                .unwrap()
                .iter()
                .map(|top| format!("{} ({})", top[0].as_str().unwrap(), top[1]))
                .collect();
            assert_eq!(shown, values.join(", "), "{name}");
            continue;
        }
        let found = row(numbers, name);
        assert_eq!(number(&found[column(numbers, "values")]), number(&expected["n"]), "{name}");
        assert_eq!(number(&found[column(numbers, "distinct")]), number(&expected["n_distinct"]), "{name}");
        for moment in ["mean", "sd", "min", "max", "skewness", "kurtosis"] {
            close(number(&found[column(numbers, moment)]), number(&expected[moment]), &format!("{moment} of {name}"));
        }
        for (quantile, bounds) in entries(&expected["quantiles"]) {
            let value = number(&found[column(numbers, quantile)]);
            let allowed = number(&bounds[0])..=number(&bounds[1]);
            assert!(allowed.contains(&value), "{quantile} of {name}: {value} is not in {allowed:?}");
        }
    }
}

#[test]
fn correlations_are_those_of_duckdb() {
    let table = table(stage("correlated"), "Strongest pairs");
    let expected = ORACLE["correlated"].as_array().unwrap();
    let rows = table["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 20);
    for row in rows {
        let pair = expected.iter().find(|pair| pair["a"] == row[0] && pair["b"] == row[1]);
        let pair = pair.unwrap_or_else(|| panic!("{} and {}", row[0], row[1]));
        close(number(&row[2]), number(&pair["correlation"]), &format!("{} and {}", row[0], row[1]));
        assert_eq!(number(&row[column(table, "rows")]), number(&pair["rows"]));
    }
    let shown: f64 = rows.iter().map(|row| number(&row[2]).abs()).fold(f64::INFINITY, f64::min);
    let stronger = expected.iter().filter(|pair| number(&pair["correlation"]).abs() >= shown * (1.0 - 1e-9)).count();
    assert_eq!(stronger, 20, "the strongest pairs are shown");
}

#[test]
fn the_rules_are_those_that_counting_everything_finds() {
    let rules = &ORACLE["rules"];
    let (rows, _) = metric(stage("rules"), "rows mined");
    close(rows, number(&rules["rows_mined"]), "rows mined");
    close(metric(stage("rules"), "rules").0, number(&rules["number"]), "rules");
    let items = |text: &str| text.split(", ").map(str::to_owned).collect::<BTreeSet<_>>();
    let known = rules["rules"].as_array().unwrap();
    for row in table(stage("rules"), "Rules with the highest lift")["rows"].as_array().unwrap() {
        let when = items(row[0].as_str().unwrap());
        let same = |rule: &&Value| {
            let expected: BTreeSet<String> =
                rule["when"].as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect();
            expected == when && rule["then"] == row[1]
        };
        let rule = known.iter().find(same).unwrap_or_else(|| panic!("{row} is no rule"));
        for (at, measure) in [(2, "rows"), (3, "support"), (4, "confidence"), (5, "lift")] {
            close(number(&row[at]), number(&rule[measure]), &format!("{measure} of {row}"));
        }
    }
}

#[test]
fn what_is_learned_is_learned_from_the_training_days_alone() {
    let learned = &ORACLE["learned"];
    let mut fills = 0;
    for stage in stages().iter().filter(|stage| stage["kind"] == "impute") {
        let exhibits = stage["exhibits"].as_array().unwrap();
        let tables = exhibits.iter().filter_map(|exhibit| exhibit.get("table"));
        for table in tables {
            let is_fill = table["title"].as_str().unwrap().starts_with("Learned");
            let expected = if is_fill { &learned["fills"] } else { &learned["missing"] };
            for row in table["rows"].as_array().unwrap() {
                let name = row[0].as_str().unwrap();
                match &expected[name] {
                    Value::String(text) => assert_eq!(row[1], *text, "{name}"),
                    value => close(number(&row[1]), number(value), &format!("{} of {name}", table["title"])),
                }
                fills += usize::from(is_fill);
            }
        }
    }
    assert_eq!(fills, learned["fills"].as_object().unwrap().len());
    let bounds = row(table(stage("bounded"), "Allowed values"), "dep_delay");
    for at in [0, 1] {
        close(number(&bounds[at + 1]), number(&learned["bounds"][at]), "bound of dep_delay");
    }
    for (name, expected) in entries(&learned["scales"]) {
        let found = row(table(stage("scaled"), "Learned from part train"), name);
        for at in [0, 1] {
            close(number(&found[at + 1]), number(&expected[at]), &format!("scale of {name}"));
        }
    }
}

#[test]
fn tables_for_people_hold_what_duckdb_computes() {
    for (name, keys) in [("by_carrier", &["carrier", "airline"][..]), ("by_month", &["month", "origin"])] {
        let path = JOB.folder.path().join(format!("out/flights/{name}.csv"));
        let mut reader = csv::Reader::from_path(path).unwrap();
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let expected = ORACLE[name].as_array().unwrap();
        assert_eq!(records.len(), expected.len(), "{name}");
        for (record, expected) in records.iter().zip(expected) {
            for (title, field) in header.iter().zip(record) {
                match &expected[title] {
                    Value::String(text) => assert_eq!(field, text, "{name}: {title}"),
                    value if keys.contains(&title.as_str()) => assert_eq!(field, value.to_string(), "{name}: {title}"),
                    value => close(field.parse().unwrap(), number(value), &format!("{name}: {title}: {record:?}")),
                }
            }
        }
    }
}

#[test]
fn the_model_is_as_good_as_one_of_scikit_learn_and_judged_beside_the_right_baseline() {
    let expected = &ORACLE["model"];
    let judged = stage("judged");
    close(metric(judged, "rows judged").0, number(&expected["rows"]), "rows judged");
    let (accuracy, note) = metric(judged, "accuracy");
    // The best of the simple models stands beside the network, and all of them in a table.
    assert!(note.contains("forest"), "{note}");
    let models = table(judged, "Models side by side");
    let constant = &row(models, "constant")[column(models, "accuracy")];
    close(number(constant), number(&expected["baseline"]["accuracy"]), "accuracy of the constant model");
    // Two networks with other first weights differ a little; a wrong one differs by much.
    let yardstick = &expected["yardstick"];
    let distance = |name: &str, found: f64| (found - number(&yardstick[name])).abs();
    assert!(distance("accuracy", accuracy) < 0.01, "accuracy {accuracy}");
    for (name, allowed) in [("ROC AUC", 0.015), ("average precision", 0.02), ("log loss", 0.02), ("Brier score", 0.008)]
    {
        let (found, _) = metric(judged, name);
        assert!(distance(name, found) < allowed, "{name} {found}");
    }
}

/// Raw rows go through the saved model, and plain SQL judges the days whose hash puts them into the last part.
const FORETELL: &str = "\
name: foretell
stages:
  - read: {path: sample-data/flights/flights.csv.gz, null_values: [NA]}
  - predict: {model: out/flights/model}
  - filter: \"arr_delay is not null and hash('split 0', make_date(year, month, day)) / power(2, 60) >= 0.7 + 0.15\"
  - derive: {late: arr_delay > 15}
  - aggregate:
      compute:
        rows: count(*)
        accuracy: mean(prediction = late)
        precision: mean(late) filter (where prediction)
        recall: mean(prediction) filter (where late)
        brier: mean(power(probability - cast(late as double), 2))
        log_loss: -mean(ln(if(late, probability, 1 - probability)))
  - write: {path: out/foretold.csv}
";

#[test]
fn the_saved_model_foretells_raw_rows_as_it_was_judged() {
    let folder = JOB.folder.path();
    let pipeline = folder.join("foretell.yaml");
    std::fs::write(&pipeline, FORETELL).unwrap();
    let output = gristmill(folder, &pipeline);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut reader = csv::Reader::from_path(folder.join("out/foretold.csv")).unwrap();
    let names = ["rows judged", "accuracy", "precision", "recall", "Brier score", "log loss"];
    let record = reader.records().next().unwrap().unwrap();
    assert_eq!(record.len(), names.len());
    for (name, field) in names.into_iter().zip(&record) {
        let (reported, _) = metric(stage("judged"), name);
        let computed: f64 = field.parse().unwrap();
        assert!((computed - reported).abs() < 1e-5, "{name}: {computed}, reported {reported}");
    }
}

#[test]
fn the_report_and_the_files_are_there() {
    let out = JOB.folder.path().join("out");
    for path in ["flights.html", "flights/flights.parquet", "flights/by_carrier.csv", "flights/by_month.csv"] {
        assert!(std::fs::metadata(out.join(path)).unwrap().len() > 0, "{path}");
    }
    assert!(out.join("flights/model").is_dir());
    let html = std::fs::read_to_string(out.join("flights.html")).unwrap();
    assert!(html.contains("Late flights out of New York, 2013"));
}

#[test]
fn a_second_run_does_no_work() {
    let again = run(JOB.folder.path());
    let worked: Vec<&Value> =
        again["stages"].as_array().unwrap().iter().filter(|stage| stage["status"] != "cached").collect();
    let names: Vec<String> = worked.iter().map(|stage| format!("{} {}", stage["id"], stage["status"])).collect();
    assert!(names.is_empty(), "{names:?}");
}
