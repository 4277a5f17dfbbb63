//! From what is due to what starts: overlap, limits, backfills, files, job files that change.

use super::world::lay;
use super::*;
use crate::schedule::queue::Limits;
use crate::schedule::service::{BackfillRequest, Kind, Who};
use crate::schedule::store::{BackfillState, Object, Origin, Outcome, RunState};

#[test]
fn beside_an_earlier_run_each_policy_does_what_it_says() {
    let every = "schedule: {every: 1m}\noverlap:";
    let texts: Vec<(String, String)> = ["skip", "queue", "replace", "allow"]
        .iter()
        .map(|policy| ((*policy).to_owned(), format!("{every} {policy}")))
        .collect();
    let jobs: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let mut world = World::new("2026-03-01T10:00:30Z", &jobs);
    for job in ["skip", "queue", "replace", "allow"] {
        world.script(job, &[Script::Works]);
    }
    world.turn();
    world.pass(30 + 125);
    let states = |world: &World, job: &str| -> Vec<RunState> {
        world.runs().into_iter().filter(|run| run.job == job).map(|run| run.state).collect()
    };
    use RunState::{Cancelled, Queued, Running};
    assert_eq!(states(&world, "skip"), [Running]);
    assert_eq!(world.outcomes("skip"), [Outcome::Started, Outcome::Skipped, Outcome::Skipped]);
    assert!(world.occurrences("skip")[1].reason.as_deref().unwrap().contains("`overlap: skip`"));
    assert_eq!(states(&world, "queue"), [Running, Queued, Queued]);
    assert_eq!(states(&world, "replace"), [Cancelled, Cancelled, Running]);
    assert_eq!(states(&world, "allow"), [Running; 3]);
    world.sound();
}

#[test]
fn limits_hold_and_jobs_take_turns_by_priority() {
    let jobs = [("a", ""), ("b", ""), ("first", "priority: 5"), ("wide", "cores: 3")];
    let limits = Limits { runs: Some(2), memory: None, cores: Some(2) };
    let mut world = World::limited("2026-03-01T10:00:00Z", &jobs, limits);
    for job in ["a", "b", "first"] {
        world.script(job, &[Script::Ends(10, 0)]);
    }
    world.turn();
    let refused = world.ask_with("wide", Object::new()).unwrap_err();
    assert_eq!(refused.kind(), Kind::Refused);
    assert!(refused.to_string().contains("it needs 3 cores, 2 are allowed"), "{refused}");
    for job in ["a", "a", "a", "b", "first"] {
        world.ask(job);
    }
    let mut most = 0;
    for _ in 0..60 {
        world.pass(1);
        most = most.max(world.fake.at_work());
    }
    assert_eq!(most, 2);
    let order: Vec<String> = world
        .fake
        .started
        .lock()
        .unwrap()
        .iter()
        .map(|launch| launch.pipeline.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(order, ["first", "a", "b", "a", "a"]);
    assert!(world.states().iter().all(|state| *state == RunState::Succeeded));
}

#[test]
fn a_backfill_runs_what_is_missing_so_many_at_a_time_and_can_be_stopped_and_resumed() {
    let text = "partitions: {days: {from: 2026-02-01}}\nruns: 1\nparameters: {day: \"${partition.key}\"}";
    let mut world = World::new("2026-03-01T10:00:00Z", &[("days", text)]);
    world.script("days", &[Script::Ends(5, 0)]);
    world.turn();
    let ann = Who::admin("ann");
    let request = BackfillRequest {
        job: "days".to_owned(),
        key: None,
        from: Some("2026-02-01".to_owned()),
        to: Some("2026-02-10".to_owned()),
        parallelism: 3,
        again: false,
        parameters: Object::new(),
    };
    let backfill = world.service.backfill(request, &ann).unwrap();
    let mut most = 0;
    for _ in 0..9 {
        world.pass(1);
        most = most.max(world.fake.at_work());
    }
    assert_eq!(most, 3, "as many as it says, whatever `runs` says");
    assert!(world.service.stop_backfill(backfill.number, &ann).unwrap());
    world.pass(20);
    let stopped = world.service.store().the_backfill(backfill.number).unwrap();
    assert_eq!((stopped.state, world.fake.at_work()), (BackfillState::Stopped, 0));
    assert!(stopped.succeeded >= 3 && stopped.succeeded < 10, "{stopped:?}");
    assert!(world.service.resume_backfill(backfill.number, &ann).unwrap());
    world.pass(60);
    let ended = world.service.store().the_backfill(backfill.number).unwrap();
    assert_eq!((ended.state, ended.succeeded), (BackfillState::Succeeded, 10));
    let mut days: Vec<String> =
        world.fake.started.lock().unwrap().iter().map(|launch| launch.parameters["day"].to_string()).collect();
    days.sort();
    days.dedup();
    assert_eq!(days.len(), 10);
    world.sound();
}

#[test]
fn a_nightly_job_with_days_is_run_for_the_day_before() {
    let text = "schedule: {cron: \"0 2 * * *\"}\npartitions: {days: {from: 2026-02-01}}";
    let mut world = World::new("2026-03-01T01:59:00Z", &[("nightly", text)]);
    world.turn();
    world.pass(70);
    let runs = world.runs();
    assert_eq!(runs[0].partition.as_deref(), Some("2026-02-28"));
    assert_eq!(runs[0].state, RunState::Succeeded);
}

#[test]
fn files_that_change_start_a_run_once_they_have_settled_and_also_after_a_restart() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("watch", "files: {path: \"in/*.csv\", settled: 5s}")]);
    let inbox = world.folder.path().join("in");
    std::fs::create_dir(&inbox).unwrap();
    std::fs::write(inbox.join("old.csv"), "1").unwrap();
    world.pass(20);
    assert!(world.runs().is_empty(), "what is there at first is no change");
    std::fs::write(inbox.join("new.csv"), "2").unwrap();
    world.pass(20);
    let runs = world.runs();
    assert_eq!((runs.len(), runs[0].origin, runs[0].state), (1, Origin::File, RunState::Succeeded));
    world.pass(20);
    assert_eq!(world.runs().len(), 1);
    std::fs::write(inbox.join("later.csv"), "3").unwrap();
    let mut world = world.crash(jiff::SignedDuration::from_secs(60));
    world.pass(20);
    assert_eq!(world.runs().len(), 2, "it changed while no server was there");
    world.sound();
}

