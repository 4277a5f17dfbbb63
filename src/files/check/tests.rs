#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;
use crate::files::record::Record;

fn comma() -> CsvFormat {
    CsvFormat {
        delimiter: b',',
        quote: Some(b'"'),
        header: true,
        skip_rows: 0,
        null_values: Vec::new(),
        decimal_comma: false,
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("c{}", i + 1)).collect()
}

fn file(bytes: &[u8]) -> tempfile::TempPath {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file.into_temp_path()
}

/// The same file as a stream and by all threads, in blocks of any size.
fn both(bytes: &[u8], format: &CsvFormat, columns: usize, block: usize) -> [Result<Checked, FileError>; 2] {
    let path = file(bytes);
    let names = names(columns);
    let options = CheckOptions::default();
    let start = Records::open(&path, Compression::Plain, format).unwrap().offset();
    let check = Check { path: &path, compression: Compression::Plain, format, names: &names, options: &options, start };
    let mut results = [check.as_stream(block), check.in_parallel(block)];
    for result in &mut results {
        if let Err(error) = result {
            error.message = error.message.replace(&path.display().to_string(), "FILE");
        }
    }
    results
}

fn checked(bytes: &[u8], columns: usize) -> Result<Checked, FileError> {
    let [stream, parallel] = both(bytes, &comma(), columns, 128);
    assert_eq!(stream, parallel);
    stream
}

fn message(bytes: &[u8], columns: usize) -> String {
    checked(bytes, columns).unwrap_err().message
}

#[test]
fn rows_are_counted_without_the_header() {
    assert_eq!(checked(b"a,b\n1,2\n3,4\n", 2).unwrap().rows, 2);
    assert_eq!(checked(b"a,b\r\n1,2\r\n3,4", 2).unwrap().rows, 2);
    assert_eq!(checked(b"\xef\xbb\xbf\n\na,b\n", 2).unwrap(), Checked { rows: 0, bytes: 9, ..Checked::default() });
}

#[test]
fn blank_lines_are_rows_in_a_file_of_one_column_only() {
    let blank = checked(b"a,b\n1,2\n\n3,4\r\n\r\n", 2).unwrap();
    assert_eq!((blank.rows, blank.blank_lines), (2, 2));
    assert!(blank.needs_rewrite().is_some());
    let single = checked(b"a\n1\n\n3\n\n", 1).unwrap();
    assert_eq!((single.rows, single.blank_lines), (4, 0));
    assert_eq!(single.needs_rewrite(), None);
}

#[test]
fn a_record_with_too_few_or_too_many_fields_is_shown_with_its_line() {
    assert_eq!(
        message(b"a,b,c\n1,2,3\n\"x\ny\",2,3\n4,5\n", 3),
        "FILE, line 5 (record 3): 2 fields where the file has 3 columns, fewer than there should be; the line begins `4,5`"
    );
    assert_eq!(
        message(b"a,b\n1,2\n1,2,3,4\n", 2),
        "FILE, line 3 (record 2): 4 fields where the file has 2 columns, more than there should be; the line begins `1,2,3,4`"
    );
    assert!(message(b"a,b,c\n1,2\n", 2).starts_with("FILE, line 1 (the header): 3 fields"));
}

#[test]
fn quotes_that_stand_wrong_are_shown_where_their_field_begins() {
    assert_eq!(
        message(b"a,b\n1,2\n3,\"x\n4,5\n", 2),
        "FILE, line 3 (record 2), column `c2`: a quoted field begins here and is never closed; the line begins `3,\"x`"
    );
    assert_eq!(
        message(b"a,b\n\"1\n2\",\"x\n4\"y,5\n", 2),
        "FILE, line 3 (record 1), column `c2`: a quoted field begins here and goes on after its closing quote; the line begins `\"1`"
    );
}

#[test]
fn quotes_within_unquoted_fields_are_text_and_counted_where_they_are_odd() {
    let both = checked(b"a,b\n5\" pipe,1\n37'\"N 121\",2\n", 2).unwrap();
    assert_eq!((both.rows, both.odd_quotes), (2, 1));
}

#[test]
fn a_carriage_return_within_a_field_is_an_error() {
    assert!(message(b"a,b\n1\r1,2\n", 2).contains("line 2 (record 1), column `c1`: a carriage return"));
    assert_eq!(checked(b"a,b\n1,\"x\ry\"\r\n", 2).unwrap().rows, 1);
}

#[test]
fn nul_bytes_and_broken_utf8_are_errors_in_their_column() {
    assert!(message(b"a,b\n1,x\0y\n", 2).contains("line 2 (record 1), column `c2`: a NUL byte"));
    assert!(
        message(b"a,b\n1,2\ncaf\xe9,4\n", 2).contains("line 3 (record 2), column `c1`: the field is not valid UTF-8")
    );
    assert!(message(b"a,b\n1,2\n3,\xc3", 2).contains("not valid UTF-8"));
    assert_eq!(checked("a,b\n1,é\n€,😀\n".as_bytes(), 2).unwrap().rows, 2);
}

