//! Webhooks against a server that answers well, badly, slowly, or not at all.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::http::{Answer, Request, Server};
use super::{KEY, NOW, Surroundings, at, channel, delivery, payload};
use crate::schedule::notify::channel::{Transport, Webhook};
use crate::schedule::notify::options::Given;
use crate::schedule::notify::{Channel, Delivery, Event, Outcome, send, webhook};

fn to(url: &str) -> Channel {
    channel(&format!("- webhook: {{url: \"{url}\"}}"))
}

/// With a time that a test can wait for.
fn hurried(mut channel: Channel, milliseconds: u64) -> Channel {
    if let Transport::Webhook(webhook) = &mut channel.transport {
        webhook.timeout = Duration::from_millis(milliseconds);
    }
    channel
}

fn sent_to(server: &Server) -> Outcome {
    send(&to(&server.url()), &delivery(&payload()), &Surroundings::with(&[]).lookup())
}

fn reason(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Sent => panic!("it was sent"),
        Outcome::Again { reason, .. } | Outcome::GiveUp(reason) => reason,
    }
}

#[test]
fn a_message_is_posted_as_json_with_its_event_and_its_key() {
    let server = Server::status("200 OK", "");
    assert_eq!(sent_to(&server), Outcome::Sent);
    let request = server.request();
    assert!(request.head.starts_with("POST /hook?to=me HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.header("Content-Type"), Some("application/json"));
    assert_eq!(request.header("Gristmill-Event"), Some("failure"));
    assert_eq!(request.header("Gristmill-Delivery"), Some(KEY));
    assert_eq!(request.header("Gristmill-Try"), Some("2"));
    assert_eq!(request.header("Gristmill-Signature"), None);
    assert!(request.header("User-Agent").unwrap().starts_with("gristmill/"));
    assert_eq!(request.header("Host").unwrap(), format!("127.0.0.1:{}", server.port));
    assert_eq!(serde_json::from_str::<Value>(&request.body).unwrap(), Value::Object(payload()));
    server.join();
}

#[test]
fn a_message_is_signed_over_its_time_and_the_body_as_it_was_sent() {
    let server = Server::status("204 No Content", "");
    let signed = channel(&format!("- webhook: {{url: \"{}\", secret: {{env: HOOK}}}}", server.url()));
    let surroundings = Surroundings::with(&[("HOOK", "4f3c2a1b5d6e7f8091a2b3c4d5e6f708")]);
    // The body, the key and the time of a value that Python computed: tests/oracle/notifications.py.
    let stored: Value = serde_json::from_str(include_str!("../../../../tests/data/oracle/notifications.json")).unwrap();
    let case = &stored["signatures"][2];
    let payload: Map<String, Value> = serde_json::from_str(case["body"].as_str().unwrap()).unwrap();
    let now = jiff::Timestamp::from_second(case["time"].as_i64().unwrap()).unwrap();
    let delivery = Delivery { now, ..delivery(&payload) };
    assert_eq!(send(&signed, &delivery, &surroundings.lookup()), Outcome::Sent);
    let request = server.request();
    assert_eq!(request.body, case["body"].as_str().unwrap());
    assert_eq!(request.header("Gristmill-Signature"), case["header"].as_str());
    server.join();
}

#[test]
fn further_headers_come_from_the_job_file_the_environment_and_files() {
    let server = Server::status("202 Accepted", "");
    let surroundings = Surroundings::with(&[("TOKEN", "Bearer t0ken")]);
    super::secrets::write(&surroundings, "zone", "north\n", 0o600);
    let channel = channel(&format!(
        "- webhook: {{url: \"{}\", headers: {{X-Team: night shift, Authorization: {{env: TOKEN}}, X-Zone: {{file: zone}}, User-Agent: mill}}}}",
        server.url()
    ));
    assert_eq!(send(&channel, &delivery(&payload()), &surroundings.lookup()), Outcome::Sent);
    let request = server.request();
    assert_eq!(request.header("X-Team"), Some("night shift"));
    assert_eq!(request.header("Authorization"), Some("Bearer t0ken"));
    assert_eq!(request.header("X-Zone"), Some("north"));
    assert_eq!(request.header("User-Agent"), Some("mill"));
    assert_eq!(request.head.to_lowercase().matches("user-agent").count(), 1);
    server.join();
}

#[test]
fn what_may_end_better_is_sent_again_and_what_will_not_is_given_up() {
    for (status, again) in [
        ("500 Internal Server Error", true),
        ("502 Bad Gateway", true),
        ("503 Service Unavailable", true),
        ("504 Gateway Timeout", true),
        ("599 Whatever", true),
        ("408 Request Timeout", true),
        ("425 Too Early", true),
        ("429 Too Many Requests", true),
        ("400 Bad Request", false),
        ("401 Unauthorized", false),
        ("403 Forbidden", false),
        ("404 Not Found", false),
        ("410 Gone", false),
        ("422 Unprocessable Content", false),
        ("304 Not Modified", false),
    ] {
        let server = Server::status(status, "");
        let outcome = sent_to(&server);
        assert_eq!(matches!(outcome, Outcome::Again { after: None, .. }), again, "{status}: {outcome:?}");
        assert_eq!(matches!(outcome, Outcome::GiveUp(_)), !again, "{status}: {outcome:?}");
        let said = format!("http://127.0.0.1:{} answered {}", server.port, &status[..3]);
        assert!(reason(&outcome).starts_with(&said), "{outcome:?}");
        server.join();
    }
}

#[test]
fn retry_after_is_obeyed_up_to_an_hour() {
    for (value, seconds) in [
        ("120", Some(120)),
        ("0", Some(0)),
        ("86400", Some(3_600)),
        ("99999999999999999999999", Some(3_600)),
        // Two minutes after the time of sending, and before it.
        ("Fri, 27 Nov 2026 21:47:00 GMT", Some(120)),
        ("Fri, 27 Nov 2026 21:00:00 GMT", Some(0)),
        ("Sat, 28 Nov 2099 21:47:00 GMT", Some(3_600)),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
    ] {
        for status in ["429 Too Many Requests", "503 Service Unavailable"] {
            let server = Server::status(status, &format!("Retry-After: {value}\r\n"));
            match sent_to(&server) {
                Outcome::Again { after, .. } => assert_eq!(after, seconds.map(SignedDuration::from_secs), "{value}"),
                other => panic!("{value}: {other:?}"),
            }
            server.join();
        }
    }
    assert_eq!(at(NOW).to_string(), "2026-11-27T21:45:00Z");
}

#[test]
fn a_redirect_is_not_followed() {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    target.set_nonblocking(true).unwrap();
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("Location: http://127.0.0.1:{}/t0ken\r\n", target.local_addr().unwrap().port());
        let server = Server::status(status, &location);
        let outcome = sent_to(&server);
        assert!(matches!(&outcome, Outcome::GiveUp(why) if why.contains("redirects are not followed")), "{outcome:?}");
        assert!(!reason(&outcome).contains("t0ken"));
        server.join();
    }
    assert_eq!(target.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_server_that_says_nothing_or_drips_costs_the_timeout_and_no_more() {
    for answer in [Answer::Silence, Answer::Dripping] {
        let server = Server::answering(answer);
        let began = Instant::now();
        let outcome = send(&hurried(to(&server.url()), 100), &delivery(&payload()), &Surroundings::with(&[]).lookup());
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert!(
            matches!(&outcome, Outcome::Again { reason, .. } if reason.contains("gave no answer within")),
            "{outcome:?}"
        );
        server.join();
    }
}

#[test]
fn a_body_without_end_is_not_read() {
    let server = Server::answering(Answer::Endless("HTTP/1.1 200 OK\r\n\r\n", vec![b'x'; 1 << 20]));
    assert_eq!(sent_to(&server), Outcome::Sent);
    // It ends because the client has left.
    server.join();
}

#[test]
fn a_head_without_end_is_refused() {
    let server = Server::answering(Answer::Endless(
        "HTTP/1.1 200 OK\r\n",
        b"X-Fill: xxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n".repeat(100),
    ));
    let outcome = sent_to(&server);
    assert!(matches!(outcome, Outcome::Again { .. }), "{outcome:?}");
    server.join();
}

#[test]
fn what_is_no_answer_is_sent_again() {
    for answer in [
        Answer::Bytes(b"220 mail.example.org ESMTP\r\n".to_vec()),
        Answer::Bytes(vec![0xff; 300]),
        Answer::Bytes(b"HTTP/1.1 2".to_vec()),
        Answer::Bytes(b"HTTP/1.1 abc OK\r\n\r\n".to_vec()),
        Answer::Bytes(Vec::new()),
        Answer::Slam,
    ] {
        let server = Server::answering(answer);
        let outcome = sent_to(&server);
        assert!(matches!(outcome, Outcome::Again { after: None, .. }), "{outcome:?}");
        server.join();
    }
}

#[test]
fn nobody_at_the_address_is_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    drop(listener);
    let outcome = send(&to(&url), &delivery(&payload()), &Surroundings::with(&[]).lookup());
    assert!(matches!(&outcome, Outcome::Again { reason, .. } if reason.contains("connection refused")), "{outcome:?}");
}

#[test]
fn https_to_a_server_without_tls_sends_nothing() {
    let server = Server::answering(Answer::Bytes(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()));
    let url = server.url().replace("http:", "https:");
    let outcome = send(&hurried(to(&url), 200), &delivery(&payload()), &Surroundings::with(&[]).lookup());
    assert!(matches!(outcome, Outcome::Again { .. }), "{outcome:?}");
    server.join();
}

#[test]
fn an_address_that_is_a_secret_is_used_and_not_shown() {
    let server = Server::status("404 Not Found", "");
    let surroundings = Surroundings::with(&[("HOOK_URL", &server.url()), ("CLEAR", "http://hooks.example.org/t0ken")]);
    let outcome = send(&channel("- webhook: {url: {env: HOOK_URL}}"), &delivery(&payload()), &surroundings.lookup());
    assert_eq!(outcome, Outcome::GiveUp("the address in the variable `HOOK_URL` answered 404 (Not Found)".to_owned()));
    assert!(server.request().head.starts_with("POST /hook?to=me "));
    server.join();
    // What is checked in a job file is checked here when it is known.
    let outcome = send(&channel("- webhook: {url: {env: CLEAR}}"), &delivery(&payload()), &surroundings.lookup());
    assert!(
        reason(&outcome)
            .starts_with("the variable `CLEAR` holds no address that can be used: the address is not encrypted")
    );
    assert!(
        matches!(&outcome, Outcome::GiveUp(reason) if !reason.contains("t0ken") && !reason.contains("example")),
        "{outcome:?}"
    );
}

#[test]
fn a_header_that_cannot_be_sent_ends_it() {
    let surroundings = Surroundings::with(&[("TOKEN", "a\r\nX-Evil: t0ken")]);
    let channel = channel("- webhook: {url: \"http://127.0.0.1:1/\", headers: {Authorization: {env: TOKEN}}}");
    let outcome = send(&channel, &delivery(&payload()), &surroundings.lookup());
    assert!(
        matches!(&outcome, Outcome::GiveUp(reason) if reason.contains("`Authorization` cannot be sent")),
        "{outcome:?}"
    );
    assert!(!reason(&outcome).contains("t0ken"));
}

/// For the tests of secrets: a request of a webhook with all its secrets in it, and what is said when it is refused.
pub(super) fn refused_with_secrets(variables: &[(&str, &str)]) -> (Request, Outcome) {
    let server = Server::answering(Answer::Bytes(
        b"HTTP/1.1 403 Forbidden\r\nX-Echo: s3cret-header s3cret-key\r\nContent-Length: 12\r\n\r\ns3cret-header"
            .to_vec(),
    ));
    let url = format!("{}&token=s3cret-url", server.url());
    let variables: Vec<(&str, &str)> = variables.iter().copied().chain([("URL", url.as_str())]).collect();
    let channel = channel("- webhook: {url: {env: URL}, secret: {env: KEY}, headers: {Authorization: {env: HEADER}}}");
    let outcome = send(&channel, &delivery(&payload()), &Surroundings::with(&variables).lookup());
    let request = server.request();
    server.join();
    (request, outcome)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Texts of payloads and keys are data: whatever is in them, a request can be made, and none of its headers has a break.
    #[test]
    fn no_header_can_hold_a_line_break(text in "(.|[\r\n\u{85}\u{2028}]){0,40}", event in "(.|[\r\n]){0,20}", key in "(.|[\r\n]){0,30}") {
        let payload = json!({"event": event, "text": text, "job": text, "message": text});
        let delivery = Delivery { key: &key, ..delivery(payload.as_object().unwrap()) };
        let webhook = Webhook {
            url: Given::Text("https://hooks.example.org/".to_owned()),
            secret: None,
            headers: vec![("X-A".to_owned(), Given::Text("b".to_owned()))],
            timeout: Duration::from_secs(1),
            insecure: false,
            authorities: None,
        };
        let (_, request) = webhook::request(&webhook, &delivery, &Surroundings::with(&[]).lookup()).unwrap();
        prop_assert_eq!(request.headers().len(), 6);
        for value in request.headers().values() {
            prop_assert!(value.as_bytes().iter().all(|byte| (0x20..0x7f).contains(byte)));
        }
        let body: Value = serde_json::from_str(request.body()).unwrap();
        prop_assert_eq!(body, payload);
    }
}

#[test]
fn each_event_has_a_word_that_headers_can_have() {
    for event in Event::ALL {
        assert!(event.word().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    }
}
