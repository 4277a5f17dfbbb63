//! Aggregates and joins that do not fit into memory, against the same in memory and against quadratic definitions.
//!
//! A budget of some kilobytes makes small tables large: partitions are folded, spilled, dealt out again and taken apart.

mod joins;
mod pipelines;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::expression::{Aggregate, ExprKind, Function, Literal};
use crate::relation::{Join, JoinKind};

fn small(budget: u64) -> PolarsEngine {
    PolarsEngine::new(PolarsOptions { threads: None, memory_budget: Some(budget) })
}

fn floats(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(arrow::array::Float64Array::from(values.to_vec()))
}

fn float(name: &str) -> Expr {
    Expr::column(name, DataType::Float64)
}

/// A table of rows with keys of three types and values.
#[derive(Debug, Clone, Default)]
struct Rows {
    n: Vec<Option<i64>>,
    x: Vec<Option<f64>>,
    s: Vec<Option<String>>,
    v: Vec<Option<i64>>,
    w: Vec<Option<f64>>,
}

impl Rows {
    fn relation(&self, engine: &PolarsEngine) -> Arc<Relation> {
        let s: Vec<Option<&str>> = self.s.iter().map(Option::as_deref).collect();
        table(
            engine,
            vec![
                ("n", DataType::Int64, integers(&self.n)),
                ("x", DataType::Float64, floats(&self.x)),
                ("s", DataType::String, texts(&s)),
                ("v", DataType::Int64, integers(&self.v)),
                ("w", DataType::Float64, floats(&self.w)),
                ("row", DataType::Int64, numbers(0..i64::try_from(self.n.len()).unwrap())),
            ],
        )
    }
}

/// Rows of which `skew` in ten have the key 0.
fn some_rows(most: usize, keys: i64) -> impl Strategy<Value = Rows> {
    let row = move |skew: u32| {
        let n = prop_oneof![skew => Just(Some(0)), 1 => Just(None), 10 => (0..keys).prop_map(Some)];
        let x = prop_oneof![
            1 => Just(None), 1 => Just(Some(f64::NAN)), 1 => Just(Some(-0.0)), 1 => Just(Some(0.0)),
            6 => (0_i32..40).prop_map(|x| Some(f64::from(x) / 4.0)),
        ];
        let s = prop_oneof![
            1 => Just(None),
            5 => (0..keys).prop_map(|k| Some(format!("k{k}"))),
            4 => (0..keys).prop_map(|k| Some(format!("a longer text that does not fit into a view {k}"))),
        ];
        let v = prop_oneof![1 => Just(None), 9 => (-1000_i64..1000).prop_map(Some)];
        let w = prop_oneof![1 => Just(None), 20 => (-4000_i32..4000).prop_map(|w| Some(f64::from(w) / 8.0))];
        (n, x, s, v, w)
    };
    (0_u32..40, 1..most).prop_flat_map(move |(skew, count)| prop::collection::vec(row(skew), count)).prop_map(|rows| {
        let mut all = Rows::default();
        for (n, x, s, v, w) in rows {
            all.n.push(n);
            all.x.push(x);
            all.s.push(s);
            all.v.push(v);
            all.w.push(w);
        }
        all
    })
}

fn call(function: Function, argument: Expr, result: DataType) -> Expr {
    Expr::aggregate(function, vec![argument], result)
}

fn call_with(function: Function, argument: Expr, result: DataType, change: impl FnOnce(&mut Aggregate)) -> Expr {
    let mut expr = call(function, argument, result);
    if let ExprKind::Aggregate(aggregate) = &mut expr.kind {
        change(aggregate);
    }
    expr
}

/// Calls that can be summed up.
fn sums() -> Vec<NamedExpr> {
    use DataType::{Boolean, Float64, Int64};
    let positive = greater(integer("v"), 0);
    vec![
        named("rows", Expr::aggregate(Function::CountAll, vec![], Int64)),
        named("some", call(Function::Count, integer("v"), Int64)),
        named("positive", call(Function::CountIf, positive.clone(), Int64)),
        named("sum_v", call(Function::Sum, integer("v"), Int64)),
        named("sum_w", call(Function::Sum, float("w"), Float64)),
        named("min_s", call(Function::Min, string("s"), DataType::String)),
        named("max_x", call(Function::Max, float("x"), Float64)),
        named("mean_w", call(Function::Mean, float("w"), Float64)),
        named("std_w", call(Function::StddevSamp, float("w"), Float64)),
        named("var_w", call(Function::VarPop, float("w"), Float64)),
        named("all", call(Function::BoolAnd, positive.clone(), Boolean)),
        named("any", call(Function::BoolOr, positive.clone(), Boolean)),
        named("filtered", call_with(Function::Sum, integer("v"), Int64, |call| call.filter = Some(positive))),
    ]
}

