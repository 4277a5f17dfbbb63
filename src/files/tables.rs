//! Several tables in one grid of cells, and what stands around them: titles above, notes below, blank rows between.
//!
//! A guess, told with its reasons. It is made from how wide the rows are and from what stands in them: a header is text over columns
//! of numbers or days, a title is a lone cell above a wider table, a note one below it. Blank rows alone divide nothing: a block
//! below them that has the same columns and no header of its own goes on with the table above.

use super::error::{FileError, shown};
use super::value::{Token, token};
use crate::digits;

/// A row of cells at its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GridRow {
    /// Its number, counted from 1: a line of a text file, a row of a sheet.
    pub(super) number: u64,
    /// Its cells; trailing blank ones may be left out.
    pub(super) cells: Vec<String>,
}

/// A table that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTable {
    /// The title above it, if there is one.
    pub title: Option<String>,
    /// The row of its header, or of its first values where it has none; counted from 1.
    pub first_row: u64,
    /// Its last row; none when it goes on to the end of what was looked at.
    pub last_row: Option<u64>,
    /// Its first column, counted from 1.
    pub first_column: usize,
    /// Columns.
    pub columns: usize,
    /// Rows that were seen, without the header.
    pub rows: u64,
    /// The names of its first columns, as a person recognizes it.
    pub names: Vec<String>,
    /// Why it was taken for a table.
    pub because: String,
}

impl FoundTable {
    /// The table in a few words: `rows 3 to 9, 4 columns (id, name, ..)`.
    pub fn describe(&self, row: &str) -> String {
        let end = self.last_row.map_or("the end".to_owned(), |last| last.to_string());
        let names: Vec<String> = self.names.iter().take(3).map(|name| shown(name)).collect();
        let more = if self.names.len() > 3 { ", .." } else { "" };
        format!("{row}s {} to {end}, {} columns ({}{more})", self.first_row, self.columns, names.join(", "))
    }
}

/// The tables of a grid, from the top to the bottom and from the left to the right.
///
/// `whole`: these are all rows, so that the last block has an end. `beside`: tables may stand side by side, divided by blank columns, as
/// on a sheet. Cost: two passes over the cells.
pub(super) fn find(rows: &[GridRow], whole: bool, beside: bool) -> Vec<FoundTable> {
    let mut found: Vec<FoundTable> = Vec::new();
    let mut title: Option<String> = None;
    let blocks: Vec<&[GridRow]> = rows.split(is_blank).filter(|block| !block.is_empty()).collect();
    let last_block = blocks.len().saturating_sub(1);
    for (at, block) in blocks.iter().enumerate() {
        let open = at == last_block && !whole;
        for columns in column_ranges(block, beside) {
            let part: Vec<(u64, Vec<&str>)> = block
                .iter()
                .map(|row| (row.number, cells(row, columns.0, columns.1)))
                .filter(|(_, cells)| !cells.is_empty())
                .collect();
            let before = found.last();
            match part_of(&part, columns, before, title.as_deref(), (at > 0, beside)) {
                Part::Title(text) => title = Some(text),
                Part::Note => {}
                Part::More(rows) => {
                    if let Some(table) = found.last_mut() {
                        table.rows += rows;
                        table.last_row = (!open).then(|| part.last().map_or(0, |(number, _)| *number));
                    }
                }
                Part::Table(mut table) => {
                    if open && table.last_row == part.last().map(|(number, _)| *number) {
                        table.last_row = None;
                    }
                    title = None;
                    found.push(table);
                }
            }
        }
    }
    found
}

