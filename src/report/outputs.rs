//! The files that the run wrote.

use maud::{Markup, html};

use super::document::Document;
use super::table::{cut, or_nothing};
use super::{format, text};
use crate::run::manifest::{Output, RunRecord};

/// The most files that are named.
const MOST_FILES: usize = 200;

/// Files with the stage that wrote each.
pub(super) fn written(record: &RunRecord) -> impl Iterator<Item = (&str, &Output)> {
    record.stages.iter().flat_map(|stage| stage.outputs.iter().map(move |output| (stage.id.as_str(), output)))
}

/// The table of files; nothing when there is none.
pub(super) fn outputs(document: &Document<'_>) -> Option<Markup> {
    let count = written(document.record).count();
    let bytes = written(document.record).map(|(_, output)| output.bytes).fold(0, u64::saturating_add);
    (count > 0).then(|| {
        html! {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "File" }
                    th scope="col" { "Written by" }
                    th.n scope="col" { "Rows" }
                    th.n scope="col" { "Size" }
                } }
                tbody {
                    @for (stage, output) in written(document.record).take(MOST_FILES) {
                        tr {
                            th scope="row" { span.path { (text::line(&output.path.to_string_lossy(), 300)) } }
                            td { (document.link(stage)) }
                            td.n { (or_nothing(output.rows.map(format::rows))) }
                            td.n { (format::size(output.bytes)) }
                        }
                    }
                }
                @if count > 1 {
                    tfoot { tr { th scope="row" colspan="3" { (format::count(count)) " files" } td.n { (format::size(bytes)) } } }
                }
            } }
            (cut(MOST_FILES, count, "files"))
        }
    })
}
