//! Where the rows went: the waterfall of the main flow, and the ledger of every stage.

use maud::{Markup, html};

use super::document::{Document, LONGEST_NAME};
use super::exhibit::figure;
use super::flow::{Flow, FlowStep};
use super::table::{cut, or_nothing};
use super::{comparison, format, text};
use crate::chart::{Axis, Figure, Mark, Step, Waterfall};
use crate::run::ledger::Entry;
use crate::run::manifest::StageRecord;

/// The most steps of the waterfall; the smallest beyond that are drawn as one.
const MOST_STEPS: usize = 24;
/// The most stages in the table.
const MOST_STAGES: usize = 200;
/// With at most this many stages the table is open at first.
const OPEN_UP_TO: usize = 60;
/// The most changes of one stage.
const MOST_CHANGES: usize = 20;

/// The waterfall and the table below it, open where it is short; nothing when no stage has a ledger.
pub(super) fn ledger(document: &Document<'_>, flow: Option<&Flow<'_>>) -> Option<Markup> {
    table(document).map(|table| {
        html! {
            @if let Some(flow) = flow { (waterfall(document, flow)) }
            details.open-in-print open[document.record.stages.len() <= OPEN_UP_TO] {
                summary { "The ledger of every stage" }
                (table)
            }
        }
    })
}

/// The waterfall; a sentence when every row came through.
fn waterfall(document: &Document<'_>, flow: &Flow<'_>) -> Markup {
    let ends =
        (flow.stages.first().and_then(|&at| document.stage(at)), flow.stages.last().and_then(|&at| document.stage(at)));
    let (Some(first), Some(last)) = ends else { return html! {} };
    if flow.steps.is_empty() {
        return html! {
            p.lead {
                "All " (rows(flow.start)) " rows of " (document.link(&first.id)) " reached " (document.link(&last.id))
                ": none was lost, none was added."
            }
        };
    }
    let steps = steps(&flow.steps).into_iter().map(|(label, rows)| Step::new(label, float(rows))).collect();
    let mark = Waterfall {
        start: Step::new(format!("{}: rows in", name(first)), float(flow.start)),
        steps,
        end: Step::new(format!("{}: rows out", name(last)), float(flow.end)),
    };
    let drawing = Figure {
        subtitle: "Rows on the longest way from a file to a table: what each stage took away or added, and why"
            .to_owned(),
        y: Axis::labelled("Rows"),
        width: 880,
        ..Figure::new(headline(flow, first, last), Mark::Waterfall(mark))
    };
    figure(&drawing)
}

fn headline(flow: &Flow<'_>, first: &StageRecord, last: &StageRecord) -> String {
    let (start, end) = (rows(flow.start), rows(flow.end));
    let (first, last) = (text::line(&first.id, 60), text::line(&last.id, 60));
    if flow.end <= flow.start {
        format!("{end} of {start} rows of {first} reach {last}")
    } else {
        format!("{start} rows of {first} become {end} in {last}")
    }
}

