//! Rows in folders by the values of columns: `column=value/part-0.parquet`, as Hive lays tables out.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use polars::prelude as pl;
use polars::prelude::SerWriter;

use super::staging::StagedFolder;
use super::{check_types, output_error, parquet_compression};
use crate::diagnostic::Class;
use crate::engine::polars::error::{engine_error, guard};
use crate::engine::polars::relation::Lowered;
use crate::engine::polars::stream::{Ending, stream_frames};
use crate::engine::{EngineError, Execution, Target, TargetFormat, Written};
use crate::expression::{DataType, Schema};

/// More folders than this are surely a mistake in `partition_by`.
const MOST_PARTITIONS: usize = 10_000;
/// Rows held back for all partitions together, in bytes, before the largest ones are written.
const BUFFER_BYTES: usize = 256 << 20;
/// The folder of rows whose value is null, as Hive names it.
const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";

/// Writes the rows to one folder for each combination of the values of `target.partition_by`. The rows of a partition keep their order.
///
/// A folder that an earlier run wrote is replaced; a folder with anything else in it is refused. Errors: as for one file, and
/// [`Class::Limit`] at more than 10,000 partitions.
pub(in crate::engine::polars) fn write_partitions(
    lowered: Lowered,
    schema: &Schema,
    execution: &Execution,
    target: &Target,
) -> Result<Written, EngineError> {
    let rest = check_columns(schema, target)?;
    check_types(&rest, &target.format)?;
    check_place(&target.path, &target.partition_by)?;
    let staged = StagedFolder::new(&target.path)?;
    let mut partitions = Partitions {
        target,
        staged: staged.path().to_owned(),
        open: HashMap::new(),
        bytes: 0,
        rows: 0,
        files: Vec::new(),
    };
    let Lowered { frame, subject, .. } = lowered;
    match stream_frames(frame, &subject, execution, &mut |frame| partitions.add(frame).map(|()| true))? {
        Ending::Complete | Ending::Stopped => {}
    }
    partitions.flush(0)?;
    execution.check_cancelled()?;
    let Partitions { rows, files, .. } = partitions;
    staged.publish()?;
    Ok(Written { rows, files: files.into_iter().map(|(file, bytes)| (target.path.join(file), bytes)).collect() })
}

/// The columns that stay in the files.
fn check_columns(schema: &Schema, target: &Target) -> Result<Schema, EngineError> {
    for name in &target.partition_by {
        let data_type = schema.data_type(name).ok_or_else(|| {
            EngineError::new(Class::Definition, format!("there is no column `{name}` to partition by"))
        })?;
        if data_type.is_nested() || *data_type == DataType::Binary {
            return Err(EngineError::new(
                Class::Definition,
                format!("column `{name}` of type {data_type} cannot name folders"),
            ));
        }
    }
    let rest =
        schema.fields().iter().filter(|field| !target.partition_by.contains(&field.name)).cloned().collect::<Vec<_>>();
    if rest.is_empty() {
        return Err(EngineError::new(
            Class::Definition,
            "all columns are in `partition_by`; none is left for the files",
        ));
    }
    Schema::new(rest).map_err(|name| EngineError::new(Class::Stage, format!("column `{name}` occurs twice")))
}

/// Refuses to replace what this did not write.
fn check_place(path: &Path, partition_by: &[String]) -> Result<(), EngineError> {
    let refuse = |what: String| {
        Err(EngineError::new(Class::Output, format!("cannot write {}: {what}", path.display()))
            .help("choose a folder of its own for the partitions"))
    };
    if !path.exists() {
        return Ok(());
    }
    if !path.is_dir() {
        return refuse("a file has that name".to_owned());
    }
    let ours = partition_by.first().map(|name| format!("{}=", encode(name))).unwrap_or_default();
    for entry in std::fs::read_dir(path).map_err(|error| output_error(path, &error))? {
        let name = entry.map_err(|error| output_error(path, &error))?.file_name();
        if !name.to_string_lossy().starts_with(&ours) {
            return refuse(format!("the folder holds `{}`, which is no partition", name.to_string_lossy()));
        }
    }
    Ok(())
}

/// The values of the columns of a partition, as text.
type Key = Vec<Option<String>>;

