#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;
use crate::statistics::oracle::{assert_close, oracle};

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
