//! Every case of `tests/cases/expressions` gives the rows that DuckDB gave for the SQL that is printed for it.
//!
//! `tests/oracle/expressions_duckdb.py` runs the printed SQL (`expected/duckdb.json`) and stores the rows beside it. After a change
//! of the cases or of the printer, `GRISTMILL_BLESS=1 cargo test` writes `duckdb.json` anew; then the script is run.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use gristmill::engine::sql::{Dialect, print_expression_in_order};
use gristmill::engine::{Engine, EngineError, Execution};
use gristmill::expression::{Expr, ExprKind, Function, Schema, compile_aggregate_by, compile_scalar};
use gristmill::relation::{NamedExpr, Relation};
use serde_json::{Map, Value, json};

use crate::oracle::{Tables, folder, read, rows_and_types, same};

const FILES: [&str; 11] =
    ["operators", "conditional", "math", "string", "regex", "temporal", "cast", "list", "hash", "aggregate", "window"];

struct Case {
    rows: String,
    kind: String,
    sql: String,
    group_by: Vec<String>,
}

impl Case {
    fn id(&self) -> String {
        let by = if self.group_by.is_empty() { String::new() } else { format!(" by {}", self.group_by.join(", ")) };
        format!("{}: {}{by}", self.rows, self.sql)
    }

    fn compile(&self, schema: &Schema) -> Expr {
        let keys: Vec<&str> = self.group_by.iter().map(String::as_str).collect();
        let compiled = match self.kind.as_str() {
            "aggregate" => compile_aggregate_by(&self.sql, schema, &keys),
            _ => compile_scalar(&self.sql, schema),
        };
        compiled.unwrap_or_else(|errors| panic!("{}: {errors:?}", self.id()))
    }
}

fn cases(file: &str) -> Vec<Case> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = read(&format!("expressions/{file}.json"));
    list.as_array()
        .unwrap()
        .iter()
        .map(|case| Case {
            rows: text(&case["rows"]),
            kind: text(&case["kind"]),
            sql: text(&case["sql"]),
            group_by: case["group_by"].as_array().into_iter().flatten().map(text).collect(),
        })
        .filter(|case| case.kind != "error")
        .collect()
}

impl Tables {
    fn schema(&self, case: &Case) -> &Schema {
        &self.scans[&case.rows].schema
    }

    /// The columns beside which values stand: the number of the row, or the keys.
    fn beside(&self, case: &Case) -> Vec<String> {
        match case.kind.as_str() {
            "aggregate" => case.group_by.clone(),
            _ if self.schema(case).contains("n") => vec!["n".to_owned()],
            _ => Vec::new(),
        }
    }

    fn relation(&self, case: &Case) -> Relation {
        let input = Arc::new(Relation::Scan(self.scans[&case.rows].clone()));
        let expr = case.compile(self.schema(case));
        let beside: Vec<NamedExpr> = self
            .beside(case)
            .into_iter()
            .map(|name| {
                let data_type = self.schema(case).data_type(&name).unwrap().clone();
                NamedExpr { expr: Expr::column(&name, data_type), name }
            })
            .collect();
        let value = NamedExpr { name: "v".to_owned(), expr };
        match case.kind.as_str() {
            "aggregate" => Relation::Aggregate { input, keys: beside, aggregates: vec![value] },
            _ => Relation::Project { input, columns: beside.into_iter().chain([value]).collect() },
        }
    }

    fn run(&self, case: &Case) -> Result<Vec<RecordBatch>, EngineError> {
        self.engine.collect(&self.relation(case), &Execution::default())
    }

