//! External merge sort, for tables that need not fit into memory.
//!
//! Rows are gathered as they come until they fill an eighth of the memory, sorted, and put on disk as a *run*: blocks of a few
//! thousand rows, of each of which the normalized key of the first row is remembered (the row encoding of Polars, bytes that
//! compare as the keys do). Where few of the bytes differ at all, they are packed into one number, and numbers are sorted
//! (`packed`). The first keys of all blocks are a sample of the whole table, taken at even distances, so they cut it into stretches
//! of known size: a cut is a key together with a place among the runs, which settles ties. The stretches are made one after the
//! other when somebody asks for them, on all pipelines: of each run the rows between two cuts, one run under the other, sorted
//! again. All sorts are stable and runs hold consecutive rows, so ties keep the order of the input.
//!
//! Time O(n log n), each row written once and read once, apart from blocks with a cut in them, which are read twice; memory an
//! eighth of the limit three times (a run that is gathered, another that is sorted, its copy) and some stretches of a 32nd. Knuth,
//! The Art of Computer Programming, volume 3, section 5.4; the cuts are those of sample sort (Frazer and McKellar 1970).

mod packed;
mod runs;

use std::sync::Arc;

use polars::prelude as pl;

use self::runs::{Runs, Sorting};
use super::error::{carry, guard};
use super::expression;
use super::relation::Lowering;
use super::spill::segments;
use crate::engine::EngineError;
use crate::expression::{ExprKind, Schema, SortKey};

/// The rows of the frame in order. Runs the frame now; its columns are those of the schema.
pub(super) fn sort(
    lowering: &Lowering<'_>,
    frame: pl::LazyFrame,
    schema: &Schema,
    keys: &[SortKey],
) -> Result<pl::LazyFrame, EngineError> {
    let mut names = Vec::with_capacity(keys.len());
    let mut computed = Vec::new();
    for (i, key) in keys.iter().enumerate() {
        match &key.expr.kind {
            ExprKind::Column(name) if schema.contains(name) => names.push(name.as_str().into()),
            _ => {
                let name: pl::PlSmallStr = format!("__sort_{i}").into();
                computed.push(expression::lower(&key.expr)?.alias(name.clone()));
                names.push(name);
            }
        }
    }
    let sorting = Sorting {
        keys: names,
        descending: keys.iter().map(|key| key.descending).collect(),
        nulls_last: keys.iter().map(|key| !key.nulls_first).collect(),
        computed: computed.len(),
    };
    let frame = if computed.is_empty() { frame } else { frame.with_columns(computed) };
    let mut runs = Runs::new(sorting, lowering.spilling);
    lowering.consume(frame, &mut |frame| runs.add(frame))?;
    let stretches = Arc::new(runs.finish()?);
    let count = stretches.count();
    let make = move |stretch: usize| stretches.make(stretch).map_err(carry);
    guard("", || Ok(segments(count, schema, make, lowering.cancelled)))
}
