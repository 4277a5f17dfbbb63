#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;
use crate::expression::DataType;
use crate::files::check::{CheckOptions, check};

fn format() -> CsvFormat {
    CsvFormat {
        delimiter: b',',
        quote: Some(b'"'),
        header: true,
        skip_rows: 0,
        null_values: vec!["NA".into()],
        decimal_comma: false,
    }
}

fn plans() -> Vec<ColumnPlan> {
    vec![ColumnPlan::native("n", DataType::Int64, ""), ColumnPlan::native("s", DataType::String, "")]
}

fn run(bytes: &[u8], limit: u64) -> Result<(Filtered, String, Vec<Reject>), FileError> {
    let folder = tempfile::tempdir().unwrap();
    let (path, clean) = (folder.path().join("in.csv"), folder.path().join("clean.csv"));
    std::fs::write(&path, bytes).unwrap();
    let mut rejects = Vec::new();
    let options = FilterOptions { limit, cancelled: None };
    let filtered =
        filter(&path, Compression::Plain, &format(), &plans(), &options, &clean, &mut |reject| rejects.push(reject))?;
    let names = ["n".to_owned(), "s".to_owned()];
    let checked = check(&clean, Compression::Plain, &filtered.format, &names, &CheckOptions::default()).unwrap();
    assert_eq!((checked.rows, checked.needs_rewrite()), (filtered.rows, None));
    Ok((filtered, String::from_utf8(std::fs::read(&clean).unwrap()).unwrap(), rejects))
}

#[test]
fn good_rows_are_written_and_bad_ones_handed_on_with_their_reason() {
    let (filtered, clean, rejects) = run(b"n,s\n1,a\nx,b\n2\n3,c,d\nNA,\"\"\n4,\xff\n,5\" pipe\n", 10).unwrap();
    assert_eq!((filtered.rows, filtered.rejected), (3, 4));
    assert_eq!(clean, "\"n\",\"s\"\n1,a\nNA,\"\"\n,\"5\"\" pipe\"\n");
    let brief: Vec<_> =
        rejects.iter().map(|r| (r.line, r.column.as_deref(), r.reason.as_str(), r.raw.as_str())).collect();
    assert_eq!(
        brief,
        [
            (3, Some("n"), "`x` is no int64", "x,b"),
            (4, None, "1 field where the file has 2 columns, fewer than there should be", "2"),
            (5, None, "3 fields where the file has 2 columns, more than there should be", "3,c,d"),
            (7, Some("s"), "the field is not valid UTF-8", "4,\u{fffd}"),
        ]
    );
}

#[test]
fn a_stray_quote_costs_its_line_and_not_the_rest() {
    let (filtered, clean, rejects) = run(b"n,s\n1,a\n2,\"b\n3,c\n4,\"d\"\n5,e\n6,\"f\n", 10).unwrap();
    assert_eq!((filtered.rows, filtered.rejected), (4, 2));
    assert_eq!(clean, "\"n\",\"s\"\n1,a\n3,c\n4,\"d\"\n5,e\n");
    assert_eq!(rejects.iter().map(|reject| reject.line).collect::<Vec<_>>(), [3, 7]);
}

#[test]
fn fields_over_several_lines_survive_and_blank_lines_go() {
    let (filtered, clean, rejects) = run(b"n,s\r\n1,\"a\r\nb\"\r\n\r\n2,c\r\n", 0).unwrap();
    assert_eq!(clean, "\"n\",\"s\"\n1,\"a\r\nb\"\n2,c\n");
    assert_eq!(rejects, []);
    assert_eq!(filtered.needs_rewrite, Some("blank lines stand between the rows"));
    assert_eq!(run(b"n,s\n1,\"a\"\"\"\n", 0).unwrap().0.needs_rewrite, None);
    assert!(run(b"n,s\n1,5\" pipe\n", 0).unwrap().0.needs_rewrite.is_some());
}

#[test]
fn too_many_rejects_end_it() {
    let error = run(b"n,s\nx,a\ny,b\nz,c\n", 2).unwrap_err();
    assert_eq!(error.class, Class::Data);
    assert!(
        error
            .message
            .ends_with("more broken rows than the 2 of `reject_limit`; the last one is in line 4: `z` is no int64"),
        "{error}"
    );
}

#[test]
fn it_stops_when_somebody_asks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.csv");
    std::fs::write(&path, "n,s\n1,a\n").unwrap();
    let stop = AtomicBool::new(true);
    let options = FilterOptions { limit: 0, cancelled: Some(&stop) };
    let clean = folder.path().join("clean.csv");
    let error = filter(&path, Compression::Plain, &format(), &plans(), &options, &clean, &mut |_| {}).unwrap_err();
    assert_eq!(error.class, Class::Interrupted);
    let error = rewrite(&path, Compression::Plain, &format(), &plans(), &clean, Some(&stop)).unwrap_err();
    assert_eq!(error.class, Class::Interrupted);
}

#[test]
fn a_raw_record_is_kept_up_to_four_kib() {
    let text = format!("n,s\nx,{}\n", "y".repeat(10_000));
    let (_, _, rejects) = run(text.as_bytes(), 1).unwrap();
    assert_eq!(rejects.first().unwrap().raw.len(), 4096);
}

proptest! {
    #[test]
    fn whatever_the_bytes_the_clean_file_is_clean(bytes in proptest::collection::vec(
        prop_oneof![any::<u8>(), Just(b','), Just(b'"'), Just(b'\n'), Just(b'1')], 0..300)) {
        let mut text = b"n,s\n".to_vec();
        text.extend(bytes);
        let (filtered, _, rejects) = run(&text, u64::MAX).unwrap();
        prop_assert_eq!(filtered.rejected, rejects.len() as u64);
    }
}
