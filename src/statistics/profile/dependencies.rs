//! Keys of two columns, and columns that say what another one says: functional dependencies, also those with exceptions.
//!
//! # Method
//! A search over all rows for all pairs would cost their product. The first 16,384 rows propose: pairs of columns without
//! a repeated row, and dependencies `x -> y` that at most 5 % of them break. All rows confirm: a pair of columns that
//! identifies rows does so in the first rows too, so no key is missed but for the limit on their number; a dependency can be
//! missed when `y` begins to vary later. A proposal is dropped as soon as rows break it.
//!
//! The violations are those of the measure g3 (Kivinen & Mannila 1995): the least share of rows that have to go so that `x`
//! determines `y`. It is exact while the pairs (x, y) fit a table of 32,768, and then of those `x` whose hash begins with zeros, of which
//! all rows are kept.
//!
//! Time: the square of the columns (at most [`MOST_COLUMNS`]) times the proposing rows, and one look into a table a row and
//! proposal. Memory: 32,768 entries a proposal.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::{Uniqueness, mix};

/// Rows that propose.
const PROPOSING: usize = 16_384;
/// The share of the rows that may break a dependency.
const TOLERATED: f64 = 0.05;
/// The most columns that are looked at.
pub const MOST_COLUMNS: usize = 40;
/// Proposals of either kind that are followed at most.
const MOST_PROPOSALS: usize = 60;
/// Pairs of values that are kept for a dependency.
const PAIRS: usize = 32_768;
/// Distinct rows that are kept for a key.
const KEY_ROWS: usize = 65_536;
/// Rows after which proposals that are broken too often are dropped.
const PATIENCE: u64 = 1_000;

/// The search. Columns are given by the hashes of their values; equal values have equal hashes, and null is a value.
#[derive(Debug, Clone)]
pub struct Dependencies {
    first: Vec<Vec<u64>>,
    followed: Option<Followed>,
    rows: u64,
}

#[derive(Debug, Clone, Default)]
struct Followed {
    keys: Vec<(usize, usize, Uniqueness)>,
    dependencies: Vec<(usize, usize, Violations)>,
    left_out: usize,
}

/// A pair of columns in which no two rows agree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairKey {
    /// The columns.
    pub columns: (usize, usize),
    /// Whether all rows were kept; otherwise it holds of a sample of them.
    pub exact: bool,
    /// Rows that were kept.
    pub checked: u64,
}

/// A column that says what another one says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dependency {
    /// The column that determines.
    pub from: usize,
    /// The column that is determined.
    pub to: usize,
    /// The least share of rows that break it (g3).
    pub violations: f64,
    /// Whether all pairs of values were kept; otherwise the share is that of a sample of the values of `from`.
    pub exact: bool,
    /// Different values of `from` that were kept.
    pub groups: u64,
}

