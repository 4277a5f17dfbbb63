//! Every kind of relation gives the rows that DuckDB gives for the SQL that is printed for it.
//!
//! `tests/oracle/relations_duckdb.py` runs the printed SQL (`tests/cases/relations/duckdb.json`) and stores the rows
//! (`expected.json`). After a change, `GRISTMILL_BLESS=1 cargo test` writes `duckdb.json` anew; then the script is run.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use gristmill::engine::sql::{Dialect, print_relation};
use gristmill::engine::{Engine, Execution};
use gristmill::expression::{Expr, SortKey, compile_aggregate_by, compile_predicate, compile_scalar};
use gristmill::relation::{Asof, AsofDirection, Join, JoinKind, Keep, NamedExpr, Relation, Scan, ScanSource, Tap};
use serde_json::{Map, Value, json};

use crate::oracle::{Tables, folder, read, rows_and_types, same};

struct Case {
    id: &'static str,
    relation: Arc<Relation>,
    /// Whether the rows come in a stated order.
    ordered: bool,
}

fn table(tables: &Tables, name: &str) -> Arc<Relation> {
    let schema = tables.scans[name].schema.clone();
    Arc::new(Relation::Scan(Scan { source: ScanSource::Artifact(name.to_owned()), schema }))
}

fn named(name: &str, expr: Expr) -> NamedExpr {
    NamedExpr { name: name.to_owned(), expr }
}

fn project(input: Arc<Relation>, columns: &[(&str, &str)]) -> Arc<Relation> {
    let schema = input.schema();
    let columns = columns.iter().map(|(name, sql)| named(name, compile_scalar(sql, &schema).unwrap())).collect();
    Arc::new(Relation::Project { input, columns })
}

fn filter(input: Arc<Relation>, sql: &str) -> Arc<Relation> {
    let predicate = compile_predicate(sql, &input.schema()).unwrap();
    Arc::new(Relation::Filter { input, predicate })
}

fn aggregate(input: Arc<Relation>, keys: &[&str], aggregates: &[(&str, &str)]) -> Arc<Relation> {
    let schema = input.schema();
    let aggregates =
        aggregates.iter().map(|(name, sql)| named(name, compile_aggregate_by(sql, &schema, keys).unwrap())).collect();
    let keys = keys.iter().map(|key| named(key, compile_scalar(key, &schema).unwrap())).collect();
    Arc::new(Relation::Aggregate { input, keys, aggregates })
}

fn keys(input: &Relation, keys: &[(&str, bool, bool)]) -> Vec<SortKey> {
    keys.iter()
        .map(|(sql, descending, nulls_first)| SortKey {
            expr: compile_scalar(sql, &input.schema()).unwrap(),
            descending: *descending,
            nulls_first: *nulls_first,
        })
        .collect()
}

fn sort(input: Arc<Relation>, by: &[(&str, bool, bool)]) -> Arc<Relation> {
    let keys = keys(&input, by);
    Arc::new(Relation::Sort { input, keys })
}

fn deduplicate(input: Arc<Relation>, on: &[&str], keep: Keep, by: &[(&str, bool, bool)]) -> Arc<Relation> {
    let order_by = keys(&input, by);
    Arc::new(Relation::Deduplicate { input, keys: on.iter().map(|key| (*key).to_owned()).collect(), keep, order_by })
}

fn tapped(input: Arc<Relation>, stage: &str) -> Arc<Relation> {
    let tap = Tap { stage: stage.to_owned(), point: "out".to_owned(), counters: Vec::new(), samples: Vec::new() };
    Arc::new(Relation::Tap { input, tap: Arc::new(tap) })
}

fn join(
    kind: JoinKind,
    left: Arc<Relation>,
    right: Arc<Relation>,
    on: &[(&str, &str)],
    take: &[(&str, &str)],
    asof: Option<(&str, &str, AsofDirection)>,
) -> Arc<Relation> {
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let asof = asof.map(|(left, right, direction)| Asof { left: left.into(), right: right.into(), direction });
    Arc::new(Relation::Join(Box::new(Join { left, right, kind, on: pairs(on), take: pairs(take), asof })))
}

