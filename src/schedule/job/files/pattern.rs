//! Patterns of paths.

use glob::MatchOptions;

use crate::schedule::job::inside::{self, Refused};

/// A `*` stays within a name, and a name that begins with a full stop is only found by a pattern that does.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// A checked pattern of paths below the served folder: `*` and `?` within a name, `[abc]`, `**` for any folders.
///
/// A path without any of these is a file, or a folder with everything below it. Names that begin with a full stop are hidden from
/// wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

/// A name of the pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// This one.
    Name(String),
    /// All that fit.
    Wild(glob::Pattern),
    /// Any number of folders.
    Folders,
}

impl Part {
    /// Whether a name fits.
    pub(super) fn fits(&self, name: &str) -> bool {
        match self {
            Self::Name(wanted) => wanted == name,
            Self::Wild(pattern) => pattern.matches_with(name, OPTIONS),
            Self::Folders => !name.starts_with('.'),
        }
    }
}

impl Pattern {
    /// Checks a pattern.
    pub(in crate::schedule::job) fn new(text: &str) -> Result<Self, Refused> {
        let mut parts = Vec::new();
        for name in inside::names(text)? {
            let part = match name {
                "**" => Part::Folders,
                _ if name.contains(['*', '?', '[']) => {
                    let pattern = glob::Pattern::new(name);
                    Part::Wild(
                        pattern.map_err(|error| Refused { why: format!("`{name}`: {}", error.msg), help: None })?,
                    )
                }
                _ => Part::Name(name.to_owned()),
            };
            if !(part == Part::Folders && parts.last() == Some(&Part::Folders)) {
                parts.push(part);
            }
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether it names one path: no wildcards.
    pub fn is_plain(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Name(_)))
    }
}
