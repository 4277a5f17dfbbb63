//! Files that are read in the types of a schema.

mod written;

use std::io::Write;
use std::path::{Path, PathBuf};

use super::*;
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::relation::{CsvFormat, FileFormat, FileScan};

fn csv_format() -> CsvFormat {
    CsvFormat {
        delimiter: b',',
        quote: Some(b'"'),
        header: true,
        skip_rows: 0,
        null_values: vec![],
        decimal_comma: false,
    }
}

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(bytes.as_ref()).unwrap();
        path
    }
}

fn scan(paths: Vec<PathBuf>, format: FileFormat, file_schema: Schema) -> FileScan {
    FileScan { paths, format, file_schema, filename: None, rows: None, fingerprint: String::new() }
}

fn relation(files: FileScan, schema: Schema) -> Arc<Relation> {
    Arc::new(Relation::Scan(Scan { source: ScanSource::Files(files), schema }))
}

fn whole(files: FileScan) -> Arc<Relation> {
    let schema = files.file_schema.clone();
    relation(files, schema)
}

fn failure(relation: &Relation) -> EngineError {
    engine().collect(relation, &Execution::default()).unwrap_err()
}

#[test]
fn a_csv_file_is_read_in_the_types_of_its_schema() {
    let files = Files::new();
    let text = "n,x,s,b\n1,1.5,\"a, \"\"b\"\"\",true\n,,,\n-3,2e3,\"two\nlines\",false\n";
    let types =
        schema(&[("n", DataType::Int16), ("x", DataType::Float64), ("s", DataType::String), ("b", DataType::Boolean)]);
    let scan = scan(vec![files.write("t.csv", text)], FileFormat::Csv(csv_format()), types);
    assert_eq!(rows(&engine(), &whole(scan)), ["1 1.5 a, \"b\" true", "- - - -", "-3 2000.0 two\nlines false"]);
}

#[test]
fn a_quoted_empty_field_is_text_and_an_unquoted_one_is_null() {
    let files = Files::new();
    let types = schema(&[("a", DataType::String), ("b", DataType::String)]);
    let scan = scan(
        vec![files.write("t.csv", "a,b\n\"\",\nNA,x\n")],
        FileFormat::Csv(CsvFormat { null_values: vec!["NA".to_owned()], ..csv_format() }),
        types,
    );
    assert_eq!(rows(&engine(), &whole(scan)), [" -", "- x"]);
}

#[test]
fn lines_before_the_header_other_marks_and_a_decimal_comma_are_read() {
    let files = Files::new();
    let text = "made by \"hand\nx;s\r\n1,5;'a;b'\r\n-2,25;c\r\n";
    let format = CsvFormat { delimiter: b';', quote: Some(b'\''), skip_rows: 1, decimal_comma: true, ..csv_format() };
    let scan = scan(
        vec![files.write("t.csv", text)],
        FileFormat::Csv(format),
        schema(&[("x", DataType::Float64), ("s", DataType::String)]),
    );
    assert_eq!(rows(&engine(), &whole(scan)), ["1.5 a;b", "-2.25 c"]);
}

#[test]
fn a_csv_file_without_header_takes_names_from_the_schema() {
    let files = Files::new();
    let format = CsvFormat { header: false, ..csv_format() };
    let scan = scan(
        vec![files.write("t.csv", "1,a\n2,b")],
        FileFormat::Csv(format),
        schema(&[("n", DataType::Int64), ("s", DataType::String)]),
    );
    assert_eq!(rows(&engine(), &whole(scan)), ["1 a", "2 b"]);
}

#[test]
fn compressed_csv_files_are_read() {
    let files = Files::new();
    let text = "n\n1\n2\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let paths = vec![
        files.write("a.csv.gz", gzip.finish().unwrap()),
        files.write("b.csv.zst", zstd::encode_all(text.as_bytes(), 1).unwrap()),
        files.write("c.csv", text),
    ];
    let scan = scan(paths, FileFormat::Csv(csv_format()), schema(&[("n", DataType::Int64)]));
    assert_eq!(rows(&engine(), &whole(scan)), ["1", "2", "1", "2", "1", "2"]);
}

