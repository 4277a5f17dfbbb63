//! Whether a request is meant for this server, and whether a page of this server sent it.
//!
//! A page elsewhere can make a browser speak to this machine: under a name that its owner lets point here (then the name in `Host`
//! is not ours), or across sites with the browser's cookies (then `Origin` is not ours).

use std::net::{IpAddr, Ipv6Addr};

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::schedule::web::State;
use crate::schedule::web::problem::Problem;

/// The names by which the server is known.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    names: Vec<String>,
    tls: bool,
}

impl Hosts {
    pub(crate) fn new(host: IpAddr, names: &[String], tls: bool) -> Self {
        let mut known = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), format!("[{}]", Ipv6Addr::LOCALHOST)];
        if !host.is_unspecified() {
            known.push(match host {
                IpAddr::V4(four) => four.to_string(),
                IpAddr::V6(six) => format!("[{six}]"),
            });
        }
        known.extend(names.iter().map(|name| name.to_ascii_lowercase()));
        Self { names: known, tls }
    }

    /// Whether that is one of the names. The port is the client's matter: there may be a tunnel in between.
    fn knows(&self, authority: &Authority) -> bool {
        // One dot at the end means the same host.
        let name = authority.host().to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        self.names.iter().any(|known| known == name)
    }
}

/// Middleware: refuses a request for a host that this server is not. Health is told under any name: those who watch ask by address,
/// and it says nothing.
pub(crate) async fn host(state: State, request: Request, next: Next) -> Response {
    if matches!(request.uri().path(), "/healthz" | "/readyz") {
        return next.run(request).await;
    }
    match authority(&request) {
        Ok(authority) if state.hosts().knows(&authority) => next.run(request).await,
        Ok(authority) => {
            let message = format!("this server is not known as `{}`", shown(authority.host()));
            Problem::new(StatusCode::MISDIRECTED_REQUEST, message)
                .help(
                    "use the address that the server printed when it started, or start it with that name among its own",
                )
                .into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

/// The host that a request is for: in its one `Host` header, and in its target where that names one too.
fn authority(request: &Request) -> Result<Authority, Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(value), None) = (hosts.next(), hosts.next()) else {
        return Err(Problem::bad("a request needs one `Host` header"));
    };
    let found: Option<Authority> = value.to_str().ok().and_then(|text| text.parse().ok());
    let found = found.filter(|authority| !authority.as_str().contains('@'));
    let found = found.ok_or_else(|| Problem::bad("the `Host` header is no name of a host"))?;
    match request.uri().authority() {
        Some(other) if !other.as_str().eq_ignore_ascii_case(found.as_str()) => {
            Err(Problem::bad("the request names one host in its target and another in its `Host` header"))
        }
        _ => Ok(found),
    }
}

/// Whether a request that a browser sends with its cookies comes from a page of this server.
///
/// Browsers state the origin of each request that changes something, and newer ones its relation to the target too. One that
/// states neither is not believed.
pub(crate) fn own_site(headers: &HeaderMap, hosts: &Hosts) -> Result<(), Problem> {
    let refused = |what: &str| {
        Err(Problem::forbidden(format!("the request was not sent by a page of this server: {what}"))
            .help("send it from the dashboard, or with a token: `Authorization: Bearer ..`"))
    };
    let site = headers.get("sec-fetch-site").map(|value| value.as_bytes());
    if site.is_some_and(|site| site != b"same-origin") {
        return refused("`Sec-Fetch-Site` says so");
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (None, _) if site.is_some() => return Ok(()),
        (None, _) => return refused("it has no `Origin`"),
        (Some(_), Some(_)) => return refused("it has two origins"),
        (Some(origin), None) => origin.to_str().unwrap_or_default(),
    };
    let own = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let same = origin.split_once("://").is_some_and(|(scheme, host)| {
        // Without TLS here, there may be some before us.
        (scheme == "https" || (scheme == "http" && !hosts.tls)) && host.eq_ignore_ascii_case(own)
    });
    if same { Ok(()) } else { refused("its `Origin` is another") }
}

/// A text of the client's, cut and without control characters, for a message.
fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(80).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn hosts(tls: bool) -> Hosts {
        Hosts::new("192.168.1.5".parse().unwrap(), &["Jobs.example.org".into()], tls)
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut all = HeaderMap::new();
        for (name, value) in pairs {
            all.append(*name, HeaderValue::from_static(value));
        }
        all
    }

    #[test]
    fn own_names_are_known_with_any_port_and_case() {
        for name in
            ["localhost", "LOCALHOST:1", "127.0.0.1:7878", "[::1]:80", "192.168.1.5", "jobs.example.ORG", "localhost."]
        {
            assert!(hosts(false).knows(&name.parse().unwrap()), "{name}");
        }
    }

    #[test]
    fn names_that_only_resemble_own_ones_are_not_known() {
        let strange = [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            "example.org",
            "xjobs.example.org",
            "localhost..",
        ];
        for name in strange {
            assert!(!hosts(false).knows(&name.parse().unwrap()), "{name}");
        }
    }

    #[test]
    fn a_request_of_an_own_page_is_let_through() {
        let own = [
            headers(&[
                ("host", "localhost:7878"),
                ("origin", "http://localhost:7878"),
                ("sec-fetch-site", "same-origin"),
            ]),
            headers(&[("host", "localhost:7878"), ("origin", "http://localhost:7878")]),
            headers(&[("host", "localhost:7878"), ("origin", "https://localhost:7878")]),
            headers(&[("host", "localhost:7878"), ("sec-fetch-site", "same-origin")]),
        ];
        for each in own {
            own_site(&each, &hosts(false)).unwrap();
        }
    }

    #[test]
    fn a_request_of_another_page_or_of_none_is_refused() {
        let strange = [
            headers(&[("host", "localhost:7878")]),
            headers(&[("host", "localhost:7878"), ("origin", "null")]),
            headers(&[("host", "localhost:7878"), ("origin", "http://evil.example")]),
            headers(&[("host", "localhost:7878"), ("origin", "http://localhost:7879")]),
            headers(&[("host", "localhost:7878"), ("origin", "http://localhost")]),
            headers(&[("host", "localhost:7878"), ("origin", "ftp://localhost:7878")]),
            headers(&[("host", "localhost:7878"), ("origin", "localhost:7878")]),
            headers(&[
                ("host", "localhost:7878"),
                ("origin", "http://localhost:7878"),
                ("sec-fetch-site", "cross-site"),
            ]),
            headers(&[
                ("host", "localhost:7878"),
                ("origin", "http://localhost:7878"),
                ("sec-fetch-site", "same-site"),
            ]),
            headers(&[("host", "localhost:7878"), ("sec-fetch-site", "none")]),
            headers(&[
                ("host", "localhost:7878"),
                ("origin", "http://localhost:7878"),
                ("origin", "http://evil.example"),
            ]),
        ];
        for each in strange {
            assert_eq!(own_site(&each, &hosts(false)).unwrap_err().status, 403, "{each:?}");
        }
    }

    #[test]
    fn over_tls_an_origin_without_it_is_refused() {
        let plain = headers(&[("host", "localhost:7878"), ("origin", "http://localhost:7878")]);
        assert!(own_site(&plain, &hosts(true)).is_err());
        let safe = headers(&[("host", "localhost:7878"), ("origin", "https://localhost:7878")]);
        assert!(own_site(&safe, &hosts(true)).is_ok());
    }
}
