//! The `notify:` list: what is read from it, and each mistake at its place.

use std::time::Duration;

use super::{channel, checked, read};
use crate::schedule::notify::channel::Transport;
use crate::schedule::notify::{ChannelOptions, Event, find};

#[test]
fn a_list_of_channels_is_read_with_its_defaults() {
    let channels = checked(
        "- webhook: {url: \"https://hooks.example.org/x\"}\n\
         - mail: {server: smtp.example.org, from: mill@example.org, to: team@example.org}\n\
         - command: {run: [tell, --urgent], on: failure}\n\
         - webhook: {name: chat, url: {env: CHAT_URL}, on: [success, failure, success], secret: {file: key}, timeout: 90s}\n\
         - webhook: {url: \"http://localhost:8080\"}",
    )
    .unwrap();
    let names: Vec<&str> = channels.iter().map(|channel| channel.name()).collect();
    assert_eq!(names, ["webhook", "mail", "command", "chat", "webhook_3"]);
    let kinds: Vec<&str> = channels.iter().map(|channel| channel.kind()).collect();
    assert_eq!(kinds, ["webhook", "mail", "command", "webhook", "webhook"]);
    assert_eq!(channels[0].events(), [Event::Failure, Event::Recovery, Event::GateRefused, Event::Missed]);
    assert_eq!(channels[2].events(), [Event::Failure]);
    assert_eq!(channels[3].events(), [Event::Failure, Event::Success]);
    let seconds: Vec<u64> = channels.iter().map(|channel| channel.timeout().as_secs()).collect();
    assert_eq!(seconds, [10, 30, 30, 90, 10]);
    assert_eq!(find(&channels, "chat"), Some(&channels[3]));
    assert_eq!(find(&channels, "gone"), None);
}

#[test]
fn ports_follow_the_encryption() {
    for (more, port) in [
        ("", 465),
        (", tls: starttls", 587),
        (", tls: implicit", 465),
        (", tls: none", 25),
        (", tls: none, port: 2525", 2525),
    ] {
        let channel = channel(&format!("- mail: {{server: localhost, from: a@example.org, to: b@example.org{more}}}"));
        let Transport::Mail(mail) = &channel.transport else { panic!("no mail") };
        assert_eq!(mail.port, port, "{more}");
        assert_eq!(mail.timeout, Duration::from_secs(30));
    }
}

