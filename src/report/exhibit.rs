//! Exhibits: metrics as tiles, tables, figures and notes.

use maud::{Markup, PreEscaped, html};

use super::budget::Budget;
use super::comparison::{self, Previous};
use super::{format, table, text};
use crate::chart::{Figure, SvgColours};
use crate::exhibit::{Exhibit, Metric, Passage, Tone, Word};

/// The most metrics of one exhibit.
const MOST_METRICS: usize = 60;
/// Figures up to this width shrink with a narrow window; larger ones scroll, or nobody could read them. Two of them fit side by side on a wide one.
const SMALL: u32 = 440;
/// The most characters of a note.
const LONGEST_NOTE: usize = 2_000;
/// The most words of a coloured text.
const MOST_WORDS: usize = 400;
/// The most characters of one of them.
const LONGEST_WORD: usize = 60;

/// The exhibits of a stage in their order. Figures in a row stand beside each other where there is room.
pub(super) fn exhibits(
    exhibits: &[Exhibit],
    stage: &str,
    previous: Option<&Previous<'_>>,
    budget: &mut Budget,
) -> Markup {
    let missing = budget.missing();
    let mut parts = Vec::new();
    let mut row: Vec<Markup> = Vec::new();
    for exhibit in exhibits {
        let part = match exhibit {
            Exhibit::Figure(drawing) => {
                if budget.take_figure() {
                    row.extend(budget.take("figures", figure(drawing)));
                }
                continue;
            }
            Exhibit::Metrics { title, metrics } => {
                budget.take("groups of metrics", group(title, metrics, stage, previous))
            }
            Exhibit::Table(data) => {
                let part = table::table(data, budget);
                budget.take("tables", part)
            }
            Exhibit::Passage(data) => budget.take("texts", passage(data)),
            Exhibit::Note { tone, text } => budget.take("notes", note(*tone, text)),
        };
        if !row.is_empty() {
            parts.push(side_by_side(std::mem::take(&mut row)));
        }
        parts.extend(part);
    }
    if !row.is_empty() {
        parts.push(side_by_side(row));
    }
    let missing = budget.missing() - missing;
    html! {
        @for part in parts { (part) }
        @if missing > 0 { p.remark { (format::count(missing)) " more to see here found no place in this file." } }
    }
}

fn side_by_side(figures: Vec<Markup>) -> Markup {
    html! { div.figures { @for figure in figures { (figure) } } }
}

/// A figure, or a note with the reason why it cannot be drawn.
pub(super) fn figure(figure: &Figure) -> Markup {
    match figure.to_svg(SvgColours::Variables) {
        // The chart escapes its texts itself: this is the only text that is not escaped here.
        Ok(svg) => html! { figure.drawing.small[figure.width <= SMALL] { div.scroll { (PreEscaped(svg)) } } },
        Err(error) => {
            let title = text::line(&figure.title, 200);
            note(Tone::Warning, &format!("The figure “{title}” cannot be drawn: {error}."))
        }
    }
}

/// A note with its tone as a word, so that it does not hang on its colour.
pub(super) fn note(tone: Tone, words: &str) -> Markup {
    let (class, name) = match tone {
        Tone::Info => ("info", "Note"),
        Tone::Good => ("good", "Good"),
        Tone::Warning => ("warning", "Warning"),
        Tone::Bad => ("bad", "Problem"),
    };
    html! { p class={ "note " (class) } { strong { (name) } " " (text::prose(words, LONGEST_NOTE)) } }
}

/// A text with its words coloured by one of four strengths, against with a line below, so that it does not hang on the colour alone.
fn passage(passage: &Passage) -> Markup {
    let of = text::line(&passage.of, 120);
    html! {
        figure.passage {
            figcaption { (text::line(&passage.title, 200)) }
            p { @for word in passage.words.iter().take(MOST_WORDS) { (coloured(word)) " " } }
            (table::cut(MOST_WORDS, passage.words.len(), "words"))
            p.remark {
                mark class="for s3" { "for" } " and " mark class="against s3" { "against" } " " (of)
                @if let Some(note) = &passage.note { ". " (text::line(note, LONGEST_NOTE)) }
            }
        }
    }
}

fn coloured(word: &Word) -> Markup {
    let shown = text::line(&word.text, LONGEST_WORD);
    // Below an eighth a word says next to nothing.
    let strength = match word.weight.abs() {
        weight if weight >= 0.75 => "s4",
        weight if weight >= 0.5 => "s3",
        weight if weight >= 0.25 => "s2",
        weight if weight >= 0.125 => "s1",
        _ => return html! { (shown) },
    };
    let side = if word.weight > 0.0 { "for" } else { "against" };
    let hint = format::value(word.value, crate::exhibit::Format::Number);
    html! { mark class={ (side) " " (strength) } title=(hint) { (shown) } }
}

fn group(title: &str, metrics: &[Metric], stage: &str, previous: Option<&Previous<'_>>) -> Markup {
    html! {
        div.group {
            @if !title.is_empty() { h4 { (text::line(title, 200)) } }
            dl.tiles {
                @for metric in metrics.iter().take(MOST_METRICS) {
                    (tile(metric, previous.and_then(|previous| previous.metric(stage, title, &metric.name))))
                }
            }
            (table::cut(MOST_METRICS, metrics.len(), "numbers"))
        }
    }
}

/// A metric as a tile, compared with its value in the run before.
pub(super) fn tile(metric: &Metric, before: Option<f64>) -> Markup {
    html! {
        div.tile {
            dt { (text::line(&metric.name, 80)) }
            dd {
                @match metric.value {
                    Some(value) => {
                        span.value { (format::value(value, metric.format)) }
                        (comparison::change(value, before, metric.format))
                    },
                    None => span.value.nothing title="not defined" { (format::NOTHING) },
                }
                @if let Some(note) = &metric.note { span.note-line { (text::line(note, 160)) } }
            }
        }
    }
}
