#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;
use crate::statistics::oracle::{Case, assert_close, cases};
use crate::statistics::special::{normal_cdf, student_t_two_sided};

fn oracle(section: &str) -> Vec<Case> {
    cases(include_str!("../../../tests/data/oracle/regression.json"), section)
}

/// The model's matrix of a case, with numbers moved towards their means when there is an intercept.
struct Model {
    blocks: Vec<Block>,
    columns: usize,
    intercept: bool,
    centres: Vec<f64>,
}

impl Model {
    fn new(case: &Case) -> Self {
        let intercept = case.value("intercept").as_bool().unwrap();
        let numbers: Vec<Vec<f64>> = serde_json::from_value(case.value("numbers").clone()).unwrap();
        let codes: Vec<u32> = case.list("codes").iter().map(|code| *code as u32).collect();
        let mut terms = Vec::new();
        let mut centres = Vec::new();
        if intercept {
            terms.push((0, Values::One));
            centres.push(0.0);
        }
        for values in numbers {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let centre = if intercept { centre_of(mean) } else { 0.0 };
            terms.push((centres.len(), Values::Numbers(values.iter().map(|value| value - centre).collect())));
            centres.push(centre);
        }
        let mut columns = centres.len();
        if let Some(most) = codes.iter().max() {
            let codes = codes.iter().map(|&code| if code == 0 { BASE } else { code - 1 }).collect();
            terms.push((columns, Values::Levels(codes)));
            columns += *most as usize;
            centres.resize(columns, 0.0);
        }
        // A linear model knows weights only as another unit of each row; others are given them.
        let weights = if case.value("family").is_null() { beside(case).weights } else { Vec::new() };
        let block = Block { terms, target: case.list("target") }.weighted(&weights);
        Self { blocks: vec![block], columns, intercept, centres }
    }

    fn gram(&self) -> Gram {
        let mut gram = Gram::new(self.columns);
        gram.extend(&self.blocks);
        gram
    }

    fn fit(&self, case: &Case) -> LinearFit {
        let mut fit = LinearFit::new(&self.gram(), self.intercept).unwrap();
        fit.ln_weights = beside(case).weights.iter().map(|weight| weight.ln()).sum();
        fit
    }

    fn back(&self, coefficients: &[f64], covariance: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
        let (mut coefficients, mut covariance) = (coefficients.to_vec(), covariance);
        if self.intercept {
            move_back(&mut coefficients, &mut covariance, &self.centres);
        }
        let size = self.columns;
        let errors = (0..size).map(|at| covariance[at * size + at].sqrt()).collect();
        (coefficients, errors)
    }
}

#[track_caller]
fn all_close(found: &[f64], expected: &[f64], relative: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    found.iter().zip(expected).for_each(|(found, expected)| assert_close(*found, *expected, relative, what));
}

fn clusters(case: &Case) -> Vec<u32> {
    case.list("clusters").iter().map(|code| *code as u32).collect()
}

/// statsmodels loses eight digits of Longley's data, whose columns are nearly collinear.
fn tolerance(case: &Case) -> f64 {
    if case.text("name") == "Longley" { 1e-7 } else { 1e-9 }
}

#[test]
fn longleys_data_are_solved_as_nist_certifies() {
    let case = oracle("linear").into_iter().find(|case| case.text("name") == "Longley").unwrap();
    let model = Model::new(&case);
    let fit = LinearFit::new(&model.gram(), true).unwrap();
    let (coefficients, errors) = model.back(&fit.solution.coefficients, fit.covariance());
    // Statistical Reference Datasets of NIST, linear regression, Longley.
    let certified = [
        (-3482258.63459582, 890420.383607373),
        (15.0618722713733, 84.9149257747669),
        (-0.358191792925910E-01, 0.334910077722432E-01),
        (-2.02022980381683, 0.488399681651699),
        (-1.03322686717359, 0.214274163161675),
        (-0.511041056535807E-01, 0.226073200069370),
        (1829.15146461355, 455.478499142212),
    ];
    for ((coefficient, error), (expected, expected_error)) in coefficients.iter().zip(&errors).zip(certified) {
        assert_close(*coefficient, expected, 1e-13, "coefficient");
        assert_close(*error, expected_error, 1e-13, "error");
    }
    assert_close(fit.variance().sqrt(), 304.854073561965, 1e-13, "residual standard deviation");
    assert_close(fit.r_squared().unwrap(), 0.995479004577296, 1e-13, "R squared");
    assert_close(fit.f_test().unwrap().0, 330.285339234588, 1e-13, "F");
}

