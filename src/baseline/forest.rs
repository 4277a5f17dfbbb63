//! A random forest, and a single tree in the same clothes.
//!
//! Breiman 2001: each tree is grown on as many rows as there are, drawn with replacement, and looks at a random part of the
//! features for each cut: the root of their number for classes, a third for numbers. The forest says the mean of its trees. Each
//! tree has a stream of random numbers of its own, so that threads change nothing.

use ndarray::{Array2, ArrayView2, Axis};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::Error;
use super::bins::Binned;
use super::tree::{Grower, Tree, TreeOptions, Truth};

/// Rows that pass through a tree together.
const TOGETHER: usize = 512;

/// How a forest is grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForestOptions {
    /// How many trees.
    pub trees: usize,
    /// How each is grown.
    pub tree: TreeOptions,
    /// Whether each tree draws its rows with replacement; else it takes each row once.
    pub bootstrap: bool,
    /// Another seed grows another forest.
    pub seed: u64,
}

impl ForestOptions {
    /// A forest of 100 trees; `classes` tells whether it foretells classes: leaves then have one row, else five (Breiman 2001).
    pub fn forest(features: usize, classes: bool, seed: u64) -> Self {
        let looked_at = if classes { (features as f64).sqrt() as usize } else { features / 3 };
        let leaf = if classes { 1 } else { 5 };
        let tree = TreeOptions { depth: usize::MAX, leaf, features: Some(looked_at.max(1)) };
        Self { trees: 100, tree, bootstrap: true, seed }
    }

    /// A single tree of depth 8 whose leaves have at least 20 rows, or a fiftieth of the rows when that is fewer.
    pub fn single(rows: usize) -> Self {
        let leaf = u32::try_from(rows / 50).unwrap_or(u32::MAX).clamp(1, 20);
        Self { trees: 1, tree: TreeOptions { depth: 8, leaf, features: None }, bootstrap: false, seed: 0 }
    }
}

/// Trees that were grown.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    trees: Vec<Tree>,
    features: usize,
    outputs: usize,
}

impl Forest {
    /// Grows trees on `[n, p]` features that foretell classes.
    ///
    /// Errors: no rows, targets of another number, a class beyond `classes`.
    pub fn classes(
        features: ArrayView2<'_, f32>,
        truth: &[u32],
        classes: usize,
        options: &ForestOptions,
    ) -> Result<Self, Error> {
        if let Some(class) = truth.iter().find(|class| **class as usize >= classes) {
            return Err(Error::Class { class: *class, classes });
        }
        Self::grow(features, Truth::Classes { truth, classes }, truth.len(), classes, options)
    }

    /// Grows trees that foretell numbers.
    ///
    /// Errors: no rows, targets of another number, a target that is not finite.
    pub fn numbers(features: ArrayView2<'_, f32>, truth: &[f64], options: &ForestOptions) -> Result<Self, Error> {
        if truth.iter().any(|value| !value.is_finite()) {
            return Err(Error::NotFinite);
        }
        Self::grow(features, Truth::Numbers(truth), truth.len(), 1, options)
    }

    fn grow(
        features: ArrayView2<'_, f32>,
        truth: Truth<'_>,
        targets: usize,
        outputs: usize,
        options: &ForestOptions,
    ) -> Result<Self, Error> {
        let rows = features.nrows();
        if rows == 0 {
            return Err(Error::Empty);
        }
        if rows != targets {
            return Err(Error::Rows { rows, targets });
        }
        let binned = Binned::new(features);
        let trees = (0..options.trees).into_par_iter().map(|number| {
            let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
            rng.set_stream(number as u64);
            let mut weights = vec![u32::from(!options.bootstrap); rows];
            for _ in 0..if options.bootstrap { rows } else { 0 } {
                if let Some(weight) = weights.get_mut(rng.random_range(0..rows)) {
                    *weight += 1;
                }
            }
            Grower::new(&binned, truth, &weights, options.tree).grow(&mut rng)
        });
        Ok(Self { trees: trees.collect(), features: features.ncols(), outputs })
    }

    /// The trees.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// Shares of the classes `[n, classes]`, or numbers `[n, 1]`.
    ///
    /// Errors: another number of columns.
    pub fn predict(&self, features: ArrayView2<'_, f32>) -> Result<Array2<f64>, Error> {
        if features.ncols() != self.features {
            return Err(Error::Shape);
        }
        let mut sums = Array2::zeros((features.nrows(), self.outputs));
        let count = self.trees.len().max(1) as f64;
        // Tree by tree over some rows, so that a tree stays in the cache of the processor.
        let pieces = sums.axis_chunks_iter_mut(Axis(0), TOGETHER).zip(features.axis_chunks_iter(Axis(0), TOGETHER));
        let mut pieces: Vec<_> = pieces.collect();
        pieces.par_iter_mut().for_each(|(sums, features)| {
            for tree in &self.trees {
                for (mut sums, row) in sums.rows_mut().into_iter().zip(features.rows()) {
                    tree.add(row, &mut sums);
                }
            }
            sums.mapv_inplace(|sum| sum / count);
        });
        Ok(sums)
    }
}
