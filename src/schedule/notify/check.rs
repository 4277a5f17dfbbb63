//! From the options of a job file to channels, with every finding at its place.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use ureq::http::{HeaderName, HeaderValue};

use super::address::{Address, is_this_machine};
use super::channel::{Channel, Command, Mail, Transport, Webhook};
use super::event::Event;
use super::options::{ChannelOptions, CommandOptions, Given, MailOptions, Tls, WebhookOptions};
use super::secret::is_variable;
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::schedule::period::Period;

/// The most channels of a job.
const MOST_CHANNELS: usize = 20;
/// The longest `timeout`, in seconds.
const LONGEST_TIMEOUT: u64 = 300;
/// The most recipients of a mail.
const MOST_RECIPIENTS: usize = 50;
/// The most headers of a webhook.
const MOST_HEADERS: usize = 32;
/// Headers that a webhook sets itself.
const OWN_HEADERS: [&str; 9] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "transfer-encoding",
    "upgrade",
];
/// What is in the name of a header whose value is a secret.
const SECRET_HEADERS: [&str; 8] =
    ["authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "access-key"];

/// What the `notify:` list of a job means.
///
/// # Errors
/// Everything that is wrong with it, at its place. Whether a secret is there is not looked at, see [`Channel::troubles`].
pub fn check(options: &[ChannelOptions]) -> Result<Vec<Channel>, Findings> {
    let mut findings = Findings::new();
    let mut channels = Vec::new();
    let mut counts = [0_usize; 3];
    let mut names = HashSet::new();
    for option in options {
        let (kind, count, given, place, on) = match option {
            ChannelOptions::Webhook(webhook) => ("webhook", 0, &webhook.name, &webhook.url.place, &webhook.on),
            ChannelOptions::Mail(mail) => ("mail", 1, &mail.name, &mail.server.place, &mail.on),
            ChannelOptions::Command(command) => ("command", 2, &command.name, &command.run.place, &command.on),
        };
        let count = counts.get_mut(count).map_or(0, |count| {
            *count += 1;
            *count
        });
        let (name, at) = match given {
            Some(name) => (name.value.clone(), &name.place),
            None if count == 1 => (kind.to_owned(), place),
            None => (format!("{kind}_{count}"), place),
        };
        if !is_name(&name) {
            let found = Diagnostic::definition("this cannot be the name of a channel").at(at);
            findings.push(found.help(
                "a name has lower-case letters, digits, `_` and `-`, 64 at most, and begins with a letter or digit",
            ));
        }
        if !names.insert(name.clone()) {
            let found = Diagnostic::definition(format!("two channels have the name `{name}`")).at(at);
            findings.push(found.help("give one of them another `name`: the history tells them apart by it"));
        }
        let read = match option {
            ChannelOptions::Webhook(webhook) => check_webhook(webhook, &mut findings),
            ChannelOptions::Mail(mail) => check_mail(mail, &mut findings),
            ChannelOptions::Command(command) => check_command(command, &mut findings),
        };
        let events = events(on, &mut findings);
        channels.extend(read.map(|transport| Channel { name, events, transport }));
        if channels.len() > MOST_CHANNELS {
            let found = Diagnostic::definition(format!("a job has at most {MOST_CHANNELS} channels")).at(place);
            findings.push(found.help("let one command or webhook pass the message on"));
            break;
        }
    }
    if findings.is_empty() { Ok(channels) } else { Err(findings) }
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.bytes().next().is_some_and(allowed)
        && name.len() <= 64
        && name.bytes().all(|byte| allowed(byte) || matches!(byte, b'_' | b'-'))
}

fn events(on: &Spanned<OneOrMany<Event>>, findings: &mut Findings) -> Vec<Event> {
    if on.is_empty() {
        let words: Vec<&str> = Event::ALL.iter().map(|event| event.word()).collect();
        let found = Diagnostic::definition("a channel without events never sends anything").at(&on.place);
        findings.push(found.help(format!("name some of {}, or leave `on` out", words.join(", "))));
    }
    Event::ALL.into_iter().filter(|event| on.contains(event)).collect()
}

fn seconds(given: Option<&Spanned<Period>>, usual: u64, findings: &mut Findings) -> Duration {
    let Some(given) = given else { return Duration::from_secs(usual) };
    if given.as_seconds() > LONGEST_TIMEOUT {
        let found = Diagnostic::definition("the `timeout` of a channel is at most 5m").at(&given.place);
        findings.push(found.help("a message that did not arrive in time is sent again later"));
    }
    Duration::from_secs(given.as_seconds())
}

fn check_webhook(options: &WebhookOptions, findings: &mut Findings) -> Option<Transport> {
    if let Given::Text(url) = &options.url.value
        && let Err(error) = Address::parse(url, options.insecure)
    {
        findings.push(Diagnostic::definition(error.to_string()).at(&options.url.place));
    }
    let mut seen = HashSet::new();
    for (index, (name, value)) in options.headers.iter().enumerate() {
        let lower = name.value.to_ascii_lowercase();
        findings.extend(header(&lower, name, value));
        if !seen.insert(lower) {
            findings
                .push(Diagnostic::definition(format!("the header `{}` is there twice", name.value)).at(&name.place));
        }
        if index == MOST_HEADERS {
            findings
                .push(Diagnostic::definition(format!("a webhook has at most {MOST_HEADERS} headers")).at(&name.place));
            break;
        }
    }
    let headers = options.headers.iter().map(|(name, value)| (name.value.clone(), value.value.clone()));
    Some(Transport::Webhook(Webhook {
        url: options.url.value.clone(),
        secret: options.secret.as_ref().map(|secret| secret.value.clone()),
        headers: headers.collect(),
        timeout: seconds(options.timeout.as_ref(), 10, findings),
        insecure: options.insecure,
        authorities: authorities(options.authorities.as_ref(), findings),
    }))
}

/// What is wrong with a header; its value is not repeated.
fn header(lower: &str, name: &Spanned<String>, value: &Spanned<Given>) -> Option<Diagnostic> {
    if HeaderName::from_bytes(lower.as_bytes()).is_err() {
        let found = Diagnostic::definition("this cannot be the name of a header").at(&name.place);
        return Some(found.help("a name has letters, digits and `-`"));
    }
    if OWN_HEADERS.contains(&lower) || lower.starts_with("gristmill-") {
        let found = Diagnostic::definition(format!("the header `{}` is set by gristmill itself", name.value));
        return Some(found.at(&name.place).help("leave it out"));
    }
    let Given::Text(text) = &value.value else { return None };
    if SECRET_HEADERS.iter().any(|word| lower.contains(word)) {
        let found =
            Diagnostic::definition(format!("the value of `{}` is a secret and is written in the job file", name.value));
        return Some(
            found.at(&value.place).help("put it where only the server finds it: `{env: NAME}` or `{file: path}`"),
        );
    }
    if text.contains("${") {
        return Some(nothing_is_filled_in(&value.place));
    }
    if !is_header_value(text) {
        let found = Diagnostic::definition(format!("the value of `{}` cannot be sent in a header", name.value));
        return Some(
            found
                .at(&value.place)
                .help("it has ASCII letters, digits, signs and spaces, 4,000 at most, and no line break"),
        );
    }
    None
}

/// Whether a text can be the value of a header: visible ASCII and spaces inside.
pub(super) fn is_header_value(text: &str) -> bool {
    text.len() <= 4_000
        && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        && HeaderValue::from_str(text).is_ok()
}

fn nothing_is_filled_in(place: &Place) -> Diagnostic {
    Diagnostic::definition("`${` is not filled in here")
        .at(place)
        .help("a secret is given as `{env: NAME}` or `{file: path}`")
}

fn check_mail(options: &MailOptions, findings: &mut Findings) -> Option<Transport> {
    let before = findings.len();
    let server = &options.server;
    if !is_host(server) {
        let found = Diagnostic::definition("this is no name of a mail server").at(&server.place);
        findings.push(found.help("it should look like `smtp.example.org`; its port is given as `port: 587`"));
    }
    let (tls, is_near) = (&options.tls, is_this_machine(server));
    if tls.value == Tls::None && !is_near {
        let without =
            Diagnostic::definition("without TLS everybody on the way to the mail server can read and change messages");
        if options.password.is_some() {
            findings.push(
                without
                    .at(&tls.place)
                    .help("a password is only sent encrypted: use `tls: starttls` or `tls: implicit`"),
            );
        } else if !options.insecure {
            findings.push(
                without
                    .at(&tls.place)
                    .help("use `tls: starttls` or `tls: implicit`, or allow it with `insecure: true`"),
            );
        }
    }
    if options.port == Some(0) {
        findings.push(Diagnostic::definition("a port is from 1 to 65535").at(&server.place));
    }
    let from = mailbox(&options.from, findings);
    let to: Vec<Mailbox> = options.to.iter().filter_map(|to| mailbox(to, findings)).collect();
    match options.to.as_slice() {
        [] => findings.push(Diagnostic::definition("a mail needs a recipient in `to`").at(&server.place)),
        [first, ..] if options.to.len() > MOST_RECIPIENTS => {
            let found =
                Diagnostic::definition(format!("a mail has at most {MOST_RECIPIENTS} recipients")).at(&first.place);
            findings.push(found.help("write to a mailing list"));
        }
        _ => {}
    }
    let login = match (&options.user, &options.password) {
        (Some(user), Some(password)) => {
            if user.contains("${") {
                findings.push(nothing_is_filled_in(&user.place));
            } else if user.is_empty() || user.len() > 256 || user.chars().any(char::is_control) {
                findings.push(Diagnostic::definition("this is no name of a user").at(&user.place));
            }
            Some((user.value.clone(), password.value.clone()))
        }
        (None, None) => None,
        (Some(user), None) => {
            findings.push(
                Diagnostic::definition("`user` needs a `password`")
                    .at(&user.place)
                    .help("such as `password: {env: SMTP_PASSWORD}`"),
            );
            None
        }
        (None, Some(password)) => {
            findings.push(Diagnostic::definition("`password` needs a `user`").at(&password.place));
            None
        }
    };
    let port = options.port.unwrap_or(match tls.value {
        Tls::Starttls => 587,
        Tls::Implicit => 465,
        Tls::None => 25,
    });
    let timeout = seconds(options.timeout.as_ref(), 30, findings);
    let authorities = authorities(options.authorities.as_ref(), findings);
    if findings.len() > before {
        return None;
    }
    let (server, tls, from) = (server.value.clone(), tls.value, from?);
    Some(Transport::Mail(Mail { server, port, tls, from, to, login, authorities, timeout }))
}

fn authorities(given: Option<&Spanned<PathBuf>>, findings: &mut Findings) -> Option<PathBuf> {
    let given = given?;
    if given.as_os_str().is_empty() || given.to_string_lossy().contains("${") {
        findings.push(Diagnostic::definition("this is no path of a file with certificates").at(&given.place));
    }
    Some(given.value.clone())
}

/// Whether a text is a name of a host or the number of one.
fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && (text.parse::<std::net::IpAddr>().is_ok()
            || text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')))
}

fn mailbox(text: &Spanned<String>, findings: &mut Findings) -> Option<Mailbox> {
    let read = text.parse::<Mailbox>().ok();
    let read = read.filter(|_| text.len() <= 320 && !text.chars().any(char::is_control) && !text.contains("${"));
    if read.is_none() {
        let found = Diagnostic::definition("this is no mail address").at(&text.place);
        findings.push(found.help("write `name@example.org` or `Name <name@example.org>`"));
    }
    read
}

fn check_command(options: &CommandOptions, findings: &mut Findings) -> Option<Transport> {
    let words: Vec<String> = options.run.iter().map(|word| word.value.clone()).collect();
    for word in options.run.iter().filter(|word| word.contains('\0')) {
        findings.push(Diagnostic::definition("an argument of a program has no character NUL").at(&word.place));
    }
    for name in options.environment.iter() {
        if !is_variable(name) || name.starts_with("GRISTMILL_") {
            let found = Diagnostic::definition("this is no variable that can be passed on").at(&name.place);
            findings.push(found.help(
                "a name has letters, digits and `_`, and those that begin with `GRISTMILL_` are set by gristmill",
            ));
        }
    }
    let timeout = seconds(options.timeout.as_ref(), 30, findings);
    let environment = options.environment.iter().map(|name| name.value.clone()).collect();
    match words.split_first() {
        Some((program, arguments)) if !program.is_empty() => {
            let (program, arguments) = (program.clone(), arguments.to_vec());
            Some(Transport::Command(Command { program, arguments, environment, timeout }))
        }
        _ => {
            let found = Diagnostic::definition("`run` names no program").at(&options.run.place);
            findings.push(found.help("write the program and its arguments: `run: [/usr/local/bin/tell, --urgent]`"));
            None
        }
    }
}
