//! The options as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Node, OneOrMany, Spanned};
use crate::mining::clustering::agglomerative;
use crate::mining::clustering::{hdbscan, mixture};

/// Finds groups of rows that are like each other, and gives each row the number of its group.
///
/// Rows are compared by the Euclidean distance over `columns`, after `scale` has brought these to one scale, so that no column
/// rules by its unit. It learns from the training rows when the rows are divided by a `split`, else from all rows; a row that
/// lacks a value in one of the columns is not learned from and gets no cluster (null). The product is the rows with a new
/// column `cluster` (`name`): 1 is the largest cluster, 2 the next; null is a row of no cluster. `predict` gives new rows
/// their cluster in the same way.
///
/// `method` says what a cluster is:
///
/// - `kmeans`: rows around `k` centres, the best of `starts` starts (greedy k-means++, Lloyd 1982 with the bounds of Hamerly
///   2010). A row belongs to the nearest centre. Learns from rows in memory.
/// - `mini_batch`: the same for files beyond memory (Sculley 2010). It begins with k-means on 20,000 rows drawn at random and
///   then follows the stream in batches of `batch` rows, `passes` times; the order of the rows matters a little.
/// - `mixture`: `k` Gaussian distributions of form `covariance`, by expectation maximization. A row belongs to the likeliest one.
///   Rows in memory.
/// - `dbscan`: places where at least `min_points` rows lie within `radius` of a row (Ester et al. 1996); rows elsewhere are noise
///   (null). A new row belongs to the cluster of the nearest dense row within the radius. Rows in memory.
/// - `hdbscan`: dense places of different density with at least `min_cluster_size` rows (Campello, Moulavi & Sander 2013); rows
///   elsewhere are noise. A new row belongs to the cluster of the nearest row that was learned from, when it is no farther from
///   it than the distance at which the cluster stops to be one. `strength` says how firmly a row belongs. Rows in memory.
/// - `agglomerative`: the two nearest clusters are merged until `k` are left, or until all are farther apart than `height`
///   (Müllner 2011). A new row belongs to the cluster of the nearest row that was learned from. Rows in memory; `complete` and
///   `average` also need four bytes times the square of the rows, and `ward` takes at most 100,000 rows.
///
/// `k: auto` tries every number of `k_range` and takes the one of greatest silhouette (Rousseeuw 1987; over at most 4,000 rows
/// drawn at random), for a mixture that of least BIC; the report shows the curve. When rows in memory do not fit, the stage
/// ends with exit code 4: take `mini_batch`, or learn from `sample` rows drawn at random.
///
/// The report shows sizes, what sets each cluster apart in plain words, quality (silhouette, Davies-Bouldin,
/// Calinski-Harabasz, inertia), the rows in two dimensions, and for `agglomerative` the last merges as a dendrogram.
///
/// ```yaml
/// - cluster: {method: kmeans, columns: [dep_delay, distance, air_time], k: 6, profile: [carrier, origin]}
/// - cluster: {method: mixture, columns: [dep_delay, arr_delay], k: auto, name: kind, probability: how_sure}
/// - cluster: {method: hdbscan, columns: [distance, air_time], min_cluster_size: 200, sample: 50000, name: route, strength: firm}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// What a cluster is.
    #[serde(default)]
    pub(super) method: Method,
    /// The columns in which rows are compared; all columns of numbers when absent.
    #[serde(default)]
    pub(super) columns: Option<OneOrMany<Spanned<String>>>,
    /// Number of clusters from 1 to 10,000, or `auto`. For `kmeans`, `mini_batch`, `mixture` (8 when absent) and `agglomerative`.
    #[serde(default)]
    pub(super) k: Option<Node>,
    /// The least and the greatest number that `k: auto` tries; [2, 10] when absent, at most 50.
    #[serde(default)]
    pub(super) k_range: Option<Spanned<(u32, u32)>>,
    /// How columns are brought to one scale.
    #[serde(default)]
    pub(super) scale: Scale,
    /// The name of the new column.
    #[serde(default = "name")]
    pub(super) name: Spanned<String>,
    /// A further column with the distance of each row to the centre of its cluster, on the scale of the comparison
    /// (`kmeans` and `mini_batch`).
    #[serde(default)]
    pub(super) distance: Option<Spanned<String>>,
    /// A further column with the probability of each row's component (`mixture`).
    #[serde(default)]
    pub(super) probability: Option<Spanned<String>>,
    /// A further column with how firmly each row belongs to its cluster, from 0 (noise) to 1 (its densest rows): the density at
    /// which the row leaves the cluster by the greatest one there (`hdbscan`). A new row is as firm as the nearest row that was
    /// learned from, or less where it is farther away than that row's density allows.
    #[serde(default)]
    pub(super) strength: Option<Spanned<String>>,
    /// Columns of categories whose most frequent values the report shows for each cluster.
    #[serde(default)]
    pub(super) profile: Option<OneOrMany<Spanned<String>>>,
    /// Starts of k-means, from 1 to 1,000; 10 when absent. A mixture and mini-batches begin with the best.
    #[serde(default)]
    pub(super) starts: Option<Spanned<u32>>,
    /// Iterations at most: 300 for `kmeans`, 100 for `mixture` when absent.
    #[serde(default)]
    pub(super) iterations: Option<Spanned<u32>>,
    /// When iterations end: 0.0001 of the variance for `kmeans`, a change of the mean log-likelihood of 0.001 for `mixture`.
    #[serde(default)]
    pub(super) tolerance: Option<Spanned<f64>>,
    /// Rows of a batch of `mini_batch`; 1,024 when absent.
    #[serde(default)]
    pub(super) batch: Option<Spanned<u32>>,
    /// How often `mini_batch` reads all rows to learn; 1 when absent.
    #[serde(default)]
    pub(super) passes: Option<Spanned<u32>>,
    /// The form of the distributions of `mixture`: `full` (its own ellipsoid each, when absent), `diag` (along the columns),
    /// `spherical` (balls) or `tied` (one ellipsoid for all).
    #[serde(default)]
    pub(super) covariance: Option<Spanned<Covariance>>,
    /// What is added to the variances of `mixture`, so that no component collapses; 0.000001 when absent.
    #[serde(default)]
    pub(super) regularization: Option<Spanned<f64>>,
    /// How near rows of `dbscan` must be, on the scale of the comparison.
    #[serde(default)]
    pub(super) radius: Option<Spanned<f64>>,
    /// How many rows within the radius make a place dense for `dbscan`, the row itself counted; 5 when absent.
    #[serde(default)]
    pub(super) min_points: Option<Spanned<u32>>,
    /// Rows of a cluster of `hdbscan` at least; 5 when absent.
    #[serde(default)]
    pub(super) min_cluster_size: Option<Spanned<u32>>,
    /// The nearest rows that tell how dense a place is for `hdbscan`, the row itself counted; as `min_cluster_size` when absent.
    #[serde(default)]
    pub(super) min_samples: Option<Spanned<u32>>,
    /// Which clusters of its hierarchy `hdbscan` takes: those of greatest persistence (`excess_of_mass`, when absent) or the
    /// smallest (`leaf`).
    #[serde(default)]
    pub(super) selection: Option<Spanned<Selection>>,
    /// The distance between clusters of `agglomerative`: `ward` when absent, `complete`, `average` or `single`.
    #[serde(default)]
    pub(super) linkage: Option<Spanned<Linkage>>,
    /// The distance up to which `agglomerative` merges, in the place of `k`.
    #[serde(default)]
    pub(super) height: Option<Spanned<f64>>,
    /// Learn from so many rows drawn at random, in the place of all.
    #[serde(default)]
    pub(super) sample: Option<Spanned<u32>>,
    /// Another seed draws other starts and samples.
    #[serde(default)]
    pub(super) seed: u32,
}

