//! Aggregates whose groups or rows do not fit into memory.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use polars::prelude as pl;
use polars::prelude::IntoLazy;

use super::super::error::{carry, engine_error, guard};
use super::super::expression;
use super::super::spill::Spilling;
use super::decompose::{Decomposed, calls, decompose, needs_order};
use super::exchange::{Dealt, Exchange, Fold, Route};
use super::giant::{can_be_taken_apart, giant, has_few_keys};
use super::hash_groups;
use super::phases::{Blocking, blocking};
use super::rows::{Partition, Rows, stack};
use super::{ALONE, collect, partitions, working_bytes};
use crate::engine::EngineError;
use crate::memory::Reservation;
use crate::relation::{NamedExpr, Relation};

const WHAT: &str = "the groups of an aggregate";

/// The row numbers of the input, for functions that depend on the order.
const ROW: &str = "__row";

/// The keys and aggregates of a node, ready to be computed partition by partition.
#[derive(Clone)]
pub(in super::super) struct Aggregation {
    /// The columns that are kept of a row: keys, then what the aggregates read.
    raw: Vec<pl::Expr>,
    /// The names of the keys among them; a constant when there are none, so that all rows are one group.
    pub(super) keys: Vec<String>,
    /// The keys under the names of the result.
    named_keys: Vec<pl::Expr>,
    /// The aggregates of whole groups.
    whole: Vec<pl::Expr>,
    /// The aggregates in steps, if they can be taken apart.
    pub(super) steps: Option<Arc<Decomposed>>,
    /// Whether the order of the rows matters.
    ordered: bool,
    /// The columns of the result.
    names: Vec<pl::Expr>,
    /// The aggregates as they are meant.
    pub(super) aggregates: Vec<NamedExpr>,
}

impl Aggregation {
    /// Errors: an expression that the engine cannot compute.
    pub(in super::super) fn new(keys: &[NamedExpr], aggregates: &[NamedExpr]) -> Result<Self, EngineError> {
        let mut raw = Vec::new();
        let mut key_names = Vec::new();
        let mut named_keys = Vec::new();
        for (i, key) in keys.iter().enumerate() {
            let name = format!("__key_{i}");
            raw.push(expression::lower(&key.expr)?.alias(name.as_str()));
            named_keys.push(pl::col(name.as_str()).alias(key.name.as_str()));
            key_names.push(name);
        }
        if keys.is_empty() {
            raw.push(pl::lit(true).alias("__key_0"));
            key_names.push("__key_0".to_owned());
        }
        let steps = decompose(aggregates)?.map(Arc::new);
        match steps.as_ref().filter(|steps| steps.reductions.is_some()) {
            Some(steps) => {
                for (argument, name) in &steps.arguments {
                    raw.push(expression::lower(argument)?.alias(name.as_str()));
                }
            }
            None => {
                let read: BTreeSet<&str> = aggregates.iter().flat_map(|column| column.expr.columns()).collect();
                raw.extend(read.into_iter().map(pl::col));
            }
        }
        let ordered = calls(aggregates).into_iter().any(needs_order);
        if ordered {
            raw.push(pl::col(ROW));
        }
        let whole = aggregates
            .iter()
            .map(|column| Ok(expression::lower(&column.expr)?.alias(column.name.as_str())))
            .collect::<Result<_, EngineError>>()?;
        Ok(Self {
            raw,
            keys: key_names,
            named_keys,
            whole,
            steps,
            ordered,
            names: keys.iter().chain(aggregates).map(|column| pl::col(column.name.as_str())).collect(),
            aggregates: aggregates.to_vec(),
        })
    }

    /// Whether rows can be summed up while they go by.
    pub(in super::super) fn folds(&self) -> bool {
        self.steps.is_some()
    }

    /// Whether a single row comes out.
    pub(in super::super) fn is_one_group(&self) -> bool {
        self.named_keys.is_empty()
    }

