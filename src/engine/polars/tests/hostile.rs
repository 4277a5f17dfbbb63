//! Damaged and unusual Parquet files of the Apache Parquet project give rows or one clear error.

use std::path::{Path, PathBuf};

use super::*;
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::engine::polars::read_parquet_schema;
use crate::relation::{FileFormat, FileScan};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/parquet")
}

fn read(path: &Path) -> Result<usize, EngineError> {
    let schema = read_parquet_schema(path, u64::MAX)?;
    let files = FileScan {
        paths: vec![path.to_owned()],
        format: FileFormat::Parquet,
        file_schema: schema.clone(),
        filename: None,
        rows: None,
        fingerprint: String::new(),
    };
    let relation = Relation::Scan(Scan { source: ScanSource::Files(files), schema });
    let batches = engine().collect(&relation, &Execution::default())?;
    Ok(batches.iter().map(RecordBatch::num_rows).sum())
}

#[test]
fn no_file_makes_the_engine_panic_or_hang() {
    let mut files = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "parquet" && extension != "encrypted") {
            continue;
        }
        files += 1;
        if let Err(error) = read(&path) {
            assert_eq!(error.class, Class::Data, "{}: {error}", path.display());
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(error.message.contains(&name), "{}: {error}", path.display());
        }
    }
    assert!(files > 10);
}
