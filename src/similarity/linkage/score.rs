//! Pairs become weights.
//!
//! A pair is given up as soon as the levels that are still open cannot lift it to the wanted weight: whether two values are equal
//! is one comparison of codes, so most pairs are given up before a text is looked at. Levels of values that are slow to
//! compare are remembered by pair of values.

use std::sync::Mutex;

use super::blocking::Blocks;
use super::comparison::{Comparison, Prepared};
use super::dictionary::Dictionary;
use super::estimate::{Parameters, PatternCount, Random, Session};
use super::records::Records;
use super::{MISSING, Pattern};

use rand::RngExt;
use rand::SeedableRng;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Pairs of values whose levels each thread remembers, for each slow comparison.
const REMEMBERED: usize = 1 << 14;
/// Pairs that are taken at random in one go.
const DRAWN: u64 = 1 << 15;

/// A pair with its weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The record of the earlier side.
    pub left: u32,
    /// The other record.
    pub right: u32,
    /// The weight in bits, the prior included.
    pub weight: f64,
    /// The levels that were reached.
    pub pattern: Pattern,
    /// The first rule that gives the pair.
    pub rule: u16,
}

/// Compares pairs of records.
#[derive(Debug)]
pub struct Comparer<'a> {
    records: &'a Records,
    comparisons: &'a [Comparison],
    prepared: Vec<Prepared<'a>>,
    memories: Mutex<Vec<Memory>>,
}

/// For each slow comparison the levels of pairs of values that were compared last.
type Memory = Vec<Vec<(u64, u8)>>;

impl<'a> Comparer<'a> {
    /// Prepares all distinct values. Each comparison compares the column of its own position.
    pub fn new(records: &'a Records, comparisons: &'a [Comparison], none: &'a Dictionary) -> Self {
        let columns: Vec<usize> = (0..comparisons.len()).collect();
        let prepared = columns
            .par_iter()
            .zip(comparisons)
            .map(|(column, comparison)| Prepared::new(comparison, records.values(*column).unwrap_or(none)))
            .collect();
        Self { records, comparisons, prepared, memories: Mutex::default() }
    }

    /// Bytes of memory, on so many threads.
    pub fn size(&self, threads: usize) -> usize {
        let slow = self.prepared.iter().filter(|prepared| prepared.is_slow()).count();
        self.prepared.iter().map(Prepared::bytes).sum::<usize>() + threads * slow * REMEMBERED * 16
    }

