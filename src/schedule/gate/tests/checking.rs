//! Conditions against the stages of a pipeline.

use super::gate;
use crate::schedule::gate::check;

const STAGES: [(&str, &str); 6] = [
    ("flights", "read"),
    ("clean", "clean"),
    ("checked", "validate"),
    ("moved", "compare"),
    ("judged", "evaluate"),
    ("groups", "cluster"),
];

/// What is wrong, each as its message and the text at its place.
fn wrong(text: &str) -> Vec<(String, String)> {
    wrong_beside(text, &STAGES)
}

fn wrong_beside(text: &str, stages: &[(&str, &str)]) -> Vec<(String, String)> {
    let gate = gate(text);
    check(&gate.require, &gate.promote, stages)
        .into_iter()
        .map(|finding| (finding.message.clone(), finding.place.unwrap().text().to_owned()))
        .collect()
}

#[test]
fn right_conditions_have_no_findings() {
    let text = "require:
  - checks: passed
  - checks: {stage: checked, health_at_least: 100%}
  - rows: {stage: clean, at_least: 1, at_most: 1}
  - drift: {at_most: 0.2}
  - metric: {name: auc, at_least: 0.7, better_than: champion}
  - metric: {stage: judged, name: anything, better_than: baseline, by: 0}
  - metric: {stage: groups, name: silhouette, better_than: last}
  - metric: {stage: groups, name: groups, better_than: last, better: lower}
  - stage: {id: judged, seconds_at_most: 600}
promote: {m: out/model}";
    assert_eq!(wrong(text), []);
}

#[test]
fn each_wrong_condition_is_told_at_its_place() {
    for (text, message, place) in [
        ("rows: {stage: claen, at_least: 1}", "the pipeline has no stage `claen`", "claen"),
        ("stage: {id: x, seconds_at_most: 1}", "the pipeline has no stage `x`", "x"),
        ("checks: {stage: clean}", "stage `clean` is of kind `clean`, which checks no rows", "clean"),
        ("checks: {health_at_least: 95}", "a health score is at most 1", "95"),
        ("rows: {stage: clean}", "a condition on rows says nothing", "{stage: clean}"),
        (
            "rows: {stage: clean, at_least: 2, at_most: 1}",
            "`at_least` is more than `at_most`, so no number of rows would do",
            "2",
        ),
        (
            "drift: {stage: checked, at_most: 0.2}",
            "stage `checked` is of kind `validate`, which measures no drift",
            "checked",
        ),
        ("drift: {at_most: -0.2}", "a population stability index is a number of at least 0", "-0.2"),
        ("metric: {name: auc}", "a condition on a metric says nothing", "{name: auc}"),
        (
            "metric: {name: auc, at_least: 2, at_most: 1}",
            "`at_least` is more than `at_most`, so no value would do",
            "2",
        ),
        ("metric: {name: auc, at_least: 1, by: 1%}", "`by` belongs to `better_than`", "1%"),
        ("metric: {name: auc, better_than: last, of: m}", "`of` belongs to `better_than: champion`", "m"),
        (
            "metric: {name: auc, better_than: champion}",
            "the job promotes nothing, so there is never a champion",
            "champion",
        ),
        (
            "metric: {stage: groups, name: silhouette, better_than: baseline}",
            "only a stage of kind `evaluate` judges baselines",
            "baseline",
        ),
        (
            "metric: {stage: groups, name: groups, better_than: last}",
            "nobody knows which way `groups` is better",
            "groups",
        ),
        ("stage: {id: clean, seconds_at_most: 0}", "`seconds_at_most` is a number above 0", "0"),
    ] {
        assert_eq!(wrong(&format!("require:\n  - {text}")), [(message.to_owned(), place.to_owned())], "{text}");
    }
}

#[test]
fn stages_that_are_not_there_and_not_named_are_missed() {
    let plain = [("flights", "read"), ("a", "evaluate"), ("b", "evaluate")];
    for (text, message) in [
        ("checks: passed", "the pipeline has no stage of kind `validate`"),
        ("drift: {at_most: 0.2}", "the pipeline has no stage of kind `compare`, `predict` or `profile`"),
        ("metric: {name: auc, at_least: 0.7}", "the pipeline has several stages of kind `evaluate`"),
    ] {
        let found = wrong_beside(&format!("require:\n  - {text}"), &plain);
        assert_eq!(found.first().map(|(message, _)| message.as_str()), Some(message), "{text}");
        // Of a pipeline that cannot be read nothing is missed.
        assert_eq!(wrong_beside(&format!("require:\n  - {text}"), &[]), [], "{text}");
    }
}

#[test]
fn several_champions_need_a_name() {
    let text = |of: &str| {
        format!("require:\n  - metric: {{name: auc, better_than: champion{of}}}\npromote: {{m: out/a, n: out/b}}")
    };
    assert_eq!(wrong(&text(", of: n")), []);
    assert_eq!(wrong(&text(", of: o"))[0].0, "the job does not promote `o`");
    assert!(wrong(&text(""))[0].0.contains("it is open which of them is the champion"));
}

#[test]
fn names_and_paths_that_would_leave_their_place_are_refused() {
    for name in ["M", "a/b", "..", "-a", "_a", "a.b", "\"\"", "\"a b\"", &"a".repeat(65), "ä"] {
        let found = wrong(&format!("promote: {{{name}: out/model}}"));
        assert_eq!(found.len(), 1, "{name}");
        assert!(found[0].0.contains("cannot be the name"), "{name}: {}", found[0].0);
    }
    for name in ["a", "0", "late_flights-2", &"a".repeat(64)] {
        assert_eq!(wrong(&format!("promote: {{\"{name}\": out/model}}")), [], "{name}");
    }
    for path in [
        "/etc/passwd",
        "../x",
        "out/../../x",
        ".",
        "\"\"",
        "\" \"",
        "./",
        ".gristmill/runs",
        "./.gristmill",
        "models/m",
        "models",
        "jobs/a.yaml",
        "\"out/$${day}\"",
    ] {
        let found = wrong(&format!("promote: {{m: {path}}}"));
        assert_eq!(found.len(), 1, "{path}");
        assert!(found[0].0.contains("cannot be promoted"), "{path}: {}", found[0].0);
    }
    assert_eq!(wrong("promote: {m: ./out/model/, n: modelsx/y, o: a.csv}"), []);
}
