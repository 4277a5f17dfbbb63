//! Which columns are null together.

use rustc_hash::FxHashMap;

use super::mix;

/// Different sets of null columns that are kept.
const MOST_PATTERNS: usize = 4_096;

/// Rows by the set of their null columns: exact while there are at most 4,096 different sets; rows of further ones are counted
/// together.
///
/// Time: linear in the number of nulls. Memory: the kept sets.
#[derive(Debug, Clone, Default)]
pub struct NullPatterns {
    rows: u64,
    complete: u64,
    others: u64,
    patterns: FxHashMap<u64, Pattern>,
    signatures: Vec<u64>,
}

#[derive(Debug, Clone)]
struct Pattern {
    rows: u64,
    columns: Vec<u32>,
}

impl NullPatterns {
    /// No rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a batch of `rows` rows: each column that has nulls, by its number, with the ascending positions of its nulls.
    pub fn add(&mut self, rows: usize, nulls: &[(u32, Vec<u32>)]) {
        self.rows += rows as u64;
        if nulls.is_empty() {
            self.complete += rows as u64;
            return;
        }
        self.signatures.clear();
        self.signatures.resize(rows, 0);
        for (column, positions) in nulls {
            let mark = mix(u64::from(*column) + 1);
            for &position in positions {
                if let Some(signature) = self.signatures.get_mut(position as usize) {
                    *signature ^= mark;
                }
            }
        }
        let mut start = 0;
        while let Some(&signature) = self.signatures.get(start) {
            // Rows beside each other are often alike.
            let run = self.signatures.iter().skip(start).take_while(|other| **other == signature).count();
            self.count(signature, start, run as u64, nulls);
            start += run;
        }
    }

    fn count(&mut self, signature: u64, position: usize, rows: u64, nulls: &[(u32, Vec<u32>)]) {
        if signature == 0 {
            self.complete += rows;
        } else if let Some(pattern) = self.patterns.get_mut(&signature) {
            pattern.rows += rows;
        } else if self.patterns.len() < MOST_PATTERNS {
            let is_null = |positions: &[u32]| positions.binary_search(&(position as u32)).is_ok();
            let columns = nulls.iter().filter(|(_, positions)| is_null(positions)).map(|(column, _)| *column).collect();
            self.patterns.insert(signature, Pattern { rows, columns });
        } else {
            self.others += rows;
        }
    }

    /// Joins the rows of another to these.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.complete += other.complete;
        self.others += other.others;
        let mut theirs: Vec<(&u64, &Pattern)> = other.patterns.iter().collect();
        theirs.sort_unstable_by_key(|(signature, _)| **signature);
        for (signature, pattern) in theirs {
            if let Some(ours) = self.patterns.get_mut(signature) {
                ours.rows += pattern.rows;
            } else if self.patterns.len() < MOST_PATTERNS {
                self.patterns.insert(*signature, pattern.clone());
            } else {
                self.others += pattern.rows;
            }
        }
    }

    /// Rows without any null.
    #[must_use]
    pub fn complete(&self) -> u64 {
        self.complete
    }

    /// Rows of sets that were not kept.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.others
    }

    /// The sets of null columns with their rows, the most frequent first.
    #[must_use]
    pub fn patterns(&self) -> Vec<(Vec<u32>, u64)> {
        let mut all: Vec<(Vec<u32>, u64)> =
            self.patterns.values().map(|pattern| (pattern.columns.clone(), pattern.rows)).collect();
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        all
    }

    /// Groups of columns that are null in the same rows and in no others, each with those rows. None where sets were not kept,
    /// because it could not be known.
    #[must_use]
    pub fn together(&self) -> Vec<(Vec<u32>, u64)> {
        if self.others > 0 {
            return Vec::new();
        }
        // Two columns are null together when they stand in the same sets.
        let mut stands_in: FxHashMap<u32, (Vec<u64>, u64)> = FxHashMap::default();
        let mut sets: Vec<(&u64, &Pattern)> = self.patterns.iter().collect();
        sets.sort_unstable_by_key(|(signature, _)| **signature);
        for (signature, pattern) in sets {
            for column in &pattern.columns {
                let (sets, rows) = stands_in.entry(*column).or_default();
                sets.push(*signature);
                *rows += pattern.rows;
            }
        }
        let mut groups: FxHashMap<Vec<u64>, (Vec<u32>, u64)> = FxHashMap::default();
        for (column, (sets, rows)) in stands_in {
            let group = groups.entry(sets).or_default();
            group.0.push(column);
            group.1 = rows;
        }
        let mut groups: Vec<(Vec<u32>, u64)> = groups.into_values().filter(|(columns, _)| columns.len() > 1).collect();
        groups.iter_mut().for_each(|(columns, _)| columns.sort_unstable());
        groups.sort_unstable();
        groups
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_the_set_of_their_nulls() {
        let mut nulls = NullPatterns::new();
        // Rows: a b | a b c | - | c, and then two without any.
        nulls.add(4, &[(0, vec![0, 1]), (1, vec![0, 1]), (2, vec![1, 3])]);
        nulls.add(2, &[]);
        assert_eq!(nulls.complete(), 3);
        assert_eq!(nulls.patterns(), [(vec![0, 1], 1), (vec![0, 1, 2], 1), (vec![2], 1)]);
        assert_eq!(nulls.together(), [(vec![0, 1], 2)]);
    }

    #[test]
    fn merging_is_adding_rows() {
        let mut one = NullPatterns::new();
        one.add(3, &[(0, vec![0, 1])]);
        let mut other = NullPatterns::new();
        other.add(2, &[(0, vec![1]), (4, vec![1])]);
        one.merge(&other);
        assert_eq!((one.complete(), one.patterns()), (2, vec![(vec![0], 2), (vec![0, 4], 1)]));
    }

    #[test]
    fn sets_beyond_the_limit_are_counted_together() {
        let mut nulls = NullPatterns::new();
        // Row r has nulls where the bits of r are set: 8,192 sets.
        let columns =
            (0..13).map(|bit| (bit, (0..8_192_u32).filter(|row| row >> bit & 1 == 1).collect())).collect::<Vec<_>>();
        nulls.add(8_192, &columns);
        assert_eq!((nulls.complete(), nulls.patterns().len(), nulls.others()), (1, 4_096, 4_095));
        assert!(nulls.together().is_empty());
    }
}
