//! What a person sees of a job file: what it means, and every message with its place.

mod examples;
mod hostile;
mod messages;

use std::fs;

use jiff::Timestamp;

use super::*;
use crate::diagnostic::Source;

/// A served folder with the pipelines `p.yaml` (no parameters) and `flights.yaml` (parameters, stages that measure).
fn served() -> tempfile::TempDir {
    let base = tempfile::tempdir().unwrap();
    for folder in ["jobs", "pipelines", "incoming"] {
        fs::create_dir(base.path().join(folder)).unwrap();
    }
    let flights = "name: flights\n\
        params: {day: 2026-01-01, late_after: 15, carrier: {default: AA, choices: [AA, UA]}, token: \"${env:TOKEN}\", out: out}\n\
        stages:\n  \
        - read: {path: \"data/${day}.csv\"}\n  \
        - id: late\n    filter: \"delay > ${late_after} and carrier = '${carrier}' and '${out}' <> '${token}'\"\n  \
        - id: checked\n    validate: {checks: [{not_null: delay}]}\n";
    fs::write(base.path().join("pipelines/flights.yaml"), flights).unwrap();
    fs::write(base.path().join("pipelines/broken.yaml"), "name: broken\nstage: []\n").unwrap();
    fs::write(base.path().join("p.yaml"), "name: p\nstages: [{read: {path: x.csv}}]\n").unwrap();
    base
}

fn read_text(text: &str) -> Result<Definition, crate::diagnostic::Findings> {
    read("job", &Source::new("jobs/job.yaml", text), served().path())
}

