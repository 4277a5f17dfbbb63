//! Files that are copied before an engine reads them: workbooks, fixed width, one table of several, Arrow IPC.

use std::path::Path;

use super::work::ReadWork;
use super::{FixedWidth, Found, Read};
use crate::diagnostic::{Diagnostic, Findings};
use crate::engine::EngineError;
use crate::expression::Schema;
use crate::files::{self, FileError, FixedColumn, Original, SheetChoice};
use crate::relation::{FileFormat, PreparedFiles, Scan};
use crate::stages::PlanContext;

/// Rows that are copied to look at them when a pipeline is planned.
pub(super) const SAMPLE: u64 = 20_000;

/// What each file is that has to be copied; none when the engine can read all of them as they are.
pub(super) fn originals(
    options: &Read,
    found: &Found,
    context: &PlanContext<'_>,
    warnings: &mut Vec<String>,
    reasons: &mut Vec<String>,
) -> Result<Option<Vec<Original>>, Findings> {
    let place = options.path.first().map_or(context.place, |path| &path.place);
    let first = found.sniffed.first();
    if let Some(layout) = &options.fixed_width {
        let layout =
            checked(layout, options.skip_rows).map_err(|message| vec![Diagnostic::definition(message).at(place)])?;
        return Ok(Some(vec![Original::FixedWidth(layout); found.paths.len()]));
    }
    if first.is_some_and(|sniffed| sniffed.format == files::Format::Workbook) {
        let text = |value: &Option<crate::definition::Spanned<super::NameOrNumber>>| {
            value.as_ref().map(|value| value.value.0.clone())
        };
        let choice = SheetChoice {
            sheet: text(&options.sheet),
            range: options.range.as_ref().map(|range| range.value.clone()),
            table: text(&options.table),
        };
        let mut tables = Vec::new();
        for path in &found.paths {
            let table = files::find_sheet_table(path, &choice, &path.display().to_string())
                .map_err(|error| vec![Diagnostic::from(error).at(place)])?;
            warnings.extend(table.warnings.iter().cloned());
            if tables.is_empty() {
                reasons.extend(table.reasons.iter().cloned());
            }
            tables.push(Original::Sheet(table));
        }
        return Ok(Some(tables));
    }
    if let Some(option) =
        options.sheet.as_ref().map(|sheet| &sheet.place).or(options.range.as_ref().map(|range| &range.place))
    {
        return Err(vec![
            Diagnostic::definition("`sheet` and `range` belong to workbooks, but this is text").at(option),
        ]);
    }
    let lines = |sniffed: &files::Sniffed| (sniffed.skip_rows, sniffed.last_line);
    let alike =
        found.sniffed.iter().all(|sniffed| Some(lines(sniffed)) == first.map(lines) && sniffed.last_line.is_none());
    Ok((!alike).then(|| vec![Original::Lines; found.paths.len()]))
}

/// The layout with every start known.
fn checked(layout: &FixedWidth, skip_rows: u64) -> Result<files::FixedWidth, String> {
    let mut columns: Vec<FixedColumn> = Vec::new();
    let mut next = 0_usize;
    for (name, column) in layout.columns.iter() {
        let start = match column.start {
            Some(0) => return Err(format!("column `{}` starts at 0, but characters are counted from 1", name.value)),
            Some(start) => start - 1,
            None => next,
        };
        if column.width == 0 || column.width > 1 << 20 {
            return Err(format!("column `{}` needs a width from 1 to {}", name.value, 1 << 20));
        }
        if start < next {
            return Err(format!(
                "column `{}` starts at {}, within the column before, which ends at {next}",
                name.value,
                start + 1
            ));
        }
        next = start.saturating_add(column.width);
        columns.push(FixedColumn { name: name.value.clone(), start, width: column.width });
    }
    if columns.is_empty() {
        return Err("`fixed_width` names no column".to_owned());
    }
    if let Some(length) = layout.length.filter(|length| *length < next) {
        return Err(format!("the columns end at character {next}, but lines have {length}"));
    }
    Ok(files::FixedWidth { columns, length: layout.length, skip_rows, trim: layout.trim })
}

/// Arrow IPC: the columns are those of a copy without rows.
pub(super) fn plan_arrow(
    options: &Read,
    found: &Found,
    context: &PlanContext<'_>,
) -> Result<(Scan, ReadWork), FileError> {
    if options.has_csv_options() {
        return Err(FileError::definition(
            "types, names, delimiters, tables and rejects belong to CSV and workbooks, but this is another format",
        ));
    }
    let unread = |error: EngineError| FileError { class: error.class, message: error.message, help: error.help };
    let mut schema: Option<Schema> = None;
    let mut copies = Vec::new();
    for (number, path) in found.paths.iter().enumerate() {
        let name = path.display().to_string();
        let copy = context.scratch.join(format!("{}-{number}.parquet", found.fingerprint));
        files::copy_arrow(path, &name, &copy, Some(SAMPLE), None)?;
        let own = context
            .engine
            .file_schema(&copy, &FileFormat::Parquet, 0)
            .map_err(unread)
            .map_err(|error| renamed(error, &copy, &name))?;
        match &schema {
            Some(first) if *first != own => {
                return Err(FileError::data(format!("`{name}` has other columns than the first file"))
                    .help(super::difference(first, &own)));
            }
            _ => schema = Some(own),
        }
        copies.push(copy);
    }
    let schema = schema.unwrap_or_default();
    let names = found.paths.iter().map(|path| path.display().to_string()).collect();
    let sample = PreparedFiles { paths: copies, names, format: FileFormat::Parquet };
    files::keep_sample(context.scratch, &found.fingerprint, &sample)?;
    let scan = options.scan(found, FileFormat::Parquet, &schema, &schema);
    Ok((scan, ReadWork::arrow(found, options.rows)))
}

/// A copy is our own; a person knows the file by its name.
pub(super) fn renamed(error: FileError, copy: &Path, name: &str) -> FileError {
    FileError { message: error.message.replace(&copy.display().to_string(), name), ..error }
}
