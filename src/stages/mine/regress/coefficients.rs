//! The table of coefficients, and what is to be said about them.

use super::Family;
use super::design::{Design, Term};
use super::fit::{Checks, Fitted};
use super::rows::Plan;
use crate::digits;
use crate::statistics::distributions::{normal, student_t};
use crate::statistics::regression::{Errors, move_back};

/// A row of the table of coefficients.
#[derive(Debug, Clone, Default)]
pub(super) struct Coefficient {
    pub(super) term: String,
    pub(super) level: Option<String>,
    pub(super) estimate: Option<f64>,
    pub(super) error: Option<f64>,
    pub(super) statistic: Option<f64>,
    pub(super) p_value: Option<f64>,
    pub(super) interval: Option<(f64, f64)>,
    /// e to the estimate, for odds and rates.
    pub(super) is_ratio: bool,
    pub(super) standardized: Option<f64>,
    pub(super) vif: Option<f64>,
    /// The standard deviation of a number; 1 of a level.
    pub(super) unit: Option<f64>,
    pub(super) remark: Option<String>,
    /// Whether it is the level that others are compared with, and whether there are no others.
    pub(super) is_base: bool,
    pub(super) is_only_level: bool,
}

impl Coefficient {
    /// The numbers of the product, in the order of its columns.
    pub(super) fn numbers(&self) -> [Option<f64>; 11] {
        let low = self.interval.map(|interval| interval.0);
        let high = self.interval.map(|interval| interval.1);
        let ratio = |value: Option<f64>| value.filter(|_| self.is_ratio).map(f64::exp);
        [
            self.estimate,
            self.error,
            self.statistic,
            self.p_value,
            low,
            high,
            ratio(self.estimate),
            ratio(low),
            ratio(high),
            self.standardized,
            self.vif,
        ]
    }
}

/// A row for each coefficient, and for the base level of each category.
pub(super) fn coefficients(
    plan: &Plan,
    design: &Design,
    fitted: &Fitted,
    checks: &Checks,
    robust: Option<Vec<f64>>,
) -> Vec<Coefficient> {
    let solution = fitted.solution();
    let size = design.names.len();
    let mut values = solution.coefficients.clone();
    let mut covariance = robust.unwrap_or_else(|| match fitted {
        Fitted::Linear(fit) => fit.covariance(),
        Fitted::Generalized { fit, .. } => fit.solution.inverse.clone(),
    });
    if design.intercept {
        move_back(&mut values, &mut covariance, &design.centres);
    }
    let tail = (1.0 - plan.confidence) / 2.0;
    #[expect(clippy::cast_precision_loss, reason = "clusters")]
    let degrees = match fitted {
        Fitted::Linear(_) if plan.errors == Errors::Clustered => Some(checks.clusters as f64 - 1.0),
        Fitted::Linear(fit) => Some(fit.degrees()),
        Fitted::Generalized { .. } => None,
    };
    let quantile =
        degrees.map_or_else(|| normal::upper_quantile(tail), |degrees| student_t::upper_quantile(tail, degrees));
    let p_value = |statistic: f64| {
        degrees.map_or_else(|| normal::two_sided(statistic), |degrees| student_t::two_sided(statistic, degrees))
    };
    let (standardized, vif) = match fitted {
        Fitted::Linear(fit) => (fit.standardized(), fit.variance_inflation()),
        Fitted::Generalized { fit, .. } => (vec![None; size], fit.variance_inflation(design.intercept)),
    };
    let of = |column: usize| {
        let (term, level) = design.names.get(column).cloned().unwrap_or_default();
        let base = Coefficient { term, level, is_ratio: plan.family != Family::Linear, ..Coefficient::default() };
        if let Some((_, parts)) = solution.dropped.iter().find(|dropped| dropped.0 == column) {
            return Coefficient { remark: Some(dropped(design, parts)), ..base };
        }
        let estimate = values.get(column).copied();
        let error = covariance.get(column * size + column).map(|variance| variance.max(0.0).sqrt());
        let statistic =
            estimate.zip(error).map(|(estimate, error)| estimate / error).filter(|statistic| !statistic.is_nan());
        Coefficient {
            estimate,
            error,
            statistic,
            p_value: statistic.map(p_value),
            interval: estimate
                .zip(error)
                .map(|(estimate, error)| (estimate - quantile * error, estimate + quantile * error)),
            standardized: standardized.get(column).copied().flatten(),
            vif: vif.get(column).copied().flatten(),
            unit: unit(design, column),
            ..base
        }
    };
    let mut found: Vec<Coefficient> = Vec::with_capacity(size);
    if design.intercept {
        found.push(of(0));
    }
    for (term, (field, _)) in design.terms.iter().zip(&plan.terms) {
        match term {
            Term::Number { column, .. } => found.push(of(*column)),
            Term::Category { first, base, levels, .. } => {
                let remark = if levels.is_empty() { "the only level: nothing to compare" } else { "base level" };
                found.push(Coefficient {
                    term: field.name.clone(),
                    level: Some(base.clone()),
                    remark: Some(remark.to_owned()),
                    is_base: true,
                    is_only_level: levels.is_empty(),
                    ..Coefficient::default()
                });
                found.extend((0..levels.len()).map(|level| of(first + level)));
            }
        }
    }
    found
}