    fn statement(&self, case: &Case) -> Result<String, EngineError> {
        let expr = case.compile(self.schema(case));
        let quoted: Vec<String> = self.beside(case).iter().map(|name| format!("\"{name}\"")).collect();
        let order = if self.schema(case).contains("n") { "n" } else { "x" };
        let value = print_expression_in_order(&expr, order, Dialect::DuckDb)?;
        let columns: Vec<String> = quoted.iter().cloned().chain([format!("{value} AS \"v\"")]).collect();
        let mut statement = format!("SELECT {} FROM \"{}\"", columns.join(", "), case.rows);
        if case.kind == "aggregate" && !quoted.is_empty() {
            statement.push_str(&format!(" GROUP BY {}", quoted.join(", ")));
        }
        Ok(statement)
    }
}

/// What is wrong with the rows of a case, if anything.
fn difference(tables: &Tables, case: &Case, expected: &Value) -> Option<String> {
    let batches = match tables.run(case) {
        Ok(batches) => batches,
        Err(error) => return Some(format!("failed: {error}")),
    };
    let (mut rows, types) = rows_and_types(&batches);
    let name = types.last().cloned().unwrap_or_default();
    if case.kind == "aggregate" {
        // Groups come in no order; keys of the cases are texts and integers.
        rows.sort_by_key(|row| row.iter().take(case.group_by.len()).map(ToString::to_string).collect::<Vec<_>>());
    }
    let wanted_type = expected["type"].as_str().unwrap();
    if !rows.is_empty() && name != wanted_type && wanted_type != "\"NULL\"" {
        return Some(format!("type {name}, not {wanted_type}"));
    }
    let wanted: Vec<Value> = expected["rows"].as_array().unwrap().clone();
    let found: Vec<Value> = rows.into_iter().map(Value::Array).collect();
    let float = wanted_type.starts_with("DOUBLE") || wanted_type.starts_with("FLOAT");
    let estimate = case.sql.contains("approx");
    if found.len() != wanted.len() {
        return Some(format!("{} rows, not {}", found.len(), wanted.len()));
    }
    let beside = tables.beside(case).len();
    for (found, wanted) in found.iter().zip(&wanted) {
        let (found, wanted) = (found.as_array().unwrap(), wanted.as_array().unwrap());
        let keys = found.iter().zip(wanted).take(beside).all(|(f, w)| f == w);
        let value = same(&found[beside], &wanted[beside], float, estimate);
        if !keys || !value {
            return Some(format!("{} is not {}", Value::from(found.clone()), Value::from(wanted.clone())));
        }
    }
    None
}

fn check(file: &str) {
    let tables = Tables::new();
    let expected = read(&format!("expressions/expected/{file}.json"));
    let mut wrong = Vec::new();
    for case in cases(file) {
        let problem = match (case.kind.as_str(), expected.get(case.id())) {
            ("failure", _) => match tables.run(&case) {
                Ok(_) => Some("did not fail".to_owned()),
                Err(_) => None,
            },
            // What DuckDB's dialect cannot express has no row of the oracle.
            (_, None) if tables.statement(&case).is_err() => None,
            (_, None) => Some("no expected rows: run tests/oracle/expressions_duckdb.py".to_owned()),
            (_, Some(expected)) => difference(&tables, &case, expected),
        };
        if let Some(problem) = problem {
            wrong.push(format!("{}\n    {problem}", case.id()));
        }
    }
    assert!(wrong.is_empty(), "{} cases of {file} differ:\n{}", wrong.len(), wrong.join("\n"));
}

macro_rules! agree {
    ($($test:ident: $file:literal,)*) => {
        $(
            #[test]
            fn $test() {
                check($file);
            }
        )*
    };
}

agree! {
    operators_agree_with_duckdb: "operators",
    choices_agree_with_duckdb: "conditional",
    math_agrees_with_duckdb: "math",
    text_agrees_with_duckdb: "string",
    regular_expressions_agree_with_duckdb: "regex",
    dates_and_times_agree_with_duckdb: "temporal",
    casts_agree_with_duckdb: "cast",
    lists_agree_with_duckdb: "list",
    hashes_agree_with_duckdb: "hash",
    aggregates_agree_with_duckdb: "aggregate",
    windows_agree_with_duckdb: "window",
}

