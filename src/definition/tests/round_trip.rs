//! A pipeline that is written and read again means the same.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

#[test]
fn a_pipeline_is_written_as_a_person_would() {
    let pipeline = sound(
        "name: flights\ndescription: Late?\nparams: {late: 15, cols: [a, b]}\nstages:\n  - id: planes\n    read: {path: \"a b.csv\", \
         null_values: [NA, '1', '']}\n    tags: [x]\n  - from: [planes, x]\n    filter: \"delay > ${late} and t = 'x: y'\"\n  - train: {network: \
         [{dense: 128}, {dense: 64}, {a: {b: c, d: 1.0}}], epochs: .inf, columns: \"${cols}\"}\n  - describe:\nreport: {path: out/f.html}\n",
    );
    assert_eq!(
        to_yaml(&canonical(&pipeline)),
        r#"name: flights
description: "Late?"
stages:
  - id: planes
    tags: [x]
    read: {path: a b.csv, null_values: [NA, "1", ""]}
  - from: [planes, x]
    filter: "delay > 15 and t = 'x: y'"
  - train:
      network:
        - {dense: 128}
        - {dense: 64}
        - a: {b: c, d: 1.0}
      epochs: .inf
      columns: [a, b]
  - describe: null
report: {path: out/f.html}
"#
    );
}

#[test]
fn options_with_their_defaults_can_be_put_in() {
    let pipeline = sound(&stages("  - read: {path: 'x ${env:TOKEN}'}\n  - filter: a"));
    let written = canonical_with(&pipeline, &|stage| {
        (stage.kind.value == "read").then(|| json!({"path": "x ${env:TOKEN}", "plain": "hunter2 ${x}", "hunter2": 1}))
    });
    assert_eq!(
        written["stages"][0]["read"],
        json!({"path": "x ${env:TOKEN}", "plain": "${env:TOKEN} $${x}", "${env:TOKEN}": 1})
    );
}

/// Every value that the language has, as canonical data; texts hold no parameters.
fn data() -> impl Strategy<Value = Json> {
    let text = prop_oneof![
        "[ -~é\n\t]{0,12}".prop_filter("no parameters", |text| !text.contains("${")),
        any::<String>().prop_filter("no parameters", |text| !text.contains("${")),
        prop::sample::select(vec![
            "null",
            "true",
            "1",
            "0x1",
            ".inf",
            "~",
            "",
            "- a",
            "a: b",
            "a #b",
            "<<",
            "=",
            "---",
            "x -",
            "x - y",
            "2013-01-01",
            "y"
        ])
        .prop_map(str::to_owned),
    ];
    let key = prop_oneof!["[a-z]{1,6}", text.clone(), "k{1100}"];
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Json::from),
        Just(json!({"$float": "-.inf"})),
        text.prop_map(Json::from),
    ];
    scalar.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_written_reads_as_itself(data in data()) {
        let written = to_yaml(&data);
        let read = yaml::read(&source(&written)).map_err(|findings| TestCaseError::fail(format!("{findings:?}\n{written}")))?;
        prop_assert_eq!(canonical::json(&read), data, "{}", written);
    }

    #[test]
    fn a_pipeline_is_the_same_after_writing(data in data(), name in "[a-zé ]{0,8}x", secret in any::<bool>()) {
        let options = if secret { json!([data, "${env:TOKEN}/x"]) } else { data };
        let stage = json!({"id": "a", "from": ["b", "c"], "description": name, "tags": ["t"], "filter": options});
        let pipeline = json!({"name": name, "stages": [stage, {"describe": Json::Null}], "report": {"path": name}});
        let first = sound(&to_yaml(&pipeline));
        let again = sound(&to_yaml(&canonical(&first)));
        prop_assert_eq!(canonical(&again), canonical(&first));
        prop_assert_eq!(&again.stages[0].options, &first.stages[0].options);
    }
}