/// The standard deviation of a number, 1 of a level; none of the intercept.
fn unit(design: &Design, column: usize) -> Option<f64> {
    let (_, level) = design.names.get(column).filter(|_| !(design.intercept && column == 0))?;
    if level.is_some() { Some(1.0) } else { design.survey.deviation(design, column) }
}

fn dropped(design: &Design, parts: &[(usize, f64)]) -> String {
    if parts.is_empty() {
        return "dropped: it has one value only".to_owned();
    }
    let name = |(column, _): &(usize, f64)| match design.names.get(*column) {
        Some((term, Some(level))) => format!("{term} = {level}"),
        Some((term, None)) => term.clone(),
        None => String::new(),
    };
    let names: Vec<String> = parts.iter().map(name).collect();
    format!("dropped: it is a combination of {}", names.join(", "))
}

/// What should be heard of without looking at the report.
pub(super) fn remarks(plan: &Plan, design: &Design, fitted: &Fitted, checks: &Checks) -> Vec<String> {
    let mut remarks = Vec::new();
    let left_out = design.survey.seen - design.survey.used;
    if left_out > 0 {
        let verb = if left_out == 1 { "was" } else { "were" };
        remarks.push(format!(
            "{} of {} {verb} left out because a value is missing",
            digits::whole(left_out),
            digits::rows(design.survey.seen)
        ));
    }
    if let Fitted::Linear(fit) = fitted
        && fit.r_squared().is_none()
    {
        remarks.push(format!("`{}` has one value only: there is nothing to explain", plan.target.name));
    }
    for (column, parts) in &fitted.solution().dropped {
        let name = match design.names.get(*column) {
            Some((term, Some(level))) => format!("`{term}` = `{level}`"),
            Some((term, None)) => format!("`{term}`"),
            None => continue,
        };
        remarks.push(format!("{name} was {}", dropped(design, parts)));
    }
    if checks.breusch_pagan.is_some_and(|(_, _, p)| p < 0.01 && plan.errors == Errors::Classic) {
        remarks.push(
            "the variance of the errors depends on the features (Breusch-Pagan): `errors: hc3` is safer".to_owned(),
        );
    }
    if let Fitted::Generalized { fit, .. } = fitted
        && plan.family == Family::Poisson
        && fit.dispersion() > 1.5
        && plan.errors == Errors::Classic
    {
        remarks.push(format!(
            "counts vary {:.1} times as much as Poisson's do: classic errors are too small, `errors: hc1` is safer",
            fit.dispersion()
        ));
    }
    remarks
}