/// What a cluster is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    /// Rows around centres.
    #[default]
    Kmeans,
    /// Rows around centres, from a stream.
    MiniBatch,
    /// Gaussian distributions.
    Mixture,
    /// Dense places.
    Dbscan,
    /// Dense places of different density.
    Hdbscan,
    /// What is left of merging the nearest.
    Agglomerative,
}

impl Method {
    /// As people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kmeans => "kmeans",
            Self::MiniBatch => "mini_batch",
            Self::Mixture => "mixture",
            Self::Dbscan => "dbscan",
            Self::Hdbscan => "hdbscan",
            Self::Agglomerative => "agglomerative",
        }
    }
}

/// How columns are brought to one scale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scale {
    /// Mean 0 and standard deviation 1.
    #[default]
    Standardize,
    /// Median 0 and interquartile range 1, which far values cannot stretch.
    Robust,
    /// As they are: columns of large numbers rule.
    None,
}

/// The form of the distributions of a mixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Covariance {
    /// An ellipsoid of its own for each component.
    Full,
    /// An ellipsoid along the columns for each component.
    Diag,
    /// A ball for each component.
    Spherical,
    /// One ellipsoid for all components.
    Tied,
}

impl From<Covariance> for mixture::Covariance {
    fn from(covariance: Covariance) -> Self {
        match covariance {
            Covariance::Full => Self::Full,
            Covariance::Diag => Self::Diag,
            Covariance::Spherical => Self::Spherical,
            Covariance::Tied => Self::Tied,
        }
    }
}

/// Which clusters of a hierarchy are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Those that persist longest.
    ExcessOfMass,
    /// The smallest.
    Leaf,
}

impl From<Selection> for hdbscan::Selection {
    fn from(selection: Selection) -> Self {
        match selection {
            Selection::ExcessOfMass => Self::ExcessOfMass,
            Selection::Leaf => Self::Leaf,
        }
    }
}

/// The distance between clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Linkage {
    /// By how much the variance within clusters grows.
    Ward,
    /// The largest distance of their rows.
    Complete,
    /// The mean distance of their rows.
    Average,
    /// The least distance of their rows.
    Single,
}

impl From<Linkage> for agglomerative::Linkage {
    fn from(linkage: Linkage) -> Self {
        match linkage {
            Linkage::Ward => Self::Ward,
            Linkage::Complete => Self::Complete,
            Linkage::Average => Self::Average,
            Linkage::Single => Self::Single,
        }
    }
}

fn name() -> Spanned<String> {
    Spanned::nowhere("cluster".to_owned())
}