    /// Whether these first rows of the input show so few groups that Polars' own aggregate needs little memory for all `rows`.
    ///
    /// Of groups that are spread evenly or lie together the first rows show the share. What is wrong with the rows makes it
    /// false: it shows again when all are read, with a better message.
    pub(in super::super) fn has_few_groups(
        &self,
        first_rows: pl::LazyFrame,
        subject: &str,
        rows: u64,
        spilling: &Spilling,
    ) -> bool {
        /// Bytes that Polars keeps for a group, keys and sums together, with some to spare.
        const GROUP: u128 = 256;
        let number = |column: pl::Expr, name: &str| column.cast(pl::DataType::UInt64).alias(name);
        let counted = first_rows
            .select(self.raw.iter().take(self.keys.len()).cloned().collect::<Vec<_>>())
            .group_by(self.keys.iter().map(|key| pl::col(key.as_str())).collect::<Vec<_>>())
            .agg([pl::len().alias("rows")])
            .select([number(pl::len(), "groups"), number(pl::col("rows").sum(), "rows")]);
        let counted = guard(subject, || counted.collect_with_engine(pl::Engine::Streaming));
        let Ok(counted) = counted.map(|counted| counted.unwrap_single()) else { return false };
        let value = |name: &str| counted.column(name).ok().and_then(|column| column.u64().ok()?.get(0)).unwrap_or(0);
        let (groups, seen) = (value("groups"), value("rows"));
        let expected = u128::from(groups) * u128::from(rows.max(seen)) / u128::from(seen.max(1));
        expected * GROUP <= u128::from(spilling.memory.limit() / 8)
    }

    /// The aggregate of the frame; `bytes` are those of its rows, where known.
    pub(in super::super) fn over(
        self,
        frame: pl::LazyFrame,
        bytes: Option<u64>,
        spilling: &Spilling,
        cancelled: &Arc<AtomicBool>,
    ) -> Result<pl::LazyFrame, EngineError> {
        let plan = |error| engine_error(&error, "");
        let mut frame = if self.ordered { frame.with_row_index(ROW, None) } else { frame };
        let given = frame.collect_schema().map_err(plan)?;
        let mut frame = frame.select(self.raw.clone());
        let read = frame.collect_schema().map_err(plan)?;
        // What comes of no rows: no groups, but one row when there are no keys.
        let empty = pl::DataFrame::empty_with_schema(&read);
        let none = match self.steps.as_ref().filter(|steps| steps.reductions.is_some()) {
            Some(_) if self.is_one_group() => {
                collect(pl::DataFrame::empty_with_schema(&given).lazy().select(self.whole.clone()))
            }
            Some(steps) => {
                let folded = fold(&self.keys, steps, vec![empty], Vec::new()).map_err(plan)?;
                self.of_folded(steps, folded)
            }
            None => self.of_rows(empty),
        };
        let none = none.map_err(plan)?;
        let schema = none.schema().clone();
        let count = if self.is_one_group() { 1 } else { partitions(bytes, spilling) };
        let route = Route::Hash { keys: self.keys.clone(), seed: 0, spread_nulls: false };
        let exchange = Exchange::new(spilling, WHAT, count, route, self.fold());
        let operator: Arc<dyn Blocking> =
            Arc::new(Operator { plan: self, spilling: spilling.clone(), exchange, none, parts: OnceLock::new() });
        blocking(vec![frame], &operator, &schema, cancelled).map_err(plan)
    }

    fn fold(&self) -> Option<Fold> {
        let steps = self.steps.clone()?;
        let keys = self.keys.clone();
        Some(Arc::new(move |raw, folded| fold(&keys, &steps, raw, folded)))
    }

