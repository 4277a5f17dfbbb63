//! How much the rows of a relation are, told from the sizes of files without reading rows.
//!
//! An estimate decides only whether a table is surely small, so that the ways for large tables are not even looked at.

use std::fs;

use parquet::file::metadata::ParquetMetaDataReader;

use super::pin::Pins;
use super::relation::{Needed, is_needed};
use super::spill::{USUAL_TEXT, value_bytes_with};
use crate::expression::Schema;
use crate::relation::{FileFormat, FileScan, JoinKind, Relation, ScanSource};

/// Rows of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Estimate {
    /// Rows at most, as far as files tell.
    pub(super) rows: u64,
    /// Bytes of a text, beside its place in the column.
    pub(super) text: u64,
}

/// Bytes of a field of a text file at least, with its delimiter, where many are empty.
const FIELD: u64 = 6;
/// How much larger a compressed text file is when it is unpacked.
const UNPACKED: u64 = 12;

impl Estimate {
    /// Bytes that these columns take in memory.
    pub(super) fn bytes(self, schema: &Schema, needed: &Needed) -> u64 {
        let fields = schema.fields().iter().filter(|field| is_needed(needed, &field.name));
        let width: u64 = fields.map(|field| value_bytes_with(&field.data_type, self.text)).sum();
        self.rows.saturating_mul(width)
    }
}

/// What is known of the rows of a relation; none where nothing is, as for a join of many rows with many.
pub(super) fn estimate(relation: &Relation, pins: &Pins) -> Option<Estimate> {
    match relation {
        Relation::Scan(scan) => match &scan.source {
            ScanSource::Files(files) => of_files(files),
            ScanSource::Pinned(id) => Some(Estimate { rows: pins.rows(*id)?, text: USUAL_TEXT }),
            ScanSource::Artifact(_) | ScanSource::Input => None,
        },
        Relation::Project { input, .. }
        | Relation::Filter { input, .. }
        | Relation::Aggregate { input, .. }
        | Relation::Deduplicate { input, .. }
        | Relation::Sort { input, .. }
        | Relation::RowIndex { input, .. }
        | Relation::Tap { input, .. } => estimate(input, pins),
        // Nobody knows how long the lists are.
        Relation::Explode { .. } => None,
        Relation::Learning { rows, .. } => estimate(rows, pins),
        Relation::Limit { input, rows, .. } => match estimate(input, pins) {
            Some(found) => Some(Estimate { rows: found.rows.min(*rows), ..found }),
            None => Some(Estimate { rows: *rows, text: USUAL_TEXT }),
        },
        Relation::Union { inputs } => inputs.iter().try_fold(Estimate { rows: 0, text: 0 }, |all, input| {
            let found = estimate(input, pins)?;
            Some(Estimate { rows: all.rows.saturating_add(found.rows), text: all.text.max(found.text) })
        }),
        Relation::Join(join) => {
            let (left, right) = (estimate(&join.left, pins)?, estimate(&join.right, pins)?);
            let text = left.text.max(right.text);
            let rows = match join.kind {
                JoinKind::Semi | JoinKind::Anti | JoinKind::Asof => left.rows,
                // At worst, every pair; only when both are tiny is that small.
                _ => left.rows.checked_mul(right.rows.max(1)).filter(|pairs| *pairs < 1 << 32)?,
            };
            Some(Estimate { rows, text })
        }
    }
}

fn of_files(files: &FileScan) -> Option<Estimate> {
    let mut all = Estimate { rows: 0, text: USUAL_TEXT };
    for path in &files.paths {
        let found = match files.format {
            FileFormat::Parquet => of_parquet(path)?,
            FileFormat::Csv(_) | FileFormat::Ndjson => {
                let size = fs::metadata(path).ok()?.len();
                let size = if is_compressed(path) { size.saturating_mul(UNPACKED) } else { size };
                let fields = files.file_schema.len().max(1) as u64;
                let rows = size / (fields * FIELD);
                Estimate { rows, text: size.checked_div(rows * fields).unwrap_or(USUAL_TEXT).max(USUAL_TEXT) }
            }
        };
        all = Estimate { rows: all.rows.saturating_add(found.rows), text: all.text.max(found.text) };
    }
    Some(Estimate { rows: files.rows.unwrap_or(u64::MAX).min(all.rows), ..all })
}

/// Whether a file is compressed, told from its first bytes.
pub(super) fn is_compressed(path: &std::path::Path) -> bool {
    use std::io::Read;
    let mut start = [0; 4];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && (start.starts_with(&[0x1f, 0x8b]) || start == [0x28, 0xb5, 0x2f, 0xfd])
}

fn of_parquet(path: &std::path::Path) -> Option<Estimate> {
    let file = fs::File::open(path).ok()?;
    // Damaged files are found by those who read them; here they tell nothing.
    let metadata = super::error::guard("", || Ok(ParquetMetaDataReader::new().parse_and_finish(&file))).ok()?.ok()?;
    let rows = u64::try_from(metadata.file_metadata().num_rows()).ok()?;
    let texts = metadata.row_groups().iter().flat_map(parquet::file::metadata::RowGroupMetaData::columns);
    let texts = texts.filter(|column| column.column_type() == parquet::basic::Type::BYTE_ARRAY);
    let bytes: u64 = texts.map(|column| u64::try_from(column.uncompressed_size()).unwrap_or(0)).sum();
    Some(Estimate { rows, text: bytes.checked_div(rows).unwrap_or(0).max(USUAL_TEXT) })
}
