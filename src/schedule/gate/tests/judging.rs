//! Conditions against records.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Held, compared, conditions, evaluated, held, judged, judged_beside, one, record, stage, table, validated};
use crate::schedule::gate::{Evidence, follow, judge, metrics};
use crate::schedule::store::{Object, Verdict};

const NONE: BTreeMap<String, Object> = BTreeMap::new();

#[test]
fn a_job_without_conditions_promotes_a_run_that_ended_well_and_no_other() {
    let good = record(&[table("a", 3)]);
    let evidence = Evidence { record: &good, last_success: None, champions: &NONE };
    assert_eq!(follow(&judge(&[], &evidence)), Verdict::Promote);
    for status in ["running", "failed", "interrupted"] {
        let mut bad = serde_json::to_value(&good).unwrap();
        bad["status"] = json!(status);
        let bad = serde_json::from_value(bad).unwrap();
        let judged = judge(&[], &Evidence { record: &bad, ..evidence });
        assert_eq!(held(&judged), [Held::No], "{status}");
    }
}

#[test]
fn checks_pass_when_none_fails_in_any_validate_stage() {
    let stages = [validated("a", 0, 0, 1.0), validated("b", 0, 2, 0.9)];
    assert_eq!(held(&judged("checks: passed", &stages)), [Held::Yes, Held::Yes]);
    let stages = [validated("a", 0, 0, 1.0), validated("b", 1, 0, 0.9)];
    let found = judged("checks: passed", &stages);
    assert_eq!(held(&found), [Held::Yes, Held::No]);
    assert_eq!(found[1].why, "the number of failing checks of `b` is 1 of 5 (fails 0), and 0 is wanted");
    assert_eq!(held(&judged("checks: {stage: a}", &stages)), [Held::Yes]);
}

#[test]
fn warnings_and_a_low_health_refuse_where_that_is_asked() {
    let stages = [validated("a", 0, 2, 0.931)];
    assert_eq!(held(&judged("checks: {warnings: none}", &stages)), [Held::No]);
    assert_eq!(held(&judged("checks: {health_at_least: 93%}", &stages)), [Held::Yes, Held::Yes]);
    let found = judged("checks: {health_at_least: 95%}", &stages);
    assert_eq!(held(&found), [Held::Yes, Held::No]);
    assert_eq!(found[1].why, "the health of `a` is 93.1%, and at least 95% is wanted");
}

#[test]
fn checks_that_the_run_does_not_tell_refuse() {
    assert_eq!(held(&judged("checks: passed", &[table("a", 3)])), [Held::Unknown]);
    assert_eq!(held(&judged("checks: {stage: gone}", &[validated("a", 0, 0, 1.0)])), [Held::Unknown]);
    let mut skipped = validated("a", 0, 0, 1.0);
    skipped["status"] = json!("skipped");
    assert_eq!(held(&judged("checks: passed", &[skipped])), [Held::Unknown]);
    // Kept by an earlier version of the program.
    let old = stage("a", "validate", &json!({ "statistics": { "health": 1.0 } }));
    let found = judged("checks: {health_at_least: 90%}", &[old]);
    assert_eq!(held(&found), [Held::Unknown, Held::Unknown]);
    assert!(found[0].why.contains("--no-cache"), "{}", found[0].why);
}

#[test]
fn rows_are_held_between_bounds() {
    let text = "rows: {stage: a, at_least: 10, at_most: 20}";
    for (rows, expected) in [
        (9, [Held::No, Held::Yes]),
        (10, [Held::Yes, Held::Yes]),
        (20, [Held::Yes, Held::Yes]),
        (21, [Held::Yes, Held::No]),
    ] {
        assert_eq!(held(&judged(text, &[table("a", rows)])), expected, "{rows}");
    }
    let (_, why) = one(judged("rows: {stage: a, at_least: 1000}", &[table("a", 999)]));
    assert_eq!(why, "the number of rows of `a` is 999, and at least 1,000 is wanted");
    assert_eq!(held(&judged(text, &[stage("a", "train", &json!({}))])), [Held::Unknown, Held::Unknown]);
}

#[test]
fn rows_of_a_stage_that_only_writes_are_those_in_its_files() {
    let outputs = json!([{ "path": "a", "rows": 7, "bytes": 1 }, { "path": "b", "rows": 5, "bytes": 1 }]);
    let written = stage("w", "write", &json!({ "outputs": outputs }));
    assert_eq!(held(&judged("rows: {stage: w, at_least: 12, at_most: 12}", &[written])), [Held::Yes, Held::Yes]);
}