    /// The comparisons.
    pub fn comparisons(&self) -> &'a [Comparison] {
        self.comparisons
    }

    fn with_memory<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        let lock = || self.memories.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let taken = lock().pop();
        let mut memory = taken.unwrap_or_else(|| {
            let of = |prepared: &Prepared<'_>| vec![(u64::MAX, 0); if prepared.is_slow() { REMEMBERED } else { 0 }];
            self.prepared.iter().map(of).collect()
        });
        let result = work(&mut memory);
        lock().push(memory);
        result
    }

    fn level(&self, at: usize, left: u32, right: u32, memory: &mut Memory) -> u8 {
        let (Some(prepared), Some(memory)) = (self.prepared.get(at), memory.get_mut(at)) else { return 0 };
        prepared.level_with(left, right, memory)
    }

    fn pattern(&self, left: u32, right: u32, memory: &mut Memory) -> Pattern {
        let pairs = self.records.codes(left).iter().zip(self.records.codes(right)).take(self.comparisons.len());
        pairs.enumerate().fold(Pattern::default(), |pattern, (at, (ours, theirs))| {
            pattern.with(at, self.level(at, *ours, *theirs, memory))
        })
    }

    /// The pattern of two records.
    pub fn compare(&self, left: u32, right: u32) -> Pattern {
        self.with_memory(|memory| self.pattern(left, right, memory))
    }

    /// The patterns of about `most` pairs of a rule: all of them, or those that their content chooses.
    pub fn session(&self, blocks: &Blocks, rule: usize, most: u64, bound: Vec<bool>) -> Session {
        let pairs = blocks.counts().get(rule).map_or(0, |count| count.pairs);
        #[expect(clippy::cast_precision_loss, reason = "a share of pairs")]
        let share = (most as f64 / pairs.max(1) as f64).min(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the largest number")]
        let below = if share >= 1.0 { u64::MAX } else { (share * u64::MAX as f64) as u64 };
        let mut counts: FxHashMap<Pattern, (u64, u64)> = FxHashMap::default();
        blocks.visit(
            self.records,
            rule,
            |part| {
                self.with_memory(|memory| {
                    let mut counts: FxHashMap<Pattern, (u64, u64)> = FxHashMap::default();
                    part.for_each(|left, right| {
                        let chosen = below == u64::MAX
                            || (u64::from(left) << 32 | u64::from(right))
                                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                                .rotate_left(32)
                                .wrapping_mul(0xd6e8_feb8_6659_fd93)
                                < below;
                        if chosen {
                            let count = counts.entry(self.pattern(left, right, memory)).or_default();
                            count.0 += 1;
                            count.1 += u64::from(blocks.is_new(rule, left, right));
                        }
                    });
                    counts
                })
            },
            |part| {
                for (pattern, (pairs, new)) in part {
                    let count = counts.entry(pattern).or_default();
                    count.0 += pairs;
                    count.1 += new;
                }
                true
            },
        );
        Session { patterns: sorted(counts, 1.0 / share), bound }
    }

    /// The patterns of about `most` pairs taken at random, or of all pairs when there are no more.
    pub fn random(&self, blocks: &Blocks, most: u64) -> Random {
        let sides = blocks.sides();
        let of = self.records.pairs(sides);
        let records = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        let see = |left: u32, right: u32, counts: &mut FxHashMap<Pattern, (u64, u64)>, memory: &mut Memory| {
            if left != right && sides.compares(self.records.side(left), self.records.side(right)) {
                counts.entry(self.pattern(left, right, memory)).or_default().0 += 1;
            }
        };
        let parts: Vec<FxHashMap<Pattern, (u64, u64)>> = if of <= u128::from(most) {
            let all = |left: u32| {
                self.with_memory(|memory| {
                    let mut counts = FxHashMap::default();
                    (left + 1..records).for_each(|right| see(left, right, &mut counts, memory));
                    counts
                })
            };
            (0..records).into_par_iter().map(all).collect()
        } else {
            let draw = |seed: u64| {
                self.with_memory(|memory| {
                    let mut chance = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
                    let mut counts = FxHashMap::default();
                    for _ in 0..DRAWN {
                        see(chance.random_range(0..records), chance.random_range(0..records), &mut counts, memory);
                    }
                    counts
                })
            };
            (0..most.div_ceil(DRAWN)).into_par_iter().map(draw).collect()
        };
        let mut counts: FxHashMap<Pattern, (u64, u64)> = FxHashMap::default();
        for (pattern, pairs) in parts.into_iter().flatten() {
            counts.entry(pattern).or_default().0 += pairs.0;
        }
        let equal = self.comparisons.iter().enumerate().map(|(at, comparison)| {
            let level = comparison.exact()?;
            Some((level, self.equal_share(at, sides)?))
        });
        #[expect(clippy::cast_precision_loss, reason = "a number of pairs")]
        Random { patterns: sorted(counts, 1.0), equal: equal.collect(), of: of as f64 }
    }

    /// The share of pairs with two values in which they are equal, from the counts of values by side.
    fn equal_share(&self, column: usize, sides: super::records::Sides) -> Option<f64> {
        let values = self.records.values(column)?;
        let pairs = |[left, right, known]: [u64; 3]| {
            let within =
                |wanted: bool, n: u64| if wanted { u128::from(n) * u128::from(n.saturating_sub(1)) / 2 } else { 0 };
            let between = u128::from(left) * u128::from(right) + u128::from(left + right) * u128::from(known);
            between + within(sides.within_left, left) + within(sides.within_right, right)
        };
        let (equal, of) = if self.records.borders().0 as usize == self.records.len() {
            // Of records of one side the values know themselves how often they stand there.
            let counts = (0..u32::try_from(values.len()).unwrap_or(MISSING)).map(|code| u64::from(values.count(code)));
            (counts.map(|count| pairs([count, 0, 0])).sum::<u128>(), pairs([values.seen(), 0, 0]))
        } else {
            let (counts, all) = self.counts_by_side(column, values.len());
            (counts.into_iter().map(pairs).sum(), pairs(all))
        };
        #[expect(clippy::cast_precision_loss, reason = "a share of pairs")]
        (of > 0).then(|| equal as f64 / of as f64)
    }

    /// For each value of a column how many records of each side have it, and how many have one.
    fn counts_by_side(&self, column: usize, values: usize) -> (Vec<[u64; 3]>, [u64; 3]) {
        let mut counts = vec![[0_u64; 3]; values];
        let mut all = [0_u64; 3];
        for record in 0..u32::try_from(self.records.len()).unwrap_or(u32::MAX) {
            let code = self.records.codes(record).get(column).copied().unwrap_or(MISSING);
            let side = self.records.side(record) as usize;
            if let Some(count) = counts.get_mut(code as usize).and_then(|counts| counts.get_mut(side)) {
                *count += 1;
                if let Some(count) = all.get_mut(side) {
                    *count += 1;
                }
            }
        }
        (counts, all)
    }
}

