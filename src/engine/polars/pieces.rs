//! A long Parquet file as several reads, one after the other.
//!
//! Polars decodes row groups as far ahead as its queues reach. With a consumer slower than the decoder some twenty row groups
//! lay between a file of 230 MB and a profile of it: half a gigabyte, with the shortest queues that can be asked for. A query
//! over a few row groups cannot run further ahead than those, and the pages of the mapped file go back at its end. The next one begins
//! when the last rows of the one before are handed over, so the consumer does not wait.

use std::collections::HashSet;
use std::fs;
use std::sync::Arc;

use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};

use super::error::guard;
use crate::relation::{FileFormat, FileScan, Relation, ScanSource};

/// What a piece has at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Least {
    /// Row groups, so that all threads have one.
    pub(super) row_groups: usize,
    /// Bytes of the columns that are read, as they stand uncompressed in the file. Decoded they are several times as many.
    pub(super) bytes: u64,
    /// Further bytes for each column of each row group of the file.
    pub(super) bytes_for_footer: u64,
}

impl Least {
    /// With so many threads.
    ///
    /// Each piece reads the footer again, some 150 bytes for a column of a row group, and shall not spend more than a few hundredths of its
    /// time on it.
    pub(super) fn of(threads: usize) -> Self {
        Self { row_groups: threads, bytes: 16 << 20, bytes_for_footer: 15_000 }
    }
}

/// Consecutive rows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    offset: u64,
    rows: u64,
}

/// The pieces in which the relation is best read; none when it is best read as a whole: only what is computed row by row from one
/// Parquet file can be cut.
pub(super) fn pieces(relation: &Relation, least: Least) -> Vec<Piece> {
    let pieces = scan_of(relation, None).and_then(|(files, read)| of_file(files, &read, least)).unwrap_or_default();
    if pieces.len() > 1 { pieces } else { Vec::new() }
}

/// The relation over these rows of its file.
pub(super) fn part(relation: &Relation, piece: Piece) -> Relation {
    let below = |input: &Relation| Arc::new(part(input, piece));
    match relation {
        Relation::Scan(_) => {
            Relation::Limit { input: Arc::new(relation.clone()), offset: piece.offset, rows: piece.rows }
        }
        Relation::Tap { input, tap } => Relation::Tap { input: below(input), tap: tap.clone() },
        Relation::Filter { input, predicate } => Relation::Filter { input: below(input), predicate: predicate.clone() },
        Relation::Project { input, columns } => Relation::Project { input: below(input), columns: columns.clone() },
        other => other.clone(),
    }
}

/// The one file below what is computed row by row, and the columns that are read of it; `read` are those that are read from above.
fn scan_of<'r>(relation: &'r Relation, read: Option<HashSet<&'r str>>) -> Option<(&'r FileScan, HashSet<&'r str>)> {
    match relation {
        Relation::Scan(scan) => match &scan.source {
            ScanSource::Files(files)
                if files.format == FileFormat::Parquet && files.paths.len() == 1 && files.rows.is_none() =>
            {
                Some((files, read.unwrap_or_else(|| scan.schema.names().collect())))
            }
            _ => None,
        },
        Relation::Tap { input, .. } => scan_of(input, read),
        Relation::Filter { input, predicate } if !predicate.has_window() => {
            scan_of(input, read.map(|read| read.into_iter().chain(predicate.columns()).collect()))
        }
        Relation::Project { input, columns } if !columns.iter().any(|column| column.expr.has_window()) => {
            scan_of(input, Some(columns.iter().flat_map(|column| column.expr.columns()).collect()))
        }
        _ => None,
    }
}

fn of_file(files: &FileScan, read: &HashSet<&str>, least: Least) -> Option<Vec<Piece>> {
    let file = fs::File::open(files.paths.first()?).ok()?;
    // Damaged files are found by those who read them.
    let metadata = guard("", || Ok(ParquetMetaDataReader::new().parse_and_finish(&file))).ok()?.ok()?;
    let chunks: usize = metadata.row_groups().iter().map(|group| group.columns().len()).sum();
    let bytes = least.bytes.saturating_add(least.bytes_for_footer.saturating_mul(chunks as u64));
    let size = |group: &RowGroupMetaData| -> u64 {
        let columns = group.columns().iter();
        let of_read = columns
            .filter(|column| column.column_path().parts().first().is_some_and(|name| read.contains(name.as_str())));
        of_read.map(|column| u64::try_from(column.uncompressed_size()).unwrap_or(0)).sum()
    };
    let (mut pieces, mut offset) = (Vec::new(), 0);
    let (mut groups, mut rows, mut taken) = (0, 0, 0);
    for group in metadata.row_groups() {
        rows += u64::try_from(group.num_rows()).ok()?;
        taken += size(group);
        groups += 1;
        if groups >= least.row_groups && taken >= bytes {
            pieces.push(Piece { offset, rows });
            offset += rows;
            (groups, rows, taken) = (0, 0, 0);
        }
    }
    if rows > 0 {
        pieces.push(Piece { offset, rows });
    }
    Some(pieces)
}
