use super::{assert_close, column, csv, numbers, oracle, refusal, run, table};

#[test]
fn powers_give_what_scikit_learn_gives() {
    for case in oracle("yeo_johnson") {
        let values = numbers(&case["values"]);
        let (rows, manifest) = run(
            &csv(&[values]),
            "{c0: double}",
            "  - id: shaped\n    standardize: {columns: c0, method: yeo_johnson}\n",
        );
        let transformed: Vec<f64> = numbers(&case["transformed"]).into_iter().flatten().collect();
        let n = transformed.len() as f64;
        let mean = transformed.iter().sum::<f64>() / n;
        let deviation = (transformed.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        let expected: Vec<Option<f64>> = transformed.iter().map(|y| Some((y - mean) / deviation)).collect();
        assert_close(&column(&rows, "c0"), &expected, 1e-4);
        let shown = table(&manifest, "shaped", "Learned")["rows"][0][1].as_f64().unwrap();
        let power = case["power"].as_f64().unwrap();
        assert!((shown - power).abs() < 1e-4 * (1.0 + power.abs()), "{shown} {power}");
    }
}

#[test]
fn quantiles_give_what_scikit_learn_gives() {
    for case in oracle("quantile") {
        // The rows that are learned from are those of the part `train`, the others are new.
        let (values, new) = (numbers(&case["values"]), numbers(&case["new"]));
        let parts = values.iter().map(|_| "2001-01-01").chain(new.iter().map(|_| "2002-01-01"));
        let lines = values.iter().chain(&new).zip(parts).map(|(x, day)| format!("{},{day}\n", x.unwrap()));
        let text = "c0,day\n".to_owned() + &lines.collect::<String>();
        // Rows of one day stay together, so that half of the share is enough.
        let share = 0.5 * values.len() as f64 / (values.len() + new.len()) as f64;
        let count = case["quantiles"].as_u64().unwrap();
        for output in ["uniform", "normal"] {
            let stages = format!(
                "  - split: {{by: time, on: day, parts: {{train: {share}, test: {}}}}}
  - standardize: {{columns: c0, method: quantile, quantiles: {count}, output: {output}}}\n",
                1.0 - share
            );
            let (rows, _) = run(&text, "{c0: double, day: date}", &stages);
            let found = column(&rows, "c0")[values.len()..].to_vec();
            assert_close(&found, &numbers(&case[output]), 1e-6);
        }
    }
}

#[test]
fn logarithms_keep_the_sign() {
    let values = [Some(0.0), Some(1.0), Some(-1.0), Some(1e6), None];
    let (rows, _) = run(
        &csv(&[values.to_vec(), vec![Some(1.0); 5]]),
        "{c0: double, c1: double}",
        "  - standardize: {columns: c0, method: log}\n",
    );
    // ln 2 and ln 1000001.
    let expected =
        [Some(0.0), Some(std::f64::consts::LN_2), Some(-std::f64::consts::LN_2), Some(13.815_511_557_963_774), None];
    assert_close(&column(&rows, "c0"), &expected, 1e-12);
}

#[test]
fn groups_have_scales_of_their_own_and_others_take_that_of_all_rows() {
    // Group a: mean 2, deviation 1. Group b: all equal. Group c: one value. No group: null key.
    let text = "g,x\na,1\na,2\na,3\nb,5\nb,5\nc,9\n,4\n";
    let types = "{g: string, x: double}";
    let (rows, _) = run(text, types, "  - standardize: {columns: x, by: g}\n");
    let all = [1.0, 2.0, 3.0, 5.0, 5.0, 9.0, 4.0_f64];
    let mean = all.iter().sum::<f64>() / 7.0;
    let deviation = (all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 6.0).sqrt();
    let overall = |x: f64| Some((x - mean) / deviation);
    let expected = [Some(-1.0), Some(0.0), Some(1.0), Some(0.0), Some(0.0), overall(9.0), overall(4.0)];
    assert_close(&column(&rows, "x"), &expected, 1e-12);
    let (rows, _) = run(text, types, "  - standardize: {columns: x, by: g, method: minmax}\n");
    // A range needs no second value: of one value it is 0.
    let expected = [Some(0.0), Some(0.5), Some(1.0), Some(0.0), Some(0.0), Some(0.0), Some(3.0 / 8.0)];
    assert_close(&column(&rows, "x"), &expected, 1e-12);
    let (rows, _) = run(text, types, "  - standardize: {columns: x, by: g, method: maxabs, suffix: _m}\n");
    let expected = [Some(1.0 / 3.0), Some(2.0 / 3.0), Some(1.0), Some(1.0), Some(1.0), Some(1.0), Some(4.0 / 9.0)];
    assert_close(&column(&rows, "x_m"), &expected, 1e-12);
}

#[test]
fn columns_without_two_values_stay_finite() {
    for method in ["yeo_johnson", "quantile", "log", "robust"] {
        let stages = format!("  - standardize: {{columns: [c0, c1], method: {method}}}\n");
        let (rows, _) = run(
            &csv(&[vec![None; 3], vec![Some(7.0); 3], vec![Some(1.0); 3]]),
            "{c0: double, c1: double, c2: double}",
            &stages,
        );
        assert_eq!(column(&rows, "c0"), [None; 3]);
        assert!(column(&rows, "c1").iter().all(|x| x.is_some_and(f64::is_finite)), "{method}: {rows:?}");
    }
}

#[test]
fn options_of_other_methods_are_refused() {
    let say = |options: &str| {
        refusal("g,x\na,1\n", "{g: string, x: double}", &format!("  - standardize: {{columns: x, {options}}}\n"))
    };
    assert!(say("quantiles: 10").contains("`quantiles` belongs to `method: quantile`"));
    assert!(say("output: normal").contains("`output` belongs to `method: quantile`"));
    assert!(say("method: quantile, quantiles: 1").contains("from 2 to 10000"));
    assert!(say("method: log, by: g").contains("center and a scale"));
    assert!(say("by: x").contains("makes the groups"));
}
