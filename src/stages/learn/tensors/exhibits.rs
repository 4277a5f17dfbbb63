//! What `tensors` shows: what became of each column, the target, and the rows of each part.

use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table};
use crate::tensor::{Encoder, Feature, Target};

/// Classes and features that are shown at most.
const SHOWN: usize = 60;
/// Values of a vocabulary that are named.
const NAMED: usize = 8;

/// The rows of one part.
pub(super) struct PartRows {
    pub(super) part: String,
    pub(super) rows: u64,
    pub(super) with_target: u64,
}

pub(super) fn all(encoder: &Encoder, parts: &[PartRows]) -> Vec<Exhibit> {
    vec![features(encoder), target(encoder.target()), rows(parts)]
}

fn features(encoder: &Encoder) -> Exhibit {
    let rows = encoder.features().iter().take(SHOWN).map(|feature| {
        let inputs = Cell::count(feature.width() as u64);
        match feature {
            Feature::Number(number) => vec![
                Cell::text(number.name()),
                Cell::text("number"),
                inputs,
                Cell::number(number.center()),
                Cell::number(number.scale()),
                Cell::Empty,
                Cell::Empty,
                Cell::count(number.missing()),
            ],
            Feature::Category(category) => {
                let words = category.vocabulary();
                let mut named: Vec<&str> = words.iter().take(NAMED).map(String::as_str).collect();
                let more = format!("{} more", words.len().saturating_sub(NAMED));
                if words.len() > NAMED {
                    named.push(&more);
                }
                vec![
                    Cell::text(category.name()),
                    Cell::text("category"),
                    inputs,
                    Cell::Empty,
                    Cell::Empty,
                    Cell::text(named.join(", ")),
                    Cell::count(category.rare()),
                    Cell::count(category.missing()),
                ]
            }
        }
    });
    let columns = vec![
        Column::new("column"),
        Column::new("becomes"),
        Column::formatted("inputs", Format::Integer),
        Column::new("center"),
        Column::new("scale"),
        Column::new("values"),
        Column::formatted("rare", Format::Integer),
        Column::formatted("missing", Format::Integer),
    ];
    let left_out = encoder.features().len().saturating_sub(SHOWN);
    let more = if left_out > 0 { format!(" {left_out} more columns are not shown.") } else { String::new() };
    let note = format!("{} inputs in all, learned from {} training rows.{more}", encoder.width(), encoder.rows());
    Exhibit::Table(Table { title: "Features".to_owned(), columns, rows: rows.collect(), note: Some(note) })
}

fn target(target: &Target) -> Exhibit {
    let title = format!("Target {}", target.column());
    match target {
        Target::Number(number) => Exhibit::Metrics {
            title,
            metrics: vec![
                Metric::new("mean of training rows", number.center, Format::Number),
                Metric::new("standard deviation", number.scale, Format::Number),
            ],
        },
        Target::Count(count) => Exhibit::Metrics {
            title,
            metrics: vec![
                Metric::new("mean of training rows", count.mean, Format::Number),
                Metric::new("largest", count.largest, Format::Integer),
            ],
        },
        Target::MultiLabel(labels) => {
            let rows = labels.names.iter().zip(&labels.counts).enumerate().take(SHOWN).map(|(label, (name, count))| {
                vec![Cell::text(name.clone()), Cell::count(*count), Cell::number(labels.share(label))]
            });
            let columns = vec![
                Column::new("label"),
                Column::formatted("training rows", Format::Integer),
                Column::formatted("share", Format::Percent),
            ];
            let left_out = labels.names.len().saturating_sub(SHOWN);
            let note = (left_out > 0).then(|| format!("{left_out} more labels are not shown."));
            Exhibit::Table(Table { title, columns, rows: rows.collect(), note })
        }
        Target::Binary(classes) | Target::Category(classes) => {
            let rows =
                classes.names.iter().zip(&classes.counts).enumerate().take(SHOWN).map(|(class, (name, count))| {
                    vec![Cell::text(name.clone()), Cell::count(*count), Cell::number(classes.share(class))]
                });
            let columns = vec![
                Column::new("class"),
                Column::formatted("training rows", Format::Integer),
                Column::formatted("share", Format::Percent),
            ];
            let left_out = classes.names.len().saturating_sub(SHOWN);
            let note = (left_out > 0).then(|| format!("{left_out} more classes are not shown."));
            Exhibit::Table(Table { title, columns, rows: rows.collect(), note })
        }
    }
}

fn rows(parts: &[PartRows]) -> Exhibit {
    let rows = parts.iter().map(|part| {
        let without = part.rows.saturating_sub(part.with_target);
        vec![Cell::text(part.part.clone()), Cell::count(part.rows), Cell::count(without)]
    });
    let columns = vec![
        Column::new("part"),
        Column::formatted("rows", Format::Integer),
        Column::formatted("without target", Format::Integer),
    ];
    Exhibit::table("Rows by part", columns, rows.collect())
}
