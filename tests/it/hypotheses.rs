//! `test`: hypotheses on real flights against SciPy and statsmodels, what it chooses and says, and what it refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::support::{Workshop, root, stage, unexplained};

/// Runs one `test` over a CSV file and gives the rows of its product with its record.
#[track_caller]
fn tested(csv: &str, options: &str) -> (Vec<Value>, Value) {
    let text = format!(
        "name: p\nstages:\n  - read: {{path: t.csv}}\n  - id: t\n    test: {options}\n  - write: {{path: out.ndjson}}\n"
    );
    let workshop = Workshop::with_pipeline(&text);
    workshop.write("t.csv", csv);
    let manifest = workshop.run();
    let record = stage(&manifest, "t").clone();
    assert_eq!(unexplained(&record), Some(0), "{record}");
    (workshop.read_ndjson("out.ndjson"), record)
}

/// Runs or checks one `test` that has to fail and gives what it says.
#[track_caller]
fn refused(command: &str, csv: &str, options: &str) -> (Option<i32>, String) {
    let workshop =
        Workshop::with_pipeline(&format!("name: p\nstages:\n  - read: {{path: t.csv}}\n  - test: {options}\n"));
    workshop.write("t.csv", csv);
    let outcome = workshop.gristmill([command, "p.yaml"]);
    (outcome.code, outcome.stderr)
}

#[track_caller]
fn close(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap_or_else(|| panic!("no number: {found}"));
    let within = 1e-9 * expected.abs();
    assert!((found - expected).abs() <= within || (expected == 0.0 && found < 1e-300), "{found} is not {expected}");
}

#[test]
fn all_flights_agree_with_scipy_and_statsmodels() {
    let flights = root().join("sample-data/flights/flights.csv.gz");
    let workshop = Workshop::with_pipeline(&format!(
        "name: p
stages:
  - id: raw
    read: {{path: {}, null_values: [NA]}}
  - id: two
    filter: origin in ('EWR', 'JFK') and arr_delay is not null
  - derive: {{late: arr_delay > 15}}
  - id: pair
    test:
      correction: none
      hypotheses:
        - {{name: mann_whitney, value: arr_delay, by: origin, method: mann_whitney}}
        - {{name: ks, value: arr_delay, by: origin, method: kolmogorov_smirnov}}
        - {{name: late, value: late, by: origin}}
  - write: {{path: pair.ndjson}}
  - id: all
    from: raw
    test:
      correction: none
      hypotheses:
        - {{name: welch_anova, value: arr_delay, by: origin}}
        - {{name: kruskal_wallis, value: arr_delay, by: origin, method: kruskal_wallis}}
        - {{name: paired, value: [dep_delay, arr_delay], paired: true}}
        - {{name: wilcoxon, value: [dep_delay, arr_delay], paired: true, method: wilcoxon}}
        - {{name: chi_square, columns: [origin, carrier]}}
  - write: {{path: all.ndjson}}
",
        flights.display()
    ));
    workshop.run();
    let stored: Value = serde_json::from_str(include_str!("../data/oracle/hypothesis_flights.json")).unwrap();
    let rows: Vec<Value> = [workshop.read_ndjson("pair.ndjson"), workshop.read_ndjson("all.ndjson")].concat();
    let fields = [
        ("welch_anova", vec!["statistic", "degrees_below", "p_value"]),
        ("kruskal_wallis", vec!["statistic", "p_value"]),
        ("paired", vec!["statistic", "degrees", "p_value", "low", "high"]),
        ("wilcoxon", vec!["statistic", "p_value"]),
        ("chi_square", vec!["statistic", "degrees", "p_value"]),
        ("mann_whitney", vec!["statistic", "p_value"]),
        ("ks", vec!["statistic"]),
        ("late", vec!["statistic", "p_value"]),
    ];
    for (name, fields) in fields {
        let row = rows.iter().find(|row| row["hypothesis"] == name && row["comparison"].is_null()).unwrap();
        for (field, expected) in fields.iter().zip(stored[name].as_array().unwrap()) {
            close(&row[*field], expected.as_f64().unwrap());
        }
    }
    let pairs = rows.iter().filter(|row| row["hypothesis"] == "welch_anova" && !row["comparison"].is_null());
    assert_eq!(pairs.map(|row| row["method"].as_str().unwrap()).collect::<Vec<_>>(), ["games_howell"; 3]);
    let manifest = workshop.manifest().to_string();
    assert!(manifest.contains("nearly any difference is significant"), "{manifest}");
}

