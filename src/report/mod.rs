//! The report: a finished run as one HTML file that needs nothing else.
//!
//! The file has no script and asks no network; its content security policy allows one style sheet by its hash and nothing that data could bring. All
//! text from data is escaped by `maud`, cut to what can be read and freed of characters that would reorder or break the text around it. Its size is
//! bounded: every part is charged to a [`budget`], and what does not fit is named where a reader sees it.
//!
//! [`page`] puts the parts together; each part of the page has its file. What is computed before it is shown stands apart: the [`flow`] of rows, the
//! layout of the [`graph`], the [`comparison`] with the run before.

mod budget;
mod comparison;
mod document;
mod environment;
mod exhibit;
mod flow;
pub(crate) mod format;
pub(crate) mod graph;
mod ledger;
mod lineage;
mod listing;
mod options;
mod outputs;
mod page;
mod problems;
mod profile;
mod stage;
mod summary;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod timeline;

pub use profile::profile;

use crate::run::manifest::RunRecord;

/// Writes the report of a run, compared with the run before it when there was one.
///
/// The same records give the same text. The text is at most 5 MB; time grows with the record until that is reached.
///
/// Nothing in a record makes it fail: a figure that cannot be drawn becomes a note that says why.
pub fn render(record: &RunRecord, previous: Option<&RunRecord>) -> String {
    page::page(&document::Document::new(record, previous)).into_string()
}
