//! Where the field stands that an engine could not read.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::compression::Compression;
use super::error::{CsvProblem, FileError};
use super::judge::Judge;
use super::plan::ColumnPlan;
use super::record::Record;
use super::records::Records;
use crate::relation::CsvFormat;

/// The first field that is no value of its column's type, with what to do about it. `None` when all are.
///
/// Engines say that a value did not parse; this says which one, after they failed.
///
/// Errors: the file cannot be read; [`crate::diagnostic::Class::Interrupted`] when `cancelled` is set.
///
/// Cost: one pass up to the field, with one thread.
pub fn locate_type_error(
    path: &Path,
    compression: Compression,
    format: &CsvFormat,
    plans: &[ColumnPlan],
    cancelled: Option<&AtomicBool>,
) -> Result<Option<CsvProblem>, FileError> {
    let judge = Judge::new(format, plans);
    let mut records = Records::open(path, compression, format)?;
    let mut record = Record::default();
    if format.header {
        records.read(&mut record)?;
    }
    let mut number = 0;
    while records.read(&mut record)? {
        if judge.is_no_row(&record) {
            continue;
        }
        number += 1;
        FileError::if_cancelled(cancelled)?;
        if let Some(fault) = judge.fault(&record) {
            return Ok(Some(fault.problem(&path.display().to_string(), &record, number)));
        }
    }
    Ok(None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::expression::DataType;
    use crate::files::plan::Conversion;

    fn located(text: &str) -> Option<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let format = CsvFormat {
            delimiter: b',',
            quote: Some(b'"'),
            header: true,
            skip_rows: 0,
            null_values: vec!["NA".into()],
            decimal_comma: false,
        };
        let day = Conversion { format: "%Y-%m-%d".into(), instant: false };
        let plans = [
            ColumnPlan::native("n", DataType::Int64, ""),
            ColumnPlan::converted("d", DataType::Date, day, ""),
            ColumnPlan::native("s", DataType::String, ""),
        ];
        let problem = locate_type_error(file.path(), Compression::Plain, &format, &plans, None).unwrap()?;
        Some(problem.to_string().replace(&file.path().display().to_string(), "FILE") + " | " + &problem.help.unwrap())
    }

    #[test]
    fn the_first_field_that_does_not_fit_is_named_with_the_ways_out() {
        assert_eq!(
            located("n,d,s\n1,2013-01-31,\"x\ny\"\nNA,,\n\n\"\",NA,\n2.5,2013-01-31,x\n").unwrap(),
            "FILE, line 7 (record 4), column `n`: `2.5` is no int64; the line begins `2.5,2013-01-31,x` | read the column as \
             text with `types: {n: string}`, name the value in `null_values`, or set rows like this aside with `on_error: reject`"
        );
        assert!(
            located("n,d,s\n1,31.01.2013,x\n")
                .unwrap()
                .contains("column `d`: `31.01.2013` is no date of the format %Y-%m-%d")
        );
        assert_eq!(located("n,d,s\n1,2013-01-31,x\n"), None);
    }
}
