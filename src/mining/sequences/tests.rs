#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Elements with their times.
type Sequence = Vec<(i64, Vec<u32>)>;
type Elements = Vec<Vec<u32>>;

fn database(sequences: &[Sequence], timed: bool) -> Sequences {
    let mut database = if timed { Sequences::timed() } else { Sequences::new() };
    for sequence in sequences {
        database.begin();
        for (time, events) in sequence {
            database.element(*time);
            events.iter().for_each(|event| database.event(*event));
        }
    }
    database
}

/// Every pattern of a sequence, by listing every occurrence.
fn occurrences(sequence: &Sequence, timed: bool, options: &SequenceOptions) -> BTreeSet<Elements> {
    struct Lister<'a> {
        sequence: &'a Sequence,
        timed: bool,
        options: &'a SequenceOptions,
        found: BTreeSet<Elements>,
    }
    impl Lister<'_> {
        fn place(&self, at: usize) -> i64 {
            if self.timed { self.sequence[at].0 } else { i64::try_from(at).unwrap() }
        }

        fn extend(&mut self, pattern: &mut Elements, first: usize, last: Option<usize>) {
            let limits = &self.options.limits;
            for at in last.map_or(0, |last| last + 1)..self.sequence.len() {
                let first = if last.is_some() { first } else { at };
                if let Some(last) = last {
                    let gap = self.place(at) - self.place(last);
                    let span = self.place(at) - self.place(first);
                    if gap < limits.min_gap.unwrap_or(0)
                        || limits.max_gap.is_some_and(|most| gap > most)
                        || limits.max_span.is_some_and(|most| span > most)
                    {
                        continue;
                    }
                }
                let events: Vec<u32> =
                    self.sequence[at].1.iter().copied().collect::<BTreeSet<u32>>().into_iter().collect();
                for chosen in 1_u32..1 << events.len() {
                    let element = (0..events.len()).filter(|bit| chosen & 1 << bit != 0).map(|bit| events[bit]);
                    pattern.push(element.collect());
                    let length: usize = pattern.iter().map(Vec::len).sum();
                    if length <= self.options.max_length.unwrap_or(usize::MAX) {
                        self.found.insert(pattern.clone());
                        self.extend(pattern, first, Some(at));
                    }
                    pattern.pop();
                }
            }
        }
    }
    let mut lister = Lister { sequence, timed, options, found: BTreeSet::new() };
    lister.extend(&mut Vec::new(), 0, None);
    lister.found
}

fn contains(longer: &Elements, shorter: &Elements, neighbours: bool) -> bool {
    let subset = |small: &Vec<u32>, large: &Vec<u32>| small.iter().all(|event| large.contains(event));
    if neighbours {
        return longer.windows(shorter.len()).any(|part| part.iter().zip(shorter).all(|(l, s)| subset(s, l)));
    }
    let mut left = shorter.iter().peekable();
    for element in longer {
        if left.peek().is_some_and(|wanted| subset(wanted, element)) {
            left.next();
        }
    }
    left.peek().is_none()
}

fn brute_force(sequences: &[Sequence], timed: bool, minimum: u64, options: &SequenceOptions) -> Vec<(Elements, u64)> {
    let mut counts: BTreeMap<Elements, u64> = BTreeMap::new();
    for sequence in sequences {
        for pattern in occurrences(sequence, timed, options) {
            *counts.entry(pattern).or_default() += 1;
        }
    }
    counts.retain(|_, count| *count >= minimum);
    let needless = |pattern: &Elements, count: u64| {
        let neighbours = options.limits.max_gap.is_some();
        counts.iter().any(|(other, more)| {
            other != pattern
                && contains(other, pattern, neighbours)
                && (options.keep == Keep::Maximal || *more == count)
        })
    };
    let length = |pattern: &Elements| pattern.iter().map(Vec::len).sum::<usize>();
    let mut found: Vec<(Elements, u64)> = counts
        .iter()
        .filter(|(pattern, count)| options.keep == Keep::All || !needless(pattern, **count))
        .filter(|(pattern, _)| length(pattern) >= options.min_length)
        .map(|(pattern, count)| (pattern.clone(), *count))
        .collect();
    // The order is by falling support, then length, then the events, where an event that begins an element comes last.
    let code = |pattern: &Elements| -> Vec<(bool, u32)> {
        pattern.iter().flat_map(|element| element.iter().enumerate().map(|(at, event)| (at == 0, *event))).collect()
    };
    found.sort_by_key(|(pattern, count)| (std::cmp::Reverse(*count), length(pattern), code(pattern)));
    found.truncate(options.top.unwrap_or(usize::MAX));
    found
}

fn mined(sequences: &Sequences, options: &SequenceOptions) -> Vec<(Elements, u64)> {
    let mined = frequent_sequences(sequences, options).unwrap();
    mined.patterns.iter().map(|pattern| (pattern.elements(), pattern.count)).collect()
}

