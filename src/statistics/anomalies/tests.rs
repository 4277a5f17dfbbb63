#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use serde_json::Value;

use super::local_outlier_factor::LocalOutlierFactor;
use super::mahalanobis::Mahalanobis;
use super::mcd::{McdError, minimum_covariance_determinant};
use super::robust_z::{RobustZ, deviation};
use super::{Compared, Detector, Method, in_words};
use crate::statistics::decomposition::covariance::Covariance;
use crate::statistics::isolation_forest::{ForestOptions, IsolationForest};
use crate::statistics::oracle::{assert_close, cases};

const ORACLE: &str = include_str!("../../../tests/data/oracle/anomalies_sklearn.json");

fn rows_of(name: &str) -> Vec<Vec<f64>> {
    let all: Value = serde_json::from_str(ORACLE).unwrap();
    let row = |row: &Value| row.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    all["rows"][name].as_array().unwrap().iter().map(row).collect()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
}

fn summed(rows: &[Vec<f64>]) -> Covariance {
    let mut covariance = Covariance::new(rows[0].len());
    rows.iter().for_each(|row| covariance.push(row));
    covariance.finish();
    covariance
}

fn distance(rows: &[Vec<f64>]) -> Mahalanobis {
    let sums = summed(rows);
    Mahalanobis::new(sums.mean().to_vec(), &sums.matrix((sums.count() - 1) as f64)).unwrap()
}

#[test]
fn outlier_factors_are_those_of_scikit_learn() {
    for case in cases(ORACLE, "factors") {
        let name = case.text("name");
        let rows = rows_of(&name);
        let (fitted, new) = rows.split_at(rows.len() - 20);
        let neighbours = case.integer("neighbours") as usize;
        let factor = LocalOutlierFactor::learn(&fitted.concat(), vec![1.0; rows[0].len()], neighbours);
        let compare = |found: Vec<f64>, expected: Vec<f64>, what: &str| {
            // Which of equally far rows are neighbours is left open by the definition, and the two programs choose otherwise: on
            // the grid, where nearly all distances are equal, only rows that are far from everything can be compared.
            for (found, expected) in found
                .into_iter()
                .zip(expected)
                .filter(|(_, expected)| name != "grid" || *expected > 2.0 && *expected < 1e6)
            {
                let relative = if name == "grid" { 0.25 } else { 1e-9 };
                assert_close(found, expected, relative, &format!("{what} of {name}, {neighbours} neighbours"));
            }
        };
        compare(factor.scores(&fitted.concat()), case.list("own"), "own");
        if name != "grid" {
            compare(factor.scores(&new.concat()), case.list("new"), "new");
        }
    }
}

#[test]
fn distances_are_those_of_scikit_learn() {
    for case in cases(ORACLE, "distances") {
        let rows = rows_of(&case.text("name"));
        let distance = distance(&rows);
        for (row, expected) in rows.iter().zip(case.list("distances")) {
            assert_close(distance.score(row), expected, 1e-9, &case.text("name"));
            let sum: f64 = distance.reasons(row).iter().map(|reason| reason.weight).sum();
            assert_close(sum.sqrt(), expected, 1e-9, "contributions add up to the squared distance");
        }
    }
}

#[test]
fn robust_deviations_are_those_of_scipy() {
    for case in cases(ORACLE, "deviations") {
        let rows = rows_of(&case.text("name"));
        let width = rows[0].len();
        let centers: Vec<f64> = (0..width).map(|at| median(rows.iter().map(|row| row[at]))).collect();
        let deviations = (0..width)
            .map(|at| deviation(Some(median(rows.iter().map(|row| (row[at] - centers[at]).abs()))), None))
            .collect();
        let robust = RobustZ { centers, deviations };
        for (row, expected) in rows.iter().zip(case.list("deviations")) {
            assert_close(robust.score(row), expected, 1e-9, &case.text("name"));
        }
    }
    assert_close(deviation(Some(0.0), Some(2.0)), 2.506_628_274_631_000_7, 1e-15, "2 sqrt(pi / 2)");
    assert_eq!(deviation(Some(0.0), Some(0.0)), 0.0);
}

#[test]
fn the_smallest_determinant_is_nearly_that_of_3000_searches_and_the_estimates_agree() {
    for case in cases(ORACLE, "robust") {
        let name = case.text("name");
        let rows = rows_of(&name);
        let width = rows[0].len();
        let found = minimum_covariance_determinant(&rows.concat(), width, 0).unwrap();
        // FAST-MCD follows the ten best of 500 starts, the oracle all of 3,000: the optimum may be missed, by little.
        let (least, own) = (case.number("raw_determinant"), found.raw_determinant);
        assert!(own >= least - 1e-9 && own < least + 0.01, "{name}: {own} {least}");
        let same: Vec<f64> = found.subset.iter().map(|at| *at as f64).collect();
        let is_same = same == case.list("subset");
        for (at, expected) in case.list("location").into_iter().enumerate() {
            let deviation = found.covariance[at * width + at].sqrt();
            let tolerance = if is_same { 1e-9 } else { 0.1 };
            assert!(
                (found.center[at] - expected).abs() < tolerance * deviation,
                "{name}: {} {expected}",
                found.center[at]
            );
        }
        let raw: Vec<Vec<f64>> = found.subset.iter().map(|at| rows[*at].clone()).collect();
        for (found, expected) in found.raw_center.iter().zip(summed(&raw).mean()) {
            assert_close(*found, *expected, 1e-12, &name);
        }
    }
}

