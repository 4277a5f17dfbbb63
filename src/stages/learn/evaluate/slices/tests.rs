//! Groups of rows, by hand.

use super::*;
use std::num::NonZeroUsize;

use ndarray::Array2;

use crate::statistics::evaluation::Binning;
use crate::statistics::evaluation::bootstrap::BootstrapOptions;
use crate::tensor::{Classes, NumberTarget};

fn rules() -> Rules {
    let bins = NonZeroUsize::new(10).unwrap();
    let bootstrap = Some(BootstrapOptions { resamples: 100, ..BootstrapOptions::default() });
    Rules { binning: Binning::EqualWidth, bins, quantiles: Vec::new(), bootstrap }
}

fn number() -> Target {
    Target::Number(NumberTarget { column: "y".to_owned(), center: 0.0, scale: 1.0 })
}

#[test]
fn shares_of_rows_have_intervals_of_wilson_and_others_are_resampled() {
    // 40 rows of one group: 20 are a yes, 25 are said to be, 18 of them rightly.
    let truth: Vec<bool> = (0..40).map(|row| row < 20).collect();
    let said = |row: usize| if row < 18 || (20..27).contains(&row) { 0.9 } else { 0.2 } - row as f64 / 1_000.0;
    let outputs = Array2::from_shape_fn((40, 1), |(row, _)| said(row));
    let opinions = vec![Opinion { model: "network".to_owned(), outputs }];
    let evidence = Evidence { truth: Truth::Binary(truth), opinions };
    let names = ["false", "true"].map(str::to_owned).into();
    let target = Target::Binary(Classes { column: "late".to_owned(), names, counts: vec![20, 20] });
    let found = groups(&[column("g", vec![None; 40], false)], &target, &evidence, 0.5, &rules()).unwrap();
    let of = |name: &str| found[0].metrics.iter().find(|measured| measured.metric.name == name).unwrap();
    // statsmodels: proportion_confint(31, 40, method="wilson") and so on.
    for (name, value, low, high) in [
        ("accuracy", 31.0 / 40.0, 0.624_969_033, 0.876_839_087),
        ("precision", 18.0 / 25.0, 0.524_233_948, 0.857_161_461),
        ("recall", 18.0 / 20.0, 0.698_966_355, 0.972_133_519),
    ] {
        let (measured, (from, to)) = (of(name), of(name).interval.unwrap());
        assert!((measured.value.unwrap() - value).abs() < 1e-12, "{measured:?}");
        assert!((from - low).abs() < 1e-6 && (to - high).abs() < 1e-6, "{name} {from} {to}");
    }
    assert_eq!((found[0].score, found[0].interval), (Some(31.0 / 40.0), of("accuracy").interval));
    for name in ["ROC AUC", "log loss", "F1"] {
        let (value, (low, high)) = (of(name).value.unwrap(), of(name).interval.unwrap());
        assert!(low < value && value < high && high - low < 0.6, "{name} {low} {value} {high}");
    }
}

fn column(name: &str, texts: Vec<Option<String>>, is_number: bool) -> Column {
    Column { name: name.to_owned(), texts, is_number }
}

#[test]
fn numbers_of_many_values_become_quarters() {
    let texts = (0..100).map(|row| Some(format!("{}", row * 7 % 100))).collect();
    let groups = divided(&column("hour", texts, true));
    let found: Vec<(&str, usize)> = groups.iter().map(|(name, rows)| (name.as_str(), rows.len())).collect();
    assert_eq!(found, [("0 to 24", 25), ("25 to 49", 25), ("50 to 74", 25), ("75 to 99", 25)]);
}

#[test]
fn rare_values_share_a_group_and_missing_ones_have_their_own() {
    let mut texts: Vec<Option<String>> = (0..300).map(|row| Some(format!("v{}", row % 30))).collect();
    texts.push(None);
    let groups = divided(&column("carrier", texts, false));
    assert_eq!(groups.len(), 21);
    assert_eq!((groups[19].0.as_str(), groups[19].1.len()), ("11 other values", 110));
    assert_eq!((groups[20].0.as_str(), groups[20].1.len()), ("missing", 1));
}

#[test]
fn only_a_group_that_is_worse_beyond_chance_is_named() {
    // Group `b` has errors of about 5, the others of about 1.
    let texts: Vec<Option<String>> = (0..300).map(|row| Some(["a", "b", "c"][row % 3].to_owned())).collect();
    let predicted: Vec<f64> =
        (0..300).map(|row| (if row % 3 == 1 { 5.0 } else { 1.0 }) + f64::from(row as u32 % 7) / 10.0).collect();
    let truth = vec![0.0; 300];
    let outputs = Array2::from_shape_vec((300, 1), predicted).unwrap();
    let opinions = vec![Opinion { model: "network".to_owned(), outputs }];
    let evidence = Evidence { truth: Truth::Numbers(truth), opinions };
    let found = groups(&[column("g", texts, false)], &number(), &evidence, 0.5, &rules()).unwrap();
    let named: Vec<String> = worst(&found, &evidence.truth).iter().map(|group| group.name()).collect();
    assert_eq!(named, ["g = b"]);
    assert_eq!(found[1].rows, 100);
    assert!((found[1].score.unwrap() - 5.3).abs() < 0.01, "{:?}", found[1]);
    // Without a difference nobody is named.
    let alike: Vec<Option<String>> = (0..300).map(|row| Some(["x", "y"][row / 3 % 2].to_owned())).collect();
    let found = groups(&[column("h", alike, false)], &number(), &evidence, 0.5, &rules()).unwrap();
    assert!(worst(&found, &evidence.truth).is_empty(), "{found:?}");
}
