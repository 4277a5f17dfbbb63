//! Text of other encodings becomes UTF-8.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use encoding_rs::DecoderResult;
use memchr::memchr_iter;

use super::compression::{self, Compression};
use super::encoding::Encoding;
use super::error::FileError;

/// Bytes read at once.
const BLOCK: usize = 1 << 18;

/// What [`transcode`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transcoded {
    /// Decompressed bytes read.
    pub bytes_in: u64,
    /// Bytes of UTF-8 written.
    pub bytes_out: u64,
}

/// Writes the text of a file to `out` as UTF-8 without a byte order mark, in bounded memory. Lone carriage returns become line
/// feeds when `carriage_returns` says that lines end with them.
///
/// Errors: bytes that are no text in this encoding, with their offset and line; the file cannot be read; `out` cannot be
/// written ([`crate::diagnostic::Class::Output`]); [`crate::diagnostic::Class::Interrupted`] when `cancelled` is set. After an error `out` is incomplete and has to be removed.
pub fn transcode(
    path: &Path,
    compression: Compression,
    encoding: Encoding,
    carriage_returns: bool,
    out: &Path,
    cancelled: Option<&AtomicBool>,
) -> Result<Transcoded, FileError> {
    let writing = |error| FileError::writing(out, &error);
    let mut reader = compression::open(path, compression)?;
    let mut writer = BufWriter::with_capacity(BLOCK, File::create(out).map_err(writing)?);
    let mut decoder = Decoder::new(encoding);
    let mut buffer = vec![0; BLOCK];
    let mut text = String::new();
    let mut done = Transcoded { bytes_in: 0, bytes_out: 0 };
    let mut lines = 0;
    loop {
        FileError::if_cancelled(cancelled)?;
        let read =
            compression::read_full(&mut reader, &mut buffer).map_err(|error| FileError::reading(path, &error))?;
        let bytes = buffer.get(..read).unwrap_or_default();
        text.clear();
        let result = decoder.decode(bytes, read < BLOCK, &mut text);
        if done.bytes_out == 0
            && let Some(rest) = text.strip_prefix('\u{feff}')
        {
            text = rest.to_owned();
        }
        if let Err(at) = result {
            let line = lines + memchr_iter(b'\n', text.as_bytes()).count() as u64 + 1;
            let offset = done.bytes_in + at as u64;
            return Err(FileError::data(format!(
                "`{}` is no {encoding}: the bytes at offset {offset}, in line {line}, are no character",
                path.display()
            ))
            .help("name the right `encoding`, or save the file as UTF-8"));
        }
        if carriage_returns {
            text = text.replace('\r', "\n");
        }
        writer.write_all(text.as_bytes()).map_err(writing)?;
        lines += memchr_iter(b'\n', text.as_bytes()).count() as u64;
        done.bytes_in += read as u64;
        done.bytes_out += text.len() as u64;
        if read < BLOCK {
            break;
        }
    }
    writer.flush().map_err(writing)?;
    Ok(done)
}

/// The text at the beginning of a file. What is no character is replaced; the last one may be cut.
pub(super) fn decode_sample(bytes: &[u8], encoding: Encoding) -> Vec<u8> {
    let mut text = String::new();
    let mut decoder = Decoder::new(encoding);
    if decoder.decode(bytes, false, &mut text).is_err() {
        return String::from_utf8_lossy(bytes).into_owned().into_bytes();
    }
    text.into_bytes()
}

enum Decoder {
    Latin1,
    Other(encoding_rs::Decoder),
}

impl Decoder {
    fn new(encoding: Encoding) -> Self {
        let known = match encoding {
            // What is called Latin-1 on the web is windows-1252; this is the real one.
            Encoding::Latin1 => return Self::Latin1,
            Encoding::Utf8 => encoding_rs::UTF_8,
            Encoding::Utf16Le => encoding_rs::UTF_16LE,
            Encoding::Utf16Be => encoding_rs::UTF_16BE,
            Encoding::Windows1252 => encoding_rs::WINDOWS_1252,
        };
        Self::Other(known.new_decoder_without_bom_handling())
    }

    /// Appends the text of the next bytes. Errors: the number of bytes up to those that are no character.
    fn decode(&mut self, bytes: &[u8], last: bool, text: &mut String) -> Result<(), usize> {
        match self {
            Self::Latin1 => {
                text.extend(bytes.iter().copied().map(char::from));
                Ok(())
            }
            Self::Other(decoder) => {
                let mut used = 0;
                loop {
                    let rest = bytes.get(used..).unwrap_or_default();
                    let needed = decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(rest.len());
                    text.reserve(needed.max(16));
                    let (result, read) = decoder.decode_to_string_without_replacement(rest, text, last);
                    used += read;
                    match result {
                        DecoderResult::InputEmpty => return Ok(()),
                        DecoderResult::OutputFull => {}
                        DecoderResult::Malformed(length, extra) => {
                            return Err(used.saturating_sub(usize::from(length) + usize::from(extra)));
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn run(bytes: &[u8], encoding: Encoding) -> Result<String, FileError> {
        let folder = tempfile::tempdir().unwrap();
        let (path, out) = (folder.path().join("in"), folder.path().join("out"));
        std::fs::write(&path, bytes).unwrap();
        transcode(&path, Compression::Plain, encoding, false, &out, None)?;
        Ok(std::fs::read_to_string(&out).unwrap())
    }

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn every_encoding_becomes_utf8_without_a_mark() {
        let text = "name\nJosé 😀\n";
        for (big, encoding) in [(false, Encoding::Utf16Le), (true, Encoding::Utf16Be)] {
            assert_eq!(run(&utf16(text, big), encoding).unwrap(), text);
            assert_eq!(run(&utf16(&format!("\u{feff}{text}"), big), encoding).unwrap(), text);
        }
        assert_eq!(run(b"caf\xe9 \x80", Encoding::Latin1).unwrap(), "café \u{80}");
        assert_eq!(run(b"caf\xe9 \x80", Encoding::Windows1252).unwrap(), "café €");
        assert_eq!(run(b"\xef\xbb\xbfa", Encoding::Utf8).unwrap(), "a");
    }

    #[test]
    fn text_longer_than_a_block_is_whole() {
        let text = "äöü😀\n".repeat(100_000);
        assert_eq!(run(&utf16(&text, false), Encoding::Utf16Le).unwrap(), text);
    }

    #[test]
    fn a_lone_surrogate_is_an_error_with_its_place() {
        let mut bytes = utf16("a\nb", false);
        bytes.extend([0x00, 0xd8, b'c', 0]);
        let error = run(&bytes, Encoding::Utf16Le).unwrap_err();
        assert!(error.message.contains("the bytes at offset 6, in line 2, are no character"), "{error}");
        let odd = run(b"a\0b", Encoding::Utf16Le).unwrap_err();
        assert!(odd.message.contains("offset 2"), "{odd}");
    }

    #[test]
    fn carriage_returns_become_line_feeds_where_they_end_lines() {
        let folder = tempfile::tempdir().unwrap();
        let (path, out) = (folder.path().join("in"), folder.path().join("out"));
        std::fs::write(&path, "a,b\r1,2\r").unwrap();
        transcode(&path, Compression::Plain, Encoding::Utf8, true, &out, None).unwrap();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "a,b\n1,2\n");
    }
}