impl Dependencies {
    /// A search among so many columns, at most [`MOST_COLUMNS`].
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { first: vec![Vec::new(); columns.min(MOST_COLUMNS)], followed: None, rows: 0 }
    }

    /// Adds a batch: the hashes of each column, of equal length. What is more than the columns of the search is left out.
    pub fn add(&mut self, hashes: &[&[u64]]) {
        let rows = hashes.first().map_or(0, |column| column.len());
        self.rows += rows as u64;
        if let Some(followed) = &mut self.followed {
            followed.add(hashes, 0);
            return;
        }
        let known = self.first.first().map_or(0, Vec::len);
        let taken = rows.min(PROPOSING - known);
        for (first, column) in self.first.iter_mut().zip(hashes) {
            first.extend_from_slice(column.get(..taken).unwrap_or_default());
        }
        if known + taken == PROPOSING {
            let mut followed = self.propose();
            followed.add(hashes, taken);
            self.followed = Some(followed);
            self.first = Vec::new();
        }
    }

    /// What the first rows propose, with those rows taken into account.
    fn propose(&self) -> Followed {
        let rows = self.first.first().map_or(0, Vec::len);
        let columns: Vec<(Vec<u32>, usize)> = self.first.par_iter().map(|column| numbered(column)).collect();
        let pairs: Vec<(usize, usize)> = (0..columns.len()).flat_map(|a| (0..a).map(move |b| (b, a))).collect();
        // Pairs of (a, b): distinct rows, and rows that break a -> b and b -> a.
        let judged: Vec<(usize, usize, usize, f64, f64)> = pairs
            .into_par_iter()
            .filter_map(|(a, b)| {
                let ((left, left_values), (right, right_values)) = (columns.get(a)?, columns.get(b)?);
                if *left_values < 2 || *right_values < 2 {
                    return None;
                }
                // Few rows and values that hardly come twice say nothing; a pair with a unique column is no news.
                let mut counts: FxHashMap<u64, u32> = FxHashMap::default();
                for (&x, &y) in left.iter().zip(right) {
                    *counts.entry(u64::from(x) << 32 | u64::from(y)).or_insert(0) += 1;
                }
                let broken = |values: usize, of: fn(u64) -> u64| {
                    let mut most = vec![0_u32; values];
                    for (&pair, &count) in &counts {
                        if let Some(most) = most.get_mut(of(pair) as usize) {
                            *most = (*most).max(count);
                        }
                    }
                    1.0 - most.iter().map(|&count| f64::from(count)).sum::<f64>() / rows.max(1) as f64
                };
                let (forth, back) =
                    (broken(*left_values, |pair| pair >> 32), broken(*right_values, |pair| pair & 0xffff_ffff));
                Some((a, b, counts.len(), forth, back))
            })
            .collect();
        let mut followed = Followed::default();
        // A column whose values hardly come twice determines everything, and tells nothing.
        let repeats = |column: usize| columns.get(column).is_some_and(|(_, values)| values * 2 <= rows);
        let unique = |column: usize| columns.get(column).is_some_and(|(_, values)| *values == rows);
        let mut dependencies = Vec::new();
        for (a, b, distinct, forth, back) in judged {
            if distinct == rows && !unique(a) && !unique(b) {
                followed.keys.push((a, b, Uniqueness::new(KEY_ROWS)));
            }
            dependencies.extend((forth <= TOLERATED && repeats(a)).then_some((forth, a, b)));
            dependencies.extend((back <= TOLERATED && repeats(b)).then_some((back, b, a)));
        }
        dependencies.sort_by(|x, y| x.0.total_cmp(&y.0).then((x.1, x.2).cmp(&(y.1, y.2))));
        followed.left_out =
            dependencies.len().saturating_sub(MOST_PROPOSALS) + followed.keys.len().saturating_sub(MOST_PROPOSALS);
        followed.keys.truncate(MOST_PROPOSALS);
        dependencies.truncate(MOST_PROPOSALS);
        followed.dependencies =
            dependencies.into_iter().map(|(_, from, to)| (from, to, Violations::default())).collect();
        let first: Vec<&[u64]> = self.first.iter().map(Vec::as_slice).collect();
        followed.add(&first, 0);
        followed
    }

    /// Rows that were seen.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What held of all rows: keys, dependencies by falling strength, and the number of proposals that were left out.
    #[must_use]
    pub fn found(&self) -> (Vec<PairKey>, Vec<Dependency>, usize) {
        let proposed;
        let followed = match &self.followed {
            Some(followed) => followed,
            None => {
                proposed = self.propose();
                &proposed
            }
        };
        let keys = followed.keys.iter().map(|(a, b, rows)| PairKey {
            columns: (*a, *b),
            exact: rows.is_exact(),
            checked: rows.kept(),
        });
        let dependencies = followed.dependencies.iter().filter_map(|(from, to, violations)| {
            let (share, groups) = violations.share()?;
            let found = Dependency { from: *from, to: *to, violations: share, exact: violations.level == 0, groups };
            (share <= TOLERATED).then_some(found)
        });
        let mut dependencies: Vec<Dependency> = dependencies.collect();
        dependencies.sort_by(|a, b| a.violations.total_cmp(&b.violations).then((a.from, a.to).cmp(&(b.from, b.to))));
        (keys.collect(), dependencies, followed.left_out)
    }
}

