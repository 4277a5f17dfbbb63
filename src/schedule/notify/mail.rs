//! Sends a message as a mail of plain text by SMTP.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use lettre::message::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, CertificateStore, SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use serde_json::Value;

use super::address::is_this_machine;
use super::authorities;
use super::bounded::{block, line};
use super::channel::Mail;
use super::delivery::{Delivery, Outcome};
use super::options::Tls;
use super::secret::Lookup;

/// The longest subject, in characters.
const SUBJECT: usize = 150;
/// The longest body, in characters.
const BODY: usize = 30_000;

/// The shortest time for an answer: none would mean without end.
const LEAST: Duration = Duration::from_millis(50);

/// One try.
pub(super) fn send(mail: &Mail, delivery: &Delivery<'_>, lookup: &Lookup<'_>) -> Outcome {
    let credentials = match &mail.login {
        None => None,
        Some((user, password)) => match password.read(lookup) {
            Ok(password) => Some(Credentials::new(user.clone(), password.expose().to_owned())),
            Err(error) => return error.into(),
        },
    };
    let Some(message) = message(mail, delivery) else {
        return Outcome::GiveUp("the mail cannot be written: an address of it is none".to_owned());
    };
    let tls = match mail.tls {
        Tls::None => None,
        Tls::Starttls | Tls::Implicit => match tls(mail, lookup) {
            Ok(tls) => Some(tls),
            Err(outcome) => return outcome,
        },
    };
    match converse(mail, tls.as_ref(), credentials.as_ref(), &message) {
        Ok(()) => Outcome::Sent,
        Err(error) => judge(mail, &error),
    }
}

/// How the server must prove who it is.
fn tls(mail: &Mail, lookup: &Lookup<'_>) -> Result<TlsParameters, Outcome> {
    let mut tls = TlsParameters::builder(mail.server.clone());
    if let Some(path) = &mail.authorities {
        tls = tls.certificate_store(CertificateStore::None);
        for certificate in authorities::read(&lookup.base.join(path)).map_err(Outcome::again)? {
            let certificate = Certificate::from_der(certificate.der().to_vec());
            tls = tls.add_root_certificate(certificate.map_err(|error| judge(mail, &error))?);
        }
    }
    tls.build().map_err(|error| judge(mail, &error))
}

/// The dialog with the server. Each answer may take what is left of the time of the channel.
fn converse(
    mail: &Mail,
    tls: Option<&TlsParameters>,
    credentials: Option<&Credentials>,
    message: &Message,
) -> Result<(), Error> {
    let until = Instant::now() + mail.timeout;
    let left = || Some(until.saturating_duration_since(Instant::now()).max(LEAST));
    let us = ClientId::default();
    let implicit = tls.filter(|_| mail.tls == Tls::Implicit);
    let mut connection = SmtpConnection::connect((mail.server.as_str(), mail.port), left(), &us, implicit, None)?;
    // The time that is left is set anew before each step; that it cannot be set would show in the step itself.
    if let Some(tls) = tls.filter(|_| mail.tls == Tls::Starttls) {
        let _ = connection.set_timeout(left());
        connection.starttls(tls, &us)?;
    }
    if let Some(credentials) = credentials {
        let _ = connection.set_timeout(left());
        connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials)?;
    }
    let _ = connection.set_timeout(left());
    connection.send(message.envelope(), &message.formatted())?;
    // The server has the message; how it takes the farewell changes nothing.
    let _ = connection.set_timeout(Some(Duration::from_secs(1)));
    let _ = connection.quit();
    Ok(())
}

/// The mail, with all headers written by lettre, which encodes what is no plain ASCII and breaks no line at a wrong place.
pub(super) fn message(mail: &Mail, delivery: &Delivery<'_>) -> Option<Message> {
    let header = |name: &'static str, value: String| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
    let key = delivery.header_key();
    let id = blake3::hash(delivery.key.as_bytes()).to_hex();
    let domain = mail.from.email.domain();
    let mut message = Message::builder()
        .from(mail.from.clone())
        .subject(line(&format!("[gristmill] {}", delivery.text("text", SUBJECT)), SUBJECT))
        .date(delivery.now.into())
        // The same over all tries, so that a mailbox can tell the second from the first.
        .message_id(Some(format!("<{}@{domain}>", id.get(..32).unwrap_or_default())))
        .raw_header(header("Auto-Submitted", "auto-generated".to_owned()))
        .raw_header(header("Gristmill-Event", delivery.text("event", 64)))
        .raw_header(header("Gristmill-Delivery", key))
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN);
    for to in &mail.to {
        message = message.to(to.clone());
    }
    message.body(body(delivery)).ok()
}