/// Labels and rows; when there are too many, the smallest are put together at the end.
fn steps(steps: &[FlowStep<'_>]) -> Vec<(String, i64)> {
    let mut sizes: Vec<u64> = steps.iter().map(|step| step.rows.unsigned_abs()).collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    let least = if steps.len() > MOST_STEPS { sizes.get(MOST_STEPS - 2).copied().unwrap_or(0) } else { 0 };
    let mut shown = Vec::new();
    let mut others = (0_usize, 0_i64);
    for step in steps {
        let keep = step.rows.unsigned_abs() >= least && shown.len() < MOST_STEPS;
        if keep {
            shown.push((format!("{}: {}", text::line(step.stage, 60), text::line(&step.reason, 80)), step.rows));
        } else {
            others = (others.0 + 1, others.1.saturating_add(step.rows));
        }
    }
    if others.0 > 0 {
        shown.push((format!("{} smaller changes", format::count(others.0)), others.1));
    }
    shown
}

fn name(stage: &StageRecord) -> String {
    text::line(&stage.id, 60)
}

fn rows(number: i64) -> String {
    format::change(number).trim_start_matches('+').to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
fn float(number: i64) -> f64 {
    number as f64
}

/// The ledger of all stages; nothing when no stage has one.
fn table(document: &Document<'_>) -> Option<Markup> {
    let entries = || document.record.stages.iter().filter_map(|stage| Some((stage, stage.ledger.as_ref()?)));
    let count = entries().count();
    let wrong = entries().filter(|(_, entry)| entry.unexplained() != 0).count();
    (count > 0).then(|| {
        html! {
            p.lead {
                @match wrong {
                    0 => { "Every row is accounted for: at each stage, rows in and the changes give the rows out." },
                    1 => { "At " strong.bad-text { "1 stage" } " rows are not accounted for." },
                    _ => { "At " strong.bad-text { (format::count(wrong)) " stages" } " rows are not accounted for." },
                }
            }
            div.scroll tabindex="0" role="region" aria-label="Ledger" { table.ledger {
                thead { tr {
                    th scope="col" { "Stage" }
                    th.n scope="col" { "Rows in" }
                    th.n scope="col" { "Change" }
                    th scope="col" { "Reason" }
                    th.n scope="col" { "Rows out" }
                    @if document.previous.is_some() { th.n scope="col" { "Compared" } }
                    th.tick scope="col" { "Adds up" }
                } }
                @for (stage, entry) in entries().take(MOST_STAGES) { (lines(document, stage, entry)) }
            } }
            (cut(MOST_STAGES, count, "stages"))
        }
    })
}

/// The lines of one stage: one for each change, at least one.
fn lines(document: &Document<'_>, stage: &StageRecord, entry: &Entry) -> Markup {
    let changes = changes(entry);
    let height = changes.len().max(1);
    let before = document.previous.as_ref();
    let inputs = entry.inputs.iter().map(|(_, rows)| *rows).fold(0, u64::saturating_add);
    html! {
        tbody {
            @for at in 0..height {
                tr {
                    @if at == 0 {
                        th scope="rowgroup" rowspan=(height) { (document.link(&stage.id)) }
                        td.n rowspan=(height) { (or_nothing((!entry.inputs.is_empty()).then(|| format::rows(inputs)))) }
                    }
                    @match changes.get(at) {
                        Some(change) => (change),
                        None => { td.n { (or_nothing(None)) } td.reason {} },
                    }
                    @if at == 0 {
                        td.n.strong rowspan=(height) { (format::rows(entry.out)) }
                        @if let Some(before) = before {
                            td.n rowspan=(height) { (comparison::rows(entry.out, before.rows(&stage.id))) }
                        }
                        td.tick rowspan=(height) { (tick(entry)) }
                    }
                }
            }
        }
    }
}

/// The cells of each change, lookups and what has no reason included.
fn changes(entry: &Entry) -> Vec<Markup> {
    let reason = |number: i64, words: Markup| {
        html! { td class={ "n " (direction(number)) } { (format::change(number)) } td.reason { (words) } }
    };
    let mut cells: Vec<Markup> = Vec::new();
    if entry.inputs.len() > 1 {
        let names: Vec<String> = entry
            .inputs
            .iter()
            .take(MOST_CHANGES)
            .map(|(id, rows)| format!("{} {}", format::rows(*rows), text::line(id, LONGEST_NAME)))
            .collect();
        cells.push(html! { td.n {} td.reason.quiet { "together: " (names.join(" + ")) } });
    }
    cells.extend(
        entry
            .changes
            .iter()
            .take(MOST_CHANGES)
            .map(|change| reason(change.rows, html! { (text::line(&change.reason, 200)) })),
    );
    if entry.changes.len() > MOST_CHANGES {
        let rest = entry.changes.iter().skip(MOST_CHANGES);
        let sum = rest.map(|change| change.rows).fold(0, i64::saturating_add);
        cells.push(reason(sum, html! { (format::count(entry.changes.len() - MOST_CHANGES)) " further reasons" }));
    }
    if entry.unexplained() != 0 {
        cells.push(reason(entry.unexplained().saturating_neg(), html! { strong.bad-text { "no reason recorded" } }));
    }
    for (id, rows) in entry.lookups.iter().take(MOST_CHANGES) {
        let name = text::line(id, LONGEST_NAME);
        cells.push(html! { td.n {} td.reason.quiet { "looked up in " (name) " (" (format::rows(*rows)) " rows)" } });
    }
    cells
}

/// The class of a change in the style sheet.
fn direction(rows: i64) -> &'static str {
    if rows < 0 { "fall" } else { "rise" }
}

fn tick(entry: &Entry) -> Markup {
    html! {
        @if entry.unexplained() == 0 {
            span.good-text title="rows in and changes give rows out" { "✓" span.unseen { " adds up" } }
        } @else {
            span.bad-text { "✗" span.unseen { " does not add up" } }
        }
    }
}

/// The ledger of one stage as a line: `336,776 in −9,430 condition null 327,346 out`.
pub(super) fn line(entry: &Entry) -> Markup {
    let inputs = entry.inputs.iter().map(|(_, rows)| *rows).fold(0, u64::saturating_add);
    html! {
        ul.flow aria-label="Rows" {
            @if !entry.inputs.is_empty() { li { b { (format::rows(inputs)) } " in" } }
            @for change in entry.changes.iter().take(MOST_CHANGES) {
                li class=(direction(change.rows)) { b { (format::change(change.rows)) } " " (text::line(&change.reason, 200)) }
            }
            @if entry.changes.len() > MOST_CHANGES { li { (format::count(entry.changes.len() - MOST_CHANGES)) " further reasons" } }
            li.out { b { (format::rows(entry.out)) } " out " (tick(entry)) }
        }
    }
}
