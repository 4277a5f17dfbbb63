//! Whole pipelines of operators that memory is too small for.

use super::joins::joined;
use super::*;
use crate::relation::Keep;

/// One node more on top of a relation with the columns of [`Rows`].
#[derive(Debug, Clone)]
enum Step {
    Filter(i64),
    Sort(bool),
    Deduplicate(usize, Keep),
    Limit(u64, u64),
    Join(JoinKind, usize),
    Union,
    Window(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop::sample::select(vec![JoinKind::Inner, JoinKind::Left, JoinKind::Semi, JoinKind::Anti]);
    prop_oneof![
        2 => (-900_i64..200).prop_map(Step::Filter),
        2 => any::<bool>().prop_map(Step::Sort),
        2 => (0_usize..5, prop::sample::select(vec![Keep::First, Keep::Last, Keep::None])).prop_map(|(on, keep)| Step::Deduplicate(on, keep)),
        1 => (0_u64..50, 20_u64..2000).prop_map(|(offset, rows)| Step::Limit(offset, rows)),
        4 => (kind, 0_usize..5).prop_map(|(kind, on)| Step::Join(kind, on)),
        1 => Just(Step::Union),
        2 => (0_usize..5).prop_map(Step::Window),
    ]
}

fn all(schema: &Schema) -> Vec<NamedExpr> {
    let column =
        |field: &crate::expression::Field| named(&field.name, Expr::column(&field.name, field.data_type.clone()));
    schema.fields().iter().map(column).collect()
}

impl Step {
    fn over(&self, input: Arc<Relation>, base: &Arc<Relation>, labels: &Arc<Relation>) -> Relation {
        match self {
            Self::Filter(above) => Relation::Filter { input, predicate: greater(integer("v"), *above) },
            Self::Sort(by_text) => {
                let first = if *by_text { string("s") } else { float("x") };
                Relation::Sort { input, keys: vec![ascending(first), ascending(integer("n"))] }
            }
            Self::Deduplicate(on, keep) => Relation::Deduplicate {
                input,
                keys: keys(*on).iter().map(|&key| key.to_owned()).collect(),
                keep: *keep,
                order_by: vec![ascending(integer("v"))],
            },
            Self::Limit(offset, rows) => Relation::Limit { input, offset: *offset, rows: *rows },
            Self::Join(kind, on) => {
                let schema = input.schema();
                let joined = joined(&input, labels, *kind, keys(*on));
                // What is taken takes the place of a column, so that the next step finds its columns.
                let mut columns = all(&schema);
                if joined.schema().contains("their_v") {
                    columns.retain(|column| column.name != "v");
                    columns.push(named("v", integer("their_v")));
                }
                Relation::Project { input: Arc::new(joined), columns }
            }
            Self::Union => {
                let columns = all(&base.schema());
                let input = Relation::Project { input, columns: columns.clone() };
                let base = Relation::Project { input: base.clone(), columns };
                Relation::Union { inputs: vec![Arc::new(input), Arc::new(base)] }
            }
            Self::Window(by) => {
                let schema = input.schema();
                let window = crate::expression::Window {
                    partition_by: keys(*by)
                        .iter()
                        .map(|&key| Expr::column(key, schema.data_type(key).unwrap().clone()))
                        .collect(),
                    order_by: vec![ascending(integer("v"))],
                    frame: crate::expression::Frame::ToCurrentRow,
                };
                let number = Aggregate {
                    function: Function::RowNumber,
                    arguments: vec![],
                    distinct: false,
                    filter: None,
                    order_by: vec![],
                    over: Some(window),
                };
                let mut columns = all(&schema);
                columns.retain(|column| column.name != "row");
                columns.push(named("row", Expr::new(ExprKind::Aggregate(Box::new(number)), DataType::Int64)));
                Relation::Project { input, columns }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn whole_pipelines_give_the_same_rows_and_counts_in_any_memory(
        base in some_rows(900, 80), labels in some_rows(150, 120), steps in prop::collection::vec(step(), 1..6),
        grouped in prop::option::of(0_usize..5), budget in 40_u64..150,
    ) {
        // One join may repeat rows; more of them would make too many.
        let mut repeats = false;
        let mut steps = steps;
        for step in &mut steps {
            if let Step::Join(kind @ (JoinKind::Inner | JoinKind::Left), _) = step
                && std::mem::replace(&mut repeats, true)
            {
                *kind = JoinKind::Semi;
            }
        }
        let run = |engine: &PolarsEngine| {
            let (base, labels) = (base.relation(engine), labels.relation(engine));
            let mut relation = base.clone();
            for (at, step) in steps.iter().enumerate() {
                let tap = crate::relation::Tap {
                    stage: format!("s{at}"),
                    point: "out".to_owned(),
                    counters: vec![named("positive", greater(integer("v"), 0))],
                    samples: vec![],
                };
                relation = Arc::new(step.over(relation, &base, &labels));
                relation = Arc::new(Relation::Tap { input: relation, tap: Arc::new(tap) });
            }
            let execution = Execution::default();
            let found = match grouped {
                Some(which) => {
                    let groups = aggregate(&relation, keys(which), sums());
                    sorted(text(&engine.collect(&groups, &execution)?, &groups.schema()))
                }
                None => text(&engine.collect(&relation, &execution)?, &relation.schema()),
            };
            let found: Vec<String> = found.into_iter().map(|row| row.replace("-0.0", "0.0")).collect();
            Ok::<_, EngineError>((found, execution.tally.snapshot()))
        };
        let expected = run(&engine()).unwrap();
        match run(&small(budget << 10)) {
            Ok(found) => {
                // Rows above a limit need not all go by, so their number is no promise.
                if !steps.iter().any(|step| matches!(step, Step::Limit(..))) {
                    prop_assert_eq!(found.1, expected.1);
                }
                assert_alike(&sorted_if(grouped.is_some(), found.0), &sorted_if(grouped.is_some(), expected.0));
            }
            // One key of a window or a group can be too large.
            Err(error) => prop_assert!(error.class == Class::Limit, "{error:?}"),
        }
    }
}

fn sorted_if(wanted: bool, rows: Vec<String>) -> Vec<String> {
    if wanted { sorted(rows) } else { rows }
}
