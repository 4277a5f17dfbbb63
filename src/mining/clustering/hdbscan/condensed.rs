//! The hierarchy of a spanning tree, with only those splits that matter, and the clusters that persist in it.
//!
//! Densities are `lambda = 1 / distance`. A distance of 0 counts as half of the least positive one, so that equal points have
//! a density too (scikit-learn lets it be infinite).

use super::Selection;
use super::hierarchy::Hierarchy;
use super::spanning_tree::Edge;

/// The condensed tree. The cluster 0 is the root; children have larger numbers than their parents.
#[derive(Debug, Clone, PartialEq)]
pub struct Condensed {
    clusters: Vec<Cluster>,
    /// For each point the cluster that it leaves last, and the density at which it leaves.
    points: Vec<(u32, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Cluster {
    parent: Option<u32>,
    /// The density at which it appears.
    birth: f64,
    /// The greatest density at which it still has points or splits.
    death: f64,
    stability: f64,
    is_leaf: bool,
}

/// Labels of the points, and what is known of the clusters.
pub struct Labelled {
    /// The cluster of each point; none is noise.
    pub labels: Vec<Option<u32>>,
    /// From 0 to 1.
    pub strengths: Vec<f64>,
    /// Of each cluster.
    pub stabilities: Vec<f64>,
    /// The distance at which each cluster appears.
    pub births: Vec<f64>,
    /// The density of each cluster at which a point belongs to it most firmly.
    pub densest: Vec<f64>,
}

impl Condensed {
    /// The tree of the edges of a spanning tree, shortest first. O(n log n).
    #[must_use]
    pub fn new(edges: &[Edge], min_cluster_size: usize) -> Self {
        let hierarchy = Hierarchy::new(edges);
        let least = hierarchy.least().unwrap_or(1.0);
        let density = |length: f64| 1.0 / length.max(least / 2.0);
        let root = Cluster { parent: None, birth: 0.0, death: 0.0, stability: 0.0, is_leaf: true };
        let mut tree = Self { clusters: vec![root], points: vec![(0, 0.0); hierarchy.count()] };
        let mut stack: Vec<(u32, u32)> = vec![(hierarchy.top(), 0)];
        let mut below = Vec::new();
        while let Some((node, cluster)) = stack.pop() {
            let Some(merge) = hierarchy.merge(node) else { continue };
            let lambda = density(merge.length);
            let is_large = |part: u32| hierarchy.size(part) as usize >= min_cluster_size;
            let splits = merge.parts.iter().filter(|part| is_large(**part)).count() > 1;
            for &part in &merge.parts {
                if !is_large(part) {
                    tree.leave(cluster, lambda, hierarchy.size(part));
                    below.push(part);
                    while let Some(node) = below.pop() {
                        match hierarchy.merge(node) {
                            Some(merge) => below.extend(&merge.parts),
                            None => tree.points[node as usize] = (cluster, lambda),
                        }
                    }
                } else if splits {
                    let number = tree.clusters.len() as u32;
                    tree.leave(cluster, lambda, hierarchy.size(part));
                    tree.clusters.push(Cluster { parent: Some(cluster), birth: lambda, ..root });
                    tree.clusters[cluster as usize].is_leaf = false;
                    stack.push((part, number));
                } else {
                    stack.push((part, cluster));
                }
            }
        }
        tree
    }

    fn leave(&mut self, cluster: u32, lambda: f64, points: u32) {
        let cluster = &mut self.clusters[cluster as usize];
        cluster.stability += (lambda - cluster.birth) * f64::from(points);
        cluster.death = cluster.death.max(lambda);
    }

    /// Which clusters are taken; never the root.
    #[must_use]
    pub fn choose(&self, selection: Selection) -> Vec<bool> {
        let mut chosen: Vec<bool> = match selection {
            Selection::Leaf => self.clusters.iter().map(|cluster| cluster.is_leaf).collect(),
            Selection::ExcessOfMass => {
                let mut best: Vec<f64> = self.clusters.iter().map(|cluster| cluster.stability).collect();
                let mut below = vec![0.0; self.clusters.len()];
                let mut chosen = vec![true; self.clusters.len()];
                for (at, cluster) in self.clusters.iter().enumerate().rev() {
                    if below[at] > best[at] {
                        chosen[at] = false;
                        best[at] = below[at];
                    }
                    if let Some(parent) = cluster.parent {
                        below[parent as usize] += best[at];
                    }
                }
                chosen
            }
        };
        chosen[0] = false;
        // What lies within a chosen cluster belongs to it.
        let mut inside = vec![false; self.clusters.len()];
        for (at, cluster) in self.clusters.iter().enumerate() {
            if let Some(parent) = cluster.parent {
                inside[at] = inside[parent as usize] || chosen[parent as usize];
                chosen[at] &= !inside[at];
            }
        }
        chosen
    }

    /// The labels of the points.
    #[must_use]
    pub fn label(&self, chosen: &[bool]) -> Labelled {
        // For each cluster the chosen one above it, and the number of that one among the chosen.
        let mut above: Vec<Option<(u32, u32)>> = vec![None; self.clusters.len()];
        let (mut stabilities, mut births, mut densest) = (Vec::new(), Vec::new(), Vec::new());
        for (at, cluster) in self.clusters.iter().enumerate() {
            above[at] = if chosen[at] {
                stabilities.push(cluster.stability);
                births.push(1.0 / cluster.birth);
                densest.push(cluster.death);
                Some((at as u32, stabilities.len() as u32 - 1))
            } else {
                cluster.parent.and_then(|parent| above[parent as usize])
            };
        }
        let of_point = |(cluster, lambda): &(u32, f64)| match above[*cluster as usize] {
            Some((top, label)) => {
                let death = self.clusters[top as usize].death;
                (Some(label), if death > 0.0 { lambda.min(death) / death } else { 1.0 })
            }
            None => (None, 0.0),
        };
        let (labels, strengths) = self.points.iter().map(of_point).unzip();
        Labelled { labels, strengths, stabilities, births, densest }
    }
}
