//! Blocking: which pairs are looked at.
//!
//! Two records are candidates when they agree in the key of at least one rule. How many pairs a rule gives follows from the
//! counts of its keys, before any pair is made (the sum of `n (n - 1) / 2`, or of `a b` between two files). Pairs are never
//! kept: [`Blocks::visit`] goes through them in parts of about equal size, several at a time.
//!
//! Memory: four bytes for each record and rule, and eight more for each record while the pairs of a rule are visited.
//! Cost: O(n log n) for each rule, and O(1) for each pair.

use rayon::prelude::*;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::MISSING;
use super::records::{Records, Sides};

/// Pairs of a part, about.
const PART: u64 = 1 << 16;
/// Parts that are visited before their results are handed on.
const WAVE: usize = 64;
/// The largest keys of a rule that are remembered.
const LARGEST: usize = 5;
/// Rules that are chosen at most.
const MOST_CHOSEN: usize = 24;
/// Records from which the choice of rules is made.
const CHOICE_SAMPLE: usize = 200_000;

/// What a rule gives, counted from its keys.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleCount {
    /// Pairs.
    pub pairs: u64,
    /// Keys that give pairs.
    pub keys: u64,
    /// Records with a key.
    pub records: u64,
    /// The keys with most pairs: one record that has it, the records and the pairs.
    pub largest: Vec<(u32, u64, u64)>,
}

/// The rules with the groups of records that they make.
#[derive(Debug)]
pub struct Blocks {
    sides: Sides,
    counts: Vec<RuleCount>,
    /// For each record and rule the number of the group; 0 where there is none.
    groups: Vec<u32>,
}

/// The keys of the records in one column: a hash of the value, 0 where it is missing.
pub fn column_keys(records: &Records, column: usize) -> Vec<u64> {
    let hashes: Vec<u64> = records
        .values(column)
        .map(|values| values.iter().map(|text| xxh3_64(text.as_bytes()) | 1).collect())
        .unwrap_or_default();
    (0..records.len())
        .into_par_iter()
        .map(|record| {
            let code = u32::try_from(record).ok().and_then(|record| records.codes(record).get(column).copied());
            let code = code.filter(|code| *code != MISSING);
            code.and_then(|code| hashes.get(code as usize).copied()).unwrap_or(0)
        })
        .collect()
}

/// Keys that hold where all of the given ones do.
pub fn all_of(keys: &[&[u64]]) -> Vec<u64> {
    let Some((first, others)) = keys.split_first() else { return Vec::new() };
    let mut both = first.to_vec();
    for other in others {
        both.par_iter_mut().zip(*other).for_each(|(key, more)| {
            *key = if *key == 0 || *more == 0 { 0 } else { xxh3_64_with_seed(&more.to_le_bytes(), *key) | 1 };
        });
    }
    both
}

/// Pairs that groups of so many records of each side give.
fn pairs_of(sides: Sides, counts: [u64; 3]) -> u64 {
    let [left, right, known] = counts;
    let within =
        |wanted: bool, records: u64| if wanted { records.saturating_mul(records.saturating_sub(1)) / 2 } else { 0 };
    let between = left.saturating_mul(right).saturating_add((left + right).saturating_mul(known));
    between.saturating_add(within(sides.within_left, left)).saturating_add(within(sides.within_right, right))
}

/// The records with a key, those of equal keys beside each other, in the order of the records.
fn grouped(keys: &[u64]) -> Vec<(u64, u32)> {
    let with_key = keys.iter().zip(0_u32..).filter(|(key, _)| **key != 0);
    let mut grouped: Vec<(u64, u32)> = with_key.map(|(key, record)| (*key, record)).collect();
    grouped.par_sort_unstable();
    grouped
}

impl Blocks {
    /// Groups the records by the keys of each rule; 0 is no key.
    pub fn new(records: &Records, sides: Sides, rules: &[Vec<u64>]) -> Self {
        let width = rules.len();
        let borders = records.borders();
        let mut groups = vec![0_u32; records.len() * width];
        let counts = rules.iter().enumerate().map(|(rule, keys)| {
            let grouped = grouped(keys);
            let mut count = RuleCount { pairs: 0, keys: 0, records: grouped.len() as u64, largest: Vec::new() };
            let mut number = 0_u32;
            for group in grouped.chunk_by(|one, other| one.0 == other.0) {
                let pairs = pairs_of(sides, side_counts(borders, group.iter().map(|(_, record)| *record)));
                if pairs == 0 {
                    continue;
                }
                number += 1;
                count.keys += 1;
                count.pairs = count.pairs.saturating_add(pairs);
                if count.largest.len() < LARGEST || count.largest.last().is_some_and(|least| least.2 < pairs) {
                    let example = group.first().map_or(0, |(_, record)| *record);
                    count.largest.push((example, group.len() as u64, pairs));
                    count.largest.sort_by(|one, other| other.2.cmp(&one.2).then(one.0.cmp(&other.0)));
                    count.largest.truncate(LARGEST);
                }
                for (_, record) in group {
                    if let Some(slot) = groups.get_mut(*record as usize * width + rule) {
                        *slot = number;
                    }
                }
            }
            count
        });
        let counts = counts.collect();
        Self { sides, counts, groups }
    }

