//! Joins of tables that do not fit into memory (grace hash join: Kitsuregawa, Tanaka and Moto-oka 1983).

mod tasks;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use polars::prelude as pl;
use polars::prelude::IntoLazy;

use super::super::error::{carry, engine_error};
use super::super::join::join;
use super::super::relation::{Needed, is_needed};
use super::super::spill::Spilling;
use super::exchange::{Dealt, Exchange, Route};
use super::order::{ORDER, by_number};
use super::phases::{Blocking, blocking};
use super::rows::{Rows, stack};
use super::{collect, partitions};
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::expression::{DataType, Field, Schema};
use crate::memory::Reservation;
use crate::relation::{Join, JoinKind};

/// The number of the row of each side that a joined row comes from.
const LEFT_ROW: &str = "__row_of_left";
const RIGHT_ROW: &str = "__row_of_right";

/// A join with keys, ready to be computed partition by partition.
pub(in super::super) struct GraceJoin {
    /// The join as it is done in a partition: with the numbers of the rows, when their order matters.
    join: Join,
    left: Side,
    right: Side,
    /// Whether the result has the order that [`join`] promises.
    ordered: bool,
}

struct Side {
    /// The columns that are kept.
    schema: Schema,
    keys: Vec<String>,
    /// Whether rows of this side stay without a match; those with a null in a key match nothing.
    stays: bool,
    /// The name of the column with the number of the row, where it is needed.
    row: Option<&'static str>,
}

impl GraceJoin {
    /// Whether a join of that kind can be computed by partitions: cross joins have no keys, and asof joins need not.
    pub(in super::super) fn can(join: &Join) -> bool {
        !join.on.is_empty() && join.kind != JoinKind::Cross
    }

    /// `needed` are the columns of the result that are read.
    pub(in super::super) fn new(
        join: &Join,
        left: &Schema,
        right: &Schema,
        needed: &Needed,
        ordered: bool,
    ) -> Result<Self, EngineError> {
        let mut join = join.clone();
        join.take.retain(|(_, ours)| is_needed(needed, ours));
        let asof = join.asof.as_ref();
        let read_left: BTreeSet<&str> =
            join.on.iter().map(|(ours, _)| ours.as_str()).chain(asof.map(|asof| asof.left.as_str())).collect();
        let read_right: BTreeSet<&str> = join
            .on
            .iter()
            .map(|(_, theirs)| theirs.as_str())
            .chain(asof.map(|asof| asof.right.as_str()))
            .chain(join.take.iter().map(|(theirs, _)| theirs.as_str()))
            .collect();
        let takes = !matches!(join.kind, JoinKind::Semi | JoinKind::Anti);
        // Of equal values an asof join takes the last or first in the order of the right.
        let right_rows = (ordered && takes) || join.kind == JoinKind::Asof;
        let (left_keys, right_keys) = join.on.iter().cloned().unzip();
        let left = Side::new(
            left,
            |name| read_left.contains(name) || is_needed(needed, name),
            left_keys,
            matches!(join.kind, JoinKind::Left | JoinKind::Full | JoinKind::Anti | JoinKind::Asof),
            ordered.then_some(LEFT_ROW),
        )?;
        let right = Side::new(
            right,
            |name| read_right.contains(name),
            right_keys,
            matches!(join.kind, JoinKind::Right | JoinKind::Full),
            right_rows.then_some(RIGHT_ROW),
        )?;
        if ordered && takes {
            join.take.push((RIGHT_ROW.to_owned(), RIGHT_ROW.to_owned()));
        }
        Ok(Self { join, left, right, ordered })
    }

    /// The joined rows; `bytes` are those of both sides, where known.
    pub(in super::super) fn over(
        self,
        left: pl::LazyFrame,
        right: pl::LazyFrame,
        bytes: Option<u64>,
        spilling: &Spilling,
        cancelled: &Arc<AtomicBool>,
    ) -> Result<pl::LazyFrame, EngineError> {
        let plan = |error| engine_error(&error, "");
        let count = partitions(bytes, spilling);
        let mut left = self.left.prepare(left);
        let mut right = self.right.prepare(right);
        let schemas = [left.collect_schema().map_err(plan)?, right.collect_schema().map_err(plan)?];
        let ordered = self.ordered;
        let operator = Operator {
            left: self.left.exchange(count, spilling),
            right: self.right.exchange(count, spilling),
            plan: self,
            spilling: spilling.clone(),
            schemas,
            rows: [AtomicU64::new(0), AtomicU64::new(0)],
            width: Arc::default(),
            ranges: count as u64,
            tasks: OnceLock::new(),
        };
        let width = operator.width.clone();
        let schema = operator.joined(operator.plan.join.kind, None, None).map_err(plan)?.schema().clone();
        let operator: Arc<dyn Blocking> = Arc::new(operator);
        let joined = blocking(vec![left, right], &operator, &schema, cancelled).map_err(plan)?;
        if ordered { by_number(joined, &width, count, spilling, cancelled) } else { Ok(joined) }
    }
}

