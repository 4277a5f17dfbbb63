//! Paths in job files: below the served folder, however they are written and wherever links lead.
//!
//! A path is looked at twice: as a text when the file is read, and on the disk, with every link resolved, when the file is read and
//! again right before a run starts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, nearest};
use crate::staging;

/// The folder of the server's own files.
pub(super) const STATE: &str = ".gristmill";

/// The longest path in bytes.
const LONGEST: usize = 1024;
/// The longest name of a file or folder in bytes, as file systems have it.
const LONGEST_NAME: usize = 255;
/// The most folders in a path.
const DEEPEST: usize = 32;

/// The most characters of a path that a message shows.
const LONGEST_SHOWN: usize = 80;
/// What to do about most that is refused.
const ADVICE: &str =
    "write a path from the served folder down, with `/` between folders, such as `pipelines/load.yaml`";

/// Why a path is refused, and what to do where that is not the general advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) why: String,
    pub(super) help: Option<String>,
}

impl Refused {
    fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), help: None }
    }

    /// The finding about a path that was written so.
    pub(super) fn diagnostic(self, text: &str) -> Diagnostic {
        let shown: String =
            text.chars().map(|c| if is_unseen(c) { '\u{FFFD}' } else { c }).take(LONGEST_SHOWN).collect();
        let found = Diagnostic::definition(format!("`{shown}` cannot be taken: {}", self.why));
        found.help(self.help.unwrap_or_else(|| ADVICE.to_owned()))
    }
}

/// The names in a path, from the served folder down, without `.`; a `/` at the end is left out.
///
/// What has a meaning beyond names on any system is refused, though this one might take it for a name: a job file means the same
/// everywhere.
pub(super) fn names(text: &str) -> Result<Vec<&str>, Refused> {
    whole(text)?;
    let mut names = Vec::new();
    for name in text.strip_suffix('/').unwrap_or(text).split('/') {
        match name {
            "." => continue,
            "" => return Err(Refused::new("a name between two `/` is missing")),
            ".." => return Err(Refused::new("`..` leads upwards")),
            _ => {}
        }
        if name.ends_with('.') || name.ends_with(' ') || name.starts_with(' ') {
            return Err(Refused::new(format!(
                "the name `{name}` has a full stop or space at its edge, which some systems leave out"
            )));
        }
        if name.len() > LONGEST_NAME {
            return Err(Refused::new(format!("a name in it is longer than {LONGEST_NAME} bytes")));
        }
        names.push(name);
    }
    match names.first() {
        None => Err(Refused::new("it is the served folder itself")),
        Some(first) if first.eq_ignore_ascii_case(STATE) => {
            Err(Refused::new(format!("`{STATE}` holds the server's own files")))
        }
        Some(_) if names.len() > DEEPEST => Err(Refused::new(format!("it is deeper than {DEEPEST} folders"))),
        Some(_) => Ok(names),
    }
}

/// What can be told of a path without taking it apart.
fn whole(text: &str) -> Result<(), Refused> {
    let lower = text.to_ascii_lowercase();
    let encoded = ["%2e", "%2f", "%5c", "%00", "%25"].into_iter().find(|code| lower.contains(code));
    let mut letters = text.chars();
    let drive = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic()) && letters.next() == Some(':');
    let why = match text {
        "" => "it is empty".to_owned(),
        _ if text.chars().any(is_unseen) => "it holds a character that is not seen".to_owned(),
        _ if text.contains("${") => "references are for `parameters` only".to_owned(),
        _ if text.contains('\\') => "folders are parted by `/`, not by a backslash".to_owned(),
        _ if text.contains("://") => "it is an address, not a path".to_owned(),
        _ if text.starts_with('/') => "it is absolute".to_owned(),
        _ if text.starts_with('~') => "`~` does not stand for a folder here".to_owned(),
        _ if drive => "it begins with a drive".to_owned(),
        _ if text.len() > LONGEST => format!("it is longer than {LONGEST} bytes"),
        _ => match encoded {
            Some(code) => format!("`{code}` is not decoded; write the character itself"),
            None => return Ok(()),
        },
    };
    Err(Refused::new(why))
}

/// Control characters, and those that change how a text looks without being seen.
pub(super) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// The file or folder with every link resolved, if it is inside the served folder and not the server's own.
pub(super) fn resolve(base: &Path, names: &[&str]) -> Result<PathBuf, Refused> {
    let base = fs::canonicalize(base)
        .map_err(|error| Refused::new(format!("the served folder: {}", staging::reason(&error))))?;
    let path: PathBuf = names.iter().fold(base.clone(), |path, name| path.join(name));
    let real = fs::canonicalize(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let help = neighbour(&base, &path).map(|near| format!("did you mean `{near}`?"));
            Refused { why: "there is no such file".to_owned(), help }
        }
        _ => Refused::new(staging::reason(&error)),
    })?;
    is_inside(&base, &real).then_some(real).ok_or_else(|| Refused::new("a link leads out of the served folder"))
}

/// As [`resolve`], for what must be a file.
pub(super) fn file(base: &Path, names: &[&str]) -> Result<PathBuf, Refused> {
    let real = resolve(base, names)?;
    match fs::metadata(&real) {
        Ok(about) if about.is_file() => Ok(real),
        Ok(about) if about.is_dir() => Err(Refused::new("it is a folder")),
        Ok(_) => Err(Refused::new("it is no ordinary file")),
        Err(error) => Err(Refused::new(staging::reason(&error))),
    }
}

/// Whether a resolved path is below the resolved served folder and not the server's own.
pub(super) fn is_inside(base: &Path, real: &Path) -> bool {
    let state = |below: &Path| below.iter().next().is_some_and(|first| first.eq_ignore_ascii_case(STATE));
    real.strip_prefix(base).is_ok_and(|below| !state(below))
}

/// The file beside a missing one whose name is nearest, below the served folder.
fn neighbour(base: &Path, path: &Path) -> Option<String> {
    const MOST: usize = 1000;
    let wanted = path.file_name()?.to_str()?;
    let folder = fs::canonicalize(path.parent()?).ok().filter(|folder| is_inside(base, folder))?;
    let entries = fs::read_dir(&folder).ok()?.take(MOST).flatten();
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let near = nearest(wanted, names.iter().map(String::as_str))?;
    Some(folder.strip_prefix(base).ok()?.join(near).display().to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