/// The definition of a text that is right, without warnings.
fn sound(text: &str) -> Definition {
    let definition = read_text(text).unwrap_or_else(|findings| panic!("{findings:#?}"));
    assert_eq!(definition.warnings, [], "{text}");
    definition
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_pipeline_alone_is_a_job_with_every_default() {
    let job = sound("pipeline: p.yaml\n");
    assert_eq!((job.name.as_str(), job.pipeline.to_str()), ("job", Some("p.yaml")));
    assert!(job.description.is_none() && job.schedule.is_none() && job.files.is_none() && job.partitions.is_none());
    assert!(job.http && !job.paused && job.after.is_empty() && job.parameters.is_empty());
    assert!(job.require.is_empty() && job.promote.is_empty() && job.notify.is_empty());
    assert_eq!((job.retries.count(), job.priority, job.runs, job.memory, job.cores), (0, 0, None, None, None));
    assert_eq!((job.timeout, job.stage_timeout), (None, None));
    assert_eq!((job.keep.runs, job.keep.days), (100, 30));
    assert_eq!(job.after_crash, AfterCrash::Leave);
    assert_eq!((job.catchup, job.overlap), (crate::schedule::Catchup::Latest, crate::schedule::Overlap::Skip));
    assert_eq!(job.limits(), crate::schedule::queue::Limits::default());
    assert_eq!(job.written, serde_json::json!({"pipeline": "p.yaml"}));
}

#[test]
fn every_option_comes_to_the_definition() {
    let text = "description: Late flights, each night\n\
        pipeline: ./pipelines/flights.yaml\n\
        parameters: {day: \"${partition.key}\", late_after: 30}\n\
        schedule: {cron: \"0 2 * * *\", zone: Europe/Berlin}\n\
        files: {path: \"incoming/*.csv\", settled: 1m}\n\
        after: [load, clean]\n\
        http: false\n\
        partitions: {days: {from: 2026-01-01, to: 2026-12-31}}\n\
        catchup: all\noverlap: queue\nretries: 3\ntimeout: 2h\nstage_timeout: 30m\npriority: -5\nruns: 4\nmemory: 4GiB\ncores: 2\n\
        after_crash: resume\nkeep: {runs: 10, days: 5}\n\
        require: [{rows: {stage: late, at_least: 1}}]\n\
        promote: {late_flights: out/late.parquet}\n\
        notify: [{command: {run: [/bin/true]}}]\n\
        paused: true\n";
    let job = sound(text);
    assert_eq!(job.description.as_deref(), Some("Late flights, each night"));
    assert_eq!(job.pipeline.to_str(), Some("pipelines/flights.yaml"));
    assert_eq!(job.parameters["late_after"], 30);
    let trigger = job.schedule.as_ref().unwrap();
    assert_eq!(trigger.next_after(at("2026-11-27T12:00:00Z")), Some(at("2026-11-28T01:00:00Z")));
    assert_eq!(job.schedule_as_written.as_ref().unwrap().cron.as_deref(), Some("0 2 * * *"));
    let files = job.files.as_ref().unwrap();
    assert_eq!((files.path.as_str(), files.settled.as_seconds()), ("incoming/*.csv", 60));
    assert_eq!(job.after.iter().map(|other| other.as_str()).collect::<Vec<_>>(), ["load", "clean"]);
    // Without a zone of their own, partitions have the schedule's.
    let Some(Partitions::Spans(span)) = &job.partitions else { panic!() };
    assert_eq!(span.zone.iana_name(), Some("Europe/Berlin"));
    assert_eq!(
        (job.retries.count(), job.priority, job.runs, job.memory, job.cores),
        (3, -5, Some(4), Some(4 << 30), Some(2))
    );
    assert_eq!(job.needs(), crate::schedule::queue::Needs { memory: 4 << 30, cores: 2 });
    assert_eq!(job.after_crash, AfterCrash::Resume);
    assert_eq!((job.timeout.unwrap().as_seconds(), job.stage_timeout.unwrap().as_seconds()), (7200, 1800));
    assert_eq!((job.keep.runs, job.keep.days, job.http, job.paused), (10, 5, false, true));
    assert_eq!((job.require.len(), job.promote.iter().count(), job.notify.len()), (1, 1, 1));
    assert_eq!(job.zone().iana_name(), Some("Europe/Berlin"));
    assert_eq!(job.source.text(), text);
}

#[test]
fn the_zone_of_dates_is_that_of_the_schedule_then_of_the_partitions() {
    for (text, zone) in [
        ("", Some("UTC")),
        ("schedule: {every: 1h}\n", Some("UTC")),
        ("schedule: {every: 1h, zone: Asia/Tokyo}\n", Some("Asia/Tokyo")),
        ("partitions: {days: {from: 2026-01-01, zone: Asia/Tokyo}}\n", Some("Asia/Tokyo")),
        ("schedule: {every: 1h}\npartitions: {days: {from: 2026-01-01, zone: Asia/Tokyo}}\n", Some("UTC")),
        ("partitions: {files: \"incoming/*\"}\n", Some("UTC")),
    ] {
        let job = sound(&format!("pipeline: p.yaml\n{text}"));
        let name = job.zone();
        assert_eq!(name.iana_name().or(Some("UTC")), zone, "{text}");
    }
}

#[test]
fn what_was_kept_is_read_without_the_disk() {
    let text = "pipeline: gone/away.yaml\nrequire: [{rows: {stage: x, at_least: 1}}]\nparameters: {a: 1}\n";
    let source = Source::new("jobs/job.yaml", text);
    assert_eq!(recall("job", &source).unwrap().pipeline.to_str(), Some("gone/away.yaml"));
    assert!(read("job", &source, served().path()).is_err());
    // What leads out is refused all the same.
    assert!(recall("job", &Source::new("jobs/job.yaml", "pipeline: ../p.yaml\n")).is_err());
}

#[test]
fn a_pipeline_is_located_anew_before_each_start() {
    let base = served();
    let source = Source::new("jobs/job.yaml", "pipeline: pipelines/flights.yaml\n");
    let job = read("job", &source, base.path()).unwrap();
    let real = fs::canonicalize(base.path()).unwrap().join("pipelines/flights.yaml");
    assert_eq!(job.locate(base.path()).unwrap(), real);
    // Between two runs somebody puts a link in its place.
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::remove_file(&real).unwrap();
    std::os::unix::fs::symlink(outside.path(), &real).unwrap();
    let refused = job.locate(base.path()).unwrap_err();
    assert!(refused.message.ends_with("a link leads out of the served folder"), "{refused}");
}

#[test]
fn a_value_that_is_nothing_is_as_if_it_were_left_out() {
    let job = sound("pipeline: p.yaml\nschedule:\nfiles:\npartitions:\ntimeout:\nmemory:\nruns:\n");
    assert!(job.schedule.is_none() && job.files.is_none() && job.partitions.is_none() && job.memory.is_none());
}

#[test]
fn names_of_jobs_are_plain() {
    for name in ["a", "0", "load-2_x", &"a".repeat(64)] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", "-a", "_a", "A", "a.b", "a b", "é", "a/b", "..", &"a".repeat(65)] {
        assert!(!is_name(name), "{name}");
    }
}
