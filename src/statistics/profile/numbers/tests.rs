use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn of(values: &[f64], distinct: usize) -> Numbers {
    let mut numbers = Numbers::new(distinct, 100_000);
    add(&mut numbers, values);
    numbers
}

fn add(numbers: &mut Numbers, values: &[f64]) {
    let hashes: Vec<u64> = values.iter().map(|&value| Numbers::hash(value)).collect();
    numbers.extend(values, &hashes);
}

/// Two accumulators say the same, up to the rounding of moments.
fn alike(a: &Numbers, b: &Numbers) -> Result<(), TestCaseError> {
    prop_assert_eq!((a.count(), a.nan(), a.zeros(), a.negative()), (b.count(), b.nan(), b.zeros(), b.negative()));
    prop_assert_eq!((a.infinite(), a.whole(), a.distinct().0), (b.infinite(), b.whole(), b.distinct().0));
    for p in [0.0, 0.1, 0.5, 0.9, 1.0] {
        prop_assert_eq!(a.quantiles().quantile(p), b.quantiles().quantile(p));
    }
    let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * (1.0 + a.abs()),
        (a, b) => a == b,
    };
    prop_assert!(near(a.moments().mean(), b.moments().mean()));
    prop_assert!(near(a.moments().variance(), b.moments().variance()));
    Ok(())
}

proptest! {
    #[test]
    fn a_small_table_says_what_a_large_one_says(values in proptest::collection::vec(-60_i32..60, 0..4_000)) {
        let values: Vec<f64> = values.iter().map(|&value| f64::from(value) / 4.0).collect();
        let distinct = values.iter().map(|value| value.to_bits()).collect::<BTreeSet<_>>().len();
        let (small, large) = (of(&values, 16), of(&values, 1_000));
        prop_assert_eq!(large.distinct(), (distinct as u64, 0.0));
        alike(&small, &large)?;
    }

    #[test]
    fn merging_is_adding_the_rows(a in proptest::collection::vec(-60_i32..60, 0..3_000), b in proptest::collection::vec(0_i32..120, 0..3_000), distinct in 8_usize..150) {
        let floats = |values: &[i32]| values.iter().map(|&value| f64::from(value)).collect::<Vec<f64>>();
        let (a, b) = (floats(&a), floats(&b));
        let mut merged = of(&a, distinct);
        merged.merge(&of(&b, distinct));
        let whole = of(&[a, b].concat(), distinct);
        alike(&merged, &whole)?;
        prop_assert_eq!(merged.order(), whole.order());
    }

    #[test]
    fn how_rows_are_cut_into_batches_changes_no_digit(values in proptest::collection::vec(-1e6_f64..1e6, 0..5_000), cut in 1_usize..700) {
        let whole = of(&values, 64);
        let mut parts = Numbers::new(64, 100_000);
        values.chunks(cut).for_each(|part| add(&mut parts, part));
        prop_assert_eq!(parts.moments(), whole.moments());
        prop_assert_eq!(parts.quantiles(), whole.quantiles());
        prop_assert_eq!(parts.order(), whole.order());
    }
}

#[test]
fn kinds_of_numbers_are_counted() {
    let numbers = of(&[0.0, -0.0, 1.5, -2.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300], 100);
    assert_eq!((numbers.count(), numbers.nan(), numbers.distinct().0), (7, 1, 6));
    assert_eq!((numbers.zeros(), numbers.negative(), numbers.infinite(), numbers.whole()), (2, 2, 2, 4));
}

#[test]
fn order_is_seen_across_batches() {
    let mut numbers = of(&[1.0, 2.0], 100);
    add(&mut numbers, &[3.0, 4.0]);
    assert!(numbers.order().is_rising() && numbers.order().is_strict());
    add(&mut numbers, &[4.0]);
    assert!(numbers.order().is_rising() && !numbers.order().is_strict());
    add(&mut numbers, &[1.0]);
    assert!(!numbers.order().is_rising() && !numbers.order().is_falling());
    assert!(of(&[3.0, 2.0], 100).order().is_falling());
    assert!(!of(&[3.0, 3.0], 100).order().is_rising() && !of(&[], 100).order().is_rising());
}
