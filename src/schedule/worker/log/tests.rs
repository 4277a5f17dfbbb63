//! What the log has, and what it has not.

use serde_json::json;

use super::*;

fn lines(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(FILE)).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn said(line: &Value) -> &str {
    line["line"].as_str().unwrap()
}

#[test]
fn each_line_has_its_time_and_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), LONGEST);
    log.write(Stream::Out, &Entry::Event(&json!({ "event": "run_started" })));
    log.write(Stream::Err, &Entry::Line("a \"line\" \u{1}\u{fffd}"));
    assert_eq!(log.close(), Logged { written: 2, ..Logged::default() });
    log.write(Stream::Err, &Entry::Line("too late"));
    append(folder.path(), "lost").unwrap();
    let lines = lines(folder.path());
    assert_eq!(lines.len(), 3);
    let time = lines[0]["time"].as_str().unwrap();
    assert!(time.parse::<Timestamp>().is_ok() && time.len() == 24, "{time}");
    assert_eq!((&lines[0]["stream"], &lines[0]["event"]), (&json!("out"), &json!({ "event": "run_started" })));
    assert_eq!((&lines[1]["stream"], said(&lines[1])), (&json!("err"), "a \"line\" \u{1}\u{fffd}"));
    assert_eq!((&lines[2]["stream"], said(&lines[2])), (&json!("server"), "lost"));
}

#[test]
fn how_far_a_stage_is_is_written_once_in_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), LONGEST);
    for done in 0..100 {
        for stage in ["a", "b"] {
            log.write(Stream::Out, &Entry::Event(&json!({ "event": "stage_progress", "stage": stage, "done": done })));
        }
    }
    log.write(Stream::Out, &Entry::Event(&json!({ "event": "stage_finished", "stage": "a" })));
    log.close();
    let lines = lines(folder.path());
    assert!(lines.len() < 20, "{}", lines.len());
    assert_eq!((&lines[0]["event"]["done"], &lines[1]["event"]["stage"]), (&json!(0), &json!("b")));
}

#[test]
fn of_a_log_that_is_too_long_the_middle_is_dropped_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), 16_000);
    for number in 0..1000 {
        log.write(Stream::Out, &Entry::Line(&format!("line {number:05}")));
    }
    let grows_only = fs::read(folder.path().join(FILE)).unwrap();
    let logged = log.close();
    let text = fs::read(folder.path().join(FILE)).unwrap();
    assert!(text.starts_with(&grows_only) && text.len() <= 16_300, "{}", text.len());
    let lines = lines(folder.path());
    let full = lines.iter().position(|line| said(line).starts_with("the log is full")).unwrap();
    let gap = lines.iter().position(|line| said(line).contains("were left out here")).unwrap();
    assert_eq!((said(&lines[0]), said(&lines[full - 1])), ("line 00000", format!("line {:05}", full - 1).as_str()));
    assert_eq!(gap, full + 1);
    assert!(said(&lines[gap]).starts_with(&format!("{} lines (", logged.left_out)));
    assert_eq!(said(lines.last().unwrap()), "line 00999");
    assert_eq!(logged.written + logged.left_out, 1000);
    assert_eq!(logged.written as usize, lines.len() - 2);
    let tail: Vec<&str> = lines[gap + 1..].iter().map(said).collect();
    let expected: Vec<String> = (1000 - tail.len()..1000).map(|number| format!("line {number:05}")).collect();
    assert_eq!(tail, expected);
}

#[test]
fn a_log_that_is_just_full_leaves_nothing_out() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), 16_000);
    let length = record(Stream::Out, &Entry::Line("line 00000")).len();
    let number = 15_000 / length + 5;
    for number in 0..number {
        log.write(Stream::Out, &Entry::Line(&format!("line {number:05}")));
    }
    assert_eq!(log.close(), Logged { written: number as u64, ..Logged::default() });
    assert_eq!(lines(folder.path()).len(), number + 1);
}

#[test]
fn a_full_disk_loses_lines_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // It takes nothing, for want of space.
    std::os::unix::fs::symlink("/dev/full", folder.path().join(FILE)).unwrap();
    let log = Log::open(folder.path(), LONGEST);
    for _ in 0..3 {
        log.write(Stream::Out, &Entry::Line("x"));
    }
    let logged = log.close();
    assert_eq!((logged.written, logged.lost), (0, 3));
    assert_eq!(logged.trouble.as_deref(), Some("no space left on device"));
    let nowhere = Log::open(Path::new("/proc/no-such-folder"), LONGEST);
    nowhere.write(Stream::Out, &Entry::Line("x"));
    assert!(nowhere.close().trouble.is_some());
    assert!(append(Path::new("/proc/no-such-folder"), "x").is_err());
}

#[test]
fn what_was_lost_is_said_once_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), LONGEST);
    log.write(Stream::Out, &Entry::Line("before"));
    let whole = log.0.lock().unwrap().file.replace(File::options().append(true).open("/dev/full").unwrap());
    log.write(Stream::Out, &Entry::Line("lost"));
    log.write(Stream::Out, &Entry::Line("lost too"));
    log.0.lock().unwrap().file = whole;
    log.write(Stream::Out, &Entry::Line("after"));
    assert_eq!(log.close().lost, 2);
    let lines = lines(folder.path());
    let said: Vec<&str> = lines.iter().map(said).collect();
    assert_eq!(said, ["before", "2 lines could not be written here: no space left on device", "after"]);
}

#[test]
fn a_line_that_a_crash_left_unfinished_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE), "{\"time\":\"2026").unwrap();
    append(folder.path(), "lost").unwrap();
    let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(text.starts_with("{\"time\":\"2026\n{"));
}
