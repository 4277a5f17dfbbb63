//! A saved linkage: what is compared, what was learned about it, and the blocking rules.
//!
//! A folder with two files: `linkage.json`, and `entities.parquet` with the rows that are known, as far as they are compared.
//! Frequencies of terms are no part of it: they are those of the rows that are linked.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Class, Diagnostic};
use crate::engine::Written;
use crate::similarity::linkage::comparison::Comparison;
use crate::similarity::linkage::estimate::Parameters;
use crate::staging;

/// The layout of the file; raised when it changes.
const FORMAT: u32 = 1;
const FILE: &str = "linkage.json";

/// What `linkage.json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Linkage {
    format: u32,
    created_by: String,
    /// The stage that learned it.
    name: String,
    /// Records from which it was learned.
    records: u64,
    /// The column with the entity in the table of known rows.
    pub(super) column: String,
    pub(super) comparisons: Vec<Comparison>,
    pub(super) parameters: Parameters,
    /// Blocking rules as lists of columns and SQL expressions.
    pub(super) rules: Vec<Vec<String>>,
}

impl Linkage {
    /// What a stage learned.
    pub(super) fn new(
        name: &str,
        records: u64,
        column: String,
        comparisons: Vec<Comparison>,
        parameters: Parameters,
        rules: Vec<Vec<String>>,
    ) -> Self {
        let created_by = concat!("gristmill ", env!("CARGO_PKG_VERSION")).to_owned();
        Self { format: FORMAT, created_by, name: name.to_owned(), records, column, comparisons, parameters, rules }
    }

    /// Reads a saved linkage; also a short name for its content.
    ///
    /// Errors: of class [`Class::Data`] when there is none, or a damaged or newer one.
    pub(super) fn read(folder: &Path) -> Result<(Self, String), Diagnostic> {
        let path = folder.join(FILE);
        let text = std::fs::read(&path).map_err(|error| {
            let message = match error.kind() {
                std::io::ErrorKind::NotFound => {
                    format!("`{}` is no saved linkage: it has no `{FILE}`", folder.display())
                }
                _ => format!("cannot read `{}`: {}", path.display(), staging::reason(&error)),
            };
            Diagnostic::error(Class::Data, message).help("`link: {save: out/linkage}` saves one")
        })?;
        let damaged = |reason: String| {
            Diagnostic::error(Class::Data, format!("`{}` is damaged: {reason}", path.display()))
                .help("save the linkage again")
        };
        let linkage: Self = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if linkage.format != FORMAT {
            let message = format!(
                "the linkage in `{}` has format {}, this gristmill reads {FORMAT}",
                folder.display(),
                linkage.format
            );
            return Err(Diagnostic::error(Class::Data, message).help("learn it again with this gristmill"));
        }
        let fits = linkage.comparisons.len() == linkage.parameters.comparisons.len()
            && linkage
                .comparisons
                .iter()
                .zip(&linkage.parameters.comparisons)
                .all(|(comparison, one)| one.m.len() == comparison.len() && one.u.len() == comparison.len())
            && linkage.parameters.lambda > 0.0
            && linkage.parameters.lambda < 1.0
            && !linkage.rules.is_empty();
        if !fits {
            return Err(damaged("its levels and its probabilities do not fit together".to_owned()));
        }
        let fingerprint = blake3::hash(&text).to_hex().chars().take(32).collect();
        Ok((linkage, fingerprint))
    }

    /// Writes the folder; the file appears complete or not at all.
    pub(super) fn save(&self, folder: &Path) -> Result<Written, Diagnostic> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Diagnostic::error(Class::Stage, format!("cannot store the linkage: {error}")))?;
        let path = folder.join(FILE);
        staging::write_atomically(&path, &text).map_err(|error| staging::failure("cannot write", &path, &error))?;
        Ok(Written { rows: 0, files: vec![(path, text.len() as u64)] })
    }
}

/// Whether a folder holds a saved linkage, so that other stages can say what it is.
pub(in crate::stages) fn is_linkage(folder: &Path) -> bool {
    folder.join(FILE).is_file()
}

/// Refuses a place where no linkage can be saved: a file, or a folder of something else.
pub(super) fn check_target(folder: &Path) -> Result<(), Diagnostic> {
    let refuse = |message: String| Err(Diagnostic::error(Class::Output, message).help("choose another folder"));
    if folder.is_file() {
        return refuse(format!("`{}` is a file, but a linkage is a folder", folder.display()));
    }
    let is_empty = || std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    if folder.is_dir() && !is_linkage(folder) && !is_empty() {
        return refuse(format!("`{}` is there already and is no linkage", folder.display()));
    }
    Ok(())
}
