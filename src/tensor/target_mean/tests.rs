//! Means of targets against scikit-learn and hand computations, and what cross-fitting promises.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringViewArray, UInt64Array};
use proptest::prelude::*;

use super::*;
use crate::statistics::oracle::{assert_close, cases};
use crate::tensor::{
    CategoryEncoding, Encoder, Feature, FeatureKind, FeatureSpec, Fit, Specification, TargetKind, TargetSpec,
    TensorError,
};

const STORED: &str = include_str!("../../../tests/data/oracle/tensor_target_mean.json");

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(values.iter().collect::<StringViewArray>())
}

fn numbers(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn specification(options: MeanOptions, targets: &[(&str, TargetKind)]) -> Specification {
    let kind = FeatureKind::Category(CategoryEncoding::Target(options));
    let target = |(column, kind): &(&str, TargetKind)| TargetSpec {
        column: (*column).to_owned(),
        kind: *kind,
        separator: (*kind == TargetKind::MultiLabel).then(|| ";".to_owned()),
    };
    Specification {
        features: vec![FeatureSpec { column: "c".to_owned(), kind }],
        sequence: None,
        targets: targets.iter().map(target).collect(),
    }
}

fn fitted(specification: &Specification, batches: &[RecordBatch]) -> Result<Encoder, TensorError> {
    let mut fit = Fit::new(specification);
    batches.iter().try_for_each(|batch| fit.add(batch))?;
    fit.finish()
}

fn raw(smoothing: Smoothing, folds: u16) -> MeanOptions {
    MeanOptions { smoothing, folds, scale: MeanScale::None, ..MeanOptions::default() }
}

/// The inputs of rows; with `numbers` they are training rows.
fn encoded(encoder: &Encoder, values: &[Option<&str>], numbers: Option<&[u64]>) -> Vec<f32> {
    let mut columns = vec![("c", texts(values))];
    columns.extend(numbers.map(|numbers| (TRAINING_ROW, Arc::new(UInt64Array::from(numbers.to_vec())) as ArrayRef)));
    encoder.encode(&batch(columns)).unwrap().inputs[0].iter().copied().collect()
}

/// The training rows of a case, each at the number of its run that lies in its fold.
fn numbered(folds: &[u16], count: u16) -> Vec<u64> {
    let mut dealt = Folds::new(0, count);
    let own = |(run, fold): (u64, &u16)| {
        (0..u64::from(count)).map(|place| run * u64::from(count) + place).find(|row| dealt.of(*row) == *fold).unwrap()
    };
    (0..).zip(folds).map(own).collect()
}

#[test]
fn means_are_those_of_scikit_learn_for_new_rows_and_for_training_rows() {
    for case in cases(STORED, "means") {
        let strings = |name: &str| -> Vec<String> { serde_json::from_value(case.value(name).clone()).unwrap() };
        let (values, apply) = (strings("values"), strings("apply"));
        let folds: Vec<u16> = case.list("folds").iter().map(|fold| *fold as u16).collect();
        let smoothing = serde_json::from_value(case.value("smoothing").clone()).unwrap();
        let targets: ArrayRef = match case.text("kind").as_str() {
            "category" => Arc::new(strings("targets").iter().map(Some).collect::<StringViewArray>()),
            "binary" => Arc::new(case.list("targets").iter().map(|y| Some(*y > 0.5)).collect::<BooleanArray>()),
            _ => numbers(&case.list("targets")),
        };
        let kind = match case.text("kind").as_str() {
            "category" => TargetKind::Category,
            "binary" => TargetKind::Binary,
            _ => TargetKind::Number,
        };
        // Rows without a target fill the places between, so that each row has the number that lies in its fold.
        let count = 4;
        let rows = numbered(&folds, count);
        let length = values.len() * usize::from(count);
        let place = |row: usize| rows.iter().position(|number| *number == row as u64);
        let spread: Vec<Option<&str>> = (0..length).map(|row| place(row).map(|at| values[at].as_str())).collect();
        let picked = (0..length).map(|row| place(row).map(|at| at as u32)).collect::<arrow::array::UInt32Array>();
        let spread_targets = arrow::compute::take(&targets, &picked, None).unwrap();
        let all = batch(vec![("c", texts(&spread)), ("y", spread_targets)]);
        let encoder = fitted(&specification(raw(smoothing, count), &[("y", kind)]), &[all]).unwrap();
        assert_eq!((encoder.rows(), encoder.left_out()), (values.len() as u64, (length - values.len()) as u64));
        let close = |found: Vec<f32>, expected: Vec<f64>, what: &str| {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                // Inputs are single precision.
                assert_close(f64::from(*found), *expected, 2e-7, what);
            }
        };
        let apply: Vec<Option<&str>> = apply.iter().map(|value| Some(value.as_str())).collect();
        close(encoded(&encoder, &apply, None), case.list("codes"), "codes");
        let values: Vec<Option<&str>> = values.iter().map(|value| Some(value.as_str())).collect();
        close(encoded(&encoder, &values, Some(&rows)), case.list("crossed"), "crossed");
        let Feature::TargetMean(means) = &encoder.features()[0] else { panic!() };
        for (column, expected) in means.columns().iter().zip(case.list("means")) {
            assert_close(column.mean, expected, 1e-13, "means");
        }
    }
}

