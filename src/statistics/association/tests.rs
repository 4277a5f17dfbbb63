#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;
use crate::statistics::oracle::{Case, assert_close, cases};

fn oracle(section: &str) -> Vec<Case> {
    cases(include_str!("../../../tests/data/oracle/dependence.json"), section)
}

fn codes(values: &[f64]) -> Vec<u32> {
    values.iter().map(|value| *value as u32).collect()
}

fn table(case: &Case) -> Contingency {
    let (rows, columns) = (codes(&case.list("rows")), codes(&case.list("columns")));
    let mut table = Contingency::new();
    for ((row, column), count) in rows.into_iter().zip(columns).zip(case.list("counts")) {
        (0..count as u64).for_each(|_| table.push(row, column));
    }
    table
}

#[test]
fn cramers_v_agrees_with_scipy_and_bergsmas_formula() {
    for case in oracle("tables") {
        let name = case.text("name");
        let found = table(&case).cramers_v().unwrap();
        assert_close(found.chi_squared, case.number("chi_squared"), 1e-11, &name);
        assert_close(found.uncorrected, case.number("v"), 1e-11, &name);
        assert_close(found.v, case.number("v_corrected"), 1e-10, &name);
        assert_close(found.p_value().unwrap(), case.number("p"), 1e-9, &name);
        let (low, high) = found.interval(0.95).unwrap();
        assert_close(low, case.number("low"), 1e-8, &name);
        assert_close(high, case.number("high"), 1e-8, &name);
    }
}

#[test]
fn mutual_information_agrees_with_scikit_learn() {
    for case in oracle("tables") {
        let name = case.text("name");
        let found = table(&case).mutual_information().unwrap();
        assert_close(found.information, case.number("information"), 1e-10, &name);
        assert_close(found.p_value().unwrap(), case.number("information_p"), 1e-9, &name);
        assert_close(found.variance(), case.number("variance"), 1e-8, &name);
    }
}

#[test]
fn correlation_ratios_agree_with_scipys_analysis_of_variance() {
    for case in oracle("ratios") {
        let name = case.text("name");
        let mut moments = GroupedMoments::new();
        moments.extend(&codes(&case.list("codes")), &case.list("values"));
        let found = moments.correlation_ratio().unwrap();
        assert_close(found.square, case.number("square"), 1e-11, &name);
        assert_close(found.f().unwrap().0, case.number("f"), 1e-10, &name);
        assert_close(found.corrected(), case.number("corrected"), 1e-9, &name);
        assert_close(found.p_value().unwrap(), case.number("p"), 1e-9, &name);
        let (low, high) = found.interval(0.95).unwrap();
        assert_close(low, case.number("low"), 1e-8, &name);
        assert_close(high, case.number("high"), 1e-8, &name);
    }
}

#[test]
fn what_has_one_category_or_one_value_has_no_association() {
    let mut table = Contingency::new();
    table.extend(&[0, 0, MISSING, 1], &[0, 1, 1, MISSING]);
    assert_eq!((table.cramers_v(), table.mutual_information(), table.count()), (None, None, 2));
    let mut moments = GroupedMoments::new();
    moments.extend(&[0, 0, 1, MISSING, 1], &[0.1, 0.1, 0.1, 5.0, f64::NAN]);
    assert_eq!(moments.correlation_ratio(), None);
    moments.extend(&[1], &[f64::INFINITY]);
    assert_eq!(moments.correlation_ratio(), None);
    assert_eq!(GroupedMoments::new().correlation_ratio(), None);
}

#[test]
fn categories_that_tell_all_have_the_strongest_association() {
    let mut table = Contingency::new();
    let sides: Vec<u32> = (0..300).map(|row| row % 3).collect();
    table.extend(&sides, &sides);
    let v = table.cramers_v().unwrap();
    assert_close(v.v, 1.0, 1e-12, "v");
    assert_close(table.mutual_information().unwrap().information, 3_f64.ln(), 1e-12, "information");
    let mut moments = GroupedMoments::new();
    moments.extend(&sides, &sides.iter().map(|&side| f64::from(side)).collect::<Vec<_>>());
    let ratio = moments.correlation_ratio().unwrap();
    assert_eq!((ratio.eta(), ratio.p_value(), ratio.interval(0.95)), (1.0, Some(0.0), Some((1.0, 1.0))));
}

#[test]
fn each_row_in_a_category_of_its_own_tells_nothing() {
    let mut moments = GroupedMoments::new();
    moments.extend(&[0, 1, 2], &[1.0, 2.0, 4.0]);
    let ratio = moments.correlation_ratio().unwrap();
    assert_eq!((ratio.corrected(), ratio.p_value(), ratio.interval(0.95)), (0.0, None, None));
}

proptest! {
    #[test]
    fn merged_parts_are_the_whole(
        rows in prop::collection::vec((0_u32..5, 0_u32..4, -1e3_f64..1e3), 4..300), cut in 0_usize..300,
    ) {
        let cut = cut.min(rows.len());
        let of = |rows: &[(u32, u32, f64)]| {
            let (mut table, mut moments) = (Contingency::new(), GroupedMoments::new());
            for &(a, b, value) in rows {
                table.push(a, b);
                moments.extend(&[a], &[value]);
            }
            (table, moments)
        };
        let (whole, (mut table, mut moments), (other_table, other_moments)) = (of(&rows), of(&rows[..cut]), of(&rows[cut..]));
        table.merge(&other_table);
        moments.merge(&other_moments);
        prop_assert_eq!(table.cramers_v(), whole.0.cramers_v());
        prop_assert_eq!(table.mutual_information(), whole.0.mutual_information());
        match (moments.correlation_ratio(), whole.1.correlation_ratio()) {
            (Some(found), Some(expected)) => prop_assert!((found.square - expected.square).abs() < 1e-10),
            (found, expected) => prop_assert_eq!(found, expected),
        }
    }
}
