//! The numbers that the stages of a run show, as tiles; all else is in the report.

use maud::{Markup, html};

use crate::exhibit::{Exhibit, Metric};
use crate::report::{format, text};
use crate::run::manifest::RunRecord;

/// The most groups of numbers.
const MOST_GROUPS: usize = 12;
/// The most numbers in a group.
const MOST_METRICS: usize = 24;
/// The most warnings.
const MOST_WARNINGS: usize = 10;

/// Warnings and metrics; nothing where there are none.
pub(super) fn exhibits(record: &RunRecord) -> Markup {
    let groups: Vec<(&str, &str, &[Metric])> = record
        .stages
        .iter()
        .flat_map(|stage| stage.exhibits.iter().map(move |exhibit| (stage, exhibit)))
        .filter_map(|(stage, exhibit)| match exhibit {
            Exhibit::Metrics { title, metrics } if !metrics.is_empty() => {
                Some((stage.id.as_str(), title.as_str(), metrics.as_slice()))
            }
            _ => None,
        })
        .collect();
    html! {
        @if !record.warnings.is_empty() {
            section.part {
                h2 { "To look at" }
                div.problem.warning { ul {
                    @for warning in record.warnings.iter().take(MOST_WARNINGS) { li { (text::prose(warning, 400)) } }
                } }
            }
        }
        @if !groups.is_empty() {
            section.part {
                h2 { "Numbers" }
                @for (stage, title, metrics) in groups.iter().take(MOST_GROUPS) {
                    div.group {
                        h3 { bdi { (text::line(stage, 80)) } @if !title.is_empty() { ": " (text::line(title, 120)) } }
                        dl.tiles { @for metric in metrics.iter().take(MOST_METRICS) { (tile(metric)) } }
                    }
                }
                @if groups.len() > MOST_GROUPS { p.remark { (format::count(groups.len() - MOST_GROUPS)) " more groups are in the report." } }
            }
        }
    }
}

fn tile(metric: &Metric) -> Markup {
    html! {
        div.tile {
            dt { (text::line(&metric.name, 80)) }
            dd {
                @match metric.value {
                    Some(value) => span.value { (format::value(value, metric.format)) },
                    None => span.value.nothing title="not defined" { (format::NOTHING) },
                }
                @if let Some(note) = &metric.note { span.note-line { (text::line(note, 160)) } }
            }
        }
    }
}