/// The text of a mail: what happened, the facts, the message, the metrics.
pub(super) fn body(delivery: &Delivery<'_>) -> String {
    let mut body = format!("{}.\n\n", delivery.text("text", 400));
    for (key, name) in [
        ("job", "Job"),
        ("run", "Run"),
        ("attempt", "Attempt"),
        ("partition", "Partition"),
        ("state", "State"),
        ("before", "State before"),
        ("scheduled", "Scheduled"),
        ("started", "Started"),
        ("ended", "Ended"),
        ("seconds", "Seconds"),
        ("count", "Missed runs"),
        ("first", "First"),
        ("last", "Last"),
        ("link", "Page"),
    ] {
        let value = delivery.text(key, 1_200);
        if !value.is_empty() {
            body.push_str(&format!("{:<14}{value}\n", format!("{name}:")));
        }
    }
    if let Some(Value::String(message)) = delivery.payload.get("message") {
        body.push_str(&format!("\n{}\n", block(message, 4_000)));
    }
    if let Some(Value::Array(gates)) = delivery.payload.get("gates") {
        body.push_str("\nConditions\n");
        for gate in gates {
            let text =
                |key: &str| gate.get(key).and_then(Value::as_str).map(|text| line(text, 400)).unwrap_or_default();
            let verdict = if gate.get("passed") == Some(&Value::Bool(true)) { "holds" } else { "does not hold" };
            let reason = Some(text("reason")).filter(|reason| !reason.is_empty());
            let reason = reason.map(|reason| format!(", {reason}")).unwrap_or_default();
            body.push_str(&format!("  {}: {verdict}{reason}\n", text("name")));
        }
    }
    if let Some(Value::Object(metrics)) = delivery.payload.get("metrics") {
        body.push_str("\nMetrics\n");
        for (name, value) in metrics {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            body.push_str(&format!("  {}: {}\n", line(name, 200), line(&value, 200)));
        }
    }
    block(&body, BODY)
}

/// What an error means. The server's words are not repeated: they may hold what we sent.
fn judge(mail: &Mail, error: &Error) -> Outcome {
    let server = format!("the mail server {}:{}", mail.server, mail.port);
    if let Some(code) = error.status() {
        let code = code.to_string();
        let meaning = match code.as_str() {
            "421" => "it is not available",
            "450" | "451" | "452" => "it cannot take mail for the moment",
            "454" => "it cannot check logins, or encrypt, for the moment",
            "530" => "it wants a login (`user` and `password`), or encryption",
            "534" | "535" | "538" => "it does not accept `user` and `password`",
            "550" | "551" | "553" => "it does not take mail from this sender, or for one of the recipients",
            "552" | "554" => "it does not take this mail",
            _ => "it does not go on",
        };
        let reason = format!("{server} answered {code}: {meaning}");
        return if error.is_permanent() { Outcome::GiveUp(reason) } else { Outcome::again(reason) };
    }
    let network = network_error(error);
    // A time that is over shows as either of them, by system.
    let is_timeout = network.is_some_and(|error| matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock));
    let why = if is_timeout {
        format!("gave no answer within {} s", mail.timeout.as_secs())
    } else if error.is_client() {
        return Outcome::GiveUp(unable(mail, &server, &error.to_string()));
    } else if error.is_response() {
        "gave an answer that is not SMTP, or closed the connection".to_owned()
    } else {
        // Words of this machine, not of the server.
        let words = network.map_or_else(|| "no connection".to_owned(), crate::staging::reason);
        format!("cannot be spoken to: {}", line(&words, 200))
    };
    Outcome::again(format!("{server} {why}{}", authorities::hint(&why)))
}

/// What the server is not able to do.
fn unable(mail: &Mail, server: &str, error: &str) -> String {
    if error.contains("STARTTLS") {
        let hint = if is_this_machine(&mail.server) { "; to this machine `tls: none` is allowed" } else { "" };
        return format!(
            "{server} offers no STARTTLS, and nothing is sent unencrypted: perhaps it wants `tls: implicit`{hint}"
        );
    }
    if error.contains("authentication") {
        return format!("{server} offers no login by PLAIN or LOGIN");
    }
    if error.contains("non-ascii") {
        return format!("{server} takes no addresses beyond ASCII (SMTPUTF8)");
    }
    format!("{server} cannot be used as the channel says")
}

/// What the system, or TLS, said.
fn network_error(error: &Error) -> Option<&std::io::Error> {
    let mut source = std::error::Error::source(error);
    while let Some(found) = source {
        if let Some(error) = found.downcast_ref() {
            return Some(error);
        }
        source = found.source();
    }
    None
}