fn sorted(counts: FxHashMap<Pattern, (u64, u64)>, scale: f64) -> Vec<PatternCount> {
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
    let count = |(pattern, (pairs, new)): (Pattern, (u64, u64))| PatternCount {
        pattern,
        pairs: pairs as f64 * scale,
        new: new as f64 * scale,
    };
    let mut sorted: Vec<PatternCount> = counts.into_iter().map(count).collect();
    sorted.sort_by_key(|count| count.pattern);
    sorted
}

/// Gives pairs their weights.
#[derive(Debug)]
pub struct Scorer<'a> {
    comparer: &'a Comparer<'a>,
    prior: f64,
    /// For each comparison the weight of each level, that of missing values first.
    weights: Vec<Vec<f64>>,
    /// For each comparison the largest weight of values that are not equal.
    unequal: Vec<f64>,
    /// For each comparison what agreement in each value adds to the weight; empty where frequencies are not looked at.
    rarity: Vec<Vec<f32>>,
    /// Comparisons in the order in which open ones are looked at: what can cost most weight, and least time, first.
    order: Vec<usize>,
}

impl<'a> Scorer<'a> {
    /// A scorer with these parameters.
    pub fn new(comparer: &'a Comparer<'a>, parameters: &Parameters) -> Self {
        let comparisons = comparer.comparisons;
        let weights: Vec<Vec<f64>> = comparisons
            .iter()
            .zip(&parameters.comparisons)
            .map(|(comparison, one)| (0..=comparison.len()).map(|level| one.weight(level)).collect())
            .collect();
        let unequal = weights.iter().zip(comparisons).map(|(weights, comparison)| {
            let open = weights.iter().enumerate().skip(1).filter(|(level, _)| Some(*level) != comparison.exact());
            open.map(|(_, weight)| *weight).fold(f64::NEG_INFINITY, f64::max)
        });
        let unequal: Vec<f64> = unequal.map(|weight| if weight.is_finite() { weight } else { 0.0 }).collect();
        let rarity = comparisons.iter().enumerate().map(|(at, comparison)| match comparison.term_frequency {
            true => comparer.records.values(at).map(rarity).unwrap_or_default(),
            false => Vec::new(),
        });
        let rarity = rarity.collect();
        let loss = |at: usize| {
            let lowest = weights.get(at).map_or(0.0, |weights| weights.iter().copied().fold(0.0, f64::min));
            let spread = unequal.get(at).copied().unwrap_or(0.0) - lowest;
            spread / if comparer.prepared.get(at).is_some_and(Prepared::is_slow) { 4.0 } else { 1.0 }
        };
        let mut order: Vec<usize> = (0..comparisons.len()).collect();
        order.sort_by(|one, other| loss(*other).total_cmp(&loss(*one)));
        Self { comparer, prior: parameters.prior(), weights, unequal, rarity, order }
    }

    /// The weight that every pair begins with.
    pub fn prior(&self) -> f64 {
        self.prior
    }

    /// What a comparison adds to the weight of a pair, and what of it is due to the rarity of the value.
    pub fn part(&self, comparison: usize, left: u32, right: u32, pattern: Pattern) -> (f64, f64) {
        let level = pattern.level(comparison);
        let weight = self.weights.get(comparison).and_then(|weights| weights.get(level)).copied().unwrap_or(0.0);
        let codes =
            (self.comparer.records.codes(left).get(comparison), self.comparer.records.codes(right).get(comparison));
        let rare = match codes {
            (Some(ours), Some(theirs)) if ours == theirs => self.rare(comparison, *ours),
            _ => 0.0,
        };
        (weight, rare)
    }

    fn rare(&self, comparison: usize, code: u32) -> f64 {
        self.rarity.get(comparison).and_then(|rarity| rarity.get(code as usize)).map_or(0.0, |bits| f64::from(*bits))
    }

    /// The weight that a record would have with a copy of itself.
    pub fn with_itself(&self, record: u32) -> f64 {
        let comparisons = self.comparer.prepared.iter().zip(self.comparer.records.codes(record)).enumerate();
        let parts = comparisons.map(|(at, (prepared, code))| {
            let level = usize::from(prepared.level(*code, *code));
            let weight = self.weights.get(at).and_then(|weights| weights.get(level)).copied().unwrap_or(0.0);
            weight + if *code == MISSING { 0.0 } else { self.rare(at, *code) }
        });
        self.prior + parts.sum::<f64>()
    }

