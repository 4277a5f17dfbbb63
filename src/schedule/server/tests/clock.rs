//! The rules of the clock, as far as the loop carries them out.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::*;
use crate::schedule::store::{Outcome, RunState};

const HOURLY: &str = "schedule: {cron: \"0 * * * *\"}";

/// A job for each way to make up for what was missed, each due at half past.
const EACH_CATCHUP: [(&str, &str); 3] = [
    ("none", "schedule: {cron: \"30 * * * *\"}\ncatchup: none"),
    ("latest", "schedule: {cron: \"30 * * * *\"}"),
    ("all", "schedule: {cron: \"30 * * * *\"}\ncatchup: all\noverlap: queue"),
];

#[test]
fn a_job_fires_at_its_time_and_not_again_when_the_clock_steps_back_two_hours() {
    let mut world = World::new("2026-03-01T10:59:30Z", &[("hourly", HOURLY)]);
    world.turn();
    assert!(world.occurrences("hourly").is_empty(), "a new job counts from now on");
    world.pass(40);
    let first = world.runs();
    assert_eq!((first.len(), first[0].scheduled), (1, Some(at("2026-03-01T11:00:00Z"))));
    assert_eq!(first[0].queued, at("2026-03-01T11:00:00Z"), "within the second");
    world.clock.set(at("2026-03-01T09:00:10Z"));
    world.pass_by(3 * 3600, 60);
    world.pass(5);
    assert!(world.said("the clock went back by 2h"), "{:?}", world.lines.0.lock().unwrap());
    let times: Vec<_> = world.occurrences("hourly").into_iter().map(|each| each.scheduled).collect();
    assert_eq!(times, [at("2026-03-01T11:00:00Z"), at("2026-03-01T12:00:00Z")]);
    assert_eq!(world.states(), [RunState::Succeeded; 2]);
    world.sound();
}

#[test]
fn a_clock_that_steps_forward_two_hours_is_made_up_for_as_the_job_says() {
    let mut world = World::new("2026-03-01T10:00:00Z", &EACH_CATCHUP);
    world.pass(5);
    world.clock.set(at("2026-03-01T12:00:05Z"));
    world.pass(30);
    assert!(world.said("the clock went forward by 2h"));
    assert_eq!(world.outcomes("none"), [Outcome::Dropped; 2]);
    assert_eq!(world.outcomes("latest"), [Outcome::Dropped, Outcome::Started]);
    assert_eq!(world.outcomes("all"), [Outcome::Started; 2]);
    world.sound();
}

#[test]
fn up_to_a_minute_late_is_on_time() {
    let mut world =
        World::new("2026-03-01T10:00:00Z", &[("hourly", "schedule: {cron: \"30 * * * *\"}\ncatchup: none")]);
    world.turn();
    let mut world = world.crash(SignedDuration::from_secs(30 * 60 + 60));
    assert_eq!(world.outcomes("hourly"), [Outcome::Started]);
    world.pass(10);
    let world = world.crash(SignedDuration::from_secs(3600));
    assert_eq!(world.outcomes("hourly"), [Outcome::Started, Outcome::Dropped], "61 s and more are late");
}

#[test]
fn after_seven_days_without_a_server_each_dropped_occurrence_is_recorded_with_its_reason() {
    let jobs = [
        ("none", "schedule: {every: 1h}\ncatchup: none"),
        ("latest", "schedule: {every: 1h}\ncatchup: latest"),
        ("all", "schedule: {every: 1h}\ncatchup: all\noverlap: allow"),
    ];
    let mut world = World::new("2026-03-01T00:10:00Z", &jobs);
    world.turn();
    let world = world.crash(SignedDuration::from_hours(7 * 24));
    let count = |job: &str| {
        let mut counts = BTreeMap::new();
        for outcome in world.outcomes(job) {
            *counts.entry(outcome.word()).or_insert(0) += 1;
        }
        counts
    };
    assert_eq!(count("none"), BTreeMap::from([("dropped", 168)]));
    assert_eq!(count("latest"), BTreeMap::from([("dropped", 167), ("started", 1)]));
    assert_eq!(count("all"), BTreeMap::from([("dropped", 144), ("started", 24)]));
    let dropped = &world.occurrences("all")[0];
    assert!(dropped.reason.as_deref().unwrap().contains("more than 24 hours ago"), "{dropped:?}");
    world.sound();
}

