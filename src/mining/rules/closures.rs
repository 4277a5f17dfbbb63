//! How often the parts of closed sets occur, told from the closed sets alone.

use rustc_hash::FxHashMap;

use crate::mining::itemsets::Itemsets;

/// Finds closures: a set occurs as often as the smallest closed set that holds it, which is the most frequent of those that do
/// (Pasquier, Bastide, Taouil & Lakhal 1999, *Discovering frequent closed itemsets for association rules*, ICDT).
///
/// The closed sets come by falling count, so the first of them that holds the items is the closure; those of a limited length or
/// number hold it as well, because it is neither longer nor rarer than the set that the items are a part of. Memory: a number for
/// each item of each set. Time: a search in the list of each item, as often as the lists disagree before they meet.
pub(super) struct Closures {
    counts: Vec<u64>,
    /// For each item the places of the sets that hold it, ascending.
    holders: FxHashMap<u32, Vec<u32>>,
}

impl Closures {
    /// `closed` are closed sets of all lengths from 1.
    pub(super) fn new(closed: &Itemsets) -> Self {
        let mut holders: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for (place, set) in (0_u32..).zip(closed.iter()) {
            for item in set.items {
                holders.entry(*item).or_default().push(place);
            }
        }
        Self { counts: closed.iter().map(|set| set.count).collect(), holders }
    }

    /// The count of a set of one or more items; none when no closed set holds them all.
    pub(super) fn count(&self, items: &[u32]) -> Option<u64> {
        let mut lists: Vec<&[u32]> = Vec::with_capacity(items.len());
        for item in items {
            lists.push(self.holders.get(item)?);
        }
        lists.sort_unstable_by_key(|list| list.len());
        let mut place = 0;
        loop {
            let before = place;
            for list in &mut lists {
                let passed = list.partition_point(|holder| *holder < place);
                *list = list.get(passed..)?;
                place = *list.first()?;
            }
            // A whole round without a step: all lists are at this place.
            if place == before {
                return self.counts.get(place as usize).copied();
            }
        }
    }
}
