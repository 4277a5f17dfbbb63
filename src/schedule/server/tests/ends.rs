//! Ends: retries, deadlines, cancellation, silence, gates, what follows.

use jiff::SignedDuration;

use super::*;
use crate::schedule::service::Who;
use crate::schedule::store::{CutOff, RunState, Stopped};
use crate::schedule::worker::Launch;

#[test]
fn a_failed_run_is_tried_again_after_growing_waits_and_a_wrong_definition_is_not() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("flaky", "retries: 2"), ("wrong", "retries: 2")]);
    world.script("flaky", &[Script::Ends(1, 1), Script::Ends(1, 1), Script::Ends(1, 0)]);
    world.script("wrong", &[Script::Ends(1, 2)]);
    world.turn();
    let (flaky, wrong) = (world.ask("flaky"), world.ask("wrong"));
    world.pass(120);
    let attempts = world.service.store().attempts(&flaky).unwrap();
    let states: Vec<RunState> = attempts.iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Failed, RunState::Failed, RunState::Succeeded]);
    for (run, (least, most)) in attempts.iter().skip(1).zip([(7.5, 10.0), (15.0, 20.0)]) {
        let waited = run.not_before.unwrap().duration_since(run.queued).as_secs_f64();
        assert!((least..=most).contains(&waited), "{waited}");
        assert!(run.started.unwrap() >= run.not_before.unwrap());
    }
    assert_eq!(world.service.store().attempts(&wrong).unwrap().len(), 1);
    world.sound();
}

#[test]
fn the_deadline_beats_retries_and_a_stubborn_worker_is_killed_ten_seconds_later() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("slow", "timeout: 20s\nretries: 5")]);
    world.script("slow", &[Script::Stubborn]);
    world.turn();
    let run = world.ask("slow");
    world.pass(60);
    let ended = world.run(&run);
    assert_eq!(ended.state, RunState::TimedOut);
    let lived = ended.ended.unwrap().duration_since(ended.started.unwrap());
    assert!((30..=33).contains(&lived.as_secs()), "{lived}");
    assert_eq!(world.runs().len(), 1);
    world.sound();
}

#[test]
fn all_tries_of_a_run_share_its_time() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("slow", "timeout: 50s\nretries: 5")]);
    world.script("slow", &[Script::Ends(25, 1)]);
    world.turn();
    let run = world.ask("slow");
    world.pass(200);
    let attempts = world.service.store().attempts(&run).unwrap();
    assert_eq!(attempts.last().unwrap().state, RunState::TimedOut, "{attempts:?}");
    let lived = attempts.last().unwrap().ended.unwrap().duration_since(attempts[0].started.unwrap());
    assert!((49..=54).contains(&lived.as_secs()), "{lived}");
}

#[test]
fn a_cancelled_run_stays_cancelled_although_its_worker_still_succeeds() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("slow", "retries: 3")]);
    world.script("slow", &[Script::Late]);
    world.turn();
    let run = world.ask("slow");
    world.pass(5);
    assert_eq!(world.run(&run).state, RunState::Running);
    let ann = Who::admin("ann");
    assert_eq!(world.service.cancel(&run, &ann).unwrap(), Stopped::Asked);
    assert!(matches!(world.service.cancel(&run, &ann).unwrap(), Stopped::AskedBefore(_)));
    world.pass(5);
    let ended = world.run(&run);
    assert_eq!((ended.state, ended.exit_code), (RunState::Cancelled, Some(0)));
    assert_eq!(world.service.cancel(&run, &ann).unwrap(), Stopped::EndedBefore(RunState::Cancelled));
    assert_eq!(world.runs().len(), 1);
    assert_eq!(world.service.live(&run), None);
    world.sound();
}

#[test]
fn a_worker_without_a_sign_of_life_is_dead_after_thirty_seconds() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("deaf", ""), ("again", "after_crash: resume")]);
    world.script("deaf", &[Script::Silent]);
    world.script("again", &[Script::Silent, Script::Ends(1, 0)]);
    world.turn();
    let (deaf, again) = (world.ask("deaf"), world.ask("again"));
    // The clock of the day may step as it likes.
    world.pass(10);
    world.clock.set(at("2026-03-01T14:00:00Z"));
    world.pass(10);
    assert_eq!(world.run(&deaf).state, RunState::Running);
    world.pass(90);
    assert_eq!(world.run(&deaf).state, RunState::Lost);
    let attempts = world.service.store().attempts(&again).unwrap();
    let states: Vec<RunState> = attempts.iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Lost, RunState::Succeeded]);
    assert!(attempts[1].resumes);
    world.sound();
}

#[test]
fn a_run_whose_worker_dies_is_taken_up_again_three_times_in_a_row() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("dies", "after_crash: again")]);
    world.script("dies", &[Script::Ends(1, -9)]);
    world.turn();
    let run = world.ask("dies");
    world.pass(300);
    let attempts = world.service.store().attempts(&run).unwrap();
    let ends: Vec<_> = attempts.iter().map(|run| (run.state, run.cut_off)).collect();
    assert_eq!(ends, [(RunState::Lost, None); 4]);
    let cached: Vec<bool> = world.fake.started.lock().unwrap().iter().map(|launch| launch.no_cache).collect();
    assert_eq!(cached, [false, true, true, true]);
}