#[test]
fn rare_and_unseen_values_have_the_mean_of_all_and_missing_ones_their_own() {
    let values = [Some("a"), Some("a"), Some("b"), None, None, Some("a")];
    let ys = numbers(&[1.0, 2.0, 30.0, 6.0, 8.0, 3.0]);
    let options = MeanOptions { min_count: 2, ..raw(Smoothing::Rows(0.0), 2) };
    let all = batch(vec![("c", texts(&values)), ("y", ys)]);
    let encoder = fitted(&specification(options.clone(), &[("y", TargetKind::Number)]), std::slice::from_ref(&all));
    let encoder = encoder.unwrap();
    // a: 2; the missing ones: 7; of all rows: 50 / 6.
    let mean = (50.0_f64 / 6.0) as f32;
    let apply = [Some("a"), None, Some("b"), Some("new")];
    assert_eq!(encoded(&encoder, &apply, None), [2.0, 7.0, mean, mean]);
    let found = encoder.encode(&batch(vec![("c", texts(&apply))])).unwrap();
    assert_eq!((found.unknown, found.missing), (vec![2], vec![1]));
    assert_eq!(encoder.feature_names(0), ["mean of y by c"]);
    let Feature::TargetMean(means) = &encoder.features()[0] else { panic!() };
    assert_eq!((means.rare(), means.missing(), means.rows(), means.has_more()), (1, 2, 6, false));
    assert_eq!(means.values().collect::<Vec<_>>(), [("a", 3)]);
    // Scaled, what is not known is 0, and the training rows have the deviation 1: their means are 2, 2, 25/3, 7, 7, 2.
    let scaled = MeanOptions { scale: MeanScale::Standard, ..options };
    let encoder = fitted(&specification(scaled, &[("y", TargetKind::Number)]), &[all]).unwrap();
    let m = 50.0 / 6.0;
    let deviation = ((3.0 * (2.0_f64 - m).powi(2) + 2.0 * (7.0_f64 - m).powi(2)) / 6.0).sqrt();
    let found = encoded(&encoder, &apply, None);
    for (found, expected) in found.iter().zip([(2.0 - m) / deviation, (7.0 - m) / deviation, 0.0, 0.0]) {
        assert!((f64::from(*found) - expected).abs() < 1e-6, "{found} {expected}");
    }
}

#[test]
fn each_class_label_and_target_has_a_column_of_its_own() {
    let all = batch(vec![
        ("c", texts(&[Some("a"), Some("a"), Some("b"), Some("b")])),
        ("late", Arc::new(BooleanArray::from(vec![true, false, true, true]))),
        ("kind", texts(&[Some("x"), Some("y"), Some("z"), Some("x")])),
        ("tags", texts(&[Some("p;q;p"), Some(""), Some("q"), Some("q")])),
        ("stops", numbers(&[0.0, 3.0, 1.0, 2.0])),
    ]);
    let targets = [
        ("late", TargetKind::Binary),
        ("kind", TargetKind::Category),
        ("tags", TargetKind::MultiLabel),
        ("stops", TargetKind::Count),
    ];
    let encoder = fitted(&specification(raw(Smoothing::Rows(0.0), 2), &targets), &[all]).unwrap();
    let expected = [
        "share of late = true by c",
        "share of kind = x by c",
        "share of kind = y by c",
        "share of kind = z by c",
        "share of tags = p by c",
        "share of tags = q by c",
        "mean of stops by c",
    ];
    assert_eq!(encoder.feature_names(0), expected);
    assert_eq!(encoder.feature_columns(0), ["c"; 7]);
    assert_eq!(encoded(&encoder, &[Some("a")], None), [0.5, 0.5, 0.5, 0.0, 0.5, 0.5, 1.5]);
    assert_eq!(encoded(&encoder, &[Some("b")], None), [1.0, 0.5, 0.0, 0.5, 0.0, 1.0, 1.5]);
}

