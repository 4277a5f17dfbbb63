//! The local outlier factor: how much thinner the rows lie around a row than around its neighbours.
//!
//! Breunig, Kriegel, Ng & Sander 2000, *LOF: identifying density-based local outliers* (SIGMOD). The reach of a neighbour is
//! its distance or its own distance to its k-th neighbour, whichever is larger; the density of a row is 1 over the mean reach
//! of its k neighbours; its factor is the mean density of the neighbours over its own. About 1 is usual; well above 1 is alone.
//!
//! Exactly k neighbours are looked at, of equally far ones those that come first, and 1e-10 is added to the mean reach (rows
//! that are equal k times have no reach), both as in scikit-learn. Columns are divided by their standard deviations unless told
//! otherwise.
//!
//! A row that equals one of the rows learned from counts as that row, and gets the factor it has among the others. Any other row
//! is compared with the rows learned from, whose densities stay as they are (Breunig's definition for a query).
//!
//! # Complexity
//! O(n log n) to learn for up to a dozen columns, O(n^2) for many; a row costs one search for its neighbours. The rows
//! learned from are kept.

use std::sync::OnceLock;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Compared, Reason};
use crate::similarity::neighbours::{KdTree, Near, all_nearest, brute};

/// Columns up to which a tree is searched.
const TREE_WIDTH: usize = 12;
/// What is added to a mean reach.
const LEAST: f64 = 1e-10;
/// Rows that one task scores.
const TOGETHER: usize = 128;

/// Rows with their densities. See the [module](self).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LocalOutlierFactor {
    /// What each column is divided by.
    scales: Vec<f64>,
    /// The rows learned from, divided, one after the other.
    points: Vec<f64>,
    neighbours: usize,
    /// The distance of each row to its k-th neighbour.
    reach: Vec<f64>,
    density: Vec<f64>,
    /// Built when it is first asked.
    #[serde(skip)]
    tree: OnceLock<KdTree>,
}

impl PartialEq for LocalOutlierFactor {
    fn eq(&self, other: &Self) -> bool {
        self.scales == other.scales
            && self.points == other.points
            && self.neighbours == other.neighbours
            && self.reach == other.reach
            && self.density == other.density
    }
}

impl LocalOutlierFactor {
    /// Learns from rows of finite numbers, as many columns as there are scales (0 leaves a column out); at least two rows.
    /// `neighbours` beyond the number of other rows are all of them.
    #[must_use]
    pub fn learn(rows: &[f64], scales: Vec<f64>, neighbours: usize) -> Self {
        let width = scales.len();
        let points: Vec<f64> = rows.chunks_exact(width.max(1)).flat_map(|row| divide(row, &scales)).collect();
        let count = rows.len().checked_div(width).unwrap_or(0);
        let neighbours = neighbours.clamp(1, count.saturating_sub(1).max(1));
        let near = all_nearest(&points, width, neighbours);
        let reach: Vec<f64> = near.iter().map(|near| near.last().map_or(0.0, Near::distance)).collect();
        let density = near.iter().map(|near| density(near, &reach)).collect();
        Self { scales, points, neighbours, reach, density, tree: OnceLock::new() }
    }

    /// Columns of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.scales.len()
    }

    /// Rows learned from.
    #[must_use]
    pub fn count(&self) -> usize {
        self.reach.len()
    }

    /// Neighbours that are looked at.
    #[must_use]
    pub fn neighbours(&self) -> usize {
        self.neighbours
    }

    /// Whether the parts fit together.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let count = self.reach.len();
        self.density.len() == count
            && self.points.len() == count * self.scales.len()
            && self.points.iter().all(|value| value.is_finite())
    }

    /// The factors of rows of finite numbers that are stored one after the other. In parallel.
    #[must_use]
    pub fn scores(&self, rows: &[f64]) -> Vec<f64> {
        let width = self.width().max(1);
        let parts: Vec<Vec<f64>> = rows
            .par_chunks(TOGETHER * width)
            .map(|rows| self.near(rows).iter().map(|near| self.factor(near)).collect())
            .collect();
        parts.concat()
    }

    /// The neighbours of each row, without the row itself where it was learned from.
    fn near(&self, rows: &[f64]) -> Vec<Vec<Near>> {
        let width = self.width().max(1);
        let queries: Vec<f64> = rows.chunks_exact(width).flat_map(|row| divide(row, &self.scales)).collect();
        // One more than needed, because the first may be the row itself.
        let wanted = self.neighbours + 1;
        let mut found = if width > TREE_WIDTH {
            brute::nearest(&self.points, &queries, width, wanted)
        } else {
            let tree = self.tree.get_or_init(|| KdTree::new(&self.points, width));
            queries.chunks_exact(width).map(|query| tree.nearest(query, wanted, None)).collect()
        };
        for near in &mut found {
            let itself = near.first().is_some_and(|first| first.squared == 0.0);
            if itself {
                near.remove(0);
            }
            near.truncate(self.neighbours);
        }
        found
    }

    fn factor(&self, near: &[Near]) -> f64 {
        let own = density(near, &self.reach);
        let sum: f64 = near.iter().filter_map(|near| self.density.get(near.point as usize)).sum();
        let factor = sum / near.len().max(1) as f64 / own;
        if factor.is_nan() { f64::MAX } else { factor.min(f64::MAX) }
    }

    /// Each column with its share of the squared distance to the middle of the neighbours, which is what to compare with.
    #[must_use]
    pub fn reasons(&self, row: &[f64]) -> Vec<Reason> {
        let width = self.width();
        let near = self.near(row).into_iter().next().unwrap_or_default();
        (0..width)
            .filter(|column| self.scales.get(*column).is_some_and(|scale| *scale > 0.0))
            .map(|column| {
                let scale = self.scales.get(column).copied().unwrap_or(1.0);
                let values = near.iter().filter_map(|near| self.points.get(near.point as usize * width + column));
                let middle = values.sum::<f64>() / near.len().max(1) as f64;
                let own = row.get(column).copied().unwrap_or(0.0) / scale;
                Reason { column, weight: (own - middle).powi(2), compared: Compared::Neighbours(middle * scale) }
            })
            .collect()
    }
}

fn divide<'a>(row: &'a [f64], scales: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    row.iter().zip(scales).map(|(value, scale)| if *scale > 0.0 { value / scale } else { 0.0 })
}

fn density(near: &[Near], reach: &[f64]) -> f64 {
    let sum: f64 =
        near.iter().map(|near| near.distance().max(reach.get(near.point as usize).copied().unwrap_or(0.0))).sum();
    1.0 / (sum / near.len().max(1) as f64 + LEAST)
}
