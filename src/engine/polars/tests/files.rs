use std::io::Write;
use std::path::{Path, PathBuf};

use super::*;
use crate::diagnostic::Class;
use crate::engine::polars::pieces::{Least, part, pieces};
use crate::engine::{Compression, EngineError, Target, TargetFormat};
use crate::relation::{CsvFormat, FileFormat, FileScan, Tap};

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

fn parquet() -> TargetFormat {
    TargetFormat::Parquet { compression: Compression::Zstd, row_group_size: None }
}

fn csv() -> TargetFormat {
    TargetFormat::Csv { delimiter: b',', null_value: "NA".to_owned() }
}

fn target(path: &Path, format: TargetFormat, partition_by: &[&str]) -> Target {
    Target { path: path.to_owned(), format, partition_by: partition_by.iter().map(|&name| name.to_owned()).collect() }
}

fn example(engine: &PolarsEngine) -> Arc<Relation> {
    table(
        engine,
        vec![
            ("n", DataType::Int64, integers(&[Some(1), None, Some(3)])),
            ("s", DataType::String, texts(&[Some("a,\"b\""), Some(""), None])),
        ],
    )
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn rows_are_written_and_read_again() {
    let engine = engine();
    let files = Files::new();
    let folder = files.folder.path().join("new/deep");
    let written = |name: &str, format| {
        let target = target(&folder.join(name), format, &[]);
        let written = engine.write(&example(&engine), &Execution::default(), &target).unwrap();
        let bytes = std::fs::metadata(&target.path).unwrap().len();
        assert_eq!((written.rows, written.files), (3, vec![(target.path.clone(), bytes)]));
        target.path
    };
    let path = written("t.csv", csv());
    assert_eq!(std::fs::read_to_string(path).unwrap(), "n,s\n1,\"a,\"\"b\"\"\"\nNA,\"\"\n3,NA\n");
    let path = written("t.ndjson", TargetFormat::Ndjson);
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        "{\"n\":1,\"s\":\"a,\\\"b\\\"\"}\n{\"n\":null,\"s\":\"\"}\n{\"n\":3,\"s\":null}\n"
    );
    let path = written("t.parquet", parquet());
    let types = crate::engine::polars::read_parquet_schema(&path).unwrap();
    assert_eq!(types, example(&engine).schema());
    assert_eq!(rows(&engine, &whole(scan(vec![path], FileFormat::Parquet, types))), ["1 a,\"b\"", "- ", "3 -"]);
    assert_eq!(entries(&folder), ["t.csv", "t.ndjson", "t.parquet"]);
}

/// A scan of a Parquet file whose columns `n` and `m` count the rows, a thousand in each row group.
fn row_groups_of_a_thousand(engine: &PolarsEngine, files: &Files, rows: i64) -> Arc<Relation> {
    let input = table(engine, vec![("n", DataType::Int64, numbers(0..rows)), ("m", DataType::Int64, numbers(0..rows))]);
    let format = TargetFormat::Parquet { compression: Compression::Zstd, row_group_size: Some(1_000) };
    let target = target(&files.folder.path().join("t.parquet"), format, &[]);
    engine.write(&input, &Execution::default(), &target).unwrap();
    let types = crate::engine::polars::read_parquet_schema(&target.path).unwrap();
    whole(scan(vec![target.path], FileFormat::Parquet, types))
}

/// Pieces of so many row groups.
fn least(row_groups: usize) -> Least {
    Least { row_groups, bytes: 0, bytes_for_footer: 0 }
}

