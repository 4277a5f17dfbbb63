//! The graph of stages as one SVG: a card for each stage, from the files at the top to the results at the bottom.

pub(crate) mod edges;
mod layers;
pub(crate) mod layout;
mod order;
mod position;
pub(crate) mod typesetting;

use maud::{Markup, html};

use self::edges::{coordinate, edge};
use self::layout::Card;
use super::document::{Document, family};
use super::{format, text, timeline};
use crate::run::manifest::{StageRecord, StageStatus};

/// With more stages than this a picture explains nothing.
const MOST_STAGES: usize = 120;
const CORNER: f64 = 7.0;
const PADDING: f64 = 12.0;

/// The graph, or a sentence when there is nothing to draw or too much.
pub(super) fn graph(document: &Document<'_>, main: &[usize]) -> Markup {
    let stages = &document.record.stages;
    if stages.is_empty() {
        return html! { p.quiet { "No stage was planned." } };
    }
    if stages.len() > MOST_STAGES {
        let count = format::count(stages.len());
        return html! { p.quiet { "The graph of " (count) " stages is not drawn; the table below has them in order." } };
    }
    let inputs: Vec<Vec<usize>> =
        stages.iter().map(|stage| stage.inputs.iter().filter_map(|id| document.position(id)).collect()).collect();
    let layout = layout::layout(&inputs, main);
    let (width, height) = (coordinate(layout.width), coordinate(layout.height));
    html! {
        div.scroll.graph-box tabindex="0" role="region" aria-label="Graph of stages" {
            svg.graph viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="group"
                aria-label={ "Graph of " (format::count(stages.len())) " stages" } {
                @for route in &layout.routes { (edge(route)) }
                @for (at, (stage, card)) in stages.iter().zip(&layout.cards).enumerate() { (node(document, at, stage, card)) }
            }
        }
    }
}

fn node(document: &Document<'_>, at: usize, stage: &StageRecord, card: &Card) -> Markup {
    let (right, inner) = (card.left + layout::CARD_WIDTH - PADDING, layout::CARD_WIDTH - 2.0 * PADDING);
    let (upper, lower) = (card.top + 20.0, card.top + 38.0);
    let (time, rows) = (time(stage), stage.ledger.as_ref().map(|entry| format::rows(entry.out)).unwrap_or_default());
    let beside = |taken: &str, size| inner - typesetting::width(taken, size) - 8.0;
    let kind = typesetting::fit(&text::line(&stage.kind, 60), 11.0, beside(&time, 11.0) - 11.0);
    let id = typesetting::fit(&text::line(&stage.id, 120), 13.0 * typesetting::BOLD, beside(&rows, 12.0));
    html! {
        a href={ "#" (document.anchor(at)) } class={ "node " (family(stage.family)) " " (status(stage.status)) } {
            title { (tooltip(stage)) }
            rect.card x=(coordinate(card.left)) y=(coordinate(card.top)) rx=(CORNER)
                width=(layout::CARD_WIDTH) height=(layout::CARD_HEIGHT) {}
            circle.dot cx=(coordinate(card.left + PADDING + 3.5)) cy=(coordinate(upper - 4.0)) r="3.5" {}
            text.kind x=(coordinate(card.left + PADDING + 12.0)) y=(coordinate(upper)) font-size="11" { (kind) }
            text.time x=(coordinate(right)) y=(coordinate(upper)) font-size="11" text-anchor="end" { (time) }
            text.name x=(coordinate(card.left + PADDING)) y=(coordinate(lower)) font-size="13" font-weight="600" { (id) }
            text.rows x=(coordinate(right)) y=(coordinate(lower)) font-size="12" text-anchor="end" { (rows) }
        }
    }
}

/// The time of a stage, or why it has none.
fn time(stage: &StageRecord) -> String {
    match stage.status {
        StageStatus::Done => timeline::time(stage).unwrap_or_default(),
        StageStatus::Failed => "failed".to_owned(),
        StageStatus::Cached => "cached".to_owned(),
        StageStatus::Skipped => "skipped".to_owned(),
        StageStatus::Waiting => "waiting".to_owned(),
    }
}

fn tooltip(stage: &StageRecord) -> String {
    let rows = stage.ledger.as_ref().map(|entry| format!(", {} rows out", format::rows(entry.out))).unwrap_or_default();
    let time = Some(time(stage)).filter(|time| !time.is_empty()).map(|time| format!(": {time}")).unwrap_or_default();
    format!("{} {}{time}{rows}", text::line(&stage.kind, 60), text::line(&stage.id, 120))
}

fn status(status: StageStatus) -> &'static str {
    match status {
        StageStatus::Done => "done",
        StageStatus::Cached => "cached",
        StageStatus::Failed => "failed",
        StageStatus::Skipped | StageStatus::Waiting => "skipped",
    }
}