#[test]
fn a_robust_covariance_does_not_see_outliers_and_says_when_there_is_none() {
    // A long cloud in the unit square and a third of rows far away, in one place.
    let mut rows: Vec<f64> =
        (0..1_400).flat_map(|i| [f64::from(i * 37 % 101) / 101.0, f64::from(i * 53 % 97) / 97.0]).collect();
    rows.extend((0..600).flat_map(|i| [50.0 + f64::from(i % 7) / 70.0, -20.0 + f64::from(i % 11) / 110.0]));
    let found = minimum_covariance_determinant(&rows, 2, 0).unwrap();
    assert!(found.subset.iter().all(|row| *row < 1_400));
    assert!(found.center.iter().all(|center| (center - 0.5).abs() < 0.03), "{:?}", found.center);
    assert_eq!(found, minimum_covariance_determinant(&rows, 2, 0).unwrap());
    let plane: Vec<f64> = (0..90).flat_map(|i| [f64::from(i), if i < 60 { 1.0 } else { f64::from(i) }]).collect();
    assert_eq!(minimum_covariance_determinant(&plane, 2, 0), Err(McdError::Singular));
    assert_eq!(minimum_covariance_determinant(&[1.0; 8], 2, 0), Err(McdError::Rows { rows: 4, columns: 2 }));
}

#[test]
fn a_broken_combination_is_found_and_the_expected_value_told() {
    // The second column is twice the first, with a little noise; each value of the last row is usual by itself.
    let mut rows: Vec<Vec<f64>> =
        (0..200).map(|i| vec![f64::from(i), 2.0 * f64::from(i) + f64::from(i * 37 % 11) / 10.0]).collect();
    rows.push(vec![20.0, 300.0]);
    let distance = distance(&rows[..200]);
    assert!(distance.score(&rows[200]) > 20.0 * distance.score(&rows[150]));
    let reasons = distance.reasons(&rows[200]);
    let Compared::Expected(expected) = reasons[1].compared else { panic!("a distance tells what it expected") };
    assert!((expected - 40.5).abs() < 1.0, "{expected}");
}

#[test]
fn a_distance_without_a_value_is_that_of_the_other_columns() {
    let rows = rows_of("weather");
    let all = distance(&rows);
    for kept in [vec![0, 2, 3], vec![1, 3]] {
        let part: Vec<Vec<f64>> = rows.iter().map(|row| kept.iter().map(|at| row[*at]).collect()).collect();
        let part_distance = distance(&part);
        for (row, part) in rows.iter().zip(&part) {
            let holes: Vec<f64> =
                row.iter().enumerate().map(|(at, value)| if kept.contains(&at) { *value } else { f64::NAN }).collect();
            assert_close(all.score(&holes), part_distance.score(part), 1e-7, "the marginal distance");
        }
    }
}

#[test]
fn columns_without_variance_and_combinations_are_left_out() {
    let rows: Vec<Vec<f64>> =
        (0..60).map(|i| vec![f64::from(i), 3.0, f64::from(i * 37 % 17), 5.0 - 2.0 * f64::from(i)]).collect();
    let singular = distance(&rows);
    assert_eq!((singular.rank(), singular.constant().collect::<Vec<_>>()), (2, vec![1]));
    let plain = distance(&rows.iter().map(|row| vec![row[0], row[2]]).collect::<Vec<_>>());
    assert_close(
        singular.score(&rows[7]),
        plain.score(&[rows[7][0], rows[7][2]]),
        1e-9,
        "the other columns say nothing",
    );
    assert!(Mahalanobis::new(vec![3.0; 2], &[0.0; 4]).is_none());
}

#[test]
fn a_forest_names_the_columns_that_made_a_row_an_anomaly() {
    let mut rows: Vec<f64> =
        (0..500).flat_map(|i| [f64::from(i * 37 % 101), f64::from(i * 53 % 97), f64::from(i * 71 % 89)]).collect();
    rows.extend([50.0, 2_000.0, 40.0, 900.0, -1_500.0, 44.0]);
    let forest = IsolationForest::grow(&rows, 3, &ForestOptions::default());
    let detector = Detector { method: Method::IsolationForest(forest), usual: vec![50.0, 48.0, 44.0] };
    let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
    let told = |row: [f64; 3]| in_words(&detector.reasons(&row), &row.map(Some), &names);
    assert_eq!(told([50.0, 2_000.0, 40.0]), "b 2000 (usually 48)");
    let both = told([900.0, -1_500.0, 44.0]);
    assert!(
        both.contains("a 900 (usually 50)") && both.contains("b -1500 (usually 48)") && !both.contains("c 44"),
        "{both}"
    );
}

#[test]
fn what_is_missing_is_no_reason_and_what_is_infinite_is() {
    let robust = RobustZ { centers: vec![1.0, 2.0], deviations: vec![1.0, 0.5] };
    let detector = Detector { method: Method::RobustZ(robust), usual: vec![1.0, 2.0] };
    let row = [None, Some(f64::INFINITY)];
    let filled: Vec<f64> = row.iter().enumerate().map(|(at, value)| detector.value(at, *value)).collect();
    assert!(detector.scores(&filled)[0].is_finite());
    let names = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(in_words(&detector.reasons(&filled), &row, &names), "b infinity (usually 2)");
}

#[test]
fn equal_rows_have_usual_factors_and_no_row_is_not_a_number() {
    let mut rows = vec![1.0; 40];
    rows.extend([2.0, 1e150, -1e150]);
    let factor = LocalOutlierFactor::learn(&rows, vec![1.0], 5);
    let scores = factor.scores(&rows);
    assert_eq!(scores[0], 1.0);
    assert!(scores.iter().all(|score| score.is_finite() && *score >= 0.0), "{scores:?}");
    assert!(scores[40] > 2.0 && scores[41] > 2.0);
}
