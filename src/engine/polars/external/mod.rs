//! Operators whose state grows with the data: within a bounded memory, inside the one query of Polars.
//!
//! What is surely small never comes here: it stays with Polars' own operators.
//!
//! - `phases`: how an operator that needs all of its input first stands between Polars' own.
//! - `exchange`: rows are dealt out to partitions, folded where they can be summed up, and spilled when memory is short; `rows`: what a
//!   partition holds.
//! - `aggregate`: partition by partition, by a hash table of our own (`hash_groups`) where rows can be summed up from numbers; a
//!   group too large for memory is taken apart in `giant`.
//! - `window`: partition by partition, when all windows of a projection have the same.
//! - `join`: both sides by the hash of the keys (a grace join); partitions too large are dealt out again, and what one key alone
//!   makes too large is joined block by block. The order of the rows is restored by an exchange over ranges of row numbers.

mod aggregate;
mod decompose;
mod exchange;
mod giant;
mod hash_groups;
mod join;
mod lowering;
mod order;
mod phases;
mod radix_select;
mod rows;
mod window;

use polars::prelude as pl;

pub(super) use self::lowering::order_matters_below;
use super::spill::{Spilling, pipelines};

/// Bytes of a partition that is worked on in memory: all threads do so at once, and each needs some times as much on the way.
fn working_bytes(spilling: &Spilling) -> u64 {
    (spilling.memory.limit() / (8 * pipelines() as u64)).max(1 << 10)
}

/// How many times the usual bytes are tried in memory, when rows of one key cannot be parted.
const ALONE: u64 = 4;

/// Partitions for that many bytes, so that each is well below what can be worked on at once.
fn partitions(bytes: Option<u64>, spilling: &Spilling) -> usize {
    const FEWEST: u64 = 16;
    const MOST: u64 = 256;
    const USUAL: u64 = 128;
    let count = bytes.map_or(USUAL, |bytes| (bytes / (working_bytes(spilling) / 4).max(1)).clamp(FEWEST, MOST));
    usize::try_from(count.next_power_of_two()).unwrap_or(1)
}

/// Runs a small query in memory, on the thread that asks for it.
fn collect(frame: pl::LazyFrame) -> pl::PolarsResult<pl::DataFrame> {
    frame.collect_with_engine(pl::Engine::InMemory).map(|result| result.unwrap_single())
}
