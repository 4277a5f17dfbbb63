//! The counts of rules in other transactions than those that they were mined from.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::{Contingency, Rule};

/// Transactions that are counted together at most: the bits of an item then fit into the cache of a processor.
const BLOCK: usize = 1 << 16;

/// Bytes that the bits of all items may take; with many items, fewer transactions are counted together.
const BLOCK_BYTES: usize = 64 << 20;

/// Sets that one task counts.
const SETS_PER_TASK: usize = 2_048;

/// Counts rules in transactions that are given one by one.
///
/// Each item has a bit for each transaction of a block; the sets stand in order, so that what two neighbours have in common is
/// intersected once. Memory: a block of bits for each item of the rules, and a number for each of their sets. Time: transactions
/// times sets / 64.
///
/// # Example
/// ```
/// use gristmill::mining::rules::{Contingency, Recount, Rule};
///
/// let counts = Contingency { transactions: 9, antecedent: 3, consequent: 3, both: 3 };
/// let rules = [Rule { antecedent: vec![4], consequent: vec![7], counts }];
/// let mut recount = Recount::new(&rules);
/// for basket in [&[4, 7][..], &[4], &[1, 7], &[]] {
///     recount.push(basket);
/// }
/// assert_eq!(recount.finish(), [Contingency { transactions: 4, antecedent: 2, consequent: 2, both: 1 }]);
/// ```
pub struct Recount {
    places: FxHashMap<u32, usize>,
    /// The sets of all rules, each once, in order, as places of items.
    sets: Vec<Vec<usize>>,
    counts: Vec<u64>,
    /// For each rule the sets that are its antecedent, its consequent and both.
    rules: Vec<[usize; 3]>,
    /// For each item the transactions of the block that hold it.
    bits: Vec<Vec<u64>>,
    /// Transactions that are counted together.
    block: usize,
    filled: usize,
    transactions: u64,
}

impl Recount {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(rules: &[Rule]) -> Self {
        let both = |rule: &Rule| {
            let mut both = [rule.antecedent.as_slice(), rule.consequent.as_slice()].concat();
            both.sort_unstable();
            both
        };
        let mut sets: Vec<Vec<u32>> =
            rules.iter().flat_map(|rule| [rule.antecedent.clone(), rule.consequent.clone(), both(rule)]).collect();
        sets.par_sort_unstable();
        sets.dedup();
        let place_of = |set: &Vec<u32>| sets.binary_search(set).unwrap_or_default();
        let rules: Vec<[usize; 3]> = rules
            .par_iter()
            .map(|rule| [place_of(&rule.antecedent), place_of(&rule.consequent), place_of(&both(rule))])
            .collect();
        let mut places = FxHashMap::default();
        for item in sets.iter().flatten() {
            let next = places.len();
            places.entry(*item).or_insert(next);
        }
        let sets: Vec<Vec<usize>> = sets.iter().map(|set| set.iter().map(|item| places[item]).collect()).collect();
        let block = block(places.len());
        let bits = vec![vec![0; block / 64]; places.len()];
        Self { places, counts: vec![0; sets.len()], sets, rules, bits, block, filled: 0, transactions: 0 }
    }

    /// Bytes that counting these rules takes at most.
    #[must_use]
    pub fn bytes(rules: &[Rule]) -> usize {
        // The three sets of a rule are there as items, then as places.
        let of_set = 2 * size_of::<Vec<u32>>() + size_of::<u64>() + size_of::<usize>();
        let of_item = 2 * (size_of::<u32>() + size_of::<usize>());
        let items: usize = rules.iter().map(|rule| rule.antecedent.len() + rule.consequent.len()).sum();
        3 * rules.len() * of_set + items * of_item + BLOCK_BYTES
    }

    /// Adds a transaction. Items that stand in no rule, and those that stand there twice, change nothing.
    pub fn push(&mut self, items: &[u32]) {
        for item in items {
            if let Some(bits) = self.places.get(item).and_then(|place| self.bits.get_mut(*place)) {
                bits[self.filled / 64] |= 1 << (self.filled % 64);
            }
        }
        self.filled += 1;
        self.transactions += 1;
        if self.filled == self.block {
            self.count_block();
        }
    }

    /// The counts of the rules in their order. Any of them may be 0.
    #[must_use]
    pub fn finish(mut self) -> Vec<Contingency> {
        self.count_block();
        let rules = self.rules.iter().map(|[antecedent, consequent, both]| Contingency {
            transactions: self.transactions,
            antecedent: self.counts[*antecedent],
            consequent: self.counts[*consequent],
            both: self.counts[*both],
        });
        rules.collect()
    }

    fn count_block(&mut self) {
        let words = self.filled.div_ceil(64);
        let bits = self.bits.as_slice();
        let chunks = self.sets.par_chunks(SETS_PER_TASK).zip(self.counts.par_chunks_mut(SETS_PER_TASK));
        chunks.for_each(|(sets, counts)| count_sets(sets, counts, bits, words));
        self.bits.iter_mut().for_each(|bits| bits.fill(0));
        self.filled = 0;
    }
}

/// Transactions that are counted together with so many items: whole words, at least one.
fn block(items: usize) -> usize {
    let fitting = BLOCK_BYTES / items.max(1) / size_of::<u64>() * 64;
    fitting.clamp(64, BLOCK)
}

/// Adds to `counts` how many transactions hold each set. Sets with a common beginning stand side by side.
fn count_sets(sets: &[Vec<usize>], counts: &mut [u64], bits: &[Vec<u64>], words: usize) {
    // The transactions that hold the first two, three, .. items of the last set.
    let mut beginnings: Vec<Vec<u64>> = Vec::new();
    let mut last: &[usize] = &[];
    for (set, count) in sets.iter().zip(counts) {
        let common = last.iter().zip(set).take_while(|(a, b)| a == b).count();
        for depth in common.max(1)..set.len() {
            let own = &bits[set[depth]][..words];
            let (before, from) = beginnings.split_at_mut(depth - 1);
            let shorter = before.last().map_or(&bits[set[0]][..words], Vec::as_slice);
            let both = shorter.iter().zip(own).map(|(a, b)| a & b);
            match from.first_mut() {
                Some(longer) => {
                    longer.clear();
                    longer.extend(both);
                }
                None => {
                    let both = both.collect();
                    beginnings.push(both);
                }
            }
        }
        let holders = match set.len() {
            0 => continue,
            1 => &bits[set[0]][..words],
            length => beginnings[length - 2].as_slice(),
        };
        *count += holders.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        last = set;
    }
}
