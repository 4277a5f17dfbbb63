//! Simple models against scikit-learn's, by `tests/oracle/baseline.py`.

use ndarray::{Array2, array, s};
use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn stored() -> Value {
    serde_json::from_str(include_str!("../../tests/data/oracle/baseline.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn classes(value: &Value) -> Vec<u32> {
    numbers(value).into_iter().map(|value| value as u32).collect()
}

fn features(case: &Value) -> Array2<f32> {
    let columns = case["columns"].as_u64().unwrap() as usize;
    let values: Vec<f32> = numbers(&case["features"]).into_iter().map(|value| value as f32).collect();
    Array2::from_shape_vec((values.len() / columns, columns), values).unwrap()
}

fn assert_near(found: impl IntoIterator<Item = f64>, expected: &Value, tolerance: f64) {
    let (found, expected): (Vec<f64>, Vec<f64>) = (found.into_iter().collect(), numbers(expected));
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() <= tolerance * expected.abs().max(1.0), "{found} {expected}");
    }
}

fn exact() -> LinearOptions {
    LinearOptions { steps: 5_000, tolerance: 1e-10, ..LinearOptions::default() }
}

#[test]
fn logistic_coefficients_are_those_of_scikit_learn() {
    let all = stored();
    let (wine, expected) = (&all["data"]["wine"], &all["logistic"]);
    let (x, truth) = (Matrix::Dense(features(wine)), classes(&wine["truth"]));
    let yes: Vec<u32> = truth.iter().map(|class| u32::from(*class == 1)).collect();

    let model = LinearModel::fit(&x, Loss::Logistic(&yes), &exact()).unwrap();
    assert_near(model.weights.iter().copied(), &expected["yes"]["weights"], 1e-4);
    assert_near(model.intercepts.iter().copied(), &expected["yes"]["intercepts"], 1e-4);

    let model = LinearModel::fit(&x, Loss::Softmax { truth: &truth, classes: 3 }, &exact()).unwrap();
    assert_near(model.weights.iter().copied(), &expected["several"]["weights"], 1e-4);
    let mean = model.intercepts.mean().unwrap();
    assert_near(model.intercepts.iter().map(|value| value - mean), &expected["several"]["intercepts"], 1e-4);

    // With the default options it is near enough as well, although columns differ in size by 10,000.
    let far = Matrix::Dense(features(&expected["far"]));
    let model = LinearModel::fit(&far, Loss::Logistic(&yes), &LinearOptions::default()).unwrap();
    assert!(model.converged);
    assert_near(model.weights.iter().copied(), &expected["far"]["weights"], 1e-4);
}

#[test]
fn ridge_coefficients_are_those_of_scikit_learn() {
    let all = stored();
    let data = &all["data"]["diabetes"];
    let model = LinearModel::fit(&Matrix::Dense(features(data)), Loss::Squared(&numbers(&data["truth"])), &exact());
    let model = model.unwrap();
    assert_near(model.weights.iter().copied(), &all["ridge"]["weights"], 1e-5);
    assert_near(model.intercepts.iter().copied(), &all["ridge"]["intercepts"], 1e-7);
}

#[test]
fn cuts_of_trees_are_those_of_scikit_learn() {
    for case in stored()["trees"].as_array().unwrap() {
        let x = features(case);
        let options = ForestOptions {
            trees: 1,
            tree: TreeOptions {
                depth: case["depth"].as_u64().unwrap() as usize,
                leaf: case["leaf"].as_u64().unwrap() as u32,
                features: None,
            },
            bootstrap: false,
            seed: 0,
        };
        let forest = if case["classes"].as_bool().unwrap() {
            Forest::classes(x.view(), &classes(&case["truth"]), 3, &options)
        } else {
            Forest::numbers(x.view(), &numbers(&case["truth"]), &options)
        };
        let forest = forest.unwrap();
        let tree = &forest.trees()[0];
        assert_eq!(tree.nodes() as u64, case["nodes"].as_u64().unwrap());
        assert_near(tree.cuts().map(|(feature, _)| feature as f64), &case["features_of_cuts"], 0.0);
        let (feature, bin) = tree.cuts().next().unwrap();
        let first = f64::from(forest.cut(feature, bin).unwrap());
        assert!((first - case["first_cut"].as_f64().unwrap()).abs() < 1e-6);
        let said = forest.predict(x.view()).unwrap();
        assert_near(said.column(said.ncols() / 2).iter().copied(), &case["said"], 2e-5);
    }
}