#[test]
fn a_file_that_is_read_in_pieces_has_the_same_rows_and_counts() {
    let engine = engine();
    let files = Files::new();
    let scanned = row_groups_of_a_thousand(&engine, &files, 10_500);
    let tap = |input, stage: &str| {
        let tap = Tap { stage: stage.to_owned(), point: "out".to_owned(), counters: vec![], samples: vec![] };
        Arc::new(Relation::Tap { input, tap: Arc::new(tap) })
    };
    let filtered = Relation::Filter { input: tap(scanned, "read"), predicate: greater(integer("n"), 2_499) };
    let narrow = Relation::Project { input: Arc::new(filtered), columns: vec![named("n", integer("n"))] };
    let relation = tap(Arc::new(narrow), "end");
    let found = pieces(&relation, least(3));
    assert_eq!(found.len(), 4, "{found:?}");
    let execution = Execution::default();
    let mut batches = Vec::new();
    let mut keep = |batch| {
        batches.push(batch);
        Ok(true)
    };
    engine.stream_pieces(&relation, found.clone(), &execution, &mut keep).unwrap();
    let expected: Vec<String> = (2_500..10_500).map(|n| n.to_string()).collect();
    assert_eq!(text(&batches, &relation.schema()), expected);
    let tally = execution.tally.snapshot();
    let rows_of = |stage: &str| tally[&(stage.to_owned(), "out".to_owned())].rows;
    assert_eq!((rows_of("read"), rows_of("end")), (10_500, 8_000));
    // Only the row groups of a piece are read.
    let plan = engine.explain(&part(&relation, found[1])).unwrap();
    assert!(plan.contains("SLICE: Positive { offset: 3000, len: 3000 }"), "{plan}");
    // A small file and what is not computed row by row are read as a whole.
    assert!(pieces(&relation, Least::of(1)).is_empty());
    let sorted = Relation::Sort {
        input: relation,
        keys: vec![SortKey { expr: integer("n"), descending: true, nulls_first: false }],
    };
    assert!(pieces(&sorted, least(3)).is_empty());
}

#[test]
fn a_sink_that_wants_no_more_pieces_gets_none() {
    let engine = engine();
    let files = Files::new();
    let relation = row_groups_of_a_thousand(&engine, &files, 5_000);
    let mut batches = 0;
    let mut stop = |_| {
        batches += 1;
        Ok(false)
    };
    let found = pieces(&relation, least(1));
    engine.stream_pieces(&relation, found, &Execution::default(), &mut stop).unwrap();
    assert_eq!(batches, 1);
}

#[test]
fn no_rows_make_a_file_with_a_header() {
    let engine = engine();
    let files = Files::new();
    let none = Relation::Filter { input: example(&engine), predicate: greater(integer("n"), 9) };
    let csv_target = target(&files.folder.path().join("t.csv"), csv(), &[]);
    assert_eq!(engine.write(&none, &Execution::default(), &csv_target).unwrap().rows, 0);
    assert_eq!(std::fs::read_to_string(&csv_target.path).unwrap(), "n,s\n");
    let parquet_target = target(&files.folder.path().join("t.parquet"), parquet(), &[]);
    engine.write(&none, &Execution::default(), &parquet_target).unwrap();
    assert_eq!(crate::engine::polars::read_parquet_schema(&parquet_target.path).unwrap(), none.schema());
}

