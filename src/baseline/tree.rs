//! A decision tree on binned features.
//!
//! CART (Breiman, Friedman, Olshen & Stone 1984): each node takes the cut that lowers the Gini impurity of the classes, or the
//! variance of the numbers, the most. Counts by bin stand for sorted rows; nodes of few rows sort them instead. Of equally good
//! cuts the first in the order of the features wins.
//!
//! Complexity: O(features n) for each level of the tree.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::bins::{Binned, MOST};
use ndarray::{ArrayView1, ArrayViewMut1};

/// Classes up to which a node counts them in every bin that occurs, however few rows it has.
const FEW_CLASSES: usize = 16;

/// How a tree is grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeOptions {
    /// Cuts above a leaf at most.
    pub depth: usize,
    /// Rows of a leaf at least.
    pub leaf: u32,
    /// Features that are looked at for each cut; all when absent.
    pub features: Option<usize>,
}

/// What a tree foretells.
#[derive(Debug, Clone, Copy)]
pub(super) enum Truth<'a> {
    Classes { truth: &'a [u32], classes: usize },
    Numbers(&'a [f64]),
}

/// A grown tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    nodes: Vec<Node>,
    /// What leaves say: pairs of class and share, or of 0 and the number.
    leaves: Vec<(u32, f32)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Node {
    /// Rows whose value is at most `cut` go left, to the next node; others to `right`.
    Cut { feature: u32, cut: f32, right: u32 },
    /// Where what it says stands in `leaves`.
    Leaf { start: u32, end: u32 },
}

/// Sums of some rows: what impurity is told from.
#[derive(Debug, Clone)]
struct Sums {
    rows: f64,
    /// Rows by class; of numbers their sum alone.
    by_class: Vec<f64>,
    /// The sum of the squares of `by_class`.
    squares: f64,
}

impl Sums {
    fn new(width: usize) -> Self {
        Self { rows: 0.0, by_class: vec![0.0; width], squares: 0.0 }
    }

    fn add(&mut self, class: usize, rows: f64, amount: f64) {
        self.rows += rows;
        if let Some(sum) = self.by_class.get_mut(class) {
            self.squares += amount * (2.0 * *sum + amount);
            *sum += amount;
        }
    }

    /// The higher, the purer: `Σ n_c² / n`, or `(Σ y)² / n`.
    fn purity(&self) -> f64 {
        if self.rows > 0.0 { self.squares / self.rows } else { 0.0 }
    }
}

/// The best cut of a node so far.
#[derive(Debug, Clone, Copy)]
struct Best {
    purity: f64,
    feature: usize,
    bin: u8,
}

pub(super) struct Grower<'a> {
    binned: &'a Binned,
    truth: Truth<'a>,
    /// How often each row counts.
    weights: &'a [u32],
    options: TreeOptions,
    width: usize,
    /// What numbers are measured from, so that sums of squares keep their digits.
    centre: f64,
    /// The rows of a node with their class, weight and amount, side by side.
    cells: Vec<Cell>,
    /// `[bins, width]` amounts, and rows by bin; 0 between two features.
    amounts: Vec<f64>,
    counts: Vec<f64>,
    pairs: Vec<(u8, Cell)>,
    order: Vec<usize>,
}

/// A row of a node: its weight, and what it adds to its class.
#[derive(Debug, Clone, Copy)]
struct Cell {
    row: u32,
    class: u32,
    weight: f64,
    amount: f64,
}

impl<'a> Grower<'a> {
    pub(super) fn new(binned: &'a Binned, truth: Truth<'a>, weights: &'a [u32], options: TreeOptions) -> Self {
        let width = if let Truth::Classes { classes, .. } = truth { classes.max(1) } else { 1 };
        let centre = match truth {
            Truth::Numbers(values) => values.iter().map(|value| value / values.len().max(1) as f64).sum(),
            Truth::Classes { .. } => 0.0,
        };
        Self {
            binned,
            truth,
            weights,
            options,
            width,
            centre,
            cells: Vec::new(),
            amounts: vec![0.0; MOST * width],
            counts: vec![0.0; MOST],
            pairs: Vec::new(),
            order: (0..binned.columns.len()).collect(),
        }
    }

    fn cell(&self, row: u32) -> Cell {
        let at = row as usize;
        let weight = self.weights.get(at).copied().map_or(0.0, f64::from);
        let (class, amount) = match self.truth {
            Truth::Classes { truth, .. } => (truth.get(at).copied().unwrap_or(0), weight),
            Truth::Numbers(values) => (0, (values.get(at).copied().unwrap_or(self.centre) - self.centre) * weight),
        };
        Cell { row, class, weight, amount }
    }

    fn bin(&self, feature: usize, row: u32) -> u8 {
        self.binned.columns.get(feature).and_then(|column| column.get(row as usize)).copied().unwrap_or(0)
    }

