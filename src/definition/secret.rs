//! Values that must not be shown.

use std::collections::BTreeMap;
use std::fmt;

/// The secrets of a pipeline: what came from the environment, and what was given for a parameter that is a secret.
///
/// ```
/// # use gristmill::definition::Secrets;
/// let mut secrets = Secrets::default();
/// secrets.add("hunter2", Some("PASSWORD"));
/// assert_eq!(secrets.mask("psql://me:hunter2@host"), "psql://me:***@host");
/// ```
#[derive(Clone, Default)]
pub struct Secrets {
    /// The values and the environment variables that they came from.
    values: BTreeMap<String, Option<String>>,
}

impl Secrets {
    /// Remembers a value, and the environment variable that it came from; an empty value has nothing to hide.
    pub fn add(&mut self, value: &str, variable: Option<&str>) {
        if !value.is_empty() {
            self.values.entry(value.into()).or_insert_with(|| variable.map(str::to_owned));
        }
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Replaces every secret value in `text` by `***`; where two begin at one place, the longer. Time: length times secrets.
    pub fn mask(&self, text: &str) -> String {
        self.replace(text, |_, masked| masked.push_str("***"), |first, _, masked| masked.push(first))
    }

    /// Writes `text` so that a pipeline file may hold it: secret values as `${env:NAME}`, or `***` when they have no name, and
    /// `${` as `$${` unless a secret stands there in writing already.
    pub(super) fn write_back(&self, text: &str) -> String {
        let secret = |variable: Option<&str>, written: &mut String| match variable {
            // A `$` in front would turn the reference into an escape.
            Some(name) if !written.ends_with('$') => written.push_str(&format!("${{env:{name}}}")),
            _ => written.push_str("***"),
        };
        self.replace(text, secret, |first, rest, written| {
            let variable = rest.strip_prefix("${env:").and_then(|rest| rest.split_once('}')).map(|(name, _)| name);
            if rest.starts_with("${") && !variable.is_some_and(|name| self.has_variable(name)) {
                written.push('$');
            }
            written.push(first);
        })
    }

    fn has_variable(&self, name: &str) -> bool {
        self.values.values().flatten().any(|variable| variable == name)
    }

    fn replace(
        &self,
        text: &str,
        secret: impl Fn(Option<&str>, &mut String),
        other: impl Fn(char, &str, &mut String),
    ) -> String {
        let mut written = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let found = self.values.iter().filter(|(value, _)| rest.starts_with(value.as_str()));
            let length = match found.max_by_key(|(value, _)| value.len()) {
                Some((value, variable)) => {
                    secret(variable.as_deref(), &mut written);
                    value.len()
                }
                None => {
                    other(first, rest, &mut written);
                    first.len_utf8()
                }
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        written
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_is_masked_and_the_longest_wins() {
        let mut secrets = Secrets::default();
        for value in ["abc", "abcd", "*", ""] {
            secrets.add(value, None);
        }
        assert_eq!(secrets.mask("xabcdabcé*"), "x******é***");
        assert_eq!(format!("{secrets:?}"), "Secrets(3)");
    }

    #[test]
    fn a_text_is_written_back_with_the_names_of_its_secrets() {
        let mut secrets = Secrets::default();
        secrets.add("hunter2", Some("PASSWORD"));
        secrets.add("given", None);
        assert_eq!(secrets.write_back("a hunter2 given ${x}"), "a ${env:PASSWORD} *** $${x}");
        assert_eq!(secrets.write_back("${env:PASSWORD} ${env:OTHER}"), "${env:PASSWORD} $${env:OTHER}");
        assert_eq!(secrets.write_back("$hunter2"), "$***");
    }
}
