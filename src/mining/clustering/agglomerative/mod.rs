//! Agglomerative clustering: the two nearest clusters are merged, again and again.
//!
//! The chain of nearest neighbours (Benzécri 1982; Müllner 2011, *Modern hierarchical, agglomerative clustering algorithms*)
//! finds the same tree as looking for the least distance each time, in O(n^2). Distances between clusters, as in SciPy:
//!
//! - `Ward`: the square root of twice the growth of the squared distances to the centre; from centres, without a matrix.
//! - `Complete`, `Average`: the largest, the mean distance of their points; over a matrix of `n (n - 1) / 2` distances in f64.
//! - `Single`: the least distance of their points; by the spanning tree of `hdbscan`.
//!
//! # Complexity
//! Ward O(n^2 width) time, O(n width) memory, in parallel; complete and average O(n^2) time, 4 n^2 bytes; single about
//! O(n log^2 n) for few columns.
//!
//! # Example
//! ```
//! use gristmill::mining::clustering::agglomerative::{Linkage, agglomerate};
//!
//! let tree = agglomerate(&[0.0, 1.0, 10.0, 12.0], 1, Linkage::Average).unwrap();
//! assert_eq!(tree.merges().iter().map(|merge| merge.height).collect::<Vec<_>>(), [1.0, 2.0, 10.5]);
//! assert_eq!(tree.cut(2), [0, 0, 1, 1]);
//! ```

mod chain;
mod dendrogram;

use serde::{Deserialize, Serialize};

use super::hdbscan::spanning_tree::spanning_tree;
use super::{ClusteringError, checked};
pub use dendrogram::{Dendrogram, Merge, Top};

/// The distance between clusters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Linkage {
    /// By how much the squared distances to the centre grow.
    #[default]
    Ward,
    /// The largest distance of their points.
    Complete,
    /// The mean distance of their points.
    Average,
    /// The least distance of their points.
    Single,
}

impl Linkage {
    /// Bytes that the merging of `rows` points of `width` columns takes beside the points.
    #[must_use]
    pub fn bytes(self, rows: u64, width: usize) -> u64 {
        match self {
            Self::Ward => rows.saturating_mul(8 * width as u64 + 64),
            Self::Complete | Self::Average => rows.saturating_mul(rows).saturating_mul(4).saturating_add(rows * 64),
            Self::Single => rows.saturating_mul(16 * width as u64 + 150),
        }
    }
}

/// Merges points until one cluster is left.
///
/// Errors: no points, numbers whose distances overflow.
pub fn agglomerate(points: &[f64], width: usize, linkage: Linkage) -> Result<Dendrogram, ClusteringError> {
    let count = checked(points, width, 1)?;
    let merges = match linkage {
        Linkage::Ward => chain::ward(points, width),
        Linkage::Complete => chain::matrix(points, width, |_, _, _, a, b| f64::max(a, b)),
        Linkage::Average => chain::matrix(points, width, |x, y, _, a, b| (x * a + y * b) / (x + y)),
        Linkage::Single => {
            let edges = spanning_tree(points, width, &vec![0.0; count]);
            edges.iter().map(|edge| (edge.a, edge.b, edge.length)).collect()
        }
    };
    Ok(Dendrogram::new(count, merges))
}