#[test]
fn a_change_of_rows_is_a_share_of_those_of_the_last_success() {
    let text = "rows: {stage: a, change_at_most: 20%}";
    let after =
        |before: u64, now: u64| one(judged_beside(text, &[table("a", now)], Some(&[table("a", before)]), &NONE));
    assert_eq!(after(100, 80).0, Held::Yes);
    assert_eq!(after(100, 120).0, Held::Yes);
    assert_eq!(
        after(100, 79),
        (
            Held::No,
            "the number of rows of `a` is 79 after 100 (-21%), and within 20% of that of the last success is wanted"
                .to_owned()
        )
    );
    assert_eq!(after(100, 121).0, Held::No);
    assert_eq!((after(0, 0).0, after(100, 0).0), (Held::Yes, Held::No));
}

#[test]
fn without_an_earlier_number_of_rows_a_change_is_the_first() {
    let text = "rows: {stage: a, change_at_most: 20%}";
    let (held, why) = one(judged(text, &[table("a", 7)]));
    assert_eq!(held, Held::First);
    assert!(why.ends_with("it is the first to be compared, because there is no earlier success"), "{why}");
    let other = [table("b", 7)];
    assert_eq!(one(judged_beside(text, &[table("a", 7)], Some(&other), &NONE)).0, Held::First);
    assert_eq!(one(judged_beside(text, &[table("a", 7)], Some(&[table("a", 0)]), &NONE)).0, Held::First);
    // What the run itself does not tell is no first.
    assert_eq!(one(judged(text, &other)).0, Held::Unknown);
}

#[test]
fn drift_is_the_largest_index_of_any_column() {
    let columns = [("amount", Some(0.19), "moved", false), ("region", Some(0.05), "stable", false)];
    let stages = [compared("moved", Some(100), 100, &columns)];
    assert_eq!(one(judged("drift: {stage: moved, at_most: 0.2}", &stages)).0, Held::Yes);
    let (held, why) = one(judged("drift: {at_most: 0.1}", &stages));
    assert_eq!((held, why.contains("`amount` has PSI 0.19")), (Held::No, true), "{why}");
    assert_eq!(one(judged("drift: {at_most: 0.1, columns: region}", &stages)).0, Held::Yes);
    assert_eq!(one(judged("drift: {at_most: 0.1, columns: [other]}", &stages)).0, Held::Unknown);
}

#[test]
fn drift_without_an_earlier_run_is_the_first_and_without_rows_is_too_large() {
    let text = "drift: {at_most: 0.2}";
    assert_eq!(one(judged(text, &[compared("c", None, 100, &[])])).0, Held::First);
    assert_eq!(one(judged(text, &[compared("c", Some(0), 100, &[])])).0, Held::First);
    assert_eq!(one(judged(text, &[compared("c", Some(100), 0, &[])])).0, Held::No);
}

#[test]
fn columns_that_are_gone_or_of_another_type_are_drift_and_what_chance_gives_is_not() {
    let text = "drift: {at_most: 0.2}";
    let with = |column| one(judged(text, &[compared("c", Some(9), 9, &[("a", Some(0.0), "stable", false), column])]));
    assert_eq!(with(("b", None, "gone", false)).0, Held::No);
    assert_eq!(with(("b", None, "type changed", false)).0, Held::No);
    assert_eq!(with(("b", None, "new", false)).0, Held::Yes);
    assert_eq!(with(("b", None, "not compared", false)).0, Held::Yes);
    let (held, why) = with(("b", Some(0.9), "unclear", true));
    assert_eq!((held, why.contains("`b` may have moved by chance")), (Held::Yes, true), "{why}");
}

#[test]
fn drift_that_no_column_tells_refuses() {
    let text = "drift: {at_most: 0.2}";
    assert_eq!(one(judged(text, &[compared("c", Some(9), 9, &[("a", None, "not compared", false)])])).0, Held::Unknown);
    assert_eq!(one(judged(text, &[table("a", 3)])).0, Held::Unknown);
    let two = [compared("c", Some(9), 9, &[]), compared("d", Some(9), 9, &[])];
    assert_eq!(one(judged(text, &two)).0, Held::Unknown);
    let old = stage("c", "compare", &json!({ "statistics": { "rows": 3, "columns": [] } }));
    assert_eq!(one(judged(text, &[old])).0, Held::Unknown);
}