#[test]
fn the_choice_of_a_test_has_a_reason() {
    let normal = "v,g\n1.1,a\n2.3,a\n2.0,a\n3.2,a\n2.6,a\n4.4,b\n5.1,b\n3.9,b\n4.7,b\n5.6,b\n";
    let (rows, record) = tested(normal, "{value: v, by: g}");
    assert_eq!(rows[0]["method"], "welch");
    assert!(rows[0]["why"].as_str().unwrap().contains("Shapiro-Wilk"), "{}", rows[0]);
    assert!(rows[0]["verdict"].as_str().unwrap().starts_with("The means of v differ between a and b"), "{}", rows[0]);
    assert!(record.to_string().contains("chosen because"), "{record}");
    let skewed = "v,g\n1,a\n1.1,a\n1.2,a\n1.05,a\n1.3,a\n900,a\n4.4,b\n5.1,b\n3.9,b\n4.7,b\n5.6,b\n";
    let (rows, _) = tested(skewed, "{value: v, by: g}");
    assert_eq!(rows[0]["method"], "mann_whitney");
    assert!(rows[0]["why"].as_str().unwrap().contains("do not look normally distributed"), "{}", rows[0]);
    let counts = "a,b\nx,1\nx,1\nx,1\nx,2\ny,2\ny,2\ny,2\n";
    let (rows, _) = tested(counts, "{columns: [a, b]}");
    assert_eq!(rows[0]["method"], "fisher");
    // 1 table of 35 is as extreme on one side, the hypergeometric 4 of 35 on this side and 1 on the other.
    close(&rows[0]["p_value"], 5.0 / 35.0);
}

#[test]
fn rows_without_a_value_are_left_out_and_counted() {
    let csv = "v,g\n1,a\n2,a\n3,a\n,a\nNaN,b\n4,\ninf,b\n2,b\n3,b\n7,b\n";
    let (rows, record) = tested(csv, "{value: v, by: g, method: welch}");
    assert_eq!((rows[0]["rows"].as_u64(), rows[0]["left_out"].as_u64()), (Some(6), Some(4)), "{}", rows[0]);
    assert!(record.to_string().contains("4 rows left out"), "{record}");
}

#[test]
fn what_is_not_defined_has_a_reason_in_the_table() {
    let verdict = |csv: &str, options: &str| {
        let (rows, _) = tested(csv, options);
        assert!(rows[0]["p_value"].is_null() && rows[0]["statistic"].is_null(), "{}", rows[0]);
        rows[0]["verdict"].as_str().unwrap().to_owned()
    };
    let constant = "v,g\n1,a\n1,a\n1,b\n1,b\n";
    assert_eq!(
        verdict(constant, "{value: v, by: g}"),
        "v by g: not defined because all values within each group are equal."
    );
    assert!(verdict("v,g\n1,a\n", "{value: v, by: g}").contains("fewer than two groups"));
    assert!(verdict("v,g\n1,a\n2,b\n3,b\n", "{value: v, by: g, method: welch}").contains("has 1 of the 2 values"));
    assert!(verdict("v,g\n1e300,a\n-1e300,a\n1,b\n2,b\n", "{value: v, by: g, method: welch}").contains("too large"));
    assert!(verdict("v,g\n1,a\n1,b\n", "{columns: [v, g]}").contains("fewer than two values"));
    assert!(verdict("v\n1\n1\n1\n", "{value: v, distribution: normal}").contains("all values are equal"));
}

