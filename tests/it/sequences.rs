//! What comes after what, through the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{Workshop, stage, unexplained};

/// Three visits whose rows lie anywhere, and three rows that lack something.
const CLICKS: &str = "visit,at,page\n\
    b,2024-01-01 10:05:00,cart\n\
    a,2024-01-01 09:00:00,home\n\
    c,2024-01-02 08:00:00,home\n\
    a,2024-01-01 09:01:00,search\n\
    b,2024-01-01 10:00:00,home\n\
    a,2024-01-01 12:00:00,pay\n\
    ,2024-01-01 12:00:00,pay\n\
    a,2024-01-01 09:02:00,cart\n\
    c,2024-01-02 08:00:00,search\n\
    b,,pay\n\
    b,2024-01-01 10:10:00,pay\n\
    c,2024-01-02 09:00:00,\n";

fn workshop(options: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(&format!(
        "name: visits\nstages:\n  - id: clicks\n    read: {{path: clicks.csv}}\n  - id: mined\n    sequences: {options}\n  - write: {{path: out.ndjson}}\n"
    ));
    workshop.write("clicks.csv", CLICKS);
    workshop
}

/// Patterns or rules in words with their counts.
fn counts(workshop: &Workshop, name: &str) -> BTreeMap<String, u64> {
    let rows = workshop.read_ndjson("out.ndjson");
    rows.into_iter().map(|row| (row[name].as_str().unwrap().to_owned(), row["count"].as_u64().unwrap())).collect()
}

fn expected<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.into_iter().map(|(pattern, count)| (pattern.to_owned(), count)).collect()
}

#[test]
fn rows_anywhere_become_sequences_and_what_lacks_something_is_counted() {
    let workshop = workshop("{by: visit, order: at, event: page, min_support: 0.6, min_length: 2}");
    let manifest = workshop.run();
    let found = expected([
        ("home → cart", 2),
        ("home → pay", 2),
        ("home → search", 2),
        ("cart → pay", 2),
        ("home → cart → pay", 2),
    ]);
    assert_eq!(counts(&workshop, "pattern"), found);
    let longest = workshop.read_ndjson("out.ndjson").pop().unwrap();
    assert_eq!(longest["elements"], json!(["home", "cart", "pay"]));
    assert_eq!((&longest["length"], &longest["support"]), (&json!(3), &json!(2.0 / 3.0)));
    let mined = stage(&manifest, "mined");
    assert_eq!(unexplained(mined), Some(0));
    let exhibits = mined["exhibits"].to_string();
    for said in ["1 row because `visit` is missing", "1 row because `at` is missing", "1 row because `page` is missing"]
    {
        let warnings = manifest["warnings"].to_string();
        assert!(warnings.contains(said), "{warnings}");
    }
    assert!(exhibits.contains("Rows with the order of the row before: 1"), "{exhibits}");
}

#[test]
fn gaps_are_positions_or_time() {
    let next = workshop("{by: visit, order: at, event: page, min_support: 0.6, min_length: 2, max_gap: 1}");
    next.run();
    assert_eq!(counts(&next, "pattern"), expected([("cart → pay", 2), ("home → search", 2)]));
    let soon = workshop("{by: visit, order: at, event: page, min_support: 0.6, min_length: 2, max_gap: 5 minutes}");
    soon.run();
    assert_eq!(counts(&soon, "pattern"), expected([("home → cart", 2), ("home → search", 2)]));
    let span = workshop("{by: visit, order: at, event: page, min_support: 0.3, min_length: 3, max_span: 10 minutes}");
    span.run();
    assert_eq!(counts(&span, "pattern"), expected([("home → cart → pay", 1), ("home → search → cart", 1)]));
}

#[test]
fn gaps_are_in_the_unit_of_a_whole_number_that_orders_the_rows() {
    let mined = |gap: &str| {
        let workshop =
            workshop(&format!("{{by: visit, order: mile, event: page, min_support: 0.6, min_length: 2, {gap}}}"));
        // The second row of b lies further away than can be counted.
        let far = "b,-9223372036854775808,home\nb,9223372036854775806,cart\nb,9223372036854775807,pay\n";
        workshop.write("clicks.csv", format!("visit,mile,page\na,10,cart\na,0,home\na,10,pay\n{far}"));
        workshop.run();
        counts(&workshop, "pattern")
    };
    assert_eq!(mined("max_gap: 10 units"), expected([("cart → pay", 2)]));
    assert_eq!(mined("min_gap: 10 units"), expected([("home → cart", 2), ("home → pay", 2)]));
    assert_eq!(mined("min_gap: 1 unit, max_span: 20 units"), expected([]));
    assert_eq!(mined("max_gap: 1").len(), 3, "positions");
}

