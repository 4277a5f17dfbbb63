//! Two tables side by side.

use crate::batch;
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Table, Tone};
use crate::expression::Literal;
use crate::stages::mine::profile::comparison::{self, Comparison};
use crate::stages::mine::profile::document::{Meaning, TableProfile};

/// What has moved, in words and as a table.
pub(super) fn exhibits(other: &Comparison, table: &TableProfile) -> Vec<Exhibit> {
    let rows = table.rows;
    let mut exhibits = Vec::new();
    let moved = comparison::moved(other);
    let mut text = format!(
        "Compared with `{}`: {} against {} ({}); {moved} of {} columns in both have shifted.",
        other.other,
        digits::rows(rows),
        digits::rows(other.rows),
        if other.rows == 0 {
            "none there".to_owned()
        } else {
            format!("{:.1} %", comparison::rows_ratio(other, rows) * 100.0)
        },
        other.columns.len(),
    );
    for (words, names) in [("New columns", &other.added), ("Missing columns", &other.removed)] {
        if !names.is_empty() {
            text.push_str(&format!(" {words}: {}.", super::named(names)));
        }
    }
    if !other.retyped.is_empty() {
        let names: Vec<String> = other
            .retyped
            .iter()
            .take(8)
            .map(|(name, here, there)| format!("{name} ({there} before, {here} now)"))
            .collect();
        text.push_str(&format!(" Other types: {}.", names.join(", ")));
    }
    let same = moved == 0 && other.added.is_empty() && other.removed.is_empty() && other.retyped.is_empty();
    exhibits.push(Exhibit::note(if same { Tone::Good } else { Tone::Warning }, text));
    let lines = other.columns.iter().take(200).map(|column| {
        let meaning = table.columns.iter().find(|ours| ours.name == column.name).map(|ours| ours.meaning);
        let both = |(here, there): (Option<f64>, Option<f64>)| match (here, there) {
            (None, None) => Cell::Empty,
            (here, there) => {
                let side = |value: Option<f64>| value.map_or("–".to_owned(), |value| told(value, meaning));
                Cell::text(format!("{} → {}", side(there), side(here)))
            }
        };
        let mut values = Vec::new();
        if !column.new_values.is_empty() {
            values.push(format!(
                "new: {}",
                column.new_values.iter().map(|value| crate::files::shown(value)).collect::<Vec<_>>().join(", ")
            ));
        }
        if !column.lost_values.is_empty() {
            values.push(format!(
                "gone: {}",
                column.lost_values.iter().map(|value| crate::files::shown(value)).collect::<Vec<_>>().join(", ")
            ));
        }
        vec![
            Cell::text(column.name.clone()),
            Cell::text(column.verdict()),
            Cell::number(column.stability_index),
            Cell::number(column.ks_distance),
            Cell::text(format!("{:.1} % → {:.1} %", column.null_shares.1 * 100.0, column.null_shares.0 * 100.0)),
            both(column.means),
            both(column.medians),
            Cell::text(format!("{} → {}", digits::whole(column.distinct.1), digits::whole(column.distinct.0))),
            Cell::text(values.join("; ")),
        ]
    });
    let headings = ["column", "", "PSI", "KS distance", "null", "mean", "median", "distinct", "values"];
    let note = "Each pair is the other table, then this one. PSI, the population stability index: below 0.1 stable, above 0.25 shifted; of numbers over tenths of the other table. KS: the largest distance of the two distributions.";
    exhibits.push(Exhibit::Table(Table {
        title: "How the columns have moved".to_owned(),
        columns: headings.map(Column::new).to_vec(),
        rows: lines.collect(),
        note: Some(note.to_owned()),
    }));
    exhibits
}

/// A mean or a median: a day, a point in time (in UTC), or a number.
#[expect(clippy::cast_possible_truncation, reason = "a cast of floats saturates")]
fn told(value: f64, meaning: Option<Meaning>) -> String {
    match meaning {
        Some(Meaning::Date) => {
            let day = i32::try_from(value.round() as i64).unwrap_or(i32::MAX);
            batch::literal_text(&Literal::Date(day))
        }
        Some(Meaning::Datetime) => batch::literal_text(&Literal::Datetime((value * 1e6).round() as i64)),
        _ => super::plain(value),
    }
}
