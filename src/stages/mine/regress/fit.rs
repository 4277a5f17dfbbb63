//! The passes over the rows: what there is, the fit, what is wrong with it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Family;
use super::design::{Complete, Design, Part, Plan, Survey, Term};
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::memory::MemoryManager;
use crate::relation::Relation;
use crate::stages::work::{Progress, WorkContext};
use crate::statistics::distributions::{chi_squared, normal, student_t};
use crate::statistics::regression::{
    self as model, Block, Diagnostics, Errors, Generalized, GeneralizedFit, Gram, Influence, LinearFit, Next,
    RegressionError, Solution, move_back, weigh,
};
use crate::statistics::sampling::reservoir::Reservoir;

/// Rows that are drawn for figures.
const DRAWN: usize = 2000;
/// Most influential rows that are shown.
const INFLUENTIAL: usize = 10;

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

/// A row that was drawn for figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    pub(super) fitted: f64,
    pub(super) residual: f64,
    pub(super) studentized: f64,
    pub(super) target: f64,
}

/// The fit of one family.
#[derive(Debug)]
pub(super) enum Fitted {
    Linear(Box<LinearFit>),
    Generalized { fit: Box<GeneralizedFit>, null_log_likelihood: Option<f64> },
}

impl Fitted {
    pub(super) fn solution(&self) -> &Solution {
        match self {
            Self::Linear(fit) => &fit.solution,
            Self::Generalized { fit, .. } => &fit.solution,
        }
    }
}

/// What the second look at the rows found.
#[derive(Debug, Default)]
pub(super) struct Checks {
    pub(super) durbin_watson: Option<f64>,
    pub(super) breusch_pagan: Option<(f64, f64, f64)>,
    pub(super) jarque_bera: Option<(f64, f64)>,
    pub(super) influential: Vec<Influence>,
    pub(super) high_leverage: u64,
    pub(super) clusters: u64,
    pub(super) drawn: Vec<Drawn>,
}

/// A fit with all that is shown of it.
#[derive(Debug)]
pub(super) struct Fit {
    pub(super) design: Design,
    pub(super) fitted: Fitted,
    pub(super) checks: Checks,
    pub(super) coefficients: Vec<Coefficient>,
    pub(super) remarks: Vec<String>,
}

/// Fits the model to the rows.
///
/// Errors: no usable rows, too few of them, a target that does not fit, separation, no convergence.
pub(super) fn fit(plan: &Plan, table: &Arc<Relation>, context: &WorkContext<'_>) -> Result<Fit, Diagnostic> {
    let relation = plan.relation(table);
    let mut survey = Survey::new(plan);
    let seen = each(plan, &relation, context, "looking at levels and means", &mut |rows| survey.add(rows, plan))?;
    survey.seen = seen;
    let design = survey.design(plan)?;
    let fitted = match plan.family {
        Family::Linear => Fitted::Linear(Box::new(linear(plan, &design, &relation, context)?)),
        Family::Logistic => generalized(plan, model::Family::Logistic, &design, &relation, context)?,
        Family::Poisson => generalized(plan, model::Family::Poisson, &design, &relation, context)?,
    };
    let (checks, robust) = check(plan, &design, &fitted, &relation, context)?;
    let coefficients = coefficients(plan, &design, &fitted, &checks, robust);
    let remarks = remarks(plan, &design, &fitted, &checks);
    Ok(Fit { design, fitted, checks, coefficients, remarks })
}

/// Hands all complete rows on, batch by batch, and gives the number of all rows.
pub(super) fn each(
    plan: &Plan,
    relation: &Relation,
    context: &WorkContext<'_>,
    doing: &str,
    take: &mut dyn FnMut(&Complete) -> Result<(), Diagnostic>,
) -> Result<u64, Diagnostic> {
    let mut seen = 0_u64;
    let mut wrong: Option<Diagnostic> = None;
    context.stream(relation, &mut |batch| {
        wrong = plan.complete(&batch, seen).and_then(|rows| take(&rows)).err();
        seen += batch.num_rows() as u64;
        (context.progress)(Progress { done: seen, total: None, unit: "rows".to_owned(), message: doing.to_owned() });
        Ok(wrong.is_none())
    })?;
    wrong.map_or(Ok(seen), Err)
}