#[test]
fn rows_of_the_same_time_may_be_one_element() {
    let workshop = workshop("{by: visit, order: at, event: page, min_support: 0.3, together: true, min_length: 2}");
    workshop.run();
    let found = counts(&workshop, "pattern");
    assert_eq!((found.get("home + search"), found.get("home → search")), (Some(&1), Some(&1)));
}

#[test]
fn closed_and_maximal_patterns_and_the_best_ones() {
    let closed = workshop("{by: visit, order: at, event: page, min_support: 0.6, kind: closed}");
    closed.run();
    let found = expected([("home", 3), ("home → search", 2), ("home → cart → pay", 2)]);
    assert_eq!(counts(&closed, "pattern"), found);
    let maximal = workshop("{by: visit, order: at, event: page, min_support: 0.6, kind: maximal}");
    maximal.run();
    assert_eq!(counts(&maximal, "pattern"), expected([("home → search", 2), ("home → cart → pay", 2)]));
    let best = workshop("{by: visit, order: at, event: page, top: 1}");
    best.run();
    assert_eq!(counts(&best, "pattern"), expected([("home", 3)]));
}

/// Shoppers of which every second looks at shoes, and four of five of those buy polish after it.
fn shoppers() -> String {
    let mut rows = String::from("shopper,step,what\n");
    for shopper in 0..400 {
        let shoes = shopper % 2 == 0;
        let polish = if shoes { shopper % 5 != 0 } else { shopper % 10 == 1 };
        rows += &format!("{shopper},1,{}\n", if shoes { "shoes" } else { "hat" });
        if polish {
            rows += &format!("{shopper},2,polish\n");
        }
        rows += &format!("{shopper},3,{}\n", if shopper % 3 == 0 { "gift" } else { "bag" });
    }
    rows
}

#[test]
fn rules_say_what_comes_next_and_confirm_sequences_confirm_them() {
    let workshop = Workshop::with_pipeline(
        "name: shop\nstages:\n  - read: {path: rows.csv}\n  - split: {by: group, on: shopper, parts: {train: 0.6, test: 0.4}}\n  - id: mined\n    \
         sequences: {by: shopper, order: step, event: what, min_support: 0.05, rules: {min_confidence: 0.6, min_lift: 1.2}, confirm: {on: test}}\n  \
         - write: {path: out.ndjson}\n",
    );
    workshop.write("rows.csv", shoppers());
    let manifest = workshop.run();
    let rules = workshop.read_ndjson("out.ndjson");
    let rule = |name: &str| rules.iter().find(|rule| rule["rule"] == name);
    let shoes = rule("shoes ⇒ polish").unwrap_or_else(|| panic!("{rules:?}"));
    assert_eq!(
        (&shoes["prefix"], &shoes["next"], &shoes["confirmed"]),
        (&json!(["shoes"]), &json!("polish"), &json!(true))
    );
    let number = |name: &str| shoes[name].as_f64().unwrap();
    assert!((number("confidence") - number("count") / number("prefix_count")).abs() < 1e-12);
    assert!((number("confirm_confidence") - number("confirm_count") / number("confirm_prefix_count")).abs() < 1e-12);
    // Every second shopper of all 400 is in one of the two parts.
    assert_eq!(number("prefix_count") + number("confirm_prefix_count"), 200.0);
    assert!(number("p_adjusted") >= number("p_value") && number("p_adjusted") < 1e-6);
    assert!(rule("hat ⇒ polish").is_none());
    assert_eq!(unexplained(stage(&manifest, "mined")), Some(0));
}

#[test]
fn the_answer_does_not_depend_on_the_method_or_the_threads() {
    let run = |method: &str, threads: &str| {
        let workshop = Workshop::with_pipeline(&format!(
            "name: shop\nstages:\n  - read: {{path: rows.csv}}\n  - sequences: {{by: shopper, order: step, event: what, min_support: 0.01, method: {method}}}\n  - write: {{path: out.ndjson}}\n"
        ));
        workshop.write("rows.csv", shoppers());
        workshop.gristmill(["run", "p.yaml", "--quiet", "--threads", threads]).success();
        workshop.read("out.ndjson")
    };
    let one = run("prefixspan", "1");
    assert_eq!(one, run("prefixspan", "2"));
    assert_eq!(one, run("cm_spam", "2"));
}

