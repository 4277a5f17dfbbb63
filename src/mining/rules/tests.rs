#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::mining::itemsets::{ItemsetOptions, Itemsets, Kind, MinSupport, Transactions, frequent_itemsets};
use crate::statistics::multiplicity::{Correction, adjust};

fn itemsets(rows: &[Vec<u32>], options: &ItemsetOptions) -> Itemsets {
    let mut transactions = Transactions::new();
    rows.iter().for_each(|row| transactions.push(row));
    frequent_itemsets(&transactions, options).unwrap()
}

fn count(count: u64) -> ItemsetOptions {
    ItemsetOptions { min_support: MinSupport::Count(count), ..ItemsetOptions::default() }
}

fn items(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|item| item.as_u64().unwrap() as u32).collect()
}

/// What `tests/oracle/itemsets_mlxtend.py` has stored.
fn oracle() -> Value {
    serde_json::from_str(include_str!("../../../tests/data/oracle/itemsets_mlxtend.json")).unwrap()
}

#[test]
fn itemsets_and_rules_agree_with_mlxtend() {
    let oracle = oracle();
    let rows: Vec<Vec<u32>> = oracle["transactions"].as_array().unwrap().iter().map(items).collect();
    for case in oracle["cases"].as_array().unwrap() {
        let number = |name: &str| case[name].as_f64().unwrap();
        let min_support = MinSupport::Fraction(number("min_support"));
        let sets = itemsets(&rows, &ItemsetOptions { min_support, ..ItemsetOptions::default() });
        let found: BTreeMap<Vec<u32>, u64> = sets.iter().map(|set| (set.items.to_vec(), set.count)).collect();
        let expected = case["itemsets"].as_array().unwrap();
        let expected = expected.iter().map(|set| (items(&set["items"]), set["count"].as_u64().unwrap())).collect();
        assert_eq!(found, expected);

        let options = RuleOptions {
            min_confidence: number("min_confidence"),
            min_lift: number("min_lift"),
            consequent: Side::at_most(case["max_consequent"].as_u64().unwrap() as usize),
            ..RuleOptions::default()
        };
        let found = association_rules(&sets, &options).unwrap().rules;
        let expected = case["rules"].as_array().unwrap();
        assert_eq!(found.len(), expected.len());
        let by_items: BTreeMap<_, _> = expected.iter().map(|r| ((items(&r["a"]), items(&r["c"])), r)).collect();
        for rule in &found {
            let expected = by_items[&(rule.antecedent.clone(), rule.consequent.clone())];
            let counts = rule.counts;
            for (name, value) in [
                ("antecedent support", counts.antecedent_support()),
                ("consequent support", counts.consequent_support()),
                ("support", counts.support()),
                ("confidence", counts.confidence()),
                ("lift", counts.lift()),
                ("leverage", counts.leverage()),
                ("conviction", counts.conviction()),
                ("zhangs_metric", counts.zhang()),
                ("jaccard", counts.jaccard()),
                ("kulczynski", counts.kulczynski()),
                ("certainty", counts.certainty()),
                ("p", counts.p_value()),
            ] {
                // JSON has no infinity: null stands for it.
                let expected = expected[name].as_f64().unwrap_or(f64::INFINITY);
                let close = (value - expected).abs() <= 1e-12 + 1e-10 * expected.abs() || value == expected;
                assert!(close, "{name} of {rule:?} is {value}, not {expected}");
            }
        }
    }
}

/// All rules of all cuts of all itemsets, without any pruning.
fn brute_force(rows: &[Vec<u32>], sets: &Itemsets, options: &RuleOptions) -> Vec<(Vec<u32>, Vec<u32>, Contingency)> {
    let occurs = |items: &[u32]| rows.iter().filter(|row| items.iter().all(|item| row.contains(item))).count() as u64;
    let mut rules = Vec::new();
    for set in sets.iter() {
        for mask in 1..(1_u32 << set.items.len()) - 1 {
            let part = |there: u32| -> Vec<u32> {
                let items = set.items.iter().enumerate().filter(|(place, _)| mask >> place & 1 == there);
                items.map(|(_, &item)| item).collect()
            };
            let (antecedent, consequent) = (part(0), part(1));
            let counts = Contingency {
                transactions: rows.len() as u64,
                antecedent: occurs(&antecedent),
                consequent: occurs(&consequent),
                both: occurs(set.items),
            };
            if options.consequent.accepts(&consequent)
                && options.antecedent.accepts(&antecedent)
                && counts.confidence() >= options.min_confidence
                && counts.lift() >= options.min_lift
            {
                rules.push((antecedent, consequent, counts));
            }
        }
    }
    rules.sort_by(|a, b| {
        let key = |rule: &(Vec<u32>, Vec<u32>, Contingency)| (rule.2.lift(), rule.2.both);
        key(b).partial_cmp(&key(a)).unwrap().then_with(|| (&a.0, &a.1).cmp(&(&b.0, &b.1)))
    });
    rules
}

