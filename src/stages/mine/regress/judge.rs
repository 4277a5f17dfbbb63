//! How good the model is, on the rows it learned from and on those it did not see.

use super::Family;
use super::design::Plan;
use super::fit::{Fit, each};
use crate::diagnostic::Diagnostic;
use crate::relation::Relation;
use crate::stages::TableProduct;
use crate::stages::work::WorkContext;
use crate::statistics::double_sum::DoubleSum;
use crate::statistics::moments::Moments;
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

#[derive(Default)]
struct Sums {
    rows: u64,
    squares: DoubleSum,
    absolute: DoubleSum,
    likelihood: DoubleSum,
    deviance: DoubleSum,
    right: u64,
    target: Moments,
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

#[expect(clippy::cast_precision_loss, reason = "rows")]
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
            let mut terms = part.block.product(&solution.coefficients);
            terms.iter_mut().zip(&part.offset).for_each(|(sum, offset)| *sum += offset);
            sums.target.extend(&part.block.target);
            for (&target, &sum) in part.block.target.iter().zip(&terms) {
                let mean = family.map_or(sum, |family| family.mean(sum));
                sums.rows += 1;
                sums.squares.add_square(target - mean);
                sums.absolute.add((target - mean).abs());
                if let Some(family) = family {
                    sums.likelihood.add(family.log_likelihood(target, sum));
                    sums.deviance.add(family.deviance(target, sum));
                }
                sums.right += u64::from((mean > 0.5) == (target > 0.5));
            }
        }
        Ok(())
    })?;
    let n = sums.rows as f64;
    let some = |value: f64| Some(value).filter(|value| value.is_finite());
    let root = some((sums.squares.value() / n).sqrt());
    let measures = match plan.family {
        Family::Linear => {
            let total = sums.target.variance().map(|variance| variance * (n - 1.0)).filter(|total| *total > 0.0);
            vec![
                ("R\u{b2}", total.map(|total| 1.0 - sums.squares.value() / total)),
                ("root mean squared error", root),
                ("mean absolute error", some(sums.absolute.value() / n)),
            ]
        }
        Family::Logistic => vec![
            ("log loss", some(-sums.likelihood.value() / n)),
            ("Brier score", some(sums.squares.value() / n)),
            ("accuracy", some(sums.right as f64 / n)),
            ("share of the more frequent class", sums.target.mean().map(|mean| mean.max(1.0 - mean))),
        ],
        Family::Poisson => vec![
            ("mean deviance", some(sums.deviance.value() / n)),
            ("root mean squared error", root),
            ("mean absolute error", some(sums.absolute.value() / n)),
        ],
    };
    Ok(Judged { part: part.to_owned(), rows: sums.rows, left_out: seen - sums.rows, measures })
}
