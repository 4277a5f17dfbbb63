//! The section of one stage.

use std::collections::HashSet;

use maud::{Markup, html};

use super::budget::Budget;
use super::document::{Document, LONGEST_NAME, family};
use super::table::cut;
use super::{exhibit, format, ledger, listing, options, problems, text, timeline};
use crate::expression::{Field, Schema};
use crate::run::manifest::{StageRecord, StageStatus};

/// The most columns of a schema.
const MOST_COLUMNS: usize = 200;
/// Tables wider than this are not compared column by column.
const COMPARED_COLUMNS: usize = 2_000;
/// The most files that a stage read.
const MOST_FILES: usize = 50;
/// Digits of a fingerprint that are enough to tell two of them apart.
const SHORT_FINGERPRINT: usize = 8;
/// The most inputs that are named.
const MOST_INPUTS: usize = 20;

/// The section of the stage at a position; `None` when there is no space left for it.
pub(super) fn section(document: &Document<'_>, at: usize, stage: &StageRecord, budget: &mut Budget) -> Option<Markup> {
    let head = budget.take("sections of stages", html! { (head(document, at, stage)) (ledger_and_error(stage)) })?;
    let details = budget.take("details of stages", details(document, stage)).unwrap_or_default();
    let exhibits = exhibit::exhibits(&stage.exhibits, &stage.id, document.previous.as_ref(), budget);
    let quiet = matches!(stage.status, StageStatus::Skipped | StageStatus::Waiting);
    Some(html! {
        section.stage.quiet-stage[quiet] id=(document.anchor(at)) aria-labelledby={ (document.anchor(at)) "-name" } {
            (head) (exhibits) (details)
        }
    })
}

fn head(document: &Document<'_>, at: usize, stage: &StageRecord) -> Markup {
    html! {
        header {
            h3 id={ (document.anchor(at)) "-name" } {
                span class={ "dot " (family(stage.family)) } {}
                @if stage.kind != stage.id { span.kind { (text::line(&stage.kind, 60)) } " " }
                span.name { (text::line(&stage.id, LONGEST_NAME)) }
            }
            p.facts {
                @if stage.status != StageStatus::Done { (timeline::badge(stage.status)) }
                @if let Some(time) = timeline::time(stage) { span { (time) } }
                (place(document, stage))
                @if !stage.fingerprint.is_empty() {
                    span.path title={ "fingerprint " (text::line(&stage.fingerprint, 64)) } {
                        (stage.fingerprint.chars().take(SHORT_FINGERPRINT).collect::<String>())
                    }
                }
            }
        }
        @if let Some(description) = &stage.description { p.description { (text::line(description, 2_000)) } }
    }
}

fn place(document: &Document<'_>, stage: &StageRecord) -> Markup {
    html! {
        @if stage.line > 0 {
            @if stage.line <= listing::shown(&document.record.text) {
                a.quiet href={ "#" (listing::anchor(stage.line)) } { "line " (stage.line) }
            } @else {
                span { "line " (stage.line) }
            }
        }
        @if !stage.inputs.is_empty() {
            span {
                "from "
                @for (at, id) in stage.inputs.iter().take(MOST_INPUTS).enumerate() { @if at > 0 { ", " } (document.link(id)) }
                @if stage.inputs.len() > MOST_INPUTS { " and " (format::count(stage.inputs.len() - MOST_INPUTS)) " more" }
            }
        }
    }
}

fn ledger_and_error(stage: &StageRecord) -> Markup {
    html! {
        @if let Some(error) = &stage.error { div.problem.bad { (problems::error(error)) } }
        @if let Some(entry) = &stage.ledger { (ledger::line(entry)) }
    }
}

/// What is there for those who want to know: columns, options, files. Closed at first.
fn details(document: &Document<'_>, stage: &StageRecord) -> Markup {
    let written = options::options(&stage.options);
    let has_options = !(stage.options.is_null() || stage.options.as_object().is_some_and(serde_json::Map::is_empty));
    html! {
        div.more {
            @if let Some(schema) = &stage.schema { (columns(document, stage, schema)) }
            @if has_options {
                details { summary { "Options" } pre.options tabindex="0" { code { (written) } } }
            }
            @if !stage.files.is_empty() {
                details {
                    summary {
                        @if stage.files.len() == 1 { "1 file read" } @else { (format::count(stage.files.len())) " files read" }
                    }
                    ul.files {
                        @for (path, state) in stage.files.iter().take(MOST_FILES) {
                            li { span.path { (text::line(path, 300)) } " " span.quiet { (text::line(state, 100)) } }
                        }
                    }
                    (cut(MOST_FILES, stage.files.len(), "files"))
                }
            }
        }
    }
}

fn columns(document: &Document<'_>, stage: &StageRecord, schema: &Schema) -> Markup {
    let known = known_columns(document, stage, schema);
    let is_new =
        |field: &Field| known.as_ref().is_some_and(|known| !known.contains(&(field.name.as_str(), &field.data_type)));
    let new = schema.fields().iter().filter(|field| is_new(field)).count();
    html! {
        details {
            summary {
                @if schema.len() == 1 { "1 column" } @else { (format::count(schema.len())) " columns" }
                @if new > 0 { span.quiet { ", " (format::count(new)) " new or changed" } }
            }
            ul.schema {
                @for field in schema.fields().iter().take(MOST_COLUMNS) {
                    li.new[is_new(field)] {
                        span.id { (text::line(&field.name, LONGEST_NAME)) } " "
                        span.type { (text::line(&field.data_type.to_string(), LONGEST_NAME)) }
                        @if is_new(field) { " " span.mark { "new" } }
                    }
                }
            }
            (cut(MOST_COLUMNS, schema.len(), "columns"))
        }
    }
}

/// The columns of the inputs; none when there are no tables to compare with, or very wide ones.
fn known_columns<'a>(
    document: &Document<'a>,
    stage: &StageRecord,
    schema: &Schema,
) -> Option<HashSet<(&'a str, &'a crate::expression::DataType)>> {
    let inputs =
        stage.inputs.iter().take(MOST_INPUTS).filter_map(|id| document.stage(document.position(id)?)?.schema.as_ref());
    let inputs: Vec<&Schema> = inputs.collect();
    let widest = inputs.iter().map(|input| input.len()).max()?;
    if widest.max(schema.len()) > COMPARED_COLUMNS {
        return None;
    }
    Some(
        inputs
            .into_iter()
            .flat_map(|input| input.fields())
            .map(|field| (field.name.as_str(), &field.data_type))
            .collect(),
    )
}
