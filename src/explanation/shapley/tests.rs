//! Values against those of `shap` and Captum, and of the methods against each other.

use ndarray::Array2;
use proptest::prelude::*;

use super::*;
use crate::explanation::oracle::{Function, cases};
use crate::explanation::rows::Group;

fn columns(d: usize) -> Vec<Group> {
    (0..d).map(|column| Group::range(format!("x{column}"), 0, column..column + 1)).collect()
}

fn assert_near(found: &Array2<f64>, expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < tolerance, "{found} is not {expected}");
    }
}

#[test]
fn all_subsets_give_the_values_of_shap() {
    for case in cases("shapley") {
        let (model, rows, background) = (Function::of(&case), case.rows("x"), case.rows("background"));
        let groups = columns(rows.width());
        let found = exact(&model, &rows, &background, &groups, 0).unwrap();
        assert_near(&found.values, &case.list("values"), 1e-5);
        assert!((found.base - case.number("base")).abs() < 1e-6);
        assert!(found.gaps().iter().all(|gap| gap.abs() < 1e-6));
    }
}

#[test]
fn random_orders_come_near_the_values_of_shap_and_know_how_near() {
    for case in cases("shapley") {
        let (model, rows, background) = (Function::of(&case), case.rows("x"), case.rows("background"));
        let groups = columns(rows.width());
        let options = SampledOptions { orders: 20, seed: 1 };
        let found = sampled(&model, &rows, &background, &groups, 0, &options).unwrap();
        for ((found, error), expected) in found.values.iter().zip(&found.errors).zip(case.list("values")) {
            // Rows of the background are used equally often, so that the error is smaller than that of random ones.
            assert!((found - expected).abs() < 5.0 * error + 1e-6, "{found} +- {error} is not {expected}");
        }
        assert!(found.gaps().iter().all(|gap| gap.abs() < 1e-6));
        assert_eq!(found, sampled(&model, &rows, &background, &groups, 0, &options).unwrap());
    }
}

#[test]
fn a_linear_model_has_the_values_of_shap_by_its_weights_alone() {
    for case in cases("linear") {
        let (model, rows, background) = (Function::of(&case), case.rows("x"), case.rows("background"));
        let groups = columns(rows.width());
        let found = linear(&model, &rows, &background, &groups, 0).unwrap();
        assert_near(&found.values, &case.list("values"), 1e-5);
        assert!(found.gaps().iter().all(|gap| gap.abs() < 1e-5));
        let options = GradientOptions { steps: 1, seed: 5 };
        let gradients = expected_gradients(&model, &rows, &background, &groups, 0, &options).unwrap();
        assert_near(&gradients.values, &case.list("values"), 1e-5);
    }
}

#[test]
fn expected_gradients_come_near_the_integrals_of_captum() {
    for case in cases("expected_gradients") {
        let (model, rows, background) = (Function::of(&case), case.rows("x"), case.rows("background"));
        let groups = columns(rows.width());
        let options = GradientOptions { steps: 512, seed: 2 };
        let found = expected_gradients(&model, &rows, &background, &groups, 0, &options).unwrap();
        assert_near(&found.values, &case.list("values"), 2e-4);
        assert!(found.gaps().iter().all(|gap| gap.abs() < 2e-4), "{:?}", found.gaps());
        // Fewer steps err more, and the gap tells.
        let coarse = GradientOptions { steps: 1, seed: 2 };
        let coarse = expected_gradients(&model, &rows, &background, &groups, 0, &coarse).unwrap();
        let largest = |found: &Attributions| found.gaps().iter().fold(0.0_f64, |most, gap| most.max(gap.abs()));
        assert!(largest(&coarse) > 10.0 * largest(&found));
    }
}