impl Side {
    fn new(
        schema: &Schema,
        is_kept: impl Fn(&str) -> bool,
        keys: Vec<String>,
        stays: bool,
        row: Option<&'static str>,
    ) -> Result<Self, EngineError> {
        let kept = schema.fields().iter().filter(|field| is_kept(&field.name)).cloned();
        let kept = kept.chain(row.map(|name| Field::new(name, DataType::UInt32))).collect();
        let schema = Schema::new(kept).map_err(|error| EngineError::new(Class::Stage, error.to_string()))?;
        Ok(Self { schema, keys, stays, row })
    }

    /// The frame cut to what is kept, with numbered rows.
    fn prepare(&self, frame: pl::LazyFrame) -> pl::LazyFrame {
        let frame = match self.row {
            Some(name) => frame.with_row_index(name, None),
            None => frame,
        };
        let frame = frame.select(self.schema.names().map(pl::col).collect::<Vec<_>>());
        if self.stays {
            return frame;
        }
        let known = self.keys.iter().map(|key| pl::col(key.as_str()).is_not_null()).reduce(pl::Expr::and);
        match known {
            Some(known) => frame.filter(known),
            None => frame,
        }
    }

    fn route(&self, seed: u64) -> Route {
        Route::Hash { keys: self.keys.clone(), seed, spread_nulls: true }
    }

    fn exchange(&self, count: usize, spilling: &Spilling) -> Exchange {
        Exchange::new(spilling, WHAT, count, self.route(0), None)
    }
}

const WHAT: &str = "the sides of a join";

struct Operator {
    plan: GraceJoin,
    spilling: Spilling,
    left: Exchange,
    right: Exchange,
    /// The columns of both sides as they are kept.
    schemas: [pl::SchemaRef; 2],
    /// One more than the largest number of a row of each side.
    rows: [AtomicU64; 2],
    /// For the order that is restored behind the join: numbers to each of so many ranges.
    width: Arc<AtomicU64>,
    ranges: u64,
    tasks: OnceLock<Tasks>,
}

struct Tasks {
    /// Each is taken once.
    tasks: Vec<Mutex<Option<Task>>>,
    held: Mutex<Reservation>,
    /// Numbers of unmatched right rows stand behind those of the left.
    behind: u64,
}

/// Something to join in memory.
enum Task {
    /// All rows of a partition.
    Whole { left: Rows, right: Rows },
    /// A piece of each side of a partition that is too large, by that kind of join.
    Pieces { kind: JoinKind, left: Rows, right: Rows },
    /// A piece of the left side of such a partition against the keys of the other.
    LeftByKeys { kind: JoinKind, left: Rows, keys: Arc<pl::DataFrame> },
    /// The rows of a piece of the right side that have none of these keys.
    RightWithout { right: Rows, keys: Arc<pl::DataFrame> },
}

impl Task {
    fn held(&self) -> u64 {
        match self {
            Self::Whole { left, right } | Self::Pieces { left, right, .. } => left.held() + right.held(),
            Self::LeftByKeys { left, .. } => left.held(),
            Self::RightWithout { right, .. } => right.held(),
        }
    }
}

impl Blocking for Operator {
    fn absorb(&self, input: usize, frame: pl::DataFrame) -> pl::PolarsResult<()> {
        let (side, exchange) = if input == 0 { (&self.plan.left, &self.left) } else { (&self.plan.right, &self.right) };
        if let (Some(name), Some(rows)) = (side.row, self.rows.get(input))
            && let Some(last) = frame.column(name)?.u32()?.iter().flatten().next_back()
        {
            rows.fetch_max(u64::from(last) + 1, Ordering::Relaxed);
        }
        exchange.absorb(frame).map_err(carry)
    }

    fn complete(&self) -> pl::PolarsResult<usize> {
        let Dealt { parts: left, mut held } = self.left.finish().map_err(carry)?;
        let Dealt { parts: right, held: held_by_right } = self.right.finish().map_err(carry)?;
        held.grow(held_by_right.size());
        drop(held_by_right);
        let mut tasks = Vec::with_capacity(left.len());
        for (left, right) in left.into_iter().zip(right) {
            self.refine(left, right, 1, &mut tasks, &mut held).map_err(carry)?;
        }
        let [left_rows, right_rows] = self.rows.each_ref().map(|rows| rows.load(Ordering::Relaxed));
        let all = left_rows + right_rows;
        let behind = if all <= u64::from(u32::MAX) { left_rows } else { u64::from(u32::MAX) };
        let first = match self.plan.join.kind {
            JoinKind::Full => all.min(u64::from(u32::MAX)),
            JoinKind::Right => right_rows,
            _ => left_rows,
        };
        self.width.store(((first << 32) / self.ranges.max(1)).max(1), Ordering::Relaxed);
        let count = tasks.len();
        let tasks = tasks.into_iter().map(|task| Mutex::new(Some(task))).collect();
        drop(self.tasks.set(Tasks { tasks, held: Mutex::new(held), behind }));
        Ok(count)
    }

