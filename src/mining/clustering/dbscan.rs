//! DBSCAN: clusters are points within reach of each other through dense places (Ester, Kriegel, Sander & Xu 1996).
//!
//! A point is a *core* when at least `min_points` points, itself among them, are at most `radius` away. Cores within the radius
//! of each other belong together. Another point belongs to the nearest core within the radius, if there is one, else it is
//! noise. (The paper gives such a border point to whichever cluster comes first; here it does not depend on the order.)
//!
//! Counting ends at `min_points`, and parts of the tree that are known to be one cluster are not looked at again (after Gan & Tao
//! 2015, who do so with cells of a grid), so that a radius that is far too large costs no more than a good one.
//!
//! # Complexity
//! About O(n log n) for few columns, up to O(n^2 width) for many; memory two k-d trees. In parallel.
//!
//! # Example
//! ```
//! use gristmill::mining::clustering::dbscan::dbscan;
//!
//! let points = [0.0, 0.5, 1.0, 5.0, 5.5, 6.0, 20.0];
//! let found = dbscan(&points, 1, 0.6, 2).unwrap();
//! assert_eq!(found.labels, [Some(0), Some(0), Some(0), Some(1), Some(1), Some(1), None]);
//! ```

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::union_find::UnionFind;
use super::{ClusteringError, checked};
use crate::similarity::neighbours::{KdTree, squared_distance};

/// Points that one task looks at.
const TOGETHER: usize = 256;

/// Dense parts of the points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dbscan {
    /// The cluster of each point, numbered by its first core; none is noise.
    pub labels: Vec<Option<u32>>,
    /// The points that are cores, ascending.
    pub cores: Vec<u32>,
}

/// Finds clusters.
///
/// Errors: no points, numbers whose distances overflow.
pub fn dbscan(points: &[f64], width: usize, radius: f64, min_points: usize) -> Result<Dbscan, ClusteringError> {
    let count = checked(points, width, 1)?;
    let tree = KdTree::new(points, width);
    let mut is_core = vec![false; count];
    let found: Vec<bool> = (0..count)
        .into_par_iter()
        .with_min_len(TOGETHER)
        .map(|place| tree.count_within(tree.at(place), radius, min_points) >= min_points)
        .collect();
    tree.order().iter().zip(found).for_each(|(&point, core)| is_core[point as usize] = core);
    drop(tree);
    let cores: Vec<u32> = (0..count as u32).filter(|&at| is_core[at as usize]).collect();
    let dense: Vec<f64> =
        cores.iter().flat_map(|&at| &points[at as usize * width..(at as usize + 1) * width]).copied().collect();
    let tree = KdTree::new(&dense, width);
    let sets = UnionFind::new(cores.len());
    let united: Vec<AtomicBool> = tree.nodes().iter().map(|_| AtomicBool::new(false)).collect();
    let join = Join { tree: &tree, sets: &sets, united: &united, limit: radius * radius };
    join.small_nodes();
    (0..cores.len()).into_par_iter().with_min_len(TOGETHER).for_each(|place| join.neighbours(0, place));
    let mut numbers: FxHashMap<u32, u32> = FxHashMap::default();
    let of_core: Vec<u32> = (0..cores.len() as u32)
        .map(|core| {
            let next = numbers.len() as u32;
            *numbers.entry(sets.root(core)).or_insert(next)
        })
        .collect();
    let labels = points
        .par_chunks_exact(width)
        .with_min_len(TOGETHER)
        .map(|point| {
            let near = tree.nearest(point, 1, None);
            let near = near.first().filter(|near| near.squared <= join.limit)?;
            of_core.get(near.point as usize).copied()
        })
        .collect();
    Ok(Dbscan { labels, cores })
}

/// Joins cores with those within the radius.
struct Join<'a> {
    tree: &'a KdTree,
    sets: &'a UnionFind,
    /// Nodes all of whose points are in one set.
    united: &'a [AtomicBool],
    limit: f64,
}

impl Join<'_> {
    /// Joins the points of small nodes, which are all within the radius of each other, before any search.
    fn small_nodes(&self) {
        for (at, node) in self.tree.nodes().iter().enumerate() {
            if self.tree.diagonal(at) <= self.limit {
                let points = &self.tree.order()[node.start as usize..node.end as usize];
                points.windows(2).for_each(|pair| {
                    self.sets.join(pair[0], pair[1]);
                });
                self.united[at].store(true, Ordering::Release);
            }
        }
    }

    fn is_united(&self, node: usize) -> bool {
        self.united[node].load(Ordering::Acquire)
    }

    fn first(&self, node: usize) -> u32 {
        self.tree.order()[self.tree.nodes()[node].start as usize]
    }

    /// Joins the core at a place with those of a node that are within the radius. What is one set already is not looked at.
    fn neighbours(&self, node: usize, place: usize) {
        let query = self.tree.at(place);
        if self.tree.least(node, query) > self.limit {
            return;
        }
        let found = self.tree.nodes()[node];
        let own = self.tree.order()[place];
        if self.is_united(node) {
            let first = self.first(node);
            if self.sets.root(first) != self.sets.root(own) && self.touches(node, query) {
                self.sets.join(own, first);
            }
            return;
        }
        if self.tree.most(node, query) <= self.limit {
            self.tree.order()[found.start as usize..found.end as usize].iter().for_each(|&point| {
                self.sets.join(own, point);
            });
            self.united[node].store(true, Ordering::Release);
            return;
        }
        if let Some(second) = found.second {
            let (first, second) = (node + 1, second as usize);
            self.neighbours(first, place);
            self.neighbours(second, place);
            let both = self.is_united(first) && self.is_united(second);
            if both && self.sets.root(self.first(first)) == self.sets.root(self.first(second)) {
                self.united[node].store(true, Ordering::Release);
            }
            return;
        }
        for (other, point) in self.tree.leaf(node) {
            if squared_distance(query, self.tree.at(other)) <= self.limit {
                self.sets.join(own, point);
            }
        }
        let root = self.sets.root(self.first(node));
        if self.tree.leaf(node).all(|(_, point)| self.sets.root(point) == root) {
            self.united[node].store(true, Ordering::Release);
        }
    }

    /// Whether a point of the node is within the radius.
    fn touches(&self, node: usize, query: &[f64]) -> bool {
        if self.tree.most(node, query) <= self.limit {
            return true;
        }
        match self.tree.children(node, query) {
            Some(children) => {
                children.into_iter().any(|(child, least)| least <= self.limit && self.touches(child, query))
            }
            None => self.tree.leaf(node).any(|(other, _)| squared_distance(query, self.tree.at(other)) <= self.limit),
        }
    }
}
