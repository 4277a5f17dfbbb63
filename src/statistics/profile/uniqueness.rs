//! Which values come more than once: exact while the distinct ones fit, a sample of them afterwards.

use rustc_hash::{FxHashMap, FxHashSet};

/// Counts occurrences of distinct values, given as hashes whose bits are all random; past its limit of those whose hash begins
/// with so many zeros that they fit (distinct sampling, Gibbons 2001). Each kept value keeps all of its occurrences, so shares
/// of repeated rows are unbiased; of `m` kept values a share `p` has the standard error √(p (1 - p) / m). What is kept depends
/// on the set of values alone.
///
/// Time: constant for a value. Memory: 10 to 18 bytes for each kept value, and as many again twice for those that came more than once.
#[derive(Debug, Clone)]
pub struct Uniqueness {
    limit: usize,
    /// Leading zeros of the hashes that are kept.
    level: u32,
    kept: FxHashSet<u64>,
    /// Occurrences after the first. Where they matter they are few, so they stand apart.
    again: FxHashMap<u64, u32>,
    seen: u64,
    /// The largest count of a value that was ever kept.
    most: u32,
}

impl Uniqueness {
    /// Exact for at most `limit` distinct values.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(16),
            level: 0,
            kept: FxHashSet::default(),
            again: FxHashMap::default(),
            seen: 0,
            most: 0,
        }
    }

    /// Takes one row into account; true when its value was there before (of those that are kept).
    #[inline]
    pub fn push(&mut self, hash: u64) -> bool {
        self.seen += 1;
        if hash.leading_zeros() < self.level { false } else { self.keep(hash, 1) }
    }

    fn keep(&mut self, hash: u64, times: u32) -> bool {
        let is_new = self.kept.insert(hash);
        let more = times - u32::from(is_new);
        if more > 0 {
            let again = self.again.entry(hash).or_insert(0);
            *again = again.saturating_add(more);
            self.most = self.most.max(again.saturating_add(1));
        }
        self.most = self.most.max(1);
        while self.kept.len() > self.limit {
            self.raise(self.level + 1);
        }
        !is_new
    }

    /// Keeps only hashes that begin with so many zeros.
    fn raise(&mut self, level: u32) {
        self.level = level;
        self.kept.retain(|hash| hash.leading_zeros() >= level);
        self.again.retain(|hash, _| hash.leading_zeros() >= level);
    }

    /// Joins the rows of another to these.
    pub fn merge(&mut self, other: &Self) {
        self.limit = self.limit.min(other.limit);
        self.seen += other.seen;
        self.most = self.most.max(other.most);
        if other.level > self.level {
            self.raise(other.level);
        }
        for &hash in &other.kept {
            if hash.leading_zeros() >= self.level {
                self.keep(hash, other.again.get(&hash).map_or(1, |again| again.saturating_add(1)));
            }
        }
    }

    /// Rows that were seen.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether every value is kept.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.level == 0
    }

    /// Distinct values that are kept.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.kept.len() as u64
    }

    /// Rows whose value was there before, as a share of all rows, and the standard error of that share (0 when exact).
    #[must_use]
    pub fn repeated_share(&self) -> (f64, f64) {
        let rows = self.kept() + self.again.values().map(|&again| u64::from(again)).sum::<u64>();
        if rows == 0 {
            return (0.0, 0.0);
        }
        let share = (rows - self.kept()) as f64 / rows as f64;
        let error = if self.is_exact() { 0.0 } else { (share * (1.0 - share) / self.kept() as f64).sqrt() };
        (share, error)
    }

    /// Rows whose value was there before: exact, or estimated from the share.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        if self.is_exact() {
            return self.seen - self.kept();
        }
        (self.repeated_share().0 * self.seen as f64).round() as u64
    }

    /// How often the most frequent value occurs among those that were ever kept, at least.
    #[must_use]
    pub fn most(&self) -> u64 {
        u64::from(self.most)
    }

    /// The largest share of repeated rows that these rows leave possible, with a confidence of 95 %, when none was seen: the rule
    /// of three (Hanley & Lippman-Hand 1983). 0 when exact.
    #[must_use]
    pub fn undetected_share(&self) -> f64 {
        if self.is_exact() { 0.0 } else { 3.0 / self.kept().max(1) as f64 }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64], limit: usize) -> Uniqueness {
        let mut rows = Uniqueness::new(limit);
        values.iter().for_each(|&value| {
            rows.push(super::super::mix(value));
        });
        rows
    }

    proptest! {
        #[test]
        fn repeated_rows_are_counted_exactly_while_they_fit(values in proptest::collection::vec(0_u64..500, 0..2_000)) {
            let distinct = values.iter().collect::<std::collections::BTreeSet<_>>().len();
            let rows = of(&values, 500);
            prop_assert_eq!(rows.repeated() as usize, values.len() - distinct);
            prop_assert!(rows.is_exact());
        }

        #[test]
        fn merging_sees_what_one_would_have_seen(a in proptest::collection::vec(0_u64..3_000, 0..2_000), b in proptest::collection::vec(0_u64..3_000, 0..2_000), limit in 16_usize..400) {
            let mut merged = of(&a, limit);
            merged.merge(&of(&b, limit));
            let whole = of(&[a, b].concat(), limit);
            prop_assert_eq!(merged.level, whole.level);
            prop_assert_eq!(merged.kept, whole.kept);
            prop_assert_eq!(merged.again, whole.again);
        }
    }

    #[test]
    fn a_share_of_a_sample_stays_within_its_error() {
        // 200,000 rows, of which every fifth repeats the one before it.
        let values: Vec<u64> = (0..200_000_u64).map(|row| if row % 5 == 4 { row - 1 } else { row }).collect();
        let rows = of(&values, 10_000);
        let (share, error) = rows.repeated_share();
        assert!(!rows.is_exact() && error < 0.006);
        assert!((share - 0.2).abs() < 3.0 * error, "{share} {error}");
    }

    #[test]
    fn unique_values_leave_a_stated_doubt() {
        let rows = of(&(0..50_000).collect::<Vec<u64>>(), 5_000);
        assert_eq!(rows.repeated(), 0);
        assert!(rows.undetected_share() > 0.0 && rows.undetected_share() < 0.002);
    }
}