#[test]
fn predict_tells_how_far_rows_are_from_those_of_training() {
    let column = |name: &str, index: Option<f64>, shifted: bool| json!({ "column": name, "missing_in_training": 0.0, "missing": 0, "stability_index": index, "is_shifted": shifted });
    let said =
        |columns: Vec<Value>| stage("said", "predict", &json!({ "statistics": { "rows": 9, "columns": columns } }));
    let text = "drift: {stage: said, at_most: 0.25}";
    assert_eq!(one(judged(text, &[said(vec![column("a", Some(0.2), false)])])).0, Held::Yes);
    assert_eq!(one(judged(text, &[said(vec![column("a", Some(0.3), true)])])).0, Held::No);
    assert_eq!(one(judged(text, &[said(vec![column("a", Some(0.3), false)])])).0, Held::Yes);
    assert_eq!(one(judged(text, &[said(vec![column("a", None, false)])])).0, Held::Unknown);
}

#[test]
fn profile_tells_how_far_rows_are_from_those_of_another_table() {
    let profiled =
        |comparison: Value| stage("p", "profile", &json!({ "statistics": { "rows": 9, "comparison": comparison } }));
    let comparison = |index: f64, removed: &[&str]| {
        json!({
            "other": "b", "rows": 9, "added": ["n"], "removed": removed, "retyped": [],
            "columns": [{ "name": "a", "stability_index": index }],
        })
    };
    let text = "drift: {at_most: 0.25}";
    assert_eq!(one(judged(text, &[profiled(comparison(0.2, &[]))])).0, Held::Yes);
    assert_eq!(one(judged(text, &[profiled(comparison(0.3, &[]))])).0, Held::No);
    assert_eq!(one(judged(text, &[profiled(comparison(0.2, &["z"]))])).0, Held::No);
    let (held, why) = one(judged(text, &[profiled(Value::Null)]));
    assert_eq!((held, why.contains("say `with:` there")), (Held::Unknown, true), "{why}");
}

#[test]
fn a_metric_is_held_between_bounds_whatever_its_spelling() {
    let stages = [evaluated("judged", &[("ROC AUC", Some(0.74), true, None), ("log loss", Some(0.5), false, None)])];
    for name in ["ROC AUC", "roc_auc", "auc", "roc auc"] {
        assert_eq!(one(judged(&format!("metric: {{name: {name}, at_least: 0.7}}"), &stages)).0, Held::Yes, "{name}");
    }
    let (held, why) = one(judged("metric: {stage: judged, name: auc, at_least: 0.75}", &stages));
    assert_eq!((held, why.as_str()), (Held::No, "ROC AUC of `judged` is 0.74, and at least 0.75 is wanted"));
    assert_eq!(one(judged("metric: {name: log loss, at_most: 0.4}", &stages)).0, Held::No);
}

#[test]
fn a_metric_that_is_missing_or_not_defined_refuses() {
    let stages = [evaluated("judged", &[("ROC AUC", None, true, None)])];
    let (held, why) = one(judged("metric: {name: ROC AUC, at_least: 0.7}", &stages));
    assert_eq!((held, why.contains("is not defined for these rows")), (Held::Unknown, true), "{why}");
    let (held, why) = one(judged("metric: {name: acuracy, better_than: champion}", &stages));
    assert_eq!((held, why.contains("it measures ROC AUC")), (Held::Unknown, true), "{why}");
    assert_eq!(one(judged("metric: {name: ROC AUC, better_than: last}", &[table("a", 1)])).0, Held::Unknown);
    let old = stage("judged", "evaluate", &json!({}));
    assert_eq!(one(judged("metric: {name: ROC AUC, at_least: 0.7}", &[old])).0, Held::Unknown);
}

/// Champions that were promoted with these numbers of `judged`.
fn champion(name: &str, metric: &str, value: f64) -> BTreeMap<String, Object> {
    let run = record(&[evaluated("judged", &[(metric, Some(value), true, None)])]);
    BTreeMap::from([(name.to_owned(), metrics(&[], &run))])
}

#[test]
fn a_challenger_must_be_better_than_the_champion_by_the_margin() {
    let champions = champion("m", "accuracy", 0.9);
    let against = |by: &str, value: f64| {
        let stages = [evaluated("judged", &[("accuracy", Some(value), true, None)])];
        let text = format!("metric: {{name: accuracy, better_than: champion{by}}}");
        one(judged_beside(&text, &stages, None, &champions)).0
    };
    assert_eq!((against("", 0.9), against("", 0.900_1)), (Held::No, Held::Yes));
    assert_eq!((against(", by: 0", 0.9), against(", by: 0", 0.899)), (Held::Yes, Held::No));
    assert_eq!((against(", by: 0.01", 0.91), against(", by: 0.01", 0.909)), (Held::Yes, Held::No));
    assert_eq!((against(", by: 1%", 0.909), against(", by: 1%", 0.908)), (Held::Yes, Held::No));
    assert_eq!((against(", by: -0.005", 0.895), against(", by: -0.005", 0.894)), (Held::Yes, Held::No));
}

