use std::collections::BTreeMap;

use super::{column, csv, generator, numbers, oracle, refusal, run, table};

fn flags(rows: &[serde_json::Value], name: &str) -> Vec<bool> {
    rows.iter().map(|row| row[name].as_bool().unwrap()).collect()
}

#[test]
fn deviations_from_the_median_find_what_hides_from_the_mean() {
    // Median 3, absolute deviations 2, 1, 0, 1, 97: median 1. Allowed: 3 -+ 3.5 * 1.4826 = -2.19 to 8.19.
    let text = "g,x\n,1\n,2\n,3\n,4\n,100\n,\n";
    let types = "{g: string, x: double}";
    let (rows, manifest) = run(text, types, "  - id: far\n    outliers: {columns: x, method: mad, action: flag}\n");
    assert_eq!(flags(&rows, "x_outlier"), [false, false, false, false, true, false]);
    let shown = &table(&manifest, "far", "Allowed values")["rows"][0];
    assert!((shown[1].as_f64().unwrap() + 2.189_107_76).abs() < 1e-6, "{shown}");
    assert!((shown[2].as_f64().unwrap() - 8.189_107_76).abs() < 1e-6, "{shown}");
    let (rows, _) = run(text, types, "  - outliers: {columns: x, method: zscore, action: flag}\n");
    assert!(!flags(&rows, "x_outlier").contains(&true), "the mean is drawn to the outlier");
    let (rows, _) = run(text, types, "  - outliers: {columns: x, method: mad, action: drop}\n");
    assert_eq!(rows.len(), 5);
}

#[test]
fn more_than_half_equal_values_leave_nothing_to_measure_by() {
    let text = "x,y\n1,1\n1,1\n1,1\n1,1\n50,1\n";
    let (rows, _) = run(text, "{x: double, y: double}", "  - outliers: {columns: x, method: mad, action: flag}\n");
    assert!(!flags(&rows, "x_outlier").contains(&true));
}

#[test]
fn each_group_has_its_own_range_and_unknown_ones_that_of_all_rows() {
    // 1 to 9 in group a, 101 to 109 in group b; 105 is usual in b and far in a; the null key takes all rows.
    let mut text = String::from("g,x\n");
    for i in 1..10 {
        text += &format!("a,{i}\nb,{}\n", 100 + i);
    }
    text += "a,105\n,105\n";
    for method in ["mad", "iqr"] {
        let stages = format!("  - outliers: {{columns: x, method: {method}, by: g, action: flag}}\n");
        let (rows, _) = run(&text, "{g: string, x: double}", &stages);
        let far = flags(&rows, "x_outlier");
        assert_eq!(far[18..], [true, false], "{method}");
        assert_eq!(far.iter().filter(|far| **far).count(), 1, "{method}");
        let stages = format!("  - outliers: {{columns: x, method: {method}, by: g, action: clip}}\n");
        let (rows, _) = run(&text, "{g: string, x: double}", &stages);
        assert!(rows[18]["x"].as_f64().unwrap() < 30.0 && rows[19]["x"] == 105.0, "{method}");
    }
}

#[test]
fn a_forest_finds_the_rows_that_scikit_learn_finds() {
    let case = &oracle("isolation_forest")[0];
    let table_rows: Vec<Vec<Option<f64>>> = case["rows"].as_array().unwrap().iter().map(numbers).collect();
    let columns: Vec<Vec<Option<f64>>> = (0..2).map(|at| table_rows.iter().map(|row| row[at]).collect()).collect();
    let types = "{c0: double, c1: double}";
    let stages = "  - id: far\n    outliers: {columns: [c0, c1], method: isolation_forest, contamination: 0.05, score: how_far}\n";
    let (rows, manifest) = run(&csv(&columns), types, stages);
    let mut expected: Vec<(usize, f64)> = numbers(&case["scores"]).into_iter().flatten().enumerate().collect();
    expected.sort_by(|a, b| b.1.total_cmp(&a.1));
    // 312 rows: 5 % are 15.6, so that 16 lie above the quantile.
    let far: Vec<usize> = (0..rows.len()).filter(|row| rows[*row]["outlier"] == true).collect();
    assert_eq!(far.len(), 16);
    let known: Vec<usize> = expected[..16].iter().map(|(row, _)| *row).collect();
    assert!(far.iter().filter(|row| known.contains(row)).count() >= 12, "{far:?} {known:?}");
    assert!(column(&rows, "how_far").iter().flatten().all(|score| (0.0..1.0).contains(score)));
    let examples = table(&manifest, "far", "The first outliers");
    assert_eq!(examples["rows"].as_array().unwrap().len(), 5);

    let (kept, _) = run(
        &csv(&columns),
        types,
        "  - outliers: {columns: [c0, c1], method: isolation_forest, contamination: 0.05, action: drop}\n",
    );
    assert_eq!(kept.len(), 312 - 16);
    let (nulls, _) = run(
        &csv(&columns),
        types,
        "  - outliers: {columns: [c0, c1], method: isolation_forest, contamination: 0.05, action: 'null'}\n",
    );
    let forgotten: Vec<usize> =
        (0..312).filter(|row| nulls[*row]["c0"].is_null() && nulls[*row]["c1"].is_null()).collect();
    assert_eq!(forgotten, far);
    let again = run(&csv(&columns), types, stages).0;
    assert_eq!(rows, again, "a seed gives one forest");
}

#[test]
fn rows_without_values_and_constant_columns_break_nothing() {
    let mut next = generator(8);
    let values: Vec<Option<f64>> = (0..60).map(|_| (next(3) > 0).then(|| next(9) as f64)).collect();
    let columns = [vec![None; 60], vec![Some(4.0); 60], values];
    let (rows, _) = run(
        &csv(&columns),
        "{c0: double, c1: double, c2: double}",
        "  - outliers: {columns: [c0, c1, c2], method: isolation_forest, threshold: 0.6, score: s}\n",
    );
    let scores: BTreeMap<String, usize> = rows.iter().fold(BTreeMap::new(), |mut scores, row| {
        *scores.entry(row["s"].to_string()).or_default() += 1;
        scores
    });
    assert!(
        scores.keys().all(|score| score.parse::<f64>().is_ok_and(|score| (0.0..1.0).contains(&score))),
        "{scores:?}"
    );
}

#[test]
fn options_of_other_methods_are_refused() {
    let say = |options: &str| {
        refusal(
            "g,x,outlier\na,1,2\n",
            "{g: string, x: double, outlier: double}",
            &format!("  - outliers: {{columns: x, {options}}}\n"),
        )
    };
    assert!(say("method: iqr, lower: 0.1").contains("`lower` has no meaning here"));
    assert!(say("method: quantile, factor: 2").contains("`factor` has no meaning here"));
    assert!(say("method: mad, trees: 10").contains("`trees` has no meaning here"));
    let forest = |options: &str| say(&format!("method: isolation_forest, {options}"));
    assert!(forest("by: g").contains("`by` has no meaning here"));
    assert!(forest("action: clip").contains("no allowed value to `clip` to"));
    assert!(forest("contamination: 0.7").contains("share above 0 up to 0.5"));
    assert!(forest("contamination: 0.1, threshold: 0.6").contains("exclude each other"));
    assert!(forest("threshold: 2").contains("between 0 and 1"));
    assert!(forest("sample: 60000, trees: 100").contains("too many"));
    assert!(forest("trees: 1000000").contains("from 1 to 1000"));
    assert!(forest("seed: 1").contains("column `outlier` exists already"));
    assert!(say("method: mad, by: x").contains("makes the groups"));
}