#[test]
fn rows_can_be_limited_and_know_their_file() {
    let files = Files::new();
    let paths = vec![files.write("[a*].csv", "n\n1\n2\n"), files.write("b.csv", "n\n3\n4\n")];
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let mut scan = scan(paths, FileFormat::Csv(csv_format()), schema(&[("n", DataType::Int64)]));
    scan.filename = Some("file".to_owned());
    scan.rows = Some(3);
    let relation = relation(scan, schema(&[("n", DataType::Int64), ("file", DataType::String)]));
    assert_eq!(
        rows(&engine(), &relation),
        [format!("1 {}", names[0]), format!("2 {}", names[0]), format!("3 {}", names[1])]
    );
    assert_eq!(engine().count(&relation, &Execution::default()).unwrap(), 3);
}

#[test]
fn a_scan_hands_on_the_columns_of_its_schema_in_its_order() {
    let files = Files::new();
    let scan = scan(
        vec![files.write("t.csv", "a,b,c\n1,2,3\n")],
        FileFormat::Csv(csv_format()),
        schema(&[("a", DataType::Int64), ("b", DataType::Int64), ("c", DataType::Int64)]),
    );
    assert_eq!(rows(&engine(), &relation(scan, schema(&[("c", DataType::Int64), ("a", DataType::Int64)]))), ["3 1"]);
}

#[test]
fn counting_agrees_with_reading() {
    let files = Files::new();
    let scan = scan(
        vec![files.write("a.csv", "n,s\n1,\"x\ny\"\n2,z"), files.write("b.csv", "n,s\n"), files.write("c.csv", "")],
        FileFormat::Csv(csv_format()),
        schema(&[("n", DataType::Int64), ("s", DataType::String)]),
    );
    let relation = whole(scan);
    assert_eq!(engine().count(&relation, &Execution::default()).unwrap(), 2);
    assert_eq!(rows(&engine(), &relation).len(), 2);
}

#[test]
fn files_without_any_line_have_no_rows() {
    let files = Files::new();
    let scan = scan(vec![files.write("a.csv", "")], FileFormat::Csv(csv_format()), schema(&[("n", DataType::Int64)]));
    assert!(rows(&engine(), &whole(scan)).is_empty());
}

#[test]
fn a_value_of_another_type_is_named_with_its_column() {
    let files = Files::new();
    let path = files.write("t.csv", "n,s\n1,a\nx1,b\n");
    let scan = scan(
        vec![path.clone()],
        FileFormat::Csv(csv_format()),
        schema(&[("n", DataType::Int64), ("s", DataType::String)]),
    );
    let error = failure(&whole(scan));
    assert_eq!(error.class, Class::Data);
    assert_eq!(error.message, format!("column `n`: `x1` is not a value of type int64 (reading {})", path.display()));
}

#[test]
fn rows_with_more_fields_and_text_that_is_not_utf8_are_errors() {
    let files = Files::new();
    let types = schema(&[("a", DataType::Int64), ("s", DataType::String)]);
    let longer = scan(vec![files.write("l.csv", "a,s\n1,x,y\n")], FileFormat::Csv(csv_format()), types.clone());
    let error = failure(&whole(longer));
    assert_eq!(error.class, Class::Data);
    assert!(error.message.starts_with("a row has more fields than the header"), "{error}");
    let latin = scan(vec![files.write("u.csv", b"a,s\n1,\xe9\n")], FileFormat::Csv(csv_format()), types);
    let error = failure(&whole(latin));
    assert_eq!(error.class, Class::Data);
    assert!(error.message.starts_with("the text is not UTF-8"), "{error}");
}

