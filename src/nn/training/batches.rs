//! Where the rows of a training come from.

use super::super::error::Error;
use super::super::loss::{Loss, Targets};
use super::super::network::check_input;
use super::super::plan::Plan;
use ndarray::ArrayView2;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Why a source could not give its next batch.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// A source of batches that can be read again for each epoch. The next batch is asked for while the current one is
/// being learned, so a source may take its time.
pub trait Batches: Send {
    /// How many numbers a row of each input has, in the order of the network's inputs.
    fn widths(&self) -> Vec<usize>;

    /// How many rows an epoch has; for progress and for schedules.
    fn rows(&self) -> usize;

    /// Checks all targets at once, where the source has them at hand, so that an error can name the row. Each batch is
    /// checked in any case. There is a loss for each output of the network.
    ///
    /// Errors: what does not fit the losses.
    fn check(&self, losses: &[&Loss]) -> Result<(), String> {
        let _ = losses;
        Ok(())
    }

    /// Goes back to the first row. With a generator the rows come in an order that it decides, without one in their
    /// own.
    ///
    /// Errors: whatever keeps the source from starting.
    fn start(&mut self, shuffle: Option<ChaCha8Rng>) -> Result<(), SourceError>;

    /// Fills `batch`, which is empty, with the next rows, at most `rows` of them; leaves it empty at the end.
    ///
    /// Errors: whatever keeps the source from reading.
    fn next_batch(&mut self, rows: usize, batch: &mut Batch) -> Result<(), SourceError>;
}

/// Some rows with what they should give. The buffers are used again and again.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// For each input of the network `[n, input]`, row-major.
    pub inputs: Vec<Vec<f32>>,
    /// For each output of the network.
    pub targets: Vec<TargetBuffer>,
    /// `[n]`: how much each row counts, finite and not negative; empty where all count the same.
    pub weights: Vec<f32>,
}

/// The targets of one output.
#[derive(Debug, Clone, Default)]
pub struct TargetBuffer {
    /// `[n]`: the numbers of the classes, for a multiclass head; empty for the others.
    pub classes: Vec<u32>,
    /// `[n, width]`, row-major: numbers, for the other heads; empty for a multiclass head.
    pub values: Vec<f32>,
}

impl TargetBuffer {
    /// The targets as the loss reads them.
    pub(crate) fn of(&self, loss: &Loss) -> Targets<'_> {
        if loss.reads_classes() { Targets::Classes(&self.classes) } else { Targets::Values(&self.values) }
    }
}

impl Batch {
    /// An empty batch for a number of inputs and outputs.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs: vec![Vec::new(); inputs], targets: vec![TargetBuffer::default(); outputs], weights: Vec::new() }
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.inputs.iter_mut().for_each(Vec::clear);
        for target in &mut self.targets {
            target.classes.clear();
            target.values.clear();
        }
        self.weights.clear();
    }

    /// The weights of the rows, where they differ.
    pub(crate) fn weights(&self) -> Option<&[f32]> {
        (!self.weights.is_empty()).then_some(&*self.weights)
    }

    /// Checks what a source filled in: lengths that fit together, at most `limit` rows, finite inputs, targets in their
    /// range, weights that can be weights. Returns the number of rows.
    pub(crate) fn check(&self, what: &'static str, plan: &Plan, limit: usize) -> Result<usize, Error> {
        let refuse = |reason: String| Error::Targets { what, reason: format!("in a batch, {reason}") };
        if self.inputs.len() != plan.inputs.len() || self.targets.len() != plan.outputs.len() {
            let (inputs, targets) = (self.inputs.len(), self.targets.len());
            let (reads, gives) = (plan.inputs.len(), plan.outputs.len());
            return Err(refuse(format!(
                "there are {inputs} inputs and {targets} targets, the network reads {reads} and is asked for {gives}"
            )));
        }
        let mut rows = 0;
        for (i, (spec, input)) in plan.inputs.iter().zip(&self.inputs).enumerate() {
            let size = plan.values[i].size;
            let count = input.len() / size;
            if input.len() != count * size || count > limit {
                let numbers = input.len();
                return Err(refuse(format!("there are {numbers} numbers, expected at most {limit} rows of {size}")));
            }
            if i > 0 && count != rows {
                return Err(refuse(format!("input `{}` has {count} rows, the first has {rows}", spec.name)));
            }
            rows = count;
            check_input(spec, input, 0)?;
        }
        for (output, target) in plan.outputs.iter().zip(&self.targets) {
            output.loss.check(target.of(&output.loss), rows).map_err(refuse)?;
        }
        if !self.weights.is_empty() && self.weights.len() != rows {
            return Err(refuse(format!("there are {} weights for {rows} rows", self.weights.len())));
        }
        match self.weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            Some(row) => {
                Err(refuse(format!("the weight of row {} is {}, it must be 0 or above", row + 1, self.weights[row])))
            }
            None => Ok(rows),
        }
    }
}

