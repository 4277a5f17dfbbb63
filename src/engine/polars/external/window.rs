//! Window functions over more rows than memory holds: partition by partition, then back in the order of the rows.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use polars::prelude as pl;
use polars::prelude::IntoLazy;

use super::super::error::{carry, engine_error};
use super::super::expression;
use super::super::spill::Spilling;
use super::exchange::{Dealt, Exchange, Route};
use super::order::{ORDER, by_number};
use super::phases::{Blocking, blocking};
use super::rows::{Rows, stack};
use super::{ALONE, collect, partitions, working_bytes};
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::expression::{Expr, ExprKind};
use crate::memory::Reservation;
use crate::relation::NamedExpr;

const WHAT: &str = "the partitions of a window";
const ROW: &str = "__row";

/// What all windows of the columns are partitioned by; none when there is no window, or when they differ in that.
pub(super) fn common_partition<'c>(columns: &[&'c NamedExpr]) -> Option<&'c [Expr]> {
    let mut common: Option<&[Expr]> = None;
    let mut differ = false;
    for column in columns {
        column.expr.visit(&mut |expr| {
            if let ExprKind::Aggregate(call) = &expr.kind
                && let Some(window) = &call.over
            {
                let by = window.partition_by.as_slice();
                differ |= **common.get_or_insert(by) != *by;
            }
        });
    }
    common.filter(|by| !differ && !by.is_empty())
}

/// A projection with windows, ready to be computed partition by partition.
pub(super) struct Windows {
    /// The columns that are kept of a row: what the projection reads, the keys and the number of the row.
    raw: Vec<pl::Expr>,
    keys: Vec<String>,
    columns: Vec<pl::Expr>,
    ordered: bool,
}

impl Windows {
    pub(super) fn new(columns: &[&NamedExpr], by: &[Expr], ordered: bool) -> Result<Self, EngineError> {
        let read: BTreeSet<&str> = columns.iter().flat_map(|column| column.expr.columns()).collect();
        let mut raw: Vec<pl::Expr> = read.into_iter().map(pl::col).collect();
        let mut keys = Vec::new();
        for (i, key) in by.iter().enumerate() {
            let name = format!("__key_{i}");
            raw.push(expression::lower(key)?.alias(name.as_str()));
            keys.push(name);
        }
        raw.push(pl::col(ROW));
        let mut columns = columns
            .iter()
            .map(|column| Ok(expression::lower(&column.expr)?.alias(column.name.as_str())))
            .collect::<Result<Vec<_>, EngineError>>()?;
        if ordered {
            columns.push(pl::col(ROW).cast(pl::DataType::UInt64).alias(ORDER));
        }
        Ok(Self { raw, keys, columns, ordered })
    }

    pub(super) fn over(
        self,
        frame: pl::LazyFrame,
        bytes: Option<u64>,
        spilling: &Spilling,
        cancelled: &Arc<AtomicBool>,
    ) -> Result<pl::LazyFrame, EngineError> {
        let plan = |error| engine_error(&error, "");
        let mut frame = frame.with_row_index(ROW, None).select(self.raw.clone());
        let read = frame.collect_schema().map_err(plan)?;
        let none =
            collect(pl::DataFrame::empty_with_schema(&read).lazy().select(self.columns.clone())).map_err(plan)?;
        let schema = none.schema().clone();
        let count = partitions(bytes, spilling);
        let route = Route::Hash { keys: self.keys.clone(), seed: 0, spread_nulls: false };
        let ordered = self.ordered;
        let width: Arc<AtomicU64> = Arc::default();
        let operator: Arc<dyn Blocking> = Arc::new(Operator {
            exchange: Exchange::new(spilling, WHAT, count, route, None),
            plan: self,
            spilling: spilling.clone(),
            none,
            rows: AtomicU64::new(0),
            width: width.clone(),
            ranges: count as u64,
            parts: OnceLock::new(),
        });
        let frame = blocking(vec![frame], &operator, &schema, cancelled).map_err(plan)?;
        if ordered { by_number(frame, &width, count, spilling, cancelled) } else { Ok(frame) }
    }
}

struct Operator {
    plan: Windows,
    spilling: Spilling,
    exchange: Exchange,
    /// The result without rows.
    none: pl::DataFrame,
    rows: AtomicU64,
    /// For the order that is restored behind: numbers to each of so many ranges.
    width: Arc<AtomicU64>,
    ranges: u64,
    parts: OnceLock<Parts>,
}

struct Parts {
    /// Each is taken once.
    parts: Vec<Mutex<Rows>>,
    held: Mutex<Reservation>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Blocking for Operator {
    fn absorb(&self, _: usize, frame: pl::DataFrame) -> pl::PolarsResult<()> {
        self.rows.fetch_add(frame.height() as u64, Ordering::Relaxed);
        self.exchange.absorb(frame).map_err(carry)
    }

    fn complete(&self) -> pl::PolarsResult<usize> {
        let Dealt { parts, mut held } = self.exchange.finish().map_err(carry)?;
        let mut found = Vec::with_capacity(parts.len());
        for part in parts {
            self.refine(part.raw, 1, &mut found, &mut held).map_err(carry)?;
        }
        let rows = self.rows.load(Ordering::Relaxed);
        self.width.store(rows.div_ceil(self.ranges.max(1)).max(1), Ordering::Relaxed);
        let count = found.len();
        drop(self.parts.set(Parts { parts: found.into_iter().map(Mutex::new).collect(), held: Mutex::new(held) }));
        Ok(count)
    }

    fn emit(&self, ticket: usize) -> pl::PolarsResult<pl::DataFrame> {
        let Some(parts) = self.parts.get() else { return Ok(self.none.clone()) };
        let rows = parts.parts.get(ticket).map(|rows| std::mem::take(&mut *lock(rows))).unwrap_or_default();
        let mut reservation = self.spilling.memory.reserve(WHAT);
        reservation.grow(rows.bytes());
        lock(&parts.held).shrink(rows.held());
        let Some(frame) = stack(rows.all().map_err(carry)?).map_err(carry)? else { return Ok(self.none.clone()) };
        let frame = frame.sort([ROW], pl::SortMultipleOptions::default())?;
        collect(frame.lazy().select(self.plan.columns.clone()))
    }
}

impl Operator {
    /// Deals rows that are too many to be worked on together out again.
    fn refine(&self, rows: Rows, seed: u64, parts: &mut Vec<Rows>, held: &mut Reservation) -> Result<(), EngineError> {
        const AGAIN: usize = 16;
        const DEEPEST: u64 = 4;
        if rows.rows() == 0 {
            return Ok(());
        }
        let most = working_bytes(&self.spilling);
        if rows.bytes() <= most || (seed > DEEPEST && rows.bytes() <= ALONE * most) {
            parts.push(rows);
            return Ok(());
        }
        if seed > DEEPEST {
            return Err(EngineError::new(
                Class::Limit,
                format!("not enough memory: a partition of a window has {} rows", rows.rows()),
            )
            .help("give the run more with `--memory`, or partition by one more column"));
        }
        held.shrink(rows.held());
        let before = rows.rows();
        let route = Route::Hash { keys: self.plan.keys.clone(), seed, spread_nulls: false };
        let dealt = rows.deal_again(&self.spilling, WHAT, AGAIN, route)?;
        held.grow(dealt.held.size());
        for part in dealt.parts {
            // One key alone: no other hash parts its rows.
            let seed = if part.raw.rows() == before { DEEPEST } else { seed };
            self.refine(part.raw, seed + 1, parts, held)?;
        }
        Ok(())
    }
}
