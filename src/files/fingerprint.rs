//! What files held when they were looked at, in one short text.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::compression;
use super::error::FileError;

/// The longest footer that is read; longer ones count by their last bytes.
const FOOTER: u64 = 16 << 20;

/// A hash over the path, size and time of modification of each file, and over the footer of Parquet files, which holds the
/// schema and the statistics of every row group. Files that were changed and set back to the same size and time to the
/// nanosecond are taken for unchanged.
///
/// Errors: a file cannot be read.
pub fn fingerprint(paths: &[PathBuf]) -> Result<String, FileError> {
    let mut hasher = blake3::Hasher::new();
    for path in paths {
        let reading = |error| FileError::reading(path, &error);
        let metadata = std::fs::metadata(path).map_err(reading)?;
        let name = path.as_os_str().as_encoded_bytes();
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name);
        hasher.update(&metadata.len().to_le_bytes());
        let modified = metadata.modified().map_err(reading)?;
        let (sign, distance) = match modified.duration_since(UNIX_EPOCH) {
            Ok(after) => (1, after),
            Err(before) => (0, before.duration()),
        };
        hasher.update(&[sign]);
        hasher.update(&distance.as_nanos().to_le_bytes());
        if let Some(footer) = parquet_footer(path, metadata.len())? {
            hasher.update(&footer);
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// The footer of a Parquet file: its metadata, their length in four bytes, and `PAR1`.
fn parquet_footer(path: &Path, size: u64) -> Result<Option<Vec<u8>>, FileError> {
    let reading = |error| FileError::reading(path, &error);
    let mut file = compression::open_file(path)?;
    if size < 12 {
        return Ok(None);
    }
    let mut end = [0; 8];
    file.seek(SeekFrom::End(-8)).map_err(reading)?;
    file.read_exact(&mut end).map_err(reading)?;
    let [a, b, c, d, b'P', b'A', b'R', b'1'] = end else { return Ok(None) };
    let length = (u64::from(u32::from_le_bytes([a, b, c, d])) + 8).min(FOOTER).min(size);
    file.seek(SeekFrom::Start(size - length)).map_err(reading)?;
    let mut footer = Vec::new();
    file.take(length).read_to_end(&mut footer).map_err(reading)?;
    Ok(Some(footer))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn size_time_name_and_footer_each_change_the_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let print = |path: &PathBuf| fingerprint(std::slice::from_ref(path)).unwrap();
        let footer = |byte: u8| [b"PAR1....".as_slice(), &[byte; 4], &4u32.to_le_bytes(), b"PAR1"].concat();
        let time = UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 1);
        let set = |bytes: &[u8], time| {
            std::fs::write(&path, bytes).unwrap();
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        set(&footer(1), time);
        let first = print(&path);
        assert_eq!(print(&path), first);
        set(&footer(2), time);
        let other_footer = print(&path);
        set(&footer(1), time + std::time::Duration::from_nanos(100));
        let other_time = print(&path);
        set(b"a,b\n", time);
        let other_size = print(&path);
        let twin = folder.path().join("b.parquet");
        std::fs::copy(&path, &twin).unwrap();
        std::fs::File::options().write(true).open(&twin).unwrap().set_modified(time).unwrap();
        let all = [first, other_footer, other_time, other_size, print(&twin)];
        assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), all.len());
    }

    #[test]
    fn a_missing_file_is_an_error() {
        assert!(fingerprint(&[PathBuf::from("/no/such/file")]).is_err());
    }
}
