#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;
use crate::statistics::oracle::{Case, assert_close, cases};
use crate::statistics::quantiles::QuantileSketch;

fn stored(section: &str) -> Vec<Case> {
    cases(include_str!("../../../tests/data/oracle/drift_scipy.json"), section)
}

#[test]
fn distances_of_numbers_are_those_of_scipy() {
    for case in stored("numbers") {
        let (before, now) = (Empirical::of_values(&case.list("before")), Empirical::of_values(&case.list("now")));
        let name = case.text("name");
        let found = kolmogorov_smirnov(&before, &now).unwrap();
        assert_close(found.statistic, case.number("ks"), 1e-12, &name);
        assert_close(found.p_value, case.number("ks_p"), 1e-9, &name);
        assert_close(wasserstein(&before, &now).unwrap(), case.number("wasserstein"), 1e-12, &name);
    }
}

#[test]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the script stores counts")]
fn distances_of_counts_are_those_of_scipy() {
    for case in stored("counts") {
        let pairs: Vec<(u64, u64)> =
            case.list("before").iter().zip(case.list("now")).map(|(p, q)| (*p as u64, q as u64)).collect();
        let name = case.text("name");
        assert_close(jensen_shannon(&pairs).unwrap(), case.number("jensen_shannon"), 1e-10, &name);
        let found = homogeneity(&pairs).unwrap();
        assert_close(found.statistic, case.number("chi_squared"), 1e-10, &name);
        assert_close(found.p_value, case.number("p"), 1e-9, &name);
        assert_eq!(found.degrees, case.integer("degrees"), "{name}");
    }
}

#[test]
fn without_values_there_is_no_distance() {
    let (none, one) = (Empirical::of_values(&[f64::NAN, f64::INFINITY]), Empirical::of_values(&[1.0]));
    assert!(none.is_empty() && none.mean().is_none() && none.edges(10).is_empty());
    assert_eq!((kolmogorov_smirnov(&none, &one), wasserstein(&one, &none)), (None, None));
    assert_eq!((jensen_shannon(&[(0, 3)]), homogeneity(&[(3, 0)]), homogeneity(&[(3, 4)])), (None, None, None));
    // The area between them is larger than any number.
    let far = [Empirical::of_values(&[-1.7e308]), Empirical::of_values(&[1.7e308])];
    assert_eq!(wasserstein(&far[0], &far[1]), None);
}

#[test]
fn edges_divide_the_values_into_equal_parts_and_repeat_none() {
    let values: Vec<f64> = (1..=100).map(f64::from).collect();
    let found = Empirical::of_values(&values);
    assert_eq!(found.edges(4), [25.0, 50.0, 75.0]);
    assert_eq!(found.binned(&found.edges(4)), [25, 25, 25, 25]);
    let heavy = Empirical::of_values(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0]);
    // Three quarters are zeros: one edge for three, and none at the largest value.
    assert_eq!((heavy.edges(4), heavy.binned(&heavy.edges(4))), (vec![0.0], vec![6, 2]));
    assert!(Empirical::of_values(&[7.0; 9]).edges(10).is_empty());
}

#[test]
fn quantiles_of_a_sketch_give_their_distribution() {
    let mut sketch = QuantileSketch::new(10);
    let values: Vec<f64> = (0..5000).map(|i| f64::from(i % 977)).collect();
    sketch.extend(&values);
    let (exact, estimated) = (Empirical::of_values(&values), Empirical::of_quantiles(&sketch.quantiles()));
    assert_eq!(estimated.count(), 5000);
    let apart = kolmogorov_smirnov(&exact, &estimated).unwrap().statistic;
    assert!(apart <= estimated.rank_error() + 1e-3, "{apart}");
}

proptest! {
    #[test]
    fn a_thinned_distribution_is_as_near_as_it_says(values in prop::collection::vec(-1e3..1e3_f64, 1..400), points in 1..60_usize) {
        let whole = Empirical::of_values(&values);
        let thinned = whole.thinned(points);
        prop_assert_eq!(thinned.count(), whole.count());
        prop_assert!(thinned.iter().count() <= points + 2);
        let apart = kolmogorov_smirnov(&whole, &thinned).unwrap().statistic;
        prop_assert!(apart <= thinned.rank_error() + 1e-12, "{} {}", apart, thinned.rank_error());
    }

    #[test]
    fn wasserstein_is_the_mean_distance_of_sorted_values_when_both_have_as_many(
        pairs in prop::collection::vec((-1e3..1e3_f64, -1e3..1e3_f64), 1..200)
    ) {
        let (mut a, mut b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let found = wasserstein(&Empirical::of_values(&a), &Empirical::of_values(&b)).unwrap();
        a.sort_by(f64::total_cmp);
        b.sort_by(f64::total_cmp);
        let slow: f64 = a.iter().zip(&b).map(|(x, y)| (x - y).abs()).sum::<f64>() / a.len() as f64;
        prop_assert!((found - slow).abs() <= 1e-9 * (1.0 + slow));
    }
}
