//! Nothing that can be written makes the binder panic, overflow or answer nonsense.

use proptest::prelude::*;

use super::super::depth;
use super::*;

#[test]
fn long_chains_are_fine_and_stay_shallow() {
    let any: Vec<String> = (0..900).map(|n| format!("i = {n}")).collect();
    assert!(depth(&bound(&any.join(" or "))) < 32);
    let list: Vec<String> = (0..6000).map(|n| n.to_string()).collect();
    assert!(compile(&format!("i in ({})", list.join(",")), &schema()).is_ok());
    let text = vec!["s"; 1500].join(" || ");
    assert_eq!(depth(&bound(&text)), 2);
}

#[test]
fn nothing_exhausts_the_stack() {
    let nested = |open: &str, inner: &str, close: &str, levels: usize| {
        format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
    };
    let message = |sql: String| {
        let errors = compile(&sql, &schema()).err().unwrap_or_default();
        errors.first().map(|error| error.message.clone()).unwrap_or_default()
    };
    assert_eq!(message(nested("(", "1", ")", 10_000)), "brackets are nested more than 64 deep");
    assert_eq!(message(nested("[", "1", "]", 10_000)), "brackets are nested more than 64 deep");
    assert_eq!(message("(".repeat(60_000)), "brackets are nested more than 64 deep");
    assert_eq!(message(nested("not ", "b", "", 3_000)), "signs and `not` are nested more than 64 deep");
    assert_eq!(message(nested("- ", "i", "", 3_000)), "signs and `not` are nested more than 64 deep");
    assert_eq!(message(nested("- not - ", "i", "", 30)), "signs and `not` are nested more than 64 deep");
    assert_eq!(message(nested("case when b then ", "i", " end", 700)), "`case` is nested more than 64 deep");
    assert_eq!(message(nested("1 + ", "i", "", 1_900)), "the expression is 1901 levels deep; at most 200 are allowed");
    assert_eq!(message(nested("", "i", "::int::bigint", 900)), "the expression is nested more than 160 deep");
    assert_eq!(message(nested("", "i", " is null", 1_500)), "the expression is nested more than 160 deep");
    assert_eq!(message(nested("", "i", " between 1 and 2", 700)), "the expression is nested more than 160 deep");
    assert_eq!(message(nested("", "l", "[1]", 1_200)), "`list` of `list_extract` must be list, not int64");
    assert_eq!(
        message(nested("i +", "i", "", 20_000)),
        "the expression is too long: it has more than 4000 words and signs"
    );
    assert_eq!(message(nested("'", "", "", 70_000)), "the expression has 70000 bytes; at most 65536 are allowed");
    assert_eq!(message(nested("", "i", " at time zone 'UTC'", 900)), "the expression is nested more than 160 deep");
    assert!(!message(nested("int[", "i", "]", 60)).is_empty());
    assert!(!message(nested("interval ", "1", " day", 60)).is_empty());
    assert!(!message(nested("not - - not - (", "i", ")", 60)).is_empty());
    assert!(!message(nested("case b when - not (", "i", ") then 1 end", 60)).is_empty());
    assert!(!message(nested("cast(i as list<", "int", ">)", 60)).is_empty());
    assert!(!message(nested("cast(i as array<", "int", ">)", 1)).is_empty());
    assert!(compile(&nested("(", "i", ")", 60), &schema()).is_ok());
    assert!(compile(&nested("lower(", "s", ")", 60), &schema()).is_ok());
}

#[test]
fn nested_copies_do_not_explode() {
    let mut sql = "i".to_owned();
    for _ in 0..40 {
        sql = format!("case ({sql}) when 1 then 2 when 3 then 4 else 5 end");
    }
    let errors = compile(&sql, &schema()).unwrap_err();
    assert_eq!(errors[0].message, "the expression has more than 20000 parts when it is written out");
    let mut sql = "b".to_owned();
    for _ in 0..40 {
        sql = format!("({sql}) between b and b");
    }
    assert!(compile(&sql, &schema()).is_err());
}

