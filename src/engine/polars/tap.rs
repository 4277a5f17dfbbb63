//! Taps: counting rows while they go by.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use polars::prelude as pl;

use super::expression;
use crate::engine::{EngineError, Tally};
use crate::relation::Tap;

/// What the taps of one execution have counted so far. The tally hears of it at the end of a successful execution only.
#[derive(Debug, Default)]
pub(super) struct Counts {
    taps: Vec<Arc<TapCounts>>,
}

#[derive(Debug)]
struct TapCounts {
    tap: Arc<Tap>,
    rows: AtomicU64,
    counters: Vec<AtomicU64>,
    /// For each sample its rows by their number in the input.
    samples: Vec<Mutex<BTreeMap<u64, Vec<Option<String>>>>>,
}

impl Counts {
    /// Adds everything to the tally.
    pub(super) fn report(&self, tally: &Tally) {
        for counts in &self.taps {
            let tap = &counts.tap;
            tally.update(&tap.stage, &tap.point, |point| {
                point.rows += counts.rows.load(Ordering::Relaxed);
                for (counter, count) in tap.counters.iter().zip(&counts.counters) {
                    *point.counters.entry(counter.name.clone()).or_default() += count.load(Ordering::Relaxed);
                }
                for (sample, rows) in tap.samples.iter().zip(&counts.samples) {
                    let kept = point.samples.entry(sample.name.clone()).or_default();
                    let rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
                    let wanted = sample.rows.saturating_sub(kept.len());
                    kept.extend(rows.values().take(wanted).cloned());
                }
            });
        }
    }

    /// The frame with a tap. A tap that occurs several times in one execution (in a relation with shared parts) counts once.
    ///
    /// A tap that counts rows only lets projections pass to the scan. Counters and samples are computed as columns before the
    /// tap, which takes them off again, so nothing passes.
    pub(super) fn tap(
        &mut self,
        frame: pl::LazyFrame,
        tap: &Arc<Tap>,
        cancelled: &Arc<AtomicBool>,
    ) -> Result<pl::LazyFrame, EngineError> {
        if self.taps.iter().any(|counts| counts.tap.stage == tap.stage && counts.tap.point == tap.point) {
            return Ok(frame);
        }
        let counts = Arc::new(TapCounts {
            tap: tap.clone(),
            rows: AtomicU64::new(0),
            counters: tap.counters.iter().map(|_| AtomicU64::new(0)).collect(),
            samples: tap.samples.iter().map(|_| Mutex::default()).collect(),
        });
        self.taps.push(counts.clone());
        let cancelled = cancelled.clone();
        if tap.counters.is_empty() && tap.samples.is_empty() {
            let count = move |frame: pl::DataFrame| {
                stop_if(&cancelled)?;
                counts.rows.fetch_add(frame.height() as u64, Ordering::Relaxed);
                Ok(frame)
            };
            return Ok(frame.map(
                count,
                pl::OptFlags::PROJECTION_PUSHDOWN | pl::OptFlags::STREAMING,
                None,
                Some("tap"),
            ));
        }
        let extra = Extra::new(tap)?;
        let mut frame = frame;
        if !tap.samples.is_empty() {
            frame = frame.with_row_index(INDEX, None);
        }
        let frame = frame.with_columns(extra.columns);
        let names = extra.names;
        let count = move |frame: pl::DataFrame| {
            stop_if(&cancelled)?;
            counts.add(&frame)?;
            Ok(frame.drop_many(names.iter().cloned()))
        };
        let drop_extra = {
            let names = Extra::names(tap);
            move |schema: &pl::Schema| -> pl::PolarsResult<pl::SchemaRef> {
                let mut schema = schema.clone();
                for name in &names {
                    schema.shift_remove(name.as_str());
                }
                Ok(Arc::new(schema))
            }
        };
        Ok(frame.map(count, pl::OptFlags::STREAMING, Some(Arc::new(drop_extra)), Some("tap")))
    }
}

/// The frame with a node that ends the query with an error when the execution is cancelled; everything passes through it.
pub(super) fn watch(frame: pl::LazyFrame, cancelled: &Arc<AtomicBool>) -> pl::LazyFrame {
    let cancelled = cancelled.clone();
    let pass = move |frame: pl::DataFrame| stop_if(&cancelled).map(|()| frame);
    let flags = pl::OptFlags::PROJECTION_PUSHDOWN | pl::OptFlags::PREDICATE_PUSHDOWN | pl::OptFlags::STREAMING;
    frame.map(pass, flags, None, Some("watch"))
}

