//! Reads the series, analyses each, and writes the tables.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::analysis::{Analysis, analyse};
use super::exhibits;
use super::resample::Resampled;
use super::settings::Settings;
use super::side::Side;
use super::tables::{Found, Tables};
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::stages::Product;
use crate::stages::work::{Change, Outcome, Progress, StageCounts, Work, WorkContext};
use crate::statistics::multiplicity::adjust;

const FILE: &str = "trends.parquet";

/// The work of `trends`.
pub(super) struct TrendsWork {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) settings: Settings,
}

impl TrendsWork {
    fn analyse(&self, resampled: &mut Resampled, context: &WorkContext<'_>) -> Result<Vec<Found>, Diagnostic> {
        let series = std::mem::take(&mut resampled.series);
        let (done, total) = (AtomicUsize::new(0), series.len());
        let analyses: Vec<Option<Analysis>> = series
            .par_iter()
            .map(|series| {
                if context.cancelled.load(Ordering::Relaxed) {
                    return None;
                }
                let analysis = analyse(series, &self.settings);
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                (context.progress)(Progress {
                    done: done as u64,
                    total: Some(total as u64),
                    unit: "series".to_owned(),
                    message: String::new(),
                });
                Some(analysis)
            })
            .collect();
        let analyses: Option<Vec<Analysis>> = analyses.into_iter().collect();
        let Some(analyses) = analyses else {
            return Err(Diagnostic::error(Class::Interrupted, "stopped while series were analysed"));
        };
        let p_values: Vec<f64> = analyses.iter().map(|one| trend_p(one).unwrap_or(f64::NAN)).collect();
        let adjusted = adjust(&p_values, self.settings.correction);
        let found = series.into_iter().zip(analyses).zip(adjusted);
        Ok(found
            .map(|((series, analysis), p)| Found { series, analysis, adjusted: Some(p).filter(|p| p.is_finite()) })
            .collect())
    }
}

fn unknown() -> Diagnostic {
    Diagnostic::error(Class::Stage, "the rows cannot be resampled")
}

/// The p-value of the trend that allows for autocorrelation.
fn trend_p(analysis: &Analysis) -> Option<f64> {
    analysis.corrected.as_ref()?.as_ref().ok().map(|test| test.p_value)
}

impl Work for TrendsWork {
    fn passes(&self, _: usize) -> usize {
        1
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        // Compiled anew, over the rows as they are by now: held, or read again.
        let rows = self.settings.resampling.relation(&table.relation, &table.relation.schema());
        let broken = |mut findings: crate::diagnostic::Findings| findings.pop().unwrap_or_else(unknown);
        let rows = rows.map_err(broken)?;
        let mut resampled = self.settings.resampling.read(&rows, context)?;
        let found = self.analyse(&mut resampled, context)?;
        let tables = Tables::new(&self.settings);
        let mut outcome = Outcome::default();
        batch::write_parquet(&context.artifacts.join(FILE), &tables.series(&found)?)?;
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        for side in Side::ALL {
            batch::write_parquet(&context.artifacts.join(side.file()), &tables.side(side, &found)?)?;
            let key = format!("{}.{}", self.id, side.name());
            outcome.bindings.artifacts.insert(key, side.file().into());
        }
        outcome.exhibits = exhibits::show(&self.settings, &resampled, &found);
        outcome.remarks = exhibits::remarks(&self.settings, &resampled, &found);
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::minus("resampled", counts.first_input()), Change::plus("one row for each period", counts.out)]
    }
}
