//! Tables that the engine keeps: in memory while the budget allows, else as Parquet files.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use polars::prelude as pl;

use super::data_type::polars_type;
use super::error::guard;
use super::sink::output_error;
use crate::diagnostic::Class;
use crate::engine::{EngineError, Pinned};
use crate::expression::Schema;
use crate::memory::{MemoryManager, Reservation};

/// All pinned tables of an engine.
#[derive(Debug, Default)]
pub(super) struct Pins {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    last: u64,
    kept: HashMap<u64, Table>,
}

#[derive(Debug)]
enum Table {
    /// With the memory that is reserved for it.
    Frame {
        frame: pl::DataFrame,
        _memory: Option<Reservation>,
    },
    File {
        path: PathBuf,
        rows: u64,
    },
}

impl Pins {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no table has yet.
    pub(super) fn next_id(&self) -> u64 {
        let mut tables = self.tables();
        tables.last += 1;
        tables.last
    }

    /// Keeps a table in memory.
    pub(super) fn keep_frame(&self, id: u64, frame: pl::DataFrame, memory: Option<Reservation>) -> Pinned {
        let (rows, bytes) = (frame.height() as u64, frame.estimated_size() as u64);
        self.tables().kept.insert(id, Table::Frame { frame, _memory: memory });
        Pinned { id, rows, bytes, file: None }
    }

    /// Keeps a table that stands in a file; the file goes with it.
    pub(super) fn keep_file(&self, id: u64, rows: u64, bytes: u64, file: PathBuf) -> Pinned {
        self.tables().kept.insert(id, Table::File { path: file.clone(), rows });
        Pinned { id, rows, bytes, file: Some(file) }
    }

    /// Rows of a table.
    pub(super) fn rows(&self, id: u64) -> Option<u64> {
        self.tables().kept.get(&id).map(|table| match table {
            Table::Frame { frame, .. } => frame.height() as u64,
            Table::File { rows, .. } => *rows,
        })
    }

    /// Lets go of a table.
    pub(super) fn remove(&self, id: u64) {
        let table = self.tables().kept.remove(&id);
        if let Some(Table::File { path, .. }) = table {
            // A file that cannot be removed stays in the folder for spilled tables, which its owner clears.
            drop(std::fs::remove_file(path));
        }
    }

    /// The rows of a table, in the columns of `schema`.
    pub(super) fn frame(&self, id: u64, schema: &Schema) -> Result<pl::LazyFrame, EngineError> {
        let (frame, subject) = match self.tables().kept.get(&id) {
            Some(Table::Frame { frame, .. }) => (Ok(frame.clone()), String::new()),
            Some(Table::File { path, .. }) => (Err(path.clone()), path.display().to_string()),
            None => return Err(EngineError::new(Class::Stage, format!("the engine holds no table {id}"))),
        };
        guard(&subject, || {
            let mut frame = match frame {
                Ok(frame) => pl::IntoLazy::lazy(frame),
                Err(path) => {
                    let arguments = pl::ScanArgsParquet {
                        hive_options: polars::io::HiveOptions::new_disabled(),
                        glob: false,
                        cache: false,
                        ..pl::ScanArgsParquet::default()
                    };
                    pl::LazyFrame::scan_parquet(pl::PlRefPath::try_from_path(&path)?, arguments)?
                }
            };
            let found = frame.collect_schema()?;
            let columns = schema.fields().iter().map(|field| {
                let column = pl::col(field.name.as_str());
                let wanted = polars_type(&field.data_type);
                if found.get(field.name.as_str()) == Some(&wanted) { column } else { column.strict_cast(wanted) }
            });
            Ok(frame.select(columns.collect::<Vec<_>>()))
        })
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        let ids: Vec<u64> = self.tables().kept.keys().copied().collect();
        for id in ids {
            self.remove(id);
        }
    }
}

/// Rows on their way to becoming a pinned table.
pub(super) struct Collector {
    memory: Reservation,
    /// Bytes that may be held.
    most: u64,
    /// Bytes of a row group of the file.
    row_group: u64,
    path: PathBuf,
    frames: Vec<pl::DataFrame>,
    bytes: u64,
    rows: u64,
    spill: Option<Spill>,
}

struct Spill {
    writer: polars::io::parquet::write::BatchedWriter<File>,
    file: tempfile::TempPath,
}

/// Bytes that are gathered before they become a row group of a spilled table: a reader holds several row groups at once, so
/// little memory asks for small ones.
fn row_group_bytes(limit: u64) -> u64 {
    (limit / 128).clamp(4 << 20, 64 << 20)
}

