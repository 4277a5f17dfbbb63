//! Types, coercions, names.

mod errors;
mod limits;

use super::super::*;

fn schema() -> Schema {
    let columns = [
        ("i", DataType::Int64),
        ("small", DataType::Int32),
        ("u", DataType::UInt64),
        ("f", DataType::Float64),
        ("f32", DataType::Float32),
        ("price", DataType::Decimal(10, 2)),
        ("s", DataType::String),
        ("b", DataType::Boolean),
        ("d", DataType::Date),
        ("t", DataType::Datetime(None)),
        ("z", DataType::Datetime(Some("UTC".to_owned()))),
        ("clock", DataType::Time),
        ("l", DataType::List(Box::new(DataType::Int64))),
        ("date", DataType::Date),
        ("Name", DataType::String),
        ("NAME", DataType::String),
        ("Odd name", DataType::Int64),
        ("a.b", DataType::Int64),
    ];
    Schema::new(columns.into_iter().map(|(name, data_type)| Field::new(name, data_type)).collect()).unwrap()
}

fn bound(sql: &str) -> Expr {
    compile(sql, &schema()).unwrap_or_else(|errors| panic!("{sql}: {errors:?}"))
}

fn type_of(sql: &str) -> String {
    bound(sql).data_type.to_string()
}

/// The message of the only error, with the part of the text that it points at.
fn error(sql: &str) -> (String, String) {
    let errors = compile(sql, &schema()).unwrap_err();
    assert_eq!(errors.len(), 1, "{sql}: {errors:?}");
    (errors[0].message.clone(), sql[errors[0].span.clone()].to_owned())
}

#[test]
fn arithmetic_is_int64_or_float64() {
    for (sql, expected) in [
        ("small + 1", "int64"),
        ("u + small", "int64"),
        ("i / 2", "float64"),
        ("i // 2", "int64"),
        ("i % 2", "int64"),
        ("i * 1.5", "float64"),
        ("f32 + f32", "float64"),
        ("price * 2", "float64"),
        ("price + price", "float64"),
        ("-small", "int64"),
        ("-price", "float64"),
        ("null + 1", "int64"),
        ("mod(f, 2)", "float64"),
    ] {
        assert_eq!(type_of(sql), expected, "{sql}");
    }
}

#[test]
fn arithmetic_casts_columns_and_turns_literals() {
    let expr = bound("small + 1.5");
    let ExprKind::Binary(BinaryOperator::Add, left, right) = &expr.kind else { panic!("{expr:?}") };
    assert!(matches!(&left.kind, ExprKind::Cast { strict: true, .. }));
    assert!(matches!(&right.kind, ExprKind::Literal(Literal::Float(value)) if *value == 1.5));
    let expr = bound("f + 1");
    let ExprKind::Binary(_, _, right) = &expr.kind else { panic!("{expr:?}") };
    assert!(matches!(&right.kind, ExprKind::Literal(Literal::Float(value)) if *value == 1.0));
}

#[test]
fn a_literal_that_fits_leaves_the_column_as_it_is() {
    let expr = bound("small = 5");
    let ExprKind::Binary(BinaryOperator::Equal, left, right) = &expr.kind else { panic!("{expr:?}") };
    assert!(matches!(&left.kind, ExprKind::Column(name) if name == "small"));
    assert_eq!(right.data_type, DataType::Int32);
    let expr = bound("small = 5000000000");
    let ExprKind::Binary(BinaryOperator::Equal, left, _) = &expr.kind else { panic!("{expr:?}") };
    assert_eq!((left.data_type.clone(), matches!(left.kind, ExprKind::Cast { .. })), (DataType::Int64, true));
}

#[test]
fn text_beside_a_date_is_a_date() {
    let expr = bound("d >= '2013-01-31'");
    let ExprKind::Binary(_, _, right) = &expr.kind else { panic!("{expr:?}") };
    // 43 years of 365 days, 11 leap days between 1970 and 2013, and 30 days.
    assert_eq!(right.kind, ExprKind::Literal(Literal::Date(43 * 365 + 11 + 30)));
    let expr = bound("z = '1970-01-01 02:00:00.5+02'");
    let ExprKind::Binary(_, _, right) = &expr.kind else { panic!("{expr:?}") };
    assert_eq!(right.kind, ExprKind::Literal(Literal::Datetime(500_000)));
    let expr = bound("clock < '00:00:01'");
    let ExprKind::Binary(_, _, right) = &expr.kind else { panic!("{expr:?}") };
    assert_eq!(right.kind, ExprKind::Literal(Literal::Time(1_000_000_000)));
}