struct Partitions<'t> {
    target: &'t Target,
    staged: PathBuf,
    open: HashMap<Key, Partition>,
    bytes: usize,
    rows: u64,
    files: Vec<(PathBuf, u64)>,
}

#[derive(Default)]
struct Partition {
    frames: Vec<pl::DataFrame>,
    bytes: usize,
    parts: usize,
}

impl Partitions<'_> {
    fn add(&mut self, frame: pl::DataFrame) -> Result<(), EngineError> {
        self.rows += frame.height() as u64;
        let groups = self.groups(&frame).map_err(|error| engine_error(&error, ""))?;
        let rest = frame.drop_many(self.target.partition_by.iter().map(String::as_str));
        for (key, rows) in groups {
            if self.open.len() >= MOST_PARTITIONS && !self.open.contains_key(&key) {
                return Err(EngineError::new(
                    Class::Limit,
                    format!(
                        "`partition_by` makes more than {MOST_PARTITIONS} partitions in {}",
                        self.target.path.display()
                    ),
                )
                .help("partition by columns with fewer values"));
            }
            let part =
                rest.take(&pl::IdxCa::from_vec("rows".into(), rows)).map_err(|error| engine_error(&error, ""))?;
            let size = part.estimated_size();
            let partition = self.open.entry(key).or_default();
            partition.frames.push(part);
            partition.bytes += size;
            self.bytes += size;
        }
        if self.bytes > BUFFER_BYTES { self.flush(BUFFER_BYTES / 2) } else { Ok(()) }
    }

    /// The rows of each partition, in the order of the frame.
    fn groups(&self, frame: &pl::DataFrame) -> pl::PolarsResult<Vec<(Key, Vec<pl::IdxSize>)>> {
        let keys = self
            .target
            .partition_by
            .iter()
            .map(|name| frame.column(name)?.as_materialized_series().cast(&pl::DataType::String))
            .collect::<pl::PolarsResult<Vec<_>>>()?;
        let columns = keys.iter().map(pl::Series::str).collect::<pl::PolarsResult<Vec<_>>>()?;
        let mut places: HashMap<Vec<Option<&str>>, usize> = HashMap::new();
        let mut groups: Vec<(Key, Vec<pl::IdxSize>)> = Vec::new();
        let mut key = Vec::with_capacity(columns.len());
        for row in 0..frame.height() {
            key.clear();
            key.extend(columns.iter().map(|column| column.get(row)));
            let place = match places.get(&key) {
                Some(place) => *place,
                None => {
                    places.insert(key.clone(), groups.len());
                    groups.push((key.iter().map(|value| value.map(str::to_owned)).collect(), Vec::new()));
                    groups.len() - 1
                }
            };
            if let (Some((_, rows)), Ok(row)) = (groups.get_mut(place), pl::IdxSize::try_from(row)) {
                rows.push(row);
            }
        }
        Ok(groups)
    }

    /// Writes the largest partitions until at most `bytes` are held back.
    fn flush(&mut self, bytes: usize) -> Result<(), EngineError> {
        let mut sizes: Vec<(usize, Key)> = self
            .open
            .iter()
            .filter(|(_, partition)| !partition.frames.is_empty())
            .map(|(key, partition)| (partition.bytes, key.clone()))
            .collect();
        sizes.sort_by(|a, b| b.cmp(a));
        for (size, key) in sizes {
            if bytes > 0 && self.bytes <= bytes {
                break;
            }
            self.write_part(&key)?;
            self.bytes -= size;
        }
        if bytes == 0 {
            self.files.sort();
        }
        Ok(())
    }

    fn write_part(&mut self, key: &[Option<String>]) -> Result<(), EngineError> {
        let Some(partition) = self.open.get_mut(key) else { return Ok(()) };
        let mut frames = std::mem::take(&mut partition.frames).into_iter();
        let Some(mut frame) = frames.next() else { return Ok(()) };
        for next in frames {
            frame.vstack_mut_owned(next).map_err(|error| engine_error(&error, ""))?;
        }
        let file = relative_path(&self.target.partition_by, key, partition.parts, &self.target.format);
        partition.bytes = 0;
        partition.parts += 1;
        let (staged, named) = (self.staged.join(&file), self.target.path.join(&file));
        let bytes = write_frame(&mut frame, &staged, &self.target.format).map_err(|error| match error {
            WriteError::Disk(error) => output_error(&named, &error),
            WriteError::Engine(error) => error,
        })?;
        self.files.push((file, bytes));
        Ok(())
    }
}