#[test]
fn no_rows_and_one_row_have_a_stated_result() {
    let options = "{by: visit, order: at, event: page}";
    let none = workshop(options);
    none.write("clicks.csv", "visit,at,page\n");
    let manifest = none.run();
    assert!(none.read_ndjson("out.ndjson").is_empty());
    assert!(stage(&manifest, "mined")["exhibits"].to_string().contains("There is no sequence"));
    let one = workshop(options);
    one.write("clicks.csv", "visit,at,page\na,2024-01-01,home\n");
    one.run();
    assert_eq!(counts(&one, "pattern"), expected([("home", 1)]));
}

#[test]
fn too_many_patterns_end_the_run_with_advice() {
    let workshop = workshop("{by: visit, order: step, event: page, min_support: 0.01, limit: 1000}");
    let rows: String = (0..40).map(|step| format!("a,{step},page{step}\n")).collect();
    workshop.write("clicks.csv", format!("visit,step,page\n{rows}"));
    let outcome = workshop.gristmill(["run", "p.yaml"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("more than 1000 patterns occur in at least 1 of the 1 sequences"),
        "{}",
        outcome.stderr
    );
    let message = outcome.stderr.split(['\n', '│']).map(str::trim).collect::<Vec<_>>().join(" ");
    assert!(message.replace("  ", " ").contains("raise the minimum support"), "{message}");
}

#[test]
fn wrong_options_are_refused_at_their_place() {
    for (options, message) in [
        ("{by: vist, order: at, event: page}", "did you mean `visit`?"),
        ("{by: visit, order: at, event: page, min_support: 0}", "`min_support` must be larger than 0"),
        (
            "{by: visit, order: at, event: page, min_support: 0.1, min_count: 3}",
            "say either `min_support` or `min_count`",
        ),
        ("{by: visit, order: at, event: page, max_gap: soon}", "`soon` is no length of time"),
        ("{by: visit, order: page, event: page, max_gap: 2 days}", "so there are no lengths of time"),
        ("{by: visit, order: at, event: page, max_gap: 2 units}", "whose units are not counted"),
        ("{by: visit, order: at, event: page, max_gap: 2.5 units}", "is no whole number of units"),
        (
            "{by: visit, order: at, event: page, max_gap: 2, max_span: 2 days}",
            "all numbers of positions, all lengths of time or all units of the order",
        ),
        ("{by: visit, order: at, event: page, min_gap: 3, max_gap: 2}", "must not be smaller than `min_gap`"),
        ("{by: visit, order: at, event: page, max_span: 4, method: cm_spam}", "`cm_spam` takes gaps in positions only"),
        ("{by: visit, order: at, event: page, min_length: 3, max_length: 2}", "`max_length` must be from"),
        ("{by: visit, order: at, event: page, kind: closed, rules: {}}", "`kind` cannot leave some out"),
        ("{by: visit, order: at, event: page, rules: {}, confirm: {on: test}}", "needs rows that a `split` above"),
        ("{by: visit, order: at, event: page, top: 0}", "`top` must be at least 1"),
    ] {
        let outcome = workshop(options).gristmill(["check", "p.yaml"]);
        assert_eq!(outcome.code, Some(2), "{options}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(message), "{options}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("p.yaml:6:"), "{options}: {}", outcome.stderr);
    }
}

#[test]
fn events_that_do_not_fit_into_memory_end_the_run_with_advice() {
    let workshop = workshop("{by: visit, order: day, event: page, max_length: 2, max_gap: 2 days}");
    let rows: String = (0..750_000_u32).map(|at| format!("{},2024-01-0{},{}\n", at / 5, at % 5 + 1, at % 7)).collect();
    workshop.write("clicks.csv", format!("visit,day,page\n{rows}"));
    let outcome = workshop.gristmill(["run", "p.yaml", "--memory", "64MiB"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("sequences are held in memory"), "{}", outcome.stderr);
}

#[test]
fn the_report_shows_what_comes_after_what() {
    let workshop = workshop("{by: visit, order: at, event: page, min_support: 0.3, rules: {}}");
    let manifest = workshop.run();
    let exhibits = stage(&manifest, "mined")["exhibits"].as_array().unwrap().clone();
    let titles: Vec<&str> = exhibits
        .iter()
        .filter_map(|exhibit| ["table", "figure", "metrics"].iter().find_map(|kind| exhibit[kind]["title"].as_str()))
        .collect();
    let expected = [
        "Mined",
        "What comes next, by confidence",
        "What comes after what",
        "The most frequent patterns of several events",
    ];
    assert_eq!(titles, expected);
}
