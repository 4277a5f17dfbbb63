#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::oracle::{numbers, training_of};
use super::*;
use proptest::prelude::*;

fn loss_of(head: Head, spec: &LossSpec, z: &[f32], targets: Targets<'_>, weights: Option<&[f32]>) -> (f64, Vec<f32>) {
    let loss = Loss::new(head, spec).unwrap();
    let (mut gradient, mut row) = (vec![f32::NAN; z.len()], vec![f32::NAN; head.width()]);
    loss.check(targets, z.len() / head.width()).unwrap();
    let total = loss.total_weight(targets, weights);
    let sum = loss.sum_and_gradient(z, targets, weights, 1.0 / total, &mut gradient, &mut row);
    let again = loss.sum_and_gradient(z, targets, weights, 1.0, &mut [], &mut row);
    assert!(sum == again || sum.is_nan());
    (sum / total, gradient)
}

/// The parts of a stored case.
struct Stored {
    head: Head,
    spec: LossSpec,
    z: Vec<f32>,
    classes: Vec<u32>,
    values: Vec<f32>,
    weights: Option<Vec<f32>>,
}

impl Stored {
    fn of(case: &serde_json::Value) -> Self {
        let head: Head = serde_json::from_value(case["head"].clone()).unwrap();
        let values = numbers(&case["targets"]);
        Self {
            head,
            spec: serde_json::from_value(case["loss"].clone()).unwrap(),
            z: numbers(&case["logits"]),
            classes: values.iter().map(|&v| v as u32).collect(),
            values,
            weights: (!case["weights"].is_null()).then(|| numbers(&case["weights"])),
        }
    }

    fn targets(&self) -> Targets<'_> {
        match self.head {
            Head::Multiclass { .. } => Targets::Classes(&self.classes),
            _ => Targets::Values(&self.values),
        }
    }
}

#[test]
fn losses_and_gradients_are_those_of_pytorch() {
    for case in training_of("losses") {
        let stored = Stored::of(&case);
        let (loss, gradient) =
            loss_of(stored.head, &stored.spec, &stored.z, stored.targets(), stored.weights.as_deref());
        let expected = case["value"].as_f64().unwrap();
        assert!((loss - expected).abs() <= 2e-6 * expected.abs().max(1.0), "{}: {loss}, {expected}", case["loss"]);
        for (g, e) in gradient.iter().zip(numbers(&case["gradient"])) {
            assert!((g - e).abs() <= 2e-6 * e.abs().max(1.0), "{}: {g}, {e}", case["loss"]);
        }
    }
}

