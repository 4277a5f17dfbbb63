//! `correlate` and `regress` through the program: their products, what they leave out, what they refuse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::support::{Workshop, stage, unexplained};

/// Eighty rows in which y rises with x, the letter tells the size of z, and u follows from both.
fn rows() -> String {
    let mut text = String::from("x,y,z,letter,flag,late,count,part\n");
    for row in 0..80_i32 {
        let wave = f64::from(row * 7919 % 31) / 31.0;
        let (x, letter) = (f64::from(row % 20), ["a", "b", "c"][(row % 3) as usize]);
        let y = 2.0 * x + 3.0 * wave;
        let z = f64::from(row % 3) * 10.0 + wave;
        let late = i32::from(x + 12.0 * wave > 14.0);
        let count = row % 4 + row % 20 / 5;
        let missing = if row == 7 { String::new() } else { y.to_string() };
        let part = if row < 60 { "train" } else { "test" };
        text += &format!("{x},{missing},{z},{letter},{},{late},{count},{part}\n", x > 9.0);
    }
    text
}

fn workshop(stage: &str) -> Workshop {
    let text = format!(
        "name: p\nstages:\n  - read: {{path: rows.csv}}\n  - id: found\n    {stage}\n  - write: {{path: out.ndjson, format: ndjson}}\n"
    );
    let workshop = Workshop::with_pipeline(&text);
    workshop.write("rows.csv", rows());
    workshop
}

fn product(stage: &str) -> Vec<Value> {
    let workshop = workshop(stage);
    let manifest = workshop.run();
    assert_eq!(unexplained(self::stage(&manifest, "found")), Some(0));
    workshop.read_ndjson("out.ndjson")
}

fn pair<'a>(pairs: &'a [Value], a: &str, b: &str) -> &'a Value {
    pairs
        .iter()
        .find(|pair| pair["a"] == a && pair["b"] == b)
        .unwrap_or_else(|| panic!("no pair {a}, {b} in {pairs:?}"))
}

#[test]
fn auto_measures_each_pair_by_its_types() {
    let pairs = product("correlate: {columns: [x, y, letter, flag, z], method: auto}");
    assert_eq!(pairs.len(), 10);
    let measure = |a: &str, b: &str| pair(&pairs, a, b)["measure"].as_str().unwrap().to_owned();
    assert_eq!(measure("x", "y"), "pearson");
    assert_eq!(measure("x", "flag"), "pearson");
    assert_eq!(measure("x", "letter"), "correlation_ratio");
    assert_eq!(measure("letter", "flag"), "cramers_v");
    assert_eq!(pair(&pairs, "x", "y")["rows"], 79, "a pair without a value is left out");
    assert!(pair(&pairs, "letter", "z")["correlation"].as_f64().unwrap() > 0.99);
    let p = |pair: &Value, name: &str| pair[name].as_f64().unwrap();
    assert!(pairs.iter().all(|pair| p(pair, "p_adjusted") >= p(pair, "p_value")));
}

#[test]
fn one_column_is_compared_with_the_others_by_any_measure() {
    for (method, size) in [("kendall", 0.9), ("distance", 0.95), ("mutual_information", 0.9), ("spearman", 0.95)] {
        let pairs = product(&format!("correlate: {{columns: [y, z], with: x, method: {method}}}"));
        let names: Vec<&Value> = pairs.iter().map(|pair| &pair["b"]).collect();
        assert_eq!(names, ["y", "z"], "{method}");
        let found = pair(&pairs, "x", "y")["correlation"].as_f64().unwrap();
        assert!(found > size, "{method}: {found}");
    }
}

