//! Scales against scikit-learn and hand computations.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use proptest::prelude::*;

use super::*;
use crate::statistics::oracle::cases;

const STORED: &str = include_str!("../../../tests/data/oracle/tensor_encoders.json");

fn array(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn fitted(scale: &NumberScale, values: &[f64]) -> Number {
    let mut fit = NumberFit::new("x", scale);
    values.chunks(7).for_each(|values| fit.add(&array(values)));
    fit.finish()
}

fn encode(number: &Number, values: &[f64]) -> Vec<f32> {
    let width = number.width();
    let mut inputs = vec![0.0; values.len() * width];
    number.encode(&array(values), &mut Part { inputs: &mut inputs, width, offset: 0 });
    inputs
}

#[test]
fn scales_are_those_of_scikit_learn() {
    let mut seen = Vec::new();
    for case in cases(STORED, "numbers") {
        let scale: NumberScale = serde_json::from_value(case.value("scale").clone()).unwrap();
        let number = fitted(&scale, &case.list("train"));
        let found = encode(&number, &case.list("apply"));
        let expected = case.list("expected");
        assert_eq!(found.len(), expected.len(), "{scale:?}");
        // Our deviation is that of a sample, theirs that of a population: the script has taken that into account.
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (f64::from(*found) - expected).abs() < 2e-6 * expected.abs().max(1.0),
                "{scale:?}: {found} {expected}"
            );
        }
        seen.push(scale.name());
    }
    for name in ["zscore", "minmax", "robust", "log1p", "quantile", "bin", "piecewise_linear"] {
        assert!(seen.contains(&name), "{name}");
    }
}

#[test]
fn a_smooth_clip_leaves_the_middle_and_ends_at_three() {
    let scale = NumberScale::Robust(Robust { clip: Clip::Smooth });
    // Quartiles 1, 2, 3: center 2, scale 2.
    let number = fitted(&scale, &[0.0, 1.0, 2.0, 3.0, 4.0]);
    let found = encode(&number, &[2.0, 2.02, 8.0, 1e300]);
    let close = |found: f32, expected: f64| assert!((f64::from(found) - expected).abs() < 1e-5, "{found} {expected}");
    close(found[0], 0.0);
    close(found[1], 0.01);
    close(found[2], 3.0 / 2.0_f64.sqrt());
    close(found[3], 3.0);
}

#[test]
fn equal_quartiles_leave_half_of_the_range_as_scale() {
    let number = fitted(&NumberScale::Robust(Robust::default()), &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 8.0]);
    assert_eq!(encode(&number, &[8.0, 4.0]), [2.0, 1.0]);
}

#[test]
fn columns_without_a_value_or_with_one_give_finite_inputs() {
    let scales = [
        NumberScale::None,
        NumberScale::Zscore,
        NumberScale::Minmax,
        NumberScale::Robust(Robust::default()),
        NumberScale::Log1p,
        NumberScale::Quantile(Quantile::default()),
        NumberScale::Quantile(Quantile { to: Spread::Normal, ..Quantile::default() }),
        NumberScale::Bin(Bin::default()),
        NumberScale::Bin(Bin { by: Cut::Width, ..Bin::default() }),
        NumberScale::PiecewiseLinear(PiecewiseLinear::default()),
    ];
    for scale in scales {
        for train in [&[][..], &[f64::NAN], &[5.0], &[5.0, 5.0], &[1e300, -1e300], &[f64::MAX, f64::MIN, 0.0]] {
            let number = fitted(&scale, train);
            let found = encode(&number, &[5.0, 6.0, f64::NAN, f64::INFINITY, 1e300, -1e300]);
            assert!(found.iter().all(|input| input.is_finite()), "{scale:?} {train:?} {found:?}");
            assert!(number.is_sound(), "{scale:?} {train:?}");
            assert_eq!(number.width(), number.input_names().len());
        }
    }
}

#[test]
fn options_out_of_range_are_refused_in_words() {
    let wrong = |scale: NumberScale| scale.check().unwrap_err();
    assert_eq!(wrong(NumberScale::Bin(Bin { bins: 1, by: Cut::Width })), "`bins` is a number from 2 to 10000, not 1");
    assert_eq!(
        wrong(NumberScale::Quantile(Quantile { to: Spread::Uniform, quantiles: 0 })),
        "`quantiles` is a number from 2 to 10000, not 0"
    );
}

proptest! {
    #[test]
    fn scales_rise_with_the_number(
        train in prop::collection::vec(-1e3..1e3, 2..60),
        (a, b) in (-2e3..2e3, -2e3..2e3),
        scale in prop::sample::select(vec![
            NumberScale::Minmax,
            NumberScale::Robust(Robust { clip: Clip::Smooth }),
            NumberScale::Log1p,
            NumberScale::Quantile(Quantile { to: Spread::Normal, quantiles: 11 }),
            NumberScale::PiecewiseLinear(PiecewiseLinear { bins: 5 }),
        ]),
    ) {
        let number = fitted(&scale, &train);
        let found = encode(&number, &[f64::min(a, b), f64::max(a, b)]);
        let (low, high) = found.split_at(number.width());
        prop_assert!(low.iter().zip(high).all(|(low, high)| low <= high), "{low:?} {high:?}");
        let again: Number = serde_json::from_str(&serde_json::to_string(&number).unwrap()).unwrap();
        prop_assert_eq!(encode(&again, &[a, b]), encode(&number, &[a, b]));
    }
}
