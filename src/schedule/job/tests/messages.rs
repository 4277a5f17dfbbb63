//! Job files that are refused, with the exact messages.

use std::fs;

use super::{read_text, served};
use crate::diagnostic::{Severity, Source};
use crate::schedule::job::read;

/// Everything that is found, without the name of the file: `line:column: message: label (help)`.
fn found(text: &str) -> Vec<String> {
    match read_text(text) {
        Ok(job) => panic!("nothing found in {text}: {job:#?}"),
        Err(findings) => findings.iter().map(|found| found.to_string().replace("jobs/job.yaml:", "")).collect(),
    }
}

/// What is found in a job with these lines below its pipeline.
fn found_in(lines: &str) -> Vec<String> {
    found(&format!("pipeline: p.yaml\n{lines}"))
}

const ADVICE: &str =
    "(write a path from the served folder down, with `/` between folders, such as `pipelines/load.yaml`)";

#[test]
fn what_is_no_job_says_what_one_is() {
    let help = "(a job is a mapping with a `pipeline`, such as `pipeline: pipelines/load.yaml`)";
    assert_eq!(found(""), [format!("1:1: the file is empty {help}")]);
    assert_eq!(found("# nothing\n"), [format!("1:1: the file is empty {help}")]);
    assert_eq!(found("- a\n"), [format!("1:1: expected a job, found a list {help}")]);
    assert_eq!(found("description: x\n"), ["1:1: `pipeline` is missing"]);
    assert_eq!(found("pipeline: [\n"), ["2:1: a value is missing here (an opened `[` or `{` must be closed)"]);
}

#[test]
fn a_file_whose_name_cannot_be_a_job_says_so() {
    let found = read("My Job", &Source::new("jobs/My Job.yaml", "pipeline: p.yaml\n"), served().path()).unwrap_err();
    assert_eq!(
        found[0].to_string(),
        "jobs/My Job.yaml:1:1: `My Job` cannot name a job (rename the file; a name has lower-case letters, digits, `_` and `-`, begins \
         with a letter or digit, and has at most 64 characters)"
    );
}

#[test]
fn the_pipeline_is_a_file_inside_the_served_folder() {
    for (path, said) in [
        ("../p.yaml", format!("`../p.yaml` cannot be taken: `..` leads upwards {ADVICE}")),
        ("/etc/passwd", format!("`/etc/passwd` cannot be taken: it is absolute {ADVICE}")),
        ("pipelines", format!("`pipelines` cannot be taken: it is a folder {ADVICE}")),
        (
            "${env:HOME}/p.yaml",
            format!("`${{env:HOME}}/p.yaml` cannot be taken: references are for `parameters` only {ADVICE}"),
        ),
        (
            "pipelines/flight.yaml",
            "`pipelines/flight.yaml` cannot be taken: there is no such file (did you mean `pipelines/flights.yaml`?)"
                .to_owned(),
        ),
    ] {
        assert_eq!(found(&format!("pipeline: \"{path}\"\n")), [format!("1:11: {said}")]);
    }
}

#[test]
fn options_of_the_wrong_kind_are_told_at_their_places() {
    for (lines, said) in [
        ("shedule: {every: 1h}\n", "2:1: unknown option `shedule`: did you mean `schedule`?"),
        ("retries: many\n", "2:10: expected a whole number, found the text `many`"),
        (
            "retries: 101\n",
            "2:10: 101 retries are too many; a run may be tried again 100 times at most, with 6 minutes between tries from the seventh on",
        ),
        (
            "timeout: 5 minutes\n",
            "2:10: `5 minutes` is no length of time; write whole numbers with units, the largest first, such as `90s`, `15m`, `1h30m` or `7d`",
        ),
        ("memory: lots\n", "2:9: `lots` is no size; write one such as `4GiB`, `500MB` or `1000000` (bytes)"),
        ("memory: 1KiB\n", "2:9: a run needs at least 64MiB of memory, not 1KiB (write a size such as `4GiB`)"),
        (
            "runs: 0\n",
            "2:7: 0 runs at a time cannot be: they are from 1 to 10000 (leave `runs` out for no limit; `paused: true` lets nothing start by itself)",
        ),
        ("cores: 0\n", "2:8: 0 cores cannot be: they are from 1 to 10000 (leave `cores` out for no limit)"),
        ("priority: 1001\n", "2:11: a priority is from -1000 to 1000"),
        ("priority: -9223372036854775808\n", "2:11: a priority is from -1000 to 1000"),
        (
            "overlap: skp\n",
            "2:10: unknown value `skp`: did you mean `skip`? (it is one of `skip`, `queue`, `replace` and `allow`)",
        ),
        ("paused: yes\n", "2:9: expected `true` or `false`, found the text `yes`: write `true`"),
        ("after: load\n", "2:8: expected a list, found the text `load`: a list is written `[a, b]`"),
    ] {
        let found = found_in(lines);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(said), "{lines}: {}", found[0]);
    }
}

