//! What a Parquet file declares about itself, compared with what it is before a reader believes it.
//!
//! A footer of a few bytes can claim a schema of any depth, a column chunk outside of the file or a page of two gigabytes, and
//! readers set memory aside for what is claimed. [`check_footer`] walks the footer when the file is first looked at,
//! [`check_pages`] the heads of all pages before the file is read; neither decompresses anything or sets memory aside by a
//! declared length. What they do not understand they leave to the reader, which says what is wrong with it.
//!
//! Source: Apache Parquet, parquet.thrift.

mod compact;
mod pages;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::compression;
use super::error::{FileError, counted};
use super::limits;
use crate::diagnostic::Class;
use crate::digits;
use compact::{Malformed, Reader, kind};

pub use pages::check_pages;

/// A column of a row group, as the footer declares it.
#[derive(Debug, Clone, Default)]
struct Chunk {
    group: usize,
    column: String,
    physical: i64,
    codec: i64,
    values: i64,
    compressed: i64,
    data_offset: i64,
    dictionary_offset: Option<i64>,
}

impl Chunk {
    /// Where its first page begins.
    fn start(&self) -> i64 {
        // Some writers say 0 where there is no dictionary.
        let dictionary = self.dictionary_offset.filter(|&offset| offset > 0);
        dictionary.map_or(self.data_offset, |offset| offset.min(self.data_offset))
    }

    /// `column `a` of row group 3`
    fn name(&self) -> String {
        format!("column `{}` of row group {}", super::error::shown(&self.column), self.group + 1)
    }
}

/// The bytes of a footer, and where the data before it end.
struct Footer {
    bytes: Vec<u8>,
    data_end: u64,
}

fn too_much(path: &Path, what: &str) -> FileError {
    FileError::new(Class::Limit, format!("`{}` {what}", path.display()))
        .help("the file is damaged, or was made to exhaust its reader")
}

fn read_footer(path: &Path, file: &File) -> Result<Option<Footer>, FileError> {
    let reading = |error| FileError::reading(path, &error);
    let size = file.metadata().map_err(reading)?.len();
    let mut end = [0; 8];
    if size < 12 {
        return Ok(None);
    }
    file.read_exact_at(&mut end, size - 8).map_err(reading)?;
    let [a, b, c, d, b'P', b'A', b'R', b'1'] = end else { return Ok(None) };
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let Some(data_end) = (size - 8).checked_sub(length).filter(|&end| end >= 4) else {
        let what = format!("declares a footer of {}, but is {} long", digits::bytes(length), digits::bytes(size));
        return Err(too_much(path, &what));
    };
    if length > limits::FOOTER {
        let what =
            format!("has a footer of {}; at most {} are read", digits::bytes(length), digits::bytes(limits::FOOTER));
        return Err(too_much(path, &what));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, data_end).map_err(reading)?;
    Ok(Some(Footer { bytes, data_end }))
}

/// Checks what the footer declares: the number and depth of the columns, and that every column chunk lies within the file.
///
/// Errors: [`Class::Limit`] for a claim beyond the limits or beyond the file. Cost: one pass over the footer.
pub(super) fn check_footer(path: &Path) -> Result<(), FileError> {
    let file = compression::open_file(path)?;
    let Some(footer) = read_footer(path, &file)? else { return Ok(()) };
    let mut schema = Schema::default();
    let mut wrong = None;
    // A footer that cannot be walked is left to the reader, unless something was found on the way.
    let _ = walk(&footer, &mut schema, &mut |chunk| {
        wrong = wrong.take().or_else(|| outside(&chunk, footer.data_end));
        Ok(wrong.is_none())
    });
    if schema.elements > 2 * limits::COLUMNS || schema.leaves > limits::COLUMNS {
        let columns = counted(schema.leaves.max(schema.elements) as u64, "column");
        return Err(too_much(path, &format!("declares {columns}; at most {} are read", limits::COLUMNS)));
    }
    if schema.deepest > limits::DEPTH {
        let what = format!(
            "declares columns that are nested {} levels deep; at most {} are read",
            schema.deepest,
            limits::DEPTH
        );
        return Err(too_much(path, &what));
    }
    wrong.map_or(Ok(()), |what| Err(too_much(path, &what)))
}

