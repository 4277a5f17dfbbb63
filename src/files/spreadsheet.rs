//! Workbooks: xlsx, xlsm, xlsb, xls and ods. A table on a sheet is copied to CSV, row by row.

mod cells;
mod range;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use calamine::{Ods, Reader, SheetVisible, Sheets, Xls, Xlsb, Xlsx};
use cells::{SheetCell, SheetRow, each_row};
use range::parse_range;

use super::archive::{self, Kind};
use super::careful::carefully;
use super::error::{FileError, shown};
use super::original::{Copied, CopyWriter};
use super::tables::{self, FoundTable, GridRow};
use crate::diagnostic::nearest;

/// Rows of a sheet that are looked at to find its tables.
const SAMPLE: u64 = 5_000;

/// What was said about the table to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SheetChoice {
    /// Name of the sheet, or its number from 1.
    pub sheet: Option<String>,
    /// Cells in A1 notation: `B3:F200`, or `B:F` for whole columns.
    pub range: Option<String>,
    /// Title of the table on the sheet, or its number from 1.
    pub table: Option<String>,
}

/// A table on a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetTable {
    /// The sheet.
    pub sheet: String,
    /// First row, counted from 1.
    pub first_row: u64,
    /// Last row; none: to the end.
    pub last_row: Option<u64>,
    /// First column, counted from 1.
    pub first_column: usize,
    /// Columns.
    pub columns: usize,
    /// Columns of days in which some have a time.
    pub times: Vec<bool>,
    /// Why this table, in sentences.
    pub reasons: Vec<String>,
    /// What else is in the workbook.
    pub warnings: Vec<String>,
}

type Workbook = Sheets<BufReader<File>>;

fn open(path: &Path, name: &str) -> Result<Workbook, FileError> {
    let mut magic = [0; 4];
    let mut file = super::compression::open_file(path)?;
    super::compression::read_full(&mut file, &mut magic).map_err(|error| FileError::reading(path, &error))?;
    let kind = if magic.starts_with(b"PK") { archive::check(path, name)? } else { Kind::Xls };
    let file = BufReader::new(File::open(path).map_err(|error| FileError::reading(path, &error))?);
    match kind {
        Kind::Xlsx => Xlsx::new(file).map(Sheets::Xlsx).map_err(|error| unreadable(name, &error)),
        Kind::Xlsb => Xlsb::new(file).map(Sheets::Xlsb).map_err(|error| unreadable(name, &error)),
        Kind::Ods => Ods::new(file).map(Sheets::Ods).map_err(|error| unreadable(name, &error)),
        Kind::Xls => Xls::new(file).map(Sheets::Xls).map_err(|error| unreadable(name, &error)),
    }
}

fn unreadable(name: &str, error: &dyn std::fmt::Display) -> FileError {
    FileError::data(format!("`{name}` is no workbook that can be read: {}", shown(&error.to_string())))
        .help("open it in another program and save it as xlsx or CSV")
}

/// Finds the table that is meant.
///
/// Errors: the file is no workbook; there is no such sheet, range or table, or several tables and nobody said which; a limit of
/// [`super::spreadsheet`].
pub fn find_sheet_table(path: &Path, choice: &SheetChoice, name: &str) -> Result<SheetTable, FileError> {
    carefully(name, || {
        let mut workbook = open(path, name)?;
        let (sheet, mut reasons, mut warnings) = choose_sheet(&mut workbook, choice, name)?;
        let mut grid = Grid::default();
        let complete = each_row(&mut workbook, &sheet, name, None, &mut |row| {
            grid.add(row);
            Ok((grid.rows.len() as u64) < SAMPLE)
        })?;
        let range = choice.range.as_deref().map(|range| parse_range(range, name)).transpose()?;
        let (first_row, last_row, first_column, columns) = match range {
            Some(range) => {
                reasons.push(format!("the range is {}, as given", choice.range.as_deref().unwrap_or_default()));
                let width = grid.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
                let last_column = range.last_column.unwrap_or(width).max(range.first_column);
                (range.first_row, range.last_row, range.first_column, last_column - range.first_column + 1)
            }
            None => {
                let found = tables::find(&grid.filled(), complete, true);
                let table = super::tables::choose(
                    &found,
                    choice.table.as_deref(),
                    "row",
                    &format!("sheet `{sheet}` of `{name}`"),
                )?;
                reasons.push(format!("the table is {}: {}", table.describe("row"), table.because));
                let others = found.len() - 1;
                if others > 0 {
                    warnings.push(format!(
                        "sheet `{sheet}` of `{name}` holds {others} more tables; this one is `table: {}`",
                        choice.table.as_deref().unwrap_or("1")
                    ));
                }
                (table.first_row, table.last_row, table.first_column, table.columns)
            }
        };
        let times = (first_column - 1..first_column - 1 + columns)
            .map(|column| grid.times.get(column) == Some(&true))
            .collect();
        Ok(SheetTable { sheet, first_row, last_row, first_column, columns, times, reasons, warnings })
    })
}

