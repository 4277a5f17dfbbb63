//! The last runs of a job as a row of small bars, the latest at the right: high is long, the colour is the state, and what did not end
//! well has a mark below, so that it is seen without colours too.

use jiff::Timestamp;
use maud::{Markup, html};

use super::super::super::store::{Run, RunState};
use super::{moment, words};
use crate::report::graph::edges::coordinate;

/// How many runs a strip shows.
pub(super) const LENGTH: usize = 30;
const STEP: f64 = 7.0;
const WIDTH: f64 = 5.0;
const HIGHEST: f64 = 22.0;
const LOWEST: f64 = 5.0;

/// The strip of runs that come the latest first, as lists give them.
pub(super) fn strip(runs: &[Run], now: Timestamp) -> Markup {
    let shown: Vec<&Run> = runs.iter().take(LENGTH).rev().collect();
    if shown.is_empty() {
        return html! { span.quiet { "no run yet" } };
    }
    let longest = shown.iter().filter_map(|run| seconds(run, now)).fold(0.0_f64, f64::max);
    let free = LENGTH - shown.len();
    let bad = shown.iter().filter(|run| words::run(run.state).class == "bad").count();
    let label = format!("The last {}, {bad} of them not well", words::count(shown.len() as u64, "run", "runs"));
    html! {
        svg.strip viewBox="0 0 210 28" width="210" height="28" role="img" aria-label=(label) {
            @for (at, run) in shown.iter().enumerate() { (bar(run, at + free, longest, now)) }
        }
    }
}

fn bar(run: &Run, place: usize, longest: f64, now: Timestamp) -> Markup {
    #[expect(clippy::cast_precision_loss, reason = "at most thirty")]
    let x = place as f64 * STEP + 1.0;
    let look = words::run(run.state);
    // Roots: a run of a tenth of the time is still to be seen beside the longest.
    let share = match (seconds(run, now), longest > 0.0) {
        (Some(seconds), true) => (seconds / longest).sqrt(),
        _ => 0.0,
    };
    let height = LOWEST + share * (HIGHEST - LOWEST);
    html! {
        a href={ "/runs/" (run.id) } tabindex="-1" {
            title { (tooltip(run, now)) }
            rect.hit x=(coordinate(x - 1.0)) y="0" width=(coordinate(STEP)) height="28" {}
            rect.(look.class) x=(coordinate(x)) y=(coordinate(HIGHEST - height)) width=(coordinate(WIDTH)) height=(coordinate(height)) rx="1.5" {}
            @if look.class == "bad" { circle.bad cx=(coordinate(x + WIDTH / 2.0)) cy="25.5" r="1.7" {} }
        }
    }
}

/// How long a run has worked, or works so far.
fn seconds(run: &Run, now: Timestamp) -> Option<f64> {
    let until = if run.state == RunState::Queued { None } else { Some(run.ended.unwrap_or(now)) };
    Some(moment::seconds(run.started?, until?))
}

/// What a bar says: state, when, how long, which attempt.
pub(super) fn tooltip(run: &Run, now: Timestamp) -> String {
    let mut said = words::run(run.state).word.to_owned();
    if let Some(partition) = &run.partition {
        said.push_str(&format!(" · {}", crate::report::text::line(partition, 60)));
    }
    said.push_str(&format!(" · {}", run.started.unwrap_or(run.queued).strftime("%-d %b, %H:%M UTC")));
    if let Some(seconds) = seconds(run, now) {
        said.push_str(&format!(" · {}", moment::length(seconds)));
    }
    if run.attempt > 1 {
        said.push_str(&format!(" · attempt {}", run.attempt));
    }
    said
}
