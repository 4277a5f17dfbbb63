#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn mined(rows: &[Vec<u32>], options: &ItemsetOptions) -> Result<Itemsets, ItemsetError> {
    let mut transactions = Transactions::new();
    rows.iter().for_each(|row| transactions.push(row));
    frequent_itemsets(&transactions, options)
}

fn count(count: u64) -> ItemsetOptions {
    ItemsetOptions { min_support: MinSupport::Count(count), ..ItemsetOptions::default() }
}

/// Every subset of every transaction, counted: exponential, but plainly right.
fn brute_force(rows: &[Vec<u32>], minimum: u64, min_length: usize, max_length: usize) -> BTreeMap<Vec<u32>, u64> {
    let mut counts: BTreeMap<Vec<u32>, u64> = BTreeMap::new();
    for row in rows {
        let mut row = row.clone();
        row.sort_unstable();
        row.dedup();
        for mask in 1_u32..1 << row.len() {
            let subset = row.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, &item)| item).collect();
            *counts.entry(subset).or_default() += 1;
        }
    }
    counts.retain(|set, count| *count >= minimum && (min_length..=max_length).contains(&set.len()));
    counts
}

fn as_map(found: &Itemsets) -> BTreeMap<Vec<u32>, u64> {
    let map: BTreeMap<_, _> = found.iter().map(|set| (set.items.to_vec(), set.count)).collect();
    assert_eq!(map.len(), found.len(), "a set was found twice");
    map
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn finds_what_brute_force_finds(
        rows in prop::collection::vec(prop::collection::vec(0_u32..12, 0..9), 0..60),
        minimum in 1_u64..6,
        min_length in 1_usize..4,
        more in prop::option::of(0_usize..4),
    ) {
        let max_length = more.map(|more| min_length + more);
        let options = ItemsetOptions { min_length, max_length, ..count(minimum) };
        let found = mined(&rows, &options).unwrap();
        let expected = brute_force(&rows, minimum, min_length, max_length.unwrap_or(usize::MAX));
        prop_assert_eq!(as_map(&found), expected);
    }

    #[test]
    fn merging_identical_transactions_changes_nothing(
        rows in prop::collection::vec(prop::collection::vec(0_u32..6, 0..5), 0..60),
    ) {
        let mut transactions = Transactions::new();
        rows.iter().for_each(|row| transactions.push(row));
        let merged = transactions.merge_identical();
        prop_assert_eq!(merged.total(), transactions.total());
        prop_assert_eq!(frequent_itemsets(&merged, &count(2)), frequent_itemsets(&transactions, &count(2)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn finds_what_brute_force_finds_among_more_than_64_items(
        rows in prop::collection::vec(prop::collection::vec(0_u32..200, 0..8), 200..400),
        common in prop::collection::vec(0_u32..80, 10),
        spread in prop_oneof![Just(1_u32), Just(20_000_000)],
        max_length in prop::option::of(1_usize..4),
    ) {
        let rows: Vec<Vec<u32>> = rows.iter().enumerate().map(|(i, row)| {
            let mut row = row.clone();
            // Every third row holds a part of a common pattern, so that longer sets are frequent.
            if i % 3 == 0 { row.extend(&common[..i % 7]); }
            row.iter().map(|item| item * spread).collect()
        }).collect();
        let found = mined(&rows, &ItemsetOptions { max_length, ..count(2) }).unwrap();
        prop_assert_eq!(as_map(&found), brute_force(&rows, 2, 1, max_length.unwrap_or(usize::MAX)));
    }
}

/// Rows over `items` items, each with its own probability; a plain congruential generator keeps it the same forever.
fn seeded_rows(rows: usize, items: u32) -> Vec<Vec<u32>> {
    let mut state = 42_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    };
    (0..rows).map(|_| (0..items).filter(|item| next() % (3 + item / 4) == 0).collect()).collect()
}

#[test]
fn many_rows_are_split_over_threads_with_the_same_result_in_the_same_order() {
    for items in [20, 90] {
        let rows = seeded_rows(9000, items);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| mined(&rows, &count(150)).unwrap())
        };
        let (one, four) = (on(1), on(4));
        assert_eq!(one, four);
        let truth = |set: &[u32]| rows.iter().filter(|row| set.iter().all(|item| row.contains(item))).count() as u64;
        assert!(one.len() > 300, "{items} items give only {} sets", one.len());
        for set in one.iter().step_by(37) {
            assert_eq!(set.count, truth(set.items), "{:?}", set.items);
        }
    }
}

