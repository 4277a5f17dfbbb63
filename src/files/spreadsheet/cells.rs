//! The cells of a sheet as texts, row by row.

use std::sync::atomic::AtomicBool;

use calamine::{Data, DataRef, ExcelDateTime, Reader, Sheets};

use super::{Workbook, unreadable};
use crate::files::error::{FileError, shown};

/// A row of a sheet: its filled cells by their column, counted from 0.
pub(super) struct SheetRow {
    pub(super) number: u64,
    pub(super) cells: Vec<(usize, SheetCell)>,
}

pub(super) enum SheetCell {
    Text(String),
    /// A day, and the time of it unless it is midnight.
    Day {
        day: String,
        time: Option<String>,
    },
}

impl SheetCell {
    pub(super) fn text(&self, with_time: bool) -> String {
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
pub(super) fn each_row(
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_csv_has_them() {
        let written = [3.0, -2.5, 1e20, 1e-7, 0.1, 123_456_789_012_345.0].map(|value| number(value).unwrap());
        assert_eq!(written, ["3", "-2.5", "1e20", "1e-7", "0.1", "123456789012345"]);
    }
}
