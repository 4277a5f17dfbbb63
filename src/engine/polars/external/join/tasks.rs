//! Pairs of partitions become tasks: those that are too large are dealt out again, or cut into pieces.

use std::sync::Arc;

use polars::prelude as pl;
use polars::prelude::IntoLazy;

use super::super::super::error::engine_error;
use super::super::rows::{Partition, Rows, stack};
use super::super::{collect, working_bytes};
use super::{Operator, Side, Task, WHAT};
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::memory::Reservation;
use crate::relation::JoinKind;

impl Operator {
    /// Makes tasks of a pair of partitions. Too large ones are dealt out again by another hash; where that does not help,
    /// because one key has all the rows, they are cut into pieces.
    pub(super) fn refine(
        &self,
        left: Partition,
        right: Partition,
        seed: u64,
        tasks: &mut Vec<Task>,
        held: &mut Reservation,
    ) -> Result<(), EngineError> {
        const AGAIN: usize = 16;
        const DEEPEST: u64 = 4;
        let (left, right) = (left.raw, right.raw);
        if self.gives_nothing(&left, &right) {
            held.shrink(left.held() + right.held());
            return Ok(());
        }
        if left.bytes() + right.bytes() <= working_bytes(&self.spilling) {
            tasks.push(Task::Whole { left, right });
            return Ok(());
        }
        if seed > DEEPEST {
            return self.in_pieces(left, right, tasks);
        }
        held.shrink(left.held() + right.held());
        let rows = left.rows() + right.rows();
        let deal = |rows: Rows, side: &Side| rows.deal_again(&self.spilling, WHAT, AGAIN, side.route(seed));
        let (left, right) = (deal(left, &self.plan.left)?, deal(right, &self.plan.right)?);
        held.grow(left.held.size() + right.held.size());
        for (left, right) in left.parts.into_iter().zip(right.parts) {
            // One key alone: no other hash parts its rows.
            let seed = if left.rows() + right.rows() == rows { DEEPEST } else { seed };
            self.refine(left, right, seed + 1, tasks, held)?;
        }
        Ok(())
    }

    fn gives_nothing(&self, left: &Rows, right: &Rows) -> bool {
        match self.plan.join.kind {
            JoinKind::Inner | JoinKind::Semi => left.rows() == 0 || right.rows() == 0,
            JoinKind::Left | JoinKind::Anti | JoinKind::Asof => left.rows() == 0,
            JoinKind::Right => right.rows() == 0,
            JoinKind::Full | JoinKind::Cross => left.rows() == 0 && right.rows() == 0,
        }
    }

    /// Every piece of the left with every piece of the right, and what has no match by the keys of the other side.
    fn in_pieces(&self, left: Rows, right: Rows, tasks: &mut Vec<Task>) -> Result<(), EngineError> {
        let most = working_bytes(&self.spilling) / 2;
        let kind = self.plan.join.kind;
        if kind == JoinKind::Asof {
            if right.bytes() > most {
                return Err(EngineError::new(
                    Class::Limit,
                    format!("not enough memory: one key has {} rows on the right of an asof join", right.rows()),
                )
                .help("give the run more with `--memory`, or join on one more column"));
            }
            let pieces = left.pieces(most).into_iter();
            tasks.extend(pieces.map(|left| Task::Pieces { kind, left, right: right.clone() }));
            return Ok(());
        }
        let takes = !matches!(kind, JoinKind::Semi | JoinKind::Anti);
        let keeps_left = matches!(kind, JoinKind::Left | JoinKind::Full);
        let keeps_right = matches!(kind, JoinKind::Right | JoinKind::Full);
        let keys_of_right = if keeps_left || !takes { Some(self.keys(&right, 1)?) } else { None };
        let keys_of_left = if keeps_right { Some(self.keys(&left, 0)?) } else { None };
        let (lefts, rights) = (left.pieces(most), right.pieces(most));
        for left in &lefts {
            if let Some(keys) = &keys_of_right {
                let kind = if kind == JoinKind::Semi { JoinKind::Semi } else { JoinKind::Anti };
                tasks.push(Task::LeftByKeys { kind, left: left.clone(), keys: keys.clone() });
            }
            if takes {
                let pairs = rights.iter().map(|right| Task::Pieces {
                    kind: JoinKind::Inner,
                    left: left.clone(),
                    right: right.clone(),
                });
                tasks.extend(pairs);
            }
        }
        if let Some(keys) = &keys_of_left {
            tasks.extend(rights.into_iter().map(|right| Task::RightWithout { right, keys: keys.clone() }));
        }
        Ok(())
    }

    /// The different keys of a side, of which there are few in partitions that hash after hash leaves together.
    fn keys(&self, rows: &Rows, side: usize) -> Result<Arc<pl::DataFrame>, EngineError> {
        let names = if side == 0 { &self.plan.left.keys } else { &self.plan.right.keys };
        let columns: Vec<pl::Expr> = names.iter().map(|name| pl::col(name.as_str())).collect();
        let mut keys: Option<pl::DataFrame> = None;
        for frame in rows.frames() {
            let found = frame?.lazy().select(columns.clone());
            let found = collect(found.unique(None, pl::UniqueKeepStrategy::Any)).map_err(|e| engine_error(&e, ""))?;
            keys = stack(keys.into_iter().chain([found]).collect())?;
        }
        let empty =
            || self.schemas.get(side).map(|schema| pl::DataFrame::empty_with_schema(schema)).unwrap_or_default();
        let keys = keys.unwrap_or_else(empty).lazy().select(columns).unique(None, pl::UniqueKeepStrategy::Any);
        collect(keys).map(Arc::new).map_err(|e| engine_error(&e, ""))
    }

    /// The rows of the left that have one of the keys of the right, or none of them.
    pub(super) fn by_keys(
        &self,
        kind: JoinKind,
        left: Option<pl::DataFrame>,
        keys: &pl::DataFrame,
    ) -> pl::PolarsResult<pl::DataFrame> {
        let left = left.unwrap_or_default();
        half(left, &self.plan.left.keys, keys, &self.plan.right.keys, kind == JoinKind::Semi)
    }

    /// The rows of the right that have none of the keys of the left.
    pub(super) fn without_keys(
        &self,
        right: Option<pl::DataFrame>,
        keys: &pl::DataFrame,
    ) -> pl::PolarsResult<pl::DataFrame> {
        half(right.unwrap_or_default(), &self.plan.right.keys, keys, &self.plan.left.keys, false)
    }
}

/// The rows that have one of the keys, or those that have none of them.
fn half(
    rows: pl::DataFrame,
    names: &[String],
    keys: &pl::DataFrame,
    key_names: &[String],
    with: bool,
) -> pl::PolarsResult<pl::DataFrame> {
    if rows.width() == 0 {
        return Ok(rows);
    }
    let columns = |names: &[String]| names.iter().map(|name| pl::col(name.as_str())).collect::<Vec<_>>();
    collect(
        rows.lazy()
            .join_builder()
            .with(keys.clone().lazy())
            .how(if with { pl::JoinType::Semi } else { pl::JoinType::Anti })
            .left_on(columns(names))
            .right_on(columns(key_names))
            .join_nulls(false)
            .finish(),
    )
}