    /// The weight of a pair with its pattern, if it is at least `least`.
    fn score(&self, left: u32, right: u32, least: f64, memory: &mut Memory) -> Option<(f64, Pattern)> {
        let (ours, theirs) = (self.comparer.records.codes(left), self.comparer.records.codes(right));
        let mut pattern = Pattern::default();
        let mut weight = self.prior;
        let mut possible = 0.0;
        let mut open = 0_u32;
        for (at, (a, b)) in ours.iter().zip(theirs).enumerate().take(self.weights.len()) {
            if *a == MISSING || *b == MISSING {
                continue;
            }
            match self.comparer.comparisons.get(at).and_then(Comparison::exact) {
                Some(exact) if a == b => {
                    pattern = pattern.with(at, u8::try_from(exact).unwrap_or(15));
                    weight += self.weights.get(at).and_then(|weights| weights.get(exact)).copied().unwrap_or(0.0);
                    weight += self.rare(at, *a);
                }
                Some(_) => {
                    open |= 1 << at;
                    possible += self.unequal.get(at).copied().unwrap_or(0.0);
                }
                None => {
                    open |= 1 << at;
                    possible += self.unequal.get(at).copied().unwrap_or(0.0);
                }
            }
        }
        for at in &self.order {
            if open & (1 << at) == 0 {
                continue;
            }
            if weight + possible < least {
                return None;
            }
            let (Some(a), Some(b)) = (ours.get(*at), theirs.get(*at)) else { continue };
            let level = self.comparer.level(*at, *a, *b, memory);
            pattern = pattern.with(*at, level);
            possible -= self.unequal.get(*at).copied().unwrap_or(0.0);
            weight += self.weights.get(*at).and_then(|weights| weights.get(usize::from(level))).copied().unwrap_or(0.0);
        }
        (weight >= least).then_some((weight, pattern))
    }

    /// The pairs of a rule that no earlier rule gives and that weigh at least `least`, part by part in a fixed order; with each
    /// part how many pairs were looked at. `take` answers whether it wants more.
    pub fn score_rule(&self, blocks: &Blocks, rule: usize, least: f64, take: impl FnMut((Vec<Scored>, u64)) -> bool) {
        let number = u16::try_from(rule).unwrap_or(u16::MAX);
        let visit = |part: super::blocking::Part<'_>| {
            self.comparer.with_memory(|memory| {
                let (mut found, mut seen) = (Vec::new(), 0_u64);
                part.for_each(|left, right| {
                    if !blocks.is_new(rule, left, right) {
                        return;
                    }
                    seen += 1;
                    if let Some((weight, pattern)) = self.score(left, right, least, memory) {
                        found.push(Scored { left, right, weight, pattern, rule: number });
                    }
                });
                (found, seen)
            })
        };
        blocks.visit(self.comparer.records, rule, visit, take);
    }

    /// The weight of a pair with its pattern.
    pub fn pair(&self, left: u32, right: u32) -> (f64, Pattern) {
        self.comparer
            .with_memory(|memory| self.score(left, right, f64::NEG_INFINITY, memory))
            .unwrap_or((f64::NEG_INFINITY, Pattern::default()))
    }
}

/// For each value how much more agreement in it says than agreement in a value of average frequency, in bits: the logarithm of the
/// share of equal pairs among all pairs, divided by the frequency of the value (Winkler 1989).
fn rarity(values: &Dictionary) -> Vec<f32> {
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
    let all = values.seen().max(1) as f64;
    let codes = || 0..u32::try_from(values.len()).unwrap_or(MISSING);
    let share = |code: u32| f64::from(values.count(code)) / all;
    let average: f64 = codes().map(|code| share(code).powi(2)).sum();
    #[expect(clippy::cast_possible_truncation, reason = "bits with seven digits")]
    let bits = |code: u32| (average / share(code).max(1e-300)).log2() as f32;
    codes().map(bits).collect()
}

/// Puts pairs in order: the heaviest first, pairs of equal weight in the order of their records' content.
///
/// Cost: O(p log p).
pub fn sort(pairs: &mut [Scored]) {
    pairs.par_sort_unstable_by(|one, other| {
        other.weight.total_cmp(&one.weight).then(one.left.cmp(&other.left)).then(one.right.cmp(&other.right))
    });
}

/// Which pairs, in the order of [`sort`], are linked when each record of the first two sides may have one partner on the other side:
/// a pair is, unless one of its records stands in a heavier pair that is. Pairs with known records always are. Pairs lighter than
/// `least` are not.
///
/// Cost: O(p).
pub fn one_to_one(pairs: &[Scored], records: &Records, least: f64) -> Vec<bool> {
    let mut taken = vec![false; records.len()];
    let mut linked = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let known = |record: u32| records.side(record) == super::records::Side::Known;
        let is_taken = |record: u32| taken.get(record as usize).copied().unwrap_or(true);
        let counts = !known(pair.left) && !known(pair.right);
        let is_linked = pair.weight >= least && !(counts && (is_taken(pair.left) || is_taken(pair.right)));
        linked.push(is_linked);
        if is_linked && counts {
            for record in [pair.left, pair.right] {
                if let Some(taken) = taken.get_mut(record as usize) {
                    *taken = true;
                }
            }
        }
    }
    linked
}