#[test]
fn a_number_may_belong_to_a_column_and_to_a_part_of_it() {
    let model = Function::Linear { w: vec![2.0, 1.0, -1.0], c: 0.5 };
    let rows = Rows::new(vec![ndarray::array![[1.0, 0.0, 3.0], [0.0, 2.0, 1.0]]]).unwrap();
    let background = Rows::new(vec![ndarray::array![[0.0, 1.0, 1.0], [0.0, 1.0, 2.0]]]).unwrap();
    let mut groups = vec![Group::range("a", 0, 0..2), Group::range("b", 0, 2..3)];
    groups.extend(columns(3));
    let found = expected_gradients(&model, &rows, &background, &groups, 0, &GradientOptions::default()).unwrap();
    let (whole, parts) = (found.of_columns(0..2), found.of_columns(2..5));
    assert_near(&whole.values, &[1.0, -1.5, 1.0, 0.5], 1e-6);
    assert_near(&parts.values, &[2.0, -1.0, -1.5, 0.0, 1.0, 0.5], 1e-6);
    assert!(whole.gaps().iter().chain(&parts.gaps()).all(|gap| gap.abs() < 1e-6));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let alone = pool
        .install(|| expected_gradients(&model, &rows, &background, &groups, 0, &GradientOptions::default()).unwrap());
    assert_eq!(alone, found);
}

#[test]
fn numbers_of_one_column_are_one_player() {
    let model = Function::new(|row| f64::from(row[0] * 2.0 + row[1] - row[2]));
    let rows = Rows::new(vec![ndarray::array![[1.0, 0.0, 3.0]]]).unwrap();
    let background = Rows::new(vec![ndarray::array![[0.0, 1.0, 1.0], [0.0, 1.0, 2.0]]]).unwrap();
    let groups = [Group::range("a", 0, 0..2), Group::range("b", 0, 2..3)];
    let found = exact(&model, &rows, &background, &groups, 0).unwrap();
    assert_eq!(found.values, ndarray::array![[1.0, -1.5]]);
    assert_eq!(found.mean_sizes(), [1.0, 1.5]);
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let model = Function::new(|row| f64::from(row[0]));
    let rows = Rows::new(vec![Array2::zeros((1, 13))]).unwrap();
    let none = Rows::new(vec![Array2::zeros((0, 13))]).unwrap();
    let error = exact(&model, &rows, &rows, &columns(13), 0).unwrap_err();
    assert_eq!(error, Error::TooManyColumns { columns: 13, most: 12 });
    assert_eq!(exact(&model, &rows, &none, &columns(2), 0), Err(Error::NoRows));
    assert_eq!(exact(&model, &none, &rows, &columns(2), 0), Err(Error::NoRows));
    let error = exact(&model, &rows, &rows, &columns(2), 1).unwrap_err();
    assert_eq!(error.to_string(), "the model has no output 1");
    let broken = Function::new(|row| f64::from(row[0]) / 0.0 * 0.0);
    assert_eq!(sampled(&broken, &rows, &rows, &columns(2), 0, &SampledOptions::default()), Err(Error::NotFinite));
}

proptest! {
    #[test]
    fn values_add_up_and_idle_columns_have_none(
        x in prop::collection::vec(-2.0f32..2.0, 4),
        b in prop::collection::vec(-2.0f32..2.0, 12),
    ) {
        let model = Function::new(|row| f64::from(row[0] * row[1]) + f64::from(row[2]).sin());
        let rows = Rows::new(vec![Array2::from_shape_vec((1, 4), x).unwrap()]).unwrap();
        let background = Rows::new(vec![Array2::from_shape_vec((3, 4), b).unwrap()]).unwrap();
        let truth = exact(&model, &rows, &background, &columns(4), 0).unwrap();
        let drawn = sampled(&model, &rows, &background, &columns(4), 0, &SampledOptions { orders: 3, seed: 9 }).unwrap();
        for found in [&truth, &drawn] {
            prop_assert!(found.gaps()[0].abs() < 1e-9);
            prop_assert!(found.values[[0, 3]].abs() < 1e-12);
        }
        // Walked both ways, two columns that play together share what they do in each walk as in all of them.
        prop_assert!((truth.values[[0, 0]] - drawn.values[[0, 0]]).abs() < 1e-9);
    }
}
