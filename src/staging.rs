//! Files that appear complete or not at all: written beside their place, synced and renamed.
//!
//! Every temporary file or folder beside a place carries the [`mark`] of its process in its name, and the folders in which a run
//! makes some are noted in the run's folder before that. So whatever a killed process leaves can be found and removed, and
//! nothing of anybody else is touched.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Class, Diagnostic};

/// A finding of class [`Class::Output`] that names the path and the system's reason.
pub fn failure(what: &str, path: &Path, error: &io::Error) -> Diagnostic {
    let finding = Diagnostic::error(Class::Output, format!("{what} `{}`: {}", path.display(), reason(error)));
    match error.kind() {
        io::ErrorKind::StorageFull => finding.help("free some space, or choose another folder"),
        io::ErrorKind::PermissionDenied => finding.help("check who may write there"),
        _ => finding,
    }
}

/// The system's reason without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

/// Writes a whole file beside its place, syncs it and renames it, so that readers see the old or the new content.
pub fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(&temporary_prefix(path)).suffix(SUFFIX).tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    // Temporary files are private; the finished one is as readable as any other.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

/// The folder in which a path stands.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Refuses a path whose folder, or the nearest one above that exists, may not be written to by this user.
///
/// Errors: of class [`Class::Output`].
pub fn check_writable(path: &Path) -> Result<(), Diagnostic> {
    let there = folder_of(path).ancestors().find(|folder| folder.as_os_str().is_empty() || folder.exists());
    let folder = there.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    match rustix::fs::access(folder, access) {
        Err(error) if folder.is_dir() => Err(failure("cannot write into the folder", folder, &error.into())),
        _ => Ok(()),
    }
}

/// Exchanges two files or folders in one step, so that there is never a moment without either.
///
/// Errors: the system or the file system cannot do that; nothing has changed then.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (one, other);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// The end of the names of temporary files and folders.
pub const SUFFIX: &str = ".tmp";

/// What tells the temporary files of this process from those of any other: its number and when it first made one.
pub fn mark() -> &'static str {
    static MARK: LazyLock<String> = LazyLock::new(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        format!("{:x}-{:x}", std::process::id(), now.as_micros())
    });
    &MARK
}

/// How the name of a temporary file or folder beside `path` begins; its end is [`SUFFIX`]. The folder is noted.
pub fn temporary_prefix(path: &Path) -> String {
    note(&Note::Writes { folder: absolute(folder_of(path)), mark: mark().to_owned() });
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // A name near the limit of the file system leaves no room for more.
    let name: String = name.trim_start_matches('.').chars().take(40).collect();
    format!(".{name}.{}.", mark())
}

/// Notes that a folder was made on the way to a place, to be removed again when nothing came of it.
pub fn note_made(folder: &Path) {
    note(&Note::Made { folder: absolute(folder) });
}

/// What a run notes about the places in which it writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Note {
    /// Temporary files with that mark may stand in the folder.
    Writes { folder: PathBuf, mark: String },
    /// The folder was not there before.
    Made { folder: PathBuf },
}

/// Where the notes of this process go, and what was noted already.
static NOTES: Mutex<Option<(File, BTreeSet<Note>)>> = Mutex::new(None);

fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf())
}

fn note(note: &Note) {
    let mut notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((file, known)) = notes.as_mut()
        && known.insert(note.clone())
    {
        let line = serde_json::to_string(note).unwrap_or_default();
        // A note that cannot be written costs at most a temporary file that somebody has to remove.
        let _ = file.write_all(format!("{line}\n").as_bytes());
    }
}

/// From now on the places in which this process writes are noted in the file.
///
/// Errors: the file cannot be made.
pub fn begin_notes(path: &Path) -> io::Result<()> {
    let file = File::options().create(true).append(true).open(path)?;
    *NOTES.lock().unwrap_or_else(PoisonError::into_inner) = Some((file, BTreeSet::new()));
    Ok(())
}

/// Ends the notes, when everything that was begun stands under its name or is gone.
pub fn end_notes() {
    *NOTES.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Removes what a process that is dead left in the places that it noted, and gives the number of files and folders removed.
pub fn sweep(notes: &Path) -> usize {
    let text = fs::read_to_string(notes).unwrap_or_default();
    let mut removed = 0;
    let mut made = Vec::new();
    // The last line may be cut off; nothing was made after it.
    for note in text.lines().filter_map(|line| serde_json::from_str::<Note>(line).ok()) {
        match note {
            Note::Made { folder } => made.push(folder),
            Note::Writes { folder, mark } => {
                let middle = format!(".{mark}.");
                for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    if name.starts_with('.') && name.contains(&middle) && name.ends_with(SUFFIX) {
                        let path = entry.path();
                        let gone = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                        removed += usize::from(gone.is_ok());
                    }
                }
            }
        }
    }
    for folder in made.iter().rev() {
        // Only empty folders go: others hold what was finished.
        removed += usize::from(fs::remove_dir(folder).is_ok());
    }
    removed
}

/// Paths that are being written and do not stand under their name yet.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Remembers a temporary file or folder as long as it lives, so that it can be removed when the process has to end at once.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// Remembers a path.
    pub fn new(path: &Path) -> Self {
        unfinished().insert(path.to_path_buf());
        Self(path.to_path_buf())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        unfinished().remove(&self.0);
    }
}

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes everything that is being written. For the moment before the process ends.
pub fn remove_unfinished() {
    for path in unfinished().iter() {
        // What cannot be removed now carries a temporary name, so nobody takes it for a result.
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn writing_atomically_replaces_the_content_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.json");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_sweep_removes_what_carries_the_mark_of_the_dead_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (out, empty) = (folder.path().join("out"), folder.path().join("empty"));
        fs::create_dir_all(out.join(".t.dead-1.xyz.tmp/part")).unwrap();
        fs::create_dir(&empty).unwrap();
        for name in [".a.csv.dead-1.abc.tmp", ".a.csv.other-2.abc.tmp", "a.csv.dead-1.abc.tmp", "a.csv"] {
            fs::write(out.join(name), "x").unwrap();
        }
        let notes = folder.path().join("notes");
        let lines = [
            Note::Made { folder: out.clone() },
            Note::Made { folder: empty.clone() },
            Note::Writes { folder: out.clone(), mark: "dead-1".to_owned() },
        ];
        let text: Vec<String> = lines.iter().map(|note| serde_json::to_string(note).unwrap()).collect();
        fs::write(&notes, format!("{}\n{{\"writes\":{{\"fol", text.join("\n"))).unwrap();
        assert_eq!(sweep(&notes), 3);
        let mut left: Vec<_> =
            fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, [".a.csv.other-2.abc.tmp", "a.csv", "a.csv.dead-1.abc.tmp"]);
        assert!(!empty.exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn two_folders_change_places_in_one_step() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        fs::create_dir_all(one.join("first")).unwrap();
        fs::create_dir_all(other.join("second")).unwrap();
        exchange(&one, &other).unwrap();
        assert!(one.join("second").exists() && other.join("first").exists());
    }
}
