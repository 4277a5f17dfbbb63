//! The best cut of a feature: where it makes two groups of rows that are purer than both together.
//!
//! Purity is what Gini impurity (Breiman et al. 1984) leaves of a group of rows, or their variance: of `n` rows with `n_c` of
//! class `c` it is `Σ n_c² / n`, of numbers `(Σ y)² / n`. A binary target is a number, 0 or 1, whose variance is half of its Gini
//! impurity. Counts and sums by bin stand for sorted rows.
//!
//! Complexity: O(rows + bins) for a feature; nodes of few rows and many classes sort their rows instead.

use super::bins::MOST;
use super::tree::Leaves;

/// A cut of a feature: the last bin that goes left, and the purity of both sides together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    pub(super) purity: f64,
    pub(super) bin: u8,
}

/// What was found about a feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Found {
    /// All rows share a bin.
    Constant,
    /// The rows differ; the best cut, where one leaves enough rows on both sides.
    Varies(Option<Cut>),
}

/// The rows of a node as a whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Whole {
    pub(super) rows: f64,
    pub(super) purity: f64,
    /// Whether all rows have the same target.
    pub(super) is_pure: bool,
}

/// How cuts of one kind of target are judged.
pub(super) trait Criterion {
    /// What a row adds to the sums of its node.
    type Cell: Copy + Default;

    /// What a row adds that counts so many times.
    fn cell(&self, row: usize, weight: u32) -> Self::Cell;

    /// Looks at the rows of a node, before its cuts are asked for.
    fn begin(&mut self, rows: &[u32], cells: &[Self::Cell]) -> Whole;

    /// The best cut of a feature, given the bins of all rows, that leaves at least `leaf` rows on each side.
    fn best(&mut self, column: &[u8], bins: usize, rows: &[u32], cells: &[Self::Cell], leaf: f64) -> Found;

    /// Adds what the node that began last says as a leaf.
    fn leaf(&self, leaves: &mut Leaves);

    /// Leaves of such a tree; none yet.
    fn leaves(&self) -> Leaves;
}

fn bin_of(column: &[u8], row: u32) -> u8 {
    column.get(row as usize).copied().unwrap_or(0)
}

/// Rows and the sum of their targets.
pub(super) trait Amount: Copy + Default + std::ops::AddAssign + std::ops::SubAssign + PartialEq {
    /// As numbers.
    fn parts(self) -> (f64, f64);
    /// Nothing where `keep` is 0, itself where it is 1.
    fn kept(self, keep: u8) -> Self;
}

/// Rows in the upper half, rows with yes in the lower one: both are added at once.
impl Amount for u64 {
    fn parts(self) -> (f64, f64) {
        (f64::from((self >> 32) as u32), f64::from(self as u32))
    }

    fn kept(self, keep: u8) -> Self {
        self & u64::from(keep).wrapping_neg()
    }
}

/// Rows and a sum of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sum {
    rows: f64,
    sum: f64,
}

impl std::ops::AddAssign for Sum {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.sum += other.sum;
    }
}

impl std::ops::SubAssign for Sum {
    fn sub_assign(&mut self, other: Self) {
        self.rows -= other.rows;
        self.sum -= other.sum;
    }
}

impl Amount for Sum {
    fn parts(self) -> (f64, f64) {
        (self.rows, self.sum)
    }

    fn kept(self, keep: u8) -> Self {
        if keep > 0 { self } else { Self::default() }
    }
}

/// Targets of which a node keeps one sum.
pub(super) struct Single<A, T> {
    truth: T,
    whole: A,
    by_bin: [A; MOST],
}

/// Whether rows are a yes.
pub(super) struct Yes<'a>(pub(super) &'a [u32]);

/// Numbers, given around 0; leaves say `centre + spread * mean`.
pub(super) struct Numbers<'a> {
    pub(super) values: &'a [f64],
    pub(super) centre: f64,
    pub(super) spread: f64,
}

/// What single sums are made of.
pub(super) trait Truth<A> {
    fn amount(&self, row: usize, weight: u32) -> A;
    fn is_pure(&self, whole: A, rows: &[u32]) -> bool;
    fn say(&self, whole: A) -> f64;
}

impl Truth<u64> for Yes<'_> {
    fn amount(&self, row: usize, weight: u32) -> u64 {
        let yes = self.0.get(row).copied().unwrap_or(0);
        u64::from(weight) << 32 | u64::from(weight * yes)
    }

    fn is_pure(&self, whole: u64, _: &[u32]) -> bool {
        whole as u32 == 0 || whole as u32 == (whole >> 32) as u32
    }

    fn say(&self, whole: u64) -> f64 {
        let (rows, yes) = whole.parts();
        yes / rows.max(1.0)
    }
}