#[test]
fn each_mistake_is_said_at_its_place() {
    let mut wrong = Vec::new();
    for (list, place, said) in [
        (
            "- webhook: {url: \"http://hooks.example.org/\"}",
            "1:18",
            "is not encrypted (`http://`) and leads to another machine",
        ),
        ("- webhook: {url: example}", "1:18", "does not begin with `https://`"),
        ("- webhook: {}", "1:", "url"),
        ("- webhook: {url: 5}", "1:18", "is put in quotes"),
        ("- webhook: {url: {env: A, file: b}}", "1:", "a secret is either `{env: NAME}` or `{file: path}`"),
        ("- webhook: {url: {env: 1A}}", "1:", "takes the name of an environment variable"),
        ("- webhook: {url: {environment: A}}", "1:", "unknown option `environment`"),
        ("- webhook: {url: \"https://example.org\", on: []}", "1:45", "a channel without events never sends anything"),
        ("- webhook: {url: \"https://example.org\", on: [failed]}", "1:46", "unknown value `failed`"),
        ("- webhook: {url: \"https://example.org\", on: failre}", "1:45", "did you mean `failure`?"),
        ("- webhook: {url: \"https://example.org\", timeout: 6m}", "1:50", "at most 5m"),
        ("- webhook: {url: \"https://example.org\", timeout: 10}", "1:50", "expected"),
        ("- webhook: {url: \"https://example.org\", sekret: {env: A}}", "1:41", "did you mean `secret`?"),
        ("- webhook: {url: \"https://example.org\", headers: {Host: a}}", "1:51", "is set by gristmill itself"),
        (
            "- webhook: {url: \"https://example.org\", headers: {gristmill-event: a}}",
            "1:51",
            "is set by gristmill itself",
        ),
        ("- webhook: {url: \"https://example.org\", headers: {a b: c}}", "1:51", "cannot be the name of a header"),
        ("- webhook: {url: \"https://example.org\", headers: {A: b, a: c}}", "1:57", "is there twice"),
        ("- webhook: {url: \"https://example.org\", headers: {A: é}}", "1:54", "cannot be sent in a header"),
        ("- webhook: {url: \"https://example.org\", headers: {A: \"${env:X}\"}}", "1:54", "`${` is not filled in here"),
        ("- webhook: {url: \"https://example.org\", name: Chat}", "1:47", "cannot be the name of a channel"),
        (
            "- mail: {server: \"smtp.example.org:25\", from: a@example.org, to: b@example.org}",
            "1:18",
            "no name of a mail server",
        ),
        ("- mail: {server: m, from: nobody, to: b@example.org}", "1:27", "no mail address"),
        ("- mail: {server: m, from: a@example.org, to: [b@example.org, \"c@\"]}", "1:62", "no mail address"),
        (
            "- mail: {server: m, from: a@example.org, to: \"b@example.org\\nBcc: c@example.org\"}",
            "1:46",
            "no mail address",
        ),
        ("- mail: {server: m, from: a@example.org, to: []}", "1:18", "a mail needs a recipient"),
        ("- mail: {server: m, from: a@example.org, to: b@example.org, tls: none}", "1:66", "without TLS everybody"),
        ("- mail: {server: m, from: a@example.org, to: b@example.org, user: x}", "1:67", "`user` needs a `password`"),
        (
            "- mail: {server: m, from: a@example.org, to: b@example.org, password: {env: X}}",
            "1:71",
            "`password` needs a `user`",
        ),
        (
            "- mail: {server: m, from: a@example.org, to: b@example.org, tls: none, insecure: true, user: x, password: {env: X}}",
            "1:66",
            "a password is only sent encrypted",
        ),
        ("- mail: {server: m, port: 0, from: a@example.org, to: b@example.org}", "1:18", "from 1 to 65535"),
        ("- mail: {server: m, port: 70000, from: a@example.org, to: b@example.org}", "1:27", "from 0 to 65535"),
        ("- command: {run: []}", "1:18", "`run` names no program"),
        ("- command: {run: [\"\"]}", "1:18", "`run` names no program"),
        ("- command: {run: tell me}", "1:18", "expected a list"),
        ("- command: {run: [tell], environment: [GRISTMILL_JOB]}", "1:40", "no variable that can be passed on"),
        ("- command: {run: [tell], environment: [A=b]}", "1:40", "no variable that can be passed on"),
        ("- slack: {url: x}", "1:3", "unknown key `slack`"),
    ] {
        let found = checked(list).unwrap_err().join("\n");
        if !found.contains(said) || !found.contains(&format!("jobs/t.yaml:{place}")) {
            wrong.push(format!("{list}: not {place} {said}, but {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_mistakes_are_found_at_once() {
    let found = checked(
        "- webhook: {url: example, on: [], headers: {Host: a, b c: d}}\n\
         - mail: {server: \"\", from: a, to: [b, c]}\n\
         - command: {run: []}",
    )
    .unwrap_err();
    assert_eq!(found.len(), 9, "{found:#?}");
}

#[test]
fn two_channels_of_one_name_are_refused() {
    let one = "- command: {run: [a]}\n- command: {name: command, run: [b]}";
    let found = checked(one).unwrap_err().join("\n");
    assert!(found.contains("two channels have the name `command`") && found.contains(":2:"), "{found}");
}

#[test]
fn a_job_has_at_most_twenty_channels() {
    assert_eq!(checked(&"- command: {run: [a]}\n".repeat(20)).unwrap().len(), 20);
    let found = checked(&"- command: {run: [a]}\n".repeat(21)).unwrap_err().join("\n");
    assert!(found.contains("at most 20 channels"), "{found}");
}

#[test]
fn what_was_read_is_written_and_read_again() {
    let list = "- webhook: {name: a, url: \"https://example.org\", on: [late], secret: {env: KEY}, headers: {X-A: b, X-B: {file: c}}, timeout: 20s}\n\
                - mail: {server: m, tls: implicit, from: a@example.org, to: [b@example.org], user: u, password: {file: p}}\n\
                - command: {run: [tell, --now], environment: [TOKEN]}";
    let options = read(list).unwrap();
    let written = serde_json::to_string(&options).unwrap();
    let again: Vec<ChannelOptions> = serde_json::from_str(&written).unwrap();
    assert_eq!(again, options);
}

#[test]
fn the_schema_describes_each_option_and_knows_what_is_valid() {
    let schema = schemars::schema_for!(Vec<ChannelOptions>).to_value();
    for (of, options) in [("WebhookOptions", 8), ("MailOptions", 12), ("CommandOptions", 5)] {
        let found = &schema["$defs"][of];
        assert_eq!(found["additionalProperties"], false, "{of}");
        let properties = found["properties"].as_object().unwrap();
        assert_eq!(properties.len(), options, "{of}: {:?}", properties.keys());
        for (name, property) in properties {
            assert!(property["description"].is_string(), "{of}.{name}: {property}");
        }
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (value, is_valid) in [
        (
            serde_json::json!([{"webhook": {"url": "https://example.org", "on": "failure", "secret": {"env": "A"}}}]),
            true,
        ),
        (
            serde_json::json!([{"webhook": {"url": {"file": "a"}, "headers": {"X": {"env": "A"}, "Y": "b"}, "on": ["late"]}}]),
            true,
        ),
        (serde_json::json!([{"command": {"run": ["a"]}}]), true),
        (serde_json::json!([{"webhook": {"url": "https://example.org", "secret": "written"}}]), false),
        (serde_json::json!([{"webhook": {"url": {"env": "A", "file": "b"}}}]), false),
        (serde_json::json!([{"webhook": {"url": "https://example.org", "on": ["failed"]}}]), false),
        (serde_json::json!([{"pigeon": {}}]), false),
    ] {
        assert_eq!(validator.is_valid(&value), is_valid, "{value}");
    }
}
