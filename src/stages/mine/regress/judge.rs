//! How good the model is, on the rows it learned from and on those it did not see.

use super::Family;
use super::fit::{Fit, each};
use super::rows::Plan;
use crate::diagnostic::Diagnostic;
use crate::relation::Relation;
use crate::stages::TableProduct;
use crate::stages::work::WorkContext;
use crate::statistics::double_sum::DoubleSum;
use crate::statistics::regression as model;

/// How a part of the rows is fitted.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) part: String,
    pub(super) rows: u64,
    /// Rows that could not be fitted: a missing value, or a level that the model does not know.
    pub(super) left_out: u64,
    pub(super) measures: Vec<(&'static str, Option<f64>)>,
}

/// Sums over rows by their weights, which are 1 when there are none.
#[derive(Default)]
struct Sums {
    rows: u64,
    weight: f64,
    squares: DoubleSum,
    absolute: DoubleSum,
    likelihood: DoubleSum,
    deviance: DoubleSum,
    right: f64,
    /// The mean of the target and its squared distances (West 1979).
    mean: f64,
    distances: f64,
}

impl Sums {
    fn add(&mut self, family: Option<model::Family>, target: f64, sum: f64, weight: f64) {
        let fitted = family.map_or(sum, |family| family.mean(sum));
        self.rows += 1;
        self.weight += weight;
        self.squares.add_square(weight.sqrt() * (target - fitted));
        self.absolute.add(weight * (target - fitted).abs());
        if let Some(family) = family {
            self.likelihood.add(weight * family.log_likelihood(target, sum));
            self.deviance.add(weight * family.deviance(target, sum));
        }
        if (fitted > 0.5) == (target > 0.5) {
            self.right += weight;
        }
        let away = target - self.mean;
        self.mean += away * weight / self.weight;
        self.distances += weight * away * (target - self.mean);
    }
}

/// Judges every part of a divided table; nothing when it is not divided.
pub(super) fn held_out(
    plan: &Plan,
    fit: &Fit,
    table: &TableProduct,
    context: &WorkContext<'_>,
) -> Result<Vec<Judged>, Diagnostic> {
    let Some(split) = &table.split else { return Ok(Vec::new()) };
    split.parts.iter().map(|part| judge(plan, fit, part, &plan.relation(&table.part(part)), context)).collect()
}

fn judge(
    plan: &Plan,
    fit: &Fit,
    part: &str,
    relation: &Relation,
    context: &WorkContext<'_>,
) -> Result<Judged, Diagnostic> {
    let solution = fit.fitted.solution();
    let family = match plan.family {
        Family::Linear => None,
        Family::Logistic => Some(model::Family::Logistic),
        Family::Poisson => Some(model::Family::Poisson),
    };
    let mut sums = Sums::default();
    let seen = each(plan, relation, context, "judging the fit", &mut |rows| {
        for part in fit.design.blocks(rows) {
            let terms = part.block.product(&solution.coefficients);
            let beside = part.beside.offsets().zip(part.beside.weights());
            for ((&target, term), (offset, weight)) in part.block.target.iter().zip(terms).zip(beside) {
                sums.add(family, target, term + offset, weight);
            }
        }
        Ok(())
    })?;
    let n = sums.weight;
    let some = |value: f64| Some(value).filter(|value| value.is_finite());
    let root = some((sums.squares.value() / n).sqrt());
    let measures = match plan.family {
        Family::Linear => {
            let total = Some(sums.distances).filter(|total| *total > 0.0);
            vec![
                ("R\u{b2}", total.map(|total| 1.0 - sums.squares.value() / total)),
                ("root mean squared error", root),
                ("mean absolute error", some(sums.absolute.value() / n)),
            ]
        }
        Family::Logistic => vec![
            ("log loss", some(-sums.likelihood.value() / n)),
            ("Brier score", some(sums.squares.value() / n)),
            ("accuracy", some(sums.right / n)),
            ("share of the more frequent class", some(sums.mean.max(1.0 - sums.mean)).filter(|_| n > 0.0)),
        ],
        Family::Poisson => vec![
            ("mean deviance", some(sums.deviance.value() / n)),
            ("root mean squared error", root),
            ("mean absolute error", some(sums.absolute.value() / n)),
        ],
    };
    Ok(Judged { part: part.to_owned(), rows: sums.rows, left_out: seen - sums.rows, measures })
}