    /// What each rule gives.
    pub fn counts(&self) -> &[RuleCount] {
        &self.counts
    }

    /// Which sides are compared.
    pub fn sides(&self) -> Sides {
        self.sides
    }

    /// Bytes of memory, those while pairs are visited included.
    pub fn size(&self) -> usize {
        let records = self.groups.len() / self.counts.len().max(1);
        4 * self.groups.len() + 12 * records
    }

    fn groups_of(&self, record: u32) -> &[u32] {
        let width = self.counts.len();
        let begin = record as usize * width;
        self.groups.get(begin..begin + width).unwrap_or_default()
    }

    /// Whether no earlier rule gives this pair too.
    pub fn is_new(&self, rule: usize, left: u32, right: u32) -> bool {
        let earlier = |record| self.groups_of(record).get(..rule).unwrap_or_default();
        !earlier(left).iter().zip(earlier(right)).any(|(ours, theirs)| ours == theirs && *ours != 0)
    }

    /// Goes through all pairs of a rule, in parts: `visit` sees each part (on several threads), `take` the results in order and
    /// answers whether it wants more. The first of a pair stands before the second, and its side is not a later one.
    pub fn visit<T: Send>(
        &self,
        records: &Records,
        rule: usize,
        visit: impl Fn(Part<'_>) -> T + Sync,
        mut take: impl FnMut(T) -> bool,
    ) {
        let layout = Layout::new(self, records, rule);
        let parts = layout.parts();
        for wave in parts.chunks(WAVE) {
            let results: Vec<T> =
                wave.par_iter().map(|(from, to)| visit(Part { layout: &layout, from: *from, to: *to })).collect();
            for result in results {
                if !take(result) {
                    return;
                }
            }
        }
    }
}

/// How many of the records are of each side.
fn side_counts(borders: (u32, u32), group: impl Iterator<Item = u32>) -> [u64; 3] {
    let mut counts = [0_u64; 3];
    for record in group {
        let side = usize::from(record >= borders.0) + usize::from(record >= borders.1);
        if let Some(count) = counts.get_mut(side) {
            *count += 1;
        }
    }
    counts
}

/// The records of a rule, those of a group beside each other.
struct Layout {
    sides: Sides,
    /// [`Records::borders`]
    borders: (u32, u32),
    order: Vec<u32>,
    /// Where each group begins in the order, and at last where the last one ends.
    starts: Vec<u32>,
}

impl Layout {
    fn new(blocks: &Blocks, records: &Records, rule: usize) -> Self {
        let width = blocks.counts.len();
        let groups = || blocks.groups.iter().skip(rule).step_by(width.max(1));
        let last = groups().copied().max().unwrap_or(0) as usize;
        // Group 0 is that of records without one, which are left out.
        let mut starts = vec![0_u32; last + 2];
        for group in groups().filter(|group| **group != 0) {
            if let Some(next) = starts.get_mut(*group as usize + 1) {
                *next += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut order = vec![0_u32; sum as usize];
        for (group, record) in groups().zip(0_u32..).filter(|(group, _)| **group != 0) {
            if let Some(at) = next.get_mut(*group as usize) {
                if let Some(slot) = order.get_mut(*at as usize) {
                    *slot = record;
                }
                *at += 1;
            }
        }
        Self { sides: blocks.sides, borders: records.borders(), order, starts }
    }

    /// The ranges of the groups in the order.
    fn groups(&self) -> impl Iterator<Item = (usize, usize)> {
        self.starts.windows(2).skip(1).filter_map(|ends| match ends {
            [from, to] if from < to => Some((*from as usize, *to as usize)),
            _ => None,
        })
    }

    /// Where the records of the second side and the known ones begin in a group.
    fn borders(&self, from: usize, to: usize) -> (usize, usize) {
        let group = self.order.get(from..to).unwrap_or_default();
        let before = |border: u32| from + group.partition_point(|record| *record < border);
        (before(self.borders.0), before(self.borders.1))
    }

    /// The places in the order of all partners of the record at `place`.
    fn partners(&self, place: usize, to: usize, borders: (usize, usize)) -> std::ops::Range<usize> {
        let from = match place {
            _ if place < borders.0 => {
                if self.sides.within_left {
                    place + 1
                } else {
                    borders.0
                }
            }
            _ if place < borders.1 => {
                if self.sides.within_right {
                    place + 1
                } else {
                    borders.1
                }
            }
            _ => to,
        };
        from..to
    }

    /// Ranges of places with about equally many pairs.
    fn parts(&self) -> Vec<(usize, usize)> {
        let mut parts = Vec::new();
        let (mut begin, mut pairs) = (0, 0_u64);
        for (from, to) in self.groups() {
            let borders = self.borders(from, to);
            for place in from..to {
                pairs += self.partners(place, to, borders).len() as u64;
                if pairs >= PART {
                    parts.push((begin, place + 1));
                    (begin, pairs) = (place + 1, 0);
                }
            }
        }
        if pairs > 0 {
            parts.push((begin, self.order.len()));
        }
        parts
    }
}

/// Some of the pairs of a rule.
pub struct Part<'a> {
    layout: &'a Layout,
    from: usize,
    to: usize,
}

impl Part<'_> {
    /// Each pair of the part.
    pub fn for_each(&self, mut see: impl FnMut(u32, u32)) {
        let layout = self.layout;
        let starts = &layout.starts;
        let mut group = starts.partition_point(|start| (*start as usize) <= self.from).saturating_sub(1);
        let mut place = self.from;
        while place < self.to {
            let bounds = starts.get(group).zip(starts.get(group + 1));
            let Some((from, to)) = bounds.map(|(from, to)| (*from as usize, *to as usize)) else { return };
            group += 1;
            let borders = layout.borders(from, to);
            let end = to.min(self.to);
            while place < end {
                let left = layout.order.get(place).copied().unwrap_or_default();
                let partners = layout.order.get(layout.partners(place, to, borders)).unwrap_or_default();
                partners.iter().for_each(|right| see(left, *right));
                place += 1;
            }
        }
    }
}

/// Chooses sets of columns whose agreement makes a pair worth looking at, from the counts of their values.
///
/// Every column that has few pairs is a rule of its own, and every two of the other columns that have few together: a match that
/// agrees in one telling column or in two others is found. `few` counts pairs for each record; the fewest come first, until
/// `total` pairs for each record are reached. With more than 200,000 records they are counted in a sample.
pub fn choose(records: &Records, sides: Sides, columns: &[usize], few: f64, total: f64) -> Vec<Vec<usize>> {
    let step = records.len().div_ceil(CHOICE_SAMPLE).max(1);
    let sample: Vec<u32> = (0..records.len()).step_by(step).filter_map(|record| u32::try_from(record).ok()).collect();
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let per_record = |pairs: u64| pairs as f64 * step as f64 / sample.len().max(1) as f64;
    let keys: Vec<(usize, Vec<u64>)> = columns
        .iter()
        .map(|column| {
            let hashes: Vec<u64> = records
                .values(*column)
                .map(|values| values.iter().map(|text| xxh3_64(text.as_bytes()) | 1).collect())
                .unwrap_or_default();
            let key = |record: &u32| {
                let code = records.codes(*record).get(*column).copied().unwrap_or(MISSING);
                hashes.get(code as usize).copied().unwrap_or(0)
            };
            (*column, sample.iter().map(key).collect())
        })
        .collect();
    let borders = records.borders();
    let count = |keys: &[u64]| {
        let grouped = grouped(keys);
        let pairs = grouped.chunk_by(|one, other| one.0 == other.0).filter(|group| group.len() > 1);
        pairs.fold(0_u64, |sum, group| {
            let members = group.iter().filter_map(|(_, at)| sample.get(*at as usize).copied());
            sum.saturating_add(pairs_of(sides, side_counts(borders, members)))
        })
    };
    let mut alone: Vec<(f64, Vec<usize>)> =
        keys.iter().map(|(column, keys)| (per_record(count(keys)), vec![*column])).collect();
    let (mut rules, others): (Vec<_>, Vec<_>) = alone.drain(..).partition(|(pairs, _)| *pairs <= few);
    let together = |one: usize, other: usize| {
        let of = |wanted: usize| keys.iter().find(|(column, _)| *column == wanted).map(|(_, keys)| keys.as_slice());
        let keys = [of(one)?, of(other)?];
        Some((per_record(count(&all_of(&keys))), vec![one, other]))
    };
    let mut two: Vec<(f64, Vec<usize>)> = Vec::new();
    for (at, (_, one)) in others.iter().enumerate() {
        for (_, other) in others.iter().skip(at + 1) {
            two.extend(one.first().zip(other.first()).and_then(|(one, other)| together(*one, *other)));
        }
    }
    two.sort_by(|one, other| one.0.total_cmp(&other.0).then_with(|| one.1.cmp(&other.1)));
    let fallback = two.first().cloned().or_else(|| others.into_iter().min_by(|one, other| one.0.total_cmp(&other.0)));
    let mut sum: f64 = rules.iter().map(|(pairs, _)| pairs).sum();
    rules.sort_by(|one, other| one.0.total_cmp(&other.0).then_with(|| one.1.cmp(&other.1)));
    for (pairs, columns) in two.into_iter().take_while(|(pairs, _)| *pairs <= few) {
        sum += pairs;
        if rules.len() >= MOST_CHOSEN || sum > total {
            break;
        }
        rules.push((pairs, columns));
    }
    if rules.is_empty() {
        rules.extend(fallback);
    }
    rules.into_iter().map(|(_, columns)| columns).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::similarity::linkage::records::{Reader, Side};

    /// Records of two columns; an empty text is missing.
    fn records(rows: &[(Side, String, String)]) -> Records {
        let mut reader = Reader::new(2, 2);
        for side in Side::ALL {
            let rows: Vec<_> = rows.iter().filter(|row| row.0 == side).collect();
            for (at, (values, codes)) in reader.columns().enumerate() {
                for row in &rows {
                    let text = if at == 0 { &row.1 } else { &row.2 };
                    codes.push(if text.is_empty() { MISSING } else { values.code(text) });
                }
            }
            reader.end_batch(side, rows.len(), None);
        }
        reader.finish().0
    }

    fn side() -> impl Strategy<Value = Side> {
        prop_oneof![Just(Side::Left), Just(Side::Right), Just(Side::Known)]
    }

    proptest! {
        #[test]
        fn counts_and_pairs_are_those_of_comparing_everything(
            rows in prop::collection::vec((side(), "[a-c]?", "[a-d]?"), 0..40),
            within_left in any::<bool>(), within_right in any::<bool>(),
        ) {
            let records = records(&rows);
            let sides = Sides { within_left, within_right };
            let columns = [column_keys(&records, 0), column_keys(&records, 1)];
            let rules = vec![all_of(&[&columns[0], &columns[1]]), columns[0].clone(), columns[1].clone()];
            let blocks = Blocks::new(&records, sides, &rules);
            let wanted: [&[usize]; 3] = [&[0, 1], &[0], &[1]];
            let mut before = BTreeSet::new();
            for (rule, columns) in wanted.iter().enumerate() {
                let mut naive = BTreeSet::new();
                for left in 0..records.len() as u32 {
                    for right in left + 1..records.len() as u32 {
                        let agree = columns.iter().all(|column| {
                            records.value(left, *column).is_some() && records.value(left, *column) == records.value(right, *column)
                        });
                        if agree && sides.compares(records.side(left), records.side(right)) {
                            naive.insert((left, right));
                        }
                    }
                }
                let mut found = Vec::new();
                blocks.visit(&records, rule, |part| {
                    let mut pairs = Vec::new();
                    part.for_each(|left, right| pairs.push((left, right)));
                    pairs
                }, |pairs| { found.extend(pairs); true });
                prop_assert_eq!(blocks.counts()[rule].pairs as usize, naive.len());
                prop_assert_eq!(found.len(), naive.len());
                for pair in &found {
                    prop_assert_eq!(blocks.is_new(rule, pair.0, pair.1), !before.contains(pair));
                }
                let found: BTreeSet<_> = found.into_iter().collect();
                prop_assert_eq!(&found, &naive);
                before.extend(found);
            }
        }
    }

    #[test]
    fn large_groups_are_visited_in_parts() {
        let rows: Vec<_> = (0..1_000).map(|at| (Side::Left, "x".to_owned(), at.to_string())).collect();
        let records = records(&rows);
        let sides = Sides { within_left: true, within_right: false };
        let blocks = Blocks::new(&records, sides, &[column_keys(&records, 0)]);
        assert_eq!(blocks.counts()[0].pairs, 499_500);
        assert_eq!(blocks.counts()[0].largest, [(0, 1_000, 499_500)]);
        let (mut parts, mut pairs) = (0, 0);
        blocks.visit(
            &records,
            0,
            |part| {
                let mut pairs = 0;
                part.for_each(|_, _| pairs += 1);
                pairs
            },
            |some| {
                parts += 1;
                pairs += some;
                true
            },
        );
        assert_eq!(pairs, 499_500);
        assert!(parts > 5);
    }

    #[test]
    fn telling_columns_are_rules_of_their_own_and_others_go_together() {
        let rows: Vec<_> = (0..3_000).map(|at| (Side::Left, (at / 2).to_string(), (at % 3).to_string())).collect();
        let records = records(&rows);
        let sides = Sides { within_left: true, within_right: false };
        assert_eq!(choose(&records, sides, &[0, 1], 4.0, 40.0), vec![vec![0]]);
        assert_eq!(choose(&records, sides, &[1], 4.0, 40.0), vec![vec![1]], "something has to be compared");
    }
}
