//! The log of a run: its end, and what comes after as the script asks for it.

use maud::{Markup, html};
use serde_json::Value;

use super::super::super::super::service::{LogPart, Service, ServiceError};
use super::super::super::super::store::{Run, RunId};
use crate::report::{format, text};

/// So much of the end is shown at first, in bytes.
const TAIL: u64 = 64 * 1024;
/// So much comes at a time after that.
const PART: usize = 256 * 1024;
/// The most characters of a line.
const LONGEST_LINE: usize = 2_000;

/// The end of a log.
pub(super) struct Tail {
    part: LogPart,
    /// How many bytes lie before it.
    before: u64,
}

/// The last lines of a run's log.
pub(super) fn tail(service: &Service, run: &Run) -> Result<Tail, ServiceError> {
    let length = std::fs::metadata(service.folder(&run.id).join("log.jsonl")).map_or(0, |found| found.len());
    let before = length.saturating_sub(TAIL);
    let mut part = service.log(run, before, PART)?;
    if before > 0 && !part.lines.is_empty() {
        // It begins in the middle of a line.
        part.lines.remove(0);
    }
    Ok(Tail { part, before })
}

/// What comes from a byte on, as the script puts it below what is there.
pub(in super::super) fn part(service: &Service, id: &RunId, from: u64) -> Result<Markup, ServiceError> {
    let run = service.store().run(id)?;
    let part = service.log(&run, from, PART)?;
    Ok(lines(&part))
}

/// The whole text from the beginning, for a page of its own, as far as one part reaches.
pub(super) fn log(run: &Run, tail: &Tail) -> Markup {
    html! {
        div.log-bar {
            label.unseen for="log-search" { "Find in the log" }
            input id="log-search" type="search" placeholder="Find in the log" autocomplete="off" spellcheck="false" data-log-search hidden;
            button type="button" data-log-pause aria-pressed="false" hidden { "Pause" }
            span.quiet id="log-found" role="status" {}
            a.whole href={ "/runs/" (run.id) "/log.txt" } { "Whole log" }
        }
        @if tail.before > 0 { p.remark { "The end of the log; " (format::size(tail.before)) " lie before it." } }
        div.log tabindex="0" role="log" aria-label="Log" aria-live="off" data-log={ "/runs/" (run.id) "/log" } { (lines(&tail.part)) }
        @if tail.part.lines.is_empty() { p.quiet data-log-empty { "Nothing was written to the log yet." } }
    }
}

fn lines(part: &LogPart) -> Markup {
    html! {
        ol data-next=(part.next) data-ended=(part.ended) { @for each in &part.lines { (line(each)) } }
    }
}

/// A line of the log. One that is none of ours is shown as it is.
fn line(source: &str) -> Markup {
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(source) else {
        return html! { li.out { span.said { (text::line(source, LONGEST_LINE)) } } };
    };
    let word = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let clock: String = word("time").get(11..19).unwrap_or_default().to_owned();
    let (tone, said) = match object.get("event") {
        Some(event) => event_words(event),
        None => (stream(word("stream")), word("line").to_owned()),
    };
    html! {
        li.(tone) {
            @if !clock.is_empty() { span.clock title=(text::line(word("time"), 40)) { (clock) } " " }
            span.said { (text::line(&said, LONGEST_LINE)) }
        }
    }
}

fn stream(word: &str) -> &'static str {
    match word {
        "err" => "err",
        "server" => "server",
        _ => "out",
    }
}

/// An event of the run in a sentence, with its tone.
fn event_words(event: &Value) -> (&'static str, String) {
    let word = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = |key: &str| event.get(key).and_then(Value::as_u64).unwrap_or_default();
    let took = event.get("seconds").and_then(Value::as_f64).map(format::seconds).unwrap_or_default();
    let stage = word("stage");
    match word("event") {
        "run_started" => {
            let stages = event.get("stages").and_then(Value::as_array).map_or(0, Vec::len);
            ("event", format!("{} begins with {} stages", word("pipeline"), format::count(stages)))
        }
        "stage_started" => ("event", format!("{stage}: {} begins", word("kind"))),
        "stage_finished" => match word("status") {
            "failed" => {
                let error = event.get("error");
                let part =
                    |key: &str| error.and_then(|error| error.get(key)).and_then(Value::as_str).unwrap_or_default();
                let place = Some(part("place"))
                    .filter(|place| !place.is_empty())
                    .map(|place| format!(" ({place})"))
                    .unwrap_or_default();
                ("bad", format!("{stage}: failed after {took}: {}{place}", part("message")))
            }
            "done" => ("event", format!("{stage}: done in {took}")),
            other => ("event", format!("{stage}: {other}")),
        },
        "stage_progress" => ("event", format!("{stage}: {}", progress(event))),
        "stage_counted" => ("event", format!("{stage}: {} rows out", format::rows(number("out")))),
        "output_written" => ("event", format!("{stage}: wrote {}", word("path"))),
        "warning" if stage.is_empty() => ("warn", format!("warning: {}", word("message"))),
        "warning" => ("warn", format!("{stage}: warning: {}", word("message"))),
        "run_finished" => {
            let code = number("exit_code");
            (if code == 0 { "good" } else { "bad" }, format!("ended with exit code {code} after {took}"))
        }
        _ => ("event", event.to_string()),
    }
}

/// How far a stage is: `1,200 of 5,000 rows, reading training rows`.
fn progress(event: &Value) -> String {
    let word = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = |key: &str| event.get(key).and_then(Value::as_u64).map(format::rows);
    let all = number("total").map(|all| format!(" of {all}")).unwrap_or_default();
    let remark = Some(word("message")).filter(|remark| !remark.is_empty());
    let remark = remark.map(|remark| format!(", {remark}")).unwrap_or_default();
    format!("{}{all} {}{remark}", number("done").unwrap_or_default(), word("unit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_sentences() {
        let said = |json: &str| event_words(&serde_json::from_str(json).unwrap_or_default()).1;
        assert_eq!(
            said(
                r#"{"event":"stage_finished","stage":"scaled","status":"failed","seconds":1.5,"error":{"message":"no column `x`","place":"p.yaml:3:4"}}"#
            ),
            "scaled: failed after 1.50 s: no column `x` (p.yaml:3:4)"
        );
        assert_eq!(said(r#"{"event":"stage_counted","stage":"a","out":12000}"#), "a: 12,000 rows out");
        assert_eq!(
            said(
                r#"{"event":"stage_progress","stage":"model","done":1200,"total":5000,"unit":"epochs","message":"loss 0.5"}"#
            ),
            "model: 1,200 of 5,000 epochs, loss 0.5"
        );
        assert_eq!(
            said(r#"{"event":"stage_progress","stage":"a","done":7,"total":null,"unit":"rows","message":""}"#),
            "a: 7 rows"
        );
        assert_eq!(said(r#"{"event":"new_thing","x":1}"#), r#"{"event":"new_thing","x":1}"#);
    }

    #[test]
    fn a_line_that_is_no_json_is_shown_as_it_is() {
        assert_eq!(line("<b>\u{202E}x").into_string(), "<li class=\"out\"><span class=\"said\">&lt;b&gt;x</span></li>");
        let html = line(r#"{"time":"2026-11-27T02:00:13Z","stream":"err","line":"careful"}"#).into_string();
        assert!(html.contains(">02:00:13<") && html.contains("class=\"err\"") && html.contains("careful"), "{html}");
    }
}
