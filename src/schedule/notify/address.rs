//! The address of a webhook: what is allowed, and how much of it may be shown.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

/// The longest address, in bytes.
const LONGEST: usize = 2_000;

/// A checked address. It is shown without its path, which is a secret with many receivers.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address(Uri);

/// Why an address is refused; the address is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("the address is no URL; it should look like `https://hooks.example.org/gristmill`")]
    Unreadable,
    #[error(
        "the address has `${{` in it, nothing is filled in here; an address that is a secret is given as `{{env: NAME}}` or `{{file: path}}`"
    )]
    Template,
    #[error("the address does not begin with `https://`")]
    Scheme,
    #[error(
        "the address has a user or a password in it; send them in a header, such as `headers: {{Authorization: {{env: NAME}}}}`"
    )]
    User,
    #[error(
        "the address is not encrypted (`http://`) and leads to another machine, so everybody on the way could read and change messages; use `https://`, or allow it with `insecure: true`"
    )]
    Clear,
}

impl Address {
    /// Reads an address.
    ///
    /// Errors: no URL of `https`, or of `http` to another machine without `insecure`; a user in it.
    pub(super) fn parse(text: &str, insecure: bool) -> Result<Self, AddressError> {
        if text.contains("${") {
            return Err(AddressError::Template);
        }
        if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AddressError::Unreadable);
        }
        let uri: Uri = text.parse().map_err(|_| AddressError::Unreadable)?;
        let authority = uri.authority().ok_or(AddressError::Unreadable)?;
        let is_clear = match uri.scheme_str() {
            Some("https") => false,
            Some("http") => true,
            _ => return Err(AddressError::Scheme),
        };
        if authority.as_str().contains('@') {
            return Err(AddressError::User);
        }
        let host = authority.host();
        if host.is_empty()
            || (authority.as_str().len() > host.len() && authority.port_u16().is_none_or(|port| port == 0))
        {
            return Err(AddressError::Unreadable);
        }
        if is_clear && !insecure && !is_this_machine(host) {
            return Err(AddressError::Clear);
        }
        Ok(Self(uri))
    }

    /// The whole of it, to be sent to.
    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        write!(f, "{}://{authority}", self.0.scheme_str().unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Whether a host is this machine by its name or its number alone, without asking anybody.
pub(in crate::schedule) fn is_this_machine(host: &str) -> bool {
    let number = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || number.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn https_is_taken_and_http_only_on_this_machine() {
        for (text, insecure, expected) in [
            ("https://hooks.example.org/a?b=c", false, Ok("https://hooks.example.org")),
            ("https://hooks.example.org:8443", false, Ok("https://hooks.example.org:8443")),
            ("HTTPS://hooks.example.org/", false, Ok("https://hooks.example.org")),
            ("http://localhost:8080/x", false, Ok("http://localhost:8080")),
            ("http://127.0.0.9/x", false, Ok("http://127.0.0.9")),
            ("http://[::1]:81/x", false, Ok("http://[::1]:81")),
            ("http://hooks.example.org/", true, Ok("http://hooks.example.org")),
            ("http://hooks.example.org/", false, Err(AddressError::Clear)),
            ("http://127.0.0.1.example.org/", false, Err(AddressError::Clear)),
            ("http://localhost.example.org/", false, Err(AddressError::Clear)),
            ("http://[::2]/", false, Err(AddressError::Clear)),
            ("http://0.0.0.0/", false, Err(AddressError::Clear)),
            ("https://me:hunter2@example.org/", false, Err(AddressError::User)),
            ("http://localhost@example.org/", false, Err(AddressError::User)),
            ("ftp://example.org/", false, Err(AddressError::Scheme)),
            ("hooks.example.org", false, Err(AddressError::Scheme)),
            ("https:///x", false, Err(AddressError::Unreadable)),
            ("https://example.org/a b", false, Err(AddressError::Unreadable)),
            ("https://example.org/\r\nX: y", false, Err(AddressError::Unreadable)),
            ("https://example.org:0/", false, Err(AddressError::Unreadable)),
            ("https://example.org:99999/", false, Err(AddressError::Unreadable)),
            ("https://é.example.org/", false, Err(AddressError::Unreadable)),
            ("", false, Err(AddressError::Unreadable)),
            ("https://example.org/${env:TOKEN}", false, Err(AddressError::Template)),
        ] {
            let found = Address::parse(text, insecure).map(|address| address.to_string());
            assert_eq!(found.as_deref().map_err(|error| *error), expected, "{text}");
        }
    }

    #[test]
    fn what_is_shown_of_an_address_ends_before_its_path() {
        let address = Address::parse("https://hooks.example.org/services/T0/B0/tok3n?key=tok3n", false).unwrap();
        assert!(!format!("{address} {address:?}").contains("tok3n"));
        assert_eq!(address.uri().path(), "/services/T0/B0/tok3n");
    }
}
