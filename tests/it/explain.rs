//! `explain`: what a model looks at, and why it says what it says of a row.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Workshop, stage, unexplained};

/// 900 trips: long ones are late, those of carrier A earlier; `idle` says nothing, `same` is constant, some distances are missing.
fn trips() -> String {
    let mut text = "id,distance,carrier,idle,same,late,delay\n".to_owned();
    for row in 0..900 {
        let distance = f64::from(row * 37 % 100) * 10.0;
        let carrier = ["A", "B", "C"][usize::try_from(row * 7 / 3 % 3).unwrap()];
        let idle = row * 53 % 61;
        let late = distance > if carrier == "A" { 300.0 } else { 700.0 };
        let delay = distance * 0.1 + if carrier == "A" { 30.0 } else { 0.0 };
        let shown = if row % 50 == 0 { String::new() } else { distance.to_string() };
        writeln!(text, "{row},{shown},{carrier},{idle},3,{late},{delay}").unwrap();
    }
    text
}

fn pipeline(target: &str, network: &str, options: &str) -> String {
    format!(
        "name: t\nstages:\n  - read: {{path: t.csv}}\n  - split: {{by: time, on: id, parts: {{train: 0.75, test: 0.25}}}}\n  - tensors: {{features: [distance, carrier, idle, same], target: {target}}}\n  - id: model\n    train: {{network: {network}, epochs: 60, batch_size: 32, optimizer: {{adamw: {{learning_rate: 0.01}}}}, seed: 5}}\n  - id: why\n    explain: {{{options}}}\n  - write: {{path: importances.ndjson}}\n  - from: why.contributions\n    write: {{path: contributions.ndjson}}\n"
    )
}

fn explained(target: &str, network: &str, options: &str) -> (Workshop, Value) {
    let workshop = Workshop::with_pipeline(&pipeline(target, network, options));
    workshop.write("t.csv", trips());
    let manifest = workshop.run();
    assert_eq!(unexplained(stage(&manifest, "why")), Some(0));
    (workshop, manifest)
}

/// The value of a method for a column, with the ends of its interval.
fn value(rows: &[Value], method: &str, column: &str) -> (f64, Option<f64>, Option<f64>) {
    let row = rows.iter().find(|row| row["method"] == method && row["column"] == column);
    let row = row.unwrap_or_else(|| panic!("no {method} of {column}"));
    (row["value"].as_f64().unwrap(), row["lower"].as_f64(), row["upper"].as_f64())
}

#[test]
fn a_model_looks_at_what_decides_and_each_row_says_why() {
    let (workshop, manifest) = explained("late", "[{dense: 16}]", "rows: {worst: 2}, columns: [distance, carrier]");
    let rows = workshop.read_ndjson("importances.ndjson");
    for method in ["permutation", "shap"] {
        let of = |column: &str| value(&rows, method, column);
        assert!(of("distance").0 > of("carrier").0 && of("carrier").0 > of("idle").0, "{method}: {rows:?}");
        assert_eq!(of("same").0, 0.0, "{method}: a constant moves nothing");
        let (middle, low, high) = of("distance");
        assert!(low.unwrap() > 0.0 && low.unwrap() <= middle && middle <= high.unwrap(), "{method}: {rows:?}");
    }
    assert!(value(&rows, "dependence", "distance").0 > 0.1);
    let contributions = workshop.read_ndjson("contributions.ndjson");
    assert_eq!(contributions.len(), 2 * 4, "two rows of four columns");
    assert!(contributions.iter().all(|row| row["of"] == "log-odds of late = true" && row["target"] == "late"));
    let shown = stage(&manifest, "why").to_string();
    for words in ["looks most at `distance`", "not what causes `late`", "Along distance", "waterfall", "training row"] {
        assert!(shown.contains(words), "{words}");
    }
}

