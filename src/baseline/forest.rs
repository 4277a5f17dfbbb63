//! A random forest, and a single tree in the same clothes.
//!
//! Breiman 2001: each tree is grown on as many rows as there are, drawn with replacement, and looks at a random part of the
//! features for each cut: the root of their number for classes, a third for numbers. The forest says the mean of its trees. Each
//! tree has a stream of random numbers of its own, so that threads change nothing.

use ndarray::{Array2, ArrayView2, Axis, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::Error;
use super::bins::{self, Binned};
use super::cut::{Classes, Criterion, Numbers, Single, Yes};
use super::grow::Grower;
use super::tree::{MOST_FEATURES, Tree, TreeOptions};

/// Rows that pass through a tree together: at least, and at most.
const TOGETHER: (usize, usize) = (256, 4_096);

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
    /// Where each feature is cut into bins.
    cuts: Vec<Vec<f32>>,
    says: Says,
}

/// What a forest says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Number,
    /// The share of yes, and of no as the rest.
    Yes,
    Classes(usize),
}

impl Forest {
    /// Grows trees on `[n, p]` features that foretell classes.
    ///
    /// Errors: no rows, targets of another number, a class beyond `classes`, more than 16 million features.
    pub fn classes(
        features: ArrayView2<'_, f32>,
        truth: &[u32],
        classes: usize,
        options: &ForestOptions,
    ) -> Result<Self, Error> {
        if let Some(class) = truth.iter().find(|class| **class as usize >= classes) {
            return Err(Error::Class { class: *class, classes });
        }
        if classes == 2 {
            return Self::grow(features, truth.len(), Says::Yes, options, &|| Single::new(Yes(truth)));
        }
        Self::grow(features, truth.len(), Says::Classes(classes), options, &|| Classes::new(truth, classes))
    }

    /// Grows trees that foretell numbers.
    ///
    /// Errors: no rows, targets of another number, a target that is not finite, more than 16 million features.
    pub fn numbers(features: ArrayView2<'_, f32>, truth: &[f64], options: &ForestOptions) -> Result<Self, Error> {
        if truth.iter().any(|value| !value.is_finite()) {
            return Err(Error::NotFinite);
        }
        // In units of the largest distance from the mean, so that no square overflows and sums of squares keep their digits.
        let count = truth.len().max(1) as f64;
        let centre: f64 = truth.iter().map(|value| value / count).sum();
        let largest = truth.iter().fold(0.0_f64, |largest, value| largest.max((value - centre).abs()));
        let spread = if largest > 0.0 && largest.is_finite() { largest } else { 1.0 };
        let values: Vec<f64> = truth.iter().map(|value| (value - centre) / spread).collect();
        Self::grow(features, truth.len(), Says::Number, options, &|| {
            Single::new(Numbers { values: &values, centre, spread })
        })
    }

    fn grow<C: Criterion>(
        features: ArrayView2<'_, f32>,
        targets: usize,
        says: Says,
        options: &ForestOptions,
        criterion: &(dyn Fn() -> C + Sync),
    ) -> Result<Self, Error> {
        let rows = features.nrows();
        if rows == 0 {
            return Err(Error::Empty);
        }
        if rows != targets {
            return Err(Error::Rows { rows, targets });
        }
        if features.ncols() >= MOST_FEATURES {
            return Err(Error::Unfit("a tree takes at most 16 million features"));
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
            Grower::new(&binned, criterion(), &weights, options.tree).grow(&mut rng)
        });
        Ok(Self { trees: trees.collect(), cuts: binned.cuts, says })
    }

    /// The trees.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// Where a feature is cut behind a bin: larger values go right.
    pub fn cut(&self, feature: usize, bin: u8) -> Option<f32> {
        self.cuts.get(feature)?.get(usize::from(bin)).copied()
    }

    /// Shares of the classes `[n, classes]`, or numbers `[n, 1]`.
    ///
    /// Errors: another number of columns.
    pub fn predict(&self, features: ArrayView2<'_, f32>) -> Result<Array2<f64>, Error> {
        if features.ncols() != self.cuts.len() {
            return Err(Error::Shape);
        }
        let (outputs, columns) = match self.says {
            Says::Number => (1, 1),
            Says::Yes => (1, 2),
            Says::Classes(classes) => (classes, classes),
        };
        let width = self.cuts.len();
        let count = self.trees.len().max(1) as f64;
        let mut said = Array2::zeros((features.nrows(), columns));
        // Tree by tree over some rows, so that a tree stays in the cache of the processor. Each row is a sum of its own.
        let together = features.nrows().div_ceil(rayon::current_num_threads()).clamp(TOGETHER.0, TOGETHER.1);
        let pieces = said.axis_chunks_iter_mut(Axis(0), together).zip(features.axis_chunks_iter(Axis(0), together));
        let mut pieces: Vec<_> = pieces.collect();
        pieces.par_iter_mut().for_each(|(said, features)| {
            let bins = bins::rows(&self.cuts, *features);
            let mut sums = vec![0.0; features.nrows() * outputs];
            for tree in &self.trees {
                tree.add(&bins, width, &mut sums, outputs);
            }
            for (mut row, sums) in said.rows_mut().into_iter().zip(sums.chunks_exact(outputs.max(1))) {
                if self.says == Says::Yes {
                    let yes = sums.first().map_or(0.0, |sum| sum / count);
                    row.slice_mut(s![..1]).fill(1.0 - yes);
                    row.slice_mut(s![1..]).fill(yes);
                } else {
                    row.iter_mut().zip(sums).for_each(|(to, sum)| *to = sum / count);
                }
            }
        });
        Ok(said)
    }
}