#[test]
fn schedules_are_told_at_the_option_that_is_wrong() {
    assert_eq!(
        found_in("schedule: {every: 1h, cron: \"@daily\"}\n"),
        ["2:11: a schedule has either `cron` or `every`, this one has both; leave one out, or make two jobs"]
    );
    assert_eq!(
        found_in("schedule: {cron: \"@daily\", zone: Europe/Berlni}\n"),
        [
            "2:34: there is no time zone `Europe/Berlni`, did you mean `Europe/Berlin`?; zones have the names of the IANA database, such as \
          `Europe/Berlin`"
        ]
    );
    assert!(found_in("schedule: {cron: \"0 0 30 2 *\"}\n")[0].starts_with("2:18: "));
}

#[test]
fn files_and_partitions_are_told_at_their_places() {
    for (lines, said) in [
        ("files: {path: \"../*.csv\"}\n", format!("2:15: `../*.csv` cannot be taken: `..` leads upwards {ADVICE}")),
        ("files: {path: \"in/[a\"}\n", format!("2:15: `in/[a` cannot be taken: `[a`: invalid range pattern {ADVICE}")),
        ("files: {settled: 1m}\n", "2:8: `path` is missing".to_owned()),
        (
            "partitions: {days: {from: 2026-1-1}}\n",
            "2:27: `2026-1-1` is no day; a day is written such as `2026-01-31`".to_owned(),
        ),
        (
            "partitions: {months: {from: 2026-01-01}}\n",
            "2:29: `2026-01-01` is no month; a month is written such as `2026-01`".to_owned(),
        ),
        (
            "partitions: {days: {from: 2026-02-01, to: 2026-01-01}}\n",
            "2:43: the last partition is before the first (exchange `from` and `to`)".to_owned(),
        ),
        (
            "partitions: {days: {from: 2026-02-01, zone: Mars}}\n",
            "2:45: there is no time zone `Mars`; zones have the names of the IANA database, such as `Europe/Berlin`"
                .to_owned(),
        ),
        ("partitions: {files: /tmp}\n", format!("2:21: `/tmp` cannot be taken: it is absolute {ADVICE}")),
        (
            "partitions: {weeks: {from: 2026-02-01}}\n",
            "2:14: unknown key `weeks` (it is one of `days`, `months` and `files`)".to_owned(),
        ),
        (
            "partitions: {days: {from: 2026-01-01}, months: {from: 2026-01}}\n",
            "2:40: expected one key, found `days` and `months` (it is one of `days`, `months` and `files`)".to_owned(),
        ),
    ] {
        assert_eq!(found_in(lines), [said], "{lines}");
    }
}

#[test]
fn references_are_told_where_they_stand_in_the_text() {
    let all = "(there are `${schedule.time}`, `${schedule.date}`, `${partition.key}`, `${partition.start}`, `${partition.end}`, \
               `${partition.path}`, `${run.id}`; write `$${` for `${` itself)";
    let found_in = |lines: &str| found(&format!("pipeline: pipelines/flights.yaml\n{lines}"));
    assert_eq!(
        found_in("parameters: {day: \"a ${schedule.dat}\"}\n"),
        [format!("2:22: unknown reference `${{schedule.dat}}`: did you mean `${{schedule.date}}`? {all}")]
    );
    assert_eq!(
        found_in("parameters: {day: [\"x\", {y: \"${carrier}\"}]}\n"),
        [format!("2:30: unknown reference `${{carrier}}` {all}"), "2:19: expected".to_owned()][..1]
    );
    assert_eq!(
        found_in("parameters: {token: \"${env:TOKEN}\"}\n"),
        [
            "2:22: `${env:TOKEN}` is a secret, which a job file cannot hold: parameters are kept with each run and shown (put it into the pipeline \
          instead, such as `params: {token: \"${env:TOKEN}\"}`)"
        ]
    );
    assert_eq!(
        found_in("parameters: {day: \"${partition.key}\"}\n"),
        [
            "2:20: `${partition.key}` has no value here: the job has no partitions (say what it is run for, such as `partitions: {days: {from: \
          2026-01-01}}`)"
        ]
    );
    assert_eq!(
        found_in("parameters: {out: \"x ${partition.path}\"}\npartitions: {months: {from: 2026-01}}\n"),
        [
            "2:22: `${partition.path}` has no value here: a partition of this job is a month (there are `${partition.key}`, `${partition.start}` and \
          `${partition.end}`)"
        ]
    );
    assert_eq!(
        found_in("parameters: {out: \"x ${run.id\"}\n"),
        ["2:22: `${` is not closed: `}` is missing (write `$${` for `${` itself)"]
    );
    assert_eq!(
        found_in("parameters: {\"a b\": 1}\n")[0],
        "2:14: `a b` cannot name a parameter (a name has letters, digits, `_` and `-`, and starts with a letter or `_`)"
    );
    // Partitions that are wrong say so themselves; what refers to them does not come to that.
    assert_eq!(found_in("parameters: {day: \"${partition.key}\"}\npartitions: {days: {from: x}}\n").len(), 1);
}