#[test]
fn a_linear_model_is_explained_exactly_and_in_its_unit() {
    let options = "methods: [shap], rows: \"id in (703, 707)\"";
    let (workshop, manifest) = explained("delay", "[]", options);
    let shown = stage(&manifest, "why").to_string();
    assert!(shown.contains("exact, by the weights of a linear model; they add up to the predictions"), "{shown}");
    let rows = workshop.read_ndjson("contributions.ndjson");
    let of = |id: usize, column: &str| {
        let of_row: Vec<&Value> = rows.iter().filter(|row| row["column"] == column).collect();
        (of_row[id]["value"].as_f64().unwrap(), of_row[id]["part"].as_str().unwrap().parse::<f64>())
    };
    // Rows 703 and 707 have the distances 110 and 590: a tenth of the difference is delay.
    let (first, second) = (of(0, "distance"), of(1, "distance"));
    let slope = (second.0 - first.0) / (second.1.unwrap() - first.1.unwrap());
    assert!((slope - 0.1).abs() < 0.02, "{slope}");
    let importances = workshop.read_ndjson("importances.ndjson");
    assert!(importances.iter().all(|row| row["method"] == "shap"));
}

#[test]
fn values_of_scaled_columns_are_shown_as_they_were() {
    let text = pipeline("late", "[]", "methods: [shap, dependence], rows: \"id in (703, 707)\"").replace(
        "  - tensors:",
        "  - standardize: {columns: [distance, idle]}\n  - impute: {columns: {distance: {constant: 0}}}\n  - tensors:",
    );
    let workshop = Workshop::with_pipeline(&text);
    workshop.write("t.csv", trips());
    let manifest = workshop.run();
    let rows = workshop.read_ndjson("contributions.ndjson");
    let values = |column: &str| -> Vec<&str> {
        rows.iter().filter(|row| row["column"] == column).map(|row| row["part"].as_str().unwrap()).collect()
    };
    // Row 703 goes 110 far, row 707 590: 53 times their numbers leave 49 and 17 of 61.
    assert_eq!(values("idle"), ["49", "17"]);
    let shown = stage(&manifest, "why").to_string();
    assert!(shown.contains("Values of `idle` are shown as they were before they were scaled."), "{shown}");
    // What is filled in after the scaling is no longer what was scaled.
    assert!(values("distance").iter().all(|value| value.parse::<f64>().is_ok_and(|value| value.abs() < 3.0)));
}

#[test]
fn the_words_of_a_text_are_weighed_beside_other_columns() {
    let mut text = "id,pages,review,liked\n".to_owned();
    for row in 0..600 {
        let word = ["good", "bad", "fine", "dull"][row % 4];
        let (before, after) = (["this", "that", "the"][row % 3], ["book", "film", "play", "song", "talk"][row % 5]);
        writeln!(text, "{row},{},{before} {after} is {word},{}", row * 7 % 50, word == "good" || word == "fine")
            .unwrap();
    }
    let workshop = Workshop::with_pipeline(
        "name: t\nstages:\n  - read: {path: t.csv}\n  - split: {by: time, on: id, parts: {train: 0.75, test: 0.25}}\n  - tensors: \
         {features: {number: [pages], text: {review: {vocabulary: 40, length: 6}}}, target: liked}\n  - id: model\n    train: \
         {inputs: {table: [{dense: 4}], review: [{embedding_bag: 8}]}, fusion: [{dense: 8}], epochs: 40, batch_size: 32, \
         learning_rate: 0.02, seed: 5}\n  - id: why\n    explain: {methods: [permutation, shap, occlusion, \
         integrated_gradients], rows: {sample: 4}}\n  - write: {path: importances.ndjson}\n  - from: why.contributions\n    \
         write: {path: contributions.ndjson}\n",
    );
    workshop.write("t.csv", text);
    let manifest = workshop.run();
    let rows = workshop.read_ndjson("importances.ndjson");
    for method in ["permutation", "shap"] {
        assert!(value(&rows, method, "review").0 > 5.0 * value(&rows, method, "pages").0.abs(), "{rows:?}");
    }
    let shown = stage(&manifest, "why").to_string();
    for words in ["passage", "Words of review that say most", "exact, by all subsets of the columns"] {
        assert!(shown.contains(words), "{words}");
    }
    let contributions = workshop.read_ndjson("contributions.ndjson");
    for method in ["occlusion", "integrated_gradients"] {
        let words: Vec<&Value> = contributions.iter().filter(|row| row["method"] == method).collect();
        assert_eq!(words.len(), 4 * 4, "four rows of four words");
        for four in words.chunks(4) {
            let size = |row: &&Value| row["value"].as_f64().unwrap().abs();
            assert!(
                four[..3].iter().all(|word| size(word) < size(&four[3])),
                "{method}: the last word decides: {four:?}"
            );
        }
    }
}