#[test]
fn beside_a_deaf_worker_and_one_that_exhausts_the_memory_others_finish() {
    let mut world = World::limited(
        "2026-03-01T10:00:00Z",
        &[("deaf", ""), ("greedy", "memory: 1GiB\nretries: 1"), ("sibling", "")],
        crate::schedule::queue::Limits { runs: Some(3), ..Default::default() },
    );
    world.script("deaf", &[Script::Stubborn]);
    world.script("greedy", &[Script::Exhausts(3), Script::Ends(1, 0)]);
    world.script("sibling", &[Script::Ends(20, 0)]);
    world.turn();
    let [deaf, greedy, sibling] = ["deaf", "greedy", "sibling"].map(|job| world.ask(job));
    world.pass(5);
    let died = world.run(&greedy);
    assert_eq!(died.state, RunState::Lost);
    assert!(died.message.as_deref().unwrap().contains("allow the job less with `memory`"), "{died:?}");
    assert_eq!(world.service.cancel(&deaf, &Who::admin("ann")).unwrap(), Stopped::Asked);
    world.pass(8);
    assert_eq!(world.run(&deaf).state, RunState::Running, "it has 10 s to end");
    world.pass(12);
    assert_eq!(world.run(&deaf).state, RunState::Cancelled);
    assert_eq!(world.run(&sibling).state, RunState::Succeeded);
    world.pass(10);
    let attempts = world.service.store().attempts(&greedy).unwrap();
    assert_eq!(attempts[1].state, RunState::Succeeded, "a retry is for that");
    world.sound();
}

#[test]
fn another_jobs_success_starts_a_run_and_its_failure_does_not() {
    let jobs = [("load", ""), ("report", "after: [load]"), ("other", "after: [load]\npaused: true")];
    let mut world = World::new("2026-03-01T10:00:00Z", &jobs);
    world.script("load", &[Script::Ends(1, 1), Script::Ends(1, 0)]);
    world.turn();
    world.ask("load");
    world.pass(10);
    assert_eq!(world.runs().len(), 1);
    let load = world.ask("load");
    world.pass(10);
    let runs = world.runs();
    assert_eq!(runs.len(), 3);
    assert_eq!((runs[2].job.as_str(), runs[2].cause.as_ref()), ("report", Some(&load)));
    world.sound();
}

#[test]
fn a_run_that_cannot_start_ends_with_the_reason() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("gone", "retries: 3")]);
    world.turn();
    std::fs::remove_file(world.folder.path().join("pipelines/gone.yaml")).unwrap();
    let run = world.ask("gone");
    world.pass(5);
    let ended = world.run(&run);
    assert_eq!(ended.state, RunState::Failed);
    assert!(ended.message.as_deref().unwrap().contains("gone.yaml"), "{:?}", ended.message);
    assert_eq!(world.runs().len(), 1, "a definition that is wrong stays so");
    let log = world.service.log(&ended, 0, 10_000).unwrap();
    assert!(log.ended && log.lines.len() == 1, "{log:?}");
}

#[test]
fn what_starts_a_worker_is_what_the_job_says() {
    let text = "memory: 1GiB\ncores: 2\ntimeout: 1h\nstage_timeout: 5m\nparameters: {a: 1, run: \"${run.id}\"}";
    let mut world = World::new("2026-03-01T10:00:00Z", &[("all", text)]);
    world.turn();
    let mut given = crate::schedule::store::Object::new();
    given.insert("a".to_owned(), 2.into());
    let run = world.ask_with("all", given).unwrap();
    world.pass(3);
    let started = world.fake.started.lock().unwrap();
    let Launch { parameters, memory, threads, timeouts, folder, no_cache, .. } = &started[0];
    assert_eq!((*memory, *threads, *no_cache), (Some(1 << 30), Some(2), false));
    assert_eq!(timeouts.run.map(|left| left.as_secs()), Some(3600));
    assert_eq!(timeouts.stage.map(|left| left.as_secs()), Some(300));
    assert_eq!(parameters["a"], 2);
    assert_eq!(parameters["run"], run.as_str());
    assert_eq!(folder.file_name().unwrap().to_str(), Some(run.as_str()));
}

#[test]
fn old_runs_go_with_their_folders_and_the_last_success_stays() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("often", "schedule: {every: 1m}\nkeep: {runs: 3, days: 0}")]);
    world.script("often", &[Script::Ends(1, 0), Script::Ends(1, 1)]);
    world.turn();
    world.pass_by(20 * 60, 30);
    assert_eq!(world.outcomes("often").len(), 20);
    world.pass_by(3 * 3600, 600);
    let runs = world.runs();
    assert!(runs.len() < 12, "{}", runs.len());
    assert_eq!(runs[0].state, RunState::Succeeded, "the last success is the first run");
    let folders = std::fs::read_dir(world.folder.path().join(".gristmill/runs")).unwrap().count();
    assert!(folders <= runs.len(), "{folders} folders of {} runs", runs.len());
    world.sound();
}

#[test]
fn a_stopping_server_lets_its_runs_be_taken_up_by_the_next_one() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("long", "")]);
    world.script("long", &[Script::Works, Script::Ends(1, 0)]);
    world.turn();
    let run = world.ask("long");
    world.pass(5);
    world.turning.begin_stop();
    world.pass(3);
    assert_eq!(world.states(), [RunState::Lost, RunState::Queued]);
    assert_eq!(world.fake.at_work(), 0, "a stopping server starts nothing");
    let mut world = world.crash(SignedDuration::from_secs(60));
    world.pass(5);
    let attempts = world.service.store().attempts(&run).unwrap();
    assert_eq!((attempts.len(), attempts[1].state, attempts[1].resumes), (2, RunState::Succeeded, true));
    assert_eq!((attempts[0].cut_off, attempts[1].cut_off), (Some(CutOff::ServerStopped), None));
    world.sound();
}
