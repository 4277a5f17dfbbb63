//! The passes over the rows: what there is, the fit, what is wrong with it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Family;
use super::coefficients::{Coefficient, coefficients, remarks};
use super::design::{Design, Part};
use super::rows::{Complete, Plan};
use super::survey::Survey;
use crate::diagnostic::{Class, Diagnostic};
use crate::memory::MemoryManager;
use crate::relation::Relation;
use crate::stages::work::{Progress, WorkContext};
use crate::statistics::distributions::chi_squared;
use crate::statistics::regression::{
    self as model, Beside, Block, Diagnostics, Errors, Generalized, GeneralizedFit, Gram, Influence, LinearFit, Next,
    RegressionError, Solution, weigh,
};
use crate::statistics::sampling::reservoir::Reservoir;

/// Rows that are drawn for figures.
const DRAWN: usize = 2000;
/// Most influential rows that are shown.
const INFLUENTIAL: usize = 10;

/// A row that was drawn for figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    pub(super) fitted: f64,
    pub(super) residual: f64,
    pub(super) studentized: f64,
    pub(super) target: f64,
    pub(super) weight: f64,
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
        let parts = design.blocks(rows).into_iter();
        let blocks: Vec<Block> = parts.map(|part| part.block.weighted(&part.beside.weights)).collect();
        gram.extend(&blocks);
        Ok(())
    })?;
    let mut fit = LinearFit::new(&gram, design.intercept).map_err(|error| failed(&error, design))?;
    fit.ln_weights = design.survey.ln_weights.value();
    Ok(fit)
}

fn generalized(
    plan: &Plan,
    family: model::Family,
    design: &Design,
    relation: &Relation,
    context: &WorkContext<'_>,
) -> Result<Fitted, Diagnostic> {
    let constant = design.survey.constant(family);
    let mut fit = Generalized::new(family, design.names.len(), design.intercept, constant);
    // The model of the intercept alone, with which likelihoods are compared. Mostly its constant is known and the first pass ends it.
    let mut null = design.intercept.then(|| Generalized::new(family, 1, true, constant));
    let (mut done, mut null_log_likelihood) = (None, None);
    for step in 1_u32.. {
        let mut pass = done.is_none().then(|| fit.pass());
        let mut null_pass = null.as_ref().map(Generalized::pass);
        each(plan, relation, context, &format!("step {step} of Newton's method"), &mut |rows| {
            let parts = design.blocks(rows).into_iter();
            let parts: Vec<(Block, Beside)> = parts.map(|part| (part.block, part.beside)).collect();
            if let (Some(null), Some(pass)) = (&null, &mut null_pass) {
                let alone: Vec<(Block, Beside)> =
                    parts.iter().map(|(block, beside)| (alone(block), beside.clone())).collect();
                null.add(pass, &alone);
            }
            if let Some(pass) = &mut pass {
                fit.add(pass, &parts);
            }
            Ok(())
        })?;
        if let Some(pass) = &pass
            && let Next::Done(found) = fit.step(pass).map_err(|error| failed(&error, design))?
        {
            done = Some(found);
        }
        if let (Some(model), Some(pass)) = (&mut null, &null_pass) {
            match model.step(pass) {
                Ok(Next::Again) => {}
                // Without it the model is not compared with anything.
                Err(_) => null = None,
                Ok(Next::Done(found)) => {
                    null_log_likelihood = Some(found.log_likelihood);
                    null = None;
                }
            }
        }
        if let Some(fit) = done.take_if(|_| null.is_none()) {
            return Ok(Fitted::Generalized { fit, null_log_likelihood });
        }
    }
    Err(Diagnostic::error(Class::Stage, "the fit has not converged"))
}

/// The rows with the intercept as their only term.
fn alone(block: &Block) -> Block {
    Block { terms: vec![(0, model::Values::One)], target: block.target.clone() }
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
            let targets = part.block.target.iter().zip(part.beside.weights());
            let rows = residuals.target.iter().zip(&means).zip(measures).zip(targets);
            for (((&residual, &fitted), (_, studentized)), (&target, weight)) in rows {
                drawn.offer(|| Drawn { fitted, residual, studentized, target, weight });
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
        breusch_pagan: diagnostics.breusch_pagan().filter(|_| is_linear && plan.intercept && plan.weights.is_none()),
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

/// The rows as least squares sees them, with residuals (times the roots of weights) as their target, and the fitted means.
fn residuals(fitted: &Fitted, family: Family, part: &Part, solution: &Solution) -> (Block, Vec<f64>) {
    match fitted {
        Fitted::Linear(_) => {
            let means = part.block.product(&solution.coefficients);
            let target = part.block.target.iter().zip(&means).map(|(target, mean)| target - mean).collect();
            let block = Block { terms: part.block.terms.clone(), target };
            (block.weighted(&part.beside.weights), means)
        }
        Fitted::Generalized { .. } => {
            let family = if family == Family::Logistic { model::Family::Logistic } else { model::Family::Poisson };
            let weighted = weigh(family, &part.block, &solution.coefficients, &part.beside);
            let means = weighted.sums.iter().map(|&sum| family.mean(sum)).collect();
            (weighted.block, means)
        }
    }
}