#[test]
fn the_first_trouble_is_told_even_if_a_block_holds_others() {
    assert!(message(b"a,b\n1\n2,\xff\n", 2).contains("line 2"));
    assert!(message(b"a,b\n1,\xff\n2\n", 2).contains("line 2"));
}

#[test]
fn a_field_over_the_limit_is_refused() {
    let mut text = b"a,b\n1,\"".to_vec();
    text.resize(text.len() + (17 << 20), b'x');
    let [stream, parallel] = both(&text, &comma(), 2, BLOCK);
    assert_eq!(stream, parallel);
    let error = stream.unwrap_err();
    assert_eq!(error.class, Class::Limit);
    assert!(
        error.message.contains("line 2 (record 1), column `c2`: a field is longer than 16 MiB"),
        "{}",
        error.message
    );
}

#[test]
fn bytes_rows_and_interruption_bound_the_work() {
    let text = "a,b\n".to_owned() + &"1,2\n".repeat(100_000);
    let path = file(text.as_bytes());
    let run = |options: &CheckOptions<'_>| check(&path, Compression::Plain, &comma(), &names(2), options);
    assert_eq!(run(&CheckOptions { bytes: Some(1000), ..CheckOptions::default() }).unwrap().rows, 100_000);
    let stopped = AtomicBool::new(true);
    let interrupted = run(&CheckOptions { cancelled: Some(&stopped), ..CheckOptions::default() }).unwrap_err();
    assert_eq!(interrupted.class, Class::Interrupted);

    let big = "a,b\n".to_owned() + &"1,2\n".repeat(3_000_000);
    std::fs::write(&path, zstd::encode_all(big.as_bytes(), 1).unwrap()).unwrap();
    let options = CheckOptions { bytes: Some(1000), ..CheckOptions::default() };
    let bomb = check(&path, Compression::Zstd, &comma(), &names(2), &options).unwrap_err();
    assert_eq!(bomb.class, Class::Limit);
    let options = CheckOptions { rows: Some(10), ..CheckOptions::default() };
    let few = check(&path, Compression::Zstd, &comma(), &names(2), &options).unwrap();
    assert!(few.rows >= 10 && few.bytes <= BLOCK as u64);
}

#[test]
fn text_that_begins_like_zlib_has_to_be_rewritten() {
    assert!(checked(b"x^2,b\n1,2\n", 2).unwrap().needs_rewrite().is_some());
    assert!(checked(b"x2,b\n1,2\n", 2).unwrap().needs_rewrite().is_none());
}

/// Text in which everything that matters to the grammar is frequent.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => Just(b'x'),
        3 => Just(b','),
        2 => Just(b'"'),
        2 => Just(b'\n'),
        1 => Just(b'\r'),
    ];
    proptest::collection::vec(byte, 0..400)
}

/// A table of well-formed fields with every difficult character.
fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    (2usize..6).prop_flat_map(|columns| {
        let field = "[a-z,\"\n\ré 0-9]{0,12}";
        proptest::collection::vec(proptest::collection::vec(field, columns), 1..40)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_the_csv_crate_writes_is_well_formed_and_has_its_rows(rows in table(), block in 1usize..300, crlf: bool) {
        let columns = rows.first().unwrap().len();
        let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let format = CsvFormat { header: false, ..comma() };
        let [stream, parallel] = both(&bytes, &format, columns, block);
        prop_assert_eq!(stream.clone().unwrap().rows, rows.len() as u64);
        prop_assert_eq!(stream, parallel);

        let mut records = Records::of_bytes(bytes, Path::new("x"), &format).unwrap();
        let mut record = Record::default();
        for row in &rows {
            prop_assert!(records.read(&mut record).unwrap());
            let read: Vec<String> = (0..record.len())
                .map(|i| String::from_utf8(record.value(i).unwrap().into_owned()).unwrap())
                .collect();
            prop_assert_eq!(&read, row);
        }
        prop_assert!(!records.read(&mut record).unwrap());
    }

    #[test]
    fn the_check_agrees_with_the_reader_of_records(bytes in hostile(), columns in 1usize..4, block in 1usize..200) {
        let format = CsvFormat { header: false, ..comma() };
        let [stream, parallel] = both(&bytes, &format, columns, block);
        prop_assert_eq!(&stream, &parallel);
        let mut records = Records::of_bytes(bytes, Path::new("x"), &format).unwrap();
        let mut record = Record::default();
        let mut rows = 0;
        let mut first_bad = None;
        while first_bad.is_none() && records.read(&mut record).unwrap() {
            if columns > 1 && record.is_blank() && record.flaw.is_none() {
                continue;
            }
            rows += 1;
            if record.flaw.is_some() || record.len() != columns {
                first_bad = Some(rows);
            }
        }
        match (stream, first_bad) {
            (Ok(checked), None) => prop_assert_eq!(checked.rows, rows),
            (Err(error), Some(bad)) => prop_assert!(error.message.contains(&format!("(record {bad})")), "{} {bad}", error.message),
            (stream, bad) => prop_assert!(false, "{stream:?} {bad:?}"),
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), columns in 1usize..5, block in 1usize..200) {
        let [stream, parallel] = both(&bytes, &comma(), columns, block);
        prop_assert_eq!(stream, parallel);
    }
}