fn cases(tables: &Tables) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |id, ordered, relation| cases.push(Case { id, relation, ordered });
    let groups = || table(tables, "groups");
    let numbers = || table(tables, "numbers");
    let plain: (&str, bool, bool) = ("n", false, false);

    add("a scan", true, groups());
    add("a filter", true, filter(groups(), "x > 1 or s = 'q'"));
    add("a filter that is null", true, filter(groups(), "b"));
    add(
        "a projection",
        true,
        project(
            groups(),
            &[("n", "n"), ("x", "x * 2"), ("label", "concat_ws('-', g, s)"), ("later", "d + interval '1 month'")],
        ),
    );
    add(
        "windows",
        true,
        project(
            groups(),
            &[
                ("n", "n"),
                ("running", "sum(x) over (partition by g order by h)"),
                ("number", "row_number() over (partition by g order by h desc)"),
                ("rank", "rank() over (order by x desc nulls first)"),
                ("before", "lag(s, 1, '-') over (partition by h order by y)"),
                ("share", "y / sum(y) over (partition by h)"),
            ],
        ),
    );
    add("a union", true, Arc::new(Relation::Union { inputs: vec![groups(), filter(groups(), "h = 1"), groups()] }));
    add(
        "groups",
        false,
        aggregate(
            groups(),
            &["g", "h"],
            &[
                ("rows", "count(*)"),
                ("sum", "sum(x)"),
                ("first", "first(s)"),
                ("all", "list(x)"),
                ("rate", "mean(b) + max(y)"),
            ],
        ),
    );
    add(
        "one group",
        true,
        aggregate(groups(), &[], &[("rows", "count(*)"), ("least", "min(d)"), ("texts", "string_agg(s)")]),
    );
    add(
        "one group of no rows",
        true,
        aggregate(filter(groups(), "x > 100"), &[], &[("rows", "count(*)"), ("sum", "sum(x)")]),
    );
    add("keys alone", false, aggregate(groups(), &["g"], &[]));
    add("the first of each", true, deduplicate(groups(), &["g"], Keep::First, &[]));
    add("the last of each", true, deduplicate(groups(), &["g"], Keep::Last, &[]));
    add("the largest of each", true, deduplicate(groups(), &["g", "h"], Keep::First, &[("x", true, false)]));
    add("the last in an order", true, deduplicate(groups(), &["g"], Keep::Last, &[("y", false, false), plain]));
    add(
        "the last in an order with nulls first",
        true,
        deduplicate(groups(), &["g"], Keep::Last, &[("x", false, true)]),
    );
    add("rows without a twin", true, deduplicate(groups(), &["g", "s"], Keep::None, &[]));
    add("any of each", true, deduplicate(groups(), &["s", "b"], Keep::Any, &[]));
    add("sorted", true, sort(groups(), &[("g", true, false), ("x", false, true)]));
    add("sorted with ties", true, sort(groups(), &[("h", false, false)]));
    add("sorted by a value", true, sort(groups(), &[("abs(x - 3)", false, false), ("length(s)", true, true)]));
    add(
        "limited",
        true,
        Arc::new(Relation::Limit { input: sort(groups(), &[("y", true, false), plain]), offset: 2, rows: 3 }),
    );
    add("limited without rows", true, Arc::new(Relation::Limit { input: groups(), offset: 50, rows: 3 }));
    add("numbered", true, Arc::new(Relation::RowIndex { input: filter(groups(), "h = 2"), name: "row".to_owned() }));

    for (id, keep_empty) in [("elements of lists", false), ("elements of lists and rows without", true)] {
        let lists = [("n", "n"), ("up", "range(x)"), ("down", "list_reverse(range(x))"), ("s", "s")];
        let columns = vec!["up".to_owned(), "down".to_owned()];
        add(id, true, Arc::new(Relation::Explode { input: project(groups(), &lists), columns, keep_empty }));
    }
    let replay = filter(groups(), "false");
    add("rows to learn from", true, Arc::new(Relation::Learning { rows: filter(groups(), "h = 1"), replay }));

    let take = [("f", "f"), ("i", "right i")];
    for (id, kind) in [
        ("an inner join", JoinKind::Inner),
        ("a left join", JoinKind::Left),
        ("a right join", JoinKind::Right),
        ("a full join", JoinKind::Full),
    ] {
        add(id, false, join(kind, groups(), numbers(), &[("x", "n")], &take, None));
    }
    for (id, kind) in [("a semi join", JoinKind::Semi), ("an anti join", JoinKind::Anti)] {
        add(id, false, join(kind, groups(), numbers(), &[("x", "n")], &[], None));
    }
    add(
        "a join on two keys",
        false,
        join(JoinKind::Left, groups(), groups(), &[("g", "g"), ("h", "h")], &[("n", "m")], None),
    );
    add(
        "a cross join",
        false,
        join(JoinKind::Cross, filter(groups(), "h = 2"), table(tables, "small"), &[], &[("x", "z")], None),
    );
    let days = || project(table(tables, "days"), &[("n", "n"), ("t", "t"), ("k", "n % 2")]);
    let clocks = || filter(table(tables, "clocks"), "t is not null");
    for (id, direction) in [
        ("as of before", AsofDirection::Backward),
        ("as of after", AsofDirection::Forward),
        ("as of the nearest", AsofDirection::Nearest),
    ] {
        let order = Some(("t", "t", direction));
        add(id, false, join(JoinKind::Asof, days(), clocks(), &[], &[("n", "m"), ("t", "then")], order));
    }
    let even = || project(clocks(), &[("n", "n"), ("t", "t"), ("k", "n % 2")]);
    add(
        "as of before within keys",
        false,
        join(
            JoinKind::Asof,
            days(),
            even(),
            &[("k", "k")],
            &[("t", "then")],
            Some(("t", "t", AsofDirection::Backward)),
        ),
    );

    let cleaned = tapped(filter(tapped(groups(), "read"), "g is not null"), "clean");
    let sums = tapped(aggregate(cleaned.clone(), &["g"], &[("total", "sum(x)")]), "sums");
    let beside = join(JoinKind::Left, cleaned, sums, &[("g", "g")], &[("total", "total")], None);
    add("stages, one read twice", false, tapped(beside, "beside"));
    cases
}