impl Truth<Sum> for Numbers<'_> {
    fn amount(&self, row: usize, weight: u32) -> Sum {
        let rows = f64::from(weight);
        Sum { rows, sum: rows * self.values.get(row).copied().unwrap_or(0.0) }
    }

    fn is_pure(&self, _: Sum, rows: &[u32]) -> bool {
        let mut values = rows.iter().map(|row| self.values.get(*row as usize));
        let first = values.next();
        values.all(|value| Some(value) == first)
    }

    fn say(&self, whole: Sum) -> f64 {
        self.centre + self.spread * (whole.sum / whole.rows.max(1.0))
    }
}

impl<A: Amount, T: Truth<A>> Single<A, T> {
    pub(super) fn new(truth: T) -> Self {
        Self { truth, whole: A::default(), by_bin: [A::default(); MOST] }
    }

    /// The purity of a cut that leaves these on its left side; none where a side has too few rows.
    fn cut(&self, left: A, leaf: f64) -> Option<f64> {
        let (all, sum) = self.whole.parts();
        let (rows, left) = left.parts();
        let (others, right) = (all - rows, sum - left);
        // One division for both sides.
        (rows >= leaf && others >= leaf).then(|| (left * left * others + right * right * rows) / (rows * others))
    }
}

impl<A: Amount, T: Truth<A>> Criterion for Single<A, T> {
    type Cell = A;

    fn cell(&self, row: usize, weight: u32) -> A {
        self.truth.amount(row, weight)
    }

    fn begin(&mut self, rows: &[u32], cells: &[A]) -> Whole {
        self.whole = A::default();
        cells.iter().for_each(|cell| self.whole += *cell);
        let (count, sum) = self.whole.parts();
        let purity = if count > 0.0 { sum * sum / count } else { 0.0 };
        Whole { rows: count, purity, is_pure: self.truth.is_pure(self.whole, rows) }
    }

    fn best(&mut self, column: &[u8], bins: usize, rows: &[u32], cells: &[A], leaf: f64) -> Found {
        if bins <= 2 {
            let mut right = A::default();
            rows.iter().zip(cells).for_each(|(row, cell)| right += cell.kept(bin_of(column, *row)));
            let (all, above) = (self.whole.parts().0, right.parts().0);
            if above == 0.0 || above == all {
                return Found::Constant;
            }
            let mut left = self.whole;
            left -= right;
            return Found::Varies(self.cut(left, leaf).map(|purity| Cut { purity, bin: 0 }));
        }
        let mut occurring = [0u64; MOST / 64];
        for (row, cell) in rows.iter().zip(cells) {
            let bin = usize::from(bin_of(column, *row));
            if let (Some(sum), Some(word)) = (self.by_bin.get_mut(bin), occurring.get_mut(bin / 64)) {
                *sum += *cell;
                *word |= 1 << (bin % 64);
            }
        }
        let (mut left, mut last, mut best): (A, Option<u8>, Option<Cut>) = (A::default(), None, None);
        let mut varies = false;
        for bin in places(occurring) {
            if let Some(last) = last {
                varies = true;
                let purity = self.cut(left, leaf);
                if let Some(purity) = purity.filter(|purity| best.is_none_or(|best| *purity > best.purity)) {
                    best = Some(Cut { purity, bin: last });
                }
            }
            if let Some(sum) = self.by_bin.get_mut(usize::from(bin)) {
                left += std::mem::take(sum);
            }
            last = Some(bin);
        }
        if varies { Found::Varies(best) } else { Found::Constant }
    }

    fn leaf(&self, leaves: &mut Leaves) {
        if let Leaves::Single(values) = leaves {
            values.push(self.truth.say(self.whole));
        }
    }

    fn leaves(&self) -> Leaves {
        Leaves::Single(Vec::new())
    }
}

/// The places of bits that are set, rising.
fn places(words: [u64; MOST / 64]) -> impl Iterator<Item = u8> {
    (0u8..).step_by(64).zip(words).flat_map(|(start, mut word)| {
        std::iter::from_fn(move || {
            let bit = (word != 0).then(|| word.trailing_zeros() as u8)?;
            word &= word - 1;
            Some(start + bit)
        })
    })
}

/// Targets of several classes.
pub(super) struct Classes<'a> {
    truth: &'a [u32],
    classes: usize,
    /// Rows of the node by class.
    whole: Vec<u32>,
    squares: u64,
    rows: u64,
    /// `[bins, classes]`, and rows by bin; 0 between two features.
    by_bin: Vec<u32>,
    /// Rows by class on both sides of a cut.
    left: Vec<u32>,
    right: Vec<u32>,
    /// Bins of few rows with the places of these.
    keys: Vec<u16>,
}

/// A row of some class.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Member {
    class: u32,
    weight: u32,
}

/// Both sides of a cut that moves to the right.
struct Sides<'a> {
    left: &'a mut [u32],
    right: &'a mut [u32],
    left_rows: u64,
    right_rows: u64,
    left_squares: u64,
    right_squares: u64,
}

