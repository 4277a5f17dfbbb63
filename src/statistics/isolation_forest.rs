//! The isolation forest: rows that random cuts separate quickly lie far from the others.
//!
//! Liu, Ting & Zhou 2008, *Isolation Forest* (ICDM). Each tree is grown on a random part of the rows: a node takes a random
//! column in which its rows differ and a random cut between their smallest and largest value, until a row stands alone or
//! the tree is as high as a balanced one would be. The score of a row is 2^(-E(h)/c): E(h) is the mean number of cuts that
//! separate it, c that of an unsuccessful search in a binary search tree of as many rows. It lies between 0 and 1; near 1
//! means alone, and when all rows score about 0.5 there is nothing to find.
//!
//! # Complexity
//! Growing: O(t s log s) for t trees of s rows. Scoring: O(t log s) a row. A forest of 100 trees of 256 rows takes about
//! one MiB.
//!
//! # Example
//! ```
//! use gristmill::statistics::isolation_forest::{ForestOptions, IsolationForest};
//!
//! // Two columns; the last row is far out.
//! let rows = [[0.0, 0.1], [0.1, 0.0], [0.0, 0.0], [0.1, 0.1], [0.05, 0.05], [9.0, 9.0]];
//! let forest = IsolationForest::grow(&rows.concat(), 2, &ForestOptions::default());
//! let scores: Vec<f64> = rows.iter().map(|row| forest.score(row)).collect();
//! assert!(scores[..5].iter().all(|score| *score < scores[5]));
//! ```

use rand::seq::index;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Euler's constant, of the harmonic numbers.
const EULER: f64 = 0.577_215_664_901_532_9;

/// How a forest is grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForestOptions {
    /// Number of trees.
    pub trees: usize,
    /// Rows of which each tree is grown; all of them when there are fewer.
    pub sample: usize,
    /// Another seed grows another forest.
    pub seed: u64,
}

impl Default for ForestOptions {
    /// The numbers of the paper.
    fn default() -> Self {
        Self { trees: 100, sample: 256, seed: 0 }
    }
}

/// A forest that has been grown. See the [module](self).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IsolationForest {
    /// Columns of a row.
    width: usize,
    /// The mean number of cuts that a search among as many rows takes.
    normal: f64,
    trees: Vec<Tree>,
}

/// The nodes of a tree, a node before its left child, the left child right behind it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Tree {
    /// The column that the node cuts; `LEAF` where there is no cut.
    columns: Vec<u32>,
    /// Where it cuts: rows at or below go left. Of a leaf: the number of cuts that lead there, with those that were left out.
    values: Vec<f64>,
    /// Where the right child stands.
    right: Vec<u32>,
}

const LEAF: u32 = u32::MAX;

impl IsolationForest {
    /// Grows a forest on rows of `width` finite numbers, stored one after the other.
    #[must_use]
    pub fn grow(rows: &[f64], width: usize, options: &ForestOptions) -> Self {
        let count = rows.len().checked_div(width).unwrap_or(0);
        let sample = options.sample.clamp(1, count.max(1));
        let highest = (sample as f64).log2().ceil() as usize;
        let mut trees = Vec::with_capacity(options.trees);
        for tree in 0..options.trees {
            // A stream of its own for each tree: its shape does not depend on the trees before it.
            let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
            rng.set_stream(tree as u64);
            let mut chosen: Vec<usize> =
                if count == 0 { Vec::new() } else { index::sample(&mut rng, count, sample).into_vec() };
            let mut grown = Tree::default();
            Growing { rows, width, highest, rng, tree: &mut grown }.grow(&mut chosen, 0);
            trees.push(grown);
        }
        Self { width, normal: mean_search(sample), trees }
    }

    /// Number of columns that a row has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// How far out a row lies, from 0 to 1.
    #[must_use]
    pub fn score(&self, row: &[f64]) -> f64 {
        let mut score = [0.0];
        self.scores(row, &mut score);
        score[0]
    }

    /// The scores of rows that are stored one after the other, as many as `scores` has places.
    pub fn scores(&self, rows: &[f64], scores: &mut [f64]) {
        scores.fill(0.0);
        // All rows go through one tree before the next: its nodes stay in the processor's cache.
        for tree in &self.trees {
            for (row, sum) in rows.chunks_exact(self.width.max(1)).zip(scores.iter_mut()) {
                *sum += tree.cuts(row);
            }
        }
        for score in scores {
            let mean = *score / self.trees.len().max(1) as f64;
            // One row tells nothing of what is far.
            *score = if self.normal > 0.0 { (-mean / self.normal).exp2() } else { 0.5 };
        }
    }

    /// Whether the parts fit together, as those of a stored forest must before it is used.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.trees.iter().all(|tree| {
            let nodes = tree.columns.len();
            nodes > 0
                && tree.values.len() == nodes
                && tree.right.len() == nodes
                && (0..nodes).all(|node| {
                    tree.columns[node] == LEAF
                        || (tree.columns[node] as usize) < self.width
                            && node + 1 < nodes
                            && (tree.right[node] as usize) < nodes
                            && tree.right[node] as usize > node
                })
        })
    }
}

impl Tree {
    /// The number of cuts that separate a row; a NaN goes to the right.
    fn cuts(&self, row: &[f64]) -> f64 {
        let mut node = 0;
        loop {
            let column = self.columns[node];
            if column == LEAF {
                return self.values[node];
            }
            node = if row[column as usize] <= self.values[node] { node + 1 } else { self.right[node] as usize };
        }
    }
}

struct Growing<'a> {
    rows: &'a [f64],
    width: usize,
    highest: usize,
    rng: ChaCha8Rng,
    tree: &'a mut Tree,
}