#[test]
fn forests_are_as_good_as_those_of_scikit_learn() {
    let all = stored();
    let wine = &all["data"]["wine"];
    let (x, truth) = (features(wine), classes(&wine["truth"]));
    let expected = &all["forests"]["wine"];
    let rows = expected["rows"].as_u64().unwrap() as usize;
    let right: Vec<f64> = (0..4)
        .map(|seed| {
            let options = ForestOptions::forest(x.ncols(), true, seed);
            let forest = Forest::classes(x.slice(s![..rows, ..]), &truth[..rows], 3, &options).unwrap();
            let predicted = forest.predict(x.slice(s![rows.., ..])).unwrap();
            let right = predicted.rows().into_iter().zip(&truth[rows..]).filter(|(row, truth)| {
                row.iter().enumerate().all(|(class, share)| class == **truth as usize || *share < row[**truth as usize])
            });
            right.count() as f64 / (truth.len() - rows) as f64
        })
        .collect();
    let mean = right.iter().sum::<f64>() / right.len() as f64;
    assert!((mean - expected["mean"].as_f64().unwrap()).abs() < 0.03, "{right:?} {expected}");

    let data = &all["data"]["diabetes"];
    let (x, truth) = (features(data), numbers(&data["truth"]));
    let expected = &all["forests"]["diabetes"];
    let rows = expected["rows"].as_u64().unwrap() as usize;
    let forest = Forest::numbers(x.slice(s![..rows, ..]), &truth[..rows], &ForestOptions::forest(x.ncols(), false, 1));
    let predicted = forest.unwrap().predict(x.slice(s![rows.., ..])).unwrap();
    let squares: f64 = predicted.iter().zip(&truth[rows..]).map(|(p, t)| (p - t).powi(2)).sum();
    let (error, mean) = ((squares / (truth.len() - rows) as f64).sqrt(), expected["mean"].as_f64().unwrap());
    assert!((error / mean - 1.0).abs() < 0.03, "{error} {mean}");
}

#[test]
fn tokens_weigh_as_in_scikit_learn() {
    let case = &stored()["tfidf"];
    let tokens: Vec<f32> = numbers(&case["tokens"]).into_iter().map(|token| token as f32).collect();
    let length = case["length"].as_u64().unwrap() as usize;
    let tokens = Array2::from_shape_vec((tokens.len() / length, length), tokens).unwrap();
    let tfidf = Tfidf::fit(tokens.view(), 7);
    let mut found = Vec::new();
    for row in tokens.rows() {
        let mut dense = vec![0.0; 7];
        tfidf.row(row).into_iter().for_each(|(token, value)| dense[token as usize] = f64::from(value));
        found.extend(dense);
    }
    assert_near(found, &case["expected"], 1e-6);
}

#[test]
fn threads_change_no_model() {
    let all = stored();
    let wine = &all["data"]["wine"];
    let (x, truth) = (features(wine), classes(&wine["truth"]));
    let grow = || Forest::classes(x.view(), &truth, 3, &ForestOptions::forest(x.ncols(), true, 9)).unwrap();
    let learn = || {
        let loss = Loss::Softmax { truth: &truth, classes: 3 };
        LinearModel::fit(&Matrix::Dense(x.clone()), loss, &LinearOptions::default()).unwrap()
    };
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(alone.install(grow), grow());
    assert_eq!(alone.install(learn), learn());
    assert_ne!(grow(), Forest::classes(x.view(), &truth, 3, &ForestOptions::forest(x.ncols(), true, 8)).unwrap());
}

#[test]
fn dense_and_sparse_features_give_the_same_model() {
    let x = array![[1.0_f32, 0.0, 2.0], [0.0, 1.0, 0.0], [3.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]];
    let mut sparse = Csr::new(3);
    for row in x.rows() {
        sparse.push((0..).zip(row.iter().copied()));
    }
    let truth = [1.0, 0.5, 2.0, -1.0, 0.0];
    let (a, b) = (Matrix::Dense(x), Matrix::Sparse(sparse));
    let (one, two) =
        (LinearModel::fit(&a, Loss::Squared(&truth), &exact()), LinearModel::fit(&b, Loss::Squared(&truth), &exact()));
    for (a, b) in one.unwrap().weights.iter().zip(&two.unwrap().weights) {
        assert!((a - b).abs() < 1e-8);
    }
}

