#![allow(clippy::unwrap_used, clippy::expect_used)]

//! Whole files, from the name to the verdict.

use std::path::{Path, PathBuf};

use super::record::Record;
use super::records::Records;
use super::*;
use crate::diagnostic::Class;
use crate::expression::DataType;
use crate::relation::CsvFormat;

fn data(name: &str) -> PathBuf {
    // The manifest may stand elsewhere than the sources; the files stand beside these.
    Path::new(file!()).parent().unwrap().join("../../tests/data").join(name)
}

/// The way of a file through all steps: what is read in the end, or the first error.
#[derive(Debug)]
struct Way {
    rows: u64,
    columns: Vec<(String, String)>,
    rewritten: bool,
}

fn way(name: &str, given: &Given) -> Result<Way, FileError> {
    let folder = tempfile::tempdir().unwrap();
    let mut path = data("hostile").join(name);
    let sniffed = sniff(&path, given)?;
    let mut compression = sniffed.compression;
    if sniffed.needs_transcoding() {
        let text = folder.path().join("text.csv");
        transcode(&path, compression, sniffed.encoding, sniffed.carriage_returns, &text, None)?;
        (path, compression) = (text, Compression::Plain);
    }
    let format = sniffed.csv_format(&[], None).unwrap();
    let files = [SampleFile { path: path.clone(), compression }];
    let plans = infer(&files, &format, &InferOptions::default())?.plans;
    let names: Vec<String> = plans.iter().map(|plan| plan.name.clone()).collect();
    let checked = check(&path, compression, &format, &names, &CheckOptions::default())?;
    let rewritten = checked.needs_rewrite().is_some();
    let (mut path, mut format) = (path, format);
    if rewritten {
        let clean = folder.path().join("clean.csv");
        let written = rewrite(&path, compression, &format, &plans, &clean, None)?;
        assert_eq!(written.rows, checked.rows);
        (path, compression, format) = (clean, Compression::Plain, written.format);
    }
    if let Some(problem) = locate_type_error(&path, compression, &format, &plans, None)? {
        return Err(problem.into());
    }
    let columns = plans.into_iter().map(|plan| (plan.name, plan.data_type.to_string())).collect();
    Ok(Way { rows: checked.rows, columns, rewritten })
}

fn refused(name: &str) -> FileError {
    let mut error = way(name, &Given::default()).unwrap_err();
    error.message = error.message.replace(&data("hostile").display().to_string(), "DIR");
    error
}

#[track_caller]
fn refused_with(name: &str, class: Class, message: &str, help: &str) {
    let error = refused(name);
    assert_eq!((error.class, error.message.as_str()), (class, message));
    assert!(error.help.as_deref().unwrap_or_default().contains(help), "{:?}", error.help);
}

#[test]
fn broken_files_each_give_one_clear_error() {
    let data = Class::Data;
    refused_with("empty.csv", data, "`DIR/empty.csv` is empty", "");
    refused_with("only_blank_lines.csv", data, "`DIR/only_blank_lines.csv` holds nothing but blank lines", "");
    let cut = "`DIR/truncated.csv.gz` is cut off: its compressed data end too early";
    refused_with("truncated.csv.gz", data, cut, "again");
    assert!(refused("corrupt.csv.gz").message.starts_with("`DIR/corrupt.csv.gz` cannot be read: "));
    refused_with(
        "ragged_short.csv",
        data,
        "DIR/ragged_short.csv, line 3 (record 2): 2 fields where the file has 3 columns, fewer than there should be; the line begins `2,b`",
        "on_error: reject",
    );
    refused_with(
        "ragged_long.csv",
        data,
        "DIR/ragged_long.csv, line 3 (record 2): 4 fields where the file has 3 columns, more than there should be; the line begins `2,b,3.5,x`",
        "on_error: reject",
    );
    refused_with(
        "unterminated_quote.csv",
        data,
        "DIR/unterminated_quote.csv, line 3 (record 2), column `name`: a quoted field begins here and is never closed; the line begins `2,\"b,3.5`",
        "on_error: reject",
    );
    refused_with(
        "text_after_quote.csv",
        data,
        "DIR/text_after_quote.csv, line 3 (record 2), column `name`: a quoted field begins here and goes on after its closing quote; the line begins `2,\"b\"c,3.5`",
        "double a quote",
    );
    refused_with(
        "nul.csv",
        data,
        "DIR/nul.csv, line 3 (record 2), column `name`: a NUL byte stands in the field; the line begins `2,b\\u{0}c,3.5`",
        "utf-16le",
    );
    refused_with(
        "invalid_utf8.csv",
        data,
        "`DIR/invalid_utf8.csv` is not UTF-8: byte 0xe9 in line 3 belongs to no character",
        "encoding: latin-1",
    );
    assert!(refused("utf16_cut.csv").message.contains("is no utf-16le: the bytes at offset"));
    refused_with("utf32.csv", data, "`DIR/utf32.csv` is UTF-32, which is not read", "UTF-8");
    refused_with(
        "duplicate_headers.csv",
        data,
        "`DIR/duplicate_headers.csv` has two columns `id`: column 1 and column 3",
        "duplicates: rename",
    );
    refused_with("array.json", data, "`DIR/array.json` is a JSON array, which is not read", "one object a line");
    refused_with("page.csv", data, "`DIR/page.csv` is an HTML page, which is not read", "error page");
    refused_with(
        "cut.parquet",
        data,
        "`DIR/cut.parquet` is cut off: it begins like a Parquet file, but does not end like one",
        "again",
    );
    refused_with(
        "encrypted.parquet",
        data,
        "`DIR/encrypted.parquet` is an encrypted Parquet file, which is not read",
        "",
    );
    refused_with(
        "late_type_change.csv.gz",
        data,
        "DIR/late_type_change.csv.gz, line 30002 (record 30001), column `price`: `twelve` is no float64; the line begins `30000,late,twelve`",
        "types: {price: string}",
    );
}

