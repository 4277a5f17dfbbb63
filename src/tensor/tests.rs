//! Encoders against hand computations.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray};
use proptest::prelude::*;

use super::*;

fn numbers(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(values.iter().collect::<StringViewArray>())
}

fn booleans(values: &[Option<bool>]) -> ArrayRef {
    Arc::new(BooleanArray::from(values.to_vec()))
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn target(column: &str, kind: TargetKind) -> TargetSpec {
    TargetSpec { column: column.to_owned(), kind, separator: None }
}

fn scaled(numbers: &[&str], scale: NumberScale, categories: &[&str], kind: TargetKind) -> Specification {
    let numbers = numbers.iter().map(|name| (*name, FeatureKind::Number(scale)));
    let categories = categories.iter().map(|name| (*name, FeatureKind::Category(2)));
    let features = numbers.chain(categories).map(|(name, kind)| FeatureSpec { column: name.to_owned(), kind });
    Specification { features: features.collect(), targets: vec![target("y", kind)] }
}

fn specification(numbers: &[&str], categories: &[&str], kind: TargetKind) -> Specification {
    scaled(numbers, NumberScale::Zscore, categories, kind)
}

fn fitted(specification: &Specification, batches: &[RecordBatch]) -> Result<Encoder, TensorError> {
    let mut fit = Fit::new(specification);
    batches.iter().try_for_each(|batch| fit.add(batch))?;
    fit.finish()
}

fn ys(rows: usize) -> ArrayRef {
    booleans(&(0..rows).map(|row| Some(row % 2 == 0)).collect::<Vec<_>>())
}

fn rows(encoded: &Encoded) -> Vec<Vec<f32>> {
    encoded.inputs[0].rows().into_iter().map(|row| row.to_vec()).collect()
}

#[test]
fn numbers_are_scaled_by_what_was_learned() {
    // 1, 2, 3, 6: mean 3, sample variance (4 + 1 + 0 + 9) / 3, minimum 1, range 5; the quartiles of 1, 2, 3, 6 by
    // linear interpolation are 1.75, 2.5 and 3.75.
    let x = batch(vec![("x", numbers(&[Some(1.0), Some(2.0), Some(3.0), Some(6.0)])), ("y", ys(4))]);
    let deviation = (14.0_f64 / 3.0).sqrt();
    for (scale, expected, missing) in [
        (NumberScale::None, [1.0, 2.0, 3.0, 6.0], 3.0),
        (NumberScale::Zscore, [-2.0 / deviation, -1.0 / deviation, 0.0, 3.0 / deviation], 0.0),
        (NumberScale::Minmax, [0.0, 0.2, 0.4, 1.0], 0.4),
        (NumberScale::Robust, [-0.75, -0.25, 0.25, 1.75], 0.0),
    ] {
        let specification = scaled(&["x"], scale, &[], TargetKind::Binary);
        let encoder = fitted(&specification, std::slice::from_ref(&x)).unwrap();
        let close = |encoded: Encoded, expected: &[f64]| {
            let found = encoded.inputs[0].iter().zip(expected);
            assert!(found.clone().all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6), "{scale:?} {found:?}");
        };
        close(encoder.encode(&x).unwrap(), &expected);
        let without = batch(vec![("x", numbers(&[None, Some(f64::NAN), Some(f64::INFINITY)]))]);
        let encoded = encoder.encode(&without).unwrap();
        assert_eq!(encoded.missing, [3]);
        close(encoded, &[missing; 3]);
    }
}

#[test]
fn a_missing_number_has_a_mark_when_training_had_some() {
    let x = batch(vec![("x", numbers(&[Some(5.0), None, Some(5.0)])), ("y", ys(3))]);
    let encoder = fitted(&specification(&["x"], &[], TargetKind::Binary), std::slice::from_ref(&x)).unwrap();
    assert_eq!(encoder.feature_names(0), ["x", "x is missing"]);
    assert_eq!(rows(&encoder.encode(&x).unwrap()), [[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]]);
    // All values are equal: differences from the center are left.
    let other = batch(vec![("x", numbers(&[Some(7.5)]))]);
    assert_eq!(rows(&encoder.encode(&other).unwrap()), [[2.5, 0.0]]);
}