/// Calls that need all rows of a group, but can be taken apart when it is too large.
fn wholes() -> Vec<NamedExpr> {
    use DataType::{Float64, Int64};
    let quarter = |argument: Expr| vec![argument, Expr::literal(Literal::Float(0.25), Float64)];
    vec![
        named("median", call(Function::Median, float("w"), Float64)),
        named("quarter", Expr::aggregate(Function::Quantile, quarter(float("w")), Float64)),
        named("disc", Expr::aggregate(Function::QuantileDisc, quarter(integer("v")), Int64)),
        named("different", call_with(Function::Count, integer("v"), Int64, |call| call.distinct = true)),
        named("sum_different", call_with(Function::Sum, integer("v"), Int64, |call| call.distinct = true)),
        named("mode", call(Function::Mode, integer("v"), Int64)),
        named("mean", call(Function::Mean, float("w"), Float64)),
        named("rows", Expr::aggregate(Function::CountAll, vec![], Int64)),
    ]
}

/// Calls that look at the order of the rows.
fn in_order() -> Vec<NamedExpr> {
    use DataType::Int64;
    vec![
        named("first", call(Function::First, integer("row"), Int64)),
        named("last", call(Function::Last, integer("row"), Int64)),
        named("any", call(Function::AnyValue, integer("v"), Int64)),
        named("rows", call(Function::List, integer("row"), DataType::List(Box::new(Int64)))),
    ]
}

fn aggregate(input: &Arc<Relation>, keys: &[&str], aggregates: Vec<NamedExpr>) -> Relation {
    let schema = input.schema();
    let keys = keys.iter().map(|&key| named(key, Expr::column(key, schema.data_type(key).unwrap().clone()))).collect();
    Relation::Aggregate { input: input.clone(), keys, aggregates }
}

/// Whether rows are equal, numbers up to rounding.
fn assert_alike(found: &[String], expected: &[String]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let (ours, theirs): (Vec<&str>, Vec<&str>) = (found.split(' ').collect(), expected.split(' ').collect());
        assert_eq!(ours.len(), theirs.len(), "{found} and {expected}");
        for (a, b) in ours.iter().zip(&theirs) {
            let alike = match (a.parse::<f64>(), b.parse::<f64>()) {
                (Ok(x), Ok(y)) => (x - y).abs() <= 1e-9 * (1.0 + y.abs()) || x.is_nan() && y.is_nan(),
                _ => a == b,
            };
            assert!(alike, "{found} is not {expected}");
        }
    }
}

/// The rows with the keys in front written alike: both zeros are one key.
fn of_groups(engine: &PolarsEngine, relation: &Relation) -> Vec<String> {
    sorted(rows(engine, relation).into_iter().map(|row| row.replace("-0.0", "0.0")).collect())
}

fn keys(which: usize) -> &'static [&'static str] {
    [&["n"][..], &["x"], &["s"], &["n", "s"], &["x", "n"], &[]][which]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn groups_are_the_same_in_any_memory(
        data in some_rows(1200, 200), which in 0_usize..6, calls in 0_usize..3, budget in 60_u64..250,
    ) {
        let aggregates = [sums, wholes, in_order][calls]();
        let found = |engine: &PolarsEngine| {
            let input = data.relation(engine);
            of_groups(engine, &aggregate(&input, keys(which), aggregates.clone()))
        };
        // A list of everything needs memory for everything.
        let budget = if calls == 2 && which == 5 { 4000 } else { budget };
        let small = small(budget << 10);
        let input = data.relation(&small);
        let outcome = small.collect(&aggregate(&input, keys(which), aggregates.clone()), &Execution::default());
        match outcome {
            Ok(_) => assert_alike(&found(&small), &found(&engine())),
            // Only what depends on the order of a whole group cannot be taken apart.
            Err(error) => prop_assert!(calls == 2 && error.class == Class::Limit, "{error:?}"),
        }
    }

    #[test]
    fn sums_agree_with_their_definition(
        data in prop::collection::vec((prop::option::of(0_i64..500), prop::option::of(-50_i64..50)), 1..3000),
        budget in 30_u64..90,
    ) {
        let engine = small(budget << 10);
        let (keys, values): (Vec<_>, Vec<_>) = data.iter().copied().unzip();
        let input =
            table(&engine, vec![("k", DataType::Int64, integers(&keys)), ("v", DataType::Int64, integers(&values))]);
        let calls = vec![
            named("sum", call(Function::Sum, integer("v"), DataType::Int64)),
            named("rows", Expr::aggregate(Function::CountAll, vec![], DataType::Int64)),
            named("least", call(Function::Min, integer("v"), DataType::Int64)),
        ];
        let mut groups: BTreeMap<Option<i64>, (Option<i64>, i64, Option<i64>)> = BTreeMap::new();
        for (key, value) in &data {
            let group = groups.entry(*key).or_insert((None, 0, None));
            group.1 += 1;
            if let Some(value) = value {
                group.0 = Some(group.0.unwrap_or(0) + value);
                group.2 = Some(group.2.map_or(*value, |least| least.min(*value)));
            }
        }
        let shown = |value: Option<i64>| value.map_or("-".to_owned(), |value| value.to_string());
        let expected = groups
            .iter()
            .map(|(key, (sum, rows, least))| format!("{} {} {rows} {}", shown(*key), shown(*sum), shown(*least)))
            .collect();
        prop_assert_eq!(sorted(rows(&engine, &aggregate(&input, &["k"], calls))), sorted(expected));
    }
}

