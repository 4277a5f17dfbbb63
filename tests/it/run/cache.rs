//! What is kept, what is done again, and why.

use std::time::{Duration, Instant};

use super::{ALL_CACHED, ALL_DONE, PEOPLE, PIPELINE, rerun, workshop};
use crate::support::{Workshop, stage, statuses};

#[test]
fn a_second_run_does_no_work_and_takes_no_time() {
    let workshop = workshop(PIPELINE);
    assert_eq!(rerun(&workshop, PIPELINE), ALL_DONE);
    let before = workshop.snapshot();
    let began = Instant::now();
    assert_eq!(rerun(&workshop, PIPELINE), ALL_CACHED);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(workshop.snapshot(), before);
}

#[test]
fn a_cached_run_shows_what_the_first_one_showed() {
    let workshop = workshop(PIPELINE);
    let first = workshop.run();
    let second = workshop.run();
    for (first, second) in first["stages"].as_array().unwrap().iter().zip(second["stages"].as_array().unwrap()) {
        for key in ["id", "schema", "ledger", "exhibits", "outputs", "lineage", "fingerprint"] {
            assert_eq!(first[key], second[key], "{key} of {}", first["id"]);
        }
    }
}

/// What is wrong with the rows is so whether they were looked at again or not.
#[test]
fn a_cached_run_warns_as_the_first_one_did() {
    let yaml = "name: p
stages:
  - id: people
    read: {path: people.csv}
  - id: checked
    validate: {severity: warn, checks: [{is_null: town}]}
  - write: {path: out.csv}
";
    let workshop = workshop(yaml);
    let runs = [(); 2].map(|()| {
        let outcome = workshop.gristmill(["run", "p.yaml"]).success();
        let warnings: Vec<String> =
            outcome.stderr.lines().filter(|line| line.starts_with("warning")).map(str::to_owned).collect();
        (warnings, workshop.manifest()["warnings"].clone())
    });
    assert_eq!(runs[0].0.len(), 1, "{runs:?}");
    assert_eq!(runs[0], runs[1]);
    assert!(statuses(&workshop.manifest()).contains("checked cached"));
}

#[test]
fn comments_key_order_and_spelled_out_defaults_change_nothing() {
    let workshop = workshop(PIPELINE);
    workshop.run();
    let comment = format!("# A comment.\n{}", PIPELINE.replace("stages:", "stages: # and another"));
    assert_eq!(rerun(&workshop, &comment), ALL_CACHED);
    let order = PIPELINE.replace(
        "  - id: towns\n    from: people\n    tags: [side]\n    aggregate: {by: town, compute: {n: count(*)}}",
        "  - aggregate:\n      compute: {n: \"count( * )\"}\n      by: [town]\n    tags: [side]\n    from: people\n    id: towns",
    );
    assert_ne!(order, PIPELINE);
    assert_eq!(rerun(&workshop, &order), ALL_CACHED);
    let defaults = PIPELINE
        .replace("path: people.csv", "path: [people.csv], on_error: fail, skip_rows: 0")
        .replace("path: out/people.csv", "path: out/people.csv, if_exists: replace");
    assert_eq!(rerun(&workshop, &defaults), ALL_CACHED);
    let spelling = PIPELINE.replace("price > 2", "(PRICE  >  2)").replace("PRICE", "price");
    assert_eq!(rerun(&workshop, &spelling), ALL_CACHED);
    let described = PIPELINE.replace("  - id: few\n", "  - id: few\n    description: Dear ones.\n");
    assert_eq!(rerun(&workshop, &described), ALL_CACHED);
}

#[test]
fn a_new_id_changes_nothing_below() {
    let workshop = workshop(PIPELINE);
    workshop.run();
    let renamed = PIPELINE.replace("id: few", "id: dear");
    workshop.write("p.yaml", renamed);
    let manifest = workshop.run();
    assert!(statuses(&manifest).contains("filled cached, file cached"), "{}", statuses(&manifest));
    assert_eq!(stage(&manifest, "filled")["ledger"]["inputs"][0][0], "dear");
}

#[test]
fn an_option_changes_what_is_below_it_alone() {
    let workshop = workshop(PIPELINE);
    workshop.run();
    let changed = PIPELINE.replace("price > 2", "price > 3");
    let expected = "people cached, few done, filled done, file done, towns cached, towns_file cached";
    assert_eq!(rerun(&workshop, &changed), expected);
    assert_eq!(workshop.read("out/people.csv").lines().count(), 3);
    assert_eq!(rerun(&workshop, PIPELINE).split(", ").next(), Some("people cached"));
    assert_eq!(workshop.read("out/people.csv").lines().count(), 4, "the file is that of the pipeline again");
}

