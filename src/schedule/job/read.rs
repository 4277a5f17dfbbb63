//! From the text of a job file to a checked [`Definition`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::check::Check;
use super::written::Written;
use super::{Definition, inside, parameters};
use crate::definition::{self, Entry, Node, Text, Value, decode};
use crate::diagnostic::{Diagnostic, Findings, Place, Severity, Source};

/// The most findings about one file; whoever has that many will look again.
const MOST_FINDINGS: usize = 64;
/// The longest name of a job.
const LONGEST_NAME: usize = 64;

/// Whether a text can name a job: lower-case letters, digits, `_` and `-`, the first a letter or digit, at most 64.
pub fn is_name(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let other = |byte: u8| first(byte) || byte == b'_' || byte == b'-';
    text.len() <= LONGEST_NAME && text.bytes().next().is_some_and(first) && text.bytes().all(other)
}

/// What is said of a text that cannot name a job.
pub(super) const NAMES: &str =
    "a name has lower-case letters, digits, `_` and `-`, begins with a letter or digit, and has at most 64 characters";

/// Reads and checks a job file. `base` is the served folder: the pipeline must be there, inside of it, and have the parameters that
/// are given and the stages that conditions name.
///
/// Errors: everything that is wrong, each at its place, in the order of the file.
pub fn read(name: &str, source: &Arc<Source>, base: &Path) -> Result<Definition, Findings> {
    understand(name, source, Some(base))
}

/// Reads a definition that was good when it was kept: as [`read`], but the pipeline is not looked at ([`Definition::locate`]
/// does before each start). The disk is not touched.
///
/// Errors: as [`read`]; a later program may refuse what an earlier one took.
pub fn recall(name: &str, source: &Arc<Source>) -> Result<Definition, Findings> {
    understand(name, source, None)
}

fn understand(name: &str, source: &Arc<Source>, base: Option<&Path>) -> Result<Definition, Findings> {
    let start = Place::new(source, 0..0);
    let root = definition::read(source)?;
    if !matches!(root.value, Value::Mapping(_)) {
        let (message, place) = match &root.value {
            Value::Null => ("the file is empty".to_owned(), &start),
            _ => (format!("expected a job, found {}", root.describe()), &root.place),
        };
        let help = "a job is a mapping with a `pipeline`, such as `pipeline: pipelines/load.yaml`";
        return Err(vec![Diagnostic::definition(message).at(place).help(help)]);
    }
    let mut check = Check::new(&root);
    if !is_name(name) {
        let found = Diagnostic::definition(format!("`{name}` cannot name a job")).at(&start);
        check.report(found.help(format!("rename the file; {NAMES}")));
    }
    let written = decode::<Written>(&root).map_err(|findings| check.report_all(each_by_itself(&root, findings)));
    let checked = check.all(name, base);
    let (mut findings, written) = (check.into_findings(), written.ok());
    findings.sort_by_key(|finding| finding.place.as_ref().map(|place| place.range().start));
    findings.truncate(MOST_FINDINGS);
    let is_sound = findings.iter().all(|finding| finding.severity == Severity::Warning);
    match (written, checked) {
        (Some(written), Some(checked)) if is_sound => {
            let data = parameters::json(&root);
            Ok(super::definition::assemble(name, written, checked, findings, data, source))
        }
        _ => Err(findings),
    }
}

/// What is wrong with the types of the options, and with those that were not looked at because of others.
fn each_by_itself(root: &Node, mut findings: Findings) -> Findings {
    let Value::Mapping(entries) = &root.value else { return findings };
    for entry in entries.iter().filter(|entry| entry.key != PIPELINE) {
        let pipeline = Entry {
            key: PIPELINE.to_owned(),
            key_place: root.place.clone(),
            value: Node::new(Value::Text(Text::new("", root.place.clone())), root.place.clone()),
        };
        let alone = Node::new(Value::Mapping(vec![pipeline, entry.clone()]), root.place.clone());
        for found in decode::<Written>(&alone).err().unwrap_or_default() {
            if findings.len() >= MOST_FINDINGS {
                return findings;
            }
            if !findings.contains(&found) {
                findings.push(found);
            }
        }
    }
    findings
}

/// The option that every job has.
const PIPELINE: &str = "pipeline";

impl Definition {
    /// The pipeline's file with all links resolved, if it is (still) a file inside the served folder. To be asked right before each
    /// start: links may have changed.
    ///
    /// Errors: it is not, and why.
    pub fn locate(&self, base: &Path) -> Result<PathBuf, Diagnostic> {
        let text = self.pipeline.to_string_lossy();
        inside::names(&text).and_then(|names| inside::file(base, &names)).map_err(|refused| refused.diagnostic(&text))
    }

    /// The zone of the job's dates: that of its schedule, else that of its partitions, else UTC.
    pub fn zone(&self) -> TimeZone {
        let of_partitions = || match &self.partitions {
            Some(super::Partitions::Spans(span)) => span.zone.clone(),
            _ => TimeZone::UTC,
        };
        self.schedule.as_ref().map_or_else(of_partitions, |trigger| trigger.zone().clone())
    }
}
