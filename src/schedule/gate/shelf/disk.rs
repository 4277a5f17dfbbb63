//! Every change on disk, so that tests can let each of them fail.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::OFlags;

/// Bytes of a file that are there when its copy fails in a test.
#[cfg(test)]
const HALF: u64 = 3;

/// The operations. Without a fault on order each is the system's.
#[derive(Debug, Default)]
pub(super) struct Disk {
    #[cfg(test)]
    pub(super) faults: faults::Faults,
}

impl Disk {
    /// Passes one operation; an error when a test ordered one here.
    #[cfg(test)]
    fn step(&self) -> io::Result<()> {
        self.faults.step()
    }

    #[cfg(not(test))]
    fn step(&self) -> io::Result<()> {
        Ok(())
    }

    /// Makes a folder and those above it.
    pub(super) fn make_folders(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        fs::create_dir_all(path)
    }

    /// Makes one folder that is not there yet.
    pub(super) fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        fs::create_dir(path)
    }

    /// Copies a file that is no link to a place where there is none, and syncs it. Gives the bytes. The system copies by reference
    /// where the file system can; never a hard link, because later runs may write into the source.
    pub(super) fn copy(&self, from: &Path, to: &Path) -> io::Result<u64> {
        let mut source = open(from)?;
        if !source.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file any more"));
        }
        #[cfg(test)]
        let fault = self.step();
        let mut target = OpenOptions::new().write(true).create_new(true).open(to)?;
        #[cfg(test)]
        if fault.is_err() {
            // A disk that fills up leaves a part of the file.
            io::copy(&mut io::Read::take(&mut source, HALF), &mut target)?;
            return fault.map(|()| 0);
        }
        let bytes = io::copy(&mut source, &mut target)?;
        target.flush()?;
        self.step()?;
        synced(&target)?;
        target.set_permissions(fs::Permissions::from_mode(0o644))?;
        Ok(bytes)
    }

    /// Syncs a folder, so that what was named in it stays.
    pub(super) fn sync(&self, folder: &Path) -> io::Result<()> {
        self.step()?;
        synced(&File::open(folder)?)
    }

    /// Renames a file, folder or link; a link there is replaced in the same step.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        fs::rename(from, to)
    }

    /// Makes a link.
    pub(super) fn link(&self, to: &Path, at: &Path) -> io::Result<()> {
        self.step()?;
        symlink(to, at)
    }

    /// Removes a file or a link.
    pub(super) fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        fs::remove_file(path)
    }

    /// Removes a folder with everything in it; links in it are removed, not followed.
    pub(super) fn remove_all(&self, path: &Path) -> io::Result<()> {
        #[cfg(test)]
        if let Err(fault) = self.step() {
            // Something was removed already.
            if let Some(entry) = fs::read_dir(path)?.flatten().next() {
                let path = entry.path();
                let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            }
            return Err(fault);
        }
        fs::remove_dir_all(path)
    }
}

/// Brings a file or folder to the disk. Not in tests: they take no power away, and are a hundred times faster without.
fn synced(file: &File) -> io::Result<()> {
    if cfg!(test) { Ok(()) } else { file.sync_all() }
}

/// Opens a file that is no link, without waiting for anything that is no file.
fn open(path: &Path) -> io::Result<File> {
    #[expect(clippy::cast_possible_wrap, reason = "flags of the system")]
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(test)]
pub(super) mod faults {
    //! The n-th operation fails.

    use std::io;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

    #[derive(Debug, Default)]
    pub(in super::super) struct Faults {
        at: AtomicU64,
        passed: AtomicU64,
        lasting: AtomicBool,
        full: AtomicBool,
    }

    impl Faults {
        /// Lets the n-th operation from now fail (from 1); with `lasting` all after it too, as in a crash.
        pub(in super::super) fn fail_at(&self, n: u64, lasting: bool, full: bool) {
            self.passed.store(0, Relaxed);
            self.at.store(n, Relaxed);
            self.lasting.store(lasting, Relaxed);
            self.full.store(full, Relaxed);
        }

        /// Ends the faults; whether one has happened.
        pub(in super::super) fn end(&self) -> bool {
            let at = self.at.swap(0, Relaxed);
            at > 0 && self.passed.load(Relaxed) >= at
        }

        pub(super) fn step(&self) -> io::Result<()> {
            let at = self.at.load(Relaxed);
            if at == 0 {
                return Ok(());
            }
            let number = self.passed.fetch_add(1, Relaxed) + 1;
            if number == at || (self.lasting.load(Relaxed) && number > at) {
                let kind = if self.full.load(Relaxed) { io::ErrorKind::StorageFull } else { io::ErrorKind::Other };
                return Err(io::Error::new(kind, "a fault on order"));
            }
            Ok(())
        }
    }
}
