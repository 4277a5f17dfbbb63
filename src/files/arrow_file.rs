//! Arrow IPC files (Feather version 2): copied to Parquet, batch by batch, once their sizes are known to be sane.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use arrow_ipc::reader::FileReader;
use parquet::arrow::ArrowWriter;

use super::careful::carefully;
use super::compression;
use super::error::{FileError, shown};
use crate::diagnostic::Class;

/// Bytes of one batch once it is unpacked: it is held in memory.
const BATCH: u64 = 4 << 30;

/// Copies the rows to `out` as Parquet and gives their number. Dictionaries become their values. With `rows` 0 only the columns are
/// written.
///
/// Memory: one batch of the file, twice.
///
/// Errors: the file is damaged, or promises more than it holds; it is compressed with zstd; a batch is larger than 4 GiB
/// ([`Class::Limit`]); a column has a type that Parquet has not.
pub fn copy_arrow(
    path: &Path,
    name: &str,
    out: &Path,
    rows: Option<u64>,
    cancelled: Option<&AtomicBool>,
) -> Result<u64, FileError> {
    carefully(name, || {
        let mut file = compression::open_file(path)?;
        check(&mut file, path, name)?;
        let damaged = |error: &dyn std::fmt::Display| damaged(name, &error.to_string());
        file.seek(SeekFrom::Start(0)).map_err(|error| FileError::reading(path, &error))?;
        let reader = FileReader::try_new(file, None).map_err(|error| damaged(&error))?;
        let schema = plain_schema(&reader.schema(), name)?;
        let writing = |error: &dyn std::fmt::Display| {
            FileError::new(Class::Output, format!("`{}` cannot be written: {error}", out.display()))
        };
        let target = File::create(out).map_err(|error| FileError::writing(out, &error))?;
        let mut writer = ArrowWriter::try_new(target, Arc::clone(&schema), None).map_err(|error| {
            FileError::data(format!("`{name}` has a column that cannot be read: {}", shown(&error.to_string())))
                .help("convert it with another program, or leave it out")
        })?;
        let mut written = 0;
        let wanted = rows.unwrap_or(u64::MAX);
        if wanted > 0 {
            for batch in reader {
                FileError::if_cancelled(cancelled)?;
                let batch = batch.map_err(|error| damaged(&error))?;
                let left = usize::try_from(wanted - written).unwrap_or(usize::MAX);
                let batch = batch.slice(0, batch.num_rows().min(left));
                let plain = plain_batch(&batch, &schema).map_err(|error| damaged(&error))?;
                writer.write(&plain).map_err(|error| writing(&error))?;
                written += batch.num_rows() as u64;
                if written >= wanted {
                    break;
                }
            }
        }
        writer.close().map_err(|error| writing(&error))?;
        Ok(written)
    })
}

/// Rows that the file holds by its own account: those of its batches.
///
/// Errors: as [`copy_arrow`].
pub fn arrow_rows(path: &Path, name: &str) -> Result<u64, FileError> {
    carefully(name, || check(&mut compression::open_file(path)?, path, name))
}

fn damaged(name: &str, what: &str) -> FileError {
    FileError::data(format!("`{name}` is no Arrow file that can be read: {}", shown(what)))
        .help("the file may be cut off or damaged; write it again")
}

fn plain_schema(schema: &Schema, name: &str) -> Result<Arc<Schema>, FileError> {
    let fields = schema.fields().iter().map(|field| {
        let data_type = plain_type(field.data_type()).ok_or_else(|| {
            FileError::data(format!(
                "`{name}`: column `{}` has type {}, which is not read",
                shown(field.name()),
                field.data_type()
            ))
            .help("convert the column with another program, or leave it out")
        })?;
        Ok(Field::new(field.name(), data_type, true))
    });
    Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>, FileError>>()?)))
}

