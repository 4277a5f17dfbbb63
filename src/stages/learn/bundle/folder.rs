//! The files of a model folder. What is read is believed only as far as `bundle.json` states it: a name inside the folder, a size, a
//! checksum.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Class, Diagnostic};
use crate::staging::failure;

/// Bytes of a file that is held in memory at most: the weights of the largest network, and as much again for their header.
const LARGEST: u64 = 2 << 30;
/// Bytes of `bundle.json` at most, whose size is stated nowhere.
const LARGEST_LIST: u64 = 256 << 20;
/// Bytes that are read at once where a file is not held.
const BLOCK: usize = 1 << 20;

/// What is stated about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stated {
    bytes: u64,
    /// The first 32 digits of its BLAKE3.
    checksum: String,
}

/// Files by their names inside the folder, with `/` between folders.
pub(super) type Files = BTreeMap<String, Stated>;

/// Writes a file of the folder and notes what it holds.
///
/// Errors: of class [`Class::Output`].
pub(super) fn keep(folder: &Path, name: &str, content: &[u8], files: &mut Files) -> Result<(), Diagnostic> {
    let path = folder.join(name);
    fs::write(&path, content).map_err(|error| failure("cannot write", &path, &error))?;
    files.insert(name.to_owned(), Stated { bytes: content.len() as u64, checksum: checksum(content) });
    Ok(())
}

/// Reads the list of a model folder.
///
/// Errors: those of the system, and what is no file or larger than any list is.
pub(super) fn list(path: &Path) -> io::Result<Vec<u8>> {
    bounded(path, LARGEST_LIST)
}

/// Reads a file as it was stated.
///
/// Errors: of class [`Class::Data`] when it is gone or is not what was saved; of class [`Class::Limit`] when it is too large to be held.
pub(super) fn read(folder: &Path, name: &str, files: &Files) -> Result<Vec<u8>, Diagnostic> {
    let path = folder.join(name);
    let stated = stated(&path, name, files)?;
    if stated.bytes > LARGEST {
        let message = format!("`{}` takes {} bytes, more than {LARGEST}", path.display(), stated.bytes);
        return Err(Diagnostic::error(Class::Limit, message));
    }
    let content = bounded(&path, stated.bytes).map_err(|error| unreadable(&path, &error))?;
    if content.len() as u64 == stated.bytes && checksum(&content) == stated.checksum {
        Ok(content)
    } else {
        Err(changed(&path))
    }
}

/// Looks through a file without holding it.
///
/// Errors: of class [`Class::Data`] when it is gone or is not what was saved.
pub(super) fn verify(folder: &Path, name: &str, files: &Files) -> Result<(), Diagnostic> {
    let path = folder.join(name);
    let stated = stated(&path, name, files)?;
    let mut file = open(&path, stated.bytes).map_err(|error| unreadable(&path, &error))?;
    let mut hasher = blake3::Hasher::new();
    let mut block = vec![0; BLOCK];
    let mut bytes = 0_u64;
    loop {
        let read = file.read(&mut block).map_err(|error| unreadable(&path, &error))?;
        let Some(content) = block.get(..read).filter(|content| !content.is_empty()) else { break };
        hasher.update(content);
        bytes += read as u64;
    }
    let found: String = hasher.finalize().to_hex().chars().take(32).collect();
    if bytes == stated.bytes && found == stated.checksum { Ok(()) } else { Err(changed(&path)) }
}

fn stated<'a>(path: &Path, name: &str, files: &'a Files) -> Result<&'a Stated, Diagnostic> {
    if !is_inside(name) {
        let message = format!("the model names a file `{name}` that does not lie in its folder");
        return Err(Diagnostic::error(Class::Data, message).help("do not use a model that you do not trust"));
    }
    files.get(name).ok_or_else(|| changed(path))
}

/// Whether a name leads to a place inside the folder.
pub(super) fn is_inside(name: &str) -> bool {
    !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

fn bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open(path, most)?.read_to_end(&mut content)?;
    Ok(content)
}

/// Opens a file of at most that many bytes; what it grows by later is not read.
fn open(path: &Path, most: u64) -> io::Result<io::Take<File>> {
    let state = fs::metadata(path)?;
    // To open a pipe would wait for somebody to write.
    if !state.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    if state.len() > most {
        let reason = format!("it has {} bytes, {most} are stated", state.len());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(File::open(path)?.take(most))
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    match error.kind() {
        io::ErrorKind::FileTooLarge => changed(path),
        _ => Diagnostic::error(Class::Data, format!("cannot read `{}`: {error}", path.display())),
    }
}

fn changed(path: &Path) -> Diagnostic {
    Diagnostic::error(Class::Data, format!("`{}` is not what was saved with the model", path.display()))
        .help("save the model again")
}

pub(super) fn checksum(content: &[u8]) -> String {
    blake3::hash(content).to_hex().chars().take(32).collect()
}
