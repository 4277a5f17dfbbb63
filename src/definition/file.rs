//! Reads pipeline files from disk.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::yaml::MAX_BYTES;
use crate::diagnostic::{Diagnostic, Place, Source, nearest};

/// The text of a pipeline file under the name of its path. Errors: it cannot be read, is a directory, or is not UTF-8.
pub(super) fn read(path: &Path) -> Result<Arc<Source>, Diagnostic> {
    let shown = path.display();
    let bytes = read_bytes(path).map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".into(),
            io::ErrorKind::IsADirectory => "it is a directory".into(),
            io::ErrorKind::PermissionDenied => "permission denied".into(),
            _ => error.to_string(),
        };
        let found = Diagnostic::definition(format!("cannot read `{shown}`: {reason}"));
        match (error.kind(), neighbour(path)) {
            (io::ErrorKind::NotFound, Some(near)) => found.help(format!("did you mean `{near}`?")),
            _ => found,
        }
    })?;
    text(path, bytes)
}

/// One byte more than the largest file at most, so that the reader of YAML can tell.
fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<Arc<Source>, Diagnostic> {
    let name = path.display().to_string();
    let is_truncated = bytes.len() > MAX_BYTES;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let source = Source::new(name, String::from_utf8_lossy(error.as_bytes()));
            if is_truncated && error.utf8_error().error_len().is_none() {
                return Ok(source);
            }
            let found = Diagnostic::definition("the file is not UTF-8").at(&Place::new(&source, at..at + 1));
            let is_utf16 = error.as_bytes().starts_with(&[0xFF, 0xFE]) || error.as_bytes().starts_with(&[0xFE, 0xFF]);
            Err(found.help(if is_utf16 { "it looks like UTF-16; save it as UTF-8" } else { "save it as UTF-8" }))
        }
    }
}

/// The file beside a missing one whose name is nearest.
fn neighbour(path: &Path) -> Option<String> {
    const MOST: usize = 1000;
    let wanted = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).ok()?.take(MOST).flatten();
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    nearest(wanted, names.iter().map(String::as_str)).map(str::to_owned)
}

/// The same text without a byte order mark, which would shift the columns of the first line.
pub(super) fn without_mark(source: Arc<Source>) -> Arc<Source> {
    match source.text().strip_prefix('\u{FEFF}') {
        Some(text) => Source::new(source.name(), text),
        None => source,
    }
}