    fn emit(&self, ticket: usize) -> pl::PolarsResult<pl::DataFrame> {
        let nothing = || self.joined(self.plan.join.kind, None, None);
        let Some(tasks) = self.tasks.get() else { return nothing() };
        let Some(task) = tasks.tasks.get(ticket).and_then(|task| lock(task).take()) else { return nothing() };
        let held = task.held();
        let kind = self.plan.join.kind;
        let joined = match task {
            Task::Whole { left, right } => self.joined(kind, rows(left)?, rows(right)?),
            Task::Pieces { kind, left, right } => self.joined(kind, rows(left)?, rows(right)?),
            Task::LeftByKeys { kind, left, keys } => {
                let found = self.by_keys(kind, rows(left)?, &keys)?;
                // Of a left or full join these rows have no match.
                if self.plan.join.kind == kind {
                    self.half_joined(found)
                } else {
                    self.joined(JoinKind::Left, Some(found), None)
                }
            }
            Task::RightWithout { right, keys } => {
                let found = self.without_keys(rows(right)?, &keys)?;
                self.joined(JoinKind::Right, None, Some(found))
            }
        };
        lock(&tasks.held).shrink(held);
        joined
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn rows(rows: Rows) -> pl::PolarsResult<Option<pl::DataFrame>> {
    stack(rows.all().map_err(carry)?).map_err(carry)
}

impl Operator {
    /// The join of two frames by that kind, with the number for the order in the place of the numbers of the rows.
    fn joined(
        &self,
        kind: JoinKind,
        left: Option<pl::DataFrame>,
        right: Option<pl::DataFrame>,
    ) -> pl::PolarsResult<pl::DataFrame> {
        let [left_schema, right_schema] = &self.schemas;
        let left = left.unwrap_or_else(|| pl::DataFrame::empty_with_schema(left_schema));
        let mut right = right.unwrap_or_else(|| pl::DataFrame::empty_with_schema(right_schema));
        if kind == JoinKind::Asof && self.plan.right.row.is_some() {
            right = right.sort([RIGHT_ROW], pl::SortMultipleOptions::default())?;
        }
        let as_done = Join { kind, ..self.plan.join.clone() };
        let sides = ((left.lazy(), &self.plan.left.schema), (right.lazy(), &self.plan.right.schema));
        let joined = collect(join(&as_done, sides.0, sides.1, &None).map_err(carry)?)?;
        let behind = self.tasks.get().map_or(u64::from(u32::MAX), |tasks| tasks.behind);
        self.numbered(joined, behind)
    }

    /// Rows of the left that a semi or anti join keeps, as its result.
    fn half_joined(&self, found: pl::DataFrame) -> pl::PolarsResult<pl::DataFrame> {
        let columns = self.plan.left.schema.names().map(pl::col).collect::<Vec<_>>();
        let behind = self.tasks.get().map_or(0, |tasks| tasks.behind);
        self.numbered(collect(found.lazy().select(columns))?, behind)
    }

    /// The rows with one number in the place of those of both sides.
    fn numbered(&self, joined: pl::DataFrame, behind: u64) -> pl::PolarsResult<pl::DataFrame> {
        if !self.plan.ordered {
            return Ok(joined);
        }
        let wide = |name: &str| pl::col(name).cast(pl::DataType::UInt64);
        let takes = !matches!(self.plan.join.kind, JoinKind::Semi | JoinKind::Anti);
        let number = match self.plan.join.kind {
            JoinKind::Semi | JoinKind::Anti => wide(LEFT_ROW) * pl::lit(1_u64 << 32),
            JoinKind::Right => wide(RIGHT_ROW) * pl::lit(1_u64 << 32) + wide(LEFT_ROW).fill_null(pl::lit(0_u64)),
            _ => {
                let number = pl::lit(behind) + wide(RIGHT_ROW);
                let most = pl::lit(u64::from(u32::MAX));
                // Behind all left rows, and as far as the numbers go in the order of the right.
                let unmatched = pl::when(number.clone().lt(most.clone()))
                    .then(number * pl::lit(1_u64 << 32))
                    .otherwise(most * pl::lit(1_u64 << 32) + wide(RIGHT_ROW));
                let matched = wide(LEFT_ROW) * pl::lit(1_u64 << 32) + wide(RIGHT_ROW).fill_null(pl::lit(0_u64));
                pl::when(pl::col(LEFT_ROW).is_null()).then(unmatched).otherwise(matched)
            }
        };
        let mut numbered = collect(joined.lazy().with_columns([number.alias(ORDER)]))?;
        numbered.drop_in_place(LEFT_ROW)?;
        if takes {
            numbered.drop_in_place(RIGHT_ROW)?;
        }
        Ok(numbered)
    }
}
