//! Clusters among rows of numbers.
//!
//! Points are rows of a row-major `[n, width]` slice of finite f64, best near the origin and on one scale. Everything is
//! deterministic: a seed gives the same clusters whatever the number of threads.
//!
//! | module | what | source | memory beside the points |
//! |---|---|---|---|
//! | [`kmeans`] | k centres with the least squared distances | Lloyd 1982, Hamerly 2010, Arthur & Vassilvitskii 2007 | 28 n bytes |
//! | [`mini_batch`] | the same from a stream | Sculley 2010 | k centres |
//! | [`mixture`] | k Gaussian distributions | Dempster, Laird & Rubin 1977 | k covariances for each thread |
//! | [`dbscan`] | dense parts of any shape | Ester et al. 1996 | a copy of the points and 16 n bytes |
//! | [`hdbscan`] | dense parts of different density | Campello, Moulavi & Sander 2013 | a copy of the points and some 150 n bytes |
//! | [`agglomerative`] | a tree of merges | Müllner 2011 | 4 n^2 bytes; 16 n for ward |
//! | [`quality`] | how good clusters are | Rousseeuw 1987, Davies & Bouldin 1979, Caliński & Harabasz 1974 | |

pub mod agglomerative;
pub mod dbscan;
pub mod hdbscan;
pub mod kmeans;
pub mod mini_batch;
pub mod mixture;
mod partition;
pub mod quality;
mod union_find;

#[cfg(test)]
mod tests;

pub use partition::{Partition, distinct_rows};

/// Why there are no clusters.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClusteringError {
    /// There is nothing to divide.
    #[error("there are no rows with a value in every column")]
    NoRows,
    /// More clusters than rows.
    #[error("{k} clusters cannot be made of {rows} row{}", if *rows == 1 { "" } else { "s" })]
    TooManyClusters {
        /// The clusters that were wanted.
        k: usize,
        /// The rows that there are.
        rows: usize,
    },
    /// Fewer rows than tell how dense a place is.
    #[error("the {needed} nearest rows are asked how dense a place is, and there are {rows} in all")]
    TooFewNeighbours {
        /// The rows that are asked.
        needed: usize,
        /// The rows that there are.
        rows: usize,
    },
    /// Squared distances beyond the largest number.
    #[error("the numbers are too large: distances between rows overflow")]
    Overflow,
    /// A covariance that is not positive definite.
    #[error("component {component} of the mixture has shrunk to fewer dimensions than there are columns")]
    Collapsed {
        /// Its number, from 1.
        component: usize,
    },
}

/// Rows that are summed together. Sums are made of these in order, so that they do not depend on the number of threads.
const CHUNK: usize = 4_096;

/// The number of points, after checking that there are some and that their distances are numbers.
fn checked(points: &[f64], width: usize, k: usize) -> Result<usize, ClusteringError> {
    let rows = points.len().checked_div(width).unwrap_or(0);
    if rows == 0 {
        return Err(ClusteringError::NoRows);
    }
    if k > rows {
        return Err(ClusteringError::TooManyClusters { k, rows });
    }
    // The sum of n squared distances of `width` columns must stay a number.
    let largest = (f64::MAX / 16.0 / width as f64 / rows as f64).sqrt();
    if points.iter().all(|value| value.abs() < largest) { Ok(rows) } else { Err(ClusteringError::Overflow) }
}
