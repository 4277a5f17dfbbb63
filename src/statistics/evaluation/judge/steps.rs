//! Areas that the order of the rows gives: ranked once, then computed for any weights in `O(n)`.

/// The mark of a row that is true.
const TRUE: u32 = 1 << 31;
/// The mark of the last of equal scores.
const LAST: u32 = 1 << 30;
/// Rows at most: two bits of a number are marks.
pub(super) const MOST_ROWS: usize = 1 << 30;

/// Rows by falling score; equal scores are one step. Four bytes for each row.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    ranked: Vec<Ranked>,
}

/// A row in its rank.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ranked(u32);

impl Ranked {
    /// Its number.
    pub(super) fn row(self) -> usize {
        (self.0 & (LAST - 1)) as usize
    }

    /// Whether it is true.
    pub(super) fn is_true(self) -> bool {
        self.0 & TRUE > 0
    }
}

/// Areas under the ROC curve, and the average precision; none where they are not defined.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Areas {
    pub(super) roc: Option<f64>,
    pub(super) average_precision: Option<f64>,
}

impl Steps {
    /// Orders at most 2^30 rows (further ones are passed over) by finite scores. Time `O(n log n)`.
    pub(super) fn new(scores: impl Fn(usize) -> f64, is: impl Fn(usize) -> bool, rows: usize) -> Self {
        let numbers = (0..rows.min(MOST_ROWS)).zip(0u32..);
        let mut sorted: Vec<(f64, u32)> = numbers.map(|(row, number)| (scores(row), number)).collect();
        sorted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut ranked = Vec::with_capacity(sorted.len());
        // Negative zero is zero: `==`, not `total_cmp`.
        for run in sorted.chunk_by(|a, b| a.0 == b.0) {
            ranked.extend(run.iter().map(|(_, row)| Ranked(row | if is(*row as usize) { TRUE } else { 0 })));
            if let Some(last) = ranked.last_mut() {
                last.0 |= LAST;
            }
        }
        Self { ranked }
    }

    /// The rows by falling score.
    pub(super) fn ranked(&self) -> &[Ranked] {
        &self.ranked
    }

    /// The areas when row `i` counts `weights[i]` times. Time `O(n)`.
    pub(super) fn areas(&self, weights: &[u32]) -> Areas {
        let mut counter = Counter::default();
        for ranked in &self.ranked {
            counter.add(*ranked, weights.get(ranked.row()).copied().unwrap_or(0));
        }
        counter.areas()
    }
}

/// Counts rows in the order of their rank.
#[derive(Debug, Default)]
pub(super) struct Counter {
    /// Of the steps that are complete.
    trues: u64,
    falses: u64,
    /// Twice the pairs of a false row and a true row above it, equal ones counting half: exact.
    doubled: u128,
    precision: f64,
    /// Of the step that is not.
    more_trues: u64,
    more: u64,
}

impl Counter {
    /// Takes the next row.
    pub(super) fn add(&mut self, ranked: Ranked, weight: u32) {
        let weight = u64::from(weight);
        self.more += weight;
        self.more_trues += if ranked.is_true() { weight } else { 0 };
        if ranked.0 & LAST == 0 {
            return;
        }
        let falses = self.more - self.more_trues;
        self.doubled += u128::from(falses) * u128::from(2 * self.trues + self.more_trues);
        self.trues += self.more_trues;
        self.falses += falses;
        if self.more_trues > 0 {
            self.precision += self.more_trues as f64 * (self.trues as f64 / (self.trues + self.falses) as f64);
        }
        (self.more, self.more_trues) = (0, 0);
    }

    /// The areas of what was counted.
    pub(super) fn areas(&self) -> Areas {
        let (trues, falses) = (self.trues as f64, self.falses as f64);
        Areas {
            roc: (self.trues > 0 && self.falses > 0).then(|| self.doubled as f64 / 2.0 / (trues * falses)),
            average_precision: (self.trues > 0).then(|| self.precision / trues),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::super::Ranking;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Rows that count several times are as many rows.
        #[test]
        fn weighted_areas_are_those_of_repeated_rows(rows in prop::collection::vec((any::<bool>(), 0u8..9, 0u32..4), 1..80)) {
            let weights: Vec<u32> = rows.iter().map(|row| row.2).collect();
            let found = Steps::new(|row| f64::from(rows[row].1), |row| rows[row].0, rows.len()).areas(&weights);
            let long: Vec<(bool, f64)> =
                rows.iter().flat_map(|&(is, score, weight)| vec![(is, f64::from(score)); weight as usize]).collect();
            let (truth, scores): (Vec<bool>, Vec<f64>) = long.into_iter().unzip();
            let ranking = Ranking::new(&truth, &scores).unwrap();
            prop_assert_eq!(found.roc, ranking.roc_auc());
            let close = |a: Option<f64>, b: Option<f64>| a.zip(b).map_or(a == b, |(a, b)| (a - b).abs() < 1e-12);
            prop_assert!(close(found.average_precision, ranking.average_precision()));
        }
    }
}