fn specs() -> Vec<(Head, LossSpec)> {
    let of = |kind| LossSpec { kind: Some(kind), ..LossSpec::default() };
    let smooth = LossSpec { label_smoothing: 0.2, class_weights: vec![1.0, 2.5, 0.5], ..LossSpec::default() };
    let focal = |gamma| LossSpec { gamma, class_weights: vec![0.5, 2.0, 1.0], ..of(LossKind::Focal) };
    vec![
        (Head::Multiclass { classes: 3 }, smooth.clone()),
        (Head::Multiclass { classes: 3 }, focal(1.5)),
        (Head::Multilabel { labels: 3 }, smooth),
        (Head::Multilabel { labels: 3 }, focal(0.5)),
        (Head::Binary, LossSpec { class_weights: vec![1.0, 3.0], label_smoothing: 0.1, ..LossSpec::default() }),
        (Head::Regression { outputs: 3 }, of(LossKind::Mse)),
        (Head::Regression { outputs: 3 }, of(LossKind::Huber)),
        (Head::Counts { outputs: 3 }, LossSpec::default()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn gradients_agree_with_central_differences(
        which in 0usize..8, z in prop::collection::vec(-3.0f32..3.0, 6), t in prop::collection::vec(0.0f32..1.0, 6),
        weights in prop::collection::vec(0.1f32..2.0, 6),
    ) {
        let (head, spec) = specs().swap_remove(which);
        let classes: Vec<u32> = t.iter().map(|t| (t * 3.0) as u32).collect();
        let rows = 6 / head.width();
        let targets = match head {
            Head::Multiclass { .. } => Targets::Classes(&classes[..rows]),
            _ => Targets::Values(&t),
        };
        let weights = Some(&weights[..rows]);
        let (_, gradient) = loss_of(head, &spec, &z, targets, weights);
        for i in 0..z.len() {
            let moved = |by: f32| {
                let mut z = z.clone();
                z[i] += by;
                loss_of(head, &spec, &z, targets, weights).0
            };
            let numeric = (moved(0.0078125) - moved(-0.0078125)) / 0.015625;
            prop_assert!((f64::from(gradient[i]) - numeric).abs() < 2e-3, "{spec:?} {i}: {} {numeric}", gradient[i]);
        }
    }
}

#[test]
fn equal_logits_cost_the_logarithm_of_the_number_of_classes() {
    let classes = Targets::Classes(&[2]);
    let (loss, gradient) = loss_of(Head::Multiclass { classes: 4 }, &LossSpec::default(), &[7.0; 4], classes, None);
    assert!((loss - 4f64.ln()).abs() < 1e-12);
    assert_eq!(gradient, [0.25, 0.25, -0.75, 0.25]);
}

#[test]
fn nan_and_infinity_come_through_unless_the_row_has_no_weight() {
    for (head, spec) in specs() {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut z = vec![0.0; head.width()];
            z[0] = bad;
            let t = vec![0.0; head.width()];
            let targets = if head.width() == 3 && matches!(head, Head::Multiclass { .. }) {
                Targets::Classes(&[0])
            } else {
                Targets::Values(&t)
            };
            let loss = Loss::new(head, &spec).unwrap();
            let (mut gradient, mut row) = (vec![0.0; z.len()], vec![0.0; z.len()]);
            let sum = loss.sum_and_gradient(&z, targets, None, 1.0, &mut gradient, &mut row);
            assert!(!sum.is_finite(), "{spec:?} {bad}: {sum}");
            let sum = loss.sum_and_gradient(&z, targets, Some(&[0.0]), 1.0, &mut gradient, &mut row);
            assert!(sum == 0.0 && gradient.iter().all(|g| *g == 0.0));
        }
    }
}

#[test]
fn targets_that_do_not_fit_are_refused_with_their_row() {
    let loss = |head| Loss::new(head, &LossSpec::default()).unwrap();
    let refused = |head, targets: Targets<'_>, rows| loss(head).check(targets, rows).unwrap_err();
    let classes = Head::Multiclass { classes: 3 };
    let class = refused(classes, Targets::Classes(&[0, 3]), 2);
    assert_eq!(class, "row 2 has class 3, but there are 3 classes, counted from 0");
    let count = refused(classes, Targets::Classes(&[0, 1]), 3);
    assert_eq!(count, "there are 2 targets where 3 are needed for 3 rows");
    let yes = refused(Head::Binary, Targets::Values(&[0.0, 3.0]), 2);
    assert_eq!(yes, "row 2 is 3, it must be 0, 1 or a probability between");
    let number = refused(Head::Regression { outputs: 2 }, Targets::Values(&[0.0, 1.0, f32::NAN, 0.0]), 2);
    assert_eq!(number, "row 2 is NaN, it must be a finite number");
    let negative = refused(Head::Counts { outputs: 1 }, Targets::Values(&[-1.0]), 1);
    assert_eq!(negative, "row 1 is -1, it must be a count, 0 or above");
    let kind = refused(classes, Targets::Values(&[1.0]), 1);
    assert_eq!(kind, "a multiclass head needs classes, these are numbers");
}

#[test]
fn options_without_meaning_are_refused() {
    let refused = |head, spec: LossSpec| Loss::new(head, &spec).unwrap_err();
    let default = LossSpec::default;
    let numbers = Head::Regression { outputs: 1 };
    let kind = refused(numbers, LossSpec { kind: Some(LossKind::Focal), ..default() });
    assert_eq!(kind, "the loss focal cannot train a head of regression { outputs: 1 }");
    let smoothing = refused(Head::Binary, LossSpec { label_smoothing: 1.0, ..default() });
    assert_eq!(smoothing, "label_smoothing lies in [0, 1), it is 1");
    let smoothing = refused(numbers, LossSpec { label_smoothing: 0.1, ..default() });
    assert_eq!(smoothing, "label_smoothing has a meaning for cross-entropy only");
    let weights = refused(Head::Binary, LossSpec { class_weights: vec![1.0], ..default() });
    assert_eq!(weights, "class_weights has 1 numbers, 2 are needed");
    let weights = refused(Head::Multiclass { classes: 2 }, LossSpec { class_weights: vec![0.0, 0.0], ..default() });
    assert_eq!(weights, "class_weights must be numbers of at least 0, and not all 0");
}