impl Followed {
    /// Adds the rows from a position on.
    fn add(&mut self, hashes: &[&[u64]], from: usize) {
        let column = |at: usize| hashes.get(at).and_then(|column| column.get(from..)).unwrap_or_default();
        self.keys.par_iter_mut().for_each(|(a, b, rows)| {
            for (x, y) in column(*a).iter().zip(column(*b)) {
                rows.push(mix(x ^ y.rotate_left(32).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            }
        });
        self.keys.retain(|(_, _, rows)| rows.most() <= 1);
        self.dependencies.par_iter_mut().for_each(|(from, to, violations)| {
            for (&x, &y) in column(*from).iter().zip(column(*to)) {
                violations.push(x, y);
            }
        });
        self.dependencies.retain_mut(|(_, _, violations)| violations.may_hold());
    }
}

/// Rows by the values of two columns.
#[derive(Debug, Clone, Default)]
struct Violations {
    level: u32,
    pairs: FxHashMap<(u64, u64), u64>,
    seen: u64,
    /// Rows that had been seen when it was last judged.
    judged: u64,
}

impl Violations {
    #[inline]
    fn push(&mut self, x: u64, y: u64) {
        self.seen += 1;
        if x.leading_zeros() < self.level {
            return;
        }
        *self.pairs.entry((x, y)).or_insert(0) += 1;
        // One value of `x` with very many of `y` cannot be left out by its hash: it breaks the dependency anyway.
        while self.pairs.len() > PAIRS && self.level < 64 {
            self.level += 1;
            let level = self.level;
            self.pairs.retain(|(x, _), _| x.leading_zeros() >= level);
        }
    }

    /// Whether it is still worth to be followed. It is judged when the rows have doubled, because that looks at all pairs.
    fn may_hold(&mut self) -> bool {
        if self.seen < PATIENCE || self.seen < 2 * self.judged {
            return true;
        }
        self.judged = self.seen;
        self.share().is_none_or(|(share, _)| share <= 2.0 * TOLERATED)
    }

    /// The share of rows that break it, and the number of different `x`.
    fn share(&self) -> Option<(f64, u64)> {
        let mut most: FxHashMap<u64, u64> = FxHashMap::default();
        let mut rows = 0;
        for (&(x, _), &count) in &self.pairs {
            let most = most.entry(x).or_insert(0);
            *most = (*most).max(count);
            rows += count;
        }
        (rows > 0).then(|| ((rows - most.values().sum::<u64>()) as f64 / rows as f64, most.len() as u64))
    }
}

/// The values of a column as numbers from 0, in the order in which they come, and how many there are.
fn numbered(hashes: &[u64]) -> (Vec<u32>, usize) {
    let mut numbers: FxHashMap<u64, u32> = FxHashMap::default();
    let column = hashes
        .iter()
        .map(|hash| {
            let next = numbers.len() as u32;
            *numbers.entry(*hash).or_insert(next)
        })
        .collect();
    (column, numbers.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn search(columns: &[Vec<u64>], batch: usize) -> Dependencies {
        let hashed: Vec<Vec<u64>> =
            columns.iter().map(|column| column.iter().map(|&value| mix(value)).collect()).collect();
        let mut search = Dependencies::new(columns.len());
        let rows = columns[0].len();
        for start in (0..rows).step_by(batch) {
            let end = (start + batch).min(rows);
            let part: Vec<&[u64]> = hashed.iter().map(|column| &column[start..end]).collect();
            search.add(&part);
        }
        search
    }

    #[test]
    fn dependencies_and_keys_are_found_in_few_rows() {
        // shop, town of the shop, day: a shop stands in one town, and reports once a day.
        let rows = 300_u64;
        let shop: Vec<u64> = (0..rows).map(|row| row % 30).collect();
        let town: Vec<u64> = shop.iter().map(|shop| shop / 5).collect();
        let day: Vec<u64> = (0..rows).map(|row| row / 30).collect();
        let (keys, dependencies, left_out) = search(&[shop, town, day], 64).found();
        assert_eq!(keys, [PairKey { columns: (0, 2), exact: true, checked: rows }]);
        assert_eq!(dependencies, [Dependency { from: 0, to: 1, violations: 0.0, exact: true, groups: 30 }]);
        assert_eq!(left_out, 0);
    }

    #[test]
    fn exceptions_are_counted_over_all_rows() {
        // 200,000 rows; from row 100,000 on every fiftieth breaks x -> y: 2,000 rows, 1 %.
        let rows = 200_000_u64;
        let x: Vec<u64> = (0..rows).map(|row| mix(row) % 500).collect();
        let broken = |row: u64| row >= 100_000 && row.is_multiple_of(50);
        let y: Vec<u64> = x.iter().zip(0..).map(|(x, row)| if broken(row) { 1_000 + row } else { x / 7 }).collect();
        let found = search(&[x, y], 10_000).found().1;
        assert_eq!((found.len(), found[0].from, found[0].to, found[0].exact), (1, 0, 1, true));
        assert!((found[0].violations - 0.01).abs() < 1e-9, "{}", found[0].violations);
    }

    #[test]
    fn a_sample_of_the_values_stands_in_for_many() {
        let rows = 400_000_u64;
        let x: Vec<u64> = (0..rows).map(|row| row % 100_000).collect();
        let y: Vec<u64> = x.iter().map(|x| x / 3).collect();
        // The first rows hold no value twice, so nothing is proposed: said of values that hardly come twice.
        assert!(search(&[x.clone(), y.clone()], 50_000).found().1.is_empty());
        let x: Vec<u64> = (0..rows).map(|row| row / 4).collect();
        let y: Vec<u64> = x.iter().map(|x| x % 1_000).collect();
        let found = search(&[x, y], 50_000).found().1;
        assert_eq!((found.len(), found[0].violations, found[0].exact), (1, 0.0, false));
        assert!(found[0].groups > 10_000);
    }

    #[test]
    fn what_later_rows_refute_is_dropped() {
        let rows = 40_000_u64;
        let a: Vec<u64> = (0..rows).map(|row| row / 200 % 100).collect();
        let b: Vec<u64> = (0..rows).map(|row| row % 200).collect();
        // (a, b) is unique in the first 20,000 rows, and comes again in the others.
        assert!(search(&[a, b], 9_999).found().0.is_empty());
    }

    #[test]
    fn no_rows_have_nothing() {
        assert_eq!(Dependencies::new(3).found(), (vec![], vec![], 0));
        assert_eq!(search(&[vec![1], vec![2]], 10).found(), (vec![], vec![], 0));
    }
}
