//! The page for logging in, with the token that the server printed at its first start.

use maud::html;

use super::shell::{Changes, Page, Place};
use crate::report::text;

/// What the page says and where it leads.
#[derive(Debug, Clone, Copy)]
pub(in crate::schedule::web) struct Login<'a> {
    /// Why the last attempt was refused.
    pub(in crate::schedule::web) problem: Option<&'a str>,
    /// What to do about it.
    pub(in crate::schedule::web) help: Option<&'a str>,
    /// The path to go on to.
    pub(in crate::schedule::web) next: &'a str,
}

/// The page as HTML.
pub(in crate::schedule::web) fn login(login: &Login<'_>) -> String {
    let body = html! {
        div.gate {
            h1 { "Log in" }
            @if let Some(problem) = login.problem {
                p.note.bad id="problem" role="alert" {
                    strong { "Not logged in." } " " (text::prose(&super::error::sentence(problem), 300))
                    @if let Some(help) = login.help { " " (text::prose(&super::error::sentence(help), 300)) }
                }
            }
            form.stack method="post" action="/login" {
                input type="hidden" name="next" value=(next(login.next));
                label for="token" { "Token" }
                input id="token" name="token" type="password" required autofocus autocomplete="current-password" spellcheck="false"
                    maxlength="512" aria-describedby=(if login.problem.is_some() { "problem hint" } else { "hint" });
                p.remark id="hint" {
                    "The server printed it when it started for the first time, or it stands in the file given as "
                    code { "--token-file" } ". A reader’s token may only look."
                }
                button.main type="submit" { "Log in" }
            }
        }
    };
    Page {
        title: "Log in".to_owned(),
        place: Place::None,
        who: None,
        health: None,
        changes: Changes::Never,
        now: jiff::Timestamp::now(),
        body,
    }
    .render()
    .into_string()
}

/// Only a path on this server is gone on to.
fn next(path: &str) -> &str {
    let plain =
        path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') && !path.chars().any(char::is_control);
    if plain && path.len() <= 2_000 { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_server_is_gone_on_to() {
        for (given, kept) in [
            ("/jobs/a?x=1", "/jobs/a?x=1"),
            ("//evil.example/", "/"),
            ("https://evil.example/", "/"),
            ("/\\evil.example", "/"),
            ("/a\r\nSet-Cookie: b", "/"),
            ("", "/"),
        ] {
            assert_eq!(next(given), kept, "{given:?}");
        }
    }

    #[test]
    fn a_problem_is_said_and_escaped() {
        let page = login(&Login { problem: Some("<b>wrong</b>"), help: Some("wait 30 s"), next: "/\"><script>" });
        assert!(page.contains("&lt;b&gt;wrong&lt;/b&gt;") && page.contains("Wait 30 s."), "{page}");
        assert!(!page.contains("<script>"), "{page}");
    }
}