#[test]
fn supertypes_of_choices() {
    for (sql, expected) in [
        ("coalesce(small, 0)", "int32"),
        ("coalesce(small, i)", "int64"),
        ("coalesce(i, 0.5)", "float64"),
        ("case when b then 1 else 2.5 end", "float64"),
        ("case when b then null else 's' end", "string"),
        ("case i when 1 then 'a' end", "string"),
        ("greatest(d, t)", "datetime"),
        ("if(b, d, '2013-01-01')", "date"),
        ("[1, 2.5, null]", "list(float64)"),
        ("[[1], [2.5]]", "list(list(float64))"),
        ("l || [0.5]", "list(float64)"),
        ("coalesce(null, null)", "null"),
        ("nullif(i, 0)", "int64"),
    ] {
        assert_eq!(type_of(sql), expected, "{sql}");
    }
}

#[test]
fn arithmetic_of_time() {
    for (sql, expected) in [
        ("d + interval '3 days'", "date"),
        ("d - interval 1 month", "date"),
        ("d + interval '3 hours'", "datetime"),
        ("interval '1 day' + t", "datetime"),
        ("z + interval '1 day'", "datetime(UTC)"),
        ("d - d", "int64"),
        ("t - t", "duration"),
        ("t - d", "duration"),
        ("z - z", "duration"),
        ("t - '2013-01-01'", "duration"),
        ("t + (t - t)", "datetime"),
        ("(t - t) > interval '3 hours'", "boolean"),
        ("epoch(t - t) / 3600", "float64"),
        ("date_trunc('month', d)", "date"),
        ("date_trunc('hour', d)", "datetime"),
        ("date_add('day', i, d)", "date"),
        ("t at time zone 'Europe/Berlin'", "datetime(Europe/Berlin)"),
        ("z at time zone 'Europe/Berlin'", "datetime"),
        ("strptime(s, '%Y-%m-%d')", "datetime"),
        ("strptime(s, '%Y-%m-%d %H:%M %z')", "datetime(UTC)"),
    ] {
        assert_eq!(type_of(sql), expected, "{sql}");
    }
}

#[test]
fn intervals_are_read_in_all_their_spellings() {
    let literal = |sql: &str| match bound(&format!("d + {sql}")).kind {
        ExprKind::Binary(_, _, interval) => interval.kind,
        other => panic!("{other:?}"),
    };
    let interval = |months, days, microseconds| ExprKind::Literal(Literal::Interval { months, days, microseconds });
    assert_eq!(literal("interval '3 days'"), interval(0, 3, 0));
    assert_eq!(literal("interval 3 day"), interval(0, 3, 0));
    assert_eq!(literal("interval '2' week"), interval(0, 14, 0));
    assert_eq!(literal("interval '1 year 2 months 3 days 04:05:06.5'"), interval(14, 3, 14_706_500_000));
    assert_eq!(literal("interval '1.5 hours'"), interval(0, 0, 5_400_000_000));
    assert_eq!(literal("interval '-1 day'"), interval(0, -1, 0));
    assert_eq!(literal("interval '1y 3d'"), interval(12, 3, 0));
    assert_eq!(literal("interval (-2) month"), interval(-2, 0, 0));
}

#[test]
fn a_case_with_an_operand_compares_it_each_time() {
    let expr = bound("case i when 1 then 'a' when 2 then 'b' end");
    assert_eq!(expr, bound("case when i = 1 then 'a' when i = 2 then 'b' end"));
}

#[test]
fn between_is_two_comparisons() {
    assert_eq!(bound("i between 1 and 2"), bound("i >= 1 and i <= 2"));
    assert_eq!(bound("i not between 1 and 2"), bound("not (i >= 1 and i <= 2)"));
}

