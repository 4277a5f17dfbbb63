//! `itemsets` through the program: the three places that items come from, rules that are confirmed, features, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::support::{Workshop, root, stage, unexplained};

/// Four baskets: bread and milk twice, milk alone, nothing at all; `a` and `b` stand apart in the file.
const LONG: &str = "basket,item\na,bread\nb,bread\nc,milk\na,milk\nb,milk\na,bread\nd,\n,milk\n";

fn sets(rows: &[Value]) -> Vec<(Vec<String>, i64)> {
    let items = |row: &Value| serde_json::from_value(row["items"].clone()).unwrap();
    rows.iter().map(|row| (items(row), row["count"].as_i64().unwrap())).collect()
}

fn named(sets: &[(&[&str], i64)]) -> Vec<(Vec<String>, i64)> {
    sets.iter().map(|(items, count)| (items.iter().map(|item| (*item).to_owned()).collect(), *count)).collect()
}

#[test]
fn a_basket_is_the_same_as_columns_as_a_list_and_in_long_form() {
    let workshop = Workshop::with_pipeline(
        "name: p
stages:
  - id: long
    read: {path: long.csv}
  - id: from_long
    from: long
    itemsets: {items: {basket: basket, item: item}, min_count: 2}
  - id: long_written
    from: from_long
    write: {path: long.ndjson}
  - id: texts
    read: {path: lists.csv}
  - id: lists
    derive: {items: \"split(text, ' ')\"}
  - id: from_lists
    from: lists
    itemsets: {items: {list: items}, min_support: 0.5, kind: closed}
  - id: lists_written
    from: from_lists
    write: {path: lists.ndjson}
  - id: from_columns
    from: texts
    itemsets: {items: [kind, size, x], top: 3, min_length: 2}
  - id: columns_written
    from: from_columns
    write: {path: columns.ndjson}
",
    );
    workshop.write("long.csv", LONG);
    workshop
        .write("lists.csv", "text,kind,size,x\nbread milk,a,1,0.5\nmilk bread milk,a,1,1.5\nmilk,b,1,2.5\n,b,2,3.5\n");
    let manifest = workshop.run();
    let expected = named(&[(&["milk"], 3), (&["bread"], 2), (&["bread", "milk"], 2)]);
    assert_eq!(sets(&workshop.read_ndjson("long.ndjson")), expected);
    let support: Vec<f64> =
        workshop.read_ndjson("long.ndjson").iter().map(|row| row["support"].as_f64().unwrap()).collect();
    assert_eq!(support, [0.75, 0.5, 0.5], "a basket with a null alone is a basket; a row without a basket is none");
    let warnings = manifest["warnings"].to_string();
    assert!(warnings.contains("name no basket and were left out"), "{warnings}");
    assert_eq!(sets(&workshop.read_ndjson("lists.ndjson")), named(&[(&["milk"], 3), (&["bread", "milk"], 2)]));
    let columns = sets(&workshop.read_ndjson("columns.ndjson"));
    assert_eq!(columns[0], named(&[(&["kind=a", "size=1"], 2)])[0]);
    assert_eq!(columns.len(), 3);
    for id in ["from_long", "from_lists", "from_columns"] {
        assert_eq!(unexplained(stage(&manifest, id)), Some(0), "{id}");
    }
}

/// Rows in which `y` follows from `x` (8 of 10 times), and `z` from nothing.
fn rows() -> String {
    let mut text = "row,x,y,z,number\n".to_owned();
    for row in 0..400_u32 {
        let x = row % 2;
        let y = if row / 2 % 10 < 8 { x } else { 1 - x };
        let (z, number) = (row * 7919 % 1009 % 3, f64::from(row * 31 % 97) / 4.0 + f64::from(y) * 100.0);
        text += &format!("{row},x{x},y{y},z{z},{number}\n");
    }
    text
}

const RULES: &str = "name: p
stages:
  - id: rows
    read: {path: rows.csv}
  - id: ready
    split: {by: hash, on: row, parts: {train: 0.6, test: 0.4}}
  - id: foretold
    itemsets:
      items: [x, y, z]
      min_support: 0.05
      rules: {min_confidence: 0.3, min_lift: 0, consequent: {only: y}, antecedent: {without: y, max: 1}}
      confirm: {on: test}
  - id: written
    write: {path: rules.ndjson}
  - id: with_features
    from: ready
    itemsets: {items: [x, y, number], min_support: 0.05, bins: 2, features: {top: 4, prefix: f_}}
  - id: features_written
    write: {path: features.ndjson}
  - id: sets
    from: with_features.sets
    write: {path: sets.ndjson}
";

#[test]
fn rules_are_measured_again_on_the_other_part() {
    let workshop = Workshop::with_pipeline(RULES);
    workshop.write("rows.csv", rows());
    let manifest = workshop.run();
    let rules = workshop.read_ndjson("rules.ndjson");
    let rows = workshop.read_ndjson("features.ndjson");
    let of = |part: &str| rows.iter().filter(|row| row["part"] == part).collect::<Vec<_>>();
    let (train, test) = (of("train"), of("test"));
    assert!(train.len() > 100 && test.len() > 100);
    assert!(rules.len() >= 4, "{rules:?}");
    for rule in &rules {
        let item = |side: &str| {
            let item = rule[side][0].as_str().unwrap().split_once('=').unwrap();
            (item.0.to_owned(), item.1.to_owned())
        };
        let (when, then) = (item("antecedent"), item("consequent"));
        assert_eq!(then.0, "y");
        let holds = |row: &&&Value, item: &(String, String)| row[&item.0] == item.1.as_str();
        for (rows, count, confidence) in
            [(&train, "count", "confidence"), (&test, "confirm_count", "confirm_confidence")]
        {
            let with = rows.iter().filter(|row| holds(row, &when)).count();
            let both = rows.iter().filter(|row| holds(row, &when) && holds(row, &then)).count();
            assert_eq!(rule[count].as_u64().unwrap(), both as u64, "{rule}");
            assert!((rule[confidence].as_f64().unwrap() - both as f64 / with as f64).abs() < 1e-12, "{rule}");
        }
        // What follows by construction is confirmed, its opposite is not; what chance does with `z` is not known beforehand.
        let true_rule = when.0 == "x" && when.1.strip_prefix('x') == then.1.strip_prefix('y');
        if when.0 == "x" {
            assert_eq!(rule["confirmed"], true_rule, "{rule}");
        }
        assert!(rule["p_adjusted"].as_f64().unwrap() >= rule["p_value"].as_f64().unwrap());
    }
    assert_eq!(unexplained(stage(&manifest, "foretold")), Some(0));
}

#[test]
fn features_say_which_sets_hold_in_a_row_of_any_part() {
    let workshop = Workshop::with_pipeline(RULES);
    workshop.write("rows.csv", rows());
    let manifest = workshop.run();
    let rows = workshop.read_ndjson("features.ndjson");
    assert_eq!(rows.len(), 400);
    let sets = workshop.read_ndjson("sets.ndjson");
    let wanted: Vec<Vec<String>> = sets
        .iter()
        .map(|set| serde_json::from_value::<Vec<String>>(set["items"].clone()).unwrap())
        .filter(|set| set.len() > 1)
        .take(4)
        .collect();
    assert_eq!(wanted.len(), 4);
    let mut seen = [0; 4];
    for row in &rows {
        let holds = |item: &String| {
            let (column, value) = item.split_once('=').unwrap();
            match (value.strip_prefix("<="), value.strip_prefix('>')) {
                (Some(most), _) => row[column].as_f64().unwrap() <= most.parse().unwrap(),
                (_, Some(above)) => row[column].as_f64().unwrap() > above.parse().unwrap(),
                _ => row[column] == value,
            }
        };
        let expected: Vec<bool> = wanted.iter().map(|set| set.iter().all(holds)).collect();
        for (feature, expected) in expected.iter().enumerate() {
            assert_eq!(row[format!("f_{}", feature + 1)], *expected, "{row}");
            seen[feature] += usize::from(*expected);
        }
        assert_eq!(row["f_count"].as_u64().unwrap(), expected.iter().filter(|holds| **holds).count() as u64);
    }
    assert!(seen.iter().all(|rows| *rows > 20 && *rows < 400), "{seen:?}");
    assert_eq!(unexplained(stage(&manifest, "with_features")), Some(0));
}

#[test]
fn what_cannot_be_is_refused_at_its_place() {
    for (options, place, message) in [
        ("{items: [x], min_support: 0}", "5:41", "`min_support` must be larger than 0 and at most 1"),
        ("{items: [x], min_count: 0}", "5:39", "`min_count` must be at least 1"),
        ("{items: [x], min_count: 2, min_support: 0.1}", "5:39", "say either `min_support` or `min_count`"),
        ("{items: [xx]}", "5:24", "unknown column `xx`"),
        ("{items: {list: x}}", "5:30", "column `x` holds string, not lists of items"),
        ("{items: {basket: x}}", "5:23", "`items` names columns, or a `list`, or a `basket` and an `item`"),
        ("{items: {basket: x, item: x}}", "5:41", "`basket` and `item` must be different columns"),
        ("{items: [x], kind: maximal, rules: {}}", "5:50", "which maximal sets do not tell"),
        ("{items: [x], rules: {consequent: zz}}", "5:48", "`zz` is no column of `items`"),
        ("{items: [x], confirm: {on: test}}", "5:42", "`confirm` measures rules"),
        (
            "{items: [x], rules: {}, confirm: {on: test}}",
            "5:53",
            "`confirm` needs rows that the rules were not mined from",
        ),
        ("{items: {basket: x, item: y}, features: {}}", "5:5", "`features` needs a basket in each row"),
        (
            "{items: {basket: x, item: y}, features: {}}",
            "5:5",
            "`aggregate: {by: [x], compute: {items: 'list(y)'}}`, then",
        ),
        ("{items: [x], top: 0}", "5:33", "`top` must be at least 1"),
    ] {
        let workshop = Workshop::with_pipeline(&format!(
            "name: p\nstages:\n  - id: rows\n    read: {{path: rows.csv}}\n  - itemsets: {options}\n"
        ));
        workshop.write("rows.csv", "x,y\na,b\n");
        let outcome = workshop.gristmill(["check", "p.yaml"]);
        assert_eq!(outcome.code, Some(2), "{options}: {} {}", outcome.stdout, outcome.stderr);
        let text = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(text.contains(message), "{options}: {text}");
        assert!(text.contains(&format!("p.yaml:{place}")), "{options} at {place}: {text}");
    }
}

#[test]
fn odd_rows_give_a_stated_result() {
    let mined = |rows: &str, options: &str| {
        let workshop = Workshop::with_pipeline(&format!(
            "name: p\nstages:\n  - id: rows\n    read: {{path: rows.csv, types: {{x: string, n: float}}}}\n  - itemsets: {options}\n  - write: {{path: out.ndjson}}\n"
        ));
        workshop.write("rows.csv", rows);
        let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
        let found = if outcome.code == Some(0) { sets(&workshop.read_ndjson("out.ndjson")) } else { Vec::new() };
        (outcome, found)
    };
    for rows in ["x,n\n", "x,n\n,\n,\n"] {
        let (outcome, found) = mined(rows, "{items: [x, n]}");
        assert_eq!((outcome.code, found), (Some(0), Vec::new()), "{rows:?}: {}", outcome.stderr);
    }
    assert_eq!(mined("x,n\na,5\n", "{items: x, top: 5}").1, named(&[(&["x=a"], 1)]));
    let many: String = (0..20).map(|row| format!("a,{}\n", row)).collect();
    let (outcome, _) = mined(&format!("x,n\n{many}"), "{items: [x, n], min_count: 1, limit: 3}");
    assert_eq!(outcome.code, Some(4));
    assert!(
        outcome.stderr.contains("more than 3 itemsets occur in at least 1 of the 20 transactions"),
        "{}",
        outcome.stderr
    );
}

/// FNV-1a, as `tests/oracle/itemsets_pyfim.py` has it.
fn hash(text: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
    format!("{:016x}", text.bytes().fold(0xCBF2_9CE4_8422_2325, step))
}

#[test]
fn sets_of_all_flights_are_those_of_pyfim_to_the_last_one() {
    let oracle: Value = serde_json::from_str(include_str!("../data/oracle/itemsets_pyfim.json")).unwrap();
    let cases = oracle["table"]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 3);
    let mut text =
        "name: p\nstages:\n  - id: flights\n    read: {path: flights.csv.gz, null_values: [NA]}\n".to_owned();
    for case in cases {
        let (kind, columns) = (case["kind"].as_str().unwrap(), &oracle["table"]["columns"]);
        text += &format!(
            "  - from: flights\n    itemsets: {{items: {columns}, kind: {kind}, min_support: {}}}\n  - write: {{path: {kind}.ndjson}}\n",
            case["support"]
        );
    }
    let workshop = Workshop::with_pipeline(&text);
    let flights = root().join("sample-data/flights/flights.csv.gz");
    std::os::unix::fs::symlink(flights, workshop.path().join("flights.csv.gz")).unwrap();
    workshop.run();
    for case in cases {
        let kind = case["kind"].as_str().unwrap();
        let found = sets(&workshop.read_ndjson(&format!("{kind}.ndjson")));
        let expected: Vec<usize> = serde_json::from_value(case["lengths"].clone()).unwrap();
        let of_length = |length: usize| found.iter().filter(|(items, _)| items.len() == length + 1).count();
        assert_eq!((0..expected.len()).map(of_length).collect::<Vec<_>>(), expected, "{kind}");
        let mut lines: Vec<String> = found
            .into_iter()
            .map(|(mut items, count)| {
                items.sort();
                format!("{} ({count})\n", items.join(" "))
            })
            .collect();
        lines.sort();
        assert_eq!(hash(&lines.concat()), case["hash"].as_str().unwrap(), "{kind}");
    }
}