/// What is impossible about the place of a chunk.
fn outside(chunk: &Chunk, data_end: u64) -> Option<String> {
    let (Ok(start), Ok(bytes)) = (u64::try_from(chunk.start()), u64::try_from(chunk.compressed)) else {
        return Some(format!("declares a negative place or size for {}", chunk.name()));
    };
    if chunk.values < 0 {
        return Some(format!("declares {} values for {}", chunk.values, chunk.name()));
    }
    let ends = start.checked_add(bytes).is_some_and(|end| end <= data_end);
    (!ends).then(|| {
        format!(
            "declares that {} takes {} from byte {start} on, which is beyond its data",
            chunk.name(),
            digits::bytes(bytes)
        )
    })
}

/// What the schema of a footer amounts to.
#[derive(Debug, Default)]
struct Schema {
    elements: usize,
    leaves: usize,
    deepest: usize,
}

/// Walks a footer and hands out its column chunks, until `take` answers `false`.
fn walk(
    footer: &Footer,
    schema: &mut Schema,
    take: &mut dyn FnMut(Chunk) -> Result<bool, Malformed>,
) -> Result<(), Malformed> {
    Reader::new(&footer.bytes).fields(&mut |field, kind, reader| {
        match (field, kind) {
            (2, kind::LIST) => walk_schema(reader, schema)?,
            (4, kind::LIST) => {
                let (_, groups) = reader.list()?;
                for group in 0..groups {
                    walk_group(reader, group, take)?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// The elements of a schema stand in the order of a walk through the tree, each with the number of its children.
fn walk_schema(reader: &mut Reader<'_>, schema: &mut Schema) -> Result<(), Malformed> {
    let (_, elements) = reader.list()?;
    schema.elements = elements;
    // Children that are still to come at each level that is open. Deeper levels than the limit are only counted.
    let mut open: Vec<i64> = Vec::new();
    for at in 0..elements {
        let mut children = 0;
        reader.fields(&mut |field, kind, reader| match (field, kind) {
            (5, kind::I32) => {
                children = reader.integer()?;
                Ok(true)
            }
            _ => Ok(false),
        })?;
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        schema.deepest = schema.deepest.max(open.len());
        if children > 0 {
            open.push(children);
        } else if at > 0 {
            schema.leaves += 1;
        }
        if schema.deepest > limits::DEPTH || elements > 2 * limits::COLUMNS {
            return Err(Malformed::Wrong);
        }
    }
    Ok(())
}

fn walk_group(
    reader: &mut Reader<'_>,
    group: usize,
    take: &mut dyn FnMut(Chunk) -> Result<bool, Malformed>,
) -> Result<(), Malformed> {
    reader.fields(&mut |field, kind, reader| {
        if (field, kind) != (1, kind::LIST) {
            return Ok(false);
        }
        let (_, columns) = reader.list()?;
        for _ in 0..columns {
            let mut chunk = Chunk { group, ..Chunk::default() };
            let mut described = false;
            reader.fields(&mut |field, kind, reader| {
                if (field, kind) != (3, kind::STRUCT) {
                    return Ok(false);
                }
                described = true;
                walk_chunk(reader, &mut chunk).map(|()| true)
            })?;
            // What is said of an encrypted column is encrypted, too.
            if described && !take(chunk)? {
                return Err(Malformed::Wrong);
            }
        }
        Ok(true)
    })
}

fn walk_chunk(reader: &mut Reader<'_>, chunk: &mut Chunk) -> Result<(), Malformed> {
    reader.fields(&mut |field, kind, reader| {
        match (field, kind) {
            (1, kind::I32) => chunk.physical = reader.integer()?,
            (3, kind::LIST) => {
                let (element, parts) = reader.list()?;
                if element != kind::BINARY {
                    return Err(Malformed::Wrong);
                }
                for part in 0..parts {
                    let name = reader.binary()?;
                    // Long paths are cut: the name only stands in a message.
                    if chunk.column.len() < 200 {
                        chunk.column.push_str(if part > 0 { "." } else { "" });
                        chunk.column.extend(String::from_utf8_lossy(name).chars().take(100));
                    }
                }
            }
            (4, kind::I32) => chunk.codec = reader.integer()?,
            (5, kind::I64) => chunk.values = reader.integer()?,
            (7, kind::I64) => chunk.compressed = reader.integer()?,
            (9, kind::I64) => chunk.data_offset = reader.integer()?,
            (11, kind::I64) => chunk.dictionary_offset = Some(reader.integer()?),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