#[test]
fn precedence_is_that_of_sql() {
    assert_eq!(bound("1 + 2 * 3"), bound("1 + (2 * 3)"));
    assert_eq!(bound("not b and b or b"), bound("((not b) and b) or b"));
    assert_eq!(bound("not i = 1"), bound("not (i = 1)"));
    assert_eq!(bound("s || s = s"), bound("(s || s) = s"));
    assert_eq!(bound("i between 1 and 2 and b"), bound("(i between 1 and 2) and b"));
    assert_eq!(bound("-i::float"), bound("-(i::float)"));
    assert_eq!(bound("i - 1 - 2"), bound("(i - 1) - 2"));
    assert_eq!(bound("i is null = b"), bound("(i is null) = b"));
}

#[test]
fn names_are_exact_first_and_then_in_any_case() {
    assert_eq!(bound("I + SMALL"), bound("i + small"));
    assert_eq!(bound("\"Odd name\"").kind, ExprKind::Column("Odd name".to_owned()));
    assert_eq!(bound("Name").kind, ExprKind::Column("Name".to_owned()));
    assert_eq!(bound("date").kind, ExprKind::Column("date".to_owned()));
    assert_eq!(error("name"), ("`name` can be two columns".to_owned(), "name".to_owned()));
    assert_eq!(error("\"I\"").0, "unknown column `I`");
    let errors = compile("prise > 1", &schema()).unwrap_err();
    assert_eq!(errors[0].label.as_deref(), Some("did you mean `price`?"));
    let errors = compile("a.b", &schema()).unwrap_err();
    assert_eq!(errors[0].help.as_deref(), Some("write the column as \"a.b\", in double quotes"));
}

#[test]
fn spans_are_bytes_even_behind_wide_characters_and_lines() {
    let sql = "s = 'é→𝄞' and\n  ünknown > 1";
    let errors = compile(sql, &schema()).unwrap_err();
    assert_eq!(&sql[errors[0].span.clone()], "ünknown");
    let expr = bound("  round(f, 2) + i");
    assert_eq!(expr.span.range(), 2..17);
}

#[test]
fn aggregates_and_windows_keep_their_clauses() {
    let ExprKind::Aggregate(aggregate) = bound("list(s order by i desc nulls first) filter (where b)").kind else {
        panic!()
    };
    assert_eq!((aggregate.function, aggregate.order_by.len()), (Function::List, 1));
    assert!(aggregate.order_by[0].descending && aggregate.order_by[0].nulls_first && aggregate.filter.is_some());
    let frame = |sql: &str| match bound(sql).kind {
        ExprKind::Aggregate(aggregate) => aggregate.over.unwrap().frame,
        other => panic!("{other:?}"),
    };
    assert_eq!(frame("sum(i) over (partition by s)"), Frame::Partition);
    assert_eq!(frame("sum(i) over (order by d)"), Frame::ToCurrentRow);
    assert_eq!(
        frame("sum(i) over (order by d rows between unbounded preceding and unbounded following)"),
        Frame::Partition
    );
    assert_eq!(frame("lag(i) over (order by d)"), Frame::Partition);
    let ExprKind::Aggregate(aggregate) = bound("count(distinct s)").kind else { panic!() };
    assert!(aggregate.distinct);
    assert_eq!(bound("count()"), bound("count(*)"));
}

#[test]
fn a_condition_is_boolean_and_looks_at_one_row() {
    let message = |sql: &str| compile_predicate(sql, &schema()).unwrap_err()[0].message.clone();
    assert!(compile_predicate("i > 1", &schema()).is_ok());
    assert_eq!(compile_predicate("null", &schema()).unwrap().data_type, DataType::Boolean);
    assert_eq!(message("i"), "a condition is boolean, not int64");
    assert_eq!(message("sum(i) > 1"), "`sum` looks at many rows, but a value per row is needed here");
    assert_eq!(message("count(*) > 1"), "`count(*)` looks at many rows, but a value per row is needed here");
    assert_eq!(message("row_number() over () = 1"), "`row_number` over a window cannot stand in a condition");
    assert!(compile_scalar("row_number() over ()", &schema()).is_ok());
}

#[test]
fn columns_stand_inside_aggregates_or_are_keys() {
    assert!(compile_aggregate("sum(i) / count(*) + 1", &schema()).is_ok());
    let errors = compile_aggregate("sum(i) + small", &schema()).unwrap_err();
    assert_eq!(errors[0].message, "column `small` has many values in a group");
    assert!(compile_aggregate_by("sum(i) + small", &schema(), &["small"]).is_ok());
    assert!(compile_aggregate("sum(i) over ()", &schema()).is_err());
}
