//! The ZIP archives that workbooks are: their sizes are checked before anything in them is believed.
//!
//! Every part that a reader of workbooks looks at is unpacked once and counted, in bounded memory: an archive that promises little and
//! holds much, or the other way round, is refused.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::compression;
use super::error::FileError;
use crate::diagnostic::Class;

/// Bytes that the parts of a workbook may have together once they are unpacked.
const UNPACKED: u64 = 4 << 30;
/// Bytes of the table of texts, which is held in memory.
const TEXTS: u64 = 1 << 30;
/// Cells of a sheet of the formats that are held in memory (ods).
const CELLS: u64 = 20_000_000;
/// Parts of an archive.
const PARTS: u64 = 65_535;

/// Kinds of workbooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Office Open XML.
    Xlsx,
    /// The same in binary.
    Xlsb,
    /// OpenDocument.
    Ods,
    /// Excel before 2007; no archive.
    Xls,
}

struct Part {
    name: String,
    method: u16,
    packed: u64,
    declared: u64,
    header: u64,
}

/// Checks the archive and tells which kind of workbook it is.
///
/// Errors: more bytes than the limit, or more cells ([`Class::Limit`]); an archive that is damaged, encrypted, or lies about its sizes.
pub(super) fn check(path: &Path, name: &str) -> Result<Kind, FileError> {
    let mut file = compression::open_file(path)?;
    let parts = directory(&mut file, path, name)?;
    let declared: u64 = parts.iter().map(|part| part.declared).fold(0, u64::saturating_add);
    if declared > UNPACKED {
        return Err(too_large(name, format!("its parts are {declared} bytes once they are unpacked"), UNPACKED));
    }
    for part in &parts {
        let wanted = [".xml", ".rels", ".bin"].iter().any(|extension| part.name.ends_with(extension));
        if wanted {
            check_part(&mut file, part, path, name)?;
        }
    }
    let has = |wanted: &str| parts.iter().any(|part| part.name == wanted);
    Ok(if has("xl/workbook.bin") {
        Kind::Xlsb
    } else if has("content.xml") {
        Kind::Ods
    } else {
        Kind::Xlsx
    })
}

fn too_large(name: &str, what: String, limit: u64) -> FileError {
    FileError::new(Class::Limit, format!("`{name}` is too large: {what}, and at most {limit} are read"))
        .help("save the sheet as CSV")
}

fn damaged(name: &str, what: &str) -> FileError {
    FileError::data(format!("`{name}` is no workbook that can be read: {what}"))
        .help("open it in another program and save it again")
}

/// The parts by the directory at the end of the archive.
fn directory(file: &mut File, path: &Path, name: &str) -> Result<Vec<Part>, FileError> {
    let reading = |error| FileError::reading(path, &error);
    let size = file.metadata().map_err(reading)?.len();
    let tail = size.min(22 + 65_535);
    file.seek(SeekFrom::Start(size - tail)).map_err(reading)?;
    let mut end = Vec::new();
    file.take(tail).read_to_end(&mut end).map_err(reading)?;
    let at = memchr::memmem::rfind(&end, b"PK\x05\x06")
        .ok_or_else(|| damaged(name, "its directory is missing, it may be cut off"))?;
    let end = end.get(at..).unwrap_or_default();
    let (count, bytes, offset) = (number(end, 10, 2), number(end, 12, 4), number(end, 16, 4));
    let (Some(count), Some(bytes), Some(offset)) = (count, bytes, offset) else {
        return Err(damaged(name, "its directory is cut off"));
    };
    if count >= PARTS || bytes == 0xffff_ffff || offset == 0xffff_ffff {
        return Err(damaged(name, "it is a ZIP64 archive"));
    }
    if offset.saturating_add(bytes) > size {
        return Err(damaged(name, "its directory lies beyond its end"));
    }
    file.seek(SeekFrom::Start(offset)).map_err(reading)?;
    let mut entries = Vec::new();
    file.take(bytes).read_to_end(&mut entries).map_err(reading)?;
    let mut parts = Vec::new();
    let mut rest = entries.as_slice();
    for _ in 0..count {
        let part = entry(rest).ok_or_else(|| damaged(name, "its directory is damaged"))?;
        rest = rest.get(part.1..).unwrap_or_default();
        parts.push(part.0);
    }
    Ok(parts)
}

