//! Linked records become entities.
//!
//! An entity is what links connect. It keeps the name of the entity that its known records have; without known records its name
//! follows from the content (or the id) of its first record, so that the same records give the same names in any order. Where a new
//! record connects known entities, they become one: the one with most known records gives its name, and the merger is told.

use std::collections::BTreeMap;

use super::MISSING;
use super::dictionary::Dictionary;
use super::records::Records;
use crate::similarity::clusters::Clusters;

/// Letters and digits that are not taken for each other (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a name: 80 bits.
const LENGTH: u32 = 16;

/// A known entity that went into another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merger {
    /// The code of its name.
    pub from: u32,
    /// The code of the name that stays.
    pub into: u32,
    /// Known records that it had.
    pub records: u64,
}

/// Which records are one thing.
#[derive(Debug)]
pub struct Entities {
    /// For each record the first record of its entity.
    roots: Vec<u32>,
    /// Names of entities with known records, by their first record.
    known: BTreeMap<u32, u32>,
    mergers: Vec<Merger>,
}

impl Entities {
    /// Connects records. `known` has for each record the code of the entity that it belongs to already, and `names` the names.
    pub fn new(records: usize, links: impl Iterator<Item = (u32, u32)>, known: &[u32], names: &Dictionary) -> Self {
        let mut clusters = Clusters::new(u32::try_from(records).unwrap_or(u32::MAX));
        let known = || known.iter().copied().zip(0_u32..).filter(|(code, _)| *code != MISSING);
        let mut first: BTreeMap<u32, u32> = BTreeMap::new();
        for (code, record) in known() {
            let first = *first.entry(code).or_insert(record);
            clusters.join(first, record);
        }
        links.for_each(|(left, right)| {
            clusters.join(left, right);
        });
        let roots = clusters.roots();
        let root = |record: u32| roots.get(record as usize).copied().unwrap_or(record);
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        known().for_each(|(code, _)| *counts.entry(code).or_default() += 1);
        let mut of_root: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (code, record) in &first {
            of_root.entry(root(*record)).or_default().push(*code);
        }
        let rank =
            |code: &u32| (std::cmp::Reverse(counts.get(code).copied().unwrap_or(0)), names.get(*code).to_owned());
        let mut mergers = Vec::new();
        let mut of: BTreeMap<u32, u32> = BTreeMap::new();
        for (root, mut codes) in of_root {
            if codes.len() > 1 {
                codes.sort_by_cached_key(rank);
            }
            let Some((into, others)) = codes.split_first() else { continue };
            of.insert(root, *into);
            let merger =
                |from: &u32| Merger { from: *from, into: *into, records: counts.get(from).copied().unwrap_or(0) };
            mergers.extend(others.iter().map(merger));
        }
        mergers.sort_by_cached_key(|merger| (names.get(merger.into).to_owned(), names.get(merger.from).to_owned()));
        Self { roots, known: of, mergers }
    }

    /// For each record the first record of its entity.
    pub fn roots(&self) -> &[u32] {
        &self.roots
    }

    /// Known entities that went into others.
    pub fn mergers(&self) -> &[Merger] {
        &self.mergers
    }

    /// The name of the entity that begins with this record.
    pub fn name(&self, root: u32, records: &Records, names: &Dictionary) -> String {
        if let Some(code) = self.known.get(&root) {
            return names.get(*code).to_owned();
        }
        let mut key = records.key(root);
        let mut name = text(key);
        // A known entity may have the name already although none of these records was linked with it.
        while names.find(&name).is_some() {
            key = key.wrapping_add(1 << (128 - 5 * LENGTH));
            name = text(key);
        }
        name
    }
}

/// The upper bits of a number in letters and digits.
fn text(key: u128) -> String {
    (0..LENGTH)
        .map(|at| {
            let digit = (key >> (128 - 5 * (at + 1))) & 31;
            ALPHABET.get(usize::try_from(digit).unwrap_or(0)).map_or('0', |letter| char::from(*letter))
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::similarity::linkage::records::{Reader, Side};

    fn records(texts: &[&str]) -> (Records, Vec<u32>) {
        let mut reader = Reader::new(1, 1);
        for (values, codes) in reader.columns() {
            codes.extend(texts.iter().map(|text| values.code(text)));
        }
        reader.end_batch(Side::Left, texts.len(), None);
        reader.finish()
    }

    #[test]
    fn names_of_new_entities_follow_from_their_content() {
        let names = Dictionary::default();
        let of = |texts: &[&str; 3], links: &[(usize, usize)]| {
            let (records, places) = records(texts);
            let links = links.iter().map(|(left, right)| (places[*left], places[*right]));
            let entities = Entities::new(3, links, &[MISSING; 3], &names);
            texts
                .iter()
                .zip(&places)
                .map(|(text, place)| {
                    ((*text).to_owned(), entities.name(entities.roots()[*place as usize], &records, &names))
                })
                .collect::<BTreeMap<String, String>>()
        };
        let found = of(&["a", "b", "c"], &[(0, 2)]);
        assert_eq!(found, of(&["c", "a", "b"], &[(1, 0)]));
        assert_eq!(found["a"], found["c"]);
        assert_ne!(found["a"], found["b"]);
        assert_eq!(found["a"].len(), 16);
    }

    #[test]
    fn known_names_stay_and_mergers_are_told() {
        let mut names = Dictionary::default();
        let (x, y) = (names.code("x"), names.code("y"));
        let (records, _) = records(&["a", "b", "c", "d", "e"]);
        let known = [x, y, y, MISSING, MISSING];
        let entities = Entities::new(5, [(3, 4)].into_iter(), &known, &names);
        assert!(entities.mergers().is_empty());
        assert_eq!(entities.name(entities.roots()[2], &records, &names), "y");
        let entities = Entities::new(5, [(3, 0), (3, 1)].into_iter(), &known, &names);
        assert_eq!(entities.mergers(), [Merger { from: x, into: y, records: 1 }]);
        assert!((0..4).all(|at| entities.name(entities.roots()[at], &records, &names) == "y"));
    }

    #[test]
    fn a_new_entity_never_takes_the_name_of_a_known_one() {
        let (records, _) = records(&["a"]);
        let none = Dictionary::default();
        let entities = Entities::new(1, std::iter::empty(), &[MISSING], &none);
        let name = entities.name(0, &records, &none);
        let mut names = Dictionary::default();
        names.code(&name);
        assert_ne!(entities.name(0, &records, &names), name);
    }
}
