#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use proptest::prelude::*;
use serde_json::Value;

use super::covariance::Covariance;
use super::pca::{Components, Pca, PcaError};
use super::random_projection::{Weights, draw, guaranteed_distortion, sufficient_components};
use super::symmetric_eigen;
use crate::statistics::oracle::{assert_close, cases};

const ORACLE: &str = include_str!("../../../tests/data/oracle/reduce_sklearn.json");

fn lists(value: &Value) -> Vec<Vec<f64>> {
    let row = |row: &Value| row.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    value.as_array().unwrap().iter().map(row).collect()
}

fn summed(rows: &[Vec<f64>]) -> Covariance {
    let mut covariance = Covariance::new(rows[0].len());
    rows.iter().for_each(|row| covariance.push(row));
    covariance.finish();
    covariance
}

/// The two vectors differ by no more than a share of the longest of their kind.
fn assert_near(found: &[f64], expected: &[f64], relative: f64, what: &str) {
    let size = expected.iter().fold(0.0_f64, |size, value| size.max(value.abs()));
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= relative * size, "{what}: {found} is not {expected}");
    }
}

#[test]
fn components_are_those_of_scikit_learn() {
    let all: Value = serde_json::from_str(ORACLE).unwrap();
    for case in cases(ORACLE, "pca") {
        let name = case.text("name");
        let rows = lists(&all["rows"][&name]);
        let scale = case.value("scale").as_bool().unwrap();
        let count = case.integer("components") as usize;
        let covariance = summed(&rows);
        let pca = Pca::fit(&covariance, Components::Count(count), scale, 0).unwrap();
        let what = format!("{name}, scale {scale}");
        for (at, expected) in case.list("variances").iter().enumerate() {
            assert_close(pca.variances()[at], *expected, 1e-9, &what);
        }
        for (at, expected) in case.list("shares").iter().enumerate() {
            assert_close(pca.shares()[at], *expected, 1e-9, &what);
        }
        for (found, expected) in pca.components().iter().zip(lists(case.value("vectors"))) {
            assert_near(found, &expected, 1e-9, &what);
        }
        for (row, expected) in rows.iter().zip(lists(case.value("scores"))) {
            assert_near(&pca.map().apply(row), &expected, 1e-9, &what);
        }
        let share = Pca::fit(&covariance, Components::Share(0.9), scale, 0).unwrap();
        assert_eq!(share.components().len() as u64, case.integer("for_90_percent"), "{what}");
        let along =
            (0..rows[0].len()).filter_map(|column| pca.correlation(0, column, &covariance)).map(|r| r * r).sum::<f64>();
        if scale {
            // Over all columns of unit variance the squared correlations with a component add up to its variance.
            assert_close(along, pca.variances()[0], 1e-9, &what);
        }
    }
}

#[test]
fn few_components_of_many_columns_are_those_of_the_full_decomposition() {
    let width = 300;
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    // Some strong directions over noise, two of them equally strong by construction.
    let mut matrix = vec![0.0; width * width];
    for (strength, at) in [(9.0, 0), (9.0, 1), (4.0, 2), (1.0, 3)] {
        matrix[at * width + at] += strength;
    }
    for _ in 0..40 {
        let direction: Vec<f64> = (0..width).map(|_| random()).collect();
        for a in 0..width {
            for b in 0..width {
                matrix[a * width + b] += 0.01 * direction[a] * direction[b];
            }
        }
    }
    let (few, vectors) = symmetric_eigen(&matrix, width, 4, 7).unwrap();
    let (all, _) = symmetric_eigen(&matrix, width, width, 7).unwrap();
    for (few, all) in few.iter().zip(&all) {
        assert_close(*few, *all, 1e-11, "eigenvalue");
    }
    for (value, vector) in few.iter().zip(&vectors) {
        let off: f64 = (0..width)
            .map(|row| {
                (0..width).map(|column| matrix[row * width + column] * vector[column]).sum::<f64>()
                    - value * vector[row]
            })
            .map(|off| off * off)
            .sum();
        assert!(off.sqrt() < 1e-10, "{off:e}");
    }
}

