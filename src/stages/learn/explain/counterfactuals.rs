//! The training rows that are most like a row and of which the model says something else.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::exhibit::{Cell, Column as TableColumn, Exhibit, Table};
use crate::explanation::neighbours::{Column as Compared, Neighbour, counterfactual_neighbours};
use crate::tensor::Target;

use super::columns::{Column, Kind, Said};
use super::rows::{Taken, Value};
use super::words;

/// Neighbours of a row.
const WANTED: usize = 3;
/// Columns that are shown.
const SHOWN: usize = 8;

/// Finds the neighbours of rows among known ones.
///
/// Errors: there is no column by which rows can be compared.
pub(super) fn find(
    rows: &Taken,
    said: &Said,
    known: &Taken,
    known_said: &Said,
    target: &Target,
    columns: &[Column],
) -> Result<Vec<Vec<Neighbour>>, Diagnostic> {
    let compared = compared(columns);
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for at in &compared {
        let (Some(column), Some(values), Some(known)) = (columns.get(*at), rows.values.get(*at), known.values.get(*at))
        else {
            continue;
        };
        let (a, b) = both(column.kind, values, known);
        ours.push(a);
        theirs.push(b);
    }
    let far = match target {
        Target::Number(_) | Target::Count(_) => deviation(&known_said.values) / 2.0,
        _ => 0.0,
    };
    let other = |row: usize, known: usize| {
        let pair = said.values.get(row).zip(known_said.values.get(known));
        pair.is_some_and(|(a, b)| (a - b).abs() > far)
    };
    counterfactual_neighbours(&ours, &theirs, WANTED, &other).map_err(super::work::failed)
}

/// The columns by which rows are compared.
fn compared(columns: &[Column]) -> Vec<usize> {
    let flat = columns.iter().enumerate().filter(|(_, column)| column.kind != Kind::Whole);
    flat.map(|(at, _)| at).collect()
}

/// A column of both tables, with the same numbers for the same texts.
fn both(kind: Kind, ours: &[Value], theirs: &[Value]) -> (Compared, Compared) {
    if matches!(kind, Kind::Number | Kind::Time) {
        let numbers = |values: &[Value]| Compared::Numbers(values.iter().map(|value| value.number).collect());
        return (numbers(ours), numbers(theirs));
    }
    let mut codes: BTreeMap<&str, u32> = BTreeMap::new();
    for text in ours.iter().chain(theirs).filter_map(|value| value.text.as_deref()) {
        let next = u32::try_from(codes.len()).unwrap_or(u32::MAX);
        codes.entry(text).or_insert(next);
    }
    let coded = |values: &[Value]| {
        let code = |value: &Value| value.text.as_deref().and_then(|text| codes.get(text).copied());
        Compared::Categories(values.iter().map(code).collect())
    };
    (coded(ours), coded(theirs))
}

fn deviation(values: &[f64]) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// A row with its neighbours, as a table of what differs.
pub(super) struct Sight<'a> {
    pub(super) rows: &'a Taken,
    pub(super) said: &'a Said,
    pub(super) known: &'a Taken,
    pub(super) known_said: &'a Said,
    pub(super) columns: &'a [Column],
    pub(super) target: &'a Target,
}

impl Sight<'_> {
    pub(super) fn table(&self, row: usize, neighbours: &[Neighbour]) -> Exhibit {
        let compared = compared(self.columns);
        let mut differing: Vec<usize> = Vec::new();
        for at in neighbours.iter().flat_map(|near| &near.differs).filter_map(|at| compared.get(*at)) {
            if !differing.contains(at) {
                differing.push(*at);
            }
        }
        let left_out = differing.len().saturating_sub(SHOWN);
        differing.truncate(SHOWN);
        let mut columns = vec![TableColumn::new(""), TableColumn::new(format!("says of {}", self.target.column()))];
        columns.push(TableColumn::new("distance"));
        let names = differing.iter().filter_map(|at| self.columns.get(*at));
        columns.extend(names.map(|column| TableColumn::new(column.name())));
        let line = |label: String, said: &Said, taken: &Taken, place: usize, distance: Option<f64>| {
            let mut cells = vec![Cell::text(label), Cell::optional(said.texts.get(place).cloned())];
            cells.push(Cell::number(distance));
            cells.extend(differing.iter().map(|at| {
                let value = taken.values.get(*at).and_then(|values| values.get(place));
                Cell::optional(value.and_then(|value| value.text.as_deref()).map(|text| words::short(text, 40)))
            }));
            cells
        };
        let mut rows = vec![line(format!("row {}", self.rows.name(row)), self.said, self.rows, row, None)];
        rows.extend(
            neighbours.iter().map(|near| {
                line("training row".to_owned(), self.known_said, self.known, near.row, Some(near.distance))
            }),
        );
        let mut note = format!(
            "Of {} training rows those that are most like it and of which the model says something else; the distance \
             (Gower) is the mean difference of the columns, from 0 to 1.",
            crate::digits::whole(self.known.len() as u64)
        );
        if neighbours.is_empty() {
            note = format!(
                "Among {} training rows there is none of which the model says something else.",
                crate::digits::whole(self.known.len() as u64)
            );
        }
        if left_out > 0 {
            note += &format!(" {left_out} more columns differ.");
        }
        let title = format!("What would make it another prediction: row {}", self.rows.name(row));
        Exhibit::Table(Table { title, columns, rows, note: Some(note) })
    }
}