fn side() -> impl Strategy<Value = Side> {
    let some = || prop::collection::btree_set(0_u32..8, 1..6).prop_map(|items| items.into_iter().collect::<Vec<u32>>());
    let only = prop::option::of(some());
    let without = prop_oneof![Just(Vec::new()), some()];
    let with = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(some(), 1..3)];
    (only, without, with, 1_usize..3, 0_usize..4).prop_map(|(only, without, with, min, more)| Side {
        only,
        without,
        with,
        min,
        max: min + more,
    })
}

#[test]
fn rules_are_recounted_over_more_transactions_than_a_block_holds() {
    let counts = Contingency { transactions: 9, antecedent: 3, consequent: 3, both: 3 };
    let rules = [Rule { antecedent: vec![1, 2], consequent: vec![3], counts }];
    let mut recount = Recount::new(&rules);
    for row in 0..200_000_u32 {
        let items: Vec<u32> = (1..=3).filter(|item| row % (item + 1) == 0).collect();
        recount.push(&items);
    }
    // Multiples of 6, of 4, and of 12 below 200,000.
    let expected = Contingency { transactions: 200_000, antecedent: 33_334, consequent: 50_000, both: 16_667 };
    assert_eq!(recount.finish(), [expected]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn makes_the_rules_of_brute_force_in_order(
        rows in prop::collection::vec(prop::collection::vec(0_u32..9, 0..8), 1..40),
        minimum in 1_u64..5,
        min_confidence in 0.0_f64..1.0,
        min_lift in 0.0_f64..2.0,
        max_consequent in 1_usize..5,
    ) {
        let sets = itemsets(&rows, &count(minimum));
        let options = RuleOptions { min_confidence, min_lift, consequent: Side::at_most(max_consequent), ..RuleOptions::default() };
        let found = association_rules(&sets, &options).unwrap().rules;
        let found: Vec<_> = found.into_iter().map(|rule| (rule.antecedent, rule.consequent, rule.counts)).collect();
        prop_assert_eq!(found, brute_force(&rows, &sets, &options));
    }

    #[test]
    fn rules_of_closed_and_of_top_sets_have_the_counts_of_brute_force(
        rows in prop::collection::vec(prop::collection::vec(0_u32..9, 0..8), 1..40),
        minimum in 1_u64..4,
        kind in prop_oneof![Just(Kind::Frequent), Just(Kind::Closed)],
        top in prop::option::of(1_usize..40),
        max_length in prop::option::of(2_usize..5),
        min_confidence in 0.0_f64..0.8,
        redundancy in prop_oneof![Just(Redundancy::Kept), Just(Redundancy::Improvement(0.0)), Just(Redundancy::Significance(0.3))],
    ) {
        let sets = itemsets(&rows, &ItemsetOptions { kind, top, max_length, ..count(minimum) });
        let options = RuleOptions { min_confidence, min_lift: 0.0, consequent: Side::at_most(3), ..RuleOptions::default() };
        let found = association_rules(&sets, &options).unwrap().rules;
        let found: Vec<_> = found.into_iter().map(|rule| (rule.antecedent, rule.consequent, rule.counts)).collect();
        prop_assert_eq!(found, brute_force(&rows, &sets, &options));
        // Pruning looks at parts of antecedents with the consequent too. It does not depend on which sets are there.
        let pruned = association_rules(&sets, &RuleOptions { redundancy, ..options.clone() }).unwrap().rules;
        let all = association_rules(&itemsets(&rows, &count(1)), &RuleOptions { redundancy, ..options }).unwrap().rules;
        let there: BTreeSet<&[u32]> = sets.iter().map(|set| set.items).collect();
        let union = |rule: &Rule| {
            let mut union = [rule.antecedent.as_slice(), rule.consequent.as_slice()].concat();
            union.sort_unstable();
            union
        };
        let expected: Vec<Rule> = all.into_iter().filter(|rule| there.contains(union(rule).as_slice())).collect();
        prop_assert_eq!(pruned, expected);
    }

    #[test]
    fn sides_hold_what_they_may_and_candidates_are_all_cuts(
        rows in prop::collection::vec(prop::collection::vec(0_u32..8, 0..8), 1..40),
        antecedent in side(),
        consequent in side(),
    ) {
        let sets = itemsets(&rows, &count(2));
        let options = RuleOptions { min_confidence: 0.0, min_lift: 0.0, antecedent, consequent, ..RuleOptions::default() };
        let found = association_rules(&sets, &options).unwrap();
        let free = |side: &Side| Side { with: Vec::new(), ..side.clone() };
        let all = RuleOptions { antecedent: free(&options.antecedent), consequent: free(&options.consequent), ..options.clone() };
        prop_assert_eq!(found.candidates, brute_force(&rows, &sets, &all).len() as u64);
        let found: Vec<_> = found.rules.into_iter().map(|rule| (rule.antecedent, rule.consequent, rule.counts)).collect();
        prop_assert_eq!(found, brute_force(&rows, &sets, &options));
    }

    #[test]
    fn a_rule_stays_when_it_improves_on_every_part_of_it(
        rows in prop::collection::vec(prop::collection::vec(0_u32..7, 0..7), 1..60),
        least in prop_oneof![Just(0.0), 0.0_f64..0.3],
        level in 0.01_f64..0.9,
    ) {
        let sets = itemsets(&rows, &count(1));
        let all = RuleOptions { min_confidence: 0.0, min_lift: 0.0, consequent: Side::at_most(2), ..RuleOptions::default() };
        let occurs = |items: &[u32]| rows.iter().filter(|row| items.iter().all(|item| row.contains(item))).count() as u64;
        let parts = |rule: &Rule| -> Vec<Vec<u32>> {
            let part = |mask: u32| rule.antecedent.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1).map(|(_, i)| *i).collect();
            (0..(1_u32 << rule.antecedent.len()) - 1).map(part).collect()
        };
        let both = |part: &[u32], rule: &Rule| occurs(&[part, rule.consequent.as_slice()].concat());
        let rules = association_rules(&sets, &all).unwrap().rules;
        let improving: Vec<_> = rules.iter().filter(|rule| parts(rule).iter().all(|part| {
            rule.counts.confidence() - both(part, rule) as f64 / occurs(part) as f64 > least
        })).cloned().collect();
        let found = association_rules(&sets, &RuleOptions { redundancy: Redundancy::Improvement(least), ..all.clone() }).unwrap();
        prop_assert_eq!(found.rules, improving);
        let significant: Vec<_> = rules.iter().filter(|rule| {
            let parts = parts(rule);
            let next = parts.iter().filter(|part| part.len() + 1 == rule.antecedent.len());
            next.clone().all(|part| {
                let counts = Contingency { transactions: occurs(part), antecedent: rule.counts.antecedent, consequent: both(part, rule), both: rule.counts.both };
                counts.p_value() <= level
            })
        }).cloned().collect();
        let found = association_rules(&sets, &RuleOptions { redundancy: Redundancy::Significance(level), ..all }).unwrap();
        prop_assert_eq!((found.rules, found.passed), (significant, rules.len()));
    }

    #[test]
    fn recounted_in_the_same_transactions_rules_have_the_same_counts(
        rows in prop::collection::vec(prop::collection::vec(0_u32..9, 0..8), 1..200),
        others in prop::collection::vec(prop::collection::vec(0_u32..12, 0..8), 0..200),
    ) {
        let sets = itemsets(&rows, &count(2));
        let options = RuleOptions { min_confidence: 0.2, consequent: Side::at_most(3), ..RuleOptions::default() };
        let rules = association_rules(&sets, &options).unwrap().rules;
        let recounted = |rows: &[Vec<u32>]| {
            let mut recount = Recount::new(&rules);
            rows.iter().for_each(|row| recount.push(row));
            recount.finish()
        };
        prop_assert_eq!(recounted(&rows), rules.iter().map(|rule| rule.counts).collect::<Vec<_>>());
        let occurs = |items: &[u32]| others.iter().filter(|row| items.iter().all(|item| row.contains(item))).count() as u64;
        for (rule, counts) in rules.iter().zip(recounted(&others)) {
            let both = [rule.antecedent.as_slice(), rule.consequent.as_slice()].concat();
            let expected = Contingency { transactions: others.len() as u64, antecedent: occurs(&rule.antecedent), consequent: occurs(&rule.consequent), both: occurs(&both) };
            prop_assert_eq!(counts, expected);
        }
    }

    #[test]
    fn measures_stay_in_their_ranges(both in 1_u64..50, a in 0_u64..50, c in 0_u64..50, rest in 0_u64..50) {
        let counts = Contingency { transactions: both + a + c + rest, antecedent: both + a, consequent: both + c, both };
        let share = 0.0..=1.0;
        prop_assert!([counts.support(), counts.confidence(), counts.jaccard(), counts.kulczynski(), counts.p_value()]
            .iter().all(|value| share.contains(value)));
        prop_assert!((-0.25..=0.25).contains(&counts.leverage()) && (-1.0 - 1e-12..=1.0 + 1e-12).contains(&counts.zhang()));
        prop_assert!(counts.lift() > 0.0 && counts.conviction() >= 0.0);
    }
}