#[test]
fn the_stored_sql_is_what_is_printed() {
    let tables = Tables::new();
    let printed: Map<String, Value> = FILES
        .iter()
        .map(|file| {
            let statements: Map<String, Value> = cases(file)
                .iter()
                .map(|case| {
                    let statement = match tables.statement(case) {
                        Ok(sql) => json!({"kind": case.kind, "keys": tables.beside(case).len(), "sql": sql}),
                        Err(error) => json!({"refused": error.to_string()}),
                    };
                    (case.id(), statement)
                })
                .collect();
            ((*file).to_owned(), Value::Object(statements))
        })
        .collect();
    let printed = serde_json::to_string_pretty(&printed).unwrap() + "\n";
    let path = folder("expressions").join("expected/duckdb.json");
    if std::env::var_os("GRISTMILL_BLESS").is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == printed, "the printed SQL has changed: see the head of this file");
}

#[test]
fn every_function_has_a_case() {
    let tables = Tables::new();
    let mut seen = BTreeSet::new();
    for case in FILES.iter().flat_map(|file| cases(file)) {
        case.compile(tables.schema(&case)).visit(&mut |expr| match &expr.kind {
            ExprKind::Call(function, _) => _ = seen.insert(*function),
            ExprKind::Aggregate(aggregate) => _ = seen.insert(aggregate.function),
            _ => {}
        });
    }
    let unseen: Vec<&Function> = Function::all().iter().filter(|function| !seen.contains(function)).collect();
    assert!(unseen.is_empty(), "no case for {unseen:?}");
}

#[test]
fn a_failure_names_the_value() {
    let tables = Tables::new();
    let failure = |rows: &str, sql: &str| {
        let case = Case { rows: rows.into(), kind: "failure".into(), sql: sql.into(), group_by: Vec::new() };
        tables.run(&case).unwrap_err().message
    };
    assert_eq!(failure("edges", "i + 1"), "integer overflow: 9223372036854775807 + 1 does not fit int64");
    assert_eq!(failure("texts", "cast(i as bigint)"), "'5.7' cannot be cast to int64");
    assert_eq!(failure("numbers", "cast(f as bigint)"), "'NaN' cannot be cast to int64");
    assert_eq!(failure("texts", "strptime(d, '%Y-%m-%d')"), "'2013-02-30' does not fit the layout '%Y-%m-%d'");
    let narrow = failure("numbers", "cast(i as tinyint)");
    assert!(narrow.contains("1000000007") && narrow.contains("int8"), "{narrow}");
}

/// What `case`, `if`, `coalesce`, `and` and `or` do not look at is not computed, so it cannot fail.
#[test]
fn what_is_not_looked_at_does_not_fail() {
    let tables = Tables::new();
    let cases = [
        ("texts", "case when i ~ '^[+-]?[0-9]{1,9}$' then cast(i as bigint) end"),
        ("texts", "case when not (i ~ '^[+-]?[0-9]{1,9}$') then 0 else cast(i as bigint) end"),
        ("texts", "if(i ~ '^[+-]?[0-9]{1,9}$', cast(i as bigint), null)"),
        ("texts", "i ~ '^[+-]?[0-9]{1,9}$' and cast(i as bigint) > 0"),
        ("texts", "not (i ~ '^[+-]?[0-9]{1,9}$') or cast(i as bigint) > 0"),
        ("texts", "coalesce(try_cast(i as bigint), 0)"),
        ("edges", "coalesce(nullif(i > 0, false), i + 1 > 0)"),
        ("edges", "case when i < 5 then i + 5 else 0 end"),
        ("edges", "case when i is null then 0 when i > 5 then 1 else abs(i + 1) end"),
    ];
    for (rows, sql) in cases {
        let case = Case { rows: rows.into(), kind: "scalar".into(), sql: sql.into(), group_by: Vec::new() };
        if let Err(error) = tables.run(&case) {
            panic!("{sql}: {error}");
        }
    }
}
