//! From an offset to a sentence with line and column. Only a file with an error pays for it.

use std::io::Read;

use memchr::memchr_iter;

use super::Check;
use super::scanner::{Kind, Trouble};
use crate::diagnostic::Class;
use crate::files::compression;
use crate::files::error::{CsvProblem, FileError};
use crate::files::record::{FlawKind, Record, wrong_number_of_fields};
use crate::files::records::Records;

/// Bytes of a record that a problem keeps.
const KEPT: usize = 4096;

impl Check<'_> {
    /// Reads the file up to the trouble once more, to count its lines and to show the record.
    pub(super) fn explain(&self, trouble: Trouble) -> FileError {
        self.problem(trouble).map_or_else(|error| error, FileError::from)
    }

    fn problem(&self, trouble: Trouble) -> Result<CsvProblem, FileError> {
        let mut reader = compression::open(self.path, self.compression)?;
        let lines_before = self.count_lines(&mut reader, trouble.record_start)?;
        let column = || self.names.get(usize::try_from(trouble.fields).unwrap_or(usize::MAX)).cloned();
        let mut record = Record::default();
        let mut lines_within = 0;
        let (column, class, what, help) = match trouble.kind {
            Kind::Fields => {
                Records::behind(reader, self.path, self.format).read(&mut record)?;
                let what = wrong_number_of_fields(record.len() as u64, self.names.len() as u64);
                let help =
                    "repair the line, name the right `delimiter`, or set rows like this aside with `on_error: reject`";
                (None, Class::Data, what, help.to_owned())
            }
            Kind::Flaw(kind) => {
                lines_within = self.count_lines(&mut reader, trouble.field_start - trouble.record_start)?;
                let class = if kind == FlawKind::TooLong { Class::Limit } else { Class::Data };
                (column(), class, kind.what(), kind.help().to_owned())
            }
            Kind::Nul => {
                let help = "remove it; if the file is UTF-16, name it: `encoding: utf-16le`".to_owned();
                (column(), Class::Data, "a NUL byte stands in the field".to_owned(), help)
            }
            Kind::Encoding => {
                let help = "name the encoding, for example `encoding: latin-1` or `encoding: windows-1252`".to_owned();
                (column(), Class::Data, "the field is not valid UTF-8".to_owned(), help)
            }
        };
        let first_row = u64::from(self.format.header);
        Ok(CsvProblem {
            class,
            file: self.path.display().to_string(),
            line: 1 + lines_before + lines_within,
            record: (trouble.records >= first_row).then(|| trouble.records - first_row + 1),
            column,
            what,
            help: Some(help),
            raw: self.first_line(trouble.record_start)?,
        })
    }

    /// Line ends among the next bytes of the stream.
    fn count_lines(&self, reader: &mut dyn Read, bytes: u64) -> Result<u64, FileError> {
        let mut lines = 0;
        let mut left = bytes;
        let mut buffer = vec![0; 1 << 16];
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let part = buffer.get_mut(..wanted).unwrap_or_default();
            let read = compression::read_full(reader, part).map_err(|error| FileError::reading(self.path, &error))?;
            if read == 0 {
                break;
            }
            lines += memchr_iter(b'\n', part.get(..read).unwrap_or_default()).count() as u64;
            left -= read as u64;
        }
        Ok(lines)
    }

    /// The line that begins there, at most its first bytes.
    fn first_line(&self, offset: u64) -> Result<String, FileError> {
        let mut reader = compression::open(self.path, self.compression)?;
        self.count_lines(&mut reader, offset)?;
        let mut bytes = vec![0; KEPT];
        // Behind the trouble the file may be cut off; what is there is shown.
        let read = compression::read_full(&mut reader, &mut bytes).unwrap_or_default();
        let line = bytes.get(..read).unwrap_or_default().split(|byte| *byte == b'\n').next().unwrap_or_default();
        Ok(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned())
    }
}
