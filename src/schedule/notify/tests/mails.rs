//! Mails: what is written, the dialog with a server, and that no text of a payload can become a header.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::smtp::{MailServer, Manners};
use super::{KEY, Surroundings, channel, delivery, payload};
use crate::schedule::notify::channel::{Mail, Transport};
use crate::schedule::notify::{Channel, Delivery, Outcome, mail, send};

fn through(port: u16, more: &str) -> Channel {
    channel(&format!(
        "- mail: {{server: 127.0.0.1, port: {port}, from: Gristmill <mill@example.org>, to: [a@example.org, Ärger <b@example.org>]{more}}}"
    ))
}

fn hurried(mut channel: Channel) -> Channel {
    if let Transport::Mail(mail) = &mut channel.transport {
        mail.timeout = Duration::from_millis(100);
    }
    channel
}

fn options(channel: &Channel) -> &Mail {
    match &channel.transport {
        Transport::Mail(mail) => mail,
        _ => panic!("no mail"),
    }
}

fn sent(channel: &Channel) -> Outcome {
    send(channel, &delivery(&payload()), &Surroundings::with(&[("PASSWORD", "s3cret")]).lookup())
}

fn again(outcome: &Outcome, words: &str) {
    assert!(matches!(outcome, Outcome::Again { reason, after: None } if reason.contains(words)), "{outcome:?}");
}

fn given_up(outcome: &Outcome, words: &str) {
    assert!(matches!(outcome, Outcome::GiveUp(reason) if reason.contains(words)), "{outcome:?}");
}

#[test]
fn a_mail_goes_from_its_sender_to_each_recipient() {
    let server = MailServer::with(Manners { offers: &["8BITMIME"], ..Manners::default() });
    assert_eq!(sent(&through(server.port, ", tls: none")), Outcome::Sent);
    let heard = server.heard();
    assert!(heard[0].starts_with("EHLO "), "{heard:?}");
    assert!(heard[1].starts_with("MAIL FROM:<mill@example.org>"), "{heard:?}");
    assert_eq!(heard[2..5], ["RCPT TO:<a@example.org>", "RCPT TO:<b@example.org>", "DATA"]);
    let end = heard.iter().position(|line| line == ".").unwrap();
    let message = &heard[5..end];
    for line in [
        "From: Gristmill <mill@example.org>",
        "Subject: [gristmill] nightly failed, attempt 3",
        "Date: Fri, 27 Nov 2026 21:45:00 +0000",
        "Auto-Submitted: auto-generated",
        "Gristmill-Event: failure",
        "Content-Type: text/plain; charset=utf-8",
    ] {
        assert!(message.iter().any(|found| found == line), "{line}: {message:#?}");
    }
    assert!(message.iter().any(|line| line.contains(KEY)), "{message:#?}");
    let body: Vec<&str> = message.iter().skip_while(|line| !line.is_empty()).map(String::as_str).collect();
    for line in [
        "nightly failed, attempt 3.",
        "Job:          nightly",
        "State:        failed",
        "stage `load` failed:",
        "no such file",
    ] {
        assert!(body.contains(&line), "{line}: {body:#?}");
    }
    assert_eq!(heard[end + 1], "QUIT");
}

#[test]
fn all_tries_of_a_message_have_one_message_id() {
    let (first, other) = (payload(), payload());
    let channel = through(25, ", tls: none");
    let id = |delivery: &Delivery<'_>| {
        let message = mail::message(options(&channel), delivery).unwrap();
        message.headers().get_raw("Message-ID").unwrap().to_owned()
    };
    let one = id(&delivery(&first));
    assert_eq!(one, id(&Delivery { attempt: 9, ..delivery(&other) }));
    assert_ne!(one, id(&Delivery { key: "run/other", ..delivery(&first) }));
    assert!(one.ends_with("@example.org>"), "{one}");
}