    /// The groups of a partition whose rows fit into memory; none without rows.
    fn of_partition(&self, part: &Partition) -> pl::PolarsResult<Option<pl::DataFrame>> {
        let raw = part.raw.all().map_err(carry)?;
        let own = |steps: &&Arc<Decomposed>| part.folded.rows() > 0 || (steps.reductions.is_some() && part.rows() > 0);
        if let Some(steps) = self.steps.as_ref().filter(own) {
            let folded = fold(&self.keys, steps, raw, part.folded.all().map_err(carry)?)?;
            return self.of_folded(steps, folded).map(Some);
        }
        stack(raw).map_err(carry)?.map(|rows| self.of_rows(rows)).transpose()
    }

    fn of_rows(&self, rows: pl::DataFrame) -> pl::PolarsResult<pl::DataFrame> {
        let mut rows = rows.lazy();
        if self.ordered {
            rows = rows.sort([ROW], pl::SortMultipleOptions::default());
        }
        if self.is_one_group() {
            return collect(rows.select(self.whole.clone()));
        }
        collect(rows.group_by(self.named_keys.clone()).agg(self.whole.clone()).select(self.names.clone()))
    }

    /// The groups of rows that are folded already, each to one.
    pub(super) fn of_folded(&self, steps: &Decomposed, folded: pl::DataFrame) -> pl::PolarsResult<pl::DataFrame> {
        self.of_values(&steps.results, self.values(steps, folded)?)
    }

    /// The keys and the values of calls from folded rows.
    pub(super) fn values(&self, steps: &Decomposed, folded: pl::DataFrame) -> pl::PolarsResult<pl::DataFrame> {
        let keys = self.keys.iter().map(|key| pl::col(key.as_str()));
        collect(folded.lazy().select(keys.chain(steps.values.iter().cloned()).collect::<Vec<_>>()))
    }

    /// The result from the keys and the values of all calls.
    pub(super) fn of_values(&self, results: &[pl::Expr], values: pl::DataFrame) -> pl::PolarsResult<pl::DataFrame> {
        let columns = self.named_keys.iter().chain(results).cloned().collect::<Vec<_>>();
        collect(values.lazy().select(columns))
    }
}

/// Partial values of raw rows and of partial values, one row for each group. A frame of partial values may have several rows of a
/// group, as in [`hash_groups::fold`].
pub(super) fn fold(
    keys: &[String],
    steps: &Decomposed,
    raw: Vec<pl::DataFrame>,
    mut folded: Vec<pl::DataFrame>,
) -> pl::PolarsResult<pl::DataFrame> {
    if let Some(reductions) = &steps.reductions {
        return hash_groups::fold(keys, reductions, raw, folded);
    }
    let keys: Vec<pl::Expr> = keys.iter().map(|key| pl::col(key.as_str())).collect();
    if let Some(raw) = stack(raw).map_err(carry)? {
        let found = collect(raw.lazy().group_by(keys.clone()).agg(steps.partial.clone()))?;
        if folded.is_empty() {
            return Ok(found);
        }
        folded.push(found);
    }
    let Some(all) = stack(folded).map_err(carry)? else { return Ok(pl::DataFrame::default()) };
    collect(all.lazy().group_by(keys).agg(steps.merge.clone()))
}

struct Operator {
    plan: Aggregation,
    spilling: Spilling,
    exchange: Exchange,
    /// The result without rows.
    none: pl::DataFrame,
    parts: OnceLock<Parts>,
}

#[derive(Default)]
struct Parts {
    /// Each is taken once.
    parts: Vec<Mutex<Option<Partition>>>,
    /// The memory of those that wait.
    held: Mutex<Option<Reservation>>,
}

impl Blocking for Operator {
    fn absorb(&self, _: usize, frame: pl::DataFrame) -> pl::PolarsResult<()> {
        self.exchange.absorb(frame).map_err(carry)
    }

