//! A relation as a chain of common table expressions.
//!
//! Each step of the plan is one table expression. It is called after the stage whose rows it makes, as far as a tap tells,
//! and a part that several others read is printed once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Writer;
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::expression::{Expr, ExprKind, Function, SortKey};
use crate::relation::{AsofDirection, Join, JoinKind, Keep, NamedExpr, Relation};

/// The statement.
///
/// Errors: an expression that the dialect cannot express.
pub(super) fn print(relation: &Relation, writer: &dyn Writer) -> Result<String, EngineError> {
    let mut chain = Chain { writer, tables: Vec::new(), used: HashSet::new(), known: HashMap::new() };
    let last = chain.table(relation, "result")?;
    let tables: Vec<String> = chain
        .tables
        .iter()
        .map(|(name, body)| format!("{} AS (\n  {}\n)", writer.identifier(name), body.replace('\n', "\n  ")))
        .collect();
    Ok(format!("WITH {}\nSELECT * FROM {}", tables.join(",\n"), writer.identifier(&last)))
}

struct Chain<'a> {
    writer: &'a dyn Writer,
    tables: Vec<(String, String)>,
    used: HashSet<String>,
    /// Parts that are printed already, by their place in memory.
    known: HashMap<*const Relation, String>,
}

impl Chain<'_> {
    /// The name of the table expression that holds the rows; `stage` is the stage that they belong to.
    fn table(&mut self, relation: &Relation, stage: &str) -> Result<String, EngineError> {
        if let Relation::Tap { input, tap } = relation {
            return self.shared(input, &tap.stage);
        }
        let body = self.body(relation, stage)?;
        let name = self.fresh(stage);
        self.tables.push((name.clone(), body));
        Ok(name)
    }

    fn shared(&mut self, relation: &Arc<Relation>, stage: &str) -> Result<String, EngineError> {
        let place = Arc::as_ptr(relation);
        if let Some(name) = self.known.get(&place) {
            return Ok(name.clone());
        }
        let name = self.table(relation, stage)?;
        self.known.insert(place, name.clone());
        Ok(name)
    }

    fn fresh(&mut self, stage: &str) -> String {
        let mut name = stage.to_owned();
        let mut number = 1;
        while !self.used.insert(name.clone()) {
            number += 1;
            name = format!("{stage}_{number}");
        }
        name
    }

    fn input(&mut self, relation: &Arc<Relation>, stage: &str) -> Result<String, EngineError> {
        let name = self.shared(relation, stage)?;
        Ok(self.writer.identifier(&name))
    }

    fn name(&self, name: &str) -> String {
        self.writer.identifier(name)
    }

    fn names<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> String {
        names.into_iter().map(|name| self.name(name)).collect::<Vec<_>>().join(", ")
    }

    fn body(&mut self, relation: &Relation, stage: &str) -> Result<String, EngineError> {
        match relation {
            Relation::Scan(scan) => Ok(format!("SELECT * FROM {}", self.writer.scan(scan)?)),
            Relation::Tap { input, .. } => Ok(format!("SELECT * FROM {}", self.input(input, stage)?)),
            Relation::Project { input, columns } => {
                let ordered = columns.iter().any(|column| follows_order(&column.expr));
                let (from, order) = self.numbered(input, stage, ordered)?;
                let mut body = format!("SELECT\n  {}\nFROM {from}", self.columns(columns, order.as_deref())?);
                if let Some(order) = order {
                    // Windows leave the rows in their own order.
                    body.push_str(&format!("\nORDER BY {}", self.name(&order)));
                }
                Ok(body)
            }
            Relation::Filter { input, predicate } => {
                let from = self.input(input, stage)?;
                Ok(format!("SELECT * FROM {from}\nWHERE {}", self.writer.expression(predicate, None)?))
            }
            Relation::Join(join) => self.join(join, stage),
            Relation::Union { inputs } => {
                let names = self.names(relation.schema().names());
                let parts = inputs
                    .iter()
                    .map(|input| Ok(format!("SELECT {names} FROM {}", self.input(input, stage)?)))
                    .collect::<Result<Vec<_>, EngineError>>()?;
                Ok(parts.join("\nUNION ALL\n"))
            }
            Relation::Aggregate { input, keys, aggregates } => {
                let ordered = aggregates.iter().any(|column| follows_order(&column.expr));
                let (from, order) = self.numbered(input, stage, ordered)?;
                let all: Vec<NamedExpr> = keys.iter().chain(aggregates).cloned().collect();
                let mut body = format!("SELECT\n  {}\nFROM {from}", self.columns(&all, order.as_deref())?);
                if !keys.is_empty() {
                    let places: Vec<String> = (1..=keys.len()).map(|place| place.to_string()).collect();
                    body.push_str(&format!("\nGROUP BY {}", places.join(", ")));
                }
                Ok(body)
            }
            Relation::Deduplicate { input, keys, keep, order_by } => {
                self.deduplicate(input, keys, *keep, order_by, stage)
            }
            Relation::Sort { input, keys } => {
                let names = self.names(input.schema().names());
                let (from, order) = self.numbered(input, stage, true)?;
                let order = order.unwrap_or_default();
                let mut by = self.keys(keys)?;
                by.push(self.name(&order));
                Ok(format!("SELECT {names} FROM {from}\nORDER BY {}", by.join(", ")))
            }
            Relation::Limit { input, offset, rows } => {
                let from = self.input(input, stage)?;
                let offset = if *offset > 0 { format!(" OFFSET {offset}") } else { String::new() };
                Ok(format!("SELECT * FROM {from}\nLIMIT {rows}{offset}"))
            }
            Relation::Explode { input, columns, keep_empty } => {
                let from = self.input(input, stage)?;
                let names = input.schema();
                let printed = names.names().map(|column| {
                    let name = self.name(column);
                    match (columns.iter().any(|exploded| exploded == column), keep_empty) {
                        (false, _) => name,
                        (true, false) => format!("unnest({name}) AS {name}"),
                        (true, true) => {
                            format!("unnest(CASE WHEN len({name}) > 0 THEN {name} ELSE [NULL] END) AS {name}")
                        }
                    }
                });
                Ok(format!("SELECT {} FROM {from}", printed.collect::<Vec<_>>().join(", ")))
            }
            Relation::Learning { rows, .. } => Ok(format!("SELECT * FROM {}", self.input(rows, stage)?)),
            Relation::RowIndex { input, name } => {
                let from = self.input(input, stage)?;
                Ok(format!("SELECT {} AS {}, * FROM {from}", self.writer.row_index(), self.name(name)))
            }
        }
    }

    fn columns(&self, columns: &[NamedExpr], order: Option<&str>) -> Result<String, EngineError> {
        let printed = columns
            .iter()
            .map(|column| {
                let value = self.writer.expression(&column.expr, order)?;
                let name = self.name(&column.name);
                Ok(if value == name { name } else { format!("{value} AS {name}") })
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        Ok(printed.join(",\n  "))
    }

    /// The input and, when `wanted`, the name of one more column that numbers its rows.
    fn numbered(
        &mut self,
        input: &Arc<Relation>,
        stage: &str,
        wanted: bool,
    ) -> Result<(String, Option<String>), EngineError> {
        let from = self.input(input, stage)?;
        if !wanted {
            return Ok((from, None));
        }
        let schema = input.schema();
        let mut number = "row_index".to_owned();
        while schema.contains(&number) {
            number.push('_');
        }
        let numbered = format!("(SELECT *, {} AS {} FROM {from})", self.writer.row_index(), self.name(&number));
        Ok((numbered, Some(number)))
    }

    fn keys(&self, keys: &[SortKey]) -> Result<Vec<String>, EngineError> {
        keys.iter()
            .map(|key| {
                let direction = if key.descending { "DESC" } else { "ASC" };
                let nulls = if key.nulls_first { "FIRST" } else { "LAST" };
                Ok(format!("{} {direction} NULLS {nulls}", self.writer.expression(&key.expr, None)?))
            })
            .collect()
    }

    fn deduplicate(
        &mut self,
        input: &Arc<Relation>,
        keys: &[String],
        keep: Keep,
        order_by: &[SortKey],
        stage: &str,
    ) -> Result<String, EngineError> {
        let names = self.names(input.schema().names());
        let (from, order) = self.numbered(input, stage, true)?;
        let order = self.name(&order.unwrap_or_default());
        let partition = if keys.is_empty() {
            String::new()
        } else {
            format!("PARTITION BY {}", self.names(keys.iter().map(String::as_str)))
        };
        let chosen = match keep {
            Keep::None => format!("count(*) OVER ({partition}) = 1"),
            Keep::First | Keep::Any | Keep::Last => {
                let last = keep == Keep::Last;
                // The last one is the first one of the opposite order.
                let turned: Vec<SortKey> = order_by
                    .iter()
                    .map(|key| SortKey {
                        expr: key.expr.clone(),
                        descending: key.descending != last,
                        nulls_first: key.nulls_first != last,
                    })
                    .collect();
                let mut by = self.keys(&turned)?;
                by.push(format!("{order}{}", if last { " DESC" } else { "" }));
                format!("row_number() OVER ({partition} ORDER BY {}) = 1", by.join(", "))
            }
        };
        Ok(format!("SELECT {names} FROM {from}\nQUALIFY {chosen}\nORDER BY {order}"))
    }

    fn join(&mut self, join: &Join, stage: &str) -> Result<String, EngineError> {
        let (left, right) = (self.input(&join.left, stage)?, self.input(&join.right, stage)?);
        let taken: Vec<String> =
            join.take.iter().map(|(from, to)| format!("r.{} AS {}", self.name(from), self.name(to))).collect();
        let left_columns = join.left.schema();
        let key_of = |column: &str| join.on.iter().find(|(left, _)| left == column).map(|(_, right)| right);
        let columns: Vec<String> = left_columns
            .names()
            .map(|column| {
                let name = self.name(column);
                match (key_of(column), join.kind) {
                    (Some(key), JoinKind::Right) => format!("r.{} AS {name}", self.name(key)),
                    (Some(key), JoinKind::Full) => format!("coalesce(l.{name}, r.{}) AS {name}", self.name(key)),
                    _ => format!("l.{name}"),
                }
            })
            .chain(taken)
            .collect();
        let columns = columns.join(", ");
        let mut on: Vec<String> =
            join.on.iter().map(|(left, right)| format!("l.{} = r.{}", self.name(left), self.name(right))).collect();
        let kind = match join.kind {
            JoinKind::Inner => "JOIN",
            JoinKind::Left => "LEFT JOIN",
            JoinKind::Right => "RIGHT JOIN",
            JoinKind::Full => "FULL JOIN",
            JoinKind::Semi => "SEMI JOIN",
            JoinKind::Anti => "ANTI JOIN",
            JoinKind::Cross => "CROSS JOIN",
            JoinKind::Asof => "ASOF LEFT JOIN",
        };
        if join.kind == JoinKind::Cross {
            return Ok(format!("SELECT {columns}\nFROM {left} AS l CROSS JOIN {right} AS r"));
        }
        if join.kind == JoinKind::Asof {
            let asof = join.asof.as_ref().ok_or_else(|| refuse("an asof join needs the columns that it compares"))?;
            let (from, to) = (self.name(&asof.left), self.name(&asof.right));
            match asof.direction {
                AsofDirection::Backward => on.push(format!("l.{from} >= r.{to}")),
                AsofDirection::Forward => on.push(format!("l.{from} <= r.{to}")),
                AsofDirection::Nearest => {
                    let number =
                        |value: String| if is_moment(join, &asof.left) { format!("epoch_us({value})") } else { value };
                    let distance = format!("abs({} - {})", number(format!("l.{from}")), number(format!("r.{to}")));
                    on.push(format!("l.{from} IS NOT NULL AND r.{to} IS NOT NULL"));
                    return Ok(format!(
                        "SELECT {columns}\nFROM {left} AS l LEFT JOIN LATERAL (\n  SELECT * FROM {right} AS r\n  WHERE {}\n  ORDER BY {distance}, r.{to} DESC LIMIT 1\n) AS r ON TRUE",
                        on.join(" AND ")
                    ));
                }
            }
        }
        if on.is_empty() {
            return Err(refuse("a join needs columns to join on"));
        }
        Ok(format!("SELECT {columns}\nFROM {left} AS l {kind} {right} AS r\n  ON {}", on.join(" AND ")))
    }
}

fn is_moment(join: &Join, column: &str) -> bool {
    join.left.schema().data_type(column).is_some_and(crate::expression::DataType::is_temporal)
}

/// Whether a value follows the order of the rows: windows and the aggregates that look at it.
fn follows_order(expr: &Expr) -> bool {
    let mut found = false;
    expr.visit(&mut |expr| {
        if let ExprKind::Aggregate(aggregate) = &expr.kind {
            found |= aggregate.over.is_some()
                || matches!(
                    aggregate.function,
                    Function::First
                        | Function::Last
                        | Function::AnyValue
                        | Function::List
                        | Function::StringAgg
                        | Function::ArgMin
                        | Function::ArgMax
                );
        }
    });
    found
}

fn refuse(message: &str) -> EngineError {
    EngineError::new(Class::Definition, message)
}