#[test]
fn what_was_due_in_a_pause_is_recorded_and_not_made_up_for() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("hourly", HOURLY)]);
    world.turn();
    let ann = crate::schedule::service::Who::admin("ann");
    assert!(world.service.pause("hourly", &ann).unwrap());
    world.pass_by(3600, 60);
    assert_eq!(world.outcomes("hourly"), [Outcome::Skipped]);
    let reason = world.occurrences("hourly")[0].reason.clone().unwrap();
    assert!(reason.starts_with("the job is paused since 2026-03-01T10:00:00Z"), "{reason}");
    assert!(world.service.resume("hourly", &ann).unwrap());
    world.pass_by(3600, 60);
    assert_eq!(world.outcomes("hourly"), [Outcome::Skipped, Outcome::Started]);
}

#[test]
fn an_hour_that_the_clock_of_the_zone_skips_or_repeats_fires_once() {
    let text = "schedule: {cron: \"30 2 * * *\", zone: Europe/Berlin}\nparameters: {day: \"${schedule.date}\"}";
    let mut world = World::new("2026-03-28T12:00:00Z", &[("nightly", text)]);
    world.turn();
    world.pass_by(2 * 86_400, 300);
    // Summer time begins on 29 March at 1:00 UTC: half past two is not there, three o'clock is the first moment behind.
    let times: Vec<_> = world.occurrences("nightly").into_iter().map(|each| each.scheduled).collect();
    assert_eq!(times, [at("2026-03-29T01:00:00Z"), at("2026-03-30T00:30:00Z")]);
    let days: Vec<String> =
        world.fake.started.lock().unwrap().iter().map(|launch| launch.parameters["day"].to_string()).collect();
    assert_eq!(days, ["\"2026-03-29\"", "\"2026-03-30\""]);
}

#[test]
fn two_hundred_jobs_over_a_day_start_each_occurrence_once_and_in_its_second() {
    let texts: Vec<(String, String)> = (0..200)
        .map(|number| (format!("job{number:03}"), format!("schedule: {{cron: \"{} */12 * * *\"}}", number % 12 * 5)))
        .collect();
    let jobs: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let mut world = World::new("2026-03-01T00:59:00Z", &jobs);
    world.turn();
    world.pass_by(60, 60);
    world.pass_by(86_400, 300);
    world.pass(3);
    let runs = world.runs();
    assert_eq!(runs.len(), 400);
    assert!(runs.iter().all(|run| run.started == run.scheduled && run.state == RunState::Succeeded));
    world.sound();
}

#[test]
fn an_hour_that_the_clock_of_the_zone_repeats_fires_once_for_a_fixed_time_and_by_elapsed_time_for_a_pattern() {
    let jobs = [
        ("nightly", "schedule: {cron: \"30 2 * * *\", zone: Europe/Berlin}"),
        ("hourly", "schedule: {cron: \"30 * * * *\", zone: Europe/Berlin}"),
    ];
    let mut world = World::new("2026-10-24T22:00:00Z", &jobs);
    world.turn();
    world.pass_by(28 * 3600, 300);
    let times = |job: &str| -> Vec<_> { world.occurrences(job).into_iter().map(|each| each.scheduled).collect() };
    // Summer time ends on 25 October at 1:00 UTC: half past two is there at 0:30 and at 1:30 UTC.
    assert_eq!(times("nightly"), [at("2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z")]);
    let hours: Vec<_> = (0..28).map(|hour| at("2026-10-24T22:30:00Z") + SignedDuration::from_hours(hour)).collect();
    assert_eq!(times("hourly"), hours, "each hour that passes, also the one that the clock shows twice");
    assert!(world.states().iter().all(|state| *state == RunState::Succeeded));
    world.sound();
}

#[test]
fn a_clock_that_goes_forward_two_hours_and_back_again_fires_nothing_twice() {
    let mut world = World::new("2026-03-01T10:00:00Z", &EACH_CATCHUP);
    world.pass(5);
    world.clock.set(at("2026-03-01T12:00:05Z"));
    world.pass(30);
    world.clock.set(at("2026-03-01T10:00:35Z"));
    world.pass(10);
    assert!(world.said("the clock went back by 2h") && world.said("clock_behind"));
    // Half past ten and half past eleven come a second time.
    world.pass_by(2 * 3600, 60);
    let count = |world: &World| ["none", "latest", "all"].map(|job| world.occurrences(job).len());
    assert_eq!(count(&world), [2, 2, 2]);
    // And a server that starts meanwhile knows no better.
    let mut world = world.crash(SignedDuration::from_secs(60));
    assert_eq!(count(&world), [2, 2, 2]);
    world.pass_by(1800, 60);
    for job in ["none", "latest", "all"] {
        let last = world.occurrences(job).pop().unwrap();
        assert_eq!((last.scheduled, last.outcome), (at("2026-03-01T12:30:00Z"), Outcome::Started), "{job}");
    }
    assert_eq!(count(&world), [3, 3, 3]);
    world.sound();
}
