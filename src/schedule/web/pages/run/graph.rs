//! The stages of a run as a graph, with what each of them does now.

use std::collections::HashMap;

use maud::{Markup, html};

use super::super::super::super::service::{Live, LiveStage, StageState};
use crate::report::graph::edges::{coordinate, edge};
use crate::report::graph::layout::{self, Card};
use crate::report::graph::typesetting;
use crate::report::{format, text};
use crate::run::manifest::{RunRecord, StageRecord, StageStatus};

/// With more stages than this a picture explains nothing.
const MOST_DRAWN: usize = 120;
/// The most rows of the table.
const MOST_LISTED: usize = 500;
const CORNER: f64 = 7.0;
const PADDING: f64 = 12.0;

/// A stage as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stage {
    id: String,
    kind: String,
    /// The class of its family in the style sheet; empty where it is not known yet.
    family: String,
    /// The positions of its inputs.
    inputs: Vec<usize>,
    state: StageState,
    progress: Option<f64>,
    seconds: Option<f64>,
    rows: Option<u64>,
    message: String,
}

/// The stages of a run: from its record, with what is heard of those at work; from that alone where there is no record yet.
pub(super) fn stages(record: Option<&RunRecord>, live: Option<&Live>) -> Vec<Stage> {
    let heard: HashMap<&str, &LiveStage> =
        live.map(|live| live.stages.iter().map(|stage| (stage.id.as_str(), stage)).collect()).unwrap_or_default();
    let Some(record) = record else {
        return live.map(|live| live.stages.iter().map(only_heard).collect()).unwrap_or_default();
    };
    let place: HashMap<&str, usize> =
        record.stages.iter().enumerate().map(|(at, stage)| (stage.id.as_str(), at)).collect();
    record
        .stages
        .iter()
        .map(|stage| {
            let inputs = stage.inputs.iter().filter_map(|id| place.get(id.as_str()).copied()).collect();
            let recorded = recorded(stage, inputs);
            match heard.get(stage.id.as_str()) {
                Some(heard) => {
                    Stage { kind: recorded.kind, family: recorded.family, inputs: recorded.inputs, ..only_heard(heard) }
                }
                None => recorded,
            }
        })
        .collect()
}

fn only_heard(stage: &LiveStage) -> Stage {
    Stage {
        id: stage.id.clone(),
        kind: stage.kind.clone(),
        family: String::new(),
        inputs: Vec::new(),
        state: stage.state,
        progress: stage.progress,
        seconds: stage.seconds,
        rows: stage.rows,
        message: stage.message.clone(),
    }
}

fn recorded(stage: &StageRecord, inputs: Vec<usize>) -> Stage {
    let state = match stage.status {
        StageStatus::Waiting => StageState::Waiting,
        StageStatus::Done => StageState::Done,
        StageStatus::Cached => StageState::Cached,
        StageStatus::Failed => StageState::Failed,
        StageStatus::Skipped => StageState::Skipped,
    };
    // Its word in JSON is the class of the style sheet.
    let family =
        serde_json::to_value(stage.family).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
    Stage {
        id: stage.id.clone(),
        kind: stage.kind.clone(),
        family,
        inputs,
        state,
        progress: None,
        seconds: (state == StageState::Done && stage.seconds > 0.0).then_some(stage.seconds),
        rows: stage.ledger.as_ref().map(|entry| entry.out),
        message: stage.error.as_ref().map(|error| error.message.clone()).unwrap_or_default(),
    }
}

/// The picture, and the same as a table for those who do not see it.
pub(super) fn graph(stages: &[Stage]) -> Markup {
    if stages.is_empty() {
        return html! { p.quiet { "The worker has not said yet which stages there are." } };
    }
    html! {
        p.quiet.progress-line { (summary(stages)) }
        @if stages.len() <= MOST_DRAWN { (picture(stages)) }
        @else { p.quiet { "The graph of " (format::count(stages.len())) " stages is not drawn; the table has them in order." } }
        details open[stages.len() > MOST_DRAWN] {
            summary { "The stages as a table" }
            (table(stages))
        }
    }
}

