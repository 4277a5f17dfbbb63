//! Principal components and random projections: linear functions of a row.

use std::sync::Arc;

use super::exhibits::{self, Found};
use super::options::{Settings, Way};
use super::{Reduce, number};
use crate::batch;
use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::digits;
use crate::engine::EngineError;
use crate::exhibit::{Exhibit, Tone};
use crate::expression::{DataType, Expr, Function, Literal};
use crate::memory::MemoryManager;
use crate::relation::{NamedExpr, Relation, Tap};
use crate::stages::work::{Outcome, Progress, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, TableShape, fit, inputs};
use crate::statistics::decomposition::covariance::Covariance;
use crate::statistics::decomposition::linear_map::LinearMap;
use crate::statistics::decomposition::pca::{Components, Pca, PcaError};
use crate::statistics::decomposition::random_projection;
use crate::statistics::moments::Moments;
use crate::statistics::row_function::RowFunction;
use crate::statistics::sampling::reservoir::Reservoir;

/// The components of a row while the stage works.
const COMPONENTS: &str = "__reduced";
/// The counter of rows without components.
const INCOMPLETE: &str = "incomplete";
/// Rows that are drawn to be shown.
const SHOWN: usize = 2_000;

pub(super) fn plan(
    options: &Reduce,
    settings: Settings,
    table: &TableShape,
    context: &PlanContext<'_>,
) -> Result<Planned, Findings> {
    inputs::new_name(&table.schema, COMPONENTS, context.place).map_err(|finding| vec![finding])?;
    let key = context.key("map");
    let list = DataType::List(Box::new(DataType::Float64));
    let mut mapped = inputs::all_columns(&table.schema);
    let arguments = settings.fields.iter().map(number).collect();
    mapped.push(NamedExpr { name: COMPONENTS.to_owned(), expr: Expr::learned(&key, arguments, list.clone()) });
    let mapped = Relation::Project { input: table.relation.clone(), columns: mapped };
    let components = || Expr::column(COMPONENTS, list.clone());
    let tap = Tap {
        stage: context.id.to_owned(),
        point: "in".to_owned(),
        counters: vec![NamedExpr { name: INCOMPLETE.to_owned(), expr: components().is_null() }],
        samples: Vec::new(),
    };
    let tapped = Relation::Tap { input: mapped.into(), tap: tap.into() };
    let mut columns = inputs::all_columns(&table.schema);
    for (at, name) in settings.names.iter().enumerate() {
        let expr = if settings.as_list {
            components()
        } else {
            Expr::call(Function::ListElement, vec![components(), Expr::integer(at as i64 + 1)], DataType::Float64)
        };
        inputs::set_column(&mut columns, name, expr);
    }
    let relation = Relation::Project { input: tapped.into(), columns };
    let work = LinearWork { settings, key };
    Ok(Planned::relation(table.derive(relation)).work(work).meaning(options))
}

struct LinearWork {
    settings: Settings,
    key: String,
}

/// What one pass over the rows gives.
struct Pass {
    /// Of `pca`.
    covariance: Covariance,
    /// Of `random_projection`, column by column.
    moments: Vec<Moments>,
    complete: u64,
    left_out: u64,
    drawn: Vec<Vec<f64>>,
}

impl LinearWork {
    fn pass(&self, rows: &Arc<Relation>, context: &WorkContext<'_>) -> Result<Pass, Diagnostic> {
        let fields = &self.settings.fields;
        let width = fields.len();
        let is_pca = matches!(self.settings.way, Way::Pca(_));
        // The sums, those of the blocks in work, and the rows that wait for them.
        let mut reservation = MemoryManager::process().reserve("reduce");
        let bytes = if is_pca { 10 * 8 * width * width + 16_384 * 8 * width } else { 0 };
        reservation.try_grow(bytes as u64).map_err(|error| Diagnostic::from(EngineError::from(error)))?;
        let columns = fields.iter().map(|field| NamedExpr { name: field.name.clone(), expr: number(field) });
        let relation = Relation::Project { input: rows.clone(), columns: columns.collect() };
        let mut covariance = Covariance::new(if is_pca { width } else { 0 });
        let mut moments = vec![Moments::default(); if is_pca { 0 } else { width }];
        let mut reservoir = Reservoir::new(SHOWN, self.settings.seed);
        let (mut complete, mut left_out) = (0_u64, 0_u64);
        let mut row: Vec<f64> = Vec::with_capacity(width);
        context.stream(&relation, &mut |batch| {
            let columns: Vec<Vec<f64>> = batch.columns().iter().map(batch::floats).collect();
            for at in 0..batch.num_rows() {
                row.clear();
                row.extend(columns.iter().filter_map(|column| column.get(at).copied()));
                if !row.iter().all(|value| value.is_finite()) {
                    left_out += 1;
                    continue;
                }
                complete += 1;
                if is_pca {
                    covariance.push(&row);
                }
                moments.iter_mut().zip(&row).for_each(|(moments, value)| moments.push(*value));
                reservoir.offer(|| row.clone());
            }
            let done = complete + left_out;
            (context.progress)(Progress {
                done,
                total: None,
                unit: "rows".to_owned(),
                message: "summing rows".to_owned(),
            });
            Ok(true)
        })?;
        covariance.finish();
        Ok(Pass { covariance, moments, complete, left_out, drawn: reservoir.into_items() })
    }

