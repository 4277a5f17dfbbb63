//! What workers say.

use serde_json::json;

use super::*;

#[test]
fn a_chatty_worker_is_heard_line_by_line_and_logged() {
    let base = tempfile::tempdir().unwrap();
    let script = "i=0; while [ $i -lt 3000 ]; do echo out $i; echo err $i >&2; echo '{\"event\":\"stage_progress\",\"done\":'$i'}'; \
                  i=$((i+1)); done";
    let launch = launch(base.path(), script);
    let (heard, ended) = run_in(&launch);
    assert_eq!((ended.code, ended.is_success(), ended.message()), (Some(0), true, None));
    let lines = |wanted: Stream| -> Vec<&str> {
        let of = |heard: &'_ Heard| matches!(heard, Heard::Line { stream, .. } if *stream == wanted);
        let texts = heard.iter().filter(|heard| of(heard));
        texts.map(|heard| if let Heard::Line { text, .. } = heard { text.as_str() } else { "" }).collect()
    };
    let numbered = |word: &str| -> Vec<String> { (0..3000).map(|number| format!("{word} {number}")).collect() };
    assert_eq!(lines(Stream::Out), numbered("out"));
    assert_eq!(lines(Stream::Err), numbered("err"));
    let events: Vec<i64> = heard
        .iter()
        .filter_map(|heard| if let Heard::Event(event) = heard { event["done"].as_i64() } else { None })
        .collect();
    assert_eq!(events, (0..3000).collect::<Vec<i64>>());
    assert_eq!((heard.len(), ended.logged.written, logged(&launch).len()), (9000, 9000, 9000));
    assert_eq!(ended.errors.last().map(String::as_str), Some("err 2999"));
}

#[test]
fn a_silent_worker_only_ends() {
    let (heard, ended) = run(":");
    assert_eq!((heard.len(), ended.code, ended.logged.written), (0, Some(0), 0));
}

#[test]
fn a_sign_of_life_is_told_and_not_logged() {
    let base = tempfile::tempdir().unwrap();
    let launch = launch(
        base.path(),
        "echo '{\"event\":\"alive\"}'; echo '{\"event\":\"alive\"}' >&2; echo '{\"event\":7}'; echo '{\"event\":'",
    );
    let (heard, _) = run_in(&launch);
    let signs: Vec<&Heard> = heard.iter().filter(|heard| heard.is_sign_of_life()).collect();
    assert_eq!(signs, [&Heard::Alive]);
    // Only standard output has events; what is none is a line.
    for (stream, text) in
        [(Stream::Err, "{\"event\":\"alive\"}"), (Stream::Out, "{\"event\":7}"), (Stream::Out, "{\"event\":")]
    {
        assert!(heard.contains(&line(stream, text)), "{text}");
    }
    assert_eq!((heard.len(), logged(&launch).len()), (4, 3));
}

#[test]
fn ten_megabytes_in_one_line_are_cut_to_64_kibibytes() {
    let (heard, ended) = run("head -c 10000000 /dev/zero | tr '\\0' x; echo; echo next");
    let [Heard::Line { text, .. }, next] = heard.as_slice() else { panic!("{}", heard.len()) };
    assert!(text.starts_with(&"x".repeat(64 << 10)) && text.ends_with("(cut: the line has 10000000 bytes)"));
    assert!(text.len() < (64 << 10) + 100);
    assert_eq!((next, ended.code), (&line(Stream::Out, "next"), Some(0)));
}

#[test]
fn bytes_that_are_no_text_and_a_last_line_without_end_are_heard() {
    let (heard, _) = run("printf 'a\\377b\\n\\nlast'");
    assert_eq!(heard, [line(Stream::Out, "a\u{fffd}b"), line(Stream::Out, ""), line(Stream::Out, "last")]);
}

#[test]
fn secrets_are_masked_in_what_is_heard_and_in_the_log() {
    let base = tempfile::tempdir().unwrap();
    let script = "echo 'key hunter2'; echo '{\"event\":\"warning\",\"message\":\"a \\u0068unter2 b\"}'; echo 'hunter2' >&2; exit 1";
    let mut launch = launch(base.path(), script);
    launch.secrets.add("hunter2", None);
    let (working, heard) = Working::listen(&launch).unwrap();
    working.note("called with hunter2");
    let (heard, ended) = all(&heard);
    assert!(heard.contains(&Heard::Event(json!({ "event": "warning", "message": "a *** b" }))));
    assert!(heard.contains(&line(Stream::Out, "key ***")));
    assert_eq!(ended.message().as_deref(), Some("***"));
    let text = std::fs::read_to_string(launch.folder.join(log::FILE)).unwrap();
    assert!(!text.contains("unter2") && text.contains("called with ***"), "{text}");
}

#[test]
fn a_worker_gets_its_folder_the_command_line_and_not_what_is_the_servers() {
    let base = tempfile::tempdir().unwrap();
    let base = base.path().canonicalize().unwrap();
    let script = "pwd; echo \"${HOME-none} $GRISTMILL_SERVE\"; read line || echo no input; echo \"$0 $*\"";
    let mut launch = launch(&base, script);
    launch.withheld.push("HOME".into());
    let (heard, _) = run_in(&launch);
    let folder = launch.folder.display();
    let expected = [
        base.display().to_string(),
        format!("none {folder}"),
        "no input".to_owned(),
        format!("run --json --dir {} --run-folder {folder} -- p.yaml", base.display()),
    ];
    assert_eq!(heard, expected.map(|text| line(Stream::Out, &text)));
}

#[test]
fn who_does_not_listen_any_more_stops_nothing() {
    let base = tempfile::tempdir().unwrap();
    let launch = launch(base.path(), "i=0; while [ $i -lt 3000 ]; do echo out $i; i=$((i+1)); done; exit 4");
    let (working, heard) = Working::listen(&launch).unwrap();
    drop(heard);
    assert!(working.wait(Duration::from_secs(30)));
    assert_eq!(logged(&launch).len(), 3001, "and the message at the end");
}

#[test]
fn who_listens_slowly_loses_nothing() {
    let base = tempfile::tempdir().unwrap();
    // More than the channel and the pipe hold: the worker has to wait.
    let mut launch = launch(base.path(), "yes 0123456789012345678901234567890123456789 | head -n 20000");
    launch.grace = Duration::from_millis(5);
    let (working, heard) = Working::listen(&launch).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(!working.has_ended());
    let (heard, ended) = all(&heard);
    assert_eq!((heard.len(), ended.code), (20_000, Some(0)));
}

#[test]
fn a_full_disk_costs_the_log_and_not_the_run() {
    let base = tempfile::tempdir().unwrap();
    let launch = launch(base.path(), "echo one; echo two; exit 0");
    std::fs::create_dir_all(&launch.folder).unwrap();
    std::os::unix::fs::symlink("/dev/full", launch.folder.join(log::FILE)).unwrap();
    let (heard, ended) = run_in(&launch);
    assert_eq!((heard.len(), ended.is_success(), ended.logged.lost), (2, true, 2));
    assert_eq!(ended.logged.trouble.as_deref(), Some("no space left on device"));
}
