//! Sends a message as JSON by HTTP.

use jiff::{SignedDuration, Timestamp};
use ureq::http::{HeaderMap, Request, Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Error};

use super::address::Address;
use super::authorities;
use super::backoff::LONGEST_ASKED;
use super::bounded::line;
use super::channel::Webhook;
use super::check::is_header_value;
use super::delivery::{Delivery, Outcome};
use super::options::Given;
use super::secret::Lookup;
use super::signature;

/// The most bytes of the head of an answer. Its body is not read: nothing in it changes what becomes of the message.
const LONGEST_HEAD: usize = 32 << 10;

/// One try.
pub(super) fn send(webhook: &Webhook, delivery: &Delivery<'_>, lookup: &Lookup<'_>) -> Outcome {
    let (address, request) = match request(webhook, delivery, lookup) {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
    let roots = match webhook.authorities.as_deref().map(|path| authorities::read(&lookup.base.join(path))) {
        None => RootCerts::WebPki,
        Some(Ok(certificates)) => RootCerts::from(certificates),
        Some(Err(reason)) => return Outcome::again(reason),
    };
    let agent: Agent = Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .timeout_global(Some(webhook.timeout))
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .max_response_header_size(LONGEST_HEAD)
        .max_idle_connections(0)
        .user_agent(concat!("gristmill/", env!("CARGO_PKG_VERSION")))
        .accept("")
        .accept_encoding("")
        .build()
        .into();
    let receiver = shown(webhook, &address);
    match agent.run(request) {
        Ok(response) => judge(&receiver, &response, delivery.now),
        Err(error) => unanswered(&receiver, webhook, &error),
    }
}

/// The request, with all secrets in it.
pub(super) fn request(
    webhook: &Webhook,
    delivery: &Delivery<'_>,
    lookup: &Lookup<'_>,
) -> Result<(Address, Request<String>), Outcome> {
    let address = reveal(&webhook.url, lookup)?;
    let address = Address::parse(&address, webhook.insecure).map_err(|error| {
        Outcome::GiveUp(match &webhook.url {
            Given::Reference(secret) => format!("{secret} holds no address that can be used: {error}"),
            Given::Text(_) => error.to_string(),
        })
    })?;
    let body = delivery.body();
    let mut request = Request::post(address.uri().clone())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .header("Gristmill-Event", delivery.text("event", 64).replace(|c: char| !c.is_ascii_graphic(), "_"))
        .header("Gristmill-Delivery", delivery.header_key())
        .header("Gristmill-Try", delivery.attempt.to_string());
    for (name, value) in &webhook.headers {
        let text = reveal(value, lookup)?;
        if !is_header_value(&text) {
            return Err(Outcome::GiveUp(format!(
                "the value of the header `{name}` cannot be sent: it is no plain ASCII in one line"
            )));
        }
        let mut value = header::HeaderValue::try_from(text)
            .map_err(|_| Outcome::GiveUp(format!("the value of the header `{name}` cannot be sent")))?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    if let Some(secret) = &webhook.secret {
        let signed = signature::header(&secret.read(lookup)?, delivery.now.as_second(), body.as_bytes());
        request = request.header("Gristmill-Signature", signed);
    }
    match request.body(body) {
        Ok(request) => Ok((address, request)),
        Err(_) => Err(Outcome::GiveUp("the request cannot be made: a header of it is no header".to_owned())),
    }
}

fn reveal(given: &Given, lookup: &Lookup<'_>) -> Result<String, Outcome> {
    match given {
        Given::Text(text) => Ok(text.clone()),
        Given::Reference(secret) => Ok(secret.read(lookup)?.expose().to_owned()),
    }
}

/// The receiver in the words of a message. An address that is a secret is named by the place where it is found.
fn shown(webhook: &Webhook, address: &Address) -> String {
    match &webhook.url {
        Given::Text(_) => address.to_string(),
        Given::Reference(secret) => format!("the address in {secret}"),
    }
}

/// What an answer means. Only its status and `Retry-After` are looked at; its words are not repeated.
fn judge(receiver: &str, response: &Response<Body>, now: Timestamp) -> Outcome {
    let status = response.status();
    let said = match status.canonical_reason() {
        Some(reason) => format!("{receiver} answered {} ({reason})", status.as_u16()),
        None => format!("{receiver} answered {}", status.as_u16()),
    };
    match status {
        _ if status.is_success() => Outcome::Sent,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Outcome::Again { reason: said, after: retry_after(response.headers(), now) }
        }
        _ if status.is_server_error() => Outcome::Again { reason: said, after: retry_after(response.headers(), now) },
        _ if status.is_redirection() => {
            Outcome::GiveUp(format!("{said}: redirects are not followed; write the address that it leads to"))
        }
        _ => Outcome::GiveUp(said),
    }
}

/// How long to wait: `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), at most an hour.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are more than an hour too.
        SignedDuration::from_secs(text.parse().unwrap_or(i64::MAX))
    } else {
        jiff::fmt::rfc2822::parse(text).ok()?.timestamp().duration_since(now)
    };
    Some(asked.clamp(SignedDuration::ZERO, LONGEST_ASKED))
}

/// What it means that there was no answer.
fn unanswered(receiver: &str, webhook: &Webhook, error: &Error) -> Outcome {
    let why = match error {
        Error::Timeout(_) => format!("gave no answer within {} s", webhook.timeout.as_secs()),
        Error::HostNotFound => "is not known: its name leads to no machine".to_owned(),
        Error::Io(error) => format!("did not answer: {}", line(&crate::staging::reason(error), 200)),
        Error::ConnectionFailed => "cannot be reached".to_owned(),
        Error::Rustls(error) => format!("is not who it should be, or speaks no TLS: {}", line(&error.to_string(), 200)),
        Error::Tls(_) | Error::TlsRequired | Error::Pem(_) => "could not be spoken to by TLS".to_owned(),
        Error::LargeResponseHeader(..) => "gave an answer with a head of more than 32 KiB".to_owned(),
        Error::Protocol(_) | Error::Decompress(..) | Error::BodyStalled => "gave an answer that is not HTTP".to_owned(),
        _ => "could not be sent to".to_owned(),
    };
    Outcome::again(format!("{receiver} {why}{}", authorities::hint(&why)))
}
