//! The rows of which the model is most wrong.

use arrow::array::RecordBatch;

use crate::diagnostic::Diagnostic;
use crate::explanation::Predictor;
use crate::tensor::Target;

use super::super::model::{Explained, View};
use super::failed;
use super::kept::{Kept, label, truth};
use super::read::Reading;

/// Rows that are predicted together.
const TOGETHER: usize = 8_192;

/// What the model is wrong about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stages::learn::explain) enum WorstOf {
    /// The target of that number.
    Target(usize),
    /// The sum over these targets, each in a measure without a unit.
    Sum(Vec<usize>),
}

impl WorstOf {
    fn targets(&self) -> &[usize] {
        match self {
            Self::Target(target) => std::slice::from_ref(target),
            Self::Sum(targets) => targets,
        }
    }
}

/// The worst rows so far.
pub(super) struct Worst<'a> {
    reading: &'a Reading<'a>,
    rows: Vec<(f64, Kept)>,
}

impl<'a> Worst<'a> {
    pub(super) fn new(reading: &'a Reading<'a>) -> Self {
        Self { reading, rows: Vec::new() }
    }

    /// The rows, the worst first.
    pub(super) fn rows(self) -> Vec<Kept> {
        self.rows.into_iter().map(|(_, row)| row).collect()
    }

    /// Keeps the rows of which the model is most wrong, of equally wrong ones the first. The first row of the batch is number `first`, from 0.
    pub(super) fn add(&mut self, batch: &RecordBatch, first: u64) -> Result<(), Diagnostic> {
        if self.reading.worst == 0 {
            return Ok(());
        }
        for start in (0..batch.num_rows()).step_by(TOGETHER) {
            let slice = batch.slice(start, TOGETHER.min(batch.num_rows() - start));
            self.add_some(&slice, first + start as u64)?;
        }
        Ok(())
    }

    fn add_some(&mut self, batch: &RecordBatch, first: u64) -> Result<(), Diagnostic> {
        let (encoder, most) = (self.reading.encoder, self.reading.worst);
        let labelled = encoder.labelled(batch).map_err(|error| failed(&error))?;
        let views: Vec<_> = labelled.encoded.inputs.iter().map(|block| block.view()).collect();
        let mut wrong = vec![0.0; labelled.rows.len()];
        let is_sum = matches!(self.reading.worst_of, WorstOf::Sum(_));
        for output in self.reading.worst_of.targets() {
            let (Some(target), Some(truths)) = (encoder.targets().get(*output), labelled.targets.get(*output)) else {
                continue;
            };
            let model = Explained::new(self.reading.network, target, *output, View::Predictions);
            let said = model.predict(&views).map_err(|error| failed(&error))?;
            for ((place, said), wrong) in said.rows().into_iter().enumerate().zip(&mut wrong) {
                let said = said.to_vec();
                let one = truth(truths, place).map_or(f64::NAN, |truth| truth.wrongness(&said));
                *wrong += if is_sum { one / unit(target, &said) } else { one };
            }
        }
        for (row, wrong) in labelled.rows.iter().zip(wrong) {
            let is_worse = self.rows.len() < most || self.rows.last().is_some_and(|(least, _)| wrong > *least);
            if !is_worse || !wrong.is_finite() {
                continue;
            }
            if let Some(mut kept) = label(&batch.slice(*row, 1), encoder, 0)?.pop() {
                kept.number = first + *row as u64 + 1;
                let at = self.rows.partition_point(|(other, _)| *other >= wrong);
                self.rows.insert(at, (wrong, kept));
                self.rows.truncate(most);
            }
        }
        Ok(())
    }
}

/// By what an error is divided before it is added to those of other targets: log losses have no unit, numbers have their
/// standard deviation in training, counts the root of what was expected (Pearson's residual).
fn unit(target: &Target, said: &[f64]) -> f64 {
    match target {
        Target::Number(number) => number.scale,
        Target::Count(_) => said.first().map_or(1.0, |expected| expected.max(1e-9).sqrt()),
        Target::Binary(_) | Target::Category(_) | Target::MultiLabel(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{Classes, NumberTarget};

    #[test]
    fn errors_of_different_targets_are_added_without_units() {
        let number = Target::Number(NumberTarget { column: "t".to_owned(), center: 10.0, scale: 5.0 });
        let classes = Target::Binary(Classes { column: "t".to_owned(), names: Vec::new(), counts: Vec::new() });
        assert_eq!([unit(&number, &[3.0]), unit(&classes, &[0.2])], [5.0, 1.0]);
    }
}