#[test]
fn a_login_comes_before_the_mail() {
    let server = MailServer::with(Manners { offers: &["AUTH PLAIN LOGIN"], ..Manners::default() });
    assert_eq!(sent(&through(server.port, ", tls: none, user: mill, password: {env: PASSWORD}")), Outcome::Sent);
    let heard = server.heard();
    // Base64 of NUL mill NUL s3cret, by `printf '\0mill\0s3cret' | base64`.
    assert_eq!(heard[1], "AUTH PLAIN AG1pbGwAczNjcmV0");
    assert!(heard[2].starts_with("MAIL FROM:"));
}

#[test]
fn a_refused_login_is_given_up_and_repeats_nothing_of_it() {
    let server = MailServer::with(Manners {
        offers: &["AUTH PLAIN"],
        answers: &[("AUTH", "535 no s3cret, no AG1pbGwAczNjcmV0")],
        ..Manners::default()
    });
    let outcome = sent(&through(server.port, ", tls: none, user: mill, password: {env: PASSWORD}"));
    given_up(&outcome, "answered 535: it does not accept `user` and `password`");
    assert!(!format!("{outcome:?}").contains("s3cret") && !format!("{outcome:?}").contains("AG1pbGwAczNjcmV0"));
    server.heard();
}

#[test]
fn without_starttls_nothing_is_said() {
    let server = MailServer::with(Manners { offers: &["AUTH PLAIN"], ..Manners::default() });
    let outcome = sent(&through(server.port, ", tls: starttls, user: mill, password: {env: PASSWORD}"));
    given_up(&outcome, "offers no STARTTLS, and nothing is sent unencrypted");
    let heard = server.heard();
    assert!(heard.iter().all(|line| line.starts_with("EHLO ") || line == "QUIT"), "{heard:?}");
}

#[test]
fn a_refused_or_broken_starttls_sends_nothing() {
    for (answers, words) in [
        (&[("STARTTLS", "454 not now")], "answered 454"),
        (&[("STARTTLS", "220 go ahead")], "gave no answer within"),
        (&[("STARTTLS", "")], "closed the connection"),
    ] {
        let server = MailServer::with(Manners { offers: &["STARTTLS", "AUTH PLAIN"], answers, ..Manners::default() });
        let channel = through(server.port, ", tls: starttls, user: mill, password: {env: PASSWORD}");
        // Only the second waits for an answer that never comes.
        let channel = if words.starts_with("gave") { hurried(channel) } else { channel };
        again(&sent(&channel), words);
        let heard = server.heard();
        assert!(!heard.iter().any(|line| line.contains("MAIL FROM") || line.contains("AUTH")), "{heard:?}");
    }
}

#[test]
fn implicit_tls_says_nothing_to_a_server_without_it() {
    let server = MailServer::with(Manners::default());
    let outcome = sent(&through(server.port, ", tls: implicit"));
    again(&outcome, "cannot be spoken to");
    let heard = server.heard();
    assert!(!heard.iter().any(|line| line.contains("EHLO") || line.contains("MAIL")), "{heard:?}");
}

#[test]
fn what_is_refused_for_now_is_sent_again_and_what_is_refused_is_given_up() {
    for (answers, is_final, words) in [
        (
            &[("RCPT", "550 no such user")] as &[_],
            true,
            "answered 550: it does not take mail from this sender, or for one",
        ),
        (&[("RCPT", "450 greylisted")], false, "answered 450"),
        (&[("MAIL", "530 log in first")], true, "answered 530: it wants a login"),
        (&[("MAIL", "421 shutting down")], false, "answered 421"),
        (&[("DATA", "451 disk full")], false, "answered 451"),
        (&[(".", "554 spam")], true, "answered 554"),
        (&[(".", "452 no room")], false, "answered 452"),
    ] {
        let server = MailServer::with(Manners { answers, ..Manners::default() });
        let outcome = sent(&through(server.port, ", tls: none"));
        if is_final {
            given_up(&outcome, words)
        } else {
            again(&outcome, words)
        }
        let heard = server.heard();
        assert_eq!(heard.last().map(String::as_str), Some("QUIT"), "{heard:?}");
    }
}

