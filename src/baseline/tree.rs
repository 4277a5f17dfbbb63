//! A tree of cuts: what it is, and what it says of rows.
//!
//! Rows come as bins of one byte ([`super::bins`]). A node takes eight bytes, and some rows go down a tree side by side, so that
//! the processor waits for several of them at once. Complexity: O(depth) for each row.

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

/// Features at most: their number shares 32 bits with a bin.
pub(super) const MOST_FEATURES: usize = 1 << 24;
/// Rows that go down a tree side by side.
const LANES: usize = 8;

/// A grown tree.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    leaves: Leaves,
}

/// A cut, or a leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    /// Of a cut the feature times 256, and the last bin that goes left; of a leaf its number.
    what: u32,
    /// Of a cut the node to its right; its left node is the next one. 0 makes a leaf: the root is to the right of nothing.
    right: u32,
}

/// What leaves say.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Leaves {
    /// One number: the mean, or the share of yes.
    Single(Vec<f64>),
    /// Classes that occur, with their shares; and where the classes of each leaf begin.
    Several { starts: Vec<u32>, shares: Vec<(u32, f32)> },
}

impl Default for Leaves {
    fn default() -> Self {
        Self::Single(Vec::new())
    }
}

impl Leaves {
    pub(super) fn several() -> Self {
        Self::Several { starts: Vec::new(), shares: Vec::new() }
    }

    fn count(&self) -> usize {
        match self {
            Self::Single(values) => values.len(),
            Self::Several { starts, .. } => starts.len(),
        }
    }
}

impl Tree {
    pub(super) fn new(leaves: Leaves) -> Self {
        Self { nodes: Vec::new(), leaves }
    }

    /// Adds a cut whose right side is not known yet; gives its number.
    pub(super) fn push_cut(&mut self, feature: u32, bin: u8) -> u32 {
        self.nodes.push(Node { what: feature << 8 | u32::from(bin), right: 0 });
        self.nodes.len() as u32 - 1
    }

    /// The next node is the right side of this cut.
    pub(super) fn right_of(&mut self, cut: u32) {
        let here = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(cut as usize) {
            node.right = here;
        }
    }

    /// Adds a leaf; `say` adds what it says.
    pub(super) fn push_leaf(&mut self, say: impl FnOnce(&mut Leaves)) {
        self.nodes.push(Node { what: self.leaves.count() as u32, right: 0 });
        say(&mut self.leaves);
    }

    /// The leaf at which each row ends; `bins` are `[rows, width]`.
    fn leaves_of<const N: usize>(&self, bins: [&[u8]; N]) -> [u32; N] {
        let (mut at, mut leaf) = ([0u32; N], [0u32; N]);
        loop {
            let mut moves = false;
            for ((at, leaf), bins) in at.iter_mut().zip(&mut leaf).zip(bins) {
                let Some(node) = self.nodes.get(*at as usize) else { continue };
                let bin = bins.get((node.what >> 8) as usize).copied().unwrap_or(0);
                let next = if u32::from(bin) > node.what & 0xff { node.right } else { *at + 1 };
                let is_leaf = node.right == 0;
                moves |= !is_leaf;
                *leaf = node.what;
                *at = if is_leaf { *at } else { next };
            }
            if !moves {
                return leaf;
            }
        }
    }

    /// Adds what the tree says of rows, `bins` of `[rows, width]`, to `sums` of `[rows, outputs]`.
    pub(super) fn add(&self, bins: &[u8], width: usize, sums: &mut [f64], outputs: usize) {
        let (width, outputs) = (width.max(1), outputs.max(1));
        let mut rows = bins.chunks_exact(width).zip(sums.chunks_exact_mut(outputs));
        loop {
            let mut lanes: [&[u8]; LANES] = [&[]; LANES];
            let mut taken: [Option<&mut [f64]>; LANES] = [const { None }; LANES];
            let mut count = 0;
            for ((lane, taken), (bins, sums)) in lanes.iter_mut().zip(&mut taken).zip(rows.by_ref().take(LANES)) {
                (*lane, *taken) = (bins, Some(sums));
                count += 1;
            }
            if count == 0 {
                return;
            }
            let leaves = self.leaves_of(lanes);
            for (leaf, sums) in leaves.into_iter().zip(taken) {
                if let Some(sums) = sums {
                    self.say(leaf, sums);
                }
            }
        }
    }

    fn say(&self, leaf: u32, sums: &mut [f64]) {
        let leaf = leaf as usize;
        match &self.leaves {
            Leaves::Single(values) => {
                if let (Some(value), Some(sum)) = (values.get(leaf), sums.first_mut()) {
                    *sum += value;
                }
            }
            Leaves::Several { starts, shares } => {
                let start = starts.get(leaf).map_or(shares.len(), |start| *start as usize);
                let end = starts.get(leaf + 1).map_or(shares.len(), |end| *end as usize);
                for (class, share) in shares.get(start..end).unwrap_or_default() {
                    if let Some(sum) = sums.get_mut(*class as usize) {
                        *sum += f64::from(*share);
                    }
                }
            }
        }
    }

    /// How many nodes it has.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The cuts in the order of the nodes, those of a left side before those of the right one: the feature, and the last of its
    /// bins that goes left.
    pub fn cuts(&self) -> impl Iterator<Item = (usize, u8)> {
        self.nodes.iter().filter(|node| node.right > 0).map(|node| ((node.what >> 8) as usize, node.what as u8))
    }
}
