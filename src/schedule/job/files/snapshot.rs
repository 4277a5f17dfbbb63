//! What files there are, and how they look from outside.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::pattern::{Part, Pattern};
use crate::schedule::job::inside;
use crate::staging;

/// So many files one pattern may name.
pub const MOST_FILES: usize = 10_000;
/// So many names of files and folders are looked at for one pattern.
const MOST_NAMES: usize = 200_000;
/// So deep `**` goes.
const DEEPEST: usize = 32;

/// The files of a pattern at one moment, by their paths below the served folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snapshot(pub BTreeMap<String, Stamp>);

/// How a file looks from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(u64, i64, u64)", from = "(u64, i64, u64)")]
pub struct Stamp {
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: i64,
    /// Its number in the file system: another file under the same name is a change.
    pub inode: u64,
}

impl From<Stamp> for (u64, i64, u64) {
    fn from(stamp: Stamp) -> Self {
        (stamp.size, stamp.modified, stamp.inode)
    }
}

impl From<(u64, i64, u64)> for Stamp {
    fn from((size, modified, inode): (u64, i64, u64)) -> Self {
        Self { size, modified, inode }
    }
}

impl Snapshot {
    /// A hash of it (BLAKE3, hexadecimal): two are the same when nothing has changed.
    pub fn fingerprint(&self) -> String {
        let mut hash = blake3::Hasher::new();
        for (path, stamp) in &self.0 {
            // No path holds a line feed: such names are not taken in.
            hash.update(format!("{path}\n{} {} {}\n", stamp.size, stamp.modified, stamp.inode).as_bytes());
        }
        hash.finalize().to_hex().to_string()
    }
}

/// Looks at the files of a pattern. A file or folder that is not there is no trouble.
///
/// Links are followed where they lead to something inside the served folder and outside of the server's own; `**` does not go through
/// links to folders. Names that are not UTF-8 or hold characters that are not seen are passed over, and so is what is no file.
///
/// Takes as long as the folders have entries, of which 200,000 are looked at.
///
/// Errors: one line for people. A folder cannot be read, or there are more than [`MOST_FILES`].
pub fn snapshot(base: &Path, pattern: &Pattern) -> Result<Snapshot, String> {
    let base = fs::canonicalize(base).map_err(|error| failure(base, &error))?;
    let mut walk = Walk { base, pattern, found: BTreeMap::new(), names: 0 };
    walk.descend("", pattern.parts(), 0)?;
    Ok(Snapshot(walk.found))
}

/// Whether a path is that of a file of the pattern, as [`snapshot()`] would find it; only the folders of the path are looked at.
///
/// Errors: as [`snapshot()`].
pub fn holds(base: &Path, pattern: &Pattern, path: &str) -> Result<bool, String> {
    let base = fs::canonicalize(base).map_err(|error| failure(base, &error))?;
    let walk = Walk { base, pattern, found: BTreeMap::new(), names: 0 };
    let names: Vec<&str> = path.split('/').collect();
    let is_plain = inside::names(path).is_ok_and(|plain| plain == names);
    Ok(is_plain && walk.holds("", pattern.parts(), &names))
}

struct Walk<'a> {
    base: PathBuf,
    pattern: &'a Pattern,
    found: BTreeMap<String, Stamp>,
    names: usize,
}

