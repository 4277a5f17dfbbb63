//! Where the columns of the final tables come from.

use std::collections::HashSet;

use maud::{Markup, html};

use super::document::{Document, LONGEST_NAME};
use super::table::cut;
use super::{format, text};
use crate::relation::Lineage;
use crate::run::manifest::StageRecord;

/// The most tables.
const MOST_TABLES: usize = 12;
/// The most columns of a table.
const MOST_COLUMNS: usize = 200;
/// The most origins or stages of a column.
const MOST_NAMES: usize = 12;

/// The tables that no other table is made of, each with its columns; nothing when no lineage is known.
pub(super) fn lineage(document: &Document<'_>) -> Option<Markup> {
    let stages = &document.record.stages;
    let read: HashSet<&str> = stages
        .iter()
        .filter(|stage| !stage.lineage.is_empty())
        .flat_map(|stage| stage.inputs.iter().map(String::as_str))
        .collect();
    let last: Vec<&StageRecord> =
        stages.iter().filter(|stage| !stage.lineage.is_empty() && !read.contains(stage.id.as_str())).collect();
    (!last.is_empty()).then(|| {
        html! {
            p.lead {
                "For each column of a final table: the columns of files that its values come from, and the stages that made "
                "or changed it."
            }
            @for stage in last.iter().take(MOST_TABLES) { (table(document, stage)) }
            (cut(MOST_TABLES, last.len(), "tables"))
        }
    })
}

fn table(document: &Document<'_>, stage: &StageRecord) -> Markup {
    let in_all = stage.schema.as_ref().map_or(stage.lineage.len(), crate::expression::Schema::len);
    let shown = stage.lineage.len().min(MOST_COLUMNS);
    html! {
        details.open-in-print {
            summary { span.id { (text::line(&stage.id, LONGEST_NAME)) } ", " (format::count(in_all)) " columns" }
            div.scroll { table.lineage {
                thead { tr { th scope="col" { "Column" } th scope="col" { "Comes from" } th scope="col" { "Through" } } }
                tbody {
                    @for (column, lineage) in in_order(stage).take(MOST_COLUMNS) {
                        tr {
                            th scope="row" { (text::line(column, LONGEST_NAME)) }
                            td { (origins(lineage)) }
                            td { (through(document, lineage)) }
                        }
                    }
                }
            } }
            (cut(shown, in_all, "columns"))
        }
    }
}

/// Columns in the order of the table, as far as it is known.
fn in_order(stage: &StageRecord) -> impl Iterator<Item = (&str, &Lineage)> {
    let of_schema = stage.schema.iter().flat_map(|schema| schema.names().take(10 * MOST_COLUMNS));
    let known: Vec<(&str, &Lineage)> = of_schema.filter_map(|name| Some((name, stage.lineage.get(name)?))).collect();
    let complete = known.len() >= stage.lineage.len().min(MOST_COLUMNS);
    let by_name = stage.lineage.iter().map(|(name, lineage)| (name.as_str(), lineage));
    if complete { known } else { by_name.collect() }.into_iter()
}

fn origins(lineage: &Lineage) -> Markup {
    html! {
        @if lineage.origins.is_empty() {
            span.quiet { "no column: a constant or a count" }
        }
        @for (at, (file, column)) in lineage.origins.iter().take(MOST_NAMES).enumerate() {
            @if at > 0 { br; }
            span.id { (text::line(column, LONGEST_NAME)) } span.quiet { " of " (text::line(file, LONGEST_NAME)) }
        }
        (more(lineage.origins.len()))
    }
}

fn through(document: &Document<'_>, lineage: &Lineage) -> Markup {
    html! {
        @for (at, stage) in lineage.stages.iter().take(MOST_NAMES).enumerate() {
            @if at > 0 { span.quiet { " → " } }
            (document.link(stage))
        }
        (more(lineage.stages.len()))
    }
}

fn more(number: usize) -> Markup {
    html! { @if number > MOST_NAMES { span.quiet { " and " (format::count(number - MOST_NAMES)) " more" } } }
}
