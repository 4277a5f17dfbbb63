//! Which aggregates and joins are done by partitions, and with what they are given.

use std::sync::Arc;

use polars::prelude as pl;

use super::super::estimate::estimate;
use super::super::relation::{Lowered, Lowering, Needed, lower};
use super::aggregate::{Aggregation, head};
use super::decompose::{calls, needs_order};
use super::join::GraceJoin;
use super::window::{Windows, common_partition};
use crate::engine::EngineError;
use crate::relation::{Join, JoinKind, Keep, NamedExpr, Relation};

impl Lowering<'_> {
    /// The aggregate by partitions; none when Polars' own takes little memory and gives the same digits in every run. `below` are
    /// the columns that it reads.
    pub(in super::super) fn aggregate_by_partitions(
        &mut self,
        input: &Arc<Relation>,
        keys: &[NamedExpr],
        aggregates: &[NamedExpr],
        below: &Needed,
    ) -> Result<Option<pl::LazyFrame>, EngineError> {
        let is_large = self.is_large(input, below);
        if !is_large && !self.in_several_parts(input) {
            return Ok(None);
        }
        let plan = Aggregation::new(keys, aggregates)?;
        // Polars adds up what its pipelines have found in the order in which they end.
        if plan.steps.as_ref().is_some_and(|steps| steps.adds_fractions()) {
            let bytes = estimate(input, self.pins).map(|found| found.bytes(&input.schema(), below));
            let frame = self.lower(input, below)?;
            return plan.over(frame, bytes, self.spilling, self.cancelled).map(Some);
        }
        if !is_large || plan.folds() && plan.is_one_group() {
            return Ok(None);
        }
        let found = estimate(input, self.pins);
        if plan.folds()
            && let (Some(found), Some(head)) = (found, head(input))
        {
            // Polars' own keeps pace with the rows when there are few groups.
            let Lowered { frame, subject, .. } = lower(&head, &self.surroundings)?;
            if plan.has_few_groups(frame, &subject, found.rows, self.spilling) {
                return Ok(None);
            }
        }
        let bytes = found.map(|found| found.bytes(&input.schema(), below));
        let frame = self.lower(input, below)?;
        plan.over(frame, bytes, self.spilling, self.cancelled).map(Some)
    }

    /// The projection by the partitions of its windows; none when it has none, or not the same ones, or when the input is small.
    /// `below` are the columns that it reads.
    pub(in super::super) fn windows_by_partitions(
        &mut self,
        input: &Relation,
        columns: &[&NamedExpr],
        below: &Needed,
    ) -> Result<Option<pl::LazyFrame>, EngineError> {
        let Some(keys) = common_partition(columns) else { return Ok(None) };
        if !self.is_large(input, below) {
            return Ok(None);
        }
        let plan = Windows::new(columns, keys, self.is_ordered())?;
        let bytes = estimate(input, self.pins).map(|found| found.bytes(&input.schema(), below));
        let frame = self.lower(input, below)?;
        plan.over(frame, bytes, self.spilling, self.cancelled).map(Some)
    }

    /// The join by partitions; none when the side that Polars holds is small and the order of the rows is Polars' in every run, or
    /// when there are no keys to part the sides by.
    pub(in super::super) fn join_by_partitions(
        &mut self,
        join: &Join,
        needed: &Needed,
        left_needed: &Needed,
        right_needed: &Needed,
    ) -> Result<Option<pl::LazyFrame>, EngineError> {
        let (held, held_needed) = match join.kind {
            JoinKind::Right => (&join.left, left_needed),
            _ => (&join.right, right_needed),
        };
        // An asof join sorts both sides.
        let is_large =
            self.is_large(held, held_needed) || join.kind == JoinKind::Asof && self.is_large(&join.left, left_needed);
        let ordered = self.is_ordered();
        // Polars gives the unmatched rows of the right as its threads come to them.
        let wavers = ordered && join.kind == JoinKind::Full;
        if !(is_large || wavers) || !GraceJoin::can(join) {
            return Ok(None);
        }
        let plan = GraceJoin::new(join, &join.left.schema(), &join.right.schema(), needed, ordered)?;
        let bytes = |relation: &Relation, needed: &Needed| {
            estimate(relation, self.pins).map(|found| found.bytes(&relation.schema(), needed))
        };
        let both = bytes(&join.left, left_needed).zip(bytes(&join.right, right_needed));
        let both = both.map(|(left, right)| left.saturating_add(right));
        let left = self.lower(&join.left, left_needed)?;
        let right = self.lower(&join.right, right_needed)?;
        plan.over(left, right, both, self.spilling, self.cancelled).map(Some)
    }
}

/// Whether the order of the rows below a node matters, when that of its own rows does or does not.
pub(in super::super) fn order_matters_below(relation: &Relation, own: bool) -> bool {
    match relation {
        Relation::Aggregate { aggregates, .. } => calls(aggregates).into_iter().any(needs_order),
        Relation::Project { columns, .. } => own || columns.iter().any(|column| column.expr.has_window()),
        Relation::Filter { predicate, .. } => own || predicate.has_window(),
        // Ties keep the order of the input.
        Relation::Sort { .. } | Relation::Union { .. } | Relation::Scan(_) | Relation::Explode { .. } => own,
        // What is learned from other rows may depend on where they stand.
        Relation::Learning { .. } => true,
        Relation::Join(join) => own || join.kind == JoinKind::Asof,
        Relation::Deduplicate { keep, .. } => own || *keep != Keep::None,
        Relation::Limit { .. } | Relation::RowIndex { .. } => true,
        Relation::Tap { tap, .. } => own || !tap.samples.is_empty(),
    }
}