impl Walk<'_> {
    /// Finds what fits `parts` below the folder `at`, which is a path from the served folder.
    fn descend(&mut self, at: &str, parts: &[Part], depth: usize) -> Result<(), String> {
        match parts {
            [] => Ok(()),
            [Part::Name(name), rest @ ..] => {
                let path = below(at, name);
                match rest {
                    [] if self.real(&path).is_some_and(|real| real.is_dir()) => {
                        self.descend(&path, &[Part::Folders], depth + 1)
                    }
                    [] => self.take(path),
                    _ => self.descend(&path, rest, depth + 1),
                }
            }
            [part @ Part::Wild(_), rest @ ..] => {
                for (name, _) in self.entries(at)?.into_iter().filter(|(name, _)| part.fits(name)) {
                    let path = below(at, &name);
                    match rest {
                        [] => self.take(path)?,
                        _ => self.descend(&path, rest, depth + 1)?,
                    }
                }
                Ok(())
            }
            [Part::Folders, rest @ ..] => {
                if !rest.is_empty() {
                    self.descend(at, rest, depth)?;
                }
                for (name, entry) in self.entries(at)?.into_iter().filter(|(name, _)| Part::Folders.fits(name)) {
                    let path = below(at, &name);
                    // The entry itself, not what a link leads to: folders that hold themselves would never end.
                    match entry.file_type() {
                        Ok(kind) if kind.is_dir() && depth < DEEPEST => self.descend(&path, parts, depth + 1)?,
                        Ok(kind) if !kind.is_dir() && rest.is_empty() => self.take(path)?,
                        _ => {}
                    }
                }
                Ok(())
            }
        }
    }

    /// Whether `names`, below the folder `at`, are a file that fits `parts`.
    fn holds(&self, at: &str, parts: &[Part], names: &[&str]) -> bool {
        let (Some((part, more)), Some((name, rest))) = (parts.split_first(), names.split_first()) else { return false };
        if *part == Part::Folders && !more.is_empty() && self.holds(at, more, names) {
            return true;
        }
        let path = below(at, name);
        if !part.fits(name) {
            return false;
        }
        let is_folder = || self.real(&path).is_some_and(|real| real.is_dir());
        // The entry itself, not what a link leads to.
        let is_own_folder = || fs::symlink_metadata(self.base.join(&path)).is_ok_and(|about| about.is_dir());
        match (part, more, rest) {
            (Part::Folders, _, [_, ..]) => is_own_folder() && self.holds(&path, parts, rest),
            (Part::Folders, [_, ..], []) => false,
            (_, [], []) => self.stamp(&path).is_some(),
            (Part::Name(_), [], _) => is_folder() && self.holds(&path, &[Part::Folders], rest),
            _ => is_folder() && self.holds(&path, more, rest),
        }
    }

    /// The entries of a folder with usable names; none where it is no folder, or outside.
    fn entries(&mut self, at: &str) -> Result<Vec<(String, DirEntry)>, String> {
        let Some(real) = self.real(at).filter(|real| real.is_dir()) else { return Ok(Vec::new()) };
        let mut entries = Vec::new();
        for entry in fs::read_dir(&real).map_err(|error| failure(&real, &error))? {
            let entry = entry.map_err(|error| failure(&real, &error))?;
            self.names += 1;
            if self.names > MOST_NAMES {
                let text = self.pattern.as_str();
                return Err(format!(
                    "more than {MOST_NAMES} names had to be looked at for `{text}`; name a folder with fewer files"
                ));
            }
            if let Ok(name) = entry.file_name().into_string()
                && !name.chars().any(inside::is_unseen)
            {
                entries.push((name, entry));
            }
        }
        Ok(entries)
    }

    /// Takes a file in, unless it went away meanwhile, is no file, or lies outside.
    fn take(&mut self, path: String) -> Result<(), String> {
        let Some(stamp) = self.stamp(&path) else { return Ok(()) };
        self.found.insert(path, stamp);
        if self.found.len() > MOST_FILES {
            let text = self.pattern.as_str();
            return Err(format!(
                "`{text}` names more than {MOST_FILES} files; narrow it, or move those away that are done with"
            ));
        }
        Ok(())
    }

    /// How a file looks; `None` where it is none, or outside.
    fn stamp(&self, path: &str) -> Option<Stamp> {
        let about = self.real(path).and_then(|real| fs::metadata(real).ok()).filter(fs::Metadata::is_file)?;
        let modified = about.mtime().saturating_mul(1_000_000_000).saturating_add(about.mtime_nsec());
        Some(Stamp { size: about.len(), modified, inode: about.ino() })
    }

    /// Where a path leads, if that is inside the served folder and not the server's own.
    fn real(&self, path: &str) -> Option<PathBuf> {
        let real = fs::canonicalize(self.base.join(path)).ok()?;
        inside::is_inside(&self.base, &real).then_some(real)
    }
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn failure(path: &Path, error: &io::Error) -> String {
    format!("cannot look into `{}`: {}", path.display(), staging::reason(error))
}