#[test]
fn least_squares_agree_with_statsmodels() {
    for case in oracle("linear") {
        let name = case.text("name");
        let model = Model::new(&case);
        let fit = model.fit(&case);
        let (coefficients, errors) = model.back(&fit.solution.coefficients, fit.covariance());
        let tolerance = tolerance(&case);
        all_close(&coefficients, &case.list("coefficients"), tolerance, &name);
        all_close(&errors, &case.list("errors"), tolerance, &name);
        let p: Vec<f64> =
            coefficients.iter().zip(&errors).map(|(b, e)| student_t_two_sided(b / e, fit.degrees())).collect();
        all_close(&p, &case.list("p"), 10.0 * tolerance, &name);
        assert_close(fit.r_squared().unwrap(), case.number("r_squared"), 1e-9, &name);
        assert_close(fit.adjusted_r_squared().unwrap(), case.number("adjusted"), 1e-9, &name);
        let (f, _, _, f_p) = fit.f_test().unwrap();
        assert_close(f, case.number("f"), 1e-9, &name);
        assert_close(f_p, case.number("f_p"), 1e-8, &name);
        assert_close(fit.log_likelihood(), case.number("log_likelihood"), 1e-9, &name);
        assert_close(fit.aic(), case.number("aic"), 1e-9, &name);
        assert_close(fit.bic(), case.number("bic"), 1e-9, &name);
        if model.intercept {
            let vif: Vec<f64> = fit.variance_inflation().into_iter().flatten().collect();
            all_close(&vif, &case.list("vif"), tolerance, &name);
            let standardized: Vec<f64> = fit.standardized().into_iter().flatten().collect();
            all_close(&standardized, &case.list("standardized"), tolerance, &name);
        }
    }
}

#[test]
fn the_condition_is_that_of_scaled_columns() {
    for case in oracle("linear").into_iter().filter(|case| case.value("weights").is_null()) {
        let mut model = Model::new(&case);
        // Of the columns as they are, not moved.
        for (first, values) in &mut model.blocks[0].terms {
            if let Values::Numbers(numbers) = values {
                numbers.iter_mut().for_each(|number| *number += model.centres[*first]);
            }
        }
        let fit = LinearFit::new(&model.gram(), model.intercept).unwrap();
        assert_close(fit.solution.condition.unwrap(), case.number("condition"), 1e-6, &case.text("name"));
    }
}

#[test]
fn robust_errors_and_diagnostics_agree_with_statsmodels() {
    let kinds = [
        ("HC0", Errors::Hc0),
        ("HC1", Errors::Hc1),
        ("HC2", Errors::Hc2),
        ("HC3", Errors::Hc3),
        ("clustered", Errors::Clustered),
    ];
    for case in oracle("linear") {
        let model = Model::new(&case);
        let fit = LinearFit::new(&model.gram(), model.intercept).unwrap();
        let block = &model.blocks[0];
        let fitted = block.product(&fit.solution.coefficients);
        let residuals: Vec<f64> = block.target.iter().zip(&fitted).map(|(target, fitted)| target - fitted).collect();
        let rows = Block { terms: block.terms.clone(), target: residuals };
        let numbers: Vec<u64> = (0..rows.rows() as u64).collect();
        for (key, errors) in kinds {
            let name = format!("{}, {key}", case.text("name"));
            let mut found = Diagnostics::new(&fit.solution, fit.variance(), fit.degrees(), fit.rows, true, errors, 5);
            found.add(&rows, &numbers, &fitted, &clusters(&case));
            let (_, errors) = model.back(&fit.solution.coefficients, found.robust_covariance().unwrap());
            all_close(&errors, &case.list(key), tolerance(&case), &name);
            assert_close(found.durbin_watson().unwrap(), case.number("durbin_watson"), 1e-9, &name);
            if model.intercept && case.value("weights").is_null() {
                let (statistic, _, p) = found.breusch_pagan().unwrap();
                assert_close(statistic, case.number("breusch_pagan"), 1e-8, &name);
                assert_close(p, case.number("breusch_pagan_p"), 1e-8, &name);
            }
            assert_close(found.jarque_bera().unwrap(), case.number("jarque_bera"), 1e-8, &name);
            let top: Vec<f64> = found.influential().iter().map(|row| row.row as f64).collect();
            assert_eq!(top, case.list("top"), "{name}");
            let of = |part: &dyn Fn(&Influence) -> f64| found.influential().iter().map(part).collect::<Vec<_>>();
            all_close(&of(&|row| row.distance), &case.list("cook"), 1e-8, &name);
            all_close(&of(&|row| row.leverage), &case.list("leverage"), 1e-9, &name);
            all_close(&of(&|row| row.studentized), &case.list("studentized"), 1e-8, &name);
        }
    }
}

