#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;
use crate::statistics::oracle::oracle;

fn quantiles(values: &[f64]) -> Quantiles {
    let mut sketch = QuantileSketch::new(values.len());
    sketch.extend(values);
    sketch.quantiles()
}

#[test]
fn the_number_of_bins_agrees_with_numpy() {
    for case in oracle("histogram") {
        let quantiles = quantiles(&case.list("values"));
        let scale = if case.text("scale") == "integer" { Scale::Integer } else { Scale::Real };
        for (rule, name) in [(Bins::Auto, "auto"), (Bins::Sturges, "sturges"), (Bins::FreedmanDiaconis, "fd")] {
            let expected = (case.integer(name) as usize).min(MOST_BINS);
            assert_eq!(number_of_bins(rule, &quantiles, scale), expected, "{} {name}", case.text("name"));
        }
    }
}

#[test]
fn edges_are_round_and_written_exactly() {
    assert_eq!(nice_edges(0.03, 0.71, 7, Scale::Real), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]);
    assert_eq!(nice_edges(-3.0, 3.0, 6, Scale::Real), [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]);
    assert_eq!(nice_edges(0.0, 1e6, 4, Scale::Real), [0.0, 250_000.0, 500_000.0, 750_000.0, 1_000_000.0]);
    assert_eq!(nice_edges(0.3, 0.7, 4, Scale::Real), [0.3, 0.4, 0.5, 0.6, 0.7]);
}

#[test]
fn integers_have_integer_edges_and_bins_of_equal_width() {
    assert_eq!(nice_edges(1.0, 3.0, 10, Scale::Integer), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(
        nice_edges(0.0, 24.0, 10, Scale::Integer),
        [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0, 24.0, 26.0]
    );
    assert_eq!(nice_edges(5.0, 5.0, 10, Scale::Integer), [5.0, 6.0]);
}

proptest! {
    #[test]
    fn edges_hold_any_range(a in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL, b in prop_oneof![
        Just(None), (1_u64..1000).prop_map(Some), any::<u64>().prop_map(Some)
    ], bins in 0_usize..300) {
        // A second number next to the first, or anywhere.
        let b = b.map_or(a, |bits| f64::from_bits(a.to_bits().wrapping_add(bits)));
        prop_assume!(b.is_finite());
        let (min, max) = (a.min(b), a.max(b));
        let edges = nice_edges(min, max, bins, Scale::Real);
        prop_assert!(edges[0] <= min && edges[edges.len() - 1] >= max, "{min:e} {max:e} {edges:?}");
        prop_assert!(edges.len() <= 2 * MOST_BINS + 2, "{} edges", edges.len());
        prop_assert!(Histogram::with_edges(edges.clone()).is_ok(), "{min:e} {max:e} {edges:?}");
    }

    #[test]
    fn integer_edges_hold_any_range(a in any::<i64>(), b in prop_oneof![any::<i64>(), 0_i64..1000], bins in 0_usize..300) {
        let (a, b) = (a as f64, if (0..1000).contains(&b) { a.saturating_add(b) as f64 } else { b as f64 });
        let edges = nice_edges(a.min(b), a.max(b), bins, Scale::Integer);
        prop_assert!(edges[0] <= a.min(b) && edges[edges.len() - 1] >= a.max(b));
        prop_assert!(edges.iter().all(|edge| edge.fract() == 0.0), "{edges:?}");
        prop_assert!(Histogram::with_edges(edges.clone()).is_ok(), "{edges:?}");
    }

    #[test]
    fn counting_values_and_reading_quantiles_agree(
        values in prop::collection::vec(prop_oneof![8 => -5.0_f64..9.0, 4 => (-5_i32..9).prop_map(f64::from), 1 => Just(f64::INFINITY), 1 => Just(f64::NAN)], 1..300),
        bins in prop_oneof![Just(Bins::Auto), (1_usize..40).prop_map(Bins::Count)],
        cut in 0.0_f64..1.0,
    ) {
        let read = Histogram::of_values(&values, bins, Scale::Real);
        prop_assume!(!read.edges().is_empty());
        let (left, right) = values.split_at((values.len() as f64 * cut) as usize);
        let mut counted = Histogram::with_edges(read.edges().to_vec()).unwrap();
        let mut rest = counted.clone();
        counted.extend(left);
        rest.extend(right);
        counted.merge(&rest).unwrap();
        prop_assert_eq!(&counted, &read);
        let (below, above) = read.outside();
        prop_assert_eq!(read.counts().iter().sum::<u64>() + below + above + read.nan_count(), values.len() as u64);
    }
}

#[test]
fn no_finite_values_give_no_bins() {
    let histogram = Histogram::of_values(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY], Bins::Auto, Scale::Real);
    assert!(histogram.edges().is_empty() && histogram.counts().is_empty());
    assert_eq!((histogram.outside(), histogram.nan_count()), ((1, 1), 1));
    let mut empty = Histogram::of_values(&[], Bins::Auto, Scale::Real);
    empty.push(1.0);
    assert_eq!(empty.outside(), (0, 0));
}

#[test]
fn bad_edges_are_refused() {
    for (edges, at) in
        [(vec![], 0), (vec![1.0], 1), (vec![1.0, 1.0], 1), (vec![0.0, f64::NAN], 1), (vec![f64::NEG_INFINITY, 0.0], 0)]
    {
        assert_eq!(Histogram::with_edges(edges), Err(HistogramError::Edges { position: at }));
    }
    let error = Histogram::with_edges(vec![2.0, 1.0]).unwrap_err().to_string();
    assert_eq!(error, "the edges of a histogram must be at least two numbers, finite and rising; edge 1 is not");
    let edges = |last| Histogram::with_edges(vec![0.0, last]).unwrap();
    assert_eq!(edges(1.0).merge(&edges(2.0)), Err(HistogramError::Merge));
}
