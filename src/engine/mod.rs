//! Engines turn relations into record batches and files.

pub mod polars;
pub mod sql;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;

use crate::diagnostic::{Class, Diagnostic};
use crate::expression::Schema;
use crate::memory::{DiskFull, Exhausted, MemoryManager};
use crate::relation::{FileFormat, Relation};

/// What an engine does. Relations given to it are resolved: no fitted constant, artifact or input is left in them.
///
/// Every method checks [`Execution::cancelled`] between batches and answers with [`Class::Interrupted`].
pub trait Engine: Send + Sync {
    /// Streams the rows, batch by batch, to `sink`; `sink` may stop the stream by answering `Ok(false)`.
    ///
    /// Batches have [`arrow_schema`] of the relation's schema: engines cast at the edge, so that strings are `Utf8View`.
    fn stream(
        &self,
        relation: &Relation,
        execution: &Execution,
        sink: &mut dyn FnMut(RecordBatch) -> Result<bool, EngineError>,
    ) -> Result<(), EngineError>;

    /// Computes the rows once and keeps them (in memory while the budget allows, else in a file under `spill`).
    fn pin(&self, relation: &Relation, execution: &Execution, spill: &Path) -> Result<Pinned, EngineError>;

    /// Lets go of a pinned table.
    fn unpin(&self, id: u64);

    /// Writes the rows to files; complete files appear under their names or nothing does.
    fn write(&self, relation: &Relation, execution: &Execution, target: &Target) -> Result<Written, EngineError>;

    /// The engine's own plan as text.
    fn explain(&self, relation: &Relation) -> Result<String, EngineError>;

    /// The rows in memory. For results that are small by construction.
    fn collect(&self, relation: &Relation, execution: &Execution) -> Result<Vec<RecordBatch>, EngineError> {
        let mut batches = Vec::new();
        self.stream(relation, execution, &mut |batch| {
            batches.push(batch);
            Ok(true)
        })?;
        Ok(batches)
    }

    /// The columns of a file of a format that carries its schema, or of NDJSON told from its first `rows`.
    fn file_schema(&self, path: &Path, format: &FileFormat, rows: usize) -> Result<Schema, EngineError>;

    /// Number of rows; the cheapest complete pass, which also fills the tally.
    fn count(&self, relation: &Relation, execution: &Execution) -> Result<u64, EngineError>;
}

/// A table that the engine keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Pinned {
    /// Its number, for [`crate::relation::ScanSource::Pinned`].
    pub id: u64,
    /// Rows.
    pub rows: u64,
    /// Bytes in memory, or of the file.
    pub bytes: u64,
    /// Where it was written when memory did not hold it.
    pub file: Option<PathBuf>,
}

/// Where and how rows are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The file, or with `partition_by` the folder.
    pub path: PathBuf,
    /// The format.
    pub format: TargetFormat,
    /// Columns whose values become folders `column=value` and leave the files.
    pub partition_by: Vec<String>,
}

/// Formats that can be written.
#[derive(Debug, Clone, PartialEq)]
pub enum TargetFormat {
    /// Apache Parquet.
    Parquet {
        /// How pages are compressed.
        compression: Compression,
        /// Rows of a row group.
        row_group_size: Option<usize>,
    },
    /// CSV with a header, RFC 4180 quoting, `\n` line ends.
    Csv {
        /// One ASCII byte.
        delimiter: u8,
        /// What a null looks like.
        null_value: String,
    },
    /// One JSON object a line.
    Ndjson,
}

/// Compression of Parquet pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// None.
    None,
    /// Snappy.
    Snappy,
    /// LZ4, the fastest.
    Lz4,
    /// Zstandard, small and fast.
    #[default]
    Zstd,
    /// Gzip.
    Gzip,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Written {
    /// Rows in all files.
    pub rows: u64,
    /// Each file with its bytes.
    pub files: Vec<(PathBuf, u64)>,
}

/// What belongs to one execution of a relation: what it counts, and whether it should stop.
#[derive(Debug, Clone, Default)]
pub struct Execution {
    /// Counts of the taps that rows pass.
    pub tally: Tally,
    /// Set when the run is to stop.
    pub cancelled: Arc<AtomicBool>,
}

