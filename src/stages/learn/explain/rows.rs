//! The rows that are looked at: a sample of a part, the worst of it, and training rows to compare with.

mod kept;
mod read;
mod worst;

use std::collections::BTreeMap;

use ndarray::Array2;

use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::explanation::Rows;
use crate::tensor::{Encoder, Target};

use super::columns::names;
use super::scales::Scale;
use kept::Kept;
pub(super) use read::{ROW_BYTES, Read, Reading, VALUE_BYTES, both, matching, read};
pub(super) use worst::WorstOf;

/// What was true of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Truth {
    /// Its class.
    Class(u32),
    /// 1 for each label that it has.
    Labels(Vec<f32>),
    /// Its number.
    Number(f64),
}

/// A value of a feature as it was before it was encoded.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    /// As a person reads it; none where there is none.
    pub(super) text: Option<String>,
    /// As a number, or an instant in microseconds; NaN where it is none.
    pub(super) number: f64,
}

/// Rows in memory, in their order.
#[derive(Debug)]
pub(super) struct Taken {
    /// The number of each row among all of its kind, from 1.
    pub(super) numbers: Vec<u64>,
    /// Of the rows of a sequence, whose last row it is: its group and its time.
    pub(super) marks: Vec<Option<String>>,
    /// As the model reads them.
    pub(super) rows: Rows,
    /// For each target what was true.
    pub(super) truths: Vec<Vec<Truth>>,
    /// For each column that becomes a feature its values.
    pub(super) values: Vec<Vec<Value>>,
}

impl Taken {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How a row is called: its number, and of a sequence its group and time.
    pub(super) fn name(&self, row: usize) -> String {
        let number = self.numbers.get(row).copied().unwrap_or(0);
        match self.marks.get(row).and_then(Option::as_deref) {
            Some(mark) => format!("{number} ({mark})"),
            None => number.to_string(),
        }
    }

    /// The rows at these places.
    pub(super) fn at(&self, places: &[usize]) -> Self {
        fn of<T: Clone>(values: &[T], places: &[usize]) -> Vec<T> {
            places.iter().filter_map(|place| values.get(*place).cloned()).collect()
        }
        Self {
            numbers: of(&self.numbers, places),
            marks: of(&self.marks, places),
            rows: self.rows.take(places),
            truths: self.truths.iter().map(|truths| of(truths, places)).collect(),
            values: self.values.iter().map(|values| of(values, places)).collect(),
        }
    }

    /// Shows the values of columns that were scaled as they were before. `names` are those of the columns.
    pub(super) fn unscaled(mut self, names: &[String], scales: &BTreeMap<String, Scale>) -> Self {
        for (name, values) in names.iter().zip(&mut self.values) {
            if let Some(scale) = scales.get(name) {
                values.iter_mut().for_each(|value| scale.undo(value));
            }
        }
        self
    }

    /// `count` rows, evenly spaced.
    pub(super) fn spread(&self, count: usize) -> Self {
        self.at(&spread(self.len(), count))
    }

    fn new(kept: Vec<Kept>, encoder: &Encoder) -> Result<Self, Diagnostic> {
        let n = kept.len();
        let blocks = encoder.blocks().iter().enumerate().map(|(block, of)| {
            let mut values = Vec::with_capacity(n * of.size());
            kept.iter().filter_map(|row| row.inputs.get(block)).for_each(|inputs| values.extend_from_slice(inputs));
            Array2::from_shape_vec((n, of.size()), values).map_err(|error| failed(&error))
        });
        let rows = Rows::new(blocks.collect::<Result<_, _>>()?).map_err(|error| failed(&error))?;
        let mut taken = Self {
            numbers: Vec::with_capacity(n),
            marks: Vec::with_capacity(n),
            rows,
            truths: vec![Vec::with_capacity(n); encoder.targets().len()],
            values: vec![Vec::with_capacity(n); names(encoder).len()],
        };
        for row in kept {
            taken.numbers.push(row.number);
            taken.marks.push(row.mark);
            taken.truths.iter_mut().zip(row.truths).for_each(|(all, one)| all.push(one));
            taken.values.iter_mut().zip(row.values).for_each(|(all, one)| all.push(one));
        }
        Ok(taken)
    }
}

/// `count` of `n` places, evenly spaced; all where there are no more.
pub(super) fn spread(n: usize, count: usize) -> Vec<usize> {
    if count >= n { (0..n).collect() } else { (0..count).map(|i| i * n / count.max(1)).collect() }
}

fn failed(error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Class::Stage, error.to_string())
}

/// `1,200 of 50,000 rows of test, drawn at random`.
pub(super) fn describe(rows: usize, seen: u64, part: Option<&str>) -> String {
    let of = part.map_or_else(String::new, |part| format!(" of {part}"));
    if (rows as u64) < seen {
        format!("{} of {}{of}, drawn at random", digits::whole(rows as u64), digits::rows(seen))
    } else {
        format!("{}{of}", digits::rows(rows as u64))
    }
}

/// The truth as a person reads it.
pub(super) fn told(truth: &Truth, target: &Target) -> String {
    let name = |class: usize| target.names().get(class).cloned().unwrap_or_default();
    match truth {
        Truth::Class(class) => name(*class as usize),
        Truth::Labels(labels) => {
            let names = labels.iter().enumerate().filter(|(_, has)| **has > 0.5).map(|(label, _)| name(label));
            let names = names.collect::<Vec<_>>();
            if names.is_empty() { "no label".to_owned() } else { names.join(", ") }
        }
        Truth::Number(number) => super::words::number(*number),
    }
}