fn failed(error: &RegressionError, design: &Design) -> Diagnostic {
    let name = |column: &usize| match design.names.get(*column) {
        Some((term, Some(level))) => format!("`{term}` = `{level}`"),
        Some((term, None)) => format!("`{term}`"),
        None => String::new(),
    };
    match error {
        RegressionError::Separated { columns } => {
            let names: Vec<String> = columns.iter().map(name).collect();
            let message = format!(
                "{} together tell the classes apart without an error (separation): there is no finite estimate",
                names.join(", ")
            );
            Diagnostic::error(Class::Stage, message).help("leave one of these columns out, or group rare values first")
        }
        RegressionError::NotConverged { steps } => {
            let message = format!("the fit has not converged after {steps} steps");
            Diagnostic::error(Class::Stage, message).help(
                "scale or transform columns of extreme numbers (`standardize`, `outliers`), or choose fewer features",
            )
        }
        other => Diagnostic::error(Class::Stage, other.to_string()),
    }
}

fn linear(
    plan: &Plan,
    design: &Design,
    relation: &Relation,
    context: &WorkContext<'_>,
) -> Result<LinearFit, Diagnostic> {
    let mut gram = Gram::new(design.names.len());
    each(plan, relation, context, "summing products", &mut |rows| {
        let blocks: Vec<Block> = design.blocks(rows).into_iter().map(|part| part.block).collect();
        gram.extend(&blocks);
        Ok(())
    })?;
    LinearFit::new(&gram, design.intercept).map_err(|error| failed(&error, design))
}

#[expect(clippy::cast_precision_loss, reason = "rows")]
fn generalized(
    plan: &Plan,
    family: model::Family,
    design: &Design,
    relation: &Relation,
    context: &WorkContext<'_>,
) -> Result<Fitted, Diagnostic> {
    let survey = &design.survey;
    let (total, used) = (survey.target.value(), survey.used as f64);
    let spread = if plan.exposure.is_some() { survey.exposure.value() } else { used };
    // The model of the intercept alone has this constant, whatever the features.
    let constant = family.link(total / spread);
    let mut fit = Generalized::new(family, design.names.len(), design.intercept, constant);
    let mut null = 0.0;
    for step in 1_u32.. {
        let mut pass = fit.pass();
        let first = step == 1;
        each(plan, relation, context, &format!("step {step} of Newton's method"), &mut |rows| {
            let parts = design.blocks(rows);
            if first {
                for part in &parts {
                    let offsets = part.offset.iter().copied().chain(std::iter::repeat(0.0));
                    let rows = part.block.target.iter().zip(offsets);
                    null += rows.map(|(&target, offset)| family.log_likelihood(target, constant + offset)).sum::<f64>();
                }
            }
            let (blocks, offsets) =
                parts.into_iter().map(|part| (part.block, part.offset)).unzip::<_, _, Vec<_>, Vec<_>>();
            fit.add(&mut pass, &blocks, &offsets);
            Ok(())
        })?;
        if let Next::Done(done) = fit.step(&pass).map_err(|error| failed(&error, design))? {
            let null_log_likelihood = Some(null).filter(|_| design.intercept);
            return Ok(Fitted::Generalized { fit: done, null_log_likelihood });
        }
    }
    Err(Diagnostic::error(Class::Stage, "the fit has not converged"))
}

