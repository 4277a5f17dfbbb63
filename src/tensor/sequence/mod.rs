//! Sequences: the last rows of a group as one input, `[window, features]`.
//!
//! ```text
//! rows sorted by group and time --Windows--> one row for each full window --Sequence--> [window, features]
//! ```
//!
//! A window ends with the row of which something is to be foretold: the target is that of the row `horizon` rows later
//! in the same group. No window reaches over the border of a group, and what is cut is whatever rows come in: a part of
//! a split is cut by itself, so no window sees rows of another part.

mod fit;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;
mod windows;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use serde::{Deserialize, Serialize};

use super::block::{Block, BlockKind};
use super::number::{Number, NumberScale};
use super::part::{Counts, Part};

pub(super) use fit::SequenceFit;
pub use windows::{WINDOW, WindowCounts, Windows};

/// The name of the block.
pub const SEQUENCE: &str = "sequence";

/// What rows a window has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceSpec {
    /// The columns of numbers of each row, with their scales.
    pub columns: Vec<(String, NumberScale)>,
    /// The columns that name the group; without any all rows are one group.
    pub by: Vec<String>,
    /// The column that orders the rows of a group.
    pub order: String,
    /// How many rows a window has.
    pub window: usize,
    /// How many rows after the last of the window the target stands.
    pub horizon: usize,
}

impl SequenceSpec {
    /// The columns that are read.
    pub fn reads(&self) -> Vec<String> {
        let columns = self.columns.iter().map(|(name, _)| name.clone());
        columns.chain(self.by.iter().cloned()).chain([self.order.clone()]).collect()
    }
}

/// A sequence with what was learned about its columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    spec: SequenceSpec,
    numbers: Vec<Number>,
}

impl Sequence {
    /// What rows a window has.
    pub fn spec(&self) -> &SequenceSpec {
        &self.spec
    }

    /// The columns.
    pub fn numbers(&self) -> &[Number] {
        &self.numbers
    }

    /// How many inputs a row of the window becomes.
    fn features(&self) -> usize {
        self.numbers.iter().map(Number::width).sum()
    }

    pub(super) fn is_sound(&self) -> bool {
        self.spec.window > 0
            && self.spec.window <= 1 << 16
            && self.numbers.len() == self.spec.columns.len()
            && self.numbers.iter().all(Number::is_sound)
    }

    pub(super) fn block(&self) -> Block {
        Block {
            name: SEQUENCE.to_owned(),
            shape: vec![self.spec.window, self.features()],
            tokens: None,
            kind: BlockKind::Sequence,
            dimension: None,
        }
    }

    /// A name for each number: `load, 2 rows before`.
    pub(super) fn input_names(&self) -> Vec<String> {
        let window = self.spec.window;
        let at = |step: usize| match window - 1 - step {
            0 => String::new(),
            1 => ", 1 row before".to_owned(),
            before => format!(", {before} rows before"),
        };
        let names: Vec<String> = self.numbers.iter().flat_map(Number::input_names).collect();
        (0..window).flat_map(|step| names.iter().map(move |name| format!("{name}{}", at(step)))).collect()
    }

    /// The column of each number.
    pub(super) fn input_columns(&self) -> Vec<String> {
        let of = |number: &Number| vec![number.name().to_owned(); number.width()];
        let columns: Vec<String> = self.numbers.iter().flat_map(of).collect();
        (0..self.spec.window).flat_map(|_| columns.iter().cloned()).collect()
    }

    /// Fills the block from the column [`WINDOW`] of rows that were cut: lists of `window` times the columns.
    pub(super) fn encode(&self, array: &ArrayRef, part: &mut Part<'_>) -> Counts {
        let mut counts = Counts::default();
        let (size, columns, features) = (self.spec.window * self.features(), self.numbers.len(), self.features());
        let lists = array.as_fixed_size_list_opt();
        for row in 0..array.len() {
            let values = lists.filter(|lists| lists.is_valid(row)).map(|lists| lists.value(row));
            let (Some(values), Some(cells)) = (values, part.row(row, size)) else {
                let reason = format!("{SEQUENCE}: there are not {} rows up to it", self.spec.window);
                counts.failed.push((row, reason));
                continue;
            };
            let Some(values) = values.as_primitive_opt::<Float64Type>() else { continue };
            let mut has_missing = false;
            for (step, cells) in
                values.values().chunks_exact(columns.max(1)).zip(cells.chunks_exact_mut(features.max(1)))
            {
                let mut from = 0;
                for (number, value) in self.numbers.iter().zip(step) {
                    has_missing |= value.is_nan();
                    if let Some(cells) = cells.get_mut(from..from + number.width()) {
                        number.one(*value, cells);
                    }
                    from += number.width();
                }
            }
            counts.missing += u64::from(has_missing);
        }
        counts
    }
}