    pub(super) fn grow(mut self, rng: &mut ChaCha8Rng) -> Tree {
        let mut rows: Vec<u32> =
            (0u32..).zip(self.weights).filter(|(_, weight)| **weight > 0).map(|(row, _)| row).collect();
        let mut tree = Tree { nodes: Vec::new(), leaves: Vec::new() };
        // Ranges of `rows` that wait, with their depth and the node whose right side they are.
        let mut open = vec![(0, rows.len(), 0, None)];
        while let Some((start, end, depth, parent)) = open.pop() {
            let here = tree.nodes.len() as u32;
            if let Some(Node::Cut { right, .. }) = parent.and_then(|parent: u32| tree.nodes.get_mut(parent as usize)) {
                *right = here;
            }
            let Some(range) = rows.get_mut(start..end) else { continue };
            let mut cells = std::mem::take(&mut self.cells);
            cells.clear();
            cells.extend(range.iter().map(|row| self.cell(*row)));
            self.cells = cells;
            let sums = self.sums();
            let cut = if depth < self.options.depth { self.best(range, &sums, rng) } else { None };
            let Some(best) = cut else {
                let leaf = self.leaf(range, &sums);
                let from = tree.leaves.len() as u32;
                tree.leaves.extend(leaf);
                tree.nodes.push(Node::Leaf { start: from, end: tree.leaves.len() as u32 });
                continue;
            };
            let left = partition(range, |row| self.bin(best.feature, row) <= best.bin);
            let cuts = self.binned.cuts.get(best.feature).and_then(|cuts| cuts.get(usize::from(best.bin)));
            tree.nodes.push(Node::Cut {
                feature: best.feature as u32,
                cut: cuts.copied().unwrap_or(f32::INFINITY),
                right: 0,
            });
            // The left side is next, so it stands right behind its parent.
            open.push((start + left, end, depth + 1, Some(here)));
            open.push((start, start + left, depth + 1, None));
        }
        tree
    }

    fn sums(&self) -> Sums {
        let mut sums = Sums::new(self.width);
        for cell in &self.cells {
            sums.add(cell.class as usize, cell.weight, cell.amount);
        }
        sums
    }

    fn leaf(&self, rows: &[u32], sums: &Sums) -> Vec<(u32, f32)> {
        match self.truth {
            Truth::Numbers(_) => {
                vec![(0, (self.centre + sums.by_class.first().unwrap_or(&0.0) / sums.rows.max(1.0)) as f32)]
            }
            Truth::Classes { .. } if rows.is_empty() => Vec::new(),
            Truth::Classes { .. } => {
                let present = (0u32..).zip(&sums.by_class).filter(|(_, count)| **count > 0.0);
                present.map(|(class, count)| (class, (count / sums.rows) as f32)).collect()
            }
        }
    }

    /// The best cut; `None` where none makes the node purer.
    fn best(&mut self, rows: &[u32], sums: &Sums, rng: &mut ChaCha8Rng) -> Option<Best> {
        let leaf = f64::from(self.options.leaf.max(1));
        let is_pure = match self.truth {
            Truth::Classes { .. } => sums.by_class.contains(&sums.rows),
            Truth::Numbers(values) => {
                let mut values = rows.iter().filter_map(|row| values.get(*row as usize));
                let first = values.next();
                values.all(|value| Some(value) == first)
            }
        };
        if sums.rows < 2.0 * leaf || is_pure {
            return None;
        }
        let mut order = std::mem::take(&mut self.order);
        let wanted = self.options.features.unwrap_or(order.len()).max(1);
        if wanted < order.len() {
            order.shuffle(rng);
        }
        let (mut best, mut seen): (Option<Best>, usize) = (None, 0);
        for feature in &order {
            // Features that are the same in all rows do not count as looked at.
            if seen >= wanted && (best.is_some() || wanted >= order.len()) {
                break;
            }
            let found = if self.width > FEW_CLASSES && rows.len() < MOST {
                self.sorted(*feature, sums, leaf)
            } else {
                self.counted(*feature, sums, leaf)
            };
            let Some((varies, found)) = found else { continue };
            seen += usize::from(varies);
            if let Some((purity, bin)) = found
                && best.is_none_or(|best| purity > best.purity)
            {
                best = Some(Best { purity, feature: *feature, bin });
            }
        }
        self.order = order;
        // A cut that gains nothing but rounding is none.
        best.filter(|best| best.purity > sums.purity() * (1.0 + 1e-12) + 1e-300)
    }