fn summary(stages: &[Stage]) -> String {
    let number = |state: StageState| stages.iter().filter(|stage| stage.state == state).count();
    let parts = [
        (number(StageState::Working), "at work"),
        (number(StageState::Done), "done"),
        (number(StageState::Cached), "cached"),
        (number(StageState::Failed), "failed"),
        (number(StageState::Skipped), "skipped"),
        (number(StageState::Waiting), "waiting"),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", format::count(*number)))
        .collect();
    format!("{} stages: {}", format::count(stages.len()), said.join(", "))
}

fn picture(stages: &[Stage]) -> Markup {
    let inputs: Vec<Vec<usize>> = stages.iter().map(|stage| stage.inputs.clone()).collect();
    let main = longest_way(&inputs);
    let layout = layout::layout(&inputs, &main);
    let (width, height) = (coordinate(layout.width), coordinate(layout.height));
    html! {
        div.scroll.graph-box tabindex="0" role="region" aria-label="Graph of stages" {
            svg.graph.live viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="img" aria-label=(summary(stages)) {
                @for route in &layout.routes { (edge(route)) }
                @for (stage, card) in stages.iter().zip(&layout.cards) { (node(stage, card)) }
            }
        }
    }
}

/// The longest way through the graph, which is drawn straight. Inputs stand above what reads them.
fn longest_way(inputs: &[Vec<usize>]) -> Vec<usize> {
    let mut best: Vec<(usize, Option<usize>)> = Vec::with_capacity(inputs.len());
    for (at, from) in inputs.iter().enumerate() {
        let before = from
            .iter()
            .copied()
            .filter(|input| *input < at)
            .max_by_key(|input| best.get(*input).map_or(0, |(length, _)| *length));
        let length = before.and_then(|input| best.get(input)).map_or(0, |(length, _)| *length);
        best.push((length + 1, before));
    }
    let last = (0..best.len()).max_by_key(|at| best.get(*at).map_or(0, |(length, _)| *length));
    let mut way: Vec<usize> = std::iter::successors(last, |at| best.get(*at).and_then(|(_, before)| *before)).collect();
    way.reverse();
    way
}

fn node(stage: &Stage, card: &Card) -> Markup {
    let (right, inner) = (card.left + layout::CARD_WIDTH - PADDING, layout::CARD_WIDTH - 2.0 * PADDING);
    let (upper, lower) = (card.top + 20.0, card.top + 38.0);
    let (time, rows) = (time(stage), stage.rows.map(format::rows).unwrap_or_default());
    let beside = |taken: &str, size| inner - typesetting::width(taken, size) - 8.0;
    let kind = typesetting::fit(&text::line(&stage.kind, 60), 11.0, beside(&time, 11.0) - 11.0);
    let id = typesetting::fit(&text::line(&stage.id, 120), 13.0 * typesetting::BOLD, beside(&rows, 12.0));
    let bar = stage.progress.filter(|_| stage.state == StageState::Working).map(|share| share.clamp(0.0, 1.0));
    html! {
        g class={ "node " (stage.family) " " (class(stage.state)) } {
            title { (tooltip(stage)) }
            rect.card x=(coordinate(card.left)) y=(coordinate(card.top)) rx=(CORNER) width=(layout::CARD_WIDTH) height=(layout::CARD_HEIGHT) {}
            @if let Some(share) = bar {
                rect.rail x=(coordinate(card.left + PADDING)) y=(coordinate(card.top + layout::CARD_HEIGHT - 6.0)) width=(coordinate(inner)) height="2.5" rx="1" {}
                rect.done-part x=(coordinate(card.left + PADDING)) y=(coordinate(card.top + layout::CARD_HEIGHT - 6.0)) width=(coordinate(inner * share)) height="2.5" rx="1" {}
            }
            circle.dot cx=(coordinate(card.left + PADDING + 3.5)) cy=(coordinate(upper - 4.0)) r="3.5" {}
            text.kind x=(coordinate(card.left + PADDING + 12.0)) y=(coordinate(upper)) font-size="11" { (kind) }
            text.time x=(coordinate(right)) y=(coordinate(upper)) font-size="11" text-anchor="end" { (time) }
            text.name x=(coordinate(card.left + PADDING)) y=(coordinate(lower)) font-size="13" font-weight="600" { (id) }
            text.rows x=(coordinate(right)) y=(coordinate(lower)) font-size="12" text-anchor="end" { (rows) }
        }
    }
}

fn table(stages: &[Stage]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Stages" { table {
            thead { tr { th scope="col" { "Stage" } th scope="col" { "Kind" } th scope="col" { "State" } th.n scope="col" { "Time" } th.n scope="col" { "Rows out" } th scope="col" { "Remark" } } }
            tbody {
                @for stage in stages.iter().take(MOST_LISTED) {
                    tr {
                        th scope="row" { span class={ "dot " (stage.family) } {} bdi { (text::line(&stage.id, 120)) } }
                        td.quiet { (text::line(&stage.kind, 60)) }
                        td { (word(stage.state)) @if let Some(share) = stage.progress.filter(|_| stage.state == StageState::Working) { " " (format::value(share, crate::exhibit::Format::Percent)) } }
                        td.n { (stage.seconds.map_or_else(|| format::NOTHING.to_owned(), format::seconds)) }
                        td.n { (stage.rows.map_or_else(|| format::NOTHING.to_owned(), format::rows)) }
                        td { (text::prose(&stage.message, 300)) }
                    }
                }
            }
        } }
    }
}

/// The time of a stage, or why it has none.
fn time(stage: &Stage) -> String {
    match (stage.state, stage.seconds, stage.progress) {
        (StageState::Done, Some(seconds), _) => format::seconds(seconds),
        (StageState::Working, _, Some(share)) => format!("{:.0} %", share.clamp(0.0, 1.0) * 100.0),
        (state, ..) => word(state).to_owned(),
    }
}

fn tooltip(stage: &Stage) -> String {
    let rows = stage.rows.map(|rows| format!(", {} rows out", format::rows(rows))).unwrap_or_default();
    let message = Some(text::line(&stage.message, 300))
        .filter(|message| !message.is_empty())
        .map(|message| format!(": {message}"))
        .unwrap_or_default();
    format!("{} {}: {}{rows}{message}", text::line(&stage.kind, 60), text::line(&stage.id, 120), time(stage))
}

fn word(state: StageState) -> &'static str {
    match state {
        StageState::Waiting => "waiting",
        StageState::Working => "at work",
        StageState::Done => "done",
        StageState::Cached => "cached",
        StageState::Failed => "failed",
        StageState::Skipped => "skipped",
    }
}

fn class(state: StageState) -> &'static str {
    match state {
        StageState::Waiting => "to-come",
        StageState::Working => "working",
        StageState::Done => "done",
        StageState::Cached => "cached",
        StageState::Failed => "failed",
        StageState::Skipped => "skipped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_way_is_found() {
        assert_eq!(longest_way(&[vec![], vec![], vec![0, 1], vec![1], vec![2]]).len(), 3);
        assert!(longest_way(&[]).is_empty());
        // An input that stands below, or in a circle, is no way.
        assert_eq!(longest_way(&[vec![1], vec![0], vec![9]]), [0, 1]);
    }
}
