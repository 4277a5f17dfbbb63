//! What operators need that put rows on disk: files that vanish, frames as bytes, hashes of keys, and the way back into a query.

mod file;
mod frames;
mod hash;
mod segments;

use std::path::PathBuf;
use std::sync::Arc;

pub(super) use self::file::{Segment, SpillFile};
pub(super) use self::frames::{decode, encode};
pub(super) use self::hash::hash_rows;
pub(super) use self::segments::segments;
use super::environment::threads_told;
use crate::expression::DataType;
use crate::memory::{DiskBudget, MemoryManager};

/// What there is to hold rows with.
#[derive(Debug, Clone)]
pub(super) struct Spilling {
    /// Asked before rows are held.
    pub(super) memory: Arc<MemoryManager>,
    /// Asked before rows are written.
    pub(super) disk: Arc<DiskBudget>,
    /// Where temporary files are made.
    pub(super) folder: PathBuf,
}

impl Spilling {
    /// Whether so many bytes can be held, and copied once, without a thought. None: nobody knows how many they are.
    pub(super) fn is_small(&self, bytes: Option<u64>) -> bool {
        let limit = self.memory.limit();
        limit == u64::MAX || bytes.is_some_and(|bytes| bytes <= limit / 4)
    }
}

/// Bytes of a text beside its place in a column, where nothing is known of it.
pub(super) const USUAL_TEXT: u64 = 16;

/// Bytes of a value in memory, when a text has that many.
pub(super) fn value_bytes_with(data_type: &DataType, text: u64) -> u64 {
    match data_type {
        DataType::Null | DataType::Boolean | DataType::Int8 | DataType::UInt8 => 1,
        DataType::Int16 | DataType::UInt16 => 2,
        DataType::Int32 | DataType::UInt32 | DataType::Float32 | DataType::Date => 4,
        DataType::Decimal(..) => 16,
        DataType::String | DataType::Binary => 16 + text,
        DataType::List(element) => 16 + 8 * value_bytes_with(element, text),
        DataType::Array(element, size) => u64::from(*size).saturating_mul(value_bytes_with(element, text)),
        DataType::Struct(fields) => fields.iter().map(|field| value_bytes_with(&field.data_type, text)).sum(),
        _ => 8,
    }
}

/// Pipelines that Polars runs side by side.
pub(super) fn pipelines() -> usize {
    let machine = || std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    threads_told().unwrap_or_else(machine)
}