#[test]
fn independent_items_have_the_neutral_value_of_each_measure() {
    let counts = Contingency { transactions: 100, antecedent: 30, consequent: 20, both: 6 };
    assert_eq!((counts.lift(), counts.conviction()), (1.0, 1.0));
    assert!(counts.leverage().abs() < 1e-15 && counts.zhang().abs() < 1e-14);
    let always = Contingency { transactions: 10, antecedent: 10, consequent: 4, both: 4 };
    assert_eq!((always.lift(), always.zhang(), always.p_value()), (1.0, 0.0, 1.0));
}

#[test]
fn options_out_of_range_are_refused() {
    let sets = itemsets(&[vec![1, 2]], &count(1));
    let message = |options: RuleOptions| association_rules(&sets, &options).unwrap_err().to_string();
    let with = RuleOptions::default;
    assert_eq!(
        message(RuleOptions { min_confidence: 1.5, ..with() }),
        "the minimum confidence must be from 0 to 1, not 1.5"
    );
    assert_eq!(
        message(RuleOptions { min_lift: f64::NAN, ..with() }),
        "the minimum lift must be a number of at least 0, not NaN"
    );
    assert_eq!(
        message(RuleOptions { consequent: Side::at_most(0), ..with() }),
        "both sides of a rule have at least 1 item, and at least as many at most"
    );
}