impl Growing<'_> {
    /// Adds the node of these rows and everything below it.
    fn grow(&mut self, chosen: &mut [usize], depth: usize) {
        let node = self.tree.columns.len();
        let cut = if depth >= self.highest || chosen.len() <= 1 { None } else { self.cut(chosen) };
        let Some((column, at)) = cut else {
            self.push(LEAF, depth as f64 + mean_search(chosen.len()));
            return;
        };
        self.push(column as u32, at);
        let mut left = 0;
        for i in 0..chosen.len() {
            if self.rows[chosen[i] * self.width + column] <= at {
                chosen.swap(i, left);
                left += 1;
            }
        }
        let (below, above) = chosen.split_at_mut(left);
        self.grow(below, depth + 1);
        self.tree.right[node] = self.tree.columns.len() as u32;
        self.grow(above, depth + 1);
    }

    fn push(&mut self, column: u32, value: f64) {
        self.tree.columns.push(column);
        self.tree.values.push(value);
        self.tree.right.push(0);
    }

    /// A random column in which the rows differ, and a random place between its values; both sides get a row.
    fn cut(&mut self, chosen: &[usize]) -> Option<(usize, f64)> {
        let ranges: Vec<(usize, f64, f64)> = (0..self.width)
            .filter_map(|column| {
                let values = chosen.iter().map(|row| self.rows[row * self.width + column]);
                let (low, high) =
                    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
                (low < high).then_some((column, low, high))
            })
            .collect();
        if ranges.is_empty() {
            return None;
        }
        let (column, low, high) = ranges[self.rng.random_range(0..ranges.len())];
        let part: f64 = self.rng.random();
        // A weighted sum: the distance of two huge numbers may be no number.
        let at = low * (1.0 - part) + high * part;
        Some((column, if at >= low && at < high { at } else { low }))
    }
}

/// c(n) of the paper: the mean number of steps of an unsuccessful search in a binary search tree of `n` values.
fn mean_search(n: usize) -> f64 {
    match n {
        0 | 1 => 0.0,
        2 => 1.0,
        n => {
            let before = (n - 1) as f64;
            2.0 * (before.ln() + EULER) - 2.0 * before / n as f64
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::statistics::correlation::spearman;

    fn oracle() -> serde_json::Value {
        serde_json::from_str(include_str!("../../tests/data/oracle/preparation_sklearn.json")).unwrap()
    }

    fn numbers(value: &serde_json::Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
    }

    #[test]
    fn rows_are_ranked_as_scikit_learn_ranks_them() {
        for case in oracle()["isolation_forest"].as_array().unwrap() {
            let rows: Vec<Vec<f64>> = case["rows"].as_array().unwrap().iter().map(numbers).collect();
            // Means over ten forests: two forests of one program differ too.
            let expected = numbers(&case["scores"]);
            let mut found = vec![0.0; rows.len()];
            for seed in 0..10 {
                let forest =
                    IsolationForest::grow(&rows.concat(), rows[0].len(), &ForestOptions { seed, ..Default::default() });
                let mut scores = vec![0.0; rows.len()];
                forest.scores(&rows.concat(), &mut scores);
                found.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score / 10.0);
            }
            let name = case["name"].as_str().unwrap();
            let agreement = spearman(&found, &expected).unwrap().unwrap().coefficient;
            // Means over ten other seeds of scikit-learn itself agree to 0.9765 on the ring, where nothing is far out.
            assert!(agreement > 0.97, "{name}: {agreement}");
            let furthest = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(furthest < 0.03, "{name}: a score is off by {furthest}");
        }
    }

    #[test]
    fn the_mean_search_is_that_of_the_paper() {
        // Liu, Ting & Zhou 2008, equation 1, by hand: c(256) = 2 H(255) - 2 * 255 / 256 with H(i) = ln(i) + 0.5772156649.
        assert!((mean_search(256) - 10.244_770_920_1).abs() < 1e-9, "{}", mean_search(256));
        assert_eq!((mean_search(1), mean_search(2)), (0.0, 1.0));
    }

    #[test]
    fn a_seed_gives_one_forest() {
        let rows: Vec<f64> = (0..600).map(|i| f64::from(i * 37 % 101)).collect();
        let grow = |seed| IsolationForest::grow(&rows, 2, &ForestOptions { seed, trees: 5, sample: 64 });
        assert_eq!(grow(3), grow(3));
        assert_ne!(grow(3), grow(4));
    }

    #[test]
    fn equal_rows_and_no_rows_score_the_same() {
        for rows in [vec![], vec![1.0], vec![1.0; 50]] {
            let forest = IsolationForest::grow(&rows, 1, &ForestOptions::default());
            let scores = [forest.score(&[1.0]), forest.score(&[1000.0])];
            assert_eq!(scores[0], scores[1]);
            assert!(forest.is_sound() && scores[0].is_finite());
        }
    }

    proptest! {
        #[test]
        fn scores_lie_between_0_and_1_for_any_numbers(
            rows in prop::collection::vec(prop_oneof![-1e300..1e300, Just(0.0), Just(f64::MAX), Just(f64::MIN)], 2..80),
            seed in 0_u64..9,
        ) {
            let forest = IsolationForest::grow(&rows, 1, &ForestOptions { trees: 7, sample: 16, seed });
            prop_assert!(forest.is_sound());
            for value in rows.iter().chain(&[f64::NAN, f64::INFINITY]) {
                let score = forest.score(&[*value]);
                prop_assert!((0.0..=1.0).contains(&score), "{score}");
            }
        }
    }
}
