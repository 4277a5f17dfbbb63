#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;
use crate::statistics::oracle::{assert_close, oracle};

fn of(values: &[f64], limit: usize) -> QuantileSketch {
    let mut sketch = QuantileSketch::new(limit);
    sketch.extend(values);
    sketch
}

/// A permutation of 0..n without a pattern that a sketch could profit from; `n` must be a power of two.
fn scrambled(n: u64) -> Vec<f64> {
    (0..n).map(|i| (i.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(i * i * 2) % n) as f64).collect()
}

/// The largest distance between the true rank of a quantile and the one that was asked for, as a share of all values.
fn worst_rank_error(quantiles: &Quantiles, n: u64) -> f64 {
    let steps = (1..1000).map(|step| f64::from(step) / 1000.0);
    steps.map(|p| (quantiles.quantile(p).unwrap() / (n - 1) as f64 - p).abs()).fold(0.0, f64::max)
}

#[test]
fn agrees_with_numpy() {
    for case in oracle("quantiles") {
        let quantiles = of(&case.list("values"), 10_000).quantiles();
        assert!(quantiles.is_exact());
        for (p, expected) in case.list("probabilities").iter().zip(case.list("quantiles")) {
            assert_close(quantiles.quantile(*p).unwrap(), expected, 1e-13, &format!("{} at {p}", case.text("name")));
        }
    }
}

#[test]
fn a_sketch_of_a_million_values_keeps_its_rank_error_in_any_order() {
    let n = 1 << 20;
    let ascending: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let descending: Vec<f64> = ascending.iter().rev().copied().collect();
    for values in [ascending, descending, scrambled(n)] {
        let sketch = of(&values, 100);
        assert!(!sketch.is_exact());
        assert_eq!(sketch.count(), n);
        let quantiles = sketch.quantiles();
        assert_eq!((quantiles.min(), quantiles.max()), (Some(0.0), Some((n - 1) as f64)));
        assert_eq!((quantiles.quantile(0.0), quantiles.quantile(1.0)), (quantiles.min(), quantiles.max()));
        let error = worst_rank_error(&quantiles, n);
        assert!(error <= sketch.rank_error(), "rank error {error}");
    }
}

#[test]
fn merged_sketches_keep_their_rank_error() {
    let n = 1 << 19;
    let mut merged = QuantileSketch::new(100);
    for part in scrambled(n).chunks(10_007) {
        merged.merge(&of(part, 100));
    }
    assert_eq!(merged.count(), n);
    let error = worst_rank_error(&merged.quantiles(), n);
    assert!(error <= merged.rank_error(), "rank error {error}");
}

#[test]
fn a_sketch_stays_small() {
    let sketch = of(&scrambled(1 << 20), 0);
    let Kept::Sample(sample) = &sketch.kept else { panic!("not a sample") };
    assert!(sample.weighted().len() < 12_500, "{} values", sample.weighted().len());
}

proptest! {
    #[test]
    fn exactness_depends_on_the_count_alone(
        parts in prop::collection::vec(prop::collection::vec(-100_i32..100, 0..20), 1..10),
        limit in 0_usize..100,
    ) {
        let parts: Vec<Vec<f64>> = parts.iter().map(|part| part.iter().map(|&v| f64::from(v)).collect()).collect();
        let whole = of(&parts.concat(), limit);
        let mut merged = QuantileSketch::new(limit);
        for part in &parts {
            merged.merge(&of(part, limit));
        }
        prop_assert_eq!(whole.is_exact(), whole.count() <= limit as u64);
        prop_assert_eq!(merged.is_exact(), whole.is_exact());
        // So few values are all kept, even by the sketch.
        prop_assert_eq!(merged.count(), whole.count());
        for p in [0.0, 0.1, 0.25, 0.5, 0.9, 1.0] {
            prop_assert_eq!(merged.quantiles().quantile(p), whole.quantiles().quantile(p));
        }
    }

    #[test]
    fn ranks_count_the_values(values in prop::collection::vec(-20_i32..20, 0..200), at in -21_i32..21) {
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let at = f64::from(at);
        let below = values.iter().filter(|value| **value < at).count() as u64;
        let at_most = values.iter().filter(|value| **value <= at).count() as u64;
        for limit in [0, 1000] {
            let quantiles = of(&values, limit).quantiles();
            prop_assert_eq!((quantiles.count_below(at), quantiles.count_at_most(at)), (below, at_most));
        }
    }
}

#[test]
fn no_values_and_bad_probabilities_have_no_quantile() {
    let mut sketch = of(&[f64::NAN], 10);
    assert_eq!((sketch.count(), sketch.nan_count(), sketch.quantiles().quantile(0.5)), (0, 1, None));
    sketch.push(1.0);
    let quantiles = sketch.quantiles();
    assert_eq!([-0.1, 1.1, f64::NAN].map(|p| quantiles.quantile(p)), [None; 3]);
    assert_eq!(quantiles.quantile(0.3), Some(1.0));
}

#[test]
fn infinities_are_values() {
    let quantiles = of(&[f64::NEG_INFINITY, 0.0, 1.0, f64::INFINITY], 10).quantiles();
    assert_eq!(quantiles.quantile(0.1), Some(f64::NEG_INFINITY));
    assert_eq!(quantiles.quantile(0.5), Some(0.5));
    assert_eq!(quantiles.quantile(1.0), Some(f64::INFINITY));
    assert_eq!(quantiles.finite_range(), Some((0.0, 1.0)));
    assert_eq!(of(&[-f64::MAX, f64::MAX], 10).quantiles().quantile(0.5), Some(0.0));
}

#[test]
fn the_outermost_values_inside_of_bounds_are_found() {
    let mut sketch = QuantileSketch::new(100);
    sketch.extend(&[9.0, 1.0, 4.0, 2.0, 7.0]);
    let quantiles = sketch.quantiles();
    assert_eq!(quantiles.range_within(1.5, 8.0), Some((2.0, 7.0)));
    assert_eq!(quantiles.range_within(2.0, 2.0), Some((2.0, 2.0)));
    assert_eq!((quantiles.range_within(5.0, 6.0), quantiles.range_within(8.0, 5.0)), (None, None));
}
