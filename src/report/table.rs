//! The small tables of exhibits.

use maud::{Markup, PreEscaped, html};

use super::budget::Budget;
use super::{format, text};
use crate::exhibit::{Cell, Format, Table};

/// The most rows that are shown.
pub(super) const MOST_ROWS: usize = 200;
/// The most columns that are shown.
const MOST_COLUMNS: usize = 60;
/// The most characters of a cell.
const LONGEST_CELL: usize = 200;
/// A table with this many columns may be wider than its place, so that it can be reached by keyboard to be scrolled.
const WIDE: usize = 6;

/// How the numbers of a column are written.
#[derive(Clone, Copy)]
struct Style {
    format: Format,
    /// The column has numbers and stands to the right.
    numeric: bool,
    /// Its numbers have fractions, which stand below each other.
    aligned: bool,
}

/// A table with its title and remarks; rows that find no space are counted.
pub(super) fn table(table: &Table, budget: &mut Budget) -> Markup {
    let width = table.columns.len().min(MOST_COLUMNS);
    let styles: Vec<Style> = (0..width).map(|at| style(table, at)).collect();
    // The title, the head and the remarks are taken off by the caller together with the rows: leave room for them.
    let room = budget.room().saturating_sub(20_000 + width * 6 * LONGEST_CELL);
    let mut body = String::new();
    let mut shown = 0;
    for row in table.rows.iter().take(MOST_ROWS) {
        let line = line(row, &styles).0;
        if body.len() + line.len() > room {
            budget.leave_out("ends of tables", 1);
            break;
        }
        body.push_str(&line);
        shown += 1;
    }
    let title = text::line(&table.title, 200);
    html! {
        figure.table {
            @if !title.is_empty() { figcaption { (title) } }
            @if table.rows.is_empty() {
                p.quiet { "No rows." }
            } @else {
                (scroll(width, &title, html! {
                    table {
                        thead {
                            tr {
                                @for (column, style) in table.columns.iter().zip(&styles) {
                                    th.n[style.numeric] scope="col" { (text::line(&column.name, LONGEST_CELL)) }
                                }
                            }
                        }
                        tbody { (PreEscaped(body)) }
                    }
                }))
            }
            (cut(shown, table.rows.len(), "rows"))
            (cut(width, table.columns.len(), "columns"))
            @if let Some(note) = &table.note {
                p.remark { (text::prose(note, 1_000)) }
            }
        }
    }
}

/// A box in which something wide scrolls by itself.
pub(super) fn scroll(width: usize, label: &str, content: Markup) -> Markup {
    html! {
        @if width >= WIDE {
            div.scroll tabindex="0" role="region" aria-label=(if label.is_empty() { "Table" } else { label }) { (content) }
        } @else {
            div.scroll { (content) }
        }
    }
}

/// A value, or the sign for none.
pub(super) fn or_nothing(value: Option<String>) -> Markup {
    html! {
        @match value {
            Some(value) => (value),
            None => span.nothing { (format::NOTHING) },
        }
    }
}

/// The remark below something that was cut: nothing when all is shown.
pub(super) fn cut(shown: usize, in_all: usize, what: &str) -> Markup {
    html! {
        @if shown < in_all {
            p.remark { "The first " (format::count(shown)) " of " (format::count(in_all)) " " (what) " are shown." }
        }
    }
}

fn line(row: &[Cell], styles: &[Style]) -> Markup {
    html! {
        tr {
            @for (at, style) in styles.iter().enumerate() {
                @match row.get(at) {
                    Some(Cell::Number(value)) => td.n { (number(*value, *style)) },
                    Some(Cell::Text(words)) => td { (text::prose(words, LONGEST_CELL)) },
                    Some(Cell::Empty) | None => td.n[style.numeric] { (or_nothing(None)) },
                }
            }
        }
    }
}

fn number(value: f64, style: Style) -> String {
    if style.aligned { format::aligned(value) } else { format::value(value, style.format) }
}

fn style(table: &Table, at: usize) -> Style {
    let format = table.columns.get(at).map(|column| column.format).unwrap_or_default();
    let cells = || table.rows.iter().take(MOST_ROWS).filter_map(|row| row.get(at));
    let numbers = || cells().filter_map(|cell| if let Cell::Number(value) = cell { Some(*value) } else { None });
    let texts = cells().filter(|cell| matches!(cell, Cell::Text(_))).count();
    let count = numbers().count();
    Style {
        format,
        numeric: count > 0 && count >= texts,
        aligned: format == Format::Number && count > 1 && numbers().any(|value| value.fract() != 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exhibit::Column;

    fn shown(columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> String {
        let data = Table { title: "t".into(), columns, rows, note: None };
        table(&data, &mut Budget::new()).into_string()
    }

    #[test]
    fn numbers_stand_to_the_right_in_the_format_of_their_column() {
        let columns = vec![Column::new("name"), Column::formatted("share", Format::Percent)];
        let html = shown(columns, vec![vec![Cell::text("a"), Cell::Number(0.25)], vec![Cell::text("b"), Cell::Empty]]);
        assert!(
            html.contains("<th class=\"\" scope=\"col\">name</th><th class=\"n\" scope=\"col\">share</th>"),
            "{html}"
        );
        assert!(html.contains("<td>a</td><td class=\"n\">25.0%</td>"), "{html}");
        assert!(html.contains("<td>b</td><td class=\"n\"><span class=\"nothing\">–</span></td>"), "{html}");
    }

    #[test]
    fn fractions_of_a_column_stand_below_each_other_and_whole_numbers_stay_whole() {
        let rows = |values: [f64; 2]| values.iter().map(|value| vec![Cell::Number(*value)]).collect();
        assert!(shown(vec![Column::new("x")], rows([1.5, 2.0])).contains(">1.500</td>"));
        assert!(shown(vec![Column::new("x")], rows([15.0, 2.0])).contains(">15</td>"));
    }

    #[test]
    fn long_tables_end_after_two_hundred_rows_and_say_so() {
        let html = shown(vec![Column::new("x")], (0..1_234).map(|row| vec![Cell::count(row)]).collect());
        assert_eq!(html.matches("<td").count(), 200);
        assert!(html.contains("The first 200 of 1,234 rows are shown."));
    }

    #[test]
    fn ragged_rows_are_filled_or_cut() {
        let html = shown(vec![Column::new("x"), Column::new("y")], vec![vec![], vec![Cell::text("1"); 5]]);
        assert_eq!(html.matches("<td").count(), 4);
    }
}
