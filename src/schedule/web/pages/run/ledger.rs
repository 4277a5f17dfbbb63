//! The ledger of a run: rows in, why their number changed, rows out, by stage.

use maud::{Markup, html};
use serde_json::Value;

use crate::report::{format, text};
use crate::run::manifest::{RunRecord, StageRecord};

/// The most stages in the table.
const MOST_STAGES: usize = 200;
/// The most changes of one stage.
const MOST_CHANGES: usize = 20;
/// With at most this many stages the table is open at first.
const OPEN_UP_TO: usize = 40;

/// The table; nothing where no stage has a ledger.
pub(super) fn ledger(record: &RunRecord) -> Markup {
    let stages: Vec<&StageRecord> = record.stages.iter().filter(|stage| stage.ledger.is_some()).collect();
    html! {
        @if !stages.is_empty() {
            section.part {
                h2 { "Where the rows went" }
                details open[stages.len() <= OPEN_UP_TO] {
                    summary { "The ledger of " (super::words::count(stages.len() as u64, "stage", "stages")) }
                    div.scroll tabindex="0" role="region" aria-label="Ledger" { table.ledger {
                        thead { tr { th scope="col" { "Stage" } th.n scope="col" { "Rows in" } th.n scope="col" { "Change" } th scope="col" { "Reason" } th.n scope="col" { "Rows out" } } }
                        @for stage in stages.iter().take(MOST_STAGES) { (rows(stage)) }
                    } }
                    @if stages.len() > MOST_STAGES { p.remark { (format::count(stages.len() - MOST_STAGES)) " more stages are left out." } }
                }
            }
        }
    }
}

fn rows(stage: &StageRecord) -> Markup {
    let Some(entry) = &stage.ledger else { return html! {} };
    let read: u64 = entry.inputs.iter().map(|(_, rows)| *rows).fold(0, u64::saturating_add);
    let input = if entry.inputs.is_empty() { format::NOTHING.to_owned() } else { format::rows(read) };
    let changes = changes(&serde_json::to_value(&entry.changes).unwrap_or_default());
    let (first, others) = changes.split_first().map_or((None, &[][..]), |(first, others)| (Some(first), others));
    html! {
        tbody {
            tr {
                th scope="row" { bdi { (text::line(&stage.id, 120)) } " " span.quiet { (text::line(&stage.kind, 40)) } }
                td.n { (input) }
                (change(first))
                td.n { (format::rows(entry.out)) }
            }
            @for each in others.iter().take(MOST_CHANGES) { tr { td {} td {} (change(Some(each))) td {} } }
        }
    }
}

fn change(change: Option<&(String, i64)>) -> Markup {
    match change {
        None => html! { td.n.quiet { "0" } td {} },
        Some((reason, rows)) => {
            html! { td.n.fall[*rows < 0].rise[*rows > 0] { (format::change(*rows)) } td.reason { (text::prose(reason, 200)) } }
        }
    }
}

/// The changes with their reasons, as the record has them.
fn changes(list: &Value) -> Vec<(String, i64)> {
    let one = |value: &Value| {
        let reason = value.get("reason")?.as_str()?.to_owned();
        Some((reason, value.get("rows")?.as_i64()?))
    };
    list.as_array().map(|list| list.iter().filter_map(one).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_from_the_record() {
        let list = serde_json::json!([{"reason": "filtered", "rows": -3}, {"reason": "odd"}]);
        assert_eq!(changes(&list), [("filtered".to_owned(), -3)]);
    }
}
