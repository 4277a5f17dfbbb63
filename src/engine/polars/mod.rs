//! The embedded engine: relations run on Polars' streaming engine, out of core as far as it goes.
//!
//! - [`relation`](self): a relation becomes one lazy frame (`relation`, `scan`, `join`, `deduplicate`, `tap`), which runs once.
//! - Rows leave as Arrow record batches (`stream`, `batches`), as files (`sink`) or stay with the engine (`pin`).
//! - Polars is imported in this folder and nowhere else; its errors and panics end in `error`.
//!
//! **Threads.** Polars has a pool of its own, apart from rayon's global one; it reads `POLARS_MAX_THREADS` when it is first used,
//! and its memory budget at the same time. A process that wants other values sets the variables of
//! [`environment`](environment()) and [`crate::memory::environment`] before it starts (a program may start itself again with them).
//!
//! **Memory.** What is held beyond a moment is reserved with the [`MemoryManager`]; what is refused goes to disk.

mod batches;
mod csv_header;
mod data_type;
mod deduplicate;
mod environment;
mod error;
mod estimate;
mod expression;
mod external;
mod file_schema;
mod fixed_lists;
mod join;
mod pieces;
mod pin;
mod relation;
mod scan;
mod sink;
mod sort;
mod spill;
mod stream;
mod tap;
mod text_file;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use polars::prelude as pl;

pub use self::environment::{environment, threads_told};
pub use self::file_schema::{infer_ndjson_schema, read_parquet_schema};

use self::batches::{data_frame, record_batches};
use self::error::guard;
use self::pieces::{Least, Piece};
use self::pin::{Collector, Pins};
use self::relation::{Lowered, Surroundings, lower};
use self::sink::{write_file, write_partitions};
use self::spill::Spilling;
use self::stream::{Ending, stream_frames, stream_in_turn};
use super::{Engine, EngineError, Execution, Pinned, Target, Written, arrow_schema};
use crate::diagnostic::Class;
use crate::expression::Schema;
use crate::memory::{DiskBudget, MemoryManager};
use crate::relation::{FileFormat, Relation};

/// How much of the machine the engine may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolarsOptions {
    /// Threads; none: as many as there are processors.
    pub threads: Option<usize>,
    /// Bytes of memory that reservations are measured by; none: no bound.
    pub memory_budget: Option<u64>,
}

/// The engine that runs in this process.
#[derive(Debug)]
pub struct PolarsEngine {
    options: PolarsOptions,
    spilling: Spilling,
    pins: Pins,
}

impl PolarsEngine {
    /// An engine without tables.
    pub fn new(options: PolarsOptions) -> Self {
        let memory = options.memory_budget.map_or_else(MemoryManager::unlimited, MemoryManager::new);
        let spilling = Spilling { memory, disk: DiskBudget::unlimited(), folder: std::env::temp_dir() };
        Self { options, spilling, pins: Pins::default() }
    }

    /// The engine within the memory and the disk space of these, with a folder for temporary files.
    pub fn with_resources(mut self, memory: &Arc<MemoryManager>, disk: &Arc<DiskBudget>, folder: &Path) -> Self {
        self.spilling = Spilling { memory: memory.clone(), disk: disk.clone(), folder: folder.to_path_buf() };
        self
    }