fn some_sequences(most_events: usize) -> impl Strategy<Value = Vec<Sequence>> {
    let element = (0_i64..4, prop::collection::vec(0_u32..4, 1..=most_events));
    let sequence = prop::collection::vec(element, 0..6).prop_map(|elements| {
        let mut time = 0;
        let timed = elements.into_iter().map(|(step, events)| {
            time += step;
            (time, events)
        });
        timed.collect::<Sequence>()
    });
    prop::collection::vec(sequence, 0..7)
}

fn some_options() -> impl Strategy<Value = (SequenceOptions, u64)> {
    let gaps = (prop::option::of(0_i64..3), prop::option::of(0_i64..4), prop::option::of(0_i64..7));
    let keep = prop::sample::select(vec![Keep::All, Keep::Closed, Keep::Maximal]);
    let lengths = (1_usize..3, prop::option::of(2_usize..5));
    (gaps, keep, lengths, prop::option::of(1_usize..12), 1_u64..4).prop_map(|(gaps, keep, lengths, top, minimum)| {
        let (min_gap, more, max_span) = gaps;
        let limits = Limits { min_gap, max_gap: more.map(|more| min_gap.unwrap_or(0) + more), max_span };
        let (min_length, max_length) = lengths;
        let min_support = MinSupport::Count(minimum);
        (SequenceOptions { min_support, min_length, max_length, limits, keep, top, ..Default::default() }, minimum)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn prefixspan_finds_what_a_list_of_all_occurrences_has(
        sequences in prop_oneof![some_sequences(1), some_sequences(3)],
        (options, minimum) in some_options(),
        timed: bool,
    ) {
        let options = SequenceOptions { method: Method::PrefixSpan, ..options };
        let expected = brute_force(&sequences, timed, minimum, &options);
        prop_assert_eq!(mined(&database(&sequences, timed), &options), expected);
    }

    #[test]
    fn cm_spam_finds_what_a_list_of_all_occurrences_has(
        sequences in prop_oneof![some_sequences(1), some_sequences(3)],
        (options, minimum) in some_options(),
    ) {
        let limits = Limits { max_span: None, ..options.limits };
        let options = SequenceOptions { method: Method::CmSpam, limits, ..options };
        let expected = brute_force(&sequences, false, minimum, &options);
        prop_assert_eq!(mined(&database(&sequences, false), &options), expected);
    }

    #[test]
    fn both_methods_agree_on_sequences_longer_than_a_word(
        sequences in prop::collection::vec(prop::collection::vec(0_u32..6, 0..200), 1..12),
        min_gap in prop::option::of(1_i64..70),
        more in prop::option::of(0_i64..150),
        minimum in 2_u64..6,
    ) {
        let mut database = Sequences::new();
        sequences.iter().for_each(|sequence| database.push(sequence));
        let limits = Limits { min_gap, max_gap: more.map(|more| min_gap.unwrap_or(1) + more), max_span: None };
        let options = SequenceOptions { min_support: MinSupport::Count(minimum), max_length: Some(3), limits, ..Default::default() };
        let one = mined(&database, &SequenceOptions { method: Method::PrefixSpan, ..options.clone() });
        let other = mined(&database, &SequenceOptions { method: Method::CmSpam, ..options });
        prop_assert_eq!(one, other);
    }

    #[test]
    fn patterns_are_counted_in_other_sequences(
        sequences in some_sequences(3),
        others in some_sequences(3),
        (options, _) in some_options(),
        timed: bool,
    ) {
        let options = SequenceOptions { max_length: Some(3), ..options };
        let all = |sequences: &[Sequence]| -> Vec<BTreeSet<Elements>> {
            sequences.iter().map(|sequence| occurrences(sequence, timed, &options)).collect()
        };
        let patterns: Vec<Elements> = all(&sequences).into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect();
        let held = all(&others);
        let expected: Vec<u64> =
            patterns.iter().map(|pattern| held.iter().filter(|found| found.contains(pattern)).count() as u64).collect();
        prop_assert_eq!(supports(&database(&others, timed), &patterns, &options.limits).unwrap(), expected);
    }

    #[test]
    fn rules_count_what_follows_their_prefix(sequences in some_sequences(3), (options, minimum) in some_options()) {
        let options = SequenceOptions { keep: Keep::All, top: None, min_length: 1, ..options };
        let found = frequent_sequences(&database(&sequences, false), &options).unwrap();
        let all: BTreeMap<Elements, u64> = brute_force(&sequences, false, minimum, &options).into_iter().collect();
        let rules = next_event_rules(&found.patterns, found.sequences);
        let expected = all.keys().filter(|pattern| pattern.len() > 1 && pattern.last().unwrap().len() == 1).count();
        prop_assert_eq!(rules.len(), expected);
        for rule in rules {
            let mut whole = rule.prefix.clone();
            whole.push(vec![rule.next]);
            let holding = sequences.iter().filter(|sequence| sequence.iter().any(|(_, events)| events.contains(&rule.next)));
            prop_assert_eq!(rule.counts.both, all[&whole]);
            prop_assert_eq!(rule.counts.antecedent, all[&rule.prefix]);
            prop_assert_eq!(rule.counts.consequent, holding.count() as u64);
            prop_assert_eq!(rule.again, rule.prefix.iter().any(|element| element.contains(&rule.next)));
        }
    }
}

/// Cases of `tests/oracle/sequences.py`: patterns and supports that other programs found.
#[test]
fn counts_are_those_of_prefixspan_and_seq2pat() {
    let all: Value = serde_json::from_str(include_str!("../../../tests/data/oracle/sequences.json")).unwrap();
    let databases = &all["databases"];
    for case in all["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let rows = databases[case["database"].as_str().unwrap()].as_array().unwrap();
        let timed = case["timed"].as_bool().unwrap();
        let sequences: Vec<Sequence> = rows
            .iter()
            .map(|row| {
                let numbers = |key: &str| -> Vec<i64> {
                    row[key].as_array().unwrap().iter().map(|value| value.as_i64().unwrap()).collect()
                };
                let events = numbers("events");
                let times = if timed { numbers("times") } else { (0..).take(events.len()).collect() };
                times.into_iter().zip(events).map(|(time, event)| (time, vec![u32::try_from(event).unwrap()])).collect()
            })
            .collect();
        let limit = |key: &str| case["options"][key].as_i64();
        let options = SequenceOptions {
            min_support: MinSupport::Count(case["options"]["minimum"].as_u64().unwrap()),
            min_length: usize::try_from(limit("min_length").unwrap_or(1)).unwrap(),
            max_length: limit("max_length").map(|length| usize::try_from(length).unwrap()),
            limits: Limits { min_gap: limit("min_gap"), max_gap: limit("max_gap"), max_span: limit("max_span") },
            keep: if case["options"]["closed"].as_bool() == Some(true) { Keep::Closed } else { Keep::All },
            ..Default::default()
        };
        let found: BTreeMap<Elements, u64> = mined(&database(&sequences, timed), &options).into_iter().collect();
        let expected: BTreeMap<Elements, u64> = case["patterns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pattern| {
                let numbers: Vec<u64> = pattern.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
                let (count, events) = numbers.split_first().unwrap();
                (events.iter().map(|event| vec![u32::try_from(*event).unwrap()]).collect(), *count)
            })
            .collect();
        assert!(expected.len() > 10, "{name} has few patterns");
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn more_patterns_than_the_limit_are_an_error_that_says_what_to_do() {
    let mut sequences = Sequences::new();
    sequences.push(&(0..30).collect::<Vec<u32>>());
    for method in [Method::PrefixSpan, Method::CmSpam] {
        let options = SequenceOptions { max_patterns: 1000, method, ..Default::default() };
        let error = frequent_sequences(&sequences, &options).unwrap_err();
        assert_eq!(error, SequenceError::TooMany { limit: 1000, minimum: 1, sequences: 1 });
    }
}

#[test]
fn a_pattern_longer_than_any_may_be_is_an_error_unless_the_user_set_a_length() {
    let mut sequences = Sequences::new();
    sequences.push(&vec![7; 5000]);
    for method in [Method::PrefixSpan, Method::CmSpam] {
        let options = SequenceOptions { method, ..Default::default() };
        assert_eq!(frequent_sequences(&sequences, &options).unwrap_err(), SequenceError::TooLong);
        let options = SequenceOptions { max_length: Some(20), ..options };
        assert_eq!(mined(&sequences, &options).len(), 20);
    }
}

#[test]
fn a_sequence_of_a_million_events_is_mined() {
    let mut sequences = Sequences::new();
    let events: Vec<u32> = (0..1_000_000_u64).map(|at| (at * at % 1009 % 20) as u32).collect();
    sequences.push(&events);
    for method in [Method::PrefixSpan, Method::CmSpam] {
        let options = SequenceOptions { max_length: Some(2), method, ..Default::default() };
        let different = events.iter().collect::<BTreeSet<_>>().len();
        assert_eq!(mined(&sequences, &options).len(), different + different * different);
    }
}

#[test]
fn nothing_gives_nothing() {
    let found = frequent_sequences(&Sequences::new(), &SequenceOptions::default()).unwrap();
    assert_eq!((found.patterns.len(), found.sequences, found.minimum), (0, 0, 1));
}

#[test]
fn options_out_of_range_are_refused() {
    let refused = |options: SequenceOptions| frequent_sequences(&Sequences::new(), &options).unwrap_err();
    let fraction = SequenceOptions { min_support: MinSupport::Fraction(0.0), ..Default::default() };
    assert_eq!(refused(fraction), SequenceError::Fraction { fraction: 0.0 });
    let lengths = SequenceOptions { min_length: 3, max_length: Some(2), ..Default::default() };
    assert_eq!(refused(lengths), SequenceError::Lengths { min_length: 3, max_length: 2 });
    let limits = Limits { min_gap: Some(4), max_gap: Some(3), max_span: None };
    assert_eq!(refused(SequenceOptions { limits, ..Default::default() }), SequenceError::Gaps);
    let limits = Limits { max_span: Some(3), ..Default::default() };
    let spanned = SequenceOptions { limits, method: Method::CmSpam, ..Default::default() };
    assert!(matches!(refused(spanned), SequenceError::Bitmaps { .. }));
}