/// Rows in memory, borrowed.
#[derive(Debug)]
pub struct InMemory<'a> {
    inputs: Vec<ArrayView2<'a, f32>>,
    targets: Vec<(Targets<'a>, usize)>,
    weights: Option<&'a [f32]>,
    order: Vec<usize>,
    next: usize,
}

impl<'a> InMemory<'a> {
    /// Rows `[n, features]` of one input with the targets of one output: `[n]` classes, or `[n, width]` numbers.
    /// `weights` is `[n]`.
    ///
    /// Errors: [`Error::Targets`] where the lengths do not fit together or a weight is negative or not finite;
    /// [`Error::NotFiniteInput`] with the row of the data.
    pub fn new(inputs: ArrayView2<'a, f32>, targets: Targets<'a>, weights: Option<&'a [f32]>) -> Result<Self, Error> {
        Self::of(vec![inputs], vec![targets], weights)
    }

    /// Rows of several inputs and outputs, in the order of the network's. Errors: as [`InMemory::new`].
    pub fn of(
        inputs: Vec<ArrayView2<'a, f32>>,
        targets: Vec<Targets<'a>>,
        weights: Option<&'a [f32]>,
    ) -> Result<Self, Error> {
        let n = inputs.first().map_or(0, ArrayView2::nrows);
        let refuse = |reason: String| Error::Targets { what: "the data", reason };
        let count = |count: usize, of: &str| refuse(format!("there are {count} {of} for {n} rows"));
        let mut widths = Vec::with_capacity(targets.len());
        for targets in &targets {
            widths.push(match *targets {
                Targets::Classes(classes) if classes.len() != n => {
                    return Err(count(classes.len(), "classes"));
                }
                Targets::Classes(_) => 1,
                Targets::Values(values)
                    if values.len().checked_rem(n).unwrap_or(values.len()) != 0 || (n > 0 && values.is_empty()) =>
                {
                    return Err(count(values.len(), "target values"));
                }
                Targets::Values(values) => values.len().checked_div(n).unwrap_or(1),
            });
        }
        if let Some(weights) = weights.filter(|w| w.len() != n) {
            return Err(count(weights.len(), "weights"));
        }
        let wrong =
            weights.and_then(|weights| weights.iter().enumerate().find(|(_, w)| !(w.is_finite() && **w >= 0.0)));
        if let Some((row, weight)) = wrong {
            return Err(refuse(format!("the weight of row {} is {weight}, it must be 0 or above", row + 1)));
        }
        for (number, input) in inputs.iter().enumerate() {
            if input.nrows() != n {
                return Err(refuse(format!("input {} has {} rows, the first has {n}", number + 1, input.nrows())));
            }
            if let Some(((row, feature), &value)) = input.indexed_iter().find(|(_, v)| !v.is_finite()) {
                return Err(Error::NotFiniteInput { row: row + 1, feature: feature + 1, value });
            }
        }
        let targets = targets.into_iter().zip(widths).collect();
        Ok(Self { inputs, targets, weights, order: (0..n).collect(), next: 0 })
    }
}

impl Batches for InMemory<'_> {
    fn widths(&self) -> Vec<usize> {
        self.inputs.iter().map(ArrayView2::ncols).collect()
    }

    fn rows(&self) -> usize {
        self.order.len()
    }

    fn check(&self, losses: &[&Loss]) -> Result<(), String> {
        if losses.len() != self.targets.len() {
            return Err(format!("there are {} targets, the network is asked for {}", self.targets.len(), losses.len()));
        }
        self.targets.iter().zip(losses).try_for_each(|((targets, _), loss)| loss.check(*targets, self.order.len()))
    }

    fn start(&mut self, shuffle: Option<ChaCha8Rng>) -> Result<(), SourceError> {
        self.next = 0;
        // From the rows' own order each time: an epoch's order depends on its generator alone.
        let n = self.order.len();
        self.order.clear();
        self.order.extend(0..n);
        if let Some(mut rng) = shuffle {
            self.order.shuffle(&mut rng);
        }
        Ok(())
    }

    fn next_batch(&mut self, rows: usize, batch: &mut Batch) -> Result<(), SourceError> {
        let end = self.order.len().min(self.next.saturating_add(rows));
        let rows = &self.order[self.next..end];
        for (input, buffer) in self.inputs.iter().zip(&mut batch.inputs) {
            for &row in rows {
                let input = input.row(row);
                match input.as_slice() {
                    Some(slice) => buffer.extend_from_slice(slice),
                    None => buffer.extend(input),
                }
            }
        }
        for ((targets, width), buffer) in self.targets.iter().zip(&mut batch.targets) {
            match targets {
                Targets::Classes(classes) => buffer.classes.extend(rows.iter().map(|&row| classes[row])),
                Targets::Values(values) => {
                    for &row in rows {
                        buffer.values.extend_from_slice(&values[row * width..(row + 1) * width]);
                    }
                }
            }
        }
        if let Some(weights) = self.weights {
            batch.weights.extend(rows.iter().map(|&row| weights[row]));
        }
        self.next = end;
        Ok(())
    }
}

#[cfg(test)]
#[path = "batches_tests.rs"]
mod tests;