/// The type without dictionaries; none for types that Parquet or the language lacks.
fn plain_type(data_type: &DataType) -> Option<DataType> {
    let plain_field = |field: &Field| Some(Arc::new(Field::new(field.name(), plain_type(field.data_type())?, true)));
    Some(match data_type {
        DataType::Dictionary(_, values) => plain_type(values)?,
        DataType::RunEndEncoded(_, values) => plain_type(values.data_type())?,
        DataType::Union(..) | DataType::Interval(_) | DataType::Decimal256(..) | DataType::Float16 => return None,
        DataType::List(field) => DataType::List(plain_field(field)?),
        DataType::LargeList(field) => DataType::LargeList(plain_field(field)?),
        DataType::FixedSizeList(field, size) => DataType::FixedSizeList(plain_field(field)?, *size),
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| plain_field(field)).collect::<Option<_>>()?)
        }
        other => other.clone(),
    })
}

fn plain_batch(batch: &RecordBatch, schema: &Arc<Schema>) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() {
            Ok(Arc::clone(column))
        } else {
            arrow::compute::cast(column, field.data_type())
        }
    });
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect::<Result<_, _>>()?, &options)
}

/// Checks that every block lies in the file and unpacks to no more than the limit. Gives the number of rows.
fn check(file: &mut File, path: &Path, name: &str) -> Result<u64, FileError> {
    let reading = |error| FileError::reading(path, &error);
    let size = file.metadata().map_err(reading)?.len();
    let mut end = [0; 10];
    if size < 20 {
        return Err(damaged(name, "it is too short"));
    }
    file.seek(SeekFrom::End(-10)).map_err(reading)?;
    file.read_exact(&mut end).map_err(reading)?;
    let [a, b, c, d, magic @ ..] = end;
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if magic != *b"ARROW1" {
        return Err(damaged(name, "it does not end like one"));
    }
    if length + 10 > size {
        return Err(damaged(name, "its description is longer than the file"));
    }
    file.seek(SeekFrom::Start(size - 10 - length)).map_err(reading)?;
    let mut description = Vec::new();
    file.take(length).read_to_end(&mut description).map_err(reading)?;
    let footer = arrow_ipc::root_as_footer(&description).map_err(|error| damaged(name, &error.to_string()))?;
    if footer.schema().is_none() {
        return Err(damaged(name, "it does not say which columns it has"));
    }
    let mut rows = 0_u64;
    for (batches, counts) in [(footer.dictionaries(), false), (footer.recordBatches(), true)] {
        for block in batches.iter().flatten() {
            let found =
                check_block(file, block.offset(), block.metaDataLength().into(), block.bodyLength(), size, path, name)?;
            rows = rows.saturating_add(if counts { found } else { 0 });
        }
    }
    Ok(rows)
}