fn stop_if(cancelled: &AtomicBool) -> pl::PolarsResult<()> {
    if cancelled.load(Ordering::Relaxed) {
        return Err(pl::PolarsError::ComputeError("interrupted".into()));
    }
    Ok(())
}

const INDEX: &str = "__tap_row";

/// The columns that a tap needs besides the frame's own.
struct Extra {
    columns: Vec<pl::Expr>,
    names: Vec<pl::PlSmallStr>,
}

impl Extra {
    fn new(tap: &Tap) -> Result<Self, EngineError> {
        let mut columns = Vec::new();
        for (i, counter) in tap.counters.iter().enumerate() {
            columns.push(expression::lower(&counter.expr)?.alias(counter_name(i)));
        }
        for (i, sample) in tap.samples.iter().enumerate() {
            columns.push(expression::lower(&sample.when)?.alias(when_name(i)));
            for (j, column) in sample.columns.iter().enumerate() {
                columns.push(expression::lower(&column.expr)?.alias(sample_name(i, j)));
            }
        }
        Ok(Self { columns, names: Self::names(tap) })
    }

    fn names(tap: &Tap) -> Vec<pl::PlSmallStr> {
        let mut names: Vec<String> = (0..tap.counters.len()).map(counter_name).collect();
        for (i, sample) in tap.samples.iter().enumerate() {
            names.push(when_name(i));
            names.extend((0..sample.columns.len()).map(|j| sample_name(i, j)));
        }
        if !tap.samples.is_empty() {
            names.push(INDEX.to_owned());
        }
        names.into_iter().map(Into::into).collect()
    }
}

fn counter_name(counter: usize) -> String {
    format!("__tap_counter_{counter}")
}

fn when_name(sample: usize) -> String {
    format!("__tap_when_{sample}")
}

fn sample_name(sample: usize, column: usize) -> String {
    format!("__tap_sample_{sample}_{column}")
}

impl TapCounts {
    fn add(&self, frame: &pl::DataFrame) -> pl::PolarsResult<()> {
        self.rows.fetch_add(frame.height() as u64, Ordering::Relaxed);
        for (i, counter) in self.counters.iter().enumerate() {
            let trues = frame.column(&counter_name(i))?.bool()?.sum().unwrap_or_default();
            counter.fetch_add(u64::from(trues), Ordering::Relaxed);
        }
        for (i, (sample, kept)) in self.tap.samples.iter().zip(&self.samples).enumerate() {
            let when = frame.column(&when_name(i))?.bool()?;
            if when.any() {
                self.keep(i, &frame.filter(when)?, sample.rows, kept)?;
            }
        }
        Ok(())
    }

    /// Frames arrive in any order, so the rows with the smallest numbers are kept.
    fn keep(
        &self,
        i: usize,
        found: &pl::DataFrame,
        wanted: usize,
        kept: &Mutex<BTreeMap<u64, Vec<Option<String>>>>,
    ) -> pl::PolarsResult<()> {
        let index = found.column(INDEX)?.as_materialized_series().cast(&pl::DataType::UInt64)?;
        let index = index.u64()?;
        let columns = self.tap.samples.get(i).map_or(0, |sample| sample.columns.len());
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let last = kept.keys().next_back().copied();
        let wanted_rows: Vec<(usize, u64)> = index
            .into_no_null_iter()
            .enumerate()
            .filter(|(_, number)| kept.len() < wanted || last.is_some_and(|last| *number < last))
            .take(wanted)
            .collect();
        let Some(rows) = wanted_rows.iter().map(|(row, _)| row + 1).max() else { return Ok(()) };
        let texts = (0..columns)
            .map(|j| texts(&found.column(&sample_name(i, j))?.as_materialized_series().slice(0, rows)))
            .collect::<pl::PolarsResult<Vec<_>>>()?;
        for (row, number) in wanted_rows {
            kept.insert(number, texts.iter().map(|column| column.get(row).cloned().flatten()).collect());
        }
        while kept.len() > wanted {
            kept.pop_last();
        }
        Ok(())
    }
}

/// The values as a person reads them.
fn texts(series: &pl::Series) -> pl::PolarsResult<Vec<Option<String>>> {
    if series.dtype().is_nested() || matches!(series.dtype(), pl::DataType::Binary) {
        return Ok(series.iter().map(|value| (!value.is_null()).then(|| value.to_string())).collect());
    }
    let texts = series.cast(&pl::DataType::String)?;
    Ok(texts.str()?.iter().map(|text| text.map(str::to_owned)).collect())
}