#[test]
fn equivalence_power_shares_and_families() {
    let csv: String = std::iter::once("v,late,g\n".to_owned())
        .chain(
            (0..100).map(|n| format!("{},{},{}\n", f64::from(n % 10) / 10.0, n % 4 == 0, ["a", "b"][n as usize % 2])),
        )
        .collect();
    let options = "{power: {effect: 0.5}, hypotheses: [
        {name: same, value: v, by: g, equivalence: {low: -0.5, high: 0.5}},
        {name: differ, value: v, by: g, method: welch},
        {name: quarter, value: late, share: 0.25},
        {name: fit, columns: [g], shares: {a: 1, b: 1}}]}";
    let (rows, _) = tested(&csv, options);
    let row = |name: &str| rows.iter().find(|row| row["hypothesis"] == name).unwrap();
    assert!(row("same")["p_value"].as_f64().unwrap() < 1e-6, "{}", row("same"));
    assert!(row("same")["verdict"].as_str().unwrap().contains("surely within the bounds"), "{}", row("same"));
    close(&row("quarter")["p_value"], 1.0);
    close(&row("quarter")["estimate"], 0.25);
    close(&row("fit")["statistic"], 0.0);
    // statsmodels: TTestIndPower().power(0.5, 50, 0.05), and 64 in each group for 80 %.
    close(&row("differ")["power"], 0.696_893_405_533_383_7);
    assert_eq!(row("differ")["rows_needed"], 128);
    // Holm: the smallest of four p-values times four.
    close(&row("same")["p_adjusted"], 4.0 * row("same")["p_value"].as_f64().unwrap());
}

#[test]
fn questions_that_make_no_sense_are_refused_with_their_place() {
    let csv = "v,w,g\n1,2,a\n2,3,b\n3,4,c\n";
    for (options, wanted) in [
        ("{}", "say what is tested"),
        ("{value: v}", "with what is `v` compared?"),
        ("{value: vv, by: g}", "did you mean `v`?"),
        ("{value: g, by: v}", "column `g` holds"),
        ("{value: v, by: g, method: fisher}", "`fisher` does not answer this question"),
        ("{value: [v, w], by: g}", "`by` goes with one `value`"),
        ("{value: v, by: g, method: anova, alternative: less}", "`anova` has no sides"),
        ("{value: v, paired: true}", "`paired` needs two columns"),
        ("{columns: [v, w, g]}", "one or two columns"),
        ("{value: v, mean: 0, equivalence: {low: 2, high: 1}}", "`low` that is below its `high`"),
        ("{value: v, by: g, confidence: 2}", "`confidence` must be between"),
        ("{hypotheses: []}", "`hypotheses` is empty"),
        ("{method: welch, hypotheses: [{value: v, by: g}]}", "`hypotheses` holds the questions"),
        ("{value: v, mean: 0, share: 0.5, method: binomial, sharez: 1}", "sharez"),
    ] {
        let (code, text) = refused("check", csv, options);
        assert_eq!(code, Some(2), "{options}: {text}");
        assert!(text.contains(wanted), "{options}: {text}");
    }
    let (code, text) = refused("run", csv, "{value: v, by: g, method: welch}");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("`welch` compares two groups, but there are 3") && text.contains("welch_anova"), "{text}");
}

#[test]
fn very_many_groups_are_refused() {
    let csv: String = std::iter::once("v,g\n".to_owned()).chain((0..1500).map(|n| format!("{n},g{n}\n"))).collect();
    let (code, text) = refused("run", &csv, "{value: v, by: g}");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("more than 1000") && text.contains("derive"), "{text}");
}