fn check_block(
    file: &mut File,
    offset: i64,
    metadata: i64,
    body: i64,
    size: u64,
    path: &Path,
    name: &str,
) -> Result<u64, FileError> {
    let places = [offset, metadata, body].map(u64::try_from);
    let [Ok(offset), Ok(metadata), Ok(body)] = places else { return Err(damaged(name, "a block has no place")) };
    if offset.saturating_add(metadata).saturating_add(body) > size {
        return Err(damaged(name, "a block lies beyond its end"));
    }
    if body > BATCH {
        return Err(too_large(name, body));
    }
    let reading = |error| FileError::reading(path, &error);
    file.seek(SeekFrom::Start(offset)).map_err(reading)?;
    let mut message = Vec::new();
    file.by_ref().take(metadata).read_to_end(&mut message).map_err(reading)?;
    // Behind a mark of continuation stands the length of the message; older files have the length alone.
    let start = if message.starts_with(&[0xff; 4]) { 8 } else { 4 };
    let message = arrow_ipc::root_as_message(message.get(start..).unwrap_or_default())
        .map_err(|error| damaged(name, &error.to_string()))?;
    let batch = match (message.header_as_record_batch(), message.header_as_dictionary_batch()) {
        (Some(batch), _) => Some(batch),
        (None, Some(dictionary)) => dictionary.data(),
        (None, None) => None,
    };
    let Some(batch) = batch else { return Ok(0) };
    let rows = u64::try_from(batch.length()).map_err(|_| damaged(name, "a batch has a negative number of rows"))?;
    let Some(codec) = batch.compression() else { return Ok(rows) };
    if codec.codec() == arrow_ipc::CompressionType::ZSTD {
        return Err(FileError::data(format!(
            "`{name}` is compressed with zstd within, which is not read in Arrow files"
        ))
        .help("write it with lz4 or without compression, or as Parquet"));
    }
    let mut unpacked = 0_u64;
    for buffer in batch.buffers().iter().flatten() {
        let (Ok(at), Ok(length)) = (u64::try_from(buffer.offset()), u64::try_from(buffer.length())) else {
            return Err(damaged(name, "a buffer has no place"));
        };
        if at.saturating_add(length) > body {
            return Err(damaged(name, "a buffer lies beyond its block"));
        }
        if length < 8 {
            continue;
        }
        file.seek(SeekFrom::Start(offset + metadata + at)).map_err(reading)?;
        let mut declared = [0; 8];
        file.read_exact(&mut declared).map_err(reading)?;
        // -1 marks a buffer that is stored as it is.
        let declared = u64::try_from(i64::from_le_bytes(declared)).unwrap_or(length);
        // LZ4 makes at most 255 bytes of one.
        if declared > (length - 8).saturating_mul(255) + 64 {
            return Err(damaged(name, "a buffer promises more than it can hold"));
        }
        unpacked = unpacked.saturating_add(declared);
    }
    if unpacked > BATCH { Err(too_large(name, unpacked)) } else { Ok(rows) }
}

fn too_large(name: &str, bytes: u64) -> FileError {
    FileError::new(Class::Limit, format!("`{name}` has a batch of {bytes} bytes, and at most {BATCH} are read"))
        .help("write it with smaller batches")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{DictionaryArray, Int64Array};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn written(folder: &Path) -> std::path::PathBuf {
        let names: DictionaryArray<Int32Type> = ["a", "b", "a"].into_iter().collect();
        let batch = RecordBatch::try_from_iter([
            ("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as arrow::array::ArrayRef),
            ("name", Arc::new(names) as arrow::array::ArrayRef),
        ])
        .unwrap();
        let path = folder.join("x.arrow");
        let mut writer = arrow_ipc::writer::FileWriter::try_new(File::create(&path).unwrap(), &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        path
    }

    #[test]
    fn rows_are_copied_and_dictionaries_become_text() {
        let folder = tempfile::tempdir().unwrap();
        let (path, out) = (written(folder.path()), folder.path().join("x.parquet"));
        assert_eq!(arrow_rows(&path, "x").unwrap(), 3);
        assert_eq!(copy_arrow(&path, "x", &out, None, None).unwrap(), 3);
        let reader =
            parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(File::open(&out).unwrap(), 100).unwrap();
        let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
        assert_eq!(batches.first().unwrap().schema().field(1).data_type(), &DataType::Utf8);
        assert_eq!(copy_arrow(&path, "x", &out, Some(2), None).unwrap(), 2);
        assert_eq!(copy_arrow(&path, "x", &out, Some(0), None).unwrap(), 0);
    }

    #[test]
    fn damage_anywhere_is_an_error_and_no_panic() {
        let folder = tempfile::tempdir().unwrap();
        let (path, out) = (written(folder.path()), folder.path().join("x.parquet"));
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            if let Some(byte) = broken.get_mut(at) {
                *byte ^= 0xff;
            }
            std::fs::write(&path, &broken).unwrap();
            let _ = copy_arrow(&path, "x", &out, None, None);
            std::fs::write(&path, bytes.get(..at).unwrap()).unwrap();
            assert!(copy_arrow(&path, "x", &out, None, None).is_err(), "cut at {at}");
        }
    }
}
