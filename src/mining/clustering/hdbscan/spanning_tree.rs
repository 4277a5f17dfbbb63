//! The spanning tree of least mutual reachability.
//!
//! For few columns by Borůvka's rounds over a k-d tree (March, Ram & Gray 2010, with single queries): in each round every part
//! finds its shortest edge to another part, skipping nodes of the tree that belong to the part itself, that are too far, or
//! whose points are all too sparse. About O(n log^2 n). For many columns by Prim's algorithm over all pairs, O(n^2 width).
//! Points are taken in batches of fixed size and what one batch finds spares work in the next, so that the tree does not
//! depend on the number of threads.

use rayon::prelude::*;

use super::super::union_find::UnionFind;
use crate::similarity::neighbours::{KdTree, squared_distance, suits_tree};

/// An edge between two points, by their numbers, the smaller first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The smaller number.
    pub a: u32,
    /// The larger number.
    pub b: u32,
    /// The distance at which they reach each other.
    pub length: f64,
}

impl Edge {
    fn new(a: u32, b: u32, squared: f64) -> Self {
        Self { a: a.min(b), b: a.max(b), length: squared.sqrt() }
    }

    fn key(&self) -> (u64, u32, u32) {
        // Lengths are not negative, so their bits are in their order.
        (self.length.to_bits(), self.a, self.b)
    }
}

/// The n - 1 edges, shortest first. `cores` are core distances; of zeros it is the tree of least distance.
#[must_use]
pub fn spanning_tree(points: &[f64], width: usize, cores: &[f64]) -> Vec<Edge> {
    let mut edges = if suits_tree(width) { boruvka(points, width, cores) } else { prim(points, width, cores) };
    edges.par_sort_unstable_by_key(Edge::key);
    edges
}

/// Points that are searched for before their findings are joined.
const BATCH: usize = 8_192;

pub(in super::super) fn boruvka(points: &[f64], width: usize, cores: &[f64]) -> Vec<Edge> {
    let tree = KdTree::new(points, width);
    let count = tree.len();
    let cores: Vec<f64> = tree.order().iter().map(|&at| cores[at as usize] * cores[at as usize]).collect();
    let sets = UnionFind::new(count);
    let mut rounds = Rounds {
        least_core: least_core(&tree, &cores),
        parts: (0..count as u32).collect(),
        node_parts: vec![None; tree.nodes().len()],
        cores,
        tree: &tree,
    };
    // What each point has found last, by places in the tree: it stays the best as long as the other is in another part.
    let mut found: Vec<Option<(f64, u32)>> = vec![None; count];
    let mut edges = Vec::with_capacity(count.saturating_sub(1));
    while edges.len() + 1 < count {
        rounds.see_parts(&sets);
        let mut best: Vec<Option<(f64, u32, u32)>> = vec![None; count];
        for (batch, found) in found.chunks_mut(BATCH).enumerate() {
            found.par_iter_mut().enumerate().with_min_len(64).for_each(|(at, found)| {
                let place = batch * BATCH + at;
                let part = rounds.parts[place];
                let limit = best[part as usize].map_or(f64::INFINITY, |(squared, _, _)| squared);
                let still = found.is_some_and(|(_, other)| rounds.parts[other as usize] != part);
                if !still && rounds.cores[place] <= limit {
                    *found = rounds.nearest(place, limit);
                }
            });
            for (at, found) in found.iter().enumerate() {
                let place = (batch * BATCH + at) as u32;
                let part = rounds.parts[place as usize];
                let Some((squared, other)) = *found else { continue };
                if rounds.parts[other as usize] == part {
                    continue;
                }
                let edge = (squared, place.min(other), place.max(other));
                let slot = &mut best[part as usize];
                if slot.is_none_or(|best| (edge.0, edge.1, edge.2) < best) {
                    *slot = Some(edge);
                }
            }
        }
        let before = edges.len();
        for (squared, a, b) in best.into_iter().flatten() {
            if sets.join(a, b) {
                edges.push(Edge::new(tree.order()[a as usize], tree.order()[b as usize], squared));
            }
        }
        if edges.len() == before {
            break;
        }
    }
    edges
}

struct Rounds<'a> {
    tree: &'a KdTree,
    /// Squared core distances by place.
    cores: Vec<f64>,
    /// The least of them in each node.
    least_core: Vec<f64>,
    /// The part of each place.
    parts: Vec<u32>,
    /// The part of each node, where all its points are in one.
    node_parts: Vec<Option<u32>>,
}

