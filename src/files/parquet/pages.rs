//! The heads of pages: how large each page says that it becomes.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

use super::super::compression;
use super::super::error::FileError;
use super::super::limits;
use super::compact::{Malformed, Reader, kind};
use super::{Chunk, Schema, read_footer, too_much, walk};
use crate::digits;

/// Chunks whose pages are looked at before the next ones are collected.
const AT_ONCE: usize = 4096;

/// Bytes that are read for the head of a page; statistics can make it longer.
const HEAD: usize = 512;
const LONGEST_HEAD: usize = 1 << 20;

/// Checks the heads of all pages: that none becomes larger than an eighth of the memory (64 MiB at least), or than its
/// compression can make it, that pages lie within their chunk and hold no more values than it, and that the values of one chunk
/// fit the memory.
///
/// Errors: [`crate::diagnostic::Class::Limit`]; [`crate::diagnostic::Class::Interrupted`]. Cost: one small read for each page.
pub fn check_pages(path: &Path, memory: u64, cancelled: Option<&AtomicBool>) -> Result<(), FileError> {
    let file = compression::open_file(path)?;
    let Some(footer) = read_footer(path, &file)? else { return Ok(()) };
    let mut chunks = Vec::new();
    let mut failed = None;
    let mut look = |chunks: &mut Vec<Chunk>| {
        let found = FileError::if_cancelled(cancelled).and_then(|()| {
            let wrong = chunks.par_iter().find_map_first(|chunk| pages_of(&file, chunk, memory));
            wrong.map_or(Ok(()), |what| Err(too_much(path, &what)))
        });
        chunks.clear();
        failed = failed.take().or(found.err());
        failed.is_none()
    };
    let _ = walk(&footer, &mut Schema::default(), &mut |chunk| {
        chunks.push(chunk);
        Ok(chunks.len() < AT_ONCE || look(&mut chunks))
    });
    look(&mut chunks);
    failed.map_or(Ok(()), Err)
}

/// What a page says of itself.
#[derive(Debug, Default)]
struct Page {
    uncompressed: i64,
    compressed: i64,
    values: i64,
    is_dictionary: bool,
}

/// What is impossible about the pages of a chunk.
fn pages_of(file: &File, chunk: &Chunk, memory: u64) -> Option<String> {
    let start = u64::try_from(chunk.start()).ok()?;
    let end = start.checked_add(u64::try_from(chunk.compressed).ok()?)?;
    let values = u64::try_from(chunk.values).ok()?;
    let decoded = values.saturating_mul(width(chunk.physical));
    if decoded > memory {
        let what = digits::bytes(decoded);
        return Some(format!("declares {values} values for {}, which take {what} at once", chunk.name()));
    }
    let limit = limits::page(memory);
    let (mut at, mut seen) = (start, 0_u64);
    while at < end {
        let (page, head) = read_head(file, at, end)?;
        let (Ok(uncompressed), Ok(compressed)) = (u64::try_from(page.uncompressed), u64::try_from(page.compressed))
        else {
            return Some(format!("declares a page of negative size in {}", chunk.name()));
        };
        let what = digits::bytes(uncompressed);
        if uncompressed > limit {
            let most = digits::bytes(limit);
            return Some(format!(
                "declares a page of {what} in {}; at most {most} are read at this memory",
                chunk.name()
            ));
        }
        if uncompressed > expansion(chunk.codec, compressed) {
            let packed = digits::bytes(compressed);
            return Some(format!("declares that {packed} become a page of {what} in {}", chunk.name()));
        }
        if !page.is_dictionary {
            seen = seen.saturating_add(u64::try_from(page.values).unwrap_or(u64::MAX));
            if seen > values {
                return Some(format!("declares more values in the pages of {} than in the footer", chunk.name()));
            }
        }
        at = at.checked_add(head)?.checked_add(compressed)?;
        if at > end {
            return Some(format!("declares a page beyond the end of {}", chunk.name()));
        }
    }
    None
}

/// The head of the page at that place, and its length. None: it cannot be read, which the reader will tell.
fn read_head(file: &File, at: u64, end: u64) -> Option<(Page, u64)> {
    let mut length = HEAD;
    loop {
        let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(length);
        let mut bytes = vec![0; wanted];
        file.read_exact_at(&mut bytes, at).ok()?;
        let mut reader = Reader::new(&bytes);
        match page(&mut reader) {
            Ok(page) => return Some((page, (wanted - reader.left()) as u64)),
            Err(Malformed::Short) if wanted == length && length < LONGEST_HEAD => length *= 8,
            Err(_) => return None,
        }
    }
}

fn page(reader: &mut Reader<'_>) -> Result<Page, Malformed> {
    let mut page = Page::default();
    reader.fields(&mut |field, kind, reader| {
        match (field, kind) {
            (1, kind::I32) => page.is_dictionary = reader.integer()? == 2,
            (2, kind::I32) => page.uncompressed = reader.integer()?,
            (3, kind::I32) => page.compressed = reader.integer()?,
            // The first field of the head of a data page, of a dictionary and of a data page of the second version.
            (5 | 7 | 8, kind::STRUCT) => reader.fields(&mut |field, kind, reader| {
                if (field, kind) == (1, kind::I32) {
                    page.values = reader.integer()?;
                    return Ok(true);
                }
                Ok(false)
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(page)
}

/// Bytes that a value of a physical type takes once it is decoded.
fn width(physical: i64) -> u64 {
    match physical {
        1 | 4 => 4,
        2 | 5 => 8,
        3 => 12,
        // Texts are shared or views of 16 bytes; of fixed bytes the length is not known here.
        6 | 7 => 8,
        _ => 1,
    }
}

/// The most that so many bytes can become. Codecs without a bound of their own are bounded by the size of a page alone.
fn expansion(codec: i64, compressed: u64) -> u64 {
    // Snappy copies 64 bytes by an element of 3, LZ4 255 by one byte, DEFLATE 258 by two bits. Levels of the second version of
    // pages stand in front of the compressed part, so small pages are let through.
    let times = match codec {
        0 => 1,
        1 => 64,
        2 => 1032,
        5 | 7 => 256,
        _ => return u64::MAX,
    };
    compressed.saturating_mul(times).saturating_add(1 << 20)
}
