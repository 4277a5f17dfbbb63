//! The measures that need whole columns: ranks, order of pairs, distances.

use std::sync::Arc;

use rayon::prelude::*;

use super::pairs::{Measure, Pair, PairPlan};
use super::{CorrelateWork, Method};
use crate::diagnostic::{Class, Diagnostic};
use crate::exhibit::{Exhibit, Tone};
use crate::relation::Relation;
use crate::stages::mine::rows::{self, Incomplete, Reading};
use crate::stages::work::{Outcome, WorkContext};
use crate::statistics::correlation::{CorrelationError, distance_correlation, kendall, spearman_matrix};

const UNDEFINED: &str = "not defined: one of the two is constant, or too few rows have both";

impl CorrelateWork {
    /// What a method that needs all rows at once reads.
    pub(super) fn reading(&self) -> Reading<'_> {
        // The columns of their own, ranks or keys of each, and what one pair at a time needs.
        let workspace = match self.options.method {
            Method::Spearman => self.fields.len() * 32 + 32,
            Method::Kendall => self.fields.len() * 8 + rayon::current_num_threads() * 48,
            _ => self.fields.len() * 8 + 320,
        };
        Reading {
            fields: &self.fields,
            incomplete: Incomplete::Kept,
            sample: self.settings.sample.map(|wanted| (wanted, self.options.seed)),
            workspace,
            purpose: self.pairs.first().map_or("correlate", |pair| pair.measure.name()),
        }
    }

    pub(super) fn in_memory(
        &self,
        table: &Arc<Relation>,
        context: &WorkContext<'_>,
        outcome: &mut Outcome,
    ) -> Result<Vec<Pair>, Diagnostic> {
        let method = self.options.method;
        let reading = self.reading();
        let rows = rows::read(table, &reading, context)?;
        if (rows.count() as u64) < rows.seen {
            outcome.exhibits.push(Exhibit::note(Tone::Info, format!("Of {}.", rows.describe())));
        }
        let columns: Vec<Vec<f64>> = (0..rows.columns).map(|at| rows.column(at)).collect();
        let failed = |error: CorrelationError| Diagnostic::error(Class::Stage, error.to_string());
        let slice = |at: usize| columns.get(at).map_or(&[][..], Vec::as_slice);
        if method == Method::Spearman && self.options.with.is_none() {
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let matrix = spearman_matrix(&slices).map_err(failed)?;
            let of = |plan: &PairPlan| {
                let pair = self.start(plan, UNDEFINED);
                match matrix.get(plan.a, plan.b) {
                    Some(found) => pair.with_correlation(&found, self.settings.confidence),
                    None => pair,
                }
            };
            return Ok(self.pairs.iter().map(of).collect());
        }
        let measure = |plan: &PairPlan| {
            let (x, y) = (slice(plan.a), slice(plan.b));
            let pair = self.start(plan, UNDEFINED);
            let level = self.settings.confidence;
            Ok(match plan.measure {
                Measure::Kendall => match kendall(x, y)? {
                    Some(found) => pair.with_kendall(&found, level),
                    None => pair,
                },
                Measure::Distance => match distance_correlation(x, y)? {
                    Some(found) => pair.with_distance(&found, level),
                    None => pair,
                },
                _ => match spearman_matrix(&[x, y])?.get(0, 1) {
                    Some(found) => pair.with_correlation(&found, level),
                    None => pair,
                },
            })
        };
        let found: Result<Vec<Pair>, CorrelationError> = if method == Method::Distance {
            // One after the other: each uses all threads, and some 300 bytes a row.
            self.pairs.iter().map(measure).collect()
        } else {
            self.pairs.par_iter().map(measure).collect()
        };
        found.map_err(failed)
    }

    /// A pair of which nothing is known yet, and why that would stay so.
    pub(super) fn start(&self, plan: &PairPlan, why: &str) -> Pair {
        let name = |at: usize| self.fields.get(at).map_or("", |field| field.name.as_str());
        Pair::undefined(name(plan.a), name(plan.b), plan.measure, 0, why)
    }
}
