//! The ledger: rows in and out of every stage with the reason of every difference.

use serde::{Deserialize, Serialize};

use crate::stages::work::{Change, StageCounts, signed};

/// What became of the rows at one stage: `sum(inputs) + sum(changes) = out`.
///
/// For a join the second input is looked up, not added: it stands in `lookups`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Rows that came in, by the stage that they came from.
    pub inputs: Vec<(String, u64)>,
    /// Rows of other inputs that were only looked at.
    pub lookups: Vec<(String, u64)>,
    /// Why the number changed.
    pub changes: Vec<Change>,
    /// Rows that went out.
    pub out: u64,
}

impl Entry {
    /// The entry of a stage that reads its first `flowing` inputs and looks the others up.
    pub fn new(counts: &StageCounts, flowing: usize, changes: Vec<Change>) -> Self {
        let (inputs, lookups) = counts.inputs.split_at(flowing.min(counts.inputs.len()));
        let changes = changes.into_iter().filter(|change| change.rows != 0).collect();
        Self { inputs: inputs.to_vec(), lookups: lookups.to_vec(), changes, out: counts.out }
    }

    /// Rows that neither came out nor have a reason: 0 in a ledger that adds up.
    pub fn unexplained(&self) -> i64 {
        let inputs: i64 = self.inputs.iter().map(|(_, rows)| signed(*rows)).sum();
        let changes: i64 = self.changes.iter().map(|change| change.rows).sum();
        inputs + changes - signed(self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_in_and_what_changed_gives_what_went_out() {
        let counts = StageCounts { inputs: vec![("a".into(), 10), ("b".into(), 3)], out: 8, ..StageCounts::default() };
        let entry = Entry::new(&counts, 1, vec![Change::minus("filtered", 2), Change::minus("null", 0)]);
        assert_eq!((entry.unexplained(), entry.changes.len(), entry.lookups.len()), (0, 1, 1));
        let wrong = Entry::new(&counts, 1, vec![Change::minus("filtered", 1)]);
        assert_eq!(wrong.unexplained(), 1);
    }
}