#[test]
fn sets_come_by_count_then_length_then_items() {
    let found = mined(&[vec![3, 1], vec![1, 3], vec![2], vec![1]], &count(1)).unwrap();
    let sets: Vec<_> = found.iter().map(|set| (set.items.to_vec(), set.count)).collect();
    assert_eq!(sets, [(vec![1], 3), (vec![3], 2), (vec![1, 3], 2), (vec![2], 1)]);
    assert_eq!(found.support(found.get(0).unwrap()), 0.75);
    assert_eq!(found.get(4), None);
}

#[test]
fn no_transactions_give_no_itemsets() {
    assert!(mined(&[], &ItemsetOptions::default()).unwrap().is_empty());
    assert!(mined(&[vec![], vec![]], &count(0)).unwrap().is_empty());
}

#[test]
fn a_fraction_is_rounded_up_to_a_count_without_rounding_noise() {
    assert_eq!(MinSupport::Fraction(0.07).count(100), Ok(7));
    assert_eq!(MinSupport::Fraction(0.29).count(100), Ok(29));
    assert_eq!(MinSupport::Fraction(0.071).count(100), Ok(8));
    assert_eq!(MinSupport::Fraction(1.0).count(3), Ok(3));
    assert_eq!(MinSupport::Fraction(1e-9).count(3), Ok(1));
}

#[test]
fn too_many_itemsets_are_an_error_that_says_what_to_do() {
    // One transaction of 5000 items: 2^5000 sets are frequent.
    let row: Vec<u32> = (0..5000).collect();
    let error = mined(&[row.clone(), row], &ItemsetOptions { max_itemsets: 1000, ..count(2) }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "more than 1000 itemsets occur in at least 2 of the 2 transactions; raise the minimum support or lower the maximum length"
    );
    let limit = |max_itemsets| mined(&[vec![1, 2, 3]], &ItemsetOptions { max_itemsets, ..count(1) });
    assert!(limit(6).is_err());
    assert_eq!(limit(7).unwrap().len(), 7);
}

#[test]
fn options_out_of_range_are_refused() {
    for fraction in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
        let options = ItemsetOptions { min_support: MinSupport::Fraction(fraction), ..ItemsetOptions::default() };
        let message = mined(&[], &options).unwrap_err().to_string();
        assert_eq!(message, format!("the minimum support as a fraction must be above 0 and at most 1, not {fraction}"));
    }
    let lengths = |min_length, max_length| ItemsetOptions { min_length, max_length, ..count(1) };
    assert_eq!(
        mined(&[], &lengths(3, Some(2))).unwrap_err().to_string(),
        "the lengths of itemsets must be at least 1 and in order, not from 3 to 2"
    );
    assert!(mined(&[], &lengths(0, None)).is_err());
}

#[test]
fn rows_from_offsets_are_checked() {
    let rows = Transactions::from_parts(&[0, 2, 2, 5], &[4, 1, 9, 9, 3]).unwrap();
    let read: Vec<_> = rows.iter().collect();
    assert_eq!(read, [(&[1, 4][..], 1), (&[][..], 1), (&[3, 9][..], 1)]);
    for (offsets, position) in [(&[][..], 0), (&[1, 2], 0), (&[0, 1], 1), (&[0, 2, 1, 2], 2), (&[0, 7, 2], 1)] {
        match Transactions::from_parts(offsets, &[1, 2]) {
            Err(ItemsetError::Offsets { position: at, .. }) => assert_eq!(at, position, "{offsets:?}"),
            other => panic!("{offsets:?} gave {other:?}"),
        }
    }
}
