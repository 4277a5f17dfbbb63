//! How the characters of a text file are written.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An encoding of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, low byte first.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, high byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// ISO 8859-1: each byte is the character of that number.
    #[serde(rename = "latin-1")]
    Latin1,
    /// The Western European code page of Windows: Latin-1 with quotes, dashes and the euro sign.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Latin1 => "latin-1",
            Self::Windows1252 => "windows-1252",
        })
    }
}

/// What the first bytes of a file say about its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    /// A byte order mark of so many bytes.
    Mark(Encoding, usize),
    /// Every second byte is NUL, as in UTF-16 of mostly Western text.
    Pattern(Encoding),
    /// UTF-8 so far.
    Utf8,
    /// UTF-32, which is not read.
    Utf32,
    /// Not UTF-8; the first bad byte stands there.
    Unknown(usize),
}

/// Tells the encoding of the beginning of a file; `whole` says that the bytes are the whole file.
pub(super) fn guess(head: &[u8], whole: bool) -> Guess {
    match head {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Guess::Utf32,
        [0xef, 0xbb, 0xbf, ..] => return Guess::Mark(Encoding::Utf8, 3),
        [0xff, 0xfe, ..] => return Guess::Mark(Encoding::Utf16Le, 2),
        [0xfe, 0xff, ..] => return Guess::Mark(Encoding::Utf16Be, 2),
        _ => {}
    }
    let sample = head.get(..4096).unwrap_or(head);
    let pairs = sample.len() / 2;
    let zeros = |parity: usize| sample.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if pairs >= 2 && odd * 10 >= pairs * 4 && even * 20 <= pairs {
        return Guess::Pattern(Encoding::Utf16Le);
    }
    if pairs >= 2 && even * 10 >= pairs * 4 && odd * 20 <= pairs {
        return Guess::Pattern(Encoding::Utf16Be);
    }
    match std::str::from_utf8(head) {
        Ok(_) => Guess::Utf8,
        Err(error) if error.error_len().is_none() && !whole => Guess::Utf8,
        Err(error) => Guess::Unknown(error.valid_up_to()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn marks_patterns_and_validity_tell_the_encoding() {
        assert_eq!(guess(b"\xef\xbb\xbfa,b", true), Guess::Mark(Encoding::Utf8, 3));
        assert_eq!(guess(b"\xff\xfea\0", true), Guess::Mark(Encoding::Utf16Le, 2));
        assert_eq!(guess(b"\xfe\xff\0a", true), Guess::Mark(Encoding::Utf16Be, 2));
        assert_eq!(guess(b"\xff\xfe\0\0a\0\0\0", true), Guess::Utf32);
        assert_eq!(guess(&utf16("name,city\nJosé,Köln\n", false), true), Guess::Pattern(Encoding::Utf16Le));
        assert_eq!(guess(&utf16("name,city\nJosé,Köln\n", true), true), Guess::Pattern(Encoding::Utf16Be));
        assert_eq!(guess("a,é".as_bytes(), true), Guess::Utf8);
        assert_eq!(guess(b"a,caf\xe9\n", true), Guess::Unknown(5));
        assert_eq!(guess(b"a,caf\xc3", false), Guess::Utf8);
        assert_eq!(guess(b"a,caf\xc3", true), Guess::Unknown(5));
        assert_eq!(guess(b"", true), Guess::Utf8);
    }
}
