//! Growing a tree: CART (Breiman, Friedman, Olshen & Stone 1984).
//!
//! Nodes are cut, the left side first, until they are pure, too small or too deep. Features that are the same in all rows of a
//! node are the same below it, and are not looked at again. Of equally good cuts the first wins.
//!
//! Complexity: O(features n) for each level of the tree.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::bins::Binned;
use super::cut::{Criterion, Cut, Found};
use super::tree::{Tree, TreeOptions};

/// A node that waits: its rows, its depth, how many features are known to be constant, and the cut whose right side it is.
struct Open {
    start: usize,
    end: usize,
    depth: usize,
    constant: usize,
    right_of: Option<u32>,
}

/// Grows one tree.
pub(super) struct Grower<'a, C: Criterion> {
    binned: &'a Binned,
    criterion: C,
    options: TreeOptions,
    /// The rows in the order of the nodes, and what each adds.
    rows: Vec<u32>,
    cells: Vec<C::Cell>,
    /// The features; those that are constant in the rows of the node stand first. What stands among the first ones of a node stays
    /// there while the nodes below it are grown.
    order: Vec<u32>,
    /// What goes right while rows are divided.
    aside: (Vec<u32>, Vec<C::Cell>),
}

impl<'a, C: Criterion> Grower<'a, C> {
    /// A tree on the rows that count, as often as `weights` says.
    pub(super) fn new(binned: &'a Binned, criterion: C, weights: &[u32], options: TreeOptions) -> Self {
        let counted = || (0u32..).zip(weights).filter(|(_, weight)| **weight > 0);
        let rows: Vec<u32> = counted().map(|(row, _)| row).collect();
        let cells = counted().map(|(row, weight)| criterion.cell(row as usize, *weight)).collect();
        let features = binned.columns.len() as u32;
        Self { binned, criterion, options, rows, cells, order: (0..features).collect(), aside: Default::default() }
    }

    /// Grows it.
    pub(super) fn grow(mut self, rng: &mut ChaCha8Rng) -> Tree {
        let mut tree = Tree::new(self.criterion.leaves());
        let mut open = vec![Open { start: 0, end: self.rows.len(), depth: 0, constant: 0, right_of: None }];
        while let Some(mut node) = open.pop() {
            if let Some(cut) = node.right_of {
                tree.right_of(cut);
            }
            let best = self.best(&mut node, rng);
            let Some((feature, cut)) = best else {
                tree.push_leaf(|leaves| self.criterion.leaf(leaves));
                continue;
            };
            let middle = node.start + self.divide(&node, feature, cut.bin);
            let here = tree.push_cut(feature, cut.bin);
            let (depth, constant) = (node.depth + 1, node.constant);
            // The left side is next, so it stands right behind its parent.
            open.push(Open { start: middle, end: node.end, depth, constant, right_of: Some(here) });
            open.push(Open { start: node.start, end: middle, depth, constant, right_of: None });
        }
        tree
    }

    /// The best cut of a node; `None` where none makes it purer.
    fn best(&mut self, node: &mut Open, rng: &mut ChaCha8Rng) -> Option<(u32, Cut)> {
        let rows = self.rows.get(node.start..node.end).unwrap_or_default();
        let cells = self.cells.get(node.start..node.end).unwrap_or_default();
        let whole = self.criterion.begin(rows, cells);
        let leaf = f64::from(self.options.leaf.max(1));
        if node.depth >= self.options.depth || whole.rows < 2.0 * leaf || whole.is_pure {
            return None;
        }
        let wanted = self.options.features.filter(|wanted| *wanted < self.order.len());
        let (mut best, mut seen): (Option<(u32, Cut)>, usize) = (None, 0);
        let mut end = self.order.len();
        // Features that are the same in all rows do not count as looked at.
        while node.constant < end && (best.is_none() || wanted.is_none_or(|wanted| seen < wanted)) {
            let place = if wanted.is_some() { rng.random_range(node.constant..end) } else { end - 1 };
            let Some(feature) = self.order.get(place).copied() else { break };
            let (column, bins) = self.binned.column(feature);
            match self.criterion.best(column, bins, rows, cells, leaf) {
                Found::Constant => {
                    self.order.swap(place, node.constant);
                    node.constant += 1;
                }
                Found::Varies(found) => {
                    seen += 1;
                    end -= 1;
                    self.order.swap(place, end);
                    let wins = |cut: &Cut| match best {
                        None => true,
                        // Where all features are looked at, their order must not depend on what was done before.
                        Some((first, best)) => {
                            cut.purity > best.purity
                                || (cut.purity == best.purity && wanted.is_none() && feature < first)
                        }
                    };
                    if let Some(cut) = found.filter(wins) {
                        best = Some((feature, cut));
                    }
                }
            }
        }
        // A cut that gains nothing but rounding is none.
        best.filter(|(_, cut)| cut.purity > whole.purity * (1.0 + 1e-12) + 1e-300)
    }

    /// Puts the rows of a node that go left first, in their order; gives how many these are.
    fn divide(&mut self, node: &Open, feature: u32, bin: u8) -> usize {
        let (column, _) = self.binned.column(feature);
        let (Some(rows), Some(cells)) =
            (self.rows.get_mut(node.start..node.end), self.cells.get_mut(node.start..node.end))
        else {
            return 0;
        };
        let count = rows.len();
        if self.aside.0.len() < count {
            self.aside.0.resize(count, 0);
            self.aside.1.resize(count, C::Cell::default());
        }
        let (mut left, mut right) = (0, 0);
        for at in 0..count {
            let (Some(&row), Some(&cell)) = (rows.get(at), cells.get(at)) else { continue };
            let goes_left = column.get(row as usize).copied().unwrap_or(0) <= bin;
            // Both places are written, only one of them moves on: no guess of the processor can be wrong.
            if let (Some(to), Some(of)) = (rows.get_mut(left), cells.get_mut(left)) {
                (*to, *of) = (row, cell);
            }
            if let (Some(to), Some(of)) = (self.aside.0.get_mut(right), self.aside.1.get_mut(right)) {
                (*to, *of) = (row, cell);
            }
            left += usize::from(goes_left);
            right += usize::from(!goes_left);
        }
        if let (Some(rows), Some(cells)) = (rows.get_mut(left..), cells.get_mut(left..)) {
            rows.copy_from_slice(self.aside.0.get(..right).unwrap_or_default());
            cells.copy_from_slice(self.aside.1.get(..right).unwrap_or_default());
        }
        left
    }
}
