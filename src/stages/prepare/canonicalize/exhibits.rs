//! Which spellings became one.

use super::learn::Learned;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};

/// Groups that the report shows for each column, and spellings of each.
const GROUPS: usize = 25;
const SPELLINGS: usize = 8;

/// What was learned of a column.
pub(super) fn spellings(column: &str, learned: &Learned) -> Vec<Exhibit> {
    let mut groups: Vec<(u64, u64, &str, Vec<String>, usize)> = learned
        .groups()
        .into_iter()
        .map(|(canonical, spellings)| {
            let rows = spellings.iter().map(|value| value.rows).sum();
            let changed = spellings.iter().filter(|value| value.text != canonical).map(|value| value.rows).sum();
            let shown = spellings.iter().filter(|value| value.text != canonical).take(SPELLINGS);
            let shown = shown.map(|value| format!("{} ({})", visible(&value.text), value.rows)).collect();
            (changed, rows, canonical, shown, spellings.len())
        })
        .collect();
    groups.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.2.cmp(other.2)));
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
    let count = |name: &str, value: u64| Metric::new(name, value as f64, Format::Integer);
    let metrics = vec![
        count("values before", learned.values.len() as u64),
        count("values after", learned.distinct_after() as u64),
        count("values with several spellings", groups.len() as u64),
        count("rows changed in what was learned from", groups.iter().map(|(changed, ..)| changed).sum()),
    ];
    let mut exhibits = vec![Exhibit::Metrics { title: format!("Spellings of {column}"), metrics }];
    if groups.is_empty() {
        exhibits.push(Exhibit::note(Tone::Good, format!("No value of {column} has a second spelling.")));
        return exhibits;
    }
    let all = groups.len();
    let rows = groups.into_iter().take(GROUPS).map(|(changed, rows, canonical, shown, spellings)| {
        let more = spellings.saturating_sub(shown.len() + 1);
        let mut text = shown.join(", ");
        if more > 0 && spellings > SPELLINGS {
            text.push_str(&format!(", and {more} more"));
        }
        vec![Cell::text(visible(canonical)), Cell::text(text), Cell::count(rows), Cell::count(changed)]
    });
    let columns = vec![
        Column::new(column),
        Column::new("was also written (rows)"),
        Column::formatted("rows", Format::Integer),
        Column::formatted("changed", Format::Integer),
    ];
    exhibits.push(Exhibit::Table(Table {
        title: format!("What became one value in {column}"),
        columns,
        rows: rows.collect(),
        note: (all > GROUPS)
            .then(|| format!("The {GROUPS} of {all} groups with most changed rows; `save` writes all of them.")),
    }));
    exhibits
}

/// A text whose spaces at the ends or in a row can be seen.
fn visible(text: &str) -> String {
    if text.trim() == text && !text.contains("  ") && !text.contains(['\t', '\n', '\r']) {
        return if text.is_empty() { "(empty)".to_owned() } else { text.to_owned() };
    }
    format!(
        "\u{201c}{}\u{201d}",
        text.replace(' ', "\u{b7}").replace('\t', "\u{21e5}").replace(['\n', '\r'], "\u{21b5}")
    )
}

/// How many rows got another value.
pub(super) fn changed<'c>(columns: impl Iterator<Item = (&'c str, u64)>, rows: u64) -> Exhibit {
    #[expect(clippy::cast_precision_loss, reason = "a share that is shown with one decimal")]
    let cells = columns.map(|(column, changed)| {
        let share = changed as f64 / rows.max(1) as f64;
        vec![Cell::text(column), Cell::count(changed), Cell::number(share)]
    });
    let columns = vec![
        Column::new("column"),
        Column::formatted("rows changed", Format::Integer),
        Column::formatted("of all rows", Format::Percent),
    ];
    Exhibit::table("Rows with another spelling", columns, cells.collect())
}
