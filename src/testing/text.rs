//! Results of tests as people read them.

use std::fmt::Write as _;

use super::{RowDifference, TestResult};

/// Rows of each sort that are shown.
const SHOWN: usize = 10;
/// Characters of a cell that are shown.
const WIDEST: usize = 40;

/// A test with everything that is not as expected; one line when all is well.
pub fn text(result: &TestResult) -> String {
    let mark = if result.passed { "✓" } else { "✗" };
    let mut text = format!("{mark} {}", result.name);
    if !result.passed {
        let _ = write!(text, "  ({})", result.place);
    }
    text.push('\n');
    for problem in &result.problems {
        let _ = write!(text, "    {}", problem.message);
        if let Some(place) = problem.place.as_ref().filter(|place| **place != result.place) {
            let _ = write!(text, "  ({place})");
        }
        text.push('\n');
        if let Some(help) = &problem.help {
            let _ = writeln!(text, "      help: {help}");
        }
        if let Some(rows) = &problem.rows {
            difference(rows, &mut text);
        }
    }
    text
}

fn difference(rows: &RowDifference, text: &mut String) {
    for changed in rows.changed.iter().take(SHOWN) {
        let cells: Vec<&str> = changed.cells.iter().map(|(column, _, _)| column.as_str()).collect();
        let _ = writeln!(text, "      ~ line {}: {}", changed.line, named(&rows.columns, &changed.row, &cells));
        let mut lines = vec![["".to_owned(), "expected".to_owned(), "found".to_owned()]];
        lines.extend(
            changed
                .cells
                .iter()
                .map(|(column, expected, found)| [column.clone(), cell(expected.as_deref()), cell(found.as_deref())]),
        );
        let widths = widths(&lines);
        for line in lines {
            let _ = writeln!(text, "          {}", padded(&line, &widths));
        }
    }
    more(rows.changed.len(), "changed rows", text);
    section('-', "line", "missing", &rows.columns, &rows.missing, text);
    section('+', "row", "not expected", &rows.columns, &rows.extra, text);
}

fn section(
    sign: char,
    what: &str,
    title: &str,
    columns: &[String],
    rows: &[(usize, Vec<Option<String>>)],
    text: &mut String,
) {
    if rows.is_empty() {
        return;
    }
    let mut lines: Vec<Vec<String>> =
        vec![std::iter::once(format!("{title}:")).chain(columns.iter().cloned()).collect()];
    lines.extend(rows.iter().take(SHOWN).map(|(number, cells)| {
        std::iter::once(format!("{what} {number}")).chain(cells.iter().map(|value| cell(value.as_deref()))).collect()
    }));
    let widths = widths(&lines);
    for line in &lines {
        let _ = writeln!(text, "      {sign} {}", padded(line, &widths));
    }
    more(rows.len(), &format!("rows {title}"), text);
}

fn more(number: usize, what: &str, text: &mut String) {
    if number > SHOWN {
        let _ = writeln!(text, "        .. {} more {what}", number - SHOWN);
    }
}

/// The cells that agree, by their columns, so that a person recognises the row.
fn named(columns: &[String], row: &[Option<String>], wrong: &[&str]) -> String {
    let cells = columns.iter().zip(row).filter(|(column, _)| !wrong.contains(&column.as_str()));
    let cells: Vec<String> =
        cells.take(6).map(|(column, value)| format!("{column}: {}", cell(value.as_deref()))).collect();
    cells.join(", ")
}

fn cell(value: Option<&str>) -> String {
    let Some(value) = value else { return "null".to_owned() };
    let shown: String = value.chars().map(|c| if c.is_control() { '␤' } else { c }).take(WIDEST + 1).collect();
    let quoted = value.is_empty() || value == "null" || value != value.trim();
    let shown =
        if shown.chars().count() > WIDEST { shown.chars().take(WIDEST - 1).chain(['…']).collect() } else { shown };
    if quoted { format!("'{shown}'") } else { shown }
}

fn widths<L: AsRef<[String]>>(lines: &[L]) -> Vec<usize> {
    let mut widths: Vec<usize> = Vec::new();
    for line in lines {
        for (at, cell) in line.as_ref().iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(at) {
                Some(widest) => *widest = (*widest).max(width),
                None => widths.push(width),
            }
        }
    }
    widths
}

fn padded(line: &[String], widths: &[usize]) -> String {
    let cells = line.iter().zip(widths).map(|(cell, width)| {
        let missing = width.saturating_sub(cell.chars().count());
        format!("{cell}{}", " ".repeat(missing))
    });
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::{ChangedRow, Problem};
    use super::*;

    #[test]
    fn a_difference_shows_changed_cells_side_by_side_and_whole_rows_below() {
        let some = |text: &str| Some(text.to_owned());
        let rows = RowDifference {
            columns: vec!["id".into(), "late".into()],
            missing: vec![(12, vec![some("3"), None])],
            extra: vec![(2, vec![some("4"), some("false")])],
            changed: vec![ChangedRow {
                line: 11,
                row: vec![some("1"), some("true")],
                cells: vec![("late".into(), some("true"), some("false"))],
            }],
        };
        let problem = Problem {
            message: "`marked` gives other rows".into(),
            place: Some("p.yaml:9:7".into()),
            help: None,
            rows: Some(rows),
        };
        let result = TestResult {
            name: "late".into(),
            place: "p.yaml:5:11".into(),
            passed: false,
            seconds: 0.0,
            problems: vec![problem],
        };
        let expected = "\
✗ late  (p.yaml:5:11)
    `marked` gives other rows  (p.yaml:9:7)
      ~ line 11: id: 1
                expected  found
          late  true      false
      - missing:  id  late
      - line 12   3   null
      + not expected:  id  late
      + row 2          4   false
";
        assert_eq!(text(&result), expected);
    }
}