#[test]
fn nearly_collinear_polynomials_are_solved_as_by_fractions() {
    for case in oracle("exact") {
        let (x, expected) = (case.list("x"), case.list("coefficients"));
        let column = |power: usize| Values::Numbers(x.iter().map(|value| value.powi(power as i32)).collect());
        let mut terms = vec![(0, Values::One)];
        terms.extend((1..expected.len()).map(|power| (power, column(power))));
        let mut gram = Gram::new(expected.len());
        gram.extend(&[Block { terms, target: case.list("y") }]);
        let fit = LinearFit::new(&gram, true).unwrap();
        assert_eq!(fit.columns(), expected.len(), "{}", case.text("name"));
        all_close(&fit.solution.coefficients, &expected, 1e-9, &case.text("name"));
        assert_close(fit.solution.residual_squares, case.number("residual_squares"), 1e-9, &case.text("name"));
    }
}

/// The offset, or the logarithm of the exposure, and the weights of a case.
fn beside(case: &Case) -> Beside {
    let list = |name: &str| case.value(name).as_array().map(|_| case.list(name)).unwrap_or_default();
    let mut offsets = list("offset");
    offsets.extend(list("exposure").iter().map(|exposure| exposure.ln()));
    Beside { offsets, weights: list("weights") }
}

fn generalized(
    model: &Model,
    family: Family,
    beside: &Beside,
    start: f64,
) -> Result<(Generalized, GeneralizedFit), RegressionError> {
    let mut fit = Generalized::new(family, model.columns, model.intercept, start);
    loop {
        let mut pass = fit.pass();
        let blocks: Vec<(Block, Beside)> = model.blocks.iter().map(|block| (block.clone(), beside.clone())).collect();
        fit.add(&mut pass, &blocks);
        if let Next::Done(done) = fit.step(&pass)? {
            return Ok((fit, *done));
        }
    }
}

#[test]
fn logistic_and_poisson_agree_with_statsmodels() {
    for case in oracle("generalized") {
        let name = case.text("name");
        let model = Model::new(&case);
        let family = if case.text("family") == "logistic" { Family::Logistic } else { Family::Poisson };
        let beside = beside(&case);
        let target = &model.blocks[0].target;
        let mean = target.iter().sum::<f64>() / target.len() as f64;
        let (_, fit) = generalized(&model, family, &beside, family.link(mean)).unwrap();
        let (coefficients, errors) = model.back(&fit.solution.coefficients, fit.solution.inverse.clone());
        all_close(&coefficients, &case.list("coefficients"), 1e-8, &name);
        all_close(&errors, &case.list("errors"), 1e-8, &name);
        let z: Vec<f64> = coefficients.iter().zip(&errors).map(|(b, e)| b / e).collect();
        all_close(&z, &case.list("z"), 1e-8, &name);
        let p: Vec<f64> = z.iter().map(|z| 2.0 * normal_cdf(-z.abs())).collect();
        all_close(&p, &case.list("p"), 1e-6, &name);
        assert_close(fit.log_likelihood, case.number("log_likelihood"), 1e-9, &name);
        assert_close(fit.deviance, case.number("deviance"), 1e-9, &name);
        assert_close(fit.pearson_squares, case.number("pearson"), 1e-8, &name);
        assert_close(fit.aic(), case.number("aic"), 1e-9, &name);
        assert_close(fit.bic(), case.number("bic"), 1e-9, &name);
        let weighted = weigh(family, &model.blocks[0], &fit.solution.coefficients, &beside);
        let numbers: Vec<u64> = (0..target.len() as u64).collect();
        let kinds = [
            ("HC0", Errors::Hc0),
            ("HC1", Errors::Hc1),
            ("HC2", Errors::Hc2),
            ("HC3", Errors::Hc3),
            ("clustered", Errors::Clustered),
        ];
        for (key, errors) in kinds {
            let degrees = fit.rows as f64 - fit.columns() as f64;
            let mut found = Diagnostics::new(&fit.solution, 1.0, degrees, fit.rows, false, errors, 5);
            found.add(&weighted.block, &numbers, &weighted.sums, &clusters(&case));
            let (_, errors) = model.back(&fit.solution.coefficients, found.robust_covariance().unwrap());
            all_close(&errors, &case.list(key), 1e-8, &format!("{name}, {key}"));
            let of = |part: &dyn Fn(&Influence) -> f64| found.influential().iter().map(part).collect::<Vec<_>>();
            assert_eq!(of(&|row| row.row as f64), case.list("top"), "{name}");
            all_close(&of(&|row| row.distance), &case.list("cook"), 1e-7, &name);
            all_close(&of(&|row| row.leverage), &case.list("leverage"), 1e-8, &name);
        }
    }
}

fn model(columns: Vec<Vec<f64>>, target: Vec<f64>) -> Model {
    let mut terms = vec![(0, Values::One)];
    terms.extend(columns.into_iter().enumerate().map(|(at, column)| (at + 1, Values::Numbers(column))));
    let columns = terms.len();
    Model { blocks: vec![Block { terms, target }], columns, intercept: true, centres: vec![0.0; columns] }
}

