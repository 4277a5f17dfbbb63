//! The cluster of the nearest row that was learned from.
//!
//! For clusters that have no centre: dense parts of any shape, merges. Rows that were learned from get their own cluster
//! back, because they are nearest to themselves.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::similarity::neighbours::{KdTree, Near, brute, suits_tree};

/// Rows with their clusters. See the [module](self).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NearestRow {
    width: usize,
    /// `[n, width]`.
    points: Vec<f64>,
    /// The cluster of each row; none for noise.
    labels: Vec<Option<u32>>,
    /// For each cluster how far from the nearest of its rows another row may be; any distance for none.
    reach: Vec<Option<f64>>,
    /// Made when it is first asked.
    #[serde(skip)]
    tree: OnceLock<KdTree>,
}

impl PartialEq for NearestRow {
    fn eq(&self, other: &Self) -> bool {
        self.width == other.width
            && self.points == other.points
            && self.labels == other.labels
            && self.reach == other.reach
    }
}

impl NearestRow {
    /// Rows `[n, width]` with their clusters, and how far each cluster reaches.
    #[must_use]
    pub fn new(width: usize, points: Vec<f64>, labels: Vec<Option<u32>>, reach: Vec<Option<f64>>) -> Self {
        Self { width, points, labels, reach, tree: OnceLock::new() }
    }

    /// The same with other numbers: the cluster `order[i]` becomes `i`; what is not in `order` becomes noise.
    #[must_use]
    pub fn reordered(self, order: &[u32]) -> Self {
        let mut after = vec![None; self.reach.len()];
        for (new, old) in order.iter().enumerate() {
            if let Some(slot) = after.get_mut(*old as usize) {
                *slot = Some(new as u32);
            }
        }
        let number = |label: Option<u32>| after.get(label? as usize).copied().flatten();
        let labels = self.labels.into_iter().map(number).collect();
        let reach = order.iter().map(|old| self.reach.get(*old as usize).copied().flatten()).collect();
        Self { labels, reach, ..self }
    }

    /// Columns of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether it can be applied.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.width > 0
            && self.points.len() == self.labels.len() * self.width
            && self.points.iter().all(|value| value.is_finite())
            && self.labels.iter().flatten().all(|label| (*label as usize) < self.reach.len())
            && self.reach.iter().flatten().all(|reach| *reach >= 0.0)
    }

    /// The clusters of rows `[m, width]` of finite numbers. O(log n) a row for few columns, O(n width) for many.
    #[must_use]
    pub fn labels(&self, rows: &[f64]) -> Vec<Option<u32>> {
        if self.labels.is_empty() {
            return vec![None; rows.len() / self.width.max(1)];
        }
        if !suits_tree(self.width) {
            let near = brute::nearest(&self.points, rows, self.width, 1);
            return near.iter().map(|near| self.label(near.first())).collect();
        }
        let tree = self.tree.get_or_init(|| KdTree::new(&self.points, self.width));
        rows.chunks_exact(self.width).map(|row| self.label(tree.nearest(row, 1, None).first())).collect()
    }

    fn label(&self, near: Option<&Near>) -> Option<u32> {
        let near = near?;
        let label = (*self.labels.get(near.point as usize)?)?;
        let reach = *self.reach.get(label as usize)?;
        reach.is_none_or(|reach| near.squared <= reach * reach).then_some(label)
    }
}