#[test]
fn less_is_better_of_errors() {
    let champions = champion("m", "root mean squared error", 2.0);
    let against = |by: &str, value: f64| {
        let stages = [evaluated("judged", &[("root mean squared error", Some(value), false, None)])];
        let text = format!("metric: {{name: rmse, better_than: champion{by}}}");
        one(judged_beside(&text, &stages, None, &champions)).0
    };
    assert_eq!((against("", 1.9), against("", 2.0), against("", 2.1)), (Held::Yes, Held::No, Held::No));
    assert_eq!((against(", by: 10%", 1.8), against(", by: 10%", 1.81)), (Held::Yes, Held::No));
    assert_eq!((against(", by: -10%", 2.2), against(", by: -10%", 2.21)), (Held::Yes, Held::No));
}

#[test]
fn without_a_champion_or_its_number_a_challenger_is_the_first() {
    let stages = [evaluated("judged", &[("accuracy", Some(0.5), true, None)])];
    let text = "metric: {name: accuracy, better_than: champion}";
    let (held, why) = one(judged(text, &stages));
    assert_eq!(held, Held::First);
    assert_eq!(why, "accuracy of `judged` is 0.5; it is the first to be compared, because there is no champion yet");
    assert_eq!(one(judged_beside(text, &stages, None, &champion("m", "kappa", 0.9))).0, Held::First);
    // Of several the one that is named.
    let mut two = champion("m", "accuracy", 0.9);
    two.extend(champion("n", "accuracy", 0.1));
    assert_eq!(one(judged_beside(text, &stages, None, &two)).0, Held::Unknown);
    let of = |name: &str| {
        one(judged_beside(
            &format!("metric: {{name: accuracy, better_than: champion, of: {name}}}"),
            &stages,
            None,
            &two,
        ))
        .0
    };
    assert_eq!((of("m"), of("n"), of("o")), (Held::No, Held::Yes, Held::First));
}

#[test]
fn a_stage_that_was_renamed_is_still_compared_with_the_champion() {
    let stages = [evaluated("verdict", &[("accuracy", Some(0.5), true, None)])];
    let text = "metric: {name: accuracy, better_than: champion}";
    assert_eq!(one(judged_beside(text, &stages, None, &champion("m", "accuracy", 0.9))).0, Held::No);
}

#[test]
fn the_best_baseline_is_the_best_in_the_direction_of_the_metric() {
    let judge = |higher: bool, value: f64| {
        let mut stage = evaluated("judged", &[("accuracy", Some(value), higher, Some(0.8))]);
        stage["statistics"]["scores"][0]["metrics"][0]["baselines"]["tree"] = json!(0.7);
        one(judged("metric: {name: accuracy, better_than: baseline}", &[stage]))
    };
    assert_eq!((judge(true, 0.81).0, judge(true, 0.79).0), (Held::Yes, Held::No));
    assert_eq!((judge(false, 0.69).0, judge(false, 0.71).0), (Held::Yes, Held::No));
    assert!(judge(true, 0.79).1.contains("that of the baseline `forest` 0.8"), "{}", judge(true, 0.79).1);
    let none = [evaluated("judged", &[("accuracy", Some(0.9), true, None)])];
    assert_eq!(one(judged("metric: {name: accuracy, better_than: baseline}", &none)).0, Held::Unknown);
}

#[test]
fn a_metric_may_be_compared_with_the_last_success() {
    let now = [evaluated("judged", &[("accuracy", Some(0.9), true, None)])];
    let text = "metric: {name: accuracy, better_than: last, by: -1%}";
    let after = |value: Option<f64>| {
        let last = [evaluated("judged", &[("accuracy", value, true, None)])];
        one(judged_beside(text, &now, Some(&last), &NONE)).0
    };
    assert_eq!((after(Some(0.909)), after(Some(0.91)), after(None)), (Held::Yes, Held::No, Held::First));
    assert_eq!(one(judged(text, &now)).0, Held::First);
}