/// The table that is meant: by its title, its number from 1, or because there is no other.
///
/// Errors: there is none, or none of that name; several, and nobody said which.
pub(super) fn choose<'t>(
    found: &'t [FoundTable],
    wanted: Option<&str>,
    row: &str,
    place: &str,
) -> Result<&'t FoundTable, FileError> {
    let list = || {
        let shown = found.iter().zip(1..).take(20).map(|(table, number)| {
            let title = table.title.as_ref().map(|title| format!(" `{}`", shown(title))).unwrap_or_default();
            format!("{number}{title}: {}", table.describe(row))
        });
        shown.collect::<Vec<_>>().join("; ")
    };
    match (wanted, found) {
        (_, []) => {
            Err(FileError::data(format!("{place} holds no table")).help("name its cells or lines, or leave it out"))
        }
        (None, [only]) => Ok(only),
        (None, _) => Err(FileError::data(format!("{place} holds {} tables: {}", found.len(), list()))
            .help("read one of them with `table: 1`, and the others in stages of their own")),
        (Some(wanted), _) => {
            let by_title = found.iter().find(|table| table.title.as_deref().is_some_and(|title| title == wanted));
            let by_number = || wanted.parse::<usize>().ok().and_then(|number| found.get(number.checked_sub(1)?));
            by_title.or_else(by_number).ok_or_else(|| {
                FileError::definition(format!("{place} has no table `{}`", shown(wanted)))
                    .help(format!("it holds {}", list()))
            })
        }
    }
}

enum Part {
    Title(String),
    Note,
    More(u64),
    Table(FoundTable),
}

fn is_blank(row: &GridRow) -> bool {
    row.cells.iter().all(|cell| cell.trim().is_empty())
}

fn cells(row: &GridRow, first: usize, last: usize) -> Vec<&str> {
    let cells = row.cells.get(first..row.cells.len().min(last + 1)).unwrap_or_default();
    let filled = cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |at| at + 1);
    cells.iter().take(filled).map(|cell| cell.trim()).collect()
}

/// Ranges of columns, both ends included, that blank columns divide.
fn column_ranges(block: &[GridRow], beside: bool) -> Vec<(usize, usize)> {
    let width = block.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    if !beside {
        return vec![(0, width.saturating_sub(1))];
    }
    let filled: Vec<bool> = (0..width)
        .map(|column| block.iter().any(|row| row.cells.get(column).is_some_and(|cell| !cell.trim().is_empty())))
        .collect();
    let mut ranges = Vec::new();
    let mut begin = None;
    for (column, filled) in filled.iter().chain(std::iter::once(&false)).enumerate() {
        match (begin, filled) {
            (None, true) => begin = Some(column),
            (Some(first), false) => {
                ranges.push((first, column - 1));
                begin = None;
            }
            _ => {}
        }
    }
    ranges
}

