//! Rows back in the order of their numbers: an exchange over ranges of numbers, each of which is sorted in memory.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use polars::prelude as pl;

use super::super::error::{carry, engine_error};
use super::super::spill::Spilling;
use super::exchange::{Dealt, Exchange, Route};
use super::phases::{Blocking, blocking};
use super::rows::{Rows, stack};
use super::working_bytes;
use crate::engine::EngineError;
use crate::memory::Reservation;

/// The column of `u64` numbers that rows are sorted by.
pub(super) const ORDER: &str = "__order";

/// The rows in the order of [`ORDER`], without it. `width`: numbers to a range, set before the first row comes; `count`: ranges.
pub(super) fn by_number(
    mut frame: pl::LazyFrame,
    width: &Arc<AtomicU64>,
    count: usize,
    spilling: &Spilling,
    cancelled: &Arc<AtomicBool>,
) -> Result<pl::LazyFrame, EngineError> {
    let mut schema = frame.collect_schema().map_err(|e| engine_error(&e, ""))?.as_ref().clone();
    schema.shift_remove(ORDER);
    let schema: pl::SchemaRef = Arc::new(schema);
    let route = Route::Range { column: ORDER.to_owned(), first: 0, width: width.clone() };
    let operator: Arc<dyn Blocking> = Arc::new(Operator {
        exchange: Exchange::new(spilling, WHAT, count, route, None),
        spilling: spilling.clone(),
        width: width.clone(),
        schema: schema.clone(),
        parts: OnceLock::new(),
    });
    blocking(vec![frame], &operator, &schema, cancelled).map_err(|e| engine_error(&e, ""))
}

const WHAT: &str = "the order of the rows";

struct Operator {
    exchange: Exchange,
    spilling: Spilling,
    width: Arc<AtomicU64>,
    schema: pl::SchemaRef,
    parts: OnceLock<Parts>,
}

struct Parts {
    /// Each is taken once.
    parts: Vec<Mutex<Rows>>,
    held: Mutex<Reservation>,
}

impl Blocking for Operator {
    fn absorb(&self, _: usize, frame: pl::DataFrame) -> pl::PolarsResult<()> {
        self.exchange.absorb(frame).map_err(carry)
    }

    fn complete(&self) -> pl::PolarsResult<usize> {
        let Dealt { parts, mut held } = self.exchange.finish().map_err(carry)?;
        let width = self.width.load(std::sync::atomic::Ordering::Relaxed).max(1);
        let mut found = Vec::with_capacity(parts.len());
        for (number, part) in (0_u64..).zip(parts) {
            // The last range holds what lies behind it too.
            self.refine(part.raw, number.saturating_mul(width), width, &mut found, &mut held).map_err(carry)?;
        }
        let count = found.len();
        let parts = found.into_iter().map(Mutex::new).collect();
        drop(self.parts.set(Parts { parts, held: Mutex::new(held) }));
        Ok(count)
    }

    fn emit(&self, ticket: usize) -> pl::PolarsResult<pl::DataFrame> {
        let Some(parts) = self.parts.get() else { return Ok(pl::DataFrame::empty_with_schema(&self.schema)) };
        let rows = parts.parts.get(ticket).map(|rows| std::mem::take(&mut *lock(rows))).unwrap_or_default();
        let released = rows.held();
        let frame = stack(rows.all().map_err(carry)?).map_err(carry)?;
        lock(&parts.held).shrink(released);
        match frame {
            Some(frame) => {
                let mut frame = frame.sort([ORDER], pl::SortMultipleOptions::default())?;
                frame.drop_in_place(ORDER)?;
                Ok(frame)
            }
            None => Ok(pl::DataFrame::empty_with_schema(&self.schema)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Operator {
    /// Deals a range with too many rows out again, over parts of the range.
    fn refine(
        &self,
        rows: Rows,
        first: u64,
        width: u64,
        parts: &mut Vec<Rows>,
        held: &mut Reservation,
    ) -> Result<(), EngineError> {
        const AGAIN: u64 = 16;
        if rows.rows() == 0 {
            return Ok(());
        }
        if rows.bytes() <= working_bytes(&self.spilling) || width <= 1 {
            parts.push(rows);
            return Ok(());
        }
        held.shrink(rows.held());
        let narrow = width.div_ceil(AGAIN);
        let route = Route::Range { column: ORDER.to_owned(), first, width: Arc::new(AtomicU64::new(narrow)) };
        let dealt = rows.deal_again(&self.spilling, WHAT, usize::try_from(AGAIN).unwrap_or(1), route)?;
        held.grow(dealt.held.size());
        for (number, part) in (0_u64..).zip(dealt.parts) {
            self.refine(part.raw, first.saturating_add(number.saturating_mul(narrow)), narrow, parts, held)?;
        }
        Ok(())
    }
}
