//! The page on gates says what the program does.

use std::collections::BTreeMap;

use super::{compared, evaluated, judged_beside, node, record};
use crate::definition::{Node, Value, decode};
use crate::schedule::gate::{Evidence, check, follow, judge, metrics};
use crate::schedule::store::Verdict;

const PAGE: &str = include_str!("../../../../docs/gates.md");

fn blocks(language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    PAGE.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The conditions and promotions of an example, without the keys of others.
fn example(text: &str) -> super::Gate {
    let Node { value: Value::Mapping(mut entries), place } = node(text) else { panic!("{text}") };
    entries.retain(|entry| ["require", "promote"].contains(&entry.key.as_str()));
    decode(&Node::new(Value::Mapping(entries), place)).unwrap()
}

#[test]
fn every_example_is_right() {
    let stages = [("clean", "clean"), ("checked", "validate"), ("moved", "compare"), ("judged", "evaluate")];
    let examples = blocks("yaml");
    assert_eq!(examples.len(), 4);
    for text in examples {
        let example = example(&text);
        let findings = check(&example.require, &example.promote, &stages);
        assert!(findings.is_empty(), "{text}\n{findings:?}");
        assert!(!example.promote.is_empty(), "{text}");
    }
}

#[test]
fn refusals_read_as_on_the_page() {
    let champion = record(&[evaluated("judged", &[("ROC AUC", Some(0.75), true, None)])]);
    let champions = BTreeMap::from([("late_flights".to_owned(), metrics(&[], &champion))]);
    let found = judged_beside(
        "metric: {stage: judged, name: ROC AUC, better_than: champion, by: 0.01}",
        &[evaluated("judged", &[("ROC AUC", Some(0.742), true, None)])],
        None,
        &champions,
    );
    let Verdict::Refuse(reason) = follow(&found) else { panic!("{found:?}") };
    assert!(PAGE.contains(&reason), "{reason}");
    let columns = [("amount", Some(0.412), "drifted", false), ("region", None, "gone", false)];
    let found = judged_beside(
        "drift: {stage: moved, at_most: 0.2}",
        &[compared("moved", Some(9), 9, &columns)],
        None,
        &BTreeMap::new(),
    );
    let Verdict::Refuse(reason) = follow(&found) else { panic!("{found:?}") };
    assert!(PAGE.contains(&reason), "{reason}");
}

#[test]
fn the_first_run_of_the_champion_example_is_promoted_and_an_equal_one_is_not() {
    let example = example(&blocks("yaml")[1]);
    let run = record(&[evaluated(
        "judged",
        &[("ROC AUC", Some(0.75), true, Some(0.7)), ("log loss", Some(0.5), false, Some(0.6))],
    )]);
    let mut champions = BTreeMap::new();
    let verdict = |champions: &BTreeMap<_, _>| {
        follow(&judge(&example.require, &Evidence { record: &run, last_success: None, champions }))
    };
    assert_eq!(verdict(&champions), Verdict::Promote);
    champions.insert("late_flights".to_owned(), metrics(&example.require, &run));
    assert!(matches!(verdict(&champions), Verdict::Refuse(_)));
}
