//! The state folder `.gristmill`: layout, locks, and what becomes of the folders of runs that were killed.
//!
//! `lock` is shared by runs and taken alone by `clean`, and by a run that finds nobody else there, to sweep the cache. Each run
//! also locks a file in its own folder for as long as its process lives: the system lets go of it however the process ends, so
//! a lock that can be taken belongs to a dead run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Class, Diagnostic};
use crate::staging::{failure, write_atomically};

/// The state folder of a working directory.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// Held while the store is open; many runs share it, `clean` takes it alone.
    lock: Option<File>,
    given: Option<Given>,
}

/// What a server has decided about a run that it starts.
#[derive(Debug, Clone)]
pub struct Given {
    /// Where it is recorded: a folder of [`Store::runs`] that is not there, is empty or holds nothing but the server's log. Its name is
    /// the run's.
    pub folder: PathBuf,
    /// The folder of the run with which it is compared; none where there is none.
    pub previous: Option<PathBuf>,
}

impl Store {
    /// Opens (and makes) `.gristmill` in `base`, shared with other runs.
    ///
    /// Errors: the folder cannot be made or written, or is being cleaned right now.
    pub fn open(base: &Path) -> Result<Self, Diagnostic> {
        Self::open_with(base, lock_shared_in_time, "it is being cleaned by another gristmill")
    }

    /// Opens `.gristmill` for this process alone.
    ///
    /// Errors: as [`Store::open`], or a run is using it.
    pub fn open_exclusive(base: &Path) -> Result<Self, Diagnostic> {
        Self::open_with(base, File::try_lock, "a run is using it")
    }

    fn open_with(
        base: &Path,
        lock: fn(&File) -> Result<(), fs::TryLockError>,
        taken: &str,
    ) -> Result<Self, Diagnostic> {
        let root = base.join(".gristmill");
        let failed = |error: io::Error| failure("cannot open the state folder", &root, &error);
        fs::create_dir_all(root.join("cache")).map_err(failed)?;
        fs::create_dir_all(root.join("runs")).map_err(failed)?;
        let ignore = root.join(".gitignore");
        if !ignore.exists() {
            write_atomically(&ignore, b"*\n").map_err(failed)?;
        }
        let file = File::options().create(true).truncate(false).write(true).open(root.join("lock")).map_err(failed)?;
        match lock(&file) {
            Ok(()) => Ok(Self { root, lock: Some(file), given: None }),
            Err(fs::TryLockError::WouldBlock) => {
                Err(Diagnostic::error(Class::Output, format!("cannot open `{}`: {taken}", root.display())))
            }
            // Some network file systems have no locks; runs work there, one at a time.
            Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(Self { root, lock: None, given: None })
            }
            Err(fs::TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// The same store, in which the next run is recorded as a server has decided.
    ///
    /// Errors: the folder is none of a run.
    pub fn given(self, given: Given) -> Result<Self, Diagnostic> {
        let named = |name: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (1..=64).contains(&name.len()) && name.bytes().all(is_plain)
        };
        let real = |path: &Path| fs::canonicalize(path).ok();
        let name = given.folder.file_name().and_then(|name| name.to_str());
        let place = real(crate::staging::folder_of(&given.folder));
        if !name.is_some_and(named) || place.is_none() || place != real(&self.runs()) {
            let message = format!("`{}` cannot be the folder of a run", given.folder.display());
            let help = format!(
                "it has to stand in `{}`, and its name may have up to 64 letters, digits and `-`",
                self.runs().display()
            );
            return Err(Diagnostic::definition(message).help(help));
        }
        Ok(Self { given: Some(given), ..self })
    }

    /// What a server has decided about the run.
    pub(super) fn decided(&self) -> Option<&Given> {
        self.given.as_ref()
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Results of stages by fingerprint.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// What searches have tried, by what they mean.
    pub fn tuning(&self) -> PathBuf {
        self.root.join("tuning")
    }

    /// What the engine writes when memory is short, by process.
    pub fn spill(&self) -> PathBuf {
        self.root.join(SPILL)
    }

    /// The same without opening the folder.
    pub fn spill_in(base: &Path) -> PathBuf {
        base.join(".gristmill").join(SPILL)
    }

    /// Records of runs.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// Makes the folder of a new run, which belongs to this process from then on.
    ///
    /// Errors: it cannot be made, or the one that a server has decided on holds a run already.
    pub fn new_run(&self, now: &jiff::Timestamp) -> Result<RunFolder, Diagnostic> {
        if let Some(name) = self.given.as_ref().and_then(|given| given.folder.file_name()) {
            let path = self.runs().join(name);
            fs::create_dir_all(&path).map_err(|error| failure("cannot make the run's folder", &path, &error))?;
            return RunFolder::begin(name.to_string_lossy().into_owned(), path);
        }
        let time = now.strftime("%Y%m%d-%H%M%S").to_string();
        for number in 0..1000 {
            // Three digits, so that names sort by time.
            let id = if number == 0 { time.clone() } else { format!("{time}-{number:03}") };
            let path = self.runs().join(&id);
            match fs::create_dir(&path) {
                Ok(()) => return RunFolder::begin(id, path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failure("cannot make the run's folder", &path, &error)),
            }
        }
        Err(Diagnostic::error(Class::Output, format!("a thousand runs began at {time}")))
    }

    /// The folders of all runs, the earliest first.
    pub fn run_folders(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.runs()).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        folders.sort();
        folders
    }

    /// Runs `work` while no other run uses the folder; `None` when one does.
    pub fn alone<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let file = self.lock.as_ref()?;
        // The lock changes its kind. Should another run come in between, it finds nothing of this one yet.
        let taken = file.try_lock().is_ok();
        let result = taken.then(work);
        if file.lock_shared().is_err() {
            return None;
        }
        result
    }
}