#[test]
fn a_large_group_can_be_taken_apart() {
    let count = 200_000_i64;
    let engine = small(1 << 20);
    let key: Vec<Option<i64>> = (0..count).map(|i| Some(i64::from(i % 1000 == 0))).collect();
    let input = table(
        &engine,
        vec![
            ("k", DataType::Int64, integers(&key)),
            ("w", DataType::Float64, floats(&(0..count).map(|i| Some((i * 7919 % count) as f64)).collect::<Vec<_>>())),
            ("v", DataType::Int64, integers(&(0..count).map(|i| Some(i % 4321)).collect::<Vec<_>>())),
        ],
    );
    let calls = vec![
        named("median", call(Function::Median, float("w"), DataType::Float64)),
        named("different", call_with(Function::Count, integer("v"), DataType::Int64, |call| call.distinct = true)),
        named("rows", Expr::aggregate(Function::CountAll, vec![], DataType::Int64)),
    ];
    // Without keys the values are 0 to 199,999, each once; 7919 is a prime that does not divide 200,000.
    assert_eq!(rows(&engine, &aggregate(&input, &[], calls.clone())), ["99999.5 4321 200000"]);
    let groups = sorted(rows(&engine, &aggregate(&input, &["k"], calls)));
    // The group of 1: rows 0, 1000, .., 199,000, whose values are the multiples of 1000, so their median is 99,500.
    assert_eq!(groups[1], "1 99500.0 200 200");
    assert!(groups[0].ends_with(" 199800") && groups.len() == 2);
}

#[test]
fn a_list_of_a_group_that_memory_does_not_hold_is_refused_by_name() {
    let engine = small(1 << 18);
    let input = table(&engine, vec![("v", DataType::Int64, numbers(0..100_000))]);
    let list = named("all", call(Function::List, integer("v"), DataType::List(Box::new(DataType::Int64))));
    let error = engine.collect(&aggregate(&input, &[], vec![list]), &Execution::default()).unwrap_err();
    assert_eq!(error.class, Class::Limit);
    assert!(error.message.contains("a group of 100000 rows is too large for list"), "{}", error.message);
}

#[test]
fn taps_on_both_sides_of_an_operator_count_each_row_once() {
    let engine = small(64 << 10);
    let tap = |input: Arc<Relation>, point: &str| {
        let tap = crate::relation::Tap {
            stage: "s".to_owned(),
            point: point.to_owned(),
            counters: vec![named("positive", greater(integer("v"), 0))],
            samples: vec![],
        };
        Arc::new(Relation::Tap { input, tap: Arc::new(tap) })
    };
    let values = |from: i64| {
        table(
            &engine,
            vec![("k", DataType::Int64, numbers(0..20_000)), ("v", DataType::Int64, numbers(from..from + 20_000))],
        )
    };
    let (left, right) = (tap(values(-4999), "left"), tap(values(-9999), "right"));
    let join = Arc::new(Relation::Join(Box::new(Join {
        left,
        right,
        kind: JoinKind::Inner,
        on: vec![("k".to_owned(), "k".to_owned())],
        take: vec![("v".to_owned(), "other".to_owned())],
        asof: None,
    })));
    let sums = vec![named("v", call(Function::Sum, integer("other"), DataType::Int64))];
    let groups = aggregate(&tap(join, "joined"), &["k"], sums);
    let execution = Execution::default();
    engine.collect(&tap(Arc::new(groups), "groups"), &execution).unwrap();
    let counts = execution.tally.snapshot();
    let count = |point: &str| {
        let found = &counts[&("s".to_owned(), point.to_owned())];
        (found.rows, found.counters["positive"])
    };
    // Values above zero: 20,000 less those from the first up to 0.
    assert_eq!(count("left"), (20_000, 15_000));
    assert_eq!(count("right"), (20_000, 10_000));
    assert_eq!(count("joined"), (20_000, 15_000));
    assert_eq!(count("groups"), (20_000, 10_000));
}