impl Sides<'_> {
    /// Rows of a class go from the right to the left: `(n + w)² = n² + w (2 n + w)`.
    fn take(&mut self, member: Member) {
        let (class, weight) = (member.class as usize, u64::from(member.weight));
        if let (Some(left), Some(right)) = (self.left.get_mut(class), self.right.get_mut(class)) {
            self.left_squares += weight * (2 * u64::from(*left) + weight);
            *left += member.weight;
            *right -= member.weight;
            self.right_squares -= weight * (2 * u64::from(*right) + weight);
            self.left_rows += weight;
            self.right_rows -= weight;
        }
    }

    fn purity(&self, leaf: f64) -> Option<f64> {
        let (left, right) = (self.left_rows as f64, self.right_rows as f64);
        (left >= leaf && right >= leaf).then(|| self.left_squares as f64 / left + self.right_squares as f64 / right)
    }
}

impl<'a> Classes<'a> {
    pub(super) fn new(truth: &'a [u32], classes: usize) -> Self {
        Self {
            truth,
            classes,
            whole: vec![0; classes],
            squares: 0,
            rows: 0,
            by_bin: vec![0; classes * MOST],
            left: vec![0; classes],
            right: vec![0; classes],
            keys: Vec::new(),
        }
    }

    /// Whether sorting so many rows takes less than to look at all classes in every bin.
    fn sorts(&self, rows: usize) -> bool {
        rows < MOST && (rows.max(1).ilog2() as usize) + 1 < self.classes
    }
}

impl Criterion for Classes<'_> {
    type Cell = Member;

    fn cell(&self, row: usize, weight: u32) -> Member {
        Member { class: self.truth.get(row).copied().unwrap_or(0), weight }
    }

    fn begin(&mut self, _: &[u32], cells: &[Member]) -> Whole {
        self.whole.fill(0);
        for cell in cells {
            if let Some(count) = self.whole.get_mut(cell.class as usize) {
                *count += cell.weight;
            }
        }
        let counts = || self.whole.iter().map(|count| u64::from(*count));
        (self.rows, self.squares) = (counts().sum(), counts().map(|count| count * count).sum());
        let (rows, squares) = (self.rows as f64, self.squares as f64);
        Whole {
            rows,
            purity: if self.rows > 0 { squares / rows } else { 0.0 },
            is_pure: counts().any(|count| count == self.rows),
        }
    }

    fn best(&mut self, column: &[u8], _: usize, rows: &[u32], cells: &[Member], leaf: f64) -> Found {
        self.left.fill(0);
        self.right.copy_from_slice(&self.whole);
        let sorts = self.sorts(rows.len());
        let classes = self.classes;
        let mut sides = Sides {
            left: &mut self.left,
            right: &mut self.right,
            left_rows: 0,
            right_rows: self.rows,
            left_squares: 0,
            right_squares: self.squares,
        };
        let (mut last, mut best, mut varies): (Option<u8>, Option<Cut>, bool) = (None, None, false);
        let mut before = |bin: u8, sides: &Sides<'_>| {
            if let Some(last) = last.replace(bin).filter(|last| *last != bin) {
                varies = true;
                let purity = sides.purity(leaf);
                if let Some(purity) = purity.filter(|purity| best.is_none_or(|best: Cut| *purity > best.purity)) {
                    best = Some(Cut { purity, bin: last });
                }
            }
        };
        if sorts {
            self.keys.clear();
            self.keys.extend((0u16..).zip(rows).map(|(at, row)| u16::from(bin_of(column, *row)) << 8 | at));
            self.keys.sort_unstable();
            for key in &self.keys {
                before((key >> 8) as u8, &sides);
                sides.take(cells.get(usize::from(key & 0xff)).copied().unwrap_or_default());
            }
        } else {
            let mut occurring = [0u64; MOST / 64];
            for (row, cell) in rows.iter().zip(cells) {
                let bin = usize::from(bin_of(column, *row));
                if let Some(word) = occurring.get_mut(bin / 64) {
                    *word |= 1 << (bin % 64);
                }
                if let Some(count) = self.by_bin.get_mut(bin * classes + cell.class as usize) {
                    *count += cell.weight;
                }
            }
            for bin in places(occurring) {
                before(bin, &sides);
                let at = usize::from(bin) * classes;
                for (class, count) in (0u32..).zip(self.by_bin.get_mut(at..at + classes).unwrap_or_default()) {
                    if *count > 0 {
                        sides.take(Member { class, weight: std::mem::take(count) });
                    }
                }
            }
        }
        if varies { Found::Varies(best) } else { Found::Constant }
    }

    fn leaf(&self, leaves: &mut Leaves) {
        if let Leaves::Several { starts, shares } = leaves {
            starts.push(shares.len() as u32);
            let present = (0u32..).zip(&self.whole).filter(|(_, count)| **count > 0);
            shares.extend(present.map(|(class, count)| (class, (f64::from(*count) / self.rows as f64) as f32)));
        }
    }

    fn leaves(&self) -> Leaves {
        Leaves::several()
    }
}
