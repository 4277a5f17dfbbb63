//! Secrets: where they are read, what is refused, and that their values never appear.

use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::PathBuf;

use super::{Surroundings, channel, checked, read};
use crate::schedule::notify::secret::Revealed;
use crate::schedule::notify::{Secret, SecretError};

/// Writes a file with permissions, whatever the mask of the process.
pub(super) fn write(surroundings: &Surroundings, name: &str, content: &str, mode: u32) -> PathBuf {
    let path = surroundings.folder.path().join(name);
    let _ = std::fs::remove_file(&path);
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
    std::io::Write::write_all(&mut &file, content.as_bytes()).unwrap();
    file.set_permissions(std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn file(name: &str) -> Secret {
    Secret::File(name.into())
}

#[test]
fn a_secret_is_read_from_a_variable_or_a_file_without_its_last_line_break() {
    let surroundings = Surroundings::with(&[("KEY", "s3cret")]);
    let value = |secret: Secret| secret.read(&surroundings.lookup()).map(|value| value.expose().to_owned());
    assert_eq!(value(Secret::Env("KEY".to_owned())), Ok("s3cret".to_owned()));
    for (content, expected) in
        [("s3cret", "s3cret"), ("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), (" s\n\n", " s\n")]
    {
        let path = write(&surroundings, "key", content, 0o600);
        assert_eq!(value(file("key")).as_deref(), Ok(expected));
        assert_eq!(value(Secret::File(path)).as_deref(), Ok(expected));
    }
    symlink("key", surroundings.folder.path().join("link")).unwrap();
    assert!(value(file("link")).is_ok());
}

#[test]
fn a_secret_file_that_is_open_to_others_is_refused_with_what_to_do() {
    let surroundings = Surroundings::with(&[]);
    for (mode, is_open) in [
        (0o600, false),
        (0o400, false),
        (0o640, false),
        (0o440, false),
        (0o644, true),
        (0o604, true),
        (0o602, true),
        (0o620, true),
        (0o601, true),
    ] {
        let path = write(&surroundings, "key", "s3cret", mode);
        let found = file("key").check(&surroundings.lookup());
        assert_eq!(found.is_err(), is_open, "{mode:o}: {found:?}");
        if let Err(error) = found {
            let said = error.to_string();
            assert_eq!(error, SecretError::Open { path: path.display().to_string(), mode });
            assert!(
                said.contains(&format!("(mode {mode:03o})"))
                    && said.contains(&format!("`chmod 600 {}`", path.display())),
                "{said}"
            );
        }
    }
}

#[test]
fn what_is_no_secret_is_refused() {
    let surroundings = Surroundings::with(&[("EMPTY", ""), ("LINE", "\n")]);
    let folder = surroundings.folder.path();
    let found = |secret: Secret| secret.check(&surroundings.lookup()).unwrap_err();
    assert_eq!(found(Secret::Env("NONE".to_owned())), SecretError::NotSet("NONE".to_owned()));
    assert_eq!(found(Secret::Env("EMPTY".to_owned())), SecretError::Empty("the variable `EMPTY`".to_owned()));
    assert!(matches!(found(Secret::Env("LINE".to_owned())), SecretError::Empty(_)));
    assert!(found(file("none")).to_string().ends_with("cannot be read: no such file or directory"));
    write(&surroundings, "empty", "\n", 0o600);
    assert!(matches!(found(file("empty")), SecretError::Empty(_)));
    std::fs::create_dir(folder.join("folder")).unwrap();
    assert!(matches!(found(file("folder")), SecretError::NoFile(_)));
    let path = write(&surroundings, "bytes", "", 0o600);
    std::fs::write(path, [0xff, 0xfe]).unwrap();
    assert!(matches!(found(file("bytes")), SecretError::NoText(_)));
    write(&surroundings, "long", &"x".repeat((64 << 10) + 1), 0o600);
    assert!(matches!(found(file("long")), SecretError::TooLong(_)));
    write(&surroundings, "fits", &"x".repeat(64 << 10), 0o600);
    assert_eq!(file("fits").check(&surroundings.lookup()), Ok(()));
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_refused_without_waiting() {
    let surroundings = Surroundings::with(&[]);
    let path = surroundings.folder.path().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert!(matches!(file("pipe").check(&surroundings.lookup()), Err(SecretError::NoFile(_))));
}

#[test]
fn a_changed_secret_counts_from_the_next_look() {
    let surroundings = Surroundings::with(&[]);
    let value = || file("key").read(&surroundings.lookup()).unwrap().expose().to_owned();
    write(&surroundings, "key", "old", 0o600);
    assert_eq!(value(), "old");
    write(&surroundings, "key", "new", 0o600);
    assert_eq!(value(), "new");
}

#[test]
fn a_secret_in_a_job_file_is_refused_without_repeating_it() {
    for list in [
        "- webhook: {url: \"https://example.org\", secret: s3cret}",
        "- webhook: {url: \"https://example.org\", secret: [s3cret]}",
        "- webhook: {url: \"https://example.org\", secret: 5370001}",
        "- webhook: {url: \"https://example.org\", secret: {env: \"s3cret !\"}}",
        "- webhook: {url: \"https://me:s3cret@example.org\"}",
        "- webhook: {url: \"ftp://example.org/s3cret\"}",
        "- webhook: {url: \"http://example.org/s3cret\"}",
        "- webhook: {url: \"https://example.org\", headers: {Authorization: Bearer s3cret}}",
        "- webhook: {url: \"https://example.org\", headers: {X-Api-Key: s3cret}}",
        "- webhook: {url: \"https://example.org\", headers: {X-Auth-Token: s3cret}}",
        "- webhook: {url: \"https://example.org\", headers: {Cookie: s3cret}}",
        "- webhook: {url: \"https://example.org\", headers: {X-Pin: 5370001}}",
        "- webhook: {url: \"https://example.org\", headers: {X-Line: \"a\\ns3cret\"}}",
        "- mail: {server: m.example.org, from: a@example.org, to: b@example.org, user: me, password: s3cret}",
        "- mail: {server: m.example.org, from: a@example.org, to: b@example.org, user: me, password: 5370001}",
        "- mail: {server: m.example.org, from: a@example.org, to: b@example.org, user: me, password: {value: s3cret}}",
    ] {
        let found = checked(list).unwrap_err().join("\n");
        assert!(!found.is_empty() && !found.contains("s3cret") && !found.contains("5370001"), "{list}: {found}");
        assert!(found.contains("jobs/t.yaml:1:"), "{list}: {found}");
    }
}

#[test]
fn neither_channels_nor_options_nor_values_show_a_secret() {
    let surroundings = Surroundings::with(&[("KEY", "s3cret"), ("URL", "https://example.org/s3cret")]);
    let list = "- webhook: {url: {env: URL}, secret: {env: KEY}, headers: {Authorization: {env: KEY}, X-A: \"s3cret\"}}\n\
                - webhook: {url: \"https://example.org/s3cret\"}\n\
                - mail: {server: m.example.org, from: a@example.org, to: b@example.org, user: me, password: {env: KEY}}\n\
                - command: {run: [tell], environment: [KEY]}";
    let options = read(list).unwrap();
    let channels = checked(list).unwrap();
    let value: Revealed = Secret::Env("KEY".to_owned()).read(&surroundings.lookup()).unwrap();
    let shown = format!("{options:?}{channels:?}{value:?}{:?}", surroundings.lookup());
    assert!(shown.contains("KEY") && !shown.contains("s3cret"), "{shown}");
    // A written channel holds the same references; the one text that was written down is what it was.
    let written = serde_json::to_string(&options[2]).unwrap();
    assert!(written.contains(r#""password":{"env":"KEY"}"#), "{written}");
}

#[test]
fn what_a_receiver_repeats_of_a_secret_is_not_said() {
    let variables = [("KEY", "s3cret-key"), ("HEADER", "s3cret-header")];
    let (request, outcome) = super::webhooks::refused_with_secrets(&variables);
    // The receiver had them, but for the key, which only signs.
    assert!(request.head.contains("s3cret-header") && request.head.contains("s3cret-url"));
    assert!(!request.head.contains("s3cret-key") && !request.body.contains("s3cret"));
    let said = format!("{outcome:?}");
    assert!(said.contains("403") && !said.contains("s3cret"), "{said}");
}

#[test]
fn missing_secrets_are_told_before_the_first_message() {
    let surroundings = Surroundings::with(&[("KEY", "s3cret")]);
    write(&surroundings, "open", "s3cret", 0o644);
    let troubles = |list: &str| -> Vec<String> { channel(list).troubles(&surroundings.lookup()) };
    assert_eq!(troubles("- webhook: {url: \"https://example.org\", secret: {env: KEY}}"), Vec::<String>::new());
    let found = troubles("- webhook: {url: {env: URL}, secret: {file: open}, headers: {X-A: {file: none}, X-B: b}}");
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().all(|found| !found.contains("s3cret")));
    let found =
        troubles("- mail: {server: m, from: a@example.org, to: b@example.org, user: me, password: {env: NONE}}");
    assert_eq!(
        found,
        ["the variable `NONE` is not set in the environment of the server; set it there and start the server again"]
    );
    assert_eq!(troubles("- command: {run: [tell], environment: [KEY, NONE]}").len(), 1);
}

#[test]
fn the_variables_of_a_channel_are_those_of_its_secrets() {
    let found =
        channel("- webhook: {url: {env: URL}, secret: {env: KEY}, headers: {A: {env: HEADER}, B: b, C: {file: c}}}");
    let mut variables = found.variables();
    variables.sort_unstable();
    assert_eq!(variables, ["HEADER", "KEY", "URL"]);
    let mail = "- mail: {server: m, from: a@example.org, to: b@example.org, user: me, password: {env: PASSWORD}}";
    assert_eq!(channel(mail).variables(), ["PASSWORD"]);
    assert!(channel("- command: {run: [tell], environment: [TOKEN]}").variables().is_empty());
}
