//! Writing rows to files. Everything is written beside its place, synced and renamed, so a name shows complete files or nothing.

mod partition;
mod staging;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use polars::io::utils::file::{Writable, WritableTrait};
use polars::prelude as pl;

pub(super) use self::partition::write_partitions;
use self::staging::StagedFile;
use super::error::{guard, os_reason};
use super::relation::Lowered;
use crate::diagnostic::Class;
use crate::engine::{Compression, EngineError, Execution, Target, TargetFormat, Written};
use crate::expression::{DataType, Schema};

/// Writes the rows to one file.
///
/// Errors: [`Class::Output`] with the path and what the system said when it cannot be written, [`Class::Definition`] when the
/// format cannot hold a column, and those of the query; nothing is left behind then.
pub(super) fn write_file(
    lowered: Lowered,
    schema: &Schema,
    execution: &Execution,
    target: &Target,
) -> Result<Written, EngineError> {
    check_types(schema, &target.format)?;
    execution.check_cancelled()?;
    let Lowered { frame, subject, .. } = lowered;
    let staged = StagedFile::new(&target.path)?;
    let failure: Failure = Arc::default();
    let rows = Arc::new(AtomicU64::new(0));
    let counted = {
        let rows = rows.clone();
        frame.map(
            move |frame| {
                rows.fetch_add(frame.height() as u64, Ordering::Relaxed);
                Ok(frame)
            },
            pl::OptFlags::PROJECTION_PUSHDOWN | pl::OptFlags::STREAMING,
            None,
            Some("written"),
        )
    };
    let writable = Writable::Dyn(Box::new(Watched { file: staged.writer()?, failure: failure.clone() }));
    let place = pl::SinkTarget::Dyn(pl::SpecialEq::new(Arc::new(Mutex::new(Some(writable)))));
    let format = file_format(&target.format);
    let outcome = guard(&subject, || {
        counted
            .sink(pl::SinkDestination::File { target: place }, format, pl::UnifiedSinkArgs::default())?
            .collect_with_engine(pl::Engine::Streaming)
    });
    execution.check_cancelled()?;
    if let Some(error) = failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(output_error(&target.path, &error));
    }
    outcome?;
    let bytes = staged.publish()?;
    Ok(Written { rows: rows.load(Ordering::Relaxed), files: vec![(target.path.clone(), bytes)] })
}

/// Why a file or folder could not be written.
pub(super) fn output_error(path: &Path, error: &std::io::Error) -> EngineError {
    let reason = os_reason(error);
    let failed = EngineError::new(Class::Output, format!("cannot write {}: {reason}", path.display()));
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            failed.help("make room on the disk and run again")
        }
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            failed.help("choose a place that you may write to")
        }
        _ => failed,
    }
}

/// Refuses columns that the format cannot hold.
fn check_types(schema: &Schema, format: &TargetFormat) -> Result<(), EngineError> {
    let refused = |data_type: &DataType| match format {
        TargetFormat::Parquet { .. } => false,
        TargetFormat::Csv { .. } => data_type.is_nested() || *data_type == DataType::Binary,
        TargetFormat::Ndjson => holds_binary(data_type),
    };
    let name = match format {
        TargetFormat::Parquet { .. } => "Parquet",
        TargetFormat::Csv { .. } => "CSV",
        TargetFormat::Ndjson => "NDJSON",
    };
    match schema.fields().iter().find(|field| refused(&field.data_type)) {
        Some(field) => Err(EngineError::new(
            Class::Definition,
            format!("column `{}` of type {} cannot be written as {name}", field.name, field.data_type),
        )
        .help("write Parquet, or leave the column out")),
        None => Ok(()),
    }
}

fn holds_binary(data_type: &DataType) -> bool {
    match data_type {
        DataType::Binary => true,
        DataType::List(element) | DataType::Array(element, _) => holds_binary(element),
        DataType::Struct(fields) => fields.iter().any(|field| holds_binary(&field.data_type)),
        _ => false,
    }
}

fn parquet_compression(compression: Compression) -> pl::ParquetCompression {
    match compression {
        Compression::None => pl::ParquetCompression::Uncompressed,
        Compression::Snappy => pl::ParquetCompression::Snappy,
        Compression::Lz4 => pl::ParquetCompression::Lz4Raw,
        Compression::Zstd => pl::ParquetCompression::Zstd(None),
        Compression::Gzip => pl::ParquetCompression::Gzip(None),
    }
}

fn file_format(format: &TargetFormat) -> pl::FileWriteFormat {
    match format {
        TargetFormat::Parquet { compression, row_group_size } => {
            pl::FileWriteFormat::Parquet(Arc::new(pl::ParquetWriteOptions {
                compression: parquet_compression(*compression),
                row_group_size: *row_group_size,
                ..pl::ParquetWriteOptions::default()
            }))
        }
        TargetFormat::Csv { delimiter, null_value } => pl::FileWriteFormat::Csv(pl::CsvWriterOptions {
            check_extension: false,
            serialize_options: Arc::new(pl::SerializeOptions {
                separator: *delimiter,
                null: null_value.as_str().into(),
                ..pl::SerializeOptions::default()
            }),
            ..pl::CsvWriterOptions::default()
        }),
        TargetFormat::Ndjson => pl::FileWriteFormat::NDJson(pl::NDJsonWriterOptions {
            check_extension: false,
            ..pl::NDJsonWriterOptions::default()
        }),
    }
}

/// The first error of the disk, which the query would only repeat as text.
type Failure = Arc<Mutex<Option<std::io::Error>>>;

struct Watched {
    file: File,
    failure: Failure,
}

impl Watched {
    fn note<T>(&self, outcome: std::io::Result<T>) -> std::io::Result<T> {
        outcome.map_err(|error| {
            let copy = error.raw_os_error().map_or_else(|| error.kind().into(), std::io::Error::from_raw_os_error);
            // An interrupted call is repeated by the writer.
            if error.kind() != std::io::ErrorKind::Interrupted {
                self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
            copy
        })
    }
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let outcome = self.file.write(bytes);
        self.note(outcome)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let outcome = self.file.flush();
        self.note(outcome)
    }
}

impl WritableTrait for Watched {
    fn close(&mut self) -> std::io::Result<()> {
        self.flush()
    }

    fn sync_all(&self) -> std::io::Result<()> {
        self.note(self.file.sync_all())
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.note(self.file.sync_data())
    }
}