#[test]
fn a_bad_file_is_told_and_the_last_good_version_stays_in_force() {
    let mut world = World::new("2026-03-01T10:59:00Z", &[("hourly", "schedule: {cron: \"0 * * * *\"}")]);
    world.turn();
    let file = world.folder.path().join("jobs/hourly.yaml");
    std::fs::write(&file, "pipeline: pipelines/hourly.yaml\nschedule: {cron: \"0 0 30 2 *\"}\n").unwrap();
    // A file that somebody writes is read when it has rested; the clock of files is the machine's.
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
    world.pass(5);
    let view = world.service.job("hourly").unwrap();
    assert!(view.overview.job.problem.as_deref().unwrap().contains("February has at most 29 days"), "{view:?}");
    assert_eq!(view.next, Some(at("2026-03-01T11:00:00Z")));
    world.pass(60);
    assert_eq!(world.states(), [RunState::Succeeded]);
    std::fs::remove_file(&file).unwrap();
    world.pass_by(3700, 20);
    assert_eq!(world.runs().len(), 1, "a job whose file is gone does not fire");
    assert_eq!(
        world
            .service
            .run(
                crate::schedule::service::RunRequest {
                    job: "hourly".to_owned(),
                    key: None,
                    parameters: Object::new(),
                    partition: None,
                    origin: Origin::Manual,
                },
                &Who::admin("ann"),
            )
            .unwrap_err()
            .kind(),
        Kind::Conflict
    );
}

#[test]
fn a_changed_schedule_counts_from_its_change_on() {
    let mut world = World::new("2026-03-01T10:00:30Z", &[("job", "schedule: {cron: \"0 3 * * *\"}")]);
    world.turn();
    lay(world.folder.path(), "job", "schedule: {cron: \"0 9 * * *\"}");
    let file = world.folder.path().join("jobs/job.yaml");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
    world.pass(5);
    assert_eq!(world.service.job("job").unwrap().next, Some(at("2026-03-02T09:00:00Z")));
    assert!(world.occurrences("job").is_empty());
}

#[test]
fn readers_may_look_and_nothing_else() {
    let world = World::new("2026-03-01T10:00:00Z", &[("job", "http: false")]);
    let mut world = world;
    world.turn();
    let reader = Who::reader("bob");
    assert_eq!(world.service.pause("job", &reader).unwrap_err().kind(), Kind::Forbidden);
    let request = |origin| crate::schedule::service::RunRequest {
        job: "job".to_owned(),
        key: Some("k".to_owned()),
        parameters: Object::new(),
        partition: None,
        origin,
    };
    assert_eq!(world.service.run(request(Origin::Manual), &reader).unwrap_err().kind(), Kind::Forbidden);
    let ann = Who::admin("ann");
    assert_eq!(world.service.run(request(Origin::Api), &ann).unwrap_err().kind(), Kind::Refused);
    let first = world.service.run(request(Origin::Manual), &ann).unwrap();
    let again = world.service.run(request(Origin::Manual), &ann).unwrap();
    assert_eq!((first.run, first.fresh, again.fresh), (again.run, true, false));
    let near = world.service.job("jobb").unwrap_err();
    assert_eq!(near.to_string(), "there is no job `jobb`; did you mean `job`?");
    assert!(world.service.health().alive);
}