    fn complete(&self) -> pl::PolarsResult<usize> {
        let Dealt { parts, mut held } = self.exchange.finish().map_err(carry)?;
        let mut found = Vec::with_capacity(parts.len());
        for part in parts {
            self.refine(part, 1, &mut found, &mut held).map_err(carry)?;
        }
        let parts = found.into_iter().map(|part| Mutex::new(Some(part))).collect();
        let parts = Parts { parts, held: Mutex::new(Some(held)) };
        let count = parts.parts.len().max(1);
        drop(self.parts.set(parts));
        Ok(count)
    }

    fn emit(&self, ticket: usize) -> pl::PolarsResult<pl::DataFrame> {
        let Some(parts) = self.parts.get() else { return Ok(self.none.clone()) };
        let part = parts.parts.get(ticket);
        let Some(part) = part.and_then(|part| part.lock().unwrap_or_else(PoisonError::into_inner).take()) else {
            return Ok(self.none.clone());
        };
        if let Some(held) = &mut *parts.held.lock().unwrap_or_else(PoisonError::into_inner) {
            held.shrink(part.held());
        }
        let most = working_bytes(&self.spilling);
        if part.bytes() > if can_be_taken_apart(&self.plan) { most } else { ALONE * most } {
            return giant(&part, &self.plan, &self.spilling).map_err(carry);
        }
        let mut reservation = self.spilling.memory.reserve(WHAT);
        reservation.grow(part.bytes());
        Ok(self.plan.of_partition(&part)?.unwrap_or_else(|| self.none.clone()))
    }
}

impl Operator {
    /// Deals a partition that is too large out again, until its parts are small enough or have one key.
    fn refine(
        &self,
        part: Partition,
        seed: u64,
        parts: &mut Vec<Partition>,
        held: &mut Reservation,
    ) -> Result<(), EngineError> {
        const AGAIN: usize = 16;
        const DEEPEST: u64 = 4;
        if part.rows() == 0 {
            return Ok(());
        }
        if self.plan.is_one_group() || part.bytes() <= working_bytes(&self.spilling) || seed > DEEPEST {
            parts.push(part);
            return Ok(());
        }
        // Groups that are large themselves are not worth another way through the disk.
        if can_be_taken_apart(&self.plan) && has_few_keys(&part, &self.plan.keys)? {
            parts.push(part);
            return Ok(());
        }
        let rows = part.rows();
        let route = || Route::Hash { keys: self.plan.keys.clone(), seed, spread_nulls: false };
        let deal = |rows: Rows| rows.deal_again(&self.spilling, WHAT, AGAIN, route());
        held.shrink(part.held());
        let Partition { raw, folded } = part;
        let (raw, folded) = (deal(raw)?, deal(folded)?);
        held.grow(raw.held.size() + folded.held.size());
        for (raw, folded) in raw.parts.into_iter().zip(folded.parts) {
            let part = Partition { raw: raw.raw, folded: folded.raw };
            // One key alone: no other hash parts its rows.
            let seed = if part.rows() == rows { DEEPEST } else { seed };
            self.refine(part, seed + 1, parts, held)?;
        }
        Ok(())
    }
}

/// The relation over the first rows of its files, without taps; none when more than streaming is done below.
pub(in super::super) fn head(relation: &Relation) -> Option<Relation> {
    const ROWS: u64 = 1 << 20;
    Some(match relation {
        Relation::Scan(_) => Relation::Limit { input: Arc::new(relation.clone()), offset: 0, rows: ROWS },
        Relation::Project { input, columns } if !columns.iter().any(|column| column.expr.has_window()) => {
            Relation::Project { input: Arc::new(head(input)?), columns: columns.clone() }
        }
        Relation::Filter { input, predicate } if !predicate.has_window() => {
            Relation::Filter { input: Arc::new(head(input)?), predicate: predicate.clone() }
        }
        Relation::Tap { input, .. } => head(input)?,
        Relation::Union { inputs } => {
            Relation::Union { inputs: inputs.iter().map(|input| head(input).map(Arc::new)).collect::<Option<_>>()? }
        }
        _ => return None,
    })
}
