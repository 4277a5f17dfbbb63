//! Labels in an order that people expect: the largest cluster first.

use rustc_hash::FxHashSet;

/// Rows divided into clusters, the largest first (equal ones by their first row); a row of noise has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// The cluster of each row, from 0.
    pub labels: Vec<Option<u32>>,
    /// Rows of each cluster; none is empty.
    pub sizes: Vec<u64>,
    /// The number that each cluster had before, in the new order.
    pub before: Vec<u32>,
}

impl Partition {
    /// Gives labels from 0 to `k - 1` their order. Numbers without rows go.
    #[must_use]
    pub fn by_size(labels: &[Option<u32>]) -> Self {
        let k = labels.iter().flatten().max().map_or(0, |most| *most as usize + 1);
        let mut sizes = vec![0_u64; k];
        let mut first = vec![usize::MAX; k];
        for (row, label) in labels.iter().enumerate() {
            if let Some(label) = label {
                sizes[*label as usize] += 1;
                first[*label as usize] = first[*label as usize].min(row);
            }
        }
        let mut before: Vec<u32> = (0..k as u32).filter(|at| sizes[*at as usize] > 0).collect();
        before.sort_by_key(|&at| (std::cmp::Reverse(sizes[at as usize]), first[at as usize]));
        let mut after = vec![0_u32; k];
        before.iter().enumerate().for_each(|(new, &old)| after[old as usize] = new as u32);
        Self {
            labels: labels.iter().map(|label| label.map(|label| after[label as usize])).collect(),
            sizes: before.iter().map(|&at| sizes[at as usize]).collect(),
            before,
        }
    }

    /// The same of labels without noise.
    #[must_use]
    pub fn of(labels: &[u32]) -> Self {
        let labels: Vec<Option<u32>> = labels.iter().copied().map(Some).collect();
        Self::by_size(&labels)
    }

    /// Rows of no cluster.
    #[must_use]
    pub fn noise(&self) -> u64 {
        self.labels.iter().filter(|label| label.is_none()).count() as u64
    }
}

/// How many rows differ from each other, counted up to `enough`. 0 and -0 are the same.
#[must_use]
pub fn distinct_rows(points: &[f64], width: usize, enough: usize) -> usize {
    let mut seen: FxHashSet<Vec<u64>> = FxHashSet::default();
    for row in points.chunks_exact(width.max(1)) {
        if seen.len() >= enough {
            break;
        }
        seen.insert(row.iter().map(|value| (value + 0.0).to_bits()).collect());
    }
    seen.len()
}