#[test]
fn an_error_leaves_the_old_file_and_nothing_else() {
    let engine = engine();
    let files = Files::new();
    let path = files.write("t.csv", "old");
    let input = table(&engine, vec![("s", DataType::String, texts(&[Some("1"), Some("x")]))]);
    let broken = Relation::Project { input, columns: vec![named("n", string("s").cast(DataType::Int64, true))] };
    assert_eq!(
        engine.write(&broken, &Execution::default(), &target(&path, csv(), &[])).unwrap_err().class,
        Class::Data
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(entries(files.folder.path()), ["t.csv"]);
    let deep = files.folder.path().join("a/b/t.csv");
    engine.write(&broken, &Execution::default(), &target(&deep, csv(), &[])).unwrap_err();
    assert_eq!(entries(files.folder.path()), ["t.csv"]);
}

#[test]
fn a_cancelled_write_leaves_nothing() {
    let engine = engine();
    let files = Files::new();
    let execution = Execution::default();
    execution.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
    for partition_by in [&[][..], &["n"]] {
        let target = target(&files.folder.path().join("out"), csv(), partition_by);
        assert_eq!(engine.write(&example(&engine), &execution, &target).unwrap_err().class, Class::Interrupted);
    }
    assert!(entries(files.folder.path()).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_system_refuses_is_an_error_about_the_output() {
    let engine = engine();
    let input = table(&engine, vec![("n", DataType::Int64, numbers(0..1000))]);
    let error = crate::engine::polars::sink::output_error(Path::new("out.csv"), &std::io::Error::from_raw_os_error(28));
    assert_eq!((error.class, error.message.as_str()), (Class::Output, "cannot write out.csv: No space left on device"));
    let target = target(Path::new("/proc/nothing/out.csv"), csv(), &[]);
    let error = engine.write(&input, &Execution::default(), &target).unwrap_err();
    assert_eq!(error.class, Class::Output);
    assert!(error.message.starts_with("cannot write /proc/nothing/out.csv: "), "{error}");
}

#[test]
fn a_column_that_the_format_cannot_hold_is_refused_by_name() {
    let engine = engine();
    let files = Files::new();
    let list = DataType::List(Box::new(DataType::Int64));
    let input = table(
        &engine,
        vec![(
            "l",
            list,
            Arc::new(arrow::array::LargeListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>([Some(
                vec![Some(1)],
            )])),
        )],
    );
    let target = target(&files.folder.path().join("t.csv"), csv(), &[]);
    let error = engine.write(&input, &Execution::default(), &target).unwrap_err();
    assert_eq!(error.class, Class::Definition);
    assert_eq!(error.message, "column `l` of type list(int64) cannot be written as CSV");
}

#[test]
fn partitions_become_folders_that_replace_those_of_the_run_before() {
    let engine = engine();
    let files = Files::new();
    let input = table(
        &engine,
        vec![
            ("k", DataType::String, texts(&[Some("a/b"), None, Some("x"), Some("a/b")])),
            ("n", DataType::Int64, numbers(0..4)),
        ],
    );
    let out = files.folder.path().join("out");
    let only_first = Relation::Limit { input: input.clone(), offset: 2, rows: 1 };
    engine.write(&only_first, &Execution::default(), &target(&out, csv(), &["k"])).unwrap();
    assert_eq!(entries(&out), ["k=x"]);
    let written = engine.write(&input, &Execution::default(), &target(&out, csv(), &["k"])).unwrap();
    assert_eq!(written.rows, 4);
    assert_eq!(entries(&out), ["k=__HIVE_DEFAULT_PARTITION__", "k=a%2Fb", "k=x"]);
    assert_eq!(entries(files.folder.path()), ["out"]);
    assert_eq!(std::fs::read_to_string(out.join("k=a%2Fb/part-0.csv")).unwrap(), "n\n0\n3\n");
    assert_eq!(written.files.len(), 3);
    for (path, bytes) in written.files {
        assert_eq!(std::fs::metadata(path).unwrap().len(), bytes);
    }
}

#[test]
fn a_folder_of_somebody_else_is_not_replaced() {
    let engine = engine();
    let files = Files::new();
    files.write("precious.txt", "mine");
    let error = engine
        .write(&example(&engine), &Execution::default(), &target(files.folder.path(), csv(), &["n"]))
        .unwrap_err();
    assert_eq!(error.class, Class::Output);
    assert_eq!(entries(files.folder.path()), ["precious.txt"]);
}

#[test]
fn too_many_partitions_are_a_limit_and_leave_nothing() {
    let engine = engine();
    let files = Files::new();
    let input =
        table(&engine, vec![("k", DataType::Int64, numbers(0..10_001)), ("n", DataType::Int64, numbers(0..10_001))]);
    let out = files.folder.path().join("out");
    let error = engine.write(&input, &Execution::default(), &target(&out, csv(), &["k"])).unwrap_err();
    assert_eq!(error.class, Class::Limit);
    assert!(entries(files.folder.path()).is_empty());
}