#[test]
fn what_is_kept_comes_back_and_what_is_damaged_is_refused() {
    let all = batch(vec![("c", texts(&[Some("a"), Some("b"), None])), ("y", numbers(&[0.1, 0.7, -3.3]))]);
    let encoder = fitted(&specification(MeanOptions::default(), &[("y", TargetKind::Number)]), &[all]).unwrap();
    let text = serde_json::to_string(&encoder).unwrap();
    assert_eq!(serde_json::from_str::<Encoder>(&text).unwrap(), encoder);
    for (from, to) in [
        ("\"words\":[\"a\",", "\"words\":["),
        ("\"folds\":5", "\"folds\":7"),
        ("\"deviation\":\"", "\"deviation\":\"-"),
    ] {
        assert!(text.contains(from), "{text}");
        assert!(serde_json::from_str::<Encoder>(&text.replace(from, to)).is_err(), "{from}");
    }
}

#[test]
fn targets_beyond_all_measure_leave_finite_inputs() {
    for ys in [[1e300, -1e300, 1e300, 5.0], [7.0; 4], [1e-300, 0.0, 0.0, 0.0]] {
        for smoothing in [Smoothing::Auto, Smoothing::Rows(0.0)] {
            let all = batch(vec![("c", texts(&[Some("a"), Some("b"), Some("a"), None])), ("y", numbers(&ys))]);
            let options = MeanOptions { smoothing, ..MeanOptions::default() };
            let encoder = fitted(&specification(options, &[("y", TargetKind::Number)]), &[all]).unwrap();
            let rows = [Some("a"), Some("b"), None, Some("new")];
            let found = encoded(&encoder, &rows, Some(&[0, 1, 2, 3]));
            assert!(found.iter().chain(&encoded(&encoder, &rows, None)).all(|mean| mean.is_finite()), "{ys:?}");
        }
    }
}

#[test]
fn folds_are_even_and_follow_from_seed_and_place() {
    let of = |seed| (0..1000).map(|row| Folds::new(seed, 7).of(row)).collect::<Vec<u16>>();
    let found = of(3);
    assert!((0..7).all(|fold| found.iter().filter(|other| **other == fold).count().abs_diff(143) <= 1));
    let mut asked_in_turn = Folds::new(3, 7);
    assert_eq!(found, (0..1000).map(|row| asked_in_turn.of(row)).collect::<Vec<_>>());
    assert_ne!(found, of(4));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_training_row_learns_nothing_from_its_own_fold_and_batches_do_not_matter(
        rows in prop::collection::vec((0_usize..5, -50.0_f64..50.0, any::<bool>()), 2..60),
        folds in 2_u16..6,
        seed in any::<u64>(),
        auto in any::<bool>(),
        cut in any::<prop::sample::Index>(),
        of in any::<prop::sample::Index>(),
    ) {
        let names = [Some("a"), Some("b"), Some("c"), Some("d"), None];
        let values: Vec<Option<&str>> = rows.iter().map(|(at, ..)| names[*at]).collect();
        let smoothing = if auto { Smoothing::Auto } else { Smoothing::Rows(1.5) };
        let options = MeanOptions { seed, ..raw(smoothing, folds) };
        let specification = specification(options, &[("y", TargetKind::Number)]);
        let table = |ys: &[f64]| batch(vec![("c", texts(&values)), ("y", numbers(ys))]);
        let ys: Vec<f64> = rows.iter().map(|(_, y, _)| *y).collect();
        let all = table(&ys);
        let encoder = fitted(&specification, std::slice::from_ref(&all)).unwrap();
        let at = cut.index(rows.len());
        let parts = [all.slice(0, at), all.slice(at, rows.len() - at)];
        let in_parts = fitted(&specification, &parts).unwrap();
        prop_assert_eq!(in_parts.features(), encoder.features());
        // Other targets in one fold: the rows of that fold stay as they are.
        let mut dealt = Folds::new(seed, folds);
        let own: Vec<u16> = (0..rows.len() as u64).map(|row| dealt.of(row)).collect();
        let fold = own[of.index(rows.len())];
        prop_assume!(own.iter().any(|other| *other != fold));
        let changed: Vec<f64> =
            ys.iter().zip(&own).map(|(y, other)| if *other == fold { -3.0 * y + 1.0 } else { *y }).collect();
        let other = fitted(&specification, &[table(&changed)]).unwrap();
        let numbers: Vec<u64> = (0..rows.len() as u64).collect();
        let (before, after) =
            (encoded(&encoder, &values, Some(&numbers)), encoded(&other, &values, Some(&numbers)));
        for row in (0..rows.len()).filter(|row| own[*row] == fold) {
            prop_assert_eq!(before[row], after[row]);
        }
    }
}
