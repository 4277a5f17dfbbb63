//! Temporary files without a name.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::Spilling;
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::memory::{DiskFull, DiskShare};

/// A file to which pieces are appended and from which they are read, by any number of threads.
///
/// It has no name, so the system removes it when the process ends, in whatever way that happens.
#[derive(Debug)]
pub(in crate::engine::polars) struct SpillFile {
    file: File,
    folder: PathBuf,
    /// Where the next piece goes, and what all of them take.
    end: Mutex<(u64, DiskShare)>,
}

/// A piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::polars) struct Segment {
    start: u64,
    length: usize,
}

impl SpillFile {
    /// A new file; `what` names in messages what goes to disk.
    ///
    /// Errors: of class [`Class::Output`], the folder cannot be written.
    pub(in crate::engine::polars) fn create(spilling: &Spilling, what: &str) -> Result<Self, EngineError> {
        let folder = &spilling.folder;
        let file = std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
        let file = file.map_err(|error| failure("cannot make a temporary file in", folder, &error))?;
        let share = spilling.disk.take(what, 0)?;
        Ok(Self { file, folder: folder.clone(), end: Mutex::new((0, share)) })
    }

    /// Appends a piece.
    ///
    /// Errors: of class [`Class::Limit`] when temporary files may not take more or the disk is full.
    pub(in crate::engine::polars) fn append(&self, bytes: &[u8]) -> Result<Segment, EngineError> {
        let start = {
            let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
            end.1.grow(bytes.len() as u64)?;
            let start = end.0;
            end.0 += bytes.len() as u64;
            start
        };
        self.file
            .write_all_at(bytes, start)
            .map_err(|error| failure("cannot write a temporary file in", &self.folder, &error))?;
        Ok(Segment { start, length: bytes.len() })
    }

    /// Reads a piece.
    pub(in crate::engine::polars) fn read(&self, segment: &Segment) -> Result<Vec<u8>, EngineError> {
        let mut bytes = vec![0; segment.length];
        self.file
            .read_exact_at(&mut bytes, segment.start)
            .map_err(|error| failure("cannot read a temporary file in", &self.folder, &error))?;
        Ok(bytes)
    }
}

fn failure(what: &str, folder: &std::path::Path, error: &std::io::Error) -> EngineError {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let found = crate::staging::failure(what, folder, error);
    if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
        return EngineError::new(Class::Limit, found.message).help(DiskFull::HELP);
    }
    EngineError { class: found.class, message: found.message, help: found.help }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::memory::{DiskBudget, MemoryManager};

    #[test]
    fn pieces_come_back_and_leave_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let disk = DiskBudget::new(10);
        let spilling =
            Spilling { memory: MemoryManager::unlimited(), disk: disk.clone(), folder: folder.path().to_path_buf() };
        let file = SpillFile::create(&spilling, "a test").unwrap();
        let (first, second) = (file.append(b"one").unwrap(), file.append(b"three").unwrap());
        assert_eq!((file.read(&second).unwrap(), file.read(&first).unwrap()), (b"three".to_vec(), b"one".to_vec()));
        assert_eq!(file.append(b"four").unwrap_err().class, Class::Limit);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        drop(file);
        assert_eq!(disk.used(), 0);
    }
}
