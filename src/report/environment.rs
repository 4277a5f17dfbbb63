//! With what the run ran: parameters, program, machine.

use maud::{Markup, html};
use serde_json::Value;

use super::document::Document;
use super::table::cut;
use super::{format, text};

/// The most parameters.
const MOST_PARAMETERS: usize = 200;

/// Parameters beside program and machine.
pub(super) fn environment(document: &Document<'_>) -> Markup {
    let record = document.record;
    let facts = [
        ("Run", text::line(&record.id, 100)),
        ("Pipeline file", text::line(&record.file, 300)),
        ("Program", format!("gristmill {}", text::line(&record.version, 60))),
        ("Machine", text::line(&record.machine, 200)),
        ("Threads", format::count(record.threads)),
        ("Exit code", record.exit_code.to_string()),
    ];
    html! {
        div.columns {
            div {
                h3 { "Program and machine" }
                dl.facts { @for (name, value) in &facts { div { dt { (name) } dd { (value) } } } }
            }
            div {
                h3 { "Parameters" }
                @if record.params.is_empty() {
                    p.quiet { "This pipeline takes none." }
                } @else {
                    dl.facts {
                        @for (name, value) in record.params.iter().take(MOST_PARAMETERS) {
                            div { dt { span.id { (text::line(name, 120)) } } dd { span.path { (shown(value)) } } }
                        }
                    }
                    (cut(MOST_PARAMETERS, record.params.len(), "parameters"))
                }
            }
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(value) => text::line(value, 300),
        other => text::line(&other.to_string(), 300),
    }
}
