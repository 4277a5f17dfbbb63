//! Compressed files: which they are, and a plain stream of their bytes.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::FileError;
use super::limits;
use crate::digits;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    Plain,
    /// Gzip (RFC 1952), one member or several.
    Gzip,
    /// Zstandard (RFC 8878), one frame or several.
    Zstd,
}

impl Compression {
    /// Tells it from the first bytes of a file.
    pub fn of_bytes(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// What the name of the file promises.
    pub fn of_name(path: &Path) -> Self {
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        match extension.as_ref().and_then(|extension| extension.to_str()) {
            Some("gz" | "gzip") => Self::Gzip,
            Some("zst" | "zstd") => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// Opens a file for reading; a folder is refused with advice.
pub(super) fn open_file(path: &Path) -> Result<File, FileError> {
    let file = File::open(path).map_err(|error| FileError::reading(path, &error))?;
    let metadata = file.metadata().map_err(|error| FileError::reading(path, &error))?;
    if metadata.is_dir() { Err(FileError::folder(path)) } else { Ok(file) }
}

/// The decompressed bytes of a file, as a stream in bounded memory.
///
/// Errors while reading: a truncated file answers [`io::ErrorKind::UnexpectedEof`].
pub(super) fn open(path: &Path, compression: Compression) -> Result<Box<dyn Read + Send>, FileError> {
    let file = open_file(path)?;
    let size = file.metadata().map_err(|error| FileError::reading(path, &error))?.len();
    Ok(match compression {
        Compression::Plain => Box::new(file),
        Compression::Gzip => {
            let file = BufReader::with_capacity(1 << 16, file);
            Box::new(Bounded::new(flate2::bufread::MultiGzDecoder::new(file), size))
        }
        Compression::Zstd => {
            // A frame says how far back it refers; the library holds at most 128 MiB of that.
            let decoder = zstd::stream::read::Decoder::new(file).map_err(|error| FileError::reading(path, &error))?;
            Box::new(Bounded::new(decoder, size))
        }
    })
}

/// A decompressed stream that ends with an error when it holds more than its compressed size allows.
///
/// The error is of [`io::ErrorKind::FileTooLarge`], which [`FileError::reading`] knows.
struct Bounded<R> {
    inner: R,
    left: u64,
    allowed: u64,
}

impl<R> Bounded<R> {
    fn new(inner: R, compressed: u64) -> Self {
        let allowed = limits::expanded(compressed);
        Self { inner, left: allowed, allowed }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            let most = digits::bytes(self.allowed);
            io::Error::new(io::ErrorKind::FileTooLarge, format!("it holds more than {most}, far beyond its own size"))
        })?;
        Ok(read)
    }
}

/// Whether text begins with the two bytes of a zlib stream (RFC 1950) that are also text: engines take it for one.
pub(super) fn looks_like_zlib(head: &[u8]) -> bool {
    matches!(head, [0x78, 0x01 | 0x5e, ..])
}

/// Fills `buffer` as far as the stream goes; fewer bytes mean that it has ended.
pub(super) fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn gzip_with_two_members_and_zstd_with_two_frames_read_as_one_stream() {
        let folder = tempfile::tempdir().unwrap();
        let mut gzip = Vec::new();
        let mut zstd = Vec::new();
        for part in [b"a,b\n1,".as_slice(), b"2\n"] {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(part).unwrap();
            gzip.extend(encoder.finish().unwrap());
            zstd.extend(zstd::encode_all(part, 1).unwrap());
        }
        for (bytes, compression) in [(gzip, Compression::Gzip), (zstd, Compression::Zstd)] {
            let path = folder.path().join("x");
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(Compression::of_bytes(&bytes), compression);
            let mut text = String::new();
            open(&path, compression).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "a,b\n1,2\n");
        }
    }

    #[test]
    fn a_truncated_stream_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let text: String = (0..10_000).map(|i| format!("{i},{}\n", i * 7919 % 1009)).collect();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        let gzip = encoder.finish().unwrap();
        let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
        for (bytes, compression) in [(gzip, Compression::Gzip), (zstd, Compression::Zstd)] {
            let path = folder.path().join("x");
            std::fs::write(&path, bytes.get(..bytes.len() / 2).unwrap()).unwrap();
            let error = open(&path, compression).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
            assert!(
                FileError::reading(&path, &error).message.ends_with("is cut off: its compressed data end too early"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_stream_far_larger_than_its_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, zstd::encode_all(io::repeat(b'0').take(300 << 20), 1).unwrap()).unwrap();
        let mut stream = open(&path, Compression::Zstd).unwrap();
        let error = FileError::reading(&path, &io::copy(&mut stream, &mut io::sink()).unwrap_err());
        assert_eq!(error.class, crate::diagnostic::Class::Limit, "{error}");
        assert!(error.message.contains("holds more than 256.0 MiB, far beyond its own size"), "{error}");
    }

    #[test]
    fn a_folder_is_refused_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let error = open_file(folder.path()).unwrap_err();
        assert!(error.message.ends_with("is a folder, not a file"));
        assert!(error.help.unwrap().contains("*.csv"));
    }
}