fn relative_path(names: &[String], key: &[Option<String>], part: usize, format: &TargetFormat) -> PathBuf {
    let extension = match format {
        TargetFormat::Parquet { .. } => "parquet",
        TargetFormat::Csv { .. } => "csv",
        TargetFormat::Ndjson => "ndjson",
    };
    let mut path = PathBuf::new();
    for (name, value) in names.iter().zip(key) {
        let value = match value {
            None => NULL_FOLDER.to_owned(),
            // The text that stands for null is no null.
            Some(text) if text == NULL_FOLDER => text.replacen('_', "%5F", 1),
            Some(text) => encode(text),
        };
        path.push(format!("{}={value}", encode(name)));
    }
    path.push(format!("part-{part}.{extension}"));
    path
}

/// Everything but letters, digits and a few harmless marks as `%XX`.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

enum WriteError {
    Disk(std::io::Error),
    Engine(EngineError),
}

impl From<std::io::Error> for WriteError {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error)
    }
}

fn write_frame(frame: &mut pl::DataFrame, path: &Path, format: &TargetFormat) -> Result<u64, WriteError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = File::create(path)?;
    let failure = super::Failure::default();
    let writer = super::Watched { file: file.try_clone()?, failure: failure.clone() };
    let outcome = guard("", || match format {
        TargetFormat::Parquet { compression, row_group_size } => pl::ParquetWriter::new(writer)
            .with_compression(parquet_compression(*compression))
            .with_row_group_size(*row_group_size)
            .finish(frame)
            .map(drop),
        TargetFormat::Csv { delimiter, null_value } => pl::CsvWriter::new(std::io::BufWriter::new(writer))
            .include_header(true)
            .with_separator(*delimiter)
            .with_null_value(null_value.as_str().into())
            .finish(frame),
        TargetFormat::Ndjson => pl::JsonWriter::new(std::io::BufWriter::new(writer))
            .with_json_format(pl::JsonFormat::JsonLines)
            .finish(frame),
    });
    if let Some(error) = failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
        return Err(WriteError::Disk(error));
    }
    outcome.map_err(WriteError::Engine)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn folder_names_are_harmless() {
        let format = TargetFormat::Ndjson;
        let names = ["a b".to_owned(), "c".to_owned()];
        let path = |first: Option<&str>, second: Option<&str>| {
            relative_path(&names, &[first.map(str::to_owned), second.map(str::to_owned)], 0, &format)
                .display()
                .to_string()
        };
        assert_eq!(path(Some("../x"), None), "a%20b=..%2Fx/c=__HIVE_DEFAULT_PARTITION__/part-0.ndjson");
        assert_eq!(path(Some("ü"), Some("")), "a%20b=%C3%BC/c=/part-0.ndjson");
        assert_eq!(path(Some(NULL_FOLDER), Some("1.5")), "a%20b=%5F_HIVE_DEFAULT_PARTITION__/c=1.5/part-0.ndjson");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_noticed_while_writing() {
        let column = pl::Column::new("n".into(), (0..100_000_i64).collect::<Vec<_>>());
        let csv = TargetFormat::Csv { delimiter: b',', null_value: String::new() };
        let parquet = TargetFormat::Parquet { compression: crate::engine::Compression::None, row_group_size: None };
        for format in [csv, TargetFormat::Ndjson, parquet] {
            let mut frame = pl::DataFrame::new(100_000, vec![column.clone()]).unwrap();
            match write_frame(&mut frame, Path::new("/dev/full"), &format) {
                Err(WriteError::Disk(error)) => assert_eq!(error.kind(), std::io::ErrorKind::StorageFull),
                Err(WriteError::Engine(error)) => panic!("{error}"),
                Ok(bytes) => panic!("{bytes} bytes on a full disk"),
            }
        }
    }
}
