//! The last runs of a job as a row of small bars, the latest at the right: high is long, the colour is the state, and what did not end
//! well has a mark below, so that it is seen without colours too.
//!
//! There are a hundred strips on a page, so they are small: all bars of a state are one path. The picture as a whole leads to the
//! history of the job; runs that did not end well lead to their pages. That is for the mouse: by keyboard the same is reached through
//! the name of the job, and a sentence says what the picture shows.

use std::fmt::Write;

use jiff::Timestamp;
use maud::{Markup, html};

use super::super::super::store::{Glimpse, RunState};
use super::{moment, words};

/// How many runs a strip shows.
pub(super) const LENGTH: usize = 30;
/// The most runs of a strip that have a link of their own, the latest ones.
const LINKS: usize = 8;
const STEP: usize = 7;
const HIGHEST: f64 = 22.0;
const LOWEST: f64 = 5.0;

/// The strip of runs of a job that come the latest first.
pub(super) fn strip(job: &str, runs: &[Glimpse], now: Timestamp) -> Markup {
    let shown: Vec<&Glimpse> = runs.iter().take(LENGTH).collect();
    if shown.is_empty() {
        return html! { span.quiet { "no run yet" } };
    }
    let longest = shown.iter().filter_map(|run| seconds(run, now)).fold(0.0_f64, f64::max);
    let mut paths: Vec<(&str, String)> = Vec::new();
    let mut links = Vec::new();
    for (at, run) in shown.iter().enumerate() {
        let class = words::run(run.state).class;
        let bar = bar(run, LENGTH - 1 - at, longest, now);
        if class != "good" && links.len() < LINKS {
            links.push((*run, class, bar, (LENGTH - 1 - at) * STEP));
            continue;
        }
        match paths.iter_mut().find(|(known, _)| *known == class) {
            Some((_, path)) => path.push_str(&bar),
            None => paths.push((class, bar)),
        }
    }
    let bad = shown.iter().filter(|run| words::run(run.state).class == "bad").count();
    let label = format!("The last {}, {bad} of them not well", words::count(shown.len() as u64, "run", "runs"));
    html! {
        span.unseen { (label) }
        svg.strip viewBox="0 0 210 28" width="210" height="28" aria-hidden="true" {
            a href={ "/jobs/" (job) "#history" } tabindex="-1" {
                title { (label) }
                path.hit d="M0 0h210v28h-210z" {}
                @for (class, path) in &paths { path.(class) d=(path) {} }
            }
            @for (run, class, bar, left) in &links {
                a href={ "/runs/" (run.id) } tabindex="-1" {
                    title { (tooltip(run, now)) }
                    path.hit d={ "M" (left) " 0h7v28h-7z" } {}
                    path.(class) d=(bar) {}
                }
            }
        }
    }
}

/// A bar as a part of a path, and the mark below one that did not end well. Lines of a width of 3 with round corners are drawn around it:
/// it is smaller by half of that on each side than what is seen.
fn bar(run: &Glimpse, place: usize, longest: f64, now: Timestamp) -> String {
    // Roots: a run of a tenth of the time is still to be seen beside the longest.
    let share = match (seconds(run, now), longest > 0.0) {
        (Some(seconds), true) => (seconds / longest).sqrt(),
        _ => 0.0,
    };
    let height = (LOWEST + share * (HIGHEST - LOWEST)).round();
    let left = place * STEP;
    let mut path = format!("M{}.5 {}.5h2v{}h-2z", left + 2, HIGHEST - height + 1.0, height - 3.0);
    if words::run(run.state).class == "bad" {
        let _ = write!(path, "M{}.5 25.5h.01", left + 3);
    }
    path
}

/// How long a run has worked, or works so far.
fn seconds(run: &Glimpse, now: Timestamp) -> Option<f64> {
    let until = if run.state == RunState::Queued { None } else { Some(run.ended.unwrap_or(now)) };
    Some(moment::seconds(run.started?, until?))
}

/// What a bar says: state, when, how long, which attempt.
pub(super) fn tooltip(run: &Glimpse, now: Timestamp) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn run(number: i64, state: RunState, took: i64) -> Glimpse {
        let queued = Timestamp::UNIX_EPOCH;
        let ended = Some(queued + jiff::SignedDuration::from_secs(took));
        let id = format!("20260101-000000-{number:08}").as_str().into();
        Glimpse {
            number,
            id,
            job: "a".to_owned(),
            partition: None,
            attempt: 1,
            state,
            queued,
            started: Some(queued),
            ended,
        }
    }

    #[test]
    fn what_did_not_end_well_has_a_link_and_the_rest_is_one_path() {
        let runs = [run(3, RunState::Succeeded, 100), run(2, RunState::Failed, 25), run(1, RunState::Succeeded, 0)];
        let html = strip("a", &runs, Timestamp::UNIX_EPOCH).into_string();
        // The latest is the thirtieth and the longest: from 0 to 22 less the width of the line.
        assert!(html.contains("<path class=\"good\" d=\"M205.5 1.5h2v19h-2zM191.5 18.5h2v2h-2z\">"), "{html}");
        // A quarter of the time has half of the height above the lowest: 5 + 8.5, rounded.
        assert!(html.contains("<path class=\"bad\" d=\"M198.5 9.5h2v11h-2zM199.5 25.5h.01\">"), "{html}");
        assert!(html.contains("href=\"/runs/20260101-000000-00000002\"") && !html.contains("00000001"), "{html}");
        assert!(html.contains("The last 3 runs, 1 of them not well"), "{html}");
    }

    #[test]
    fn a_strip_is_small_however_its_runs_ended() {
        let good: Vec<Glimpse> = (0..60).map(|number| run(number, RunState::Succeeded, number * 7)).collect();
        let bad: Vec<Glimpse> = (0..60).map(|number| run(number, RunState::Lost, number * 7)).collect();
        let length = |runs: &[Glimpse]| strip("a", runs, Timestamp::UNIX_EPOCH).into_string().len();
        assert!(length(&good) < 1_200, "{}", length(&good));
        assert!(length(&bad) < 3_500, "{}", length(&bad));
    }
}
