//! The names of the columns.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::error::{FileError, shown};

/// What happens when two columns have one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// The file is refused.
    #[default]
    Error,
    /// The second column `name` becomes `name_2`, the third `name_3`.
    Rename,
}

/// Makes the names of a header fit for use: blanks around them are cut, empty ones become `column_3`, duplicates are refused or
/// renamed. Returns the names and what was changed, as sentences.
///
/// Errors: a name that occurs twice, with both positions.
///
/// Cost: linear in the number of columns.
pub(super) fn settle_names(
    file: &str,
    written: &[String],
    duplicates: Duplicates,
) -> Result<(Vec<String>, Vec<String>), FileError> {
    let mut changes = Changes::default();
    let mut names: Vec<String> = Vec::with_capacity(written.len());
    for (i, name) in written.iter().enumerate() {
        let trimmed = name.trim();
        if trimmed.is_empty() {
            let made = format!("column_{}", i + 1);
            changes.note(format!("column {} has no name and is called `{made}`", i + 1));
            names.push(made);
        } else {
            if trimmed.len() < name.len() {
                changes.note(format!("blanks around the name `{}` are cut", shown(trimmed)));
            }
            names.push(trimmed.to_owned());
        }
    }
    let mut first: HashMap<String, usize> = HashMap::with_capacity(names.len());
    let mut renamed = Vec::new();
    for (i, name) in names.iter().enumerate() {
        match first.get(name) {
            None => {
                first.insert(name.clone(), i);
            }
            Some(earlier) if duplicates == Duplicates::Error => {
                return Err(FileError::data(format!(
                    "`{file}` has two columns `{}`: column {} and column {}",
                    shown(name),
                    earlier + 1,
                    i + 1
                ))
                .help("rename one in the file, or read with `duplicates: rename`, which calls the second one with `_2` behind its name"));
            }
            Some(_) => renamed.push(i),
        }
    }
    let mut next: HashMap<String, usize> = HashMap::new();
    for i in renamed {
        let Some(name) = names.get(i).cloned() else { continue };
        let number = next.entry(name.clone()).or_insert(2);
        let made = loop {
            let made = format!("{name}_{number}");
            *number += 1;
            if !first.contains_key(&made) {
                break made;
            }
        };
        changes.note(format!("the second `{}`, column {}, is called `{}`", shown(&name), i + 1, shown(&made)));
        first.insert(made.clone(), i);
        if let Some(slot) = names.get_mut(i) {
            *slot = made;
        }
    }
    Ok((names, changes.into_sentences()))
}

/// Keeps the first sentences and counts the others, so that a file of 100,000 odd names does not fill the screen.
#[derive(Default)]
struct Changes {
    sentences: Vec<String>,
    more: usize,
}

impl Changes {
    const SHOWN: usize = 5;

    fn note(&mut self, sentence: String) {
        if self.sentences.len() < Self::SHOWN { self.sentences.push(sentence) } else { self.more += 1 }
    }

    fn into_sentences(mut self) -> Vec<String> {
        if self.more > 0 {
            self.sentences.push(format!("{} more names are changed like this", self.more));
        }
        self.sentences
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn settle(names: &[&str], duplicates: Duplicates) -> Result<(Vec<String>, Vec<String>), FileError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        settle_names("a.csv", &names, duplicates)
    }

    #[test]
    fn a_duplicate_is_refused_with_both_positions() {
        let error = settle(&["id", "name", "id"], Duplicates::Error).unwrap_err();
        assert_eq!(error.message, "`a.csv` has two columns `id`: column 1 and column 3");
        assert!(error.help.unwrap().contains("duplicates: rename"));
    }

    #[test]
    fn renamed_duplicates_never_meet_another_name() {
        let (names, changes) = settle(&["a", "a_2", "a", "a", " a"], Duplicates::Rename).unwrap();
        assert_eq!(names, ["a", "a_2", "a_3", "a_4", "a_5"]);
        assert_eq!(changes.len(), 4);
    }

    #[test]
    fn empty_names_are_numbered_and_blanks_cut() {
        let (names, changes) = settle(&["a ", "", "  "], Duplicates::Error).unwrap();
        assert_eq!(names, ["a", "column_2", "column_3"]);
        assert_eq!(changes.first().unwrap(), "blanks around the name `a` are cut");
    }

    #[test]
    fn a_hundred_thousand_equal_names_are_renamed_at_once() {
        let (names, changes) = settle(&vec!["x"; 100_000], Duplicates::Rename).unwrap();
        assert_eq!(names.last().unwrap(), "x_100000");
        assert_eq!(changes.last().unwrap(), "99994 more names are changed like this");
    }
}