#[test]
fn too_many_rules_are_an_error_that_says_what_to_do() {
    let sets = itemsets(&[vec![1, 2, 3], vec![1, 2, 3], vec![4]], &count(2));
    // Each of 2 + 2 + 2 + 3 cuts with one item on the right is right each time.
    let rules = |max_rules| association_rules(&sets, &RuleOptions { max_rules, ..RuleOptions::default() });
    assert_eq!(rules(9).unwrap().rules.len(), 9);
    assert_eq!(
        rules(8).unwrap_err().to_string(),
        "more than 8 rules pass; raise the minimum confidence, lift or support, or shorten the consequents"
    );
}

#[test]
fn itemsets_without_their_subsets_are_refused() {
    let refused = |rows: &[Vec<u32>], options: &ItemsetOptions| {
        association_rules(&itemsets(rows, options), &RuleOptions::default()).unwrap_err().to_string()
    };
    let missing = |item: u32| {
        format!("rules need every subset of each itemset, but [{item}] is not there; mine with a minimum length of 1")
    };
    let long = ItemsetOptions { min_length: 2, ..count(1) };
    assert_eq!(refused(&[vec![1, 2]], &long), missing(2));
    // [2] occurs three times, alone as well: the smallest closed set around it is too short to be there, and [1, 2] is rarer.
    let rows = [vec![1, 2], vec![1, 2], vec![2]];
    assert_eq!(refused(&rows, &ItemsetOptions { kind: Kind::Closed, ..long }), missing(2));
    assert_eq!(
        refused(&rows, &ItemsetOptions { kind: Kind::Maximal, ..count(1) }),
        "rules need to know how often the parts of a set occur, which maximal itemsets do not tell; mine closed ones"
    );
}

