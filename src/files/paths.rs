//! From what a person wrote to the files it means.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::error::{FileError, shown};
use crate::diagnostic::nearest;

/// The files that the patterns mean, each once: in the order of the patterns, and within one sorted by name.
///
/// Errors: as [`expand`].
pub fn expand_all(patterns: &[String], base: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut seen = HashSet::new();
    let mut files = Vec::new();
    for pattern in patterns {
        files.extend(expand(pattern, base)?.into_iter().filter(|path| seen.insert(path.clone())));
    }
    Ok(files)
}

/// The files that a path or pattern means, sorted by name. Relative ones start at `base`.
///
/// `*` and `?` stand for any characters of a name, `[a-c]` for one of these, `**` for any number of folders. Hidden files have
/// to be named with their dot. A path that exists as it is written is that file, even if it holds such characters.
///
/// Errors: nothing is there (with the nearest name that is), a folder is meant, the pattern is malformed or means no file.
pub fn expand(pattern: &str, base: &Path) -> Result<Vec<PathBuf>, FileError> {
    if pattern.is_empty() {
        return Err(FileError::definition("the path is empty"));
    }
    let literal = base.join(pattern);
    if literal.is_dir() {
        return Err(FileError::folder(&literal));
    }
    if literal.exists() {
        return Ok(vec![literal]);
    }
    if !pattern.contains(['*', '?', '[']) {
        return Err(missing(&literal));
    }
    let full = if Path::new(pattern).is_absolute() || base.as_os_str().is_empty() {
        pattern.to_owned()
    } else {
        // The folder is taken as it is, whatever characters its name has.
        format!("{}/{pattern}", glob::Pattern::escape(&base.to_string_lossy()))
    };
    let options =
        glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let matches = glob::glob_with(&full, options).map_err(|error| {
        FileError::definition(format!("the pattern `{}` is malformed: {}", shown(pattern), error.msg))
            .help("write `[[]` for a bracket that is part of a name")
    })?;
    let mut files = Vec::new();
    for found in matches {
        let path = found.map_err(|error| FileError::reading(error.path(), error.error()))?;
        if !path.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(no_match(pattern, &literal));
    }
    Ok(files)
}

/// Nothing stands at the path: says how far it exists, and which name is nearest.
fn missing(path: &Path) -> FileError {
    let error = FileError::data(format!("there is no file `{}`", path.display()));
    let mut wanted = path;
    while let (Some(folder), Some(name)) = (wanted.parent(), wanted.file_name()) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if folder.is_dir() {
            let names = names_in(folder);
            return match nearest(&name.to_string_lossy(), names.iter().map(String::as_str)) {
                Some(near) => error.help(format!("did you mean `{}`?", wanted.with_file_name(near).display())),
                None if wanted == path => error,
                None => error.help(format!("there is no folder `{}`", wanted.display())),
            };
        }
        wanted = folder;
    }
    error
}

/// The pattern means no file: says which folder it looked in.
fn no_match(pattern: &str, literal: &Path) -> FileError {
    let error = FileError::data(format!("no file matches `{}`", shown(pattern)));
    let mut folder = literal;
    while let Some(parent) = folder.parent() {
        folder = parent;
        if folder.is_dir() {
            break;
        }
    }
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut names = names_in(place);
    names.sort();
    let some: Vec<_> =
        names.iter().filter(|name| !name.starts_with('.')).take(5).map(|name| format!("`{}`", shown(name))).collect();
    if some.is_empty() {
        error.help(format!("the folder `{}` is empty", place.display()))
    } else {
        error.help(format!("the folder `{}` holds {}", place.display(), some.join(", ")))
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "a\n").unwrap();
        }
        folder
    }

    fn names(pattern: &str, folder: &Path) -> Vec<String> {
        let strip = |path: PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
        expand(pattern, folder).unwrap().into_iter().map(strip).collect()
    }

    #[test]
    fn patterns_mean_their_files_in_order() {
        let folder = folder(&["b.csv", "a.csv", "c.txt", "sub/d.csv", ".hidden.csv"]);
        assert_eq!(names("*.csv", folder.path()), ["a.csv", "b.csv"]);
        assert_eq!(names("**/*.csv", folder.path()), ["a.csv", "b.csv", "sub/d.csv"]);
        assert_eq!(names("[bc].*", folder.path()), ["b.csv", "c.txt"]);
        assert_eq!(names("sub/../a.csv", folder.path()).len(), 1);
        let patterns = ["b.csv".to_owned(), "*.csv".to_owned()];
        let all = expand_all(&patterns, folder.path()).unwrap();
        assert_eq!(all, [folder.path().join("b.csv"), folder.path().join("a.csv")]);
    }

    #[test]
    fn a_path_that_exists_is_no_pattern() {
        let folder = folder(&["x[1].csv", "x1.csv", "odd [dir]/y.csv"]);
        assert_eq!(names("x[1].csv", folder.path()), ["x[1].csv"]);
        let odd = folder.path().join("odd [dir]");
        assert_eq!(expand("*.csv", &odd).unwrap(), [odd.join("y.csv")]);
    }

    #[test]
    fn a_missing_file_has_a_nearest_name() {
        let folder = folder(&["flights.csv", "data/planes.csv"]);
        let error = expand("fligths.csv", folder.path()).unwrap_err();
        assert!(error.message.starts_with("there is no file `") && error.message.ends_with("fligths.csv`"));
        assert!(error.help.unwrap().ends_with("flights.csv`?"));
        let error = expand("dta/planes.csv", folder.path()).unwrap_err();
        assert!(error.help.unwrap().ends_with("/data`?"));
        let error = expand("nothing/like/it.csv", folder.path()).unwrap_err();
        assert!(error.help.unwrap().ends_with("/nothing`"));
    }

    #[test]
    fn folders_and_empty_matches_are_errors_with_advice() {
        let folder = folder(&["data/planes.csv"]);
        assert!(expand("data", folder.path()).unwrap_err().help.unwrap().ends_with("data/*.csv`"));
        let error = expand("data/*.parquet", folder.path()).unwrap_err();
        assert_eq!(error.message, "no file matches `data/*.parquet`");
        assert!(error.help.unwrap().ends_with("holds `planes.csv`"));
        assert!(expand("data/[", folder.path()).unwrap_err().message.contains("malformed"));
        assert!(expand("", folder.path()).is_err());
    }
}