#[test]
fn columns_that_depend_on_others_are_dropped_and_told() {
    let x: Vec<f64> = (0..20).map(f64::from).collect();
    let z: Vec<f64> = x.iter().map(|x| (x * 1.7).sin()).collect();
    let both: Vec<f64> = x.iter().zip(&z).map(|(x, z)| 0.1 * x + 3.0 * z).collect();
    let target: Vec<f64> = x.iter().map(|x| x * 2.0 + (x * 5.1).cos()).collect();
    let fit = LinearFit::new(&model(vec![x, vec![7.7; 20], z, both], target).gram(), true).unwrap();
    assert_eq!(fit.solution.kept, [0, 1, 3]);
    assert_eq!(fit.solution.dropped[0], (2, vec![]));
    let (column, parts) = &fit.solution.dropped[1];
    assert_eq!((*column, parts.iter().map(|part| part.0).collect::<Vec<_>>()), (4, vec![1, 3]));
    assert_close(parts[0].1, 0.1, 1e-9, "the part of x");
    assert_close(parts[1].1, 3.0, 1e-9, "the part of z");
}

#[test]
fn classes_that_a_column_separates_have_no_logistic_fit() {
    let x: Vec<f64> = (0..20).map(f64::from).collect();
    let z: Vec<f64> = x.iter().map(|x| (x * 1.7).sin()).collect();
    let target: Vec<f64> = x.iter().map(|&x| f64::from(x > 9.5)).collect();
    let found =
        generalized(&model(vec![z.clone(), x.clone()], target), Family::Logistic, &Beside::default(), 0.0).map(|_| ());
    assert!(matches!(found, Err(RegressionError::Separated { columns }) if columns.first() == Some(&2)));
    // No error of a class but for equal values: the coefficient still has no end.
    let flag: Vec<f64> = x.iter().map(|&x| f64::from(x > 14.5)).collect();
    let target: Vec<f64> = x.iter().map(|&x| f64::from(x > 14.5 || x % 3.0 == 0.0)).collect();
    let found = generalized(&model(vec![z, flag], target), Family::Logistic, &Beside::default(), 0.0).map(|_| ());
    assert!(matches!(found, Err(RegressionError::Separated { columns }) if columns.first() == Some(&2)));
}

#[test]
fn too_few_rows_and_numbers_without_end_are_refused() {
    let small = model(vec![vec![1.0, 2.0]], vec![1.0, 2.0]);
    assert_eq!(
        LinearFit::new(&small.gram(), true).map(|_| ()),
        Err(RegressionError::TooFewRows { rows: 2, columns: 2 })
    );
    let large = model(vec![vec![1e300, -1e300, 5.0]], vec![1.0, 2.0, 3.0]);
    assert_eq!(LinearFit::new(&large.gram(), true).map(|_| ()), Err(RegressionError::NotFinite));
    let none = Gram::new(2);
    assert_eq!(LinearFit::new(&none, true).map(|_| ()), Err(RegressionError::NotFinite));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rows_in_parts_with_categories_are_the_dense_matrix_at_once(
        rows in prop::collection::vec((-50_i32..50, 0_u32..4, -100_i32..100), 12..120), cut in 0_usize..120,
    ) {
        let cut = cut.min(rows.len());
        let part = |rows: &[(i32, u32, i32)]| Block {
            terms: vec![
                (0, Values::One),
                (1, Values::Numbers(rows.iter().map(|row| f64::from(row.0) / 8.0).collect())),
                (2, Values::Levels(rows.iter().map(|row| if row.1 == 0 { BASE } else { row.1 - 1 }).collect())),
            ],
            target: rows.iter().map(|row| f64::from(row.2)).collect(),
        };
        let dense = |rows: &[(i32, u32, i32)]| {
            let mut block = part(rows);
            block.terms.truncate(2);
            for level in 1..4 {
                let column = rows.iter().map(|row| f64::from(u8::from(row.1 == level))).collect();
                block.terms.push((1 + level as usize, Values::Numbers(column)));
            }
            block
        };
        let (mut parts, mut whole, mut merged) = (Gram::new(5), Gram::new(5), Gram::new(5));
        parts.extend(&[part(&rows[..cut]), part(&rows[cut..])]);
        whole.extend(&[dense(&rows)]);
        merged.extend(&[part(&rows[cut..])]);
        let mut first = Gram::new(5);
        first.extend(&[part(&rows[..cut])]);
        merged.merge(&first);
        for i in 0..6 {
            for j in 0..6 {
                prop_assert_eq!(parts.get(i, j), whole.get(i, j));
                prop_assert_eq!(merged.get(i, j), whole.get(i, j));
            }
        }
    }
}