/// Takes the shared lock. A run that sweeps holds it alone for a moment, so this tries for some seconds.
fn lock_shared_in_time(file: &File) -> Result<(), fs::TryLockError> {
    for _ in 0..100 {
        if file.try_lock_shared().is_ok() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    file.try_lock_shared()
}

/// The folder of a run, owned by this process as long as this lives.
#[derive(Debug)]
pub struct RunFolder {
    /// The run's name.
    pub id: String,
    /// Where it is.
    pub path: PathBuf,
    owner: Option<File>,
}

/// Who works in the folder of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    /// The number of its process.
    process: u32,
    /// The one that started it and speaks for it when it dies, if there is one.
    supervisor: Option<u32>,
}

impl RunFolder {
    fn begin(id: String, path: PathBuf) -> Result<Self, Diagnostic> {
        let failed = |error: io::Error| failure("cannot make the run's folder", &path, &error);
        // Locked before it has its name, so that nobody ever finds it without an owner who lives.
        let draft = path.join(DRAFT);
        let mut file = File::options().write(true).create_new(true).open(&draft).map_err(failed)?;
        // Only after that: of two that come at once, one sees the other.
        if let Some(other) = content(&path).map_err(failed)? {
            let _ = fs::remove_file(&draft);
            let message = format!("cannot record a run in `{}`: `{other}` is there already", path.display());
            return Err(Diagnostic::error(Class::Output, message).help("give each run a folder of its own"));
        }
        let locked = file.try_lock().is_ok();
        let owner = Owner { process: std::process::id(), supervisor: rustix::process::getppid().map(number) };
        let text = serde_json::to_vec(&owner).unwrap_or_default();
        io::Write::write_all(&mut file, &text).map_err(failed)?;
        fs::rename(&draft, path.join(LOCK)).map_err(failed)?;
        Ok(Self { id, path, owner: locked.then_some(file) })
    }

    /// Where the run notes the places in which it writes.
    pub fn notes(&self) -> PathBuf {
        self.path.join(NOTES)
    }

    /// Ends the ownership: the record is written, and nothing is left to be swept.
    pub fn end(self) {
        crate::staging::end_notes();
        // Files that stay are taken for those of a dead run and swept.
        let _ = fs::remove_file(self.path.join(NOTES));
        let _ = fs::remove_file(self.path.join(LOCK));
        drop(self.owner);
    }
}