#[test]
fn shares_have_ratios_and_wilsons_interval_beside_the_effect() {
    // 10 of 40 are late at a, 20 of 40 at b.
    let rows = |place: &str, late: &str, count: usize| format!("{place},{late},1\n").repeat(count);
    let parts = [("a", "true", 10), ("a", "false", 30), ("b", "true", 20), ("b", "false", 20)];
    let csv = format!("place,late,one\n{}", parts.map(|(place, late, count)| rows(place, late, count)).concat());
    let options = "{correction: none, hypotheses: [
        {name: counts, columns: [place, late]},
        {name: fisher, columns: [place, late], method: fisher},
        {name: shares, value: late, by: place},
        {name: third, value: late, share: 0.3}]}";
    let (rows, record) = tested(&csv, options);
    let row = |name: &str| rows.iter().find(|row| row["hypothesis"] == name).unwrap();
    // Katz: exp(ln 2 -+ 1.96 sqrt(1/20 - 1/40 + 1/10 - 1/40)); Woolf: exp(ln 3 -+ 1.96 sqrt(1/10 + 1/30 + 1/20 + 1/20)).
    let z = 1.959_963_984_540_054;
    let ends = |ratio: f64, variance: f64| [-1.0, 1.0].map(|side: f64| ratio * (side * z * variance.sqrt()).exp());
    close(&row("counts")["risk_ratio"], 2.0);
    close(&row("counts")["risk_ratio_low"], ends(2.0, 0.1)[0]);
    close(&row("counts")["risk_ratio_high"], ends(2.0, 0.1)[1]);
    close(&row("counts")["odds_ratio"], 3.0);
    close(&row("counts")["odds_ratio_low"], ends(3.0, 7.0 / 30.0)[0]);
    close(&row("fisher")["risk_ratio"], 2.0);
    assert_eq!(row("fisher")["odds_ratio"], row("fisher")["effect"]);
    close(&row("shares")["risk_ratio"], 0.5);
    let text = record.to_string();
    assert!(
        text.contains("For place = b, late is true 2 (95 % interval 1.08 to 3.72) times as often as for a."),
        "{text}"
    );
    // SciPy: binomtest(30, 80, 0.3).proportion_ci(method="wilson").
    close(&row("third")["wilson_low"], 0.276_941_787_015_311_8);
    close(&row("third")["wilson_high"], 0.484_512_745_368_570_03);
    assert!(text.contains("Counts: counts"), "{text}");
}

#[test]
fn an_analysis_of_variance_has_omega_squared_beside_eta_squared() {
    let csv = "v,g\n1,a\n2,a\n3,a\n4,b\n6,b\n5,b\n7,c\n9,c\n8,c\n";
    let (rows, _) = tested(csv, "{value: v, by: g, method: anova, post_hoc: none}");
    // Between groups 54 with 2 degrees of freedom, within 6 with 6: eta squared 54 / 60, omega squared (54 - 2) / 61.
    close(&rows[0]["effect"], 0.9);
    close(&rows[0]["omega_squared"], 52.0 / 61.0);
}

#[test]
fn ranks_that_do_not_fit_into_memory_end_the_run_with_advice() {
    let rows: String = (0..700_000_u32).map(|n| format!("{},{}\n", n * 7919 % 100_003, n % 2)).collect();
    let workshop = Workshop::with_pipeline(
        "name: p\nstages:\n  - read: {path: t.csv}\n  - test: {value: v, by: g, method: mann_whitney}\n",
    );
    workshop.write("t.csv", format!("v,g\n{rows}"));
    let outcome = workshop.gristmill(["run", "p.yaml", "--memory", "64MiB"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.stderr);
    for wanted in ["tests by ranks need their values in memory", "method: welch", "--memory"] {
        assert!(outcome.stderr.contains(wanted), "{wanted}: {}", outcome.stderr);
    }
}

#[test]
fn a_million_categories_are_refused() {
    let rows: String = (0..1_000_000_u32).map(|n| format!("c{n},{}\n", n % 2)).collect();
    let (code, text) = refused("run", &format!("a,b\n{rows}"), "{columns: [a, b]}");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("the categories are more than 1000"), "{text}");
}

