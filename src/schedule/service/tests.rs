//! The service without a server.

use super::*;
use crate::schedule::store::{NewRun, Origin, Run, RunFilter, Submission};

fn served() -> (tempfile::TempDir, Arc<Service>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("jobs")).unwrap();
    std::fs::create_dir_all(folder.path().join("pipelines")).unwrap();
    std::fs::write(
        folder.path().join("pipelines/a.yaml"),
        "name: a\nstages:\n  - id: rows\n    read: {path: rows.csv}\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("jobs/good.yaml"), "pipeline: pipelines/a.yaml\nschedule: {cron: \"@daily\"}\n")
        .unwrap();
    std::fs::write(folder.path().join("jobs/bad.yaml"), "pipeline: pipelines/none.yaml\n").unwrap();
    let service = Service::open(folder.path()).unwrap();
    (folder, service)
}

fn run_of(service: &Service) -> Run {
    let run = NewRun::of("good", Origin::Manual, "ann");
    let submitted = service.store().submit(&Submission { key: "k".into(), run }, service.now()).unwrap();
    service.store().run(&submitted.run).unwrap()
}

#[test]
fn without_a_server_jobs_are_read_and_what_is_asked_for_waits() {
    let (folder, service) = served();
    let jobs = service.jobs().unwrap();
    let names: Vec<&str> = jobs.iter().map(|view| view.overview.job.name.as_str()).collect();
    assert_eq!(names, ["bad", "good"]);
    assert!(jobs[0].definition.is_none() && jobs[0].overview.job.problem.is_some());
    assert!(jobs[1].next.is_some());
    assert_eq!(service.next("good", 3).unwrap().len(), 3);
    run_of(&service);
    let health = service.health();
    assert!(health.alive && !health.ready && health.queue == 1, "{health:?}");
    // A second look finds the same and changes nothing.
    let changed: Vec<_> = service.store().jobs().unwrap().into_iter().map(|job| job.changed).collect();
    let again = Service::open(folder.path()).unwrap();
    let after: Vec<_> = again.store().jobs().unwrap().into_iter().map(|job| job.changed).collect();
    assert_eq!(changed[1], after[1]);
    std::fs::remove_file(folder.path().join("jobs/bad.yaml")).unwrap();
    let again = Service::open(folder.path()).unwrap();
    assert_eq!(again.store().job("bad").unwrap().state, crate::schedule::store::JobState::Gone);
}

#[test]
fn a_log_is_read_in_parts_of_whole_lines() {
    let (_folder, service) = served();
    let run = run_of(&service);
    assert_eq!(service.log(&run, 0, 100).unwrap(), LogPart::default());
    let folder = service.folder(&run.id);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("log.jsonl"), "one\ntwo\nthr").unwrap();
    let part = service.log(&run, 0, 6).unwrap();
    assert_eq!((part.lines, part.next, part.ended), (vec!["one".to_owned()], 4, false));
    let part = service.log(&run, 4, 100).unwrap();
    assert_eq!((part.lines, part.next, part.ended), (vec!["two".to_owned()], 8, false));
    let part = service.log(&run, 8, 100).unwrap();
    assert_eq!((part.lines.len(), part.next), (0, 8), "the line is not whole yet");
    service.cancel(&run.id, &Who::admin("ann")).unwrap();
    let ended = service.store().run(&run.id).unwrap();
    let part = service.log(&ended, 8, 100).unwrap();
    assert_eq!((part.lines, part.next, part.ended), (vec!["thr".to_owned()], 11, true));
    assert!(service.log(&ended, 1 << 40, 100).unwrap().ended);
}

#[test]
fn links_and_pipes_in_the_place_of_a_runs_files_are_not_opened() {
    let (folder, service) = served();
    let run = run_of(&service);
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "hidden\n").unwrap();
    let own = service.folder(&run.id);
    std::fs::create_dir_all(&own).unwrap();
    for name in ["log.jsonl", "manifest.json", "report.html"] {
        std::os::unix::fs::symlink(&secret, own.join(name)).unwrap();
    }
    assert!(service.log(&run, 0, 100).unwrap().lines.is_empty());
    assert_eq!(service.record(&run).unwrap(), None);
    assert_eq!(service.report(&run), None);
    assert_eq!(service.store().runs(&RunFilter::default(), None, 9).unwrap().items.len(), 1);
}
