//! Which job files there are, and what they hold.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{FOLDER, MOST};
use crate::definition::MAX_BYTES;
use crate::diagnostic::{Diagnostic, Place, Source};
use crate::schedule::job::inside;
use crate::staging;

/// A file that was written so long ago is not being written.
const OLD: Duration = Duration::from_secs(2);
/// So many names are looked at.
const MOST_NAMES: usize = 10_000;

/// A file that is there.
#[derive(Debug)]
pub(super) struct Listed {
    /// Its path below the served folder.
    pub(super) path: String,
    /// Where it is, with all links resolved; or why it cannot be read.
    pub(super) real: Result<PathBuf, Diagnostic>,
}

/// The job files by the names of their jobs. Names that begin with a full stop are no job files.
pub(super) fn list(base: &Path) -> Result<BTreeMap<String, Listed>, Diagnostic> {
    let folder = base.join(FOLDER);
    let refused = |error: &io::Error| {
        Diagnostic::definition(format!("cannot read the folder `{FOLDER}`: {}", staging::reason(error)))
    };
    match fs::symlink_metadata(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(refused(&error)),
        Ok(_) => {}
    }
    let real = inside::resolve(base, &[FOLDER]).map_err(|refused| refused.diagnostic(FOLDER))?;
    let mut listed: BTreeMap<String, Listed> = BTreeMap::new();
    for (at, entry) in fs::read_dir(&real).map_err(|error| refused(&error))?.enumerate() {
        let name = entry.map_err(|error| refused(&error))?.file_name();
        let written = name.to_string_lossy().into_owned();
        if at >= MOST_NAMES {
            return Err(too_many(MOST_NAMES, "files"));
        }
        let Some((stem, extension)) = written.rsplit_once('.') else { continue };
        if stem.is_empty()
            || stem.starts_with('.')
            || !["yaml", "yml"].contains(&extension.to_ascii_lowercase().as_str())
        {
            continue;
        }
        let path = format!("{FOLDER}/{written}");
        let found = match listed.get(stem) {
            Some(other) => {
                Listed { real: Err(twice(stem, &path, &other.path)), path: path.clone().min(other.path.clone()) }
            }
            None => {
                let real = inside::file(base, &[FOLDER, &written]);
                Listed { real: real.map_err(|refused| refused.diagnostic(&path).at(&start(&path))), path }
            }
        };
        listed.insert(stem.to_owned(), found);
        if listed.len() > MOST {
            return Err(too_many(MOST, "job files"));
        }
    }
    Ok(listed)
}

fn too_many(most: usize, what: &str) -> Diagnostic {
    let found = Diagnostic::definition(format!("the folder `{FOLDER}` has more than {most} {what}"));
    found.help("serve another folder with some of them")
}

fn twice(name: &str, one: &str, other: &str) -> Diagnostic {
    let (one, other) = if one < other { (one, other) } else { (other, one) };
    let found = Diagnostic::definition(format!("`{one}` and `{other}` are both the job `{name}`"));
    found.at(&start(one)).help("remove or rename one of them")
}

/// The first place of a file whose text is not known.
fn start(path: &str) -> Place {
    Place::new(&Source::new(path, ""), 0..0)
}

/// How a file looks from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    modified: SystemTime,
    inode: u64,
    path: PathBuf,
}

impl Stamp {
    pub(super) fn of(real: &Path) -> Result<Self, Diagnostic> {
        let look = || -> io::Result<Self> {
            let about = fs::metadata(real)?;
            Ok(Self { size: about.len(), modified: about.modified()?, inode: about.ino(), path: real.to_path_buf() })
        };
        look().map_err(|error| unreadable(&real.display().to_string(), &error))
    }

    /// Whether it was written some time ago; not so where the clock says that it will be.
    pub(super) fn is_old(&self, now: SystemTime) -> bool {
        now.duration_since(self.modified).is_ok_and(|age| age > OLD)
    }
}

fn unreadable(path: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::definition(format!("cannot read `{path}`: {}", staging::reason(error))).at(&start(path))
}

/// The text of a file under the name `path`, and its hash. One byte more than the largest file is read, so that the reader of YAML
/// can tell.
pub(super) fn text(real: &Path, path: &str) -> Result<(Arc<Source>, String), Diagnostic> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(real)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| unreadable(path, &error))?;
    let hash = blake3::hash(&bytes).to_hex().to_string();
    match String::from_utf8(bytes) {
        Ok(text) => Ok((Source::new(path, text), hash)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let source = Source::new(path, String::from_utf8_lossy(error.as_bytes()));
            let found = Diagnostic::definition("the file is not UTF-8").at(&Place::new(&source, at..at + 1));
            Err(found.help("save it as UTF-8"))
        }
    }
}
