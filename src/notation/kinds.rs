//! What a single text is, told by its bytes alone.

use std::net::IpAddr;

/// Texts with a form that programs know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TextKind {
    /// None of the others.
    Plain = 0,
    /// An e-mail address: a name, one `@`, a host with a dot.
    Email = 1,
    /// A web address with `http`, `https` or `ftp`.
    Url = 2,
    /// A UUID: 32 hexadecimal digits with hyphens.
    Uuid = 3,
    /// An address of version 4 or 6 of the Internet Protocol.
    Ip = 4,
    /// An international telephone number (E.164), perhaps with spaces, hyphens and parentheses.
    Phone = 5,
    /// A JSON object or list.
    Json = 6,
    /// A digest in hexadecimal digits: 32, 40, 64 or 128 of them.
    Digest = 7,
    /// A path of a file.
    Path = 8,
    /// One word of capital letters and digits, perhaps with `-`, `_`, `/` or `.`, and at least one digit or none but capitals.
    Code = 9,
}

impl TextKind {
    /// All kinds, at the places of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Plain,
        Self::Email,
        Self::Url,
        Self::Uuid,
        Self::Ip,
        Self::Phone,
        Self::Json,
        Self::Digest,
        Self::Path,
        Self::Code,
    ];

    /// The kind of a text; white space around it does not matter.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        let bytes = text.as_bytes();
        let Some((&first, &last)) = bytes.first().zip(bytes.last()) else { return Self::Plain };
        if bytes.len() > 4_096 {
            return Self::Plain;
        }
        if matches!((first, last), (b'{', b'}') | (b'[', b']'))
            && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
        {
            return Self::Json;
        }
        if bytes.iter().any(u8::is_ascii_whitespace) {
            return if is_phone(bytes) { Self::Phone } else { Self::Plain };
        }
        if is_email(bytes) {
            Self::Email
        } else if is_url(text) {
            Self::Url
        } else if is_uuid(bytes) {
            Self::Uuid
        } else if matches!(bytes.len(), 32 | 40 | 64 | 128) && bytes.iter().all(u8::is_ascii_hexdigit) {
            Self::Digest
        } else if (2..=45).contains(&bytes.len())
            && bytes.iter().any(|b| matches!(b, b'.' | b':'))
            && text.parse::<IpAddr>().is_ok()
        {
            Self::Ip
        } else if is_phone(bytes) {
            Self::Phone
        } else if is_path(bytes) {
            Self::Path
        } else if is_code(bytes) {
            Self::Code
        } else {
            Self::Plain
        }
    }
}

/// As HTML's `input type=email`, with a dot in the host.
fn is_email(bytes: &[u8]) -> bool {
    let mut parts = bytes.split(|&byte| byte == b'@');
    let (Some(name), Some(host), None) = (parts.next(), parts.next(), parts.next()) else { return false };
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(byte);
    let is_label = |label: &[u8]| {
        (1..=63).contains(&label.len())
            && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && !label.starts_with(b"-")
            && !label.ends_with(b"-")
    };
    !name.is_empty()
        && name.iter().all(of_name)
        && host.contains(&b'.')
        && host.split(|&byte| byte == b'.').all(is_label)
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let known = ["http", "https", "ftp"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    known && host.bytes().any(|byte| byte.is_ascii_alphanumeric() || byte >= 128)
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes
            .iter()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

fn is_phone(bytes: &[u8]) -> bool {
    let Some((b'+', rest)) = bytes.split_first() else { return false };
    let digits = rest.iter().filter(|byte| byte.is_ascii_digit()).count();
    (7..=15).contains(&digits)
        && rest.first().is_some_and(|byte| (b'1'..=b'9').contains(byte))
        && rest.iter().all(|byte| byte.is_ascii_digit() || b" -().".contains(byte))
}

fn is_path(bytes: &[u8]) -> bool {
    let drive = matches!(bytes, [letter, b':', b'\\', ..] if letter.is_ascii_alphabetic());
    drive || bytes.starts_with(b"/") && bytes.iter().filter(|&&byte| byte == b'/').count() > 1 && bytes.len() > 3
}

fn is_code(bytes: &[u8]) -> bool {
    let of_code = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_/.".contains(byte);
    let letters = bytes.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    (2..=40).contains(&bytes.len()) && letters > 0 && bytes.iter().all(of_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        let cases = [
            ("ann@example.org", TextKind::Email),
            ("ann@example", TextKind::Plain),
            ("a@b@c.org", TextKind::Plain),
            ("https://example.org/a?b", TextKind::Url),
            ("http://", TextKind::Plain),
            ("123e4567-e89b-12d3-a456-426614174000", TextKind::Uuid),
            ("192.168.0.1", TextKind::Ip),
            ("::1", TextKind::Ip),
            ("1.5", TextKind::Plain),
            ("+49 (30) 123-4567", TextKind::Phone),
            ("+1", TextKind::Plain),
            ("{\"a\": [1, 2]}", TextKind::Json),
            ("[a]", TextKind::Plain),
            ("d41d8cd98f00b204e9800998ecf8427e", TextKind::Digest),
            ("/var/log/syslog", TextKind::Path),
            ("N14228", TextKind::Code),
            ("EWR", TextKind::Code),
            ("Newark", TextKind::Plain),
            ("12345", TextKind::Plain),
            ("", TextKind::Plain),
        ];
        for (text, kind) in cases {
            assert_eq!(TextKind::of(text), kind, "{text}");
        }
    }

    #[test]
    fn numbers_of_kinds_are_their_places() {
        for (place, kind) in TextKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, place);
        }
    }
}
