//! How a row lies in memory and on disk: the numbers of all inputs, its targets, its weight.

use crate::nn::training::Batch;

/// The target of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetForm {
    /// The number of a class. There are fewer classes than whole numbers that an `f32` holds.
    Class,
    /// So many numbers.
    Values(usize),
}

impl TargetForm {
    fn width(self) -> usize {
        match self {
            Self::Class => 1,
            Self::Values(width) => width,
        }
    }
}

/// The parts of a row, one after the other. Everything is an `f32`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// How many numbers each input has.
    pub(super) inputs: Vec<usize>,
    pub(super) targets: Vec<TargetForm>,
    /// Whether a weight ends the row.
    pub(super) weighted: bool,
}

impl Layout {
    /// Numbers of a row; at least 1.
    pub(super) fn stride(&self) -> usize {
        let targets: usize = self.targets.iter().map(|target| target.width()).sum();
        (self.inputs.iter().sum::<usize>() + targets + usize::from(self.weighted)).max(1)
    }

    /// Bytes of a row.
    pub(super) fn row_bytes(&self) -> u64 {
        self.stride() as u64 * 4
    }

    /// Adds a row to a batch.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of classes were whole numbers"
    )]
    pub(super) fn give(&self, mut row: &[f32], batch: &mut Batch) {
        let mut take = |width: usize| {
            let (part, rest) = row.split_at_checked(width).unwrap_or((&[], &[]));
            row = rest;
            part
        };
        for (width, buffer) in self.inputs.iter().zip(&mut batch.inputs) {
            buffer.extend_from_slice(take(*width));
        }
        for (form, buffer) in self.targets.iter().zip(&mut batch.targets) {
            match form {
                TargetForm::Class => buffer.classes.extend(take(1).iter().map(|class| *class as u32)),
                TargetForm::Values(width) => buffer.values.extend_from_slice(take(*width)),
            }
        }
        if self.weighted {
            batch.weights.extend_from_slice(take(1));
        }
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_given_part_by_part() {
        let layout =
            Layout { inputs: vec![2, 1], targets: vec![TargetForm::Class, TargetForm::Values(2)], weighted: true };
        assert_eq!((layout.stride(), layout.row_bytes()), (7, 28));
        let mut batch = Batch::new(2, 2);
        for start in [0.0, 10.0] {
            let row: Vec<f32> = (0..7_u8).map(|at| start + f32::from(at)).collect();
            layout.give(&row, &mut batch);
        }
        assert_eq!(batch.inputs, [vec![0.0, 1.0, 10.0, 11.0], vec![2.0, 12.0]]);
        assert_eq!(batch.targets[0].classes, [3, 13]);
        assert_eq!(batch.targets[1].values, [4.0, 5.0, 14.0, 15.0]);
        assert_eq!(batch.weights, [6.0, 16.0]);
    }
}