#[test]
fn headers_must_agree() {
    let files = Files::new();
    let paths = vec![files.write("a.csv", "n,s\n1,x\n"), files.write("b.csv", "s,n\ny,2\n")];
    let types = schema(&[("n", DataType::Int64), ("s", DataType::String)]);
    let error = failure(&whole(scan(paths, FileFormat::Csv(csv_format()), types)));
    assert_eq!(error.class, Class::Data);
    assert!(error.message.ends_with("column 1 is `s` there and `n` here"), "{error}");
}

#[test]
fn a_missing_file_is_an_error_with_its_path() {
    for format in [FileFormat::Csv(csv_format()), FileFormat::Ndjson, FileFormat::Parquet] {
        let missing = scan(vec![PathBuf::from("/nowhere/t")], format, schema(&[("n", DataType::Int64)]));
        let error = failure(&whole(missing));
        assert_eq!(error.class, Class::Data);
        assert_eq!(error.message, "cannot read /nowhere/t: No such file or directory");
    }
}

#[test]
fn ndjson_is_read_in_the_types_of_its_schema() {
    let files = Files::new();
    let text = "{\"n\": 1, \"s\": \"a\", \"l\": [1, 2]}\n{\"s\": null, \"n\": 2}\n";
    let list = DataType::List(Box::new(DataType::Int64));
    let path = files.write("t.ndjson", text);
    let types = schema(&[("n", DataType::Int64), ("s", DataType::String), ("l", list)]);
    assert_eq!(crate::engine::polars::infer_ndjson_schema(&path, None).unwrap(), types);
    assert_eq!(rows(&engine(), &whole(scan(vec![path], FileFormat::Ndjson, types))), ["1 a [1, 2]", "2 - -"]);
}

#[test]
fn days_and_times_follow_the_rules_of_the_language_in_every_text_format() {
    let files = Files::new();
    let types = schema(&[
        ("d", DataType::Date),
        ("t", DataType::Datetime(None)),
        ("m", DataType::Decimal(8, 2)),
        ("i", DataType::Int8),
    ]);
    let csv = files.write("t.csv", "d,t,m,i\n2024-02-29,2024-02-29 12:30:00,-1.25,7\n,,,\n");
    let json = files
        .write("t.ndjson", "{\"d\": \"2024-02-29\", \"t\": \"2024-02-29 12:30:00\", \"m\": -1.25, \"i\": 7}\n{}\n");
    for (path, format) in [(csv, FileFormat::Csv(csv_format())), (json, FileFormat::Ndjson)] {
        let found = rows(&engine(), &whole(scan(vec![path], format, types.clone())));
        assert_eq!(found, ["2024-02-29 2024-02-29T12:30:00 -1.25 7", "- - - -"]);
    }
}

#[test]
fn what_is_no_day_or_does_not_fit_is_an_error() {
    let files = Files::new();
    let day = |text: &str| {
        let path = files.write("d.csv", format!("d\n{text}\n"));
        failure(&whole(scan(vec![path], FileFormat::Csv(csv_format()), schema(&[("d", DataType::Date)]))))
    };
    for text in ["2023-02-29", "soon"] {
        let error = day(text);
        assert_eq!(error.class, Class::Data);
        assert!(error.message.contains(text), "{error}");
    }
    for (value, data_type) in
        [("300", DataType::Int8), ("\"x\"", DataType::Int64), ("1.5", DataType::Int64), ("1", DataType::Boolean)]
    {
        let path = files.write("t.ndjson", format!("{{\"v\": {value}}}\n"));
        let error = failure(&whole(scan(vec![path], FileFormat::Ndjson, schema(&[("v", data_type)]))));
        assert_eq!(error.class, Class::Data, "{error}");
        assert!(error.message.contains(value.trim_matches('"')), "{error}");
    }
}

#[test]
fn a_broken_line_of_ndjson_is_named() {
    let files = Files::new();
    let path = files.write("t.ndjson", "{\"n\": 1}\n{\"n\": \n");
    let error = crate::engine::polars::infer_ndjson_schema(&path, None).unwrap_err();
    assert_eq!(error.class, Class::Data);
    assert!(error.message.starts_with(&format!("line 2 of {} is no JSON object", path.display())), "{error}");
}