/// A directory entry, and its bytes.
fn entry(bytes: &[u8]) -> Option<(Part, usize)> {
    if !bytes.starts_with(b"PK\x01\x02") {
        return None;
    }
    let length = |at| number(bytes, at, 2).and_then(|length| usize::try_from(length).ok());
    let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
    let part = Part {
        name: String::from_utf8_lossy(bytes.get(46..46 + name)?).to_lowercase(),
        method: u16::try_from(number(bytes, 10, 2)?).ok()?,
        packed: number(bytes, 20, 4)?,
        declared: number(bytes, 24, 4)?,
        header: number(bytes, 42, 4)?,
    };
    Some((part, 46 + name + extra + comment))
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    Some(bytes.get(at..at + length)?.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

fn check_part(file: &mut File, part: &Part, path: &Path, name: &str) -> Result<(), FileError> {
    let reading = |error| FileError::reading(path, &error);
    file.seek(SeekFrom::Start(part.header)).map_err(reading)?;
    let mut header = [0; 30];
    file.read_exact(&mut header).map_err(|_| damaged(name, "a part lies beyond its end"))?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(damaged(name, "a part is not where the directory says"));
    }
    let (names, extra) = (number(&header, 26, 2).unwrap_or(0), number(&header, 28, 2).unwrap_or(0));
    let encrypted = number(&header, 6, 2).is_some_and(|flags| flags & 1 == 1);
    if encrypted {
        return Err(damaged(name, "it is encrypted"));
    }
    file.seek(SeekFrom::Start(part.header + 30 + names + extra)).map_err(reading)?;
    let packed = file.take(part.packed);
    let mut reader: Box<dyn Read> = match part.method {
        0 => Box::new(packed),
        8 => Box::new(flate2::read::DeflateDecoder::new(packed)),
        _ => return Err(damaged(name, "a part is compressed in a way that is not known")),
    };
    let is_texts = part.name.ends_with("sharedstrings.xml");
    let mut cells = part.name.ends_with("content.xml").then(OpenDocumentCells::default);
    let mut block = vec![0; 1 << 16];
    let (mut unpacked, mut first) = (0, Vec::new());
    loop {
        let read = reader.read(&mut block).map_err(|_| damaged(name, "a part of it is damaged"))?;
        if read == 0 {
            break;
        }
        let bytes = block.get(..read).unwrap_or_default();
        unpacked += read as u64;
        if unpacked > part.declared {
            return Err(damaged(name, "a part is larger than the archive says"));
        }
        if is_texts && unpacked > TEXTS {
            return Err(too_large(name, format!("its table of texts has more than {TEXTS} bytes"), TEXTS));
        }
        if is_texts && first.len() < 4096 {
            first.extend_from_slice(bytes.get(..bytes.len().min(4096)).unwrap_or_default());
        }
        if let Some(cells) = &mut cells {
            cells.feed(bytes);
            if cells.most > CELLS {
                return Err(too_large(name, format!("a sheet has {} cells", cells.most), CELLS));
            }
        }
    }
    // The reader makes room for as many texts as are promised.
    if attribute(&first, b"uniqueCount=\"").is_some_and(|count| count > unpacked) {
        return Err(damaged(name, "it promises more texts than it holds"));
    }
    Ok(())
}

/// The number behind the name of an attribute.
fn attribute(text: &[u8], name: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(text, name)? + name.len();
    let digits: Vec<u8> = text.get(at..)?.iter().copied().take(20).take_while(u8::is_ascii_digit).collect();
    // More digits than a number has are more than any limit.
    if digits.is_empty() { None } else { Some(std::str::from_utf8(&digits).ok()?.parse().unwrap_or(u64::MAX)) }
}

/// Counts the cells that a reader of OpenDocument sheets makes of repeated rows and cells: the rectangle up to the last row and
/// column that hold something.
#[derive(Default)]
struct OpenDocumentCells {
    tag: Vec<u8>,
    in_tag: bool,
    /// Cells of the largest sheet.
    most: u64,
    rows: u64,
    row_repeats: u64,
    column: u64,
    filled: u64,
    widest: u64,
    last_filled_row: u64,
}

impl OpenDocumentCells {
    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'<' => {
                    self.in_tag = true;
                    self.tag.clear();
                }
                b'>' if self.in_tag => {
                    self.in_tag = false;
                    self.element();
                }
                byte if self.in_tag && self.tag.len() < 4096 => self.tag.push(*byte),
                _ => {}
            }
        }
    }

    fn element(&mut self) {
        let tag = std::mem::take(&mut self.tag);
        let is =
            |name: &[u8]| tag.starts_with(name) && tag.get(name.len()).is_none_or(|byte| b" /\n\t\r".contains(byte));
        if is(b"table:table") {
            (self.rows, self.widest, self.last_filled_row) = (0, 0, 0);
        } else if is(b"table:table-row") {
            self.row_repeats = attribute(&tag, b"number-rows-repeated=\"").unwrap_or(1);
            (self.column, self.filled) = (0, 0);
            if tag.ends_with(b"/") {
                self.rows = self.rows.saturating_add(self.row_repeats);
            }
        } else if is(b"table:table-cell") || is(b"table:covered-table-cell") {
            let repeats = attribute(&tag, b"number-columns-repeated=\"").unwrap_or(1);
            self.column = self.column.saturating_add(repeats);
            if !tag.ends_with(b"/") || memchr::memmem::find(&tag, b"value").is_some() {
                self.filled = self.column;
            }
        } else if is(b"/table:table-row") {
            self.rows = self.rows.saturating_add(self.row_repeats);
            if self.filled > 0 {
                self.widest = self.widest.max(self.filled);
                self.last_filled_row = self.rows;
            }
            self.most = self.most.max(self.widest.saturating_mul(self.last_filled_row));
        }
        self.tag = tag;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn cells(text: &str) -> u64 {
        let mut cells = OpenDocumentCells::default();
        text.as_bytes().chunks(7).for_each(|bytes| cells.feed(bytes));
        cells.most
    }

    #[test]
    fn repeated_cells_are_counted_when_something_is_in_them() {
        let row = "<table:table-row><table:table-cell office:value=\"1\" number-columns-repeated=\"3\"/><table:table-cell number-columns-repeated=\"16000\"/></table:table-row>";
        assert_eq!(cells(&format!("<table:table>{row}{row}</table:table>")), 6);
        let blank = "<table:table-row table:number-rows-repeated=\"1000000\"><table:table-cell/></table:table-row>";
        assert_eq!(cells(&format!("<table:table>{row}{blank}</table:table>")), 3);
        assert_eq!(cells(&format!("<table:table>{blank}{row}</table:table>")), 3_000_003);
        let bomb = "<table:table-row table:number-rows-repeated=\"99999999999999999999999\"><table:table-cell><text:p>x</text:p></table:table-cell></table:table-row>";
        assert_eq!(cells(bomb), u64::MAX);
    }
}
