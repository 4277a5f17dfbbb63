//! The table of cases in `tests/cases/expressions`: what two engines run is checked here without one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<serde_json::Value>>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    r#type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    sql: String,
    rows: String,
    kind: Kind,
    #[serde(default)]
    group_by: Vec<String>,
    error: Option<String>,
    at: Option<String>,
}

/// A value per row, a value of many rows, an error while binding, or an error while an engine computes.
#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Scalar,
    Aggregate,
    Error,
    Failure,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/expressions")
}

fn tables() -> BTreeMap<String, Schema> {
    let text = std::fs::read_to_string(folder().join("tables.json")).unwrap();
    let tables: BTreeMap<String, Table> = serde_json::from_str(&text).unwrap();
    let schema = |table: Table| {
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
        Schema::new(table.columns.into_iter().map(|column| Field::new(column.name, named(&column.r#type))).collect())
            .unwrap()
    };
    tables.into_iter().map(|(name, table)| (name, schema(table))).collect()
}

fn named(name: &str) -> DataType {
    if let Some(element) = name.strip_prefix("list(").and_then(|rest| rest.strip_suffix(')')) {
        return DataType::List(Box::new(named(element)));
    }
    let plain = [
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal(10, 2),
        DataType::String,
        DataType::Date,
        DataType::Time,
        DataType::Datetime(None),
        DataType::Datetime(Some("UTC".to_owned())),
    ];
    plain.into_iter().find(|data_type| data_type.to_string() == name).unwrap_or_else(|| panic!("unknown type {name}"))
}

fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") && !path.ends_with("tables.json") {
            let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            all.extend(cases);
        }
    }
    all
}

fn compiled(case: &Case, schema: &Schema) -> Result<Expr, Vec<ExpressionError>> {
    let keys: Vec<&str> = case.group_by.iter().map(String::as_str).collect();
    match case.kind {
        Kind::Aggregate => compile_aggregate_by(&case.sql, schema, &keys),
        Kind::Scalar | Kind::Failure => compile_scalar(&case.sql, schema),
        Kind::Error => compile(&case.sql, schema),
    }
}

#[test]
fn cases_bind_or_fail_as_they_say() {
    let tables = tables();
    let mut wrong = Vec::new();
    for case in cases() {
        let result = compiled(&case, &tables[&case.rows]);
        match (&case.kind, result) {
            (Kind::Error, Err(errors)) => {
                let error = &errors[0];
                assert_eq!(Some(&error.message), case.error.as_ref(), "{}", case.sql);
                assert_eq!(case.sql.get(error.span.clone()), case.at.as_deref(), "{}", case.sql);
            }
            (Kind::Error, Ok(_)) => panic!("{} should fail", case.sql),
            (_, Ok(_)) => {}
            (_, Err(errors)) => wrong.push(format!("{}: {errors:?}", case.sql)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_function_operator_and_form_has_two_cases_at_least() {
    let tables = tables();
    let mut functions: BTreeMap<Function, usize> = BTreeMap::new();
    let mut forms: BTreeMap<String, usize> = BTreeMap::new();
    let mut count = 0;
    for case in cases().iter().filter(|case| matches!(case.kind, Kind::Scalar | Kind::Aggregate)) {
        count += 1;
        let mut form = |name: String| *forms.entry(name).or_default() += 1;
        compiled(case, &tables[&case.rows]).unwrap().visit(&mut |expr| match &expr.kind {
            ExprKind::Call(function, _) => *functions.entry(*function).or_default() += 1,
            ExprKind::Aggregate(aggregate) => *functions.entry(aggregate.function).or_default() += 1,
            ExprKind::Binary(operator, ..) => form(format!("{operator:?}")),
            ExprKind::Unary(operator, _) => form(format!("{operator:?}")),
            ExprKind::IsNull(_) => form("IsNull".to_owned()),
            ExprKind::InList(..) => form("InList".to_owned()),
            ExprKind::Like { ignore_case, .. } => form(format!("Like {ignore_case}")),
            ExprKind::Case { otherwise, .. } => form(format!("Case {}", otherwise.is_some())),
            ExprKind::Cast { strict, .. } => form(format!("Cast {strict}")),
            ExprKind::Literal(literal) => form(format!("{literal:?}").split(['(', ' ']).next().unwrap().to_owned()),
            // The language has no words for what stages learn.
            ExprKind::Column(_) | ExprKind::Fitted(_) | ExprKind::Learned { .. } => {}
        });
    }
    assert!(count >= 400, "{count}");
    let rare: Vec<Function> =
        Function::all().iter().copied().filter(|function| functions.get(function).is_none_or(|n| *n < 2)).collect();
    assert!(rare.is_empty(), "fewer than two cases: {rare:?}");
    // 15 operators, 2 signs, null, in, like and ilike, case with and without else, both casts, 10 kinds of literal.
    let rare: Vec<_> = forms.iter().filter(|(_, n)| **n < 2).collect();
    assert_eq!((forms.len(), rare.len()), (35, 0), "{forms:?}");
}