#[test]
fn numbers_of_other_stages_are_those_at_the_top_of_their_part_of_the_report() {
    let shown = json!([{ "metrics": { "title": "Clusters", "metrics": [
        { "name": "silhouette", "value": 0.4, "format": "number", "note": null },
        { "name": "groups", "value": 6.0, "format": "integer", "note": null },
    ] } }]);
    let stages = [stage("groups", "cluster", &json!({ "exhibits": shown }))];
    assert_eq!(one(judged("metric: {stage: groups, name: silhouette, at_least: 0.5}", &stages)).0, Held::No);
    let text = "metric: {stage: groups, name: silhouette, better_than: champion}";
    let kept = BTreeMap::from([("m".to_owned(), metrics(&conditions(text), &record(&stages)))]);
    assert_eq!(one(judged_beside(text, &stages, None, &kept)).0, Held::No);
    let text = "metric: {stage: groups, name: groups, better_than: last, by: 0}";
    assert_eq!(one(judged_beside(text, &stages, Some(&stages), &NONE)).0, Held::Unknown);
    let text = "metric: {stage: groups, name: groups, better_than: last, by: 0, better: lower}";
    assert_eq!(one(judged_beside(text, &stages, Some(&stages), &NONE)).0, Held::Yes);
}

#[test]
fn a_model_of_several_targets_is_asked_by_target() {
    let mut both = evaluated("judged", &[("accuracy", Some(0.9), true, None)]);
    let mut other = both["statistics"]["scores"][0].clone();
    other["target"] = json!("lost");
    other["metrics"][0]["value"] = json!(0.4);
    both["statistics"]["scores"].as_array_mut().unwrap().push(other);
    let stages = [both];
    assert_eq!(one(judged("metric: {name: accuracy, at_least: 0.5}", &stages)).0, Held::Unknown);
    assert_eq!(one(judged("metric: {name: accuracy, target: late, at_least: 0.5}", &stages)).0, Held::Yes);
    assert_eq!(one(judged("metric: {name: accuracy, target: lost, at_least: 0.5}", &stages)).0, Held::No);
}

#[test]
fn a_stage_may_take_so_long_and_kept_work_takes_no_time() {
    let text = "stage: {id: a, seconds_at_most: 1}";
    let (held, why) = one(judged(text, &[table("a", 1)]));
    assert_eq!((held, why.as_str()), (Held::No, "the time of `a` is 1.5 s, and at most 1 s is wanted"));
    let mut cached = table("a", 1);
    cached["status"] = json!("cached");
    assert_eq!(one(judged(text, &[cached])).0, Held::Yes);
    assert_eq!(one(judged(text, &[table("b", 1)])).0, Held::Unknown);
}

#[test]
fn a_refusal_names_the_first_reasons_and_counts_the_others() {
    let stages = [table("a", 1)];
    let texts = (0..6).map(|at| format!("  - rows: {{stage: a, at_least: {}}}\n", at + 2)).collect::<String>();
    let require = super::gate(&format!("require:\n{texts}")).require;
    let run = record(&stages);
    let judged = judge(&require, &Evidence { record: &run, last_success: None, champions: &NONE });
    let Verdict::Refuse(reason) = follow(&judged) else { panic!("{judged:?}") };
    assert!(reason.starts_with("the number of rows of `a` is 1, and at least 2 is wanted; "), "{reason}");
    assert!(reason.ends_with("at least 5 is wanted; and 2 more."), "{reason}");
}

#[test]
fn the_numbers_that_stay_are_bounded_and_those_of_conditions_come_first() {
    let many: Vec<(String, Option<f64>, bool, Option<f64>)> =
        (0..400).map(|at| (format!("metric {at}"), Some(0.5), true, None)).collect();
    let many: Vec<(&str, Option<f64>, bool, Option<f64>)> =
        many.iter().map(|(name, value, higher, forest)| (name.as_str(), *value, *higher, *forest)).collect();
    let outputs = json!([{ "path": "a", "rows": 7, "bytes": 1 }]);
    let stages =
        [evaluated("judged", &many), stage("w", "write", &json!({ "outputs": outputs })), validated("v", 0, 0, 0.9)];
    let run = record(&stages);
    let kept = metrics(&conditions("metric: {name: metric 399, at_least: 0.1}"), &run);
    assert_eq!((&kept["seconds"], &kept["scores"]["judged"]["late"]["metric 399"]), (&json!(12.5), &json!(0.5)));
    fn numbers(value: &Value) -> usize {
        value.as_object().map_or(1, |object| object.values().map(numbers).sum())
    }
    assert_eq!(numbers(&Value::Object(kept.clone())), 256);
    assert!(serde_json::to_string(&kept).unwrap().len() < 16 << 10);
    let few = record(&stages[1..]);
    let expected = json!({ "seconds": 12.5, "rows": { "w": 7.0 }, "health": { "v": 0.9 } });
    assert_eq!(Value::Object(metrics(&[], &few)), expected);
}