/// One more pass: residuals, leverages, robust covariance.
fn check(
    plan: &Plan,
    design: &Design,
    fitted: &Fitted,
    relation: &Relation,
    context: &WorkContext<'_>,
) -> Result<(Checks, Option<Vec<f64>>), Diagnostic> {
    let solution = fitted.solution();
    let mut diagnostics = match fitted {
        Fitted::Linear(fit) => {
            Diagnostics::new(solution, fit.variance(), fit.degrees(), fit.rows, true, plan.errors, INFLUENTIAL)
        }
        Fitted::Generalized { fit, .. } => {
            #[expect(clippy::cast_precision_loss, reason = "rows")]
            let degrees = fit.rows as f64 - fit.columns() as f64;
            Diagnostics::new(solution, 1.0, degrees, fit.rows, false, plan.errors, INFLUENTIAL)
        }
    };
    let mut drawn: Reservoir<Drawn> = Reservoir::new(DRAWN, plan.seed);
    let mut clusters: FxHashMap<Box<str>, u32> = FxHashMap::default();
    let mut reservation = MemoryManager::process().reserve("scores of clusters");
    let mut held = 0_usize;
    each(plan, relation, context, "looking at residuals", &mut |rows| {
        for part in design.blocks(rows) {
            let codes: Vec<u32> = part
                .clusters
                .iter()
                .map(|cluster| {
                    let next = u32::try_from(clusters.len()).unwrap_or(u32::MAX);
                    *clusters.entry(cluster.as_str().into()).or_insert(next)
                })
                .collect();
            if clusters.len() > held {
                let each = design.names.len() * size_of::<f64>() + 128;
                reservation
                    .try_grow(((clusters.len() - held) * each) as u64)
                    .map_err(crate::engine::EngineError::from)
                    .map_err(Diagnostic::from)?;
                held = clusters.len();
            }
            let (residuals, means) = residuals(fitted, plan.family, &part, solution);
            let measures = diagnostics.add(&residuals, &part.numbers, &means, &codes);
            for (((&residual, &mean), (_, studentized)), &target) in
                residuals.target.iter().zip(&means).zip(measures).zip(&part.block.target)
            {
                drawn.offer(|| Drawn { fitted: mean, residual, studentized, target });
            }
        }
        Ok(())
    })?;
    let robust = diagnostics.robust_covariance();
    if plan.errors == Errors::Clustered && robust.is_none() {
        let name = plan.cluster.as_ref().map_or("", |field| field.name.as_str());
        let message = format!("column `{name}` makes a single cluster: clustered errors need at least two");
        return Err(Diagnostic::error(Class::Stage, message));
    }
    let is_linear = plan.family == Family::Linear;
    let checks = Checks {
        durbin_watson: diagnostics.durbin_watson().filter(|_| is_linear),
        breusch_pagan: diagnostics.breusch_pagan().filter(|_| is_linear && plan.intercept),
        jarque_bera: diagnostics
            .jarque_bera()
            .filter(|_| is_linear)
            .map(|statistic| (statistic, chi_squared::sf(statistic, 2.0))),
        influential: diagnostics.influential().to_vec(),
        high_leverage: diagnostics.high_leverage(),
        clusters: clusters.len() as u64,
        drawn: drawn.into_items(),
    };
    Ok((checks, robust))
}

/// The rows as least squares sees them, with residuals as their target, and the fitted means.
fn residuals(fitted: &Fitted, family: Family, part: &Part, solution: &Solution) -> (Block, Vec<f64>) {
    match fitted {
        Fitted::Linear(_) => {
            let means = part.block.product(&solution.coefficients);
            let target = part.block.target.iter().zip(&means).map(|(target, mean)| target - mean).collect();
            (Block { terms: part.block.terms.clone(), target }, means)
        }
        Fitted::Generalized { .. } => {
            let family = if family == Family::Logistic { model::Family::Logistic } else { model::Family::Poisson };
            let weighted = weigh(family, &part.block, &solution.coefficients, &part.offset);
            let means = weighted.sums.iter().map(|&sum| family.mean(sum)).collect();
            (weighted.block, means)
        }
    }
}

fn coefficients(
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
            unit: unit(design, fitted, column),
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
                    ..Coefficient::default()
                });
                found.extend((0..levels.len()).map(|level| of(first + level)));
            }
        }
    }
    found
}

/// The standard deviation of a number, 1 of a level; none of the intercept.
fn unit(design: &Design, fitted: &Fitted, column: usize) -> Option<f64> {
    let (_, level) = design.names.get(column).filter(|_| !(design.intercept && column == 0))?;
    if level.is_some() {
        return Some(1.0);
    }
    let Fitted::Linear(fit) = fitted else { return design.survey.deviation(design, column) };
    #[expect(clippy::cast_precision_loss, reason = "rows")]
    let rows = fit.rows as f64;
    fit.solution.column_squares.get(column).map(|squares| (squares / (rows - 1.0)).sqrt())
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

fn remarks(plan: &Plan, design: &Design, fitted: &Fitted, checks: &Checks) -> Vec<String> {
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
    for (column, parts) in &fitted.solution().dropped {
        let name = match design.names.get(*column) {
            Some((term, Some(level))) => format!("`{term}` = `{level}`"),
            Some((term, None)) => format!("`{term}`"),
            None => continue,
        };
        remarks.push(format!("{name} was {}", dropped(design, parts)));
    }
    if let Some((_, _, p)) = checks.breusch_pagan.filter(|(_, _, p)| *p < 0.01 && plan.errors == Errors::Classic) {
        let _ = p;
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
