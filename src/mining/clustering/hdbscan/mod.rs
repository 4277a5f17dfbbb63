//! HDBSCAN: dense parts of different density, without a radius (Campello, Moulavi & Sander 2013).
//!
//! 1. The *core distance* of a point is that to its `min_samples`-th nearest point, itself counted, as in scikit-learn. Two
//!    points reach each other at the largest of their core distances and their distance.
//! 2. The [spanning tree](spanning_tree) of least reach, cut from the longest edge on, is a hierarchy of clusters.
//!    Edges of equal length are cut at once, as the paper says, so that clusters do not depend on the order of the points. Ties
//!    are common, since the core distance of one point is often its reach to several. scikit-learn cuts one after the other, in
//!    the order in which they come: a point between two clusters, which belongs to neither here, is given to one of them there.
//! 3. The [condensed tree](condensed) has only splits into parts of at least `min_cluster_size` points; smaller parts are points
//!    that leave.
//! 4. The clusters that persist longest are chosen (excess of mass), or the leaves.
//!
//! # Example
//! ```
//! use gristmill::mining::clustering::hdbscan::{HdbscanOptions, hdbscan};
//!
//! let points: Vec<f64> = (0..20).map(|i| f64::from(i % 10) / 10.0 + if i < 10 { 0.0 } else { 50.0 }).collect();
//! let options = HdbscanOptions { min_cluster_size: 5, min_samples: 3, ..HdbscanOptions::default() };
//! let found = hdbscan(&points, 1, &options).unwrap();
//! assert_eq!((found.labels[0], found.labels[19]), (Some(0), Some(1)));
//! ```

pub mod condensed;
mod hierarchy;
pub mod spanning_tree;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ClusteringError, checked};
use crate::similarity::neighbours::{KdTree, brute, suits_tree};
use condensed::Condensed;
use spanning_tree::Edge;

/// How clusters are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HdbscanOptions {
    /// Points of a cluster at least; 2 or more.
    pub min_cluster_size: usize,
    /// The neighbours that make a place dense, the point itself counted; more make clusters more conservative.
    pub min_samples: usize,
    /// Which clusters of the hierarchy are taken.
    pub selection: Selection,
}

impl Default for HdbscanOptions {
    fn default() -> Self {
        Self { min_cluster_size: 5, min_samples: 5, selection: Selection::ExcessOfMass }
    }
}

/// Which clusters of the hierarchy are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Those that persist over the widest range of densities.
    #[default]
    ExcessOfMass,
    /// The smallest ones: many fine clusters.
    Leaf,
}

/// Clusters with their persistence.
#[derive(Debug, Clone, PartialEq)]
pub struct Hdbscan {
    /// The cluster of each point; none is noise.
    pub labels: Vec<Option<u32>>,
    /// How firmly each point belongs to its cluster, from 0 (noise) to 1.
    pub strengths: Vec<f64>,
    /// The stability of each cluster: points times the range of densities over which they stay.
    pub stabilities: Vec<f64>,
    /// The distance at which each cluster appears, coming from far.
    pub births: Vec<f64>,
    /// The greatest density of each cluster: one by the distance.
    pub densest: Vec<f64>,
    /// Edges of the spanning tree, shortest first.
    pub edges: Vec<Edge>,
}

/// Finds clusters. One cluster of all points is never an answer, as in scikit-learn.
///
/// Errors: no points, fewer points than `min_samples`, numbers whose distances overflow.
pub fn hdbscan(points: &[f64], width: usize, options: &HdbscanOptions) -> Result<Hdbscan, ClusteringError> {
    let rows = checked(points, width, 1)?;
    if options.min_samples > rows {
        return Err(ClusteringError::TooFewNeighbours { needed: options.min_samples, rows });
    }
    let cores = core_distances(points, width, options.min_samples);
    let edges = spanning_tree::spanning_tree(points, width, &cores);
    let tree = Condensed::new(&edges, options.min_cluster_size.max(2));
    let chosen = tree.choose(options.selection);
    let found = tree.label(&chosen);
    Ok(Hdbscan {
        labels: found.labels,
        strengths: found.strengths,
        stabilities: found.stabilities,
        births: found.births,
        densest: found.densest,
        edges,
    })
}

/// The distance from each point to its `min_samples`-th nearest one, itself counted. In parallel.
#[must_use]
pub fn core_distances(points: &[f64], width: usize, min_samples: usize) -> Vec<f64> {
    let others = min_samples.saturating_sub(1);
    let count = points.len() / width.max(1);
    if others == 0 {
        return vec![0.0; count];
    }
    if !suits_tree(width) {
        let all = brute::all_nearest(points, width, others);
        return all.iter().map(|near| near.last().map_or(0.0, |near| near.distance())).collect();
    }
    let tree = KdTree::new(points, width);
    let found: Vec<f64> = tree
        .order()
        .par_iter()
        .enumerate()
        .with_min_len(256)
        .map(|(place, &point)| {
            tree.nearest(tree.at(place), others, Some(point)).last().map_or(0.0, |near| near.distance())
        })
        .collect();
    let mut distances = vec![0.0; count];
    tree.order().iter().zip(found).for_each(|(&point, distance)| distances[point as usize] = distance);
    distances
}