#[test]
fn whole_numbers_and_booleans_are_numbers_too() {
    let x: ArrayRef = Arc::new(Int64Array::from(vec![0, 2, 4, 6]));
    let b = booleans(&[Some(true), Some(true), Some(false), Some(false)]);
    let all = batch(vec![("x", x), ("b", b), ("y", ys(4))]);
    let specification = scaled(&["x", "b"], NumberScale::Minmax, &[], TargetKind::Binary);
    let encoder = fitted(&specification, std::slice::from_ref(&all)).unwrap();
    assert_eq!(rows(&encoder.encode(&all).unwrap())[1], [1.0 / 3.0, 1.0]);
}

#[test]
fn the_vocabulary_is_ordered_by_frequency_and_then_by_value() {
    let values = ["b", "a", "b", "c", "a", "d"].map(Some);
    let x = batch(vec![("c", texts(&values)), ("y", ys(6))]);
    let encoder = fitted(&specification(&[], &["c"], TargetKind::Binary), std::slice::from_ref(&x)).unwrap();
    assert_eq!(encoder.feature_names(0), ["c = a", "c = b", "c is another"]);
    let encoded = encoder.encode(&batch(vec![("c", texts(&[Some("b"), Some("d"), Some("new"), None]))])).unwrap();
    assert_eq!(rows(&encoded), [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]);
    assert_eq!((encoded.unknown, encoded.missing), (vec![2], vec![1]));
}