    /// The best cut of a feature by counts for each bin: whether the feature varies, and purity and bin of the cut. Only bins that
    /// occur are looked at, so that small nodes cost little.
    fn counted(&mut self, feature: usize, sums: &Sums, leaf: f64) -> Option<(bool, Option<(f64, u8)>)> {
        let column = self.binned.columns.get(feature)?;
        let width = self.width;
        let mut occurring = [0_u64; MOST / 64];
        for cell in &self.cells {
            let bin = usize::from(column.get(cell.row as usize).copied().unwrap_or(0));
            if let Some(word) = occurring.get_mut(bin / 64) {
                *word |= 1 << (bin % 64);
            }
            if let Some(amount) = self.amounts.get_mut(bin * width + cell.class as usize) {
                *amount += cell.amount;
            }
            if let Some(count) = self.counts.get_mut(bin) {
                *count += cell.weight;
            }
        }
        let mut scan = Scan::new(sums, leaf);
        for (word, bits) in occurring.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let bin = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                scan.close_before();
                let (Some(amounts), Some(count)) =
                    (self.amounts.get_mut(bin * width..(bin + 1) * width), self.counts.get_mut(bin))
                else {
                    continue;
                };
                if let [amount] = amounts {
                    scan.take(0, *count, *amount);
                } else {
                    amounts
                        .iter()
                        .enumerate()
                        .filter(|(_, a)| **a > 0.0)
                        .for_each(|(class, a)| scan.take(class, *a, *a));
                }
                amounts.fill(0.0);
                *count = 0.0;
                scan.last = bin as u8;
            }
        }
        Some((scan.varies, scan.best))
    }

    /// The same for few rows of many classes, which are sorted by their bin.
    fn sorted(&mut self, feature: usize, sums: &Sums, leaf: f64) -> Option<(bool, Option<(f64, u8)>)> {
        let mut pairs = std::mem::take(&mut self.pairs);
        pairs.clear();
        pairs.extend(self.cells.iter().map(|cell| (self.bin(feature, cell.row), *cell)));
        pairs.sort_unstable_by_key(|(bin, cell)| (*bin, cell.row));
        let mut scan = Scan::new(sums, leaf);
        for run in pairs.chunk_by(|a, b| a.0 == b.0) {
            scan.close_before();
            for (bin, cell) in run {
                scan.take(cell.class as usize, cell.weight, cell.amount);
                scan.last = *bin;
            }
        }
        self.pairs = pairs;
        Some((scan.varies, scan.best))
    }
}

/// Goes through the bins of a feature from the left.
struct Scan {
    left: Sums,
    right: Sums,
    leaf: f64,
    last: u8,
    varies: bool,
    best: Option<(f64, u8)>,
}

impl Scan {
    fn new(all: &Sums, leaf: f64) -> Self {
        Self { left: Sums::new(all.by_class.len()), right: all.clone(), leaf, last: 0, varies: false, best: None }
    }

    /// Rows of a bin go from the right to the left.
    fn take(&mut self, class: usize, rows: f64, amount: f64) {
        self.left.add(class, rows, amount);
        self.right.add(class, -rows, -amount);
    }

    /// A cut between the bin that was taken last and the one that comes.
    fn close_before(&mut self) {
        if self.left.rows == 0.0 {
            return;
        }
        self.varies = true;
        if self.left.rows >= self.leaf && self.right.rows >= self.leaf {
            let purity = self.left.purity() + self.right.purity();
            if self.best.is_none_or(|(best, _)| purity > best) {
                self.best = Some((purity, self.last));
            }
        }
    }
}

/// Puts the rows that go left first, in their order; gives how many these are.
fn partition(rows: &mut [u32], goes_left: impl Fn(u32) -> bool) -> usize {
    let (left, right): (Vec<u32>, Vec<u32>) = rows.iter().partition(|row| goes_left(**row));
    let count = left.len();
    rows.iter_mut().zip(left.into_iter().chain(right)).for_each(|(place, row)| *place = row);
    count
}

impl Tree {
    /// Adds what the tree says of a row to `sums`: shares of the classes, or the number.
    pub(super) fn add(&self, row: ArrayView1<'_, f32>, sums: &mut ArrayViewMut1<'_, f64>) {
        let mut at = 0;
        loop {
            match self.nodes.get(at) {
                Some(Node::Cut { feature, cut, right }) => {
                    // Not a number goes left, as in the bins.
                    let value = row.get(*feature as usize).copied().unwrap_or(f32::NAN);
                    at = if value > *cut { *right as usize } else { at + 1 };
                }
                Some(Node::Leaf { start, end }) => {
                    for (class, share) in self.leaves.get(*start as usize..*end as usize).unwrap_or_default() {
                        if let Some(sum) = sums.get_mut(*class as usize) {
                            *sum += f64::from(*share);
                        }
                    }
                    return;
                }
                None => return,
            }
        }
    }

    /// How many nodes it has.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The cuts in the order of the nodes, those of a left side before those of the right one: feature and value.
    pub fn cuts(&self) -> impl Iterator<Item = (usize, f32)> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Cut { feature, cut, .. } => Some((*feature as usize, *cut)),
            Node::Leaf { .. } => None,
        })
    }
}
