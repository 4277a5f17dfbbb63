//! Options with more than one form: a list or options, a number or a word.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Choice {
    keep: Vec<String>,
    drop: Option<String>,
}

type Chosen = ListOr<Spanned<String>, Choice>;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Rule {
    /// The best.
    Best,
    /// By what it costs.
    Cost(Cost),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Cost {
    wrong: f64,
}

impl Word for Rule {
    const EXPECTED: &'static str = "a share, `best` or `{cost: {wrong: 1}}`";
}

type Threshold = NumberOr<Rule>;

fn refused<T: serde::de::DeserializeOwned + std::fmt::Debug>(text: &str) -> Vec<String> {
    decode::<T>(&node(text)).expect_err(text).iter().map(ToString::to_string).collect()
}

fn names(text: &str) -> Vec<(String, String)> {
    match decode(&node(text)) {
        Ok(Chosen::List(names)) => names.into_iter().map(|name| (name.value, name.place.to_string())).collect(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_list_or_a_text_stands_for_the_option_that_matters_most() {
    let place = |column: u32| format!("p.yaml:1:{column}");
    assert_eq!(names("[a, b]"), [("a".to_owned(), place(2)), ("b".to_owned(), place(5))]);
    assert_eq!(names("a"), [("a".to_owned(), place(1))]);
    assert_eq!(names("[]"), []);
    let options = Choice { keep: vec!["a".to_owned()], drop: Some("b".to_owned()) };
    assert_eq!(decode::<Chosen>(&node("{keep: [a], drop: b}")).unwrap(), ListOr::Options(options));
    // Nothing is a mapping without entries, as everywhere.
    assert_eq!(decode::<Chosen>(&node("")).unwrap(), ListOr::Options(Choice::default()));
}

#[test]
fn what_is_wrong_in_either_form_is_told_at_its_place() {
    assert_eq!(
        refused::<Chosen>("[a, 1, true]"),
        [
            "p.yaml:1:5: expected a text, found the whole number `1`: put it in quotes",
            "p.yaml:1:8: expected a text, found `true`: put it in quotes",
        ]
    );
    assert_eq!(
        refused::<Chosen>("{kep: [a], drop: 3}"),
        [
            "p.yaml:1:2: unknown option `kep`: did you mean `keep`? (the options are `keep` and `drop`)",
            "p.yaml:1:18: expected a text, found the whole number `3`: put it in quotes",
        ]
    );
    assert_eq!(refused::<Chosen>("5"), ["p.yaml:1:1: expected a mapping, found the whole number `5`"]);
}

#[test]
fn a_number_may_be_a_word_or_a_word_with_options() {
    for (text, expected) in [
        ("0.5", NumberOr::Number(0.5)),
        ("1", NumberOr::Number(1.0)),
        ("-2", NumberOr::Number(-2.0)),
        ("best", NumberOr::Word(Rule::Best)),
        ("{best: }", NumberOr::Word(Rule::Best)),
        ("{cost: {wrong: 3}}", NumberOr::Word(Rule::Cost(Cost { wrong: 3.0 }))),
    ] {
        let read: Threshold = decode(&node(text)).unwrap_or_else(|findings| panic!("{text}: {findings:#?}"));
        assert_eq!(read, expected, "{text}");
        // What is stored is what was written, and can be read again.
        let stored = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Threshold>(&stored).unwrap(), expected, "{stored}");
    }
    assert_eq!(serde_json::to_string(&Threshold::Number(0.5)).unwrap(), "0.5");
    assert_eq!(serde_json::to_string(&Threshold::Word(Rule::Best)).unwrap(), r#""best""#);
    let cost = Threshold::Word(Rule::Cost(Cost { wrong: 3.0 }));
    assert_eq!(serde_json::to_string(&cost).unwrap(), r#"{"cost":{"wrong":3.0}}"#);
}

#[test]
fn what_is_neither_a_number_nor_a_known_word_says_what_could_stand_there() {
    let expected = "expected a share, `best` or `{cost: {wrong: 1}}`";
    for (text, found) in [
        ("worst", format!("p.yaml:1:1: {expected}, found string \"worst\"")),
        ("cost", format!("p.yaml:1:1: {expected}, found string \"cost\"")),
        ("true", format!("p.yaml:1:1: {expected}, found boolean `true`")),
        ("[1]", format!("p.yaml:1:1: {expected}, found sequence")),
        (
            "{cots: {wrong: 1}}",
            "p.yaml:1:2: unknown value `cots`: did you mean `cost`? (it is one of `best` and `cost`)".into(),
        ),
        ("{cost: {wrong: 1}, best: }", "p.yaml:1:1: expected one key, found `best` too".into()),
        ("{cost: {}}", "p.yaml:1:8: `wrong` is missing".into()),
        ("{cost: {wrong: x}}", "p.yaml:1:16: expected a number, found the text `x`".into()),
        ("{cost: {wrong: 1, right: 2}}", "p.yaml:1:19: unknown option `right` (there is only `wrong`)".into()),
    ] {
        assert_eq!(refused::<Threshold>(text), [found], "{text}");
    }
}