#[test]
fn without_rare_values_in_training_an_unseen_one_leaves_all_inputs_at_zero() {
    let x = batch(vec![("c", texts(&[Some("a"), None, Some("b")])), ("y", ys(3))]);
    let encoder = fitted(&specification(&[], &["c"], TargetKind::Binary), std::slice::from_ref(&x)).unwrap();
    assert_eq!(encoder.feature_names(0), ["c = a", "c = b", "c is missing"]);
    let encoded = encoder.encode(&batch(vec![("c", texts(&[Some("new"), None]))])).unwrap();
    assert_eq!(rows(&encoded), [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
}

#[test]
fn classes_are_sorted_and_whole_numbers_by_value() {
    let y: ArrayRef = Arc::new(Int64Array::from(vec![Some(10), Some(9), Some(-1), Some(10), None]));
    let x = batch(vec![("x", numbers(&[Some(1.0); 5])), ("y", y)]);
    let encoder = fitted(&specification(&["x"], &[], TargetKind::Category), std::slice::from_ref(&x)).unwrap();
    let classes = encoder.target().classes().unwrap();
    assert_eq!(
        (classes.names.as_slice(), classes.counts.as_slice()),
        (["-1", "9", "10"].map(String::from).as_slice(), [1, 1, 2].as_slice())
    );
    assert_eq!((classes.majority(), classes.share(2)), (2, 0.5));
    assert_eq!((encoder.rows(), encoder.left_out()), (4, 1));
    assert_eq!(encoder.labelled(&x).unwrap().targets, [Targets::Classes(vec![2, 1, 0, 2])]);
}

#[test]
fn rows_without_a_target_teach_nothing_and_are_left_out() {
    let x = batch(vec![
        ("x", numbers(&[Some(1.0), Some(1e9), Some(3.0)])),
        ("c", texts(&[Some("a"), Some("poison"), Some("a")])),
        ("y", numbers(&[Some(10.0), None, Some(20.0)])),
    ]);
    let encoder = fitted(&specification(&["x"], &["c"], TargetKind::Number), std::slice::from_ref(&x)).unwrap();
    assert_eq!(encoder.feature_names(0), ["x", "c = a"]);
    let Feature::Number(number) = &encoder.features()[0] else { panic!("x is a number") };
    assert_eq!((number.center(), number.scale()), (2.0, 2.0_f64.sqrt()));
    let labelled = encoder.labelled(&x).unwrap();
    assert_eq!((labelled.missing, labelled.unknown, labelled.encoded.inputs[0].nrows()), (1, 0, 2));
    assert_eq!(labelled.targets, [Targets::Numbers(vec![10.0, 20.0])]);
}

#[test]
fn a_number_to_be_foretold_is_standardized_and_taken_back() {
    // 10, 20: mean 15, sample standard deviation sqrt(50).
    let target = NumberTarget { column: "y".to_owned(), center: 15.0, scale: 50.0_f64.sqrt() };
    assert!((target.standardize(20.0) - 0.5_f32.sqrt()).abs() < 1e-6);
    assert!((target.restore(target.standardize(12.5)) - 12.5).abs() < 1e-5);
}

#[test]
fn a_class_that_training_did_not_have_is_left_out_and_counted() {
    let train = batch(vec![("x", numbers(&[Some(1.0); 2])), ("y", texts(&[Some("no"), Some("yes")]))]);
    let encoder = fitted(&specification(&["x"], &[], TargetKind::Binary), std::slice::from_ref(&train)).unwrap();
    let test = batch(vec![("x", numbers(&[Some(1.0); 3])), ("y", texts(&[Some("maybe"), Some("yes"), None]))]);
    let labelled = encoder.labelled(&test).unwrap();
    assert_eq!((labelled.targets, labelled.unknown, labelled.missing), (vec![Targets::Classes(vec![1])], 1, 1));
}

#[test]
fn targets_from_which_nothing_can_be_learned_are_refused() {
    let refused = |kind, y: ArrayRef| {
        let x = batch(vec![("x", numbers(&vec![Some(1.0); y.len()])), ("y", y)]);
        fitted(&specification(&["x"], &[], kind), &[x]).unwrap_err().to_string()
    };
    let nothing = "there is no training row with a value of the target `y`";
    assert_eq!(refused(TargetKind::Number, numbers(&[None, None])), nothing);
    assert_eq!(refused(TargetKind::Binary, booleans(&[])), nothing);
    assert_eq!(
        refused(TargetKind::Binary, booleans(&[Some(true), None])),
        "the target `y` has the value `true` in all training rows; there is nothing to tell apart"
    );
    assert_eq!(
        refused(TargetKind::Binary, texts(&["d", "c", "b", "a"].map(Some))),
        "the binary target `y` has more than two values in the training rows: `a`, `b`, `c`, .."
    );
    let many: Vec<String> = (0..=MAX_CLASSES).map(|class| class.to_string()).collect();
    assert_eq!(
        refused(TargetKind::Category, texts(&many.iter().map(|text| Some(text.as_str())).collect::<Vec<_>>())),
        "the target `y` has more than 4096 values in the training rows"
    );
    let x = batch(vec![("x", numbers(&[Some(1.0)]))]);
    let mut fit = Fit::new(&specification(&["x"], &[], TargetKind::Binary));
    assert_eq!(fit.add(&x).unwrap_err().to_string(), "the rows have no column `y`");
}

fn any_number() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![Just(None), prop::num::f64::ANY.prop_map(Some), (-1e3..1e3).prop_map(Some),]
}

proptest! {
    #[test]
    fn inputs_are_finite_and_an_encoder_survives_json(
        train in prop::collection::vec((any_number(), prop::option::of("[a-d]")), 2..30),
        apply in prop::collection::vec((any_number(), prop::option::of("[a-f]")), 0..30),
        scale in prop::sample::select(vec![NumberScale::None, NumberScale::Zscore, NumberScale::Minmax, NumberScale::Robust]),
        split in 0_usize..30,
    ) {
        let table = |rows: &[(Option<f64>, Option<String>)]| {
            let x: Vec<Option<f64>> = rows.iter().map(|(x, _)| *x).collect();
            let c: Vec<Option<&str>> = rows.iter().map(|(_, c)| c.as_deref()).collect();
            batch(vec![("x", numbers(&x)), ("c", texts(&c)), ("y", ys(rows.len()))])
        };
        let specification = scaled(&["x"], scale, &["c"], TargetKind::Binary);
        let train = table(&train);
        let encoder = fitted(&specification, std::slice::from_ref(&train)).unwrap();
        let encoded = encoder.encode(&table(&apply)).unwrap();
        prop_assert!(encoded.inputs[0].iter().all(|value| value.is_finite()));
        prop_assert_eq!(encoded.inputs[0].ncols(), encoder.feature_names(0).len());
        let text = serde_json::to_string(&encoder).unwrap();
        let again: Encoder = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&again, &encoder);
        prop_assert_eq!(again.encode(&table(&apply)).unwrap(), encoded);
        // The same rows in two batches teach the same vocabulary.
        let cut = split.min(train.num_rows());
        let parts = [train.slice(0, cut), train.slice(cut, train.num_rows() - cut)];
        prop_assert_eq!(fitted(&specification, &parts).unwrap().feature_names(0), encoder.feature_names(0));
    }
}