    fn pca(&self, pass: &Pass, components: Components) -> Result<(LinearMap, Pca), Diagnostic> {
        let pca = Pca::fit(&pass.covariance, components, self.settings.scale, self.settings.seed).map_err(|error| {
            let message = match error {
                PcaError::Overflow(at) => {
                    let name = self.settings.fields.get(at).map_or("", |field| field.name.as_str());
                    format!("the numbers of column `{name}` are too large for a variance")
                }
                other => other.to_string(),
            };
            Diagnostic::error(Class::Stage, message)
        })?;
        Ok((pca.map().clone(), pca))
    }

    fn random(
        &self,
        pass: &Pass,
        components: usize,
        weights: random_projection::Weights,
    ) -> Result<LinearMap, Diagnostic> {
        let mut centers = Vec::new();
        let mut scales = Vec::new();
        for (field, moments) in self.settings.fields.iter().zip(&pass.moments) {
            let (center, deviation) = (moments.mean().unwrap_or(0.0), moments.standard_deviation().unwrap_or(0.0));
            if !center.is_finite() || !deviation.is_finite() {
                let message = format!("the numbers of column `{}` are too large for a variance", field.name);
                return Err(Diagnostic::error(Class::Stage, message));
            }
            centers.push(center);
            scales.push(if self.settings.scale && deviation > 8.0 * f64::EPSILON * center.abs() {
                deviation
            } else {
                1.0
            });
        }
        Ok(random_projection::draw(centers, scales, components, weights, self.settings.seed))
    }
}

impl Work for LinearWork {
    fn passes(&self, _: usize) -> usize {
        1
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let pass = self.pass(&table.training(), context)?;
        let found = Found {
            title: fit::learned_from(table),
            settings: &self.settings,
            rows: pass.complete,
            left_out: pass.left_out,
            drawn: &pass.drawn,
        };
        let mut outcome = Outcome::default();
        let map = match self.settings.way {
            Way::Pca(components) => {
                let (map, pca) = self.pca(&pass, components)?;
                outcome.exhibits = exhibits::of_pca(&found, &pca, &pass.covariance);
                let constant: Vec<&str> = pca
                    .constant()
                    .iter()
                    .filter_map(|at| self.settings.fields.get(*at).map(|field| field.name.as_str()))
                    .collect();
                if !constant.is_empty() {
                    let verb = if constant.len() == 1 { "does" } else { "do" };
                    outcome.remarks.push(format!("{} {verb} not vary and says nothing", constant.join(", ")));
                }
                map
            }
            Way::Random { components, weights } => {
                let map = self.random(&pass, components, weights)?;
                outcome.exhibits = exhibits::of_projection(&found, &map);
                map
            }
            Way::Tsne { .. } => return Ok(outcome),
        };
        outcome.bindings.literals.insert(self.key.clone(), Literal::String(RowFunction::Linear(map).to_text()));
        Ok(outcome)
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let incomplete = counts.counter("in", INCOMPLETE);
        if incomplete == 0 {
            return Vec::new();
        }
        let rows = digits::rows(incomplete);
        let text =
            format!("Without components: {rows} (nulls in the new columns), because a value is missing or infinite.");
        vec![Exhibit::note(Tone::Info, text)]
    }

    fn remarks(&self, counts: &StageCounts) -> Vec<String> {
        let incomplete = counts.counter("in", INCOMPLETE);
        if incomplete == 0 {
            return Vec::new();
        }
        vec![format!(
            "{} got nulls because a value is missing or infinite: `impute` fills them",
            digits::rows(incomplete)
        )]
    }
}