#[test]
fn parameters_are_held_against_the_pipeline() {
    let found_in = |lines: &str| found(&format!("pipeline: pipelines/flights.yaml\n{lines}"));
    assert_eq!(
        found_in("parameters: {dya: 2026-01-01}\n"),
        [
            "2:14: unknown parameter `dya`: did you mean `day`? (the parameters are `day`, `late_after`, `carrier`, `token` and `out`)"
        ]
    );
    let wrong = found_in("parameters: {late_after: soon, carrier: XX}\n");
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].starts_with("2:26: ") && wrong[1].starts_with("2:41: "), "{wrong:?}");
    assert!(
        super::read_text("pipeline: pipelines/flights.yaml\nparameters: {late_after: 5, day: \"${schedule.date}\"}\n")
            .is_ok()
    );
}

#[test]
fn a_pipeline_with_a_mistake_is_a_warning() {
    let job = read_text("pipeline: pipelines/broken.yaml\n").unwrap();
    let said: Vec<String> = job.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("jobs/job.yaml:1:11: the pipeline has a mistake in line"), "{said:?}");
    assert_eq!(job.warnings[0].severity, Severity::Warning);
}

#[test]
fn a_pipeline_that_includes_what_is_outside_of_the_served_folder_is_told_when_the_job_file_is_read() {
    let whole = tempfile::tempdir().unwrap();
    let base = whole.path().join("served");
    fs::create_dir_all(base.join("pipelines")).unwrap();
    fs::write(whole.path().join("outside.yaml"), "stages: [{filter: x > 1}]\n").unwrap();
    fs::write(
        base.join("pipelines/p.yaml"),
        "name: p\nstages:\n  - read: {path: a}\n  - include: ../../outside.yaml\n",
    )
    .unwrap();
    let job = read("job", &Source::new("jobs/job.yaml", "pipeline: pipelines/p.yaml\n"), &base).unwrap();
    let said: Vec<String> = job.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "jobs/job.yaml:1:11: the pipeline has a mistake in line 4: `../../outside.yaml` cannot be included: it is outside of the \
          served folder (`gristmill check` shows all of it)"
        ]
    );
}

#[test]
fn odd_options_that_work_are_warnings() {
    let job = read_text("pipeline: p.yaml\nhttp: false\ntimeout: 1h\nstage_timeout: 2h\n").unwrap();
    let said: Vec<String> = job.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "jobs/job.yaml:2:7: nothing starts this job but a person (give it a `schedule`, `files` or `after`, if that is not what you want)",
            "jobs/job.yaml:4:16: a stage may take 2h, but the whole run only 1h (a `stage_timeout` is shorter than the `timeout`)",
        ]
    );
}

#[test]
fn jobs_to_run_after_are_others_by_their_names() {
    assert_eq!(
        found_in("after: [job, load.yaml, load, load]\n"),
        [
            "2:9: a job cannot run after itself (leave it out; `retries` tries a failed run again)",
            "2:14: `load.yaml` cannot name a job (a name has lower-case letters, digits, `_` and `-`, begins with a letter or digit, and has at \
             most 64 characters; it is the name of the file without `.yaml`)",
            "2:31: `load` is named twice (leave one out)",
        ]
    );
}

#[test]
fn conditions_and_channels_are_looked_at_too() {
    let wrong = found(
        "pipeline: pipelines/flights.yaml\nrequire: [{rows: {stage: lat, at_least: 1}}]\nnotify: [{webhook: {url: \"ftp://x\"}}]\n",
    );
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].starts_with("2:26: "), "{wrong:?}");
    assert!(wrong[1].starts_with("3:26: "), "{wrong:?}");
}

#[test]
fn a_bad_file_tells_everything_at_once_in_the_order_of_the_file() {
    let text = "descripton: x\n\
        pipeline: ../p.yaml\n\
        parameters: {a: \"${env:TOKEN}\", b: \"${schedule.tim}\"}\n\
        schedule: {cron: \"61 * * * *\"}\n\
        files: {path: /tmp, settled: soon}\n\
        after: [job]\n\
        partitions: {days: {from: never}}\n\
        overlap: sometimes\n\
        retries: -1\n\
        timeout: 0s\n\
        memory: 1\n\
        cores: 0\n\
        keep: {years: 1}\n\
        notify: [{webhook: {url: \"ftp://x\"}}, {pigeon: {}}]\n";
    let places: Vec<String> =
        found(text).iter().map(|line| line.split(": ").next().unwrap_or_default().to_owned()).collect();
    assert_eq!(
        places,
        [
            "1:1", "2:11", "3:18", "3:37", "4:18", "5:30", "6:9", "7:27", "8:10", "9:10", "10:10", "11:9", "12:8",
            "13:8", "14:26", "14:40"
        ]
    );
}
