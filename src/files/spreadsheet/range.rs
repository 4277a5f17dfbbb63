//! Cells in A1 notation.

use crate::files::error::{FileError, shown};

/// Cells of a sheet, counted from 1.
pub(super) struct CellRange {
    pub(super) first_row: u64,
    pub(super) last_row: Option<u64>,
    pub(super) first_column: usize,
    pub(super) last_column: Option<usize>,
}

/// `B3:F200`, `B3`, or `B:F`.
pub(super) fn parse_range(text: &str, name: &str) -> Result<CellRange, FileError> {
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

#[cfg(test)]
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
}
