//! Lines of an output that may hold anything: endless lines, bytes that are no text, no end.

use std::io::{self, BufRead, ErrorKind};

use crate::definition::Secrets;

/// Bytes that a line has at most.
pub(super) const LONGEST: usize = 64 << 10;
/// What is read beyond that, so that a secret that lies across the cut is seen whole.
const BEYOND: usize = 8 << 10;

/// A line as it was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Its first bytes.
    bytes: Vec<u8>,
    /// Bytes that it has in all, without its end.
    length: u64,
}

impl Line {
    /// Reads the next line into this one. False at the end of the output; the last line needs no end of its own. Memory: 72 KiB,
    /// however long the line.
    ///
    /// Errors: the reader's.
    pub(super) fn read(&mut self, from: &mut impl BufRead) -> io::Result<bool> {
        self.bytes.clear();
        self.length = 0;
        let mut any = false;
        loop {
            let buffer = match from.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                buffer => buffer?,
            };
            if buffer.is_empty() {
                return Ok(any);
            }
            any = true;
            let end = memchr::memchr(b'\n', buffer);
            let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            let room = (LONGEST + BEYOND).saturating_sub(self.bytes.len());
            self.bytes.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
            self.length += part.len() as u64;
            let used = part.len() + usize::from(end.is_some());
            from.consume(used);
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    /// Whether all of it was kept.
    pub(super) fn is_whole(&self) -> bool {
        self.length <= LONGEST as u64
    }

    /// The bytes that were kept.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The line as text, secrets masked; where it was longer than 64 KiB its beginning, which says so.
    pub(super) fn text(&self, secrets: &Secrets) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        let masked = secrets.mask(text);
        if self.is_whole() && masked.len() <= LONGEST {
            return masked;
        }
        format!("{} … (cut: the line has {} bytes)", beginning(&masked, LONGEST), self.length)
    }
}

/// The beginning of a text that has at most so many bytes.
pub(super) fn beginning(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(output: &[u8], buffer: usize) -> Vec<String> {
        let mut from = BufReader::with_capacity(buffer, output);
        let (mut line, mut lines) = (Line::default(), Vec::new());
        while line.read(&mut from).unwrap() {
            lines.push(line.text(&Secrets::default()));
        }
        lines
    }

    #[test]
    fn lines_are_whole_whatever_comes_at_once() {
        for buffer in [1, 2, 3, 7, 8192] {
            assert_eq!(read(b"one\n\ntwo\r\nthree", buffer), ["one", "", "two", "three"], "{buffer}");
            assert_eq!(read(b"", buffer), [""; 0]);
            assert_eq!(read(b"\n", buffer), [""]);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(read(b"a\xff\xfeb\nz\xc3\n", 8192), ["a\u{fffd}\u{fffd}b", "z\u{fffd}"]);
        // One letter of two bytes that come apart is still one letter.
        assert_eq!(read("é\n".as_bytes(), 1), ["é"]);
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let whole = vec![b'x'; LONGEST];
        assert_eq!(read(&whole, 8192)[0].len(), LONGEST);
        let mut long = vec![b'x'; 10_000_000];
        long.extend_from_slice(b"\nnext");
        let lines = read(&long, 8192);
        assert!(lines[0].ends_with("x … (cut: the line has 10000000 bytes)"), "{}", &lines[0][LONGEST..]);
        assert!(lines[0].starts_with(&"x".repeat(LONGEST)) && lines[0].len() < LONGEST + 100);
        assert_eq!(lines[1], "next");
    }

    #[test]
    fn a_secret_that_lies_across_the_cut_is_masked() {
        let mut secrets = Secrets::default();
        secrets.add("hunter2hunter2", None);
        let mut output = vec![b'x'; LONGEST - 5];
        output.extend_from_slice(b"hunter2hunter2 and so on");
        let mut line = Line::default();
        line.read(&mut output.as_slice()).unwrap();
        let text = line.text(&secrets);
        assert!(!text.contains("hunt") && text.contains("x*** a … (cut"), "{}", &text[LONGEST - 8..]);
    }
}
