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
    /// How firmly rows belong to their clusters, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    firmness: Option<Firmness>,
    /// Made when it is first asked.
    #[serde(skip)]
    tree: OnceLock<KdTree>,
}

/// How firmly rows belong to their clusters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Firmness {
    /// The strength of each row, from 0 (noise) to 1.
    pub strengths: Vec<f64>,
    /// The greatest density of each cluster: one by the distance of its densest rows.
    pub densest: Vec<f64>,
}

impl PartialEq for NearestRow {
    fn eq(&self, other: &Self) -> bool {
        self.width == other.width
            && self.points == other.points
            && self.labels == other.labels
            && self.reach == other.reach
            && self.firmness == other.firmness
    }
}

impl NearestRow {
    /// Rows `[n, width]` with their clusters, and how far each cluster reaches.
    #[must_use]
    pub fn new(width: usize, points: Vec<f64>, labels: Vec<Option<u32>>, reach: Vec<Option<f64>>) -> Self {
        Self { width, points, labels, reach, firmness: None, tree: OnceLock::new() }
    }

    /// The same, with how firmly rows belong to their clusters; or without, to be smaller.
    #[must_use]
    pub fn with_firmness(self, firmness: Option<Firmness>) -> Self {
        Self { firmness, ..self }
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
        let firmness = self.firmness.map(|firmness| {
            let densest = order.iter().filter_map(|old| firmness.densest.get(*old as usize)).copied().collect();
            Firmness { densest, ..firmness }
        });
        Self { labels, reach, firmness, ..self }
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
            && self.firmness.as_ref().is_none_or(|firmness| {
                firmness.strengths.len() == self.labels.len()
                    && firmness.densest.len() == self.reach.len()
                    && firmness.strengths.iter().all(|strength| (0.0..=1.0).contains(strength))
                    && firmness.densest.iter().all(|density| *density >= 0.0)
            })
    }

    /// Whether it knows how firmly rows belong to their clusters.
    #[must_use]
    pub fn knows_firmness(&self) -> bool {
        self.firmness.is_some()
    }

    /// The clusters of rows `[m, width]` of finite numbers. O(log n) a row for few columns, O(n width) for many.
    #[must_use]
    pub fn labels(&self, rows: &[f64]) -> Vec<Option<u32>> {
        self.map_nearest(rows, |near| self.label(near))
    }

    /// How firmly rows `[m, width]` of finite numbers belong to their clusters: as the nearest row that was learned from, but no
    /// firmer than the distance to it allows (the density of that distance by the greatest one of the cluster). 0 for noise.
    #[must_use]
    pub fn strengths(&self, rows: &[f64]) -> Vec<f64> {
        self.map_nearest(rows, |near| self.strength(near).unwrap_or(0.0))
    }

    fn map_nearest<T>(&self, rows: &[f64], told: impl Fn(Option<&Near>) -> T) -> Vec<T> {
        if self.labels.is_empty() {
            return rows.chunks_exact(self.width.max(1)).map(|_| told(None)).collect();
        }
        if !suits_tree(self.width) {
            return brute::nearest(&self.points, rows, self.width, 1).iter().map(|near| told(near.first())).collect();
        }
        let tree = self.tree.get_or_init(|| KdTree::new(&self.points, self.width));
        rows.chunks_exact(self.width).map(|row| told(tree.nearest(row, 1, None).first())).collect()
    }

    fn strength(&self, near: Option<&Near>) -> Option<f64> {
        let label = self.label(near)?;
        let (near, firmness) = (near?, self.firmness.as_ref()?);
        let strength = *firmness.strengths.get(near.point as usize)?;
        let density = near.distance() * firmness.densest.get(label as usize)?;
        Some(if density > 1.0 { strength.min(1.0 / density) } else { strength })
    }

    fn label(&self, near: Option<&Near>) -> Option<u32> {
        let near = near?;
        let label = (*self.labels.get(near.point as usize)?)?;
        let reach = *self.reach.get(label as usize)?;
        reach.is_none_or(|reach| near.squared <= reach * reach).then_some(label)
    }
}
