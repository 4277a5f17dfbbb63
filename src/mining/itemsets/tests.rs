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

/// Those of the frequent sets that are closed or maximal.
fn reduced(frequent: &BTreeMap<Vec<u32>, u64>, kind: Kind) -> BTreeMap<Vec<u32>, u64> {
    let extends =
        |larger: &[u32], set: &[u32]| larger.len() > set.len() && set.iter().all(|item| larger.contains(item));
    let kept = |(set, count): &(&Vec<u32>, &u64)| match kind {
        Kind::Frequent => true,
        Kind::Closed => !frequent.iter().any(|(larger, other)| other == *count && extends(larger, set)),
        Kind::Maximal => !frequent.keys().any(|larger| extends(larger, set)),
    };
    frequent.iter().filter(kept).map(|(set, count)| (set.clone(), *count)).collect()
}

fn by_order(sets: &BTreeMap<Vec<u32>, u64>) -> Vec<(Vec<u32>, u64)> {
    let mut sets: Vec<_> = sets.iter().map(|(set, count)| (set.clone(), *count)).collect();
    sets.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.len().cmp(&b.0.len())).then(a.0.cmp(&b.0)));
    sets
}

fn in_order(found: &Itemsets) -> Vec<(Vec<u32>, u64)> {
    found.iter().map(|set| (set.items.to_vec(), set.count)).collect()
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Frequent), Just(Kind::Closed), Just(Kind::Maximal)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn closed_maximal_and_top_sets_are_those_of_brute_force(
        rows in prop::collection::vec(prop::collection::vec(0_u32..12, 0..9), 0..60),
        minimum in 1_u64..6,
        min_length in 1_usize..4,
        more in prop::option::of(0_usize..4),
        kind in kinds(),
        top in prop::option::of(1_usize..30),
    ) {
        let max_length = more.map(|more| min_length + more);
        let options = ItemsetOptions { kind, top, min_length, max_length, ..count(minimum) };
        let found = mined(&rows, &options).unwrap();
        let mut expected = reduced(&brute_force(&rows, minimum, 1, usize::MAX), kind);
        expected.retain(|set, _| (min_length..=max_length.unwrap_or(usize::MAX)).contains(&set.len()));
        let mut expected = by_order(&expected);
        expected.truncate(top.unwrap_or(usize::MAX));
        prop_assert_eq!(in_order(&found), expected);
    }

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
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn finds_what_brute_force_finds_among_more_than_64_items(
        rows in prop::collection::vec(prop::collection::vec(0_u32..200, 0..8), 200..400),
        common in prop::collection::vec(0_u32..80, 10),
        spread in prop_oneof![Just(1_u32), Just(20_000_000)],
        max_length in prop::option::of(1_usize..4),
        kind in kinds(),
        top in prop::option::of(1_usize..200),
    ) {
        let rows: Vec<Vec<u32>> = rows.iter().enumerate().map(|(i, row)| {
            let mut row = row.clone();
            // Every third row holds a part of a common pattern, so that longer sets are frequent.
            if i % 3 == 0 { row.extend(&common[..i % 7]); }
            row.iter().map(|item| item * spread).collect()
        }).collect();
        let found = mined(&rows, &ItemsetOptions { kind, top, max_length, ..count(2) }).unwrap();
        let mut expected = reduced(&brute_force(&rows, 2, 1, usize::MAX), kind);
        expected.retain(|set, _| set.len() <= max_length.unwrap_or(usize::MAX));
        let mut expected = by_order(&expected);
        expected.truncate(top.unwrap_or(usize::MAX));
        prop_assert_eq!(in_order(&found), expected);
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
        let on = |threads, kind, top| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| mined(&rows, &ItemsetOptions { kind, top, ..count(150) }).unwrap())
        };
        for kind in [Kind::Closed, Kind::Maximal] {
            for top in [None, Some(99)] {
                assert_eq!(on(1, kind, top), on(4, kind, top), "{kind:?} {top:?}");
            }
        }
        let (one, four) = (on(1, Kind::Frequent, None), on(4, Kind::Frequent, None));
        assert_eq!(one, four);
        let kinds = [Kind::Closed, Kind::Maximal].map(|kind| in_order(&on(4, kind, None)));
        let all = as_map(&one);
        assert_eq!(kinds, [Kind::Closed, Kind::Maximal].map(|kind| by_order(&reduced(&all, kind))));
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

/// FNV-1a of all sets in order, as `tests/oracle/itemsets_pyfim.py` has it.
fn hash(sets: &Itemsets) -> String {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for set in sets.iter() {
        let items: Vec<String> = set.items.iter().map(u32::to_string).collect();
        for byte in format!("{} ({})\n", items.join(" "), set.count).bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
        }
    }
    format!("{hash:016x}")
}

#[test]
fn sets_are_those_of_pyfim_to_the_last_one() {
    let oracle: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/data/oracle/itemsets_pyfim.json")).unwrap();
    let cases = oracle["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 33);
    for case in cases {
        let name = case["baskets"].as_str().unwrap();
        let rows: Vec<Vec<u32>> = serde_json::from_value(oracle["baskets"][name].clone()).unwrap();
        let kind: Kind = serde_json::from_value(case["kind"].clone()).unwrap();
        let options = ItemsetOptions { kind, ..count(case["support"].as_u64().unwrap()) };
        let found = mined(&rows, &options).unwrap();
        let which = format!("{name} {kind:?} {}", case["support"]);
        assert_eq!(found.len() as u64, case["sets"].as_u64().unwrap(), "{which}");
        assert_eq!(found.iter().map(|set| set.count).sum::<u64>(), case["counts"].as_u64().unwrap(), "{which}");
        let length = |length: usize| found.iter().filter(|set| set.items.len() == length + 1).count();
        let lengths: Vec<usize> = serde_json::from_value(case["lengths"].clone()).unwrap();
        assert_eq!((0..lengths.len()).map(length).collect::<Vec<_>>(), lengths, "{which}");
        assert_eq!(hash(&found), case["hash"].as_str().unwrap(), "{which}");
        let top = mined(&rows, &ItemsetOptions { top: Some(77), ..options }).unwrap();
        assert_eq!(in_order(&top)[..], in_order(&found)[..found.len().min(77)], "{which}");
    }
}

#[test]
fn a_gate_that_closes_ends_the_search() {
    let row: Vec<u32> = (0..5000).collect();
    let mut transactions = Transactions::new();
    (0..2).for_each(|_| transactions.push(&row));
    let asked = std::sync::atomic::AtomicU64::new(0);
    let gate = |bytes: u64| asked.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed) < 1 << 20;
    let options = ItemsetOptions { max_itemsets: u64::MAX, ..count(2) };
    let error = frequent_itemsets_within(&transactions, &options, &gate).unwrap_err();
    assert_eq!(error, ItemsetError::Refused { minimum: 2, transactions: 2 });
    assert!(error.to_string().starts_with("there is no memory for the itemsets"));
}

#[test]
fn the_top_of_one_long_transaction_is_found_without_looking_at_its_parts() {
    let row: Vec<u32> = (0..5000).collect();
    for kind in [Kind::Frequent, Kind::Closed] {
        let found =
            mined(&[row.clone(), row.clone(), vec![7]], &ItemsetOptions { kind, top: Some(3), ..count(1) }).unwrap();
        let lengths: Vec<(usize, u64)> = found.iter().map(|set| (set.items.len(), set.count)).collect();
        let expected = if kind == Kind::Frequent { vec![(1, 3), (1, 2), (1, 2)] } else { vec![(1, 3), (5000, 2)] };
        assert_eq!(lengths, expected, "{kind:?}");
    }
}
