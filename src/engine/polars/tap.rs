//! Taps: counting rows while they go by.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use polars::prelude as pl;

use super::error::carry;
use super::expression;
use crate::engine::{EngineError, Tally};
use crate::memory::MemoryManager;
use crate::relation::Tap;

/// What the taps of one execution have counted so far. The tally hears of it at the end of a successful execution only.
#[derive(Default)]
pub(super) struct Counts {
    taps: Vec<Arc<TapCounts>>,
}

struct TapCounts {
    tap: Arc<Tap>,
    /// Set when all rows have gone by: a part that is read once more is not counted once more.
    closed: AtomicBool,
    rows: AtomicU64,
    counters: Vec<AtomicU64>,
    samples: Vec<SampleRows>,
}

/// A sample as it fills up.
struct SampleRows {
    /// The column that tells the rows for which the sample's condition is true.
    when: String,
    /// What is kept of a row; computed for kept rows only.
    columns: Vec<pl::Expr>,
    /// The kept rows by their number in the input.
    rows: Mutex<BTreeMap<u64, Vec<Option<String>>>>,
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
                for (sample, found) in tap.samples.iter().zip(&counts.samples) {
                    let kept = point.samples.entry(sample.name.clone()).or_default();
                    let rows = found.rows.lock().unwrap_or_else(PoisonError::into_inner);
                    let wanted = sample.rows.saturating_sub(kept.len());
                    kept.extend(rows.values().take(wanted).cloned());
                }
            });
        }
    }

    /// After a part of the execution has run to its end: the taps that rows went by in it have counted all of them.
    pub(super) fn close(&self) {
        for counts in self.taps.iter().filter(|counts| counts.rows.load(Ordering::Relaxed) > 0) {
            counts.closed.store(true, Ordering::Relaxed);
        }
    }

    /// The frame with a tap. A tap that occurs several times in one execution (in a relation with shared parts) counts once.
    ///
    /// A tap that counts rows only lets projections pass to the scan. Counters and the conditions of samples are computed as
    /// columns before the tap, which takes them off again, so nothing passes.
    pub(super) fn tap(
        &mut self,
        frame: pl::LazyFrame,
        tap: &Arc<Tap>,
        cancelled: &Arc<AtomicBool>,
    ) -> Result<pl::LazyFrame, EngineError> {
        if self.taps.iter().any(|counts| counts.tap.stage == tap.stage && counts.tap.point == tap.point) {
            return Ok(frame);
        }
        let (extra, samples) = extra(tap)?;
        let counts = Arc::new(TapCounts {
            tap: tap.clone(),
            closed: AtomicBool::new(false),
            rows: AtomicU64::new(0),
            counters: tap.counters.iter().map(|_| AtomicU64::new(0)).collect(),
            samples,
        });
        self.taps.push(counts.clone());
        let cancelled = cancelled.clone();
        if tap.counters.is_empty() && tap.samples.is_empty() {
            let count = move |frame: pl::DataFrame| {
                stop_if(&cancelled)?;
                if !counts.closed.load(Ordering::Relaxed) {
                    counts.rows.fetch_add(frame.height() as u64, Ordering::Relaxed);
                }
                Ok(frame)
            };
            return Ok(frame.map(
                count,
                pl::OptFlags::PROJECTION_PUSHDOWN | pl::OptFlags::STREAMING,
                None,
                Some("tap"),
            ));
        }
        let mut frame = frame;
        let mut names: Vec<pl::PlSmallStr> = extra.iter().map(|(name, _)| name.as_str().into()).collect();
        if !tap.samples.is_empty() {
            frame = frame.with_row_index(INDEX, None);
            names.push(INDEX.into());
        }
        let frame = frame.with_columns(extra.into_iter().map(|(name, column)| column.alias(name)).collect::<Vec<_>>());
        let dropped = names.clone();
        let count = move |frame: pl::DataFrame| {
            stop_if(&cancelled)?;
            counts.add(&frame)?;
            Ok(frame.drop_many(names.iter().cloned()))
        };
        let drop_extra = {
            let names = dropped;
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

/// An error when the execution is cancelled or the process is over its memory.
pub(super) fn stop_if(cancelled: &AtomicBool) -> pl::PolarsResult<()> {
    if cancelled.load(Ordering::Relaxed) {
        return Err(pl::PolarsError::ComputeError("interrupted".into()));
    }
    MemoryManager::process().check().map_err(|exhausted| carry(exhausted.into()))
}

const INDEX: &str = "__tap_row";

/// The columns that a tap needs besides the frame's own, by name, and its samples, empty.
///
/// The condition of a sample often is a counter as well; then it is computed once.
#[expect(clippy::type_complexity, reason = "the two halves of what a tap needs")]
fn extra(tap: &Tap) -> Result<(Vec<(String, pl::Expr)>, Vec<SampleRows>), EngineError> {
    let mut columns = Vec::new();
    for (i, counter) in tap.counters.iter().enumerate() {
        columns.push((counter_name(i), expression::lower(&counter.expr)?));
    }
    let mut samples = Vec::new();
    for (i, sample) in tap.samples.iter().enumerate() {
        let when = match tap.counters.iter().position(|counter| counter.expr == sample.when) {
            Some(counter) => counter_name(counter),
            None => {
                columns.push((when_name(i), expression::lower(&sample.when)?));
                when_name(i)
            }
        };
        let mut kept = vec![pl::col(INDEX)];
        for (j, column) in sample.columns.iter().enumerate() {
            kept.push(expression::lower(&column.expr)?.alias(sample_name(j)));
        }
        samples.push(SampleRows { when, columns: kept, rows: Mutex::default() });
    }
    Ok((columns, samples))
}

fn counter_name(counter: usize) -> String {
    format!("__tap_counter_{counter}")
}

fn when_name(sample: usize) -> String {
    format!("__tap_when_{sample}")
}

fn sample_name(column: usize) -> String {
    format!("__tap_sample_{column}")
}

impl TapCounts {
    fn add(&self, frame: &pl::DataFrame) -> pl::PolarsResult<()> {
        if self.closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.rows.fetch_add(frame.height() as u64, Ordering::Relaxed);
        for (i, counter) in self.counters.iter().enumerate() {
            let trues = frame.column(&counter_name(i))?.bool()?.sum().unwrap_or_default();
            counter.fetch_add(u64::from(trues), Ordering::Relaxed);
        }
        for (sample, kept) in self.tap.samples.iter().zip(&self.samples) {
            kept.keep(frame, sample.rows)?;
        }
        Ok(())
    }
}

impl SampleRows {
    /// Frames arrive in any order, so the rows with the smallest numbers are kept.
    fn keep(&self, frame: &pl::DataFrame, wanted: usize) -> pl::PolarsResult<()> {
        if frame.height() == 0 || wanted == 0 {
            return Ok(());
        }
        let index = frame.column(INDEX)?.as_materialized_series().cast(&pl::DataType::UInt64)?;
        let index = index.u64()?;
        let when = frame.column(&self.when)?.bool()?;
        let mut kept = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let last = if kept.len() < wanted { u64::MAX } else { kept.keys().next_back().copied().unwrap_or(0) };
        // The numbers of a frame ascend, so most frames are passed over by looking at their first row.
        if index.get(0).is_none_or(|first| first >= last) || !when.any() {
            return Ok(());
        }
        let rows = (0..).zip(when.iter().zip(index.iter()));
        let chosen: Vec<pl::IdxSize> = rows
            .take_while(|(_, (_, number))| number.is_some_and(|number| number < last))
            .filter(|(_, (when, _))| *when == Some(true))
            .take(wanted)
            .map(|(row, _)| row)
            .collect();
        if chosen.is_empty() {
            return Ok(());
        }
        let few = frame.take(&pl::IdxCa::from_vec("rows".into(), chosen))?;
        let shown = pl::IntoLazy::lazy(few).select(self.columns.clone()).collect()?;
        let numbers = shown.column(INDEX)?.as_materialized_series().cast(&pl::DataType::UInt64)?;
        let columns = self.columns.len().saturating_sub(1);
        let texts = (0..columns)
            .map(|j| texts(shown.column(&sample_name(j))?.as_materialized_series()))
            .collect::<pl::PolarsResult<Vec<_>>>()?;
        for (row, number) in numbers.u64()?.iter().enumerate() {
            let Some(number) = number else { continue };
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
