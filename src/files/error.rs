//! What can be wrong with a file, said so that a person can act on it.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::diagnostic::{Class, Diagnostic};

/// Characters of raw data that a message shows at most.
const SHOWN: usize = 200;

/// An error about a file: it names the file, says what is wrong and why, and what to do about it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct FileError {
    /// What kind of trouble it is; it decides the exit code.
    pub class: Class,
    /// What is wrong with which file, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl FileError {
    /// An error of the given class.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), help: None }
    }

    /// The data cannot be read.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(Class::Data, message)
    }

    /// The data do not fit what the definition says, or the definition names no file.
    pub fn definition(message: impl Into<String>) -> Self {
        Self::new(Class::Definition, message)
    }

    /// Somebody asked to stop.
    pub fn interrupted() -> Self {
        Self::new(Class::Interrupted, "interrupted")
    }

    /// An error when somebody asked to stop.
    pub(super) fn if_cancelled(cancelled: Option<&AtomicBool>) -> Result<(), Self> {
        if cancelled.is_some_and(|cancelled| cancelled.load(Ordering::Relaxed)) {
            return Err(Self::interrupted());
        }
        Ok(())
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What the operating system, or a decompressor, said about reading `path`.
    pub fn reading(path: &Path, error: &io::Error) -> Self {
        let name = path.display();
        match error.kind() {
            io::ErrorKind::NotFound => Self::data(format!("there is no file `{name}`")),
            io::ErrorKind::PermissionDenied => Self::data(format!("`{name}` may not be read: permission denied")),
            io::ErrorKind::IsADirectory => Self::folder(path),
            io::ErrorKind::UnexpectedEof => {
                Self::data(format!("`{name}` is cut off: its compressed data end too early"))
                    .help("copy or download the file again")
            }
            io::ErrorKind::FileTooLarge => Self::new(Class::Limit, format!("`{name}` is compressed, and {error}"))
                .help("look whether it is what it should be; if so, decompress it yourself: plain files have no such limit"),
            _ => Self::data(format!("`{name}` cannot be read: {error}")),
        }
    }

    /// What the operating system said about writing `path`, a copy that lasts as long as the run: no room for it is a limit.
    pub fn writing(path: &Path, error: &io::Error) -> Self {
        let class = if crate::disk::is_full(error) { Class::Limit } else { Class::Output };
        Self::new(class, format!("`{}` cannot be written: {error}", path.display()))
    }

    /// A folder stands where a file is needed.
    pub fn folder(path: &Path) -> Self {
        let name = path.display();
        Self::data(format!("`{name}` is a folder, not a file"))
            .help(format!("name its files with a pattern such as `{}`", path.join("*.csv").display()))
    }
}

impl From<FileError> for Diagnostic {
    fn from(error: FileError) -> Self {
        let diagnostic = Diagnostic::error(error.class, error.message);
        match error.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

/// What is wrong at one place of a text file.
#[derive(Debug, Clone, PartialEq)]
pub struct CsvProblem {
    /// [`Class::Data`], or [`Class::Limit`] when a field is too long.
    pub class: Class,
    /// The file.
    pub file: String,
    /// Physical line, counted from 1, on which the record or the field begins.
    pub line: u64,
    /// Number of the record among the data, counted from 1; `None` for the header.
    pub record: Option<u64>,
    /// Name of the column, where one is to blame.
    pub column: Option<String>,
    /// What is wrong, in one sentence without a full stop.
    pub what: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The beginning of the record as it stands in the file; broken UTF-8 is replaced.
    pub raw: String,
}

impl fmt::Display for CsvProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.file, self.line)?;
        match self.record {
            Some(record) => write!(f, " (record {record})")?,
            None => f.write_str(" (the header)")?,
        }
        if let Some(column) = &self.column {
            write!(f, ", column `{}`", shown(column))?;
        }
        write!(f, ": {}", self.what)?;
        if !self.raw.is_empty() {
            write!(f, "; the line begins `{}`", shown(&self.raw))?;
        }
        Ok(())
    }
}

impl From<CsvProblem> for FileError {
    fn from(problem: CsvProblem) -> Self {
        Self { class: problem.class, message: problem.to_string(), help: problem.help }
    }
}

/// Raw data as a message may show them: at most 200 characters, control characters escaped.
pub fn shown(raw: &str) -> String {
    let mut text = String::new();
    let mut characters = 0;
    for character in raw.chars() {
        let escaped = needs_escape(character);
        let width = if escaped { character.escape_default().count() } else { 1 };
        if characters + width > SHOWN {
            text.push('…');
            break;
        }
        if escaped {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
        characters += width;
    }
    text
}

/// Control characters, and the marks that turn the direction of text around.
fn needs_escape(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A count with its noun: `1 field`, `3 fields`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_long_text_is_cut() {
        assert_eq!(shown("a\tb\u{1b}[31m\0é"), "a\\tb\\u{1b}[31m\\u{0}é");
        let long = shown(&"x".repeat(300));
        assert_eq!(long.chars().count(), SHOWN + 1);
        assert!(long.ends_with("x…"));
        assert!(shown(&"\u{1b}".repeat(300)).chars().count() <= SHOWN + 1);
    }

    #[test]
    fn a_problem_names_file_line_record_and_column() {
        let problem = CsvProblem {
            class: Class::Data,
            file: "a.csv".into(),
            line: 7,
            record: Some(5),
            column: Some("price".into()),
            what: "`x` is not a float64".into(),
            help: None,
            raw: "1,x".into(),
        };
        assert_eq!(
            problem.to_string(),
            "a.csv, line 7 (record 5), column `price`: `x` is not a float64; the line begins `1,x`"
        );
    }
}