#[test]
fn columns_of_too_many_categories_are_left_out_or_refused() {
    let pairs = product("correlate: {method: auto, categories: [x], most_categories: 10}");
    let left_out = pair(&pairs, "x", "letter");
    assert_eq!(left_out["correlation"], Value::Null);
    assert_eq!(left_out["remark"], "left out: column `x` has more than 10 categories");
    let named = workshop("correlate: {columns: [x, letter], categories: [x], method: cramers_v, most_categories: 10}");
    let outcome = named.gristmill(["run", "p.yaml", "--quiet"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("column `x` has more than 10 categories"), "{}", outcome.stderr);
}

#[test]
fn options_that_cannot_be_are_refused_at_their_place() {
    let refused = |stage: &str, message: &str| {
        let outcome = workshop(stage).gristmill(["check", "p.yaml"]);
        assert_eq!(outcome.code, Some(2), "{stage}\n{}", outcome.stderr);
        assert!(outcome.stderr.contains(message), "{stage}\n{}", outcome.stderr);
    };
    refused("correlate: {columns: [x, letter]}", "column `letter` holds");
    refused("correlate: {columns: [x]}", "needs at least two columns of numbers");
    refused("correlate: {method: auto, confidence: 1.5}", "`confidence` must lie between 0 and 1");
    refused("correlate: {method: auto, sample: 10}", "`sample` belongs to");
    refused("correlate: {with: xx}", "unknown column `xx`");
    refused("regress: {target: y, features: [x, y]}", "the target cannot explain itself");
    refused("regress: {target: letter, features: [x]}", "column `letter` holds");
    refused("regress: {target: letter, features: [x], family: logistic}", "which one counts as yes?");
    refused("regress: {target: y, features: [letter], base: {leter: a}}", "is no category among the `features`");
    refused("regress: {target: y, features: [x], offset: z}", "`offset` belongs to logistic and Poisson models");
    refused("regress: {target: y, features: [x], weights: letter}", "column `letter` holds");
    refused("regress: {target: y, features: [x], errors: clustered}", "needs the column `cluster`");
    refused("regress: {target: y, features: [x], exposure: z}", "belongs to `family: poisson`");
}

#[test]
fn a_linear_model_names_base_levels_and_leaves_incomplete_rows_out() {
    let coefficients = product("regress: {target: y, features: [x, letter], base: {letter: b}, errors: hc3}");
    let terms: Vec<(&str, &str)> =
        coefficients.iter().map(|row| (row["term"].as_str().unwrap(), row["level"].as_str().unwrap_or(""))).collect();
    assert_eq!(terms, [("(intercept)", ""), ("x", ""), ("letter", "b"), ("letter", "a"), ("letter", "c")]);
    assert_eq!(coefficients[2]["remark"], "base level");
    let slope = coefficients[1]["estimate"].as_f64().unwrap();
    assert!((slope - 2.0).abs() < 0.1, "{slope}");
    let manifest = workshop("regress: {target: y, features: x}").run();
    let text = manifest["warnings"].to_string();
    assert!(text.contains("1 of 80 rows was left out"), "{text}");
}

#[test]
fn logistic_and_poisson_models_give_ratios() {
    let late = product("regress: {target: late, features: x, family: logistic}");
    let ratio = late[1]["ratio"].as_f64().unwrap();
    assert!((ratio.ln() - late[1]["estimate"].as_f64().unwrap()).abs() < 1e-12 && ratio > 1.0);
    let count = product("regress: {target: count, features: [x], family: poisson}");
    assert!(count[1]["p_value"].as_f64().unwrap() < 0.05);
}

#[test]
fn separation_and_wrong_targets_are_named() {
    let failed = |stage: &str, message: &str| {
        let outcome = workshop(stage).gristmill(["run", "p.yaml", "--quiet"]);
        assert_ne!(outcome.code, Some(0), "{stage}");
        assert!(outcome.stderr.contains(message), "{stage}\n{}", outcome.stderr);
    };
    failed(
        "regress: {target: flag, features: x, family: logistic}",
        "`x` tells the classes of `flag` apart without an error",
    );
    failed("regress: {target: x, features: z, family: logistic}", "must be 0 or 1");
    failed("regress: {target: y, features: z, family: poisson}", "must be a count");
    failed("regress: {target: y, features: letter, base: {letter: q}}", "no complete row has `letter` = `q`");
    failed("regress: {target: y, features: x, categories: x, most_levels: 5}", "column `x` has more than 5 levels");
}

#[test]
fn weights_are_those_of_means_and_an_offset_is_the_logarithm_of_an_exposure() {
    let fitted = |csv: &str, stage: &str| {
        let text = format!(
            "name: p\nstages:\n  - read: {{path: t.csv}}\n  - derive: {{ln_hours: ln(hours)}}\n  - {stage}\n  - write: {{path: out.ndjson}}\n"
        );
        let workshop = Workshop::with_pipeline(&text);
        workshop.write("t.csv", csv);
        workshop.run();
        workshop.read_ndjson("out.ndjson")
    };
    let number = |row: &Value, name: &str| row[name].as_f64().unwrap_or_else(|| panic!("no {name} in {row}"));
    // The weighted means are 2.5 and 6, so the residuals squared by weight are 3 and 8 with 2 degrees of freedom. The last rows have no weight.
    let csv = "x,y,w,hours\n0,1,1,1\n0,3,3,1\n1,4,1,1\n1,8,1,1\n1,99,0,1\n1,99,,1\n";
    let rows = fitted(csv, "regress: {target: y, features: x, weights: w}");
    assert!((number(&rows[0], "estimate") - 2.5).abs() < 1e-12 && (number(&rows[1], "estimate") - 3.5).abs() < 1e-12);
    // Variance 11 / 2; of the difference of means 11 / 2 (1 / 4 + 1 / 2).
    assert!((number(&rows[1], "std_error") - (5.5_f64 * 0.75).sqrt()).abs() < 1e-12, "{rows:?}");
    let counts: String = (0..40_u32).map(|n| format!("{},{},1,{}\n", n % 5, n * 7 % 6, 1 + n % 3)).collect();
    let counts = format!("x,y,w,hours\n{counts}");
    let stage = |option: &str| format!("regress: {{target: y, features: x, family: poisson, errors: hc3, {option}}}");
    let (exposure, offset) = (fitted(&counts, &stage("exposure: hours")), fitted(&counts, &stage("offset: ln_hours")));
    for (one, other) in exposure.iter().zip(&offset) {
        for name in ["estimate", "std_error", "p_value"] {
            assert!((number(one, name) - number(other, name)).abs() < 1e-12, "{name}: {one} {other}");
        }
    }
}

/// Runs a stage over hostile columns: `same` and `text` are constant, `nothing` is null, `large` is up to 1e300, `endless` is mostly infinite.
fn hostile(rows: usize, stage: &str) -> (Option<i32>, String, Vec<Value>) {
    let text = format!(
        "name: p\nstages:\n  - read: {{path: t.csv, types: {{x: double, y: double, late: bigint, same: double, text: string, nothing: double, large: double, endless: double}}}}\n  - {stage}\n  - write: {{path: out.ndjson}}\n"
    );
    let workshop = Workshop::with_pipeline(&text);
    let row = |n: usize| {
        let (large, endless) = (["1e300", "-1e300", "5e299", "2"][n % 4], ["inf", "-inf", "NaN", "1.5"][n % 4]);
        format!("{},{}.25,{},1,k,,{large},{endless}\n", n % 7, n * n % 11, u8::from(n * 5 % 7 > 3))
    };
    workshop.write(
        "t.csv",
        format!("x,y,late,same,text,nothing,large,endless\n{}", (0..rows).map(row).collect::<String>()),
    );
    let outcome = workshop.gristmill(["run", "p.yaml"]);
    let rows = if outcome.code == Some(0) { workshop.read_ndjson("out.ndjson") } else { Vec::new() };
    (outcome.code, outcome.stderr, rows)
}

#[test]
fn hostile_columns_are_measured_or_told_why_not() {
    for method in ["pearson", "spearman", "kendall", "distance", "mutual_information", "auto"] {
        for rows in [0, 1, 3, 40] {
            let (code, text, pairs) = hostile(rows, &format!("correlate: {{method: {method}}}"));
            assert_eq!(code, Some(0), "{method} of {rows} rows: {text}");
            for pair in &pairs {
                let what = format!("{method} of {rows} rows: {pair}");
                assert!(pair["correlation"].is_f64() || pair["remark"].is_string(), "{what}");
                for p in ["p_value", "p_adjusted"].map(|name| pair[name].as_f64()).into_iter().flatten() {
                    assert!((0.0..=1.0).contains(&p), "{what}");
                }
                if let (Some(low), Some(high)) = (pair["low"].as_f64(), pair["high"].as_f64()) {
                    assert!(low <= high && low >= -1.0, "{what}");
                }
            }
            let told = pairs.iter().any(|pair| pair["a"] == "x" && pair["b"] == "y" && pair["correlation"].is_f64());
            assert_eq!(told, rows == 40 || rows == 3 && method != "distance", "{method} of {rows} rows: {pairs:?}");
        }
    }
}

#[test]
fn hostile_columns_give_a_model_or_an_error() {
    let refused = |rows: usize, stage: &str, code: i32, message: &str| {
        let (found, text, _) = hostile(rows, stage);
        assert_eq!(found, Some(code), "{rows} rows, {stage}: {text}");
        assert!(text.contains(message), "{rows} rows, {stage}: {text}");
    };
    refused(0, "regress: {target: y, features: x}", 1, "none of 0 rows has a value");
    refused(1, "regress: {target: y, features: x}", 1, "the rows (1) are too few for the coefficients (1)");
    refused(40, "regress: {target: y, features: nothing}", 1, "none of 40 rows has a value");
    refused(40, "regress: {target: y, features: x, weights: nothing}", 1, "none of 40 rows has a value");
    refused(40, "regress: {target: large, features: x}", 1, "sums of squares are not finite");
    refused(40, "regress: {target: y, features: large}", 1, "sums of squares are not finite");
    refused(40, "regress: {target: y, features: x, cluster: text}", 1, "makes a single cluster");
    refused(40, "regress: {target: same, features: x, family: logistic}", 1, "has the same value in all 40 rows");
    refused(40, "regress: {target: late, features: x, family: poisson, offset: large}", 1, "not finite");
    refused(40, "regress: {target: late, features: large, family: poisson}", 1, "not finite");
    for (stage, term, remark) in [
        ("regress: {target: y, features: [same, x]}", "same", "dropped: it has one value only"),
        ("regress: {target: y, features: [text, x]}", "text", "the only level: nothing to compare"),
        ("regress: {target: late, features: [same, x], family: logistic}", "same", "dropped: it has one value only"),
    ] {
        let (code, text, rows) = hostile(40, stage);
        assert_eq!(code, Some(0), "{stage}: {text}");
        let row = rows.iter().find(|row| row["term"] == term).unwrap();
        assert!(row["remark"] == remark && row["estimate"].is_null(), "{stage}: {row}");
    }
    // A target that does not vary is told without an error; nothing is uncertain.
    let (code, text, rows) = hostile(40, "regress: {target: same, features: x}");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!((rows[1]["estimate"].as_f64(), rows[1]["p_value"].as_f64()), (Some(0.0), None), "{rows:?}");
    assert!(text.contains("`same` has one value only: there is nothing to explain"), "{text}");
    // Infinite values are left out as missing ones are.
    let (code, text, rows) = hostile(40, "regress: {target: y, features: [endless, x]}");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(rows[1]["remark"], "dropped: it has one value only");
}
