#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;
use crate::statistics::oracle::{assert_close, cases, oracle};

fn pearson(x: &[f64], y: &[f64]) -> Option<Correlation> {
    let mut matrix = PearsonMatrix::new(2);
    matrix.extend(&[x, y]).unwrap();
    matrix.table().get(1, 0)
}

#[test]
fn pearson_agrees_with_scipy() {
    for case in oracle("correlation") {
        let name = case.text("name");
        let found = pearson(&case.list("x"), &case.list("y")).unwrap();
        assert_eq!(found.count, case.integer("count"), "{name}");
        assert_close(found.coefficient, case.number("pearson"), 1e-11, &name);
        assert_close(found.p_value().unwrap(), case.number("pearson_p"), 1e-9, &name);
        let (low, high) = found.interval(0.9).unwrap();
        assert_close(low, case.number("low"), 1e-10, &name);
        assert_close(high, case.number("high"), 1e-10, &name);
    }
}

#[test]
fn spearman_agrees_with_scipy() {
    for case in oracle("correlation") {
        let name = case.text("name");
        let found = spearman(&case.list("x"), &case.list("y")).unwrap().unwrap();
        assert_eq!(found.count, case.integer("count"), "{name}");
        assert_close(found.coefficient, case.number("spearman"), 1e-11, &name);
        assert_close(found.p_value().unwrap(), case.number("spearman_p"), 1e-9, &name);
    }
}

/// A coefficient, its p-value and the ends of its interval.
#[track_caller]
fn all_close(found: &Correlation, interval: Option<(f64, f64)>, stored: &[f64], what: &str) {
    let (low, high) = interval.unwrap();
    for (found, stored) in [found.coefficient, found.p_value().unwrap(), low, high].iter().zip(stored) {
        assert!((found - stored).abs() <= 1e-9 * stored.abs().max(1e-6), "{what}: {found:e} is not {stored:e}");
    }
}

#[test]
fn pearson_and_spearman_of_flights_and_weather_agree_with_scipy() {
    for case in cases(include_str!("../../../tests/data/oracle/dependence.json"), "pairs") {
        let (x, y, name) = (case.list("x"), case.list("y"), case.text("name"));
        let found = pearson(&x, &y).unwrap();
        all_close(&found, found.interval(0.95), &case.list("pearson"), &format!("{name}, Pearson"));
        let found = spearman(&x, &y).unwrap().unwrap();
        all_close(&found, found.rank_interval(0.95), &case.list("spearman"), &format!("{name}, Spearman"));
    }
}

#[test]
fn kendall_agrees_with_scipy() {
    for case in cases(include_str!("../../../tests/data/oracle/dependence.json"), "pairs") {
        let name = case.text("name");
        let found = kendall(&case.list("x"), &case.list("y")).unwrap().unwrap();
        assert_eq!(found.count, case.integer("count"), "{name}");
        assert_close(found.tau, case.number("tau"), 1e-13, &name);
        assert_close(found.p_value().unwrap(), case.number("tau_p"), 1e-9, &name);
        let (low, high) = found.interval(0.95).unwrap();
        assert_close(low, case.list("tau_interval")[0], 1e-9, &name);
        assert_close(high, case.list("tau_interval")[1], 1e-9, &name);
    }
}

#[test]
fn distance_correlation_agrees_with_dcor() {
    for case in cases(include_str!("../../../tests/data/oracle/dependence.json"), "pairs") {
        let name = case.text("name");
        let found = distance_correlation(&case.list("x"), &case.list("y")).unwrap().unwrap();
        assert_eq!(found.count, case.integer("count"), "{name}");
        assert_close(found.sample, case.number("distance"), 1e-9, &name);
        assert_close(found.corrected_square, case.number("distance_corrected_square"), 1e-9, &name);
        assert_close(found.p_value().unwrap(), case.number("distance_p"), 1e-9, &name);
        let (t, p) = found.t_test().unwrap();
        assert_close(t, case.number("distance_t"), 1e-9, &name);
        // dcor takes the distribution function from 1, which leaves this many digits.
        assert!((p - case.number("distance_t_p")).abs() < 1e-13, "{name}");
        let (error, expected) = (found.standard_error.unwrap(), case.number("distance_error"));
        assert!((error - expected).abs() < 1e-7 * expected + 1e-13, "{name}: {error} is not {expected}");
    }
}