impl Execution {
    /// An error of class [`Class::Interrupted`] when the run is to stop.
    ///
    /// Also an error of class [`Class::Limit`] when the process is over its memory.
    pub fn check_cancelled(&self) -> Result<(), EngineError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(EngineError::interrupted());
        }
        MemoryManager::process().check().map_err(EngineError::from)
    }
}

/// Counts of the taps of one execution, by stage and point.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    points: Arc<Mutex<BTreeMap<(String, String), PointCounts>>>,
}

/// What one tap counted.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PointCounts {
    /// Rows that went by.
    pub rows: u64,
    /// Rows for which each counter was true.
    pub counters: BTreeMap<String, u64>,
    /// Example rows by the sample's name: texts as a person reads them, null as `None`.
    pub samples: BTreeMap<String, Vec<Vec<Option<String>>>>,
}

impl Tally {
    /// Changes the counts of a tap.
    pub fn update(&self, stage: &str, point: &str, change: impl FnOnce(&mut PointCounts)) {
        let mut points = self.points.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(points.entry((stage.to_owned(), point.to_owned())).or_default());
    }

    /// All counts so far.
    pub fn snapshot(&self) -> BTreeMap<(String, String), PointCounts> {
        self.points.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

/// Why an engine could not do it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// What kind of trouble it is.
    pub class: Class,
    /// What went wrong, with file, row and column of the data where known.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl EngineError {
    /// An error of that class.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), help: None }
    }

    /// The run was asked to stop.
    pub fn interrupted() -> Self {
        Self::new(Class::Interrupted, "interrupted")
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<Exhausted> for EngineError {
    fn from(exhausted: Exhausted) -> Self {
        EngineError::new(Class::Limit, exhausted.to_string()).help(Exhausted::HELP)
    }
}

impl From<DiskFull> for EngineError {
    fn from(full: DiskFull) -> Self {
        EngineError::new(Class::Limit, full.to_string()).help(DiskFull::HELP)
    }
}

impl From<EngineError> for Diagnostic {
    fn from(error: EngineError) -> Self {
        Diagnostic { help: error.help, ..Diagnostic::error(error.class, error.message) }
    }
}

/// The Arrow schema in which batches of a relation with this schema arrive.
pub fn arrow_schema(schema: &Schema) -> Arc<arrow::datatypes::Schema> {
    Arc::new(arrow::datatypes::Schema::new(
        schema
            .fields()
            .iter()
            .map(|field| arrow::datatypes::Field::new(&field.name, arrow_type(&field.data_type), true))
            .collect::<Vec<_>>(),
    ))
}

/// The Arrow type of a column of that type.
pub fn arrow_type(data_type: &crate::expression::DataType) -> arrow::datatypes::DataType {
    use crate::expression::DataType as T;
    use arrow::datatypes::{DataType as A, Field, TimeUnit};
    match data_type {
        T::Null => A::Null,
        T::Boolean => A::Boolean,
        T::Int8 => A::Int8,
        T::Int16 => A::Int16,
        T::Int32 => A::Int32,
        T::Int64 => A::Int64,
        T::UInt8 => A::UInt8,
        T::UInt16 => A::UInt16,
        T::UInt32 => A::UInt32,
        T::UInt64 => A::UInt64,
        T::Float32 => A::Float32,
        T::Float64 => A::Float64,
        T::Decimal(precision, scale) => A::Decimal128(*precision, i8::try_from(*scale).unwrap_or(i8::MAX)),
        T::String => A::Utf8View,
        T::Binary => A::BinaryView,
        T::Date => A::Date32,
        T::Time => A::Time64(TimeUnit::Nanosecond),
        T::Datetime(zone) => A::Timestamp(TimeUnit::Microsecond, zone.as_deref().map(Into::into)),
        T::Duration | T::Interval => A::Duration(TimeUnit::Microsecond),
        T::List(element) => A::LargeList(Arc::new(Field::new("item", arrow_type(element), true))),
        // No file with longer ones is read; should one be made some day, Arrow itself counts no further.
        T::Array(element, size) => A::FixedSizeList(
            Arc::new(Field::new("item", arrow_type(element), true)),
            i32::try_from(*size).unwrap_or(i32::MAX),
        ),
        T::Struct(fields) => {
            A::Struct(fields.iter().map(|field| Field::new(&field.name, arrow_type(&field.data_type), true)).collect())
        }
    }
}