/// Every kind of question about hostile columns.
const HOSTILE: &str = "{post_hoc: none, hypotheses: [
    {name: constant, value: same, by: g}, {name: constant anova, value: same, by: three, method: anova},
    {name: constant ranks, value: same, by: g, method: mann_whitney}, {name: constant mean, value: same, mean: 1},
    {name: constant levene, value: same, by: three, method: levene}, {name: constant ad, value: same, by: three, method: anderson_darling},
    {name: nothing, value: nothing, by: g}, {name: nothing mean, value: nothing, mean: 0}, {name: nothing normal, value: nothing, distribution: normal},
    {name: nothing ks, value: nothing, distribution: uniform}, {name: nothing share, value: yes, share: 0.5},
    {name: nothing counted, columns: [none, g]}, {name: one group, value: v, by: same}, {name: one category, columns: [same, g]},
    {name: one fit, columns: [same]}, {name: large, value: large, by: g, method: welch}, {name: large anova, value: large, by: three, method: anova},
    {name: large ranks, value: large, by: g, method: kruskal_wallis}, {name: large mean, value: large, mean: 0, method: t},
    {name: large normal, value: large, distribution: normal}, {name: large levene, value: large, by: g, method: brown_forsythe},
    {name: large pairs, value: [large, v], paired: true}, {name: endless, value: endless, by: g}, {name: endless ks, value: endless, by: g, method: kolmogorov_smirnov},
    {name: endless pairs, value: [endless, v], paired: true, method: wilcoxon}, {name: endless same, value: endless, mean: 0, equivalence: {low: -1, high: 1}},
    {name: singles, value: v, by: own}, {name: singles ranks, value: v, by: own, method: kruskal_wallis}, {name: singles counted, columns: [own, g]},
    {name: usual, value: v, by: g, method: welch}]}";

#[test]
fn hostile_columns_have_a_p_value_or_a_reason() {
    let head = "v,g,three,same,nothing,none,yes,large,endless,own\n";
    let row = |n: usize| {
        let large = ["1e300", "-1e300", "5e299", "2"][n % 4];
        let endless = ["inf", "-inf", "NaN", "1.5"][n % 4];
        format!("{}.5,{},{},1,,,,{large},{endless},o{n}\n", n * n % 7, ["a", "b"][n % 2], ["x", "y", "z"][n % 3])
    };
    for rows in [0, 1, 12] {
        let text = format!(
            "name: p\nstages:\n  - read: {{path: t.csv, types: {{v: double, g: string, three: string, same: double, nothing: double, none: string, yes: boolean, large: double, endless: double, own: string}}}}\n  - id: t\n    test: {}\n  - write: {{path: out.ndjson}}\n",
            HOSTILE.replace("post_hoc: none, ", "")
        );
        let workshop = Workshop::with_pipeline(&text);
        workshop.write("t.csv", format!("{head}{}", (0..rows).map(row).collect::<String>()));
        let outcome = workshop.gristmill(["run", "p.yaml"]);
        assert_eq!(outcome.code, Some(0), "{rows} rows: {}", outcome.stderr);
        let found = workshop.read_ndjson("out.ndjson");
        assert_eq!(found.len(), 30, "{rows} rows: {found:?}");
        for row in &found {
            match row["p_value"].as_f64() {
                Some(p) => assert!((0.0..=1.0).contains(&p) && row["statistic"].is_f64(), "{rows} rows: {row}"),
                None => assert!(row["verdict"].as_str().unwrap().contains("not defined because"), "{rows} rows: {row}"),
            }
        }
        let defined = found.iter().filter(|row| row["p_value"].is_f64()).count();
        assert!(if rows == 12 { defined > 5 } else { defined <= 2 }, "{rows} rows: {defined} of 30 are defined");
        assert!(!workshop.manifest().to_string().contains("NaN"), "{rows} rows");
    }
}