fn part_of(
    part: &[(u64, Vec<&str>)],
    columns: (usize, usize),
    before: Option<&FoundTable>,
    title: Option<&str>,
    (below_blank, beside): (bool, bool),
) -> Part {
    let filled = |cells: &[&str]| cells.iter().filter(|cell| !cell.is_empty()).count();
    let width = usual_width(part);
    if part.iter().all(|(_, cells)| filled(cells) <= 1)
        && (width <= 1 && part.len() <= 3 || columns.0 == columns.1 && part.len() == 1)
    {
        // A lone number in a text file may be what is left of a row.
        let text = part.last().and_then(|(_, cells)| cells.iter().find(|cell| !cell.is_empty()));
        match text {
            Some(text) if beside || !is_typed(text) => return Part::Title((*text).to_owned()),
            Some(_) => {}
            None => return Part::Note,
        }
    }
    // Rows that are much narrower than the others, above a header, are titles and remarks.
    let narrow = |cells: &[&str]| filled(cells) < width && (filled(cells) <= 1 || filled(cells) <= 2 && width >= 4);
    let above = part.iter().take_while(|(_, cells)| narrow(cells)).count();
    let (above, rest) = part.split_at_checked(above).unwrap_or((&[], part));
    let Some((first, body)) = rest.split_first() else { return Part::Note };
    let has_header = is_header(&first.1, body, width);
    if !has_header && body.is_empty() && !above.is_empty() {
        // A title and one line below it, such as the day of a report, are no table.
        let text = above.iter().flat_map(|(_, cells)| cells).find(|cell| !cell.is_empty());
        return text.map_or(Part::Note, |text| Part::Title((*text).to_owned()));
    }
    let believed = has_header || above.is_empty();
    let (above, first, body) = if believed {
        (above, first, body)
    } else {
        match part.split_first() {
            Some((first, body)) => (&[] as &[_], first, body),
            None => return Part::Note,
        }
    };
    let is_note = |cells: &[&str]| filled(cells) <= 1 && cells.iter().all(|cell| cell.is_empty() || !is_typed(cell));
    let below = body.iter().rev().take_while(|(_, cells)| beside && width >= 3 && is_note(cells)).count();
    let body = body.get(..body.len() - below).unwrap_or(body);
    let last = body.last().unwrap_or(first);
    let same = before.is_some_and(|before| before.columns == width && before.first_column == columns.0 + 1);
    if same && !has_header && above.is_empty() {
        return Part::More(rest.len() as u64);
    }
    let name = above.last().and_then(|(_, cells)| cells.iter().find(|cell| !cell.is_empty())).copied().or(title);
    let mut reasons = Vec::new();
    match above {
        [] => {}
        [(number, _)] => reasons.push(format!("row {number} above it is a title")),
        [(number, _), .., (to, _)] => reasons.push(format!("rows {number} to {to} above it are titles")),
    }
    if has_header {
        reasons.push(format!("row {} holds names over values of other types", first.0));
    }
    if below_blank && before.is_some() {
        reasons.push(
            if same {
                "it has a header of its own below a blank row"
            } else {
                "it has other columns below a blank row"
            }
            .to_owned(),
        );
    }
    if below > 0 {
        reasons.push(format!("{} of notes below it", digits::rows(below as u64)));
    }
    Part::Table(FoundTable {
        title: name.map(str::to_owned),
        first_row: first.0,
        last_row: Some(last.0),
        first_column: columns.0 + 1,
        columns: width.max(first.1.len()),
        rows: body.len() as u64 + u64::from(!has_header),
        names: first.1.iter().map(|cell| (*cell).to_owned()).collect(),
        because: if reasons.is_empty() { "it is the only block of rows".to_owned() } else { reasons.join("; ") },
    })
}

/// The most frequent width of the rows; the wider of two that are as frequent.
fn usual_width(part: &[(u64, Vec<&str>)]) -> usize {
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    for (_, cells) in part {
        *counts.entry(cells.len()).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(width, count)| (*count, *width)).map_or(0, |(width, _)| width)
}

/// Names over columns of numbers, days or booleans: every cell is text, no two are equal.
fn is_header(first: &[&str], body: &[(u64, Vec<&str>)], width: usize) -> bool {
    let mut names: Vec<&str> = first.iter().copied().filter(|cell| !cell.is_empty()).collect();
    let texts = names.iter().all(|cell| !is_typed(cell));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    if !texts || names.len() != count || count * 2 < width.max(1) || body.is_empty() {
        return false;
    }
    (0..width).any(|column| {
        let values = || body.iter().filter_map(|(_, cells)| cells.get(column)).filter(|cell| !cell.is_empty());
        let typed = values().filter(|cell| is_typed(cell)).count();
        typed > 0 && typed * 10 >= values().count() * 8
    })
}

