//! Columns of which features were made, with the numbers that each became.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::explanation::{Group, Place, Rows, predictions};
use crate::expression::{DataType, Schema};
use crate::nn::Network;
use crate::tensor::{BlockKind, Encoder, Target};

use super::model::{Explained, View};

/// A column that becomes a feature.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) kind: Kind,
    /// Its name and its numbers.
    pub(super) group: Group,
    /// Of a column of a sequence the rows of a window.
    pub(super) window: Option<usize>,
}

/// How the values of a column are shown and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Along an axis.
    Number,
    /// Along an axis of time.
    Time,
    /// One beside the other.
    Category,
    /// Not at all: texts, images, sounds, rows of a sequence.
    Whole,
}

/// The columns that become features, in the order of the encoder. What orders the rows of a sequence, or names their
/// group, is read without becoming one.
pub(super) fn names(encoder: &Encoder) -> Vec<String> {
    let used: std::collections::BTreeSet<String> =
        (0..encoder.blocks().len()).flat_map(|block| encoder.feature_columns(block)).collect();
    encoder.columns().into_iter().filter(|name| used.contains(name)).collect()
}

impl Column {
    pub(super) fn name(&self) -> &str {
        &self.group.name
    }

    /// The column with a value: `carrier = UA`; of a window its last value.
    pub(super) fn with(&self, value: Option<&str>) -> String {
        let value = value.map(|text| super::words::short(text, 30));
        match (self.window, value) {
            (Some(rows), Some(value)) => format!("{}, {rows} rows to {value}", self.name()),
            (Some(rows), None) => format!("{}, {rows} rows", self.name()),
            (None, value) => format!("{} = {}", self.name(), value.as_deref().unwrap_or("nothing")),
        }
    }
}

/// The columns of an encoder, in its order.
pub(super) fn columns(encoder: &Encoder, schema: &Schema) -> Vec<Column> {
    let mut places: BTreeMap<String, (Kind, Vec<Place>)> = BTreeMap::new();
    for (block, of) in encoder.blocks().iter().enumerate() {
        let is_flat = matches!(of.kind, BlockKind::Table | BlockKind::Category);
        for (at, name) in encoder.feature_columns(block).into_iter().enumerate() {
            let kind = if is_flat { kind(schema.data_type(&name)) } else { Kind::Whole };
            places.entry(name).or_insert_with(|| (kind, Vec::new())).1.push(Place { block, at });
        }
    }
    let sequence = encoder.sequence().map(crate::tensor::Sequence::spec);
    let found = names(encoder).into_iter().map(|name| {
        let (kind, places) = places.remove(&name).unwrap_or((Kind::Whole, Vec::new()));
        let window = sequence.filter(|spec| spec.columns.iter().any(|(column, _)| *column == name));
        Column { kind, window: window.map(|spec| spec.window), group: Group { name, places } }
    });
    found.collect()
}

fn kind(data_type: Option<&DataType>) -> Kind {
    match data_type {
        Some(kind) if kind.is_numeric() => Kind::Number,
        Some(DataType::Date | DataType::Datetime(_)) => Kind::Time,
        _ => Kind::Category,
    }
}

/// What the model says about some rows, in words and numbers.
#[derive(Debug)]
pub(super) struct Said {
    /// For each row the output that is explained: the most probable class or label; 0 where there is one output.
    pub(super) outputs: Vec<usize>,
    /// For each row the prediction as a person reads it.
    pub(super) texts: Vec<String>,
    /// For each row what makes a prediction another one: the class, the number.
    pub(super) values: Vec<f64>,
}

/// Predicts rows.
///
/// Errors: those of the model.
pub(super) fn said(network: &Network, target: &Target, output: usize, rows: &Rows) -> Result<Said, Diagnostic> {
    let model = Explained::new(network, target, output, View::Predictions);
    let predicted = predictions(&model, rows).map_err(super::work::failed)?;
    let mut said = Said { outputs: Vec::new(), texts: Vec::new(), values: Vec::new() };
    for row in predicted.rows() {
        let row = row.to_vec();
        let first = row.first().copied().unwrap_or(f64::NAN);
        let best = largest(&row);
        let name = |class: usize| target.names().get(class).cloned().unwrap_or_default();
        let percent = crate::digits::percent;
        let (explained, text, value) = match target {
            Target::Binary(_) => {
                let class = usize::from(first >= 0.5);
                let share = if class == 1 { first } else { 1.0 - first };
                (0, format!("{} ({})", name(class), percent(share)), class as f64)
            }
            Target::Category(_) => {
                let share = row.get(best).copied().unwrap_or(0.0);
                (best, format!("{} ({})", name(best), percent(share)), best as f64)
            }
            Target::MultiLabel(_) => {
                let has: Vec<usize> =
                    (0..row.len()).filter(|label| row.get(*label).is_some_and(|p| *p >= 0.5)).collect();
                let names: Vec<String> = has.iter().map(|label| name(*label)).collect();
                let text = if names.is_empty() { "no label".to_owned() } else { names.join(", ") };
                // The first labels make a number; beyond fifty the others count as the same.
                let code = has.iter().filter(|label| **label < 50).map(|label| (1_u64 << label) as f64).sum();
                (best, text, code)
            }
            Target::Number(_) | Target::Count(_) => (0, super::words::number(first), first),
        };
        said.outputs.push(explained);
        said.texts.push(text);
        said.values.push(value);
    }
    Ok(said)
}

/// The place of the largest number, the first of equals.
pub(super) fn largest(values: &[f64]) -> usize {
    let start = (0, f64::NEG_INFINITY);
    values.iter().enumerate().fold(start, |best, (at, value)| if *value > best.1 { (at, *value) } else { best }).0
}

/// What is explained of an output, in words: `log-odds of late = true`, `delay`.
pub(super) fn unit(target: &Target, output: usize) -> String {
    let column = target.column();
    let name = |class: usize| target.names().get(class).cloned().unwrap_or_default();
    match target {
        Target::Binary(_) => format!("log-odds of {column} = {}", name(1)),
        Target::Category(_) => format!("log-odds of {column} = {}", name(output)),
        Target::MultiLabel(_) => format!("log-odds of {} in {column}", name(output)),
        Target::Number(_) => column.to_owned(),
        Target::Count(_) => format!("logarithm of the expected {column}"),
    }
}