#[test]
fn kendall_and_distance_know_their_bounds() {
    let x = [1.0, 2.0, 3.0, 4.0, f64::NAN, 6.0];
    assert_eq!(kendall(&x, &[0.1; 6]), Ok(None));
    assert_eq!(kendall(&[1.0], &[1.0]), Ok(None));
    assert_eq!(distance_correlation(&x, &[0.1; 6]), Ok(None));
    assert_eq!(distance_correlation(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]), Ok(None));
    let same = kendall(&x, &x).unwrap().unwrap();
    assert_eq!((same.tau, same.count, same.score, same.interval(0.95)), (1.0, 5, 10, Some((1.0, 1.0))));
    let zeros = kendall(&[0.0, -0.0, 1.0], &[1.0, 1.0, 2.0]).unwrap().unwrap();
    assert_eq!(zeros.tau, 1.0, "0 and -0 are one value");
    let far = [f64::NEG_INFINITY, 1e300, f64::INFINITY, -1e300];
    assert_eq!(kendall(&far, &[1.0, 3.0, 4.0, 2.0]).unwrap().unwrap().tau, 1.0);
    let large = [1e300, -7e307, 3e307, 1e308, -1e308, 5e307];
    let found = distance_correlation(&large, &large).unwrap().unwrap();
    assert!((found.sample - 1.0).abs() < 1e-12 && (found.corrected() - 1.0).abs() < 1e-12);
}