/// Checks what engines rely on: operands have one type, conditions are boolean, no interval stands alone.
fn assert_well_typed(expr: &Expr) {
    expr.visit(&mut |node| match &node.kind {
        ExprKind::Binary(operator, left, right) => match operator {
            BinaryOperator::And | BinaryOperator::Or => {
                assert_eq!((&left.data_type, &right.data_type), (&DataType::Boolean, &DataType::Boolean));
            }
            _ if matches!(right.data_type, DataType::Interval | DataType::Duration) => {}
            _ => assert_same(&left.data_type, &right.data_type, node),
        },
        ExprKind::InList(value, list) => list.iter().for_each(|item| assert_eq!(item.data_type, value.data_type)),
        ExprKind::Case { branches, otherwise } => {
            for (condition, value) in branches {
                assert_eq!(condition.data_type, DataType::Boolean);
                assert_eq!(value.data_type, node.data_type);
            }
            if let Some(otherwise) = otherwise {
                assert_eq!(otherwise.data_type, node.data_type);
            }
        }
        ExprKind::Cast { value, .. } => assert_ne!(value.data_type, node.data_type),
        _ => {}
    });
}

/// Two zones are one type to compare: an instant is an instant.
fn assert_same(left: &DataType, right: &DataType, node: &Expr) {
    match (left, right) {
        (DataType::Datetime(Some(_)), DataType::Datetime(Some(_))) => {}
        _ => assert_eq!(left, right, "{node:?}"),
    }
}

fn leaf() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "i",
        "small",
        "u",
        "f",
        "f32",
        "price",
        "s",
        "b",
        "d",
        "t",
        "z",
        "clock",
        "l",
        "null",
        "1",
        "-2",
        "1.5",
        "'a'",
        "true",
        "'2013-01-01'",
        "date '2013-01-01'",
        "interval '2 days'",
        "interval '1 month'",
        "[1]",
        "''",
    ])
    .prop_map(str::to_owned)
}

fn expression() -> impl Strategy<Value = String> {
    leaf().prop_recursive(4, 48, 3, |inner| {
        let operator = prop::sample::select(vec![
            "+",
            "-",
            "*",
            "/",
            "//",
            "%",
            "=",
            "<>",
            "<",
            ">=",
            "and",
            "or",
            "||",
            "~",
            "is distinct from",
            "like",
            "in",
            "::",
        ]);
        let functions: Vec<&'static str> = Function::all().iter().map(|function| function.name()).collect();
        let function = prop::sample::select(functions);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(a, operator, b)| match operator {
                "in" => format!("({a}) in ({b}, {a})"),
                "::" => format!("({a})::double"),
                _ => format!("({a}) {operator} ({b})"),
            }),
            (function, prop::collection::vec(inner.clone(), 0..4))
                .prop_map(|(function, arguments)| format!("{function}({})", arguments.join(", "))),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("case when {a} then {b} else {c} end")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("sum({a}) over (partition by {b} order by {a})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) between {b} and {a}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn random_text_never_panics(text in "\\PC{0,60}") {
        let _ = compile(&text, &schema());
    }

    #[test]
    fn random_words_never_panic(words in prop::collection::vec(prop::sample::select(vec![
        "i", "s", "(", ")", "[", "]", ",", "case", "when", "then", "else", "end", "not", "in", "between", "and", "is", "null", "cast",
        "as", "int", "::", "interval", "'1 day'", "date", "'x'", "over", "partition", "by", "order", "filter", "where", "sum", "*", "-", "+",
        "||", "extract", "from", "year", "at", "time", "zone", "distinct", "like", "escape", "trim", "substring", "position", ".", "\"", "{", "}",
        ":", "$1", "?", "->", "select", "array", "struct", "lambda", "e'\\", "0x", "1e", "1.5", "é",
    ]), 0..24)) {
        let _ = compile(&words.join(" "), &schema());
    }

    #[test]
    fn whatever_binds_is_well_typed_and_survives_json(sql in expression()) {
        match compile(&sql, &schema()) {
            Ok(expr) => {
                assert_well_typed(&expr);
                let json = serde_json::to_string(&expr).unwrap();
                prop_assert_eq!(serde_json::from_str::<Expr>(&json).unwrap(), expr);
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    prop_assert!(sql.get(error.span.clone()).is_some(), "{:?} in {}", error, sql);
                }
            }
        }
    }
}