impl Collector {
    /// Collects in memory up to a quarter of the limit, as long as there is some, then in a file under `path`.
    pub(super) fn new(memory: &Arc<MemoryManager>, path: PathBuf) -> Self {
        Self {
            memory: memory.reserve("a held table"),
            most: memory.limit() / 4,
            row_group: row_group_bytes(memory.limit()),
            path,
            frames: Vec::new(),
            bytes: 0,
            rows: 0,
            spill: None,
        }
    }

    /// Takes the next rows.
    pub(super) fn add(&mut self, frame: pl::DataFrame) -> Result<(), EngineError> {
        self.rows += frame.height() as u64;
        let bytes = frame.estimated_size() as u64;
        self.bytes += bytes;
        self.frames.push(frame);
        if self.spill.is_none() {
            // A table that fills a quarter of the memory is not worth its place.
            let fits = self.memory.size().saturating_add(bytes) <= self.most && self.memory.try_grow(bytes).is_ok();
            return if fits { Ok(()) } else { self.write_out() };
        }
        if self.bytes >= self.row_group { self.write_out() } else { Ok(()) }
    }

    /// Writes what was collected, a row group at a time, each of which is let go before the next one is made.
    fn write_out(&mut self) -> Result<(), EngineError> {
        self.bytes = 0;
        let mut frames = std::mem::take(&mut self.frames).into_iter().peekable();
        while frames.peek().is_some() {
            let mut group = Vec::new();
            let mut bytes = 0;
            while bytes < self.row_group
                && let Some(frame) = frames.next()
            {
                bytes += frame.estimated_size() as u64;
                group.push(frame);
            }
            let Some(group) = stack(&mut group)? else { break };
            self.write_group(group, bytes.div_ceil(self.row_group))?;
        }
        self.memory.free();
        Ok(())
    }

    fn write_group(&mut self, frame: pl::DataFrame, parts: u64) -> Result<(), EngineError> {
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill::new(&self.path, &frame)?),
        };
        let path = self.path.display().to_string();
        let parts = usize::try_from(parts).unwrap_or(1).max(1);
        guard(&path, || {
            for mut group in frame.split_chunks_by_n(parts, false) {
                group.rechunk_mut();
                spill.writer.write_batch(&group)?;
            }
            Ok(())
        })
        .map_err(|error| EngineError::new(Class::Output, format!("cannot write {path}: {}", error.message)))
    }

    /// The table, registered under the number.
    pub(super) fn finish(mut self, id: u64, schema: &Schema, pins: &Pins) -> Result<Pinned, EngineError> {
        if self.spill.is_some() {
            self.write_out()?;
        }
        match self.spill {
            None => {
                let empty = || {
                    let fields = schema
                        .fields()
                        .iter()
                        .map(|field| pl::Field::new(field.name.as_str().into(), polars_type(&field.data_type)));
                    pl::DataFrame::empty_with_schema(&fields.collect())
                };
                Ok(pins.keep_frame(id, stack(&mut self.frames)?.unwrap_or_else(empty), Some(self.memory)))
            }
            Some(Spill { writer, file }) => {
                let path = self.path.display().to_string();
                let bytes = guard(&path, || writer.finish()).map_err(|error| {
                    EngineError::new(Class::Output, format!("cannot write {path}: {}", error.message))
                })?;
                drop(writer);
                file.persist(&self.path).map_err(|error| output_error(&self.path, &error.error))?;
                Ok(pins.keep_file(id, self.rows, bytes, self.path))
            }
        }
    }
}

impl Spill {
    fn new(path: &Path, frame: &pl::DataFrame) -> Result<Self, EngineError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let made = std::fs::create_dir_all(folder).and_then(|()| tempfile::NamedTempFile::new_in(folder));
        let (file, temporary) = made.map_err(|error| output_error(path, &error))?.into_parts();
        let writer = guard(&path.display().to_string(), || {
            pl::ParquetWriter::new(file)
                .with_compression(pl::ParquetCompression::Lz4Raw)
                .with_statistics(pl::StatisticsOptions::empty())
                .batched(frame.schema())
        })?;
        Ok(Self { writer, file: temporary })
    }
}

/// The frames under each other, without copying their columns.
fn stack(frames: &mut Vec<pl::DataFrame>) -> Result<Option<pl::DataFrame>, EngineError> {
    let mut frames = std::mem::take(frames).into_iter();
    let Some(mut all) = frames.next() else { return Ok(None) };
    for frame in frames {
        all.vstack_mut_owned(frame).map_err(|error| super::error::engine_error(&error, ""))?;
    }
    Ok(Some(all))
}
