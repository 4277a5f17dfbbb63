//! What went wrong, as a page: what, and what to do.

use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::super::super::service::{Kind, ServiceError, Who};
use super::reply::html;
use super::shell::{Changes, Page, Place};
use crate::report::text;

/// The page of an error of the service.
pub(super) fn of(error: &ServiceError, who: Option<&Who>) -> Response {
    page(status(error), &error.to_string(), error.help(), who)
}

/// An error as a page. `detail` says what went wrong and `help` what to do, in words for people; both are escaped and bounded. Without
/// `help` the page has the advice that goes with the status.
pub(in crate::schedule::web) fn page(
    status: StatusCode,
    detail: &str,
    help: Option<&str>,
    who: Option<&Who>,
) -> Response {
    let (heading, advice) = words(status);
    let body = html! {
        div.gate.wide {
            p.eyebrow { "Error " (status.as_u16()) }
            h1 { (heading) }
            @if !detail.is_empty() { p.lead { (text::prose(&sentence(detail), 2_000)) } }
            p { (text::prose(&sentence(help.unwrap_or(advice)), 600)) }
            p.ways {
                @if who.is_some() || status == StatusCode::NOT_FOUND { a href="/" { "All jobs" } }
                @if status == StatusCode::UNAUTHORIZED { a href="/login" { "Log in" } }
            }
        }
    };
    let page = Page {
        title: format!("{} {heading}", status.as_u16()),
        place: Place::None,
        who,
        health: None,
        changes: Changes::Never,
        now: jiff::Timestamp::now(),
        body,
    };
    html(status, page.render())
}

/// Messages begin with a small letter and end without a stop, as those on the command line do.
pub(super) fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let begun: String = letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    if begun.ends_with(['.', '!', '?']) { begun } else { format!("{begun}.") }
}

/// The heading of a status, and what one can do about it.
fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status.as_u16() {
        400 | 415 => ("The request is not understood", "Go back, load the page again and repeat what you did."),
        401 => ("You are not logged in", "Log in with the token of the server."),
        403 => (
            "You may not do this",
            "A reader’s token may only look. Log out and log in with the administrator’s token, or ask who has it.",
        ),
        404 => (
            "There is no such page",
            "Look at the address. A run may have been swept: a job keeps as many as its `keep` says, by default the last 100 and 30 days.",
        ),
        405 => ("This address takes no such request", "Use the buttons of the pages."),
        408 => ("The request came too slowly", "Load the page again."),
        409 => {
            ("This does not go with how things stand", "Go back, load the page again and look at the present state.")
        }
        413 => ("The request is too large", "Send less; fields of forms are bounded."),
        422 => ("This is refused", "Go back, correct what the message names and send it again."),
        429 => ("Too many attempts", "Wait a minute, then try again."),
        503 => ("The server is busy", "Wait a moment, then load the page again. What you asked for was not done."),
        _ => (
            "Something went wrong on the server",
            "Load the page again. If it stays, look at the server’s log: it has the reason, and nothing was half done.",
        ),
    }
}

fn status(error: &ServiceError) -> StatusCode {
    match error.kind() {
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Served | Kind::Broken => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_says_what_to_do() {
        for status in [400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 503] {
            let (heading, advice) = words(StatusCode::from_u16(status).unwrap_or_default());
            assert!(!heading.is_empty() && advice.ends_with('.'), "{status}");
        }
    }

    #[tokio::test]
    async fn what_to_do_is_said_in_the_words_of_who_refused() {
        let answer = page(StatusCode::TOO_MANY_REQUESTS, "too many failed logins", Some("wait <b>30</b> s"), None);
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap_or_default();
        let page = String::from_utf8_lossy(&bytes);
        assert!(page.contains("Too many failed logins.") && page.contains("Wait &lt;b&gt;30&lt;/b&gt; s."), "{page}");
        assert!(!page.contains("Wait a minute"), "one advice is enough: {page}");
    }

    #[test]
    fn a_message_becomes_a_sentence() {
        assert_eq!(sentence("there is no job `x`"), "There is no job `x`.");
        assert_eq!(sentence("Really?"), "Really?");
        assert_eq!(sentence(""), ".");
    }
}
