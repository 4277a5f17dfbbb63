//! What a server that died leaves to the next one.

use std::sync::Arc;

use jiff::SignedDuration;

use super::super::launcher::Launcher;
use super::super::log::Silent;
use super::super::options::Options;
use super::super::threads::Server;
use super::*;
use crate::schedule::service::Kind;
use crate::schedule::store::{CutOff, Faults, LOCK_FILE, RunState};

#[test]
fn after_a_crash_runs_are_lost_and_taken_up_again_as_the_job_says() {
    let jobs = [("leave", ""), ("resume", "after_crash: resume"), ("again", "after_crash: again")];
    let mut world = World::new("2026-03-01T10:00:00Z", &jobs);
    for job in ["leave", "resume", "again"] {
        world.script(job, &[Script::Works, Script::Ends(1, 0)]);
    }
    world.turn();
    for job in ["leave", "resume", "again"] {
        world.ask(job);
    }
    world.pass(5);
    assert_eq!(world.states(), [RunState::Running; 3]);
    let mut world = world.crash(SignedDuration::from_secs(20));
    assert_eq!(world.fake.orphans.lock().unwrap().len(), 3, "workers that may still live are ended first");
    world.pass(10);
    let runs = world.runs();
    let told: Vec<(&str, RunState, u32)> = runs.iter().map(|run| (run.job.as_str(), run.state, run.attempt)).collect();
    use RunState::{Lost, Succeeded};
    assert_eq!(told[..3], [("leave", Lost, 1), ("resume", Lost, 1), ("again", Lost, 1)]);
    assert!(told[3..].contains(&("resume", Succeeded, 2)) && told[3..].contains(&("again", Succeeded, 2)), "{told:?}");
    assert_eq!(told.len(), 5);
    let no_cache: Vec<bool> = world.fake.started.lock().unwrap().iter().skip(3).map(|launch| launch.no_cache).collect();
    assert_eq!(no_cache.iter().filter(|without| **without).count(), 1);
    world.sound();
}

#[test]
fn deaths_of_the_server_do_not_use_up_what_a_run_may_be_taken_up() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("again", "after_crash: again")]);
    let mut scripts = vec![Script::Works; 12];
    scripts.push(Script::Ends(1, 0));
    world.script("again", &scripts);
    world.turn();
    let run = world.ask("again");
    for _ in 0..12 {
        world.pass(3);
        world = world.crash(SignedDuration::from_secs(1));
    }
    world.pass(5);
    let attempts = world.service.store().attempts(&run).unwrap();
    assert_eq!((attempts.len(), attempts[12].state), (13, RunState::Succeeded));
    assert!(attempts[..12].iter().all(|run| run.cut_off == Some(CutOff::ServerDied)), "{attempts:?}");
    world.sound();
}

#[test]
fn a_claim_whose_worker_never_began_is_given_back() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("job", "")]);
    world.turn();
    let run = world.ask("job");
    let claimed = world.service.store().claim_next(world.service.now(), |_| true).unwrap().unwrap();
    assert_eq!(claimed.run.id, run);
    let mut world = world.crash(SignedDuration::from_secs(1));
    world.pass(5);
    let ended = world.run(&run);
    assert_eq!((ended.state, ended.attempt, ended.claim), (RunState::Succeeded, 1, 2));
    world.sound();
}

#[test]
fn a_claim_that_nobody_works_at_is_found_after_thirty_seconds() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("job", "")]);
    world.turn();
    let run = world.ask("job");
    // Written, but the answer did not come.
    world.service.store().claim_next(world.service.now(), |_| true).unwrap().unwrap();
    world.pass(28);
    assert_eq!(world.run(&run).state, RunState::Starting);
    world.pass(10);
    assert_eq!(world.run(&run).state, RunState::Succeeded);
    world.sound();
}

#[test]
fn a_full_disk_is_said_and_work_goes_on_when_there_is_room() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("job", "schedule: {every: 1m}")]);
    world.script("job", &[Script::Ends(10, 0)]);
    world.turn();
    world.pass(65);
    assert_eq!(world.states(), [RunState::Running]);
    world.faults.fail_at(1, true);
    world.pass(120);
    let health = world.service.health();
    assert!(health.alive && !health.ready, "{health:?}");
    assert!(health.reasons.iter().any(|reason| reason.contains("cannot be read or written")), "{health:?}");
    world.faults.end();
    world.pass(30);
    assert_eq!(world.states()[0], RunState::Succeeded, "an end that could not be written is written later");
    assert!(world.service.health().ready);
    assert!(world.said("database_trouble_over"));
    world.pass(120);
    world.sound();
}

#[test]
fn two_servers_do_not_serve_one_folder_and_a_server_starts_and_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let fake: Arc<dyn Launcher> = Arc::new(Fake::default());
    let start =
        || Server::start_with(folder.path(), Options::new("gristmill".into()), Arc::new(Silent), Arc::clone(&fake));
    std::fs::create_dir_all(folder.path().join("jobs")).unwrap();
    std::fs::create_dir_all(folder.path().join("pipelines")).unwrap();
    super::world::lay(folder.path(), "fresh", "");
    let server = start().unwrap();
    assert!(server.service().health().alive);
    let fresh = server.service().job("fresh");
    assert!(fresh.is_ok_and(|view| view.definition.is_some()), "a file that was written just now is known at once");
    let second = start().unwrap_err();
    assert_eq!(second.kind(), Kind::Served);
    assert!(second.to_string().contains(&format!("by process {}", std::process::id())), "{second}");
    server.stop().unwrap();
    start().unwrap().stop().unwrap();
    let gone = Server::start(&folder.path().join("no"), Options::new("gristmill".into()), Arc::new(Silent));
    assert_eq!(gone.unwrap_err().kind(), Kind::Broken);
    let _ = Faults::none();
}

#[test]
fn a_lock_that_outlives_a_server_that_was_killed_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("jobs")).unwrap();
    let state = folder.path().join(crate::schedule::service::STATE);
    std::fs::create_dir_all(&state).unwrap();
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    std::fs::write(state.join(LOCK_FILE), format!("{}\n", ended.id())).unwrap();
    let held = std::fs::File::open(state.join(LOCK_FILE)).unwrap();
    held.lock().unwrap();
    let letting_go = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(250));
        drop(held);
    });
    let fake: Arc<dyn Launcher> = Arc::new(Fake::default());
    let server = Server::start_with(folder.path(), Options::new("gristmill".into()), Arc::new(Silent), fake).unwrap();
    letting_go.join().unwrap();
    server.stop().unwrap();
}