/// What stands in the folder of a run that is about to begin and has no business there.
fn content(folder: &Path) -> io::Result<Option<String>> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name != LOG && name != DRAFT {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

fn number(process: rustix::process::Pid) -> u32 {
    process.as_raw_nonzero().get().unsigned_abs()
}

const SPILL: &str = "spill";
const LOCK: &str = "lock";
const DRAFT: &str = ".lock.new";
/// What a server writes into the folder before the run begins.
const LOG: &str = "log.jsonl";
const NOTES: &str = "places";

/// The folder of a run whose process is dead, which nobody else sweeps as long as this lives.
#[derive(Debug)]
pub struct DeadRun {
    /// Where it is.
    pub path: PathBuf,
    owner: Option<Owner>,
    _lock: File,
}

impl DeadRun {
    /// Takes over a folder whose run is dead; `None` when it ended by itself or still lives.
    pub fn take(path: &Path) -> Option<Self> {
        let file = File::options().read(true).write(true).open(path.join(LOCK)).ok()?;
        let owner: Option<Owner> = fs::read(path.join(LOCK)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        match file.try_lock() {
            Ok(()) => {}
            // Without locks a process that is there counts as the owner.
            Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                let owner = owner?;
                if Path::new("/proc").join(owner.process.to_string()).exists() {
                    return None;
                }
            }
            Err(_) => return None,
        }
        // Somebody may have swept it between opening and locking.
        path.join(LOCK).exists().then(|| Self { path: path.to_path_buf(), owner, _lock: file })
    }

    /// Whether that process worked in it.
    pub fn was_of(&self, process: u32) -> bool {
        self.owner.is_some_and(|owner| owner.process == process)
    }

    /// Whether the process that started it lives, and will say what became of it.
    pub fn has_supervisor(&self) -> bool {
        let command = |process: &str| fs::read_to_string(Path::new("/proc").join(process).join("comm")).ok();
        let supervisor = self.owner.and_then(|owner| owner.supervisor);
        // A number is given to another program one day, so the name has to be ours.
        supervisor.and_then(|process| command(&process.to_string())).is_some_and(|name| Some(name) == command("self"))
    }

    /// Removes what the run left in other places and what was to last only as long as itself. The record stays.
    pub fn sweep(self) {
        crate::staging::sweep(&self.path.join(NOTES));
        let _ = fs::remove_dir_all(self.path.join(SCRATCH));
        let _ = fs::remove_file(self.path.join(NOTES));
        let _ = fs::remove_file(self.path.join(LOCK));
    }
}

/// The folder within that of a run for what lasts only as long as the run.
pub const SCRATCH: &str = "scratch";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_share_the_folder_but_cleaning_needs_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Store::open(folder.path()).unwrap();
        let second = Store::open(folder.path()).unwrap();
        let error = Store::open_exclusive(folder.path()).unwrap_err();
        assert!(error.message.ends_with("a run is using it"), "{error}");
        drop((first, second));
        assert!(Store::open_exclusive(folder.path()).is_ok());
    }

    #[test]
    fn runs_of_one_second_have_different_names_that_sort() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let now = jiff::Timestamp::UNIX_EPOCH;
        let names: Vec<String> = (0..12).map(|_| store.new_run(&now).unwrap().id).collect();
        assert_eq!((names[0].as_str(), names[1].as_str()), ("19700101-000000", "19700101-000000-001"));
        let mut sorted = names.clone();
        sorted.sort();
        assert_eq!(names, sorted);
    }

    #[test]
    fn a_server_decides_where_a_run_is_recorded() {
        let base = tempfile::tempdir().unwrap();
        let now = jiff::Timestamp::UNIX_EPOCH;
        let open = |folder: PathBuf| Store::open(base.path()).unwrap().given(Given { folder, previous: None });
        let runs = base.path().join(".gristmill/runs");
        let folder = runs.join("20260301-020000-00000042");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("log.jsonl"), "{}\n").unwrap();
        let run = open(folder.clone()).unwrap().new_run(&now).unwrap();
        assert_eq!((run.id.as_str(), &run.path), ("20260301-020000-00000042", &folder));
        assert!(DeadRun::take(&folder).is_none(), "it lives");
        let error = open(folder.clone()).unwrap().new_run(&now).unwrap_err();
        assert!(error.message.ends_with("`lock` is there already"), "{error}");
        assert_eq!((error.class, folder.join(DRAFT).exists()), (Class::Output, false));
        run.end();
        assert_eq!(open(runs.join("new")).unwrap().new_run(&now).unwrap().id, "new");
        for elsewhere in [
            base.path().join("new"),
            runs.join("a.b"),
            runs.join("../runs/.."),
            runs.join("a".repeat(65)),
            runs.clone(),
        ] {
            let error = open(elsewhere).unwrap_err();
            assert!(error.message.ends_with("cannot be the folder of a run"), "{error}");
        }
    }

    #[test]
    fn a_folder_belongs_to_its_run_until_that_ends_or_dies() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let now = jiff::Timestamp::UNIX_EPOCH;
        let run = store.new_run(&now).unwrap();
        let path = run.path.clone();
        assert!(DeadRun::take(&path).is_none(), "it lives");
        // A process that dies lets go of its lock without removing anything.
        drop(run);
        let dead = DeadRun::take(&path).unwrap();
        assert!(DeadRun::take(&path).is_none(), "one sweeps");
        assert!(dead.was_of(std::process::id()));
        fs::create_dir_all(path.join(SCRATCH)).unwrap();
        dead.sweep();
        assert!(!path.join(SCRATCH).exists() && DeadRun::take(&path).is_none());
        let ended = store.new_run(&now).unwrap();
        let path = ended.path.clone();
        ended.end();
        assert!(DeadRun::take(&path).is_none());
    }

    #[test]
    fn a_sweep_of_the_cache_needs_the_folder_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Store::open(folder.path()).unwrap();
        assert_eq!(first.alone(|| 1), Some(1));
        let second = Store::open(folder.path()).unwrap();
        assert_eq!(first.alone(|| 1), None);
        assert!(Store::open_exclusive(folder.path()).is_err(), "both hold their share again");
        drop((first, second));
        assert!(Store::open_exclusive(folder.path()).is_ok());
    }
}
