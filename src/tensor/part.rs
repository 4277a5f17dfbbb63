//! The part of the inputs that one column fills.

/// The numbers of one column in the rows of a block.
pub(super) struct Part<'a> {
    /// `[n, width of the block]`, row-major; the column's numbers are 0.
    pub(super) inputs: &'a mut [f32],
    /// How many numbers a row of the block has.
    pub(super) width: usize,
    /// Where the column's numbers begin in a row.
    pub(super) offset: usize,
}

impl Part<'_> {
    /// The column's numbers of each row, of which there are `own`.
    pub(super) fn rows(&mut self, own: usize) -> impl Iterator<Item = &mut [f32]> {
        let range = self.offset..self.offset + own;
        self.inputs.chunks_exact_mut(self.width.max(1)).filter_map(move |row| row.get_mut(range.clone()))
    }

    /// The column's numbers of one row, of which there are `own`.
    pub(super) fn row(&mut self, row: usize, own: usize) -> Option<&mut [f32]> {
        let start = row.checked_mul(self.width)?.checked_add(self.offset)?;
        self.inputs.get_mut(start..start.checked_add(own)?)
    }
}

/// What was found in the values of a column.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Rows without a value.
    pub(super) missing: u64,
    /// Rows whose value training did not have.
    pub(super) unknown: u64,
    /// Rows that cannot be read, with the reason.
    pub(super) failed: Vec<(usize, String)>,
}
