//! What the layers that remember along a sequence share.
//!
//! All that a pass keeps lies place by place: for each place a block of the batch's rows, in each row slots of `units`
//! numbers. So a place and the one before it are two parts of one slice, and each product is over whole blocks.

use super::super::matmul::{Matrix, multiply};
use super::super::shape::Shape;
use super::super::simd::{add, vectorized};

/// The sizes of a recurrent layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) length: usize,
    pub(super) features: usize,
    pub(super) units: usize,
    /// Slots of `units` numbers in a row of a block.
    pub(super) slots: usize,
    pub(super) sequences: bool,
    pub(super) backward: bool,
}

impl Sizes {
    /// Errors: rows that are no sequences, no units, or more numbers than can be counted.
    pub(super) fn new(input: &Shape, reader: &str, units: usize, slots: usize) -> Result<Self, String> {
        let [length, features] = input.expect_sequence(reader)?;
        if units == 0 {
            return Err(format!("{reader} needs at least 1 unit"));
        }
        let most = units.max(features).checked_mul(units).and_then(|n| n.checked_mul(slots));
        let kept = units.checked_mul(slots).and_then(|n| n.checked_mul(length));
        if most.is_none() || kept.is_none() {
            return Err(format!("{reader} of {units} units is too large"));
        }
        Ok(Self { length, features, units, slots, sequences: true, backward: false })
    }

    /// The shape of a row of the output.
    pub(super) fn output(&self) -> Shape {
        if self.sequences { Shape::sequence(self.length, self.units) } else { Shape::features(self.units) }
    }

    /// How many numbers a row keeps.
    pub(super) fn kept(&self) -> usize {
        self.length * self.width()
    }

    /// The length of a row of a block.
    pub(super) fn width(&self) -> usize {
        self.slots * self.units
    }

    /// The place that is read in a step.
    pub(super) fn place(&self, step: usize) -> usize {
        if self.backward { self.length - 1 - step } else { step }
    }

    /// Whether a row is read in a step. Padding after the last token that is none is not: there a row keeps its state,
    /// as in PyTorch's packed sequences.
    #[inline(always)]
    pub(super) fn is_read(&self, mask: &[f32], row: usize, step: usize) -> bool {
        let places = row * self.length + self.place(step)..(row + 1) * self.length;
        mask.get(places).is_none_or(|tokens| tokens.iter().any(|token| *token != 0.0))
    }

    /// The blocks of the step before and of a step. There is none before the first.
    pub(super) fn blocks<'a>(
        &self,
        kept: &'a mut [f32],
        rows: usize,
        step: usize,
    ) -> (Option<&'a mut [f32]>, &'a mut [f32]) {
        let block = rows * self.width();
        let (before, rest) = kept.split_at_mut(step * block);
        let before = step.checked_sub(1).map(|step| &mut before[step * block..]);
        (before, &mut rest[..block])
    }

    /// The rows of `input` that a step reads: `[rows, features]`.
    pub(super) fn input<'a>(&self, input: &'a [f32], rows: usize, step: usize) -> Matrix<'a> {
        let start = self.place(step) * self.features;
        Matrix::strided(&input[start..], rows, self.features, self.length * self.features)
    }

    /// Slots of a block as a matrix: `[rows, width]`, from the slot `slot` on.
    pub(super) fn slots<'a>(&self, block: &'a [f32], rows: usize, slot: usize, count: usize) -> Matrix<'a> {
        Matrix::strided(&block[slot * self.units..], rows, count * self.units, self.width())
    }

    /// `block[slot..] = X Wᵀ + b` for the rows that a step reads; `W` is `[slots, features]`.
    pub(super) fn project(&self, input: Matrix<'_>, weight: &[f32], bias: &[f32], block: &mut [f32]) {
        for row in block.chunks_exact_mut(self.width()) {
            row[..bias.len()].copy_from_slice(bias);
        }
        let weight = Matrix::new(weight, bias.len(), self.features).transposed();
        multiply(input, weight, true, block, self.width());
    }

    /// Copies the outputs, which stand in the slot `slot`, to where they are given. Where nothing is read they are 0.
    pub(super) fn give(&self, kept: &[f32], mask: &[f32], rows: usize, slot: usize, output: &mut [f32]) {
        let size = if self.sequences { self.length * self.units } else { self.units };
        for step in 0..self.length {
            if !self.sequences && step + 1 < self.length {
                continue;
            }
            let block = &kept[step * rows * self.width()..];
            let start = if self.sequences { self.place(step) * self.units } else { 0 };
            let outputs = output.chunks_exact_mut(size).zip(block.chunks_exact(self.width()));
            for (row, (to, from)) in outputs.enumerate() {
                let to = &mut to[start..start + self.units];
                if self.sequences && !self.is_read(mask, row, step) {
                    to.fill(0.0);
                } else {
                    to.copy_from_slice(&from[slot * self.units..(slot + 1) * self.units]);
                }
            }
        }
    }

    /// Adds the gradient by what a step gave to the slot `slot` of its block.
    pub(super) fn take(&self, output_gradient: &[f32], mask: &[f32], step: usize, slot: usize, block: &mut [f32]) {
        if !self.sequences && step + 1 < self.length {
            return;
        }
        let size = if self.sequences { self.length * self.units } else { self.units };
        let start = if self.sequences { self.place(step) * self.units } else { 0 };
        let gradients = block.chunks_exact_mut(self.width()).zip(output_gradient.chunks_exact(size));
        for (row, (to, from)) in gradients.enumerate() {
            if self.sequences && !self.is_read(mask, row, step) {
                continue;
            }
            add(&mut to[slot * self.units..(slot + 1) * self.units], &from[start..start + self.units]);
        }
    }

    /// The share of a step in the gradients by weights, biases and input, from the gradients of its first `count` slots.
    pub(super) fn project_back(
        &self,
        input: Matrix<'_>,
        weight: &[f32],
        block: &[f32],
        (rows, step, count): (usize, usize, usize),
        [by_weight, by_bias]: [&mut [f32]; 2],
        input_gradient: Option<&mut [f32]>,
    ) {
        let gates = self.slots(block, rows, 0, count);
        multiply(gates.transposed(), input, true, by_weight, self.features);
        vectorized(
            #[inline(always)]
            || block.chunks_exact(self.width()).for_each(|row| add(by_bias, &row[..count * self.units])),
        );
        if let Some(gradient) = input_gradient {
            let start = self.place(step) * self.features;
            let weight = Matrix::new(weight, count * self.units, self.features);
            multiply(gates, weight, false, &mut gradient[start..], self.length * self.features);
        }
    }
}