#[test]
fn relations_agree_with_duckdb() {
    let tables = Tables::new();
    let expected = read("relations/expected.json");
    let mut wrong = Vec::new();
    for case in cases(&tables) {
        let relation = case.relation.replace_scans(&mut |scan| match &scan.source {
            ScanSource::Artifact(name) => Some(Arc::new(Relation::Scan(tables.scans[name].clone()))),
            _ => None,
        });
        let batches = match tables.engine.collect(&relation, &Execution::default()) {
            Ok(batches) => batches,
            Err(error) => {
                wrong.push(format!("{}: {error}", case.id));
                continue;
            }
        };
        let (mut rows, types) = rows_and_types(&batches);
        let Some(wanted) = expected.get(case.id) else {
            wrong.push(format!("{}: no expected rows", case.id));
            continue;
        };
        if !case.ordered {
            rows.sort_by_key(|row| Value::from(row.clone()).to_string());
        }
        let wanted_types: Vec<&str> = wanted["types"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        if !rows.is_empty() && types != wanted_types {
            wrong.push(format!("{}: types {types:?}, not {wanted_types:?}", case.id));
        }
        let mut wanted: Vec<Vec<Value>> =
            wanted["rows"].as_array().unwrap().iter().map(|row| row.as_array().unwrap().clone()).collect();
        if !case.ordered {
            wanted.sort_by_key(|row| Value::from(row.clone()).to_string());
        }
        let alike = |found: &Vec<Value>, wanted: &Vec<Value>| {
            found.iter().zip(wanted).zip(&types).all(|((f, w), kind)| same(f, w, kind.starts_with("DOUBLE"), false))
        };
        if rows.len() != wanted.len() || !rows.iter().zip(&wanted).all(|(found, wanted)| alike(found, wanted)) {
            wrong.push(format!("{}:\n    {}\nis not\n    {}", case.id, Value::from(rows), Value::from(wanted)));
        }
    }
    assert!(wrong.is_empty(), "{} relations differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_stored_statements_are_what_is_printed() {
    let tables = Tables::new();
    let printed: Map<String, Value> = cases(&tables)
        .iter()
        .map(|case| (case.id.to_owned(), json!({"sql": print_relation(&case.relation, Dialect::DuckDb).unwrap()})))
        .collect();
    let printed = serde_json::to_string_pretty(&printed).unwrap() + "\n";
    let path = folder("relations").join("duckdb.json");
    if std::env::var_os("GRISTMILL_BLESS").is_some() {
        std::fs::create_dir_all(folder("relations")).unwrap();
        std::fs::write(&path, &printed).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == printed, "the printed SQL has changed: see the head of this file");
}

#[test]
fn stages_name_the_table_expressions() {
    let tables = Tables::new();
    let case = cases(&tables).into_iter().find(|case| case.id == "stages, one read twice").unwrap();
    let sql = print_relation(&case.relation, Dialect::DuckDb).unwrap();
    for name in ["\"read\" AS (", "\"clean\" AS (", "\"sums\" AS (", "\"beside\" AS (", "SELECT * FROM \"beside\""] {
        assert_eq!(sql.matches(name).count(), 1, "{name} in {sql}");
    }
}