#[test]
fn a_server_that_closes_or_talks_nonsense_is_tried_again() {
    for manners in [
        Manners { greeting: Some(""), ..Manners::default() },
        Manners { greeting: Some("HTTP/1.1 400 Bad Request"), ..Manners::default() },
        Manners { answers: &[("EHLO", "")], ..Manners::default() },
        Manners { answers: &[("DATA", "")], ..Manners::default() },
        Manners { answers: &[(".", "")], ..Manners::default() },
    ] {
        let server = MailServer::with(manners);
        again(&sent(&through(server.port, ", tls: none")), "127.0.0.1:");
        server.heard();
    }
}

#[test]
fn a_silent_server_costs_the_timeout() {
    for manners in [
        Manners { greeting: Some("..."), ..Manners::default() },
        Manners { answers: &[("MAIL", "..."), ("QUIT", "")], ..Manners::default() },
    ] {
        let server = MailServer::with(manners);
        let began = Instant::now();
        again(&sent(&hurried(through(server.port, ", tls: none"))), "gave no answer within");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        server.heard();
    }
}

#[test]
fn a_message_that_was_taken_is_sent_whatever_becomes_of_the_farewell() {
    let server = MailServer::with(Manners { answers: &[("QUIT", "")], ..Manners::default() });
    assert_eq!(sent(&through(server.port, ", tls: none")), Outcome::Sent);
    server.heard();
}

#[test]
fn a_missing_password_is_named_by_its_place_and_nobody_is_called() {
    // Nobody listens there, and nobody is asked.
    let channel = through(1, ", tls: none, user: mill, password: {env: NOWHERE}");
    again(&sent(&channel), "the variable `NOWHERE` is not set");
}

#[test]
fn conditions_and_metrics_stand_in_the_mail() {
    let facts = json!({
        "text": "nightly was not promoted", "event": "gate_refused",
        "gates": [{"name": "accuracy", "passed": false, "reason": "0.81 < 0.85"}, {"name": "drift", "passed": true}],
        "metrics": {"rows": 12, "judge.accuracy": 0.81, "note": "a\nb"},
    });
    let body = mail::body(&delivery(facts.as_object().unwrap()));
    assert!(body.contains("\nConditions\n  accuracy: does not hold, 0.81 < 0.85\n  drift: holds\n"), "{body}");
    assert!(body.contains("\nMetrics\n  rows: 12\n  judge.accuracy: 0.81\n  note: a b\n"), "{body}");
}

const KNOWN: [&str; 11] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Gristmill-Event",
    "Gristmill-Delivery",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands in a payload: the head of the mail has the headers that it should have, each once, and no line of it is
    /// too long for SMTP (RFC 5321, section 4.5.3.1.6: 1,000 bytes with the line break).
    #[test]
    fn no_subject_and_no_header_can_hold_a_line_break(
        text in "(.|[\r\n\u{85}\u{2028}\u{0}]|\r\nBcc: x@example.org\r\n\r\n){0,60}",
        event in "(.|[\r\n]){0,30}",
        key in "(.|[\r\n]|\r\nBcc: x@example.org){0,30}",
    ) {
        let payload: Map<String, Value> = [("text", &text), ("event", &event), ("message", &text), ("link", &text)]
            .into_iter().map(|(name, value)| (name.to_owned(), Value::String(value.clone()))).collect();
        let delivery = Delivery { key: &key, ..delivery(&payload) };
        let channel = through(25, ", tls: none");
        let written = mail::message(options(&channel), &delivery).unwrap().formatted();
        let written = String::from_utf8(written).unwrap();
        let (head, body) = written.split_once("\r\n\r\n").unwrap();
        let mut names = Vec::new();
        for line in head.split("\r\n") {
            prop_assert!(!line.contains(['\r', '\n']) && line.len() <= 998, "{line:?}");
            if !line.starts_with([' ', '\t']) {
                names.push(line.split_once(':').map(|(name, _)| name).unwrap_or(line));
            }
        }
        names.sort_unstable();
        let mut known = KNOWN;
        known.sort_unstable();
        prop_assert_eq!(names, known);
        for line in body.split("\r\n") {
            prop_assert!(!line.contains(['\r', '\n']) && line.len() <= 998, "{line:?}");
        }
    }
}
