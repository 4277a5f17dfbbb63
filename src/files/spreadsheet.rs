//! Workbooks: xlsx, xlsm, xlsb, xls and ods. A table on a sheet is copied to CSV, row by row.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use calamine::{Data, DataRef, ExcelDateTime, Ods, Reader, SheetVisible, Sheets, Xls, Xlsb, Xlsx};

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

/// A row of a sheet: its filled cells by their column, counted from 0.
struct SheetRow {
    number: u64,
    cells: Vec<(usize, SheetCell)>,
}

enum SheetCell {
    Text(String),
    /// A day, and the time of it unless it is midnight.
    Day {
        day: String,
        time: Option<String>,
    },
}

impl SheetCell {
    fn text(&self, with_time: bool) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Day { day, time: Some(time) } => format!("{day} {time}"),
            Self::Day { day, time: None } if with_time => format!("{day} 00:00:00"),
            Self::Day { day, time: None } => day.clone(),
        }
    }

    fn of(value: &DataRef<'_>) -> Option<Self> {
        let text = match value {
            DataRef::Int(value) => value.to_string(),
            DataRef::Float(value) => number(*value)?,
            DataRef::String(text) => text.clone(),
            DataRef::SharedString(text) => (*text).to_owned(),
            DataRef::Bool(value) => value.to_string(),
            DataRef::DateTime(moment) => return Some(Self::of_moment(*moment)),
            DataRef::DateTimeIso(text) => match text.split_once('T') {
                Some((day, time)) => {
                    let time = (time != "00:00:00").then(|| time.to_owned());
                    return Some(Self::Day { day: day.to_owned(), time });
                }
                None => return Some(Self::Day { day: text.clone(), time: None }),
            },
            DataRef::DurationIso(text) => text.clone(),
            // An error of a formula is no value.
            DataRef::Error(_) | DataRef::Empty => return None,
        };
        if text.is_empty() { None } else { Some(Self::Text(text)) }
    }

    fn of_moment(moment: ExcelDateTime) -> Self {
        let serial = moment.as_f64();
        if moment.is_duration() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "lengths of time in seconds are small; the cast saturates"
            )]
            let seconds = (serial * 86_400.0).round() as i64;
            let (sign, seconds) = if seconds < 0 { ("-", -seconds) } else { ("", seconds) };
            return Self::Text(format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
        }
        let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
        let mut time = format!("{hour:02}:{minute:02}:{second:02}");
        if milli > 0 {
            time.push_str(&format!(".{milli:03}"));
        }
        if (0.0..1.0).contains(&serial) {
            return Self::Text(time);
        }
        let is_midnight = hour == 0 && minute == 0 && second == 0 && milli == 0;
        Self::Day { day: format!("{year:04}-{month:02}-{day:02}"), time: (!is_midnight).then_some(time) }
    }
}

/// A number as it is written in CSV: whole numbers without a mark.
fn number(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "within 15 digits")]
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return Some((value as i64).to_string());
    }
    Some(if value.abs() >= 1e15 || value.abs() < 1e-5 { format!("{value:e}") } else { value.to_string() })
}

fn owned(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(moment) => DataRef::DateTime(*moment),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

/// Hands over the rows that have a filled cell, from the top; `Ok(false)` of `take` ends it. Gives whether all rows were seen.
fn each_row(
    workbook: &mut Workbook,
    sheet: &str,
    name: &str,
    cancelled: Option<&AtomicBool>,
    take: &mut dyn FnMut(&SheetRow) -> Result<bool, FileError>,
) -> Result<bool, FileError> {
    let mut rows = Rows { open: None, name, sheet, cancelled, take };
    match workbook {
        Sheets::Xlsx(workbook) => {
            let mut cells = workbook.worksheet_cells_reader(sheet).map_err(|error| unreadable(name, &error))?;
            while let Some(cell) = cells.next_cell().map_err(|error| unreadable(name, &error))? {
                if !rows.cell(cell.get_position(), cell.get_value())? {
                    return Ok(false);
                }
            }
        }
        Sheets::Xlsb(workbook) => {
            let mut cells = workbook.worksheet_cells_reader(sheet).map_err(|error| unreadable(name, &error))?;
            while let Some(cell) = cells.next_cell().map_err(|error| unreadable(name, &error))? {
                if !rows.cell(cell.get_position(), cell.get_value())? {
                    return Ok(false);
                }
            }
        }
        Sheets::Xls(_) | Sheets::Ods(_) => {
            let range = workbook.worksheet_range(sheet).map_err(|error| unreadable(name, &error))?;
            let (row, column) = range.start().unwrap_or((0, 0));
            for (r, c, value) in range.used_cells() {
                let place = (row.saturating_add(to_u32(r)), column.saturating_add(to_u32(c)));
                if !rows.cell(place, &owned(value))? {
                    return Ok(false);
                }
            }
        }
    }
    rows.finish()
}

fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

struct Rows<'a> {
    open: Option<SheetRow>,
    name: &'a str,
    sheet: &'a str,
    cancelled: Option<&'a AtomicBool>,
    take: &'a mut dyn FnMut(&SheetRow) -> Result<bool, FileError>,
}