#[test]
fn what_has_no_components_says_why() {
    let fit = |rows: &[Vec<f64>]| Pca::fit(&summed(rows), Components::Count(1), false, 0).unwrap_err();
    assert_eq!(fit(&[vec![1.0, 2.0]]), PcaError::Rows(1));
    assert_eq!(fit(&vec![vec![0.1, 1e9]; 7]), PcaError::Constant);
    assert_eq!(fit(&[vec![1.0, 1e300], vec![2.0, -1e300]]), PcaError::Overflow(1));
}

#[test]
fn a_constant_column_has_no_weight_and_does_no_harm() {
    let rows: Vec<Vec<f64>> = (0..50).map(|i| vec![f64::from(i), 3.0, f64::from(i * i % 7)]).collect();
    for scale in [false, true] {
        let pca = Pca::fit(&summed(&rows), Components::Share(1.0), scale, 0).unwrap();
        assert_eq!((pca.constant(), pca.components().len()), (&[1][..], 2));
        assert!(pca.components().iter().all(|component| component[1].abs() < 1e-12));
    }
}

#[test]
fn enough_components_are_those_of_dasgupta_and_gupta() {
    // 4 ln(1000) / (0.01 / 2 - 0.001 / 3) = 27.631.. / 0.0046666.. = 5920.9..; scikit-learn gives 5920 for (1000, 0.1).
    assert_eq!(sufficient_components(1_000, 0.1), Some(5_920));
    assert_eq!(sufficient_components(1_000_000, 0.5), Some(663));
    assert_eq!(sufficient_components(10, 1.0), None);
    assert_eq!(guaranteed_distortion(1_000_000, 663), Some(0.5));
    assert_eq!(guaranteed_distortion(1_000_000, 3), None);
}

#[test]
fn random_directions_keep_lengths_in_the_mean() {
    for weights in [Weights::Gaussian, Weights::Sparse] {
        let map = draw(vec![0.0; 200], vec![1.0; 200], 400, weights, 5);
        let all = map.weights.concat();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let square = all.iter().map(|weight| weight * weight).sum::<f64>() / all.len() as f64;
        // 80,000 weights of variance 1/400: the mean is within four standard errors, the mean square too (at most 1.5 / 400 a
        // weight).
        assert!(mean.abs() < 4.0 * 0.05 / 80_000_f64.sqrt(), "{weights:?} {mean}");
        assert!((square * 400.0 - 1.0).abs() < 4.0 * 1.5 / 80_000_f64.sqrt(), "{weights:?} {square}");
        let length: f64 = map.apply(&[1.0; 200]).iter().map(|value| value * value).sum();
        assert!((length / 200.0 - 1.0).abs() < 0.3, "{weights:?} {length}");
    }
    let zeros = draw(vec![0.0; 3_000], vec![1.0; 3_000], 1, Weights::Sparse, 1).weights.concat();
    let share = zeros.iter().filter(|weight| **weight == 0.0).count() as f64 / 3_000.0;
    assert!((share - 2.0 / 3.0).abs() < 0.04, "{share}");
}

proptest! {
    #[test]
    fn covariances_do_not_depend_on_how_rows_come_in(
        rows in prop::collection::vec(prop::collection::vec(-100.0..100.0_f64, 3), 2..60),
        cut in 0_usize..60,
        shift in prop::sample::select(vec![0.0, 1e6]),
    ) {
        let rows: Vec<Vec<f64>> = rows.into_iter().map(|row| row.into_iter().map(|value| value + shift).collect()).collect();
        let whole = summed(&rows);
        let mut parts = Covariance::new(3);
        parts.extend(&rows.concat()[..cut.min(rows.len()) * 3]);
        parts.extend(&rows.concat()[cut.min(rows.len()) * 3..]);
        parts.finish();
        prop_assert_eq!(&whole, &parts);
        let mut merged = Covariance::new(3);
        for row in &rows {
            merged.merge(&summed(std::slice::from_ref(row)));
        }
        let count = rows.len() as f64;
        for a in 0..3 {
            for b in 0..3 {
                let mean = |at: usize| rows.iter().map(|row| row[at] - shift).sum::<f64>() / count;
                let sum: f64 = rows.iter().map(|row| (row[a] - shift - mean(a)) * (row[b] - shift - mean(b))).sum();
                let expected = sum / (count - 1.0);
                for found in [&whole, &merged] {
                    let found = found.between(a, b).unwrap();
                    prop_assert!((found - expected).abs() < 1e-6, "{} {}", found, expected);
                }
            }
        }
    }
}
