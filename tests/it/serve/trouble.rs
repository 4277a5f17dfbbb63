//! What a user meets when a gate refuses, when a file lies outside, and when the state cannot be used.

use super::*;

#[test]
fn conditions_decide_what_becomes_current_and_a_refused_run_is_a_success() {
    let gate = "require: [{rows: {stage: some, at_least: 40}}]\npromote: {some: out/north.ndjson}\n";
    let workshop = folder(gate);
    let server = Server::start(&workshop);
    let told = jobs(&workshop, &["run", "plain", "--wait"]).success();
    let first = told.stdout.lines().next().unwrap().to_owned();
    let begun = Instant::now();
    while !workshop.exists("models/some/current/north.ndjson") {
        assert!(begun.elapsed() < PATIENCE, "the link comes with the end of the run, or soon after");
        sleep(Duration::from_millis(20));
    }
    assert_eq!(workshop.read_ndjson("models/some/current/north.ndjson").len(), 50);
    workshop.write("rows.csv", "n\n1\n2\n3\n4\n");
    let told = jobs(&workshop, &["run", "plain", "--wait"]).success();
    let second = told.stdout.lines().next().unwrap().to_owned();
    let runs = history(&workshop);
    assert_eq!((&runs[0]["id"], &runs[0]["state"]), (&json!(second), &json!("succeeded")));
    let message = runs[0]["message"].as_str().unwrap();
    assert_eq!(message, "the number of rows of `some` is 2, and at least 40 is wanted.");
    assert_eq!(workshop.read_ndjson("out/north.ndjson").len(), 2);
    assert_eq!(workshop.read_ndjson("models/some/current/north.ndjson").len(), 50);
    let kept: Vec<_> = std::fs::read_dir(workshop.path().join("models/some/versions")).unwrap().collect();
    assert_eq!(kept.len(), 1, "nothing was copied");
    assert_eq!(kept[0].as_ref().unwrap().file_name().to_str(), Some(first.as_str()));
    assert_eq!(server.end().0, Some(0));
}

/// A message that was broken into lines.
fn in_a_line(text: &str) -> String {
    text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_job_includes_nothing_from_outside_of_the_folder_and_a_person_may() {
    let (workshop, elsewhere) = (folder(""), Workshop::new());
    elsewhere.write("part.yaml", "stages:\n  - filter: \"n > 5\"\n");
    let outside = elsewhere.path().join("part.yaml").display().to_string();
    let pipeline = format!("name: p\nstages:\n  - id: rows\n    read: {{path: rows.csv}}\n  - include: {outside}\n");
    workshop.write("pipelines/p.yaml", pipeline);
    workshop.write("jobs/plain.yaml", "pipeline: pipelines/p.yaml\nretries: 2\n");
    workshop.gristmill(["run", "pipelines/p.yaml", "--quiet"]).success();
    let said = "cannot be included: it is outside of the served folder";
    let checked = jobs(&workshop, &["check"]);
    assert!(in_a_line(&checked.stderr).contains(said), "{}", checked.stderr);
    let server = Server::start(&workshop);
    let told = jobs(&workshop, &["run", "plain", "--wait"]);
    assert_eq!(told.code, Some(2), "{}", told.stderr);
    let runs = history(&workshop);
    assert_eq!((runs.len(), &runs[0]["state"]), (1, &json!("failed")), "a wrong definition is not tried again");
    assert!(in_a_line(runs[0]["message"].as_str().unwrap()).contains(said), "{}", runs[0]);
    // The link counts as where it leads.
    std::os::unix::fs::symlink(&outside, workshop.path().join("pipelines/part.yaml")).unwrap();
    let pipeline = "name: p\nstages:\n  - id: rows\n    read: {path: rows.csv}\n  - include: part.yaml\n";
    workshop.write("pipelines/p.yaml", pipeline);
    let told = jobs(&workshop, &["run", "plain", "--wait"]);
    assert_eq!(told.code, Some(2), "{}", told.stderr);
    drop(server);
}

#[test]
fn a_job_file_that_was_written_just_now_is_known_when_the_server_answers() {
    let workshop = folder("");
    let server = Server::start(&workshop);
    let (state, told) = server.ask("GET", "/api/jobs/plain", Some(&workshop.read("token")), None);
    assert_eq!(state, 200, "{told}");
    drop(server);
}

#[test]
fn a_state_that_cannot_be_used_is_told_with_what_to_do_and_left_as_it_is() {
    let workshop = folder("");
    history(&workshop);
    let path = ".gristmill/gristmill.db";
    let mut bytes = std::fs::read(workshop.path().join(path)).unwrap();
    bytes[4096..].iter_mut().for_each(|byte| *byte = byte.wrapping_mul(31).wrapping_add(7));
    workshop.write(path, &bytes);
    let serve = ["serve", "--port", "0", "--token-file", "token"];
    let told = workshop.gristmill(serve);
    assert_eq!(told.code, Some(6), "{}", told.stderr);
    assert!(told.stderr.contains("gristmill.db` is damaged") && told.stderr.contains("backup"), "{}", told.stderr);
    assert_eq!(std::fs::read(workshop.path().join(path)).unwrap(), bytes);
    std::fs::remove_dir_all(workshop.path().join(".gristmill")).unwrap();
    workshop.write(".gristmill", "a file in the way");
    let told = workshop.gristmill(serve);
    assert_eq!(told.code, Some(6), "{}", told.stderr);
    assert!(told.stderr.contains(".gristmill` cannot be read or written"), "{}", told.stderr);
    assert_eq!(workshop.read(".gristmill"), "a file in the way");
    // Where not even the administrator makes files.
    if std::path::Path::new("/sys/kernel").is_dir() {
        let token = workshop.path().join("token").display().to_string();
        let told = workshop.gristmill(["serve", "--port", "0", "--dir", "/sys/kernel", "--token-file", &token]);
        assert_eq!(told.code, Some(6), "{}", told.stderr);
        assert!(told.stderr.contains("`/sys/kernel/.gristmill` cannot be read or written"), "{}", told.stderr);
    }
}

#[test]
fn a_run_that_needs_more_memory_than_its_job_has_ends_alone() {
    let workshop = folder("");
    let greedy = "name: greedy\nstages:\n  - id: rows\n    read: {path: many.csv}\n  - join: {with: rows, how: cross, take: {n: b}}\n  \
                  - reduce: {columns: [n, b], method: tsne}\n";
    workshop.write("pipelines/greedy.yaml", greedy);
    workshop.write("jobs/greedy.yaml", "pipeline: pipelines/greedy.yaml\nmemory: 64MiB\n");
    workshop.write("jobs/plain.yaml", "pipeline: pipelines/long.yaml\n");
    let server = Server::start(&workshop);
    jobs(&workshop, &["run", "plain"]).success();
    jobs(&workshop, &["run", "greedy"]).success();
    let runs = until(&workshop, "both ends", |runs| runs.len() == 2 && runs.iter().all(|run| run["ended"].is_string()));
    let of = |job: &str| runs.iter().find(|run| run["job"] == job).unwrap();
    assert_eq!((&of("greedy")["state"], &of("greedy")["exit_code"]), (&json!("failed"), &json!(4)));
    let message = of("greedy")["message"].as_str().unwrap();
    assert!(message.contains("needs its rows in memory"), "{message}");
    assert_eq!(of("plain")["state"], "succeeded");
    assert_eq!(server.end().0, Some(0));
}