impl Rows<'_> {
    fn cell(&mut self, (row, column): (u32, u32), value: &DataRef<'_>) -> Result<bool, FileError> {
        let Some(cell) = SheetCell::of(value) else { return Ok(true) };
        if row >= 1_048_576 || column >= 16_384 {
            return Err(FileError::data(format!(
                "`{}`, sheet `{}`: a cell lies outside of every sheet",
                self.name,
                shown(self.sheet)
            )));
        }
        let number = u64::from(row) + 1;
        if self.open.as_ref().is_some_and(|open| open.number != number) {
            let before = self.open.as_ref().map_or(0, |open| open.number);
            if number < before {
                let message =
                    format!("`{}`, sheet `{}`: row {number} stands behind row {before}", self.name, shown(self.sheet));
                return Err(FileError::data(message).help("open it in another program and save it again"));
            }
            if !self.finish()? {
                return Ok(false);
            }
        }
        let open = self.open.get_or_insert_with(|| SheetRow { number, cells: Vec::new() });
        open.cells.push((usize::try_from(column).unwrap_or(usize::MAX), cell));
        Ok(true)
    }

    fn finish(&mut self) -> Result<bool, FileError> {
        let Some(mut row) = self.open.take() else { return Ok(true) };
        if row.number % 1024 == 0 {
            FileError::if_cancelled(self.cancelled)?;
        }
        row.cells.sort_by_key(|(column, _)| *column);
        (self.take)(&row)
    }
}

struct CellRange {
    first_row: u64,
    last_row: Option<u64>,
    first_column: usize,
    last_column: Option<usize>,
}

/// `B3:F200`, `B3`, or `B:F`.
fn parse_range(text: &str, name: &str) -> Result<CellRange, FileError> {
    let wrong = || {
        FileError::definition(format!("`{}` is no range of cells (of `{name}`)", shown(text)))
            .help("write it as `B3:F200` or `B:F`")
    };
    let (from, to) = match text.trim().split_once(':') {
        Some((from, to)) => (corner(from).ok_or_else(wrong)?, Some(corner(to).ok_or_else(wrong)?)),
        None => (corner(text.trim()).ok_or_else(wrong)?, None),
    };
    let range = CellRange {
        first_row: from.1.unwrap_or(1),
        last_row: to.and_then(|to| to.1),
        first_column: from.0,
        last_column: to.map(|to| to.0),
    };
    let upside_down = range.last_row.is_some_and(|last| last < range.first_row)
        || range.last_column.is_some_and(|last| last < range.first_column);
    if upside_down { Err(wrong()) } else { Ok(range) }
}

/// Column and row of `B3`, both counted from 1; the column alone of `B`.
fn corner(text: &str) -> Option<(usize, Option<u64>)> {
    let text = text.trim().trim_start_matches('$');
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    if letters == 0 || letters > 3 {
        return None;
    }
    let (letters, digits) = text.split_at_checked(letters)?;
    let column =
        letters.bytes().fold(0, |column, letter| column * 26 + usize::from(letter.to_ascii_uppercase() - b'A' + 1));
    let digits = digits.trim_start_matches('$');
    let row = if digits.is_empty() {
        None
    } else {
        Some(digits.parse::<u64>().ok().filter(|row| (1..=1_048_576).contains(row))?)
    };
    (column <= 16_384).then_some((column, row))
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn corners_are_columns_and_rows() {
        assert_eq!(corner("B3"), Some((2, Some(3))));
        assert_eq!(corner("$AA$10"), Some((27, Some(10))));
        assert_eq!(corner("XFD"), Some((16_384, None)));
        for text in ["", "3", "XFE1", "A0", "B3x", "ABCD1"] {
            assert_eq!(corner(text), None, "{text}");
        }
        assert!(parse_range("C3:B4", "x").is_err() && parse_range("B:D", "x").is_ok());
    }

    #[test]
    fn numbers_are_written_as_csv_has_them() {
        let written = [3.0, -2.5, 1e20, 1e-7, 0.1, 123_456_789_012_345.0].map(|value| number(value).unwrap());
        assert_eq!(written, ["3", "-2.5", "1e20", "1e-7", "0.1", "123456789012345"]);
    }
}