impl Rounds<'_> {
    fn see_parts(&mut self, sets: &UnionFind) {
        self.parts.par_iter_mut().enumerate().for_each(|(place, part)| *part = sets.root(place as u32));
        for at in (0..self.tree.nodes().len()).rev() {
            let node = self.tree.nodes()[at];
            self.node_parts[at] = match node.second {
                Some(second) => self.node_parts[at + 1].filter(|part| self.node_parts[second as usize] == Some(*part)),
                None => {
                    let parts = &self.parts[node.start as usize..node.end as usize];
                    parts.first().copied().filter(|first| parts.iter().all(|part| part == first))
                }
            };
        }
    }

    /// The nearest place of another part, when it is at most `limit` away (squared); the first in the order of the search of equally near ones.
    fn nearest(&self, place: usize, limit: f64) -> Option<(f64, u32)> {
        let mut best = (f64::INFINITY, None);
        self.search(0, 0.0, place, limit, &mut best);
        best.1.map(|other| (best.0, other))
    }

    fn search(&self, node: usize, least: f64, place: usize, limit: f64, best: &mut (f64, Option<u32>)) {
        let core = self.cores[place];
        let bound = least.max(core).max(self.least_core[node]);
        if bound >= best.0 || bound > limit || self.node_parts[node] == Some(self.parts[place]) {
            return;
        }
        let query = self.tree.at(place);
        if let Some(children) = self.tree.children(node, query) {
            for (child, least) in children {
                self.search(child, least, place, limit, best);
            }
            return;
        }
        for (other, _) in self.tree.leaf(node) {
            if self.parts[other] == self.parts[place] || self.cores[other] >= best.0 {
                continue;
            }
            let squared = squared_distance(query, self.tree.at(other)).max(core).max(self.cores[other]);
            if squared < best.0 {
                *best = (squared, Some(other as u32));
                // Nothing can be nearer than the own core distance.
                if squared <= core {
                    return;
                }
            }
        }
    }
}

fn least_core(tree: &KdTree, cores: &[f64]) -> Vec<f64> {
    let mut least = vec![f64::INFINITY; tree.nodes().len()];
    for (at, node) in tree.nodes().iter().enumerate().rev() {
        least[at] = match node.second {
            Some(second) => least[at + 1].min(least[second as usize]),
            None => cores[node.start as usize..node.end as usize].iter().copied().fold(f64::INFINITY, f64::min),
        };
    }
    least
}

/// Numbers of a step of Prim's algorithm from which several threads share it.
const SHARED: usize = 65_536;

pub(in super::super) fn prim(points: &[f64], width: usize, cores: &[f64]) -> Vec<Edge> {
    let count = cores.len();
    // Points outside of the tree: their number, their least squared reach to the tree, and from where.
    let mut outside: Vec<(u32, f64, u32)> = (1..count as u32).map(|at| (at, f64::INFINITY, 0)).collect();
    let mut edges = Vec::with_capacity(count.saturating_sub(1));
    let mut last = 0_u32;
    let at = |point: u32| &points[point as usize * width..(point as usize + 1) * width];
    while !outside.is_empty() {
        let (from, core) = (at(last), cores[last as usize]);
        let step = |(point, squared, near): &mut (u32, f64, u32)| {
            let reach = core.max(cores[*point as usize]);
            if reach * reach < *squared {
                let found = squared_distance(from, at(*point)).max(reach * reach);
                if found < *squared {
                    (*squared, *near) = (found, last);
                }
            }
        };
        let nearer = |a: (usize, f64, u32), b: (usize, f64, u32)| if (b.1, b.2) < (a.1, a.2) { b } else { a };
        let chunk = |(chunk, outside): (usize, &mut [(u32, f64, u32)])| {
            let mut best = (usize::MAX, f64::INFINITY, u32::MAX);
            for (place, entry) in outside.iter_mut().enumerate() {
                step(entry);
                best = nearer(best, (chunk * 512 + place, entry.1, entry.0));
            }
            best
        };
        let none = (usize::MAX, f64::INFINITY, u32::MAX);
        let best = if outside.len() * width > SHARED {
            outside.par_chunks_mut(512).enumerate().map(chunk).reduce(|| none, nearer)
        } else {
            outside.chunks_mut(512).enumerate().map(chunk).fold(none, nearer)
        };
        if best.0 >= outside.len() {
            break;
        }
        let (point, squared, near) = outside.swap_remove(best.0);
        edges.push(Edge::new(point, near, squared));
        last = point;
    }
    edges
}