#[test]
fn a_picture_is_shown_with_the_places_that_count() {
    let mut text = String::new();
    for row in 0..240 {
        // A bright stripe on the left or on the right, at one of six heights.
        let left = row % 2 == 0;
        let pixels = (0..64).map(|at| {
            let (y, x) = (at / 8, at % 8);
            let bright = (row / 2 % 6..row / 2 % 6 + 3).contains(&y) && if left { x < 3 } else { x > 4 };
            if bright { "1.0" } else { "0.0" }
        });
        let pixels = pixels.collect::<Vec<_>>().join(",");
        writeln!(text, "{{\"id\":{row},\"pixels\":[{pixels}],\"side\":\"{}\"}}", if left { "left" } else { "right" })
            .unwrap();
    }
    let workshop = Workshop::with_pipeline(
        "name: t\nstages:\n  - read: {path: t.ndjson}\n  - split: {by: time, on: id, parts: {train: 0.75, test: 0.25}}\n  - tensors: \
         {features: {image: {pixels: {height: 8, width: 8, channels: 1}}}, target: side}\n  - id: model\n    train: {network: \
         [{conv2d: {filters: 4, padding: same}}, flatten, {dense: 8}], epochs: 10, batch_size: 16, learning_rate: 0.01, seed: 5}\n  \
         - id: why\n    explain: {rows: {sample: 2}}\n  - write: {path: importances.ndjson}\n",
    );
    workshop.write("t.ndjson", text);
    let manifest = workshop.run();
    assert_eq!(unexplained(stage(&manifest, "why")), Some(0));
    assert!(workshop.read("importances.ndjson").is_empty(), "a single picture is not shuffled");
    let exhibits = stage(&manifest, "why")["exhibits"].as_array().unwrap();
    let titled = |title: &str| {
        let found =
            exhibits.iter().filter(|exhibit| exhibit["figure"]["title"].as_str().is_some_and(|t| t.contains(title)));
        found.count()
    };
    assert_eq!((titled("pixels: "), titled("Saliency"), titled("Grad-CAM")), (2, 2, 2));
}

#[test]
fn the_same_seed_gives_the_same_answer() {
    let options = "methods: [permutation, shap], rows: {sample: 1}, sample: 100, seed: 3";
    let answer = |seed: &str| {
        let (workshop, _) = explained("late", "[{dense: 4}]", &options.replace("seed: 3", seed));
        workshop.read("importances.ndjson")
    };
    let first = answer("seed: 3");
    assert_eq!(first, answer("seed: 3"));
    assert_ne!(first, answer("seed: 4"));
}

