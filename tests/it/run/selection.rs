//! Which stages are run, and what becomes of the others when one fails.

use std::time::{Duration, Instant};

use super::{ALL_DONE, FAILING, PIPELINE, rerun, workshop};
use crate::support::{stage, statuses};

#[test]
fn until_only_and_tag_choose_stages_with_what_they_need() {
    let cases: [(&[&str], &str, &[&str]); 5] = [
        (
            &["--until", "filled"],
            "people done, few done, filled done, file skipped, towns skipped, towns_file skipped",
            &[],
        ),
        (
            &["--only", "towns"],
            "people done, few skipped, filled skipped, file skipped, towns done, towns_file skipped",
            &[],
        ),
        (
            &["--tag", "side"],
            "people done, few skipped, filled skipped, file skipped, towns done, towns_file done",
            &["out/towns.csv"],
        ),
        (&["--only", "towns_file,file"], ALL_DONE, &["out/people.csv", "out/towns.csv"]),
        (
            &["--until", "file"],
            "people done, few done, filled done, file done, towns skipped, towns_file skipped",
            &["out/people.csv"],
        ),
    ];
    for (arguments, expected, outputs) in cases {
        let workshop = workshop(PIPELINE);
        workshop.gristmill(["run", "p.yaml", "--quiet"].iter().chain(arguments)).success();
        assert_eq!(statuses(&workshop.manifest()), expected, "{arguments:?}");
        let written: Vec<String> =
            workshop.snapshot().into_keys().filter(|name| name.ends_with(".csv") && name.starts_with("out/")).collect();
        assert_eq!(written, outputs, "{arguments:?}");
    }
}

#[test]
fn a_failing_stage_names_itself_and_leaves_no_file() {
    let workshop = workshop(FAILING);
    let outcome = workshop.gristmill(["run", "p.yaml"]);
    let text = format!("{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(outcome.code, Some(3), "{text}");
    assert!(text.contains("stage `bad` failed") && text.contains("p.yaml:6:"), "{text}");
    assert!(!workshop.exists("out/bad.csv"));
    let manifest = workshop.manifest();
    assert_eq!(stage(&manifest, "bad_file")["status"], "skipped");
    assert_eq!(stage(&manifest, "bad")["status"], "failed");
    assert_eq!((&manifest["status"], &manifest["exit_code"]), (&"failed".into(), &3.into()));
}

#[test]
fn keep_going_finishes_what_does_not_depend_on_a_failure() {
    let workshop = workshop(FAILING);
    let outcome = workshop.gristmill(["run", "p.yaml", "--keep-going", "--quiet"]);
    assert_eq!(outcome.code, Some(3));
    let manifest = workshop.manifest();
    assert_eq!(statuses(&manifest), "people done, bad failed, bad_file skipped, good done, good_file done");
    assert_eq!(workshop.read("out/good.csv").lines().count(), 4);
}

#[test]
fn a_mended_pipeline_goes_on_where_it_failed() {
    let workshop = workshop(FAILING);
    workshop.gristmill(["run", "p.yaml", "--keep-going", "--quiet"]);
    let found = rerun(&workshop, &FAILING.replace("cast(name as int)", "length(name)"));
    assert_eq!(found, "people cached, bad done, bad_file done, good cached, good_file cached");
}

#[test]
fn a_dry_run_does_nothing() {
    let workshop = workshop(PIPELINE);
    let before = workshop.snapshot();
    let outcome = workshop.gristmill(["run", "p.yaml", "--dry-run"]).success();
    for id in ["people", "few", "filled", "file", "towns", "towns_file"] {
        assert!(outcome.stdout.contains(id), "{}", outcome.stdout);
    }
    assert_eq!(workshop.snapshot(), before);
    assert_eq!(workshop.runs().len(), 0);
    assert_eq!(workshop.gristmill(["run", "p.yaml", "--dry-run", "--until", "fil"]).code, Some(2));
}

#[test]
fn a_very_long_chain_is_run_or_refused() {
    let stages = "  - filter: \"id > 0\"\n".repeat(900);
    let workshop = workshop(&format!(
        "name: chain\nstages:\n  - read: {{path: people.csv}}\n{stages}  - write: {{path: out.csv}}\n"
    ));
    let began = Instant::now();
    let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    match outcome.code {
        Some(0) => assert_eq!(workshop.read("out.csv").lines().count(), 5),
        Some(2 | 4) => assert_eq!(outcome.stderr.matches("× error: ").count(), 1, "{}", outcome.stderr),
        code => panic!("{code:?}\n{}", outcome.stderr.chars().take(2000).collect::<String>()),
    }
}