    /// Threads that Polars works with: `POLARS_MAX_THREADS`, or as many as there are processors.
    pub fn threads(&self) -> usize {
        threads_told()
            .or(self.options.threads)
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get))
    }

    /// Keeps a table that an algorithm made, in memory.
    ///
    /// Errors: a batch lacks a column of `schema`, or a value does not fit its type.
    pub fn table_from_batches(&self, schema: &Schema, batches: &[RecordBatch]) -> Result<Pinned, EngineError> {
        let frame = data_frame(schema, batches)?;
        Ok(self.pins.keep_frame(self.pins.next_id(), frame, None))
    }

    fn lower(&self, relation: &Relation, execution: &Execution) -> Result<Lowered, EngineError> {
        execution.check_cancelled()?;
        lower(relation, &Surroundings { pins: &self.pins, spilling: &self.spilling, execution, runs: true })
    }

    /// Streams the rows of the relation piece by piece; in one when there are no pieces.
    fn stream_pieces(
        &self,
        relation: &Relation,
        pieces: Vec<Piece>,
        execution: &Execution,
        sink: &mut dyn FnMut(RecordBatch) -> Result<bool, EngineError>,
    ) -> Result<(), EngineError> {
        let mut pieces = pieces.into_iter();
        let Lowered { frame, counts, subject } = match pieces.next() {
            None => self.lower(relation, execution)?,
            Some(piece) => self.lower(&pieces::part(relation, piece), execution)?,
        };
        let all_counts = Mutex::new(vec![counts]);
        let further = pieces.map(|piece| {
            let Lowered { frame, counts, .. } = self.lower(&pieces::part(relation, piece), execution)?;
            all_counts.lock().unwrap_or_else(PoisonError::into_inner).push(counts);
            Ok(frame)
        });
        let schema = arrow_schema(&relation.schema());
        let ending = stream_in_turn(std::iter::once(Ok(frame)).chain(further), &subject, execution, &mut |frame| {
            for batch in record_batches(frame, &schema)? {
                execution.check_cancelled()?;
                if !sink(batch)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        if ending == Ending::Complete {
            let all_counts = all_counts.into_inner().unwrap_or_else(PoisonError::into_inner);
            all_counts.iter().for_each(|counts| counts.report(&execution.tally));
        }
        Ok(())
    }
}

impl Engine for PolarsEngine {
    fn stream(
        &self,
        relation: &Relation,
        execution: &Execution,
        sink: &mut dyn FnMut(RecordBatch) -> Result<bool, EngineError>,
    ) -> Result<(), EngineError> {
        let pieces = pieces::pieces(relation, Least::of(self.threads()));
        self.stream_pieces(relation, pieces, execution, sink)
    }

    fn pin(&self, relation: &Relation, execution: &Execution, spill: &Path) -> Result<Pinned, EngineError> {
        let Lowered { frame, counts, subject } = self.lower(relation, execution)?;
        let id = self.pins.next_id();
        let mut table =
            Collector::new(&self.spilling.memory, spill.join(format!("pinned-{}-{id}.parquet", std::process::id())));
        stream_frames(frame, &subject, execution, &mut |frame| table.add(frame).map(|()| true))?;
        let pinned = table.finish(id, &relation.schema(), &self.pins)?;
        counts.report(&execution.tally);
        Ok(pinned)
    }

    fn unpin(&self, id: u64) {
        self.pins.remove(id);
    }

    fn write(&self, relation: &Relation, execution: &Execution, target: &Target) -> Result<Written, EngineError> {
        let mut lowered = self.lower(relation, execution)?;
        let counts = std::mem::take(&mut lowered.counts);
        let schema = relation.schema();
        let written = if target.partition_by.is_empty() {
            write_file(lowered, &schema, execution, target)?
        } else {
            write_partitions(lowered, &schema, execution, target)?
        };
        counts.report(&execution.tally);
        Ok(written)
    }

    fn explain(&self, relation: &Relation) -> Result<String, EngineError> {
        let surroundings =
            Surroundings { pins: &self.pins, spilling: &self.spilling, execution: &Execution::default(), runs: false };
        let Lowered { frame, subject, .. } = lower(relation, &surroundings)?;
        guard(&subject, || frame.describe_optimized_plan())
    }

    fn file_schema(&self, path: &Path, format: &FileFormat, rows: usize) -> Result<Schema, EngineError> {
        match format {
            FileFormat::Parquet => read_parquet_schema(path, self.spilling.memory.limit()),
            FileFormat::Ndjson => infer_ndjson_schema(path, Some(rows)),
            FileFormat::Csv(_) => Err(EngineError::new(Class::Stage, "a CSV file says nothing about its types")),
        }
    }

    fn count(&self, relation: &Relation, execution: &Execution) -> Result<u64, EngineError> {
        let Lowered { frame, counts, subject } = self.lower(relation, execution)?;
        let mut rows = None;
        let counted = frame.select([pl::len().cast(pl::DataType::UInt64).alias("rows")]);
        stream_frames(counted, &subject, execution, &mut |frame| {
            let column = frame.column("rows").and_then(|column| column.u64().cloned());
            rows = column.ok().and_then(|column| column.get(0)).or(rows);
            Ok(true)
        })?;
        let rows = rows.ok_or_else(|| EngineError::new(Class::Stage, "the engine did not count the rows"))?;
        counts.report(&execution.tally);
        Ok(rows)
    }
}
