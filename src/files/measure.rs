//! How many rows a text file holds, told from its beginning and its size.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use memchr::memchr_iter;

use super::compression::{self, Compression};

/// Bytes of the file that are read.
const HEAD: u64 = 256 << 10;

/// Rows of a text file with a row a line, about; the header counts as a row. None when it cannot be read.
///
/// Cost: 256 KiB of the file, decompressed.
pub fn measure(path: &Path) -> Option<u64> {
    let file = File::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    let mut magic = [0; 4];
    let known = compression::read_full(&mut File::open(path).ok()?, &mut magic).ok()?;
    let head = BufReader::new(file.take(HEAD));
    let text = match Compression::of_bytes(magic.get(..known)?) {
        Compression::Plain => text_of(head),
        Compression::Gzip => text_of(flate2::bufread::MultiGzDecoder::new(head)),
        Compression::Zstd => text_of(zstd::stream::read::Decoder::with_buffer(head).ok()?),
    };
    let lines = memchr_iter(b'\n', &text).count() as u64;
    if size <= HEAD {
        let rest = u64::from(text.last().is_some_and(|&last| last != b'\n'));
        return Some(lines + rest);
    }
    Some(u64::try_from(u128::from(lines) * u128::from(size) / u128::from(HEAD)).unwrap_or(u64::MAX))
}

/// The text as far as it goes: where a compressed file was cut, its decoder ends with an error.
fn text_of(mut reader: impl Read) -> Vec<u8> {
    let mut text = Vec::new();
    let mut block = vec![0; 64 << 10];
    // What expands beyond reason is not followed here.
    while let Ok(read @ 1..) = reader.read(&mut block) {
        text.extend_from_slice(block.get(..read).unwrap_or_default());
        if text.len() > 64 << 20 {
            break;
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn rows_are_counted_in_small_files_and_told_from_the_beginning_of_large_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, "a\n1\n2").unwrap();
        assert_eq!(measure(&path), Some(3));
        let text: String =
            (0..400_000).map(|row| format!("{},{}\n", 100_000 + row % 700_000, row * 7919 % 99_991)).collect();
        std::fs::write(&path, &text).unwrap();
        let near = |rows: Option<u64>| rows.is_some_and(|rows| (360_000..440_000).contains(&rows));
        assert!(near(measure(&path)), "{:?}", measure(&path));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        std::fs::write(&path, gzip.finish().unwrap()).unwrap();
        assert!(near(measure(&path)), "{:?}", measure(&path));
    }
}