#[track_caller]
fn read(name: &str, given: &Given, rows: u64, columns: &[(&str, &str)], rewritten: bool) {
    let way = way(name, given).unwrap();
    let expected: Vec<_> = columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect();
    assert_eq!((way.rows, way.columns, way.rewritten), (rows, expected, rewritten));
}

#[test]
fn odd_files_are_read() {
    let plain = Given::default();
    let price: &[_] = &[("id", "int64"), ("name", "string"), ("price", "float64")];
    let city: &[_] = &[("id", "int64"), ("name", "string"), ("city", "string")];
    read("header_only.csv", &plain, 0, &[("id", "string"), ("name", "string"), ("price", "string")], false);
    read("not_gzip.csv.gz", &plain, 1, price, false);
    read("quotes_within_fields.csv", &plain, 3, price, true);
    read("utf16le.csv", &plain, 2, city, false);
    read("utf16le_bom.csv", &plain, 2, city, false);
    read("utf16be_bom.csv", &plain, 2, city, false);
    read("latin1.csv", &Given { encoding: Some(Encoding::Latin1), ..Given::default() }, 2, city, false);
    read("bom.csv", &plain, 2, city, false);
    read("crlf.csv", &plain, 2, price, false);
    read("carriage_returns.csv", &plain, 2, price, false);
    read("blank_lines.csv", &plain, 2, price, true);
    read("one_column.csv", &plain, 3, &[("name", "string")], false);
    read("semicolon_decimal_comma.csv", &plain, 2, price, false);
    read("tabs.tsv", &plain, 2, price, false);
    read("no_header.csv", &plain, 2, &[("column_1", "int64"), ("column_2", "string"), ("column_3", "float64")], false);
    read("looks_like_zlib.csv", &plain, 2, &[("x^2", "int64"), ("y", "int64")], true);
    read("markup.csv", &plain, 1, &[("</script><img src=x onerror=alert(1)>", "int64"), ("b", "int64")], false);
    read("x[1].csv", &plain, 1, price, false);
    let odd: &[_] = &[("id", "int64"), ("name", "string"), ("column_3", "string"), ("price", "float64")];
    read("odd_headers.csv", &plain, 1, odd, false);
}

#[test]
fn ndjson_is_told_from_csv() {
    assert_eq!(sniff(&data("hostile/lines.ndjson"), &Given::default()).unwrap().format, Format::Ndjson);
}

/// The records of a file as the answers of csv-spectrum write them: a list of objects of texts.
fn as_json(path: &Path) -> serde_json::Value {
    let sniffed = sniff(path, &Given::default()).unwrap();
    let format = CsvFormat { header: true, ..sniffed.csv_format(&[], None).unwrap() };
    let mut records = Records::open(path, Compression::Plain, &format).unwrap();
    let mut record = Record::default();
    let fields = |record: &Record| -> Vec<String> {
        assert_eq!(record.flaw, None);
        (0..record.len()).map(|i| String::from_utf8(record.value(i).unwrap().into_owned()).unwrap()).collect()
    };
    assert!(records.read(&mut record).unwrap());
    let names = fields(&record);
    let mut rows = Vec::new();
    while records.read(&mut record).unwrap() {
        let values = fields(&record).into_iter().map(serde_json::Value::from);
        rows.push(names.iter().cloned().zip(values).collect::<serde_json::Map<_, _>>().into());
    }
    let checked = check(path, Compression::Plain, &format, &names, &CheckOptions::default()).unwrap();
    assert_eq!(checked.rows, rows.len() as u64);
    serde_json::Value::Array(rows)
}

#[test]
fn csv_spectrum_reads_as_its_answers_say() {
    let mut files: Vec<_> =
        std::fs::read_dir(data("csv-spectrum/csvs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 12);
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let answer = std::fs::read(data("csv-spectrum/json").join(format!("{name}.json"))).unwrap();
        let mut answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        if name == "location_coordinates" {
            // The answer has another number than the file, and no list around it: see the README there.
            *answer.get_mut("Contact Phone Number").unwrap() = "2095257564".into();
            answer = serde_json::Value::Array(vec![answer]);
        }
        assert_eq!(as_json(&path), answer, "{name}");
    }
}

#[test]
fn types_of_a_plan_are_those_of_the_schemas() {
    let files = [SampleFile { path: data("hostile/crlf.csv"), compression: Compression::Plain }];
    let format = sniff(&data("hostile/crlf.csv"), &Given::default()).unwrap().csv_format(&[], None).unwrap();
    let plans = infer(&files, &format, &InferOptions::default()).unwrap().plans;
    assert_eq!(schema(&plans).unwrap().data_type("price"), Some(&DataType::Float64));
    assert_eq!(file_schema(&plans).unwrap().len(), 3);
}