#[test]
fn one_long_closed_set_does_not_fill_memory() {
    // One closed set of 200 items: it has 64,684,950 consequents of 4 items.
    let row: Vec<u32> = (0..200).collect();
    let sets = itemsets(&[row.clone(), row], &ItemsetOptions { kind: Kind::Closed, ..count(1) });
    assert_eq!(sets.len(), 1);
    let options = |consequent| RuleOptions { consequent, max_rules: 30_000, ..RuleOptions::default() };
    assert_eq!(association_rules(&sets, &options(Side::at_most(2))).unwrap().rules.len(), 200 + 199 * 100);
    let wide = Side { min: 4, max: 4, ..Side::default() };
    assert_eq!(
        association_rules(&sets, &options(wide)).unwrap_err().to_string(),
        "an itemset of 200 items has more than 30000 consequents to look at; raise the minimum confidence, or shorten the consequents"
    );
    let gate = |bytes: u64| bytes < 10_000;
    let refused = association_rules_within(&sets, &options(Side::at_most(2)), &gate);
    assert_eq!(refused, Err(RuleError::Refused));
}

/// Baskets of 20 items that occur independently, each in three of ten; with `follows`, item 20 stands in most baskets with item 0
/// and in few others.
fn seeded_baskets(baskets: usize, follows: bool, seed: u64) -> Vec<Vec<u32>> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 1000
    };
    let basket = |_| {
        let mut basket: Vec<u32> = (0..20).filter(|_| next() < 300).collect();
        if follows && next() < if basket.contains(&0) { 600 } else { 150 } {
            basket.push(20);
        }
        basket
    };
    (0..baskets).map(basket).collect()
}

#[test]
fn what_chance_has_made_is_seldom_confirmed_on_other_baskets() {
    // The pairs that look best: chosen by their lift, so that the baskets that chose them cannot judge them.
    let options = RuleOptions { min_confidence: 0.0, min_lift: 1.2, ..RuleOptions::default() };
    let pairs = ItemsetOptions { max_length: Some(2), ..count(9) };
    let confirmed = |rules: &[Rule], others: &[Vec<u32>]| {
        let mut recount = Recount::new(rules);
        others.iter().for_each(|basket| recount.push(basket));
        let p: Vec<f64> = recount.finish().iter().map(Contingency::p_value).collect();
        adjust(&p, Correction::BenjaminiHochberg).iter().map(|p| *p <= 0.05).collect::<Vec<bool>>()
    };
    let (mut runs_with_any, mut runs_fooled, mut shares) = (0, 0, Vec::new());
    for run in 0..200 {
        let (train, test) = (seeded_baskets(300, false, 2 * run), seeded_baskets(300, false, 2 * run + 1));
        let rules = association_rules(&itemsets(&train, &pairs), &options).unwrap().rules;
        assert!(rules.len() > 5, "run {run}");
        runs_with_any += usize::from(confirmed(&rules, &test).contains(&true));
        // The baskets that the rules were chosen by believe in them.
        let p: Vec<f64> = rules.iter().map(|rule| rule.counts.p_value()).collect();
        runs_fooled += usize::from(adjust(&p, Correction::BenjaminiHochberg).iter().any(|p| *p <= 0.05));

        let (train, test) = (seeded_baskets(300, true, 2 * run), seeded_baskets(300, true, 2 * run + 1));
        let rules = association_rules(&itemsets(&train, &pairs), &options).unwrap().rules;
        let holds = confirmed(&rules, &test);
        let is_true = |rule: &Rule| [&rule.antecedent, &rule.consequent].iter().all(|side| [0, 20].contains(&side[0]));
        let pair = rules.iter().position(|rule| rule.antecedent == [0] && rule.consequent == [20]).unwrap();
        assert!(holds[pair], "run {run}");
        let kept: Vec<&Rule> = rules.iter().zip(&holds).filter(|(_, holds)| **holds).map(|(rule, _)| rule).collect();
        shares.push(kept.iter().filter(|rule| !is_true(rule)).count() as f64 / kept.len() as f64);
    }
    // With no true rule, any confirmed one is false: in 5 of 100 runs at most, and 9.2 more in 200 are three standard errors.
    assert!(runs_with_any <= 19, "{runs_with_any} of 200 runs confirm what chance has made");
    // The baskets that chose the rules would not pass.
    assert!(runs_fooled > 19, "only {runs_fooled} of 200 runs were fooled by the baskets that chose the rules");
    let share = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!(share <= 0.05, "{share} of the confirmed rules are false");
    assert!(shares.iter().any(|share| *share > 0.0), "no run confirms anything false: the bound says nothing");
}