#[test]
fn a_parameter_changes_what_uses_it() {
    let text = PIPELINE.replace("stages:", "params: {least: 2}\nstages:").replace("price > 2", "price > ${least}");
    let workshop = workshop(&text);
    workshop.run();
    workshop.gristmill(["run", "p.yaml", "--set", "least=3", "--quiet"]).success();
    let manifest = workshop.manifest();
    assert_eq!(statuses(&manifest), "people cached, few done, filled done, file done, towns cached, towns_file cached");
    assert_eq!(manifest["params"]["least"], 3);
    workshop.gristmill(["run", "p.yaml", "--set", "least=2", "--quiet"]).success();
    assert_eq!(workshop.read("out/people.csv").lines().count(), 4);
}

#[test]
fn a_file_of_the_same_size_with_other_content_is_written_again() {
    let text = "name: same\nparams: {k: 1}\nstages:\n  - read: {path: people.csv}\n  - derive: {z: \"0 + ${k}\"}\n  - write: {path: z.csv}\n";
    let workshop = workshop(text);
    for k in ["1", "2", "1"] {
        workshop.gristmill(["run", "p.yaml", "--set", &format!("k={k}"), "--quiet"]).success();
        let line = workshop.read("z.csv").lines().nth(1).unwrap().to_owned();
        assert!(line.ends_with(&format!(",{k}")), "k is {k}, but the file has {line}");
    }
}

#[test]
fn a_touched_input_is_read_again() {
    let workshop = workshop(PIPELINE);
    workshop.run();
    std::thread::sleep(Duration::from_millis(20));
    workshop.write("people.csv", PEOPLE.replace("cid", "eve"));
    let found = statuses(&workshop.run());
    assert!(!found.contains("people cached") && !found.contains("file cached"), "{found}");
    assert!(workshop.read("out/people.csv").contains("eve"));
}

#[test]
fn a_deleted_output_is_written_again() {
    let workshop = workshop(PIPELINE);
    workshop.run();
    let text = workshop.read("out/people.csv");
    std::fs::remove_file(workshop.path().join("out/people.csv")).unwrap();
    let found = statuses(&workshop.run());
    assert!(found.contains("file done") && found.contains("towns_file cached"), "{found}");
    assert_eq!(workshop.read("out/people.csv"), text);
}

#[test]
fn an_output_that_somebody_changed_is_written_again() {
    let workshop = workshop(PIPELINE);
    workshop.run();
    let text = workshop.read("out/people.csv");
    std::thread::sleep(Duration::from_millis(20));
    workshop.write("out/people.csv", text.replace("ann", "eve"));
    workshop.run();
    assert_eq!(workshop.read("out/people.csv"), text);
}

#[test]
fn no_cache_does_all_work_again() {
    let workshop = workshop(PIPELINE);
    workshop.run();
    workshop.gristmill(["run", "p.yaml", "--no-cache", "--quiet"]).success();
    assert_eq!(statuses(&workshop.manifest()), ALL_DONE);
    assert_eq!(statuses(&workshop.run()), ALL_CACHED);
}

#[test]
fn clean_forgets_results_and_runs() {
    let workshop = workshop(PIPELINE);
    workshop.run();
    workshop.gristmill(["clean"]).success();
    assert_eq!(workshop.runs().len(), 1);
    assert_eq!(statuses(&workshop.run()), ALL_DONE);
    workshop.gristmill(["clean", "--runs"]).success();
    assert_eq!(workshop.runs().len(), 0);
    assert!(workshop.exists("out/people.csv"), "what was written for the user stays");
}

#[track_caller]
fn why(workshop: &Workshop, stage: &str) -> String {
    workshop.gristmill(["why", "p.yaml", stage]).success().stdout
}

#[test]
fn why_tells_what_changed() {
    let workshop = workshop(PIPELINE);
    assert!(why(&workshop, "file").contains("never"), "{}", why(&workshop, "file"));
    workshop.run();
    assert!(why(&workshop, "file").contains("unchanged"), "{}", why(&workshop, "file"));

    workshop.write("p.yaml", PIPELINE.replace("price > 2", "price > 3"));
    let told = why(&workshop, "file");
    assert!(told.contains("few") && told.contains("price > 2") && told.contains("price > 3"), "{told}");
    assert!(why(&workshop, "towns").contains("unchanged"), "{}", why(&workshop, "towns"));

    workshop.write("p.yaml", PIPELINE.replace("price: mean", "price: median"));
    let told = why(&workshop, "filled");
    assert!(told.contains("mean") && told.contains("median"), "{told}");

    workshop.write("p.yaml", PIPELINE);
    std::fs::remove_file(workshop.path().join("out/people.csv")).unwrap();
    let told = why(&workshop, "file");
    assert!(told.contains("out/people.csv"), "{told}");

    std::thread::sleep(Duration::from_millis(20));
    workshop.write("people.csv", PEOPLE.replace("ann", "eve"));
    let told = why(&workshop, "towns");
    assert!(told.contains("people.csv") && told.contains("changed"), "{told}");

    let outcome = workshop.gristmill(["why", "p.yaml", "town"]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("did you mean `towns`?"), "{}", outcome.stderr);
}