fn choose_sheet(
    workbook: &mut Workbook,
    choice: &SheetChoice,
    name: &str,
) -> Result<(String, Vec<String>, Vec<String>), FileError> {
    let all: Vec<String> = workbook.sheet_names();
    if let Some(wanted) = &choice.sheet {
        let by_number = wanted.parse::<usize>().ok().and_then(|number| all.get(number.checked_sub(1)?));
        return match all.iter().find(|sheet| *sheet == wanted).or(by_number) {
            Some(sheet) => Ok((sheet.clone(), vec![format!("the sheet is `{}`, as given", shown(sheet))], Vec::new())),
            None => {
                let error = FileError::definition(format!("`{name}` has no sheet `{}`", shown(wanted)));
                Err(match nearest(wanted, all.iter().map(String::as_str)) {
                    Some(near) => error.help(format!("did you mean `{}`?", shown(near))),
                    None => error.help(format!("its sheets are {}", listed(&all))),
                })
            }
        };
    }
    let hidden: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.visible != SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect();
    for sheet in all.iter().filter(|sheet| !hidden.contains(sheet)) {
        let mut filled = false;
        // Sheets of charts have no cells; they are passed over like empty ones.
        let looked = each_row(workbook, sheet, name, None, &mut |_| {
            filled = true;
            Ok(false)
        });
        if looked.is_err() || !filled {
            continue;
        }
        let mut warnings = Vec::new();
        if all.len() > 1 {
            let others: Vec<String> = all.iter().filter(|other| *other != sheet).cloned().collect();
            warnings.push(format!("`{name}` has more sheets: {}; name one with `sheet`", listed(&others)));
        }
        return Ok((
            sheet.clone(),
            vec![format!("`{}` is the first visible sheet with something on it", shown(sheet))],
            warnings,
        ));
    }
    Err(FileError::data(format!("`{name}` has no sheet with anything on it")).help("leave the file out"))
}

fn listed(names: &[String]) -> String {
    let mut shown: Vec<String> = names.iter().take(10).map(|name| format!("`{}`", super::error::shown(name))).collect();
    if names.len() > 10 {
        shown.push(format!("and {} more", names.len() - 10));
    }
    shown.join(", ")
}

/// The rows that were looked at.
#[derive(Default)]
struct Grid {
    rows: Vec<GridRow>,
    times: Vec<bool>,
}

impl Grid {
    fn add(&mut self, row: &SheetRow) {
        for (column, cell) in &row.cells {
            if self.times.len() <= *column {
                self.times.resize(*column + 1, false);
            }
            if let (SheetCell::Day { time: Some(_), .. }, Some(times)) = (cell, self.times.get_mut(*column)) {
                *times = true;
            }
        }
        let width = row.cells.last().map_or(0, |(column, _)| column + 1);
        let mut cells = vec![String::new(); width];
        for (column, cell) in &row.cells {
            if let Some(place) = cells.get_mut(*column) {
                *place = cell.text(false);
            }
        }
        self.rows.push(GridRow { number: row.number, cells });
    }

    /// With the blank rows between them, which the file may leave out.
    fn filled(&self) -> Vec<GridRow> {
        let mut filled = Vec::with_capacity(self.rows.len());
        let mut next = None;
        for row in &self.rows {
            if next.is_some_and(|next| row.number > next) {
                filled.push(GridRow { number: row.number - 1, cells: Vec::new() });
            }
            next = Some(row.number + 1);
            filled.push(row.clone());
        }
        filled
    }
}

/// Copies a table to `out` as CSV without a header of its own making: its first row is the first line. Blank rows are left out.
///
/// Memory: a row, and the texts of the workbook (all cells for xls and ods).
///
/// Errors: as [`find_sheet_table`]; `out` cannot be written.
pub(super) fn copy_sheet_table(
    path: &Path,
    table: &SheetTable,
    name: &str,
    out: &Path,
    rows: Option<u64>,
    cancelled: Option<&AtomicBool>,
) -> Result<Copied, FileError> {
    carefully(name, || {
        let mut workbook = open(path, name)?;
        let mut copy = CopyWriter::create(out)?;
        let mut copied = Copied::default();
        let complete = each_row(&mut workbook, &table.sheet, name, cancelled, &mut |row| {
            if row.number < table.first_row {
                return Ok(true);
            }
            if table.last_row.is_some_and(|last| row.number > last) || rows.is_some_and(|rows| copied.rows >= rows) {
                return Ok(false);
            }
            let mut cells = vec![String::new(); table.columns];
            for (column, cell) in &row.cells {
                let Some(at) = column.checked_sub(table.first_column - 1) else { continue };
                if let Some(place) = cells.get_mut(at) {
                    *place = cell.text(table.times.get(at) == Some(&true));
                }
            }
            if cells.iter().any(|cell| !cell.is_empty()) {
                copy.row(row.number, cells.iter().map(String::as_str))?;
                copied.rows += 1;
            }
            Ok(true)
        })?;
        copied.cut = !complete && table.last_row.is_none();
        copied.lines = copy.finish()?;
        Ok(copied)
    })
}

/// The tables of each sheet of a workbook, for `gristmill init`: (sheet, tables).
///
/// Errors: the file is no workbook.
pub fn sheet_tables(path: &Path, name: &str) -> Result<Vec<(String, Vec<FoundTable>)>, FileError> {
    carefully(name, || {
        let mut workbook = open(path, name)?;
        let mut found = Vec::new();
        for sheet in workbook.sheet_names() {
            let mut grid = Grid::default();
            let looked = each_row(&mut workbook, &sheet, name, None, &mut |row| {
                grid.add(row);
                Ok((grid.rows.len() as u64) < SAMPLE)
            });
            if let Ok(complete) = looked {
                found.push((sheet, tables::find(&grid.filled(), complete, true)));
            }
        }
        Ok(found)
    })
}
