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

fn feature(name: &str, kind: FeatureKind) -> FeatureSpec {
    FeatureSpec { column: name.to_owned(), kind }
}

fn one_hot(most: usize) -> FeatureKind {
    FeatureKind::Category(CategoryEncoding::OneHot(OneHot { max_categories: Some(most), min_count: 1 }))
}

fn scaled(numbers: &[&str], scale: &NumberScale, categories: &[&str], kind: TargetKind) -> Specification {
    let numbers = numbers.iter().map(|name| feature(name, FeatureKind::Number(scale.clone())));
    let categories = categories.iter().map(|name| feature(name, one_hot(2)));
    Specification { features: numbers.chain(categories).collect(), sequence: None, targets: vec![target("y", kind)] }
}

fn specification(numbers: &[&str], categories: &[&str], kind: TargetKind) -> Specification {
    scaled(numbers, &NumberScale::Zscore, categories, kind)
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
        (NumberScale::Robust(Robust::default()), [-0.75, -0.25, 0.25, 1.75], 0.0),
    ] {
        let specification = scaled(&["x"], &scale, &[], TargetKind::Binary);
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
    let specification = scaled(&["x", "b"], &NumberScale::Minmax, &[], TargetKind::Binary);
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
    let expected = Scaling::Linear { center: 2.0, scale: 2.0_f64.sqrt(), form: Form::Plain };
    assert_eq!(*number.scaling(), expected);
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

#[test]
fn flat_features_share_a_table_and_others_are_blocks_of_their_own() {
    let text = text::TextOptions { length: 3, min_count: 1, ..text::TextOptions::default() };
    let embedding = Embedding { dimension: Some(5), ..Embedding::default() };
    let specification = Specification {
        features: vec![
            feature("words", FeatureKind::Text(text)),
            feature("x", FeatureKind::Number(NumberScale::Zscore)),
            feature("c", FeatureKind::Category(CategoryEncoding::Embedding(embedding))),
            feature("d", one_hot(9)),
        ],
        sequence: None,
        targets: vec![target("y", TargetKind::Binary), target("n", TargetKind::Count)],
    };
    let x = batch(vec![
        ("words", texts(&[Some("good film"), None, Some("bad")])),
        ("x", numbers(&[Some(1.0), Some(2.0), Some(3.0)])),
        ("c", texts(&[Some("a"), Some("b"), Some("a")])),
        ("d", texts(&[Some("p"), Some("q"), Some("p")])),
        ("y", booleans(&[Some(true), Some(false), Some(true)])),
        ("n", numbers(&[Some(3.0), Some(0.0), None])),
    ]);
    // The third row lacks a count and teaches nothing.
    let encoder = fitted(&specification, std::slice::from_ref(&x)).unwrap();
    let names: Vec<(&str, BlockKind)> = encoder.blocks().iter().map(|block| (&*block.name, block.kind)).collect();
    assert_eq!(names, [("table", BlockKind::Table), ("words", BlockKind::Text), ("c", BlockKind::Category)]);
    assert_eq!(encoder.feature_names(0), ["x", "d = p", "d = q"]);
    assert_eq!(encoder.feature_columns(0), ["x", "d", "d"]);
    assert_eq!(encoder.feature_columns(1), ["words", "words", "words"]);
    assert_eq!(encoder.blocks()[2].dimension, Some(5));
    let planned: Vec<String> = specification.blocks().into_iter().map(|block| block.name).collect();
    assert_eq!(planned, ["table", "words", "c"]);
    let labelled = encoder.labelled(&x).unwrap();
    assert_eq!((labelled.rows.as_slice(), labelled.missing), ([0, 1].as_slice(), 1));
    assert_eq!(labelled.targets, [Targets::Classes(vec![1, 0]), Targets::Counts(vec![3.0, 0.0])]);
    let inputs = &labelled.encoded.inputs;
    assert_eq!(encoder.token_names(1, inputs[1].row(0).as_slice().unwrap()).join(" "), "good film ");
    assert_eq!(inputs[1].row(1).to_vec(), [0.0; 3]);
    assert_eq!(encoder.token_names(2, &[1.0, 0.0]), ["a", ""]);
    assert_eq!(labelled.encoded.missing, [1, 0, 0, 0]);
}

#[test]
fn labels_come_from_lists_and_from_texts_with_a_separator() {
    let specification = Specification {
        targets: vec![TargetSpec { separator: Some(";".to_owned()), ..target("y", TargetKind::MultiLabel) }],
        ..specification(&["x"], &[], TargetKind::Binary)
    };
    let x = batch(vec![("x", numbers(&[Some(1.0); 4])), ("y", texts(&[Some("b; a"), Some(""), None, Some("b;b")]))]);
    let encoder = fitted(&specification, std::slice::from_ref(&x)).unwrap();
    let Target::MultiLabel(labels) = encoder.target() else { panic!("labels") };
    assert_eq!((labels.names.join(","), labels.counts.as_slice(), labels.rows), ("a,b".to_owned(), &[1, 2][..], 3));
    let labelled = encoder.labelled(&x).unwrap();
    let Targets::Labels(found) = &labelled.targets[0] else { panic!("labels") };
    assert_eq!(*found, ndarray::array![[1.0, 1.0], [0.0, 0.0], [0.0, 1.0]]);
}

#[test]
fn counts_and_labels_that_are_none_are_refused() {
    let refused = |kind, y: ArrayRef| {
        let x = batch(vec![("x", numbers(&vec![Some(1.0); y.len()])), ("y", y)]);
        fitted(&specification(&["x"], &[], kind), &[x]).unwrap_err().to_string()
    };
    assert_eq!(
        refused(TargetKind::Count, numbers(&[Some(1.0), Some(-2.0)])),
        "the target `y` holds -2, which is no count: counts are whole numbers from 0"
    );
    assert_eq!(
        refused(TargetKind::Count, numbers(&[Some(0.0), Some(0.0)])),
        "the count target `y` is 0 in all training rows; there is nothing to learn"
    );
    assert_eq!(
        refused(TargetKind::MultiLabel, texts(&[Some("a"), Some("a")])),
        "no label of the target `y` tells training rows apart: each is in all of them, or there is none"
    );
    assert_eq!(
        refused(TargetKind::Number, numbers(&[Some(1.0), None])),
        "only one training row has a value of the target `y`; nothing can be learned from it"
    );
}

#[test]
fn an_image_that_does_not_decode_ends_the_run_or_is_left_out() {
    use arrow::array::{BinaryArray, FixedSizeListArray};
    let spec = |on_error| Specification {
        features: vec![feature(
            "picture",
            FeatureKind::Image(ContentSpec { options: image::ImageOptions::new(1, 2, 1), on_error, folder: None }),
        )],
        ..specification(&[], &[], TargetKind::Binary)
    };
    let broken: ArrayRef = Arc::new(BinaryArray::from(vec![&b"no image"[..], b""]));
    let x = batch(vec![("picture", broken), ("y", ys(2))]);
    let error = fitted(&spec(OnError::Error), std::slice::from_ref(&x)).unwrap_err().to_string();
    assert!(error.starts_with("training row 1 cannot be read: picture: "), "{error}");
    let encoder = fitted(&spec(OnError::Skip), std::slice::from_ref(&x)).unwrap();
    let Feature::Image(picture) = &encoder.features()[0] else { panic!("an image") };
    assert_eq!((picture.failed(), picture.rows()), (2, 2));
    let encoded = encoder.encode(&x).unwrap();
    assert_eq!(encoded.failed.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [0, 1]);
    let labelled = encoder.labelled(&x).unwrap();
    assert_eq!((labelled.failed, labelled.rows.len(), labelled.encoded.inputs[0].nrows()), (2, 0, 0));
    // Lists of numbers are images too, of the size that is stated.
    let item = Arc::new(arrow::datatypes::Field::new_list_field(arrow::datatypes::DataType::Int64, true));
    let pixels: ArrayRef = Arc::new(Int64Array::from(vec![0, 255, 51, 102]));
    let lists: ArrayRef = Arc::new(FixedSizeListArray::new(item, 2, pixels, None));
    let x = batch(vec![("picture", lists), ("y", ys(2))]);
    let encoder = fitted(&spec(OnError::Error), std::slice::from_ref(&x)).unwrap();
    assert_eq!(rows(&encoder.encode(&x).unwrap()), [[0.0, 1.0], [0.2, 0.4]]);
    assert_eq!(encoder.blocks()[0].shape, [1, 2, 1]);
}

#[test]
fn a_window_is_a_block_and_its_target_lies_ahead() {
    let sequence = SequenceSpec {
        columns: vec![("x".to_owned(), NumberScale::None)],
        by: Vec::new(),
        order: "t".to_owned(),
        window: 2,
        horizon: 1,
    };
    let specification = Specification {
        features: Vec::new(),
        sequence: Some(sequence.clone()),
        targets: vec![target("x", TargetKind::Number)],
    };
    let x = batch(vec![
        ("t", numbers(&[Some(1.0), Some(2.0), Some(3.0)])),
        ("x", numbers(&[Some(5.0), Some(6.0), Some(8.0)])),
    ]);
    let encoder = fitted(&specification, std::slice::from_ref(&x)).unwrap();
    assert_eq!(encoder.columns(), ["x", "t"]);
    let mut windows = Windows::with_targets(&sequence, vec!["x".to_owned()]);
    let cut = windows.push(&x).unwrap();
    let labelled = encoder.labelled(&cut).unwrap();
    assert_eq!(labelled.encoded.inputs[0].row(0).to_vec(), [5.0, 6.0]);
    assert_eq!(labelled.targets, [Targets::Numbers(vec![8.0])]);
    assert_eq!(encoder.encode(&x).unwrap_err(), TensorError::MissingColumn(WINDOW.to_owned()));
}

#[test]
fn many_rows_in_pieces_are_encoded_as_one_by_one() {
    let count = 2500;
    let values: Vec<Option<f64>> = (0..count).map(|row| (row % 7 != 0).then_some(row as f64)).collect();
    let names: Vec<String> = (0..count).map(|row| ["a", "b", "c"][row % 3].to_owned()).collect();
    let names: Vec<Option<&str>> = names.iter().map(|name| Some(name.as_str())).collect();
    let x = batch(vec![("x", numbers(&values)), ("c", texts(&names)), ("y", ys(count))]);
    let encoder = fitted(&specification(&["x"], &["c"], TargetKind::Binary), std::slice::from_ref(&x)).unwrap();
    let whole = encoder.encode(&x).unwrap();
    for row in (0..count).step_by(97) {
        assert_eq!(encoder.encode(&x.slice(row, 1)).unwrap().inputs[0].row(0), whole.inputs[0].row(row));
    }
    assert_eq!(whole.missing, [358, 0]);
}

fn any_number() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![Just(None), prop::num::f64::ANY.prop_map(Some), (-1e3..1e3).prop_map(Some),]
}

proptest! {
    #[test]
    fn inputs_are_finite_and_an_encoder_survives_json(
        train in prop::collection::vec((any_number(), prop::option::of("[a-d]")), 2..30),
        apply in prop::collection::vec((any_number(), prop::option::of("[a-f]")), 0..30),
        scale in prop::sample::select(vec![NumberScale::None, NumberScale::Zscore, NumberScale::Minmax, NumberScale::Robust(Robust::default())]),
        split in 0_usize..30,
    ) {
        let table = |rows: &[(Option<f64>, Option<String>)]| {
            let x: Vec<Option<f64>> = rows.iter().map(|(x, _)| *x).collect();
            let c: Vec<Option<&str>> = rows.iter().map(|(_, c)| c.as_deref()).collect();
            batch(vec![("x", numbers(&x)), ("c", texts(&c)), ("y", ys(rows.len()))])
        };
        let specification = scaled(&["x"], &scale, &["c"], TargetKind::Binary);
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