/// Every pair of rows, one after the other.
fn kendall_by_pairs(x: &[f64], y: &[f64]) -> i128 {
    let sign = |a: f64, b: f64| i128::from(a > b) - i128::from(a < b);
    let pairs = (0..x.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    pairs.map(|(i, j)| sign(x[i], x[j]) * sign(y[i], y[j])).sum()
}

fn column(rows: usize) -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![8 => (-50_i32..50).prop_map(|v| f64::from(v) + 1e5), 1 => Just(f64::NAN)];
    prop::collection::vec(value, rows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_matrix_in_batches_is_the_pair_value_by_value(
        columns in (1_usize..3000).prop_flat_map(|rows| prop::collection::vec(column(rows), 3)),
        cut in 0.0_f64..1.0,
    ) {
        let cut = (columns[0].len() as f64 * cut) as usize;
        let part = |range: std::ops::Range<usize>| {
            let slices: Vec<&[f64]> = columns.iter().map(|column| &column[range.clone()]).collect();
            let mut matrix = PearsonMatrix::new(3);
            matrix.extend(&slices).unwrap();
            matrix
        };
        let mut matrix = part(0..cut);
        matrix.merge(&part(cut..columns[0].len())).unwrap();
        let table = matrix.table();
        for (i, j) in [(0, 0), (0, 1), (2, 0), (1, 2)] {
            let mut pair = CoMoments::new();
            pair.extend(&columns[i], &columns[j]);
            match (table.get(i, j), pair.correlation()) {
                (Some(found), Some(expected)) => {
                    prop_assert_eq!(found.count, expected.count);
                    prop_assert!((found.coefficient - expected.coefficient).abs() < 1e-10);
                }
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }
    }

    #[test]
    fn spearman_is_pearson_of_the_ranks_of_the_rows_that_are_left(
        columns in (1_usize..80).prop_flat_map(|rows| prop::collection::vec(column(rows), 3)),
        complete in 0_usize..4,
    ) {
        let mut columns = columns;
        columns.iter_mut().take(complete).flatten().filter(|value| value.is_nan()).for_each(|value| *value = 3.0);
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let table = spearman_matrix(&slices).unwrap();
        for (i, j) in [(0, 0), (0, 1), (2, 0), (1, 2)] {
            let rows = columns[i].iter().zip(&columns[j]).filter(|(x, y)| !x.is_nan() && !y.is_nan());
            let (x, y): (Vec<f64>, Vec<f64>) = rows.map(|(&x, &y)| (x, y)).unzip();
            let mut pair = CoMoments::new();
            pair.extend(&average_ranks(&x), &average_ranks(&y));
            match (table.get(i, j), pair.correlation()) {
                (Some(found), Some(expected)) => {
                    prop_assert_eq!(found.count, expected.count);
                    prop_assert!((found.coefficient - expected.coefficient).abs() < 1e-12);
                }
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }
    }

    #[test]
    fn kendall_counts_every_pair(rows in prop::collection::vec((-9_i32..9, -9_i32..9), 2..200)) {
        let (x, y): (Vec<f64>, Vec<f64>) = rows.iter().map(|&(x, y)| (f64::from(x), f64::from(y))).unzip();
        if let Some(found) = kendall(&x, &y).unwrap() {
            prop_assert_eq!(found.score, kendall_by_pairs(&x, &y));
            prop_assert!(found.p_value().is_some_and(|p| (0.0..=1.0).contains(&p)));
        }
    }

    #[test]
    fn distance_correlation_is_that_of_all_distances(rows in prop::collection::vec((-9_i32..9, -9_i32..9), 6..40)) {
        let (x, y): (Vec<f64>, Vec<f64>) = rows.iter().map(|&(x, y)| (f64::from(x), f64::from(y) / 7.0)).unzip();
        let centred = |values: &[f64]| {
            let n = values.len();
            let rows: Vec<f64> = values.iter().map(|a| values.iter().map(|b| (a - b).abs()).sum()).collect();
            let total: f64 = rows.iter().sum();
            let cell = |i: usize, j: usize| {
                let n = n as f64;
                if i == j { 0.0 } else { (values[i] - values[j]).abs() - (rows[i] + rows[j]) / (n - 2.0) + total / (n - 1.0) / (n - 2.0) }
            };
            (0..n * n).map(|at| cell(at / n, at % n)).collect::<Vec<f64>>()
        };
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (a, b) = (centred(&x), centred(&y));
        if let Some(found) = distance_correlation(&x, &y).unwrap() {
            let expected = product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt();
            prop_assert!((found.corrected_square - expected).abs() < 1e-10, "{} is not {}", found.corrected_square, expected);
        }
    }

    #[test]
    fn ranks_are_the_numbers_of_smaller_values_plus_half_of_the_equal_ones(values in column(60)) {
        for (value, rank) in values.iter().zip(average_ranks(&values)) {
            let smaller = values.iter().filter(|other| *other < value).count() as f64;
            let equal = values.iter().filter(|other| *other == value).count() as f64;
            let expected = if value.is_nan() { f64::NAN } else { smaller + (equal + 1.0) / 2.0 };
            prop_assert!(rank == expected || rank.is_nan() && expected.is_nan(), "{value} has rank {rank}");
        }
    }
}

#[test]
fn constant_columns_and_too_few_pairs_have_no_correlation() {
    let x = [1.0, 2.0, 3.0];
    assert_eq!(pearson(&x, &[0.1; 3]), None);
    assert_eq!(spearman(&x, &[0.1; 3]), Ok(None));
    assert_eq!(pearson(&x, &[f64::NAN, 1.0, f64::NAN]), None);
    assert_eq!(pearson(&[], &[]), None);
    assert_eq!(pearson(&x, &[1.0, f64::INFINITY, 2.0]), None);
}

#[test]
fn perfect_correlation_has_p_value_zero_and_an_interval_of_one_point() {
    let found = pearson(&[1.0, 2.0, 3.0, 4.0], &[2.0, 4.0, 6.0, 8.0]).unwrap();
    assert_eq!((found.coefficient, found.p_value(), found.interval(0.95)), (1.0, Some(0.0), Some((1.0, 1.0))));
    let two = pearson(&[1.0, 2.0], &[2.0, 1.0]).unwrap();
    assert_eq!((two.coefficient, two.p_value(), two.interval(0.95)), (-1.0, None, None));
    assert_eq!([0.0, 1.0, f64::NAN].map(|level| found.interval(level)), [None; 3]);
}

#[test]
fn three_rows_have_a_p_value_and_no_interval() {
    let (x, y) = ([1.0, 2.0, 4.0], [3.0, 1.0, 7.0]);
    let found = pearson(&x, &y).unwrap();
    // SciPy: pearsonr([1, 2, 4], [3, 1, 7]).
    assert_close(found.coefficient, 0.7857142857142857, 1e-12, "r");
    assert_close(found.p_value().unwrap(), 0.4245912300193133, 1e-9, "p");
    assert_eq!((found.interval(0.95), found.rank_interval(0.95)), (None, None));
    let tau = kendall(&x, &y).unwrap().unwrap();
    // One exchange among three pairs: every order or its opposite is at least as far.
    assert_eq!((tau.tau, tau.p_value(), tau.interval(0.95)), (1.0 / 3.0, Some(1.0), None));
    let same = kendall(&x, &x).unwrap().unwrap();
    assert_close(same.p_value().unwrap(), 1.0 / 3.0, 1e-15, "one order of six, or its opposite");
    assert_eq!(distance_correlation(&x, &y), Ok(None));
}

#[test]
fn columns_of_two_values_have_ties_only_and_one_answer() {
    let flags: Vec<f64> = (0..24_u8).map(|row| f64::from(row % 2)).collect();
    let halves: Vec<f64> = (0..24_u8).map(|row| f64::from(u8::from(row % 2 == 1 && row < 20))).collect();
    let phi = pearson(&flags, &halves).unwrap().coefficient;
    // 10 of 12 and none of 12: phi is the root of chi-squared by n, and all coefficients of two values agree.
    assert_close(phi, 120.0_f64 / (12.0 * 12.0 * 10.0 * 14.0_f64).sqrt(), 1e-12, "phi");
    assert_close(spearman(&flags, &halves).unwrap().unwrap().coefficient, phi, 1e-12, "rho");
    assert_close(kendall(&flags, &halves).unwrap().unwrap().tau, phi, 1e-12, "tau-b");
    assert_eq!(kendall(&flags, &[3.0; 24]), Ok(None));
}

#[test]
fn columns_that_do_not_match_are_refused() {
    let mut matrix = PearsonMatrix::new(2);
    assert_eq!(matrix.extend(&[&[1.0]]).unwrap_err().to_string(), "a correlation matrix of 2 columns was given 1");
    assert_eq!(
        matrix.extend(&[&[1.0, 2.0], &[1.0]]).unwrap_err().to_string(),
        "column 1 has 1 rows, but the first has 2"
    );
    assert!(matrix.merge(&PearsonMatrix::new(3)).is_err());
    assert_eq!(matrix.table().get(0, 2), None);
}
