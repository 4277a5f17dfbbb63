//! Files that are written, and read again.

use super::*;
use crate::engine::polars::pieces::{Least, part, pieces};
use crate::engine::{Compression, Target, TargetFormat};
use crate::relation::Tap;

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
    let types = crate::engine::polars::read_parquet_schema(&path, u64::MAX).unwrap();
    assert_eq!(types, example(&engine).schema());
    assert_eq!(rows(&engine, &whole(scan(vec![path], FileFormat::Parquet, types))), ["1 a,\"b\"", "- ", "3 -"]);
    assert_eq!(entries(&folder), ["t.csv", "t.ndjson", "t.parquet"]);
}

/// Two numbers a row.
fn pair() -> DataType {
    DataType::Array(Box::new(DataType::Int64), 2)
}

/// A scan of a Parquet file whose columns `n` and `m` count the rows, and `p` does so twice, a thousand in each row group.
fn row_groups_of_a_thousand(engine: &PolarsEngine, files: &Files, rows: i64) -> Arc<Relation> {
    let item = Arc::new(arrow::datatypes::Field::new("item", arrow::datatypes::DataType::Int64, true));
    let twice = arrow::array::Int64Array::from_iter_values((0..rows).flat_map(|n| [n, n]));
    let pairs = arrow::array::FixedSizeListArray::new(item, 2, Arc::new(twice), None);
    let n = ("n", DataType::Int64, numbers(0..rows));
    let input = table(engine, vec![n, ("m", DataType::Int64, numbers(0..rows)), ("p", pair(), Arc::new(pairs))]);
    let format = TargetFormat::Parquet { compression: Compression::Zstd, row_group_size: Some(1_000) };
    let target = target(&files.folder.path().join("t.parquet"), format, &[]);
    engine.write(&input, &Execution::default(), &target).unwrap();
    let types = crate::engine::polars::read_parquet_schema(&target.path, u64::MAX).unwrap();
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
    let narrow = Relation::Project {
        input: Arc::new(filtered),
        columns: vec![named("n", integer("n")), named("p", Expr::column("p", pair()))],
    };
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
    let expected: Vec<String> = (2_500..10_500).map(|n| format!("{n} [{n}, {n}]")).collect();
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
    assert_eq!(crate::engine::polars::read_parquet_schema(&parquet_target.path, u64::MAX).unwrap(), none.schema());
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
