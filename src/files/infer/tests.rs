#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write;

use super::*;

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

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> SampleFile {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        SampleFile { path, compression: Compression::Plain }
    }
}

fn inferred(text: &str, options: &InferOptions) -> Result<Inferred, FileError> {
    let folder = Folder::new();
    let result = infer(&[folder.file("a.csv", text.as_bytes())], &format(), options);
    result.map_err(|error| FileError {
        message: error.message.replace(&folder.0.path().display().to_string(), "DIR"),
        ..error
    })
}

fn types(text: &str, options: &InferOptions) -> Vec<(String, String)> {
    let plans = inferred(text, options).unwrap().plans;
    plans.into_iter().map(|plan| (plan.name, plan.data_type.to_string())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, data_type)| ((*name).to_owned(), (*data_type).to_owned())).collect()
}

#[test]
fn types_are_told_from_the_rows_and_nulls_are_no_evidence() {
    let text = "i,f,d,t,zip,none\n1,NA,2013-01-31,2013-01-31T10:00:00Z,00501,NA\nNA,1.5,,,12345,\"\"\n";
    let expected = [
        ("i", "int64"),
        ("f", "float64"),
        ("d", "date"),
        ("t", "datetime(UTC)"),
        ("zip", "string"),
        ("none", "string"),
    ];
    assert_eq!(types(text, &InferOptions::default()), pairs(&expected));
}

#[test]
fn declared_types_win_and_dates_take_the_format_of_their_fields() {
    let declare = |types: &[(&str, DataType)], formats: &[(&str, &str)]| InferOptions {
        types: types.iter().map(|(name, data_type)| ((*name).to_owned(), data_type.clone())).collect(),
        formats: formats.iter().map(|(name, format)| ((*name).to_owned(), (*format).to_owned())).collect(),
        ..InferOptions::default()
    };
    let text = "a,b\n31.01.2013,2013-01-31T10:00\n";
    let options = declare(&[("a", DataType::Date), ("b", DataType::Datetime(None))], &[("a", "%d.%m.%Y")]);
    let plans = inferred(text, &options).unwrap().plans;
    let formats: Vec<_> = plans.iter().map(|plan| plan.conversion.clone().unwrap().format).collect();
    assert_eq!(formats, ["%d.%m.%Y", "%Y-%m-%dT%H:%M"]);

    let unknown = inferred(text, &declare(&[("aa", DataType::Date)], &[])).unwrap_err();
    assert_eq!(unknown.message, "`DIR/a.csv` has no column `aa`, for which a type is declared");
    assert_eq!(unknown.help.unwrap(), "did you mean `a`?");
    let list = inferred(text, &declare(&[("a", DataType::List(Box::new(DataType::String)))], &[])).unwrap_err();
    assert!(list.message.contains("cannot be read as list(string) from text"));
}

#[test]
fn files_without_a_header_have_numbered_or_given_names() {
    let folder = Folder::new();
    let file = folder.file("a.csv", b"1,x\n2,y\n");
    let bare = CsvFormat { header: false, ..format() };
    let names = |options: &InferOptions| {
        infer(std::slice::from_ref(&file), &bare, options)
            .map(|found| found.plans.into_iter().map(|plan| plan.name).collect::<Vec<_>>())
    };
    assert_eq!(names(&InferOptions::default()).unwrap(), ["column_1", "column_2"]);
    let given = |names: &[&str]| InferOptions {
        names: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..InferOptions::default()
    };
    assert_eq!(names(&given(&["id", "what"])).unwrap(), ["id", "what"]);
    assert!(names(&given(&["id"])).unwrap_err().message.contains("`names` has 1 name, but"));
}

#[test]
fn an_empty_file_has_no_columns_and_a_header_alone_has_text() {
    let empty = inferred("", &InferOptions::default()).unwrap_err();
    assert_eq!(empty.message, "`DIR/a.csv` holds no data, not even the names of columns");
    assert!(inferred("\n\n", &InferOptions::default()).is_err());
    let found = inferred("a,b\n", &InferOptions::default()).unwrap();
    assert_eq!((found.rows, found.complete, found.plans.len()), (0, true, 2));
}

#[test]
fn files_that_are_read_together_have_the_same_columns() {
    let folder = Folder::new();
    let first = folder.file("a.csv", b"x,y\n1,2\n");
    let second = folder.file("b.csv", b"x,y\n1.5,2\n");
    let third = folder.file("c.csv", b"x,z\n1,2\n");
    let wider = folder.file("d.csv", b"x,y,z\n1,2,3\n");
    let found = infer(&[first.clone(), second], &format(), &InferOptions::default()).unwrap();
    assert_eq!(found.plans.first().unwrap().data_type, DataType::Float64);
    let error = infer(&[first.clone(), third], &format(), &InferOptions::default()).unwrap_err();
    assert!(error.message.starts_with("column 2 of `") && error.message.contains("c.csv` is `z`, but in `"), "{error}");
    let error = infer(&[first, wider], &format(), &InferOptions::default()).unwrap_err();
    assert!(error.message.contains("3 fields where the file has 2 columns"), "{error}");
}

#[test]
fn a_surprise_at_the_end_of_a_large_file_is_seen() {
    let mut text = b"a,b\n".to_vec();
    for i in 0..200_000 {
        writeln!(text, "{i},\"some text\"").unwrap();
    }
    writeln!(text, "late,\"x\"").unwrap();
    let folder = Folder::new();
    let file = folder.file("a.csv", &text);
    let found = infer(&[file], &format(), &InferOptions::default()).unwrap();
    let plan = found.plans.first().unwrap();
    assert_eq!((&plan.data_type, plan.reason.as_str()), (&DataType::String, "`late` further down is text"));
    assert!(!found.complete);
}

#[test]
fn all_columns_are_text_on_demand() {
    let options = InferOptions { all_string: true, ..InferOptions::default() };
    assert_eq!(types("a,b\n1,2\n", &options), pairs(&[("a", "string"), ("b", "string")]));
}

#[test]
fn a_hundred_thousand_columns_are_no_trouble() {
    let header = (0..100_000).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",");
    let row = vec!["1"; 100_000].join(",");
    let started = std::time::Instant::now();
    let found = inferred(&format!("{header}\n{row}\n"), &InferOptions::default()).unwrap();
    assert_eq!(found.plans.len(), 100_000);
    assert!(started.elapsed().as_secs() < 5);
}
