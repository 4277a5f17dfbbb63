//! Saving a model folder where the user wants it: complete under its name, or not at all.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::BUNDLE;
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::Written;
use crate::staging::{Unfinished, failure};

/// Refuses a place where no model can be saved: a file, a folder of something else, a path through a file.
pub(in crate::stages::learn) fn check_target(target: &Path) -> Result<(), Diagnostic> {
    let refuse = |message: String| Err(Diagnostic::error(Class::Output, message).help("choose another folder"));
    if target.file_name().is_none() {
        return refuse(format!("`{}` is no name for a folder", target.display()));
    }
    if target.is_file() {
        return refuse(format!("`{}` is a file, but a model is a folder", target.display()));
    }
    let is_empty = || fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none());
    if target.is_dir() && !target.join(BUNDLE).is_file() && !is_empty() {
        return refuse(format!("`{}` is there already and is no model", target.display()));
    }
    match target.ancestors().skip(1).find(|above| above.exists()) {
        Some(above) if above.is_file() => refuse(format!("`{}` is a file, not a folder", above.display())),
        _ => Ok(()),
    }
}

/// Copies the model in `folder` to `target`. A model that is there is replaced once the new one is complete.
///
/// Errors: of class [`Class::Output`]; what was there before is still there then.
pub(in crate::stages::learn) fn save(folder: &Path, target: &Path, rows: u64) -> Result<Written, Diagnostic> {
    check_target(target)?;
    let failed = |error: std::io::Error| failure("cannot save the model to", target, &error);
    let beside = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(beside).map_err(failed)?;
    let prefix = crate::staging::temporary_prefix(target);
    let mut builder = tempfile::Builder::new();
    let staging = builder.prefix(&prefix).suffix(crate::staging::SUFFIX).tempdir_in(beside).map_err(failed)?;
    let _unfinished = Unfinished::new(staging.path());
    let complete = staging.path().join("new");
    let mut files = Vec::new();
    copy(folder, &complete, Path::new(""), &mut files).map_err(failed)?;
    let old = staging.path().join("old");
    let replaces = target.exists();
    // In one step where the system can do that: then there is no moment without a model.
    let exchanged = replaces && crate::staging::exchange(&complete, target).is_ok();
    if replaces && !exchanged {
        fs::rename(target, &old).map_err(failed)?;
    }
    if !exchanged && let Err(error) = fs::rename(&complete, target) {
        if replaces {
            // The old model goes back; if even that fails, the first error says more.
            let _ = fs::rename(&old, target);
        }
        return Err(failed(error));
    }
    File::open(beside).and_then(|folder| folder.sync_all()).map_err(failed)?;
    let files = files.into_iter().map(|(name, bytes)| (target.join(name), bytes)).collect();
    Ok(Written { rows, files })
}

/// Copies a folder, synced to disk, and lists its files by their names inside it.
fn copy(from: &Path, to: &Path, name: &Path, files: &mut Vec<(PathBuf, u64)>) -> std::io::Result<()> {
    fs::create_dir(to)?;
    let mut entries = fs::read_dir(from)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let name = name.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&source, &target, &name, files)?;
        } else {
            let bytes = fs::copy(&source, &target)?;
            File::open(&target)?.sync_all()?;
            files.push((name, bytes));
        }
    }
    File::open(to)?.sync_all()
}
