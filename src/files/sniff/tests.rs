#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn sniffed(name: &str, bytes: &[u8], given: &Given) -> Result<Sniffed, FileError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    sniff(&path, given).map_err(|error| FileError {
        message: error.message.replace(&folder.path().display().to_string(), "DIR"),
        ..error
    })
}

#[test]
fn the_first_bytes_count_and_a_name_that_differs_is_a_warning() {
    let found = sniffed("a.csv.gz", b"a,b\n1,2\n", &Given::default()).unwrap();
    assert_eq!((found.compression, found.format), (Compression::Plain, Format::Csv));
    assert!(
        found
            .warnings
            .first()
            .unwrap()
            .ends_with("promises a gzip file, but its first bytes are those of a plain file")
    );
    let packed = zstd::encode_all(b"a,b\n1,2\n".as_slice(), 1).unwrap();
    let found = sniffed("a.csv.zst", &packed, &Given::default()).unwrap();
    assert_eq!((found.compression, found.warnings.len()), (Compression::Zstd, 0));
}

#[test]
fn objects_on_lines_are_ndjson() {
    let found = sniffed("a.txt", b"\n {\"a\": 1}\n{\"a\": 2}\n", &Given::default()).unwrap();
    assert_eq!((found.format, found.dialect), (Format::Ndjson, None));
    assert_eq!(sniffed("a.csv", b"{id},name\n1,x\n", &Given::default()).unwrap().format, Format::Csv);
}

#[test]
fn what_is_given_is_believed() {
    let given = Given {
        delimiter: Some(b';'),
        quote: Some(None),
        header: Some(false),
        encoding: Some(Encoding::Latin1),
        skip_rows: 1,
        ..Given::default()
    };
    let found = sniffed("a.csv", b"caf\xe9\n1;2\n3;4\n", &given).unwrap();
    let dialect = found.dialect.unwrap();
    assert_eq!(
        (dialect.delimiter, dialect.quote, dialect.header, found.encoding),
        (b';', None, false, Encoding::Latin1)
    );
    assert!(found.needs_transcoding());
}

#[test]
fn parquet_is_known_whole_or_refused() {
    assert!(sniffed("a", b"PAR1........PAR1", &Given::default()).unwrap_err().message.contains("declares a footer"));
    assert!(sniffed("a", b"PAR1........", &Given::default()).unwrap_err().message.contains("is cut off"));
    assert!(
        sniffed("a", b"PARE\x15\x00\xff\x9cPARE", &Given::default()).unwrap_err().message.contains("is an encrypted")
    );
    assert!(sniffed("a", b"PARENT,CHILD\n1,2\n", &Given::default()).is_ok());
    let given = Given { format: Some(Format::Parquet), ..Given::default() };
    assert!(sniffed("a", b"a,b\n", &given).unwrap_err().message.contains("is no Parquet file"));
    let packed = zstd::encode_all(b"PAR1........PAR1".as_slice(), 1).unwrap();
    assert!(sniffed("a", &packed, &Given::default()).unwrap_err().message.contains("inside zstd"));
}

#[test]
fn reasons_are_told_in_sentences() {
    let found = sniffed("a.csv", b"id;price\n1;2,5\n2;3,5\n", &Given::default()).unwrap();
    assert_eq!(
        found.reasons,
        [
            "the delimiter is `;`: it makes 2 fields in 100 of 100 records",
            "numbers are written with a decimal comma",
            "there is a header: `id` stands over numbers, dates or booleans",
        ]
    );
}

proptest::proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = sniffed("a.csv", &bytes, &Given::default());
    }
}