#[test]
fn categories_and_texts_stand_beside_numbers() {
    let (numbers, codes) = (array![[0.5_f32], [0.25], [1.0], [2.0]], array![[0.0_f32], [1.0], [1.0], [2.0]]);
    let tokens = array![[1.0_f32, 2.0], [2.0, 0.0], [3.0, 3.0], [1.0, 0.0]];
    let parts = [
        Part::Numbers(numbers.view()),
        Part::Category { values: codes.view(), codes: 3 },
        Part::Text { values: tokens.view(), tokens: 4 },
    ];
    let design = Design::fit(&parts).unwrap();
    assert_eq!((design.width(), design.dense_width()), (8, 2));
    assert_eq!((design.matrix(&parts).unwrap().rows(), design.dense(&parts).unwrap().dim()), (4, (4, 2)));
    let truth = [0, 1, 1, 0];
    for kind in [Kind::Constant, Kind::Logistic, Kind::Tree, Kind::Forest] {
        let model = Model::fit(kind, &design, &parts, Target::Classes { truth: &truth, classes: 2 }, 3).unwrap();
        let predicted = model.predict(&design, &parts).unwrap();
        assert_eq!(predicted.dim(), (4, 2));
        assert!(predicted.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-9), "{kind:?} {predicted}");
    }
    let text = [parts[2]];
    let design = Design::fit(&text).unwrap();
    assert!(!Kind::Forest.fits(&Target::Numbers(&[]), &design) && !Kind::Logistic.fits(&Target::Numbers(&[]), &design));
    assert_eq!(design.matrix(&parts), Err(Error::Shape));
    let labels = array![[true, false], [false, false], [true, true], [false, true]];
    let model = Model::fit(Kind::Logistic, &design, &text, Target::Labels(labels.view()), 0).unwrap();
    assert_eq!(model.predict(&design, &text).unwrap().dim(), (4, 2));
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let x = Matrix::Dense(array![[1.0_f32], [2.0]]);
    let options = LinearOptions::default();
    let refusal = |result: Result<LinearModel, Error>| result.unwrap_err().to_string();
    assert_eq!(
        refusal(LinearModel::fit(&x, Loss::Squared(&[1.0]), &options)),
        "there are 2 rows of features and 1 targets"
    );
    assert_eq!(refusal(LinearModel::fit(&x, Loss::Squared(&[1.0, f64::NAN]), &options)), "a target is not finite");
    let beyond = refusal(LinearModel::fit(&x, Loss::Logistic(&[0, 2]), &options));
    assert_eq!(beyond, "there is a class 2, but there are 2 classes, counted from 0");
    let none = Matrix::Dense(Array2::zeros((0, 1)));
    assert_eq!(refusal(LinearModel::fit(&none, Loss::Squared(&[]), &options)), "there are no rows to learn from");
    let forest = Forest::numbers(Array2::zeros((0, 1)).view(), &[], &ForestOptions::single(0));
    assert_eq!(forest.unwrap_err(), Error::Empty);
}

#[test]
fn constant_features_and_constant_targets_give_finite_models() {
    let x = Matrix::Dense(Array2::from_elem((5, 2), 3.0_f32));
    let model = LinearModel::fit(&x, Loss::Squared(&[1e300, 1e300, 1e300, 1e300, 1e300]), &LinearOptions::default());
    assert!(model.unwrap().predict(&x).unwrap().iter().all(|value| (value / 1e300 - 1.0).abs() < 1e-9));
    let model = LinearModel::fit(&x, Loss::Logistic(&[1; 5]), &LinearOptions::default()).unwrap();
    assert!(model.predict(&x).unwrap().iter().all(|value| value.is_finite()));
    let forest = Forest::numbers(Array2::zeros((5, 2)).view(), &[2.0; 5], &ForestOptions::forest(2, false, 0)).unwrap();
    assert!(forest.predict(Array2::zeros((1, 2)).view()).unwrap().iter().all(|value| (value - 2.0).abs() < 1e-6));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Counting by bins and sorting few rows are two ways to the same cut.
    #[test]
    fn a_tree_of_depth_one_is_the_best_of_all_cuts(rows in prop::collection::vec((0u8..12, 0u8..12, 0u32..3), 4..260)) {
        let x = Array2::from_shape_fn((rows.len(), 2), |(row, column)| f32::from(if column == 0 { rows[row].0 } else { rows[row].1 }));
        let truth: Vec<u32> = rows.iter().map(|row| row.2).collect();
        let options = ForestOptions { trees: 1, tree: TreeOptions { depth: 1, leaf: 1, features: None }, bootstrap: false, seed: 0 };
        let forest = Forest::classes(x.view(), &truth, 3, &options).unwrap();
        let purity = |keep: &dyn Fn(usize) -> bool| {
            let mut counts = [0.0; 3];
            (0..rows.len()).filter(|row| keep(*row)).for_each(|row| counts[truth[row] as usize] += 1.0);
            let all: f64 = counts.iter().sum();
            if all > 0.0 { counts.iter().map(|count| count * count).sum::<f64>() / all } else { 0.0 }
        };
        let gain = |column: usize, cut: f32| purity(&|row| x[(row, column)] <= cut) + purity(&|row| x[(row, column)] > cut);
        let best = (0..2).flat_map(|column| (0..12).map(move |cut| (column, cut as f32 + 0.5)))
            .map(|(column, cut)| gain(column, cut)).fold(0.0, f64::max);
        let found = forest.trees()[0].cuts().next();
        let found = found.map_or(purity(&|_| true), |(column, bin)| gain(column, forest.cut(column, bin).unwrap()));
        prop_assert!((found - best).abs() < 1e-9, "{} {}", found, best);
    }
}
