use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::*;

const MEMORY: u64 = 1 << 30;

/// A table of two columns, as another writer makes it.
fn table(rows: i64, compression: Compression) -> Vec<u8> {
    let numbers = Int64Array::from_iter_values(0..rows);
    let texts = StringArray::from_iter_values((0..rows).map(|row| format!("text {}", row % 7)));
    let batch = RecordBatch::try_from_iter([
        ("n", Arc::new(numbers) as arrow::array::ArrayRef),
        ("t", Arc::new(texts) as arrow::array::ArrayRef),
    ])
    .unwrap();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(4000))
        .set_data_page_row_count_limit(1000)
        .set_write_batch_size(500)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn checked(bytes: &[u8]) -> Result<(), FileError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    std::fs::write(&path, bytes).unwrap();
    check_footer(&path)?;
    check_pages(&path, MEMORY, None)
}

#[track_caller]
fn refused(bytes: &[u8], says: &str) {
    let error = checked(bytes).unwrap_err();
    assert_eq!(error.class, Class::Limit, "{error}");
    assert!(error.message.contains(says), "{error}");
}

/// A file with this footer and nothing else.
fn with_footer(footer: &[u8]) -> Vec<u8> {
    let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
    [b"PAR1", footer, &length, b"PAR1"].concat()
}

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn zigzag(value: i64, bytes: &mut Vec<u8>) {
    varint(((value << 1) ^ (value >> 63)).cast_unsigned(), bytes);
}

/// A footer whose schema has these numbers of children.
fn schema(children: &[i64]) -> Vec<u8> {
    let mut footer = vec![0x15, 2, 0x19, 0xfc];
    varint(children.len() as u64, &mut footer);
    for &count in children {
        footer.extend([0x48, 1, b'x']);
        if count > 0 {
            footer.push(0x15);
            zigzag(count, &mut footer);
        }
        footer.push(0);
    }
    footer.push(0);
    footer
}

/// A footer with one column chunk.
fn chunk(values: i64, compressed: i64, offset: i64) -> Vec<u8> {
    let mut footer = vec![0x15, 2, 0x39, 0x1c, 0x19, 0x1c, 0x3c, 0x15, 4, 0x29, 0x18, 1, b'n', 0x15, 0, 0x16];
    zigzag(values, &mut footer);
    footer.push(0x26);
    zigzag(compressed, &mut footer);
    footer.push(0x26);
    zigzag(offset, &mut footer);
    footer.extend([0, 0, 0, 0]);
    footer
}

#[test]
fn files_of_other_writers_pass() {
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(parquet::basic::GzipLevel::default()),
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ];
    for codec in codecs {
        checked(&table(10_000, codec)).unwrap();
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/parquet");
    let mut passed = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Damaged ones may be found out here or by the reader, but never by a panic.
        let result = check_footer(&path).and_then(|()| check_pages(&path, MEMORY, None));
        passed += usize::from(result.is_ok());
    }
    assert!(passed > 10, "{passed} files");
}

#[test]
fn a_footer_longer_than_the_file_is_refused() {
    let mut bytes = table(10, Compression::SNAPPY);
    let at = bytes.len() - 8;
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    refused(&bytes, "declares a footer of 4.0 GiB");
}

#[test]
fn a_deep_and_a_wide_schema_are_refused() {
    refused(&with_footer(&schema(&[1; 100_000])), "levels deep; at most 64 are read");
    let mut wide = vec![0; 1_000_001];
    wide[0] = 1_000_000;
    refused(&with_footer(&schema(&wide)), "columns; at most 100000 are read");
    let mut deep = vec![1; 60];
    deep.push(0);
    checked(&with_footer(&schema(&deep))).unwrap();
}

#[test]
fn a_column_chunk_outside_of_the_file_is_refused() {
    refused(
        &with_footer(&chunk(10, 1 << 40, 4)),
        "declares that column `n` of row group 1 takes 1.0 TiB from byte 4 on",
    );
    refused(&with_footer(&chunk(10, 100, i64::MAX)), "beyond its data");
    refused(&with_footer(&chunk(10, -1, 4)), "a negative place or size");
    refused(&with_footer(&chunk(-1, 0, 4)), "declares -1 values");
    refused(&with_footer(&chunk(i64::MAX, 0, 4)), "which take");
}

#[test]
fn pages_that_claim_too_much_are_refused() {
    // One column, one page: the second field of its head is the size that it becomes.
    let page = |uncompressed: i64, values: i64| {
        let mut head = vec![0x15, 0, 0x15];
        zigzag(uncompressed, &mut head);
        head.extend([0x15, 20, 0x2c, 0x15]);
        zigzag(values, &mut head);
        head.extend([0x15, 0, 0x15, 6, 0x15, 6, 0, 0]);
        let data = [head, vec![0; 10]].concat();
        let footer = chunk(100, data.len() as i64, 4);
        let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
        [b"PAR1", data.as_slice(), &footer, &length, b"PAR1"].concat()
    };
    checked(&page(10, 100)).unwrap();
    refused(&page(2_000_000_000, 100), "declares a page of 1.9 GiB in column `n` of row group 1");
    refused(&page(50_000_000, 100), "declares that 10 B become a page of 47.7 MiB");
    refused(&page(-1, 100), "a page of negative size");
    refused(&page(10, 101), "more values in the pages");
}

#[test]
fn nothing_that_is_changed_makes_the_check_panic() {
    let bytes = table(3000, Compression::SNAPPY);
    let mut state = 1_u64;
    for _ in 0..2000 {
        let mut changed = bytes.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // The footer is where most is declared.
            let near_end = bytes.len() - 1 - (state >> 33) as usize % (bytes.len() / 3);
            changed[near_end] = (state >> 20) as u8;
        }
        drop(checked(&changed));
    }
}