#[test]
fn rules_of_closed_sets_count_the_parts_of_the_sets() {
    let workshop = Workshop::with_pipeline(
        "name: p
stages:
  - id: long
    read: {path: long.csv}
  - itemsets: {items: {basket: basket, item: item}, min_count: 1, kind: closed, rules: {min_confidence: 0, min_lift: 0}}
  - write: {path: rules.ndjson}
  - id: baskets
    from: long
    aggregate: {by: [basket], compute: {items: 'list(item)'}}
  - id: featured
    itemsets: {items: {list: items}, min_count: 2, features: {top: 1}}
  - write: {path: features.ndjson}
",
    );
    // Bread comes with milk each time, so that bread alone is not closed.
    workshop.write("long.csv", LONG);
    workshop.run();
    let rules = workshop.read_ndjson("rules.ndjson");
    let found: Vec<(Value, Value, f64, f64)> = rules
        .iter()
        .map(|rule| {
            let number = |name: &str| rule[name].as_f64().unwrap();
            (rule["antecedent"][0].clone(), rule["consequent"][0].clone(), number("confidence"), number("lift"))
        })
        .collect();
    let rule = |when: &str, then: &str, confidence: f64| (Value::from(when), Value::from(then), confidence, 4.0 / 3.0);
    assert_eq!(found, [rule("bread", "milk", 1.0), rule("milk", "bread", 2.0 / 3.0)]);
    // What the refusal of features advises.
    let rows = workshop.read_ndjson("features.ndjson");
    let mut holding: Vec<(Option<&str>, bool)> =
        rows.iter().map(|row| (row["basket"].as_str(), row["set_1"].as_bool().unwrap())).collect();
    holding.sort_unstable();
    assert_eq!(holding, [(None, false), (Some("a"), true), (Some("b"), true), (Some("c"), false), (Some("d"), false)]);
}