#[test]
fn what_makes_no_sense_is_refused_where_it_stands() {
    for (options, message) in [
        ("on: tset", "there is no part `tset`"),
        ("on: tset", "did you mean `test`?"),
        ("columns: [distanse]", "`distanse` is no feature of the model"),
        ("columns: [distanse]", "did you mean `distance`?"),
        ("columns: [idle, idle]", "column `idle` is named twice"),
        ("methods: [shap], columns: [idle]", "`columns` belongs to the method `dependence`, which is not asked for"),
        ("methods: [saliency]", "`saliency` does not suit the model: it explains images and sounds"),
        ("methods: [occlusion]", "`occlusion` does not suit the model: it explains texts"),
        ("methods: []", "`methods` names no method"),
        ("metric: mae", "`mae` does not judge the target `late`"),
        ("metric: mae", "it is judged by roc_auc, accuracy, log_loss, brier"),
        ("rows: {worst: 3, sample: 2}", "`rows` is a condition, `{worst: 5}` or `{sample: 5}`"),
        ("rows: {worst: 3, target: lat}", "`lat` is no target of the model"),
        ("rows: {worst: 3, target: lat}", "did you mean `late`?"),
        ("rows: {sample: 3, target: late}", "`target` belongs to `worst`"),
        ("targets: [lste]", "`lste` is no target of the model"),
        ("targets: [late, late]", "the target `late` is named twice"),
        ("methods: [shap], ice: centred", "`ice` belongs to the method `dependence`, which is not asked for"),
        ("rows: {worst: 300}", "at most 20 rows are explained one by one"),
        ("rows: \"distanc > 3\"", "did you mean `distance`?"),
        ("sample: 3", "`sample` is from 20 to 1000000, not 3"),
        ("repeats: 0", "`repeats` is from 1 to 1000, not 0"),
    ] {
        let workshop = Workshop::with_pipeline(&pipeline("late", "[{dense: 4}]", options));
        workshop.write("t.csv", trips());
        let outcome = workshop.gristmill(["check", "p.yaml"]);
        assert_eq!(outcome.code, Some(2), "{options}");
        let said: Vec<&str> = outcome.stderr.split_whitespace().filter(|word| *word != "│").collect();
        assert!(said.join(" ").contains(message), "{options}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("p.yaml:"), "{options}: {}", outcome.stderr);
    }
}

/// Hours of machines: the strain two hours before decides the wear of the next hour; `hum` says nothing.
fn hours(machines: u32, each: u32) -> String {
    let mut text = "machine,hour,strain,hum,wear\n".to_owned();
    for machine in 0..machines {
        // Well mixed, so that no row of a window can be told from another.
        let mixed = |seed: u32| (seed ^ (seed >> 15)).wrapping_mul(0x2c1b_3c6d);
        let strain = |hour: u32| f64::from((mixed(mixed(mixed(hour * 64 + machine + 1))) >> 8) & 255) / 100.0;
        for hour in 0..each {
            let hum = f64::from(hour * 53 % 17) / 10.0;
            // A target is that of one row later, so the strain of three rows before this one.
            let wear = if hour < 3 { 0.0 } else { 4.0 * strain(hour - 3) };
            writeln!(text, "M{machine},{hour},{},{hum},{wear}", strain(hour)).unwrap();
        }
    }
    text
}

fn sequence_pipeline(options: &str) -> String {
    format!(
        "name: t\nstages:\n  - read: {{path: t.csv}}\n  - split: {{by: group, on: machine, parts: {{train: 0.7, test: 0.3}}}}\n  - tensors: \
         {{features: {{sequence: {{columns: [strain, hum], by: machine, order: hour, window: 6, horizon: 1}}}}, target: wear, target_kind: \
         number}}\n  - id: model\n    train: {{network: [flatten, {{dense: 16}}], epochs: 30, batch_size: 32, optimizer: {{adamw: {{learning_rate: \
         0.01}}}}, seed: 5}}\n  - id: why\n    explain: {{{options}}}\n  - write: {{path: importances.ndjson}}\n  - from: why.contributions\n    \
         write: {{path: contributions.ndjson}}\n"
    )
}

#[test]
fn a_sequence_is_explained_by_columns_and_by_steps() {
    let workshop = Workshop::with_pipeline(&sequence_pipeline("rows: \"hour between 50 and 52\""));
    workshop.write("t.csv", hours(10, 120));
    let manifest = workshop.run();
    assert_eq!(unexplained(stage(&manifest, "why")), Some(0));
    let rows = workshop.read_ndjson("importances.ndjson");
    for method in ["permutation", "shap"] {
        assert!(value(&rows, method, "strain").0 > 10.0 * value(&rows, method, "hum").0.abs(), "{method}: {rows:?}");
    }
    assert!(rows.iter().all(|row| row["column"] == "strain" || row["column"] == "hum"), "no group, no order: {rows:?}");
    let contributions = workshop.read_ndjson("contributions.ndjson");
    let size = |method: &str, column: &str, part: &str| -> f64 {
        let parts = contributions.iter().filter(|row| row["method"] == method && row["column"] == column);
        parts.filter(|row| row["part"] == part).map(|row| row["value"].as_f64().unwrap().abs()).sum()
    };
    // The strain two rows before the last decides; the mean of 10 machines has little to add.
    for step in ["0", "1", "3", "4", "5"] {
        let part = format!("{step} before the last");
        for (method, column) in [("expected_gradients", "strain"), ("occlusion", "sequence")] {
            let (decides, other) = (size(method, column, "2 before the last"), size(method, column, &part));
            assert!(decides > 3.0 * other, "{method} {step}: {decides} {other}");
        }
    }
    let shown = stage(&manifest, "why").to_string();
    for words in ["At what the model looks, and when", "When the model looks", ", 50)", "row after the last"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn rows_of_a_sequence_keep_their_past_whatever_is_asked_for() {
    // The condition holds for a single row of each machine: its window needs the rows before.
    let workshop =
        Workshop::with_pipeline(&sequence_pipeline("methods: [shap], rows: \"hour = 5 and machine is not null\""));
    workshop.write("t.csv", hours(10, 40));
    workshop.run();
    let contributions = workshop.read_ndjson("contributions.ndjson");
    let whole: Vec<&Value> = contributions.iter().filter(|row| row["method"] == "shap").collect();
    assert!(whole.len() >= 2 * 2 && whole.len().is_multiple_of(2), "{whole:?}");
}

#[test]
fn the_worst_rows_are_those_of_a_target_or_of_all() {
    let run = |options: &str| {
        let text = pipeline("{late: binary, delay: number}", "[{dense: 8}]", options);
        let workshop = Workshop::with_pipeline(&text);
        workshop.write("t.csv", trips());
        let manifest = workshop.run();
        let rows = workshop.read_ndjson("contributions.ndjson");
        let numbers: std::collections::BTreeSet<i64> =
            rows.iter().map(|row| row["row"].as_i64().unwrap_or_default()).collect();
        let targets: std::collections::BTreeSet<String> =
            rows.iter().map(|row| row["target"].as_str().unwrap_or_default().to_owned()).collect();
        (numbers, targets, stage(&manifest, "why").to_string())
    };
    let (late, targets, shown) = run("methods: [shap], rows: {worst: 2, target: late}");
    assert!(shown.contains("most wrong about `late`"), "{shown}");
    assert_eq!(targets.len(), 2);
    let (delay, ..) = run("methods: [shap], rows: {worst: 2, target: delay}");
    assert_ne!(late, delay);
    let (_, targets, shown) = run("methods: [shap], rows: {worst: 2}, targets: [delay]");
    assert!(shown.contains("`delay` is explained, not `late`"), "{shown}");
    assert_eq!(targets.into_iter().collect::<Vec<_>>(), ["delay"]);
    let (.., shown) = run("methods: [shap], rows: {worst: 2}");
    assert!(shown.contains("by the sum over `late` and `delay`"), "{shown}");
}

#[test]
fn lines_of_single_rows_are_drawn_from_one_start() {
    let options = "methods: [dependence], columns: [distance], rows: {sample: 1}, ice: centred";
    let (_, manifest) = explained("late", "[{dense: 16}]", options);
    let exhibits = stage(&manifest, "why")["exhibits"].as_array().unwrap();
    let figure = exhibits.iter().find(|exhibit| exhibit["figure"]["title"] == "Along distance").unwrap();
    let line = &figure["figure"]["mark"]["line"];
    let background = line["background"].as_array().unwrap();
    assert_eq!(background.len(), 20);
    assert!(background.iter().all(|row| row[0] == 0.0 && row.as_array().unwrap().len() > 2), "{background:?}");
    assert_eq!(line["series"][0]["values"][0], 0.0);
    assert!(figure.to_string().contains("change of the probability of late = true"));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let options = "methods: [permutation, shap, dependence], rows: {worst: 2}, sample: 150";
    let workshop = Workshop::with_pipeline(&pipeline("late", "[{dense: 4}]", options));
    workshop.write("t.csv", trips());
    workshop.run();
    let first = workshop.read("importances.ndjson");
    std::fs::remove_dir_all(workshop.path().join(".gristmill/cache")).unwrap();
    workshop.gristmill(["run", "p.yaml", "--quiet", "--threads", "1"]).success();
    assert_eq!(first, workshop.read("importances.ndjson"));
}
