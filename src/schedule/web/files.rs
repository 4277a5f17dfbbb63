//! Files of a run's folder: opened below it, without following a link anywhere on the way.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path};

use axum::body::{Body, Bytes};
use rustix::fs::{CWD, Mode, OFlags};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// Opens a regular file below `root` for reading. Each step of the way is opened from the one before, and a link is refused
/// wherever it stands: so whoever may write in a run's folder cannot have another file shown.
///
/// Errors: `file` is no plain way down (`..`, `/`, none); a step is missing, is a link or no folder; the last one is no regular file.
pub(crate) fn open_below(root: &Path, file: &Path) -> io::Result<File> {
    let strange = || io::Error::new(io::ErrorKind::InvalidInput, "this is no way down from the folder");
    let steps = file.components().map(|step| match step {
        Component::Normal(name) if !name.is_empty() => Ok(name),
        _ => Err(strange()),
    });
    let steps = steps.collect::<io::Result<Vec<_>>>()?;
    let (last, folders) = steps.split_last().ok_or_else(strange)?;
    let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = rustix::fs::openat(CWD, root, folder, Mode::empty())?;
    for name in folders {
        at = rustix::fs::openat(&at, *name, folder | OFlags::NOFOLLOW, Mode::empty())?;
    }
    // Not blocking: a pipe of that name would hold the thread for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(&at, *last, flags, Mode::empty())?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no regular file")),
    }
}

/// A file as a body: read piece by piece as the client takes it, by a thread that holds a place. `most` bytes are sent at most.
pub(crate) fn body(file: File, most: u64, place: OwnedSemaphorePermit) -> Body {
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(2);
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let mut file = file.take(most);
        loop {
            let mut chunk = vec![0; CHUNK];
            let piece = match file.read(&mut chunk) {
                Ok(0) => return,
                Ok(count) => {
                    chunk.truncate(count);
                    Ok(Bytes::from(chunk))
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let failed = piece.is_err();
            // The client went away, or hears of the error and nothing after it.
            if sender.blocking_send(piece).is_err() || failed {
                return;
            }
        }
    });
    Body::from_stream(ReceiverStream::new(receiver))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::write(root.join("secret"), "secret").unwrap();
        std::fs::create_dir_all(root.join("run/sub")).unwrap();
        std::fs::write(root.join("run/report.html"), "report").unwrap();
        std::fs::write(root.join("run/sub/log"), "log").unwrap();
        symlink("../secret", root.join("run/link")).unwrap();
        symlink(root.join("secret"), root.join("run/absolute")).unwrap();
        symlink("..", root.join("run/up")).unwrap();
        symlink("report.html", root.join("run/inside")).unwrap();
        folder
    }

    #[test]
    fn files_below_the_folder_are_opened() {
        let folder = folder();
        for (file, content) in [("report.html", "report"), ("sub/log", "log")] {
            let mut text = String::new();
            open_below(&folder.path().join("run"), Path::new(file)).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, content);
        }
    }

    #[test]
    fn links_ways_up_absolute_paths_and_folders_are_refused() {
        let folder = folder();
        let root = folder.path().join("run");
        let absolute = folder.path().join("secret");
        let ways = [
            "link",
            "absolute",
            "up/secret",
            "inside",
            "../secret",
            "sub/../../secret",
            "/etc/passwd",
            "",
            "sub",
            "none",
            "report.html/x",
        ];
        for way in ways.iter().map(Path::new).chain([absolute.as_path()]) {
            assert!(open_below(&root, way).is_err(), "{}", way.display());
        }
    }
}