fn is_typed(cell: &str) -> bool {
    !matches!(token(cell.as_bytes(), false), Token::Text | Token::FloatWord)
        || !matches!(token(cell.as_bytes(), true), Token::Text | Token::FloatWord)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tables(text: &str, beside: bool) -> Vec<FoundTable> {
        let rows: Vec<GridRow> = text
            .lines()
            .zip(1..)
            .map(|(line, number)| GridRow { number, cells: line.split(',').map(str::to_owned).collect() })
            .collect();
        find(&rows, true, beside)
    }

    #[test]
    fn one_table_is_one_table() {
        let found = tables("id,name\n1,a\n2,b", false);
        assert_eq!(found.len(), 1);
        let table = found.first().unwrap();
        assert_eq!((table.first_row, table.last_row, table.columns, table.rows), (1, Some(3), 2, 2));
        assert_eq!(tables("1,a\n2,b", false).first().unwrap().rows, 2);
        assert_eq!(tables("", false), []);
    }

    #[test]
    fn titles_above_and_notes_below_are_no_rows() {
        let found = tables("Sales of the north\nas of 2024\nid,name,amount\n1,a,2.5\n2,b,3.5\nSource: us", true);
        assert_eq!(found.len(), 1);
        let table = found.first().unwrap();
        assert_eq!((table.first_row, table.last_row, table.title.as_deref()), (3, Some(5), Some("as of 2024")));
        assert_eq!(
            table.because,
            "rows 1 to 2 above it are titles; row 3 holds names over values of other types; 1 row of notes below it"
        );
    }

    #[test]
    fn blank_rows_divide_tables_with_other_columns_or_headers() {
        let found = tables("People\n\nid,name\n1,a\n2,b\n\nOrders\n\norder,person,total\n7,1,2.5\n\n", false);
        let places: Vec<(u64, Option<u64>, Option<&str>)> =
            found.iter().map(|table| (table.first_row, table.last_row, table.title.as_deref())).collect();
        assert_eq!(places, [(3, Some(5), Some("People")), (9, Some(10), Some("Orders"))]);
        assert_eq!(tables("id,name\n1,a\n\nid,name\n2,b", false).len(), 2);
        let goes_on = tables("id,name\n1,a\n\n2,b\n\n\n3,c", false);
        assert_eq!((goes_on.len(), goes_on.first().unwrap().last_row, goes_on.first().unwrap().rows), (1, Some(7), 3));
    }

    #[test]
    fn what_is_left_of_a_row_is_no_note() {
        assert_eq!(tables("id,name,x\n1,a,2\n2", false).first().unwrap().last_row, Some(3));
        assert_eq!(tables("id,name,x\n1,a,2\n2", true).first().unwrap().last_row, Some(3));
        assert_eq!(tables("id,name,x\n1,a,2\n\n2", false).len(), 2);
        assert_eq!(tables("id,name,x\n1,a,2\n\nSource: us", false).len(), 1);
    }

    #[test]
    fn a_short_header_is_no_title() {
        let found = tables("a,b\n1,2,3\n4,5,6", false);
        assert_eq!((found.len(), found.first().unwrap().first_row), (1, 1));
        let found = tables("name\nx,y\nu,v", false);
        assert_eq!(found.first().unwrap().first_row, 1, "nothing shows that the second row is a header");
    }

    #[test]
    fn tables_stand_side_by_side_on_a_sheet() {
        let found = tables("id,name,,city,people\n1,a,,Rome,3\n2,b,,Oslo,1", true);
        let places: Vec<(usize, usize)> = found.iter().map(|table| (table.first_column, table.columns)).collect();
        assert_eq!(places, [(1, 2), (4, 2)]);
        assert_eq!(tables("id,name,,city\n1,a,,Rome", false).len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn found_tables_lie_in_the_grid_and_do_not_overlap(text in "([a1, \n]|,|\n){0,60}", beside: bool) {
            let found = tables(&text, beside);
            let rows = text.lines().count() as u64;
            for table in &found {
                let last = table.last_row.unwrap_or(rows);
                proptest::prop_assert!(1 <= table.first_row && table.first_row <= last && last <= rows);
            }
            if !beside {
                for pair in found.windows(2) {
                    if let [a, b] = pair {
                        proptest::prop_assert!(a.last_row.unwrap_or(rows) < b.first_row);
                    }
                }
            }
        }
    }
}
