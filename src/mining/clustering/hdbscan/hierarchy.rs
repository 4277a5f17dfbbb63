//! The hierarchy of a spanning tree.
//!
//! Edges of equal length are taken together: a merge joins all parts that reach each other at its length at once, as many as
//! there are (Campello, Moulavi & Sander 2013, algorithm 1: in case of ties, edges are removed simultaneously). So the
//! hierarchy does not depend on which of several shortest spanning trees was found, nor on the order of the points.

use super::spanning_tree::Edge;

/// Parts that become one. Points have the numbers below n, the i-th merge has n + i.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Merge {
    /// The parts, two or more.
    pub(super) parts: Vec<u32>,
    /// The length at which they become one.
    pub(super) length: f64,
    /// Points of all together.
    pub(super) size: u32,
}

/// Merges by ascending length; the last one holds all points.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hierarchy {
    count: usize,
    merges: Vec<Merge>,
}

impl Hierarchy {
    /// The hierarchy of the edges of a spanning tree, shortest first. O(n log n).
    pub(super) fn new(edges: &[Edge]) -> Self {
        let count = edges.len() + 1;
        let mut roots: Vec<u32> = (0..count as u32).collect();
        // What stands for each set now: a point or a merge.
        let mut nodes: Vec<u32> = (0..count as u32).collect();
        let mut hierarchy = Self { count, merges: Vec::new() };
        for equal in edges.chunk_by(|a, b| a.length.to_bits() == b.length.to_bits()) {
            // The parts of this length, each with the root it has before anything is joined.
            let mut parts: Vec<u32> =
                equal.iter().flat_map(|edge| [edge.a, edge.b]).map(|point| root(&mut roots, point)).collect();
            parts.sort_unstable();
            parts.dedup();
            for edge in equal {
                let (a, b) = (root(&mut roots, edge.a), root(&mut roots, edge.b));
                roots[a.max(b) as usize] = a.min(b);
            }
            let mut joined: Vec<(u32, u32)> =
                parts.into_iter().map(|part| (root(&mut roots, part), nodes[part as usize])).collect();
            joined.sort_unstable();
            for group in joined.chunk_by(|a, b| a.0 == b.0) {
                let parts: Vec<u32> = group.iter().map(|(_, node)| *node).collect();
                let size = parts.iter().map(|part| hierarchy.size(*part)).sum();
                if let Some((root, _)) = group.first() {
                    nodes[*root as usize] = (count + hierarchy.merges.len()) as u32;
                }
                let length = equal.first().map_or(0.0, |edge| edge.length);
                hierarchy.merges.push(Merge { parts, length, size });
            }
        }
        hierarchy
    }

    /// Number of points.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The number of the merge of everything; of the point when there is but one.
    pub(super) fn top(&self) -> u32 {
        (self.count + self.merges.len()) as u32 - 1
    }

    /// The merge of a number; none for a point.
    pub(super) fn merge(&self, node: u32) -> Option<&Merge> {
        (node as usize).checked_sub(self.count).and_then(|at| self.merges.get(at))
    }

    /// Points of a part.
    pub(super) fn size(&self, node: u32) -> u32 {
        self.merge(node).map_or(1, |merge| merge.size)
    }

    /// The least length that is not 0.
    pub(super) fn least(&self) -> Option<f64> {
        self.merges.iter().map(|merge| merge.length).find(|length| *length > 0.0)
    }
}

fn root(roots: &mut [u32], mut at: u32) -> u32 {
    while roots[at as usize] != at {
        roots[at as usize] = roots[roots[at as usize] as usize];
        at = roots[at as usize];
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lengths_become_one_merge_whatever_their_order() {
        let edge = |a, b, length| Edge { a, b, length };
        let edges = [edge(0, 1, 1.0), edge(3, 4, 1.0), edge(1, 2, 2.0), edge(2, 3, 2.0), edge(4, 5, 3.0)];
        let other = [edge(3, 4, 1.0), edge(0, 1, 1.0), edge(0, 3, 2.0), edge(2, 4, 2.0), edge(0, 5, 3.0)];
        for edges in [edges, other] {
            let found = Hierarchy::new(&edges);
            let mut parts: Vec<(Vec<u32>, u32)> =
                found.merges.iter().map(|merge| (merge.parts.clone(), merge.size)).collect();
            parts.iter_mut().for_each(|(parts, _)| parts.sort_unstable());
            assert_eq!(parts, [(vec![0, 1], 2), (vec![3, 4], 2), (vec![2, 6, 7], 5), (vec![5, 8], 6)]);
            assert_eq!(found.top(), 9);
        }
    }
}
